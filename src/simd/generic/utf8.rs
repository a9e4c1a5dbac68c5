//! UTF-8 validation, alone or while a payload is unmasked.
//!
//! Three ideas carry it:
//!
//! - **ASCII first.** All registers of a short text, or a group of a long one,
//!   are joined with OR and tested once. Only from where that test fails on is a
//!   text checked in detail, by the [`Check`] of the register type, and there too
//!   every pair of registers is tested first: much text has a word here and there
//!   that is not ASCII.
//! - **Order does not matter.** A check can begin anywhere if it knows the three
//!   bytes before: they travel as a `u32` whose top byte is the newest. So a
//!   text can end with a register that overlaps its predecessor, and the next
//!   piece of a text can go on where the last one ended, all without a scalar
//!   loop.
//! - **One pass.** Unmasking costs an XOR and a store on the way. A second pass
//!   would cost the loads again, and stall besides where its wide loads meet
//!   stores that have not left the store buffer yet.

use super::{
    ascii::is_short_ascii,
    block::{Block, Isa, Pair},
    mask::mask,
    prefix::ascii_prefix,
    span::{Access, Span},
};

/// A register whose contents can be checked in detail.
pub(in crate::simd) trait Utf8Block: Block {
    type Check: Check<Block = Self>;

    /// The greatest length that [`load_prefix`](Self::load_prefix) takes.
    const MAX_PREFIX: usize;

    /// Whether [`load_prefix`](Self::load_prefix) is as fast as a plain load, and
    /// [`store_prefix`](Self::store_prefix) as a plain store, unless what was
    /// stored is loaded at once.
    const CHEAP_PREFIX: bool;

    /// The first `len` bytes at `from`, unmasked with `key`; zeros behind them.
    ///
    /// # Safety
    ///
    /// `len` bytes at `from` must be readable, `len` must not exceed
    /// `MAX_PREFIX`, and the CPU must have the instructions of this type.
    unsafe fn load_prefix(from: *const u8, len: usize, key: Self) -> Self;

    /// Stores the first `len` bytes.
    ///
    /// # Safety
    ///
    /// `len` bytes at `to` must be writable, and `len` must not exceed
    /// `MAX_PREFIX`.
    unsafe fn store_prefix(self, to: *mut u8, len: usize);
}

/// An instruction set with registers that can be checked in detail.
pub(in crate::simd) trait Utf8Isa: Isa {
    type Register: Utf8Block;
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

    /// [`block`](Self::block), where the bytes lie at `from`, unmasked like those
    /// before them: what is to be compared with its predecessors can be loaded
    /// with them, where that is cheaper than to shift them in.
    ///
    /// # Safety
    ///
    /// The block and three bytes before it must be readable.
    unsafe fn block_at(&mut self, block: Self::Block, from: *const u8);

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

/// Settles what can be settled at first sight of a short text: that it is UTF-8
/// because it is ASCII, or what it is if a register or two hold all of it. What cannot
/// is left as it was, for [`check_short`].
///
/// # Safety
///
/// The span must not be longer than [`cover::MAX`], and the CPU must have the
/// instructions of `I`.
#[inline(always)]
pub(in crate::simd) unsafe fn glance<I, A, const WHOLE: bool>(
    span: Span<'_, A>,
    last: u32,
) -> Option<bool>
where
    I: Utf8Isa,
    A: Access,
{
    // SAFETY: the caller's promise.
    unsafe {
        if !A::IN_PLACE && I::Register::CHEAP_PREFIX && span.len() <= I::Register::MAX_PREFIX {
            return Some(one_block::<I::Register, _, WHOLE>(span, last));
        }
        if last > 0 {
            return None;
        }
        let two = I::Register::LEN..=2 * I::Register::LEN;
        if !I::Register::CHEAP_PREFIX && two.contains(&span.len()) {
            return Some(two_blocks::<I::Register, _, WHOLE>(span));
        }
        is_short_ascii::<I, _>(span).then_some(true)
    }
}

/// [`check_long`] for a short text, of which it is known that not all is ASCII.
///
/// # Safety
///
/// The CPU must have the instructions of `I`.
#[inline(always)]
pub(in crate::simd) unsafe fn check_short<I, A, const WHOLE: bool>(
    span: Span<'_, A>,
    mut last: u32,
) -> bool
where
    I: Utf8Isa,
    A: Access,
{
    if WHOLE {
        last = 0; // which it is, but the compiler cannot know
    }
    // SAFETY: the caller's promise.
    unsafe {
        let check = <I::Register as Utf8Block>::Check::after(last);
        let is_valid = check_rest::<I::Register, _, WHOLE>(check, span, last);
        if A::STORES {
            mask::<I, _>(span);
        }
        is_valid
    }
}

/// Whether the span is UTF-8 as a continuation of `last`, the bytes before it
/// ([`Check::after`]); if `A` stores, it is also unmasked.
///
/// As a `WHOLE` text its last sequence must be complete. Otherwise an unfinished
/// sequence at the end is fine if it can still be finished, but for a last byte
/// that no sequence can begin with: the caller, who keeps the last bytes anyway,
/// sees to that one.
///
/// # Safety
///
/// The span must be longer than [`cover::MAX`], and the CPU must have the
/// instructions of `I`.
#[inline(always)]
pub(in crate::simd) unsafe fn check_long<I, A, const WHOLE: bool>(
    mut span: Span<'_, A>,
    mut last: u32,
) -> bool
where
    I: Utf8Isa,
    A: Access,
{
    if WHOLE {
        last = 0; // which it is, but the compiler cannot know
    }
    // Whether the bytes before were not all ASCII.
    let mut open = last != 0;
    // SAFETY: every access ends at or before the length.
    unsafe {
        if !open {
            match ascii_prefix::<I, _>(span) {
                Ok(()) => return true,
                // From whole registers on, where that is no harm: what is left at the end
                // is then as much in all texts of a length, wherever they lie.
                Err(tested) if A::IN_PLACE => span = span.suffix(tested),
                Err(tested) => span = span.suffix(tested - tested % I::Bytes64::LEN),
            }
        }
        let mut check = <I::Register as Utf8Block>::Check::after(last);
        let key = I::Register::splat(span.key_at(0));
        let keys = Pair(key, key);
        // Wide registers make half as many operations of a vector unit as others, and it
        // pays to know of each whether it is ASCII, and whether there is a check to end. In
        // text in a script of its own eight bytes tell as much as both. With others it pays
        // not to ask: nobody can foresee the answer in text with an accent here and there.
        let wide = I::Register::LEN >= 64;
        let mut at = 0;
        while at + 2 * I::Register::LEN <= span.len() {
            let probe: u64 = if wide { span.load_unmasked(at) } else { 0 };
            let pair = span.load::<Pair<_>>(at).xor(keys);
            if A::STORES {
                span.store(at, pair);
            }
            if !probe.is_ascii() || !wide && !pair.is_ascii() {
                if at == 0 {
                    check.block(pair.0);
                } else {
                    check_next(&mut check, span, at, pair.0);
                }
                check_next(&mut check, span, at + I::Register::LEN, pair.1);
                open = true;
            } else if wide {
                for register in [pair.0, pair.1] {
                    if !register.is_ascii() {
                        check.block(register);
                        open = true;
                    } else if open {
                        check.ascii();
                        open = false;
                    }
                }
            } else {
                check.ascii();
            }
            at += 2 * I::Register::LEN;
        }
        if at > 0 {
            last = u32::from_le(u32::load(span.aligned().add(at - 4)));
        }
        let rest = span.suffix(at);
        let is_valid = check_rest::<I::Register, _, WHOLE>(check, rest, last);
        if A::STORES {
            mask::<I, _>(rest);
        }
        is_valid
    }
}

/// Checks a text that fits into one register; if `A` stores, it is also unmasked.
///
/// # Safety
///
/// The span must not be longer than `B::MAX_PREFIX`, and the CPU must have the
/// instructions of `B`.
#[inline(always)]
unsafe fn one_block<B: Utf8Block, A: Access, const WHOLE: bool>(
    span: Span<'_, A>,
    last: u32,
) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let block = B::load_prefix(span.source, span.len(), B::splat(span.key_at(0)));
        if A::STORES {
            block.store_prefix(span.target, span.len());
        }
        if last == 0 && block.is_ascii() {
            return true;
        }
        let mut check = B::Check::after(last);
        if WHOLE {
            check.block(block); // the zeros behind a cut sequence are its error
            check.ascii(); // unless there are none
        } else {
            check.last_block(block, span.len());
        }
        check.is_valid()
    }
}

/// Checks a text that two overlapping registers cover, and that follows nothing
/// unfinished; if `A` stores, it is also unmasked.
///
/// # Safety
///
/// The span must have `B::LEN` to `2 * B::LEN` bytes, and the CPU must have the
/// instructions of `B`.
#[inline(always)]
unsafe fn two_blocks<B: Utf8Block, A: Access, const WHOLE: bool>(span: Span<'_, A>) -> bool {
    // SAFETY: the caller's promise. In place, nothing is stored over source bytes that
    // are still to be loaded.
    unsafe {
        let ends = span.load_ends::<B>();
        let is_valid = ends.is_ascii() || {
            let mut check = B::Check::after(0);
            check_with_overlap::<B, _, WHOLE>(&mut check, span, 0);
            check.is_valid()
        };
        if A::STORES {
            span.store_ends(ends);
        }
        is_valid
    }
}

/// Ends a check with all that is left, every register in detail. `last` are the
/// bytes before.
///
/// # Safety
///
/// The CPU must have the instructions of `B`.
#[inline(always)]
unsafe fn check_rest<B: Utf8Block, A: Access, const WHOLE: bool>(
    mut check: B::Check,
    span: Span<'_, A>,
    last: u32,
) -> bool {
    // SAFETY: the caller's promise, and the bounds as asked for.
    unsafe {
        if B::CHEAP_PREFIX || span.len() < B::LEN {
            check_with_prefix::<B, _, WHOLE>(&mut check, span);
        } else {
            check_with_overlap::<B, _, WHOLE>(&mut check, span, last);
        }
    }
    check.is_valid()
}

/// Checks what is left up to a register that is not full.
///
/// # Safety
///
/// The CPU must have the instructions of `B`.
#[inline(always)]
unsafe fn check_with_prefix<B: Utf8Block, A: Access, const WHOLE: bool>(
    check: &mut B::Check,
    span: Span<'_, A>,
) {
    // SAFETY: every access ends at or before the length.
    unsafe {
        let key = B::splat(span.key_at(0));
        let mut at = 0;
        while at + B::LEN <= span.len() {
            check.block(span.load::<B>(at).xor(key));
            at += B::LEN;
        }
        let len = span.len() - at;
        if len == 0 {
            if WHOLE {
                check.ascii();
            }
            return;
        }
        let block = B::load_prefix(span.source.add(at), len, key);
        if WHOLE {
            check.block(block); // the zeros behind a cut sequence are its error
        } else {
            check.last_block(block, len);
        }
    }
}

/// Checks what is left up to a register that overlaps its predecessor.
///
/// # Safety
///
/// The span must not be shorter than a register, and the CPU must have the
/// instructions of `B`.
#[inline(always)]
unsafe fn check_with_overlap<B: Utf8Block, A: Access, const WHOLE: bool>(
    check: &mut B::Check,
    span: Span<'_, A>,
    last: u32,
) {
    // SAFETY: every access ends at or before the length.
    unsafe {
        let key = B::splat(span.key_at(0));
        let tail_at = span.len() - B::LEN;
        check.block(span.load::<B>(0).xor(key));
        if tail_at > 0 {
            let mut at = B::LEN;
            while at < tail_at {
                check_next(check, span, at, span.load::<B>(at).xor(key));
                at += B::LEN;
            }
            let tail = span.load_unmasked(tail_at);
            if A::STORES || tail_at < 3 {
                check.jump(before(span, tail_at, last));
                check.block(tail);
            } else {
                check.block_at(tail, span.source.add(tail_at));
            }
        }
        if WHOLE {
            check.ascii();
        }
    }
}

/// Checks the unmasked block at `at`, behind others.
///
/// # Safety
///
/// The block must lie within the span, and three bytes of the span before it.
#[inline(always)]
unsafe fn check_next<C: Check, A: Access>(
    check: &mut C,
    span: Span<'_, A>,
    at: usize,
    block: C::Block,
) {
    // What is unmasked has just been stored, if at all: loads across those stores would
    // wait for them.
    if A::STORES {
        check.block(block);
    } else {
        // SAFETY: the caller's promise.
        unsafe { check.block_at(block, span.source.add(at)) }
    }
}

/// The unmasked source bytes before `at`, the newest on top, with `last` as
/// those before the start.
///
/// # Safety
///
/// The span must be at least 4 bytes long, and `at` within it.
#[inline(always)]
unsafe fn before<A: Access>(span: Span<'_, A>, at: usize, last: u32) -> u32 {
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
