//! Messages of any size as byte streams.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{WebSocketReader, WebSocketStream, WebSocketWriter, lines::Outlet};
use crate::{error::WebSocketError, frame::Opcode};

/// The most of a message that is sent as one fragment, in bytes.
const FRAGMENT: usize = 64 << 10;

/// A message that is read as it arrives: memory is bounded by the read buffer,
/// whatever the message's size. The end of the message is the end of this stream.
///
/// The bytes of a text message are UTF-8, though a read may end inside
/// a character. Dropped before its end, it drops the rest of the message.
///
/// Reads are cancel safe. Their errors are those of
/// [`receive`](WebSocketStream::receive) as [`io::ErrorKind::Other`], with the
/// [`WebSocketError`] inside; a connection that is closed in the middle of the
/// message is [`UnexpectedEof`](io::ErrorKind::UnexpectedEof).
#[derive(Debug)]
#[must_use = "dropped before its end, it drops the rest of the message"]
pub struct MessageReader<'a, C: Receiving> {
    connection: &'a mut C,
    opcode: Opcode,
    ended: bool,
}

impl<'a, C: Receiving> MessageReader<'a, C> {
    pub(super) async fn next(connection: &'a mut C) -> Result<Option<Self>, WebSocketError> {
        let opcode = poll_fn(|cx| connection.poll_begin(cx)).await?;
        Ok(opcode.map(|opcode| Self { connection, opcode, ended: false }))
    }

    /// [`Opcode::Text`] or [`Opcode::Binary`].
    pub fn opcode(&self) -> Opcode {
        self.opcode
    }
}

impl<C: Receiving> AsyncRead for MessageReader<'_, C> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while !this.ended && buf.remaining() > 0 {
            let before = buf.filled().len();
            this.ended = ready!(this.connection.poll_piece(cx, buf))?;
            if buf.filled().len() > before {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<C: Receiving> Drop for MessageReader<'_, C> {
    fn drop(&mut self) {
        if !self.ended {
            self.connection.skip_message();
        }
    }
}

/// A message that is sent as it is produced: each write is a fragment of at most
/// 64 KiB, and a shutdown ends the message. Small writes are best gathered by
/// a [`BufWriter`](tokio::io::BufWriter).
///
/// Dropped before its shutdown, it leaves the message unfinished: only another
/// writer of the same kind can go on with it. Writes are cancel safe. Their errors
/// are those of [`send`](WebSocketStream::send) as [`io::ErrorKind::Other`], with
/// the [`WebSocketError`] inside, and [`io::ErrorKind::BrokenPipe`] after the shutdown.
#[derive(Debug)]
#[must_use = "nothing is sent before something is written"]
pub struct MessageWriter<'a, C: Sending> {
    connection: &'a mut C,
    opcode: Opcode,
    ended: bool,
}

impl<'a, C: Sending> MessageWriter<'a, C> {
    pub(super) fn new(connection: &'a mut C, opcode: Opcode) -> Self {
        Self { connection, opcode, ended: false }
    }
}

impl<C: Sending> AsyncWrite for MessageWriter<'_, C> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let len = buf.len().min(FRAGMENT);
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if len > 0 {
            ready!(this.connection.poll_fragment(cx, this.opcode, &buf[..len], false))?;
        }
        Poll::Ready(Ok(len))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().connection.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.ended {
            ready!(this.connection.poll_fragment(cx, this.opcode, &[], true))?;
            this.ended = true;
        }
        this.connection.poll_flush(cx)
    }
}

/// A connection that messages can be read from piece by piece.
pub trait Receiving {
    /// Waits for the next message, of which nothing is taken yet.
    fn poll_begin(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Opcode>, WebSocketError>>;

    /// Reads the next piece of it, which may be empty, and says whether it ends.
    fn poll_piece(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>)
    -> Poll<io::Result<bool>>;

    /// Drops the rest of it.
    fn skip_message(&mut self);
}

/// A connection that fragments can be written to.
pub trait Sending {
    /// Queues a fragment as soon as there is room.
    fn poll_fragment(
        &mut self,
        cx: &mut Context<'_>,
        opcode: Opcode,
        payload: &[u8],
        fin: bool,
    ) -> Poll<io::Result<()>>;

    /// Sends what is queued.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

impl<S: AsyncRead + AsyncWrite + Unpin> Receiving for WebSocketStream<S> {
    fn poll_begin(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Opcode>, WebSocketError>> {
        self.reading.poll_begin(cx, &mut self.lines)
    }

    fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<bool>> {
        self.reading.poll_piece(cx, &mut self.lines, buf)
    }

    fn skip_message(&mut self) {
        self.reading.skip_message();
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Receiving for WebSocketReader<R, W> {
    fn poll_begin(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Opcode>, WebSocketError>> {
        self.reading.poll_begin(cx, &mut self.inlet)
    }

    fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<bool>> {
        self.reading.poll_piece(cx, &mut self.inlet, buf)
    }

    fn skip_message(&mut self) {
        self.reading.skip_message();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Sending for WebSocketStream<S> {
    fn poll_fragment(
        &mut self,
        cx: &mut Context<'_>,
        opcode: Opcode,
        payload: &[u8],
        fin: bool,
    ) -> Poll<io::Result<()>> {
        self.lines.poll_fragment(cx, opcode, payload, fin).map_err(io::Error::other)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.lines.poll_flush(cx).map_err(io::Error::other)
    }
}

impl<W: AsyncWrite + Unpin> Sending for WebSocketWriter<W> {
    fn poll_fragment(
        &mut self,
        cx: &mut Context<'_>,
        opcode: Opcode,
        payload: &[u8],
        fin: bool,
    ) -> Poll<io::Result<()>> {
        self.outlet.poll_fragment(cx, opcode, payload, fin).map_err(io::Error::other)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outlet.poll_flush(cx).map_err(io::Error::other)
    }
}
