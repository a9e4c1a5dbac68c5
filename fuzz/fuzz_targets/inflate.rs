//! Compressed messages: limits hold while they are inflated, receipt in pieces
//! equals receipt whole, and zlib makes the same of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wirespeed::{FrameHeader, Opcode};
use wirespeed_fuzz::{
    deflate, frames,
    input::{Cuts, Input},
    receipt::{Outcome, Receipt, Way},
    zlib,
};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let mut receipt = Receipt::read(&mut input);
    let params = deflate::params(&mut input);
    receipt.deflate = Some(params);
    let cuts = Cuts(input.array());
    let key = input.array();
    let shape = input.byte();
    let stream = match shape & 3 {
        0 => input.rest().to_vec(),
        _ => {
            let messages = fragmented_messages(input, shape);
            let payloads: Vec<_> = messages.iter().map(|fragments| fragments.concat()).collect();
            zlib::compare(receipt.role, &params, &payloads, cuts);
            compressed_frames(&messages, shape)
        }
    };
    let stream = frames::from_peer_of(receipt.role, &stream, key);

    // The ratio so far depends on how much has arrived; without a limit of it the
    // outcome must not.
    receipt.options.limits.inflate_ratio = 2;
    for (cuts, way) in [(cuts, Way::Borrowed), (Cuts::NONE, Way::InChunks)] {
        check_sizes(&receipt, &receipt.receive(&stream, cuts, way));
    }
    receipt.options.limits.inflate_ratio = u32::MAX;
    let whole = receipt.receive(&stream, Cuts::NONE, Way::Borrowed);
    check_sizes(&receipt, &whole);
    compare(&whole, &receipt.receive(&stream, Cuts::NONE, Way::Owned));
    compare(&whole, &receipt.receive(&stream, cuts, Way::Borrowed));
    compare(&whole, &receipt.receive(&stream, cuts, Way::InChunks));
    compare(&whole, &receipt.receive(&stream, cuts, Way::Mixed(u64::from(shape) << 8 | 0x1B)));
});

/// Payloads of compressed messages from what is left: each in up to four fragments.
fn fragmented_messages(mut input: Input<'_>, shape: u8) -> Vec<Vec<&[u8]>> {
    let fragments = 1 + (shape >> 3 & 3);
    let mut messages = Vec::new();
    while !input.is_empty() {
        let mut fragment = || {
            let len = if shape & 2 == 0 { 255 } else { input.byte() };
            input.take(len.into())
        };
        messages.push((0..fragments).map(|_| fragment()).collect());
    }
    messages
}

fn compressed_frames(messages: &[Vec<&[u8]>], shape: u8) -> Vec<u8> {
    let opcode = if shape & 4 == 0 { Opcode::Text } else { Opcode::Binary };
    let mut stream = Vec::new();
    for fragments in messages {
        for (index, payload) in fragments.iter().enumerate() {
            let header = FrameHeader {
                fin: index == fragments.len() - 1,
                rsv1: index == 0,
                ..FrameHeader::new(
                    if index == 0 { opcode } else { Opcode::Continuation },
                    payload.len() as u64,
                )
            };
            stream.extend_from_slice(&header.encode());
            stream.extend_from_slice(payload);
        }
    }
    stream
}

fn check_sizes(receipt: &Receipt, outcome: &Outcome) {
    for message in outcome.messages.iter().filter(|message| message.is_data()) {
        assert!(message.as_bytes().len() as u64 <= receipt.options.limits.message);
    }
}

/// A stream that is wrong in two ways may fail for either, since what is
/// inflated at once is not the same.
fn compare(one: &Outcome, other: &Outcome) {
    assert_eq!(one.messages, other.messages);
    assert_eq!(one.violation().is_some(), other.violation().is_some(), "{one:?} {other:?}");
}
