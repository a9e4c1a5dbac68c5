//! What the parser found, on its way to being handed out.

use crate::{frame::Opcode, simd::Mask};

/// What the parser found, its header taken from the buffer. It is a token and no
/// borrow, so that a driver can look for it in a loop that reads in between.
#[derive(Debug)]
pub(crate) enum Found {
    InPlace(InPlace),
    /// A whole message in the assembly.
    Assembled,
    /// A piece of a message in the first `len` bytes of the buffer, still masked.
    Piece {
        len: usize,
        mask: Mask,
        last: bool,
    },
    /// A piece of a message in the assembly, inflated.
    #[cfg(feature = "deflate")]
    InflatedPiece {
        start: usize,
        end: usize,
        last: bool,
    },
    /// A control frame in the first `len` bytes of the buffer, still masked.
    Control {
        opcode: Opcode,
        len: usize,
        mask: Mask,
    },
}

/// A whole message in the first `len` bytes of the buffer, still masked.
#[derive(Debug)]
pub(crate) struct InPlace {
    pub(super) opcode: Opcode,
    pub(super) mask: Mask,
    pub(super) len: usize,
}

#[cfg(feature = "tokio")]
impl Found {
    /// Whether it is a piece of a message.
    pub(crate) fn is_piece(&self) -> bool {
        match self {
            Self::Piece { .. } => true,
            #[cfg(feature = "deflate")]
            Self::InflatedPiece { .. } => true,
            _ => false,
        }
    }

    /// Cuts a piece of a message behind its first `len` bytes, for a caller that
    /// has no room for more. The rest is to be opened before anything else.
    pub(crate) fn cut(self, len: usize) -> (Self, Option<Self>) {
        match self {
            Self::Piece { len: whole, mask, last } if len < whole => {
                let rest = Self::Piece { len: whole - len, mask: mask.advance(len), last };
                (Self::Piece { len, mask, last: false }, Some(rest))
            }
            #[cfg(feature = "deflate")]
            Self::InflatedPiece { start, end, last } if len < end - start => {
                let cut = start + len;
                let rest = Self::InflatedPiece { start: cut, end, last };
                (Self::InflatedPiece { start, end: cut, last: false }, Some(rest))
            }
            whole => (whole, None),
        }
    }
}
