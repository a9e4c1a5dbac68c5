//! From a host name to a TCP connection: every address is tried, a slow one
//! delays nobody (RFC 8305, "happy eyeballs").

#[cfg(feature = "blocking")]
mod connect;
#[cfg(feature = "driver")]
mod options;
mod race;
#[cfg(feature = "driver")]
mod resolve;
#[cfg(feature = "driver")]
mod serial;
#[cfg(feature = "driver")]
mod start;
#[cfg(feature = "driver")]
mod turns;

#[cfg(feature = "blocking")]
pub(super) use connect::{Dialled, dial};
#[cfg(feature = "driver")]
pub use options::{ConfigureSocket, DialOptions};
pub use race::{Attempt, Race, RaceStep, interleave};
#[cfg(feature = "blocking")]
pub(super) use resolve::resolve;
#[cfg(feature = "driver")]
pub use resolve::{Resolver, SystemResolver};
#[cfg(feature = "driver")]
pub use serial::ConnectingPermit;
#[cfg(feature = "driver")]
pub(crate) use serial::Remote;
#[cfg(feature = "driver")]
pub(crate) use start::{Started, start_due};
#[cfg(feature = "driver")]
pub(crate) use turns::Turns;
