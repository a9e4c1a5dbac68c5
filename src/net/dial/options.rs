//! How to dial.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

/// Called with each socket before it connects, and with the address it is for.
pub type ConfigureSocket = dyn Fn(SockRef<'_>, SocketAddr) -> io::Result<()> + Send + Sync;

/// How to dial: time limits and socket options.
///
/// ```
/// use std::time::Duration;
/// use wirespeed::net::dial::DialOptions;
///
/// let mut options = DialOptions::default();
/// options.timeout = Duration::from_secs(3);
/// options.receive_buffer = Some(4 << 20);
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct DialOptions {
    /// For everything together: name resolution, TCP, proxy and TLS.
    /// 10 seconds by default.
    pub timeout: Duration,
    /// For each address, so that a silent one is given up before the others
    /// run out of time. None by default.
    pub attempt_timeout: Option<Duration>,
    /// How long an attempt has before the next address joins it. 250 ms by
    /// default, as RFC 8305 recommends.
    pub stagger: Duration,
    /// Lets no two connections to the same address and port be in their
    /// opening handshake at the same time in this process, as RFC 6455,
    /// section 4.1, demands: they take turns, first come, first served. On by default.
    pub serialize: bool,
    /// `TCP_NODELAY`, on by default: a message leaves when it is flushed.
    pub nodelay: bool,
    /// `SO_RCVBUF` in bytes; the system's choice by default.
    pub receive_buffer: Option<usize>,
    /// `SO_SNDBUF` in bytes; the system's choice by default.
    pub send_buffer: Option<usize>,
    /// The silence after which TCP probes for the peer; never by default.
    pub keepalive: Option<Duration>,
    /// The local address to connect from. Remote addresses of the other family
    /// then fail.
    pub local_address: Option<IpAddr>,
    /// The network interface to connect through (`SO_BINDTODEVICE`).
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia"))]
    pub interface: Option<String>,
    /// `TCP_QUICKACK`: acknowledge at once. Off by default. The kernel falls
    /// back to delayed acknowledgements as it sees fit.
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia"))]
    pub quick_ack: bool,
    /// `SO_BUSY_POLL`: how long a read polls the network card before it
    /// sleeps, at most 4,294 seconds. The system's choice by default.
    #[cfg(target_os = "linux")]
    pub busy_poll: Option<Duration>,
    /// Called with each socket before it connects, for options that have no
    /// field here. An error fails the attempt.
    pub configure: Option<Arc<ConfigureSocket>>,
}

impl Default for DialOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(10),
            attempt_timeout: None,
            stagger: Duration::from_millis(250),
            serialize: true,
            nodelay: true,
            receive_buffer: None,
            send_buffer: None,
            keepalive: None,
            local_address: None,
            #[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia"))]
            interface: None,
            #[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia"))]
            quick_ack: false,
            #[cfg(target_os = "linux")]
            busy_poll: None,
            configure: None,
        }
    }
}

impl DialOptions {
    /// A socket for `address` with all options set.
    pub(crate) fn socket(&self, address: SocketAddr) -> io::Result<Socket> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_tcp_nodelay(self.nodelay)?;
        // Before the connection is made, so that the window scale fits.
        if let Some(bytes) = self.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(bytes) = self.send_buffer {
            socket.set_send_buffer_size(bytes)?;
        }
        if let Some(time) = self.keepalive {
            socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(time))?;
        }
        #[cfg(any(target_os = "linux", target_os = "android", target_os = "fuchsia"))]
        {
            if let Some(interface) = &self.interface {
                socket.bind_device(Some(interface.as_bytes()))?;
            }
            if self.quick_ack {
                socket.set_tcp_quickack(true)?;
            }
        }
        #[cfg(target_os = "linux")]
        if let Some(time) = self.busy_poll {
            socket.set_busy_poll(time.as_micros().try_into().unwrap_or(u32::MAX))?;
        }
        if let Some(local) = self.local_address {
            socket.bind(&SocketAddr::new(local, 0).into())?;
        }
        if let Some(configure) = &self.configure {
            configure(SockRef::from(&socket), address)?;
        }
        Ok(socket)
    }
}

impl fmt::Debug for DialOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DialOptions")
            .field("timeout", &self.timeout)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("stagger", &self.stagger)
            .field("serialize", &self.serialize)
            .field("nodelay", &self.nodelay)
            .field("local_address", &self.local_address)
            .finish_non_exhaustive()
    }
}
