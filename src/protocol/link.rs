//! What the receiving side tells the sending side.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use crate::frame::{CloseCode, MAX_CONTROL_PAYLOAD};

/// The one bounded slot between the two sides of a connection.
///
/// The data path reads the flags and nothing else; the lock is taken for control
/// frames only, and never held for longer than a copy of 125 bytes.
#[derive(Debug, Default)]
pub(super) struct Link {
    flags: AtomicU8,
    slot: Mutex<Slot>,
    /// The last round trip in nanoseconds; 0 before there is one.
    round_trip: AtomicU64,
}

/// The payload of a ping of our own.
pub(super) type PingPayload = [u8; 8];

/// What waits to be sent on behalf of the receiving side.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// The latest ping's answer (RFC 6455, 5.5.3: earlier ones need none).
    pub(super) pong: Option<ControlPayload>,
    /// The ping to ask the peer for a sign of life with.
    pub(super) ping: Option<PingPayload>,
    /// The code to close with: the peer's, or what it did wrong.
    pub(super) close: Option<CloseCode>,
}

/// Something in the slot.
const PENDING: u8 = 1;
/// The peer's close frame was received.
const CLOSE_RECEIVED: u8 = 2;
/// Our close frame was queued.
const CLOSE_SENT: u8 = 4;
/// The peer broke a rule; nothing it sends counts any more.
const FAILED: u8 = 8;
/// The transport's reading side has ended.
const ENDED: u8 = 16;

impl Link {
    pub(super) fn post_pong(&self, payload: &[u8]) {
        self.lock().pong = Some(ControlPayload::new(payload));
        self.set(PENDING);
    }

    pub(super) fn post_ping(&self, payload: PingPayload) {
        self.lock().ping = Some(payload);
        self.set(PENDING);
    }

    pub(super) fn post_close(&self, code: CloseCode) {
        self.lock().close = Some(code);
        self.set(CLOSE_RECEIVED | PENDING);
    }

    pub(super) fn post_failure(&self, code: CloseCode) {
        self.lock().close = Some(code);
        self.set(FAILED | PENDING);
    }

    pub(super) fn set_close_sent(&self) {
        self.set(CLOSE_SENT);
    }

    pub(super) fn set_ended(&self) {
        self.set(ENDED);
    }

    pub(super) fn set_round_trip(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.round_trip.store(nanos.max(1), Ordering::Relaxed);
    }

    pub(super) fn round_trip(&self) -> Option<Duration> {
        let nanos = self.round_trip.load(Ordering::Relaxed);
        (nanos > 0).then(|| Duration::from_nanos(nanos))
    }

    /// Something waits in the slot, and may still be sent.
    #[inline]
    pub(super) fn has_pending(&self) -> bool {
        self.flags.load(Ordering::Acquire) & (PENDING | CLOSE_SENT) == PENDING
    }

    pub(super) fn close_received(&self) -> bool {
        self.has(CLOSE_RECEIVED)
    }

    #[inline]
    pub(super) fn close_sent(&self) -> bool {
        self.has(CLOSE_SENT)
    }

    pub(super) fn failed(&self) -> bool {
        self.has(FAILED)
    }

    pub(super) fn ended(&self) -> bool {
        self.has(ENDED)
    }

    /// Whether a message would reach nobody.
    pub(super) fn refuses_messages(&self) -> bool {
        self.has(CLOSE_SENT | ENDED)
    }

    /// Whether nothing has to be done before a message, which may be sent: what
    /// [`has_pending`](Self::has_pending) and
    /// [`refuses_messages`](Self::refuses_messages) would say, in one look.
    #[inline]
    pub(super) fn is_clear(&self) -> bool {
        !self.has(PENDING | CLOSE_SENT | ENDED)
    }

    /// Empties the slot, if it holds a close code or if there is `room` for a pong
    /// or a ping. In front of a close frame a pong needs no room, for it is the last:
    /// its ping came before the peer's close frame (RFC 6455, 5.5.2). A ping of our
    /// own is of no use there.
    pub(super) fn take(&self, room: bool) -> Slot {
        let mut slot = self.lock();
        if !room && slot.close.is_none() {
            return Slot::default();
        }
        // Under the lock: whoever posts after this sets the flag again.
        self.flags.fetch_and(!PENDING, Ordering::AcqRel);
        let owed = std::mem::take(&mut *slot);
        if room { owed } else { Slot { ping: None, ..owed } }
    }

    fn set(&self, flags: u8) {
        self.flags.fetch_or(flags, Ordering::AcqRel);
    }

    #[inline]
    fn has(&self, flag: u8) -> bool {
        self.flags.load(Ordering::Acquire) & flag != 0
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        // A slot has no state that a panic could leave half changed.
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WebSocketState {
    /// The opening handshake is not done.
    Connecting,
    /// Messages go both ways.
    Open,
    /// A close frame was sent or received, or the peer broke a rule.
    Closing,
    /// The transport has ended.
    Closed,
}

/// What the two sides of a connection tell each other, for a driver that has one
/// side in hand and not the other.
#[derive(Debug, Clone)]
pub struct Signals(pub(super) Arc<Link>);

impl Signals {
    /// Whether the receiving side owes the peer a pong, a ping or a close frame
    /// that the sending side has not queued yet.
    #[inline]
    pub fn is_owing(&self) -> bool {
        self.0.has_pending()
    }

    /// Whether a close frame was written.
    #[inline]
    pub fn is_closing(&self) -> bool {
        self.0.close_sent()
    }

    /// How long the peer took to answer the last keepalive ping that it answered;
    /// see [`Receiver::round_trip`](super::Receiver::round_trip).
    pub fn round_trip(&self) -> Option<Duration> {
        self.0.round_trip()
    }

    /// How far the connection is.
    pub fn state(&self) -> WebSocketState {
        if self.0.ended() {
            WebSocketState::Closed
        } else if self.0.has(CLOSE_SENT | CLOSE_RECEIVED | FAILED) {
            WebSocketState::Closing
        } else {
            WebSocketState::Open
        }
    }
}

/// The payload of a control frame, at most 125 bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct ControlPayload {
    bytes: [u8; MAX_CONTROL_PAYLOAD],
    len: u8,
}

impl ControlPayload {
    /// Takes the first 125 bytes of `payload`; the parser lets no more through.
    fn new(payload: &[u8]) -> Self {
        let len = payload.len().min(MAX_CONTROL_PAYLOAD);
        let mut bytes = [0; MAX_CONTROL_PAYLOAD];
        bytes[..len].copy_from_slice(&payload[..len]);
        Self { bytes, len: len as u8 }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}
