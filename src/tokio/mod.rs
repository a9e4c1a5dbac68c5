//! The driver for tokio: a task waits (storey 4).
//!
//! It moves bytes and keeps time; what they mean is decided in
//! [`protocol`](crate::protocol).

mod agreed;
#[cfg(feature = "axum")]
pub mod axum;
mod batch;
mod client;
mod connect;
mod dial;
pub mod feed;
mod handshake;
#[cfg(feature = "hyper")]
pub mod hyper;
mod lines;
mod maybe_tls;
mod messages;
mod reading;
mod sending;
mod sink;
mod spin;
mod split;
mod stream;
mod timer;
#[cfg(feature = "tower")]
pub mod tower;
mod upgrade;
mod wakers;

pub use batch::Answers;
pub use client::connect;
pub use maybe_tls::{MaybeTlsReadHalf, MaybeTlsStream, MaybeTlsWriteHalf};
pub use messages::{MessageReader, MessageWriter};
pub use split::{Halves, SplitStream, WebSocketReader, WebSocketWriter};
pub use stream::WebSocketStream;
pub use upgrade::{accept, read_request};

pub use crate::protocol::Outgoing;
