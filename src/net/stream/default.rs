//! The stream that the library itself dials and accepts.

use std::io::{self, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::Duplex;
#[cfg(feature = "tls")]
use super::TlsStream;

/// A plain or a TLS stream.
///
/// It is a [`Duplex`], and a [`Read`] and [`Write`] for code that knows no
/// other.
#[derive(Debug)]
#[non_exhaustive]
pub enum Stream {
    /// TCP.
    Tcp(TcpStream),
    /// A socket of the local machine.
    #[cfg(unix)]
    Unix(UnixStream),
    /// TLS over any of these, TLS included, as an `https` proxy has it.
    #[cfg(feature = "tls")]
    Tls(Box<TlsStream<Stream>>),
}

impl Stream {
    /// Whether what is written is encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        match self {
            #[cfg(feature = "tls")]
            Self::Tls(_) => true,
            _ => false,
        }
    }

    /// The TCP socket at the bottom, for its options and addresses.
    #[must_use]
    pub fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(socket) => Some(socket),
            #[cfg(unix)]
            Self::Unix(_) => None,
            #[cfg(feature = "tls")]
            Self::Tls(stream) => stream.get_ref().tcp(),
        }
    }

    /// The TLS layer nearest to the user, if there is one.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(&self) -> Option<&TlsStream<Self>> {
        match self {
            Self::Tls(stream) => Some(stream),
            _ => None,
        }
    }

    /// The peer of the TCP socket: a proxy's address where there is a proxy.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.tcp()?.peer_addr().ok()
    }
}

/// Evaluates an expression for the stream inside.
macro_rules! each {
    ($stream:expr, $inner:ident => $value:expr) => {
        match $stream {
            Stream::Tcp($inner) => $value,
            #[cfg(unix)]
            Stream::Unix($inner) => $value,
            #[cfg(feature = "tls")]
            Stream::Tls(boxed) => {
                let $inner = &**boxed;
                $value
            }
        }
    };
}

impl Duplex for Stream {
    fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        each!(self, stream => Duplex::read(stream, buf))
    }

    fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        each!(self, stream => Duplex::write_vectored(stream, bufs))
    }

    fn flush(&self) -> io::Result<()> {
        each!(self, stream => Duplex::flush(stream))
    }

    fn shutdown_write(&self) -> io::Result<()> {
        each!(self, stream => Duplex::shutdown_write(stream))
    }

    fn shutdown(&self) -> io::Result<()> {
        each!(self, stream => Duplex::shutdown(stream))
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        each!(self, stream => Duplex::set_read_timeout(stream, timeout))
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        each!(self, stream => Duplex::set_write_timeout(stream, timeout))
    }

    fn wait_readable(&self, timeout: Option<Duration>) -> io::Result<bool> {
        each!(self, stream => Duplex::wait_readable(stream, timeout))
    }

    fn try_write(&self, buf: &[u8]) -> Option<io::Result<usize>> {
        each!(self, stream => Duplex::try_write(stream, buf))
    }
}

impl Read for &Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Duplex::read(*self, buf)
    }
}

impl Write for &Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        Duplex::write_vectored(*self, &[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Duplex::write_vectored(*self, bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Duplex::flush(*self)
    }
}

impl Read for Stream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        Duplex::read(self, buf)
    }
}

impl Write for Stream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self).write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        Duplex::write_vectored(self, bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Duplex::flush(self)
    }
}

impl From<TcpStream> for Stream {
    fn from(socket: TcpStream) -> Self {
        Self::Tcp(socket)
    }
}

#[cfg(unix)]
impl From<UnixStream> for Stream {
    fn from(socket: UnixStream) -> Self {
        Self::Unix(socket)
    }
}

#[cfg(feature = "tls")]
impl From<TlsStream<Stream>> for Stream {
    fn from(stream: TlsStream<Stream>) -> Self {
        Self::Tls(Box::new(stream))
    }
}
