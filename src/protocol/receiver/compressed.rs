//! Payloads of compressed messages (RFC 7692, 7.2.2).

use super::{Found, Phase, Receiver, Step};
use crate::{protocol::ProtocolError, simd::Mask};

/// Compressed bytes that are unmasked at once for a piece of a message. Those that
/// it does not use are masked again: they wait in the buffer as they came.
const UNMASKED_AT_ONCE: usize = 4 << 10;

impl Receiver {
    /// Inflates the next piece of a message that is handed out in pieces, and takes
    /// no more of the payload than that needs.
    pub(super) fn inflate_piece(
        &mut self,
        left: u64,
        mask: Mask,
        fin: bool,
    ) -> Result<Step, ProtocolError> {
        let (Some(inflation), Some(message)) = (&mut self.inflation, &mut self.message) else {
            return Ok(Step::Starved);
        };
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(UNMASKED_AT_ONCE);
        let len = self.buffer.len().min(most);
        if len == 0 && left > 0 && !inflation.is_pending() {
            return Ok(Step::Starved);
        }

        let piece = &mut self.buffer.filled()[..len];
        self.kernels.mask(piece, mask);
        self.assembly.forget();
        let ends = fin && len as u64 == left;
        let progress = inflation.step(self.kernels, piece, ends, &mut self.assembly)?;
        let mask = mask.advance(progress.consumed);
        self.kernels.mask(&mut piece[progress.consumed..], mask);
        self.buffer.skip(progress.consumed);

        let left = left - progress.consumed as u64;
        // Nothing may be left of the payload, and yet of what it makes.
        let over = left == 0 && !inflation.is_pending();
        self.course.phase =
            if over { Phase::behind_frame(fin) } else { Phase::Payload { left, mask, fin } };
        message.begun |= progress.produced > 0;
        let last = over && fin;
        // An empty piece says nothing unless it ends the message.
        Ok(if progress.produced == 0 && !last {
            Step::Moved
        } else {
            Step::Found(Found::InflatedPiece { start: 0, end: progress.produced, last })
        })
    }
}
