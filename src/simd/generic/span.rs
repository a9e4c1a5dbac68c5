//! The bytes an algorithm reads and those it writes.

use std::{marker::PhantomData, mem::MaybeUninit};

use super::block::{Block, Pair};
use crate::simd::Mask;

/// What happens to a payload.
pub(in crate::simd) trait Access: Copy {
    /// Whether it is stored, as a kernel unmasks it.
    const STORES: bool;
    /// Whether a store takes the place of source bytes, so that these must have
    /// been loaded before.
    const IN_PLACE: bool;
}

/// It is only read.
#[derive(Clone, Copy)]
pub(in crate::simd) struct Read;

/// It changes where it lies.
#[derive(Clone, Copy)]
pub(in crate::simd) struct InPlace;

/// It is written elsewhere.
#[derive(Clone, Copy)]
pub(in crate::simd) struct ToCopy;

impl Access for Read {
    const STORES: bool = false;
    const IN_PLACE: bool = false;
}

impl Access for InPlace {
    const STORES: bool = true;
    const IN_PLACE: bool = true;
}

impl Access for ToCopy {
    const STORES: bool = true;
    const IN_PLACE: bool = false;
}

/// A payload on its way from `source` to `target`.
#[derive(Clone, Copy)]
pub(in crate::simd) struct Span<'a, A: Access> {
    pub(super) source: *const u8,
    /// Null for a payload that is only read.
    pub(super) target: *mut u8,
    len: usize,
    key: Mask,
    borrows: PhantomData<&'a mut [u8]>,
    access: PhantomData<A>,
}

impl<'a> Span<'a, Read> {
    /// A payload that is only read, as it is.
    #[inline(always)]
    pub(in crate::simd) fn read(payload: &'a [u8]) -> Self {
        Self::new(payload.as_ptr(), std::ptr::null_mut(), payload.len(), Mask::NONE)
    }
}

impl<'a> Span<'a, InPlace> {
    /// A payload that is masked where it lies.
    #[inline(always)]
    pub(in crate::simd) fn in_place(payload: &'a mut [u8], key: Mask) -> Self {
        let target = payload.as_mut_ptr();
        Self::new(target, target, payload.len(), key)
    }
}

impl<'a> Span<'a, ToCopy> {
    /// A payload that is masked on its way to the front of `target`, as far as
    /// there is room.
    #[inline(always)]
    pub(in crate::simd) fn copy(
        payload: &'a [u8],
        target: &'a mut [MaybeUninit<u8>],
        key: Mask,
    ) -> Self {
        let len = payload.len().min(target.len());
        Self::new(payload.as_ptr(), target.as_mut_ptr().cast(), len, key)
    }
}

impl<A: Access> Span<'_, A> {
    #[inline(always)]
    fn new(source: *const u8, target: *mut u8, len: usize, key: Mask) -> Self {
        Self { source, target, len, key, borrows: PhantomData, access: PhantomData }
    }

    #[inline(always)]
    pub(in crate::simd) fn len(&self) -> usize {
        self.len
    }

    /// The key for the bytes from `at` on.
    #[inline(always)]
    pub(super) fn key_at(&self, at: usize) -> Mask {
        // Where the compiler knows the key, it leaves out the unmasking.
        if A::STORES { self.key.advance(at) } else { Mask::NONE }
    }

    /// Source bytes from `at` on, as they are.
    ///
    /// # Safety
    ///
    /// The CPU must have the instructions of `B`, and `at + B::LEN` must not
    /// exceed the length.
    #[inline(always)]
    pub(super) unsafe fn load<B: Block>(&self, at: usize) -> B {
        debug_assert!(at + B::LEN <= self.len);
        // SAFETY: in bounds by the caller's promise.
        unsafe { B::load(self.source.add(at)) }
    }

    /// Source bytes from `at` on, unmasked.
    ///
    /// # Safety
    ///
    /// As for [`load`](Self::load).
    #[inline(always)]
    pub(super) unsafe fn load_unmasked<B: Block>(&self, at: usize) -> B {
        // SAFETY: the caller's promise.
        unsafe { self.load::<B>(at).xor(B::splat(self.key_at(at))) }
    }

    /// # Safety
    ///
    /// `A` must store, and `at + B::LEN` must not exceed the length.
    #[inline(always)]
    pub(super) unsafe fn store<B: Block>(&self, at: usize, block: B) {
        debug_assert!(A::STORES && at + B::LEN <= self.len);
        // SAFETY: in bounds by the caller's promise.
        unsafe { block.store(self.target.add(at)) }
    }

    /// Asks for the cache line that holds the target's byte at `at`, to be stored to soon.
    #[inline(always)]
    pub(super) fn fetch_target(&self, at: usize) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: every x86-64 has SSE, and nothing is accessed, wherever it points.
        unsafe {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            _mm_prefetch::<_MM_HINT_T0>(self.target.wrapping_add(at).cast());
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = at;
    }

    /// The first and the last block, unmasked.
    ///
    /// # Safety
    ///
    /// The CPU must have the instructions of `B`, and the span must not be shorter
    /// than one.
    #[inline(always)]
    pub(super) unsafe fn load_ends<B: Block>(&self) -> Pair<B> {
        // SAFETY: in bounds by the caller's promise.
        unsafe { Pair(self.load_unmasked(0), self.load_unmasked(self.len - B::LEN)) }
    }

    /// # Safety
    ///
    /// `A` must store, and the span must not be shorter than a block.
    #[inline(always)]
    pub(super) unsafe fn store_ends<B: Block>(&self, Pair(first, last): Pair<B>) {
        // SAFETY: in bounds by the caller's promise.
        unsafe {
            self.store(0, first);
            self.store(self.len - B::LEN, last);
        }
    }

    /// What is left of the span behind its first `at` bytes, of which it must have
    /// as many.
    #[inline(always)]
    pub(in crate::simd) fn suffix(self, at: usize) -> Self {
        debug_assert!(at <= self.len);
        Self {
            source: self.source.wrapping_add(at),
            target: self.target.wrapping_add(at),
            len: self.len - at,
            key: self.key_at(at),
            ..self
        }
    }
}

/// What the detailed check needs, which the portable tier does not have.
#[cfg(target_arch = "x86_64")]
impl<A: Access> Span<'_, A> {
    /// What [`from_parts`](Self::from_parts) makes the span of again.
    #[inline(always)]
    pub(in crate::simd) fn into_parts(self) -> (*const u8, *mut u8, usize, Mask) {
        (self.source, self.target, self.len, self.key)
    }

    /// A span that has been taken apart, because a function that is not inlined
    /// takes the parts in registers, but the span in memory.
    ///
    /// # Safety
    ///
    /// The parts must be those of a span with this access, which is not used
    /// meanwhile.
    #[inline(always)]
    pub(in crate::simd) unsafe fn from_parts(
        source: *const u8,
        target: *mut u8,
        len: usize,
        key: Mask,
    ) -> Self {
        Self::new(source, target, len, key)
    }

    /// The bytes that decide on the alignment of loads and stores: a store that is
    /// split costs more than a load.
    #[inline(always)]
    pub(super) fn aligned(&self) -> *const u8 {
        if A::STORES { self.target } else { self.source }
    }
}
