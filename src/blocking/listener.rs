//! A server, a thread a connection.

use std::{
    io,
    net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use http::Request;
#[cfg(feature = "tls")]
use rustls::ServerConfig;

use super::{WebSocketConnection, open::OpenConnections};
#[cfg(feature = "tls")]
use crate::net::stream::TlsStream;
use crate::{
    error::WebSocketError,
    handshake::{ServerPolicy, WebSocketUpgrade},
    net::stream::Stream,
    options::WebSocketOptions,
};

/// A listening socket whose connections are WebSocket connections.
///
/// [`accept`](Self::accept) hands them out one by one; [`serve`](Self::serve)
/// runs a handler for each, on a thread of its own, until it is stopped:
///
/// ```no_run
/// use wirespeed::WebSocketListener;
///
/// let listener = WebSocketListener::bind("127.0.0.1:9001")?;
/// listener.serve(|ws| {
///     for message in ws.messages() {
///         let message = message?;
///         if message.is_data() {
///             ws.send(message)?;
///         }
///     }
///     Ok(())
/// })?;
/// # Ok::<(), wirespeed::WebSocketError>(())
/// ```
#[derive(Debug)]
pub struct WebSocketListener {
    listener: TcpListener,
    acceptor: Acceptor,
    max_connections: usize,
    stopping: Stopping,
}

/// What turns an accepted socket into a connection.
#[derive(Debug, Clone)]
struct Acceptor {
    upgrade: WebSocketUpgrade,
    timeout: Duration,
    #[cfg(feature = "tls")]
    tls: Option<Arc<ServerConfig>>,
}

/// How long a failed accept waits before the next: what fails is mostly the
/// process's supply of sockets, which comes back as connections end.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(20);

impl WebSocketListener {
    /// Connections that [`serve`](Self::serve) has open at once, unless told
    /// otherwise: 4,096.
    pub const DEFAULT_MAX_CONNECTIONS: usize = 4_096;

    /// Listens on `address`; port 0 lets the system choose.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::IoError`] if the address cannot be had.
    pub fn bind(address: impl ToSocketAddrs) -> Result<Self, WebSocketError> {
        Self::from_listener(TcpListener::bind(address)?)
    }

    /// Takes over a socket that listens already.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::IoError`] if it has no address.
    pub fn from_listener(listener: TcpListener) -> Result<Self, WebSocketError> {
        let stopping = Stopping::new(listener.local_addr()?);
        let options = WebSocketOptions::server();
        Ok(Self {
            listener,
            acceptor: Acceptor {
                timeout: options.limits.handshake_timeout,
                upgrade: WebSocketUpgrade::new().options(options),
                #[cfg(feature = "tls")]
                tls: None,
            },
            max_connections: Self::DEFAULT_MAX_CONNECTIONS,
            stopping,
        })
    }

    /// Which requests to accept, with which subprotocol and headers.
    #[must_use]
    pub fn policy(mut self, policy: ServerPolicy) -> Self {
        self.acceptor.upgrade = self.acceptor.upgrade.policy(policy);
        self
    }

    /// The options of the connections.
    #[must_use]
    pub fn options(mut self, options: WebSocketOptions) -> Self {
        self.acceptor.timeout = options.limits.handshake_timeout;
        self.acceptor.upgrade = self.acceptor.upgrade.options(options);
        self
    }

    /// Speaks TLS with every client.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, config: Arc<ServerConfig>) -> Self {
        self.acceptor.tls = Some(config);
        self
    }

    /// How many connections [`serve`](Self::serve) has open at once; further
    /// ones are closed as soon as they come.
    #[must_use]
    pub fn max_connections(mut self, count: usize) -> Self {
        self.max_connections = count;
        self
    }

    /// The address it listens on.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::IoError`] of the system.
    pub fn local_addr(&self) -> Result<SocketAddr, WebSocketError> {
        Ok(self.listener.local_addr()?)
    }

    /// Accepts the next connection, its opening handshake included, for which
    /// others wait meanwhile.
    ///
    /// # Errors
    ///
    /// [`WebSocketError`] if this one cannot be opened; the next may be.
    pub fn accept(&self) -> Result<WebSocketConnection<Stream>, WebSocketError> {
        self.accept_request().map(|(_, connection)| connection)
    }

    /// As [`accept`](Self::accept), with the request that asked for the connection.
    ///
    /// # Errors
    ///
    /// As [`accept`](Self::accept).
    pub fn accept_request(
        &self,
    ) -> Result<(Request<()>, WebSocketConnection<Stream>), WebSocketError> {
        let (socket, _) = self.listener.accept()?;
        self.acceptor.open(socket)
    }

    /// A handle that stops [`serve`](Self::serve) from another thread.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.stopping.clone())
    }

    /// Runs `handler` for every connection, on a thread of its own, until it is
    /// stopped by a [`StopHandle`]. Then the open connections are closed with
    /// 1001, and it returns when their handlers have.
    ///
    /// A handshake that fails, or a handler that returns an error, ends that
    /// connection and nothing else.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::IoError`] if the listening socket fails for good.
    pub fn serve<H>(self, handler: H) -> Result<(), WebSocketError>
    where
        H: Fn(WebSocketConnection<Stream>) -> Result<(), WebSocketError> + Send + Sync + 'static,
    {
        self.serve_requests(move |_, connection| handler(connection))
    }

    /// As [`serve`](Self::serve), for a handler that looks at the request, for its
    /// path, query and headers. The client's address is the
    /// [stream's](Stream::peer_addr).
    ///
    /// The connection keeps nothing of the request: it takes memory for as long as
    /// the handler holds it.
    ///
    /// ```no_run
    /// use wirespeed::WebSocketListener;
    ///
    /// let listener = WebSocketListener::bind("127.0.0.1:9001")?;
    /// listener.serve_requests(|request, ws| {
    ///     let client = ws.stream().peer_addr();
    ///     println!("{client:?} subscribes to {}", request.uri().path());
    ///     ws.send(request.uri().query().unwrap_or("everything"))?;
    ///     ws.close(1000, "")
    /// })?;
    /// # Ok::<(), wirespeed::WebSocketError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`serve`](Self::serve).
    pub fn serve_requests<H>(self, handler: H) -> Result<(), WebSocketError>
    where
        H: Fn(Request<()>, WebSocketConnection<Stream>) -> Result<(), WebSocketError>
            + Send
            + Sync
            + 'static,
    {
        let handler = Arc::new(handler);
        let open = OpenConnections::default();
        while !self.stopping.is_asked() {
            let socket = match self.listener.accept() {
                Ok((socket, _)) => socket,
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                    return Err(error.into());
                }
                Err(_) => {
                    thread::sleep(ACCEPT_BACKOFF);
                    continue;
                }
            };
            let Some(seat) = open.seat(self.max_connections) else { continue };
            let (acceptor, handler) = (self.acceptor.clone(), Arc::clone(&handler));
            // A thread that cannot be had drops the socket, and with it the seat.
            let _ = thread::Builder::new().name("websocket".into()).spawn(move || {
                if let Ok((request, connection)) = acceptor.open(socket) {
                    let _seat = seat.occupied_by(&connection);
                    // How a connection ended is the handler's to report.
                    let _ = handler(request, connection);
                }
            });
        }
        drop(self.listener);
        open.close_all(self.acceptor.grace());
        Ok(())
    }
}

impl Acceptor {
    /// How long connections have to end when the server does: those that are being
    /// opened, and those that are being closed.
    fn grace(&self) -> Duration {
        self.timeout.max(self.upgrade.options.limits.close_timeout)
    }

    fn open(
        &self,
        socket: TcpStream,
    ) -> Result<(Request<()>, WebSocketConnection<Stream>), WebSocketError> {
        let deadline = Instant::now().checked_add(self.timeout);
        // Some systems pass it on from the listener.
        socket.set_nonblocking(false)?;
        socket.set_nodelay(true)?;
        let stream = Stream::Tcp(socket);
        #[cfg(feature = "tls")]
        if let Some(config) = &self.tls {
            let stream = TlsStream::accept(stream, Arc::clone(config), deadline)?;
            let upgrade = self.upgrade.clone().over_tls();
            return upgrade.accept_request_by(deadline, Stream::from(stream));
        }
        self.upgrade.clone().accept_request_by(deadline, stream)
    }
}

/// Stops a listener that serves.
#[derive(Debug, Clone)]
pub struct StopHandle(Stopping);

impl StopHandle {
    /// Lets no more connections in and closes those that are open; does not
    /// wait for it.
    pub fn stop(&self) {
        self.0.ask();
    }
}

#[derive(Debug, Clone)]
struct Stopping {
    asked: Arc<AtomicBool>,
    address: SocketAddr,
}

impl Stopping {
    fn new(mut address: SocketAddr) -> Self {
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        Self { asked: Arc::default(), address }
    }

    fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    fn ask(&self) {
        self.asked.store(true, Ordering::Release);
        // A connection is what a thread blocked in accept waits for.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_stops_gives_its_peers_the_time_for_both_handshakes() {
        for (handshake, close) in [(1, 2), (2, 1)] {
            let mut options = WebSocketOptions::server();
            options.limits.handshake_timeout = Duration::from_secs(handshake);
            options.limits.close_timeout = Duration::from_secs(close);
            let listener = WebSocketListener::bind("127.0.0.1:0").unwrap().options(options);
            assert_eq!(listener.acceptor.grace(), Duration::from_secs(2));
        }
    }
}
