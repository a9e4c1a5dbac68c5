//! sockudo-ws: its protocol without a transport, on a `BytesMut` of the caller's.

use std::rc::Rc;

use bytes::BytesMut;
use sockudo_ws::{CompressedProtocol, DeflateConfig, protocol::Message};

use super::{Corpus, Out, ReceiveInflated, SendDeflated, Sink};
use crate::{memory::Aligned, traffic::READ};

/// The most that a frame and a message may have.
const LIMITS: (usize, usize) = (16 << 20, 64 << 20);

fn config(level: u8) -> DeflateConfig {
    DeflateConfig {
        compression_level: level.into(),
        compression_threshold: 0,
        ..DeflateConfig::default()
    }
}

/// A server.
pub struct SockudoSender {
    protocol: CompressedProtocol,
    buffer: BytesMut,
    messages: Vec<Message>,
}

impl SendDeflated for SockudoSender {
    const NAME: &str = "sockudo-ws";
    const TAKEOVER: bool = true;

    fn new(level: u8, corpus: &Corpus) -> Self {
        Self {
            protocol: CompressedProtocol::server(LIMITS.0, LIMITS.1, config(level)),
            buffer: BytesMut::with_capacity(READ),
            messages: corpus.payloads().map(Message::Text).collect(),
        }
    }

    fn send(&mut self, out: &mut Out) {
        for message in &self.messages {
            self.protocol.encode_message(message, &mut self.buffer).expect("room");
            out.take(&self.buffer);
            self.buffer.clear();
        }
    }
}

/// A client; its messages own their bytes.
pub struct SockudoReceiver {
    protocol: CompressedProtocol,
    buffer: BytesMut,
    messages: Vec<Message>,
}

impl ReceiveInflated for SockudoReceiver {
    const NAME: &str = "sockudo-ws";
    const TAKEOVER: bool = true;

    fn new() -> Self {
        Self {
            protocol: CompressedProtocol::client(LIMITS.0, LIMITS.1, config(1)),
            buffer: BytesMut::with_capacity(READ),
            messages: Vec::new(),
        }
    }

    fn receive(&mut self, wire: &Rc<Aligned>, messages: usize, sink: &mut impl Sink) {
        let mut taken = 0;
        for read in wire.chunks(READ) {
            self.buffer.reserve(READ);
            self.buffer.extend_from_slice(read);
            self.protocol.process_into(&mut self.buffer, &mut self.messages).expect("messages");
            taken += self.messages.len();
            self.messages.iter().for_each(|message| sink.payload(message.as_bytes()));
            self.messages.clear();
        }
        assert_eq!(taken, messages);
    }
}
