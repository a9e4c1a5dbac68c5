//! The driver for blocking streams: a thread waits (storey 4).
//!
//! It moves bytes and keeps time; what they mean is decided in
//! [`protocol`](crate::protocol).

mod connection;
mod messages;
mod reading;
mod shared;
mod split;

pub use connection::WebSocketConnection;
pub use messages::MessageIterator;
pub use split::{WebSocketReader, WebSocketWriter};
