//! From a URL to a stream.

use std::{io, net::SocketAddr, sync::Arc, time::Instant};

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout_at,
};
use tokio_rustls::TlsConnector;

use super::{
    MaybeTlsStream,
    dial::{Dialled, dial},
    timer::now,
};
use crate::net::{
    Connector, Error, Phase, TlsPeer, UrlError, WebSocketUrl,
    dial::{ConnectingPermit, Remote, Resolver},
    proxy::{Proxy, ProxyError, ProxyScheme, Tunnel},
    tls::TlsError,
};

/// A stream to a server, on which the opening handshake may start.
pub(super) struct Connected {
    pub(super) stream: MaybeTlsStream,
    /// To be dropped when the opening handshake is over.
    pub(super) permit: Option<ConnectingPermit>,
}

/// Connects to the host of `url`, over TLS if it is a `wss` URL; to `address` if
/// there is one, past the resolver and any proxy.
pub(super) async fn connect(
    connector: &Connector,
    url: &WebSocketUrl,
    address: Option<SocketAddr>,
) -> Result<Connected, Error> {
    let deadline = connector.deadline(now());
    let proxy = if address.is_some() { None } else { connector.proxy_for(url)? };
    let (stream, permit) = match proxy {
        Some(proxy) => connect_through(connector, proxy, url, deadline).await?,
        None => {
            let addresses = match address {
                Some(address) => vec![address],
                None => addresses(connector, url.host(), url.port(), deadline).await?,
            };
            let options = &connector.options;
            let dialled = dial(url.host(), &addresses, options, options.serialize, deadline);
            let Dialled { stream, permit } = dialled.await?;
            (MaybeTlsStream::Tcp(stream), permit)
        }
    };
    let stream = if url.is_secure() {
        secure(connector, stream, TlsPeer::Server, url.host(), deadline).await?
    } else {
        stream
    };
    Ok(Connected { stream, permit })
}

/// The target's address is unknown here, so that its name takes its turn (RFC 6455,
/// section 4.1); the proxy itself may be asked any number of times at once.
async fn connect_through(
    connector: &Connector,
    proxy: &Proxy,
    url: &WebSocketUrl,
    deadline: Instant,
) -> Result<(MaybeTlsStream, Option<ConnectingPermit>), Error> {
    let mut tunnel = Tunnel::new(proxy, url)?;
    let options = &connector.options;
    let permit = if options.serialize { Some(take_turn(url, deadline).await?) } else { None };
    let addresses = addresses(connector, proxy.host(), proxy.port(), deadline).await?;
    let Dialled { stream, .. } = dial(proxy.host(), &addresses, options, false, deadline).await?;
    let mut stream = MaybeTlsStream::Tcp(stream);
    if proxy.scheme() == ProxyScheme::Https {
        stream = secure(connector, stream, TlsPeer::Proxy, proxy.host(), deadline).await?;
    }
    timeout_at(deadline.into(), open_tunnel(&mut stream, &mut tunnel))
        .await
        .map_err(|_| Error::Timeout(Phase::Proxy))??;
    Ok((stream, permit))
}

async fn take_turn(url: &WebSocketUrl, deadline: Instant) -> Result<ConnectingPermit, Error> {
    let remote = Remote::Name(url.authority());
    let turn = ConnectingPermit::acquire_async(remote);
    timeout_at(deadline.into(), turn).await.map_err(|_| Error::Timeout(Phase::Turn))
}

/// Resolves where blocking is allowed. A resolver that is late ends by itself,
/// unheeded.
async fn addresses(
    connector: &Connector,
    host: &str,
    port: u16,
    deadline: Instant,
) -> Result<Vec<SocketAddr>, Error> {
    if let Ok(ip) = host.parse() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    let failed = |source| Error::Resolve { host: host.to_owned(), source };
    let resolver: Arc<dyn Resolver> = Arc::clone(&connector.resolver);
    let name = host.to_owned();
    let resolving = tokio::task::spawn_blocking(move || resolver.resolve(&name, port));
    match timeout_at(deadline.into(), resolving).await {
        Ok(Ok(Ok(addresses))) if addresses.is_empty() => {
            Err(failed(io::ErrorKind::NotFound.into()))
        }
        Ok(Ok(resolved)) => resolved.map_err(failed),
        // The resolver has panicked, or the runtime is going down.
        Ok(Err(error)) => Err(failed(error.into())),
        Err(_) => Err(Error::Timeout(Phase::Resolve)),
    }
}

async fn open_tunnel<S>(stream: &mut S, tunnel: &mut Tunnel) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buf = [0; 512];
    while !tunnel.is_open() {
        if tunnel.outgoing().is_empty() {
            let wanted = tunnel.wanted().min(buf.len());
            let count = stream.read(&mut buf[..wanted]).await.map_err(Error::ProxyIo)?;
            if count == 0 {
                return Err(ProxyError::Closed.into());
            }
            tunnel.receive(&buf[..count])?;
        } else {
            let count = stream.write(tunnel.outgoing()).await.map_err(Error::ProxyIo)?;
            stream.flush().await.map_err(Error::ProxyIo)?;
            tunnel.sent(count);
        }
    }
    Ok(())
}

async fn secure(
    connector: &Connector,
    stream: MaybeTlsStream,
    peer: TlsPeer,
    host: &str,
    deadline: Instant,
) -> Result<MaybeTlsStream, Error> {
    let failed = |source| peer.failed(host, source);
    let name = ServerName::try_from(host.to_owned()).map_err(|_| UrlError::InvalidHost)?;
    let tls = TlsConnector::from(Arc::clone(connector.tls_config(peer).map_err(failed)?));
    match timeout_at(deadline.into(), tls.connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(MaybeTlsStream::Tls(Box::new(stream.into()))),
        Ok(Err(error)) => Err(failed(tls_error(error))),
        Err(_) => Err(failed(TlsError::TimedOut)),
    }
}

/// What went wrong in a TLS handshake: TLS itself, or the transport below it.
pub(super) fn tls_error(error: io::Error) -> TlsError {
    error.downcast::<rustls::Error>().map_or_else(TlsError::Io, TlsError::Handshake)
}
