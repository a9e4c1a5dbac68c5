//! What a frame's header is judged by, before a byte of its payload is waited for.

use super::{ProtocolError, progress::Progress};
use crate::{
    frame::{FrameError, FrameHeader, Opcode, Role},
    limits::{Limit, LimitExceeded, Limits},
};

/// The rules of RFC 6455, 5 that need a connection to be judged by, and the limits.
#[derive(Debug)]
pub(super) struct Rules {
    /// Whether the peer has to mask.
    pub(super) masked: bool,
    /// The longest frame: no longer than a message.
    pub(super) frame: u64,
    message: u64,
    fragments: u32,
    empty_fragments: u32,
    /// Whether permessage-deflate was negotiated, and RSV1 has a meaning.
    pub(super) compression: bool,
}

impl Rules {
    pub(super) fn new(role: Role, limits: &Limits) -> Self {
        Self {
            masked: role == Role::Server,
            frame: limits.frame.min(limits.message),
            message: limits.message,
            fragments: limits.fragments,
            empty_fragments: limits.empty_fragments,
            compression: false,
        }
    }

    /// Judges a header, inside `message` if one is not finished.
    pub(super) fn judge(
        &self,
        header: &FrameHeader,
        message: Option<&Progress>,
    ) -> Result<(), ProtocolError> {
        if header.mask.is_some() != self.masked {
            let error = if self.masked { FrameError::NotMasked } else { FrameError::Masked };
            return Err(error.into());
        }
        if header.rsv1 && !(self.compression && header.opcode.begins_message()) {
            return Err(FrameError::ReservedBits { bits: 0b100 }.into());
        }
        if header.opcode == Opcode::Close && header.payload_len == 1 {
            return Err(FrameError::CloseTooShort.into());
        }
        if header.opcode.is_control() {
            return Ok(());
        }
        match (header.opcode, message) {
            (Opcode::Continuation, None) => Err(FrameError::ContinuationWithoutStart.into()),
            (Opcode::Continuation, Some(message)) => self.judge_fragment(header, message),
            (_, Some(_)) => Err(FrameError::MessageInterrupted.into()),
            (_, None) => self.judge_len(header.payload_len, 0, header.rsv1),
        }
    }

    /// Whether a plain fragment of `len` bytes, no longer than a frame may be, is not
    /// empty and surely allowed behind what there is of its message.
    #[inline]
    pub(super) fn is_common(&self, len: usize, message: Option<&Progress>) -> bool {
        let is_allowed = |message: &Progress| {
            message.fragments < self.fragments
                && message.len.saturating_add(len as u64) <= self.message
        };
        len > 0 && message.is_none_or(is_allowed)
    }

    fn judge_fragment(
        &self,
        header: &FrameHeader,
        message: &Progress,
    ) -> Result<(), ProtocolError> {
        let at_most = |limit, allowed: u32, before: u32| match before < allowed {
            true => Ok(()),
            false => {
                Err(LimitExceeded { limit, allowed: allowed.into(), actual: u64::from(before) + 1 })
            }
        };
        at_most(Limit::Fragments, self.fragments, message.fragments)?;
        if header.payload_len == 0 {
            at_most(Limit::EmptyFragments, self.empty_fragments, message.empty_fragments)?;
        }
        self.judge_len(header.payload_len, message.len, message.compressed)
    }

    /// The length of a compressed message says little about what is in it, but it
    /// is never much longer; that is judged when it is inflated.
    fn judge_len(&self, frame: u64, before: u64, compressed: bool) -> Result<(), ProtocolError> {
        let allowed = |len: u64| if compressed { len.saturating_add(growth(len)) } else { len };
        let exceeded = |limit, allowed, actual| LimitExceeded { limit, allowed, actual };
        let message = before.saturating_add(frame);
        if message > allowed(self.message) {
            return Err(exceeded(Limit::Message, self.message, message).into());
        }
        if frame > allowed(self.frame) {
            return Err(exceeded(Limit::Frame, self.frame, frame).into());
        }
        Ok(())
    }
}

/// What a compressor adds to `len` incompressible bytes, at most: a code of nine
/// bits for every byte.
const fn growth(len: u64) -> u64 {
    len / 8 + 64
}
