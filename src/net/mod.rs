//! URLs, and with them the way from a URL to a connected byte stream.

mod url;

pub use url::{UrlError, WebSocketUrl};
