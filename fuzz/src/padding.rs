//! The bytes behind what the library lends out.

/// How many of them may be read.
const PADDING: usize = 64;

/// Reads the bytes behind a payload that the library lends out with a promise of
/// padding.
pub fn read_behind(payload: &[u8]) {
    let end = payload.as_ptr_range().end;
    for offset in 0..PADDING {
        // SAFETY: the library promises that so many bytes behind a payload are
        // initialised memory of its buffer, of which nobody else has hold.
        // What this is for: the address sanitizer sees it if that is not so.
        std::hint::black_box(unsafe { end.add(offset).read_volatile() });
    }
}
