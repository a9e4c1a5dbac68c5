//! The queue of bytes that wait to be sent.

use std::{collections::VecDeque, io::IoSlice, iter};

use bytes::{Buf, Bytes, BytesMut};

use super::{
    BufferPool,
    block::{BLOCK_OVERHEAD, Block},
};
use crate::{
    frame::HeaderBytes,
    simd::{Kernels, Mask},
};

/// From this size on, in bytes, an unmasked payload is queued by reference: an
/// entry of its own in a vectored write costs the kernel less than the copy.
pub(crate) const BY_REFERENCE: usize = 4 << 10;

/// Room in front of the first payload of a block for its header.
const HEADROOM: usize = 64;

/// Places in the list of what is sealed that a queue keeps when it is empty: as many as
/// a usual vectored write takes. One that was long once must not cost that for ever.
const KEPT_SEGMENTS: usize = 32;

/// Frames that wait to be sent: small payloads copied one behind the other,
/// large ones by reference.
///
/// What was copied last lies in `block[start..end]`; `sealed` goes before it. One
/// block serves the small frames between many large ones: a queue costs little more
/// than the bytes in it.
#[derive(Debug)]
pub(crate) struct WriteQueue {
    pool: BufferPool,
    sealed: VecDeque<Segment>,
    block: Block,
    start: usize,
    end: usize,
    /// Bytes in `sealed`.
    sealed_len: usize,
}

#[derive(Debug)]
enum Segment {
    /// A part of a block that goes on behind it.
    Part(BytesMut),
    /// `block[start..end]`; what is behind it was too little for a header.
    Full { block: Block, start: usize, end: usize },
    /// A frame with its payload by reference.
    Shared { header: HeaderBytes, payload: Bytes },
}

impl WriteQueue {
    pub(crate) fn new(pool: BufferPool) -> Self {
        let sealed = VecDeque::new();
        Self { pool, sealed, block: Block::default(), start: 0, end: 0, sealed_len: 0 }
    }

    /// Bytes that wait.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.sealed_len + (self.end - self.start)
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Queues a frame, its payload copied and masked in one pass.
    #[inline(always)]
    pub(crate) fn push(
        &mut self,
        kernels: &Kernels,
        header: HeaderBytes,
        payload: &[u8],
        mask: Mask,
    ) {
        let room = self.begin(header);
        let fits = payload.len().min(room.len());
        kernels.copy_masked_into(&payload[..fits], room, mask);
        self.end += header.len() + fits;
        if fits < payload.len() {
            self.push_rest(kernels, &payload[fits..], mask.advance(fits));
        }
    }

    /// Queues a frame with its payload by reference.
    pub(crate) fn push_shared(&mut self, header: HeaderBytes, payload: Bytes) {
        self.seal_part();
        self.sealed_len += header.len() + payload.len();
        self.sealed.push_back(Segment::Shared { header, payload });
    }

    /// Queues a frame that was encoded before, by reference.
    pub(crate) fn push_encoded(&mut self, frame: Bytes) {
        self.push_shared(HeaderBytes::EMPTY, frame);
    }

    /// All that waits, if it lies in one piece.
    #[cfg(feature = "tokio")]
    #[inline]
    pub(crate) fn only_piece(&self) -> Option<&[u8]> {
        self.sealed.is_empty().then(|| &self.block[self.start..self.end])
    }

    /// Fills `slices` from the front of the queue and returns how many of them.
    pub(crate) fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let mut filled = 0;
        let last = &self.block[self.start..self.end];
        let waiting = self.sealed.iter().flat_map(Segment::pieces).chain(iter::once(last));
        for (slice, bytes) in slices.iter_mut().zip(waiting.filter(|bytes| !bytes.is_empty())) {
            *slice = IoSlice::new(bytes);
            filled += 1;
        }
        filled
    }

    /// Says that the transport took the first `count` bytes.
    #[inline]
    pub(crate) fn written(&mut self, mut count: usize) {
        if !self.sealed.is_empty() {
            count = self.written_sealed(count);
        }
        self.start += count.min(self.end - self.start);
    }

    /// Takes `count` bytes off the front of what is sealed, and returns how many are
    /// left of them.
    fn written_sealed(&mut self, mut count: usize) -> usize {
        while let Some(front) = self.sealed.front_mut() {
            let len = front.len();
            if count < len {
                self.sealed_len -= count;
                front.advance(count);
                return 0;
            }
            self.sealed_len -= len;
            count -= len;
            if let Some(Segment::Full { mut block, .. }) = self.sealed.pop_front() {
                self.pool.put(&mut block);
            }
        }
        count
    }

    /// Gives all blocks back to the pool if nothing waits. Until then the last one
    /// stays for the next frame: the pool is asked once for each time that the
    /// connection wakes up, and not once for each flush.
    pub(crate) fn release(&mut self) {
        if self.is_empty() {
            self.clear();
            self.shrink();
        }
    }

    /// [`release`](Self::release), but the thread keeps the last block at hand.
    #[cfg(feature = "tokio")]
    #[inline]
    pub(crate) fn release_at_hand(&mut self) {
        if self.is_empty() && self.sealed.is_empty() && !self.block.is_empty() {
            (self.start, self.end) = (0, 0);
            self.pool.put_at_hand(&mut self.block);
            self.shrink();
        } else {
            self.release();
        }
    }

    #[inline]
    fn shrink(&mut self) {
        if self.sealed.capacity() > KEPT_SEGMENTS {
            self.sealed.shrink_to(KEPT_SEGMENTS);
        }
    }

    /// Drops what waits.
    pub(crate) fn clear(&mut self) {
        (self.start, self.end, self.sealed_len) = (0, 0, 0);
        while let Some(segment) = self.sealed.pop_front() {
            if let Segment::Full { mut block, .. } = segment {
                self.pool.put(&mut block);
            }
        }
        self.pool.put(&mut self.block);
    }

    /// Whether a block is held.
    pub(crate) fn holds_memory(&self) -> bool {
        !self.block.is_empty() || !self.sealed.is_empty()
    }

    /// Puts a header behind the end, which is not moved, with a block around it, and
    /// returns the place behind the header.
    #[inline(always)]
    fn begin(&mut self, header: HeaderBytes) -> &mut [u8] {
        if self.is_empty() {
            self.align(header.len());
        }
        if self.block.len() - self.end < HeaderBytes::PADDED_LEN {
            self.add_block(header.len());
        }
        let room = &mut self.block[self.end..];
        room[..HeaderBytes::PADDED_LEN].copy_from_slice(&header.padded());
        &mut room[header.len()..]
    }

    /// Where nothing waits, lets the byte behind a header lie at an aligned address.
    fn align(&mut self, header_len: usize) {
        // What was split off is gone, unless received messages use a part of the block.
        self.block.reclaim();
        if self.block.len() >= BLOCK_OVERHEAD {
            self.start_aligned(header_len);
        } else {
            (self.start, self.end) = (self.block.len(), self.block.len());
        }
    }

    /// Begins where the byte behind a header lies at an aligned address of the block.
    #[inline(always)]
    fn start_aligned(&mut self, header_len: usize) {
        self.start = self.block.aligned_offset(HEADROOM) - header_len;
        self.end = self.start;
    }

    /// Queues what did not fit into the last block.
    #[cold]
    fn push_rest(&mut self, kernels: &Kernels, mut bytes: &[u8], mut mask: Mask) {
        while !bytes.is_empty() {
            self.add_block(0);
            let fits = bytes.len().min(self.block.len() - self.end);
            kernels.copy_masked_into(&bytes[..fits], &mut self.block[self.end..], mask);
            self.end += fits;
            mask = mask.advance(fits);
            bytes = &bytes[fits..];
        }
    }

    /// Lets what was copied last go before what is queued next.
    #[inline]
    fn seal_part(&mut self) {
        if self.start < self.end {
            let mut part = self.block.split_to(self.end);
            part.advance(self.start);
            self.sealed_len += part.len();
            self.sealed.push_back(Segment::Part(part));
            (self.start, self.end) = (0, 0);
        }
    }

    /// Makes place in another block, where the byte behind a header lies at an
    /// aligned address.
    fn add_block(&mut self, header_len: usize) {
        if self.start < self.end {
            let (start, end) = (self.start, self.end);
            let block = std::mem::take(&mut self.block);
            self.sealed_len += end - start;
            self.sealed.push_back(Segment::Full { block, start, end });
        } else if self.block.whole_len() > 0 {
            self.pool.put(&mut self.block); // all of it may have been split off
        }
        self.pool.supply(&mut self.block);
        self.start_aligned(header_len);
    }
}

impl Segment {
    #[inline]
    fn len(&self) -> usize {
        let [first, second] = self.pieces();
        first.len() + second.len()
    }

    /// What is to be sent of it, the second piece behind the first.
    #[inline]
    fn pieces(&self) -> [&[u8]; 2] {
        match self {
            Self::Part(part) => [part, &[]],
            Self::Full { block, start, end } => [&block[*start..*end], &[]],
            Self::Shared { header, payload } => [header, payload],
        }
    }

    /// Drops the first `count` bytes.
    fn advance(&mut self, count: usize) {
        match self {
            Self::Part(part) => part.advance(count),
            Self::Full { start, .. } => *start += count,
            Self::Shared { header, payload } => {
                let of_header = count.min(header.len());
                header.advance(of_header);
                payload.advance(count - of_header);
            }
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
    use crate::frame::{FrameHeader, Opcode};

    fn header(payload_len: usize) -> HeaderBytes {
        FrameHeader::new(Opcode::Binary, payload_len as u64).encode()
    }

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
                let header = header(payload.len());
                if round % 3 == 0 {
                    queue.push_shared(header, payload.clone().into());
                } else {
                    queue.push(kernels, header, &payload, Mask::NONE);
                }
                expected.extend_from_slice(&header);
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
        let header = header(payload.len());
        queue.push(kernels, header, &payload, Mask::new([1, 2, 3, 4]));
        let mut sent = drain(&mut queue, usize::MAX).split_off(header.len());
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
                queue.push_shared(header(5000), payload.clone());
                queue.push(kernels, header(20), &[3; 20], Mask::NONE);
            }
            assert_eq!(drain(&mut queue, 700).len(), 20 * (4 + 5000 + 22));
        }
        queue.release();
        assert_eq!(pool.resting(), 1);
    }

    #[test]
    fn payloads_by_reference_need_no_block() {
        let pool = BufferPool::new(1 << 10, 8);
        let mut queue = WriteQueue::new(pool.clone());
        queue.push_shared(header(5000), Bytes::from_static(&[7; 5000]));
        queue.push_encoded(Bytes::from_static(&[7; 5004]));
        assert_eq!(drain(&mut queue, 3).len(), 2 * 5004);
        queue.release();
        assert_eq!(pool.resting(), 0);
    }

    #[cfg(feature = "tokio")]
    #[test]
    fn a_block_that_was_used_to_its_last_byte_goes_to_the_pool() {
        let kernels = Kernels::active();
        let pool = BufferPool::new(1 << 10, 8);
        let mut queue = WriteQueue::new(pool.clone());
        queue.push(kernels, header(20), &[2; 20], Mask::NONE);
        let rest = vec![3; queue.block.len() - queue.end - header(500).len()];
        queue.push(kernels, header(rest.len()), &rest, Mask::NONE);
        queue.push_shared(header(5000), Bytes::from_static(&[7; 5000]));
        assert!(queue.block.is_empty());

        // The next one is at hand, and what takes its place there is to be empty.
        pool.put_at_hand(&mut pool.take());
        queue.push(kernels, header(20), &[2; 20], Mask::NONE);
        assert_eq!(pool.resting(), 1);
    }

    #[test]
    fn a_queue_that_was_long_once_keeps_little_of_its_list() {
        let releases: &[fn(&mut WriteQueue)] = &[
            WriteQueue::release,
            #[cfg(feature = "tokio")]
            WriteQueue::release_at_hand,
        ];
        for release in releases {
            let mut queue = WriteQueue::new(BufferPool::new(1 << 10, 8));
            for _ in 0..1000 {
                queue.push_shared(header(5000), Bytes::from_static(&[7; 5000]));
            }
            drain(&mut queue, usize::MAX);
            assert!(queue.sealed.capacity() > 1000);
            release(&mut queue);
            assert!(queue.sealed.capacity() <= KEPT_SEGMENTS, "{}", queue.sealed.capacity());
        }
    }

    /// Of a block that received messages have a part of, too.
    #[test]
    fn the_rest_of_a_block_is_used_again_and_again() {
        let kernels = Kernels::active();
        let pool = BufferPool::new(64 << 10, 8);
        let mut block = pool.take();
        let message = block.split_to(1000);
        pool.put(&mut block);
        let mut queue = WriteQueue::new(pool.clone());
        for _ in 0..1000 {
            queue.push(kernels, header(1000), &[2; 1000], Mask::NONE);
            let mut slices = [IoSlice::new(&[])];
            assert_eq!(queue.slices(&mut slices), 1);
            let place = slices[0].as_ptr() as usize - message.as_ptr() as usize;
            assert!((1000..2000).contains(&place));
            assert_eq!(slices[0][header(1000).len()..].as_ptr() as usize % 64, 0);
            drain(&mut queue, usize::MAX);
        }
    }

    #[test]
    fn payloads_of_an_empty_queue_land_aligned() {
        let kernels = Kernels::active();
        let mut queue = WriteQueue::new(BufferPool::new(1 << 10, 8));
        for payload_len in [20, 200, 70_000] {
            for mask in [None, Some([0; 4])] {
                let header = FrameHeader { mask, ..FrameHeader::new(Opcode::Text, payload_len) };
                let header = header.encode();
                queue.push(kernels, header, &[2; 20], Mask::NONE);
                let mut slices = [IoSlice::new(&[])];
                assert_eq!(queue.slices(&mut slices), 1);
                assert_eq!(slices[0][header.len()..].as_ptr() as usize % 64, 0);
                drain(&mut queue, usize::MAX);
            }
        }
        queue.release();
        assert!(!queue.holds_memory());
    }
}
