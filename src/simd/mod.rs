//! Masking and UTF-8 validation, apart and in one pass (storey 0).
//!
//! Everything here works on plain slices. [`Kernels`] is the set of functions
//! chosen for this CPU; the text types ([`TextMut`], [`Utf8Bytes`],
//! [`Utf8Buffer`]) can be built only by a validator, so that holding one is
//! the proof that its bytes are UTF-8.
//!
//! # Tiers
//!
//! | tier | masking | validation |
//! |---|---|---|
//! | [`Avx512`](Tier::Avx512) | 256-bit registers | own, by byte permutations in 512 bits |
//! | [`Avx2`](Tier::Avx2) | 256-bit registers | own, by nibble tables |
//! | [`Portable`](Tier::Portable) | what the compiler has (SSE2, NEON) | own for short ASCII, else simdutf8 |
//!
//! The best tier is chosen at first use. The environment variable
//! `WIRESPEED_SIMD` (`portable`, `avx2`, `avx512`) asks for another one, and so
//! does [`force`].
//!
//! # How it is built
//!
//! `generic` has the algorithms, written once over registers of any width;
//! `arch` has the registers, the detailed UTF-8 checks that go with them, and
//! each tier's entry points, compiled for its instructions. Nothing outside a
//! slice is ever read or written, and nothing inside is touched byte by byte
//! from four bytes on.

mod arch;
mod generic;
mod kernels;
mod mask;
mod text;
mod text_buffer;
mod tier;
mod utf8;

#[cfg(test)]
mod tests;

pub use kernels::Kernels;
pub use mask::{Mask, apply_mask};
pub use text::{TextMut, Utf8Bytes};
pub use text_buffer::Utf8Buffer;
pub use tier::{Tier, UnsupportedTier, force};
pub use utf8::{Utf8Error, Utf8State};
