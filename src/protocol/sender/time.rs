//! The sending side's deadlines: how long the peer may keep us waiting.

#[cfg(feature = "blocking")]
use std::time::Duration;
use std::time::Instant;

use super::Sender;
use crate::protocol::{
    SendError,
    idle::{Look, earlier},
    stall::Stall,
};

/// Since when the peer keeps us waiting.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// With bytes in the queue, or in the transport.
    pub(super) stalled: Option<Stall>,
    /// With our close frame gone to the transport: since when.
    closing: Option<Instant>,
    /// A deadline was missed, and the peer has all its time once more.
    pub(super) missed: bool,
}

impl Waits {
    fn begin_anew(&mut self, now: Instant) {
        if let Some(stall) = &mut self.stalled {
            stall.begin_anew(now);
        }
        if let Some(closing) = &mut self.closing {
            *closing = now;
        }
        self.missed = true;
    }

    /// Nothing waits in the queue or the transport any more.
    #[inline]
    pub(super) fn end_stall(&mut self) {
        self.stalled = None;
        self.missed = false;
    }
}

impl Sender {
    /// Says that what waits could not be sent at once.
    pub(crate) fn begin_wait(&mut self, now: Instant) {
        if !self.frames.queue.is_empty() {
            self.waits.stalled.get_or_insert_with(|| Stall::of_queue(now));
        }
        self.await_close(now);
    }

    /// Says that the transport holds back some of what it took since it was last
    /// [flushed](Self::flushed), because the peer takes nothing.
    #[cfg(feature = "driver")]
    pub(crate) fn begin_flush(&mut self, now: Instant) {
        let held_back = self.unflushed;
        self.waits.stalled.get_or_insert_with(|| Stall::of_transport(held_back, now));
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    pub fn next_deadline(&self) -> Option<Instant> {
        earlier(self.stall_deadline(), self.close_deadline())
    }

    /// Says that it is `now`.
    ///
    /// A deadline that is a second past, or more, was not looked at in time, and what
    /// the peer would take meanwhile may not have been tried: it has all its time once
    /// more.
    ///
    /// # Errors
    ///
    /// [`SendError::Stalled`] or [`SendError::CloseTimeout`] if the peer kept us
    /// waiting for too long: the transport is to be dropped.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), SendError> {
        match Look::at(self.next_deadline(), now, self.waits.missed) {
            Look::Early => return Ok(()),
            Look::Missed => {
                self.waits.begin_anew(now);
                return Ok(());
            }
            Look::Due => {}
        }
        let stalled = self.stall_deadline().is_some_and(|at| at <= now);
        self.transport_lost();
        self.waits = Waits::default();
        Err(if stalled { SendError::Stalled } else { SendError::CloseTimeout })
    }

    /// [`Limits::close_timeout`](crate::Limits::close_timeout).
    #[cfg(feature = "blocking")]
    pub(crate) fn close_timeout(&self) -> Duration {
        self.close_timeout
    }

    /// The peer has its `close_timeout` from when our close frame has gone;
    /// before that, it has to take what is queued in front of it.
    pub(super) fn await_close(&mut self, now: Instant) {
        if self.frames.queue.is_empty() && self.link.close_sent() {
            self.waits.closing.get_or_insert(now);
        }
    }

    /// The transport took all that waited, `len` bytes of it now.
    #[inline]
    pub(super) fn end_stall(&mut self, len: usize) {
        let Some(stall) = &mut self.waits.stalled else { return };
        if stall.ends_with(len, &self.patience) {
            self.waits.end_stall();
        }
    }

    fn stall_deadline(&self) -> Option<Instant> {
        self.waits.stalled.as_ref().and_then(|stall| stall.deadline(&self.patience))
    }

    fn close_deadline(&self) -> Option<Instant> {
        self.waits.closing.and_then(|since| since.checked_add(self.close_timeout))
    }
}
