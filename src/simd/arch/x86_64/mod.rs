//! AVX2 and AVX-512.

pub(in crate::simd) mod avx2;
pub(in crate::simd) mod avx512;
mod lookup;
mod permute;
mod register;

/// The entry points of a tier: the generic algorithms compiled for `$isa` with
/// the instructions `$features`.
macro_rules! entry_points {
    ($isa:ty, $features:literal) => {
        use crate::simd::{
            Mask,
            arch::{EntryPoints, Uninit},
            generic::{mask, span::Span, utf8},
        };

        pub(in crate::simd) const ENTRY_POINTS: EntryPoints = EntryPoints {
            mask,
            copy_masked,
            validate,
            validate_piece,
            unmask_text,
            unmask_text_piece,
            copy_text,
            copy_text_piece,
        };

        #[target_feature(enable = $features)]
        fn mask(payload: &mut [u8], key: Mask) {
            // SAFETY: writable; the CPU has this function's own features.
            unsafe { mask::mask::<$isa>(Span::in_place(payload, key)) }
        }

        #[target_feature(enable = $features)]
        fn copy_masked(source: &[u8], target: &mut Uninit, key: Mask) {
            // SAFETY: writable; the CPU has this function's own features.
            unsafe { mask::mask::<$isa>(Span::copy(source, target, key)) }
        }

        #[target_feature(enable = $features)]
        fn validate(text: &[u8]) -> bool {
            let span = Span::read(text);
            // SAFETY: nothing is stored; the CPU has this function's own features.
            let quick = unsafe { utf8::quick_check::<$isa, false, true>(span, 0) };
            if let Some(verdict) = quick { verdict } else { check::<true>(text, 0) }
        }

        #[target_feature(enable = $features)]
        fn validate_piece(piece: &[u8], last: u32) -> bool {
            let span = Span::read(piece);
            // SAFETY: nothing is stored; the CPU has this function's own features.
            let quick = unsafe { utf8::quick_check::<$isa, false, false>(span, last) };
            if let Some(verdict) = quick { verdict } else { check::<false>(piece, last) }
        }

        #[target_feature(enable = $features)]
        fn unmask_text(payload: &mut [u8], key: Mask) -> bool {
            let span = Span::in_place(payload, key);
            // SAFETY: writable; the CPU has this function's own features.
            let quick = unsafe { utf8::quick_check::<$isa, true, true>(span, 0) };
            if let Some(verdict) = quick {
                verdict
            } else {
                unmask_and_check::<true>(payload, key, 0)
            }
        }

        #[target_feature(enable = $features)]
        fn unmask_text_piece(piece: &mut [u8], key: Mask, last: u32) -> bool {
            let span = Span::in_place(piece, key);
            // SAFETY: writable; the CPU has this function's own features.
            let quick = unsafe { utf8::quick_check::<$isa, true, false>(span, last) };
            if let Some(verdict) = quick {
                verdict
            } else {
                unmask_and_check::<false>(piece, key, last)
            }
        }

        #[target_feature(enable = $features)]
        fn copy_text(source: &[u8], target: &mut Uninit, key: Mask) -> bool {
            let span = Span::copy(source, target, key);
            // SAFETY: writable; the CPU has this function's own features.
            let quick = unsafe { utf8::quick_check::<$isa, true, true>(span, 0) };
            if let Some(verdict) = quick {
                verdict
            } else {
                copy_and_check::<true>(source, target, key, 0)
            }
        }

        #[target_feature(enable = $features)]
        fn copy_text_piece(source: &[u8], target: &mut Uninit, key: Mask, last: u32) -> bool {
            let span = Span::copy(source, target, key);
            // SAFETY: writable; the CPU has this function's own features.
            let quick = unsafe { utf8::quick_check::<$isa, true, false>(span, last) };
            if let Some(verdict) = quick {
                verdict
            } else {
                copy_and_check::<false>(source, target, key, last)
            }
        }

        // Functions of their own, so that the short ones above stay small.

        #[inline(never)]
        #[target_feature(enable = $features)]
        fn check<const WHOLE: bool>(text: &[u8], last: u32) -> bool {
            // SAFETY: nothing is stored; the CPU has this function's own features.
            unsafe { utf8::check::<$isa, false, WHOLE>(Span::read(text), last) }
        }

        #[inline(never)]
        #[target_feature(enable = $features)]
        fn unmask_and_check<const WHOLE: bool>(payload: &mut [u8], key: Mask, last: u32) -> bool {
            // SAFETY: writable; the CPU has this function's own features.
            unsafe { utf8::check::<$isa, true, WHOLE>(Span::in_place(payload, key), last) }
        }

        #[inline(never)]
        #[target_feature(enable = $features)]
        fn copy_and_check<const WHOLE: bool>(
            source: &[u8],
            target: &mut Uninit,
            key: Mask,
            last: u32,
        ) -> bool {
            // SAFETY: writable; the CPU has this function's own features.
            unsafe { utf8::check::<$isa, true, WHOLE>(Span::copy(source, target, key), last) }
        }
    };
}
use entry_points;
