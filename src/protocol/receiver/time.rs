//! The receiving side's deadlines, and what it knows about times.

use std::time::{Duration, Instant};

use super::{Phase, Receiver};
use crate::{
    frame::CloseCode,
    protocol::{
        ReceiveError,
        idle::{Look, earlier},
    },
};

impl Receiver {
    /// When the last bytes were received.
    pub fn read_at(&self) -> Instant {
        self.idle.heard_at()
    }

    /// How long the peer took to answer the last keepalive ping that it answered,
    /// `None` before the first: from the [`handle_timeout`](Self::handle_timeout)
    /// that made the ping to the [`received`](Self::received) that brought its pong.
    /// What was queued in front of the ping counts.
    ///
    /// Only a silent peer is pinged: see
    /// [`Limits::idle_ping`](crate::Limits::idle_ping). Pongs nobody asked for, those
    /// that answer the caller's pings, and those that come behind a later ping say
    /// nothing about it.
    pub fn round_trip(&self) -> Option<Duration> {
        self.course.link.round_trip()
    }

    /// When [`handle_timeout`](Self::handle_timeout) wants to be called.
    #[inline]
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.is_finished() {
            return None;
        }
        earlier(self.idle.deadline(), self.message_deadline())
    }

    /// Says that it is `now`. Pings a silent peer, and gives it up after that; gives
    /// up one that does not finish its message, too. A peer that is pinged late has as
    /// much time for its answer as one that is pinged in time.
    ///
    /// A deadline that is a second past, or more, was not looked at in time, and what
    /// the peer sent meanwhile may not have been read: it has all its time once more.
    ///
    /// # Errors
    ///
    /// [`ReceiveError::Idle`] if the peer was silent for too long,
    /// [`ReceiveError::MessageTimeout`] if it took too long over a message; the
    /// connection is failed then.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), ReceiveError> {
        if self.is_finished() {
            return Ok(());
        }
        if self.idle.is_over(now) {
            return Err(self.give_up(ReceiveError::Idle));
        }
        let missed_before = self.message.as_ref().is_some_and(|message| message.missed);
        match (Look::at(self.message_deadline(), now, missed_before), &mut self.message) {
            (Look::Due, _) => return Err(self.give_up(ReceiveError::MessageTimeout)),
            (Look::Missed, Some(message)) => {
                message.since = now;
                message.missed = true;
            }
            _ => {}
        }
        if let Some(payload) = self.idle.take_ping(now) {
            self.course.link.post_ping(payload);
        }
        Ok(())
    }

    #[inline]
    fn message_deadline(&self) -> Option<Instant> {
        // Beyond what an `Instant` can hold is never.
        self.message.as_ref()?.since.checked_add(self.message_timeout?)
    }

    fn give_up(&mut self, error: ReceiveError) -> ReceiveError {
        self.discard();
        self.course.phase = Phase::Failed;
        self.course.link.post_failure(CloseCode::POLICY_VIOLATION);
        error
    }
}
