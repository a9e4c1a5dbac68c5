//! What a client asks for when it opens a connection, whatever drives it.

use std::{fmt, time::Instant};

use bytes::Bytes;

use super::{ClientHandshake, ClientRequest, ClientUpgrade, HeadLimits, Setup};
use crate::{
    error::WebSocketError, frame::Role, net::WebSocketUrl, options::WebSocketOptions,
    protocol::Connection,
};

/// The request of a client and the options of its connection.
#[derive(Clone)]
pub(crate) struct Opening {
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) subprotocols: Vec<String>,
    pub(crate) origin: Option<String>,
    pub(crate) options: WebSocketOptions,
}

/// A connection that is open, and what came with it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) connection: Connection,
    pub(crate) received: Bytes,
    pub(crate) subprotocol: Option<String>,
    /// The server's response, at a client.
    pub(crate) response: Option<http::Response<()>>,
}

/// Without the headers' values, which may be secrets.
impl fmt::Debug for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Opening")
            .field("headers", &headers)
            .field("subprotocols", &self.subprotocols)
            .field("origin", &self.origin)
            .field("options", &self.options)
            .finish()
    }
}

impl Opening {
    pub(crate) fn new(options: WebSocketOptions) -> Self {
        Self { headers: Vec::new(), subprotocols: Vec::new(), origin: None, options }
    }

    /// The handshake to run on a stream to `url`'s host.
    pub(crate) fn handshake(&self, url: &WebSocketUrl) -> Result<ClientHandshake, WebSocketError> {
        let mut request = ClientRequest::new(url.host_header(), url.resource());
        for (name, value) in &self.headers {
            request = request.header(name.clone(), value.clone());
        }
        for name in &self.subprotocols {
            request = request.subprotocol(name.clone());
        }
        if let Some(origin) = &self.origin {
            request = request.origin(origin.clone());
        }
        if let Some(offer) = Setup::offer(&self.options) {
            request = request.extensions(offer);
        }
        Ok(ClientHandshake::new(request, HeadLimits::of(&self.options.limits))?)
    }

    /// The connection that the server agreed to, opened at `now`.
    pub(crate) fn open(
        &self,
        upgrade: ClientUpgrade,
        now: Instant,
    ) -> Result<Opened, WebSocketError> {
        let setup = Setup::of_response(&upgrade.extensions, &self.options)?;
        Ok(Opened {
            connection: setup.connection(Role::Client, &self.options, now),
            received: upgrade.leftover,
            subprotocol: upgrade.subprotocol,
            response: Some(upgrade.response),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_values_of_headers_are_shown() {
        let mut opening = Opening::new(WebSocketOptions::client());
        opening.headers.push(("Authorization".to_owned(), b"secret".to_vec()));
        let shown = format!("{opening:?}");
        assert!(shown.contains("Authorization"), "{shown}");
        assert!(!shown.contains("secret") && !shown.contains("115, 101"), "{shown}");
    }
}
