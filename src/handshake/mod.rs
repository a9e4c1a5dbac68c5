//! The opening handshake: the HTTP/1.1 upgrade of RFC 6455, section 4, for
//! both roles, sans-IO (storey 3).
//!
//! Bytes and values go in, bytes and values come out. Nothing here holds a
//! socket or looks at a clock: the driver moves the bytes and ends a handshake
//! that takes too long.
//!
//! - [`client`]: [`ClientRequest`] is turned into the bytes to send;
//!   [`ClientHandshake`] takes the response, in whatever pieces it arrives, and
//!   judges it.
//! - [`server`]: [`ServerHandshake`] takes the request, in whatever pieces it
//!   arrives; [`accept`] judges it under a [`ServerPolicy`] and makes the
//!   response. The request may as well come from another HTTP server.
//! - [`extension`]: `Sec-WebSocket-Extensions`, parsed and written.
//! - [`key`]: the proof that the server understood the request.
//!
//! ```
//! use wirespeed::handshake::{
//!     ClientHandshake, ClientRequest, HeadLimits, ServerHandshake, ServerPolicy, accept,
//! };
//!
//! let request = ClientRequest::new("example.com", "/feed?depth=20").subprotocol("book.v2");
//! let mut client = ClientHandshake::new(request, HeadLimits::CLIENT)?;
//!
//! let mut server = ServerHandshake::new(HeadLimits::SERVER);
//! let incoming = server.receive(client.request())?.expect("the request is whole");
//! let policy = ServerPolicy::new().subprotocols(["book.v2", "book.v1"]);
//! let accepted = accept(&incoming.request, &policy)?;
//!
//! let upgraded = client.receive(&accepted.to_bytes())?.expect("the response is whole");
//! assert_eq!(upgraded.subprotocol.as_deref(), Some("book.v2"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod authority;
pub mod client;
mod error;
pub mod extension;
mod field;
mod grammar;
mod head;
pub mod key;
#[cfg(all(feature = "deflate", feature = "driver"))]
mod negotiate;
#[cfg(feature = "driver")]
mod opening;
pub mod server;
#[cfg(feature = "driver")]
mod setup;
#[cfg(feature = "driver")]
mod upgrade;

pub use client::{ClientHandshake, ClientRequest, ClientUpgrade, RequestError};
pub use error::{HandshakeError, UpgradeFailure};
pub use extension::{Extension, ExtensionError, ExtensionParam};
pub use field::FieldError;
pub use head::{HeadError, HeadLimits, HeadSyntaxError};
pub use key::{compute_accept_key, generate_websocket_key};
#[cfg(feature = "driver")]
pub(crate) use opening::{Opened, Opening};
pub use server::{
    Acceptance, IncomingRequest, Origin, OriginPolicy, Refusal, RefusalReason, ServerHandshake,
    ServerPolicy, accept, accept_with_extensions, is_upgrade_request,
};
#[cfg(feature = "driver")]
pub(crate) use setup::Setup;
#[cfg(feature = "hyper")]
pub(crate) use upgrade::Accepted;
#[cfg(feature = "driver")]
pub use upgrade::WebSocketUpgrade;
