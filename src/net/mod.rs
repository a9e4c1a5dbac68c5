//! URLs, and with them the way from a URL to a connected byte stream.

#[cfg(feature = "blocking")]
pub mod stream;
#[cfg(feature = "tls")]
pub mod tls;
mod url;

pub use url::{UrlError, WebSocketUrl};
