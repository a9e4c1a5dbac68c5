//! WebSocket at wire speed.

#![deny(unsafe_code)]

#[cfg(feature = "blocking")]
pub mod blocking;
#[allow(unsafe_code)] // initialised memory that the compiler cannot know to be so
pub mod buffer;
#[cfg(feature = "deflate")]
pub mod deflate;
mod error;
pub mod frame;
pub mod handshake;
mod limits;
pub mod message;
pub mod net;
mod options;
pub mod protocol;
#[allow(unsafe_code)] // vector loads and stores; see the module's own rules
pub mod simd;

#[cfg(feature = "blocking")]
pub use blocking::{
    MessageIterator, WebSocketBuilder, WebSocketClient, WebSocketConnection, WebSocketListener,
    WebSocketReader, WebSocketUpgrade, WebSocketWriter,
};
pub use buffer::BufferPool;
pub use error::{TimedOut, WebSocketError};
pub use frame::{CloseCode, FrameHeader, Opcode, Role, WebSocketFrame};
pub use handshake::{compute_accept_key, generate_websocket_key};
pub use limits::{Limit, LimitExceeded, Limits};
pub use message::{MessageRef, PreparedMessage, WebSocketMessage};
pub use net::WebSocketUrl;
pub use options::{MaskSource, WebSocketOptions};
pub use protocol::WebSocketState;
pub use simd::{Utf8Bytes, apply_mask};

/// The name that an HTTP client of the same manners goes by.
#[cfg(feature = "blocking")]
pub type SimpleHttpClient = WebSocketClient;
