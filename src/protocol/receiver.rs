//! The receiving side: bytes in, messages out.

mod common;
#[cfg(feature = "deflate")]
mod compressed;
mod time;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

#[cfg(feature = "deflate")]
use super::inflation::Inflation;
use super::{
    ProtocolError, ReceiveError,
    assembly::Assembly,
    budget::ControlBudget,
    chunk::{MessageChunk, Received},
    found::{Found, InPlace},
    idle::IdleTimer,
    link::Link,
    progress::{Progress, Way},
    rules::Rules,
};
#[cfg(feature = "deflate")]
use crate::deflate::DeflateTotals;
use crate::{
    buffer::ReadBuffer,
    frame::{CloseCode, FrameError, FrameHeader, Opcode, Role},
    message::{MessageRef, WebSocketMessage},
    options::WebSocketOptions,
    simd::{Kernels, Mask, Utf8Error},
};

/// The receiving side of a connection.
///
/// A driver reads into [`read_buffer`](Self::read_buffer), says how much came
/// with [`received`](Self::received), and takes messages until there are none:
/// [`next_ref`](Self::next_ref), [`next_message`](Self::next_message) or
/// [`next_chunk`](Self::next_chunk), one parser under all three. All progress is
/// kept here: to be interrupted between any two calls loses nothing.
#[derive(Debug)]
pub struct Receiver {
    kernels: &'static Kernels,
    buffer: ReadBuffer,
    rules: Rules,
    message: Option<Progress>,
    assembly: Assembly,
    budget: ControlBudget,
    idle: IdleTimer,
    message_timeout: Option<Duration>,
    course: Course,
    auto_pong: bool,
    #[cfg(feature = "driver")]
    spin: Duration,
    #[cfg(feature = "deflate")]
    inflation: Option<Box<Inflation>>, // most connections have none
}

/// Where in the stream of frames the connection is, and whom a failure concerns.
#[derive(Debug)]
struct Course {
    phase: Phase,
    link: Arc<Link>,
}

/// What the first byte of the buffer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// The start of a header between two messages.
    Message,
    /// The start of a header inside a fragmented message.
    Fragment,
    /// A part of the payload of a data frame.
    Payload { left: u64, mask: Mask, fin: bool },
    /// Of no interest: the peer's close frame came.
    Closed,
    /// Of no interest: the peer broke a rule, or the transport was lost.
    Failed,
}

impl Receiver {
    pub(super) fn new(
        role: Role,
        options: &WebSocketOptions,
        link: Arc<Link>,
        now: Instant,
    ) -> Self {
        let limits = &options.limits;
        Self {
            kernels: Kernels::active(),
            buffer: ReadBuffer::new(options.pool.clone()),
            rules: Rules::new(role, limits),
            message: None,
            assembly: Assembly::new(options.pool.clone()),
            budget: ControlBudget::new(limits, now),
            idle: IdleTimer::new(limits, now),
            message_timeout: limits.message_timeout,
            course: Course { phase: Phase::Message, link },
            auto_pong: options.auto_pong,
            #[cfg(feature = "driver")]
            spin: options.spin,
            #[cfg(feature = "deflate")]
            inflation: None,
        }
    }

    #[cfg(feature = "deflate")]
    pub(super) fn enable_deflate(&mut self, inflation: Inflation) {
        self.rules.compression = true;
        self.inflation = Some(Box::new(inflation));
    }

    /// The compressed messages that were inflated; `None` if compression was not
    /// agreed on.
    #[cfg(feature = "deflate")]
    pub fn inflate_totals(&self) -> Option<DeflateTotals> {
        self.inflation.as_deref().map(Inflation::totals)
    }

    /// A place to read into. Never empty, unless whole messages are left in it:
    /// take them first.
    pub fn read_buffer(&mut self) -> &mut [u8] {
        if self.is_finished() {
            self.discard();
        }
        self.buffer.prepare()
    }

    /// Says that a read at `now` put `len` bytes into the
    /// [`read_buffer`](Self::read_buffer).
    ///
    /// What follows the peer's close frame, or an error, is dropped.
    pub fn received(&mut self, len: usize, now: Instant) {
        if len == 0 {
            return; // not a sign of life
        }
        self.buffer.commit(len);
        self.idle.heard(now);
        if self.is_finished() {
            self.discard();
        }
    }

    /// Takes over bytes that were received before the connection was made,
    /// behind the handshake, and returns how many: fewer than all if they are
    /// more than the buffer takes, the rest after the next messages.
    pub fn receive_from(&mut self, bytes: &[u8], now: Instant) -> usize {
        let room = self.read_buffer();
        let len = room.len().min(bytes.len());
        room[..len].copy_from_slice(&bytes[..len]);
        self.received(len, now);
        len
    }

    /// Says that the transport has ended.
    ///
    /// # Errors
    ///
    /// [`ReceiveError::ConnectionLost`] if no close frame came before.
    pub fn end_of_stream(&mut self) -> Result<(), ReceiveError> {
        self.course.link.set_ended();
        if self.is_finished() {
            return Ok(());
        }
        self.discard();
        self.course.phase = Phase::Failed;
        Err(ReceiveError::ConnectionLost)
    }

    /// The next message, borrowed; `None` if more bytes are needed, or if the
    /// connection [is finished](Self::is_finished).
    ///
    /// # Errors
    ///
    /// [`ReceiveError::Protocol`] if the peer broke a rule or a limit. The
    /// connection is failed then: the sending side has the close frame for it.
    #[inline(always)]
    pub fn next_ref(&mut self) -> Result<Option<MessageRef<'_>>, ReceiveError> {
        match self.find_in_place() {
            Some(message) => match self.open_in_place(message) {
                Ok(message) => Ok(Some(message)),
                Err(error) => Err(error),
            },
            None => match self.next_ref_uncommon() {
                Ok(Some(message)) => Ok(Some(message.in_registers())),
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    #[cold]
    fn next_ref_uncommon(&mut self) -> Result<Option<MessageRef<'_>>, ReceiveError> {
        if self.holds_nothing() {
            return Ok(None);
        }
        match self.find_any(Way::Whole)? {
            Some(found) => self.open(found).map(Some),
            None => Ok(None),
        }
    }

    /// The next message, owning its bytes; otherwise as
    /// [`next_ref`](Self::next_ref).
    ///
    /// A message that lies whole in the read buffer is split off it without a
    /// copy and keeps it alive.
    ///
    /// # Errors
    ///
    /// As [`next_ref`](Self::next_ref).
    #[inline(always)]
    pub fn next_message(&mut self) -> Result<Option<WebSocketMessage>, ReceiveError> {
        match self.find_in_place() {
            Some(message) => match self.take_in_place(message) {
                Ok(message) => Ok(Some(message)),
                Err(error) => Err(error),
            },
            None => match self.next_message_uncommon() {
                Ok(Some(message)) => Ok(Some(message.in_registers())),
                Ok(None) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    #[cold]
    fn next_message_uncommon(&mut self) -> Result<Option<WebSocketMessage>, ReceiveError> {
        if self.holds_nothing() {
            return Ok(None);
        }
        match self.find_any(Way::Whole)? {
            Some(found) => self.take(found).map(Some),
            None => Ok(None),
        }
    }

    /// The next piece of a message as it arrives, inside a frame too, or the
    /// next control frame; otherwise as [`next_ref`](Self::next_ref).
    ///
    /// Memory is bounded by the read buffer, whatever the message's size. A
    /// piece of a text message may end inside a character, but never behind a
    /// byte that is not UTF-8.
    ///
    /// # Errors
    ///
    /// As [`next_ref`](Self::next_ref).
    pub fn next_chunk(&mut self) -> Result<Option<Received<'_>>, ReceiveError> {
        match self.find(Way::InChunks)? {
            Some(found) => self.open_chunk(found).map(Some),
            None => Ok(None),
        }
    }

    /// Bytes that are received and not yet taken as messages.
    pub fn buffered(&self) -> usize {
        if self.is_finished() { 0 } else { self.buffer.len() }
    }

    /// Whether another whole frame is received already: a reader that only
    /// wants the latest state may skip to it.
    pub fn has_buffered_frame(&mut self) -> bool {
        let filled = self.buffer.filled();
        match self.course.phase {
            Phase::Closed | Phase::Failed => false,
            Phase::Payload { left, .. } => left <= filled.len() as u64,
            Phase::Message | Phase::Fragment => match FrameHeader::decode(filled) {
                Ok(Some((header, len))) => header.payload_len <= (filled.len() - len) as u64,
                Ok(None) => false,
                Err(_) => true,
            },
        }
    }

    /// Whether nothing more will be received: the peer's close frame was taken,
    /// or the connection is failed.
    pub fn is_finished(&self) -> bool {
        matches!(self.course.phase, Phase::Closed | Phase::Failed)
    }

    /// Gives memory that holds nothing back to the pool.
    pub fn release_idle(&mut self) {
        if self.is_finished() {
            self.discard();
        }
        self.buffer.release();
        self.release_assembly();
    }

    /// [`release_idle`](Self::release_idle), but the thread keeps a block at hand.
    #[cfg(feature = "tokio")]
    pub(crate) fn release_at_hand(&mut self) {
        if self.is_finished() {
            self.discard();
        }
        self.buffer.release_at_hand();
        self.release_assembly();
    }

    #[inline]
    fn release_assembly(&mut self) {
        if self.assembly.holds_memory()
            && !self.message.as_ref().is_some_and(Progress::uses_assembly)
        {
            self.assembly.release();
        }
    }

    /// [`WebSocketOptions::spin`], which only drivers can keep.
    #[cfg(feature = "driver")]
    pub(crate) fn spin(&self) -> Duration {
        self.spin
    }

    /// Whether buffers are held.
    pub fn holds_memory(&self) -> bool {
        self.buffer.holds_memory() || self.assembly.holds_memory()
    }

    /// Looks for the next thing to hand out, which is to be opened or taken before
    /// anything else is done.
    #[inline]
    pub(crate) fn find(&mut self, way: Way) -> Result<Option<Found>, ReceiveError> {
        if self.holds_nothing() {
            return Ok(None);
        }
        if way == Way::Whole
            && let Some(message) = self.find_in_place()
        {
            return Ok(Some(Found::InPlace(message)));
        }
        self.find_any(way)
    }

    /// Whether there is nothing to be found: no bytes, and no message that the
    /// inflater may have more of.
    #[inline]
    pub(crate) fn holds_nothing(&self) -> bool {
        self.buffer.len() == 0 && self.message.is_none()
    }

    fn find_any(&mut self, way: Way) -> Result<Option<Found>, ReceiveError> {
        if self.is_finished() {
            return Ok(None);
        }
        self.keep_way(way)?;
        loop {
            if way == Way::Whole {
                match self.gather() {
                    Ok(true) => return Ok(Some(Found::Assembled)),
                    Ok(false) => {}
                    Err(error) => {
                        self.discard();
                        return Err(self.course.fail_text(error));
                    }
                }
            }
            let step = match self.course.phase {
                Phase::Message | Phase::Fragment => self.header(way),
                Phase::Payload { left, mask, fin } => self.payload(left, mask, fin),
                Phase::Closed | Phase::Failed => Ok(Step::Starved),
            };
            match step {
                Ok(Step::Found(item)) => return Ok(Some(item)),
                Ok(Step::Moved) => {}
                Ok(Step::Starved) => return Ok(None),
                Err(error) => {
                    self.discard();
                    return Err(self.course.fail(error));
                }
            }
        }
    }

    /// Hands out what was found, borrowed.
    pub(crate) fn open(&mut self, found: Found) -> Result<MessageRef<'_>, ReceiveError> {
        match found {
            Found::InPlace(message) => self.open_in_place(message),
            Found::Assembled => {
                let message = self.assembly.message_ref();
                message.map_err(|error| self.course.fail(error))
            }
            Found::Control { opcode, len, mask } => self.control(opcode, len, mask),
            Found::Piece { .. } => Err(ReceiveError::OtherWay),
            #[cfg(feature = "deflate")]
            Found::InflatedPiece { .. } => Err(ReceiveError::OtherWay),
        }
    }

    /// Hands out what was found, owning its bytes.
    pub(crate) fn take(&mut self, found: Found) -> Result<WebSocketMessage, ReceiveError> {
        match found {
            Found::InPlace(message) => self.take_in_place(message),
            Found::Assembled => {
                let message = self.assembly.take();
                message.map_err(|error| self.course.fail(error))
            }
            found => Ok(self.open(found)?.to_message()),
        }
    }

    /// Hands out what was found when looking for pieces.
    pub(crate) fn open_chunk(&mut self, found: Found) -> Result<Received<'_>, ReceiveError> {
        match found {
            Found::Piece { len, mask, last } => {
                let payload = self.buffer.take(len);
                chunk(self.kernels, &mut self.message, payload, mask, last)
                    .map(Received::Chunk)
                    .map_err(|error| self.course.fail(error))
            }
            #[cfg(feature = "deflate")]
            Found::InflatedPiece { start, end, last } => {
                let payload = &mut self.assembly.bytes_mut()[start..end];
                chunk(self.kernels, &mut self.message, payload, Mask::NONE, last)
                    .map(Received::Chunk)
                    .map_err(|error| self.course.fail(error))
            }
            found => self.open(found).map(Received::Control),
        }
    }

    /// Text or binary: the kind of the message that is not finished.
    #[cfg(feature = "tokio")]
    pub(crate) fn message_opcode(&self) -> Option<Opcode> {
        self.message.as_ref().map(|message| message.opcode)
    }

    /// Holds an unfinished message to the way it is received in; while nothing of
    /// it was taken, that may still change.
    fn keep_way(&mut self, way: Way) -> Result<(), ReceiveError> {
        let Some(message) = self.message.as_mut().filter(|message| message.way != way) else {
            return Ok(());
        };
        if message.begun {
            return Err(ReceiveError::OtherWay);
        }
        message.way = way;
        message.begin(&mut self.assembly);
        Ok(())
    }

    /// At a header: judges it, before a byte of its payload is waited for.
    fn header(&mut self, way: Way) -> Result<Step, ProtocolError> {
        let Some((header, header_len)) = FrameHeader::decode(self.buffer.filled())? else {
            return Ok(Step::Starved);
        };
        self.rules.judge(&header, self.message.as_ref())?;
        let mask = header.mask.map_or(Mask::NONE, Mask::new);
        let FrameHeader { opcode, fin, rsv1, payload_len, .. } = header;
        let available = self.buffer.len() - header_len;
        // A length within the limits of memory that is there fits a usize.
        let whole = (payload_len <= available as u64).then_some(payload_len as usize);

        if opcode.is_control() {
            let Some(len) = whole else { return Ok(Step::Starved) };
            self.buffer.skip(header_len);
            return Ok(Step::Found(Found::Control { opcode, len, mask }));
        }

        self.buffer.skip(header_len);
        if let Some(len) = whole
            && fin
            && self.message.is_none()
            && way == Way::Whole
            && !rsv1
        {
            return Ok(Step::Found(Found::InPlace(InPlace { opcode, mask, len })));
        }
        let message = self
            .message
            .get_or_insert_with(|| Progress::new(opcode, rsv1, way, self.idle.heard_at()));
        // Saturating, because a limit of `u64::MAX` refuses no sum.
        message.len = message.len.saturating_add(payload_len);
        message.fragments += 1;
        message.empty_fragments += u32::from(payload_len == 0);
        if message.fragments == 1 {
            message.begin(&mut self.assembly);
            #[cfg(feature = "deflate")]
            if let Some(inflation) = self.inflation.as_mut().filter(|_| rsv1) {
                inflation.begin_message();
            }
        }
        self.course.phase = Phase::Payload { left: payload_len, mask, fin };
        Ok(Step::Moved)
    }

    /// In a payload: takes what there is of it.
    fn payload(&mut self, left: u64, mask: Mask, fin: bool) -> Result<Step, ProtocolError> {
        let Some(message) = &mut self.message else { return Ok(Step::Starved) };
        #[cfg(feature = "deflate")]
        if message.compressed && message.way == Way::InChunks {
            return self.inflate_piece(left, mask, fin);
        }
        let len = self.buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if len == 0 && left > 0 {
            return Ok(Step::Starved);
        }
        let left = left - len as u64;
        self.course.phase = match left {
            0 => Phase::behind_frame(fin),
            _ => Phase::Payload { left, mask: mask.advance(len), fin },
        };
        let last = fin && left == 0;
        message.begun |= len > 0;
        if message.way == Way::InChunks {
            // An empty piece says nothing unless it ends the message.
            return Ok(if len == 0 && !last {
                Step::Moved
            } else {
                Step::Found(Found::Piece { len, mask, last })
            });
        }
        let piece = self.buffer.take(len);
        #[cfg(feature = "deflate")]
        if message.compressed
            && let Some(inflation) = &mut self.inflation
        {
            inflation.push(self.kernels, piece, mask, last, &mut self.assembly)?;
        } else {
            self.assembly.push(self.kernels, piece, mask)?;
        }
        #[cfg(not(feature = "deflate"))]
        self.assembly.push(self.kernels, piece, mask)?;
        if last {
            self.message = None;
            return Ok(Step::Found(Found::Assembled));
        }
        Ok(Step::Moved)
    }

    /// Acts on a control frame and hands it out.
    fn control(
        &mut self,
        opcode: Opcode,
        len: usize,
        mask: Mask,
    ) -> Result<MessageRef<'_>, ReceiveError> {
        let payload = self.buffer.take(len);
        self.kernels.mask(payload, mask);
        let payload = &*payload;
        if opcode == Opcode::Close {
            let (code, reason) =
                parse_close(self.kernels, payload).map_err(|error| self.course.fail(error))?;
            self.course.phase = Phase::Closed;
            self.course.link.post_close(code);
            return Ok(MessageRef::Close(code, reason));
        }
        let paid = self.budget.spend(self.idle.heard_at());
        paid.map_err(|error| self.course.fail(error.into()))?;
        if opcode == Opcode::Pong {
            if let Some(time) = self.idle.round_trip(payload) {
                self.course.link.set_round_trip(time);
            }
            return Ok(MessageRef::Pong(payload));
        }
        if self.auto_pong {
            self.course.link.post_pong(payload);
        }
        Ok(MessageRef::Ping(payload))
    }

    fn discard(&mut self) {
        self.buffer.skip(self.buffer.len());
        self.message = None;
    }
}

/// What one step of the parser came to.
enum Step {
    Found(Found),
    Moved,
    Starved,
}

impl Phase {
    /// Between two frames, the first of which ended its message or did not.
    fn behind_frame(fin: bool) -> Self {
        if fin { Self::Message } else { Self::Fragment }
    }
}

impl Course {
    #[cold]
    fn fail(&mut self, error: ProtocolError) -> ReceiveError {
        self.fail_with(error.close_code());
        error.into()
    }

    /// [`fail`](Self::fail), its result in registers.
    #[inline]
    fn fail_text(&mut self, error: Utf8Error) -> ReceiveError {
        let error = ProtocolError::Utf8(error);
        self.fail_with(error.close_code());
        ReceiveError::Protocol(error)
    }

    #[cold]
    fn fail_with(&mut self, code: CloseCode) {
        self.phase = Phase::Failed;
        self.link.post_failure(code);
    }
}

/// Unmasks and checks a piece of the message that is handed out in pieces.
fn chunk<'a>(
    kernels: &Kernels,
    message: &mut Option<Progress>,
    payload: &'a mut [u8],
    mask: Mask,
    last: bool,
) -> Result<MessageChunk<'a>, ProtocolError> {
    let opcode = match message {
        Some(Progress { opcode: Opcode::Text, utf8, .. }) => {
            kernels.unmask_text_piece(utf8, payload, mask)?;
            if last {
                utf8.finish()?;
            }
            Opcode::Text
        }
        _ => {
            kernels.mask(payload, mask);
            Opcode::Binary
        }
    };
    if last {
        *message = None;
    }
    Ok(MessageChunk { opcode, payload, last })
}

/// The code and the reason of a close frame (RFC 6455, 5.5.1).
fn parse_close<'a>(
    kernels: &Kernels,
    payload: &'a [u8],
) -> Result<(CloseCode, &'a str), ProtocolError> {
    match payload {
        [] => Ok((CloseCode::NO_STATUS, "")),
        [_] => Err(FrameError::CloseTooShort.into()),
        [high, low, reason @ ..] => {
            let code = CloseCode::from(u16::from_be_bytes([*high, *low]));
            if !code.may_be_sent() {
                return Err(FrameError::CloseCode(code).into());
            }
            Ok((code, kernels.validate(reason)?))
        }
    }
}
