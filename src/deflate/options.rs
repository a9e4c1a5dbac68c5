//! What the user wants of permessage-deflate.

use std::ops::RangeInclusive;

/// The window sizes that our compressor can use, as exponents of two. The RFC
/// knows 8 as well, which no zlib can produce in a raw stream.
pub(super) const COMPRESSOR_WINDOW_BITS: RangeInclusive<u8> = 9..=15;

const LEVELS: RangeInclusive<u8> = 1..=9;
const MEMORY_LEVELS: RangeInclusive<u8> = 1..=9;

/// How a connection compresses, and what it asks of its peer.
///
/// [`for_client`](Self::for_client) and [`for_server`](Self::for_server) are
/// the two sets of defaults. A number outside its range is brought to the
/// nearest end of it.
///
/// # Example
///
/// ```
/// use wirespeed::deflate::{DeflateOptions, offers};
///
/// // A small compressor, told to the server so that it may save memory too.
/// let options = DeflateOptions::for_client()
///     .window_bits(12)
///     .client_max_window_bits(12);
/// assert_eq!(
///     offers(&options)[0].to_string(),
///     "permessage-deflate; client_max_window_bits=12"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeflateOptions {
    pub(super) level: u8,
    pub(super) memory_level: u8,
    pub(super) window_bits: u8,
    pub(super) threshold: usize,
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    pub(super) server_max_window_bits: Option<u8>,
    pub(super) client_max_window_bits: Option<u8>,
    pub(super) fallback_offer: bool,
    pub(super) release_idle: bool,
}

impl DeflateOptions {
    /// The best ratio at the best speed for one connection or a few: level 1,
    /// a 32 KiB window, context takeover both ways, messages from 64 bytes up,
    /// and an offer without any parameter.
    pub const fn for_client() -> Self {
        Self {
            level: 1,
            memory_level: 5,
            window_bits: 15,
            threshold: 64,
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: None,
            client_max_window_bits: None,
            fallback_offer: false,
            release_idle: false,
        }
    }

    /// No memory for idle connections: as [`for_client`](Self::for_client),
    /// but without context takeover either way and for messages from 512
    /// bytes up, since shorter ones gain little without a history.
    pub const fn for_server() -> Self {
        Self {
            threshold: 512,
            server_no_context_takeover: true,
            client_no_context_takeover: true,
            ..Self::for_client()
        }
    }

    /// Compression level, 1 (fastest) to 9 (smallest). Level 1 is ten times as fast as
    /// level 6, and much smaller in memory: see the [module](super).
    #[must_use]
    pub fn level(mut self, level: u8) -> Self {
        self.level = clamp(level, LEVELS);
        self
    }

    /// Memory level of our compressor, 1 to 9: the buffers beside the window,
    /// 7 × 2^(level + 6) bytes. Compression level 1 has none; at the others it makes
    /// no difference above 5 for messages of ordinary length.
    #[must_use]
    pub fn memory_level(mut self, level: u8) -> Self {
        self.memory_level = clamp(level, MEMORY_LEVELS);
        self
    }

    /// Window of our own compressor, 2^9 to 2^15 bytes. It needs no
    /// negotiation: a sender may always use less than it is allowed. What is
    /// negotiated can make it smaller.
    #[must_use]
    pub fn window_bits(mut self, bits: u8) -> Self {
        self.window_bits = clamp(bits, COMPRESSOR_WINDOW_BITS);
        self
    }

    /// Messages shorter than this many bytes are sent plain.
    #[must_use]
    pub fn threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// Whether the server must forget its history after each message
    /// (RFC 7692, 7.1.1.1). A client asks for it; a server imposes it on
    /// itself.
    #[must_use]
    pub fn server_no_context_takeover(mut self, yes: bool) -> Self {
        self.server_no_context_takeover = yes;
        self
    }

    /// Whether the client must forget its history after each message
    /// (RFC 7692, 7.1.1.2). A client announces it; a server demands it.
    #[must_use]
    pub fn client_no_context_takeover(mut self, yes: bool) -> Self {
        self.client_no_context_takeover = yes;
        self
    }

    /// Limit of the server's window, 2^9 to 2^15 bytes (RFC 7692, 7.1.2.1). A
    /// client asks for it; a server keeps to it and says so. `None`, the
    /// default, leaves the parameter out: some gateways fail on it.
    #[must_use]
    pub fn server_max_window_bits(mut self, bits: impl Into<Option<u8>>) -> Self {
        self.server_max_window_bits = bits.into().map(|bits| clamp(bits, COMPRESSOR_WINDOW_BITS));
        self
    }

    /// Limit of the client's window, 2^9 to 2^15 bytes (RFC 7692, 7.1.2.2). A
    /// client keeps to it, and by saying so lets the server set a lower one
    /// (15 is offered without a value); a server sets it for clients that
    /// offer the parameter. `None`, the default, leaves the parameter out.
    #[must_use]
    pub fn client_max_window_bits(mut self, bits: impl Into<Option<u8>>) -> Self {
        self.client_max_window_bits = bits.into().map(|bits| clamp(bits, COMPRESSOR_WINDOW_BITS));
        self
    }

    /// Whether a connection with context takeover gives its compressor back to
    /// the pool when it is idle, which costs the next messages their history; off.
    /// It needs no negotiation: only a receiver has to keep its history. Without
    /// takeover there is nothing to give back.
    ///
    /// A driver sees that a connection is idle while it waits to receive.
    #[must_use]
    pub fn release_idle(mut self, yes: bool) -> Self {
        self.release_idle = yes;
        self
    }

    /// Whether a client that asks something of the server makes a second offer
    /// that does not, for servers that would decline the first.
    #[must_use]
    pub fn fallback_offer(mut self, yes: bool) -> Self {
        self.fallback_offer = yes;
        self
    }
}

fn clamp(value: u8, range: RangeInclusive<u8>) -> u8 {
    value.clamp(*range.start(), *range.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_brought_into_range() {
        let low = DeflateOptions::for_client().level(0).memory_level(0).window_bits(8);
        assert_eq!((low.level, low.memory_level, low.window_bits), (1, 1, 9));
        let high = DeflateOptions::for_client()
            .level(99)
            .memory_level(99)
            .window_bits(99)
            .server_max_window_bits(16)
            .client_max_window_bits(0);
        assert_eq!((high.level, high.memory_level, high.window_bits), (9, 9, 15));
        assert_eq!(high.server_max_window_bits, Some(15));
        assert_eq!(high.client_max_window_bits, Some(9));
        assert_eq!(high.client_max_window_bits(None).client_max_window_bits, None);
    }
}
