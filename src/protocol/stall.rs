//! How long a peer may take nothing of what is sent to it.

use std::time::{Duration, Instant};

use crate::limits::Limits;

/// What a transport holds back at most, in bytes: as much as rustls does.
const HELD_BACK: usize = 64 << 10;

/// How much of the waiting bytes the peer has to take, and how soon.
#[derive(Debug)]
pub(super) struct Patience {
    /// [`Limits::write_progress`].
    progress: usize,
    /// [`Limits::write_stall`].
    stall: Duration,
}

impl Patience {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { progress: limits.write_progress, stall: limits.write_stall }
    }
}

/// A wait for the peer to take some of what is queued, or held back by the transport.
#[derive(Debug)]
pub(super) struct Stall {
    since: Instant,
    /// Bytes it has taken since then, too few to count.
    taken: usize,
    /// Bytes that the transport may hold back: it does not show how many are taken of
    /// them.
    held_back: usize,
    /// Bytes that the transport may take without the peer's help.
    room: usize,
}

impl Stall {
    /// The transport takes nothing.
    pub(super) fn of_queue(since: Instant) -> Self {
        Self { since, taken: 0, held_back: 0, room: 0 }
    }

    /// The transport has taken everything, and holds back some of the last `held_back`
    /// bytes.
    #[cfg(feature = "driver")]
    pub(super) fn of_transport(held_back: usize, since: Instant) -> Self {
        Self { since, taken: 0, held_back: held_back.clamp(1, HELD_BACK), room: HELD_BACK }
    }

    /// The transport took `len` bytes, and more are queued. Says whether those that it
    /// took are enough to count.
    pub(super) fn took_some(&mut self, len: usize, now: Instant, patience: &Patience) -> bool {
        self.count(len);
        // A byte now and then would keep us waiting for ever.
        let enough = self.taken >= patience.progress;
        if enough {
            self.begin_anew(now);
        }
        enough
    }

    /// Gives the peer all its time once more.
    pub(super) fn begin_anew(&mut self, now: Instant) {
        (self.since, self.taken) = (now, 0);
    }

    /// The transport took all that was queued, the last `len` bytes now. What it holds
    /// back is still waited for, unless the peer has taken of it.
    pub(super) fn ends_with(&mut self, len: usize, patience: &Patience) -> bool {
        self.count(len);
        self.held_back == 0 || self.taken >= patience.progress
    }

    /// When the peer has kept us waiting for too long.
    pub(super) fn deadline(&self, patience: &Patience) -> Option<Instant> {
        // Patience with those who take little is not to become patience without end.
        let progress = patience.progress.max(Limits::DEFAULT_WRITE_PROGRESS);
        let times = 1 + self.held_back / progress;
        let times = u32::try_from(times).unwrap_or(u32::MAX);
        self.since.checked_add(patience.stall.saturating_mul(times))
    }

    fn count(&mut self, len: usize) {
        if self.held_back > 0 {
            self.held_back = self.held_back.saturating_add(len).min(HELD_BACK);
        }
        let of_no_account = len.min(self.room);
        self.room -= of_no_account;
        self.taken = self.taken.saturating_add(len - of_no_account);
    }
}
