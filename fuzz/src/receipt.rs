//! One stream of bytes, received in every way.
//!
//! However a stream is cut and however its messages are taken, the same messages
//! come out, then the same error, and the peer is answered the same.

use std::{io::IoSlice, time::Instant};

use wirespeed::{
    BufferPool, MessageRef, Opcode, Role, WebSocketFrame, WebSocketMessage, WebSocketOptions,
    deflate::{DeflateOptions, DeflateParams},
    protocol::{Connection, ProtocolError, ReceiveError, Received, Receiver},
};

use crate::{
    input::{Cuts, Input},
    memory::Meter,
    padding::read_behind,
};

/// The end that receives.
#[derive(Debug)]
pub struct Receipt {
    pub role: Role,
    pub options: WebSocketOptions,
    pub deflate: Option<DeflateParams>,
}

/// How messages are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Borrowed,
    Owned,
    InChunks,
    /// Another way whenever the bits of this say so.
    Mixed(u64),
}

/// What came of a stream.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub messages: Vec<WebSocketMessage>,
    pub error: Option<ReceiveError>,
    /// What the peer is answered.
    pub answers: Vec<WebSocketFrame>,
}

impl Receipt {
    /// Reads options: defaults, or small limits that a short stream can reach.
    pub fn read(input: &mut Input<'_>) -> Self {
        let flags = input.byte();
        let role = if flags & 1 == 0 { Role::Client } else { Role::Server };
        let mut options = match role {
            Role::Client => WebSocketOptions::client(),
            Role::Server => WebSocketOptions::server(),
        };
        // Small buffers, so that a short stream crosses from one to the next.
        let read_size = if flags & 2 == 0 { 1 << 10 } else { 20 << 10 };
        options.pool = BufferPool::new(read_size, 4);
        options.auto_pong = flags & 4 == 0;
        let (message, frame) = (input.short(), input.short());
        let [fragments, empty_fragments, control_burst] = input.array();
        if flags & 8 != 0 {
            options.limits.message = message.into();
            options.limits.frame = frame.into();
        }
        if flags & 16 != 0 {
            options.limits.fragments = fragments.into();
            options.limits.empty_fragments = empty_fragments.into();
            options.limits.control_burst = control_burst.into();
        }
        Self { role, options, deflate: None }
    }

    /// Receives `stream` in the given pieces, then its end.
    pub fn receive(&self, stream: &[u8], cuts: Cuts, way: Way) -> Outcome {
        let mut meter = Meter::default();
        let now = Instant::now();
        let mut connection = meter.call(|| self.connection(now));
        let mut taken = Taken::new(way);
        let mut error = None;
        'stream: for mut piece in cuts.pieces(stream) {
            loop {
                let len = meter.call(|| connection.receiver.receive_from(piece, now));
                piece = &piece[len..];
                error = taken.take_all(&mut connection.receiver, &mut meter);
                if error.is_some() {
                    break 'stream;
                }
                if piece.is_empty() {
                    break;
                }
                assert!(len > 0, "all messages are taken, and there is no room");
            }
        }
        if error.is_none() {
            error = connection.receiver.end_of_stream().err();
        }
        assert!(connection.receiver.is_finished());
        assert_eq!(connection.receiver.buffered(), 0);
        let bound = self.memory_bound(stream.len()) + taken.memory_bound();
        assert!(meter.peak() <= bound, "{} bytes held, {bound} are right", meter.peak());
        Outcome { messages: taken.messages, error, answers: answers(&mut connection, now) }
    }

    fn connection(&self, now: Instant) -> Connection {
        let mut connection = Connection::new(self.role, &self.options, now);
        if let Some(params) = &self.deflate {
            connection.enable_deflate(params, &DeflateOptions::for_client(), &self.options);
        }
        connection
    }

    /// What may be held after so many bytes: the message, twice as it grows and
    /// once as it moves, and buffers. What is announced does not count.
    fn memory_bound(&self, received: usize) -> u64 {
        let received = received as u64;
        let (inflated, state) = match self.deflate {
            Some(_) => (received.saturating_mul(1032), 128 << 10),
            None => (received, 0),
        };
        let message = inflated.min(self.options.limits.message.saturating_add(16 << 10));
        message.saturating_mul(3).saturating_add(128 << 10).saturating_add(state)
    }
}

impl Outcome {
    /// Whether the peer broke a rule or a limit.
    pub fn violation(&self) -> Option<&ProtocolError> {
        match &self.error {
            Some(ReceiveError::Protocol(error)) => Some(error),
            _ => None,
        }
    }
}

/// Messages taken so far, and a part of the next one.
struct Taken {
    way: Way,
    messages: Vec<WebSocketMessage>,
    part: Option<(Opcode, Vec<u8>)>,
}

impl Taken {
    fn new(way: Way) -> Self {
        Self { way, messages: Vec::new(), part: None }
    }

    /// What the messages may keep alive, where some of them own their bytes: a block,
    /// each what a read leaves free in front of it, and the storage that a large one was
    /// put together in.
    fn memory_bound(&self) -> u64 {
        if matches!(self.way, Way::Borrowed | Way::InChunks) {
            return 0;
        }
        let each = |message: &WebSocketMessage| 4 * message.as_bytes().len() as u64 + 512;
        self.messages.iter().map(each).sum::<u64>() + (72 << 10)
    }

    /// Takes messages until there are none, or an error.
    fn take_all(&mut self, receiver: &mut Receiver, meter: &mut Meter) -> Option<ReceiveError> {
        loop {
            let way = self.next_way();
            let _ = receiver.has_buffered_frame();
            match self.take(receiver, meter, way) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(ReceiveError::OtherWay) => {
                    assert!(matches!(self.way, Way::Mixed(_)));
                    let other = if way == Way::InChunks { Way::Owned } else { Way::InChunks };
                    match self.take(receiver, meter, other) {
                        Ok(true) => {}
                        Ok(false) => return None,
                        Err(error) => return Some(error),
                    }
                }
                Err(error) => return Some(error),
            }
        }
    }

    fn next_way(&mut self) -> Way {
        let Way::Mixed(bits) = &mut self.way else { return self.way };
        *bits = bits.rotate_right(2);
        match *bits & 3 {
            0 => Way::Borrowed,
            1 => Way::Owned,
            _ => Way::InChunks,
        }
    }

    fn take(
        &mut self,
        receiver: &mut Receiver,
        meter: &mut Meter,
        way: Way,
    ) -> Result<bool, ReceiveError> {
        let message = match way {
            Way::Borrowed => match meter.call(|| receiver.next_ref())? {
                Some(message) => copy_of(message),
                None => return Ok(false),
            },
            Way::Owned => match meter.call(|| receiver.next_message())? {
                Some(message) => message,
                None => return Ok(false),
            },
            Way::InChunks | Way::Mixed(_) => match meter.call(|| receiver.next_chunk())? {
                Some(Received::Control(message)) => message.to_message(),
                Some(Received::Chunk(chunk)) => {
                    assert!(chunk.last || !chunk.payload.is_empty(), "an empty piece");
                    let (opcode, mut part) = self.part.take().unwrap_or((chunk.opcode, Vec::new()));
                    assert_eq!(opcode, chunk.opcode);
                    part.extend_from_slice(chunk.payload);
                    if !chunk.last {
                        assert!(opcode == Opcode::Binary || is_start_of_text(&part));
                        self.part = Some((opcode, part));
                        return Ok(true);
                    }
                    match opcode {
                        Opcode::Text => String::from_utf8(part).expect("the text is valid").into(),
                        _ => part.into(),
                    }
                }
                None => return Ok(false),
            },
        };
        assert!(!message.is_data() || self.part.is_none(), "a message inside a message");
        self.messages.push(message);
        Ok(true)
    }
}

/// The message, after a look at the bytes behind it.
fn copy_of(message: MessageRef<'_>) -> WebSocketMessage {
    let copy = message.to_message();
    if let WebSocketMessage::Text(text) = &copy {
        assert!(std::str::from_utf8(text.as_bytes()).is_ok());
    }
    if let Some(payload) = message.into_bytes() {
        read_behind(payload);
    }
    copy
}

fn is_start_of_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).map_or_else(|error| error.error_len().is_none(), |_| true)
}

/// The frames that wait to be sent, as they were before they were masked.
fn answers(connection: &mut Connection, now: Instant) -> Vec<WebSocketFrame> {
    let mut slices = [IoSlice::new(&[]); 8];
    let count = connection.sender.transmit(now, &mut slices);
    let sent: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.iter().copied()).collect();
    let mut rest = sent.as_slice();
    let mut frames = Vec::new();
    while !rest.is_empty() {
        let frame = WebSocketFrame::decode(&mut rest).expect("what is sent is right");
        assert_eq!(frame.mask.is_some(), connection.sender.role() == Role::Client);
        frames.push(WebSocketFrame { mask: None, ..frame });
    }
    frames
}
