//! The detailed check of the AVX2 tier: three lookups by nibble.
//!
//! Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte"
//! (2021). Every violation of two neighbouring bytes is the product of three
//! sets: of the upper and of the lower nibble of the first byte, and of the
//! upper nibble of the second. Each kind of violation owns one bit in the entry
//! of every nibble in its sets, so that the AND of three lookups leaves the bits
//! of the violations at hand. One of them, a continuation after a continuation,
//! is right where a longer sequence began two or three bytes before, and wrong
//! if missing there: hence the XOR.
//!
//! A register is compared with those one, two and three bytes before it. To shift
//! them together takes four shuffles, on top of the three lookups and on the same
//! two units; where the text lies in memory as it is, three loads bring them.

use std::arch::x86_64::*;

use super::register::Ymm;
use crate::simd::generic::{
    block::Block,
    utf8::{Check, Utf8Block},
};

/// Sets of nibbles, bit `n` for nibble `n`.
const ANY: u16 = 0xFFFF;
const ASCII: u16 = 0x00FF;
const CONTINUATION: u16 = 0x0F00;
const LEAD: u16 = 0xF000;

/// The violations: nibbles of the first byte, upper and lower, and upper nibble
/// of the second byte. The position in the list is the bit in the tables.
const VIOLATIONS: [[u16; 3]; 8] = [
    [LEAD, ANY, !CONTINUATION],        // cut short
    [ASCII, ANY, CONTINUATION],        // continues nothing
    [1 << 0xC, 0b11, CONTINUATION],    // C0, C1: could be one byte
    [1 << 0xE, 1 << 0x0, 0b11 << 8],   // E0 80..9F: could be two bytes
    [1 << 0xE, 1 << 0xD, 0b11 << 0xA], // ED A0..BF: a surrogate
    [1 << 0xF, 0xFFF0, 0b111 << 9],    // F4 90..BF and all of F5: above U+10FFFF
    [1 << 0xF, 0xFFE1, 1 << 8],        // F0 80..8F: could be three; F5 80..8F: above
    [CONTINUATION, ANY, CONTINUATION], // a second continuation
];

/// The bit of the last violation, which is none after a lead of 3 or 4 bytes.
const SECOND_CONTINUATION: u8 = 1 << 7;

/// The table of one nibble, once for each half of the register.
const fn table(column: usize) -> [u8; 32] {
    let mut table = [0; 32];
    let mut i = 0;
    while i < table.len() {
        let mut violation = 0;
        while violation < VIOLATIONS.len() {
            if VIOLATIONS[violation][column] >> (i % 16) & 1 == 1 {
                table[i] |= 1 << violation;
            }
            violation += 1;
        }
        i += 1;
    }
    table
}

const FIRST_UPPER: [u8; 32] = table(0);
const FIRST_LOWER: [u8; 32] = table(1);
const SECOND_UPPER: [u8; 32] = table(2);

/// The greatest bytes that may end a text, by position.
const GREATEST_END: [u8; 32] = {
    let mut greatest = [0xFF; 32];
    greatest[29] = 0xF0 - 1;
    greatest[30] = 0xE0 - 1;
    greatest[31] = 0xC0 - 1;
    greatest
};

/// The 32 bytes from `32 - n` on have their first `n` bytes set.
const PREFIX: [u8; 64] = {
    let mut prefix = [0; 64];
    let mut i = 0;
    while i < 32 {
        prefix[i] = 0xFF;
        i += 1;
    }
    prefix
};

/// The 16 bytes from `n` on, as shuffle indices, move a register down by `n`
/// bytes.
const SHIFT: [u8; 32] = {
    let mut shift = [0x80; 32];
    let mut i = 0;
    while i < 16 {
        shift[i] = i as u8;
        i += 1;
    }
    shift
};

/// The state of a check: the register before, and a non-zero byte per error.
#[derive(Clone, Copy)]
pub(super) struct Lookup {
    previous: __m256i,
    errors: __m256i,
}

impl Check for Lookup {
    type Block = Ymm;

    #[inline(always)]
    unsafe fn after(last: u32) -> Self {
        // SAFETY: the caller answers for the CPU.
        unsafe { Self { previous: ending_with(last), errors: _mm256_setzero_si256() } }
    }

    #[inline(always)]
    fn jump(&mut self, last: u32) {
        // SAFETY: `self` answers for the CPU.
        self.previous = unsafe { ending_with(last) };
    }

    #[inline(always)]
    fn block(&mut self, block: Ymm) {
        // SAFETY: `self` answers for the CPU.
        unsafe { self.add(violations(block.0, shifted_in(self.previous, block.0))) };
        self.previous = block.0;
    }

    #[inline(always)]
    unsafe fn block_at(&mut self, block: Ymm, from: *const u8) {
        // SAFETY: `self` answers for the CPU, the caller for the bytes.
        unsafe {
            let predecessors = [1, 2, 3].map(|by| Ymm::load(from.sub(by)).0);
            self.add(violations(block.0, predecessors));
        }
        self.previous = block.0;
    }

    #[inline(always)]
    fn last_block(&mut self, block: Ymm, len: usize) {
        // SAFETY: `self` answers for the CPU.
        unsafe {
            let all = violations(block.0, shifted_in(self.previous, block.0));
            self.add(_mm256_and_si256(all, prefix(len)));
        }
    }

    #[inline(always)]
    fn ascii(&mut self) {
        // SAFETY: `self` answers for the CPU.
        unsafe {
            self.add(_mm256_subs_epu8(self.previous, load(&GREATEST_END)));
            self.previous = _mm256_setzero_si256();
        }
    }

    #[inline(always)]
    fn is_valid(&self) -> bool {
        // SAFETY: `self` answers for the CPU.
        unsafe { _mm256_testz_si256(self.errors, self.errors) == 1 }
    }
}

impl Utf8Block for Ymm {
    type Check = Lookup;
    const MAX_PREFIX: usize = 31;
    const CHEAP_PREFIX: bool = false;

    #[inline(always)]
    unsafe fn store_prefix(self, to: *mut u8, len: usize) {
        debug_assert!(len <= Self::MAX_PREFIX);
        // SAFETY: the caller answers for the first `len` bytes.
        unsafe { to.copy_from_nonoverlapping((&raw const self.0).cast(), len) };
    }

    #[inline(always)]
    unsafe fn load_prefix(from: *const u8, len: usize, key: Self) -> Self {
        debug_assert!(len <= Self::MAX_PREFIX);
        // SAFETY: the caller answers for the first `len` bytes and the CPU.
        unsafe {
            let bytes = if len >= 16 {
                let end = _mm_loadu_si128(from.add(len - 16).cast());
                let shift = _mm_loadu_si128(SHIFT.as_ptr().add(32 - len).cast());
                _mm256_set_m128i(_mm_shuffle_epi8(end, shift), _mm_loadu_si128(from.cast()))
            } else {
                let [lower, upper] = load_words(from, len);
                _mm256_set_epi64x(0, 0, upper as i64, lower as i64)
            };
            Self(_mm256_and_si256(_mm256_xor_si256(bytes, key.0), prefix(len)))
        }
    }
}

impl Lookup {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn add(&mut self, errors: __m256i) {
        self.errors = _mm256_or_si256(self.errors, errors);
    }
}

/// The bytes one, two and three before those of a register.
#[inline]
#[target_feature(enable = "avx2")]
fn shifted_in(previous: __m256i, block: __m256i) -> [__m256i; 3] {
    let joint = _mm256_permute2x128_si256::<0x21>(previous, block);
    [
        _mm256_alignr_epi8::<15>(block, joint),
        _mm256_alignr_epi8::<14>(block, joint),
        _mm256_alignr_epi8::<13>(block, joint),
    ]
}

/// The errors of a register, of which the bytes one, two and three before are given;
/// a byte stands for the second of the two bytes that violate a rule, or for a missing
/// continuation.
#[inline]
#[target_feature(enable = "avx2")]
fn violations(block: __m256i, [one_before, two_before, three_before]: [__m256i; 3]) -> __m256i {
    let nibble = _mm256_set1_epi8(0x0F);
    let upper = |bytes| _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), nibble);
    let of_two = _mm256_and_si256(
        _mm256_and_si256(
            _mm256_shuffle_epi8(load(&FIRST_UPPER), upper(one_before)),
            _mm256_shuffle_epi8(load(&FIRST_LOWER), _mm256_and_si256(one_before, nibble)),
        ),
        _mm256_shuffle_epi8(load(&SECOND_UPPER), upper(block)),
    );

    // The high bit remains of leads of 3 and more bytes, and of 4 bytes.
    let third = _mm256_subs_epu8(two_before, _mm256_set1_epi8((0xE0_u8 - 0x80) as i8));
    let fourth = _mm256_subs_epu8(three_before, _mm256_set1_epi8((0xF0_u8 - 0x80) as i8));
    let continued = _mm256_and_si256(
        _mm256_or_si256(third, fourth),
        _mm256_set1_epi8(SECOND_CONTINUATION as i8),
    );
    _mm256_xor_si256(of_two, continued)
}

/// A register whose last four bytes are `last`.
#[inline]
#[target_feature(enable = "avx2")]
fn ending_with(last: u32) -> __m256i {
    _mm256_set_epi32(last as i32, 0, 0, 0, 0, 0, 0, 0)
}

/// A register whose first `len` bytes are set.
#[inline]
#[target_feature(enable = "avx2")]
fn prefix(len: usize) -> __m256i {
    let from = &PREFIX[32 - len.min(32)..];
    // SAFETY: at least 32 bytes follow the 32nd one.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx2")]
fn load(table: &[u8; 32]) -> __m256i {
    // SAFETY: 32 bytes are readable.
    unsafe { _mm256_loadu_si256(table.as_ptr().cast()) }
}

/// Up to 15 bytes in two words, with zeros behind them.
///
/// # Safety
///
/// `len` bytes at `from` must be readable, and `len` must be below 16.
#[inline(always)]
unsafe fn load_words(from: *const u8, len: usize) -> [u64; 2] {
    // SAFETY: all offsets are below `len`, with as many bytes behind them as
    // are loaded.
    unsafe {
        if len >= 8 {
            // In two steps, for a shift by all 64 bits is none.
            let end = u64::load(from.add(len - 8)) >> 8 >> (8 * (15 - len));
            [u64::load(from), end]
        } else if len >= 4 {
            let end = u64::from(u32::load(from.add(len - 4)));
            [u64::from(u32::load(from)) | end << (8 * (len - 4)), 0]
        } else if len > 0 {
            let byte = |at: usize| u64::from(*from.add(at)) << (8 * at);
            [byte(0) | byte(len / 2) | byte(len - 1), 0]
        } else {
            [0, 0]
        }
    }
}
