//! Each library, driven in memory as far as its interface allows.
//!
//! What is timed is what a user has to call: bytes arrive in one piece, as from one
//! read, and every message of it is taken; or messages are written and leave.
//! Buffers and options are each library's own defaults unless said otherwise where
//! it is driven. Nothing is timed before [`check_receipt`] or [`check_sending`] has
//! seen every byte go through unchanged.

pub mod deflate;
mod fastwebsockets;
mod nexus;
mod sockudo;
mod tokio_websockets;
mod tungstenite;
mod wirespeed;

use std::{hint::black_box, rc::Rc};

use ::wirespeed::Role;

use crate::{
    memory::Aligned,
    timing::Group,
    traffic::{Checksum, Stream, checksum_of_frames},
};

pub use fastwebsockets::FastWebsockets;
pub use nexus::{Nexus, NexusOwned, NexusSender};
pub use sockudo::Sockudo;
pub use tokio_websockets::TokioWebsockets;
pub use tungstenite::Tungstenite;
pub use wirespeed::{Wirespeed, WirespeedInPlace, WirespeedOwned, WirespeedSender};

/// A library that takes messages apart.
pub trait Receive: 'static {
    const NAME: &str;

    /// A connection in `role`, after its handshake.
    fn new(role: Role) -> Self;

    /// Takes the messages, as many as there are in `wire`.
    fn receive(&mut self, wire: &Rc<Aligned>, messages: usize, sink: &mut impl Sink);
}

/// A library that puts messages together.
pub trait Send: 'static {
    const NAME: &str;

    /// A connection in `role`, after its handshake, and the text it will send.
    fn new(role: Role, text: &'static str) -> Self;

    /// Sends the text `messages` times; it leaves through `sink`, if one is given.
    fn send(&mut self, messages: usize, sink: Option<&mut Vec<u8>>);
}

/// Where payloads go.
pub trait Sink {
    fn payload(&mut self, payload: &[u8]);
}

/// Makes the compiler believe that a payload is used.
struct Used;

impl Sink for Used {
    #[inline]
    fn payload(&mut self, payload: &[u8]) {
        black_box(payload);
    }
}

impl Sink for Checksum {
    fn payload(&mut self, payload: &[u8]) {
        self.add(payload);
    }
}

/// Adds a library to a group that receives a stream.
///
/// # Panics
///
/// If it does not deliver every byte of it.
pub fn add_receipt<R: Receive>(group: &mut Group, role: Role, stream: &Stream) {
    let wire = Rc::clone(&stream.wire);
    let messages = stream.messages;
    let mut receiver = R::new(role);
    check_receipt(&mut receiver, &wire, stream);
    group.add(R::NAME, messages, move || receiver.receive(&wire, messages, &mut Used));
}

/// [`add_receipt`] for a receiver that takes the bytes of the pass before again, and
/// with masked ones gets what was sent in every other pass only.
///
/// # Panics
///
/// If it does not deliver every byte in its first pass.
pub fn add_repeated<R: Receive>(group: &mut Group, role: Role, stream: &Stream) {
    let wire = Rc::clone(&stream.wire);
    let messages = stream.messages;
    let mut receiver = R::new(role);
    let mut checksum = Checksum::default();
    receiver.receive(&wire, messages, &mut checksum);
    assert_eq!(checksum, stream.checksum, "{} loses or changes bytes", R::NAME);
    group.add(R::NAME, messages, move || receiver.receive(&wire, messages, &mut Used));
}

fn check_receipt<R: Receive>(receiver: &mut R, wire: &Rc<Aligned>, stream: &Stream) {
    for _ in 0..3 {
        let mut checksum = Checksum::default();
        receiver.receive(wire, stream.messages, &mut checksum);
        assert_eq!(checksum, stream.checksum, "{} loses or changes bytes", R::NAME);
    }
}

/// Adds a library to a group that sends `messages` times a text.
///
/// # Panics
///
/// If not every byte of them leaves.
pub fn add_sending<S: Send>(group: &mut Group, role: Role, text: &'static str, messages: usize) {
    let mut sender = S::new(role, text);
    check_sending(&mut sender, text, messages);
    group.add(S::NAME, messages, move || sender.send(messages, None));
}

fn check_sending<S: Send>(sender: &mut S, text: &str, messages: usize) {
    let mut expected = Checksum::default();
    (0..messages).for_each(|_| expected.add(text.as_bytes()));
    for _ in 0..3 {
        let mut wire = Vec::new();
        sender.send(messages, Some(&mut wire));
        assert_eq!(checksum_of_frames(&wire), expected, "{} loses or changes bytes", S::NAME);
    }
}
