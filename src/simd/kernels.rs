//! The functions of one tier.

use std::mem::MaybeUninit;

#[cfg(target_arch = "x86_64")]
use super::arch::x86_64::{avx2, avx512};
use super::{
    Mask, TextMut, Tier, Utf8Error, Utf8State,
    arch::{EntryPoints, portable, written},
    tier,
};

/// The kernels of one [`Tier`].
///
/// A reference to them is the proof that the CPU has the tier. Who keeps one pays
/// an indirect call for each use; [`active`](Self::active) costs a load more.
#[derive(Debug)]
pub struct Kernels {
    tier: Tier,
    pub(super) entry: EntryPoints,
}

static PORTABLE: Kernels = Kernels { tier: Tier::Portable, entry: portable::ENTRY_POINTS };
#[cfg(target_arch = "x86_64")]
static AVX2: Kernels = Kernels { tier: Tier::Avx2, entry: avx2::ENTRY_POINTS };
#[cfg(target_arch = "x86_64")]
static AVX512: Kernels = Kernels { tier: Tier::Avx512, entry: avx512::ENTRY_POINTS };

impl Kernels {
    /// The kernels in use: the best of this CPU, unless
    /// [another tier was asked for](super::force).
    #[inline]
    pub fn active() -> &'static Self {
        tier::active()
    }

    /// The kernels of `tier`, where this CPU has it.
    pub fn for_tier(tier: Tier) -> Option<&'static Self> {
        match tier {
            Tier::Portable => Some(&PORTABLE),
            #[cfg(target_arch = "x86_64")]
            Tier::Avx2 => avx2::is_available().then_some(&AVX2),
            #[cfg(target_arch = "x86_64")]
            Tier::Avx512 => avx512::is_available().then_some(&AVX512),
            #[cfg(not(target_arch = "x86_64"))]
            _ => None,
        }
    }

    /// The best kernels of this CPU.
    pub(super) fn best() -> &'static Self {
        Tier::ALL.into_iter().rev().find_map(Self::for_tier).unwrap_or(&PORTABLE)
    }

    /// The tier of these kernels.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// Masks or unmasks `payload` in place; [`Mask::NONE`] costs nothing.
    #[inline]
    pub fn mask(&self, payload: &mut [u8], mask: Mask) {
        if mask == Mask::NONE {
            return;
        }
        // SAFETY: `self` proves that the CPU has the tier.
        unsafe { (self.entry.mask)(payload, mask) }
    }

    /// Copies `source` to the front of `target`, masked on the way, and returns
    /// what was written. `target` must be at least as long; a shorter one takes
    /// what fits.
    #[inline]
    pub fn copy_masked<'a>(
        &self,
        source: &[u8],
        target: &'a mut [MaybeUninit<u8>],
        mask: Mask,
    ) -> &'a mut [u8] {
        // SAFETY: `self` proves that the CPU has the tier.
        unsafe { (self.entry.copy_masked)(source, target, mask) }
        // SAFETY: the kernel writes as much as both have.
        unsafe { written(source, target) }
    }

    /// Copies `source` to the front of `target`, masked on the way. A shorter
    /// `target` takes what fits.
    #[inline]
    pub fn copy_masked_into(&self, source: &[u8], target: &mut [u8], mask: Mask) {
        // SAFETY: same layout, and the kernels write initialised bytes only.
        let target = unsafe { &mut *(std::ptr::from_mut(target) as *mut [MaybeUninit<u8>]) };
        self.copy_masked(source, target, mask);
    }

    /// Checks a whole text.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] at the first byte that is not UTF-8.
    #[inline]
    pub fn validate<'a>(&self, text: &'a [u8]) -> Result<&'a str, Utf8Error> {
        // SAFETY: `self` proves that the CPU has the tier.
        if unsafe { (self.entry.validate)(text) } {
            // SAFETY: just validated.
            Ok(unsafe { std::str::from_utf8_unchecked(text) })
        } else {
            recheck(text)
        }
    }

    /// Checks the next piece of a text.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] at the first bad byte, counted from the start of the text.
    #[inline]
    pub fn validate_piece(&self, state: &mut Utf8State, piece: &[u8]) -> Result<(), Utf8Error> {
        // SAFETY: `self` proves that the CPU has the tier.
        let is_valid = unsafe { (self.entry.validate_piece)(piece, state.last()) };
        state.advance(is_valid, piece)
    }

    /// Unmasks a whole text in place and checks it in the same pass; with
    /// [`Mask::NONE`] it only checks.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] at the first byte that is not UTF-8; the payload is then
    /// unmasked to an unspecified extent.
    #[inline]
    pub fn unmask_text<'a>(
        &self,
        payload: &'a mut [u8],
        mask: Mask,
    ) -> Result<TextMut<'a>, Utf8Error> {
        let is_valid = if mask == Mask::NONE {
            // SAFETY: `self` proves that the CPU has the tier.
            unsafe { (self.entry.validate)(payload) }
        } else {
            // SAFETY: `self` proves that the CPU has the tier.
            unsafe { (self.entry.unmask_text)(payload, mask) }
        };
        if !is_valid {
            recheck(payload)?;
        }
        Ok(TextMut::proven(payload))
    }

    /// Unmasks the next piece of a text in place and checks it; with
    /// [`Mask::NONE`] it only checks.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] at the first bad byte, counted from the start of the text.
    #[inline]
    pub fn unmask_text_piece(
        &self,
        state: &mut Utf8State,
        piece: &mut [u8],
        mask: Mask,
    ) -> Result<(), Utf8Error> {
        if mask == Mask::NONE {
            return self.validate_piece(state, piece);
        }
        // SAFETY: `self` proves that the CPU has the tier.
        let is_valid = unsafe { (self.entry.unmask_text_piece)(piece, mask, state.last()) };
        state.advance(is_valid, piece)
    }

    /// Copies a whole text to the front of `target`, unmasked and checked on
    /// the way, and returns what was written. `target` must be at least as
    /// long; a shorter one takes what fits, and the text ends there.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] at the first byte that is not UTF-8.
    #[inline]
    pub fn copy_text<'a>(
        &self,
        source: &[u8],
        target: &'a mut [MaybeUninit<u8>],
        mask: Mask,
    ) -> Result<TextMut<'a>, Utf8Error> {
        // SAFETY: `self` proves that the CPU has the tier.
        let is_valid = unsafe { (self.entry.copy_text)(source, target, mask) };
        // SAFETY: the kernel writes as much as both have.
        let written = unsafe { written(source, target) };
        if !is_valid {
            recheck(written)?;
        }
        Ok(TextMut::proven(written))
    }

    /// Copies the next piece of a text to the front of `target`, unmasked and
    /// checked on the way, and returns what was written. `target` must be at
    /// least as long; a shorter one takes what fits.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] at the first bad byte, counted from the start of the text.
    #[inline]
    pub fn copy_text_piece<'a>(
        &self,
        state: &mut Utf8State,
        source: &[u8],
        target: &'a mut [MaybeUninit<u8>],
        mask: Mask,
    ) -> Result<&'a mut [u8], Utf8Error> {
        // SAFETY: `self` proves that the CPU has the tier.
        let is_valid = unsafe { (self.entry.copy_text_piece)(source, target, mask, state.last()) };
        // SAFETY: the kernel writes as much as both have.
        let written = unsafe { written(source, target) };
        state.advance(is_valid, written)?;
        Ok(written)
    }
}

/// What the standard library says of a text in which a kernel found an error;
/// it knows the place. A kernel that was wrong would go unnoticed, but for the time.
#[cold]
fn recheck(text: &[u8]) -> Result<&str, Utf8Error> {
    let checked = std::str::from_utf8(text);
    debug_assert!(checked.is_err(), "a kernel refused a text that is UTF-8");
    checked.map_err(|error| Utf8Error { valid_up_to: error.valid_up_to() as u64 })
}
