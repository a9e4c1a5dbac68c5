//! yawc: a connection over a transport in memory; its messages own their bytes.

use std::rc::Rc;

use bytes::Bytes;
use futures_util::SinkExt;
use yawc::{CompressionLevel, Frame, Options, Role, WebSocket};

use super::{Corpus, Out, ReceiveInflated, SendDeflated, Sink};
use crate::{
    memory::Aligned,
    wire::{Wire, ready},
};

fn connection(wire: &Wire, role: Role, level: u8) -> WebSocket<Wire> {
    let options =
        Options::default().with_compression_level(CompressionLevel::new(level.into())).with_utf8();
    let extensions = Some("permessage-deflate");
    WebSocket::from_stream_with_extensions(wire.clone(), role, extensions, options)
        .expect("deflate")
}

/// A server.
pub struct YawcSender {
    connection: WebSocket<Wire>,
    wire: Wire,
    payloads: Vec<Bytes>,
}

impl SendDeflated for YawcSender {
    const NAME: &str = "yawc";
    const TAKEOVER: bool = true;

    fn new(level: u8, corpus: &Corpus) -> Self {
        let wire = Wire::default();
        Self {
            connection: connection(&wire, Role::Server, level),
            wire,
            payloads: corpus.payloads().collect(),
        }
    }

    fn send(&mut self, out: &mut Out) {
        if out.kept.is_some() {
            self.wire.keep();
        }
        for payload in &self.payloads {
            let message = Frame::text(payload.clone());
            ready(self.connection.send(message)).expect("room");
        }
        // The wire has copied it already, as the others' transport does.
        if let Some(kept) = &mut out.kept {
            *kept = self.wire.kept();
        }
    }
}

/// A client.
pub struct YawcReceiver {
    connection: WebSocket<Wire>,
    wire: Wire,
}

impl ReceiveInflated for YawcReceiver {
    const NAME: &str = "yawc";
    const TAKEOVER: bool = true;

    fn new() -> Self {
        let wire = Wire::default();
        Self { connection: connection(&wire, Role::Client, 1), wire }
    }

    fn receive(&mut self, wire: &Rc<Aligned>, messages: usize, sink: &mut impl Sink) {
        self.wire.arrive(wire);
        for _ in 0..messages {
            let message = ready(self.connection.next_frame()).expect("a message");
            sink.payload(message.payload());
        }
    }
}
