//! One allocation of a pool, all of it initialised.

use std::ops::{Deref, DerefMut, Range};

use bytes::BytesMut;

use crate::simd::{Kernels, Mask, Utf8Bytes, Utf8Error};

/// The kernel copies from and to pages. A read that lands 1 to 15 bytes past the
/// start of one, or a write from 1 to 15 bytes before it, slows its copy by a
/// factor of two to ten; a multiple of this is never such a place.
const ALIGN: usize = 64;

/// What a block holds beside the bytes of one read: room in front for the cut
/// header of a frame, alignment, and the readable bytes behind the last payload.
pub(super) const BLOCK_OVERHEAD: usize = 512;

/// Less room than this, in bytes, is not worth a read of its own in a block that messages
/// were split off.
pub(super) const WORTH_READING: usize = 16 << 10;

/// A block of memory that messages can be split off without a copy, and that
/// can be used again once they are gone.
///
/// Invariant: every byte of the allocation was initialised when the block was
/// made, and `whole` is the allocation's size. Nothing can undo either:
/// initialised memory stays so, and no method grows the allocation.
#[derive(Debug, Default)]
pub(super) struct Block {
    bytes: BytesMut,
    whole: usize,
}

impl Block {
    pub(super) fn new(len: usize) -> Self {
        Self { bytes: BytesMut::zeroed(len), whole: len }
    }

    /// Frees the memory, if there is any.
    #[inline]
    pub(super) fn clear(&mut self) {
        if self.whole > 0 {
            *self = Self::default();
        }
    }

    /// The size of the whole allocation.
    #[inline]
    pub(super) fn whole_len(&self) -> usize {
        self.whole
    }

    /// Takes the first `len` bytes out: one reference count.
    #[inline(always)]
    pub(super) fn split_to(&mut self, len: usize) -> BytesMut {
        self.bytes.split_to(len)
    }

    /// Takes a text out, and the bytes in front of it, as [`Utf8Bytes::take_from`].
    #[inline(always)]
    pub(super) fn take_text(
        &mut self,
        kernels: &Kernels,
        range: Range<usize>,
        mask: Mask,
    ) -> Result<Utf8Bytes, Utf8Error> {
        Utf8Bytes::take_from(kernels, &mut self.bytes, range, mask)
    }

    /// Makes the whole allocation usable again if nothing that was split off is
    /// alive, and says whether it did. The contents are unspecified afterwards.
    #[inline]
    pub(super) fn reclaim(&mut self) -> bool {
        self.bytes.len() == self.whole || self.reclaim_parts()
    }

    /// Whether there is room for a read, behind what was split off and is alive, or in the
    /// whole allocation if nothing is.
    #[inline]
    pub(super) fn has_room(&mut self) -> bool {
        self.reclaim() || self.bytes.len() >= WORTH_READING + BLOCK_OVERHEAD
    }

    #[inline(never)]
    fn reclaim_parts(&mut self) -> bool {
        let rest = self.bytes.len();
        self.bytes.clear();
        let whole = self.bytes.try_reclaim(self.whole);
        let len = if whole { self.whole } else { rest };
        // SAFETY: `len` is within the capacity: it was the length before, or
        // `try_reclaim` has just made room for it. By the invariant the memory
        // is initialised, for `try_reclaim` never allocates.
        unsafe { self.bytes.set_len(len) };
        whole
    }

    /// The first offset from `from` on that lies at an aligned address and not
    /// at the start of a page, so that what is put in front of it does not end
    /// a page either.
    #[inline]
    pub(super) fn aligned_offset(&self, from: usize) -> usize {
        const PAGE: usize = 4096;
        let address = self.bytes.as_ptr() as usize + from;
        let aligned = address.next_multiple_of(ALIGN);
        from + aligned - address + if aligned.is_multiple_of(PAGE) { ALIGN } else { 0 }
    }
}

impl Deref for Block {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Block {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_comes_back_whole_only_after_the_last_message_is_dropped() {
        let mut block = Block::new(1000);
        let first = block.split_to(100).freeze();
        let second = first.slice(10..20);
        assert!(!block.reclaim());
        assert_eq!(block.len(), 900);
        drop(first);
        assert!(!block.reclaim());
        drop(second);
        assert!(block.reclaim());
        assert_eq!(block.len(), 1000);
    }

    #[test]
    fn aligned_offsets_keep_clear_of_the_edges_of_pages() {
        let block = Block::new(3 * 4096);
        for from in 0..2 * 4096 {
            let offset = block.aligned_offset(from);
            let in_page = (block.as_ptr() as usize + offset) % 4096;
            assert!((from..from + 2 * ALIGN).contains(&offset));
            assert!(in_page != 0 && in_page.is_multiple_of(ALIGN));
        }
    }
}
