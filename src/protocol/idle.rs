//! Whether the peer is still there.

use std::time::{Duration, Instant};

use crate::limits::Limits;

/// Counts the silence since the last bytes were heard.
#[derive(Debug)]
pub(super) struct IdleTimer {
    ping_after: Option<Duration>,
    give_up_after: Option<Duration>,
    heard: Instant,
    pinged: bool,
}

impl IdleTimer {
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        Self {
            ping_after: limits.idle_ping,
            give_up_after: limits.idle_timeout,
            heard: now,
            pinged: false,
        }
    }

    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.pinged = false;
    }

    pub(super) fn heard_at(&self) -> Instant {
        self.heard
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let ping = self.ping_after.filter(|_| !self.pinged);
        let deadlines = ping.into_iter().chain(self.give_up_after);
        // Beyond what an `Instant` can hold is never.
        deadlines.filter_map(|after| self.heard.checked_add(after)).min()
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.silent_for(now, self.give_up_after)
    }

    /// Whether a ping is due, at most once for each silence.
    pub(super) fn takes_ping(&mut self, now: Instant) -> bool {
        let due = !self.pinged && self.silent_for(now, self.ping_after);
        self.pinged |= due;
        due
    }

    fn silent_for(&self, now: Instant, time: Option<Duration>) -> bool {
        time.is_some_and(|time| now.saturating_duration_since(self.heard) >= time)
    }
}
