//! The AVX2 tier: 256-bit registers, and the nibble tables of
//! [`lookup`](super::lookup) for what is not ASCII.
//!
//! Its validator takes the place of simdutf8's, which uses the same tables: up
//! to 256 bytes the ASCII test by overlapping registers is several times
//! faster, above that they are equals, and only our own can unmask on the way
//! and go on from piece to piece.

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
