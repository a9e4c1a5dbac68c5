//! Buffers that a thread keeps at hand for the connection it works on next.
//!
//! A thread that polls many connections takes a buffer for the one that is ready and
//! gives it back before it looks at the next one. So it is the same one or two again
//! and again, and neither a lock nor another thread need be involved.

use std::{
    cell::RefCell,
    mem,
    sync::{Arc, Weak},
};

use super::{
    BufferPool,
    block::{BLOCK_OVERHEAD, Block},
    pool::{self, Shared},
};

/// One to read into and one to write from.
const KEEP: usize = 2;

/// Blocks for longer reads go to their pool. They may outlive it here, so that this
/// and [`KEEP`] bound what a thread holds for nobody.
const LONGEST_READ: usize = 2 * BufferPool::DEFAULT_READ_SIZE;

thread_local! {
    static AT_HAND: RefCell<AtHand> = RefCell::default();
}

/// Blocks of one pool, with room: the first `len` of `blocks`, the others are empty.
#[derive(Default)]
struct AtHand {
    pool: Weak<Shared>,
    blocks: [Block; KEEP],
    len: usize,
}

/// Puts a block of `pool` with room in the place of an empty one, if there is one at hand,
/// and says so.
#[inline]
pub(super) fn take(pool: &Arc<Shared>, place: &mut Block) -> bool {
    let take = |at_hand: &mut AtHand| {
        let any = at_hand.len > 0 && at_hand.is_of(pool);
        if any {
            at_hand.len -= 1;
            mem::swap(place, &mut at_hand.blocks[at_hand.len]);
            place.reclaim();
        }
        any
    };
    with(take).unwrap_or(false)
}

/// Keeps a block of `pool`, leaves an empty one and says so, unless the pool should
/// have it.
#[inline]
pub(super) fn keep(pool: &Arc<Shared>, block: &mut Block) -> bool {
    if block.whole_len() > LONGEST_READ + BLOCK_OVERHEAD || !block.has_room() {
        return false;
    }
    let keep = |at_hand: &mut AtHand| {
        let room = (at_hand.is_of(pool) || at_hand.turn_to(pool)) && at_hand.len < KEEP;
        if room {
            mem::swap(block, &mut at_hand.blocks[at_hand.len]);
            at_hand.len += 1;
        }
        room
    };
    with(keep).unwrap_or(false)
}

/// How many blocks of `pool` there are at hand.
pub(super) fn count(pool: &Arc<Shared>) -> usize {
    with(|at_hand| if at_hand.is_of(pool) { at_hand.len } else { 0 }).unwrap_or(0)
}

/// Nothing is at hand in a thread that ends.
#[inline]
fn with<T>(act: impl FnOnce(&mut AtHand) -> T) -> Option<T> {
    AT_HAND.try_with(|at_hand| at_hand.try_borrow_mut().ok().map(|mut it| act(&mut it))).ok()?
}

impl AtHand {
    #[inline]
    fn is_of(&self, pool: &Arc<Shared>) -> bool {
        std::ptr::eq(self.pool.as_ptr(), Arc::as_ptr(pool))
    }

    /// A step from one pool to another: gives a block back to the one, or turns to the
    /// other once there is none. Where both are in use, few blocks are at hand, but
    /// none is freed.
    #[cold]
    fn turn_to(&mut self, pool: &Arc<Shared>) -> bool {
        if self.len == 0 {
            self.pool = Arc::downgrade(pool);
            return true;
        }
        self.len -= 1;
        let block = mem::take(&mut self.blocks[self.len]);
        if let Some(owner) = self.pool.upgrade() {
            pool::put(&owner, block);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> BufferPool {
        BufferPool::new(1 << 10, 8)
    }

    fn supplied_by(pool: &BufferPool) -> Block {
        let mut block = Block::default();
        pool.supply(&mut block);
        block
    }

    fn take_and_put(pool: &BufferPool, times: usize) {
        for _ in 0..times {
            pool.put_at_hand(&mut supplied_by(pool));
        }
    }

    #[test]
    fn blocks_at_hand_are_the_first_to_be_taken() {
        let pool = pool();
        let blocks = [(); 3].map(|()| supplied_by(&pool));
        let [first, second, third] = blocks.each_ref().map(|block| block.as_ptr());
        blocks.into_iter().for_each(|mut block| pool.put_at_hand(&mut block));
        assert_eq!(pool.resting(), 3);
        let blocks = [(); 3].map(|()| supplied_by(&pool));
        assert_eq!(blocks.each_ref().map(|block| block.as_ptr()), [second, first, third]);
        assert_eq!(pool.resting(), 0);
    }

    #[test]
    fn a_block_in_use_by_a_message_is_not_kept() {
        let pool = pool();
        let mut block = supplied_by(&pool);
        let message = block.split_to(1);
        pool.put_at_hand(&mut block);
        assert_eq!(count(&pool.0), 0);
        drop(message);
        assert_eq!(pool.resting(), 1);
    }

    #[test]
    fn a_thread_that_turns_to_another_pool_gives_the_blocks_back() {
        let (one, other) = (pool(), pool());
        for _ in 0..2 {
            let blocks = [supplied_by(&one), supplied_by(&one)];
            blocks.into_iter().for_each(|mut block| one.put_at_hand(&mut block));
            assert_eq!(count(&one.0), 2);
            take_and_put(&other, 4);
            assert_eq!((count(&one.0), one.resting()), (0, 2), "in the pool");
            assert_eq!((count(&other.0), other.resting()), (1, 1));
            take_and_put(&one, 4);
        }
    }

    #[test]
    fn a_pool_that_is_gone_gets_nothing_back() {
        let gone = pool();
        take_and_put(&gone, 1);
        drop(gone);
        let pool = pool();
        take_and_put(&pool, 3);
        assert_eq!(count(&pool.0), 1);
    }

    #[test]
    fn long_blocks_go_to_their_pool() {
        for (read_size, at_hand) in [(LONGEST_READ, 2), (LONGEST_READ + 1, 0)] {
            let pool = BufferPool::new(read_size, 8);
            let blocks = [supplied_by(&pool), supplied_by(&pool)];
            blocks.into_iter().for_each(|mut block| pool.put_at_hand(&mut block));
            assert_eq!((count(&pool.0), pool.resting()), (at_hand, 2));
        }
    }

    #[test]
    fn blocks_of_another_size_are_freed() {
        let (pool, other) = (pool(), BufferPool::new(2 << 10, 8));
        pool.put_at_hand(&mut supplied_by(&other));
        assert_eq!(pool.resting(), 0);
    }
}
