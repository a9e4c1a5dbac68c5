//! Every tier against the naive loop and the standard library.

#[cfg(unix)]
mod guard_page;
mod masking;
mod pieces;
mod text_types;
mod tiers;
mod validation;

use std::mem::MaybeUninit;

use super::{Kernels, Mask, Tier};

/// The lengths that are tried one by one: past every size class.
const ALL_LENGTHS: std::ops::RangeInclusive<usize> = 0..=300;

/// Some lengths of long texts: around the points where bodies become aligned,
/// and where groups and single registers end.
const LONG_LENGTHS: [usize; 14] =
    [319, 320, 384, 385, 448, 511, 512, 513, 575, 640, 1023, 1024, 1299, 4096];

/// Addresses above a multiple of 64: where registers and cache lines begin and end.
const OFFSETS: [usize; 8] = [0, 1, 15, 16, 31, 32, 33, 63];

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// The kernels of every tier of this machine.
fn tiers() -> impl Iterator<Item = &'static Kernels> {
    Tier::ALL.into_iter().filter_map(Kernels::for_tier)
}

/// RFC 6455, 5.3, to the letter.
fn masked(payload: &[u8]) -> Vec<u8> {
    payload.iter().enumerate().map(|(i, byte)| byte ^ KEY[i % 4]).collect()
}

/// What the standard library finds: the place of the error, if any.
fn first_error(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).err().map(|error| error.valid_up_to() as u64)
}

/// The place of the first byte that is wrong whatever follows.
fn first_certain_error(text: &[u8]) -> Option<u64> {
    let error = std::str::from_utf8(text).err()?;
    error.error_len().map(|_| error.valid_up_to() as u64)
}

/// Bytes without a pattern that a kernel could get right by accident.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 56) as u8
    })
    .take(len)
    .collect()
}

/// Texts with different mixtures of sequence lengths, all of `len` bytes, the
/// last sequence cut where that is needed.
fn texts(len: usize) -> [Vec<u8>; 5] {
    ["{\"px\":1.25}", "Ελληνικά", "日本語テキスト", "🙂𝄞🌍", "{\"s\":\"aß→𝄞\"} text "]
        .map(|pattern| pattern.bytes().cycle().take(len).collect())
}

/// A payload inside a larger buffer, to see what happens around it.
struct Surrounded {
    buffer: Vec<u8>,
    start: usize,
    len: usize,
}

const FENCE: u8 = 0xA5;
const FENCE_LEN: usize = 64;

impl Surrounded {
    /// `payload` at an address that is `offset` above a multiple of 64.
    fn new(payload: &[u8], offset: usize) -> Self {
        let mut buffer = vec![FENCE; payload.len() + 4 * FENCE_LEN];
        let aligned = buffer.as_ptr().addr().wrapping_neg() % 64;
        let start = aligned + FENCE_LEN + offset;
        buffer[start..start + payload.len()].copy_from_slice(payload);
        Self { buffer, start, len: payload.len() }
    }

    /// Room for `len` bytes.
    fn room(len: usize, offset: usize) -> Self {
        Self::new(&vec![FENCE; len], offset)
    }

    fn payload(&mut self) -> &mut [u8] {
        &mut self.buffer[self.start..self.start + self.len]
    }

    fn uninit(&mut self) -> &mut [MaybeUninit<u8>] {
        let payload = self.payload();
        // SAFETY: same layout; only kernels write to it, and they initialise.
        unsafe { &mut *(std::ptr::from_mut(payload) as *mut [MaybeUninit<u8>]) }
    }

    #[track_caller]
    fn assert_surroundings_untouched(&self) {
        let end = self.start + self.len;
        let fence = [FENCE; FENCE_LEN];
        assert_eq!(self.buffer[self.start - FENCE_LEN..self.start], fence, "before the payload");
        assert_eq!(self.buffer[end..end + FENCE_LEN], fence, "behind the payload");
    }
}

/// Sees that the kernels themselves judge a whole text rightly, at addresses that are
/// `offset` above a multiple of 64. A wrong *no* has no other consequence than time,
/// since the place of an error is sought with the standard library, which has the
/// last word.
#[track_caller]
fn check_verdicts(kernels: &Kernels, text: &[u8], offset: usize) {
    let expected = first_error(text).is_none();
    let context = || format!("{}, offset {offset}: {text:02x?}", kernels.tier());
    let mut plain = Surrounded::new(text, offset);
    let mut payload = Surrounded::new(&masked(text), offset);
    let mut target = Surrounded::room(text.len(), 63 - offset);
    let key = Mask::new(KEY);
    // SAFETY: `kernels` proves that the CPU has the tier.
    unsafe {
        let valid = (kernels.entry.validate)(plain.payload());
        assert_eq!(valid, expected, "validate, {}", context());
        let copied = (kernels.entry.copy_text)(payload.payload(), target.uninit(), key);
        assert_eq!(copied, expected, "copy, {}", context());
        let unmasked = (kernels.entry.unmask_text)(payload.payload(), key);
        assert_eq!(unmasked, expected, "in place, {}", context());
    }
}

/// Runs a whole text through everything that takes one.
#[track_caller]
fn check_whole(kernels: &Kernels, text: &[u8], offset: usize) {
    let expected = first_error(text);
    let context = || format!("{}, offset {offset}, text {text:02x?}", kernels.tier());
    check_verdicts(kernels, text, offset);

    let mut plain = Surrounded::new(text, offset);
    let found = kernels.validate(plain.payload()).err().map(|error| error.valid_up_to);
    assert_eq!(found, expected, "validate: {}", context());
    let found = kernels.unmask_text(plain.payload(), Mask::NONE).err();
    assert_eq!(found.map(|error| error.valid_up_to), expected, "without a mask: {}", context());
    assert_eq!(plain.payload(), text, "without a mask: {}", context());

    let mut in_place = Surrounded::new(&masked(text), offset);
    let found = kernels.unmask_text(in_place.payload(), Mask::new(KEY)).err();
    assert_eq!(found.map(|error| error.valid_up_to), expected, "in place: {}", context());
    if expected.is_none() {
        assert_eq!(in_place.payload(), text, "in place: {}", context());
    }
    in_place.assert_surroundings_untouched();

    check_copy(kernels, text, 63 - offset, offset);
}

/// Copies a whole text between addresses that are so much above a multiple of 64.
#[track_caller]
fn check_copy(kernels: &Kernels, text: &[u8], from: usize, to: usize) {
    let expected = first_error(text);
    let context = || format!("{}, from {from} to {to}, text {text:02x?}", kernels.tier());
    let mut source = Surrounded::new(&masked(text), from);
    let mut copy = Surrounded::room(text.len(), to);
    let found = kernels.copy_text(source.payload(), copy.uninit(), Mask::new(KEY)).err();
    assert_eq!(found.map(|error| error.valid_up_to), expected, "copy: {}", context());
    if expected.is_none() {
        assert_eq!(copy.payload(), text, "copy: {}", context());
    }
    copy.assert_surroundings_untouched();
}
