//! WebSocket (RFC 6455) with permessage-deflate (RFC 7692), for feeds where the
//! slowest message in a thousand counts.
//!
//! A client:
//!
//! ```no_run
//! # #[cfg(feature = "blocking")]
//! # fn main() -> Result<(), wirespeed::WebSocketError> {
//! use wirespeed::{WebSocketClient, WebSocketMessage};
//!
//! let ws = WebSocketClient::new()
//!     .websocket("wss://example.com/ws")
//!     .subprotocol("book.v2")
//!     .connect()?;
//!
//! ws.send(r#"{"op":"subscribe","channel":"book"}"#)?;
//! for message in ws.messages() {
//!     match message? {
//!         WebSocketMessage::Text(text) => println!("{text}"),
//!         WebSocketMessage::Close(code, reason) => println!("closed: {code} {reason}"),
//!         _ => {} // pings are answered already
//!     }
//! }
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "blocking"))]
//! # fn main() {}
//! ```
//!
//! A server that sends back what it receives, on a thread for each connection:
//!
//! ```no_run
//! # #[cfg(feature = "blocking")]
//! # fn main() -> Result<(), wirespeed::WebSocketError> {
//! use wirespeed::WebSocketListener;
//!
//! WebSocketListener::bind("127.0.0.1:9001")?.serve(|ws| {
//!     for message in ws.messages() {
//!         ws.send(message?)?;
//!     }
//!     Ok(())
//! })
//! # }
//! # #[cfg(not(feature = "blocking"))]
//! # fn main() {}
//! ```
//!
//! # Drivers
//!
//! What moves the bytes and keeps the time; the protocol under all of them is one.
//!
//! - [`blocking`]: a thread waits, as above.
//! - [`tokio`]: a task waits. The same builders connect (`connect_async`) and accept
//!   (`accept_async`), a connection is a `Stream` and a `Sink`, and any future may be
//!   dropped at any point without a loss.
//! - none: [`protocol::Connection`] takes bytes and times and gives messages, bytes and
//!   deadlines, for a driver of your own.
//!
//! On tokio:
//!
//! ```no_run
//! # #[cfg(feature = "tokio")]
//! # async fn follow() -> Result<(), wirespeed::WebSocketError> {
//! use wirespeed::WebSocketClient;
//!
//! let client = WebSocketClient::new();
//! let mut ws = client.websocket("wss://example.com/ws").connect_async().await?;
//! ws.send(r#"{"op":"subscribe","channel":"book"}"#).await?;
//! while let Some(message) = ws.receive_ref().await? {
//!     if let Some(text) = message.as_text() {
//!         println!("{text}");
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Three ways to take a message
//!
//! | way | type | cost |
//! |---|---|---|
//! | borrowed | [`MessageRef`] over the read buffer | no allocation, copy or reference count |
//! | owned | [`WebSocketMessage`] split off the read buffer | a reference count |
//! | streamed | [`MessageChunk`](protocol::MessageChunk)s as bytes arrive | memory bounded by the read buffer |
//!
//! All messages of one read are handed out before the next. A message that lies
//! whole in one read is never copied; one that does not is put together as it
//! arrives, unmasked and checked on the way, in memory that grows with what has
//! arrived and never with what was announced.
//!
//! # The storeys of the house
//!
//! Each uses those below it.
//!
//! | storey | modules | what they do |
//! |---|---|---|
//! | drivers | [`blocking`], [`tokio`] | move bytes and keep time |
//! | way in | [`net`], [`handshake`] | URLs, dialling, TLS, proxies; the HTTP upgrade |
//! | protocol | [`protocol`] | the connection, sans-IO |
//! | wire | [`frame`], [`message`], [`buffer`], [`deflate`] | frames, messages, memory, compression |
//! | kernels | [`simd`] | masking and UTF-8 |
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `blocking` | yes | client and server over blocking streams |
//! | `tokio` | no | client and server over tokio's streams, fan-out |
//! | `hyper`, `axum`, `tower` | no | upgrades of hyper's connections, an extractor for axum, a service |
//! | `ring`, `aws-lc-rs` | `ring` | TLS through rustls, by the crypto provider |
//! | `webpki-roots`, `native-roots` | `webpki-roots` | what TLS trusts |
//! | `deflate` | no | permessage-deflate |
//! | `cli` | no | the tool `wirespeed` |
//!
//! None changes how another behaves. With none of them the sans-IO core is left.
//!
//! # Limits
//!
//! Everything a peer can make us spend has a limit, with a default, an error of its own
//! and, where the peer is to be told, a close code: see [`Limits`].
//!
#![cfg_attr(feature = "blocking", doc = "[`blocking`]: crate::blocking")]
#![cfg_attr(not(feature = "blocking"), doc = "[`blocking`]: #features")]
#![cfg_attr(feature = "deflate", doc = "[`deflate`]: crate::deflate")]
#![cfg_attr(not(feature = "deflate"), doc = "[`deflate`]: #features")]
#![cfg_attr(feature = "tokio", doc = "[`tokio`]: crate::tokio")]
#![cfg_attr(not(feature = "tokio"), doc = "[`tokio`]: #features")]
#![deny(unsafe_code)]
// What drivers share is not all used where there is none of them.
#![cfg_attr(
    all(feature = "driver", not(any(feature = "blocking", feature = "tokio"))),
    allow(dead_code, unused_imports)
)]
// Where the documentation is published, items say which feature they need.
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "blocking")]
pub mod blocking;
#[allow(unsafe_code)] // initialised memory that the compiler cannot know to be so
pub mod buffer;
#[cfg(feature = "driver")]
mod client;
#[cfg(feature = "deflate")]
pub mod deflate;
mod error;
pub mod frame;
pub mod handshake;
mod limits;
pub mod message;
pub mod net;
mod options;
pub mod protocol;
#[allow(unsafe_code)] // vector loads and stores; see the module's own rules
pub mod simd;
#[cfg(feature = "tokio")]
pub mod tokio;

#[cfg(feature = "blocking")]
pub use blocking::{
    MessageIterator, WebSocketConnection, WebSocketListener, WebSocketReader, WebSocketTask,
    WebSocketWriter,
};
pub use buffer::BufferPool;
#[cfg(feature = "driver")]
pub use client::{WebSocketBuilder, WebSocketClient};
pub use error::{TimedOut, WebSocketError};
pub use frame::{CloseCode, FrameHeader, Opcode, Role, WebSocketFrame};
#[cfg(feature = "driver")]
pub use handshake::WebSocketUpgrade;
pub use handshake::{compute_accept_key, generate_websocket_key};
pub use limits::{Limit, LimitExceeded, Limits};
pub use message::{MessageRef, PreparedMessage, WebSocketMessage};
pub use net::WebSocketUrl;
pub use options::{MaskSource, WebSocketOptions};
pub use protocol::{Compress, WebSocketState};
pub use simd::{Utf8Bytes, apply_mask};

/// The name that an HTTP client of the same manners goes by.
#[cfg(feature = "driver")]
pub type SimpleHttpClient = WebSocketClient;

/// The README's code, so that it compiles.
#[cfg(all(doctest, feature = "blocking"))]
#[doc = include_str!("../README.md")]
struct Readme;
