//! What can be wrong with a frame.

use super::{CloseCode, MAX_CONTROL_PAYLOAD};

/// A rule of RFC 6455, 5 that a frame breaks.
///
/// Each but a wrong [close code](Self::CloseCode) is known when the header is: no byte of
/// payload is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A reserved bit is set that no extension gave a meaning (5.2).
    #[error("reserved bits {bits:#05b} are set, and no negotiated extension uses them here")]
    ReservedBits {
        /// RSV1, RSV2 and RSV3, RSV1 highest.
        bits: u8,
    },
    /// Opcodes 3–7 and 11–15 are reserved (5.2).
    #[error("opcode {opcode:#x} is reserved")]
    ReservedOpcode {
        /// The four bits of the opcode.
        opcode: u8,
    },
    /// A length in a longer form than it needs (5.2).
    #[error("length {len} is not in its shortest form")]
    LengthNotMinimal {
        /// The announced length, in bytes.
        len: u64,
    },
    /// A 64-bit length with its highest bit set (5.2).
    #[error("length {len} is beyond 2^63 - 1")]
    LengthTooLarge {
        /// The announced length, in bytes.
        len: u64,
    },
    /// A control frame in fragments (5.4).
    #[error("a control frame is fragmented")]
    FragmentedControl,
    /// A control frame with more than 125 bytes (5.5).
    #[error("a control frame of {len} bytes or more, {MAX_CONTROL_PAYLOAD} are allowed")]
    ControlTooLong {
        /// The least length that its second byte leaves open, in bytes.
        len: u64,
    },
    /// A client's frame without a mask (5.1).
    #[error("a client's frame is not masked")]
    NotMasked,
    /// A server's frame with a mask (5.1).
    #[error("a server's frame is masked")]
    Masked,
    /// A continuation frame with no message begun (5.4).
    #[error("a continuation frame, but no message was begun")]
    ContinuationWithoutStart,
    /// A new message before the last one's end (5.4).
    #[error("a new message before the last fragment of the one before")]
    MessageInterrupted,
    /// A close frame of one byte (5.5.1).
    #[error("a close frame with half a code")]
    CloseTooShort,
    /// A close code that may not be sent (7.4).
    #[error("close code {0} may not be sent")]
    CloseCode(CloseCode),
}

/// Why [`WebSocketFrame::decode`](super::WebSocketFrame::decode) gave no frame.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameReadError {
    /// The reader failed, or ended before the frame did.
    #[error("cannot read a frame")]
    Io(#[from] std::io::Error),
    /// What was read is not a frame.
    #[error("not a frame")]
    Frame(#[from] FrameError),
    /// The payload is longer than the caller allows.
    #[error("a payload of {len} bytes, {limit} are allowed")]
    TooLong {
        /// The announced length, in bytes.
        len: u64,
        /// The limit, in bytes.
        limit: u64,
    },
}
