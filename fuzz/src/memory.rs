//! An allocator that counts, each thread for itself.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Counting;

thread_local! {
    static HELD: Cell<i64> = const { Cell::new(0) };
    static PEAK: Cell<i64> = const { Cell::new(0) };
}

/// What the calls that it is given hold in memory, without what goes on between
/// them.
#[derive(Debug, Default)]
pub struct Meter {
    held: i64,
    peak: i64,
}

impl Meter {
    pub fn call<R>(&mut self, call: impl FnOnce() -> R) -> R {
        let before = HELD.get();
        PEAK.set(before);
        let result = call();
        self.peak = self.peak.max(self.held + PEAK.get() - before);
        self.held += HELD.get() - before;
        result
    }

    /// Bytes that were held at once, at most.
    pub fn peak(&self) -> u64 {
        self.peak.max(0) as u64
    }
}

fn count(bytes: i64) {
    HELD.set(HELD.get() + bytes);
    PEAK.set(PEAK.get().max(HELD.get()));
}

// SAFETY: every call goes to the system's allocator as it came. Counting neither
// allocates nor unwinds: the cells need no destructor and no lazy start.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as i64 - layout.size() as i64);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: the caller's contract is the system's.
        unsafe { System.dealloc(old, layout) }
    }
}
