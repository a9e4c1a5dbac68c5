//! nexus-web: sans-IO, with borrowed messages; to own one is to copy it.

use std::rc::Rc;

use nexus_web::ws::{FrameReader, FrameWriter, Role as PeerRole};
use wirespeed::Role;

use super::{Receive, Send, Sink};
use crate::{memory::Aligned, traffic::READ, wire::Socket};

fn peer_role(role: Role) -> PeerRole {
    match role {
        Role::Client => PeerRole::Client,
        Role::Server => PeerRole::Server,
    }
}

/// Its buffer is made as large as one read: its default, 1 MiB, would be walked
/// through from end to end, out of the cache.
fn reader(role: Role) -> FrameReader {
    FrameReader::builder().role(peer_role(role)).buffer_capacity(READ).build()
}

pub struct Nexus(FrameReader);

impl Receive for Nexus {
    const NAME: &str = "nexus-web, borrowed";

    fn new(role: Role) -> Self {
        Self(reader(role))
    }

    fn receive(&mut self, wire: &Rc<Aligned>, messages: usize, sink: &mut impl Sink) {
        self.0.read(wire).expect("room");
        let mut taken = 0;
        while let Some(message) = self.0.next().expect("a frame") {
            sink.payload(message.as_bytes());
            taken += 1;
        }
        assert_eq!(taken, messages);
    }
}

pub struct NexusOwned(FrameReader);

impl Receive for NexusOwned {
    const NAME: &str = "nexus-web, owned";

    fn new(role: Role) -> Self {
        Self(reader(role))
    }

    fn receive(&mut self, wire: &Rc<Aligned>, messages: usize, sink: &mut impl Sink) {
        self.0.read(wire).expect("room");
        let mut taken = 0;
        while let Some(message) = self.0.next().expect("a frame") {
            sink.payload(message.into_owned().as_bytes());
            taken += 1;
        }
        assert_eq!(taken, messages);
    }
}

/// Frames encoded into a buffer of the caller's, one behind the other.
pub struct NexusSender {
    writer: FrameWriter,
    text: &'static str,
    buffer: Vec<u8>,
    socket: Socket,
}

impl Send for NexusSender {
    const NAME: &str = "nexus-web";

    fn new(role: Role, text: &'static str) -> Self {
        Self {
            writer: FrameWriter::new(peer_role(role)),
            text,
            buffer: Vec::new(),
            socket: Socket::default(),
        }
    }

    fn send(&mut self, messages: usize, sink: Option<&mut Vec<u8>>) {
        let frame_len = self.writer.max_encoded_len(self.text.len());
        if self.buffer.len() < messages * frame_len {
            self.buffer.resize(messages * frame_len, 0);
        }
        let mut at = 0;
        for _ in 0..messages {
            at += self.writer.encode_text(self.text.as_bytes(), &mut self.buffer[at..]);
        }
        self.socket.take(&self.buffer[..at]);
        if let Some(sink) = sink {
            sink.extend_from_slice(&self.buffer[..at]);
        }
    }
}
