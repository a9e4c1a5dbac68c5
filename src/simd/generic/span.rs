//! The bytes an algorithm reads and those it writes.

use std::{marker::PhantomData, mem::MaybeUninit};

use super::block::Block;
use crate::simd::Mask;

/// A payload on its way from `source` to `target`, which are the same bytes
/// when it is changed in place.
#[derive(Clone, Copy)]
pub(in crate::simd) struct Span<'a> {
    pub(super) source: *const u8,
    /// Null for a payload that is only read.
    pub(super) target: *mut u8,
    pub(super) len: usize,
    key: Mask,
    borrows: PhantomData<&'a mut [u8]>,
}

impl<'a> Span<'a> {
    /// A payload that is only read, as it is.
    #[inline(always)]
    pub(in crate::simd) fn read(payload: &'a [u8]) -> Self {
        Self {
            source: payload.as_ptr(),
            target: std::ptr::null_mut(),
            len: payload.len(),
            key: Mask::NONE,
            borrows: PhantomData,
        }
    }

    /// A payload that is masked where it lies.
    #[inline(always)]
    pub(in crate::simd) fn in_place(payload: &'a mut [u8], key: Mask) -> Self {
        let target = payload.as_mut_ptr();
        Self { source: target, target, len: payload.len(), key, borrows: PhantomData }
    }

    /// A payload that is masked on its way to the front of `target`, as far as
    /// there is room.
    #[inline(always)]
    pub(in crate::simd) fn copy(
        payload: &'a [u8],
        target: &'a mut [MaybeUninit<u8>],
        key: Mask,
    ) -> Self {
        Self {
            source: payload.as_ptr(),
            target: target.as_mut_ptr().cast(),
            len: payload.len().min(target.len()),
            key,
            borrows: PhantomData,
        }
    }

    /// The first `len` bytes of the span, which must have as many.
    #[cfg(target_arch = "x86_64")] // for `utf8`
    #[inline(always)]
    pub(super) fn prefix(self, len: usize) -> Self {
        debug_assert!(len <= self.len);
        Self { len, ..self }
    }

    /// The key for the bytes from `at` on.
    #[inline(always)]
    pub(super) fn key_at(&self, at: usize) -> Mask {
        self.key.advance(at)
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

    /// `N` registers of source bytes from `at` on, unmasked with `key`.
    ///
    /// # Safety
    ///
    /// The CPU must have the instructions of `B`, and `at + N * B::LEN` must
    /// not exceed the length.
    #[inline(always)]
    pub(super) unsafe fn load_group<B: Block, const N: usize>(&self, at: usize, key: B) -> [B; N] {
        let mut group = [key; N];
        for (i, block) in group.iter_mut().enumerate() {
            // SAFETY: in bounds by the caller's promise.
            *block = unsafe { self.load::<B>(at + i * B::LEN) }.xor(key);
        }
        group
    }

    /// # Safety
    ///
    /// The span must not be a [`read`](Self::read) one, and `at + B::LEN` must
    /// not exceed the length.
    #[inline(always)]
    pub(super) unsafe fn store<B: Block>(&self, at: usize, block: B) {
        debug_assert!(!self.target.is_null() && at + B::LEN <= self.len);
        // SAFETY: in bounds by the caller's promise.
        unsafe { block.store(self.target.add(at)) }
    }

    /// # Safety
    ///
    /// The span must not be a [`read`](Self::read) one, and `at + N * B::LEN`
    /// must not exceed the length.
    #[inline(always)]
    pub(super) unsafe fn store_group<B: Block, const N: usize>(&self, at: usize, group: [B; N]) {
        for (i, block) in group.iter().enumerate() {
            // SAFETY: in bounds by the caller's promise.
            unsafe { self.store(at + i * B::LEN, *block) };
        }
    }

    /// The registers at `offsets`, unmasked.
    ///
    /// # Safety
    ///
    /// The CPU must have the instructions of `B`, and no offset plus `B::LEN`
    /// may exceed the length.
    #[inline(always)]
    pub(super) unsafe fn load_cover<B: Block, const N: usize>(
        &self,
        offsets: [usize; N],
    ) -> [B; N] {
        // SAFETY: the caller answers for the CPU.
        let mut blocks = [unsafe { B::splat(self.key) }; N];
        for (block, at) in blocks.iter_mut().zip(offsets) {
            // SAFETY: in bounds by the caller's promise.
            *block = unsafe { self.load_unmasked(at) };
        }
        blocks
    }

    /// # Safety
    ///
    /// The span must not be a [`read`](Self::read) one, and no offset plus
    /// `B::LEN` may exceed the length.
    #[inline(always)]
    pub(super) unsafe fn store_cover<B: Block, const N: usize>(
        &self,
        offsets: [usize; N],
        blocks: [B; N],
    ) {
        for (block, at) in blocks.iter().zip(offsets) {
            // SAFETY: in bounds by the caller's promise.
            unsafe { self.store(at, *block) };
        }
    }
}
