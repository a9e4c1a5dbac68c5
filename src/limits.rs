//! What a peer may make us spend.

use std::{fmt, time::Duration};

/// The limits of one connection.
///
/// Start from [`Limits::client`] or [`Limits::server`] and change what differs:
///
/// ```
/// let mut limits = wirespeed::Limits::server();
/// limits.message = 64 << 10;
/// ```
///
/// A peer that exceeds a limit fails the connection with [`LimitExceeded`] or a timeout
/// of its own, and with the close code, where one is given below. What would exceed
/// [`write_queue`](Self::write_queue) is refused, and the connection goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// A message after inflating, in bytes; 16 MiB for a client, 1 MiB for a
    /// server. Close code 1009.
    pub message: u64,
    /// One frame's payload, in bytes, where it is to be less than a whole message may be:
    /// no frame may be longer than [`message`](Self::message) in any case. No limit of its
    /// own by default. Close code 1009.
    pub frame: u64,
    /// Inflated bytes for each deflated one, once a message is past 64 KiB;
    /// 200. Close code 1009.
    ///
    /// The messages of seven recorded market-data feeds come to 50 at most, and those
    /// past 64 KiB to 11; but large messages that repeat one line pass 200 (a mebibyte
    /// of it comes to 257), and runs of one byte reach 1,032, the most that DEFLATE can
    /// do. Where a peer sends such messages, raise the limit;
    /// with 1,032 or more, [`message`](Self::message) alone bounds what is inflated.
    /// What this library compresses at level 1 stays below 160.
    pub inflate_ratio: u32,
    /// Fragments of one message; 65,536 for a client, 4,096 for a server.
    /// Close code 1008.
    pub fragments: u32,
    /// Empty fragments of one message; 64. Close code 1008.
    pub empty_fragments: u32,
    /// Control frames a second, as a long-term rate; 100. Close code 1008.
    pub control_rate: u32,
    /// Control frames that may come at once; 200. Close code 1008.
    pub control_burst: u32,
    /// Bytes waiting to be sent; 16 MiB for a client, 1 MiB for a server. A
    /// write that would exceed it is refused, unless nothing waits: one message
    /// may be larger than the queue.
    pub write_queue: usize,
    /// How long bytes may wait until [`write_progress`](Self::write_progress) of them
    /// are taken; 10 s. What the transport holds back, as TLS may do with up to 64 KiB,
    /// has as long for each [`write_progress`](Self::write_progress) of it, or each 2,400
    /// bytes if that is less.
    ///
    /// A system may tell of room in a socket only when much of its buffer is free, as Linux
    /// does with a third. Drivers that wait to be told, as tokio's, do not see before that
    /// that the peer takes something; a smaller `SO_SNDBUF` makes smaller steps.
    pub write_stall: Duration,
    /// Bytes that the peer has to take in [`write_stall`](Self::write_stall), unless
    /// that is all that waits; 2,400, which is 240 a second. With 1, any progress will
    /// do.
    pub write_progress: usize,
    /// How long a message may take to arrive, from its first header to its last byte;
    /// 2 minutes for a server, for ever for a client. Close code 1008. To be raised
    /// with [`message`](Self::message), and for messages that are sent as they are
    /// produced. What the receiver's own work takes between two pieces counts, too.
    pub message_timeout: Option<Duration>,
    /// Silence of the peer after which it is pinged; 30 s for a server, never
    /// for a client.
    pub idle_ping: Option<Duration>,
    /// Silence of the peer after which it is given up; 60 s for a server,
    /// never for a client. Close code 1008.
    pub idle_timeout: Option<Duration>,
    /// How long the peer may take to answer a close frame, or to close the
    /// transport after it; 5 s.
    pub close_timeout: Duration,
    /// How long the opening handshake may take; 10 s. A server that listens by itself
    /// counts TLS in; a client's TLS belongs to the dialling.
    pub handshake_timeout: Duration,
    /// The head of the opening handshake, in bytes; 16 KiB for a client's
    /// response, 8 KiB for a server's request.
    pub handshake_head: usize,
    /// Headers of the opening handshake; 128 for a client, 64 for a server.
    pub handshake_headers: usize,
}

impl Limits {
    pub(crate) const DEFAULT_WRITE_PROGRESS: usize = 2_400;

    /// The defaults of a client: room for a venue's largest snapshot.
    pub const fn client() -> Self {
        Self {
            message: 16 << 20,
            frame: u64::MAX,
            inflate_ratio: 200,
            fragments: 65_536,
            empty_fragments: 64,
            control_rate: 100,
            control_burst: 200,
            write_queue: 16 << 20,
            write_stall: Duration::from_secs(10),
            write_progress: Self::DEFAULT_WRITE_PROGRESS,
            message_timeout: None,
            idle_ping: None,
            idle_timeout: None,
            close_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(10),
            handshake_head: 16 << 10,
            handshake_headers: 128,
        }
    }

    /// The defaults of a server: one client cannot fill it.
    pub const fn server() -> Self {
        Self {
            message: 1 << 20,
            fragments: 4_096,
            write_queue: 1 << 20,
            message_timeout: Some(Duration::from_secs(120)),
            idle_ping: Some(Duration::from_secs(30)),
            idle_timeout: Some(Duration::from_secs(60)),
            handshake_head: 8 << 10,
            handshake_headers: 64,
            ..Self::client()
        }
    }
}

/// A limit that can be exceeded by quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::message`].
    Message,
    /// [`Limits::frame`].
    Frame,
    /// [`Limits::inflate_ratio`].
    InflateRatio,
    /// [`Limits::fragments`].
    Fragments,
    /// [`Limits::empty_fragments`].
    EmptyFragments,
    /// [`Limits::control_rate`] and [`Limits::control_burst`].
    ControlFrames,
    /// [`Limits::write_queue`].
    WriteQueue,
    /// [`Limits::handshake_head`].
    HandshakeHead,
    /// [`Limits::handshake_headers`].
    HandshakeHeaders,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Message => "message size in bytes",
            Self::Frame => "frame size in bytes",
            Self::InflateRatio => "inflated bytes for each deflated one (Limits::inflate_ratio)",
            Self::Fragments => "fragments in a message",
            Self::EmptyFragments => "empty fragments in a message",
            Self::ControlFrames => "control frames at once",
            Self::WriteQueue => "bytes waiting to be sent",
            Self::HandshakeHead => "handshake head in bytes",
            Self::HandshakeHeaders => "handshake headers",
        })
    }
}

/// Which limit was exceeded, and by how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("limit exceeded: {limit} is {actual}, at most {allowed} are allowed")]
pub struct LimitExceeded {
    /// The limit.
    pub limit: Limit,
    /// What it allows.
    pub allowed: u64,
    /// What was met; at least this much, where the rest was not waited for.
    pub actual: u64,
}
