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
            generic::{
                mask,
                span::{Access, Span},
                utf8::{self, Progress},
            },
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
            unsafe { mask::mask::<$isa, _>(Span::in_place(payload, key)) }
        }

        #[target_feature(enable = $features)]
        fn copy_masked(source: &[u8], target: &mut Uninit, key: Mask) {
            // SAFETY: writable; the CPU has this function's own features.
            unsafe { mask::mask::<$isa, _>(Span::copy(source, target, key)) }
        }

        #[target_feature(enable = $features)]
        fn validate(text: &[u8]) -> bool {
            check::<_, true>(Span::read(text), 0)
        }

        #[target_feature(enable = $features)]
        fn validate_piece(piece: &[u8], last: u32) -> bool {
            check::<_, false>(Span::read(piece), last)
        }

        #[target_feature(enable = $features)]
        fn unmask_text(payload: &mut [u8], key: Mask) -> bool {
            check::<_, true>(Span::in_place(payload, key), 0)
        }

        #[target_feature(enable = $features)]
        fn unmask_text_piece(piece: &mut [u8], key: Mask, last: u32) -> bool {
            check::<_, false>(Span::in_place(piece, key), last)
        }

        #[target_feature(enable = $features)]
        fn copy_text(source: &[u8], target: &mut Uninit, key: Mask) -> bool {
            check::<_, true>(Span::copy(source, target, key), 0)
        }

        #[target_feature(enable = $features)]
        fn copy_text_piece(source: &[u8], target: &mut Uninit, key: Mask, last: u32) -> bool {
            check::<_, false>(Span::copy(source, target, key), last)
        }

        #[inline]
        #[target_feature(enable = $features)]
        fn check<A: Access, const WHOLE: bool>(span: Span<'_, A>, last: u32) -> bool {
            // SAFETY: the CPU has this function's own features.
            match unsafe { utf8::quick_check::<$isa, _, WHOLE>(span, last) } {
                Progress::Done(is_valid) => is_valid,
                Progress::Ascii(at) => {
                    let (source, target, len, key) = span.suffix(at).into_parts();
                    // SAFETY: the parts are used once.
                    unsafe { check_further::<A, WHOLE>(source, target, len, key, last) }
                }
            }
        }

        /// A function of its own, so that the ones above stay small. It takes the
        /// parts of a span.
        ///
        /// # Safety
        ///
        /// As for `Span::from_parts`.
        #[inline(never)]
        #[target_feature(enable = $features)]
        unsafe fn check_further<A: Access, const WHOLE: bool>(
            source: *const u8,
            target: *mut u8,
            len: usize,
            key: Mask,
            last: u32,
        ) -> bool {
            // SAFETY: the parts are those of a span by the caller's promise; the
            // CPU has this function's own features.
            unsafe {
                let span = Span::<A>::from_parts(source, target, len, key);
                utf8::check::<$isa, _, WHOLE>(span, last)
            }
        }
    };
}
use entry_points;
