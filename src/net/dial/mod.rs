//! From a host name to a TCP connection: every address is tried, a slow one
//! delays nobody (RFC 8305, "happy eyeballs").

#[cfg(feature = "blocking")]
mod connect;
#[cfg(feature = "blocking")]
mod options;
mod race;
#[cfg(feature = "blocking")]
mod resolve;
#[cfg(feature = "blocking")]
mod serial;

#[cfg(feature = "blocking")]
pub(super) use connect::{Dialled, dial};
#[cfg(feature = "blocking")]
pub use options::{ConfigureSocket, DialOptions};
pub use race::{Attempt, Race, RaceStep, interleave};
#[cfg(feature = "blocking")]
pub(super) use resolve::resolve;
#[cfg(feature = "blocking")]
pub use resolve::{Resolver, SystemResolver};
#[cfg(feature = "blocking")]
pub use serial::ConnectingPermit;
#[cfg(feature = "blocking")]
pub(super) use serial::Remote;
