//! The queue of bytes that wait to be sent.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, Bytes, BytesMut};

use super::{BufferPool, block::Block};
use crate::simd::{Kernels, Mask};

/// From this size on, in bytes, an unmasked payload is queued by reference: an
/// entry of its own in a vectored write costs the kernel less than the copy.
pub(crate) const BY_REFERENCE: usize = 4 << 10;

/// Room in front of the first payload of a block for its header.
const HEADROOM: usize = 64;

/// Frames that wait to be sent: small payloads copied one behind the other,
/// large ones by reference.
///
/// What was copied last lies in `block[start..end]`; `sealed` goes before it. One
/// block serves the headers and small frames between many large ones: a queue
/// costs little more than the bytes in it.
#[derive(Debug)]
pub(crate) struct WriteQueue {
    pool: BufferPool,
    sealed: VecDeque<Segment>,
    block: Block,
    start: usize,
    end: usize,
    len: usize,
}

#[derive(Debug)]
enum Segment {
    /// A part of a block that goes on behind it.
    Part(BytesMut),
    /// A full block, from `start` on.
    Full {
        block: Block,
        start: usize,
    },
    Shared(Bytes),
}

impl WriteQueue {
    pub(crate) fn new(pool: BufferPool) -> Self {
        let sealed = VecDeque::new();
        Self { pool, sealed, block: Block::default(), start: 0, end: 0, len: 0 }
    }

    /// Bytes that wait.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Queues a frame, its payload copied and masked in one pass.
    #[inline]
    pub(crate) fn push(&mut self, kernels: &Kernels, header: &[u8], payload: &[u8], mask: Mask) {
        self.begin(header.len());
        self.copy(kernels, header, Mask::NONE);
        self.copy(kernels, payload, mask);
    }

    /// Queues a frame with its payload by reference.
    pub(crate) fn push_shared(&mut self, kernels: &Kernels, header: &[u8], payload: Bytes) {
        self.begin(header.len());
        self.copy(kernels, header, Mask::NONE);
        self.push_bytes(payload);
    }

    /// Queues bytes that are a part of a frame, or whole frames, by reference.
    pub(crate) fn push_bytes(&mut self, bytes: Bytes) {
        if self.start < self.end {
            let mut part = self.block.split_to(self.end);
            part.advance(self.start);
            self.sealed.push_back(Segment::Part(part));
            (self.start, self.end) = (0, 0);
        }
        self.len += bytes.len();
        self.sealed.push_back(Segment::Shared(bytes));
    }

    /// Fills `slices` from the front of the queue and returns how many of them.
    pub(crate) fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        let last = &self.block[self.start..self.end];
        let waiting = self.sealed.iter().map(Segment::bytes).chain(std::iter::once(last));
        for (slice, bytes) in slices.iter_mut().zip(waiting.filter(|bytes| !bytes.is_empty())) {
            *slice = IoSlice::new(bytes);
            filled += 1;
        }
        filled
    }

    /// Says that the transport took the first `count` bytes.
    pub(crate) fn written(&mut self, mut count: usize) {
        self.len -= count.min(self.len);
        while let Some(front) = self.sealed.front_mut() {
            let taken = count.min(front.bytes().len());
            count -= taken;
            front.advance(taken);
            if !front.bytes().is_empty() {
                return;
            }
            if let Some(Segment::Full { block, .. }) = self.sealed.pop_front() {
                self.pool.put(block);
            }
        }
        self.start += count.min(self.end - self.start);
    }

    /// Gives all blocks back to the pool if nothing waits. Until then the last one
    /// stays for the next frame: the pool is asked once for each time that the
    /// connection wakes up, and not once for each flush.
    pub(crate) fn release(&mut self) {
        if self.is_empty() {
            self.clear();
        }
    }

    /// Drops what waits.
    pub(crate) fn clear(&mut self) {
        (self.start, self.end, self.len) = (0, 0, 0);
        while let Some(segment) = self.sealed.pop_front() {
            if let Segment::Full { block, .. } = segment {
                self.pool.put(block);
            }
        }
        self.pool.put(std::mem::take(&mut self.block));
    }

    /// Whether a block is held.
    pub(crate) fn holds_memory(&self) -> bool {
        !self.block.is_empty() || !self.sealed.is_empty()
    }

    /// Where nothing waits, makes the next payload land at an aligned address
    /// with its header in front of it.
    #[inline]
    fn begin(&mut self, header_len: usize) {
        // Where nothing waits there is no part in use, and the block is whole again.
        if self.is_empty() && self.block.reclaim() && !self.block.is_empty() {
            self.start = self.block.aligned_offset(HEADROOM) - header_len;
            self.end = self.start;
        }
    }

    #[inline]
    fn copy(&mut self, kernels: &Kernels, mut bytes: &[u8], mut mask: Mask) {
        self.len += bytes.len();
        while !bytes.is_empty() {
            if self.end == self.block.len() {
                self.add_block(bytes.len());
            }
            let room = bytes.len().min(self.block.len() - self.end);
            let target = &mut self.block[self.end..self.end + room];
            kernels.copy_masked_into(&bytes[..room], target, mask);
            self.end += room;
            mask = mask.advance(room);
            bytes = &bytes[room..];
        }
    }

    #[cold]
    fn add_block(&mut self, header_len: usize) {
        let full = std::mem::replace(&mut self.block, self.pool.take());
        if self.start < self.end {
            self.sealed.push_back(Segment::Full { block: full, start: self.start });
        } else {
            self.pool.put(full);
        }
        // The first bytes are a header, or the middle of a payload.
        self.start = self.block.aligned_offset(HEADROOM) - header_len.min(HEADROOM);
        self.end = self.start;
    }
}

impl Segment {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Part(part) => part,
            Self::Full { block, start } => &block[*start..],
            Self::Shared(bytes) => bytes,
        }
    }

    /// Drops the first `count` bytes.
    fn advance(&mut self, count: usize) {
        match self {
            Self::Part(part) => part.advance(count),
            Self::Full { start, .. } => *start += count,
            Self::Shared(bytes) => bytes.advance(count),
        }
    }
}

impl Drop for WriteQueue {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(queue: &mut WriteQueue, step: usize) -> Vec<u8> {
        let mut sent = Vec::new();
        while !queue.is_empty() {
            let mut slices = [IoSlice::new(&[]); 3];
            let count = queue.slices(&mut slices);
            let taken: Vec<u8> =
                slices[..count].iter().flat_map(|slice| slice.iter().copied()).take(step).collect();
            assert!(!taken.is_empty());
            queue.written(taken.len());
            sent.extend(taken);
        }
        sent
    }

    #[test]
    fn bytes_leave_in_order_whatever_the_transport_takes() {
        let kernels = Kernels::active();
        for step in [1, 7, 1000, usize::MAX] {
            let mut queue = WriteQueue::new(BufferPool::new(1 << 10, 8));
            let mut expected = Vec::new();
            for round in 0u8..20 {
                let payload = vec![round; usize::from(round) * 100];
                if round % 3 == 0 {
                    queue.push_shared(kernels, &[0xAA, round], payload.clone().into());
                } else {
                    queue.push(kernels, &[0xAA, round], &payload, Mask::NONE);
                }
                expected.extend([0xAA, round]);
                expected.extend(payload);
            }
            assert_eq!(queue.len(), expected.len());
            assert_eq!(drain(&mut queue, step), expected, "step {step}");
        }
    }

    #[test]
    fn a_payload_over_many_blocks_is_masked_in_phase() {
        let kernels = Kernels::active();
        let mut queue = WriteQueue::new(BufferPool::new(1 << 10, 8));
        let payload: Vec<u8> = (0..10_000).map(|i| i as u8).collect();
        queue.push(kernels, b"x", &payload, Mask::new([1, 2, 3, 4]));
        let mut sent = drain(&mut queue, usize::MAX).split_off(1);
        kernels.mask(&mut sent, Mask::new([1, 2, 3, 4]));
        assert_eq!(sent, payload);
    }

    #[test]
    fn frames_between_payloads_by_reference_share_a_block() {
        let kernels = Kernels::active();
        let pool = BufferPool::new(1 << 10, 8);
        let mut queue = WriteQueue::new(pool.clone());
        let payload = Bytes::from(vec![7; 5000]);
        for _ in 0..3 {
            for _ in 0..20 {
                queue.push_shared(kernels, &[1; 10], payload.clone());
                queue.push(kernels, &[2; 2], &[3; 20], Mask::NONE);
            }
            assert_eq!(drain(&mut queue, 700).len(), 20 * (10 + 5000 + 22));
        }
        queue.release();
        assert_eq!(pool.resting(), 1);
    }

    #[test]
    fn payloads_of_an_empty_queue_land_aligned() {
        let kernels = Kernels::active();
        let mut queue = WriteQueue::new(BufferPool::new(1 << 10, 8));
        for header_len in [2, 4, 6, 8, 10, 14] {
            queue.push(kernels, &vec![1; header_len], &[2; 20], Mask::NONE);
            let mut slices = [IoSlice::new(&[])];
            assert_eq!(queue.slices(&mut slices), 1);
            assert_eq!(slices[0][header_len..].as_ptr() as usize % 64, 0);
            drain(&mut queue, usize::MAX);
        }
        queue.release();
        assert!(!queue.holds_memory());
    }
}
