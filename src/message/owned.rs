//! A message that owns its bytes.

use bytes::Bytes;

use crate::{frame::CloseCode, simd::Utf8Bytes};

/// A message, or a control frame, that owns its bytes.
///
/// Cloning one costs a reference count. Text can only hold valid UTF-8, by the
/// construction of [`Utf8Bytes`].
///
/// ```
/// use wirespeed::WebSocketMessage;
///
/// let text = WebSocketMessage::Text("hello".into());
/// assert_eq!(text, WebSocketMessage::from("hello"));
/// assert_eq!(text.into_bytes(), "hello".as_bytes());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum WebSocketMessage {
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
    /// A ping, of at most 125 bytes. A received one is answered already, unless
    /// [`auto_pong`](crate::WebSocketOptions::auto_pong) is off.
    Ping(Bytes),
    /// A pong, of at most 125 bytes.
    Pong(Bytes),
    /// A close frame: its code ([`CloseCode::NO_STATUS`] if it carried none)
    /// and its reason, of at most 123 bytes.
    Close(CloseCode, Utf8Bytes),
}

impl WebSocketMessage {
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
            Self::Text(text) | Self::Close(_, text) => text.as_ref(),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => bytes,
        }
    }

    /// As [`MessageRef::in_registers`](super::MessageRef::in_registers).
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

    /// The payload without a copy; of a close frame, the reason.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Text(text) | Self::Close(_, text) => text.into_bytes(),
            Self::Binary(bytes) | Self::Ping(bytes) | Self::Pong(bytes) => bytes,
        }
    }
}

impl From<&str> for WebSocketMessage {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for WebSocketMessage {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Utf8Bytes> for WebSocketMessage {
    fn from(text: Utf8Bytes) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for WebSocketMessage {
    fn from(bytes: &[u8]) -> Self {
        Self::Binary(Bytes::copy_from_slice(bytes))
    }
}

impl From<Vec<u8>> for WebSocketMessage {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

impl From<Bytes> for WebSocketMessage {
    fn from(bytes: Bytes) -> Self {
        Self::Binary(bytes)
    }
}
