//! A message that lies where it was received.

use bytes::Bytes;

use super::WebSocketMessage;
use crate::{frame::CloseCode, simd::TextMut};

/// A message, or a control frame, borrowed from the connection's buffer.
///
/// Taking one costs no allocation, no copy and no reference count; it lives
/// until the next call on the connection. The payload is borrowed exclusively,
/// so a parser may work in place: see [`into_bytes`](Self::into_bytes).
#[derive(Debug)]
pub enum MessageRef<'a> {
    /// A text message.
    Text(TextMut<'a>),
    /// A binary message.
    Binary(&'a mut [u8]),
    /// A ping; it is answered already, unless
    /// [`auto_pong`](crate::WebSocketOptions::auto_pong) is off.
    Ping(&'a [u8]),
    /// A pong.
    Pong(&'a [u8]),
    /// A close frame: its code ([`CloseCode::NO_STATUS`] if it carried none)
    /// and its reason.
    Close(CloseCode, &'a str),
}

impl<'a> MessageRef<'a> {
    /// Whether this is text or binary.
    pub const fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }

    /// The text of a text message.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The payload; of a close frame, the reason.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
            Self::Ping(bytes) | Self::Pong(bytes) => bytes,
            Self::Close(_, reason) => reason.as_bytes(),
        }
    }

    /// The payload of a text or binary message, to be parsed or changed in
    /// place; `None` for a control frame.
    ///
    /// At least 64 bytes behind it are initialised memory of the same buffer, so that
    /// a parser's vector loads may look past the end: through a raw pointer, since
    /// the slice does not cover them. Whether a pointer made from a slice may reach
    /// beyond it is not settled for Rust: of Miri's two models, Tree Borrows lets it,
    /// and Stacked Borrows does not.
    pub fn into_bytes(self) -> Option<&'a mut [u8]> {
        match self {
            Self::Text(text) => Some(text.into_bytes()),
            Self::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The same, taken apart and put together again: what a function out of line
    /// returned in memory then meets, in registers, what was inlined beside it. The
    /// compiler would copy either through memory otherwise, the common case too.
    #[inline]
    pub(crate) fn in_registers(self) -> Self {
        match self {
            Self::Text(text) => Self::Text(text),
            Self::Binary(bytes) => Self::Binary(bytes),
            Self::Ping(bytes) => Self::Ping(bytes),
            Self::Pong(bytes) => Self::Pong(bytes),
            Self::Close(code, reason) => Self::Close(code, reason),
        }
    }

    /// A copy that owns its bytes.
    pub fn to_message(&self) -> WebSocketMessage {
        match self {
            Self::Text(text) => WebSocketMessage::Text((&**text).into()),
            Self::Binary(bytes) => WebSocketMessage::Binary(Bytes::copy_from_slice(bytes)),
            Self::Ping(bytes) => WebSocketMessage::Ping(Bytes::copy_from_slice(bytes)),
            Self::Pong(bytes) => WebSocketMessage::Pong(Bytes::copy_from_slice(bytes)),
            Self::Close(code, reason) => WebSocketMessage::Close(*code, (*reason).into()),
        }
    }
}
