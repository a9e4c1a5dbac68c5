//! The libraries that have permessage-deflate.
//!
//! The peers run zlib-rs, and so does wirespeed when it compresses from level 2 on.
//! Levels are the same, with windows of 32 KiB and no message too short to be
//! compressed. Memory levels are each library's own: the peers have zlib's 8, which
//! they give no choice of, and wirespeed, from level 2 on, its default of 5; it is
//! measured with 8 as well. Text is validated by all. A server sends, each message by
//! itself; a client receives, 64 KiB at a time or as the library reads.

mod sockudo;
mod wirespeed;
mod wtx;
mod yawc;

use std::{hint::black_box, rc::Rc};

use ::wirespeed::{FrameHeader, Role};
use bytes::Bytes;

use super::{Sink, Used};
use crate::{memory::Aligned, timing::Group, traffic::Checksum, wire::Socket};

pub use self::{
    sockudo::{SockudoReceiver, SockudoSender},
    wirespeed::{WirespeedAsPeers, WirespeedOwned, WirespeedReceiver, WirespeedSender},
    wtx::{WtxReceiver, WtxSender},
    yawc::{YawcReceiver, YawcSender},
};

/// The memory level that the peers compress with.
const PEERS_MEMORY_LEVEL: u8 = 8;

/// Messages that are compressed one after the other, in the context of those before.
pub struct Corpus {
    pub name: String,
    pub texts: Vec<String>,
    pub bytes: usize,
    checksum: Checksum,
}

impl Corpus {
    pub fn new(name: impl Into<String>, texts: Vec<String>) -> Self {
        let mut checksum = Checksum::default();
        texts.iter().for_each(|text| checksum.add(text.as_bytes()));
        Self { name: name.into(), bytes: checksum.bytes, texts, checksum }
    }

    /// Payload bytes of a message, on average.
    pub fn mean(&self) -> f64 {
        self.bytes as f64 / self.texts.len() as f64
    }

    fn payloads(&self) -> impl Iterator<Item = Bytes> {
        self.texts.iter().map(|text| Bytes::copy_from_slice(text.as_bytes()))
    }
}

/// A server that compresses.
pub trait SendDeflated: 'static {
    const NAME: &str;
    /// Whether it can compress a message in the context of those before.
    const TAKEOVER: bool;

    fn new(level: u8, corpus: &Corpus) -> Self;

    /// Sends the corpus.
    fn send(&mut self, out: &mut Out);
}

/// A client that inflates.
pub trait ReceiveInflated: 'static {
    const NAME: &str;
    /// Whether it can inflate a message in the context of those before.
    const TAKEOVER: bool;

    fn new() -> Self;

    /// Takes the messages, as many as there are in `wire`.
    fn receive(&mut self, wire: &Rc<Aligned>, messages: usize, sink: &mut impl Sink);
}

/// The transport: it copies what is written, and keeps it if it is to be looked at.
#[derive(Default)]
pub struct Out {
    socket: Socket,
    kept: Option<Vec<u8>>,
}

impl Out {
    fn take(&mut self, bytes: &[u8]) {
        self.socket.take(bytes);
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(bytes);
        }
    }
}

/// Adds a library to a group that sends a corpus.
///
/// # Panics
///
/// If what leaves does not inflate to every byte of it.
pub fn add_sending<S: SendDeflated>(group: &mut Group, level: u8, corpus: &Corpus) {
    let mut sender = S::new(level, corpus);
    let mut receiver = wirespeed::receiver(S::TAKEOVER);
    // What leaves in later passes refers to the ones before.
    for _ in 0..3 {
        let mut checksum = Checksum::default();
        receiver.receive(&sent(&mut sender), corpus.texts.len(), &mut checksum);
        assert_eq!(checksum, corpus.checksum, "{} loses or changes bytes", S::NAME);
    }
    let share = share(&sent(&mut sender), corpus);
    let mut out = Out::default();
    group.add(S::NAME, corpus.texts.len(), move || sender.send(&mut out)).compressed_to(share);
}

/// Adds a library to a group that receives a corpus, which this library has
/// compressed.
///
/// # Panics
///
/// If it does not deliver every byte.
pub fn add_receipt<R: ReceiveInflated>(group: &mut Group, level: u8, corpus: &Corpus) {
    let wire = sent(&mut wirespeed::sender(level, corpus, R::TAKEOVER));
    let messages = corpus.texts.len();
    let mut receiver = R::new();
    // Nothing in the wire refers to what is before it, so it can come again.
    for _ in 0..3 {
        let mut checksum = Checksum::default();
        receiver.receive(&wire, messages, &mut checksum);
        assert_eq!(checksum, corpus.checksum, "{} loses or changes bytes", R::NAME);
    }
    let share = share(&wire, corpus);
    let receive = move || receiver.receive(black_box(&wire), messages, &mut Used);
    group.add(R::NAME, messages, receive).compressed_to(share);
}

fn sent(sender: &mut impl SendDeflated) -> Rc<Aligned> {
    let mut out = Out { kept: Some(Vec::new()), ..Out::default() };
    sender.send(&mut out);
    Rc::new(Aligned::copy_of(&out.kept.unwrap_or_default()))
}

/// Payload bytes on the wire for each one of the corpus.
fn share(mut wire: &[u8], corpus: &Corpus) -> f64 {
    let mut bytes = 0;
    while !wire.is_empty() {
        let (header, len) = FrameHeader::decode(wire).expect("a frame").expect("a whole header");
        bytes += header.payload_len as usize;
        wire = &wire[len + header.payload_len as usize..];
    }
    bytes as f64 / corpus.bytes as f64
}

/// The role of whoever sends.
const SENDER: Role = Role::Server;
/// The role of whoever receives.
const RECEIVER: Role = Role::Client;
