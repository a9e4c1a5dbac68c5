//! The attacks on compressed data, against a whole connection.

use wirespeed::{
    Limit, LimitExceeded, WebSocketMessage,
    deflate::InflateError,
    frame::FrameError,
    protocol::{ProtocolError, Received},
};

use super::*;
use crate::{counting::measure, wire::*};

const LIMIT: u64 = 1 << 20;

/// A gigabyte of zeros, in less than a mebibyte: the same compressed mebibyte over
/// and over, a reference to the one before.
fn gigabyte_of_zeros() -> Vec<u8> {
    zeros(954)
}

fn zeros(mebibytes: usize) -> Vec<u8> {
    let (mut deflater, _) = pair(&takeover(), &eager().level(9));
    let block = vec![0; 1 << 20];
    let mut payload = compressed(&mut deflater, &block);
    let next = compressed(&mut deflater, &block);
    for _ in 1..mebibytes {
        payload.extend_from_slice(&[0x00, 0x00, 0xff, 0xff]);
        payload.extend_from_slice(&next);
    }
    payload
}

/// Sends the bomb to an end in `role` with a limit of a mebibyte, and asserts that
/// it is stopped by `stopped_by` with close code 1009 and at what cost.
fn explode(role: Role, ratio: u32, stopped_by: Limit, most: u64) {
    let payload = gigabyte_of_zeros();
    for params in [takeover(), no_takeover()] {
        for by in [By::Ref, By::Owned] {
            for first in [TEXT, BINARY] {
                let mut end = End::with(role, &params, &eager(), |options| {
                    options.limits.message = LIMIT;
                    options.limits.inflate_ratio = ratio;
                });
                let frame = end.frame(FIN | RSV1 | first, &payload);
                let (error, cost) = measure(|| end.violation(by, &frame));
                match error {
                    ProtocolError::Limit(LimitExceeded { limit, .. }) => {
                        assert_eq!(limit, stopped_by);
                    }
                    other => panic!("{other}"),
                }
                assert_eq!(end.sent_close(), 1009);
                println!(
                    "1 GB of zeros in {} bytes, {role:?}, {by:?}: stopped by {stopped_by:?} \
                     at a peak of {} bytes",
                    payload.len(),
                    cost.peak
                );
                assert!(cost.peak < most, "{role:?} {by:?}: {cost:?}");
            }
        }
    }
}

/// What a connection costs whatever it receives: the blocks of the read buffer and
/// the write queue, and a decompressor.
const BASE: u64 = 2 * (66 << 10) + (48 << 10);

#[test]
fn cve_2018_1000518_a_gigabyte_of_zeros_costs_no_more_than_the_limit() {
    // Memory doubles as the message grows.
    explode(Role::Server, u32::MAX, Limit::Message, BASE + 2 * LIMIT);
}

#[test]
fn cve_2026_1526_a_bomb_against_a_client_costs_no_more_than_the_limit() {
    explode(Role::Client, u32::MAX, Limit::Message, BASE + 2 * LIMIT);
}

#[test]
fn nats_f77fb7c_a_bomb_is_stopped_by_its_ratio_at_64_kib() {
    for role in ROLES {
        explode(role, 200, Limit::InflateRatio, BASE + (200 << 10));
    }
}

/// Received in pieces, a bomb is a long message and no more: no limit, and memory
/// bounded by the piece.
#[test]
fn a_bomb_received_in_pieces_costs_a_piece() {
    const MEBIBYTES: usize = 48;
    let payload = zeros(MEBIBYTES);
    for role in ROLES {
        let mut end = End::with(role, &takeover(), &eager(), |options| {
            options.limits.message = u64::MAX;
            options.limits.inflate_ratio = u32::MAX;
        });
        let frame = end.frame(FIN | RSV1 | TEXT, &payload);
        let (total, cost) = measure(|| {
            let receiver = &mut end.connection.receiver;
            let (mut rest, mut total) = (frame.as_slice(), 0);
            while !rest.is_empty() {
                rest = &rest[receiver.receive_from(rest, std::time::Instant::now())..];
                while let Some(found) = receiver.next_chunk().unwrap() {
                    let Received::Chunk(chunk) = found else { panic!("{found:?}") };
                    assert!(chunk.payload.len() <= 16 << 10);
                    total += chunk.payload.len();
                }
            }
            total
        });
        assert_eq!(total, MEBIBYTES << 20);
        println!("{MEBIBYTES} MiB in pieces, {role:?}: a peak of {} bytes", cost.peak);
        assert!(cost.peak < BASE + (40 << 10), "{role:?}: {cost:?}");
    }
}

/// nats 211fcb3 and list 8: RSV1 that was not negotiated.
#[test]
fn nats_211fcb3_rsv1_without_agreement() {
    for role in ROLES {
        for by in WAYS {
            for opcode in [TEXT, BINARY] {
                for fin in [FIN, 0] {
                    let mut end = End::without_compression(role, |_| {});
                    let bytes = end.frame(fin | RSV1 | opcode, b"x");
                    let error = end.violation(by, &bytes[..bytes.len() - 1]);
                    assert_eq!(error, FrameError::ReservedBits { bits: 0b100 }.into());
                    assert_eq!(end.sent_close(), 1002);
                }
            }
        }
    }
}

/// List 8: RSV1 on continuations and control frames, and RSV2 and RSV3 on
/// anything, are failed at the header.
#[test]
fn bug_8_rsv1_where_it_means_nothing() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    for role in ROLES {
        for by in WAYS {
            for first in [RSV1 | CONTINUATION, FIN | RSV1 | CONTINUATION] {
                for begun in [RSV1 | TEXT, TEXT] {
                    let mut end = End::new(role, &takeover(), &eager());
                    let mut bytes = end.frame(begun, if begun == TEXT { b"" } else { &hello });
                    bytes.extend(&end.frame(first, b""));
                    let error = end.violation(by, &bytes);
                    assert_eq!(error, FrameError::ReservedBits { bits: 0b100 }.into());
                    assert_eq!(end.sent_close(), 1002);
                }
            }
            for opcode in [0x8, 0x9, 0xA] {
                let mut end = End::new(role, &takeover(), &eager());
                let bytes = end.frame(FIN | RSV1 | opcode, b"");
                let error = end.violation(by, &bytes);
                assert_eq!(error, FrameError::ReservedBits { bits: 0b100 }.into());
                assert_eq!(end.sent_close(), 1002);
            }
            for bits in 1..8u8 {
                if bits == 0b100 {
                    continue;
                }
                let mut end = End::new(role, &takeover(), &eager());
                let bytes = end.frame(FIN | bits << 4 | TEXT, &hello);
                assert_eq!(end.violation(by, &bytes), FrameError::ReservedBits { bits }.into());
            }
        }
    }
}

/// nats 409d394: a compressed message without a byte, and the proper empty one
/// (RFC 7692, 7.2.3.6), in one frame and in several.
#[test]
fn nats_409d394_empty_compressed_messages() {
    for params in [takeover(), no_takeover()] {
        for role in ROLES {
            for by in WAYS {
                let mut end = End::new(role, &params, &eager());
                for payload in [&[][..], &[0x00], &[0x02, 0x00], &[0x03, 0x00]] {
                    for (opcode, empty) in [
                        (TEXT, WebSocketMessage::from("")),
                        (BINARY, WebSocketMessage::from(vec![])),
                    ] {
                        let bytes = end.frame(FIN | RSV1 | opcode, payload);
                        assert_eq!(end.try_messages(by, 1, &bytes), (vec![empty.clone()], Ok(())));
                        let mut bytes = end.frame(RSV1 | opcode, b"");
                        bytes.extend(end.frame(CONTINUATION, payload));
                        bytes.extend(end.frame(FIN | CONTINUATION, b""));
                        assert_eq!(end.try_messages(by, 1, &bytes), (vec![empty], Ok(())));
                    }
                }
            }
        }
    }
}

/// nats d1b647e: a state that met an error, or was left in the middle of a message,
/// serves no other connection as it is.
#[test]
fn nats_d1b647e_a_pooled_state_is_not_reused_after_an_error() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let refers_to_hello = [0xf2, 0x00, 0x11, 0x00, 0x00];
    for role in ROLES {
        for params in [takeover(), no_takeover()] {
            let pool = DeflatePool::new(1);
            let end = || {
                End::with(role, &params, &eager(), |options| options.deflate_pool = pool.clone())
            };
            for _ in 0..3 {
                let mut good = end();
                let bytes = good.frame(FIN | RSV1 | TEXT, &hello);
                assert_eq!(good.messages(&bytes), [WebSocketMessage::from("Hello")]);
                drop(good);
                let mut cut = end();
                let bytes = cut.frame(FIN | RSV1 | TEXT, &hello);
                assert_eq!(cut.messages(&bytes[..bytes.len() - 2]), []);
                drop(cut);
                assert_eq!(pool.idle().1, 1);

                let mut bad = end();
                let bytes = bad.frame(FIN | RSV1 | TEXT, &refers_to_hello);
                let error = bad.violation(By::Ref, &bytes);
                assert_eq!(error, ProtocolError::Inflate(InflateError::Corrupt));
                assert_eq!(bad.sent_close(), 1007);
                drop(bad);
                assert_eq!(pool.idle().1, 0, "a state that has failed is not kept");
            }
        }
    }
}

/// Damaged and random payloads fail the connection with 1007 or 1009, or are a
/// message; what follows a failure is not looked at.
#[test]
fn garbage_fails_the_connection_and_nothing_else() {
    let valid = compressed(&mut pair(&takeover(), &eager().level(6)).0, &b"quote ".repeat(200));
    for seed in 0..600 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut payload =
            if seed % 2 == 0 { valid.clone() } else { random(rng.usize(1..300), seed) };
        let at = rng.usize(..payload.len());
        payload[at] ^= 1 << rng.u32(..8);
        let role = ROLES[seed as usize % 2];
        let params = if seed % 3 == 0 { takeover() } else { no_takeover() };
        let mut end = End::new(role, &params, &eager());
        let mut bytes = end.frame(FIN | RSV1 | BINARY, &payload);
        bytes.extend(end.frame(FIN | TEXT, b"behind it"));
        let (messages, result) =
            end.try_messages(WAYS[seed as usize % 3], rng.usize(1..99), &bytes);
        match result {
            Ok(()) => assert_eq!(messages.len(), 2),
            Err(_) => {
                assert_eq!(messages, []);
                assert!(matches!(end.sent_close().get(), 1007 | 1009));
            }
        }
    }
}
