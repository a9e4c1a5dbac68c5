//! Masking, in place or on the way to another buffer (RFC 6455, 5.3).

use super::{
    block::{Block, Isa},
    cover::{self, Visitor},
    span::Span,
};

/// From this length on, the body's stores are aligned: a store that crosses a
/// page costs 35 cycles, which shows from about half a kibibyte.
const ALIGN_FROM: usize = 512;

/// Masks the whole span.
///
/// # Safety
///
/// The span must be writable, and the CPU must have the instructions of `I`.
#[inline(always)]
pub(in crate::simd) unsafe fn mask<I: Isa>(span: Span<'_>) {
    // SAFETY: the caller's promise.
    unsafe { cover::visit::<I, _>(span, Masking) };
}

/// Masks what it visits, which must be writable.
struct Masking;

impl Visitor for Masking {
    #[inline(always)]
    unsafe fn covered<B: Block, const N: usize>(self, span: Span<'_>, offsets: [usize; N]) -> bool {
        // SAFETY: the caller's promise.
        unsafe { span.store_cover::<B, N>(offsets, span.load_cover(offsets)) };
        true
    }

    #[inline(always)]
    unsafe fn bytes(self, span: Span<'_>) -> bool {
        for (at, key) in span.key_at(0).bytes().into_iter().enumerate().take(span.len) {
            // SAFETY: `at` is below the length.
            unsafe { *span.target.add(at) = *span.source.add(at) ^ key };
        }
        true
    }

    #[inline(always)]
    unsafe fn long<B: Block>(self, span: Span<'_>) -> bool {
        // SAFETY: the caller's promise.
        unsafe { long::<B>(span) };
        true
    }
}

/// Masks a span of any length above four registers.
///
/// # Safety
///
/// The span must be writable and longer than `4 * B::LEN`, and the CPU must
/// have the instructions of `B`.
#[inline(always)]
unsafe fn long<B: Block>(span: Span<'_>) {
    let len = span.len;
    let tail_at = len - B::LEN;
    let mut at = if len >= ALIGN_FROM { misalignment::<B>(span.target) } else { 0 };
    // SAFETY: every access ends at or before `len`, which is above four
    // registers; the head and the tail are loaded before the body is stored.
    unsafe {
        let tail: B = span.load_unmasked(tail_at);
        let head: B = span.load_unmasked(0);
        let aligned = at > 0;
        let key = B::splat(span.key_at(at));
        while at + 4 * B::LEN <= len {
            let group = span.load_group::<B, 4>(at, key);
            span.store_group(at, group);
            at += 4 * B::LEN;
        }
        while at + B::LEN <= len {
            span.store(at, span.load::<B>(at).xor(key));
            at += B::LEN;
        }
        span.store(tail_at, tail);
        if aligned {
            span.store(0, head);
        }
    }
}

/// Bytes from `start` to the next address that is a multiple of the register's
/// length.
#[inline(always)]
pub(super) fn misalignment<B: Block>(start: *const u8) -> usize {
    start.addr().wrapping_neg() & (B::LEN - 1)
}
