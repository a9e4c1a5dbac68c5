//! Size classes, and covers of short payloads: two blocks that together hold
//! every byte and nothing else.
//!
//! One begins where the payload begins, one ends where it ends, and they overlap
//! as far as they must. So a class reaches from the length of a block to twice
//! that, there is no branch within one, and all that depends on the length is the
//! place and the key of the second block.

use super::{
    block::{Block, Isa},
    span::{Access, Span},
};

/// What to do with a short payload.
pub(super) trait Visitor<A: Access> {
    type Output;

    /// Handles a payload that two blocks cover.
    ///
    /// # Safety
    ///
    /// The span must have `B::LEN` to `2 * B::LEN` bytes, and the CPU must have
    /// the instructions of `B`.
    unsafe fn ends<B: Block>(self, span: Span<'_, A>) -> Self::Output;

    /// Handles a payload of up to 3 bytes.
    ///
    /// # Safety
    ///
    /// The span must be shorter than 4 bytes.
    unsafe fn bytes(self, span: Span<'_, A>) -> Self::Output;
}

/// The longest payload that has a cover.
pub(in crate::simd) const MAX: usize = 256;

/// Hands a short span to `visitor`, by its size class.
///
/// # Safety
///
/// The span must not be longer than [`MAX`], and the CPU must have the instructions
/// of `I`.
#[inline(always)]
pub(super) unsafe fn visit<I: Isa, A: Access, V: Visitor<A>>(
    span: Span<'_, A>,
    visitor: V,
) -> V::Output {
    // SAFETY: each class has the bounds that its cover asks for.
    unsafe {
        let len = span.len();
        if len > 64 {
            if len > 128 {
                visitor.ends::<I::Bytes128>(span)
            } else {
                visitor.ends::<I::Bytes64>(span)
            }
        } else if len > 32 {
            visitor.ends::<I::Bytes32>(span)
        } else {
            visit_short::<I, _, _>(span, visitor)
        }
    }
}

/// [`visit`] for a span of up to 32 bytes.
///
/// # Safety
///
/// The span must not be longer than that, and the CPU must have the instructions of `I`.
#[inline(always)]
pub(super) unsafe fn visit_short<I: Isa, A: Access, V: Visitor<A>>(
    span: Span<'_, A>,
    visitor: V,
) -> V::Output {
    // SAFETY: as above.
    unsafe {
        let len = span.len();
        if len > 16 {
            visitor.ends::<I::Bytes16>(span)
        } else if len >= 8 {
            visitor.ends::<u64>(span)
        } else if len >= 4 {
            visitor.ends::<u32>(span)
        } else {
            visitor.bytes(span)
        }
    }
}
