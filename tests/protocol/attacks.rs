//! Published vulnerabilities of WebSocket libraries, replayed: those that concern
//! frames and the protocol. What memory they cost is measured.

use std::time::Duration;

use wirespeed::{
    BufferPool, CloseCode, Limit, LimitExceeded, Opcode, Role, WebSocketMessage,
    frame::FrameError,
    protocol::{ProtocolError, Received, SendError, TransportAction},
};

use crate::{counting::measure, endpoint::*};

/// A block of the pool and its overhead: what holding any bytes at all costs.
const BLOCK: u64 = 66 << 10;

fn exceeded(limit: Limit, allowed: u64, actual: u64) -> ProtocolError {
    LimitExceeded { limit, allowed, actual }.into()
}

fn unlimited(role: Role) -> Endpoint {
    Endpoint::with(role, |options| {
        options.limits.message = u64::MAX;
        options.limits.fragments = u32::MAX;
        options.limits.empty_fragments = u32::MAX;
    })
}

#[test]
fn rustsec_2022_0035_a_header_of_2_to_the_62_allocates_nothing() {
    for role in ROLES {
        let (error, cost) = measure(|| {
            let mut endpoint = Endpoint::new(role);
            let header = endpoint.header(BINARY, 1 << 62);
            let error = endpoint.violation(&header);
            assert_eq!(endpoint.sent_close(), CloseCode::MESSAGE_TOO_BIG);
            error
        });
        assert!(matches!(error, ProtocolError::Limit(_)), "{error}");
        // The block that was read into, and the one that the close frame is in.
        assert!(cost.peak < 3 * BLOCK, "{role:?}: {cost:?}");
    }
}

#[test]
fn cve_2026_0716_without_a_limit_memory_grows_with_what_arrives_only() {
    for role in ROLES {
        for first in [BINARY, TEXT] {
            let mut endpoint = unlimited(role);
            let header = endpoint.header(first, (1 << 63) - 1);
            let part = endpoint.payload(&[b'x'; 1000]);
            let ((), cost) = measure(|| {
                assert_eq!(endpoint.messages(&header), []);
                (0..200).for_each(|_| assert_eq!(endpoint.messages(&part), []));
            });
            assert!(cost.peak < BLOCK + 3 * 200_000, "{role:?}: {cost:?}");
            assert!(endpoint.connection.receiver.end_of_stream().is_err());
            endpoint.connection.receiver.release_idle();
            assert!(!endpoint.connection.receiver.holds_memory());
        }
    }
}

#[test]
fn cve_2020_27813_lengths_that_sum_beyond_2_to_the_63_do_not_wrap() {
    for role in ROLES {
        for limit in [1000, i64::MAX as u64] {
            let mut endpoint = Endpoint::with(role, |options| options.limits.message = limit);
            let mut frames = endpoint.frame(BINARY_BEGINS, b"ten bytes.");
            frames.extend(endpoint.header(ENDS, i64::MAX as u64));
            let error = endpoint.violation(&frames);
            assert!(matches!(error, ProtocolError::Limit(_)), "{error}");
            assert_eq!(endpoint.sent_close(), CloseCode::MESSAGE_TOO_BIG);
        }
        // Without a limit the sum is a number like any other.
        let mut endpoint = unlimited(role);
        let mut frames = endpoint.frame(BINARY_BEGINS, b"ten bytes.");
        frames.extend(endpoint.header(ENDS, i64::MAX as u64));
        assert_eq!(endpoint.messages(&frames), []);
    }
}

#[test]
fn rustsec_2020_0043_a_ping_flood_of_a_peer_that_does_not_read_costs_one_pong() {
    for role in ROLES {
        let mut endpoint = Endpoint::with(role, |options| options.limits.write_progress = 1);
        endpoint.connection.sender.write_text("stuck").unwrap();
        let start = endpoint.now;
        let ping = endpoint.frame(PING, &[7; 125]);
        let ((), cost) = measure(|| {
            // An hour at the rate that is allowed; a byte is taken now and then, so
            // that the transport never counts as stalled.
            for millis in (0..3_600_000).step_by(50) {
                endpoint.now = start + Duration::from_millis(millis);
                endpoint.messages(&ping);
                let sender = &mut endpoint.connection.sender;
                sender.transmit(endpoint.now, &mut []);
                sender.written(usize::from(millis % 9000 == 0), endpoint.now);
                sender.handle_timeout(endpoint.now).unwrap();
                assert!(sender.queued() < 300, "{role:?}: {} bytes", sender.queued());
            }
        });
        assert!(cost.peak < 2 * BLOCK, "{role:?}: {cost:?}");
    }
}

#[test]
fn rustsec_2020_0043_a_faster_ping_flood_fails_the_connection() {
    for role in ROLES {
        for first in [PING, PONG] {
            let mut endpoint = Endpoint::new(role);
            let flood = endpoint.frames((0..1000).map(|_| (first, b"!")));
            let (messages, _) = endpoint.deliver(&flood);
            assert_eq!(messages.len(), 200);
            let mut endpoint = Endpoint::new(role);
            let error = endpoint.violation(&flood);
            assert_eq!(error, exceeded(Limit::ControlFrames, 200, 201));
            assert_eq!(endpoint.sent_close(), CloseCode::POLICY_VIOLATION);
        }
    }
}

#[test]
fn ws_8_21_0_a_million_fragments_of_a_byte_or_none_are_bounded() {
    for role in ROLES {
        for (payload, limit, allowed) in [
            (&b"x"[..], Limit::Fragments, if role == Role::Client { 65_536 } else { 4096 }),
            (b"", Limit::EmptyFragments, 64),
        ] {
            let mut endpoint = Endpoint::new(role);
            let begin = endpoint.frame(TEXT_BEGINS, payload);
            let more = endpoint.frames((0..1000).map(|_| (CONTINUES, payload)));
            let (error, cost) = measure(|| {
                endpoint.messages(&begin);
                (0..1000).find_map(|_| endpoint.deliver(&more).1)
            });
            let expected = exceeded(limit, allowed, allowed + 1);
            assert_eq!(error, Some(expected.into()));
            assert!(cost.peak < BLOCK + (256 << 10), "{role:?}: {cost:?}");
            assert_eq!(endpoint.sent_close(), CloseCode::POLICY_VIOLATION);
        }
    }
}

#[test]
fn ws_2329_where_fragments_are_not_limited_they_are_one_buffer() {
    for role in ROLES {
        for payload in [&b"x"[..], b""] {
            let mut endpoint = unlimited(role);
            let begin = endpoint.frame(BINARY_BEGINS, payload);
            let more = endpoint.frames((0..1000).map(|_| (CONTINUES, payload)));
            let ((), cost) = measure(|| {
                endpoint.messages(&begin);
                (0..1000).for_each(|_| assert_eq!(endpoint.messages(&more), []));
            });
            assert!(cost.peak < BLOCK + (4 << 20), "{role:?}: {cost:?}");
            let end = endpoint.frame(ENDS, b"");
            let messages = endpoint.messages(&end);
            assert_eq!(messages[0].as_bytes().len(), 1_000_001 * payload.len());
        }
    }
}

/// A pool whose memory holds something that must not get out.
fn pool_with_secrets() -> BufferPool {
    let pool = BufferPool::new(BufferPool::DEFAULT_READ_SIZE, 4);
    for role in ROLES {
        let mut endpoint = Endpoint::with(role, |options| options.pool = pool.clone());
        let secret = b"secret! ".repeat(2000);
        let frames = endpoint.frames([
            (BINARY, &secret[..]),
            (BINARY_BEGINS, &secret),
            (ENDS, &secret),
            (BINARY, &secret[..900]),
        ]);
        endpoint.messages(&frames);
        endpoint.connection.sender.write_binary(&secret).unwrap();
        endpoint.sent();
    }
    pool
}

#[test]
fn ws_1_0_1_and_8_20_1_control_frames_carry_their_payload_and_nothing_else() {
    let pool = pool_with_secrets();
    for role in ROLES {
        for len in 0..=125 {
            let mut endpoint = Endpoint::with(role, |options| options.pool = pool.clone());
            let payload = vec![b'p'; len];
            let ping = endpoint.frame(PING, &payload);
            endpoint.messages(&ping);
            let sender = &mut endpoint.connection.sender;
            sender.write_ping(&payload).unwrap();
            sender.write_pong(&payload).unwrap();
            let reason = "r".repeat(len.min(123));
            sender.write_close(CloseCode::NORMAL, &reason).unwrap();
            let frames = endpoint.sent_frames();
            assert_eq!(frames.len(), 4);
            assert!(frames[..3].iter().all(|frame| *frame.payload == payload));
            assert_eq!(frames[3].payload[..2], [3, 232]);
            assert_eq!(frames[3].payload[2..], *reason.as_bytes());
        }
    }
}

#[test]
fn cve_2020_27218_what_one_connection_received_no_other_one_sees() {
    let pool = pool_with_secrets();
    assert!(pool.resting() > 0, "the memory is used again");
    for role in ROLES {
        for len in [0, 1, 100, 5000] {
            let mut endpoint = Endpoint::with(role, |options| options.pool = pool.clone());
            let payload = vec![b'x'; len];
            let frames =
                endpoint.frames([(BINARY, &payload), (TEXT_BEGINS, &payload), (ENDS, &payload)]);
            for step in [1, 1000] {
                let (messages, _) = endpoint.deliver_by(step, &frames);
                assert_eq!(messages[0], binary(&payload));
                assert_eq!(messages[1].as_bytes(), b"x".repeat(2 * len));
            }
            endpoint.connection.sender.write_binary(&payload).unwrap();
            assert_eq!(*endpoint.sent_frames()[0].payload, payload);
        }
    }
}

#[test]
fn cve_2022_21676_every_first_byte_is_a_frame_or_an_error_value() {
    for role in ROLES {
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let mut endpoint = Endpoint::new(role);
                let mut bytes = vec![first, second];
                bytes.resize(20, 0);
                for byte in bytes {
                    // What matters is that this returns.
                    if endpoint.deliver(&[byte]).1.is_some() {
                        assert!(endpoint.connection.receiver.is_finished());
                        endpoint.sent_close();
                        break;
                    }
                }
            }
            let legal = matches!(first, 0x01 | 0x02 | 0x81 | 0x82 | 0x88 | 0x89 | 0x8A);
            let mut endpoint = Endpoint::new(role);
            let frame = endpoint.frame(first, b"");
            assert_eq!(endpoint.deliver(&frame).1.is_none(), legal, "{role:?} {first:#x}");
        }
    }
}

#[test]
fn nats_fcde14f_cve_2020_13935_and_cve_2026_1528_a_64_bit_length_is_never_negative() {
    for role in ROLES {
        for len in [1 << 63, (1 << 63) + 1, u64::MAX - 13, u64::MAX] {
            let mut endpoint = unlimited(role);
            let header = endpoint.header(BINARY, len);
            assert_eq!(endpoint.violation(&header), FrameError::LengthTooLarge { len }.into());
            // And it ends there: what follows is not looked at.
            let frame = endpoint.frame(TEXT, b"x");
            assert_eq!(endpoint.messages(&frame), []);
        }
    }
}

#[test]
fn nats_211fcb3_rsv1_that_was_not_negotiated_is_refused() {
    for role in ROLES {
        for first in [TEXT, BINARY, TEXT_BEGINS, PING, CLOSE] {
            let mut endpoint = Endpoint::new(role);
            let frame = endpoint.frame(first | 0x40, b"");
            let error = FrameError::ReservedBits { bits: 0b100 };
            assert_eq!(endpoint.violation(&frame), error.into());
        }
    }
}

#[test]
fn nats_d450ad7_frames_allocate_no_more_than_the_limit() {
    for role in ROLES {
        let mut endpoint = Endpoint::with(role, |options| options.limits.message = 100_000);
        let frame = endpoint.frame(BINARY, &vec![7; 100_000]);
        let ((), cost) = measure(|| {
            for _ in 0..20 {
                let (messages, error) = endpoint.deliver_by(700, &frame);
                assert_eq!((messages.len(), error), (1, None));
            }
        });
        assert!(cost.peak < BLOCK + 300_000, "{role:?}: {cost:?}");
        let header = endpoint.header(BINARY, 100_001);
        assert_eq!(endpoint.violation(&header), exceeded(Limit::Message, 100_000, 100_001));
    }
}

#[test]
fn nats_d1b647e_buffers_of_a_failed_connection_serve_the_next_one() {
    let pool = BufferPool::new(BufferPool::DEFAULT_READ_SIZE, 4);
    for role in ROLES {
        for round in 0..20 {
            let mut endpoint = Endpoint::with(role, |options| options.pool = pool.clone());
            let good = endpoint.frames([(TEXT_BEGINS, "some"), (ENDS, "thing")]);
            let held = endpoint.messages(&good);
            let mut bad = endpoint.frame(TEXT_BEGINS, "unfinished ".repeat(100).as_bytes());
            bad.extend(endpoint.frame(if round % 2 == 0 { 0x83 } else { ENDS }, b"\xFF"));
            bad.extend([0xAA; 1000]);
            endpoint.violation(&bad);
            drop(endpoint);
            assert_eq!(held, [text("something")], "what was handed out stays as it is");
        }
    }
}

#[test]
fn cve_2025_32049_fragments_count_together() {
    for role in ROLES {
        let mut endpoint = Endpoint::with(role, |options| {
            options.limits.message = 10_000;
            options.limits.frame = 1000;
        });
        let begin = endpoint.frame(BINARY_BEGINS, &[7; 1000]);
        endpoint.messages(&begin);
        let more = endpoint.frame(CONTINUES, &[7; 1000]);
        (0..9).for_each(|_| assert_eq!(endpoint.messages(&more), []));
        assert_eq!(endpoint.violation(&more), exceeded(Limit::Message, 10_000, 11_000));
        assert_eq!(endpoint.sent_close(), CloseCode::MESSAGE_TOO_BIG);
    }
}

/// In pieces, a message within the limit costs no more than a buffer.
#[test]
fn cve_2025_32049_pieces_cost_a_buffer_whatever_the_message_is() {
    for role in ROLES {
        let mut endpoint = unlimited(role);
        let mut stream = endpoint.header(BINARY, 8_000_000);
        stream.resize(stream.len() + 8_000_000, 0);
        let (len, cost) = measure(|| {
            let mut len = 0;
            for read in stream.chunks(50_000) {
                let receiver = &mut endpoint.connection.receiver;
                receiver.receive_from(read, endpoint.now);
                while let Some(Received::Chunk(chunk)) = receiver.next_chunk().unwrap() {
                    len += chunk.payload.len();
                }
            }
            len
        });
        assert_eq!(len, 8_000_000);
        assert!(cost.peak < 2 * BLOCK, "{role:?}: {cost:?}");
    }
}

#[test]
fn cve_2024_23672_a_peer_that_never_answers_a_close_frame_is_dropped() {
    for role in ROLES {
        for keeps_sending in [false, true] {
            let mut endpoint = Endpoint::new(role);
            endpoint.connection.sender.write_close(CloseCode::NORMAL, "").unwrap();
            endpoint.sent();
            let deadline = endpoint.connection.sender.next_deadline().unwrap();
            assert_eq!(deadline, endpoint.now + Duration::from_secs(5));
            if keeps_sending {
                let frame = endpoint.frame(TEXT, b"still here");
                for millis in 0..50 {
                    endpoint.now += Duration::from_millis(millis);
                    assert_eq!(endpoint.messages(&frame), [text("still here")]);
                }
                assert_eq!(endpoint.connection.sender.next_deadline(), Some(deadline));
            }
            let sender = &mut endpoint.connection.sender;
            assert_eq!(sender.handle_timeout(deadline), Err(SendError::CloseTimeout));
            assert_eq!(sender.transport_action(), TransportAction::Drop);
        }
    }
}

#[test]
fn cve_2024_22201_a_blocked_write_times_out_and_frees_what_it_held() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let ((), cost) = measure(|| {
            endpoint.connection.sender.write(binary(&vec![7; 500_000])).unwrap();
            endpoint.connection.sender.write_close(CloseCode::NORMAL, "").unwrap();
            let sender = &mut endpoint.connection.sender;
            sender.transmit(endpoint.now, &mut []);
            sender.written(0, endpoint.now + Duration::from_secs(9));
            let deadline = endpoint.now + Duration::from_secs(10);
            assert_eq!(sender.next_deadline(), Some(deadline));
            assert_eq!(sender.handle_timeout(deadline), Err(SendError::Stalled));
            assert_eq!(sender.transport_action(), TransportAction::Drop);
            assert_eq!((sender.queued(), sender.next_deadline()), (0, None));
            assert!(!sender.holds_memory());
        });
        assert!(cost.kept < 5 * BLOCK as i64, "the pool keeps four blocks: {cost:?}");
    }
}

/// What a server sends by reference to a peer that does not read costs what it is,
/// and not a buffer for each header.
#[test]
fn rustsec_2020_0043_a_full_queue_of_a_server_holds_little_more_than_its_bytes() {
    for size in [100, 4096, 5000] {
        let mut endpoint = Endpoint::new(Role::Server);
        let (full, cost) = measure(|| {
            loop {
                let shared = WebSocketMessage::Binary(vec![7; size].into());
                let small = endpoint.connection.sender.write_text("between");
                let written = endpoint.connection.sender.write(shared);
                if let Err(error) = small.and(written) {
                    return error;
                }
            }
        });
        assert!(matches!(full, SendError::QueueFull(_)));
        assert!(endpoint.connection.sender.queued() > 1_000_000);
        assert!(cost.peak < 3 << 20, "{size}: {cost:?}");
        let frames = endpoint.sent_frames();
        assert!(frames.iter().all(|frame| match frame.opcode {
            Opcode::Text => *frame.payload == *b"between",
            _ => *frame.payload == vec![7; size],
        }));
    }
}
