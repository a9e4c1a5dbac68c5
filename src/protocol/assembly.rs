//! A message that did not arrive whole in one frame and one read.

use bytes::BytesMut;

use super::ProtocolError;
use crate::{
    buffer::{BufferPool, SLACK},
    frame::Opcode,
    message::{MessageRef, WebSocketMessage},
    simd::{Kernels, Mask, Utf8Buffer},
};

/// Collects the payload of one message, unmasked and checked as it arrives.
///
/// Memory grows with what has arrived, never with what was announced.
#[derive(Debug)]
pub(super) struct Assembly {
    pool: BufferPool,
    message: Collected,
}

#[derive(Debug)]
enum Collected {
    Nothing,
    Text(Utf8Buffer),
    Binary(BytesMut),
}

impl Assembly {
    pub(super) fn new(pool: BufferPool) -> Self {
        Self { pool, message: Collected::Nothing }
    }

    /// Starts a message of `opcode`, [`Opcode::Text`] or [`Opcode::Binary`].
    pub(super) fn begin(&mut self, opcode: Opcode) {
        let storage = match std::mem::replace(&mut self.message, Collected::Nothing) {
            Collected::Nothing => self.pool.take_storage(),
            Collected::Text(text) => text.into_storage(),
            Collected::Binary(bytes) => bytes,
        };
        self.message = if opcode == Opcode::Text {
            Collected::Text(Utf8Buffer::new(storage))
        } else {
            let mut bytes = storage;
            bytes.clear();
            Collected::Binary(bytes)
        };
    }

    /// Adds the next piece, unmasked on its way.
    pub(super) fn push(
        &mut self,
        kernels: &Kernels,
        piece: &mut [u8],
        mask: Mask,
    ) -> Result<(), ProtocolError> {
        match &mut self.message {
            Collected::Text(text) => text.push(kernels, piece, mask)?,
            Collected::Binary(bytes) => {
                kernels.mask(piece, mask);
                bytes.extend_from_slice(piece);
            }
            Collected::Nothing => {}
        }
        Ok(())
    }

    /// The finished message, to be read until the next one begins.
    pub(super) fn message_ref(&mut self) -> Result<MessageRef<'_>, ProtocolError> {
        match &mut self.message {
            Collected::Text(text) => Ok(MessageRef::Text(text.text_mut()?)),
            Collected::Binary(bytes) => {
                let len = bytes.len();
                bytes.resize(len + SLACK, 0);
                Ok(MessageRef::Binary(&mut bytes[..len]))
            }
            Collected::Nothing => Ok(MessageRef::Binary(&mut [])),
        }
    }

    /// Takes the finished message out.
    pub(super) fn take(&mut self) -> Result<WebSocketMessage, ProtocolError> {
        match &mut self.message {
            Collected::Text(text) => Ok(WebSocketMessage::Text(text.take()?)),
            Collected::Binary(bytes) => Ok(WebSocketMessage::Binary(bytes.split().freeze())),
            Collected::Nothing => Ok(WebSocketMessage::Binary(bytes::Bytes::new())),
        }
    }

    /// Gives the memory back to the pool, with what is in it.
    pub(super) fn release(&mut self) {
        match std::mem::replace(&mut self.message, Collected::Nothing) {
            Collected::Nothing => {}
            Collected::Text(text) => self.pool.put_storage(text.into_storage()),
            Collected::Binary(bytes) => self.pool.put_storage(bytes),
        }
    }

    pub(super) fn holds_memory(&self) -> bool {
        !matches!(self.message, Collected::Nothing)
    }
}

impl Drop for Assembly {
    fn drop(&mut self) {
        self.release();
    }
}
