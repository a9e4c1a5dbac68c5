//! The algorithms, written once for registers of any width.
//!
//! A payload is covered by whole blocks only, never byte by byte: the last block
//! ends where the payload ends and overlaps the one before it. In place that is
//! correct as long as the overlapping bytes are loaded before either block is
//! stored, which is why every function here loads the tail first. Masked stores
//! would need no overlap, but in place the next frame's loads wait some 20 cycles
//! for one that merely covers their line.
//!
//! Everything is `#[inline(always)]`: the functions become part of the entry
//! points in [`arch`](super::arch), which name the instruction set they are
//! compiled for.

pub(super) mod ascii;
pub(super) mod block;
pub(super) mod cover;
pub(super) mod mask;
pub(super) mod span;

// The portable tier has simdutf8 for what these do.
#[cfg(target_arch = "x86_64")]
mod prefix;
#[cfg(target_arch = "x86_64")]
pub(super) mod utf8;
