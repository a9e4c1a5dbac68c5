//! Where buffers rest while no connection needs them.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError},
};

use bytes::BytesMut;

#[cfg(feature = "tokio")]
use super::at_hand;
use super::block::{BLOCK_OVERHEAD, Block};

/// A pool of read and write buffers, shared by connections.
///
/// A connection takes a buffer when bytes arrive or are to be sent and gives it
/// back when it is idle, so that memory follows the traffic and not the number
/// of connections. Cloning a pool gives another handle to the same one.
#[derive(Debug, Clone)]
pub struct BufferPool(pub(super) Arc<Shared>);

/// What the handles of one pool share.
#[derive(Debug)]
pub(super) struct Shared {
    block_len: usize,
    keep: usize,
    /// Those with room behind those that messages have used up.
    resting: Mutex<VecDeque<Block>>,
    /// Memory in which messages are put together; it may have grown.
    storage: Mutex<Vec<BytesMut>>,
}

/// How many resting blocks may be used up by messages before it is not worth looking for
/// one with room among them.
const LOOKS: usize = 8;

impl BufferPool {
    /// The bytes one read can take with [`BufferPool::shared`]: 64 KiB.
    pub const DEFAULT_READ_SIZE: usize = 64 << 10;

    /// The buffers that [`BufferPool::shared`] keeps: 64.
    pub const DEFAULT_KEEP: usize = 64;

    /// A pool whose buffers take `read_size` bytes in one read (at least 1 KiB, at most
    /// 256 MiB) and which keeps at most `keep` of them, and as many in which messages
    /// are put together, of four times the size at most. Each thread that polls
    /// connections of tokio keeps two more at hand, unless `read_size` is above 128 KiB.
    pub fn new(read_size: usize, keep: usize) -> Self {
        let block_len = read_size.clamp(1 << 10, 256 << 20) + BLOCK_OVERHEAD;
        Self(Arc::new(Shared {
            block_len,
            keep,
            resting: Mutex::default(),
            storage: Mutex::default(),
        }))
    }

    /// The pool of all connections that were given no other.
    pub fn shared() -> Self {
        static SHARED: LazyLock<BufferPool> = LazyLock::new(|| {
            BufferPool::new(BufferPool::DEFAULT_READ_SIZE, BufferPool::DEFAULT_KEEP)
        });
        SHARED.clone()
    }

    /// Buffers that rest in the pool, those that the calling thread keeps at hand
    /// included.
    pub fn resting(&self) -> usize {
        let resting = lock(&self.0.resting).len();
        #[cfg(feature = "tokio")]
        let resting = resting + at_hand::count(&self.0);
        resting
    }

    /// Puts a block in the place of an empty one: one that no message uses any more, or that
    /// has room behind what they use, or a new one.
    #[inline]
    pub(super) fn supply(&self, place: &mut Block) {
        #[cfg(feature = "tokio")]
        if at_hand::take(&self.0, place) {
            return;
        }
        *place = self.take();
    }

    /// A block with room that rests in the pool, or a new one.
    #[inline(never)] // so that those who find one at hand are short
    pub(super) fn take(&self) -> Block {
        let mut resting = lock(&self.0.resting);
        // The last one is the likeliest to be in the processor's cache.
        let with_room = resting.iter_mut().rev().take(LOOKS).position(Block::has_room);
        let index = with_room.map(|from_back| resting.len() - 1 - from_back);
        if let Some(block) = index.and_then(|index| resting.swap_remove_back(index)) {
            return block;
        }
        drop(resting);
        Block::new(self.0.block_len)
    }

    /// Gives a block back, whether or not messages still use a part of it, and leaves
    /// an empty one; one of another size is freed.
    #[inline(never)]
    pub(super) fn put(&self, block: &mut Block) {
        let block = mem::take(block);
        if block.whole_len() == self.0.block_len {
            put(&self.0, block);
        }
    }

    /// [`put`](Self::put), but the thread keeps the block at hand if it can: for threads
    /// that work on many connections, of which there are few.
    #[cfg(feature = "tokio")]
    #[inline]
    pub(super) fn put_at_hand(&self, block: &mut Block) {
        if block.whole_len() != self.0.block_len || !at_hand::keep(&self.0, block) {
            self.put(block);
        }
    }

    /// Memory to put a message together in, with some capacity if there is any.
    pub(crate) fn take_storage(&self) -> BytesMut {
        lock(&self.0.storage).pop().unwrap_or_default()
    }

    /// Gives it back. What has grown far beyond a buffer is freed instead: one
    /// large message must not cost its size for ever.
    pub(crate) fn put_storage(&self, mut storage: BytesMut) {
        storage.clear();
        // The capacity alone is not the size: messages may have been split off in front.
        if storage.try_reclaim(4 * self.0.block_len + 1) || storage.capacity() == 0 {
            return;
        }
        let mut kept = lock(&self.0.storage);
        if kept.len() < self.0.keep {
            kept.push(storage);
        }
    }
}

/// Lets a block of the pool rest there, if there is place for it, or for one with room in
/// the place of one without.
pub(super) fn put(pool: &Shared, mut block: Block) {
    let has_room = block.has_room();
    let mut resting = lock(&pool.resting);
    if resting.len() >= pool.keep {
        if !has_room || resting.front_mut().is_none_or(Block::has_room) {
            return;
        }
        resting.pop_front();
    }
    if has_room {
        resting.push_back(block);
    } else {
        resting.push_front(block);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing can panic while the lock is held, and a list of buffers has no
    // state that could be half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Default for BufferPool {
    fn default() -> Self {
        Self::shared()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_in_use_by_a_message_is_not_handed_out() {
        let pool = BufferPool::new(1 << 10, 4);
        let mut block = pool.take();
        block[0] = 7;
        let message = block.split_to(1).freeze();
        pool.put(&mut block);
        let mut other = pool.take();
        other[0] = 8;
        assert_eq!(message[0], 7);
        drop(message);
        pool.put(&mut other);
        assert_eq!(pool.resting(), 2);
        pool.take();
        assert_eq!(pool.resting(), 1);
    }

    #[test]
    fn extreme_sizes_of_reads_are_cut() {
        assert_eq!(BufferPool::new(0, 1).0.block_len, (1 << 10) + BLOCK_OVERHEAD);
        assert_eq!(BufferPool::new(usize::MAX, 1).0.block_len, (256 << 20) + BLOCK_OVERHEAD);
    }

    #[test]
    fn memory_of_a_large_message_is_not_kept() {
        let pool = BufferPool::new(1 << 10, 4);
        let longest = 4 * pool.0.block_len;
        let kept = |storage| {
            pool.put_storage(storage);
            pool.take_storage().capacity() > 0
        };
        assert!(kept(BytesMut::zeroed(longest)));
        assert!(!kept(BytesMut::zeroed(longest + 1)));
        // Its capacity is that of a short one: most of it went out with messages.
        for (len, is_kept) in [(longest, true), (longest + 1, false)] {
            let mut storage = BytesMut::zeroed(len);
            drop(storage.split_to(len - 100));
            assert_eq!(kept(storage), is_kept);
        }
    }

    #[test]
    fn no_more_blocks_are_kept_than_asked_for() {
        let pool = BufferPool::new(1 << 10, 1);
        let blocks = [pool.take(), pool.take()];
        blocks.into_iter().for_each(|mut block| pool.put(&mut block));
        assert_eq!(pool.resting(), 1);
    }
}
