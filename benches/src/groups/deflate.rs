//! permessage-deflate with context takeover: sent and received, by this library and
//! by its peers.

use std::rc::Rc;

use super::Build;
use crate::{
    captures::{self, Capture},
    peers::deflate::{
        Corpus, SockudoReceiver, SockudoSender, WirespeedAsPeers, WirespeedOwned,
        WirespeedReceiver, WirespeedSender, WtxReceiver, WtxSender, YawcReceiver, YawcSender,
        add_receipt, add_sending,
    },
    timing::Group,
    traffic::{Random, Script},
};

/// Compression levels: our default, and zlib's.
pub const LEVELS: [u8; 2] = [1, 6];
/// Short messages that resemble each other.
pub const SHORT: &str = "200 B";
/// The messages of all captures, taken in turn.
pub const MIX: &str = "mix";

/// What a reader of the times has to know.
pub const NOTE: &str = "\
Here and in the other tables of deflate the peers compress by zlib-rs, and wirespeed by zlib-rs \
from level 2 on and by a compressor of its own at level 1. Levels and windows (32 KiB) are the \
same. Memory levels are each library's own: the peers' is 8, which they give no choice of, and \
wirespeed's from level 2 on is its default of 5, which takes less memory; *wirespeed, memory level \
8* has as much as the peers. What is received was compressed by wirespeed with its defaults.";

/// More than the history reaches back, so that no pass finds itself in the one before.
const SHORT_MESSAGES: usize = 4_000;

pub fn sending_id(level: u8) -> String {
    format!("deflate/send/level {level}")
}

pub fn receiving_id(level: u8) -> String {
    format!("deflate/receive/level {level}")
}

pub fn groups() -> Vec<Build> {
    let corpora: Vec<Rc<Corpus>> = corpora().into_iter().map(Rc::new).collect();
    let mut groups = Vec::new();
    for level in LEVELS {
        for corpus in corpora.iter().map(Rc::clone) {
            groups.push(Build::new(sending_id(level), move |id| send(id, level, &corpus)));
        }
        for corpus in corpora.iter().map(Rc::clone) {
            groups.push(Build::new(receiving_id(level), move |id| receive(id, level, &corpus)));
        }
    }
    groups
}

fn send(id: &str, level: u8, corpus: &Corpus) -> Group {
    let mut group = Group::new(id, &corpus.name, corpus.mean());
    add_sending::<WirespeedSender>(&mut group, level, corpus);
    // The compressor of level 1 has no memory level.
    if level > 1 {
        add_sending::<WirespeedAsPeers>(&mut group, level, corpus);
    }
    add_sending::<SockudoSender>(&mut group, level, corpus);
    add_sending::<YawcSender>(&mut group, level, corpus);
    add_sending::<WtxSender>(&mut group, level, corpus);
    group
}

fn receive(id: &str, level: u8, corpus: &Corpus) -> Group {
    let mut group = Group::new(id, &corpus.name, corpus.mean());
    add_receipt::<WirespeedReceiver>(&mut group, level, corpus);
    add_receipt::<WirespeedOwned>(&mut group, level, corpus);
    add_receipt::<SockudoReceiver>(&mut group, level, corpus);
    add_receipt::<YawcReceiver>(&mut group, level, corpus);
    add_receipt::<WtxReceiver>(&mut group, level, corpus);
    group
}

fn corpora() -> Vec<Corpus> {
    let captures = captures::all();
    let mut corpora = vec![Corpus::new(SHORT, short())];
    if !captures.is_empty() {
        corpora.push(Corpus::new(MIX, mix(&captures)));
    }
    corpora.extend(captures.into_iter().map(|capture| Corpus::new(capture.name, capture.messages)));
    corpora
}

fn short() -> Vec<String> {
    let mut random = Random::new(2026);
    let text = || String::from_utf8(Script::Ascii.text(200, &mut random)).expect("ASCII");
    std::iter::repeat_with(text).take(SHORT_MESSAGES).collect()
}

/// Each capture's messages spread evenly over the whole.
fn mix(captures: &[Capture]) -> Vec<String> {
    let mut placed: Vec<(f64, &String)> = Vec::new();
    for Capture { messages, .. } in captures {
        let count = messages.len() as f64;
        placed.extend(messages.iter().enumerate().map(|(at, text)| (at as f64 / count, text)));
    }
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    placed.into_iter().map(|(_, text)| text.clone()).collect()
}
