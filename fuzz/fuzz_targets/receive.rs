//! Receipt in pieces equals receipt whole, in all ways of taking messages.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wirespeed_fuzz::{
    frames,
    input::{Cuts, Input},
    receipt::{Receipt, Way},
};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let receipt = Receipt::read(&mut input);
    let cuts = Cuts(input.array());
    let ways = u64::from_le_bytes(input.array());
    let key = input.array();
    let stream = frames::from_peer_of(receipt.role, input.rest(), key);

    let whole = receipt.receive(&stream, Cuts::NONE, Way::Borrowed);
    for way in [Way::Owned, Way::InChunks, Way::Mixed(ways)] {
        assert_eq!(receipt.receive(&stream, Cuts::NONE, way), whole, "whole, {way:?}");
    }
    for way in [Way::Borrowed, Way::Owned, Way::InChunks, Way::Mixed(ways)] {
        assert_eq!(receipt.receive(&stream, cuts, way), whole, "in pieces, {way:?}");
    }
    for message in &whole.messages {
        assert!(message.as_bytes().len() as u64 <= receipt.options.limits.message.max(125));
    }
});
