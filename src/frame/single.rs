//! One frame on its own, for tools and tests.

use std::io::Read;

use bytes::Bytes;

use super::{FrameError, FrameHeader, FrameReadError, MAX_HEADER_LEN, Opcode};
use crate::simd::{Kernels, Mask};

/// A frame with its payload, the payload unmasked.
///
/// A connection does not use this type: it judges a header before the payload
/// is there and leaves the payload where it was received.
///
/// ```
/// use wirespeed::{Opcode, WebSocketFrame};
///
/// let frame = WebSocketFrame { mask: Some([1, 2, 3, 4]), ..WebSocketFrame::text("hello") };
/// let wire = frame.encode();
/// assert_eq!(WebSocketFrame::decode(&mut wire.as_slice()).unwrap(), frame);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSocketFrame {
    /// Whether the frame ends its message.
    pub fin: bool,
    /// What the frame carries.
    pub opcode: Opcode,
    /// The key to mask with, or that the payload was masked with.
    pub mask: Option<[u8; 4]>,
    /// The payload, unmasked.
    pub payload: Bytes,
}

impl WebSocketFrame {
    /// The payload that [`decode`](Self::decode) accepts at most: 16 MiB.
    pub const DECODE_LIMIT: u64 = 16 << 20;

    /// A text message in one unmasked frame.
    pub fn text(text: impl Into<crate::Utf8Bytes>) -> Self {
        let payload = text.into().into_bytes();
        Self { fin: true, opcode: Opcode::Text, mask: None, payload }
    }

    /// A binary message in one unmasked frame.
    pub fn binary(payload: impl Into<Bytes>) -> Self {
        Self { fin: true, opcode: Opcode::Binary, mask: None, payload: payload.into() }
    }

    /// The frame as it goes over the wire.
    ///
    /// It is written as it is, though [`decode`](Self::decode) refuses control frames
    /// that are fragmented or longer than 125 bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut wire = Vec::with_capacity(MAX_HEADER_LEN + self.payload.len());
        self.encode_into(&mut wire);
        wire
    }

    /// Appends the frame as it goes over the wire to `wire`, as
    /// [`encode`](Self::encode).
    pub fn encode_into(&self, wire: &mut Vec<u8>) {
        let header = FrameHeader {
            fin: self.fin,
            rsv1: false,
            opcode: self.opcode,
            mask: self.mask,
            payload_len: self.payload.len() as u64,
        };
        wire.extend_from_slice(&header.encode());
        let start = wire.len();
        wire.extend_from_slice(&self.payload);
        if let Some(key) = self.mask {
            Kernels::active().mask(&mut wire[start..], Mask::new(key));
        }
    }

    /// Reads one frame, with a payload of at most [`DECODE_LIMIT`](Self::DECODE_LIMIT).
    ///
    /// # Errors
    ///
    /// [`FrameReadError`] if the reader fails or ends before the frame does, if the
    /// frame breaks a rule that needs no connection to be judged, or if it is
    /// longer than the limit. A reader that has nothing left is one that ends too
    /// early, [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof).
    pub fn decode(reader: &mut impl Read) -> Result<Self, FrameReadError> {
        Self::decode_limited(reader, Self::DECODE_LIMIT)
    }

    /// Reads one frame with a payload of at most `limit` bytes. Memory grows
    /// with what arrives, never with what is announced.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn decode_limited(reader: &mut impl Read, limit: u64) -> Result<Self, FrameReadError> {
        let header = read_header(reader)?;
        if header.rsv1 {
            return Err(FrameError::ReservedBits { bits: 0b100 }.into());
        }
        if header.payload_len > limit {
            return Err(FrameReadError::TooLong { len: header.payload_len, limit });
        }
        let mut payload = Vec::new();
        reader.take(header.payload_len).read_to_end(&mut payload)?;
        if (payload.len() as u64) < header.payload_len {
            return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
        }
        if let Some(key) = header.mask {
            Kernels::active().mask(&mut payload, Mask::new(key));
        }
        Ok(Self {
            fin: header.fin,
            opcode: header.opcode,
            mask: header.mask,
            payload: payload.into(),
        })
    }
}

// Byte by byte: the reader may hold the next frame, which is not ours to take.
fn read_header(reader: &mut impl Read) -> Result<FrameHeader, FrameReadError> {
    let mut bytes = [0; MAX_HEADER_LEN];
    let mut len = 0;
    loop {
        reader.read_exact(&mut bytes[len..=len])?;
        len += 1;
        if let Some((header, _)) = FrameHeader::decode(&bytes[..len])? {
            return Ok(header);
        }
    }
}
