//! An allocator that counts, each thread for itself.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static HELD: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

/// What a piece of work cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// How often memory was allocated, or grown.
    pub(crate) allocations: u64,
    /// Bytes that were held at once, at most, beyond those held before.
    pub(crate) peak: u64,
    /// Bytes that are still held, beyond those held before.
    pub(crate) kept: i64,
}

/// Does `work` and counts what this thread allocates meanwhile.
pub(crate) fn measure<R>(work: impl FnOnce() -> R) -> (R, Cost) {
    let (allocations, held) = (ALLOCATIONS.get(), HELD.get());
    PEAK.set(held);
    let result = work();
    let cost = Cost {
        allocations: ALLOCATIONS.get() - allocations,
        peak: (PEAK.get() - held) as u64,
        kept: HELD.get() - held,
    };
    (result, cost)
}

fn count(allocations: u64, bytes: i64) {
    ALLOCATIONS.set(ALLOCATIONS.get() + allocations);
    HELD.set(HELD.get() + bytes);
    PEAK.set(PEAK.get().max(HELD.get()));
}

// SAFETY: every call goes to the system's allocator as it came. Counting neither
// allocates nor unwinds: the cells need no destructor and no lazy start.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as i64);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size() as i64);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, size as i64 - layout.size() as i64);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        count(0, -(layout.size() as i64));
        // SAFETY: the caller's contract is the system's.
        unsafe { System.dealloc(old, layout) }
    }
}

#[test]
fn the_counter_counts() {
    let (kept, cost) = measure(|| {
        drop(vec![1u8; 1000]);
        vec![2u8; 10]
    });
    assert_eq!((cost.allocations, cost.peak, cost.kept), (2, 1000, 10));
    assert_eq!(kept.len(), 10);
}
