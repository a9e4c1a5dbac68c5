//! The buffer that the transport reads into.

use bytes::{Buf, Bytes};

use super::{BufferPool, block::Block};
use crate::simd::{Kernels, Mask, Utf8Bytes, Utf8Error};

/// Room in front of a read for what the last one left: at most a header and the
/// payload of a control frame, for payloads of messages never stay here.
const HEADROOM: usize = 192;

/// Readable bytes behind the last payload, for vector loads and parsers that
/// look past the end.
pub(crate) const SLACK: usize = 64;

/// Bytes received and not yet taken: `block[start..end]`.
///
/// There is no block after [`release`](Self::release), until the next read.
#[derive(Debug)]
pub(crate) struct ReadBuffer {
    pool: BufferPool,
    block: Block,
    start: usize,
    end: usize,
}

impl ReadBuffer {
    pub(crate) fn new(pool: BufferPool) -> Self {
        Self { pool, block: Block::default(), start: 0, end: 0 }
    }

    /// The bytes received and not yet taken.
    #[inline]
    pub(crate) fn filled(&mut self) -> &mut [u8] {
        &mut self.block[self.start..self.end]
    }

    /// How many they are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    /// Drops the first `len` bytes.
    #[inline]
    pub(crate) fn skip(&mut self, len: usize) {
        self.start += len;
    }

    /// Takes the first `len` bytes and returns them.
    #[inline]
    pub(crate) fn take(&mut self, len: usize) -> &mut [u8] {
        let start = self.start;
        self.start += len;
        &mut self.block[start..start + len]
    }

    /// Takes the first `len` bytes out without a copy, as they are. They keep the
    /// block alive.
    #[inline(always)]
    pub(crate) fn split(&mut self, len: usize) -> Bytes {
        let start = self.start;
        let mut bytes = self.block.split_to(start + len).freeze();
        self.end -= start + len;
        self.start = 0;
        // Once it is frozen, this is no call.
        bytes.advance(start);
        bytes
    }

    /// Takes the first `len` bytes out without a copy, unmasked and checked in one
    /// pass. They keep the block alive.
    #[inline(always)]
    pub(crate) fn split_text(
        &mut self,
        kernels: &Kernels,
        len: usize,
        mask: Mask,
    ) -> Result<Utf8Bytes, Utf8Error> {
        let range = self.start..self.start + len;
        match self.block.take_text(kernels, range.clone(), mask) {
            Ok(text) => {
                self.end -= range.end;
                self.start = 0;
                Ok(text)
            }
            Err(error) => Err(error),
        }
    }

    /// A place to read into, aligned. What was left of the last read is moved
    /// right in front of it.
    ///
    /// Where more was left than the cut header of a frame, everything stays in
    /// place, and the room behind it may be none.
    pub(crate) fn prepare(&mut self) -> &mut [u8] {
        match self.len() {
            0 => self.renew(),
            left if left <= HEADROOM => self.renew_around(left),
            _ => {}
        }
        let readable = self.readable_len();
        &mut self.block[self.end..readable]
    }

    /// Makes all of the block usable again, or takes another one. What is in it is
    /// lost.
    #[inline(always)]
    fn renew(&mut self) {
        if !self.holds_memory() {
            self.block.clear();
            self.pool.supply(&mut self.block);
        } else if !self.block.has_room() {
            let mut used_up = std::mem::take(&mut self.block);
            self.pool.supply(&mut self.block);
            self.pool.put(&mut used_up);
        }
        self.end = self.block.aligned_offset(HEADROOM);
        self.start = self.end;
    }

    /// [`renew`](Self::renew), with what is left moved in front of the new place.
    #[cold]
    fn renew_around(&mut self, left: usize) {
        let mut kept = [0; HEADROOM];
        kept[..left].copy_from_slice(self.filled());
        self.renew();
        self.start = self.end - left;
        self.block[self.start..self.end].copy_from_slice(&kept[..left]);
    }

    /// Says that a read put `len` bytes into what [`prepare`](Self::prepare)
    /// returned; a count beyond that is cut to it.
    pub(crate) fn commit(&mut self, len: usize) {
        self.end = self.end.saturating_add(len).min(self.readable_len());
    }

    /// Gives the block back to the pool, unless more is left in it than the cut header
    /// of a frame. That is kept in little more than its own bytes, so that peers who
    /// send a byte and wait do not hold a block each.
    pub(crate) fn release(&mut self) {
        let left = self.len();
        if !self.holds_memory() || left > HEADROOM {
            return;
        }
        let mut kept = Block::default();
        if left > 0 {
            kept = Block::new(left + SLACK);
            kept[..left].copy_from_slice(self.filled());
        }
        self.pool.put(&mut self.block);
        self.block = kept;
        (self.start, self.end) = (0, left);
    }

    /// [`release`](Self::release), but the thread keeps the block at hand.
    #[cfg(feature = "tokio")]
    pub(crate) fn release_at_hand(&mut self) {
        if self.len() > 0 || !self.holds_memory() {
            return self.release();
        }
        self.pool.put_at_hand(&mut self.block);
        (self.start, self.end) = (0, 0);
    }

    /// Where a read has to end, for [`SLACK`] to be left behind it.
    fn readable_len(&self) -> usize {
        self.block.len().saturating_sub(SLACK)
    }

    /// Whether a block of the pool is held.
    pub(crate) fn holds_memory(&self) -> bool {
        self.block.whole_len() > HEADROOM + SLACK
    }
}

impl Drop for ReadBuffer {
    fn drop(&mut self) {
        self.start = self.end;
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> BufferPool {
        BufferPool::new(32 << 10, 4)
    }

    #[test]
    fn a_leftover_is_kept_and_the_next_read_lands_aligned() {
        let mut buffer = ReadBuffer::new(pool());
        for left in 0..HEADROOM {
            let target = buffer.prepare();
            target[..200].fill(left as u8);
            assert_eq!(target.as_ptr() as usize % 64, 0);
            buffer.commit(200);
            let filled = buffer.len();
            buffer.take(filled - left);
            buffer.prepare();
            assert_eq!(buffer.filled(), vec![left as u8; left]);
            buffer.take(left);
        }
    }

    #[test]
    fn what_nobody_takes_is_kept_until_there_is_no_room() {
        let mut buffer = ReadBuffer::new(pool());
        let mut fed = 0;
        loop {
            let room = buffer.prepare().len().min(5000);
            if room == 0 {
                break;
            }
            buffer.prepare()[..room].fill(7);
            buffer.commit(room);
            fed += room;
        }
        assert!(fed >= 32 << 10);
        assert_eq!(buffer.filled(), vec![7; fed]);
    }

    #[test]
    fn a_count_beyond_the_room_is_cut_to_it() {
        let mut buffer = ReadBuffer::new(pool());
        buffer.commit(1);
        assert_eq!(buffer.len(), 0);
        let room = buffer.prepare().len();
        buffer.commit(usize::MAX);
        assert_eq!(buffer.len(), room);
    }

    #[test]
    fn a_cut_header_survives_the_release_of_its_block() {
        let pool = pool();
        let mut buffer = ReadBuffer::new(pool.clone());
        for left in 0..=HEADROOM {
            buffer.prepare()[..200].fill(left as u8);
            buffer.commit(200);
            buffer.take(200 - left);
            buffer.release();
            assert!(!buffer.holds_memory());
            assert_eq!(pool.resting(), 1, "the block, and nothing smaller");
            assert_eq!(buffer.filled(), vec![left as u8; left]);
            assert!(left == 0 || buffer.block.len() >= buffer.end + SLACK);
            buffer.prepare();
            assert_eq!(buffer.take(left), vec![left as u8; left]);
        }
    }

    #[test]
    fn a_message_that_was_split_off_is_not_overwritten() {
        let mut buffer = ReadBuffer::new(pool());
        let mut messages = Vec::new();
        for round in 0..50 {
            let target = buffer.prepare();
            let len = target.len().min(5000);
            target[..len].fill(round);
            buffer.commit(len);
            messages.push(buffer.split(len));
        }
        for (round, message) in messages.iter().enumerate() {
            assert!(message.iter().all(|&byte| byte == round as u8));
        }
    }

    /// A peer may let each message come alone, and the application keep them all.
    #[test]
    fn messages_that_are_kept_share_blocks() {
        let releases: &[fn(&mut ReadBuffer)] = &[
            ReadBuffer::release,
            #[cfg(feature = "tokio")]
            ReadBuffer::release_at_hand,
        ];
        for release in releases {
            let mut buffer = ReadBuffer::new(BufferPool::new(64 << 10, 4));
            let mut messages: Vec<Bytes> = Vec::new();
            for _ in 0..1000 {
                buffer.prepare()[..10].fill(7);
                buffer.commit(10);
                messages.push(buffer.split(10));
                release(&mut buffer);
            }
            let address = |message: &Bytes| message.as_ptr() as usize;
            let far = messages
                .windows(2)
                .filter(|pair| address(&pair[1]).abs_diff(address(&pair[0])) > 1 << 10);
            assert!(far.count() < 10);
            assert!(messages.iter().all(|message| message[..] == [7; 10]));
        }
    }

    #[test]
    fn messages_that_are_dropped_make_no_more_blocks() {
        let pool = pool();
        let mut buffer = ReadBuffer::new(pool.clone());
        for _ in 0..1000 {
            buffer.prepare();
            buffer.commit(1000);
            drop(buffer.split(1000));
        }
        buffer.release();
        assert!(!buffer.holds_memory());
        assert_eq!(pool.resting(), 1);
    }
}
