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
    /// In this silence: when the peer was pinged.
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
            pinged: None,
            asked: None,
            pings: 0,
        }
    }

    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.pinged = None;
    }

    pub(super) fn heard_at(&self) -> Instant {
        self.heard
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        // Beyond what an `Instant` can hold is never.
        let ping = self.ping_after.filter(|_| self.pinged.is_none());
        let ping = ping.and_then(|after| self.heard.checked_add(after));
        ping.into_iter().chain(self.give_up_at()).min()
    }

    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.give_up_at().is_some_and(|at| now >= at)
    }

    /// The ping that is due, at most one for each silence.
    pub(super) fn take_ping(&mut self, now: Instant) -> Option<PingPayload> {
        let silence = now.saturating_duration_since(self.heard);
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

    /// A peer that was pinged late, because nobody looked at the clock before, has
    /// as much time to answer as any other.
    fn give_up_at(&self) -> Option<Instant> {
        let give_up_after = self.give_up_after?;
        let at = self.heard.checked_add(give_up_after)?;
        match self.ping_after.and_then(|after| give_up_after.checked_sub(after)) {
            None => Some(at),
            Some(time) => self.pinged?.checked_add(time).map(|by| by.max(at)),
        }
    }

    fn payload(&self) -> PingPayload {
        let mut payload = [0; 8];
        payload[..4].copy_from_slice(&TAG);
        payload[4..].copy_from_slice(&self.pings.to_be_bytes());
        payload
    }
}
