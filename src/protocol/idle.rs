//! Whether the peer is still there, and how far away.

use std::time::{Duration, Instant};

use super::link::PingPayload;
use crate::limits::Limits;

/// What the payloads of our pings begin with, a number behind it: the answers to
/// them are told from those to the caller's pings by it.
const TAG: [u8; 4] = *b"idle";

/// Counts the silence since the last bytes were heard, and takes the time of the
/// pings that break it.
#[derive(Debug)]
pub(super) struct IdleTimer {
    ping_after: Option<Duration>,
    give_up_after: Option<Duration>,
    heard: Instant,
    /// When this silence began to count anew, because nobody had looked at the clock.
    anew: Option<Instant>,
    /// When the peer was pinged in this silence.
    pinged: Option<Instant>,
    /// When the last ping was made, while it is not answered.
    asked: Option<Instant>,
    /// The number of the last ping.
    pings: u32,
}

impl IdleTimer {
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        Self {
            ping_after: limits.idle_ping,
            give_up_after: limits.idle_timeout,
            heard: now,
            anew: None,
            pinged: None,
            asked: None,
            pings: 0,
        }
    }

    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.anew = None;
        self.pinged = None;
    }

    pub(super) fn heard_at(&self) -> Instant {
        self.heard
    }

    #[inline]
    pub(super) fn deadline(&self) -> Option<Instant> {
        let ping_at = match (self.pinged, self.ping_after) {
            // Beyond what an `Instant` can hold is never.
            (None, Some(after)) => self.silent_since().checked_add(after),
            _ => None,
        };
        earlier(ping_at, self.give_up_at())
    }

    pub(super) fn is_over(&mut self, now: Instant) -> bool {
        match Look::at(self.give_up_at(), now, self.anew.is_some()) {
            Look::Early => false,
            Look::Due => true,
            Look::Missed => {
                self.anew = Some(now);
                self.pinged = None;
                false
            }
        }
    }

    /// The ping that is due, at most one for each silence.
    pub(super) fn take_ping(&mut self, now: Instant) -> Option<PingPayload> {
        let silence = now.saturating_duration_since(self.silent_since());
        if self.pinged.is_some() || self.ping_after.is_none_or(|after| silence < after) {
            return None;
        }
        self.pinged = Some(now);
        self.asked = Some(now);
        self.pings = self.pings.wrapping_add(1);
        Some(self.payload())
    }

    /// The time since the last ping, if this pong is the first that answers it.
    pub(super) fn round_trip(&mut self, pong: &[u8]) -> Option<Duration> {
        let asked = self.asked.filter(|_| pong == self.payload())?;
        self.asked = None;
        Some(self.heard.saturating_duration_since(asked))
    }

    /// A peer that is to be pinged first has what is left of its time from the ping on,
    /// however late that was.
    #[inline]
    fn give_up_at(&self) -> Option<Instant> {
        let after = self.give_up_after?;
        match self.ping_after {
            Some(ping) if ping < after => self.pinged?.checked_add(after - ping),
            _ => self.silent_since().checked_add(after),
        }
    }

    fn silent_since(&self) -> Instant {
        self.anew.unwrap_or(self.heard)
    }

    fn payload(&self) -> PingPayload {
        let mut payload = [0; 8];
        payload[..4].copy_from_slice(&TAG);
        payload[4..].copy_from_slice(&self.pings.to_be_bytes());
        payload
    }
}

/// The earlier one of two deadlines, where there are any.
#[inline]
pub(super) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// What the clock says about a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Early,
    Due,
    /// It was not looked at in time: what the peer did meanwhile is not known, and it
    /// gets all its time once more.
    Missed,
}

/// How late a look at the clock may be.
const LATE: Duration = Duration::from_secs(1);

impl Look {
    /// The look at `now`, if there is a deadline. One that was missed before is not
    /// missed again: who always looks late would wait for ever.
    pub(super) fn at(deadline: Option<Instant>, now: Instant, missed_before: bool) -> Self {
        match deadline.and_then(|at| now.checked_duration_since(at)) {
            None => Self::Early,
            Some(late) if late < LATE || missed_before => Self::Due,
            Some(_) => Self::Missed,
        }
    }
}
