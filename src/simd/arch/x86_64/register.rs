//! The vector registers.

use std::arch::x86_64::*;

use crate::simd::{Mask, generic::block::Block};

/// 128 bits.
#[derive(Clone, Copy)]
pub(super) struct Xmm(pub(super) __m128i);

impl Block for Xmm {
    #[inline(always)]
    unsafe fn splat(key: Mask) -> Self {
        // SAFETY: the caller answers for the CPU.
        Self(unsafe { _mm_set1_epi32(i32::from_le_bytes(key.bytes())) })
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller answers for the bytes and the CPU.
        Self(unsafe { _mm_loadu_si128(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller answers for the bytes, `self` for the CPU.
        unsafe { _mm_storeu_si128(to.cast(), self.0) }
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: `self` answers for the CPU.
        Self(unsafe { _mm_xor_si128(self.0, other.0) })
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: `self` answers for the CPU.
        Self(unsafe { _mm_or_si128(self.0, other.0) })
    }

    #[inline(always)]
    fn is_ascii(self) -> bool {
        // SAFETY: `self` answers for the CPU.
        unsafe { _mm_movemask_epi8(self.0) == 0 }
    }
}

/// 256 bits; needs AVX2.
#[derive(Clone, Copy)]
pub(super) struct Ymm(pub(super) __m256i);

impl Block for Ymm {
    #[inline(always)]
    unsafe fn splat(key: Mask) -> Self {
        // SAFETY: the caller answers for the CPU.
        Self(unsafe { _mm256_set1_epi32(i32::from_le_bytes(key.bytes())) })
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller answers for the bytes and the CPU.
        Self(unsafe { _mm256_loadu_si256(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller answers for the bytes, `self` for the CPU.
        unsafe { _mm256_storeu_si256(to.cast(), self.0) }
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: `self` answers for the CPU.
        Self(unsafe { _mm256_xor_si256(self.0, other.0) })
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: `self` answers for the CPU.
        Self(unsafe { _mm256_or_si256(self.0, other.0) })
    }

    #[inline(always)]
    fn is_ascii(self) -> bool {
        // SAFETY: `self` answers for the CPU.
        unsafe { _mm256_movemask_epi8(self.0) == 0 }
    }
}

/// 512 bits; needs AVX-512 F and BW.
#[derive(Clone, Copy)]
pub(super) struct Zmm(pub(super) __m512i);

impl Block for Zmm {
    #[inline(always)]
    unsafe fn splat(key: Mask) -> Self {
        // SAFETY: the caller answers for the CPU.
        Self(unsafe { _mm512_set1_epi32(i32::from_le_bytes(key.bytes())) })
    }

    #[inline(always)]
    unsafe fn load(from: *const u8) -> Self {
        // SAFETY: the caller answers for the bytes and the CPU.
        Self(unsafe { _mm512_loadu_si512(from.cast()) })
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut u8) {
        // SAFETY: the caller answers for the bytes, `self` for the CPU.
        unsafe { _mm512_storeu_si512(to.cast(), self.0) }
    }

    #[inline(always)]
    fn xor(self, other: Self) -> Self {
        // SAFETY: `self` answers for the CPU.
        Self(unsafe { _mm512_xor_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: `self` answers for the CPU.
        Self(unsafe { _mm512_or_si512(self.0, other.0) })
    }

    #[inline(always)]
    fn is_ascii(self) -> bool {
        // SAFETY: `self` answers for the CPU.
        unsafe { _mm512_movepi8_mask(self.0) == 0 }
    }
}
