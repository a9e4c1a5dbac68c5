//! This library: the sans-IO core, with no driver around it.

use std::{io::IoSlice, rc::Rc, time::Instant};

use wirespeed::{Role, Utf8Bytes, WebSocketMessage, WebSocketOptions, protocol::Connection};

use super::{Receive, Send, Sink};
use crate::{memory::Aligned, wire::Socket};

fn connection(role: Role) -> Connection {
    let options = match role {
        Role::Client => WebSocketOptions::client(),
        Role::Server => WebSocketOptions::server(),
    };
    Connection::new(role, &options, Instant::now())
}

/// Borrowed messages.
pub struct Wirespeed {
    connection: Connection,
    now: Instant,
}

impl Receive for Wirespeed {
    const NAME: &str = "wirespeed, borrowed";

    fn new(role: Role) -> Self {
        Self { connection: connection(role), now: Instant::now() }
    }

    fn receive(&mut self, wire: &Rc<Aligned>, messages: usize, sink: &mut impl Sink) {
        let receiver = &mut self.connection.receiver;
        assert_eq!(receiver.receive_from(wire, self.now), wire.len());
        let mut taken = 0;
        while let Some(message) = receiver.next_ref().expect("a message") {
            sink.payload(message.as_bytes());
            taken += 1;
        }
        assert_eq!(taken, messages);
    }
}

/// Borrowed messages, of a read that the transport has put into the buffer before:
/// what is left is the parser. The bytes of the last pass are taken again, which
/// for masked ones needs keys and texts that stay ASCII under each other.
pub struct WirespeedInPlace {
    connection: Connection,
    now: Instant,
    is_filled: bool,
}

impl Receive for WirespeedInPlace {
    const NAME: &str = "wirespeed, borrowed, in place";

    fn new(role: Role) -> Self {
        Self { connection: connection(role), now: Instant::now(), is_filled: false }
    }

    fn receive(&mut self, wire: &Rc<Aligned>, messages: usize, sink: &mut impl Sink) {
        let receiver = &mut self.connection.receiver;
        if self.is_filled {
            receiver.read_buffer();
            receiver.received(wire.len(), self.now);
        } else {
            receiver.receive_from(wire, self.now);
            self.is_filled = true;
        }
        let mut taken = 0;
        while let Some(message) = receiver.next_ref().expect("a message") {
            sink.payload(message.as_bytes());
            taken += 1;
        }
        assert_eq!(taken, messages);
    }
}

/// Messages that own their bytes.
pub struct WirespeedOwned {
    connection: Connection,
    now: Instant,
}

impl Receive for WirespeedOwned {
    const NAME: &str = "wirespeed, owned";

    fn new(role: Role) -> Self {
        Self { connection: connection(role), now: Instant::now() }
    }

    fn receive(&mut self, wire: &Rc<Aligned>, messages: usize, sink: &mut impl Sink) {
        let receiver = &mut self.connection.receiver;
        assert_eq!(receiver.receive_from(wire, self.now), wire.len());
        let mut taken = 0;
        while let Some(message) = receiver.next_message().expect("a message") {
            sink.payload(message.as_bytes());
            taken += 1;
        }
        assert_eq!(taken, messages);
    }
}

/// From this size on, in bytes, a copy costs more than to own the message.
const LARGE: usize = 4 << 10;

/// Texts written to the queue, which the transport empties after each batch. Large ones
/// are owned, which a server sends by reference.
pub struct WirespeedSender {
    connection: Connection,
    text: &'static str,
    owned: Option<WebSocketMessage>,
    now: Instant,
    socket: Socket,
}

impl Send for WirespeedSender {
    const NAME: &str = "wirespeed";

    fn new(role: Role, text: &'static str) -> Self {
        Self {
            connection: connection(role),
            text,
            owned: (text.len() >= LARGE).then(|| Utf8Bytes::from_static(text).into()),
            now: Instant::now(),
            socket: Socket::default(),
        }
    }

    fn send(&mut self, messages: usize, mut sink: Option<&mut Vec<u8>>) {
        let sender = &mut self.connection.sender;
        for _ in 0..messages {
            let written = match &self.owned {
                None => sender.write_text(self.text),
                Some(message) => sender.write(message.clone()),
            };
            written.expect("room");
        }
        loop {
            let mut slices = [IoSlice::new(&[]); 8];
            let count = sender.transmit(self.now, &mut slices);
            let len = slices[..count].iter().map(|slice| slice.len()).sum();
            if len == 0 {
                return;
            }
            slices[..count].iter().for_each(|slice| self.socket.take(slice));
            if let Some(sink) = &mut sink {
                slices[..count].iter().for_each(|slice| sink.extend_from_slice(slice));
            }
            sender.written(len, self.now);
        }
    }
}
