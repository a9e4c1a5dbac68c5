//! The error of everything above the core.

use std::{fmt, io};

#[cfg(feature = "deflate")]
use crate::deflate::NegotiationError;
#[cfg(feature = "driver")]
use crate::net;
#[cfg(feature = "tls")]
use crate::net::tls::TlsError;
use crate::{
    frame::{FrameError, FrameReadError},
    handshake::{HandshakeError, HeadError, Refusal, RefusalReason, RequestError, UpgradeFailure},
    limits::LimitExceeded,
    net::UrlError,
    protocol::{ProtocolError, ReceiveError, SendError},
    simd::Utf8Error,
};

/// What can go wrong with a connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebSocketError {
    /// The URL is not one of a WebSocket.
    #[error("invalid URL: {0}")]
    InvalidUrl(#[from] UrlError),
    /// The server answered the request for an upgrade with another status
    /// than 101: its status, its headers and the first part of its body.
    #[error(transparent)]
    UpgradeFailed(#[from] Box<UpgradeFailure>),
    /// The server's `Sec-WebSocket-Accept` does not answer the key.
    #[error("the server's Sec-WebSocket-Accept does not answer the key")]
    InvalidAcceptKey,
    /// The client's request has no `Sec-WebSocket-Key`.
    #[error("the client's request lacks Sec-WebSocket-Key")]
    MissingKey,
    /// The client's request was refused, and answered so.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// A request for an upgrade cannot be made as it is asked for. Nothing was
    /// sent.
    #[error("invalid request: {0}")]
    InvalidRequest(#[from] RequestError),
    /// The opening handshake failed in another way.
    #[error("handshake failed: {0}")]
    Handshake(#[source] HandshakeError),
    /// The server agreed to a compression that was not offered.
    #[cfg(feature = "deflate")]
    #[error("handshake failed: {0}")]
    Compression(#[from] NegotiationError),
    /// TLS failed.
    #[cfg(feature = "tls")]
    #[error(transparent)]
    Tls(TlsError),
    /// The host, or the proxy before it, cannot be reached, or not in time.
    #[cfg(feature = "driver")]
    #[error(transparent)]
    Connect(Box<net::Error>),
    /// The peer sent a frame that breaks a rule of RFC 6455, 5.
    #[error("the peer sent an invalid frame: {0}")]
    InvalidFrame(#[from] FrameError),
    /// The peer sent a text that is not UTF-8 (RFC 6455, 8.1).
    #[error("the peer sent invalid text: {0}")]
    InvalidUtf8(#[from] Utf8Error),
    /// The peer broke another rule.
    #[error("protocol error: {0}")]
    ProtocolError(ProtocolError),
    /// A limit would be, or was, exceeded.
    #[error(transparent)]
    LimitExceeded(#[from] LimitExceeded),
    /// The connection is closed, or closing: nothing more can be sent.
    #[error("the connection is closed")]
    ConnectionClosed,
    /// The transport ended without a close frame: what RFC 6455, 7.1.5 calls 1006.
    #[error("the connection was lost without a close frame")]
    ConnectionLost,
    /// What was to be sent breaks a rule of RFC 6455.
    #[error("not sent: {0}")]
    NotSent(#[source] SendError),
    /// Something took too long.
    #[error("timed out: {0}")]
    Timeout(TimedOut),
    /// A message is being received in one way and was asked for in another.
    #[error("the message is already being received in another way")]
    OtherWay,
    /// The transport failed.
    #[error("transport error: {0}")]
    IoError(#[from] io::Error),
}

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimedOut {
    /// Resolving, waiting for another connection to the same host, and the proxy's part.
    /// Addresses that do not answer in time are among the attempts of
    /// [`WebSocketError::Connect`].
    Connect,
    /// The opening handshake, TLS included.
    Handshake,
    /// A read, by the caller's own timeout; nothing is lost, it can be repeated.
    Read,
    /// The peer took nothing of what waits to be sent, or next to nothing.
    Write,
    /// The peer was silent.
    Idle,
    /// The peer did not finish a message that it had begun.
    Message,
    /// The peer did not finish the closing handshake.
    Close,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connecting",
            Self::Handshake => "the opening handshake",
            Self::Read => "a read",
            Self::Write => "a write, of which the peer took nothing, or next to nothing",
            Self::Idle => "the peer was silent",
            Self::Message => "a message that the peer had begun",
            Self::Close => "the closing handshake",
        })
    }
}

#[cfg(feature = "driver")]
impl WebSocketError {
    /// What a transport that failed means to the receiving side; `closed` says
    /// whether the peer's close frame came before.
    pub(crate) fn of_lost_transport(error: io::Error, closed: bool) -> Self {
        match error.kind() {
            // A reset after the peer's close frame is a hasty end, but an end.
            _ if closed => Self::ConnectionClosed,
            io::ErrorKind::UnexpectedEof => Self::ConnectionLost,
            _ => Self::IoError(error),
        }
    }
}

impl From<HandshakeError> for WebSocketError {
    fn from(error: HandshakeError) -> Self {
        match error {
            HandshakeError::UpgradeFailed(failure) => Self::UpgradeFailed(failure),
            HandshakeError::InvalidAcceptKey => Self::InvalidAcceptKey,
            HandshakeError::Head(HeadError::Limit(exceeded)) => Self::LimitExceeded(exceeded),
            HandshakeError::Refused(refusal) => match refusal.reason() {
                RefusalReason::MissingKey => Self::MissingKey,
                RefusalReason::Head(HeadError::Limit(exceeded)) => Self::LimitExceeded(*exceeded),
                _ => Self::Refused(refusal),
            },
            HandshakeError::Request(error) => Self::InvalidRequest(error),
            other => Self::Handshake(other),
        }
    }
}

impl From<Refusal> for WebSocketError {
    fn from(refusal: Refusal) -> Self {
        HandshakeError::from(refusal).into()
    }
}

#[cfg(feature = "tls")]
impl From<TlsError> for WebSocketError {
    fn from(error: TlsError) -> Self {
        match error {
            TlsError::TimedOut => Self::Timeout(TimedOut::Handshake),
            other => Self::Tls(other),
        }
    }
}

#[cfg(feature = "driver")]
impl From<net::Error> for WebSocketError {
    fn from(error: net::Error) -> Self {
        match error {
            net::Error::Url(error) => Self::InvalidUrl(error),
            #[cfg(feature = "tls")]
            net::Error::Timeout(net::Phase::Tls) => Self::Timeout(TimedOut::Handshake),
            net::Error::Timeout(_) => Self::Timeout(TimedOut::Connect),
            #[cfg(feature = "tls")]
            net::Error::Tls { source, .. } => source.into(),
            other => Self::Connect(Box::new(other)),
        }
    }
}

impl From<ReceiveError> for WebSocketError {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Protocol(ProtocolError::Frame(error)) => Self::InvalidFrame(error),
            ReceiveError::Protocol(ProtocolError::Utf8(error)) => Self::InvalidUtf8(error),
            ReceiveError::Protocol(ProtocolError::Limit(error)) => Self::LimitExceeded(error),
            #[cfg(feature = "deflate")]
            ReceiveError::Protocol(error @ ProtocolError::Inflate(_)) => Self::ProtocolError(error),
            ReceiveError::ConnectionLost => Self::ConnectionLost,
            ReceiveError::Idle => Self::Timeout(TimedOut::Idle),
            ReceiveError::MessageTimeout => Self::Timeout(TimedOut::Message),
            ReceiveError::OtherWay => Self::OtherWay,
        }
    }
}

impl From<SendError> for WebSocketError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Closed => Self::ConnectionClosed,
            SendError::QueueFull(exceeded) => Self::LimitExceeded(exceeded),
            SendError::Stalled => Self::Timeout(TimedOut::Write),
            SendError::CloseTimeout => Self::Timeout(TimedOut::Close),
            other => Self::NotSent(other),
        }
    }
}

impl From<FrameReadError> for WebSocketError {
    fn from(error: FrameReadError) -> Self {
        match error {
            FrameReadError::Io(error) => Self::IoError(error),
            FrameReadError::Frame(error) => Self::InvalidFrame(error),
            FrameReadError::TooLong { len, limit } => Self::LimitExceeded(LimitExceeded {
                limit: crate::Limit::Frame,
                allowed: limit,
                actual: len,
            }),
        }
    }
}

#[cfg(all(test, feature = "driver", feature = "tls"))]
mod tests {
    use super::*;

    #[test]
    fn tls_that_takes_too_long_is_a_part_of_the_opening_handshake() {
        let timeouts = [
            WebSocketError::from(TlsError::TimedOut),
            net::Error::Timeout(net::Phase::Tls).into(),
            net::Error::Tls { host: "h".to_owned(), source: TlsError::TimedOut }.into(),
        ];
        for error in timeouts {
            assert!(matches!(error, WebSocketError::Timeout(TimedOut::Handshake)), "{error:?}");
        }
        let error = net::Error::Timeout(net::Phase::Proxy).into();
        assert!(matches!(error, WebSocketError::Timeout(TimedOut::Connect)), "{error:?}");
    }
}
