//! Covers of short payloads: where to put registers so that together they hold
//! every byte and nothing else.
//!
//! Lengths are unpredictable, and a branch that is predicted wrongly costs more
//! than some registers that overlap entirely. So the size classes are few, and
//! there is no branch within one.

use super::{
    block::{Block, Isa},
    span::Span,
};

/// The longest payload that has a cover.
#[inline(always)]
pub(super) const fn max<I: Isa>() -> usize {
    8 * I::Wide::LEN
}

/// What to do with a cover.
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
}

/// Hands the cover of the span to `visitor`.
///
/// # Safety
///
/// The span must be no longer than [`max`], and the CPU must have the
/// instructions of `I`.
#[inline(always)]
pub(super) unsafe fn visit<I: Isa, V: Visitor>(span: Span<'_>, visitor: V) -> bool {
    let len = span.len;
    // SAFETY: each class has the bounds that its cover asks for.
    unsafe {
        if len > 4 * I::Wide::LEN {
            visitor.covered::<I::Wide, 8>(span, eight::<I::Wide>(len))
        } else if len > 4 * I::Narrow::LEN {
            visitor.covered::<I::Wide, 4>(span, four::<I::Wide>(len))
        } else if len >= I::Narrow::LEN {
            visitor.covered::<I::Narrow, 4>(span, four::<I::Narrow>(len))
        } else if len >= 8 {
            visitor.covered::<u64, 2>(span, pair::<u64>(len))
        } else if len >= 4 {
            visitor.covered::<u32, 2>(span, pair::<u32>(len))
        } else {
            visitor.bytes(span)
        }
    }
}

/// For one to two registers.
#[inline(always)]
fn pair<B: Block>(len: usize) -> [usize; 2] {
    [0, len - B::LEN]
}

/// For one to four registers.
#[inline(always)]
fn four<B: Block>(len: usize) -> [usize; 4] {
    let last = len - B::LEN;
    [0, last.min(B::LEN), last.min(2 * B::LEN), last]
}

/// For four to eight registers.
#[inline(always)]
fn eight<B: Block>(len: usize) -> [usize; 8] {
    let [b, c, d] = [B::LEN, 2 * B::LEN, 3 * B::LEN];
    let last = len - B::LEN;
    [0, b, c, d, last - d, last - c, last - b, last]
}
