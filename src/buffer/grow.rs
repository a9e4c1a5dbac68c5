//! A buffer in which a message is put together.

use bytes::{Bytes, BytesMut};

use super::SLACK;
use crate::simd::{Kernels, Mask};

/// Bytes that grow by pieces, with what has arrived and by doubling.
///
/// The storage is longer than what is collected, so that what is produced in
/// place has somewhere to go and vector loads may look past the end: all of it
/// is initialised.
#[derive(Debug)]
pub(crate) struct GrowBuffer {
    storage: BytesMut,
    len: usize,
}

impl GrowBuffer {
    /// An empty buffer in `storage`, whose contents are dropped.
    pub(crate) fn new(storage: BytesMut) -> Self {
        Self { storage, len: 0 }
    }

    /// Bytes that are collected.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes that it takes without growing, those that are collected included.
    pub(crate) fn capacity(&self) -> usize {
        self.storage.capacity()
    }

    /// Appends a piece, unmasked on its way.
    pub(crate) fn push(&mut self, kernels: &Kernels, piece: &[u8], mask: Mask) {
        let target = &mut self.spare(piece.len())[..piece.len()];
        kernels.copy_masked_into(piece, target, mask);
        self.len += piece.len();
    }

    /// At least `len` bytes behind what is collected; what they hold is
    /// unspecified.
    pub(crate) fn spare(&mut self, len: usize) -> &mut [u8] {
        let wanted = self.len + len + SLACK;
        if self.storage.len() < wanted {
            let doubled = wanted.max(2 * self.len);
            self.storage.resize(doubled, 0);
        }
        let end = self.storage.len() - SLACK;
        &mut self.storage[self.len..end]
    }

    /// Takes over the first `len` bytes of [`spare`](Self::spare).
    #[cfg(feature = "deflate")]
    pub(crate) fn commit(&mut self, len: usize) {
        self.len = (self.len + len).min(self.storage.len());
    }

    /// Forgets what is collected.
    #[cfg(feature = "deflate")]
    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    /// What is collected, with at least [`SLACK`] readable bytes behind it.
    pub(crate) fn padded(&mut self) -> &mut [u8] {
        self.spare(0);
        &mut self.storage[..self.len]
    }

    /// Takes what is collected out; what storage is left stays.
    pub(crate) fn take(&mut self) -> Bytes {
        let taken = self.storage.split_to(self.len).freeze();
        self.len = 0;
        taken
    }

    /// Gives the storage back.
    pub(crate) fn into_storage(self) -> BytesMut {
        self.storage
    }
}
