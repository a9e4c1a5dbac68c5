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
//! - [`Deflater`]: compresses whole messages.
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
//! | compressor | 15 | 8 | 380,032 |
//! | compressor (default) | 15 | 5 | 279,680 |
//! | compressor | 12 | 5 | 164,992 |
//! | compressor | 11 | 4 | 149,632 |
//! | compressor | 9 | 1 | 137,216 |
//! | decompressor | any | – | 47,552 |
//!
//! 128 KiB of every compressor is the engine's hash table, whose size is fixed,
//! so window bits below 11 save little. The decompressor has room for the
//! largest window whatever was negotiated.
//!
//! States are taken when they are first needed, so a connection that has
//! compressed nothing holds no compressor and one that has received nothing
//! compressed holds no decompressor. With context takeover a state then stays
//! with its connection; [`DeflateOptions::release_idle`] returns the compressor to
//! the pool when the connection is idle, at the price of the history. Without context takeover a state is borrowed for
//! the duration of one message, and an idle connection holds none.
//!
//! # Speed
//!
//! Medians for 4,000 JSON messages of 200 bytes, in microseconds on one core
//! of a Zen 4 at 3.7 GHz:
//!
//! | setup | ratio | deflate | inflate |
//! |---|---|---|---|
//! | level 1, takeover (default of clients) | 0.21 | 0.38 | 0.26 |
//! | level 1, takeover, window bits 12 | 0.22 | 0.38 | 0.26 |
//! | level 6, takeover | 0.17 | 4.4 | 0.30 |
//! | level 1, no takeover | 0.55 | 2.4 | 0.44 |
//!
//! Without context takeover the engine clears its hash table for each message,
//! which costs 2 µs whatever the message's length, and short messages shrink
//! little: recorded trades and book changes of 170 bytes come to 0.82 of their
//! size without a history and to 0.26 with one.
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
