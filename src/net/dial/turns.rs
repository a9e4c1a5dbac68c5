//! The turns that one dial waits for.

use std::net::SocketAddr;
#[cfg(feature = "tokio")]
use std::task::{Context, Poll};
#[cfg(feature = "blocking")]
use std::time::Instant;

use super::serial::{self, ConnectingPermit, Place, Remote};

/// The places of a dial in the queues of the addresses that it would connect to.
#[derive(Debug, Default)]
pub(crate) struct Turns(Vec<Place>);

impl Turns {
    /// The permit for an address, if it is this dial's turn. Otherwise it has a place in
    /// the queue from now on.
    pub(super) fn take(&mut self, address: SocketAddr) -> Option<ConnectingPermit> {
        let remote = Remote::Address(address);
        let place = match self.0.iter().position(|place| *place.remote() == remote) {
            Some(index) => self.0.swap_remove(index),
            None => Place::join(remote),
        };
        place.into_permit().map_err(|place| self.0.push(place)).ok()
    }

    /// Gives all places up, and the turns that have come.
    pub(super) fn leave(&mut self) {
        self.0.clear();
    }

    /// Waits until one of the turns has come.
    #[cfg(feature = "tokio")]
    pub(crate) fn poll_any(&self, cx: &mut Context<'_>) -> Poll<()> {
        serial::poll_any(&self.0, cx)
    }

    /// As `poll_any`, for a thread; `false` once `deadline` has passed.
    #[cfg(feature = "blocking")]
    pub(super) fn wait_for_any(&self, deadline: Instant) -> bool {
        serial::wait_for_any(&self.0, deadline)
    }
}
