//! The sending side over a stream: writes, their deadlines and the end.

use std::{
    io::{self, IoSlice},
    mem,
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use tokio::io::AsyncWrite;

use super::timer::{Timer, now};
use crate::{
    error::WebSocketError,
    protocol::{Outgoing, SendError, Sender, TransportAction, WRITE_SLICES},
};

/// The sending side and what its writes need to know. It never sees who waits:
/// that is the caller's, who polls with the waker of both sides.
#[derive(Debug)]
pub(super) struct Sending {
    pub(super) sender: Sender,
    timer: Timer,
    shut_down: bool,
    /// Something went, or nothing ever will: whoever waits for that is to look.
    moved: bool,
}

impl Sending {
    /// `of_timers` wakes both sides' tasks.
    pub(super) fn new(sender: Sender, of_timers: Waker) -> Self {
        Self { sender, timer: Timer::new(of_timers), shut_down: false, moved: false }
    }

    /// Makes room for `message`, takes it, and queues it.
    pub(super) fn poll_write<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut W,
        message: &mut Option<impl Outgoing>,
    ) -> Poll<Result<(), WebSocketError>> {
        if let Some(waiting) = message {
            ready!(self.poll_room(cx, stream, waiting.payload_len()))?;
        }
        let written = message.take().map_or(Ok(()), |message| message.write_to(&mut self.sender));
        Poll::Ready(Ok(written?))
    }

    /// Sends until there is room for `len` bytes more.
    pub(super) fn poll_room<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut W,
        len: usize,
    ) -> Poll<Result<(), WebSocketError>> {
        while !self.sender.has_room(len) {
            ready!(self.poll_progress(cx, stream))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends all that waits, and gives the buffers back.
    #[inline]
    pub(super) fn poll_flush<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut W,
    ) -> Poll<Result<(), WebSocketError>> {
        while self.wants_flush() {
            ready!(self.poll_progress(cx, stream))?;
        }
        self.sender.release_at_hand();
        if self.timer.is_set() && self.sender.next_deadline().is_none() {
            self.timer.clear();
        }
        Poll::Ready(Ok(()))
    }

    /// [`poll_flush`](Self::poll_flush) for whoever queued what waits: it is an error if
    /// the other side has found the transport lost before all of it was sent.
    #[inline]
    pub(super) fn poll_sent<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut W,
    ) -> Poll<Result<(), WebSocketError>> {
        ready!(self.poll_flush(cx, stream))?;
        Poll::Ready(match self.sender.has_dropped() {
            true => Err(WebSocketError::ConnectionLost),
            false => Ok(()),
        })
    }

    /// Sends all that waits, and then waits for what the peer owes. Ready only if
    /// one or the other fails.
    pub(super) fn poll_failure<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut W,
    ) -> Poll<WebSocketError> {
        if let Err(error) = ready!(self.poll_flush(cx, stream)) {
            return Poll::Ready(error);
        }
        self.poll_deadline().map(WebSocketError::from)
    }

    /// Whether there is something to send.
    #[inline]
    pub(super) fn wants_flush(&self) -> bool {
        self.sender.wants_transmit() || self.sender.is_unflushed()
    }

    /// Closes the stream's writing side, once.
    pub(super) fn poll_shutdown<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut W,
    ) -> Poll<()> {
        if !self.shut_down {
            // What is wrong with the stream shows when it is read.
            let _ = ready!(Pin::new(stream).poll_shutdown(cx));
            self.shut_down = true;
        }
        Poll::Ready(())
    }

    /// Closes the stream's writing side, for as long as the peer has to close.
    pub(super) fn poll_end<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut W,
    ) -> Poll<()> {
        if self.poll_shutdown(cx, stream).is_ready() || self.sender.next_deadline().is_none() {
            return Poll::Ready(());
        }
        self.poll_deadline().map(|_| ())
    }

    pub(super) fn transport_action(&self) -> TransportAction {
        self.sender.transport_action()
    }

    pub(super) fn transport_lost(&mut self) {
        self.sender.transport_lost();
        self.sender.release_idle();
        self.timer.clear();
        self.moved = true;
    }

    /// Whether there was progress since this was last asked.
    pub(super) fn take_moved(&mut self) -> bool {
        mem::take(&mut self.moved)
    }

    /// Sends what the stream takes at once. An error is final.
    #[inline]
    fn poll_progress<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut W,
    ) -> Poll<Result<(), WebSocketError>> {
        match self.poll_transmit(cx, stream) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => {
                self.transport_lost();
                Poll::Ready(Err(error.into()))
            }
            Poll::Pending => self.poll_deadline().map(|over| Err(over.into())),
        }
    }

    #[inline]
    fn poll_transmit<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut W,
    ) -> Poll<io::Result<()>> {
        let written = match self.sender.peek_piece() {
            Some([]) => return self.poll_through(cx, stream),
            Some(piece) => Pin::new(&mut *stream).poll_write(cx, piece),
            None => self.poll_write_pieces(cx, stream),
        };
        let Poll::Ready(written) = written else {
            self.sender.begin_wait(now());
            return Poll::Pending;
        };
        let written = written?;
        if written == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.moved = true;
        if self.sender.written_at_once(written) {
            return self.poll_through(cx, stream);
        }
        self.sender.written(written, now());
        Poll::Ready(Ok(()))
    }

    /// Writes what does not lie in one piece.
    fn poll_write_pieces<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut W,
    ) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); WRITE_SLICES];
        let count = self.sender.peek_transmit(&mut slices);
        match &slices[..count] {
            [slice] => Pin::new(stream).poll_write(cx, slice),
            slices => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    /// Has the stream send what it took and holds back.
    #[inline]
    fn poll_through<W: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut W,
    ) -> Poll<io::Result<()>> {
        if self.sender.is_closing() {
            self.sender.begin_wait(now());
        }
        let Poll::Ready(flushed) = Pin::new(stream).poll_flush(cx) else {
            self.sender.begin_flush(now());
            return Poll::Pending;
        };
        flushed?;
        self.sender.flushed();
        self.moved = true;
        Poll::Ready(Ok(()))
    }

    /// Waits for the sending side's deadline, while it has one.
    fn poll_deadline(&mut self) -> Poll<SendError> {
        loop {
            let Some(at) = self.sender.next_deadline() else { return Poll::Pending };
            ready!(self.timer.poll_until(at));
            if let Err(over) = self.sender.handle_timeout(now()) {
                self.transport_lost();
                return Poll::Ready(over);
            }
        }
    }
}
