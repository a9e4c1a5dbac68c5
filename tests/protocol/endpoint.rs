//! One end of a connection, driven by hand, and the frames of its peer.

use std::{io::IoSlice, time::Instant};

use wirespeed::{
    BufferPool, CloseCode, Opcode, PreparedMessage, Role, WebSocketFrame, WebSocketMessage,
    WebSocketOptions,
    protocol::{Connection, ProtocolError, ReceiveError},
};

pub(crate) const ROLES: [Role; 2] = [Role::Client, Role::Server];

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8A;
/// First bytes of fragments: begun, continued, and ended.
pub(crate) const TEXT_BEGINS: u8 = 0x01;
pub(crate) const BINARY_BEGINS: u8 = 0x02;
pub(crate) const CONTINUES: u8 = 0x00;
pub(crate) const ENDS: u8 = 0x80;

const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];

/// The end under test.
pub(crate) struct Endpoint {
    pub(crate) role: Role,
    pub(crate) connection: Connection,
    pub(crate) now: Instant,
}

impl Endpoint {
    pub(crate) fn new(role: Role) -> Self {
        Self::with(role, |_| {})
    }

    /// With options changed, and with a pool of its own.
    pub(crate) fn with(role: Role, change: impl FnOnce(&mut WebSocketOptions)) -> Self {
        let mut options = match role {
            Role::Client => WebSocketOptions::client(),
            Role::Server => WebSocketOptions::server(),
        };
        options.pool = BufferPool::new(BufferPool::DEFAULT_READ_SIZE, 4);
        change(&mut options);
        let now = Instant::now();
        Self { role, connection: Connection::new(role, &options, now), now }
    }

    /// Receives `bytes` and takes all messages; the last one may be an error.
    pub(crate) fn deliver(
        &mut self,
        bytes: &[u8],
    ) -> (Vec<WebSocketMessage>, Option<ReceiveError>) {
        self.deliver_by(usize::MAX, bytes)
    }

    /// As [`deliver`](Self::deliver), at most `step` bytes in one read.
    pub(crate) fn deliver_by(
        &mut self,
        step: usize,
        mut bytes: &[u8],
    ) -> (Vec<WebSocketMessage>, Option<ReceiveError>) {
        let mut messages = Vec::new();
        while !bytes.is_empty() {
            let taken =
                self.connection.receiver.receive_from(&bytes[..step.min(bytes.len())], self.now);
            assert!(taken > 0, "there is room once all messages are taken");
            bytes = &bytes[taken..];
            loop {
                match self.connection.receiver.next_message() {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break,
                    Err(error) => return (messages, Some(error)),
                }
            }
        }
        (messages, None)
    }

    /// Receives `bytes` and takes all messages, none of which may be an error.
    pub(crate) fn messages(&mut self, bytes: &[u8]) -> Vec<WebSocketMessage> {
        let (messages, error) = self.deliver(bytes);
        assert_eq!(error, None, "{:?}", self.role);
        messages
    }

    /// Receives `bytes`, which have to break a rule, and hands out which.
    pub(crate) fn violation(&mut self, bytes: &[u8]) -> ProtocolError {
        match self.deliver(bytes) {
            (_, Some(ReceiveError::Protocol(error))) => error,
            other => panic!("{:?}: no violation: {other:?}", self.role),
        }
    }

    /// All bytes that wait to be sent; the transport takes them.
    pub(crate) fn sent(&mut self) -> Vec<u8> {
        let mut sent = Vec::new();
        loop {
            let mut slices = [IoSlice::new(&[]); 16];
            let count = self.connection.sender.transmit(self.now, &mut slices);
            let len = sent.len();
            slices[..count].iter().for_each(|slice| sent.extend_from_slice(slice));
            if sent.len() == len {
                return sent;
            }
            self.connection.sender.written(sent.len() - len, self.now);
        }
    }

    /// All frames that wait to be sent, which have to be masked as the role demands.
    pub(crate) fn sent_frames(&mut self) -> Vec<WebSocketFrame> {
        let sent = self.sent();
        let mut rest = sent.as_slice();
        let mut frames = Vec::new();
        while !rest.is_empty() {
            let frame = WebSocketFrame::decode(&mut rest).unwrap();
            assert_eq!(frame.mask.is_some(), self.role == Role::Client);
            frames.push(frame);
        }
        frames
    }

    /// The code of the one close frame that waits to be sent, and nothing behind it.
    pub(crate) fn sent_close(&mut self) -> CloseCode {
        let frames = self.sent_frames();
        let close = frames.last().expect("a close frame");
        assert_eq!(close.opcode, Opcode::Close, "{frames:?}");
        assert!(frames[..frames.len() - 1].iter().all(|frame| frame.opcode != Opcode::Close));
        match *close.payload {
            [] => CloseCode::NO_STATUS,
            [high, low, ..] => u16::from_be_bytes([high, low]).into(),
            [_] => panic!("a close frame with half a code"),
        }
    }

    /// The peer's frame with this first byte, masked if the peer is a client.
    pub(crate) fn frame(&self, first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = self.header(first, payload.len() as u64);
        frame.extend(self.payload(payload));
        frame
    }

    /// A payload as it comes behind a header.
    pub(crate) fn payload(&self, payload: &[u8]) -> Vec<u8> {
        let key = if self.role == Role::Server { KEY } else { [0; 4] };
        payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect()
    }

    /// The peer's frames, one behind the other.
    pub(crate) fn frames<P: AsRef<[u8]>>(
        &self,
        frames: impl IntoIterator<Item = (u8, P)>,
    ) -> Vec<u8> {
        frames
            .into_iter()
            .flat_map(|(first, payload)| self.frame(first, payload.as_ref()))
            .collect()
    }

    /// The header of such a frame, its length in the shortest form.
    pub(crate) fn header(&self, first: u8, len: u64) -> Vec<u8> {
        let form = match len {
            0..=125 => len as u8,
            126..=0xFFFF => 126,
            _ => 127,
        };
        self.header_in_form(first, form, len)
    }

    /// The same with the length in the given form: 126 for two bytes, 127 for eight.
    pub(crate) fn header_in_form(&self, first: u8, form: u8, len: u64) -> Vec<u8> {
        let masked = self.role == Role::Server;
        let mut header = vec![first, form | if masked { 0x80 } else { 0 }];
        match form {
            126 => header.extend((len as u16).to_be_bytes()),
            127 => header.extend(len.to_be_bytes()),
            _ => {}
        }
        if masked {
            header.extend(KEY);
        }
        header
    }
}

/// An end that has written messages and control frames in every way there is,
/// payloads of all length forms and empty ones among them.
pub(crate) fn with_everything_written(role: Role) -> Endpoint {
    let mut endpoint = Endpoint::with(role, |options| options.limits.write_queue = 4 << 20);
    let sender = &mut endpoint.connection.sender;
    for len in [0, 1, 125, 126, 5000, 65_535, 65_536] {
        let text = "x".repeat(len);
        sender.write_text(&text).unwrap();
        sender.write_binary(text.as_bytes()).unwrap();
        sender.write(WebSocketMessage::from(text.as_str())).unwrap();
        sender.write(WebSocketMessage::from(text.as_bytes())).unwrap();
        sender.write_prepared(&PreparedMessage::text(text.as_str())).unwrap();
        sender.write_prepared(&PreparedMessage::binary(&text)).unwrap();
        sender.write_fragment(Opcode::Text, text.as_bytes(), false).unwrap();
        sender.write_ping(&text.as_bytes()[..len.min(125)]).unwrap();
        sender.write_fragment(Opcode::Text, text.as_bytes(), false).unwrap();
        sender.write_pong(&text.as_bytes()[..len.min(125)]).unwrap();
        sender.write_fragment(Opcode::Text, text.as_bytes(), true).unwrap();
    }
    sender.write_close(CloseCode::NORMAL, "done").unwrap();
    endpoint
}

pub(crate) fn text(text: &str) -> WebSocketMessage {
    text.into()
}

pub(crate) fn binary(payload: &[u8]) -> WebSocketMessage {
    payload.into()
}
