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
            // SAFETY: nothing is stored; the CPU has this function's own features.
            unsafe { utf8::text::<$isa, false, true>(Span::read(text), 0) }
        }

        #[target_feature(enable = $features)]
        fn validate_piece(piece: &[u8], last: u32) -> bool {
            // SAFETY: nothing is stored; the CPU has this function's own features.
            unsafe { utf8::text::<$isa, false, false>(Span::read(piece), last) }
        }

        #[target_feature(enable = $features)]
        fn unmask_text(payload: &mut [u8], key: Mask) -> bool {
            // SAFETY: writable; the CPU has this function's own features.
            unsafe { utf8::text::<$isa, true, true>(Span::in_place(payload, key), 0) }
        }

        #[target_feature(enable = $features)]
        fn unmask_text_piece(piece: &mut [u8], key: Mask, last: u32) -> bool {
            // SAFETY: writable; the CPU has this function's own features.
            unsafe { utf8::text::<$isa, true, false>(Span::in_place(piece, key), last) }
        }

        #[target_feature(enable = $features)]
        fn copy_text(source: &[u8], target: &mut Uninit, key: Mask) -> bool {
            // SAFETY: writable; the CPU has this function's own features.
            unsafe { utf8::text::<$isa, true, true>(Span::copy(source, target, key), 0) }
        }

        #[target_feature(enable = $features)]
        fn copy_text_piece(source: &[u8], target: &mut Uninit, key: Mask, last: u32) -> bool {
            // SAFETY: writable; the CPU has this function's own features.
            unsafe { utf8::text::<$isa, true, false>(Span::copy(source, target, key), last) }
        }
    };
}
use entry_points;
