//! The driver for tokio: a task waits (storey 4).
//!
//! It moves bytes and keeps time; what they mean is decided in
//! [`protocol`](crate::protocol).

mod lines;
mod messages;
mod reading;
mod sending;
mod sink;
mod split;
mod stream;
mod timer;
mod wakers;

pub use messages::{MessageReader, MessageWriter};
pub use split::{Halves, SplitStream, WebSocketReader, WebSocketWriter};
pub use stream::WebSocketStream;

pub use crate::protocol::Outgoing;
