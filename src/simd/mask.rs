//! The masking key and its phase (RFC 6455, 5.3).

use super::Kernels;

/// A masking key, rotated to the phase of the next payload byte.
///
/// Masking is its own inverse, so the same value masks and unmasks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mask(u32);

impl Mask {
    /// The key that changes nothing: what an unmasked frame is read with.
    pub const NONE: Self = Self(0);

    /// A key at phase 0, its bytes in wire order.
    #[inline]
    pub const fn new(key: [u8; 4]) -> Self {
        Self(u32::from_le_bytes(key))
    }

    /// The four bytes that mask the next four payload bytes.
    #[inline]
    pub const fn bytes(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }

    /// The key for the bytes that follow `len` masked ones.
    #[inline]
    #[must_use]
    pub const fn advance(self, len: usize) -> Self {
        Self(self.0.rotate_right(8 * (len as u32 & 3)))
    }
}

// A key in a log would help whoever wants to predict the next one.
impl std::fmt::Debug for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if *self == Self::NONE { "Mask(none)" } else { "Mask(..)" })
    }
}

/// Masks or unmasks `payload` in place with `key` (RFC 6455, 5.3).
///
/// ```
/// let mut payload = *b"hello";
/// wirespeed::apply_mask(&mut payload, [1, 2, 3, 4]);
/// assert_eq!(payload, [b'h' ^ 1, b'e' ^ 2, b'l' ^ 3, b'l' ^ 4, b'o' ^ 1]);
/// ```
pub fn apply_mask(payload: &mut [u8], key: [u8; 4]) {
    Kernels::active().mask(payload, Mask::new(key));
}
