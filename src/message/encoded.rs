//! A frame that is encoded once for any number of connections.

use bytes::{BufMut, Bytes, BytesMut};

use crate::frame::{FrameHeader, MAX_HEADER_LEN};

/// An unmasked frame; to clone it costs a reference count.
#[derive(Debug, Clone)]
pub(crate) struct EncodedFrame {
    header: FrameHeader,
    bytes: Bytes,
    header_len: usize,
}

impl EncodedFrame {
    /// `header` is brought to the payload's length.
    pub(super) fn new(header: FrameHeader, payload: &[u8]) -> Self {
        let header = FrameHeader { payload_len: payload.len() as u64, ..header };
        let encoded = header.encode();
        let mut bytes = BytesMut::with_capacity(MAX_HEADER_LEN + payload.len());
        bytes.put_slice(&encoded);
        bytes.put_slice(payload);
        Self { header, bytes: bytes.freeze(), header_len: encoded.len() }
    }

    pub(crate) fn header(&self) -> FrameHeader {
        self.header
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.bytes[self.header_len..]
    }

    /// Header and payload.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }
}
