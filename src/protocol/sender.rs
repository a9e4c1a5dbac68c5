//! The sending side: messages in, bytes out.

mod time;

use std::{
    io::IoSlice,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;

use self::time::Waits;
#[cfg(feature = "tokio")]
use super::Outgoing;
#[cfg(feature = "deflate")]
use super::deflation::{Deflation, Prepared};
use super::{
    Compress, SendError, Signals, TransportAction, frames::FrameQueue, link::Link, stall::Patience,
};
#[cfg(feature = "deflate")]
use crate::deflate::DeflateTotals;
use crate::{
    frame::{CloseCode, FrameHeader, MAX_CONTROL_PAYLOAD, Opcode, Role},
    limits::{Limit, LimitExceeded},
    message::{PreparedMessage, WebSocketMessage},
    options::WebSocketOptions,
    simd::Utf8State,
};

/// Slices of one vectored write that a driver offers: enough for a full queue of
/// small frames, which lie in one block, between large ones by reference.
#[cfg(feature = "driver")]
pub(crate) const WRITE_SLICES: usize = 32;

/// The sending side of a connection.
///
/// Writing queues frames; a driver takes [`transmit`](Self::transmit)'s slices
/// to the transport and says how much of them went with
/// [`written`](Self::written). The pongs and close frames that the receiving
/// side owes the peer join the queue by themselves.
#[derive(Debug)]
pub struct Sender {
    frames: FrameQueue,
    /// [`Limits::write_queue`](crate::Limits::write_queue).
    queue_limit: usize,
    patience: Patience,
    /// [`Limits::close_timeout`](crate::Limits::close_timeout).
    close_timeout: Duration,
    fragmented: Option<Fragmented>,
    /// Bytes from the front of the queue to the end of the last pong or ping
    /// that the receiving side asked for.
    answer_end: usize,
    waits: Waits,
    /// Bytes that the transport took and may hold back.
    #[cfg(feature = "driver")]
    unflushed: usize,
    /// The transport takes nothing any more.
    lost: bool,
    /// It was lost with something to send, which went nowhere.
    #[cfg(feature = "driver")]
    dropped: bool,
    #[cfg(feature = "deflate")]
    deflation: Option<Box<Deflation>>, // most connections have none
    link: Arc<Link>,
}

/// A message that is being sent in fragments.
#[derive(Debug)]
struct Fragmented {
    opcode: Opcode,
    utf8: Utf8State,
}

impl Sender {
    pub(super) fn new(role: Role, options: &WebSocketOptions, link: Arc<Link>) -> Self {
        let limits = &options.limits;
        Self {
            frames: FrameQueue::new(role, options),
            queue_limit: limits.write_queue,
            patience: Patience::new(limits),
            close_timeout: limits.close_timeout,
            fragmented: None,
            answer_end: 0,
            waits: Waits::default(),
            #[cfg(feature = "driver")]
            unflushed: 0,
            lost: false,
            #[cfg(feature = "driver")]
            dropped: false,
            #[cfg(feature = "deflate")]
            deflation: None,
            link,
        }
    }

    #[cfg(feature = "deflate")]
    pub(super) fn enable_deflate(&mut self, deflation: Deflation) {
        self.deflation = Some(Box::new(deflation));
    }

    /// The messages that were compressed; `None` if that was not agreed on.
    #[cfg(feature = "deflate")]
    pub fn deflate_totals(&self) -> Option<DeflateTotals> {
        self.deflation.as_deref().map(Deflation::totals)
    }

    /// Which end this is.
    pub fn role(&self) -> Role {
        self.frames.role
    }

    /// Queues a message.
    ///
    /// A [`Close`](WebSocketMessage::Close) starts, or finishes, the closing
    /// handshake, as [`write_close`](Self::write_close) does.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`] after a close frame; [`SendError::QueueFull`] if it
    /// has to be written again after a flush; and what the RFC forbids to send.
    #[inline]
    pub fn write(&mut self, message: WebSocketMessage) -> Result<(), SendError> {
        self.write_with(message, Compress::IfWorthwhile)
    }

    /// Queues a message, compressed or not as the caller says.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn write_with(
        &mut self,
        message: WebSocketMessage,
        compress: Compress,
    ) -> Result<(), SendError> {
        match message {
            WebSocketMessage::Text(text) => {
                self.write_owned(Opcode::Text, text.into_bytes(), compress)
            }
            WebSocketMessage::Binary(bytes) => self.write_owned(Opcode::Binary, bytes, compress),
            WebSocketMessage::Ping(payload) => self.write_ping(&payload),
            WebSocketMessage::Pong(payload) => self.write_pong(&payload),
            WebSocketMessage::Close(code, reason) => self.write_close(code, &reason),
        }
    }

    /// Queues a message that may go past the limit of the queue: for a driver that had
    /// to promise room before it knew the message.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    #[cfg(feature = "tokio")]
    pub(crate) fn write_past_limit(&mut self, message: impl Outgoing) -> Result<(), SendError> {
        let limit = std::mem::replace(&mut self.queue_limit, usize::MAX);
        let written = message.write_to(self);
        self.queue_limit = limit;
        written
    }

    /// Queues a text message.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    #[inline(always)]
    pub fn write_text(&mut self, text: &str) -> Result<(), SendError> {
        self.write_data(Opcode::Text, text.as_bytes())
    }

    /// Queues a binary message.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    #[inline(always)]
    pub fn write_binary(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.write_data(Opcode::Binary, payload)
    }

    /// Queues a message that was encoded before.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn write_prepared(&mut self, message: &PreparedMessage) -> Result<(), SendError> {
        self.admit_message(message.payload().len())?;
        #[cfg(feature = "deflate")]
        if let Some(deflation) = &mut self.deflation {
            match deflation.compress_prepared(message) {
                Prepared::Plain => {}
                Prepared::Shared(frame) => {
                    self.frames.push_encoded(frame);
                    return Ok(());
                }
                Prepared::Own(payload) => {
                    self.frames.push_compressed(message.opcode(), payload);
                    return Ok(());
                }
            }
        }
        self.frames.push_encoded(message.frame());
        Ok(())
    }

    /// Queues the next fragment of a message: the first one begins it, the one
    /// with `fin` ends it. `opcode` is [`Opcode::Text`] or [`Opcode::Binary`]
    /// for all of them. Control frames may be written in between. Fragments are
    /// not compressed.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write), and [`SendError::FragmentKind`] if the kind
    /// changes or is not one of data, [`SendError::Utf8`] if a text is not UTF-8
    /// so far. A fragment that is refused is not a part of the message.
    pub fn write_fragment(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        fin: bool,
    ) -> Result<(), SendError> {
        self.admit(payload.len())?;
        let begun = self.fragmented.as_ref();
        if !matches!(opcode, Opcode::Text | Opcode::Binary)
            || begun.is_some_and(|message| message.opcode != opcode)
        {
            return Err(SendError::FragmentKind);
        }
        let mut utf8 = begun.map_or(Utf8State::default(), |message| message.utf8);
        if opcode == Opcode::Text {
            self.frames.kernels.validate_piece(&mut utf8, payload)?;
            if fin {
                utf8.finish()?;
            }
        }
        let on_wire = if begun.is_some() { Opcode::Continuation } else { opcode };
        self.fragmented = (!fin).then_some(Fragmented { opcode, utf8 });
        let header = FrameHeader { fin, ..FrameHeader::new(on_wire, payload.len() as u64) };
        self.frames.push(header, payload);
        Ok(())
    }

    /// Queues a ping of at most 125 bytes.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write), and [`SendError::ControlTooLong`].
    pub fn write_ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.write_control(Opcode::Ping, payload)
    }

    /// Queues a pong of at most 125 bytes. Pings are answered without it.
    ///
    /// # Errors
    ///
    /// As [`write_ping`](Self::write_ping).
    pub fn write_pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.write_control(Opcode::Pong, payload)
    }

    /// Queues a close frame; nothing more can be written after it. With
    /// [`CloseCode::NO_STATUS`] it carries no code. Closing twice, or after the
    /// peer, is not an error: the first close frame stands.
    ///
    /// # Errors
    ///
    /// [`SendError::CloseCode`] or [`SendError::ReasonTooLong`] if the RFC does
    /// not allow them.
    pub fn write_close(&mut self, code: CloseCode, reason: &str) -> Result<(), SendError> {
        let mut payload = [0; MAX_CONTROL_PAYLOAD];
        let len = if code == CloseCode::NO_STATUS && reason.is_empty() {
            0
        } else {
            if !code.may_be_sent() {
                return Err(SendError::CloseCode(code));
            }
            let len = 2 + reason.len();
            if len > MAX_CONTROL_PAYLOAD {
                return Err(SendError::ReasonTooLong { len: reason.len() });
            }
            payload[..2].copy_from_slice(&code.get().to_be_bytes());
            payload[2..len].copy_from_slice(reason.as_bytes());
            len
        };
        self.answer_peer();
        if !self.link.close_sent() {
            self.push_close(&payload[..len]);
        }
        Ok(())
    }

    /// What is to be sent at `now`: fills `slices` and returns how many of them.
    pub fn transmit<'a>(&'a mut self, now: Instant, slices: &mut [IoSlice<'a>]) -> usize {
        self.answer_peer();
        self.begin_wait(now);
        self.frames.queue.slices(slices)
    }

    /// [`transmit`](Self::transmit) for a transport that most often takes everything
    /// at once, so that there is no need to know the time. If it does,
    /// [`written_at_once`](Self::written_at_once) says so; otherwise the wait has to
    /// be [begun](Self::begin_wait).
    #[cfg(feature = "tokio")]
    pub(crate) fn peek_transmit<'a>(&'a mut self, slices: &mut [IoSlice<'a>]) -> usize {
        self.answer_peer();
        self.frames.queue.slices(slices)
    }

    /// All that is to be sent, if it lies in one piece; see
    /// [`peek_transmit`](Self::peek_transmit).
    #[cfg(feature = "tokio")]
    #[inline]
    pub(crate) fn peek_piece(&mut self) -> Option<&[u8]> {
        self.answer_peer();
        self.frames.queue.only_piece()
    }

    /// Says that the transport took all that waits, if that is so: `len` bytes. Not
    /// so after a close frame, whose answer is waited for from now on.
    #[cfg(feature = "tokio")]
    #[inline]
    pub(crate) fn written_at_once(&mut self, len: usize) -> bool {
        let all = len == self.frames.queue.len() && !self.link.close_sent();
        if all {
            self.took(len);
            self.answer_end = 0;
            self.end_stall(len);
        }
        all
    }

    /// Whether the transport may hold something back.
    #[cfg(feature = "tokio")]
    #[inline]
    pub(crate) fn is_unflushed(&self) -> bool {
        self.unflushed > 0
    }

    /// Says that the transport holds nothing back any more.
    #[cfg(feature = "driver")]
    #[inline]
    pub(crate) fn flushed(&mut self) {
        self.unflushed = 0;
        if self.frames.queue.is_empty() {
            self.waits.end_stall();
        }
    }

    /// Says that the transport took the first `len` bytes of
    /// [`transmit`](Self::transmit)'s slices at `now`.
    pub fn written(&mut self, len: usize, now: Instant) {
        self.took(len);
        self.answer_end = self.answer_end.saturating_sub(len);
        self.await_close(now);
        if self.frames.queue.is_empty() {
            self.end_stall(len);
        } else if let Some(stall) = &mut self.waits.stalled
            && stall.took_some(len, now, &self.patience)
        {
            self.waits.missed = false;
        }
    }

    /// Says that the transport can take nothing more. What waits is dropped.
    pub fn transport_lost(&mut self) {
        #[cfg(feature = "driver")]
        {
            self.dropped |= !self.frames.queue.is_empty() || self.unflushed > 0;
        }
        self.lost = true;
        self.link.set_close_sent();
        self.frames.queue.clear();
        self.answer_end = 0;
        self.waits.stalled = None;
        #[cfg(feature = "driver")]
        {
            self.unflushed = 0;
        }
    }

    /// Whether the transport can take nothing more.
    #[cfg(feature = "blocking")]
    pub(crate) fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether something was dropped because the transport was lost.
    #[cfg(feature = "driver")]
    pub(crate) fn has_dropped(&self) -> bool {
        self.dropped
    }

    /// Whether there is something to [`transmit`](Self::transmit).
    #[inline]
    pub fn wants_transmit(&self) -> bool {
        !self.frames.queue.is_empty() || self.link.has_pending()
    }

    /// Bytes that wait to be sent.
    pub fn queued(&self) -> usize {
        self.frames.queue.len()
    }

    /// Whether a message of `len` bytes would not be refused for want of room.
    #[inline]
    pub fn has_room(&self, len: usize) -> bool {
        let queued = self.frames.queue.len();
        queued == 0 || queued.saturating_add(len) <= self.queue_limit
    }

    /// A handle that tells what the sending side has to do, without it.
    pub fn signals(&self) -> Signals {
        Signals(Arc::clone(&self.link))
    }

    /// Whether a close frame was written.
    #[inline]
    pub fn is_closing(&self) -> bool {
        self.link.close_sent()
    }

    /// Whether an answer to the peer is queued.
    #[cfg(feature = "blocking")]
    pub(crate) fn has_queued_answer(&self) -> bool {
        self.answer_end > 0
    }

    /// What is to be done with the transport.
    pub fn transport_action(&self) -> TransportAction {
        if self.lost || self.link.ended() && !self.wants_transmit() {
            return TransportAction::Drop;
        }
        let over = self.link.failed() || self.link.close_received();
        if !over || !self.link.close_sent() || self.wants_transmit() {
            return TransportAction::Keep;
        }
        // The server closes first, so that the connection's TIME_WAIT is where it
        // can be borne (RFC 6455, 7.1.1); whoever fails a connection closes it.
        if self.role() == Role::Server || self.link.failed() {
            TransportAction::HalfClose
        } else {
            TransportAction::AwaitEnd
        }
    }

    /// Gives memory that holds nothing back to the pool.
    pub fn release_idle(&mut self) {
        self.frames.queue.release();
        #[cfg(feature = "deflate")]
        if let Some(deflation) = &mut self.deflation {
            deflation.release_idle();
        }
    }

    /// [`release_idle`](Self::release_idle), but what compressed messages refer to stays,
    /// and the thread keeps a block at hand.
    #[cfg(feature = "tokio")]
    #[inline]
    pub(crate) fn release_at_hand(&mut self) {
        self.frames.queue.release_at_hand();
        self.release_output();
    }

    /// Whether an idle connection gives its compressor back to the pool.
    #[cfg(feature = "tokio")]
    pub(crate) fn releases_history(&self) -> bool {
        #[cfg(feature = "deflate")]
        return self.deflation.as_deref().is_some_and(Deflation::releases_history);
        #[cfg(not(feature = "deflate"))]
        false
    }

    /// [`release_idle`](Self::release_idle), but if something was compressed since this
    /// was last called, the compressor stays. Returns whether that is so.
    #[cfg(feature = "driver")]
    pub(crate) fn release_unused(&mut self) -> bool {
        self.frames.queue.release();
        self.release_output();
        #[cfg(feature = "deflate")]
        if let Some(deflation) = &mut self.deflation
            && deflation.take_used()
        {
            return true;
        }
        self.release_idle();
        false
    }

    #[cfg(feature = "driver")]
    #[inline]
    fn release_output(&mut self) {
        #[cfg(feature = "deflate")]
        if let Some(deflation) = &mut self.deflation {
            deflation.release_output();
        }
    }

    /// Whether buffers are held.
    pub fn holds_memory(&self) -> bool {
        #[cfg(feature = "deflate")]
        if self.deflation.as_deref().is_some_and(Deflation::holds_memory) {
            return true;
        }
        self.frames.queue.holds_memory()
    }

    fn write_owned(
        &mut self,
        opcode: Opcode,
        payload: Bytes,
        compress: Compress,
    ) -> Result<(), SendError> {
        self.admit_message(payload.len())?;
        if !self.push_compressed(opcode, &payload, compress) {
            self.frames.push_owned(FrameHeader::new(opcode, payload.len() as u64), payload);
        }
        Ok(())
    }

    #[inline(always)] // or what it returns goes through memory
    fn write_data(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), SendError> {
        self.admit_message(payload.len())?;
        if !self.push_compressed(opcode, payload, Compress::IfWorthwhile) {
            self.frames.push(FrameHeader::new(opcode, payload.len() as u64), payload);
        }
        Ok(())
    }

    /// Queues a message compressed, and says whether it is to be. Nothing can refuse
    /// the message any more: what the compressor has seen has to be sent.
    #[inline]
    fn push_compressed(&mut self, opcode: Opcode, payload: &[u8], choice: Compress) -> bool {
        #[cfg(feature = "deflate")]
        if let Some(deflation) = &mut self.deflation
            && let Some(payload) = deflation.compress(payload, choice)
        {
            self.frames.push_compressed(opcode, payload);
            return true;
        }
        let _ = (opcode, payload, choice);
        false
    }

    fn write_control(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), SendError> {
        if payload.len() > MAX_CONTROL_PAYLOAD {
            return Err(SendError::ControlTooLong { len: payload.len() });
        }
        self.admit(payload.len())?;
        self.frames.push_control(opcode, payload);
        Ok(())
    }

    /// Whether a whole message of `len` bytes may be queued now.
    #[inline]
    fn admit_message(&mut self, len: usize) -> Result<(), SendError> {
        if self.link.is_clear() && self.has_room(len) && self.fragmented.is_none() {
            return Ok(());
        }
        self.admit_message_if(len)
    }

    #[cold]
    fn admit_message_if(&mut self, len: usize) -> Result<(), SendError> {
        self.admit(len)?;
        if self.fragmented.is_some() {
            return Err(SendError::MessageInterrupted);
        }
        Ok(())
    }

    fn admit(&mut self, len: usize) -> Result<(), SendError> {
        // What was promised holds, whatever has to go first.
        let has_room = self.has_room(len);
        if !self.link.is_clear() {
            self.answer_before_message()?;
        }
        if !has_room {
            return Err(SendError::QueueFull(LimitExceeded {
                limit: Limit::WriteQueue,
                allowed: self.queue_limit as u64,
                actual: self.queued().saturating_add(len) as u64,
            }));
        }
        Ok(())
    }

    #[cold]
    fn answer_before_message(&mut self) -> Result<(), SendError> {
        self.answer_peer();
        if self.link.refuses_messages() { Err(SendError::Closed) } else { Ok(()) }
    }

    /// The transport took the first `len` bytes.
    #[inline]
    fn took(&mut self, len: usize) {
        self.frames.queue.written(len);
        #[cfg(feature = "driver")]
        {
            self.unflushed = self.unflushed.saturating_add(len);
        }
    }

    /// Queues what the receiving side owes the peer.
    #[inline]
    fn answer_peer(&mut self) {
        if self.link.has_pending() {
            self.queue_answers();
        }
    }

    #[cold]
    fn queue_answers(&mut self) {
        // While one answer waits in the queue, the next one waits in its slot and is
        // replaced there: a peer that pings and does not read makes nothing grow.
        let owed = self.link.take(self.answer_end == 0);
        if let Some(payload) = owed.pong {
            self.push_answer(Opcode::Pong, payload.as_slice());
        }
        if let Some(payload) = owed.ping {
            self.push_answer(Opcode::Ping, &payload);
        }
        if let Some(code) = owed.close {
            let bytes = code.get().to_be_bytes();
            self.push_close(if code == CloseCode::NO_STATUS { &[] } else { &bytes });
        }
    }

    fn push_answer(&mut self, opcode: Opcode, payload: &[u8]) {
        self.frames.push_control(opcode, payload);
        self.answer_end = self.frames.queue.len();
    }

    fn push_close(&mut self, payload: &[u8]) {
        self.frames.push_control(Opcode::Close, payload);
        self.link.set_close_sent();
    }
}
