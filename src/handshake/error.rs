//! Why a handshake failed.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};

use super::{ExtensionError, HeadError, Refusal, RequestError};

/// A handshake that failed, in either role.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// Client: the request cannot be made. Nothing was sent.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// Client: the response is no HTTP, or too large.
    #[error("invalid response: {0}")]
    Head(#[from] HeadError),
    /// Client: the server answered, but with another status than 101.
    #[error(transparent)]
    UpgradeFailed(#[from] Box<UpgradeFailure>),
    /// Client: the server switches protocols in an HTTP version that cannot.
    #[error("the response switches protocols in an HTTP version other than 1.1")]
    HttpVersion,
    /// Client: the response lacks a header that it must have.
    #[error("the response lacks {0}")]
    MissingHeader(HeaderName),
    /// Client: the response has a header twice that it may have once.
    #[error("the response repeats {0}")]
    RepeatedHeader(HeaderName),
    /// Client: the response's `Upgrade` is not `websocket`.
    #[error("the response upgrades to another protocol than websocket")]
    InvalidUpgrade,
    /// Client: the response's `Connection` does not name `upgrade`.
    #[error("the Connection header of the response does not name upgrade")]
    InvalidConnection,
    /// Client: `Sec-WebSocket-Accept` does not answer the key that was sent.
    #[error("the response's Sec-WebSocket-Accept does not answer the key")]
    InvalidAcceptKey,
    /// Client: the server chose a subprotocol that was not offered.
    #[error("the server chose subprotocol {0:?}, which was not offered")]
    UnofferedSubprotocol(String),
    /// Client: the server uses an extension that was not offered.
    #[error("the server uses extension {0:?}, which was not offered")]
    UnofferedExtension(String),
    /// Client: the server uses an extension twice.
    #[error("the server uses extension {0:?} twice")]
    RepeatedExtension(String),
    /// Client: the response's `Sec-WebSocket-Extensions` is malformed.
    #[error("invalid Sec-WebSocket-Extensions in the response: {0}")]
    Extensions(#[from] ExtensionError),
    /// Server: the request was refused; this is what to answer.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// The stream ended before the handshake did.
    #[error("the stream ended during the handshake")]
    UnexpectedEof,
    /// The handshake is over; it can take no more bytes.
    #[error("the handshake is already over")]
    Finished,
}

impl From<Refusal> for HandshakeError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

/// What a server answered instead of switching protocols: a refusal, a
/// challenge, a redirection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the server answered {status} instead of switching protocols")]
#[non_exhaustive]
pub struct UpgradeFailure {
    /// The response's status.
    pub status: StatusCode,
    /// The response's headers.
    pub headers: HeaderMap,
    /// The response's body; no more than its first 4 KiB.
    pub body: Bytes,
}
