//! A message that does not lie whole and plain in one frame of one read.

use super::ProtocolError;
use crate::{
    buffer::{BY_REFERENCE, BufferPool, GrowBuffer},
    frame::Opcode,
    message::{MessageRef, WebSocketMessage},
    simd::{Kernels, Mask, Utf8Buffer, Utf8Error},
};

/// From this size on, in bytes, what is left of a message's memory when it is taken out
/// is not used again: it would keep the whole of it alive.
const LARGE: usize = 64 << 10;

/// A message is copied out of memory that is so many times as large: it would keep all
/// of that alive.
const MUCH_LARGER: usize = 4;

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
    Binary(GrowBuffer),
}

impl Collected {
    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }

    fn capacity(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::Text(text) => text.capacity(),
            Self::Binary(bytes) => bytes.capacity(),
        }
    }
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
            Collected::Binary(bytes) => bytes.into_storage(),
        };
        self.message = if opcode == Opcode::Text {
            Collected::Text(Utf8Buffer::new(storage))
        } else {
            Collected::Binary(GrowBuffer::new(storage))
        };
    }

    /// Adds the next piece, unmasked on its way.
    #[inline]
    pub(super) fn push(
        &mut self,
        kernels: &Kernels,
        piece: &[u8],
        mask: Mask,
    ) -> Result<(), Utf8Error> {
        match &mut self.message {
            Collected::Text(text) => return text.push(kernels, piece, mask),
            Collected::Binary(bytes) => bytes.push(kernels, piece, mask),
            Collected::Nothing => {}
        }
        Ok(())
    }

    /// Room behind what is collected, for an inflater to write to.
    #[cfg(feature = "deflate")]
    pub(super) fn spare(&mut self, len: usize) -> &mut [u8] {
        match &mut self.message {
            Collected::Text(text) => text.spare(len),
            Collected::Binary(bytes) => bytes.spare(len),
            Collected::Nothing => &mut [],
        }
    }

    /// Takes over the first `len` bytes of [`spare`](Self::spare).
    #[cfg(feature = "deflate")]
    pub(super) fn commit(&mut self, kernels: &Kernels, len: usize) -> Result<(), ProtocolError> {
        match &mut self.message {
            Collected::Text(text) => text.commit(kernels, len)?,
            Collected::Binary(bytes) => bytes.commit(len),
            Collected::Nothing => {}
        }
        Ok(())
    }

    /// Forgets what is collected of the message; it goes on in the same memory.
    #[cfg(feature = "deflate")]
    pub(super) fn forget(&mut self) {
        if let Collected::Binary(bytes) = &mut self.message {
            bytes.clear();
        }
    }

    /// The finished message, to be read until the next one begins. It is lent once:
    /// a text is gone from here then.
    pub(super) fn message_ref(&mut self) -> Result<MessageRef<'_>, ProtocolError> {
        match &mut self.message {
            Collected::Text(text) => Ok(MessageRef::Text(text.text_mut()?)),
            Collected::Binary(bytes) => Ok(MessageRef::Binary(bytes.padded())),
            Collected::Nothing => Ok(MessageRef::Binary(&mut [])),
        }
    }

    /// What is collected of a message that is handed out in pieces.
    #[cfg(feature = "deflate")]
    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        match &mut self.message {
            Collected::Binary(bytes) => bytes.padded(),
            Collected::Text(_) | Collected::Nothing => &mut [],
        }
    }

    /// Takes the finished message out: copied if it is short or the memory much larger,
    /// so that it keeps little more than its own size alive and the memory stays for
    /// the next one.
    pub(super) fn take(&mut self) -> Result<WebSocketMessage, ProtocolError> {
        let len = self.message.len();
        if len < BY_REFERENCE || self.message.capacity() / MUCH_LARGER >= len {
            return Ok(self.message_ref()?.to_message());
        }
        let taken = match &mut self.message {
            Collected::Text(text) => WebSocketMessage::Text(text.take()?),
            Collected::Binary(bytes) => WebSocketMessage::Binary(bytes.take()),
            Collected::Nothing => WebSocketMessage::Binary(bytes::Bytes::new()),
        };
        if len >= LARGE {
            self.message = Collected::Nothing;
        }
        Ok(taken)
    }

    /// Gives the memory back to the pool, with what is in it.
    pub(super) fn release(&mut self) {
        match std::mem::replace(&mut self.message, Collected::Nothing) {
            Collected::Nothing => {}
            Collected::Text(text) => self.pool.put_storage(text.into_storage()),
            Collected::Binary(bytes) => self.pool.put_storage(bytes.into_storage()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_a_borrowed_message_made_large_is_not_kept_alive_by_short_ones() {
        let collect = |assembly: &mut Assembly, opcode, len| {
            assembly.begin(opcode);
            assembly.push(Kernels::active(), &vec![b'x'; len], Mask::NONE).unwrap();
        };
        for opcode in [Opcode::Text, Opcode::Binary] {
            for len in [5_000, 50_000, 200_000] {
                let mut assembly = Assembly::new(BufferPool::new(1 << 10, 4));
                collect(&mut assembly, opcode, 1 << 20);
                assembly.message_ref().unwrap();
                collect(&mut assembly, opcode, len);
                let message = assembly.take().unwrap().into_bytes();
                drop(assembly);
                let kept = message.try_into_mut().unwrap().capacity();
                assert!(kept <= MUCH_LARGER * len, "{opcode:?}: {kept} for {len}");
            }
        }
    }
}
