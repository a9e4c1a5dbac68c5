//! wtx: a connection over a transport in memory, into a buffer of the caller's. It
//! has no context takeover: it forgets after each message, in both directions.

use std::rc::Rc;

use wtx::{
    collection::Vector,
    rng::Xorshift64,
    stream::{StreamReader, StreamWriter},
    web_socket::{
        Compression, DeflateConfig, Frame, OpCode, WebSocketBuffer, WebSocketOwned,
        WebSocketPayloadOrigin,
        compression::{Flate2, NegotiatedFlate2, WindowBits},
    },
};

use super::{Corpus, Out, ReceiveInflated, SendDeflated, Sink};
use crate::{
    memory::Aligned,
    wire::{Wire, ready},
};

type WebSocket<const IS_CLIENT: bool> =
    WebSocketOwned<NegotiatedFlate2, Xorshift64, Transport, IS_CLIENT>;

fn connection<const IS_CLIENT: bool>(wire: &Wire, level: u8) -> WebSocket<IS_CLIENT> {
    let config = DeflateConfig {
        client_max_window_bits: WindowBits::Fifteen,
        compression_level: level.try_into().expect("a level"),
        server_max_window_bits: WindowBits::Fifteen,
    };
    let header = [&b"sec-websocket-extensions"[..], &b"permessage-deflate"[..]];
    let deflate: Option<NegotiatedFlate2> =
        Compression::<IS_CLIENT>::negotiate(Flate2::from(config), [header].into_iter())
            .expect("an agreement");
    WebSocketOwned::new(
        deflate.expect("deflate"),
        false,
        Xorshift64::new(1),
        Transport(wire.clone()),
        WebSocketBuffer::new(),
    )
}

/// A server.
pub struct WtxSender {
    connection: WebSocket<false>,
    wire: Wire,
    texts: Vec<Vec<u8>>,
}

impl SendDeflated for WtxSender {
    const NAME: &str = "wtx, no takeover";
    const TAKEOVER: bool = false;

    fn new(level: u8, corpus: &Corpus) -> Self {
        let wire = Wire::default();
        Self {
            connection: connection(&wire, level),
            wire,
            texts: corpus.texts.iter().map(|text| text.clone().into_bytes()).collect(),
        }
    }

    fn send(&mut self, out: &mut Out) {
        if out.kept.is_some() {
            self.wire.keep();
        }
        for text in &mut self.texts {
            let mut frame = Frame::new_fin(OpCode::Text, &mut text[..]);
            ready(self.connection.write_frame(&mut frame)).expect("room");
        }
        // The wire has copied it already, as the others' transport does.
        if let Some(kept) = &mut out.kept {
            *kept = self.wire.kept();
        }
    }
}

/// A client.
pub struct WtxReceiver {
    connection: WebSocket<true>,
    wire: Wire,
    buffer: Vector<u8>,
}

impl ReceiveInflated for WtxReceiver {
    const NAME: &str = "wtx, no takeover";
    const TAKEOVER: bool = false;

    fn new() -> Self {
        let wire = Wire::default();
        Self { connection: connection(&wire, 1), wire, buffer: Vector::new() }
    }

    fn receive(&mut self, wire: &Rc<Aligned>, messages: usize, sink: &mut impl Sink) {
        self.wire.arrive(wire);
        for _ in 0..messages {
            let origin = WebSocketPayloadOrigin::Adaptive;
            let frame = ready(self.connection.read_frame(&mut self.buffer, origin));
            sink.payload(frame.expect("a message").payload());
        }
    }
}

struct Transport(Wire);

impl StreamReader for Transport {
    async fn read(&mut self, bytes: &mut [u8]) -> wtx::Result<usize> {
        Ok(std::io::Read::read(&mut self.0, bytes)?)
    }
}

impl StreamWriter for Transport {
    async fn write_all(&mut self, bytes: &[u8]) -> wtx::Result<()> {
        self.0.put(bytes);
        Ok(())
    }

    async fn write_all_vectored(&mut self, slices: &[&[u8]]) -> wtx::Result<()> {
        slices.iter().for_each(|bytes| self.0.put(bytes));
        Ok(())
    }
}
