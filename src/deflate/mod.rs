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
//! - [`Inflater`]: inflates a message piece by piece into buffers that the
//!   caller bounds, and [`RatioGuard`], which notices a bomb on the way.
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
//! | decompressor | any | – | 47,552 |
//!
//! Level 1 is a compressor of our own; the others are zlib-rs's, whose hash table
//! has 128 KiB whatever the window. The decompressor has room for the largest
//! window whatever was negotiated.
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
//! | both ways | 145,864 |
//! | both ways, [`release_idle`](DeflateOptions::release_idle) | 47,552 |
//! | in what it sends | 98,312 |
//! | in what it sends, `release_idle` | 0 |
//! | in what it receives | 47,552 |
//! | neither | 0 |
//!
//! `release_idle` returns the compressor to the pool when the connection is idle, at
//! the price of the history. A decompressor has to stay: the peer may refer to its
//! earlier messages at any time.
//!
//! # Speed
//!
//! Medians for 4,000 JSON messages of 200 bytes, in microseconds on one core
//! of a Zen 4 at 3.7 GHz:
//!
//! | setup | ratio | deflate | inflate |
//! |---|---|---|---|
//! | level 1, takeover (default of clients) | 0.27 | 0.32 | 0.27 |
//! | level 1, takeover, window bits 12 | 0.29 | 0.28 | 0.26 |
//! | level 6, takeover | 0.24 | 4.7 | 0.30 |
//! | level 1, no takeover | 0.55 | 0.45 | 0.40 |
//! | level 6, no takeover | 0.51 | 6.2 | 1.4 |
//!
//! Level 1 forgets by moving a mark; the other levels clear 128 KiB of hash table
//! for each message without context takeover. Short messages shrink little without a
//! history whatever the level: recorded messages of seven market-data feeds, 237
//! bytes on average, come to 0.66 of their size without one and to 0.27 with one.
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
