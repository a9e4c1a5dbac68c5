//! Payloads that end where readable memory ends, and that begin where it begins:
//! one byte too far is a segmentation fault.

use super::*;
use crate::simd::Utf8State;

/// Some pages of memory between two that cannot be touched.
struct Guarded {
    start: *mut u8,
    len: usize,
}

const PAGE: usize = 4096;

impl Guarded {
    fn new(pages: usize) -> Self {
        let len = (pages + 2) * PAGE;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping, of whole pages, and its own first and last one.
        let start = unsafe {
            let start = libc::mmap(std::ptr::null_mut(), len, protection, flags, -1, 0);
            assert_ne!(start, libc::MAP_FAILED);
            assert_eq!(libc::mprotect(start, PAGE, libc::PROT_NONE), 0);
            assert_eq!(libc::mprotect(start.byte_add(len - PAGE), PAGE, libc::PROT_NONE), 0);
            start.cast()
        };
        Self { start, len }
    }

    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: the pages between the guards are readable, writable and ours.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(PAGE), self.len - 2 * PAGE) }
    }

    /// The first `len` bytes.
    fn at_start(&mut self, len: usize) -> &mut [u8] {
        &mut self.bytes()[..len]
    }

    /// The last `len` bytes.
    fn at_end(&mut self, len: usize) -> &mut [u8] {
        let start = self.bytes().len() - len;
        &mut self.bytes()[start..]
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the whole mapping, which nothing borrows any more.
        unsafe { libc::munmap(self.start.cast(), self.len) };
    }
}

/// The same bytes, seen as memory to be written.
fn uninit(bytes: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: same layout; only kernels write to it, and they initialise.
    unsafe { &mut *(std::ptr::from_mut(bytes) as *mut [MaybeUninit<u8>]) }
}

/// All that takes a whole payload.
fn run_all(kernels: &Kernels, payload: &mut [u8], text: &[u8], target: &mut [u8]) {
    let mask = Mask::new(KEY);
    let hidden = masked(text);

    payload.copy_from_slice(&hidden);
    kernels.mask(payload, mask);
    assert_eq!(payload, text);
    assert_eq!(kernels.copy_masked(payload, uninit(target), mask), hidden);
    assert_eq!(kernels.validate(payload).is_ok(), first_error(text).is_none());

    payload.copy_from_slice(&hidden);
    let is_text = kernels.copy_text(payload, uninit(target), mask).is_ok();
    assert_eq!(is_text, first_error(text).is_none());
    let is_text = kernels.unmask_text(payload, mask).is_ok();
    assert_eq!(is_text, first_error(text).is_none());
}

/// All that takes a piece, on one that follows `before`.
fn run_pieces(
    kernels: &Kernels,
    payload: &mut [u8],
    before: &[u8],
    piece: &[u8],
    target: &mut [u8],
) {
    let mut start = Utf8State::default();
    kernels.validate_piece(&mut start, before).unwrap();
    let mask = Mask::new(KEY);

    payload.copy_from_slice(piece);
    kernels.validate_piece(&mut start.clone(), payload).unwrap();

    payload.copy_from_slice(&masked(piece));
    kernels.copy_text_piece(&mut start.clone(), payload, uninit(target), mask).unwrap();
    assert_eq!(target, piece);
    kernels.unmask_text_piece(&mut start, payload, mask).unwrap();
    assert_eq!(payload, piece);
}

#[test]
fn nothing_outside_the_payload_is_touched() {
    let mut payload = Guarded::new(2);
    let mut target = Guarded::new(2);
    for kernels in tiers() {
        for len in ALL_LENGTHS.chain(LONG_LENGTHS) {
            for text in texts(len) {
                run_all(kernels, payload.at_end(len), &text, target.at_end(len));
                run_all(kernels, payload.at_start(len), &text, target.at_start(len));
                run_all(kernels, payload.at_end(len), &text, target.at_start(len));
            }
            // At the start of a sequence, and in it.
            for (skipped, text) in
                (0..4).flat_map(|skipped| texts(skipped + len).map(|text| (skipped, text)))
            {
                let (before, piece) = text.split_at(skipped);
                run_pieces(kernels, payload.at_end(len), before, piece, target.at_end(len));
                run_pieces(kernels, payload.at_start(len), before, piece, target.at_start(len));
            }
        }
    }
}
