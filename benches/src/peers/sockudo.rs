//! sockudo-ws: its protocol without a transport, on a `BytesMut` of the caller's;
//! its messages own their bytes. They come in batches, into a vector that is kept.
//! By default its masking keys come from a small generator that can be predicted.

use std::rc::Rc;

use bytes::{Bytes, BytesMut};
use sockudo_ws::protocol::{Message, Protocol, Role as PeerRole};
use wirespeed::Role;

use super::{Receive, Send, Sink};
use crate::{memory::Aligned, traffic::READ, wire::Socket};

pub struct Sockudo {
    protocol: Protocol,
    buffer: BytesMut,
    messages: Vec<Message>,
    text: Message,
    socket: Socket,
}

impl Receive for Sockudo {
    const NAME: &str = "sockudo-ws";

    fn new(role: Role) -> Self {
        <Self as Send>::new(role, "")
    }

    fn receive(&mut self, wire: &Rc<Aligned>, messages: usize, sink: &mut impl Sink) {
        self.buffer.reserve(READ);
        self.buffer.extend_from_slice(wire);
        self.protocol.process_into(&mut self.buffer, &mut self.messages).expect("messages");
        assert_eq!(self.messages.len(), messages);
        self.messages.iter().for_each(|message| sink.payload(message.as_bytes()));
        self.messages.clear();
    }
}

impl Send for Sockudo {
    const NAME: &str = "sockudo-ws";

    fn new(role: Role, text: &'static str) -> Self {
        let role = match role {
            Role::Client => PeerRole::Client,
            Role::Server => PeerRole::Server,
        };
        Self {
            protocol: Protocol::new(role, 16 << 20, 64 << 20),
            buffer: BytesMut::with_capacity(READ),
            messages: Vec::new(),
            text: Message::Text(Bytes::from_static(text.as_bytes())),
            socket: Socket::default(),
        }
    }

    fn send(&mut self, messages: usize, sink: Option<&mut Vec<u8>>) {
        for _ in 0..messages {
            self.protocol.encode_message(&self.text, &mut self.buffer).expect("room");
        }
        self.socket.take(&self.buffer);
        if let Some(sink) = sink {
            sink.extend_from_slice(&self.buffer);
        }
        self.buffer.clear();
    }
}
