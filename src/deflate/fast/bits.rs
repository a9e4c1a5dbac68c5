//! Bits to bytes, the lowest first (RFC 1951, 3.1.1).

use std::mem;

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
        let end = self.at + len + len.div_ceil(8) + 2 * STORE;
        out.resize(end, 0);
        let room = &mut out[self.at..];
        BitWriter { room, end, bits: self.bits, count: self.count }
    }

    /// Ends with whole bytes.
    pub(super) fn finish(self, out: &mut BytesMut) {
        out.truncate(self.at + usize::from(self.count > 0));
    }
}

/// Writes bits, as many as there is room for.
pub(super) struct BitWriter<'a> {
    /// From the next store's place on.
    room: &'a mut [u8],
    /// Where the room ends.
    end: usize,
    bits: u64,
    count: u32,
}

impl BitWriter<'_> {
    /// Appends the low bits of a number, at most 32 of them, the rest being 0.
    #[inline(always)]
    pub(super) fn put(&mut self, (bits, count): (u32, u32)) {
        self.bits |= u64::from(bits) << self.count;
        self.count += count;
        let room = mem::take(&mut self.room);
        let Some(store) = room.first_chunk_mut() else { return };
        // What is no whole byte yet is written again with the next bits.
        *store = self.bits.to_le_bytes();
        // Less than 8 in any case; so the compiler sees it as well.
        let whole = self.count / 8 % 8;
        self.room = &mut room[whole as usize..];
        self.bits >>= 8 * whole;
        self.count %= 8;
    }

    pub(super) fn position(&self) -> BitPosition {
        BitPosition { at: self.end - self.room.len(), bits: self.bits, count: self.count }
    }
}
