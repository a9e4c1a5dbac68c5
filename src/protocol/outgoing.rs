//! What can be written in one call.

use bytes::Bytes;

use super::{Compress, SendError, Sender};
use crate::{
    message::{MessageRef, PreparedMessage, WebSocketMessage},
    simd::Utf8Bytes,
};

/// What can be written to a connection as one message: a [`WebSocketMessage`],
/// alone or with a [`Compress`], a [`MessageRef`], text, bytes, or
/// a [`PreparedMessage`], each by
/// the cheapest way there is for it. What is borrowed is copied into the write
/// queue and nowhere else.
pub trait Outgoing: sealed::Sealed {
    /// The payload's length in bytes, for which there has to be room.
    fn payload_len(&self) -> usize;

    /// Queues it.
    ///
    /// # Errors
    ///
    /// As [`Sender::write`].
    fn write_to(self, sender: &mut Sender) -> Result<(), SendError>;
}

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for WebSocketMessage {}

impl Outgoing for WebSocketMessage {
    fn payload_len(&self) -> usize {
        self.as_bytes().len()
    }

    fn write_to(self, sender: &mut Sender) -> Result<(), SendError> {
        sender.write(self)
    }
}

/// Compressed or not, as the caller says.
impl Outgoing for (WebSocketMessage, Compress) {
    fn payload_len(&self) -> usize {
        self.0.as_bytes().len()
    }

    fn write_to(self, sender: &mut Sender) -> Result<(), SendError> {
        sender.write_with(self.0, self.1)
    }
}

impl sealed::Sealed for (WebSocketMessage, Compress) {}

impl sealed::Sealed for MessageRef<'_> {}

/// A message that was received, to be sent on.
impl Outgoing for MessageRef<'_> {
    #[inline]
    fn payload_len(&self) -> usize {
        self.as_bytes().len()
    }

    #[inline]
    fn write_to(self, sender: &mut Sender) -> Result<(), SendError> {
        match self {
            Self::Text(text) => sender.write_text(&text),
            Self::Binary(bytes) => sender.write_binary(bytes),
            Self::Ping(payload) => sender.write_ping(payload),
            Self::Pong(payload) => sender.write_pong(payload),
            Self::Close(code, reason) => sender.write_close(code, reason),
        }
    }
}

impl sealed::Sealed for &PreparedMessage {}

impl Outgoing for &PreparedMessage {
    fn payload_len(&self) -> usize {
        self.payload().len()
    }

    fn write_to(self, sender: &mut Sender) -> Result<(), SendError> {
        sender.write_prepared(self)
    }
}

/// Text and bytes, borrowed and owned.
macro_rules! outgoing {
    ($($type:ty, |$value:ident, $sender:ident| $write:expr;)*) => {$(
        impl sealed::Sealed for $type {}

        impl Outgoing for $type {
            fn payload_len(&self) -> usize {
                self.len()
            }

            fn write_to(self, $sender: &mut Sender) -> Result<(), SendError> {
                let $value = self;
                $write
            }
        }
    )*};
}

outgoing! {
    &str, |text, sender| sender.write_text(text);
    &String, |text, sender| sender.write_text(text);
    String, |text, sender| sender.write(text.into());
    Utf8Bytes, |text, sender| sender.write(text.into());
    &[u8], |payload, sender| sender.write_binary(payload);
    &Vec<u8>, |payload, sender| sender.write_binary(payload);
    Vec<u8>, |payload, sender| sender.write(payload.into());
    Bytes, |payload, sender| sender.write(payload.into());
}

impl<const N: usize> sealed::Sealed for &[u8; N] {}

impl<const N: usize> Outgoing for &[u8; N] {
    fn payload_len(&self) -> usize {
        N
    }

    fn write_to(self, sender: &mut Sender) -> Result<(), SendError> {
        sender.write_binary(self)
    }
}
