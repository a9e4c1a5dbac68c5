//! How the two directions reach the transport: together or apart.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    sending::Sending,
    wakers::{Side, Wakers},
};
#[cfg(feature = "deflate")]
use crate::deflate::DeflateTotals;
use crate::{
    error::WebSocketError,
    frame::{CloseCode, Opcode},
    protocol::{Outgoing, Sender, Signals},
};

/// The way to the sending side and the stream it writes to.
pub(super) trait Outlet {
    type Write: AsyncWrite + Unpin;

    fn wakers(&mut self) -> &mut Wakers;
    fn signals(&self) -> &Signals;

    /// Works on the sending side and its stream, which is to be polled with the
    /// context given; not for long, the other direction may be waiting.
    fn with_sending<T>(
        &mut self,
        act: impl FnOnce(&mut Sending, &mut Self::Write, &mut Context<'_>) -> T,
    ) -> T;

    /// Works on the sending side for a task that waits for it.
    fn poll_sending<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut act: impl FnMut(&mut Sending, &mut Self::Write, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let was_closing = self.signals().is_closing();
        self.wakers().enter(Side::Sending, cx.waker());
        // Most of the time the stream takes everything at once, and there is no
        // need to say who waits. Otherwise that comes first, and then another look.
        let (mut polled, mut moved) = self.try_sending(&mut act);
        if polled.is_pending() {
            self.wakers().register(Side::Sending, cx.waker());
            let again = self.try_sending(&mut act);
            polled = again.0;
            moved |= again.1;
        }
        // Only a connection that is closing makes the receiving side wait for this.
        if self.signals().is_closing() && (moved || !was_closing) {
            self.wakers().wake(Side::Receiving);
        }
        polled
    }

    fn try_sending<T>(
        &mut self,
        act: impl FnOnce(&mut Sending, &mut Self::Write, &mut Context<'_>) -> T,
    ) -> (T, bool) {
        self.with_sending(|sending, stream, cx| (act(sending, stream, cx), sending.take_moved()))
    }

    /// Queues `message` if there is room for it, or gives it back.
    #[inline]
    fn write_at_once<M: Outgoing>(&mut self, message: M) -> Result<Result<(), WebSocketError>, M> {
        let written = self.with_sending(|sending, _, _| {
            if sending.sender.has_room(message.payload_len()) {
                Ok(message.write_to(&mut sending.sender))
            } else {
                Err(message)
            }
        })?;
        self.wake_to_close();
        Ok(written.map_err(WebSocketError::from))
    }

    /// Queues `message`, for which room was promised.
    fn write_as_promised(&mut self, message: impl Outgoing) -> Result<(), WebSocketError> {
        let written = self.with_sending(|sending, _, _| sending.sender.write_past_limit(message));
        self.wake_to_close();
        Ok(written?)
    }

    /// A close frame that was queued is the receiving side's to see gone and answered.
    #[inline]
    fn wake_to_close(&mut self) {
        if self.signals().is_closing() {
            self.wakers().wake(Side::Receiving);
        }
    }

    /// Queues `message`, and sends it if `flush` says so.
    fn poll_message(
        &mut self,
        cx: &mut Context<'_>,
        message: &mut Option<impl Outgoing>,
        flush: bool,
    ) -> Poll<Result<(), WebSocketError>> {
        self.poll_sending(cx, |sending, stream, cx| {
            if message.is_some() {
                ready!(sending.poll_write(cx, stream, message))?;
            }
            if flush { sending.poll_sent(cx, stream) } else { Poll::Ready(Ok(())) }
        })
    }

    /// Sends all that is queued.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        self.poll_sending(cx, |sending, stream, cx| sending.poll_sent(cx, stream))
    }

    /// Queues a fragment as soon as there is room.
    fn poll_fragment(
        &mut self,
        cx: &mut Context<'_>,
        opcode: Opcode,
        payload: &[u8],
        fin: bool,
    ) -> Poll<Result<(), WebSocketError>> {
        self.poll_sending(cx, |sending, stream, cx| {
            ready!(sending.poll_room(cx, stream, payload.len()))?;
            Poll::Ready(Ok(sending.sender.write_fragment(opcode, payload, fin)?))
        })
    }

    /// Queues a close frame, unless there was one, and sends all that is queued.
    fn poll_close_frame(
        &mut self,
        cx: &mut Context<'_>,
        code: CloseCode,
        reason: &str,
    ) -> Poll<Result<(), WebSocketError>> {
        self.poll_sending(cx, |sending, stream, cx| {
            sending.sender.write_close(code, reason)?;
            sending.poll_flush(cx, stream)
        })
    }
}

/// Both directions, as the receiving side needs them.
pub(super) trait Lines: Outlet {
    /// Reads from the stream, for the task that was [registered](Wakers::register) last.
    fn poll_read(&mut self, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>>;

    /// Whether there is something to send that nobody else sends.
    fn wants_flush(&self) -> bool;
}

/// Both directions in the same hands.
#[derive(Debug)]
pub(super) struct Whole<S> {
    pub(super) stream: S,
    sending: Sending,
    signals: Signals,
    wakers: Wakers,
}

impl<S> Whole<S> {
    pub(super) fn new(stream: S, sender: Sender, wakers: Wakers) -> Self {
        let (signals, of_timers) = (sender.signals(), wakers.of_timers().clone());
        Self { stream, signals, sending: Sending::new(sender, of_timers), wakers }
    }

    /// Takes the directions apart.
    pub(super) fn split<R, W>(self, split: impl FnOnce(S) -> (R, W)) -> (Inlet<R, W>, Shared<W>) {
        let Self { stream, sending, signals, wakers } = self;
        let (read, write) = split(stream);
        let shared = Arc::new(Mutex::new((sending, write)));
        let [wakers, others] = wakers.apart();
        let outlet =
            Shared { shared: Arc::clone(&shared), signals: signals.clone(), wakers: others };
        (Inlet { read, outlet: Shared { shared, signals, wakers } }, outlet)
    }

    #[cfg(feature = "deflate")]
    pub(super) fn deflate_totals(&self) -> Option<DeflateTotals> {
        self.sending.sender.deflate_totals()
    }
}

impl<S: AsyncWrite + Unpin> Outlet for Whole<S> {
    type Write = S;

    fn wakers(&mut self) -> &mut Wakers {
        &mut self.wakers
    }

    fn signals(&self) -> &Signals {
        &self.signals
    }

    #[inline]
    fn with_sending<T>(
        &mut self,
        act: impl FnOnce(&mut Sending, &mut S, &mut Context<'_>) -> T,
    ) -> T {
        act(&mut self.sending, &mut self.stream, &mut self.wakers.context())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Lines for Whole<S> {
    #[inline]
    fn poll_read(&mut self, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(&mut self.wakers.context(), buf)
    }

    fn wants_flush(&self) -> bool {
        self.sending.wants_flush()
    }
}

/// The sending direction, for both halves.
///
/// The lock is held while a message is compressed and copied, or while the stream takes
/// what is queued and does not block; the data path of the receiving half does not take
/// it.
#[derive(Debug)]
pub(super) struct Shared<W> {
    shared: Arc<Mutex<(Sending, W)>>,
    signals: Signals,
    wakers: Wakers,
}

impl<W> Shared<W> {
    #[cfg(feature = "deflate")]
    pub(super) fn deflate_totals(&self) -> Option<DeflateTotals> {
        self.lock().0.sender.deflate_totals()
    }

    fn lock(&self) -> MutexGuard<'_, (Sending, W)> {
        // A panic in a task that was sending leaves a queue of whole frames.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: AsyncWrite + Unpin> Outlet for Shared<W> {
    type Write = W;

    fn wakers(&mut self) -> &mut Wakers {
        &mut self.wakers
    }

    fn signals(&self) -> &Signals {
        &self.signals
    }

    fn with_sending<T>(
        &mut self,
        act: impl FnOnce(&mut Sending, &mut W, &mut Context<'_>) -> T,
    ) -> T {
        let (sending, write) = &mut *self.lock();
        act(sending, write, &mut self.wakers.context())
    }
}

/// The receiving direction, and the way to the other one.
#[derive(Debug)]
pub(super) struct Inlet<R, W> {
    read: R,
    outlet: Shared<W>,
}

impl<R, W: AsyncWrite + Unpin> Outlet for Inlet<R, W> {
    type Write = W;

    fn wakers(&mut self) -> &mut Wakers {
        &mut self.outlet.wakers
    }

    fn signals(&self) -> &Signals {
        &self.outlet.signals
    }

    fn with_sending<T>(
        &mut self,
        act: impl FnOnce(&mut Sending, &mut W, &mut Context<'_>) -> T,
    ) -> T {
        self.outlet.with_sending(act)
    }
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Lines for Inlet<R, W> {
    fn poll_read(&mut self, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.read).poll_read(&mut self.outlet.wakers.context(), buf)
    }

    /// What the writer has queued is the writer's to send.
    fn wants_flush(&self) -> bool {
        self.outlet.signals.is_owing()
    }
}
