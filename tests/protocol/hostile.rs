//! Mistakes that libraries still make where they meet hostile, or merely unlucky,
//! peers. Those that are not here have tests that name a requirement.

use std::time::Duration;

use wirespeed::{
    CloseCode, Opcode, Role,
    protocol::{ProtocolError, ReceiveError, SendError, TransportAction},
};

use crate::{counting::measure, endpoint::*};

#[test]
fn list_01_bad_text_is_found_however_it_is_cut() {
    let good = "sound ✓ 😀 ";
    for role in ROLES {
        for bad in
            [&b"\xFF"[..], b"\xC0\x80", b"\xED\xBF\xBF", b"\xF4\x90\x80\x80", b"\xE2\x28\xA1"]
        {
            let payload = [good.as_bytes(), bad, good.as_bytes()].concat();
            for cut in 0..=payload.len() {
                for step in [1, 2, 3, usize::MAX] {
                    let mut endpoint = Endpoint::new(role);
                    let (front, back) = payload.split_at(cut);
                    let frames = endpoint.frames([(TEXT_BEGINS, front), (ENDS, back)]);
                    let (messages, error) = endpoint.deliver_by(step, &frames);
                    assert_eq!(messages, []);
                    let Some(ReceiveError::Protocol(ProtocolError::Utf8(error))) = error else {
                        panic!("{bad:x?} cut at {cut}, {step} bytes a read: {error:?}");
                    };
                    assert_eq!(error.valid_up_to, good.len() as u64);
                    assert_eq!(endpoint.sent_close(), CloseCode::INVALID_PAYLOAD);
                }
            }
        }
    }
}

#[test]
fn list_09_what_is_announced_and_does_not_come_is_not_paid_for() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let limit = if role == Role::Client { 16 << 20 } else { 1 << 20 };
        let header = endpoint.header(TEXT, limit);
        let payload = endpoint.payload(b"ten bytes.");
        let ((), cost) = measure(|| {
            endpoint.messages(&header);
            endpoint.messages(&payload);
        });
        assert!(cost.peak < 100 << 10, "{role:?}: {cost:?}");
    }
}

#[test]
fn list_18_writes_of_one_byte_and_of_none_lose_nothing() {
    for role in ROLES {
        let mut whole = Endpoint::new(role);
        let mut dripping = Endpoint::new(role);
        for endpoint in [&mut whole, &mut dripping] {
            let sender = &mut endpoint.connection.sender;
            sender.write_text("one").unwrap();
            sender.write(binary(&[7; 10_000])).unwrap();
            sender.write_ping(b"two").unwrap();
        }
        let expected: Vec<_> =
            whole.sent_frames().into_iter().map(|frame| (frame.opcode, frame.payload)).collect();

        let mut sent = Vec::new();
        while dripping.connection.sender.wants_transmit() {
            let now = dripping.now;
            let mut slices = [std::io::IoSlice::new(&[]); 2];
            let count = dripping.connection.sender.transmit(now, &mut slices);
            sent.push(slices[..count][0][0]);
            dripping.connection.sender.written(0, now); // it would have blocked
            dripping.connection.sender.written(1, now);
        }
        let mut rest = sent.as_slice();
        for (opcode, payload) in expected {
            let frame = wirespeed::WebSocketFrame::decode(&mut rest).unwrap();
            assert_eq!((frame.opcode, frame.payload), (opcode, payload));
        }
        assert!(rest.is_empty());
    }
}

#[test]
fn list_19_nothing_yet_is_not_the_end() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let frame = endpoint.frame(TEXT, b"in two reads");
        let (front, back) = frame.split_at(5);
        assert_eq!(endpoint.messages(front), []);
        endpoint.connection.receiver.received(0, endpoint.now);
        assert!(endpoint.connection.receiver.next_message().unwrap().is_none());
        assert!(!endpoint.connection.receiver.is_finished());
        assert_eq!(endpoint.messages(back), [text("in two reads")]);
        assert_eq!(endpoint.connection.receiver.end_of_stream(), Err(ReceiveError::ConnectionLost));
    }
}

#[test]
fn list_20_a_stream_with_a_cut_frame_at_every_reads_end_is_flat() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let mut stream = endpoint.frames((0..1000).map(|_| (TEXT, [b'x'; 97])));
        // Every read ends inside a frame, the last one ends with the stream.
        let mut pass = |endpoint: &mut Endpoint| {
            let mut count = 0;
            for read in stream.chunks_mut(7001) {
                let receiver = &mut endpoint.connection.receiver;
                assert_eq!(receiver.receive_from(read, endpoint.now), read.len());
                while receiver.next_ref().unwrap().is_some() {
                    count += 1;
                }
            }
            assert_eq!(count, 1000);
        };
        pass(&mut endpoint);
        let ((), cost) = measure(|| (0..20).for_each(|_| pass(&mut endpoint)));
        assert_eq!((cost.allocations, cost.kept), (0, 0), "{role:?}");
    }
}

#[test]
fn list_21_closing_ends_whatever_the_peer_does() {
    let close = |endpoint: &mut Endpoint| {
        endpoint.connection.sender.write_close(CloseCode::NORMAL, "").unwrap();
        endpoint.sent();
    };
    for role in ROLES {
        // It keeps sending, for ever and without reading: no data, no answer, no memory.
        let mut endpoint = Endpoint::new(role);
        close(&mut endpoint);
        let start = endpoint.now;
        let noise = endpoint.frames([(TEXT, "data"), (PING, "?")]);
        let ((), cost) = measure(|| {
            for second in 0..5 {
                endpoint.now = start + Duration::from_secs(second);
                endpoint.connection.sender.handle_timeout(endpoint.now).unwrap();
                (0..40).for_each(|_| assert_eq!(endpoint.messages(&noise).len(), 2));
            }
        });
        assert!(cost.peak < 100 << 10, "{cost:?}");
        assert!(!endpoint.connection.sender.wants_transmit());
        let timeout = endpoint.connection.sender.handle_timeout(start + Duration::from_secs(5));
        assert_eq!(timeout, Err(SendError::CloseTimeout));

        // It answers, and keeps the transport open.
        let mut endpoint = Endpoint::new(role);
        let answer = endpoint.frame(CLOSE, &[3, 232]);
        close(&mut endpoint);
        endpoint.messages(&answer);
        assert_eq!(endpoint.messages(&noise), []);
        let deadline = endpoint.connection.next_deadline().unwrap();
        assert!(endpoint.connection.sender.handle_timeout(deadline).is_err());
        assert_eq!(endpoint.connection.sender.transport_action(), TransportAction::Drop);

        // It drops the transport without an answer.
        let mut endpoint = Endpoint::new(role);
        close(&mut endpoint);
        assert_eq!(endpoint.connection.receiver.end_of_stream(), Err(ReceiveError::ConnectionLost));
        assert_eq!(endpoint.connection.sender.transport_action(), TransportAction::Drop);
    }
}

/// More than a buffer of noise behind a close frame, or behind an error, in the
/// same read: it has to go somewhere when the next read is prepared.
#[test]
fn list_21_noise_behind_the_end_is_dropped() {
    for role in ROLES {
        for (last, payload) in
            [(CLOSE, &[3, 232][..]), (TEXT, b"\xFF"), (CLOSE, b"\xFF"), (0x83, b"")]
        {
            let mut endpoint = Endpoint::new(role);
            let mut bytes = endpoint.frames([(BINARY_BEGINS, &b"begun"[..])]);
            bytes.extend(endpoint.frame(ENDS, b""));
            bytes.extend(endpoint.frame(last, payload));
            bytes.resize(60_000, 0xAA);
            endpoint.deliver(&bytes);
            let receiver = &mut endpoint.connection.receiver;
            assert!(receiver.is_finished());
            assert_eq!(receiver.buffered(), 0);
            assert!(!receiver.has_buffered_frame());
            for _ in 0..10 {
                let room = receiver.read_buffer().len();
                assert!(room > 60_000);
                receiver.received(room, endpoint.now);
            }
            assert!(receiver.next_ref().unwrap().is_none());
            assert!(receiver.next_chunk().unwrap().is_none());
            receiver.release_idle();
            assert!(!receiver.holds_memory());
        }
    }
}

#[test]
fn list_22_what_the_rfc_forbids_is_refused_and_leaves_no_trace() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let sender = &mut endpoint.connection.sender;
        assert!(sender.write_ping(&[0; 126]).is_err());
        assert!(sender.write_pong(&[0; 126]).is_err());
        assert!(sender.write_close(CloseCode::from(999), "").is_err());
        assert!(sender.write_close(CloseCode::NORMAL, &"x".repeat(124)).is_err());
        assert!(sender.write_close(CloseCode::NO_STATUS, "a reason needs a code").is_err());
        assert!(sender.write_fragment(Opcode::Text, b"\xFF", true).is_err());
        assert!(sender.write_fragment(Opcode::Close, b"", true).is_err());
        assert!(!sender.wants_transmit() && !sender.is_closing());
        sender.write_text("fine").unwrap();
        assert_eq!(endpoint.sent_frames().len(), 1);
    }
}

/// Buffers go back to the pool in the middle of a message too, and nothing of it is
/// lost by that.
#[test]
fn memory_may_be_released_at_every_byte_of_a_message() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let frames = endpoint.frames([
            (TEXT_BEGINS, "one "),
            (PING, "?"),
            (ENDS, "message"),
            (BINARY, "another"),
        ]);
        let mut messages = Vec::new();
        for byte in frames {
            messages.extend(endpoint.messages(&[byte]));
            endpoint.connection.receiver.release_idle();
            endpoint.connection.sender.release_idle();
        }
        assert_eq!(messages.len(), 3);
        assert_eq!((&messages[1], &messages[2]), (&text("one message"), &binary(b"another")));
        assert!(!endpoint.connection.receiver.holds_memory());
        assert_eq!(endpoint.sent_frames()[0].opcode, Opcode::Pong);
        endpoint.connection.sender.release_idle();
        assert!(!endpoint.connection.sender.holds_memory());
    }
}
