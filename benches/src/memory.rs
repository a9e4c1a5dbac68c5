//! Buffers whose pages do not add a pattern of their own to what is measured.

use std::ops::{Deref, DerefMut};

const HUGE_PAGE: usize = 2 << 20;

/// Memory aligned to 2 MiB, in huge pages where the system gives them.
pub struct Aligned {
    start: *mut u8,
    len: usize,
    mapped: usize,
}

impl Aligned {
    /// `len` zeros.
    pub fn new(len: usize) -> Self {
        let mapped = len.next_multiple_of(HUGE_PAGE) + HUGE_PAGE;
        // SAFETY: an anonymous mapping of its own; nothing else is touched.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                mapped,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert_ne!(start, libc::MAP_FAILED, "cannot map {mapped} bytes");
        let offset = start.align_offset(HUGE_PAGE);
        // SAFETY: `offset` is below a huge page, and there is one more than needed.
        let start = unsafe { start.cast::<u8>().add(offset) };
        // SAFETY: within the mapping. Advice may be refused, which costs speed only.
        unsafe { libc::madvise(start.cast(), mapped - HUGE_PAGE, libc::MADV_HUGEPAGE) };
        let mut buffer = Self { start, len, mapped: mapped - offset };
        buffer.fill(0); // takes the pages now, not while it is measured
        buffer
    }

    /// A copy of `bytes` at the start of a page.
    pub fn copy_of(bytes: &[u8]) -> Self {
        let mut buffer = Self::new(bytes.len());
        buffer.copy_from_slice(bytes);
        buffer
    }

    /// The bytes, for as long as the program runs.
    pub fn leak(self) -> &'static [u8] {
        Box::leak(Box::new(self))
    }
}

impl Deref for Aligned {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: mapped, initialised by the system, and owned by `self`.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.len) }
    }
}

impl Drop for Aligned {
    fn drop(&mut self) {
        // SAFETY: from the aligned start to the end of the mapping; what lies in
        // front of it is less than a huge page of untouched address space.
        unsafe { libc::munmap(self.start.cast(), self.mapped) };
    }
}
