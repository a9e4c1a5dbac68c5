//! Bits to bytes, the lowest first (RFC 1951, 3.1.1).

use bytes::BytesMut;

/// What one store writes.
const STORE: usize = 8;

/// Where the next bit goes.
#[derive(Clone, Copy)]
pub(super) struct BitPosition {
    /// The next store's place.
    at: usize,
    /// Up to 7 bits that are no whole byte yet.
    bits: u64,
    count: u32,
}

impl BitPosition {
    /// Behind what the buffer has.
    pub(super) fn end_of(out: &BytesMut) -> Self {
        Self { at: out.len(), bits: 0, count: 0 }
    }

    /// A writer that goes on here, with room for the codes of `len` bytes, none longer
    /// than nine bits a byte, and for the header and the end of a block.
    pub(super) fn writer(self, out: &mut BytesMut, len: usize) -> BitWriter<'_> {
        out.resize(self.at + len + len.div_ceil(8) + 2 * STORE, 0);
        BitWriter { out, position: self }
    }

    /// Ends with whole bytes.
    pub(super) fn finish(self, out: &mut BytesMut) {
        out.truncate(self.at + usize::from(self.count > 0));
    }
}

/// Writes bits, as many as there is room for.
pub(super) struct BitWriter<'a> {
    out: &'a mut [u8],
    position: BitPosition,
}

impl BitWriter<'_> {
    /// Appends the low bits of a number, at most 32 of them, the rest being 0.
    #[inline(always)]
    pub(super) fn put(&mut self, (bits, count): (u32, u32)) {
        let position = &mut self.position;
        position.bits |= u64::from(bits) << position.count;
        position.count += count;
        // What is no whole byte yet is written again with the next bits.
        self.out[position.at..][..STORE].copy_from_slice(&position.bits.to_le_bytes());
        let whole = position.count / 8;
        position.at += whole as usize;
        position.bits >>= 8 * whole;
        position.count %= 8;
    }

    pub(super) fn position(&self) -> BitPosition {
        self.position
    }
}
