//! Two ends of a connection that has agreed to compression, and the bytes between.

use std::{io::IoSlice, time::Instant};

use wirespeed::{
    BufferPool, CloseCode, Role, WebSocketFrame, WebSocketMessage, WebSocketOptions,
    deflate::{DeflateOptions, DeflateParams, DeflatePool},
    protocol::{Connection, ProtocolError, ReceiveError, Received},
};

pub(crate) const ROLES: [Role; 2] = [Role::Client, Role::Server];

pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;
pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const PING: u8 = 0x9;

/// One end.
pub(crate) struct End {
    pub(crate) connection: Connection,
    pub(crate) options: WebSocketOptions,
    role: Role,
    now: Instant,
}

/// How messages are received.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    Ref,
    Owned,
    Chunk,
}

pub(crate) const WAYS: [By; 3] = [By::Ref, By::Owned, By::Chunk];

impl End {
    pub(crate) fn new(role: Role, params: &DeflateParams, deflate: &DeflateOptions) -> Self {
        Self::with(role, params, deflate, |_| {})
    }

    /// With options changed, and with pools of its own.
    pub(crate) fn with(
        role: Role,
        params: &DeflateParams,
        deflate: &DeflateOptions,
        change: impl FnOnce(&mut WebSocketOptions),
    ) -> Self {
        let mut end = Self::without_compression(role, |options| {
            options.deflate_pool = DeflatePool::new(4);
            change(options);
        });
        end.connection.enable_deflate(params, deflate, &end.options);
        end
    }

    pub(crate) fn without_compression(
        role: Role,
        change: impl FnOnce(&mut WebSocketOptions),
    ) -> Self {
        let mut options = match role {
            Role::Client => WebSocketOptions::client(),
            Role::Server => WebSocketOptions::server(),
        };
        options.pool = BufferPool::new(BufferPool::DEFAULT_READ_SIZE, 4);
        change(&mut options);
        let now = Instant::now();
        Self { connection: Connection::new(role, &options, now), options, role, now }
    }

    /// Receives `bytes`, at most `step` in one read, and hands whatever is found to
    /// `take` until it is an error.
    fn receive(
        &mut self,
        step: usize,
        mut bytes: &[u8],
        mut take: impl FnMut(&mut Connection) -> Result<bool, ReceiveError>,
    ) -> Result<(), ReceiveError> {
        while !bytes.is_empty() {
            let part = &bytes[..step.min(bytes.len())];
            let taken = self.connection.receiver.receive_from(part, self.now);
            assert!(taken > 0, "there is room once all messages are taken");
            bytes = &bytes[taken..];
            while take(&mut self.connection)? {}
        }
        Ok(())
    }

    /// The messages in `bytes`, received in one of the three ways.
    pub(crate) fn try_messages(
        &mut self,
        by: By,
        step: usize,
        bytes: &[u8],
    ) -> (Vec<WebSocketMessage>, Result<(), ReceiveError>) {
        let mut messages = Vec::new();
        let mut begun: Vec<u8> = Vec::new();
        let result = self.receive(step, bytes, |connection| {
            let receiver = &mut connection.receiver;
            let message = match by {
                By::Owned => receiver.next_message()?,
                By::Ref => receiver.next_ref()?.map(|message| message.to_message()),
                By::Chunk => match receiver.next_chunk()? {
                    None => None,
                    Some(Received::Control(message)) => Some(message.to_message()),
                    Some(Received::Chunk(chunk)) => {
                        assert!(chunk.last || !chunk.payload.is_empty(), "an empty piece");
                        begun.extend_from_slice(chunk.payload);
                        if !chunk.last {
                            return Ok(true);
                        }
                        let bytes = std::mem::take(&mut begun);
                        Some(match chunk.opcode {
                            wirespeed::Opcode::Text => String::from_utf8(bytes).unwrap().into(),
                            _ => bytes.into(),
                        })
                    }
                },
            };
            let found = message.is_some();
            messages.extend(message);
            Ok(found)
        });
        (messages, result)
    }

    pub(crate) fn messages(&mut self, bytes: &[u8]) -> Vec<WebSocketMessage> {
        let (messages, result) = self.try_messages(By::Owned, usize::MAX, bytes);
        assert_eq!(result, Ok(()));
        messages
    }

    /// The rule that `bytes` break.
    pub(crate) fn violation(&mut self, by: By, bytes: &[u8]) -> ProtocolError {
        match self.try_messages(by, usize::MAX, bytes) {
            (_, Err(ReceiveError::Protocol(error))) => error,
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

    /// The one frame that waits to be sent.
    pub(crate) fn sent_frame(&mut self) -> WebSocketFrame {
        let sent = self.sent();
        let mut rest = sent.as_slice();
        let frame = WebSocketFrame::decode(&mut rest).unwrap();
        assert_eq!(rest, b"", "one frame");
        frame
    }

    /// The first byte of the one frame that waits to be sent.
    pub(crate) fn sent_first(&mut self) -> u8 {
        self.sent()[0]
    }

    /// The code of the close frame that waits to be sent.
    pub(crate) fn sent_close(&mut self) -> CloseCode {
        let frame = self.sent_frame();
        let code = frame.payload.first_chunk().expect("a close code");
        u16::from_be_bytes(*code).into()
    }

    /// The peer's frame with this first byte, masked if the peer is a client.
    pub(crate) fn frame(&self, first: u8, payload: &[u8]) -> Vec<u8> {
        const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
        let masked = self.role == Role::Server;
        let mut frame = vec![first];
        let mask_bit = if masked { 0x80 } else { 0 };
        match payload.len() {
            len @ 0..=125 => frame.push(mask_bit | len as u8),
            len @ 126..=0xFFFF => {
                frame.push(mask_bit | 126);
                frame.extend((len as u16).to_be_bytes());
            }
            len => {
                frame.push(mask_bit | 127);
                frame.extend((len as u64).to_be_bytes());
            }
        }
        let key = if masked { KEY } else { [0; 4] };
        if masked {
            frame.extend(KEY);
        }
        frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        frame
    }
}

/// A client and a server with the same options.
pub(crate) fn ends(params: &DeflateParams, deflate: &DeflateOptions) -> (End, End) {
    (End::new(Role::Client, params, deflate), End::new(Role::Server, params, deflate))
}
