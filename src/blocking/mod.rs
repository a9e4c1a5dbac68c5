//! The driver for blocking streams: a thread waits (storey 4).
//!
//! It moves bytes and keeps time; what they mean is decided in
//! [`protocol`](crate::protocol).

mod client;
mod connection;
mod handshake;
mod listener;
mod messages;
mod open;
mod reading;
mod shared;
mod split;
mod task;
mod upgrade;

pub use connection::WebSocketConnection;
pub use listener::{StopHandle, WebSocketListener};
pub use messages::MessageIterator;
pub use split::{WebSocketReader, WebSocketWriter};
pub use task::WebSocketTask;

pub use crate::protocol::Outgoing;
