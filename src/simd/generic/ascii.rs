//! The ASCII test of short payloads, alone or while they are unmasked.

use super::{
    block::{Block, Isa},
    cover::{self, Visitor},
    span::{Access, Span},
};

/// Whether a short span is ASCII. If it is and `A` stores, it is also unmasked;
/// otherwise it is left as it was.
///
/// # Safety
///
/// The span must not be longer than [`cover::MAX`], and the CPU must have the
/// instructions of `I`.
#[inline(always)]
pub(in crate::simd) unsafe fn is_short_ascii<I: Isa, A: Access>(span: Span<'_, A>) -> bool {
    // SAFETY: the caller's promise.
    unsafe { cover::visit::<I, _, _>(span, IsAscii) }
}

struct IsAscii;

impl<A: Access> Visitor<A> for IsAscii {
    type Output = bool;

    #[inline(always)]
    unsafe fn ends<B: Block>(self, span: Span<'_, A>) -> bool {
        // SAFETY: the caller's promise.
        unsafe {
            let ends = span.load_ends::<B>();
            if !ends.is_ascii() {
                return false;
            }
            if A::STORES {
                span.store_ends(ends);
            }
        }
        true
    }

    #[inline(always)]
    unsafe fn bytes(self, span: Span<'_, A>) -> bool {
        let mut bytes = span.key_at(0).bytes();
        let mut all = 0;
        for (at, byte) in bytes.iter_mut().enumerate().take(span.len()) {
            // SAFETY: `at` is below the length.
            *byte ^= unsafe { *span.source.add(at) };
            all |= *byte;
        }
        if !all.is_ascii() {
            return false;
        }
        if A::STORES {
            for (at, byte) in bytes.into_iter().enumerate().take(span.len()) {
                // SAFETY: `at` is below the length.
                unsafe { *span.target.add(at) = byte };
            }
        }
        true
    }
}
