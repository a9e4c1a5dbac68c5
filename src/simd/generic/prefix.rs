//! How much of a long payload is ASCII, found alone or while it is unmasked.

use super::{
    block::{Block, Isa},
    mask::misalignment,
    span::{Access, Span},
};
use crate::simd::Mask;

/// From this length on the body is aligned. Below, the extra head costs more than
/// the lines that it saves from being split.
const ALIGN_FROM: usize = 512;

/// Tests a long span until something is not ASCII; the error is how many bytes are
/// known to be. If `A` stores, so many are unmasked.
///
/// # Safety
///
/// The span must be longer than [`cover::MAX`](super::cover::MAX), and the CPU must
/// have the instructions of `I`.
#[inline(always)]
pub(super) unsafe fn ascii_prefix<I: Isa, A: Access>(span: Span<'_, A>) -> Result<(), usize> {
    let tail_at = span.len() - I::Bytes128::LEN;
    // SAFETY: every access ends at or before the length, which is above 256, and
    // above 319 where the body is aligned. In place, nothing is stored over source
    // bytes that are still to be loaded.
    unsafe {
        // Text in a script of its own is not ASCII from the start, and text with an
        // accent here and there not for long: less than a group is tested first.
        let head: I::Bytes64 = span.load_unmasked(0);
        if !head.is_ascii() {
            return Err(0);
        }
        let tail: I::Bytes128 = span.load_unmasked(tail_at);
        let mut at =
            if span.len() >= ALIGN_FROM { misalignment::<I::Bytes64>(span.aligned()) } else { 0 };

        let key = span.key_at(at);
        let begins = pass::<I::Bytes128, _>(span, at, key);
        if A::STORES {
            span.store(0, head);
        }
        if !begins {
            return Err(I::Bytes64::LEN);
        }
        at += I::Bytes128::LEN;
        if !pass::<I::Bytes128, _>(span, at, key) {
            return Err(at);
        }
        at += I::Bytes128::LEN;

        while at + I::Group::LEN <= span.len() {
            if !pass::<I::Group, _>(span, at, key) {
                return Err(at);
            }
            at += I::Group::LEN;
        }

        let middle = if at < tail_at { span.load_unmasked::<I::Bytes128>(at) } else { tail };
        if !middle.or(tail).is_ascii() {
            return Err(at);
        }
        if A::STORES {
            if at < tail_at {
                span.store(at, middle);
            }
            span.store(tail_at, tail);
        }
    }
    Ok(())
}

/// Whether the block at `at` is ASCII, unmasked with `key`. If it is and `A` stores,
/// it is unmasked.
///
/// # Safety
///
/// The block must lie within the span, and the CPU must have the instructions of `B`.
#[inline(always)]
unsafe fn pass<B: Block, A: Access>(span: Span<'_, A>, at: usize, key: Mask) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let block = span.load::<B>(at).xor(B::splat(key));
        let is_ascii = block.is_ascii();
        if is_ascii && A::STORES {
            span.store(at, block);
        }
        is_ascii
    }
}
