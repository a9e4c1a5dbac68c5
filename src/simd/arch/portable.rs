//! The portable tier: words in groups, which the compiler makes SSE2 or NEON of.
//!
//! Masking and the ASCII test of short texts are the generic algorithms. What is
//! longer or not ASCII is left to simdutf8, which has NEON and WebAssembly code,
//! and looks for SSE4.2 and AVX2 by itself; so a text is unmasked first and
//! checked in a second pass.

use super::{EntryPoints, Uninit, written};
use crate::simd::{
    Mask, Utf8State,
    generic::{ascii, block::Isa, mask, span::Span},
};

struct Portable;

impl Isa for Portable {
    type Narrow = [u64; 2];
    type Wide = [u64; 4];
    const REGISTERS: usize = 8; // twice as many, half as wide
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
    unsafe { mask::mask::<Portable>(Span::in_place(payload, key)) }
}

fn copy_masked(source: &[u8], target: &mut Uninit, key: Mask) {
    // SAFETY: writable, and nothing is asked of the CPU.
    unsafe { mask::mask::<Portable>(Span::copy(source, target, key)) }
}

fn validate(text: &[u8]) -> bool {
    // SAFETY: nothing is stored, and nothing is asked of the CPU.
    let is_short_ascii = unsafe { ascii::is_short_ascii::<Portable, false>(Span::read(text)) };
    is_short_ascii || simdutf8::basic::from_utf8(text).is_ok()
}

fn validate_piece(piece: &[u8], last: u32) -> bool {
    Utf8State::after(last).scan(piece).is_ok()
}

fn unmask_text(payload: &mut [u8], key: Mask) -> bool {
    // SAFETY: writable, and nothing is asked of the CPU.
    if unsafe { ascii::is_short_ascii::<Portable, true>(Span::in_place(payload, key)) } {
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
    copy_masked(source, target, key);
    // SAFETY: just written.
    validate(unsafe { written(source, target) })
}

fn copy_text_piece(source: &[u8], target: &mut Uninit, key: Mask, last: u32) -> bool {
    copy_masked(source, target, key);
    // SAFETY: just written.
    validate_piece(unsafe { written(source, target) }, last)
}
