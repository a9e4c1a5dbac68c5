//! The portable tier: words in groups, which the compiler makes SSE2 or NEON of.
//!
//! Masking and the ASCII test of short texts are the generic algorithms. What is
//! longer or not ASCII is left to simdutf8, which is faster there: it has NEON and
//! WebAssembly code, and looks for SSE4.2 and AVX2 by itself. It cannot unmask, so
//! such a text is unmasked first and checked in a second pass.

use super::{EntryPoints, Uninit, written};
use crate::simd::{
    Mask, Utf8State,
    generic::{
        ascii,
        block::{Isa, Pair},
        cover, mask,
        span::{Access, Span},
    },
};

struct Portable;

impl Isa for Portable {
    type Bytes16 = [u64; 2];
    type Bytes32 = [u64; 4];
    type Bytes64 = Pair<Self::Bytes32>;
    type Bytes128 = Pair<Self::Bytes64>;
    type Group = Self::Bytes64;
}

pub(in crate::simd) const ENTRY_POINTS: EntryPoints = EntryPoints {
    mask,
    copy_masked,
    validate,
    validate_piece,
    unmask_text,
    unmask_text_piece,
    copy_text,
    copy_text_piece,
};

fn mask(payload: &mut [u8], key: Mask) {
    // SAFETY: writable, and nothing is asked of the CPU.
    unsafe { mask::mask::<Portable, _>(Span::in_place(payload, key)) }
}

fn copy_masked(source: &[u8], target: &mut Uninit, key: Mask) {
    // SAFETY: writable, and nothing is asked of the CPU.
    unsafe { mask::mask::<Portable, _>(Span::copy(source, target, key)) }
}

fn validate(text: &[u8]) -> bool {
    is_short_ascii(Span::read(text)) || simdutf8::basic::from_utf8(text).is_ok()
}

fn validate_piece(piece: &[u8], last: u32) -> bool {
    Utf8State::after(last).scan(piece).is_ok()
}

fn unmask_text(payload: &mut [u8], key: Mask) -> bool {
    if is_short_ascii(Span::in_place(payload, key)) {
        return true;
    }
    mask(payload, key);
    simdutf8::basic::from_utf8(payload).is_ok()
}

fn unmask_text_piece(piece: &mut [u8], key: Mask, last: u32) -> bool {
    mask(piece, key);
    validate_piece(piece, last)
}

fn copy_text(source: &[u8], target: &mut Uninit, key: Mask) -> bool {
    if is_short_ascii(Span::copy(source, target, key)) {
        return true;
    }
    copy_masked(source, target, key);
    // SAFETY: just written.
    simdutf8::basic::from_utf8(unsafe { written(source, target) }).is_ok()
}

fn copy_text_piece(source: &[u8], target: &mut Uninit, key: Mask, last: u32) -> bool {
    copy_masked(source, target, key);
    // SAFETY: just written.
    validate_piece(unsafe { written(source, target) }, last)
}

/// Whether the span is short and ASCII; if it is and `A` stores, it is also
/// unmasked, and otherwise left as it was.
#[inline(always)]
fn is_short_ascii<A: Access>(span: Span<'_, A>) -> bool {
    // SAFETY: nothing is asked of the CPU.
    span.len() <= cover::MAX && unsafe { ascii::is_short_ascii::<Portable, _>(span) }
}
