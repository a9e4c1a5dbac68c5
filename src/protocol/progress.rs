//! A message that is being received.

use std::time::Instant;

use super::assembly::Assembly;
use crate::{frame::Opcode, simd::Utf8State};

/// A message that is not finished.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) opcode: Opcode,
    pub(super) compressed: bool,
    /// The payload of all frames so far, in bytes, the current one's included.
    pub(super) len: u64,
    pub(super) fragments: u32,
    pub(super) empty_fragments: u32,
    pub(super) way: Way,
    /// When its first header came, or when its deadline was missed.
    pub(super) since: Instant,
    pub(super) missed: bool,
    /// Pieces were handed out, or assembled.
    pub(super) begun: bool,
    /// The check of a text that is handed out in pieces.
    pub(super) utf8: Utf8State,
}

/// How a message is received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Borrowed or owned.
    Whole,
    InChunks,
}

impl Progress {
    pub(super) fn new(opcode: Opcode, compressed: bool, way: Way, now: Instant) -> Self {
        Self {
            opcode,
            compressed,
            len: 0,
            fragments: 0,
            empty_fragments: 0,
            way,
            since: now,
            missed: false,
            begun: false,
            utf8: Utf8State::default(),
        }
    }

    /// Prepares the assembly, unless pieces are handed out where they lie.
    pub(super) fn begin(&self, assembly: &mut Assembly) {
        match (self.way, self.compressed) {
            (Way::Whole, _) => assembly.begin(self.opcode),
            // Inflated pieces are checked when they are handed out, like others.
            (Way::InChunks, true) => assembly.begin(Opcode::Binary),
            (Way::InChunks, false) => {}
        }
    }

    /// Whether what was received of it lies in the assembly.
    pub(super) fn uses_assembly(&self) -> bool {
        self.way == Way::Whole || self.compressed
    }
}
