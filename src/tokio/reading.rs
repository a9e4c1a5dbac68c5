//! The receiving side over a stream: reads, their deadlines and the end.

use std::{
    future::poll_fn,
    io,
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes};
use tokio::io::ReadBuf;

use super::{
    lines::Lines,
    sending::Sending,
    spin::Spin,
    timer::{Timer, now},
    wakers::Side,
};
use crate::{
    error::WebSocketError,
    frame::Opcode,
    message::{MessageRef, WebSocketMessage},
    protocol::{Found, InPlace, ReceiveError, Received, Receiver, Sender, TransportAction, Way},
};

/// The receiving side and what its reads need to know.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) receiver: Receiver,
    timer: Timer,
    spin: Spin,
    /// What came with the opening handshake and did not fit the buffer.
    ahead: Bytes,
    /// What was found, and not taken by whoever it was found for.
    held: Option<Found>,
    /// The rest of the current message is of no interest.
    skipping: bool,
    owed: Owed,
    /// Whether the compressor is given back when the connection is idle, and when to look
    /// whether it is.
    releases_history: bool,
    release_at: Option<Instant>,
    /// The stream has ended; what is owed to the peer may still go.
    at_end: bool,
    /// The transport is done with; there is nothing left to wait for.
    ended: bool,
}

/// How long a compressor is not used before the connection counts as idle.
const IDLE_AFTER: Duration = Duration::from_secs(1);

/// What waiting came to.
pub(super) enum More {
    Found(Found),
    /// A read, of which nothing was looked at yet.
    Bytes,
    /// The end.
    Nothing,
}

impl Reading {
    /// `of_timers` wakes both sides' tasks.
    pub(super) fn new(receiver: Receiver, sender: &Sender, ahead: Bytes, of_timers: Waker) -> Self {
        let mut reading = Self {
            spin: Spin::new(receiver.spin()),
            receiver,
            timer: Timer::new(of_timers),
            ahead,
            held: None,
            skipping: false,
            owed: Owed::default(),
            releases_history: sender.releases_history(),
            release_at: None,
            at_end: false,
            ended: false,
        };
        if !reading.ahead.is_empty() {
            reading.receive_ahead();
        }
        reading
    }

    /// The next message, owning its bytes; `None` if none will ever come.
    pub(super) async fn receive<L: Lines>(
        &mut self,
        lines: &mut L,
    ) -> Result<Option<WebSocketMessage>, WebSocketError> {
        loop {
            if let Some(found) = self.find_in_place() {
                return self.take_in_place(lines, found).map(Some);
            }
            match poll_fn(|cx| self.poll_more(cx, lines, Way::Whole)).await? {
                More::Found(found) => return self.take(lines, found).map(Some),
                More::Bytes => {}
                More::Nothing => return Ok(None),
            }
        }
    }

    /// The next message, borrowed; `None` if none will ever come.
    #[inline]
    pub(super) async fn receive_ref<L: Lines>(
        &mut self,
        lines: &mut L,
    ) -> Result<Option<MessageRef<'_>>, WebSocketError> {
        loop {
            if let Some(found) = self.find_in_place() {
                return self.open_in_place(lines, found).map(Some);
            }
            match poll_fn(|cx| self.poll_more(cx, lines, Way::Whole)).await? {
                More::Found(found) => return self.open(lines, found).map(Some),
                More::Bytes => {}
                More::Nothing => return Ok(None),
            }
        }
    }

    /// The next message if it is received already, owning its bytes.
    #[inline]
    pub(super) fn try_receive<L: Lines>(
        &mut self,
        lines: &mut L,
    ) -> Result<Option<WebSocketMessage>, WebSocketError> {
        if let Some(found) = self.find_in_place() {
            return self.take_in_place(lines, found).map(Some);
        }
        match self.find(lines, Way::Whole)? {
            Some(found) => self.take(lines, found).map(Some),
            None => Ok(None),
        }
    }

    /// The next message if it is received already, borrowed.
    #[inline]
    pub(super) fn try_receive_ref<L: Lines>(
        &mut self,
        lines: &mut L,
    ) -> Result<Option<MessageRef<'_>>, WebSocketError> {
        if let Some(found) = self.find_in_place() {
            return self.open_in_place(lines, found).map(Some);
        }
        match self.find(lines, Way::Whole)? {
            Some(found) => self.open(lines, found).map(Some),
            None => Ok(None),
        }
    }

    /// The next piece of a message, or control frame; `None` if none will ever come.
    pub(super) async fn receive_chunk<L: Lines>(
        &mut self,
        lines: &mut L,
    ) -> Result<Option<Received<'_>>, WebSocketError> {
        match poll_fn(|cx| self.poll_find(cx, lines, Way::InChunks)).await? {
            Some(found) => self.open_chunk(lines, found).map(Some),
            None => Ok(None),
        }
    }

    /// Waits for something to hand out, which is to be opened or taken before
    /// anything else is done; `None` if nothing will ever come.
    pub(super) fn poll_find<L: Lines>(
        &mut self,
        cx: &mut Context<'_>,
        lines: &mut L,
        way: Way,
    ) -> Poll<Result<Option<Found>, WebSocketError>> {
        loop {
            match ready!(self.poll_more(cx, lines, way))? {
                More::Found(found) => return Poll::Ready(Ok(Some(found))),
                More::Bytes => {}
                More::Nothing => return Poll::Ready(Ok(None)),
            }
        }
    }

    /// [`poll_find`](Self::poll_find), interrupted after each read: whoever looks
    /// [in place](Self::find_in_place) first then keeps the common message in
    /// registers.
    #[inline]
    pub(super) fn poll_more<L: Lines>(
        &mut self,
        cx: &mut Context<'_>,
        lines: &mut L,
        way: Way,
    ) -> Poll<Result<More, WebSocketError>> {
        if !self.holds_nothing()
            && let Some(found) = self.find(lines, way)?
        {
            return Poll::Ready(Ok(More::Found(found)));
        }
        if self.receiver.is_finished() {
            ready!(self.poll_finish(cx, lines));
            return Poll::Ready(Ok(More::Nothing));
        }
        ready!(self.poll_fill(cx, lines))?;
        Poll::Ready(Ok(More::Bytes))
    }

    /// Whether there is nothing to [`find`](Self::find), at first sight.
    #[inline]
    fn holds_nothing(&self) -> bool {
        self.is_between_messages() && self.receiver.holds_nothing()
    }

    /// What is received already.
    pub(super) fn find<L: Lines>(
        &mut self,
        lines: &mut L,
        way: Way,
    ) -> Result<Option<Found>, WebSocketError> {
        let found = if self.is_between_messages() {
            self.receiver.find(way)
        } else {
            self.find_around_piece(way)
        };
        if found.is_err() {
            self.owed.answer(lines);
        }
        Ok(found?)
    }

    /// The next message in the common case, at once; see
    /// [`Receiver::find_in_place`]. [`find`](Self::find) finds it, too.
    #[inline(always)]
    pub(super) fn find_in_place(&mut self) -> Option<InPlace> {
        if self.is_between_messages() { self.receiver.find_in_place() } else { None }
    }

    /// Whether nothing of a message is held back or to be skipped.
    #[inline(always)]
    pub(super) fn is_between_messages(&self) -> bool {
        self.held.is_none() && !self.skipping
    }

    /// Hands out what was found in place, owning its bytes.
    #[inline(always)]
    pub(super) fn take_in_place<L: Lines>(
        &mut self,
        lines: &mut L,
        found: InPlace,
    ) -> Result<WebSocketMessage, WebSocketError> {
        match self.receiver.take_in_place(found) {
            Ok(message) => Ok(message),
            Err(error) => {
                self.owed.answer(lines);
                Err(error.into())
            }
        }
    }

    /// Hands out what was found in place, borrowed.
    #[inline(always)]
    pub(super) fn open_in_place<L: Lines>(
        &mut self,
        lines: &mut L,
        found: InPlace,
    ) -> Result<MessageRef<'_>, WebSocketError> {
        match self.receiver.open_in_place(found) {
            Ok(message) => Ok(message),
            Err(error) => {
                self.owed.answer(lines);
                Err(error.into())
            }
        }
    }

    /// Hands out what was found, owning its bytes.
    pub(super) fn take<L: Lines>(
        &mut self,
        lines: &mut L,
        found: Found,
    ) -> Result<WebSocketMessage, WebSocketError> {
        let message = self.receiver.take(found);
        if !matches!(&message, Ok(message) if message.is_data()) {
            self.owed.answer(lines);
        }
        Ok(message?)
    }

    /// Hands out what was found, borrowed.
    #[inline]
    pub(super) fn open<L: Lines>(
        &mut self,
        lines: &mut L,
        found: Found,
    ) -> Result<MessageRef<'_>, WebSocketError> {
        let message = self.receiver.open(found);
        if !matches!(&message, Ok(message) if message.is_data()) {
            self.owed.answer(lines);
        }
        Ok(message?)
    }

    /// Hands out what was found when looking for pieces.
    pub(super) fn open_chunk<L: Lines>(
        &mut self,
        lines: &mut L,
        found: Found,
    ) -> Result<Received<'_>, WebSocketError> {
        let received = self.receiver.open_chunk(found);
        if !matches!(&received, Ok(Received::Chunk(_))) {
            self.owed.answer(lines);
        }
        Ok(received?)
    }

    /// Waits for the next message, of which nothing is taken yet, and passes over
    /// control frames.
    pub(super) fn poll_begin<L: Lines>(
        &mut self,
        cx: &mut Context<'_>,
        lines: &mut L,
    ) -> Poll<Result<Option<Opcode>, WebSocketError>> {
        loop {
            match ready!(self.poll_find(cx, lines, Way::InChunks))? {
                Some(piece) if piece.is_piece() => {
                    self.held = Some(piece);
                    return Poll::Ready(Ok(self.receiver.message_opcode()));
                }
                Some(control) => {
                    self.open(lines, control)?;
                }
                None => return Poll::Ready(Ok(None)),
            }
        }
    }

    /// Reads the next piece of a message, as much of it as there is room for, and
    /// says whether the message ends. It may be empty.
    pub(super) fn poll_piece<L: Lines>(
        &mut self,
        cx: &mut Context<'_>,
        lines: &mut L,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<bool>> {
        let found = ready!(self.poll_find(cx, lines, Way::InChunks)).map_err(io::Error::other)?;
        let Some(found) = found else {
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        };
        let (first, rest) = found.cut(buf.remaining());
        let last = match self.open_chunk(lines, first).map_err(io::Error::other)? {
            Received::Chunk(chunk) => {
                buf.put_slice(chunk.payload);
                chunk.last
            }
            Received::Control(MessageRef::Close(..)) => {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            Received::Control(_) => false,
        };
        self.held = rest;
        Poll::Ready(Ok(last))
    }

    /// Drops what is still to come of the current message.
    pub(super) fn skip_message(&mut self) {
        self.skipping = true;
    }

    /// Whether another whole frame is received already.
    pub(super) fn has_buffered_frame(&mut self) -> bool {
        self.held.is_some() || self.receiver.has_buffered_frame()
    }

    /// Waits for the peer's close frame, drops what comes before it, and sees the
    /// transport to its end.
    pub(super) fn poll_close<L: Lines>(
        &mut self,
        cx: &mut Context<'_>,
        lines: &mut L,
    ) -> Poll<Result<(), WebSocketError>> {
        let mut way = Way::InChunks;
        loop {
            let dropped = match ready!(self.poll_find(cx, lines, way)) {
                Ok(Some(found)) if found.is_piece() => self.open_chunk(lines, found).map(|_| ()),
                Ok(Some(found)) => self.open(lines, found).map(|_| ()),
                Ok(None) => return Poll::Ready(Ok(())),
                Err(error) => Err(error),
            };
            match dropped {
                Ok(()) => {}
                // A message that was begun in one way has to be ended in it.
                Err(WebSocketError::OtherWay) if way == Way::InChunks => way = Way::Whole,
                // Whoever has closed already is not to be told again how.
                Err(WebSocketError::ConnectionClosed) => return Poll::Ready(Ok(())),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// [`find`](Self::find) with a piece in hand, or the rest of a message to skip.
    #[cold]
    fn find_around_piece(&mut self, way: Way) -> Result<Option<Found>, ReceiveError> {
        while self.skipping {
            let found = match self.held.take() {
                Some(held) => Some(held),
                None => self.receiver.find(Way::InChunks)?,
            };
            match found {
                Some(found) if found.is_piece() => {
                    if let Received::Chunk(chunk) = self.receiver.open_chunk(found)? {
                        self.skipping = !chunk.last;
                    }
                }
                other => return Ok(other),
            }
        }
        match self.held.take() {
            Some(held) if way == Way::InChunks => Ok(Some(held)),
            Some(held) => {
                self.held = Some(held);
                Err(ReceiveError::OtherWay)
            }
            None => self.receiver.find(way),
        }
    }

    /// Waits for bytes and reads them. While there are none, no buffer is held.
    #[inline]
    fn poll_fill<L: Lines>(
        &mut self,
        cx: &mut Context<'_>,
        lines: &mut L,
    ) -> Poll<Result<(), WebSocketError>> {
        if !self.ahead.is_empty() {
            self.receive_ahead();
            return Poll::Ready(Ok(()));
        }
        if lines.wants_flush() {
            // The peer works on the answers to the messages of one read during the next.
            self.owed.answer(lines);
        }
        lines.wakers().register(Side::Receiving, cx.waker());
        if self.at_end {
            return self.poll_failure(lines).map(Err);
        }
        let mut buf = ReadBuf::new(self.receiver.read_buffer());
        match lines.poll_read(&mut buf) {
            Poll::Ready(Ok(())) => match buf.filled().len() {
                0 => Poll::Ready(self.end(lines)),
                len => {
                    self.spin.end();
                    self.receiver.received(len, now());
                    Poll::Ready(Ok(()))
                }
            },
            Poll::Ready(Err(error)) => {
                let closed = self.lost(lines).is_ok();
                Poll::Ready(Err(WebSocketError::of_lost_transport(error, closed)))
            }
            Poll::Pending => {
                self.spin.ask_again(cx);
                self.receiver.release_at_hand();
                if self.releases_history && self.release_at.is_none() {
                    self.release_at = now().checked_add(IDLE_AFTER);
                }
                self.poll_failure(lines).map(Err)
            }
        }
    }

    /// Takes what came with the opening handshake, as much as there is room for.
    #[cold]
    fn receive_ahead(&mut self) {
        let taken = self.receiver.receive_from(&self.ahead, now());
        self.ahead.advance(taken);
    }

    /// What there is to do while no bytes come: to send what is owed, and to look at
    /// the clock. Ready only if the connection has to be given up.
    fn poll_failure<L: Lines>(&mut self, lines: &mut L) -> Poll<WebSocketError> {
        loop {
            // The sending side's deadlines count here where nobody else looks.
            if self.owed.blocked || lines.signals().is_closing() || lines.wants_flush() {
                let owed = &mut self.owed;
                let failed = attend(lines, |sending, stream, cx| {
                    let failed = sending.poll_failure(cx, stream);
                    owed.blocked = sending.wants_flush();
                    // Without a deadline a lost transport would be waited for.
                    let lost = sending.transport_action() == TransportAction::Drop;
                    if failed.is_pending() && lost {
                        Poll::Ready(owed.or_failed(WebSocketError::ConnectionLost))
                    } else {
                        failed
                    }
                });
                if let Poll::Ready(failed) = failed {
                    // The error says it better than the end that follows from it.
                    let _ = self.lost(lines);
                    return Poll::Ready(failed);
                }
            }
            let deadline = self.receiver.next_deadline();
            let Some(at) = deadline.into_iter().chain(self.release_at).min() else {
                return Poll::Pending;
            };
            ready!(self.timer.poll_until(at));
            self.release_history(lines);
            let now = now();
            if let Err(error) = self.receiver.handle_timeout(now) {
                self.owed.answer(lines);
                return Poll::Ready(error.into());
            }
            // A ping may be in the queue already, behind what somebody writes at this
            // moment and will flush when it suits them.
            self.owed.blocked |= deadline.is_some_and(|at| at <= now);
        }
    }

    /// Gives the compressor back when it was not used for a while.
    fn release_history<L: Lines>(&mut self, lines: &mut L) {
        let now = now();
        if self.release_at.is_some_and(|at| at <= now) {
            let used = attend(lines, |sending, _, _| sending.sender.release_unused());
            self.release_at = if used { now.checked_add(IDLE_AFTER) } else { None };
        }
    }

    /// After the last message: sees the transport to its end.
    fn poll_finish<L: Lines>(&mut self, cx: &mut Context<'_>, lines: &mut L) -> Poll<()> {
        while !self.ended {
            lines.wakers().register(Side::Receiving, cx.waker());
            let action = attend(lines, |sending, stream, cx| {
                let flushed = sending.poll_flush(cx, stream);
                let action = sending.transport_action();
                match action {
                    TransportAction::HalfClose if flushed.is_ready() => {
                        let _ = sending.poll_shutdown(cx, stream);
                    }
                    TransportAction::Drop => ready!(sending.poll_end(cx, stream)),
                    _ => {}
                }
                Poll::Ready(action)
            });
            let over = ready!(action) == TransportAction::Drop;
            if over || ready!(self.poll_fill(cx, lines)).is_err() {
                self.drop_transport(lines);
            }
        }
        Poll::Ready(())
    }

    /// The stream has ended. If the peer closed before, its close frame may still
    /// have to be answered.
    fn end<L: Lines>(&mut self, lines: &mut L) -> Result<(), WebSocketError> {
        self.at_end = true;
        self.receiver.end_of_stream().map_err(|error| {
            self.drop_transport(lines);
            self.owed.or_failed(error.into())
        })
    }

    /// The stream has failed.
    fn lost<L: Lines>(&mut self, lines: &mut L) -> Result<(), WebSocketError> {
        let ended = self.end(lines);
        self.drop_transport(lines);
        ended
    }

    fn drop_transport<L: Lines>(&mut self, lines: &mut L) {
        self.ended = true;
        self.timer.clear();
        self.receiver.release_idle();
        attend(lines, |sending, stream, cx| {
            sending.transport_lost();
            // It is tried, not waited for: to drop the stream does the same.
            let _ = sending.poll_shutdown(cx, stream);
        });
    }

    pub(super) fn answer<L: Lines>(&mut self, lines: &mut L) {
        self.owed.answer(lines);
    }
}

/// What is owed to the peer, over a stream that may have no room for it.
#[derive(Debug, Default)]
struct Owed {
    /// The stream did not take all of it.
    blocked: bool,
    /// Why nothing can be sent any more. What the peer sent before that is worth
    /// reading, so it is told when there is nothing left to read.
    failed: Option<Box<WebSocketError>>,
}

impl Owed {
    /// Sends it, and what is queued before it.
    fn answer<L: Lines>(&mut self, lines: &mut L) {
        let flushed = attend(lines, |sending, stream, cx| sending.poll_flush(cx, stream));
        self.blocked = flushed.is_pending();
        if let Poll::Ready(Err(error)) = flushed {
            self.failed = Some(Box::new(error));
        }
    }

    /// Why nothing can be sent any more, which says it better than the `end` that follows
    /// from it.
    fn or_failed(&mut self, end: WebSocketError) -> WebSocketError {
        self.failed.take().map_or(end, |failed| *failed)
    }
}

/// Works on the sending side on behalf of the receiving one.
fn attend<L: Lines, T>(
    lines: &mut L,
    act: impl FnOnce(&mut Sending, &mut L::Write, &mut Context<'_>) -> T,
) -> T {
    let (done, moved) = lines.try_sending(act);
    if moved {
        lines.wakers().wake_sending();
    }
    done
}
