//! How many control frames a peer may send.

use std::time::{Duration, Instant};

use crate::limits::{Limit, LimitExceeded, Limits};

/// A token bucket, counted in thousandths of a frame.
#[derive(Debug)]
pub(super) struct ControlBudget {
    rate: u64,
    burst: u64,
    left: u64,
    refilled: Instant,
}

const FRAME: u64 = 1000;

impl ControlBudget {
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        let burst = u64::from(limits.control_burst) * FRAME;
        Self { rate: u64::from(limits.control_rate), burst, left: burst, refilled: now }
    }

    /// Pays for one control frame that was read at `now`.
    pub(super) fn spend(&mut self, now: Instant) -> Result<(), LimitExceeded> {
        // A rate of one a second is a thousandth of a frame each millisecond; what
        // is left of a millisecond counts the next time.
        let elapsed = now.saturating_duration_since(self.refilled).as_millis();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        self.left = self.left.saturating_add(elapsed.saturating_mul(self.rate)).min(self.burst);
        self.refilled += Duration::from_millis(elapsed);

        let allowed = self.burst / FRAME;
        self.left = self.left.checked_sub(FRAME).ok_or(LimitExceeded {
            limit: Limit::ControlFrames,
            allowed,
            actual: allowed + 1,
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let start = Instant::now();
        let mut budget = ControlBudget::new(&Limits::server(), start);
        let spend = |budget: &mut ControlBudget, millis| {
            budget.spend(start + Duration::from_millis(millis)).is_ok()
        };
        assert!((0..200).all(|_| spend(&mut budget, 0)));
        assert!(!spend(&mut budget, 9));
        assert!(spend(&mut budget, 10), "100 a second are one each 10 ms");
        assert!(!spend(&mut budget, 10));
    }
}
