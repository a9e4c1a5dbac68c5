//! tungstenite: blocking, over any `Read + Write`; its messages own their bytes.

use std::rc::Rc;

use tungstenite::{Message, Utf8Bytes, WebSocket, protocol::Role as PeerRole};
use wirespeed::Role;

use super::{Receive, Send, Sink};
use crate::{memory::Aligned, wire::Wire};

fn connection(role: Role, wire: &Wire) -> WebSocket<Wire> {
    let role = match role {
        Role::Client => PeerRole::Client,
        Role::Server => PeerRole::Server,
    };
    WebSocket::from_raw_socket(wire.clone(), role, None)
}

pub struct Tungstenite {
    connection: WebSocket<Wire>,
    wire: Wire,
    text: Utf8Bytes,
}

impl Receive for Tungstenite {
    const NAME: &str = "tungstenite";

    fn new(role: Role) -> Self {
        <Self as Send>::new(role, "")
    }

    fn receive(&mut self, wire: &Rc<Aligned>, messages: usize, sink: &mut impl Sink) {
        self.wire.arrive(wire);
        for _ in 0..messages {
            match self.connection.read().expect("a message") {
                Message::Text(text) => sink.payload(text.as_bytes()),
                other => sink.payload(&other.into_data()),
            }
        }
    }
}

impl Send for Tungstenite {
    const NAME: &str = "tungstenite";

    fn new(role: Role, text: &'static str) -> Self {
        let wire = Wire::default();
        Self { connection: connection(role, &wire), wire, text: Utf8Bytes::from_static(text) }
    }

    fn send(&mut self, messages: usize, sink: Option<&mut Vec<u8>>) {
        if sink.is_some() {
            self.wire.keep();
        }
        for _ in 0..messages {
            self.connection.write(Message::Text(self.text.clone())).expect("room");
        }
        self.connection.flush().expect("a transport");
        if let Some(sink) = sink {
            *sink = self.wire.kept();
        }
    }
}
