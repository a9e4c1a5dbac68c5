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
                cover, mask,
                span::{Access, Span},
                utf8,
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
            // SAFETY: the lengths are as asked for, the CPU has this function's own
            // features, and the parts are used once.
            unsafe {
                if span.len() > cover::MAX {
                    let (source, target, len, key) = span.into_parts();
                    return check_long::<A, WHOLE>(source, target, len, key, last);
                }
                if let Some(is_valid) = utf8::glance::<$isa, _, WHOLE>(span, last) {
                    return is_valid;
                }
                let (source, target, len, key) = span.into_parts();
                check_short::<A, WHOLE>(source, target, len, key, last)
            }
        }

        /// A function of its own, so that the entry points stay small. It takes the
        /// parts of a span.
        ///
        /// # Safety
        ///
        /// As for `Span::from_parts` and `utf8::check_short`.
        #[inline(never)]
        #[target_feature(enable = $features)]
        unsafe fn check_short<A: Access, const WHOLE: bool>(
            source: *const u8,
            target: *mut u8,
            len: usize,
            key: Mask,
            last: u32,
        ) -> bool {
            // SAFETY: the caller's promise; the CPU has this function's own features.
            unsafe {
                let span = Span::<A>::from_parts(source, target, len, key);
                utf8::check_short::<$isa, _, WHOLE>(span, last)
            }
        }

        /// The same for long texts.
        ///
        /// # Safety
        ///
        /// As for `Span::from_parts` and `utf8::check_long`.
        #[inline(never)]
        #[target_feature(enable = $features)]
        unsafe fn check_long<A: Access, const WHOLE: bool>(
            source: *const u8,
            target: *mut u8,
            len: usize,
            key: Mask,
            last: u32,
        ) -> bool {
            // SAFETY: the caller's promise; the CPU has this function's own features.
            unsafe {
                let span = Span::<A>::from_parts(source, target, len, key);
                utf8::check_long::<$isa, _, WHOLE>(span, last)
            }
        }
    };
}
use entry_points;
