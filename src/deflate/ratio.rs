//! A watch on the ratio at which a message inflates.

use thiserror::Error;

/// The most that a message may grow while it is inflated.
///
/// Deflate itself ends at about 1,032 : 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RatioLimit {
    /// Inflated bytes for each deflated one.
    pub max_ratio: u32,
    /// The ratio is not judged before the message has this many inflated bytes.
    pub from_bytes: u64,
}

impl Default for RatioLimit {
    /// 200 : 1 once past 64 KiB.
    fn default() -> Self {
        Self { max_ratio: 200, from_bytes: 64 * 1024 }
    }
}

/// A message inflates to more than its [`RatioLimit`] allows.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{deflated} bytes inflate to {inflated} or more: over the limit of {max_ratio} to 1")]
#[non_exhaustive]
pub struct RatioExceeded {
    /// Deflated bytes consumed so far.
    pub deflated: u64,
    /// Inflated bytes produced so far.
    pub inflated: u64,
    /// The limit, in inflated bytes for each deflated one.
    pub max_ratio: u32,
}

/// Keeps count of one message and compares it with a [`RatioLimit`].
#[derive(Clone, Debug)]
pub struct RatioGuard {
    limit: RatioLimit,
    deflated: u64,
    inflated: u64,
}

impl RatioGuard {
    /// A guard for messages under `limit`.
    pub const fn new(limit: RatioLimit) -> Self {
        Self { limit, deflated: 0, inflated: 0 }
    }

    /// Forgets the last message.
    pub fn start_message(&mut self) {
        (self.deflated, self.inflated) = (0, 0);
    }

    /// Inflated bytes of this message so far.
    pub fn inflated(&self) -> u64 {
        self.inflated
    }

    /// Counts a step of inflation.
    ///
    /// # Errors
    ///
    /// The message has passed the limit's first bytes and its ratio.
    pub fn record(&mut self, consumed: usize, produced: usize) -> Result<(), RatioExceeded> {
        self.deflated = self.deflated.saturating_add(consumed as u64);
        self.inflated = self.inflated.saturating_add(produced as u64);
        let allowed = self.deflated.saturating_mul(u64::from(self.limit.max_ratio));
        if self.inflated > self.limit.from_bytes && self.inflated > allowed {
            return Err(RatioExceeded {
                deflated: self.deflated,
                inflated: self.inflated,
                max_ratio: self.limit.max_ratio,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn judges_only_past_the_first_bytes() {
        let mut guard = RatioGuard::new(RatioLimit { max_ratio: 10, from_bytes: 1000 });
        guard.record(1, 1000).unwrap();
        let error = guard.record(0, 1).unwrap_err();
        assert_eq!(error, RatioExceeded { deflated: 1, inflated: 1001, max_ratio: 10 });
        guard.start_message();
        guard.record(101, 1010).unwrap();
        assert!(guard.record(0, 1).is_err());
    }

    #[test]
    fn counts_do_not_overflow() {
        let mut guard = RatioGuard::new(RatioLimit { max_ratio: u32::MAX, from_bytes: 0 });
        for _ in 0..3 {
            guard.record(usize::MAX, usize::MAX).unwrap();
        }
    }
}
