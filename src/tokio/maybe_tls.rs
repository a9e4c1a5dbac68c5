//! A TCP stream, in the clear or under TLS.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf, WriteHalf},
    net::{TcpStream, tcp},
};
use tokio_rustls::{TlsAcceptor, TlsStream};

use super::{SplitStream, connect::tls_error};
use crate::net::tls::{TlsError, TlsServer};

/// A TCP stream, in the clear or under TLS, or under TLS through a TLS connection
/// with a proxy.
#[derive(Debug)]
#[non_exhaustive]
pub enum MaybeTlsStream {
    /// In the clear.
    Tcp(TcpStream),
    /// Under TLS.
    Tls(Box<TlsStream<MaybeTlsStream>>),
}

impl MaybeTlsStream {
    /// Performs a server's TLS handshake, for which the caller sets a time limit.
    ///
    /// # Errors
    ///
    /// [`TlsError::Handshake`], or [`TlsError::Io`] if the transport fails.
    pub async fn accept_tls(stream: TcpStream, tls: &TlsServer) -> Result<Self, TlsError> {
        let acceptor = TlsAcceptor::from(Arc::clone(tls.config()));
        match acceptor.accept(Self::Tcp(stream)).await {
            Ok(stream) => Ok(Self::Tls(Box::new(stream.into()))),
            Err(error) => Err(tls_error(error)),
        }
    }

    /// The TCP stream below, for its addresses and options.
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Tcp(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0.tcp(),
        }
    }

    /// Whether it is under TLS.
    pub fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

impl From<TcpStream> for MaybeTlsStream {
    fn from(stream: TcpStream) -> Self {
        Self::Tcp(stream)
    }
}

/// Without a lock in the clear; under TLS, whose state both directions share, with
/// one.
impl SplitStream for MaybeTlsStream {
    type Read = MaybeTlsReadHalf;
    type Write = MaybeTlsWriteHalf;

    fn split(self) -> (MaybeTlsReadHalf, MaybeTlsWriteHalf) {
        match self {
            Self::Tcp(stream) => {
                let (read, write) = stream.into_split();
                (MaybeTlsReadHalf(Half::Tcp(read)), MaybeTlsWriteHalf(Half::Tcp(write)))
            }
            Self::Tls(stream) => {
                let (read, write) = tokio::io::split(*stream);
                (MaybeTlsReadHalf(Half::Tls(read)), MaybeTlsWriteHalf(Half::Tls(write)))
            }
        }
    }
}

/// The reading direction of a [`MaybeTlsStream`].
#[derive(Debug)]
pub struct MaybeTlsReadHalf(Half<tcp::OwnedReadHalf, ReadHalf<TlsStream<MaybeTlsStream>>>);

/// The writing direction of a [`MaybeTlsStream`].
#[derive(Debug)]
pub struct MaybeTlsWriteHalf(Half<tcp::OwnedWriteHalf, WriteHalf<TlsStream<MaybeTlsStream>>>);

#[derive(Debug)]
enum Half<T, U> {
    Tcp(T),
    Tls(U),
}

/// Calls a method of whichever stream it is.
macro_rules! delegate {
    ($kind:ident, $self:expr, $($call:tt)*) => {
        match $self {
            $kind::Tcp(stream) => Pin::new(stream).$($call)*,
            $kind::Tls(stream) => Pin::new(stream).$($call)*,
        }
    };
}

impl AsyncRead for MaybeTlsStream {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        delegate!(Self, self.get_mut(), poll_read(cx, buf))
    }
}

impl AsyncRead for MaybeTlsReadHalf {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        delegate!(Half, &mut self.get_mut().0, poll_read(cx, buf))
    }
}

/// The writing direction, of the whole stream and of its half.
macro_rules! async_write {
    ($type:ty, $kind:ident, |$this:ident| $stream:expr) => {
        impl AsyncWrite for $type {
            #[inline]
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buf: &[u8],
            ) -> Poll<io::Result<usize>> {
                let $this = self.get_mut();
                delegate!($kind, $stream, poll_write(cx, buf))
            }

            #[inline]
            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                let $this = self.get_mut();
                delegate!($kind, $stream, poll_write_vectored(cx, bufs))
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                let $this = self.get_mut();
                delegate!($kind, $stream, poll_flush(cx))
            }

            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                let $this = self.get_mut();
                delegate!($kind, $stream, poll_shutdown(cx))
            }
        }
    };
}

async_write!(MaybeTlsStream, MaybeTlsStream, |this| this);
async_write!(MaybeTlsWriteHalf, Half, |this| &mut this.0);
