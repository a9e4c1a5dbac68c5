//! UTF-8 validation, alone or while a payload is unmasked.
//!
//! Three ideas carry it:
//!
//! - **ASCII first.** All registers of a short text, or four of a long one, are
//!   joined with OR and tested once. Only what fails that test is checked in
//!   detail, by the [`Check`] of the register type.
//! - **Order does not matter.** A check can begin anywhere if it knows the three
//!   bytes before: they travel as a `u32` whose top byte is the newest. So a
//!   text can end with a register that overlaps its predecessor, an aligned body
//!   can follow an unaligned head, and the next piece of a text can go on where
//!   the last one ended, all without a scalar loop.
//! - **One pass.** Unmasking costs an XOR and a store on the way. A second pass
//!   would cost the loads again, and stall besides where its wide loads meet
//!   stores that have not left the store buffer yet.

use super::{
    ascii::{is_short_ascii, join},
    block::{Block, Isa},
    cover,
    mask::{mask, misalignment},
    span::Span,
};

/// From this length on the body is aligned if the text begins with ASCII. Below,
/// the extra head costs more than the lines that it saves from being split, and
/// so it does where the checks take longer than the loads.
const ALIGN_FROM: usize = 1024;

/// A register whose contents can be checked in detail.
pub(in crate::simd) trait Utf8Block: Block {
    type Check: Check<Block = Self>;

    /// The greatest length that [`load_prefix`](Self::load_prefix) takes.
    const MAX_PREFIX: usize;

    /// Whether [`load_prefix`](Self::load_prefix) is as fast as a plain load.
    const CHEAP_PREFIX: bool;

    /// The first `len` bytes at `from`, unmasked with `key`; zeros behind them.
    ///
    /// # Safety
    ///
    /// `len` bytes at `from` must be readable, `len` must not exceed
    /// `MAX_PREFIX`, and the CPU must have the instructions of this type.
    unsafe fn load_prefix(from: *const u8, len: usize, key: Self) -> Self;
}

/// The state of a detailed check between two registers.
///
/// A sequence that the end of a register cuts is no error yet; what must follow
/// is remembered.
pub(in crate::simd) trait Check {
    type Block: Utf8Block<Check = Self>;

    /// A check of what follows the three bytes in the upper part of `last`, of
    /// which the topmost is the newest. They are taken as checked.
    ///
    /// # Safety
    ///
    /// The CPU must have the instructions of the block type.
    unsafe fn after(last: u32) -> Self;

    /// Goes on elsewhere, after `last`, and keeps the errors found so far.
    fn jump(&mut self, last: u32);

    /// Checks the next bytes.
    fn block(&mut self, block: Self::Block);

    /// Checks the first `len` bytes of `block`, up to `MAX_PREFIX`, and ends the
    /// check there, but not the text: a sequence may go on behind them.
    fn last_block(&mut self, block: Self::Block, len: usize);

    /// Takes the next bytes for ASCII, or the text for ended: a sequence that
    /// was begun is an error.
    fn ascii(&mut self);

    /// Whether no error was found. Not all that was checked last counts: see
    /// [`ascii`](Self::ascii).
    fn is_valid(&self) -> bool;
}

/// What can be said of the span at once: of a short text that is ASCII, that it
/// is UTF-8 (and with `STORE` unmasked by now). The rest is for [`check`], whose
/// contract this shares.
///
/// # Safety
///
/// As for [`check`].
#[inline(always)]
pub(in crate::simd) unsafe fn quick_check<I, const STORE: bool, const WHOLE: bool>(
    span: Span<'_>,
    last: u32,
) -> Option<bool>
where
    I: Isa<Wide: Utf8Block>,
{
    // SAFETY: the caller's promise.
    unsafe {
        if !STORE && I::Wide::CHEAP_PREFIX && span.len <= I::Wide::MAX_PREFIX {
            Some(one_block::<I::Wide, WHOLE>(span, last))
        } else if last == 0 && is_short_ascii::<I, STORE>(span) {
            Some(true)
        } else {
            None
        }
    }
}

/// Whether the span is UTF-8 as a continuation of `last`, the bytes before it
/// ([`Check::after`]); with `STORE` it is also unmasked. Meant for what
/// [`quick_check`] does not settle.
///
/// As a `WHOLE` text its last sequence must be complete. Otherwise an unfinished
/// sequence at the end is fine if it can still be finished, but for a last byte
/// that no sequence can begin with: the caller, who keeps the last bytes anyway,
/// sees to that one.
///
/// # Safety
///
/// With `STORE` the span must be writable. The CPU must have the instructions of
/// `I`.
#[inline(always)]
pub(in crate::simd) unsafe fn check<I, const STORE: bool, const WHOLE: bool>(
    span: Span<'_>,
    last: u32,
) -> bool
where
    I: Isa<Wide: Utf8Block>,
{
    // SAFETY: the lengths are what the callees ask for; the rest is the
    // caller's promise.
    unsafe {
        if span.len > cover::max::<I::Wide>() {
            long::<I, STORE, WHOLE>(span, last)
        } else if span.len > I::Wide::MAX_PREFIX {
            walk::<I::Wide, STORE, WHOLE>(span, last)
        } else {
            let valid = one_block::<I::Wide, WHOLE>(span, last);
            if STORE {
                mask::<I>(span);
            }
            valid
        }
    }
}

/// Checks a text that fits into one register.
///
/// # Safety
///
/// The span must not be longer than `B::MAX_PREFIX`, and the CPU must have the
/// instructions of `B`.
#[inline(always)]
unsafe fn one_block<B: Utf8Block, const WHOLE: bool>(span: Span<'_>, last: u32) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let block = B::load_prefix(span.source, span.len, B::splat(span.key_at(0)));
        if last == 0 && block.is_ascii() {
            return true;
        }
        let mut check = B::Check::after(last);
        if WHOLE {
            check.block(block); // the zeros behind a cut sequence are its error
            check.ascii(); // unless there are none
        } else {
            check.last_block(block, span.len);
        }
        check.is_valid()
    }
}

/// Checks every register of the text in detail: for texts too short for the
/// ASCII tests to be worth it.
///
/// # Safety
///
/// With `STORE` the span must be writable. It must be at least `B::LEN` long,
/// and the CPU must have the instructions of `B`.
#[inline(always)]
unsafe fn walk<B: Utf8Block, const STORE: bool, const WHOLE: bool>(
    span: Span<'_>,
    last: u32,
) -> bool {
    let len = span.len;
    let tail_at = len - B::LEN;
    // SAFETY: every access ends at or before `len`; the tail and the bytes
    // before it are loaded before anything is stored.
    unsafe {
        let tail: B = span.load_unmasked(tail_at);
        let before_tail = before(span, tail_at, last);
        let key = B::splat(span.key_at(0));
        let mut check = B::Check::after(last);
        let mut at = 0;
        while at + B::LEN <= len {
            let block = span.load::<B>(at).xor(key);
            if STORE {
                span.store(at, block);
            }
            check.block(block);
            at += B::LEN;
        }
        if at < len {
            if STORE {
                span.store(tail_at, tail);
            }
            check.jump(before_tail);
            check.block(tail);
        }
        if WHOLE {
            check.ascii();
        }
        check.is_valid()
    }
}

/// Checks a long text by groups of four registers.
///
/// # Safety
///
/// With `STORE` the span must be writable. It must be longer than four wide
/// registers, and the CPU must have the instructions of `I`.
#[inline(always)]
unsafe fn long<I, const STORE: bool, const WHOLE: bool>(span: Span<'_>, last: u32) -> bool
where
    I: Isa<Wide: Utf8Block>,
{
    let len = span.len;
    let tail_at = len - I::Wide::LEN;
    // SAFETY: every access ends at or before `len`, which is above four
    // registers; the tail and the bytes before it are loaded before the body is
    // stored.
    unsafe {
        let tail: I::Wide = span.load_unmasked(tail_at);
        let before_tail = before(span, tail_at, last);
        let mut check = <I::Wide as Utf8Block>::Check::after(last);
        // Whether the last bytes were not all ASCII, and whether any were not:
        // as long as neither, there is nothing to be checked.
        let mut open = last != 0;
        let mut checked = open;

        let head: I::Wide = span.load_unmasked(0);
        let body_at = if len >= ALIGN_FROM && !open && head.is_ascii() {
            misalignment::<I::Wide>(if STORE { span.target } else { span.source })
        } else {
            0
        };

        if STORE {
            mask::<I>(span.prefix(body_at)); // exactly what the body leaves out
        }

        let key = I::Wide::splat(span.key_at(body_at));
        let mut at = body_at;
        while at + 4 * I::Wide::LEN <= len {
            let group = span.load_group::<I::Wide, 4>(at, key);
            if STORE {
                span.store_group(at, group);
            }
            if !join(group).is_ascii() {
                for block in group {
                    check.block(block);
                }
                open = true;
                checked = true;
            } else if open {
                check.ascii();
                open = false;
            }
            at += 4 * I::Wide::LEN;
        }

        let rest_at = at;
        let mut rest = tail;
        while at + I::Wide::LEN <= len {
            let block = span.load::<I::Wide>(at).xor(key);
            if STORE {
                span.store(at, block);
            }
            rest = rest.or(block);
            at += I::Wide::LEN;
        }
        if !rest.is_ascii() {
            let unmasked = if STORE { span.target.cast_const() } else { span.source };
            for at in (rest_at..at).step_by(I::Wide::LEN) {
                check.block(I::Wide::load(unmasked.add(at)));
            }
            if at < len {
                check.jump(before_tail);
                check.block(tail);
            }
            if WHOLE {
                check.ascii();
            }
            checked = true;
        } else if open {
            check.ascii();
        }

        if STORE {
            span.store(tail_at, tail);
        }
        !checked || check.is_valid()
    }
}

/// The unmasked source bytes before `at`, the newest on top, with `last` as
/// those before the start.
///
/// # Safety
///
/// The span must be at least 4 bytes long, and `at` within it.
#[inline(always)]
unsafe fn before(span: Span<'_>, at: usize, last: u32) -> u32 {
    // SAFETY: four bytes lie before `at`, or else four begin at the start.
    unsafe {
        if at >= 4 {
            u32::from_le(span.load_unmasked(at - 4))
        } else {
            let first = u32::from_le(span.load_unmasked(0));
            ((u64::from(first) << 32 | u64::from(last)) >> (8 * at)) as u32
        }
    }
}
