//! Everything that one side compresses the other inflates, under any options
//! and however the bytes are cut.

use super::*;
use proptest::prelude::*;
use wirespeed::deflate::{Compression, accept_response, choose, offers};

fn options() -> impl Strategy<Value = DeflateOptions> {
    let bits = || prop::option::of(9u8..=15);
    let whole = (1u8..=9, 1u8..=9, 9u8..=15, 0usize..200);
    (whole, any::<(bool, bool)>(), bits(), bits()).prop_map(
        |((level, memory, window, threshold), (snct, cnct), smwb, cmwb)| {
            DeflateOptions::for_client()
                .level(level)
                .memory_level(memory)
                .window_bits(window)
                .threshold(threshold)
                .server_no_context_takeover(snct)
                .client_no_context_takeover(cnct)
                .server_max_window_bits(smwb)
                .client_max_window_bits(cmwb)
        },
    )
}

/// Text from a small vocabulary, noise, runs, and mixtures of them.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let words = ["bid", "ask", "\"price\":", "65001.25", "BTC-USD", "{", "}", ",", "0"];
    let text = prop::collection::vec(prop::sample::select(words.to_vec()), 0..400)
        .prop_map(|words| words.concat().into_bytes());
    let noise = (0usize..3000, any::<u64>()).prop_map(|(len, seed)| random(len, seed));
    let run = (any::<u8>(), 0usize..70_000).prop_map(|(byte, len)| vec![byte; len]);
    let single = prop_oneof![4 => text, 2 => noise, 1 => run];
    prop::collection::vec(single, 0..3).prop_map(|parts| parts.concat())
}

/// Inflates `payload` in random pieces, some of them empty, into random rooms.
fn inflate_in_pieces(inflater: &mut Inflater, payload: &[u8], seed: u64) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let largest = if rng.bool() { 8 } else { 5000 };
    let mut message = Vec::new();
    let mut rest = payload;
    loop {
        let (piece, after) = rest.split_at(rng.usize(0..=rest.len().min(largest)));
        let last = after.is_empty() && rng.bool();
        let mut unread = piece;
        loop {
            let mut room = vec![0; rng.usize(1..=largest)];
            let progress = inflater.inflate(unread, last, &mut room).expect("valid data");
            unread = &unread[progress.consumed..];
            message.extend_from_slice(&room[..progress.produced]);
            match progress.status {
                InflateStatus::NeedsOutput => assert_eq!(progress.produced, room.len()),
                InflateStatus::NeedsInput => {
                    assert!(unread.is_empty() && !last);
                    break;
                }
                InflateStatus::MessageEnd => {
                    assert!(unread.is_empty() && last);
                    return message;
                }
            }
        }
        rest = after;
    }
}

fn parameters(header: &str) -> Vec<(&str, Option<&str>)> {
    header
        .split("; ")
        .skip(1)
        .map(|parameter| match parameter.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (parameter, None),
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_conversation_under_any_options(
        client in options(),
        server in options(),
        messages in prop::collection::vec((message(), any::<bool>(), any::<u64>()), 1..8),
    ) {
        let offered = offers(&client);
        let offer = offered[0].to_string();
        let (at_server, response) =
            choose([parameters(&offer)], &server).expect("our own offers are acceptable");
        let at_client =
            accept_response(parameters(&response), &offered).expect("and so is the answer");

        let pool = DeflatePool::new(2);
        let mut up = Deflater::new(Role::Client, &at_client, &client, &pool);
        let mut up_end = Inflater::new(Role::Server, &at_server, &pool);
        let mut down = Deflater::new(Role::Server, &at_server, &server, &pool);
        let mut down_end = Inflater::new(Role::Client, &at_client, &pool);

        let mut out = BytesMut::new();
        for (message, upwards, seed) in messages {
            let (deflater, inflater) =
                if upwards { (&mut up, &mut up_end) } else { (&mut down, &mut down_end) };
            out.clear();
            if seed % 4 == 0 {
                deflater.compress_always(&message, &mut out).unwrap();
            } else if deflater.compress(&message, &mut out).unwrap() == Compression::Plain {
                prop_assert!(out.is_empty());
                continue;
            }
            prop_assert_eq!(inflate_in_pieces(inflater, &out, seed), message);
        }
    }
}
