//! The bytes of the fuzzer, taken apart.
//!
//! Every target reads a few bytes of configuration from the front and takes the
//! rest for what the library is given, so that a seed is written by hand as
//! easily as it is mutated.

/// Bytes that are read from the front; zeros follow where they end.
#[derive(Debug, Clone)]
pub struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        let [byte] = self.array();
        byte
    }

    /// A number in two bytes, the low one first.
    pub fn short(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut array = [0; N];
        let taken = self.take(N);
        array[..taken.len()].copy_from_slice(taken);
        array
    }

    /// The next `len` bytes, or what is left of them.
    pub fn take(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// A number of bytes: single ones below 128, and from there on many at once, up to
/// 32 KiB.
pub fn size(byte: u8) -> usize {
    if byte < 128 { byte.into() } else { usize::from(byte - 127) << 8 }
}

/// Where bytes are cut: the [`size`]s of the pieces, over and over again. A zero
/// makes an empty piece; if all are zero, there is one piece.
#[derive(Debug, Clone, Copy)]
pub struct Cuts(pub [u8; 8]);

impl Cuts {
    /// Not cut at all.
    pub const NONE: Self = Self([0; 8]);

    pub fn pieces(self, mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
        let whole = self.0 == [0; 8];
        let mut lengths = self.0.into_iter().cycle();
        std::iter::from_fn(move || {
            let len = if whole { bytes.len() } else { size(lengths.next()?) };
            if bytes.is_empty() {
                return None;
            }
            let (piece, rest) = bytes.split_at(len.min(bytes.len()));
            bytes = rest;
            Some(piece)
        })
    }
}
