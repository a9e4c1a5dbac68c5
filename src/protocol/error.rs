//! What can go wrong on a connection, and the close code for it.

use crate::{
    frame::{CloseCode, FrameError},
    limits::{Limit, LimitExceeded},
    simd::Utf8Error,
};

/// What the peer did wrong. It fails the connection (RFC 6455, 7.1.7).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtocolError {
    /// A frame breaks a rule of RFC 6455, 5.
    #[error("invalid frame: {0}")]
    Frame(#[from] FrameError),
    /// A text message, or the reason of a close frame, is not UTF-8 (8.1).
    #[error("invalid text: {0}")]
    Utf8(#[from] Utf8Error),
    /// A limit of ours is exceeded (10.4).
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// A compressed message cannot be inflated (RFC 7692, 7.2.2).
    #[cfg(feature = "deflate")]
    #[error("invalid compressed message: {0}")]
    Inflate(#[from] crate::deflate::InflateError),
}

impl ProtocolError {
    /// The close code that tells the peer (RFC 6455, 7.4.1).
    pub const fn close_code(&self) -> CloseCode {
        match self {
            Self::Frame(_) => CloseCode::PROTOCOL_ERROR,
            Self::Utf8(_) => CloseCode::INVALID_PAYLOAD,
            Self::Limit(exceeded) => match exceeded.limit {
                Limit::Message | Limit::Frame | Limit::InflateRatio => CloseCode::MESSAGE_TOO_BIG,
                _ => CloseCode::POLICY_VIOLATION,
            },
            #[cfg(feature = "deflate")]
            Self::Inflate(_) => CloseCode::INVALID_PAYLOAD,
        }
    }
}

/// Why nothing more is received.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The peer broke a rule or a limit; the connection is failed.
    #[error(transparent)]
    Protocol(#[from] ProtocolError),
    /// The transport ended without a close frame: what RFC 6455, 7.1.5 calls 1006.
    #[error("the connection was lost without a close frame")]
    ConnectionLost,
    /// The peer was silent for longer than
    /// [`Limits::idle_timeout`](crate::Limits::idle_timeout).
    #[error("the peer was silent for too long")]
    Idle,
    /// The peer did not finish a message within
    /// [`Limits::message_timeout`](crate::Limits::message_timeout).
    #[error("the peer did not finish its message")]
    MessageTimeout,
    /// A message is being received in one way and was asked for in another.
    #[error("the message is already being received in another way")]
    OtherWay,
}

/// Why something was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// A close frame was sent, or the connection is failed: no data may follow
    /// (RFC 6455, 5.5.1).
    #[error("the connection is closing")]
    Closed,
    /// The write queue is full; what was refused can be written again after a
    /// flush.
    #[error(transparent)]
    QueueFull(LimitExceeded),
    /// A ping or pong of more than 125 bytes (5.5).
    #[error("a control frame of {len} bytes, 125 are allowed")]
    ControlTooLong {
        /// The length asked for, in bytes.
        len: usize,
    },
    /// A close reason of more than 123 bytes (5.5.1).
    #[error("a close reason of {len} bytes, 123 are allowed")]
    ReasonTooLong {
        /// The length asked for, in bytes.
        len: usize,
    },
    /// A close code that may not be sent (7.4).
    #[error("close code {0} may not be sent")]
    CloseCode(CloseCode),
    /// A message while another is sent in fragments (5.4).
    #[error("a message is being sent in fragments")]
    MessageInterrupted,
    /// A fragment of another kind than the message was begun with (5.4).
    #[error("the fragment is of another kind than its message")]
    FragmentKind,
    /// The fragments of a text message are not UTF-8 (8.1).
    #[error("invalid text: {0}")]
    Utf8(#[from] Utf8Error),
    /// The peer took less than [`Limits::write_progress`](crate::Limits::write_progress)
    /// within [`Limits::write_stall`](crate::Limits::write_stall).
    #[error("the peer takes no data, or next to none")]
    Stalled,
    /// The peer did not finish the closing handshake within
    /// [`Limits::close_timeout`](crate::Limits::close_timeout).
    #[error("the peer did not finish the closing handshake")]
    CloseTimeout,
}
