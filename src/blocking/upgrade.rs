//! The server's side of the opening handshake.

use std::time::Instant;

use http::Request;

use super::{WebSocketConnection, handshake::HandshakeIo};
use crate::{
    error::WebSocketError,
    handshake::{HeadLimits, WebSocketUpgrade},
    net::stream::Duplex,
};

impl WebSocketUpgrade {
    /// Accepts an upgrade with the defaults. See
    /// [`accept_on`](Self::accept_on).
    ///
    /// # Errors
    ///
    /// As [`accept_on`](Self::accept_on).
    pub fn accept<S: Duplex, B>(
        request: Request<B>,
        stream: S,
    ) -> Result<WebSocketConnection<S>, WebSocketError> {
        Self::new().accept_on(&request, stream)
    }

    /// Answers the request: with 101 and a connection, or with a refusal.
    ///
    /// # Errors
    ///
    /// [`Refused`](WebSocketError::Refused), or
    /// [`MissingKey`](WebSocketError::MissingKey), if the request breaks the
    /// rules or the policy; it is answered with the status for it. Otherwise an
    /// error of the transport, or a timeout.
    pub fn accept_on<S: Duplex, B>(
        self,
        request: &Request<B>,
        stream: S,
    ) -> Result<WebSocketConnection<S>, WebSocketError> {
        let deadline = Instant::now().checked_add(self.options.limits.handshake_timeout);
        self.accept_by(deadline, request, stream)
    }

    /// Takes a request from a stream that a client has just connected, and answers
    /// it: the request, for its path and headers, and the connection. The connection
    /// keeps nothing of the request. All of it within
    /// [`Limits::handshake_timeout`](crate::Limits::handshake_timeout).
    ///
    /// # Errors
    ///
    /// As [`accept_on`](Self::accept_on), and
    /// [`LimitExceeded`](WebSocketError::LimitExceeded) for a head that is too large,
    /// which is answered as well, or [`Handshake`](WebSocketError::Handshake) if the
    /// stream ends before the request does.
    pub fn accept_request<S: Duplex>(
        self,
        stream: S,
    ) -> Result<(Request<()>, WebSocketConnection<S>), WebSocketError> {
        let deadline = Instant::now().checked_add(self.options.limits.handshake_timeout);
        self.accept_request_by(deadline, stream)
    }

    pub(super) fn accept_request_by<S: Duplex>(
        mut self,
        deadline: Option<Instant>,
        stream: S,
    ) -> Result<(Request<()>, WebSocketConnection<S>), WebSocketError> {
        let limits = HeadLimits::of(&self.options.limits);
        let incoming = HandshakeIo::new(&stream, deadline).request(limits)?;
        self.received = incoming.leftover;
        let connection = self.accept_by(deadline, &incoming.request, stream)?;
        Ok((incoming.request, connection))
    }

    fn accept_by<S: Duplex, B>(
        self,
        deadline: Option<Instant>,
        request: &Request<B>,
        stream: S,
    ) -> Result<WebSocketConnection<S>, WebSocketError> {
        let io = HandshakeIo::new(&stream, deadline);
        let (acceptance, accepted) = match self.judge(request) {
            Ok(judged) => judged,
            Err(refusal) => {
                io.refuse(&refusal.to_bytes());
                return Err(refusal.into());
            }
        };
        io.write_all(&acceptance.to_bytes())?;
        WebSocketConnection::open(stream, accepted.open(Instant::now()))
    }
}
