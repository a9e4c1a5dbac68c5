//! The receiving side over a stream: reads, deadlines and the end.

use std::{
    mem,
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes};

use super::shared::{Shared, is_timeout, or_unsupported};
use crate::{
    error::{TimedOut, WebSocketError},
    frame::CloseCode,
    message::{MessageRef, WebSocketMessage},
    net::stream::Duplex,
    protocol::{Found, ReceiveError, Received, Receiver, TransportAction, Way},
};

/// How long a read waits with a buffer in hand before the connection counts as
/// idle: then the buffers go back to the pool, and the wait goes on without.
const IDLE_AFTER: Duration = Duration::from_secs(1);

/// How long a receive spins before it looks at the clock and at what others have done: a
/// thread that closes, or cannot send a pong, does not wake it.
const SPIN_AT_ONCE: Duration = Duration::from_millis(50);

/// When to try again to send what the stream had no room for, unless it has something to
/// read before.
const SEND_AGAIN: Duration = Duration::from_millis(50);

/// The receiving side and what its reads need to know.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) receiver: Receiver,
    /// The caller's bound for one receive.
    pub(super) timeout: Option<Duration>,
    /// What came with the opening handshake and did not fit the buffer.
    ahead: Bytes,
    /// When the clock was last looked at.
    looked: Instant,
    /// What the stream was last told.
    stream_timeout: Option<Duration>,
    owed: Owed,
    /// The transport is done with; there is nothing left to wait for.
    ended: bool,
}

impl Reading {
    pub(super) fn new(receiver: Receiver, ahead: Bytes) -> Self {
        let mut reading = Self {
            receiver,
            timeout: None,
            ahead,
            looked: Instant::now(),
            stream_timeout: None,
            owed: Owed::default(),
            ended: false,
        };
        if !reading.ahead.is_empty() {
            reading.receive_ahead(reading.looked);
        }
        reading
    }

    pub(super) fn next_message<S: Duplex>(
        &mut self,
        shared: &Shared<S>,
    ) -> Result<Option<WebSocketMessage>, WebSocketError> {
        if let Some(message) = self.receiver.find_in_place() {
            return match self.receiver.take_in_place(message) {
                Ok(message) => Ok(Some(message)),
                Err(error) => Err(failed(shared, error)),
            };
        }
        match self.read_message(shared) {
            Ok(Some(message)) => Ok(Some(message.in_registers())),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        }
    }

    #[cold]
    fn read_message<S: Duplex>(
        &mut self,
        shared: &Shared<S>,
    ) -> Result<Option<WebSocketMessage>, WebSocketError> {
        let Some(found) = self.find(shared, Way::Whole)? else { return Ok(None) };
        let message = self.receiver.take(found);
        if !matches!(&message, Ok(message) if message.is_data()) {
            self.owed.offer(shared);
        }
        Ok(Some(message?))
    }

    #[inline]
    pub(super) fn next_ref<S: Duplex>(
        &mut self,
        shared: &Shared<S>,
    ) -> Result<Option<MessageRef<'_>>, WebSocketError> {
        if let Some(message) = self.receiver.find_in_place() {
            return match self.receiver.open_in_place(message) {
                Ok(message) => Ok(Some(message)),
                Err(error) => Err(failed(shared, error)),
            };
        }
        match self.read_ref(shared) {
            Ok(Some(message)) => Ok(Some(message.in_registers())),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        }
    }

    #[cold]
    fn read_ref<S: Duplex>(
        &mut self,
        shared: &Shared<S>,
    ) -> Result<Option<MessageRef<'_>>, WebSocketError> {
        let Some(found) = self.find(shared, Way::Whole)? else { return Ok(None) };
        let message = self.receiver.open(found);
        if !matches!(&message, Ok(message) if message.is_data()) {
            self.owed.offer(shared);
        }
        Ok(Some(message?))
    }

    pub(super) fn next_chunk<S: Duplex>(
        &mut self,
        shared: &Shared<S>,
    ) -> Result<Option<Received<'_>>, WebSocketError> {
        let Some(found) = self.find(shared, Way::InChunks)? else { return Ok(None) };
        let received = self.receiver.open_chunk(found);
        if !matches!(&received, Ok(Received::Chunk(_))) {
            self.owed.offer(shared);
        }
        Ok(Some(received?))
    }

    /// Reads until there is something to hand out, or nothing ever will be.
    #[inline]
    fn find<S: Duplex>(
        &mut self,
        shared: &Shared<S>,
        way: Way,
    ) -> Result<Option<Found>, WebSocketError> {
        let mut give_up = None;
        loop {
            match self.receiver.find(way) {
                Ok(Some(found)) => return Ok(Some(found)),
                Ok(None) if self.receiver.is_finished() => {
                    let give_up = *give_up.get_or_insert_with(|| self.give_up_at());
                    self.finish(shared, give_up)?;
                    return Ok(None);
                }
                Ok(None) => {
                    let give_up = *give_up.get_or_insert_with(|| self.give_up_at());
                    self.fill(shared, give_up)?;
                }
                Err(error) => {
                    answer(shared);
                    return Err(error.into());
                }
            }
        }
    }

    /// When a receive that begins now has waited for as long as it may.
    fn give_up_at(&self) -> Option<Instant> {
        self.timeout.and_then(|timeout| Instant::now().checked_add(timeout))
    }

    /// Waits for bytes and reads them.
    fn fill<S: Duplex>(
        &mut self,
        shared: &Shared<S>,
        give_up: Option<Instant>,
    ) -> Result<(), WebSocketError> {
        let mut now = Instant::now();
        if !self.ahead.is_empty() {
            self.receive_ahead(now);
            return Ok(());
        }
        let mut idle = false;
        let mut spins = !self.receiver.spin().is_zero();
        let spin_end = now.checked_add(self.receiver.spin());
        loop {
            if self.looks_late(shared, give_up, now) && self.read_what_is_there(shared)? {
                return Ok(());
            }
            self.look_at_deadlines(shared, now)?;
            if shared.is_lost() {
                // Nothing else would end the wait, if the stream's other direction stands.
                return if self.read_what_is_there(shared)? { Ok(()) } else { self.end(shared) };
            }
            if give_up.is_some_and(|at| now >= at) {
                return Err(WebSocketError::Timeout(TimedOut::Read));
            }
            let deadline = self.next_deadline(shared, give_up, now);
            if idle {
                if !shared.has_left() {
                    self.receiver.release_idle();
                    shared.release_unused();
                }
                // A writer that closes meanwhile wakes nobody, and has a deadline then.
                let longest = shared.close_timeout.max(IDLE_AFTER);
                let readable = self.wait_readable(shared, time_left(deadline, now, longest))?;
                now = Instant::now();
                if !readable {
                    continue;
                }
            } else if spins {
                let pause = now.checked_add(SPIN_AT_ONCE);
                let until = spin_end.into_iter().chain(deadline).chain(pause).min();
                let readable = self.spin(shared, until)?;
                now = Instant::now();
                spins = !readable && spin_end.is_none_or(|end| now < end);
                if spins {
                    continue;
                }
            }
            if self.read(shared, time_left(deadline, now, IDLE_AFTER))? {
                return Ok(());
            }
            (now, idle) = (Instant::now(), true);
        }
    }

    /// Takes what came with the opening handshake, as much as there is room for.
    #[cold]
    fn receive_ahead(&mut self, now: Instant) {
        let taken = self.receiver.receive_from(&self.ahead, now);
        self.ahead.advance(taken);
    }

    /// Reads once, waits for `longest` at most, and says whether there was something: bytes,
    /// or the end.
    fn read<S: Duplex>(
        &mut self,
        shared: &Shared<S>,
        longest: Duration,
    ) -> Result<bool, WebSocketError> {
        self.bound_reads(shared, longest)?;
        match shared.stream.read(self.receiver.read_buffer()) {
            Ok(0) => self.end(shared).map(|()| true),
            Ok(len) => {
                self.receiver.received(len, Instant::now());
                Ok(true)
            }
            Err(error) if is_timeout(&error) => Ok(false),
            Err(error) => Err(self.lost(shared, error)),
        }
    }

    /// Whether a deadline has passed since anybody looked at the clock. What has come
    /// meanwhile is to be read before the peer is judged by it, and the caller.
    fn looks_late<S: Duplex>(
        &mut self,
        shared: &Shared<S>,
        give_up: Option<Instant>,
        now: Instant,
    ) -> bool {
        let deadline = self.next_deadline(shared, give_up, now);
        let looked = mem::replace(&mut self.looked, now);
        deadline.is_some_and(|at| looked < at && at <= now)
    }

    fn read_what_is_there<S: Duplex>(
        &mut self,
        shared: &Shared<S>,
    ) -> Result<bool, WebSocketError> {
        Ok(self.wait_readable(shared, Duration::ZERO)? && self.read(shared, TICK)?)
    }

    fn wait_readable<S: Duplex>(
        &mut self,
        shared: &Shared<S>,
        longest: Duration,
    ) -> Result<bool, WebSocketError> {
        let readable = shared.stream.wait_readable(Some(longest));
        readable.map_err(|error| self.lost(shared, error))
    }

    /// Asks for bytes again and again until there are some, which it says, or it is `until`.
    #[cold]
    fn spin<S: Duplex>(
        &mut self,
        shared: &Shared<S>,
        until: Option<Instant>,
    ) -> Result<bool, WebSocketError> {
        loop {
            if self.wait_readable(shared, Duration::ZERO)? {
                return Ok(true);
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(false);
            }
            std::hint::spin_loop();
        }
    }

    fn look_at_deadlines<S: Duplex>(
        &mut self,
        shared: &Shared<S>,
        now: Instant,
    ) -> Result<(), WebSocketError> {
        let alive = self.receiver.handle_timeout(now).map_err(WebSocketError::from);
        self.owed.offer(shared);
        alive?;
        if shared.is_closing() {
            shared.handle_timeout(now).inspect_err(|_| self.drop_transport(shared))?;
        }
        Ok(())
    }

    /// When to look at the clock again: `give_up` is the caller's bound.
    fn next_deadline<S: Duplex>(
        &self,
        shared: &Shared<S>,
        give_up: Option<Instant>,
        now: Instant,
    ) -> Option<Instant> {
        let closing = if shared.is_closing() { shared.next_deadline() } else { None };
        let again = if shared.has_left() { now.checked_add(SEND_AGAIN) } else { None };
        let receiving = self.receiver.next_deadline();
        receiving.into_iter().chain(closing).chain(again).chain(give_up).min()
    }

    /// Tells the stream how long a read may block, if that changes.
    fn bound_reads<S: Duplex>(
        &mut self,
        shared: &Shared<S>,
        timeout: Duration,
    ) -> Result<(), WebSocketError> {
        if self.stream_timeout != Some(timeout) {
            or_unsupported(shared.stream.set_read_timeout(Some(timeout)))?;
            self.stream_timeout = Some(timeout);
        }
        Ok(())
    }

    fn end<S: Duplex>(&mut self, shared: &Shared<S>) -> Result<(), WebSocketError> {
        let ended = self.receiver.end_of_stream();
        self.drop_transport(shared);
        ended.map_err(|error| self.owed.failed.take().map_or(error.into(), |failed| *failed))
    }

    fn lost<S: Duplex>(&mut self, shared: &Shared<S>, error: std::io::Error) -> WebSocketError {
        WebSocketError::of_lost_transport(error, self.end(shared).is_ok())
    }

    /// Sends a close frame and waits for the peer's, as long as the limits say, and drops
    /// what comes before it.
    pub(super) fn close<S: Duplex>(
        &mut self,
        shared: &Shared<S>,
        code: CloseCode,
        reason: &str,
    ) -> Result<(), WebSocketError> {
        shared.begin_close(code, reason)?;
        let timeout = self.timeout;
        let closed = self.send_and_read_to_close(shared);
        self.timeout = timeout;
        closed
    }

    fn send_and_read_to_close<S: Duplex>(
        &mut self,
        shared: &Shared<S>,
    ) -> Result<(), WebSocketError> {
        loop {
            let left = !shared.flush_a_while()?;
            // A peer that has to be read before it reads on would be waited for in vain.
            self.timeout = left.then_some(TICK);
            match self.read_to_close(shared) {
                Err(WebSocketError::Timeout(TimedOut::Read)) => {}
                closed => return closed,
            }
        }
    }

    fn read_to_close<S: Duplex>(&mut self, shared: &Shared<S>) -> Result<(), WebSocketError> {
        loop {
            if let Some(failed) = self.owed.failed.take() {
                return Err(*failed);
            }
            if self.receiver.is_finished() {
                // Nothing is left to read, so that this may wait.
                while !shared.flush_a_while()? {}
            }
            match self.next_chunk(shared) {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                // A message that was begun in another way has to be ended in it.
                Err(WebSocketError::OtherWay) => {
                    self.next_ref(shared)?;
                }
                // Whoever has closed already is not to be told again how.
                Err(WebSocketError::ConnectionClosed) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// After the last message: sees the transport to its end. If it is `give_up` before
    /// that, the next receive goes on with it.
    fn finish<S: Duplex>(
        &mut self,
        shared: &Shared<S>,
        give_up: Option<Instant>,
    ) -> Result<(), WebSocketError> {
        // Nothing is left to read, so that this may wait, for other threads as well. What
        // is wrong shows in what is to be done then.
        let _ = shared.flush();
        if !self.ended && shared.transport_action() == TransportAction::HalfClose {
            // What is wrong with the stream shows when it is read.
            let _ = shared.stream.shutdown_write();
        }
        while !self.ended {
            match shared.transport_action() {
                TransportAction::Keep => break,
                TransportAction::Drop => self.drop_transport(shared),
                TransportAction::HalfClose | TransportAction::AwaitEnd => {
                    match self.fill(shared, give_up) {
                        Ok(()) => {}
                        Err(error @ WebSocketError::Timeout(TimedOut::Read)) => return Err(error),
                        Err(_) => self.drop_transport(shared),
                    }
                }
            }
        }
        Ok(())
    }

    fn drop_transport<S: Duplex>(&mut self, shared: &Shared<S>) {
        self.ended = true;
        shared.transport_lost();
        // It may be gone already, which is all that is wanted.
        let _ = shared.stream.shutdown();
        self.receiver.release_idle();
        shared.release_idle();
    }
}

/// How it went with what is owed to the peer.
#[derive(Debug, Default)]
struct Owed {
    /// Why nothing can be sent any more. What the peer sent before that is worth reading,
    /// so it is told when there is nothing left to read.
    failed: Option<Box<WebSocketError>>,
}

impl Owed {
    fn offer<S: Duplex>(&mut self, shared: &Shared<S>) {
        if let Err(error) = shared.offer_answers() {
            self.failed = Some(Box::new(error));
        }
    }
}

/// The shortest wait: a deadline that is due between two looks at the clock
/// must not become a timeout of zero, which is for ever.
const TICK: Duration = Duration::from_millis(1);

/// How long to wait at `now`.
fn time_left(deadline: Option<Instant>, now: Instant, longest: Duration) -> Duration {
    deadline.map_or(longest, |at| at.saturating_duration_since(now).max(TICK).min(longest))
}

/// Tells the peer of what it did wrong.
#[cold]
fn failed<S: Duplex>(shared: &Shared<S>, error: ReceiveError) -> WebSocketError {
    answer(shared);
    error.into()
}

/// Sends what the receiving side owes the peer. If that fails, the reading side
/// goes on: what the peer sent before is worth reading, and the end will show.
fn answer<S: Duplex>(shared: &Shared<S>) {
    let _ = shared.answer_peer();
}
