//! The connection state machine, sans-IO (RFC 6455, 5 to 7; storey 2).
//!
//! No socket, no clock, no runtime: bytes and times go in, messages, bytes and
//! deadlines come out. A driver does no more than this:
//!
//! ```
//! use std::{io::IoSlice, time::Instant};
//! use wirespeed::{Role, WebSocketOptions, protocol::Connection};
//!
//! let now = Instant::now();
//! let mut client = Connection::new(Role::Client, &WebSocketOptions::client(), now);
//! let mut server = Connection::new(Role::Server, &WebSocketOptions::server(), now);
//! client.sender.write_text("hello").unwrap();
//!
//! let mut slices = [IoSlice::new(&[]); 8];
//! let count = client.sender.transmit(now, &mut slices);
//! let wire: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.iter().copied()).collect();
//! client.sender.written(wire.len(), now);
//!
//! server.receiver.read_buffer()[..wire.len()].copy_from_slice(&wire);
//! server.receiver.received(wire.len(), now);
//! let message = server.receiver.next_ref().unwrap().unwrap();
//! assert_eq!(message.as_text(), Some("hello"));
//! ```
//!
//! The two sides of a [`Connection`] can be taken apart and moved to different
//! threads. What the receiving side owes the peer, a pong and a close frame at
//! most, reaches the sending side through one bounded slot.

mod assembly;
mod budget;
mod chunk;
mod compress;
#[cfg(feature = "deflate")]
mod deflation;
mod error;
mod found;
mod frames;
mod idle;
#[cfg(feature = "deflate")]
mod inflation;
mod keys;
mod link;
mod outgoing;
mod progress;
mod receiver;
mod rules;
mod sender;
mod stall;

use std::{sync::Arc, time::Instant};

pub use chunk::{MessageChunk, Received};
pub use compress::Compress;
pub use error::{ProtocolError, ReceiveError, SendError};
#[cfg(feature = "driver")]
pub(crate) use found::Found;
#[cfg(feature = "tokio")]
pub(crate) use found::InPlace;
pub use link::{Signals, WebSocketState};
pub use outgoing::Outgoing;
#[cfg(feature = "driver")]
pub(crate) use progress::Way;
pub use receiver::Receiver;
pub use sender::Sender;
#[cfg(feature = "driver")]
pub(crate) use sender::WRITE_SLICES;

#[cfg(feature = "deflate")]
use crate::deflate::{DeflateOptions, DeflateParams, Deflater};
use crate::{frame::Role, options::WebSocketOptions};
use link::Link;

/// Both sides of a connection whose opening handshake is done.
#[derive(Debug)]
pub struct Connection {
    /// The receiving side.
    pub receiver: Receiver,
    /// The sending side.
    pub sender: Sender,
}

impl Connection {
    /// A connection in `role` that was opened at `now`.
    pub fn new(role: Role, options: &WebSocketOptions, now: Instant) -> Self {
        let link = Arc::new(Link::default());
        Self {
            receiver: Receiver::new(role, options, Arc::clone(&link), now),
            sender: Sender::new(role, options, link),
        }
    }

    /// Turns on permessage-deflate, as it was negotiated (RFC 7692). Before the
    /// first byte.
    #[cfg(feature = "deflate")]
    pub fn enable_deflate(
        &mut self,
        params: &DeflateParams,
        deflate: &DeflateOptions,
        options: &WebSocketOptions,
    ) {
        let role = self.sender.role();
        let pool = &options.deflate_pool;
        let inflation = inflation::Inflation::new(role, params, pool, &options.limits);
        self.receiver.enable_deflate(inflation);
        let deflater = Deflater::new(role, params, deflate, pool);
        self.sender.enable_deflate(deflation::Deflation::new(deflater, options.pool.clone()));
    }

    /// The earlier of both sides' deadlines.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.receiver.next_deadline().into_iter().chain(self.sender.next_deadline()).min()
    }
}

/// What a driver is to do with the transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportAction {
    /// Go on.
    Keep,
    /// Close the writing side; then read, and drop what comes, until the
    /// transport ends or the deadline passes.
    HalfClose,
    /// Read, and drop what comes, until the transport ends or the deadline
    /// passes: the server closes first (RFC 6455, 7.1.1).
    AwaitEnd,
    /// Drop it.
    Drop,
}
