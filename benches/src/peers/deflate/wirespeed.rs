//! This library: the sans-IO core, with no driver around it.

use std::{io::IoSlice, rc::Rc, time::Instant};

use wirespeed::{
    Role, WebSocketOptions,
    deflate::{DeflateOptions, DeflateParams},
    protocol::Connection,
};

use super::{
    Corpus, Out, PEERS_MEMORY_LEVEL, RECEIVER, ReceiveInflated, SENDER, SendDeflated, Sink,
};
use crate::{memory::Aligned, traffic::READ};

fn connection(role: Role, deflate: DeflateOptions, takeover: bool) -> Connection {
    let mut options = WebSocketOptions::client();
    // The captures have nothing that a limit would stop; the peers have none.
    options.limits.inflate_ratio = u32::MAX;
    let params =
        DeflateParams { server_no_context_takeover: !takeover, ..DeflateParams::default() };
    let mut connection = Connection::new(role, &options, Instant::now());
    connection.enable_deflate(&params, &deflate.threshold(0), &options);
    connection
}

/// A server.
pub struct WirespeedSender {
    connection: Connection,
    texts: Vec<String>,
    now: Instant,
}

pub(super) fn sender(level: u8, corpus: &Corpus, takeover: bool) -> WirespeedSender {
    WirespeedSender::with(DeflateOptions::for_client().level(level), corpus, takeover)
}

impl WirespeedSender {
    fn with(deflate: DeflateOptions, corpus: &Corpus, takeover: bool) -> Self {
        Self {
            connection: connection(SENDER, deflate, takeover),
            texts: corpus.texts.clone(),
            now: Instant::now(),
        }
    }
}

impl SendDeflated for WirespeedSender {
    const NAME: &str = "wirespeed";
    const TAKEOVER: bool = true;

    fn new(level: u8, corpus: &Corpus) -> Self {
        sender(level, corpus, true)
    }

    fn send(&mut self, out: &mut Out) {
        let sender = &mut self.connection.sender;
        for text in &self.texts {
            sender.write_text(text).expect("room");
            loop {
                let mut slices = [IoSlice::new(&[]); 8];
                let count = sender.transmit(self.now, &mut slices);
                if count == 0 {
                    break;
                }
                slices[..count].iter().for_each(|slice| out.take(slice));
                let len = slices[..count].iter().map(|slice| slice.len()).sum();
                sender.written(len, self.now);
            }
        }
    }
}

/// A server that compresses with as much memory as the peers do.
pub struct WirespeedAsPeers(WirespeedSender);

impl SendDeflated for WirespeedAsPeers {
    const NAME: &str = "wirespeed, memory level 8";
    const TAKEOVER: bool = true;

    fn new(level: u8, corpus: &Corpus) -> Self {
        let deflate = DeflateOptions::for_client().level(level).memory_level(PEERS_MEMORY_LEVEL);
        Self(WirespeedSender::with(deflate, corpus, true))
    }

    fn send(&mut self, out: &mut Out) {
        self.0.send(out);
    }
}

/// A client that takes borrowed messages.
pub struct WirespeedReceiver {
    connection: Connection,
    now: Instant,
}

pub(super) fn receiver(takeover: bool) -> WirespeedReceiver {
    let deflate = DeflateOptions::for_client();
    WirespeedReceiver { connection: connection(RECEIVER, deflate, takeover), now: Instant::now() }
}

impl ReceiveInflated for WirespeedReceiver {
    const NAME: &str = "wirespeed, borrowed";
    const TAKEOVER: bool = true;

    fn new() -> Self {
        receiver(true)
    }

    fn receive(&mut self, wire: &Rc<Aligned>, messages: usize, sink: &mut impl Sink) {
        let receiver = &mut self.connection.receiver;
        let mut taken = 0;
        for mut read in wire.chunks(READ) {
            while !read.is_empty() {
                read = &read[receiver.receive_from(read, self.now)..];
                while let Some(message) = receiver.next_ref().expect("a message") {
                    sink.payload(message.as_bytes());
                    taken += 1;
                }
            }
        }
        assert_eq!(taken, messages);
    }
}

/// A client that takes messages that own their bytes.
pub struct WirespeedOwned(WirespeedReceiver);

impl ReceiveInflated for WirespeedOwned {
    const NAME: &str = "wirespeed, owned";
    const TAKEOVER: bool = true;

    fn new() -> Self {
        Self(receiver(true))
    }

    fn receive(&mut self, wire: &Rc<Aligned>, messages: usize, sink: &mut impl Sink) {
        let receiver = &mut self.0.connection.receiver;
        let mut taken = 0;
        for mut read in wire.chunks(READ) {
            while !read.is_empty() {
                read = &read[receiver.receive_from(read, self.0.now)..];
                while let Some(message) = receiver.next_message().expect("a message") {
                    sink.payload(message.as_bytes());
                    taken += 1;
                }
            }
        }
        assert_eq!(taken, messages);
    }
}
