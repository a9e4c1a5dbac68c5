//! Bytes to bits, the lowest first (RFC 1951, 3.1.1).

use super::{
    Stop,
    codes::{Entry, LONGEST_CODE},
};

/// Bits that were taken from the input and not used yet; what is above them is 0.
#[derive(Clone, Copy, Default)]
pub(super) struct Bits {
    bits: u64,
    count: u32,
}

impl Bits {
    pub(super) fn is_empty(self) -> bool {
        self.count == 0
    }
}

/// Reads bits of a piece of the input, behind those that are left of the one before.
#[derive(Clone, Copy)]
pub(super) struct BitReader<'a> {
    input: &'a [u8],
    /// Above `count`, what it has of the next byte, which will come again.
    bits: u64,
    count: u32,
}

impl<'a> BitReader<'a> {
    /// After [`refill`](Self::refill) there are this many bits, or all that are left: a
    /// length and a distance take 15 + 5 and 15 + 13 at most.
    pub(super) const REFILLED: u32 = 48;

    pub(super) fn new(left: Bits, input: &'a [u8]) -> Self {
        Self { input, bits: left.bits, count: left.count }
    }

    /// What is left of the bits, and how many bytes of the input were not touched.
    pub(super) fn finish(self) -> (Bits, usize) {
        let bits = self.bits & ((1 << self.count) - 1);
        (Bits { bits, count: self.count }, self.input.len())
    }

    #[inline(always)]
    pub(super) fn refill(&mut self) {
        match self.input.first_chunk() {
            Some(word) => {
                self.bits |= u64::from_le_bytes(*word) << self.count;
                // (63 - count) / 8, as the compiler sees that it is less than 8.
                let bytes = !self.count / 8 % 8;
                self.input = &self.input[bytes as usize..];
                self.count += 8 * bytes;
            }
            None if self.count < Self::REFILLED && !self.input.is_empty() => {
                *self = self.refilled_from_last();
            }
            None => {}
        }
    }

    /// By value, so that a reader can live in registers.
    #[cold]
    fn refilled_from_last(mut self) -> Self {
        while self.count <= u64::BITS - 8
            && let Some((&byte, rest)) = self.input.split_first()
        {
            self.bits |= u64::from(byte) << self.count;
            self.count += 8;
            self.input = rest;
        }
        self
    }

    /// The next bits; those that the input does not have are 0, or what they will be.
    #[inline(always)]
    pub(super) fn peek(&self) -> u64 {
        self.bits
    }

    /// How many bits there are.
    #[inline(always)]
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Drops `count` bits, of which there must be as many.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        self.bits >>= count;
        self.count -= count;
    }

    /// The next `count` bits, at most 32, if there are as many.
    pub(super) fn take(&mut self, count: u32) -> Result<u32, Stop> {
        if self.count < count {
            self.refill();
        }
        if self.count < count {
            return Err(Stop::NeedsInput);
        }
        let bits = self.bits & ((1 << count) - 1);
        self.skip(count);
        Ok(bits as u32)
    }

    /// Why an entry that was looked up behind `used` bits cannot be used: because there is
    /// no such code, or because it is not there yet.
    #[cold]
    pub(super) fn stop(&self, entry: Entry, used: u32) -> Stop {
        let is_there = self.count >= used + LONGEST_CODE;
        if entry.is_none() && is_there { Stop::Corrupt } else { Stop::NeedsInput }
    }

    /// Drops what is left of a byte that was begun.
    pub(super) fn align(&mut self) {
        self.skip(self.count % 8);
    }

    /// A whole byte of those that were read ahead, at the start of one.
    pub(super) fn byte_read_ahead(&mut self) -> Option<u8> {
        let byte = self.bits as u8;
        (self.count >= 8).then(|| {
            self.skip(8);
            byte
        })
    }

    /// The next bytes, at most `most`, if none are read ahead.
    pub(super) fn bytes(&mut self, most: usize) -> &'a [u8] {
        self.bits = 0;
        let (bytes, rest) = self.input.split_at(most.min(self.input.len()));
        self.input = rest;
        bytes
    }
}
