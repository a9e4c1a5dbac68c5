//! Two connections joined by wires, and what has to arrive.

use std::{collections::VecDeque, io::IoSlice, time::Instant};

use wirespeed::{
    CloseCode, Opcode, PreparedMessage, Role, WebSocketMessage, WebSocketOptions,
    deflate::{DeflateOptions, DeflateParams},
    protocol::{Connection, ReceiveError, Received, SendError, TransportAction},
};

use crate::operations::{Kind, Operation, Payload, Way};

/// What the payload of a ping begins with, and so that of a pong that answers it.
const PING: u8 = b'?';
/// What the payload of any other pong begins with.
const PONG: u8 = b'!';

/// A client and a server.
pub struct Joined {
    ends: [End; 2],
    now: Instant,
}

struct End {
    connection: Connection,
    /// Bytes on their way to the other end.
    wire: VecDeque<u8>,
    /// What the other end has to receive, answers to its pings apart.
    expected: VecDeque<WebSocketMessage>,
    /// The fragments of an unfinished message so far.
    fragments: Option<(Opcode, Vec<u8>)>,
    pings: Vec<Vec<u8>>,
    /// How many of the pings are answered, or never will be.
    answered: usize,
    /// A part of the message that is being received in chunks.
    part: Option<(Opcode, Vec<u8>)>,
    /// The code of the close frame that came.
    close_received: Option<CloseCode>,
    close_sent: bool,
}

impl Joined {
    /// The options of the client and of the server, and what they agreed to.
    pub fn new(
        options: [WebSocketOptions; 2],
        deflate: Option<[(DeflateParams, DeflateOptions); 2]>,
    ) -> Self {
        let now = Instant::now();
        let mut ends = [Role::Client, Role::Server].map(|role| {
            let options = &options[role as usize];
            End::new(Connection::new(role, options, now))
        });
        if let Some(deflate) = deflate {
            for ((end, (params, deflate)), options) in ends.iter_mut().zip(deflate).zip(&options) {
                end.connection.enable_deflate(&params, &deflate, options);
            }
        }
        Self { ends, now }
    }

    /// Does it at end 0 or 1.
    pub fn apply(&mut self, at: usize, operation: Operation<'_>) {
        let mut closing_with = None;
        match operation {
            Operation::Write(kind, payload) => self.ends[at].write(kind, payload),
            Operation::Fragment { opcode, fin, payload } => {
                self.ends[at].write_fragment(opcode, fin, payload);
            }
            Operation::Ping(payload) => self.ends[at].write_ping(payload),
            Operation::Pong(payload) => self.ends[at].write_pong(payload),
            Operation::Close(code, reason) => {
                closing_with = self.ends[at].write_close(code.into(), reason);
            }
            Operation::Transmit(most) => {
                self.transmit(at, most);
            }
            Operation::Receive(most, way) => {
                self.receive(at, most, way);
            }
            Operation::ReleaseIdle => {
                self.ends[at].connection.receiver.release_idle();
                self.ends[at].connection.sender.release_idle();
            }
        }
        self.ends[at].note_close(closing_with);
    }

    /// Lets everything arrive and closes the connection, if that is not done.
    pub fn finish(mut self) {
        self.settle();
        self.apply(0, Operation::Close(1000, "done"));
        self.settle();
        for end in &mut self.ends {
            assert!(end.expected.is_empty(), "never arrived: {:?}", end.expected);
            assert!(end.close_sent && end.close_received.is_some());
            assert!(end.connection.receiver.is_finished());
            assert_eq!(end.connection.sender.queued(), 0);
            let action = match end.connection.sender.role() {
                Role::Client => TransportAction::AwaitEnd,
                Role::Server => TransportAction::HalfClose,
            };
            assert_eq!(end.connection.sender.transport_action(), action);
            assert_eq!(end.connection.receiver.end_of_stream(), Ok(()));
            assert_eq!(end.connection.sender.transport_action(), TransportAction::Drop);
            end.connection.receiver.release_idle();
            end.connection.sender.release_idle();
            assert!(!end.connection.receiver.holds_memory());
            assert!(!end.connection.sender.holds_memory());
        }
    }

    fn settle(&mut self) {
        loop {
            let mut moved = 0;
            for at in [0, 1] {
                moved += self.transmit(at, usize::MAX);
                self.ends[at].note_close(None);
                moved += self.receive(1 - at, usize::MAX, Way::InChunks);
            }
            if moved == 0 {
                return;
            }
        }
    }

    /// How many bytes went to the wire.
    fn transmit(&mut self, at: usize, most: usize) -> usize {
        let End { connection, wire, .. } = &mut self.ends[at];
        let mut slices = [IoSlice::new(&[]); 3];
        let count = connection.sender.transmit(self.now, &mut slices);
        let waiting = slices[..count].iter().flat_map(|slice| slice.iter().copied());
        let before = wire.len();
        wire.extend(waiting.take(most));
        let len = wire.len() - before;
        connection.sender.written(len, self.now);
        len
    }

    /// How many bytes were taken from the wire.
    fn receive(&mut self, at: usize, most: usize, way: Way) -> usize {
        let len = self.ends[1 - at].wire.len().min(most);
        let bytes: Vec<u8> = self.ends[1 - at].wire.drain(..len).collect();
        let mut rest = bytes.as_slice();
        assert!(rest.is_empty() || !self.ends[at].connection.receiver.is_finished());
        while !rest.is_empty() {
            let taken = self.ends[at].connection.receiver.receive_from(rest, self.now);
            assert!(taken > 0, "all messages are taken, and there is no room");
            rest = &rest[taken..];
            while let Some(message) = self.ends[at].next_message(way) {
                self.arrived(at, message);
            }
        }
        len
    }

    fn arrived(&mut self, at: usize, message: WebSocketMessage) {
        match &message {
            WebSocketMessage::Pong(payload) if payload.first() == Some(&PING) => {
                return self.ends[at].note_answer(payload);
            }
            WebSocketMessage::Close(code, _) => self.ends[at].close_received = Some(*code),
            _ => {}
        }
        assert_eq!(self.ends[1 - at].expected.pop_front(), Some(message));
    }
}

impl End {
    fn new(connection: Connection) -> Self {
        Self {
            connection,
            wire: VecDeque::new(),
            expected: VecDeque::new(),
            fragments: None,
            pings: Vec::new(),
            answered: 0,
            part: None,
            close_received: None,
            close_sent: false,
        }
    }

    fn write(&mut self, kind: Kind, payload: Payload<'_>) {
        let message: WebSocketMessage = match kind {
            Kind::Text | Kind::OwnedText | Kind::PreparedText => payload.text().into(),
            Kind::Binary | Kind::OwnedBinary | Kind::PreparedBinary => payload.binary().into(),
        };
        let sender = &mut self.connection.sender;
        let result = match (kind, &message) {
            (Kind::PreparedText, WebSocketMessage::Text(text)) => {
                sender.write_prepared(&PreparedMessage::text(text.clone()))
            }
            (Kind::PreparedBinary, message) => {
                sender.write_prepared(&PreparedMessage::binary(message.as_bytes()))
            }
            (Kind::Text, WebSocketMessage::Text(text)) => sender.write_text(text),
            (Kind::Binary, message) => sender.write_binary(message.as_bytes()),
            (_, message) => sender.write(message.clone()),
        };
        if result == Err(SendError::MessageInterrupted) {
            return assert!(self.fragments.is_some());
        }
        if self.was_written(result, message.as_bytes().len()) {
            assert!(self.fragments.is_none());
            self.expected.push_back(message);
        }
    }

    fn write_fragment(&mut self, opcode: Opcode, fin: bool, payload: Payload<'_>) {
        let payload = payload.binary();
        let (begun, mut message) = self.fragments.clone().unwrap_or((opcode, Vec::new()));
        message.extend_from_slice(&payload);
        let wrong_at = match std::str::from_utf8(&message) {
            Err(error) if opcode == Opcode::Text && (fin || error.error_len().is_some()) => {
                Some(error.valid_up_to() as u64)
            }
            _ => None,
        };
        match self.connection.sender.write_fragment(opcode, &payload, fin) {
            Err(SendError::FragmentKind) => assert_ne!(begun, opcode),
            Err(SendError::Utf8(error)) => assert_eq!(Some(error.valid_up_to), wrong_at),
            result => {
                if self.was_written(result, payload.len()) {
                    assert_eq!((begun, wrong_at), (opcode, None));
                    if !fin {
                        self.fragments = Some((opcode, message));
                        return;
                    }
                    self.fragments = None;
                    self.expected.push_back(whole(opcode, message));
                }
            }
        }
    }

    fn write_ping(&mut self, payload: &[u8]) {
        let mut ping = vec![PING];
        ping.extend((self.pings.len() as u32).to_le_bytes());
        ping.extend_from_slice(payload);
        let result = self.connection.sender.write_ping(&ping);
        if self.control_was_written(result, ping.len()) {
            self.expected.push_back(WebSocketMessage::Ping(ping.clone().into()));
            self.pings.push(ping);
        }
    }

    fn write_pong(&mut self, payload: &[u8]) {
        let mut pong = vec![PONG];
        pong.extend_from_slice(payload);
        let result = self.connection.sender.write_pong(&pong);
        if self.control_was_written(result, pong.len()) {
            self.expected.push_back(WebSocketMessage::Pong(pong.into()));
        }
    }

    /// What a close frame that was written says.
    fn write_close(&mut self, code: CloseCode, reason: &str) -> Option<WebSocketMessage> {
        let may_be_sent = code.may_be_sent() || code == CloseCode::NO_STATUS && reason.is_empty();
        match self.connection.sender.write_close(code, reason) {
            Ok(()) => {
                assert!(may_be_sent && reason.len() <= 123);
                Some(WebSocketMessage::Close(code, reason.into()))
            }
            Err(SendError::CloseCode(refused)) => {
                assert!(refused == code && !may_be_sent);
                None
            }
            Err(SendError::ReasonTooLong { len }) => {
                assert!(len == reason.len() && len > 123);
                None
            }
            Err(error) => panic!("{error:?}"),
        }
    }

    /// The first close frame stands: the answer to the peer's, or what was written.
    fn note_close(&mut self, written: Option<WebSocketMessage>) {
        if self.close_sent || !self.connection.sender.is_closing() {
            return;
        }
        self.close_sent = true;
        let answer = self.close_received.map(|code| WebSocketMessage::Close(code, "".into()));
        self.expected.push_back(answer.or(written).expect("a reason to close"));
    }

    fn control_was_written(&self, result: Result<(), SendError>, len: usize) -> bool {
        if let Err(SendError::ControlTooLong { len: refused }) = result {
            assert!(refused == len && len > 125);
            return false;
        }
        let was_written = self.was_written(result, len);
        assert!(!was_written || len <= 125);
        was_written
    }

    fn was_written(&self, result: Result<(), SendError>, len: usize) -> bool {
        match result {
            Ok(()) => assert!(!self.close_sent),
            Err(SendError::Closed) => assert!(self.connection.sender.is_closing()),
            Err(SendError::QueueFull(exceeded)) => {
                assert!(!self.connection.sender.has_room(len));
                assert!(exceeded.actual > exceeded.allowed);
                return false;
            }
            Err(error) => panic!("{error:?}"),
        }
        result.is_ok()
    }

    /// A pong for one of our pings: the later ones only, each once.
    fn note_answer(&mut self, pong: &[u8]) {
        let unanswered = self.pings[self.answered..].iter().position(|ping| ping == pong);
        self.answered += 1 + unanswered.expect("an answer to a ping that has none yet");
    }

    fn next_message(&mut self, way: Way) -> Option<WebSocketMessage> {
        loop {
            match self.take(way) {
                Ok(Taken::Message(message)) => return Some(message),
                Ok(Taken::Part) => {}
                Ok(Taken::Nothing) => return None,
                Err(ReceiveError::OtherWay) => return self.next_message(self.other_way(way)),
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    /// A message goes on in the way in which it was begun.
    fn other_way(&self, way: Way) -> Way {
        match &self.part {
            Some(_) => {
                assert_ne!(way, Way::InChunks);
                Way::InChunks
            }
            None => {
                assert_eq!(way, Way::InChunks);
                Way::Owned
            }
        }
    }

    fn take(&mut self, way: Way) -> Result<Taken, ReceiveError> {
        let receiver = &mut self.connection.receiver;
        let message = match way {
            Way::Borrowed => receiver.next_ref()?.map(|message| message.to_message()),
            Way::Owned => receiver.next_message()?,
            Way::InChunks => match receiver.next_chunk()? {
                None => None,
                Some(Received::Control(message)) => Some(message.to_message()),
                Some(Received::Chunk(chunk)) => {
                    let (opcode, mut part) = self.part.take().unwrap_or((chunk.opcode, Vec::new()));
                    assert_eq!(opcode, chunk.opcode);
                    part.extend_from_slice(chunk.payload);
                    if !chunk.last {
                        self.part = Some((opcode, part));
                        return Ok(Taken::Part);
                    }
                    Some(whole(opcode, part))
                }
            },
        };
        Ok(message.map_or(Taken::Nothing, Taken::Message))
    }
}

enum Taken {
    Message(WebSocketMessage),
    Part,
    Nothing,
}

fn whole(opcode: Opcode, payload: Vec<u8>) -> WebSocketMessage {
    match opcode {
        Opcode::Text => String::from_utf8(payload).expect("the text is valid").into(),
        _ => payload.into(),
    }
}
