//! permessage-deflate, [RFC 7692]: negotiation and codec, without I/O
//! (storey 1, feature `deflate`).
//!
//! # The parts
//!
//! - [`DeflateOptions`]: what the user wants. Nothing is compressed, offered
//!   or accepted unless a set of options is given.
//! - [`offers`], [`accept_response`] (client) and [`choose`] (server):
//!   negotiation as pure functions over the parameters of an extension header,
//!   whose outcome is a [`DeflateParams`].
//! - [`Deflater`]: compresses whole messages, by a compressor of our own at level 1
//!   and by zlib-rs at the others.
//! - [`Inflater`]: inflates a message piece by piece, by a decompressor of our own,
//!   into buffers that the caller bounds, and [`RatioGuard`], which notices a bomb on
//!   the way.
//! - [`DeflatePool`]: the compressor and decompressor states that connections
//!   share wherever they keep no history.
//!
//! # Memory
//!
//! Measured through a counting allocator, in bytes of heap:
//!
//! | state | window bits | memory level | bytes |
//! |---|---|---|---|
//! | compressor, level 1 (default) | 15 | any | 98,312 |
//! | compressor, level 1 | 12 | any | 16,392 |
//! | compressor, level 1 | 9 | any | 2,056 |
//! | compressor, level 2 to 9 | 15 | 8 | 380,032 |
//! | compressor, level 2 to 9 | 15 | 5 | 279,680 |
//! | compressor, level 2 to 9 | 12 | 5 | 164,992 |
//! | compressor, level 2 to 9 | 9 | 1 | 137,216 |
//! | decompressor | any | – | 39,914 |
//!
//! Level 1 is a compressor of our own; the others are zlib-rs's, whose hash table
//! has 128 KiB whatever the window. The decompressor, of our own as well, has room
//! for the largest window whatever was negotiated.
//!
//! States are taken when they are first needed, so a connection that has
//! compressed nothing holds no compressor and one that has received nothing
//! compressed holds no decompressor. With context takeover a state then stays
//! with its connection. Without context takeover a state is borrowed for the
//! duration of one message, and an idle connection holds none.
//!
//! So an idle connection costs, at level 1 with a window of 32 KiB:
//!
//! | context takeover | bytes |
//! |---|---|
//! | both ways | 138,226 |
//! | both ways, [`release_idle`](DeflateOptions::release_idle) | 39,914 |
//! | in what it sends | 98,312 |
//! | in what it sends, `release_idle` | 0 |
//! | in what it receives | 39,914 |
//! | neither | 0 |
//!
//! `release_idle` returns the compressor to the pool when the connection is idle, at
//! the price of the history. A decompressor has to stay: the peer may refer to its
//! earlier messages at any time.
//!
//! # Speed
//!
//! The project's `perf-reports` have the times. Levels above 1 take some ten times as
//! long to deflate messages of 200 bytes and come to a tenth less.
//!
//! Level 1 forgets by moving a mark; the other levels clear 128 KiB of hash table
//! for each message without context takeover. Short messages shrink little without a
//! history whatever the level: recorded messages of seven market-data feeds, 237
//! bytes on average, come to 0.68 of their size without one and to 0.27 with one, at
//! level 1.
//!
//! # Secrets
//!
//! The size of a compressed message tells something about its content. Where
//! an attacker can have text of his choice compressed in one message, or in one
//! context, with a secret, he can guess the secret from the sizes (CRIME,
//! BREACH). Send such messages uncompressed: any message may be.
//!
//! [RFC 7692]: https://www.rfc-editor.org/rfc/rfc7692

mod compress;
mod decoder;
mod estimate;
mod fast;
mod inflate;
mod negotiate;
mod options;
mod parameters;
mod pool;
mod ratio;
mod totals;

pub use compress::{Compression, DeflateError, Deflater};
pub use inflate::{InflateError, InflateStatus, Inflater, Progress};
pub use negotiate::{DeflateOffer, DeflateParams, accept_response, choose, offers};
pub use options::DeflateOptions;
pub use parameters::{EXTENSION_NAME, NegotiationError};
pub use pool::DeflatePool;
pub(crate) use pool::Setup;
pub use ratio::{RatioExceeded, RatioGuard, RatioLimit};
pub use totals::DeflateTotals;
