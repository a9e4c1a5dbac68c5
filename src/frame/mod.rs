//! Frames on the wire (RFC 6455, 5.2; storey 1).

mod close_code;
mod error;
mod header;
mod opcode;
mod single;

pub use close_code::CloseCode;
pub use error::{FrameError, FrameReadError};
pub use header::{FrameHeader, HeaderBytes};
pub use opcode::Opcode;
pub use single::WebSocketFrame;

/// The longest payload of a control frame, in bytes (RFC 6455, 5.5).
pub const MAX_CONTROL_PAYLOAD: usize = 125;

/// The longest frame header, in bytes: two, a 64-bit length and a masking key.
pub const MAX_HEADER_LEN: usize = 14;

/// Which end of a connection this is: it decides who masks (RFC 6455, 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The end that dialled; masks every frame it sends.
    Client,
    /// The end that accepted; never masks.
    Server,
}
