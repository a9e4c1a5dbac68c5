//! What a connection can be told, whatever drives it.

use std::time::Duration;

use crate::{buffer::BufferPool, limits::Limits};

/// The options of one connection.
///
/// ```
/// let mut options = wirespeed::WebSocketOptions::client();
/// options.limits.message = 64 << 20;
/// options.auto_pong = false; // the caller counts what it sends
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WebSocketOptions {
    /// What the peer may make us spend.
    pub limits: Limits,
    /// Whether pings are answered by the connection itself; on. A caller that
    /// turns this off owes the peer its pongs (RFC 6455, 5.5.2).
    pub auto_pong: bool,
    /// Where a client's masking keys come from.
    pub mask_source: MaskSource,
    /// The pool that read and write buffers come from.
    pub pool: BufferPool,
    /// How long a receive that has to wait goes on asking for bytes before it lets the
    /// thread sleep; 0, which is not at all, by default.
    ///
    /// To be woken takes a thread microseconds, and tens of them where its core has
    /// gone to sleep as well. What this saves of that it costs in processor time: it is
    /// for few connections, on a core of their own, whose next message is most often
    /// less than this away.
    ///
    /// The blocking driver asks the socket. On tokio the task is polled again and again,
    /// after all others that are ready, and the runtime looks for events in between.
    pub spin: Duration,
    /// The compression to offer, or to accept, in the opening handshake (RFC
    /// 7692); none by default.
    #[cfg(feature = "deflate")]
    pub deflate: Option<crate::deflate::DeflateOptions>,
    /// The pool that compressors and decompressors come from.
    #[cfg(feature = "deflate")]
    pub deflate_pool: crate::deflate::DeflatePool,
}

impl WebSocketOptions {
    /// The defaults of a client.
    pub fn client() -> Self {
        Self::with_limits(Limits::client())
    }

    /// The defaults of a server.
    pub fn server() -> Self {
        Self::with_limits(Limits::server())
    }

    fn with_limits(limits: Limits) -> Self {
        Self {
            limits,
            auto_pong: true,
            mask_source: MaskSource::default(),
            pool: BufferPool::shared(),
            spin: Duration::ZERO,
            #[cfg(feature = "deflate")]
            deflate: None,
            #[cfg(feature = "deflate")]
            deflate_pool: crate::deflate::DeflatePool::default(),
        }
    }
}

/// Where masking keys come from (RFC 6455, 5.3 and 10.3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MaskSource {
    /// A ChaCha generator seeded by the system: unpredictable, as the RFC
    /// demands, for about 2 ns a frame.
    #[default]
    Strong,
    /// A small fast generator whose keys can be predicted. Only where nothing
    /// between the two ends can be misled by chosen bytes, such as over TLS.
    Fast,
}
