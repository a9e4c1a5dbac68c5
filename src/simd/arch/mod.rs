//! One file per tier: which registers it has, and its entry points.

pub(super) mod portable;
#[cfg(target_arch = "x86_64")]
pub(super) mod x86_64;

use std::mem::MaybeUninit;

use super::Mask;

/// Memory to be written.
type Uninit = [MaybeUninit<u8>];

/// The entry points of one tier.
///
/// The `bool`s say whether the text is UTF-8. The `*_piece` functions continue
/// after the bytes in their last argument and accept an unfinished sequence at
/// the end (`generic::utf8::check` has the details).
///
/// # Safety
///
/// All of them may be called only where the CPU has the tier's instructions.
#[derive(Debug)]
pub(super) struct EntryPoints {
    pub(super) mask: unsafe fn(&mut [u8], Mask),
    pub(super) copy_masked: unsafe fn(&[u8], &mut Uninit, Mask),
    pub(super) validate: unsafe fn(&[u8]) -> bool,
    pub(super) validate_piece: unsafe fn(&[u8], u32) -> bool,
    pub(super) unmask_text: unsafe fn(&mut [u8], Mask) -> bool,
    pub(super) unmask_text_piece: unsafe fn(&mut [u8], Mask, u32) -> bool,
    pub(super) copy_text: unsafe fn(&[u8], &mut Uninit, Mask) -> bool,
    pub(super) copy_text_piece: unsafe fn(&[u8], &mut Uninit, Mask, u32) -> bool,
}

/// The part of `target` that a copy of `source` fills.
///
/// # Safety
///
/// As many bytes of `target` as both have must be initialised.
#[inline]
pub(super) unsafe fn written<'a>(source: &[u8], target: &'a mut Uninit) -> &'a mut [u8] {
    let len = source.len().min(target.len());
    // SAFETY: the caller's promise.
    unsafe { &mut *(std::ptr::from_mut(&mut target[..len]) as *mut [u8]) }
}
