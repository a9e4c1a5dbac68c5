//! Masking and UTF-8 validation, apart and in one pass (storey 0).
//!
//! Everything here works on plain slices. [`Kernels`] is the set of functions
//! chosen for this CPU; the text types ([`TextMut`], [`Utf8Bytes`],
//! [`Utf8Buffer`]) can be built only by a validator, so that holding one is
//! the proof that its bytes are UTF-8.

mod kernels;
mod mask;
mod text;
mod text_buffer;
mod utf8;

pub use kernels::{Kernels, Tier};
pub use mask::{Mask, apply_mask};
pub use text::{TextMut, Utf8Bytes};
pub use text_buffer::Utf8Buffer;
pub use utf8::{Utf8Error, Utf8State};
