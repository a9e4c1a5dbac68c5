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
            is_short_ascii(text) || check::<true>(text, 0)
        }

        #[target_feature(enable = $features)]
        fn validate_piece(piece: &[u8], last: u32) -> bool {
            (last == 0 && is_short_ascii(piece)) || check::<false>(piece, last)
        }

        #[target_feature(enable = $features)]
        fn unmask_text(payload: &mut [u8], key: Mask) -> bool {
            unmask_short_ascii(payload, key) || unmask_and_check::<true>(payload, key, 0)
        }

        #[target_feature(enable = $features)]
        fn unmask_text_piece(piece: &mut [u8], key: Mask, last: u32) -> bool {
            (last == 0 && unmask_short_ascii(piece, key))
                || unmask_and_check::<false>(piece, key, last)
        }

        #[target_feature(enable = $features)]
        fn copy_text(source: &[u8], target: &mut Uninit, key: Mask) -> bool {
            copy_short_ascii(source, target, key) || copy_and_check::<true>(source, target, key, 0)
        }

        #[target_feature(enable = $features)]
        fn copy_text_piece(source: &[u8], target: &mut Uninit, key: Mask, last: u32) -> bool {
            (last == 0 && copy_short_ascii(source, target, key))
                || copy_and_check::<false>(source, target, key, last)
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn is_short_ascii(text: &[u8]) -> bool {
            // SAFETY: nothing is stored; the CPU has this function's own features.
            unsafe { utf8::is_short_ascii::<$isa, false>(Span::read(text)) }
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn unmask_short_ascii(payload: &mut [u8], key: Mask) -> bool {
            // SAFETY: writable; the CPU has this function's own features.
            unsafe { utf8::is_short_ascii::<$isa, true>(Span::in_place(payload, key)) }
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn copy_short_ascii(source: &[u8], target: &mut Uninit, key: Mask) -> bool {
            // SAFETY: writable; the CPU has this function's own features.
            unsafe { utf8::is_short_ascii::<$isa, true>(Span::copy(source, target, key)) }
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
