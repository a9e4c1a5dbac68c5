//! What a client asks for, whatever drives its connections.

use std::{fmt, net::SocketAddr};

#[cfg(feature = "deflate")]
use crate::deflate::DeflateOptions;
#[cfg(feature = "tls")]
use crate::net::tls::TlsClient;
use crate::{
    handshake::Opening,
    net::{Connector, ProxyChoice, WebSocketUrl, dial::DialOptions},
    options::WebSocketOptions,
};

/// What a client's connections share: TLS configuration and session cache,
/// buffer pool, proxy, resolver. Cheap to clone; clones share it too.
///
/// ```no_run
/// use wirespeed::WebSocketClient;
///
/// let ws = WebSocketClient::new().websocket("wss://example.com/ws").connect()?;
/// ws.send("hello")?;
/// # Ok::<(), wirespeed::WebSocketError>(())
/// ```
#[derive(Debug, Clone)]
pub struct WebSocketClient {
    connector: Connector,
    options: WebSocketOptions,
}

impl WebSocketClient {
    /// The defaults: the system's resolver, the proxies of the environment, the
    /// compiled-in roots of trust, the [limits](crate::Limits::client) of a
    /// client.
    pub fn new() -> Self {
        Self { connector: Connector::default(), options: WebSocketOptions::client() }
    }

    /// Dials and trusts as `connector` does.
    #[must_use]
    pub fn connector(mut self, connector: Connector) -> Self {
        self.connector = connector;
        self
    }

    /// Trust and identity of the TLS connections.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, tls: TlsClient) -> Self {
        self.connector.tls = Some(tls);
        self
    }

    /// Which proxy to go through.
    #[must_use]
    pub fn proxy(mut self, proxy: ProxyChoice) -> Self {
        self.connector.proxy = proxy;
        self
    }

    /// Time limits and socket options.
    #[must_use]
    pub fn dial(mut self, options: DialOptions) -> Self {
        self.connector.options = options;
        self
    }

    /// The options of the connections.
    #[must_use]
    pub fn options(mut self, options: WebSocketOptions) -> Self {
        self.options = options;
        self
    }

    /// Begins a connection to a `ws` or `wss` URL, which is checked when it
    /// [connects](WebSocketBuilder::connect).
    pub fn websocket(&self, url: impl Into<String>) -> WebSocketBuilder {
        WebSocketBuilder {
            url: url.into(),
            connector: self.connector.clone(),
            address: None,
            opening: Opening::new(self.options.clone()),
        }
    }
}

impl Default for WebSocketClient {
    fn default() -> Self {
        Self::new()
    }
}

/// A connection to be made, by [`WebSocketClient::websocket`].
#[derive(Clone)]
#[must_use = "nothing is connected before `connect` is called"]
pub struct WebSocketBuilder {
    pub(crate) url: String,
    pub(crate) connector: Connector,
    pub(crate) address: Option<SocketAddr>,
    pub(crate) opening: Opening,
}

impl WebSocketBuilder {
    /// Adds a header to the request. Order and case are kept; it is checked when
    /// the connection is made.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.opening.headers.push((name.into(), value.into()));
        self
    }

    /// Offers a subprotocol, the preferred one first.
    pub fn subprotocol(mut self, name: impl Into<String>) -> Self {
        self.opening.subprotocols.push(name.into());
        self
    }

    /// Sends an `Origin`, as a web page would.
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.opening.origin = Some(origin.into());
        self
    }

    /// The options of this connection.
    pub fn options(mut self, options: WebSocketOptions) -> Self {
        self.opening.options = options;
        self
    }

    /// Offers permessage-deflate.
    #[cfg(feature = "deflate")]
    pub fn deflate(mut self, deflate: DeflateOptions) -> Self {
        self.opening.options.deflate = Some(deflate);
        self
    }

    /// Time limits and socket options of this connection.
    pub fn dial(mut self, options: DialOptions) -> Self {
        self.connector.options = options;
        self
    }

    /// Connects to this address, past the resolver and any proxy. `Host` and
    /// the name in the certificate still go by the URL.
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = Some(address);
        self
    }
}

/// With the URL only if it is one: credentials, which are refused, would show otherwise.
impl fmt::Debug for WebSocketBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketBuilder")
            .field("url", &WebSocketUrl::parse(&self.url))
            .field("connector", &self.connector)
            .field("address", &self.address)
            .field("opening", &self.opening)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_a_url_are_not_shown() {
        let shown = format!("{:?}", WebSocketClient::new().websocket("ws://user:secret@h/"));
        assert!(shown.contains("UserInfo") && !shown.contains("secret"), "{shown}");
        let shown = format!("{:?}", WebSocketClient::new().websocket("ws://h/feed"));
        assert!(shown.contains("/feed"), "{shown}");
    }
}
