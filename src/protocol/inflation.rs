//! The inflating of received messages, bounded while it goes on.

use super::{ProtocolError, assembly::Assembly};
use crate::{
    deflate::{
        DeflateParams, DeflatePool, InflateStatus, Inflater, RatioExceeded, RatioGuard, RatioLimit,
    },
    frame::Role,
    limits::{Limit, LimitExceeded, Limits},
    simd::Kernels,
};

/// Room that the inflater is given at a time.
const STEP: usize = 16 << 10;

/// The decompressor of a connection with what bounds it.
#[derive(Debug)]
pub(super) struct Inflation {
    inflater: Inflater,
    guard: RatioGuard,
    message: u64,
}

impl Inflation {
    pub(super) fn new(
        role: Role,
        params: &DeflateParams,
        pool: &DeflatePool,
        limits: &Limits,
    ) -> Self {
        let limit = RatioLimit { max_ratio: limits.inflate_ratio, ..RatioLimit::default() };
        Self {
            inflater: Inflater::new(role, params, pool),
            guard: RatioGuard::new(limit),
            message: limits.message,
        }
    }

    pub(super) fn begin_message(&mut self) {
        self.guard.start_message();
    }

    /// Inflates a piece of a message to the end of what is assembled of it.
    pub(super) fn push(
        &mut self,
        kernels: &Kernels,
        mut piece: &[u8],
        last: bool,
        assembly: &mut Assembly,
    ) -> Result<(), ProtocolError> {
        loop {
            // One byte more than is allowed: a message that just fits must not be
            // told from one that does not by asking for more of it.
            let left = (self.message - self.guard.inflated()).saturating_add(1);
            let room = assembly.spare(STEP.min(usize::try_from(left).unwrap_or(STEP)));
            let progress = self.inflater.inflate(piece, last, room)?;
            piece = &piece[progress.consumed..];
            self.guard.record(progress.consumed, progress.produced)?;
            if self.guard.inflated() > self.message {
                return Err(ProtocolError::Limit(LimitExceeded {
                    limit: Limit::Message,
                    allowed: self.message,
                    actual: self.guard.inflated(),
                }));
            }
            assembly.commit(kernels, progress.produced)?;
            match progress.status {
                InflateStatus::NeedsOutput => {}
                InflateStatus::NeedsInput | InflateStatus::MessageEnd => return Ok(()),
            }
        }
    }
}

impl From<RatioExceeded> for ProtocolError {
    fn from(exceeded: RatioExceeded) -> Self {
        Self::Limit(LimitExceeded {
            limit: Limit::InflateRatio,
            allowed: u64::from(exceeded.max_ratio),
            actual: exceeded.inflated / exceeded.deflated.max(1),
        })
    }
}
