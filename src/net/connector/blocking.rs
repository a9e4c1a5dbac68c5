//! The way to a blocking stream.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::time::Instant;

use super::{Connector, TlsPeer};
#[cfg(feature = "tls")]
use crate::net::stream::TlsStream;
use crate::net::{
    Error, Phase, WebSocketUrl,
    dial::{ConnectingPermit, Dialled, Remote, dial, resolve},
    proxy::{Proxy, ProxyError, ProxyScheme, Tunnel},
    stream::{Duplex, Stream},
};

/// A stream to a server, on which the opening handshake may start.
#[derive(Debug)]
#[non_exhaustive]
pub struct Connected {
    /// The stream. Its timeouts are unset.
    pub stream: Stream,
    /// To be dropped as soon as the opening handshake is over; other
    /// connections to the same host wait for it. `None` if
    /// [`DialOptions::serialize`](crate::net::dial::DialOptions::serialize) is off.
    pub permit: Option<ConnectingPermit>,
}

impl Connector {
    /// Connects to the host of `url`, over TLS if it is a `wss` URL.
    ///
    /// # Errors
    ///
    /// [`Error`] says which step failed.
    pub fn connect(&self, url: &WebSocketUrl) -> Result<Connected, Error> {
        let deadline = self.deadline(Instant::now());
        let (stream, permit) = match self.proxy_for(url)? {
            None => {
                let addresses = self.addresses(url.host(), url.port(), deadline)?;
                let serialize = self.options.serialize;
                let Dialled { socket, permit } =
                    dial(url.host(), &addresses, &self.options, serialize, deadline)?;
                (Stream::Tcp(socket), permit)
            }
            Some(proxy) => self.connect_through(proxy, url, deadline)?,
        };
        self.secure(stream, permit, url, deadline)
    }

    /// Connects to `address` in the name of `url`'s host, for whoever has
    /// resolved it: TLS and `Host` go by the URL. No proxy is asked.
    ///
    /// # Errors
    ///
    /// [`Error`] says which step failed.
    pub fn connect_to(&self, address: SocketAddr, url: &WebSocketUrl) -> Result<Connected, Error> {
        let deadline = self.deadline(Instant::now());
        let serialize = self.options.serialize;
        let Dialled { socket, permit } =
            dial(url.host(), &[address], &self.options, serialize, deadline)?;
        self.secure(Stream::Tcp(socket), permit, url, deadline)
    }

    fn addresses(
        &self,
        host: &str,
        port: u16,
        deadline: Instant,
    ) -> Result<Vec<SocketAddr>, Error> {
        match host.parse() {
            Ok(ip) => Ok(vec![SocketAddr::new(ip, port)]),
            Err(_) => resolve(&self.resolver, host, port, deadline),
        }
    }

    /// The target's address is unknown here, so that its name takes its turn
    /// (RFC 6455, section 4.1); the proxy itself may be asked any number of
    /// times at once.
    fn connect_through(
        &self,
        proxy: &Proxy,
        url: &WebSocketUrl,
        deadline: Instant,
    ) -> Result<(Stream, Option<ConnectingPermit>), Error> {
        let mut tunnel = Tunnel::new(proxy, url)?;
        let permit = if self.options.serialize {
            let turn = ConnectingPermit::acquire(Remote::Name(url.authority()), deadline);
            Some(turn.ok_or(Error::Timeout(Phase::Turn))?)
        } else {
            None
        };
        let addresses = self.addresses(proxy.host(), proxy.port(), deadline)?;
        let Dialled { socket, .. } =
            dial(proxy.host(), &addresses, &self.options, false, deadline)?;
        let mut stream = Stream::Tcp(socket);
        if proxy.scheme() == ProxyScheme::Https {
            stream = self.secure_with(stream, TlsPeer::Proxy, proxy.host(), deadline)?;
        }
        open_tunnel(&stream, &mut tunnel, deadline)?;
        Ok((stream, permit))
    }

    fn secure(
        &self,
        stream: Stream,
        permit: Option<ConnectingPermit>,
        url: &WebSocketUrl,
        deadline: Instant,
    ) -> Result<Connected, Error> {
        let stream = if url.is_secure() {
            self.secure_with(stream, TlsPeer::Server, url.host(), deadline)?
        } else {
            stream
        };
        Ok(Connected { stream, permit })
    }

    #[cfg(feature = "tls")]
    fn secure_with(
        &self,
        stream: Stream,
        peer: TlsPeer,
        host: &str,
        deadline: Instant,
    ) -> Result<Stream, Error> {
        let name = rustls::pki_types::ServerName::try_from(host.to_owned())
            .map_err(|_| crate::net::UrlError::InvalidHost)?;
        let failed = |source| peer.failed(host, source);
        let config = self.tls_config(peer).map_err(failed)?.clone();
        let stream = TlsStream::connect(stream, config, name, Some(deadline));
        stream.map(Stream::from).map_err(failed)
    }

    #[cfg(not(feature = "tls"))]
    fn secure_with(&self, _: Stream, _: TlsPeer, _: &str, _: Instant) -> Result<Stream, Error> {
        Err(Error::TlsUnavailable)
    }
}

fn open_tunnel(stream: &Stream, tunnel: &mut Tunnel, deadline: Instant) -> Result<(), Error> {
    let mut buf = [0; 512];
    while !tunnel.is_open() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::Timeout(Phase::Proxy));
        }
        stream.set_read_timeout(Some(left)).map_err(proxy_error)?;
        stream.set_write_timeout(Some(left)).map_err(proxy_error)?;
        if tunnel.outgoing().is_empty() {
            let wanted = tunnel.wanted().min(buf.len());
            let count = stream.read(&mut buf[..wanted]).map_err(proxy_error)?;
            if count == 0 {
                return Err(ProxyError::Closed.into());
            }
            tunnel.receive(&buf[..count])?;
        } else {
            let bufs = [IoSlice::new(tunnel.outgoing())];
            let count = stream.write_vectored(&bufs).map_err(proxy_error)?;
            tunnel.sent(count);
        }
    }
    stream.set_read_timeout(None).map_err(proxy_error)?;
    stream.set_write_timeout(None).map_err(proxy_error)
}

fn proxy_error(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Error::Timeout(Phase::Proxy),
        _ => Error::ProxyIo(error),
    }
}
