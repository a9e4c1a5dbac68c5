//! The ASCII test of short texts, alone or while they are unmasked.

use super::{
    block::{Block, Isa},
    cover::{self, Visitor},
    span::Span,
};

/// Whether the span is ASCII and short enough to have a cover; if it is and
/// `STORE` is set, it is also unmasked.
///
/// # Safety
///
/// With `STORE` the span must be writable. The CPU must have the instructions of
/// `I`.
#[inline(always)]
pub(in crate::simd) unsafe fn is_short_ascii<I: Isa, const STORE: bool>(span: Span<'_>) -> bool {
    // SAFETY: the caller's promise.
    unsafe { cover::visit::<I, _>(span, AsciiTest::<STORE>) }
}

/// Tests what it visits; with `STORE`, that must be writable.
struct AsciiTest<const STORE: bool>;

impl<const STORE: bool> Visitor for AsciiTest<STORE> {
    #[inline(always)]
    unsafe fn covered<B: Block, const N: usize>(self, span: Span<'_>, offsets: [usize; N]) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            // Text in a script of its own is so from the start: where many
            // registers follow, that is worth a test of its own.
            if N * B::LEN > 64 && !span.load_unmasked::<B>(0).is_ascii() {
                return false;
            }
            let blocks = span.load_cover::<B, N>(offsets);
            if !join(blocks).is_ascii() {
                return false;
            }
            if STORE {
                span.store_cover(offsets, blocks);
            }
        }
        true
    }

    #[inline(always)]
    unsafe fn bytes(self, span: Span<'_>) -> bool {
        let mut bytes = span.key_at(0).bytes();
        let mut all = 0;
        for (at, byte) in bytes.iter_mut().enumerate().take(span.len) {
            // SAFETY: `at` is below the length.
            *byte ^= unsafe { *span.source.add(at) };
            all |= *byte;
        }
        if !all.is_ascii() {
            return false;
        }
        if STORE {
            for (at, byte) in bytes.into_iter().enumerate().take(span.len) {
                // SAFETY: `at` is below the length.
                unsafe { *span.target.add(at) = byte };
            }
        }
        true
    }

    #[inline(always)]
    unsafe fn long<B: Block>(self, _: Span<'_>) -> bool {
        false
    }
}

/// All the bits of several registers.
#[inline(always)]
pub(super) fn join<B: Block, const N: usize>(group: [B; N]) -> B {
    let mut all = group[0];
    for block in &group[1..] {
        all = all.or(*block);
    }
    all
}
