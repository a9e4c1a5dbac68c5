//! The server's side of the opening handshake.

use std::time::Instant;

use bytes::Bytes;
use http::Request;

use super::{WebSocketConnection, handshake::HandshakeIo};
use crate::{
    error::WebSocketError,
    frame::Role,
    handshake::{
        Acceptance, HeadLimits, Opened, Refusal, ServerPolicy, Setup, accept_with_extensions,
        is_upgrade_request,
    },
    net::stream::Duplex,
    options::WebSocketOptions,
};

/// Turns a request for an upgrade into a connection.
///
/// In a server that speaks HTTP already, for the requests that ask for it:
///
/// ```no_run
/// # use wirespeed::{WebSocketError, WebSocketUpgrade, net::stream::Stream};
/// # fn handle_http(_: http::Request<()>, _: Stream) -> Result<(), WebSocketError> { Ok(()) }
/// fn handle_request(request: http::Request<()>, stream: Stream) -> Result<(), WebSocketError> {
///     if !WebSocketUpgrade::is_upgrade_request(&request) {
///         return handle_http(request, stream);
///     }
///     let ws = WebSocketUpgrade::accept(request, stream)?;
///     for message in ws.messages() {
///         ws.send(message?)?;
///     }
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct WebSocketUpgrade {
    policy: ServerPolicy,
    options: WebSocketOptions,
    received: Bytes,
}

impl WebSocketUpgrade {
    /// The defaults: same-origin pages only, no subprotocol, no compression, the
    /// [limits](crate::Limits::server) of a server.
    pub fn new() -> Self {
        Self {
            policy: ServerPolicy::new(),
            options: WebSocketOptions::server(),
            received: Bytes::new(),
        }
    }

    /// Whether a request asks for an upgrade to WebSocket, so that it is one to
    /// [`accept`](Self::accept) rather than to handle as plain HTTP.
    pub fn is_upgrade_request<B>(request: &Request<B>) -> bool {
        is_upgrade_request(request)
    }

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

    /// Which requests to accept, with which subprotocol and headers.
    #[must_use]
    pub fn policy(mut self, policy: ServerPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The options of the connection.
    #[must_use]
    pub fn options(mut self, options: WebSocketOptions) -> Self {
        self.options = options;
        self
    }

    /// Bytes that were read behind the request's head; they are frames.
    #[must_use]
    pub fn received(mut self, bytes: impl Into<Bytes>) -> Self {
        self.received = bytes.into();
        self
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

    /// A page of the same origin comes over TLS, as everything else here does.
    #[cfg(feature = "tls")]
    pub(super) fn over_tls(mut self) -> Self {
        self.policy = self.policy.secure(true);
        self
    }

    /// Takes a request from the stream and answers it.
    pub(super) fn accept_from<S: Duplex>(
        mut self,
        deadline: Option<Instant>,
        stream: S,
    ) -> Result<WebSocketConnection<S>, WebSocketError> {
        let limits = HeadLimits::of(&self.options.limits);
        let incoming = HandshakeIo::new(&stream, deadline).request(limits)?;
        self.received = incoming.leftover;
        self.accept_by(deadline, &incoming.request, stream)
    }

    fn accept_by<S: Duplex, B>(
        self,
        deadline: Option<Instant>,
        request: &Request<B>,
        stream: S,
    ) -> Result<WebSocketConnection<S>, WebSocketError> {
        let io = HandshakeIo::new(&stream, deadline);
        let (acceptance, setup) = match self.judge(request) {
            Ok(accepted) => accepted,
            Err(refusal) => {
                io.refuse(&refusal.to_bytes());
                return Err(refusal.into());
            }
        };
        io.write_all(&acceptance.to_bytes())?;
        let opened = Opened {
            subprotocol: acceptance.subprotocol().map(str::to_owned),
            connection: setup.connection(Role::Server, &self.options),
            received: self.received,
            response: None,
        };
        WebSocketConnection::open(stream, opened)
    }

    fn judge<B>(&self, request: &Request<B>) -> Result<(Acceptance, Setup), Refusal> {
        let mut setup = Setup::default();
        let acceptance = accept_with_extensions(request, &self.policy, |offers| {
            Ok(setup.choose(offers, &self.options))
        })?;
        Ok((acceptance, setup))
    }
}

impl Default for WebSocketUpgrade {
    fn default() -> Self {
        Self::new()
    }
}
