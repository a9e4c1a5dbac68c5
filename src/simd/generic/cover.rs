//! Size classes, and covers of short payloads: where to put registers so that
//! together they hold every byte and nothing else.
//!
//! Lengths are unpredictable, and a branch that is predicted wrongly costs more
//! than some registers that overlap entirely. So the size classes are few, and
//! there is no branch within one.

use super::{
    block::{Block, Isa},
    span::Span,
};

/// What to do with a payload.
pub(super) trait Visitor {
    /// Handles a payload that the registers at `offsets` cover.
    ///
    /// # Safety
    ///
    /// No offset plus `B::LEN` may exceed the length of the span, and the CPU
    /// must have the instructions of `B`.
    unsafe fn covered<B: Block, const N: usize>(self, span: Span<'_>, offsets: [usize; N]) -> bool;

    /// Handles a payload of up to 3 bytes.
    ///
    /// # Safety
    ///
    /// The span must be shorter than 4 bytes.
    unsafe fn bytes(self, span: Span<'_>) -> bool;

    /// Handles a payload of more than eight registers.
    ///
    /// # Safety
    ///
    /// The span must be longer than that, and the CPU must have the instructions
    /// of `B`.
    unsafe fn long<B: Block>(self, span: Span<'_>) -> bool;
}

/// Hands the span to `visitor`, with its cover if it has one.
///
/// # Safety
///
/// The CPU must have the instructions of `I`.
#[inline(always)]
pub(super) unsafe fn visit<I: Isa, V: Visitor>(span: Span<'_>, visitor: V) -> bool {
    let len = span.len;
    // SAFETY: each class has the bounds that its cover asks for.
    unsafe {
        if len <= 4 * I::Narrow::LEN {
            if len >= I::Narrow::LEN {
                visitor.covered::<I::Narrow, 4>(span, cover::<I::Narrow, 4>(len))
            } else if len >= 8 {
                visitor.covered::<u64, 2>(span, cover::<u64, 2>(len))
            } else if len >= 4 {
                visitor.covered::<u32, 2>(span, cover::<u32, 2>(len))
            } else {
                visitor.bytes(span)
            }
        } else if len <= 4 * I::Wide::LEN && (I::REGISTERS < 16 || I::Wide::LEN == 64) {
            visitor.covered::<I::Wide, 4>(span, cover::<I::Wide, 4>(len))
        } else if len <= max::<I::Wide>() {
            visitor.covered::<I::Wide, 8>(span, cover::<I::Wide, 8>(len))
        } else {
            visitor.long::<I::Wide>(span)
        }
    }
}

/// The longest payload that has a cover.
pub(super) const fn max<B: Block>() -> usize {
    8 * B::LEN
}

/// `N` registers, for one to `N` registers of payload: each where the one before
/// ends, or at the end.
#[inline(always)]
fn cover<B: Block, const N: usize>(len: usize) -> [usize; N] {
    let last = len - B::LEN;
    let mut offsets = [last; N];
    for (i, at) in offsets[..N - 1].iter_mut().enumerate() {
        *at = last.min(i * B::LEN);
    }
    offsets
}
