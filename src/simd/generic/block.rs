//! What the algorithms ask of a register.

use crate::simd::Mask;

/// A register full of payload bytes, or several.
///
/// A value of a type that needs CPU support can only come from
/// [`splat`](Self::splat) or [`load`](Self::load), whose callers answer for that
/// support; holding one is therefore the proof that the other methods can run.
pub(in crate::simd) trait Block: Copy {
    /// Bytes in a block.
    const LEN: usize = size_of::<Self>();

    /// The key repeated over the block.
    ///
    /// # Safety
    ///
    /// The CPU must have the instructions of this type.
    unsafe fn splat(key: Mask) -> Self;

    /// # Safety
    ///
    /// `LEN` bytes at `from` must be readable, and the CPU must have the
    /// instructions of this type.
    unsafe fn load(from: *const u8) -> Self;

    /// # Safety
    ///
    /// `LEN` bytes at `to` must be writable.
    unsafe fn store(self, to: *mut u8);

    fn xor(self, other: Self) -> Self;

    fn or(self, other: Self) -> Self;

    /// Whether no byte has its high bit set.
    fn is_ascii(self) -> bool;
}

/// The blocks of one instruction set, by their length in bytes: registers, or
/// several side by side where they are shorter.
///
/// Below 16 bytes every tier uses general registers.
pub(in crate::simd) trait Isa {
    type Bytes16: Block;
    type Bytes32: Block;
    type Bytes64: Block;
    type Bytes128: Block;
    /// What a long text is tested for ASCII by: as many registers as there are to
    /// spare, up to 256 bytes.
    type Group: Block;
}

/// A general register.
macro_rules! word {
    ($word:ty) => {
        impl Block for $word {
            #[inline(always)]
            unsafe fn splat(key: Mask) -> Self {
                let key = <$word>::from(u32::from_ne_bytes(key.bytes()));
                key | key.rotate_left(32) // the same key, where that is all the way round
            }

            #[inline(always)]
            unsafe fn load(from: *const u8) -> Self {
                // SAFETY: the caller's promise; no alignment is assumed.
                unsafe { from.cast::<Self>().read_unaligned() }
            }

            #[inline(always)]
            unsafe fn store(self, to: *mut u8) {
                // SAFETY: the caller's promise; no alignment is assumed.
                unsafe { to.cast::<Self>().write_unaligned(self) }
            }

            #[inline(always)]
            fn xor(self, other: Self) -> Self {
                self ^ other
            }

            #[inline(always)]
            fn or(self, other: Self) -> Self {
                self | other
            }

            #[inline(always)]
            fn is_ascii(self) -> bool {
                const HIGH_BITS: $word = <$word>::MAX / 0xFF * 0x80;
                self & HIGH_BITS == 0
            }
        }
    };
}
word!(u32);
word!(u64);

/// Several words side by side, which the compiler keeps in whatever vector
/// registers its target has.
impl<const N: usize> Block for [u64; N] {
    #[inline(always)]
    unsafe fn splat(key: Mask) -> Self {
        // SAFETY: `u64` needs nothing of the CPU.
        [unsafe { u64::splat(key) }; N]
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller's promise; no alignment is assumed.
        unsafe { from.cast::<Self>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller's promise; no alignment is assumed.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }

    #[inline(always)]
    fn xor(mut self, other: Self) -> Self {
        for (word, other) in self.iter_mut().zip(other) {
            *word ^= other;
        }
        self
    }

    #[inline(always)]
    fn or(mut self, other: Self) -> Self {
        for (word, other) in self.iter_mut().zip(other) {
            *word |= other;
        }
        self
    }

    #[inline(always)]
    fn is_ascii(self) -> bool {
        self.into_iter().fold(0, |all, word| all | word).is_ascii()
    }
}

/// Two blocks side by side. An array of vectors would not be kept in registers.
#[derive(Clone, Copy)]
pub(in crate::simd) struct Pair<B>(pub(super) B, pub(super) B);

impl<B: Block> Block for Pair<B> {
    #[inline(always)]
    unsafe fn splat(key: Mask) -> Self {
        // SAFETY: the caller answers for the CPU.
        let half = unsafe { B::splat(key) };
        Self(half, half)
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller answers for the bytes of both, and the CPU.
        unsafe { Self(B::load(from), B::load(from.add(B::LEN))) }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller answers for the bytes of both.
        unsafe {
            self.0.store(to);
            self.1.store(to.add(B::LEN));
        }
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        Self(self.0.xor(other.0), self.1.xor(other.1))
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Self(self.0.or(other.0), self.1.or(other.1))
    }

    #[inline(always)]
    fn is_ascii(self) -> bool {
        self.0.or(self.1).is_ascii()
    }
}
