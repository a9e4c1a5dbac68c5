//! The AVX2 tier: 256-bit registers, and the nibble tables of
//! [`lookup`](super::lookup) for what is not ASCII.
//!
//! Its validator takes the place of simdutf8's, which uses the same tables. The
//! ASCII test by overlapping registers is up to six times as fast on short texts,
//! and texts that end within a register need no copy of their tail, which makes
//! twice the difference at 100 bytes. On long texts the two are equals, and
//! simdutf8 keeps an edge only on short texts of whole 64-byte blocks that are
//! not ASCII. Ours alone can unmask on the way and go on from piece to piece.

use super::register::{Xmm, Ymm};
use crate::simd::generic::block::Isa;

struct Avx2;

impl Isa for Avx2 {
    type Narrow = Xmm;
    type Wide = Ymm;
    const REGISTERS: usize = 16;
}

/// Whether this CPU has what the tier needs.
#[inline]
pub(in crate::simd) fn is_available() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
}

super::entry_points!(Avx2, "avx2,bmi1,bmi2");
