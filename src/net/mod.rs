//! URLs, and with them the way from a URL to a connected byte stream.
//!
//! `Connector` walks it: name resolution, a race between the addresses
//! ([`dial`]), a tunnel through a proxy ([`proxy`]), TLS (`tls`). What it
//! arrives at is a `Stream`. The decisions along the way are
//! made by parts that perform no I/O, for other drivers to use.

use std::time::{Duration, Instant};

#[cfg(feature = "driver")]
mod connector;
pub mod dial;
#[cfg(feature = "driver")]
mod error;
pub mod proxy;
#[cfg(feature = "blocking")]
pub mod stream;
#[cfg(feature = "tls")]
pub mod tls;
mod url;

#[cfg(feature = "blocking")]
pub use connector::Connected;
#[cfg(feature = "tokio")]
pub(crate) use connector::TlsPeer;
#[cfg(feature = "driver")]
pub use connector::{Connector, ProxyChoice};
#[cfg(feature = "driver")]
pub use error::{Error, Phase};
pub use url::{UrlError, WebSocketUrl};

/// `wait` behind `now`; one too long to be added is as good as a day.
fn after(now: Instant, wait: Duration) -> Instant {
    now.checked_add(wait).unwrap_or(now + A_DAY)
}

const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);
