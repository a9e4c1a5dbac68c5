//! Prefix codes and what their symbols stand for (RFC 1951, 3.2.2 to 3.2.6).

use std::{marker::PhantomData, sync::LazyLock};

use super::Corrupt;

/// The longest code.
pub(super) const LONGEST_CODE: u32 = 15;
const LONGEST: usize = LONGEST_CODE as usize;
/// Symbols of literals and lengths, and of distances, those that no code may have
/// included.
const LITERALS: usize = 288;
const DISTANCES: usize = 32;
/// Symbols of lengths of codes.
const LENGTHS: usize = 19;

/// What a code stands for, packed: one load finds it.
///
/// | bits | |
/// |---|---|
/// | 0 to 7 | length of the code and its extra bits |
/// | 8 to 11 | length of the code |
/// | 12 | set for the [end](Self::END) of the block |
/// | 13 | set for what is [`NOT_IN_TABLE`](Self::NOT_IN_TABLE) |
/// | 16 to 30 | a literal, a length of a code, or what the extra bits are added to |
/// | 31 | set for a [literal](Self::LITERAL) |
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry(u32);

impl Entry {
    const LITERAL: u32 = 1 << 31;
    const END: u32 = 1 << 12;
    /// The code is longer than an index of the table, or is none: no input has its bits.
    const NOT_IN_TABLE: Self = Self(1 << 13 | 0xff);

    /// An entry without the length of its code.
    const fn new(value: usize, extra_bits: usize) -> Self {
        Self((value as u32) << 16 | extra_bits as u32)
    }

    const fn literal(value: usize) -> Self {
        Self(Self::LITERAL | (value as u32) << 16)
    }

    const fn with_code_len(self, len: u32) -> Self {
        if self.is_none() { self } else { Self(self.0 + (len << 8 | len)) }
    }

    #[inline(always)]
    pub(super) fn is_literal(self) -> bool {
        self.0 & Self::LITERAL != 0
    }

    #[inline(always)]
    pub(super) fn is_end(self) -> bool {
        self.0 & Self::END != 0
    }

    /// Whether there is no such code.
    #[inline(always)]
    pub(super) const fn is_none(self) -> bool {
        self.0 & 1 << 13 != 0
    }

    /// The value of a literal.
    #[inline(always)]
    pub(super) fn value(self) -> u8 {
        (self.0 >> 16) as u8
    }

    /// How many bits the code has with its extra bits; more than there ever are if there
    /// is no such code.
    #[inline(always)]
    pub(super) fn bits(self) -> u32 {
        self.0 & 0xff
    }

    /// The value with the extra bits added, `bits` being what begins with the code.
    #[inline(always)]
    pub(super) fn with_extra(self, bits: u64) -> usize {
        let extra = (bits & ((1 << self.bits()) - 1)) >> (self.0 >> 8 & 15);
        (self.0 >> 16) as usize + extra as usize
    }
}

/// What the symbols of a code mean.
pub(super) trait Alphabet {
    /// Whether there may be a single code, of one bit, or none.
    const MAY_BE_INCOMPLETE: bool = true;

    /// [`Entry::NOT_IN_TABLE`] for those that no code may have.
    fn entry(symbol: usize) -> Entry;
}

/// Bytes, the end of the block, and lengths of matches.
pub(super) enum Literals {}
/// Distances of matches.
pub(super) enum Distances {}
/// Lengths of codes.
pub(super) enum Lengths {}

impl Alphabet for Literals {
    fn entry(symbol: usize) -> Entry {
        match symbol {
            0..256 => Entry::literal(symbol),
            256 => Entry(Entry::END),
            // Eight without extra bits, then four for each number of them.
            257..265 => Entry::new(symbol - 254, 0),
            265..285 => {
                let extra_bits = (symbol - 261) / 4;
                Entry::new(3 + ((4 + (symbol - 261) % 4) << extra_bits), extra_bits)
            }
            285 => Entry::new(258, 0),
            _ => Entry::NOT_IN_TABLE,
        }
    }
}

impl Alphabet for Distances {
    fn entry(symbol: usize) -> Entry {
        match symbol {
            0..4 => Entry::new(symbol + 1, 0),
            // Two for each number of extra bits.
            4..30 => {
                let extra_bits = symbol / 2 - 1;
                Entry::new(1 + ((2 + symbol % 2) << extra_bits), extra_bits)
            }
            _ => Entry::NOT_IN_TABLE,
        }
    }
}

impl Alphabet for Lengths {
    const MAY_BE_INCOMPLETE: bool = false;

    fn entry(symbol: usize) -> Entry {
        Entry::literal(symbol)
    }
}

/// A code, and what is looked up of it: `SLOTS`, a power of two, is what the table has
/// room for.
pub(super) struct Code<A, const SLOTS: usize, const SYMBOLS: usize> {
    /// What the next bits begin with, if it is no longer than an index.
    table: [Entry; SLOTS],
    /// How many codes there are of each length.
    counts: [u16; LONGEST + 1],
    /// The symbols, in the order of their codes.
    symbols: [u16; SYMBOLS],
    alphabet: PhantomData<A>,
}

impl<A: Alphabet, const SLOTS: usize, const SYMBOLS: usize> Code<A, SLOTS, SYMBOLS> {
    pub(super) fn new() -> Self {
        Self {
            table: [Entry::NOT_IN_TABLE; SLOTS],
            counts: [0; LONGEST + 1],
            symbols: [0; SYMBOLS],
            alphabet: PhantomData,
        }
    }

    /// Makes this the code whose symbols have codes of these lengths, 0 for none.
    ///
    /// A code that leaves bits without a meaning is refused, as zlib does, unless it
    /// has one symbol of one bit or none at all (RFC 1951, 3.2.7).
    pub(super) fn set(&mut self, lens: &[u8]) -> Result<(), Corrupt> {
        self.counts.fill(0);
        for &len in lens {
            self.counts[usize::from(len)] += 1;
        }
        self.counts[0] = 0;
        self.check()?;

        let mut next = [0; LONGEST + 1];
        for len in 1..LONGEST {
            next[len + 1] = next[len] + self.counts[len];
        }
        for (symbol, &len) in lens.iter().enumerate().filter(|(_, len)| **len > 0) {
            let place = &mut next[usize::from(len)];
            self.symbols[usize::from(*place)] = symbol as u16;
            *place += 1;
        }
        self.fill_table();
        Ok(())
    }

    fn check(&self) -> Result<(), Corrupt> {
        let mut left = 1;
        for &count in &self.counts[1..] {
            left = 2 * left - i32::from(count);
            if left < 0 {
                return Err(Corrupt);
            }
        }
        let codes: u16 = self.counts.iter().sum();
        let may_be_incomplete = A::MAY_BE_INCOMPLETE && codes == self.counts[1];
        if left > 0 && !may_be_incomplete { Err(Corrupt) } else { Ok(()) }
    }

    fn fill_table(&mut self) {
        self.table[0] = Entry::NOT_IN_TABLE;
        let (mut size, mut code) = (1, 0u32);
        let mut symbols = self.symbols.iter();
        for len in 1..=SLOTS.ilog2() {
            // What is there has one more bit behind it, of either kind.
            self.table.copy_within(..size, size);
            size *= 2;
            code *= 2;
            for &symbol in symbols.by_ref().take(self.counts[len as usize].into()) {
                // Codes are sent from their highest bit on.
                let slot = code.reverse_bits() >> (u32::BITS - len);
                self.table[slot as usize] = A::entry(symbol.into()).with_code_len(len);
                code += 1;
            }
        }
    }

    /// What the code stands for that `bits` begin with.
    #[inline(always)]
    pub(super) fn look_up(&self, bits: u64) -> Entry {
        let entry = self.table[bits as usize % SLOTS];
        if entry.is_none() { self.look_up_long(bits) } else { entry }
    }

    #[cold]
    fn look_up_long(&self, mut bits: u64) -> Entry {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for len in 1..=LONGEST_CODE {
            code += (bits & 1) as usize;
            bits >>= 1;
            let count = usize::from(self.counts[len as usize]);
            if code < first + count {
                let symbol = self.symbols[index + code - first];
                return A::entry(symbol.into()).with_code_len(len);
            }
            index += count;
            first = 2 * (first + count);
            code *= 2;
        }
        Entry::NOT_IN_TABLE
    }
}

/// The codes of a block.
pub(super) struct Codes {
    pub(super) literals: Code<Literals, 1024, LITERALS>,
    pub(super) distances: Code<Distances, 256, DISTANCES>,
}

/// The code of the lengths of a block's codes.
pub(super) type LengthCode = Code<Lengths, 128, LENGTHS>;

impl Codes {
    pub(super) fn new() -> Self {
        Self { literals: Code::new(), distances: Code::new() }
    }

    /// The fixed ones (RFC 1951, 3.2.6).
    pub(super) fn fixed() -> &'static Self {
        static FIXED: LazyLock<Codes> = LazyLock::new(|| {
            let mut lens = [8; LITERALS];
            lens[144..256].fill(9);
            lens[256..280].fill(7);
            let mut codes = Codes::new();
            let set = codes.set(&lens, &[5; DISTANCES]);
            debug_assert!(set.is_ok());
            codes
        });
        &FIXED
    }

    pub(super) fn set(&mut self, literals: &[u8], distances: &[u8]) -> Result<(), Corrupt> {
        self.literals.set(literals)?;
        self.distances.set(distances)
    }
}
