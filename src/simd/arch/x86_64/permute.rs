//! The detailed check of the AVX-512 tier: lookups by whole byte.
//!
//! `vpermb` looks 64 bytes up in a table of 64 entries, which holds every byte
//! that can begin a sequence. So one lookup says all about a lead ([`lead`]):
//! how many continuations it demands, and which second bytes it admits. A second
//! lookup gives the class of each byte as a successor ([`successor`]). The two
//! meet in one ternary operation, in which every bit asks its own question:
//! *exactly one of three* is the error, where the three are what the byte before
//! says, what those two and three before say, and what the byte itself is.
//!
//! - Bit 7: demanded by the byte before; demanded by an earlier one; is a
//!   continuation. One alone is a demand that is not met or a continuation that
//!   nobody demanded. All other combinations are right, or follow a byte that
//!   is an error already.
//! - Bits 1 to 3: the byte before admits successors of this class; always set;
//!   is not of this class. Alone remains the middle one: not admitted, yet of
//!   the class.
//! - Bit 4: never set; always set; is below FC. Alone remains the middle one for
//!   FC and above, which share a table entry with ASCII (see [`index`]).
//!
//! *Always set* holds as far as the text before is right, and that is far
//! enough: the first error is found, and nobody asks for a second one.

use std::arch::x86_64::*;

use super::register::Zmm;
use crate::simd::generic::utf8::{Check, Utf8Block};

/// Demands on the next byte, on the one after it, and on the third.
const NEXT: u8 = 1 << 7;
const SECOND: u8 = 1 << 6;
const THIRD: u8 = 1 << 5;

/// Classes of successors.
const FROM_80: u8 = 1 << 1;
const FROM_90: u8 = 1 << 2;
const FROM_A0: u8 = 1 << 3;
const FROM_FC: u8 = 1 << 4;
const CLASSES: u8 = FROM_80 | FROM_90 | FROM_A0 | FROM_FC;

/// Set in every entry; moved up by one or two places it is what makes the
/// *always set* bits so.
const ALWAYS: u8 = 1 << 0;

/// What a byte asks of those that follow.
const fn lead(byte: u8) -> u8 {
    let any = ALWAYS | FROM_80 | FROM_90 | FROM_A0;
    match byte {
        0xC2..=0xDF => NEXT | any,
        0xE0 => NEXT | SECOND | any & !FROM_80 & !FROM_90,
        0xED => NEXT | SECOND | any & !FROM_A0,
        0xE1..=0xEF => NEXT | SECOND | any,
        0xF0 => NEXT | SECOND | THIRD | any & !FROM_80,
        0xF1..=0xF3 => NEXT | SECOND | THIRD | any,
        0xF4 => NEXT | SECOND | THIRD | any & !FROM_90 & !FROM_A0,
        0xC0 | 0xC1 | 0xF5..=0xFE => NEXT | ALWAYS, // nothing can follow
        _ => any,
    }
}

/// What a byte is as the successor of another: the class bit is clear.
const fn successor(byte: u8) -> u8 {
    match byte {
        0x80..=0x8F => NEXT | CLASSES & !FROM_80,
        0x90..=0x9F => NEXT | CLASSES & !FROM_90,
        0xA0..=0xBF => NEXT | CLASSES & !FROM_A0,
        0xFC..=0xFF => CLASSES & !FROM_FC,
        _ => CLASSES,
    }
}

#[repr(align(64))]
struct Table([u8; 64]);

/// [`lead`] of the bytes from C0 on, by their lower six bits; the last entry is
/// that of all bytes below, and of FF.
const LEADS: Table = {
    let mut table = [0; 64];
    let mut i = 0;
    while i < 63 {
        table[i] = lead(0xC0 + i as u8);
        i += 1;
    }
    table[63] = lead(0);
    Table(table)
};

/// [`successor`], by the upper six bits.
const SUCCESSORS: Table = {
    let mut table = [0; 64];
    let mut i = 0;
    while i < 64 {
        table[i] = successor(4 * i as u8);
        i += 1;
    }
    Table(table)
};

/// Indices into two joined registers, for the last `n` bytes of the first one
/// and then the second one without its last.
const fn preceded_by(n: u8) -> Table {
    let mut table = [0; 64];
    let mut i = 0;
    while i < 64 {
        table[i] = 64 - n + i as u8;
        i += 1;
    }
    Table(table)
}

const BY_ONE: Table = preceded_by(1);
const BY_TWO: Table = preceded_by(2);

/// Where [`NEXT`] demands a byte behind the register.
const OPEN_LEADS: Table = {
    let mut table = [0; 64];
    table[63] = NEXT;
    Table(table)
};

/// Where [`SECOND`], once joined with the [`THIRD`] of the byte before, does.
const OPEN_DEMANDS: Table = {
    let mut table = [0; 64];
    table[62] = SECOND;
    table[63] = SECOND;
    Table(table)
};

/// The state of a check.
#[derive(Clone, Copy)]
pub(super) struct Permute {
    /// [`lead`] of the bytes of the register before.
    leads: __m512i,
    /// The same, joined with those of one byte before, moved up by a place:
    /// where a `SECOND` was, the demand is now that of its successor's `NEXT`.
    demands: __m512i,
    /// Errors, in the bits of [`ERRORS`]; the other bits mean nothing.
    errors: __m512i,
}

/// The bits that ask a question.
const ERRORS: u8 = NEXT | CLASSES;

impl Check for Permute {
    type Block = Zmm;

    #[inline(always)]
    unsafe fn after(last: u32) -> Self {
        // SAFETY: the caller answers for the CPU.
        unsafe {
            let (leads, demands) = state_after(last);
            Self { leads, demands, errors: _mm512_setzero_si512() }
        }
    }

    #[inline(always)]
    fn jump(&mut self, last: u32) {
        // SAFETY: `self` answers for the CPU.
        (self.leads, self.demands) = unsafe { state_after(last) };
    }

    #[inline(always)]
    fn block(&mut self, block: Zmm) {
        // SAFETY: `self` answers for the CPU.
        unsafe {
            let errors = self.step(block.0);
            self.errors = _mm512_or_si512(self.errors, errors);
        }
    }

    #[inline(always)]
    unsafe fn block_at(&mut self, block: Zmm, _from: *const u8) {
        // What is compared are lookups, which are in no memory.
        self.block(block);
    }

    #[inline(always)]
    fn last_block(&mut self, block: Zmm, len: usize) {
        // SAFETY: `self` answers for the CPU.
        unsafe {
            let counted = _mm512_maskz_mov_epi8(first(len), self.step(block.0));
            self.errors = _mm512_or_si512(self.errors, counted);
        }
    }

    #[inline(always)]
    fn ascii(&mut self) {
        // SAFETY: `self` answers for the CPU.
        unsafe {
            let next = _mm512_and_si512(self.leads, load(&OPEN_LEADS));
            let later = _mm512_and_si512(self.demands, load(&OPEN_DEMANDS));
            // `SECOND` is no bit of `ERRORS`, its double is.
            let later = _mm512_add_epi8(later, later);
            self.errors = _mm512_or_si512(self.errors, _mm512_or_si512(next, later));
            (self.leads, self.demands) = ascii_state();
        }
    }

    #[inline(always)]
    fn is_valid(&self) -> bool {
        // SAFETY: `self` answers for the CPU.
        unsafe { _mm512_test_epi8_mask(self.errors, _mm512_set1_epi8(ERRORS as i8)) == 0 }
    }
}

impl Permute {
    /// The errors of the next register.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
    fn step(&mut self, block: __m512i) -> __m512i {
        let leads = _mm512_permutexvar_epi8(index(block), load(&LEADS));
        let before = _mm512_permutex2var_epi8(self.leads, load(&BY_ONE), leads);
        let demands = _mm512_or_si512(leads, _mm512_add_epi8(before, before));
        let earlier = _mm512_permutex2var_epi8(self.demands, load(&BY_TWO), demands);
        // The index is the lower six bits: what a 16-bit shift brings in from
        // the neighbour is above them.
        let own = _mm512_permutexvar_epi8(_mm512_srli_epi16::<2>(block), load(&SUCCESSORS));
        self.leads = leads;
        self.demands = demands;
        _mm512_ternarylogic_epi32::<EXACTLY_ONE>(before, _mm512_add_epi8(earlier, earlier), own)
    }
}

/// The truth table of *exactly one of three*: rows 1, 2 and 4.
const EXACTLY_ONE: i32 = 1 << 0b001 | 1 << 0b010 | 1 << 0b100;

/// Indices into [`LEADS`]: the bytes below C0 all become BF, whose lower six bits
/// are 63, as are those of FF.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn index(block: __m512i) -> __m512i {
    _mm512_max_epu8(block, _mm512_set1_epi8(0xBF_u8 as i8))
}

/// `leads` and `demands` after a register of ASCII.
#[inline]
#[target_feature(enable = "avx512f")]
fn ascii_state() -> (__m512i, __m512i) {
    const LEAD: u8 = lead(0);
    (_mm512_set1_epi8(LEAD as i8), _mm512_set1_epi8((LEAD | LEAD << 1) as i8))
}

/// `leads` and `demands` after a register that ends with `last`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn state_after(last: u32) -> (__m512i, __m512i) {
    if last & 0x8080_8000 == 0 {
        return ascii_state();
    }
    let end = _mm512_castsi128_si512(_mm_cvtsi32_si128(last as i32));
    let block = _mm512_maskz_permutexvar_epi32(1 << 15, _mm512_setzero_si512(), end);
    let leads = _mm512_permutexvar_epi8(index(block), load(&LEADS));
    let before = _mm512_permutex2var_epi8(ascii_state().0, load(&BY_ONE), leads);
    (leads, _mm512_or_si512(leads, _mm512_add_epi8(before, before)))
}

impl Utf8Block for Zmm {
    type Check = Permute;
    const MAX_PREFIX: usize = 64;
    const CHEAP_PREFIX: bool = true;

    #[inline(always)]
    unsafe fn load_prefix(from: *const u8, len: usize, key: Self) -> Self {
        // SAFETY: the caller answers for the first `len` bytes and the CPU; a
        // masked load does not touch the others.
        unsafe {
            let bytes = _mm512_maskz_loadu_epi8(first(len), from.cast());
            Self(_mm512_maskz_mov_epi8(first(len), _mm512_xor_si512(bytes, key.0)))
        }
    }

    #[inline(always)]
    unsafe fn store_prefix(self, to: *mut u8, len: usize) {
        // SAFETY: the caller answers for the first `len` bytes, `self` for the CPU; a
        // masked store does not touch the others.
        unsafe { _mm512_mask_storeu_epi8(to.cast(), first(len), self.0) }
    }
}

/// The lanes of the first `len` bytes.
#[inline]
#[target_feature(enable = "bmi2")]
fn first(len: usize) -> __mmask64 {
    _bzhi_u64(u64::MAX, len as u32)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(table: &Table) -> __m512i {
    // SAFETY: 64 aligned bytes are readable.
    unsafe { _mm512_load_si512(table.0.as_ptr().cast()) }
}
