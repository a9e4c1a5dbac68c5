//! Pooled buffers between the transport and the protocol (storey 1).

#[cfg(feature = "tokio")]
mod at_hand;
mod block;
mod grow;
mod pool;
mod read;
mod write;

pub(crate) use grow::GrowBuffer;
pub use pool::BufferPool;
pub(crate) use read::{ReadBuffer, SLACK};
pub(crate) use write::{BY_REFERENCE, WriteQueue};
