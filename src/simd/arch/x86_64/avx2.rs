//! The AVX2 tier: 256-bit registers, and the nibble tables of
//! [`lookup`](super::lookup) for what is not ASCII.
//!
//! Its validator takes the place of simdutf8's, which uses the same tables. On long
//! text in a script of its own it is ahead by what [`lookup`](super::lookup) loads
//! instead of shuffling, 1.2 to 1.35 times as fast; on short texts by 1.2 to 5 times,
//! since their tail needs no copy and their ASCII is found by overlapping registers.
//! At 64 bytes, two registers and no tail, it is level or ahead, 0.98 to 1.3 times. On
//! ASCII with a letter of another kind here and there ours is behind at 512 bytes, 0.96
//! times as fast, level at 1 KiB and ahead from there, 1.1 times at 4 KiB. Where nobody
//! has seen the text before, it is for the branch predictor to say. Ours alone can unmask
//! on the way and go on from piece to piece.

use super::register::{Xmm, Ymm};
use crate::simd::generic::{
    block::{Isa, Pair},
    utf8::Utf8Isa,
};

struct Avx2;

impl Isa for Avx2 {
    type Bytes16 = Xmm;
    type Bytes32 = Ymm;
    type Bytes64 = Pair<Ymm>;
    type Bytes128 = Pair<Self::Bytes64>;
    type Group = Pair<Self::Bytes128>;
}

impl Utf8Isa for Avx2 {
    type Register = Ymm;
}

/// Whether this CPU has what the tier needs.
#[inline]
pub(in crate::simd) fn is_available() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
}

super::entry_points!(Avx2, "avx2,bmi1,bmi2");
