//! The functions of one tier, and the choice of the tier.

use std::mem::MaybeUninit;

use super::{Mask, TextMut, Utf8Error, Utf8State};

/// A level of vector instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Tier {
    /// What the compiler makes of plain Rust.
    Portable,
    /// AVX2, BMI1 and BMI2.
    Avx2,
    /// AVX-512 BW, VL and VBMI.
    Avx512,
}

/// The kernels of one [`Tier`].
#[derive(Debug)]
pub struct Kernels {
    tier: Tier,
}

static PORTABLE: Kernels = Kernels { tier: Tier::Portable };

impl Kernels {
    /// The best kernels of this CPU.
    #[inline]
    pub fn active() -> &'static Self {
        &PORTABLE
    }

    /// The kernels of `tier`, where this CPU has it.
    pub fn for_tier(tier: Tier) -> Option<&'static Self> {
        (tier == Tier::Portable).then_some(&PORTABLE)
    }

    /// The tier of these kernels.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// Masks or unmasks `payload` in place.
    #[inline]
    pub fn mask(&self, payload: &mut [u8], mask: Mask) {
        let key = mask.bytes();
        for (i, byte) in payload.iter_mut().enumerate() {
            *byte ^= key[i & 3];
        }
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
        let key = mask.bytes();
        let len = source.len().min(target.len());
        let target = &mut target[..len];
        for (i, (to, from)) in target.iter_mut().zip(source).enumerate() {
            to.write(from ^ key[i & 3]);
        }
        // SAFETY: the loop wrote every byte of `target`.
        unsafe { &mut *(std::ptr::from_mut(target) as *mut [u8]) }
    }

    /// Copies `source` to the front of `target`, masked on the way. A shorter
    /// `target` takes what fits.
    #[inline]
    pub fn copy_masked_into(&self, source: &[u8], target: &mut [u8], mask: Mask) {
        let len = source.len().min(target.len());
        target[..len].copy_from_slice(&source[..len]);
        self.mask(&mut target[..len], mask);
    }

    /// Checks the next piece of a text.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] at the first bad byte, counted from the start of the text.
    #[inline]
    pub fn validate_piece(&self, state: &mut Utf8State, piece: &[u8]) -> Result<(), Utf8Error> {
        check_piece(state, piece)
    }

    /// Checks a whole text.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] at the first byte that is not UTF-8.
    #[inline]
    pub fn validate<'a>(&self, text: &'a [u8]) -> Result<&'a str, Utf8Error> {
        simdutf8::compat::from_utf8(text)
            .map_err(|error| Utf8Error { valid_up_to: error.valid_up_to() as u64 })
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
        self.mask(payload, mask);
        self.validate(payload)?;
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
        self.mask(piece, mask);
        check_piece(state, piece)
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
        let written = self.copy_masked(source, target, mask);
        check_piece(state, written)?;
        Ok(written)
    }
}

fn check_piece(state: &mut Utf8State, mut piece: &[u8]) -> Result<(), Utf8Error> {
    while state.tail_len > 0 {
        let Some((&byte, rest)) = piece.split_first() else { return Ok(()) };
        let mut sequence = [state.tail[0], state.tail[1], state.tail[2], 0];
        sequence[state.tail_len as usize] = byte;
        let len = state.tail_len as usize + 1;
        match std::str::from_utf8(&sequence[..len]) {
            Ok(_) => {
                *state = Utf8State { valid: state.valid + len as u64, ..Utf8State::default() };
            }
            Err(error) if error.error_len().is_none() => {
                state.tail[len - 1] = byte;
                state.tail_len += 1;
            }
            Err(_) => return Err(Utf8Error { valid_up_to: state.valid }),
        }
        piece = rest;
    }
    match std::str::from_utf8(piece) {
        Ok(_) => state.valid += piece.len() as u64,
        Err(error) => {
            state.valid += error.valid_up_to() as u64;
            if error.error_len().is_some() {
                return Err(Utf8Error { valid_up_to: state.valid });
            }
            let tail = &piece[error.valid_up_to()..];
            state.tail[..tail.len()].copy_from_slice(tail);
            state.tail_len = tail.len() as u8;
        }
    }
    Ok(())
}
