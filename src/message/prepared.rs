//! A message that is encoded once and sent to many.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    frame::{FrameHeader, MAX_HEADER_LEN, Opcode},
    simd::Utf8Bytes,
};

/// A text or binary message encoded once, for any number of connections.
///
/// A server's frames are not masked, so every client gets the same bytes: they
/// are queued by reference, neither encoded nor copied again. A client has to
/// mask, and so copies the payload like that of any other message.
///
/// ```
/// let tick = wirespeed::PreparedMessage::text(r#"{"bid":"25.35"}"#);
/// let copy = tick.clone(); // a reference count
/// assert_eq!(copy.payload(), tick.payload());
/// ```
#[derive(Debug, Clone)]
pub struct PreparedMessage {
    opcode: Opcode,
    frame: Bytes,
    header_len: usize,
}

impl PreparedMessage {
    /// A text message.
    pub fn text(text: impl Into<Utf8Bytes>) -> Self {
        Self::encode(Opcode::Text, text.into().as_bytes())
    }

    /// A binary message.
    pub fn binary(payload: impl AsRef<[u8]>) -> Self {
        Self::encode(Opcode::Binary, payload.as_ref())
    }

    fn encode(opcode: Opcode, payload: &[u8]) -> Self {
        let header = FrameHeader::new(opcode, payload.len() as u64).encode();
        let mut frame = BytesMut::with_capacity(MAX_HEADER_LEN + payload.len());
        frame.put_slice(&header);
        frame.put_slice(payload);
        Self { opcode, frame: frame.freeze(), header_len: header.len() }
    }

    /// The payload.
    pub fn payload(&self) -> &[u8] {
        &self.frame[self.header_len..]
    }

    /// The whole unmasked frame.
    pub(crate) fn frame(&self) -> &Bytes {
        &self.frame
    }

    /// [`Opcode::Text`] or [`Opcode::Binary`].
    pub fn opcode(&self) -> Opcode {
        self.opcode
    }
}
