//! What a server makes of a request for an upgrade, whatever drives it.

use std::time::Instant;

use bytes::Bytes;
use http::Request;

use super::{
    Acceptance, Opened, Refusal, ServerPolicy, Setup, accept_with_extensions, is_upgrade_request,
};
use crate::{frame::Role, options::WebSocketOptions};

/// Turns a request for an upgrade into a connection.
///
/// In a server that speaks HTTP already, for the requests that ask for it:
///
/// ```no_run
/// # #[cfg(feature = "blocking")] mod example {
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
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct WebSocketUpgrade {
    policy: ServerPolicy,
    pub(crate) options: WebSocketOptions,
    pub(crate) received: Bytes,
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

    /// A page of the same origin comes over TLS, as everything else here does.
    #[cfg(all(feature = "blocking", feature = "tls"))]
    pub(crate) fn over_tls(mut self) -> Self {
        self.policy = self.policy.secure(true);
        self
    }

    /// Judges the request: the answer to send, and what to open when it is sent.
    pub(crate) fn judge<B>(self, request: &Request<B>) -> Result<(Acceptance, Accepted), Refusal> {
        let mut setup = Setup::default();
        let acceptance = accept_with_extensions(request, &self.policy, |offers| {
            Ok(setup.choose(offers, &self.options))
        })?;
        let accepted = Accepted {
            subprotocol: acceptance.subprotocol().map(str::to_owned),
            setup,
            options: self.options,
            received: self.received,
        };
        Ok((acceptance, accepted))
    }
}

/// What a request was accepted with.
#[derive(Debug)]
pub(crate) struct Accepted {
    setup: Setup,
    options: WebSocketOptions,
    received: Bytes,
    subprotocol: Option<String>,
}

impl Accepted {
    /// The connection, opened at `now`.
    pub(crate) fn open(self, now: Instant) -> Opened {
        Opened {
            connection: self.setup.connection(Role::Server, &self.options, now),
            received: self.received,
            subprotocol: self.subprotocol,
            response: None,
        }
    }
}

impl Default for WebSocketUpgrade {
    fn default() -> Self {
        Self::new()
    }
}
