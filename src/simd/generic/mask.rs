//! Masking, in place or on the way to another buffer (RFC 6455, 5.3).

use std::ops::RangeInclusive;

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
            long::<I, _>(span);
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

/// Masks a long span. The stores of the body are aligned, and the end is never stored
/// across the edge of a page, which costs 35 cycles and would happen each time where
/// payloads of whole pages lie a header behind the start of one.
///
/// # Safety
///
/// As for [`mask`], and the span must be longer than [`cover::MAX`].
#[inline(always)]
unsafe fn long<I: Isa, A: Access>(span: Span<'_, A>) {
    let len = I::Bytes32::LEN;
    let tail_at = span.len() - len;
    // SAFETY: every access ends at or before the length, which is above 256; the
    // head, the tail and what the head overlaps are loaded before any is stored.
    unsafe {
        let crosses = crosses_page::<I::Bytes32>(span.target.add(tail_at));
        let tail = (!crosses).then(|| span.load_unmasked::<I::Bytes32>(tail_at));
        let head: I::Bytes32 = span.load_unmasked(0);
        let mut at = misalignment::<I::Bytes32>(span.target);
        let key = I::Bytes32::splat(span.key_at(at));
        let first = span.load::<I::Bytes32>(at).xor(key);
        span.store(0, head);
        if !A::IN_PLACE
            && let Some(tail) = tail
        {
            // A payload behind this one begins where, in a page, this one's tail
            // may lie: its loads would wait for the store, were it the last.
            span.store(tail_at, tail);
        }
        span.store(at, first);
        at += len;

        let keys = Pair(Pair(key, key), Pair(key, key));
        if !A::IN_PLACE && FETCHED.contains(&span.len()) {
            while at + FETCH_AHEAD <= tail_at {
                span.fetch_target(at + FETCH_AHEAD);
                span.fetch_target(at + FETCH_AHEAD + 2 * len);
                span.store(at, span.load::<Pair<Pair<I::Bytes32>>>(at).xor(keys));
                at += 4 * len;
            }
        }
        while at + 4 * len <= span.len() {
            span.store(at, span.load::<Pair<Pair<I::Bytes32>>>(at).xor(keys));
            at += 4 * len;
        }
        while at < tail_at {
            span.store(at, span.load::<I::Bytes32>(at).xor(key));
            at += len;
        }
        match tail {
            Some(tail) if A::IN_PLACE => span.store(tail_at, tail),
            Some(_) => {}
            None => cover::visit_short::<I, _, _>(span.suffix(at), Masking),
        }
    }
}

/// Lengths of which a copy's cache lines are asked for before they are stored to. Together
/// with their copies they just about fill the first cache, which puts out lines that are
/// needed next: 16 KiB take 0.83 times as long then. Shorter ones have room, and longer ones
/// gain nothing.
const FETCHED: RangeInclusive<usize> = 12 << 10..=24 << 10;

/// How many bytes ahead.
const FETCH_AHEAD: usize = 512;

/// Whether a block at `start` lies in two pages.
#[inline(always)]
fn crosses_page<B: Block>(start: *const u8) -> bool {
    const PAGE: usize = 4096;
    start.addr() % PAGE > PAGE - B::LEN
}

/// Bytes from `start` to the next address that is a multiple of the block's
/// length.
#[inline(always)]
pub(super) fn misalignment<B: Block>(start: *const u8) -> usize {
    start.addr().wrapping_neg() % B::LEN
}
