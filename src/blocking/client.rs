//! Connecting to a server.

use std::time::Instant;

use super::{WebSocketConnection, handshake::HandshakeIo};
use crate::{
    client::WebSocketBuilder,
    error::WebSocketError,
    handshake::Opening,
    net::{
        WebSocketUrl,
        stream::{Duplex, Stream},
    },
};

impl WebSocketBuilder {
    /// Connects: resolves, dials, goes through the proxy, performs the TLS and
    /// the opening handshake.
    ///
    /// # Errors
    ///
    /// [`InvalidUrl`](WebSocketError::InvalidUrl) or
    /// [`InvalidRequest`](WebSocketError::InvalidRequest) before anything is
    /// sent; [`Connect`](WebSocketError::Connect), [`Tls`](WebSocketError::Tls)
    /// or [`Timeout`](WebSocketError::Timeout) on the way to the server;
    /// [`UpgradeFailed`](WebSocketError::UpgradeFailed) if it answers anything but
    /// 101, and others if it breaks the rules.
    pub fn connect(self) -> Result<WebSocketConnection<Stream>, WebSocketError> {
        let url: WebSocketUrl = self.url.parse()?;
        // A request that cannot be made should not cost the server a connection.
        self.opening.handshake(&url)?;
        let connected = match self.address {
            Some(address) => self.connector.connect_to(address, &url)?,
            None => self.connector.connect(&url)?,
        };
        // The permit lets go when the handshake is over, however it ends.
        let _turn = connected.permit;
        open(&self.opening, &url, connected.stream)
    }

    /// Performs the opening handshake on a stream that is connected already; of
    /// the URL, only `Host` and the resource are used. TLS is the stream's own
    /// affair.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), from the opening handshake on.
    pub fn connect_over<S: Duplex>(
        self,
        stream: S,
    ) -> Result<WebSocketConnection<S>, WebSocketError> {
        open(&self.opening, &self.url.parse()?, stream)
    }
}

fn open<S: Duplex>(
    opening: &Opening,
    url: &WebSocketUrl,
    stream: S,
) -> Result<WebSocketConnection<S>, WebSocketError> {
    let deadline = Instant::now().checked_add(opening.options.limits.handshake_timeout);
    let upgrade = HandshakeIo::new(&stream, deadline).upgrade(opening.handshake(url)?)?;
    WebSocketConnection::open(stream, opening.open(upgrade, Instant::now())?)
}
