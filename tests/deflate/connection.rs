//! Compressed messages through a whole connection.

use wirespeed::{
    Compress, Limit, LimitExceeded, Opcode, PreparedMessage, WebSocketMessage,
    protocol::{ProtocolError, ReceiveError, Received},
};

use super::*;
use crate::{counting::measure, wire::*};

const TICKER: &str = r#"{"channel":"ticker","market":"BTC-USD","bid":"65001.1","ask":"65001.2"}"#;

fn text(text: &str) -> WebSocketMessage {
    text.into()
}

/// Deflate 6: RSV1 on the first frame; uncompressed ones go without.
#[test]
fn r4_4_6_the_caller_chooses_message_by_message() {
    for params in [takeover(), no_takeover()] {
        let (mut client, mut server) = ends(&params, &eager().threshold(50));
        let long = TICKER.repeat(4);
        let noise = random(3000, 1);
        let cases: [(WebSocketMessage, Compress, bool); 8] = [
            (long.as_str().into(), Compress::IfWorthwhile, true),
            (long.as_str().into(), Compress::Never, false),
            (long.as_str().into(), Compress::Always, true),
            ("short".into(), Compress::IfWorthwhile, false),
            ("short".into(), Compress::Always, true),
            (noise.as_slice().into(), Compress::IfWorthwhile, false),
            (noise.as_slice().into(), Compress::Always, true),
            ("".into(), Compress::Always, true),
        ];
        for _ in 0..3 {
            for (message, compress, compressed) in &cases {
                client.connection.sender.write_with(message.clone(), *compress).unwrap();
                let sent = client.sent();
                assert_eq!(sent[0] & RSV1 != 0, *compressed, "{compress:?}: {message:.60?}");
                assert_eq!(server.messages(&sent), std::slice::from_ref(message));
            }
        }
        let totals = client.connection.sender.deflate_totals().unwrap();
        assert_eq!(totals.messages, 15);
        assert_eq!(server.connection.receiver.inflate_totals(), Some(totals));
        assert!(totals.deflated < totals.inflated && totals.ratio().unwrap() < 1.0);
    }
}

#[test]
fn without_agreement_nothing_is_compressed() {
    let mut client = End::without_compression(Role::Client, |_| {});
    client.connection.sender.write_with(TICKER.repeat(9).into(), Compress::Always).unwrap();
    assert_eq!(client.sent_first(), FIN | TEXT);
    assert_eq!(client.connection.sender.deflate_totals(), None);
    assert_eq!(client.connection.receiver.inflate_totals(), None);
}

/// List 23, and requirement deflate 6: messages that skip compression
/// stay out of the history of both sides.
#[test]
fn bug_23_a_skipped_message_does_not_corrupt_the_context() {
    let (mut client, mut server) = ends(&takeover(), &eager().threshold(40));
    for (from, to) in [(0, 1), (1, 0)] {
        let ends = [&mut client, &mut server];
        for round in 0..300usize {
            let message: WebSocketMessage = match round % 6 {
                0 => random(700, round as u64).into(),
                1 => "short".into(),
                2 => format!("secret {round} {TICKER}").into(),
                _ => format!("{TICKER}{round}").into(),
            };
            let compress = if round % 6 == 2 { Compress::Never } else { Compress::default() };
            ends[from].connection.sender.write_with(message.clone(), compress).unwrap();
            let sent = ends[from].sent();
            assert_eq!(sent[0] & RSV1 != 0, round % 6 > 2);
            assert_eq!(ends[to].messages(&sent), [message]);
        }
    }
}

/// A message that the queue refuses has not been seen by the compressor.
#[test]
fn a_refused_message_does_not_corrupt_the_context() {
    let mut client = End::with(Role::Client, &takeover(), &eager(), |options| {
        options.limits.write_queue = 300;
    });
    let mut server = End::new(Role::Server, &takeover(), &eager());
    for round in 0..50 {
        let kept = format!("{TICKER}{round}");
        client.connection.sender.write_text(&kept).unwrap();
        assert!(client.connection.sender.write_text(&random_text(290, round)).is_err());
        client.connection.sender.write_fragment(Opcode::Text, b"x", false).unwrap();
        assert!(client.connection.sender.write_text(&format!("{TICKER}between")).is_err());
        client.connection.sender.write_fragment(Opcode::Text, b"y", true).unwrap();
        let sent = client.sent();
        assert_eq!(server.messages(&sent), [text(&kept), text("xy")]);
    }
}

fn random_text(len: usize, seed: u64) -> String {
    random(len, seed).iter().map(|byte| char::from(b'a' + byte % 26)).collect()
}

/// Every way of receipt gives the same messages, at any size of the reads, with
/// control frames between the fragments of a compressed message (requirement deflate 15).
#[test]
fn r4_4_15_control_frames_between_fragments_of_a_compressed_message() {
    let message = TICKER.repeat(700);
    for params in [takeover(), no_takeover()] {
        let (mut deflater, _) = pair(&params, &eager());
        let payload = compressed(&mut deflater, message.as_bytes());
        for role in ROLES {
            for by in WAYS {
                for step in [1, 7, 1000, usize::MAX] {
                    let mut end = End::new(role, &params, &eager());
                    let mut bytes = Vec::new();
                    let parts: Vec<&[u8]> = payload.chunks(payload.len() / 5 + 1).collect();
                    for (index, part) in parts.iter().enumerate() {
                        let opcode = if index == 0 { RSV1 | TEXT } else { CONTINUATION };
                        bytes.extend(end.frame(opcode, part));
                        bytes.extend(end.frame(FIN | PING, &[index as u8]));
                    }
                    bytes.extend(end.frame(FIN | CONTINUATION, b""));
                    let (messages, result) = end.try_messages(by, step, &bytes);
                    assert_eq!(result, Ok(()), "{role:?} {by:?} {step}");
                    let pings =
                        (0..parts.len()).map(|i| WebSocketMessage::Ping(vec![i as u8].into()));
                    let mut expected: Vec<_> = pings.collect();
                    expected.push(text(&message));
                    assert_eq!(messages, expected, "{role:?} {by:?} {step}");
                }
            }
        }
    }
}

/// Deflate 8: final blocks, and data behind them, also over fragments.
#[test]
fn r4_4_8_final_blocks() {
    // RFC 7692, 7.2.3.4: "Hello" in a final block, and a byte behind it.
    let hello = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    let twice = [&hello[..7], &hello[..]].concat();
    for params in [takeover(), no_takeover()] {
        for role in ROLES {
            for by in WAYS {
                let mut end = End::new(role, &params, &eager());
                for _ in 0..2 {
                    let bytes = end.frame(FIN | RSV1 | TEXT, &hello);
                    assert_eq!(end.try_messages(by, 1, &bytes), (vec![text("Hello")], Ok(())));
                    for cut in 0..twice.len() {
                        let mut bytes = end.frame(RSV1 | TEXT, &twice[..cut]);
                        bytes.extend(end.frame(FIN | CONTINUATION, &twice[cut..]));
                        let received = end.try_messages(by, 3, &bytes);
                        assert_eq!(received, (vec![text("HelloHello")], Ok(())), "cut at {cut}");
                    }
                }
            }
        }
    }
}

/// Deflate 9 and 13.
#[test]
fn r4_4_13_text_is_validated_as_it_is_inflated() {
    // Bad at its last byte, which lies behind several steps of the inflater.
    let mut bad = "é".repeat(50_000).into_bytes();
    bad.extend(b"\xff");
    let (mut deflater, _) = pair(&no_takeover(), &eager());
    let payload = compressed(&mut deflater, &bad);
    let cut_off = compressed(&mut deflater, &bad[..bad.len() - 2]);
    for role in ROLES {
        for by in WAYS {
            for (payload, valid_up_to) in [(&payload, 100_000), (&cut_off, 99_998)] {
                let mut end = End::new(role, &no_takeover(), &eager());
                let bytes = end.frame(FIN | RSV1 | TEXT, payload);
                match end.violation(by, &bytes) {
                    ProtocolError::Utf8(error) => assert_eq!(error.valid_up_to, valid_up_to),
                    other => panic!("{other}"),
                }
                assert_eq!(end.sent_close(), 1007);
                // The same bytes are a good binary message.
                let mut end = End::new(role, &no_takeover(), &eager());
                let bytes = end.frame(FIN | RSV1 | BINARY, payload);
                assert_eq!(end.try_messages(by, 999, &bytes).1, Ok(()));
            }
        }
    }
}

/// Deflate 13: before the frame is complete.
#[test]
fn r4_4_13_invalid_text_fails_inside_an_unfinished_frame() {
    let (mut deflater, _) = pair(&no_takeover(), &eager());
    let mut payload = compressed(&mut deflater, b"good \xC0\x80 bad");
    payload.extend([0x00, 0x00, 0xff, 0xff]);
    let shown = payload.len();
    payload.extend(compressed(&mut deflater, &random(1000, 1)));
    for role in ROLES {
        for by in WAYS {
            let mut end = End::new(role, &no_takeover(), &eager());
            let frame = end.frame(FIN | RSV1 | TEXT, &payload);
            let (_, result) =
                end.try_messages(by, 1, &frame[..frame.len() - payload.len() + shown]);
            match result {
                Err(ReceiveError::Protocol(ProtocolError::Utf8(error))) => {
                    assert_eq!(error.valid_up_to, 5);
                }
                other => panic!("{role:?} {by:?}: {other:?}"),
            }
        }
    }
}

/// What is in a fragment is handed out before the next one is waited for, also
/// where a step of the inflater was filled to its last byte.
#[test]
fn pieces_do_not_wait_for_the_next_fragment() {
    for len in [1, 100, 16 << 10, (16 << 10) + 1, 32 << 10, 200_000] {
        let (mut deflater, _) = pair(&takeover(), &eager());
        let mut payload = compressed(&mut deflater, &vec![b'x'; len]);
        payload.extend([0x00, 0x00, 0xff, 0xff]);
        for role in ROLES {
            let mut end = End::with(role, &takeover(), &eager(), |options| {
                options.limits.inflate_ratio = u32::MAX;
            });
            let bytes = end.frame(RSV1 | BINARY, &payload);
            let mut received = 0;
            end.connection.receiver.receive_from(&bytes, std::time::Instant::now());
            while let Some(found) = end.connection.receiver.next_chunk().unwrap() {
                let Received::Chunk(chunk) = found else { panic!("{found:?}") };
                assert!(!chunk.last && chunk.payload.len() <= 16 << 10);
                assert!(chunk.payload.iter().all(|&byte| byte == b'x'));
                received += chunk.payload.len();
            }
            assert_eq!(received, len, "{role:?}");
            let bytes = end.frame(FIN | CONTINUATION, &[0]);
            assert_eq!(end.try_messages(By::Chunk, 1, &bytes).0, [WebSocketMessage::from(vec![])]);
        }
    }
}

/// Deflate 14: a message that just fits is received, compressed or not, and
/// whether or not it became longer by that; one that is a byte longer is not.
#[test]
fn r4_4_14_the_limit_is_on_what_is_inflated() {
    const LIMIT: usize = 40_000;
    for by in WAYS {
        for noise in [false, true] {
            for (len, fits) in [(LIMIT, true), (LIMIT + 1, false)] {
                let message = if noise { random(len, 1) } else { vec![b'x'; len] };
                let mut client = End::new(Role::Client, &takeover(), &eager());
                let mut server = End::with(Role::Server, &takeover(), &eager(), |options| {
                    options.limits.message = LIMIT as u64;
                });
                client
                    .connection
                    .sender
                    .write_with(message.clone().into(), Compress::Always)
                    .unwrap();
                let sent = client.sent();
                let (messages, result) = server.try_messages(by, 1000, &sent);
                if fits {
                    assert_eq!(result, Ok(()), "{by:?}, noise: {noise}");
                    assert!(messages == [WebSocketMessage::from(message)]);
                    continue;
                }
                let exceeded = LimitExceeded {
                    limit: Limit::Message,
                    allowed: LIMIT as u64,
                    actual: LIMIT as u64 + 1,
                };
                assert_eq!(result, Err(ProtocolError::Limit(exceeded).into()));
                assert_eq!(server.sent_close(), 1009);
            }
        }
    }
}

/// Compressed once, by the first connection that sends it.
#[test]
fn a_prepared_message_is_compressed_once() {
    let deflate = eager().level(6);
    let server = |params: &DeflateParams| {
        End::with(Role::Server, params, &deflate, |options| {
            // A compressor is made, and counted, for each message that is compressed.
            options.deflate_pool = DeflatePool::new(0);
            options.limits.write_queue = 4 << 20;
        })
    };
    for copies in [1, 2000] {
        let content: String = (0..copies).map(|n| format!("{TICKER}{n}")).collect();
        let message = PreparedMessage::text(content.as_str());
        let mut sent = Vec::new();
        let mut costs = Vec::new();
        for _ in 0..3 {
            let mut end = server(&no_takeover());
            let copy = message.clone();
            let (result, cost) = measure(|| end.connection.sender.write_prepared(&copy));
            result.unwrap();
            costs.push(cost.peak);
            let mut client = End::new(Role::Client, &no_takeover(), &deflate);
            let bytes = end.sent();
            assert_eq!(bytes[0], FIN | RSV1 | TEXT);
            assert!(copies == 1 || bytes.len() < content.len() / 4);
            assert_eq!(client.messages(&bytes), [text(&content)]);
            let totals = end.connection.sender.deflate_totals().unwrap();
            assert_eq!((totals.messages, totals.inflated), (1, content.len() as u64));
            sent.push(bytes);
        }
        assert!(sent.iter().all(|bytes| *bytes == sent[0]));
        // The first pays for a compressor, the others for their write queue's block.
        assert!(costs[0] > 200 << 10, "{costs:?}");
        assert!(costs[1..].iter().all(|&cost| cost < 80 << 10), "{costs:?}");
    }
}

/// Each in the form that suits it: by window, with a history, masked, plain.
#[test]
fn a_prepared_message_goes_to_connections_of_every_kind() {
    let with_window = |bits| DeflateParams { server_max_window_bits: bits, ..no_takeover() };
    let kinds = [
        no_takeover(),
        takeover(),
        with_window(9),
        with_window(10),
        with_window(11),
        with_window(8),
        no_takeover(),
        takeover(),
    ];
    let messages: Vec<PreparedMessage> = (0..3)
        .flat_map(|round| {
            [
                PreparedMessage::text(format!("{TICKER}{round}").repeat(3)),
                PreparedMessage::binary(random(5000, round)),
                PreparedMessage::text("short"),
                PreparedMessage::text(format!("{TICKER}{round}").repeat(900)),
                PreparedMessage::binary(b""),
            ]
        })
        .collect();
    for params in kinds {
        for (from, to) in [(Role::Server, Role::Client), (Role::Client, Role::Server)] {
            let options = eager().threshold(10);
            let mut sender = End::new(from, &params, &options);
            let mut receiver = End::new(to, &params, &options);
            for message in &messages {
                sender.connection.sender.write_prepared(message).unwrap();
                let received = receiver.messages(&sender.sent());
                assert_eq!(received.len(), 1);
                assert_eq!(received[0].as_bytes(), message.payload());
            }
        }
    }
    let mut plain = End::without_compression(Role::Server, |_| {});
    plain.connection.sender.write_prepared(&messages[0]).unwrap();
    assert_eq!(plain.sent_first(), FIN | TEXT);
}

/// An idle connection gives back its buffers, and its compressor where it may.
#[test]
fn an_idle_connection_gives_its_memory_back() {
    for (release, kept) in [(false, 1), (true, 0)] {
        let options = eager().release_idle(release);
        let (mut client, mut server) = ends(&takeover(), &options);
        for round in 0..3 {
            let message = format!("{TICKER}{round}");
            client.connection.sender.write_text(&message).unwrap();
            let sent = client.sent();
            assert_eq!(server.messages(&sent), [text(&message)]);
            client.connection.sender.release_idle();
            server.connection.receiver.release_idle();
            assert!(!client.connection.sender.holds_memory());
            assert!(!server.connection.receiver.holds_memory());
            let (compressors, decompressors) = client.options.deflate_pool.idle();
            assert_eq!((compressors, decompressors), (1 - kept, 0));
        }
    }
    // Without takeover everything is in the pools between two messages.
    let (mut client, mut server) = ends(&no_takeover(), &eager());
    client.connection.sender.write_text(TICKER).unwrap();
    let sent = client.sent();
    assert_eq!(server.messages(&sent), [text(TICKER)]);
    assert_eq!(client.options.deflate_pool.idle(), (1, 0));
    assert_eq!(server.options.deflate_pool.idle(), (0, 1));
}

/// One large message does not cost its size for ever.
#[test]
fn large_messages_leave_no_large_buffers() {
    let (mut client, mut server) = ends(&takeover(), &eager());
    let large: WebSocketMessage = random_text(1 << 20, 1).into();
    let ((), cost) = measure(|| {
        for message in [large.clone(), text(TICKER)] {
            client.connection.sender.write_with(message, Compress::Always).unwrap();
            let sent = client.sent();
            let receiver = &mut server.connection.receiver;
            let mut rest = sent.as_slice();
            while !rest.is_empty() {
                rest = &rest[receiver.receive_from(rest, std::time::Instant::now())..];
                while receiver.next_ref().unwrap().is_some() {}
            }
        }
        client.connection.sender.release_idle();
        server.connection.receiver.release_idle();
    });
    // Compressor, decompressor, and what the pools of both keep.
    assert!(cost.kept < 900 << 10, "{cost:?}");
}

/// In the steady state no message costs an allocation: sent, and received borrowed.
#[test]
fn no_allocation_per_compressed_message() {
    for params in [takeover(), no_takeover()] {
        for (from, to) in [(Role::Client, Role::Server), (Role::Server, Role::Client)] {
            let mut sender = End::new(from, &params, &eager());
            let mut receiver = End::new(to, &params, &eager());
            let now = std::time::Instant::now();
            let message = TICKER.repeat(30);
            let mut wire = Vec::with_capacity(1 << 16);
            let mut round = |n: usize| {
                let len = 150 + n * 7 % 1900;
                let sending = &mut sender.connection.sender;
                if n.is_multiple_of(2) {
                    sending.write_text(&message[..len]).unwrap();
                } else {
                    sending.write_binary(&message.as_bytes()[..len]).unwrap();
                }
                wire.clear();
                let mut slices = [std::io::IoSlice::new(&[]); 4];
                let count = sending.transmit(now, &mut slices);
                slices[..count].iter().for_each(|slice| wire.extend_from_slice(slice));
                sending.written(wire.len(), now);
                assert_eq!(wire[0] & RSV1, RSV1);
                let receiving = &mut receiver.connection.receiver;
                assert_eq!(receiving.receive_from(&wire, now), wire.len());
                let received = receiving.next_ref().unwrap().unwrap();
                assert_eq!(received.as_bytes(), &message.as_bytes()[..len]);
            };
            (0..2000).for_each(&mut round);
            let ((), cost) = measure(|| (2000..3000).for_each(&mut round));
            assert_eq!(cost.allocations, 0, "{from:?} {params:?}: {cost:?}");
        }
    }
}
