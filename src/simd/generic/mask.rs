//! Masking, in place or on the way to another buffer (RFC 6455, 5.3).

use super::{
    block::{Block, Isa, Pair},
    cover::{self, Visitor},
    span::{Access, Span},
};

/// Masks the whole span.
///
/// # Safety
///
/// `A` must store, and the CPU must have the instructions of `I`.
#[inline(always)]
pub(in crate::simd) unsafe fn mask<I: Isa, A: Access>(span: Span<'_, A>) {
    // SAFETY: the caller's promise.
    unsafe {
        if span.len() > cover::MAX {
            long::<I::Bytes32, _>(span);
        } else {
            cover::visit::<I, _, _>(span, Masking);
        }
    }
}

/// Masks what it visits; `A` must store.
struct Masking;

impl<A: Access> Visitor<A> for Masking {
    type Output = ();

    #[inline(always)]
    unsafe fn ends<B: Block>(self, span: Span<'_, A>) {
        // SAFETY: the caller's promise.
        unsafe { span.store_ends(span.load_ends::<B>()) };
    }

    #[inline(always)]
    unsafe fn bytes(self, span: Span<'_, A>) {
        for (at, key) in span.key_at(0).bytes().into_iter().enumerate().take(span.len()) {
            // SAFETY: `at` is below the length.
            unsafe { *span.target.add(at) = *span.source.add(at) ^ key };
        }
    }
}

/// Masks a long span. The stores of the body are aligned, for one that crosses a
/// page costs 35 cycles.
///
/// # Safety
///
/// `A` must store, the span must be longer than 256 bytes, and the CPU must have
/// the instructions of `B`, which must not be longer than 64.
#[inline(always)]
unsafe fn long<B: Block, A: Access>(span: Span<'_, A>) {
    let tail_at = span.len() - B::LEN;
    // SAFETY: every access ends at or before the length, which is above 256; the
    // head, the tail and what the head overlaps are loaded before any is stored.
    unsafe {
        let tail: B = span.load_unmasked(tail_at);
        let head: B = span.load_unmasked(0);
        let mut at = misalignment::<B>(span.target);
        let key = B::splat(span.key_at(at));
        let first = span.load::<B>(at).xor(key);
        span.store(0, head);
        if !A::IN_PLACE {
            // A payload behind this one begins where, in a page, this one's tail
            // may lie: its loads would wait for the store, were it the last.
            span.store(tail_at, tail);
        }
        span.store(at, first);
        at += B::LEN;

        let keys = Pair(Pair(key, key), Pair(key, key));
        while at + 4 * B::LEN <= span.len() {
            span.store(at, span.load::<Pair<Pair<B>>>(at).xor(keys));
            at += 4 * B::LEN;
        }
        while at < tail_at {
            span.store(at, span.load::<B>(at).xor(key));
            at += B::LEN;
        }
        if A::IN_PLACE {
            span.store(tail_at, tail);
        }
    }
}

/// Bytes from `start` to the next address that is a multiple of the block's
/// length.
#[inline(always)]
pub(super) fn misalignment<B: Block>(start: *const u8) -> usize {
    start.addr().wrapping_neg() % B::LEN
}
