//! The inflating of received messages, bounded while it goes on.

use super::{ProtocolError, assembly::Assembly};
use crate::{
    deflate::{
        DeflateParams, DeflatePool, DeflateTotals, InflateStatus, Inflater, Progress,
        RatioExceeded, RatioGuard, RatioLimit,
    },
    frame::Role,
    limits::{Limit, LimitExceeded, Limits},
    simd::{Kernels, Mask},
};

/// Room that the inflater is given at a time: what a message, or a piece of one
/// that is handed out in pieces, grows by at most.
const STEP: usize = 16 << 10;

/// The decompressor of a connection with what bounds it.
#[derive(Debug)]
pub(super) struct Inflation {
    inflater: Inflater,
    guard: RatioGuard,
    /// The most bytes a message may have.
    message: u64,
    /// The last step ended for want of room: there may be more without more input.
    pending: bool,
    totals: DeflateTotals,
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
            pending: false,
            totals: DeflateTotals::default(),
        }
    }

    pub(super) fn totals(&self) -> DeflateTotals {
        self.totals
    }

    pub(super) fn begin_message(&mut self) {
        self.guard.start_message();
        self.pending = false;
    }

    /// Whether [`step`](Self::step) may write something without more input.
    pub(super) fn is_pending(&self) -> bool {
        self.pending
    }

    /// Unmasks a piece of a message and inflates it to the end of what is assembled.
    pub(super) fn push(
        &mut self,
        kernels: &Kernels,
        piece: &mut [u8],
        mask: Mask,
        last: bool,
        assembly: &mut Assembly,
    ) -> Result<(), ProtocolError> {
        kernels.mask(piece, mask);
        let mut piece = &*piece;
        loop {
            let progress = self.step(kernels, piece, last, assembly)?;
            if progress.status != InflateStatus::NeedsOutput {
                return Ok(());
            }
            piece = &piece[progress.consumed..];
        }
    }

    /// As [`push`](Self::push), but no more than [`STEP`] bytes of it.
    pub(super) fn step(
        &mut self,
        kernels: &Kernels,
        piece: &[u8],
        last: bool,
        assembly: &mut Assembly,
    ) -> Result<Progress, ProtocolError> {
        // One byte more than is allowed: a message that just fits must not be told
        // from one that does not by asking for more of it.
        let left = (self.message - self.guard.inflated()).saturating_add(1);
        let len = STEP.min(usize::try_from(left).unwrap_or(STEP));
        let room = assembly.spare(len);
        let len = len.min(room.len());
        let room = &mut room[..len];
        let progress = self.inflater.inflate(piece, last, room)?;
        self.guard.record(progress.consumed, progress.produced)?;
        if self.guard.inflated() > self.message {
            return Err(ProtocolError::Limit(LimitExceeded {
                limit: Limit::Message,
                allowed: self.message,
                actual: self.guard.inflated(),
            }));
        }
        assembly.commit(kernels, progress.produced)?;
        self.pending = progress.status == InflateStatus::NeedsOutput;
        self.totals.add_bytes(progress.produced, progress.consumed);
        self.totals.messages += u64::from(progress.status == InflateStatus::MessageEnd);
        Ok(progress)
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
