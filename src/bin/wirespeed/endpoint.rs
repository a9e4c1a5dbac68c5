//! Sockets to listen on and connections to feeds.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    sync::Arc,
};

use wirespeed::{
    WebSocketClient, WebSocketConnection, WebSocketListener, WebSocketOptions,
    deflate::DeflateOptions, net::tls::TlsServer,
};

use crate::{
    args::{ServerTlsArgs, TailArgs},
    error::ToolError,
    tls,
};

/// A socket to listen on, whatever accepts its connections.
pub(crate) struct Socket {
    pub(crate) listener: TcpListener,
    pub(crate) tls: Option<TlsServer>,
    pub(crate) url: String,
}

/// Takes the address.
pub(crate) fn bind(addr: SocketAddr, tls: &ServerTlsArgs) -> Result<Socket, ToolError> {
    let fail = |source| ToolError::Listen { addr, source };
    let listener = TcpListener::bind(addr).map_err(fail)?;
    let addr = listener.local_addr().map_err(fail)?;
    let tls = tls::server_from(tls, addr.ip())?;
    let addr = reachable(addr);
    let scheme = if tls.is_some() { "wss" } else { "ws" };
    Ok(Socket { listener, tls, url: format!("{scheme}://{addr}/") })
}

/// Where this machine reaches a socket that listens on this address.
fn reachable(mut addr: SocketAddr) -> SocketAddr {
    match addr.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => addr.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => addr.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    addr
}

impl Socket {
    /// Listens with a thread for each connection.
    pub(crate) fn listener(self) -> Result<WebSocketListener, ToolError> {
        let listener = WebSocketListener::from_listener(self.listener)?;
        Ok(match self.tls {
            Some(tls) => listener.tls(Arc::clone(tls.config())),
            None => listener,
        })
    }
}

/// The options of a server that publishes a feed, compressed or not.
pub(crate) fn publishing(deflate: bool) -> WebSocketOptions {
    let mut options = WebSocketOptions::server();
    // Each subscriber's connection keeps a history, which servers do not by default:
    // short messages shrink little without. Subscribers, who send next to nothing, keep none.
    options.deflate =
        deflate.then(|| DeflateOptions::for_client().client_no_context_takeover(true));
    options
}

/// Connects as `tail` is told to.
pub(crate) fn subscribe(args: &TailArgs) -> Result<WebSocketConnection, ToolError> {
    let mut client = WebSocketClient::new();
    if let Some(ca) = &args.ca {
        client = client.tls(tls::client_trusting(ca).map_err(ToolError::Authority)?);
    }
    let mut builder = client.websocket(&args.url);
    for (name, value) in &args.headers {
        builder = builder.header(name, value.as_str());
    }
    for subprotocol in &args.subprotocols {
        builder = builder.subprotocol(subprotocol);
    }
    if args.deflate {
        builder = builder.deflate(DeflateOptions::for_client());
    }
    builder.connect().map_err(|source| ToolError::Connect { url: args.url.clone(), source })
}
