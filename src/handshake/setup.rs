//! What the opening handshake settles about the connection it opens.

use std::time::Instant;

use super::Extension;
#[cfg(feature = "deflate")]
use super::negotiate;
#[cfg(feature = "deflate")]
use crate::deflate::DeflateParams;
use crate::{error::WebSocketError, frame::Role, options::WebSocketOptions, protocol::Connection};

/// The extensions both ends agreed to.
#[derive(Debug, Default)]
pub(crate) struct Setup {
    #[cfg(feature = "deflate")]
    deflate: Option<DeflateParams>,
}

impl Setup {
    /// The value of `Sec-WebSocket-Extensions` in a client's request.
    pub(crate) fn offer(options: &WebSocketOptions) -> Option<String> {
        #[cfg(feature = "deflate")]
        return options.deflate.as_ref().map(negotiate::offer);
        #[cfg(not(feature = "deflate"))]
        {
            let _ = options;
            None
        }
    }

    /// What a server's response agrees to.
    pub(crate) fn of_response(
        extensions: &[Extension],
        options: &WebSocketOptions,
    ) -> Result<Self, WebSocketError> {
        #[cfg(feature = "deflate")]
        if let Some(options) = &options.deflate {
            return Ok(Self { deflate: negotiate::judge_response(extensions, options)? });
        }
        let _ = (extensions, options);
        Ok(Self::default())
    }

    /// Chooses among a client's offers, and returns what to answer.
    pub(crate) fn choose(
        &mut self,
        offers: &[Extension],
        options: &WebSocketOptions,
    ) -> Vec<Extension> {
        #[cfg(feature = "deflate")]
        if let Some((params, answer)) =
            options.deflate.as_ref().and_then(|options| negotiate::choose(offers, options))
        {
            self.deflate = Some(params);
            return vec![answer];
        }
        let _ = (offers, options);
        Vec::new()
    }

    /// The connection, opened at `now`.
    pub(crate) fn connection(
        self,
        role: Role,
        options: &WebSocketOptions,
        now: Instant,
    ) -> Connection {
        #[cfg(feature = "deflate")]
        if let (Some(params), Some(deflate)) = (&self.deflate, &options.deflate) {
            let mut connection = Connection::new(role, options, now);
            connection.enable_deflate(params, deflate, options);
            return connection;
        }
        Connection::new(role, options, now)
    }
}
