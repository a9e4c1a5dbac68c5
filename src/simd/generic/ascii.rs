//! The ASCII test, alone or while a payload is unmasked.

use super::{
    block::{Block, Isa},
    cover::{self, Visitor},
    mask::misalignment,
    span::{Access, Span},
};

/// From this length on the body is aligned. Below, the extra head costs more than
/// the lines that it saves from being split.
const ALIGN_FROM: usize = 512;

/// Tests the span until something is not ASCII; the error is how many bytes are
/// known to be, which is 0 if the span is short. If `A` stores, so many are
/// unmasked.
///
/// # Safety
///
/// The CPU must have the instructions of `I`.
#[inline(always)]
pub(in crate::simd) unsafe fn ascii_prefix<I: Isa, A: Access>(
    span: Span<'_, A>,
) -> Result<(), usize> {
    // SAFETY: the caller's promise.
    unsafe { cover::visit::<I, _, _>(span, AsciiPrefix) }
}

struct AsciiPrefix;

impl<A: Access> Visitor<A> for AsciiPrefix {
    type Output = Result<(), usize>;

    #[inline(always)]
    unsafe fn ends<B: Block>(self, span: Span<'_, A>) -> Result<(), usize> {
        // SAFETY: the caller's promise.
        unsafe {
            if B::LEN > 64 && !begins_with_ascii(span) {
                return Err(0);
            }
            let ends = span.load_ends::<B>();
            if !ends.is_ascii() {
                return Err(0);
            }
            if A::STORES {
                span.store_ends(ends);
            }
        }
        Ok(())
    }

    #[inline(always)]
    unsafe fn bytes(self, span: Span<'_, A>) -> Result<(), usize> {
        let mut bytes = span.key_at(0).bytes();
        let mut all = 0;
        for (at, byte) in bytes.iter_mut().enumerate().take(span.len()) {
            // SAFETY: `at` is below the length.
            *byte ^= unsafe { *span.source.add(at) };
            all |= *byte;
        }
        if !all.is_ascii() {
            return Err(0);
        }
        if A::STORES {
            for (at, byte) in bytes.into_iter().enumerate().take(span.len()) {
                // SAFETY: `at` is below the length.
                unsafe { *span.target.add(at) = byte };
            }
        }
        Ok(())
    }

    #[inline(always)]
    unsafe fn long<I: Isa>(self, span: Span<'_, A>) -> Result<(), usize> {
        // SAFETY: the caller's promise.
        unsafe { if begins_with_ascii(span) { long::<I, _>(span) } else { Err(0) } }
    }
}

/// Whether the first eight bytes are ASCII: text in a script of its own is so from
/// the start, and where many registers follow, that is worth a test of its own.
///
/// # Safety
///
/// The span must not be shorter than that.
#[inline(always)]
unsafe fn begins_with_ascii<A: Access>(span: Span<'_, A>) -> bool {
    // SAFETY: the caller's promise.
    unsafe { span.load_unmasked::<u64>(0) }.is_ascii()
}

/// [`ascii_prefix`] of a long span.
///
/// # Safety
///
/// The span must be longer than 256 bytes, and the CPU must have the instructions
/// of `I`.
#[inline(always)]
unsafe fn long<I: Isa, A: Access>(span: Span<'_, A>) -> Result<(), usize> {
    let tail_at = span.len() - I::Bytes128::LEN;
    // SAFETY: every access ends at or before the length, which is above 256, and
    // above 319 where the body is aligned. In place, nothing is stored over source
    // bytes that are still to be loaded.
    unsafe {
        let tail: I::Bytes128 = span.load_unmasked(tail_at);
        let head: I::Bytes64 = span.load_unmasked(0);
        let mut at = if span.len() >= ALIGN_FROM && head.is_ascii() {
            misalignment::<I::Bytes64>(span.aligned())
        } else {
            0
        };

        let key = I::Group::splat(span.key_at(at));
        let first = span.load::<I::Group>(at).xor(key);
        if !first.is_ascii() {
            return Err(0);
        }
        if A::STORES {
            if at > 0 {
                span.store(0, head);
            }
            span.store(at, first);
        }
        at += I::Group::LEN;

        while at + I::Group::LEN <= span.len() {
            let group = span.load::<I::Group>(at).xor(key);
            if !group.is_ascii() {
                return Err(at);
            }
            if A::STORES {
                span.store(at, group);
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
