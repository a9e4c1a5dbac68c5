//! fastwebsockets: asynchronous; its payloads own their bytes. The collector puts
//! fragments together; frames leave one by one, for it has no write buffer.

use std::rc::Rc;

use fastwebsockets::{Frame, Payload, Role as PeerRole, WebSocket};
use wirespeed::Role;

use super::{Receive, Send, Sink};
use crate::{
    memory::Aligned,
    wire::{Wire, ready},
};

fn connection(role: Role, wire: &Wire) -> WebSocket<Wire> {
    let role = match role {
        Role::Client => PeerRole::Client,
        Role::Server => PeerRole::Server,
    };
    WebSocket::after_handshake(wire.clone(), role)
}

pub struct FastWebsockets {
    connection: fastwebsockets::FragmentCollector<Wire>,
    wire: Wire,
    text: &'static str,
}

impl Receive for FastWebsockets {
    const NAME: &str = "fastwebsockets";

    fn new(role: Role) -> Self {
        <Self as Send>::new(role, "")
    }

    fn receive(&mut self, wire: &Rc<Aligned>, messages: usize, sink: &mut impl Sink) {
        self.wire.arrive(wire);
        for _ in 0..messages {
            let frame = ready(self.connection.read_frame()).expect("a message");
            sink.payload(&frame.payload);
        }
    }
}

impl Send for FastWebsockets {
    const NAME: &str = "fastwebsockets";

    fn new(role: Role, text: &'static str) -> Self {
        let wire = Wire::default();
        let connection = fastwebsockets::FragmentCollector::new(connection(role, &wire));
        Self { connection, wire, text }
    }

    fn send(&mut self, messages: usize, sink: Option<&mut Vec<u8>>) {
        if sink.is_some() {
            self.wire.keep();
        }
        for _ in 0..messages {
            let frame = Frame::text(Payload::Borrowed(self.text.as_bytes()));
            ready(self.connection.write_frame(frame)).expect("a transport");
        }
        if let Some(sink) = sink {
            *sink = self.wire.kept();
        }
    }
}
