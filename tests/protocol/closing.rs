//! The closing handshake and failure (RFC 6455, 7): requirements 33 to
//! 38 and 40. (39, when to dial again, is a caller's: a connection is over when it
//! is over.)

use std::time::Duration;

use wirespeed::{
    CloseCode, Opcode, PreparedMessage, Role, WebSocketMessage,
    frame::FrameError,
    protocol::{ProtocolError, ReceiveError, SendError, TransportAction},
};

use crate::endpoint::*;

fn close_payload(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason].concat()
}

fn closed(code: u16, reason: &str) -> WebSocketMessage {
    WebSocketMessage::Close(code.into(), reason.into())
}

/// The codes that may be on the wire (requirement 34).
fn is_valid(code: u16) -> bool {
    (1000..=1003).contains(&code) || (1007..=1014).contains(&code) || (3000..5000).contains(&code)
}

#[test]
fn c4_3_n33_a_close_frame_carries_nothing_or_a_code_and_a_reason() {
    for role in ROLES {
        let receive = |payload: &[u8]| {
            let mut endpoint = Endpoint::new(role);
            let close = endpoint.frame(CLOSE, payload);
            let received = endpoint.deliver(&close);
            (received, endpoint.sent_close())
        };
        assert_eq!(receive(b""), ((vec![closed(1005, "")], None), CloseCode::NO_STATUS));
        let (received, answer) = receive(&close_payload(1001, "müde".as_bytes()));
        assert_eq!((received, answer), ((vec![closed(1001, "müde")], None), CloseCode::GOING_AWAY));
        let longest = "x".repeat(123);
        let (received, _) = receive(&close_payload(1000, longest.as_bytes()));
        assert_eq!(received, (vec![closed(1000, &longest)], None));

        let (received, answer) = receive(&[3]);
        let error = ReceiveError::Protocol(FrameError::CloseTooShort.into());
        assert_eq!((received, answer), ((vec![], Some(error)), CloseCode::PROTOCOL_ERROR));

        for reason in [&b"\xFF"[..], b"ok\xE2\x82", b"\xED\xA0\x80"] {
            let (received, answer) = receive(&close_payload(1000, reason));
            assert!(matches!(received.1, Some(ReceiveError::Protocol(ProtocolError::Utf8(_)))));
            assert_eq!(answer, CloseCode::INVALID_PAYLOAD);
        }
    }
}

#[test]
fn c4_3_n33_what_is_sent_is_a_code_in_network_order_and_a_reason_that_fits() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let too_long = "x".repeat(124);
        let sender = &mut endpoint.connection.sender;
        let refused = sender.write_close(CloseCode::NORMAL, &too_long);
        assert_eq!(refused, Err(SendError::ReasonTooLong { len: 124 }));
        sender.write_close(CloseCode::from(0x0FA1), &too_long[..123]).unwrap();
        let frames = endpoint.sent_frames();
        assert_eq!(frames.len(), 1);
        assert_eq!(*frames[0].payload, close_payload(0x0FA1, &too_long.as_bytes()[..123]));
        assert_eq!(frames[0].payload[..2], [0x0F, 0xA1]);

        let mut endpoint = Endpoint::new(role);
        endpoint.connection.sender.write_close(CloseCode::NO_STATUS, "").unwrap();
        assert!(endpoint.sent_frames()[0].payload.is_empty());
    }
}

#[test]
fn c4_3_n34_of_all_codes_the_valid_ones_are_accepted() {
    for role in ROLES {
        for code in 0..=u16::MAX {
            let mut endpoint = Endpoint::new(role);
            let close = endpoint.frame(CLOSE, &close_payload(code, b""));
            let (messages, error) = endpoint.deliver(&close);
            if is_valid(code) {
                assert_eq!((messages, error), (vec![closed(code, "")], None));
                assert_eq!(endpoint.sent_close(), code);
            } else {
                let expected = FrameError::CloseCode(code.into()).into();
                assert_eq!(error, Some(ReceiveError::Protocol(expected)));
                assert_eq!(endpoint.sent_close(), CloseCode::PROTOCOL_ERROR);
            }
        }
    }
}

#[test]
fn c4_3_n34_of_all_codes_the_valid_ones_are_sent() {
    for role in ROLES {
        for code in (0..=u16::MAX).map(CloseCode::from) {
            let mut endpoint = Endpoint::new(role);
            let written = endpoint.connection.sender.write_close(code, "why");
            if is_valid(code.get()) {
                assert_eq!(written, Ok(()));
                assert_eq!(endpoint.sent_close(), code);
            } else {
                assert_eq!(written, Err(SendError::CloseCode(code)));
                assert!(endpoint.sent().is_empty());
            }
        }
    }
}

/// Every way to send something that is not a close frame.
fn refusals(endpoint: &mut Endpoint) -> Vec<Result<(), SendError>> {
    let sender = &mut endpoint.connection.sender;
    vec![
        sender.write_text("late"),
        sender.write_binary(b"late"),
        sender.write(text("late")),
        sender.write(binary(&[7; 10_000])),
        sender.write_prepared(&PreparedMessage::text("late")),
        sender.write_prepared(&PreparedMessage::binary([7; 10_000])),
        sender.write_fragment(Opcode::Text, b"late", true),
        sender.write_ping(b"late"),
        sender.write_pong(b"late"),
    ]
}

#[test]
fn c4_3_n35_nothing_is_sent_after_a_close_frame() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.connection.sender.write_fragment(Opcode::Text, b"unfinished", false).unwrap();
        endpoint.connection.sender.write_close(CloseCode::NORMAL, "first").unwrap();
        for refused in refusals(&mut endpoint) {
            assert_eq!(refused, Err(SendError::Closed));
        }
        endpoint.connection.sender.write_close(CloseCode::GOING_AWAY, "second").unwrap();
        assert_eq!(endpoint.sent_close(), CloseCode::NORMAL);
    }
}

#[test]
fn c4_3_n35_data_is_received_until_the_peers_close_frame_comes() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.connection.sender.write_close(CloseCode::NORMAL, "").unwrap();
        let frames =
            endpoint.frames([(TEXT, &b"on its way"[..]), (CLOSE, &[3, 232]), (TEXT, b"?")]);
        assert_eq!(endpoint.messages(&frames), [text("on its way"), closed(1000, "")]);
    }
}

#[test]
fn c4_3_n36_a_close_frame_is_answered_once_with_its_code() {
    for role in ROLES {
        for code in [1000, 1001, 3000, 4999] {
            let mut endpoint = Endpoint::new(role);
            let close = endpoint.frame(CLOSE, &close_payload(code, b"because"));
            endpoint.messages(&close);
            assert_eq!(endpoint.sent_close(), code);
            for refused in refusals(&mut endpoint) {
                assert_eq!(refused, Err(SendError::Closed));
            }
            // No echo of an echo.
            assert_eq!(endpoint.messages(&close), []);
            endpoint.connection.sender.write_close(CloseCode::NORMAL, "").unwrap();
            assert!(endpoint.sent().is_empty());
            assert!(!endpoint.connection.sender.wants_transmit());
        }
    }
}

#[test]
fn c4_3_n36_what_is_queued_goes_before_the_answer() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.connection.sender.write_text("queued").unwrap();
        let close = endpoint.frame(CLOSE, b"");
        endpoint.messages(&close);
        let opcodes: Vec<_> = endpoint.sent_frames().iter().map(|frame| frame.opcode).collect();
        assert_eq!(opcodes, [Opcode::Text, Opcode::Close]);
    }
}

#[test]
fn c4_3_n36_close_frames_that_cross_are_answers_to_each_other() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.connection.sender.write_close(CloseCode::NORMAL, "").unwrap();
        assert_eq!(endpoint.sent_close(), CloseCode::NORMAL);
        let close = endpoint.frame(CLOSE, &close_payload(1001, b""));
        assert_eq!(endpoint.messages(&close), [closed(1001, "")]);
        assert!(!endpoint.connection.sender.wants_transmit(), "there is nothing to answer");
        assert!(endpoint.sent().is_empty());
        assert_ne!(endpoint.connection.sender.transport_action(), TransportAction::Keep);
    }
}

#[test]
fn c4_3_n37_the_server_closes_the_transport_first_and_the_client_waits() {
    for role in ROLES {
        for peer_first in [true, false] {
            let mut endpoint = Endpoint::new(role);
            let action = |endpoint: &Endpoint| endpoint.connection.sender.transport_action();
            let close = endpoint.frame(CLOSE, b"");
            if peer_first {
                endpoint.messages(&close);
                assert_eq!(action(&endpoint), TransportAction::Keep, "the answer has to go first");
                endpoint.sent();
            } else {
                endpoint.connection.sender.write_close(CloseCode::NORMAL, "").unwrap();
                endpoint.sent();
                assert_eq!(action(&endpoint), TransportAction::Keep, "the peer has to answer");
                endpoint.messages(&close);
            }
            let expected = match role {
                Role::Server => TransportAction::HalfClose,
                Role::Client => TransportAction::AwaitEnd,
            };
            assert_eq!(action(&endpoint), expected);

            // What comes until then is drained and dropped.
            let noise = endpoint.frame(TEXT, &[b'x'; 1000]);
            assert_eq!(endpoint.messages(&noise), []);
            endpoint.connection.receiver.end_of_stream().unwrap();
            assert_eq!(action(&endpoint), TransportAction::Drop);
        }
    }
}

#[test]
fn c4_3_n37_who_waits_for_the_end_gives_up_after_a_while() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let close = endpoint.frame(CLOSE, b"");
        endpoint.messages(&close);
        endpoint.sent();
        let deadline = endpoint.now + Duration::from_secs(5);
        assert_eq!(endpoint.connection.next_deadline(), Some(deadline));
        let sender = &mut endpoint.connection.sender;
        sender.handle_timeout(deadline - Duration::from_millis(1)).unwrap();
        assert_eq!(sender.handle_timeout(deadline), Err(SendError::CloseTimeout));
        assert_eq!(sender.transport_action(), TransportAction::Drop);
        assert_eq!(endpoint.connection.next_deadline(), None);
    }
}

#[test]
fn c4_3_n38_a_failure_sends_one_close_frame_and_ends_everything() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let frames = endpoint.frames([(TEXT, "good"), (0x83, ""), (TEXT, "bad"), (CLOSE, "")]);
        let (messages, error) = endpoint.deliver(&frames);
        assert_eq!(messages, [text("good")]);
        assert!(matches!(error, Some(ReceiveError::Protocol(ProtocolError::Frame(_)))));
        assert!(endpoint.connection.receiver.is_finished());

        assert_eq!(endpoint.sent_close(), CloseCode::PROTOCOL_ERROR);
        assert_eq!(endpoint.connection.sender.transport_action(), TransportAction::HalfClose);
        for refused in refusals(&mut endpoint) {
            assert_eq!(refused, Err(SendError::Closed));
        }
        // Nothing that comes now counts, and nothing is answered.
        let frames = endpoint.frames([(TEXT, "data"), (PING, "?"), (CLOSE, "")]);
        assert_eq!(endpoint.messages(&frames), []);
        assert_eq!(endpoint.connection.receiver.buffered(), 0);
        assert!(endpoint.sent().is_empty());
        endpoint.connection.receiver.end_of_stream().unwrap();
        assert_eq!(endpoint.connection.sender.transport_action(), TransportAction::Drop);
    }
}

#[test]
fn c4_3_n38_a_failure_after_our_close_frame_sends_no_second_one() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.connection.sender.write_close(CloseCode::NORMAL, "").unwrap();
        let wrong = endpoint.frame(0x83, b"");
        endpoint.violation(&wrong);
        assert_eq!(endpoint.sent_close(), CloseCode::NORMAL);
        assert_eq!(endpoint.connection.sender.transport_action(), TransportAction::HalfClose);
    }
}

#[test]
fn c4_3_n38_a_lost_transport_is_a_failure_of_both_directions() {
    for role in ROLES {
        for received in [0, 1, 3, 9] {
            let mut endpoint = Endpoint::new(role);
            let frame = endpoint.frame(TEXT, b"twelve bytes");
            endpoint.messages(&frame[..received]);
            let lost = endpoint.connection.receiver.end_of_stream();
            assert_eq!(lost, Err(ReceiveError::ConnectionLost));
            assert!(endpoint.connection.receiver.is_finished());
            endpoint.connection.receiver.end_of_stream().unwrap();
            for refused in refusals(&mut endpoint) {
                assert_eq!(refused, Err(SendError::Closed));
            }
            assert_eq!(endpoint.connection.sender.transport_action(), TransportAction::Drop);
        }
    }
}

#[test]
fn c4_3_n38_a_transport_that_takes_nothing_more_is_dropped() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.connection.sender.write_text("never arrives").unwrap();
        endpoint.connection.sender.transport_lost();
        assert_eq!(endpoint.connection.sender.queued(), 0);
        assert!(!endpoint.connection.sender.wants_transmit());
        assert_eq!(endpoint.connection.sender.transport_action(), TransportAction::Drop);
        // What the peer sent before is still to be had.
        let frame = endpoint.frame(TEXT, b"last words");
        assert_eq!(endpoint.messages(&frame), [text("last words")]);
        assert_eq!(endpoint.connection.sender.write_text("x"), Err(SendError::Closed));
    }
}

#[test]
fn c4_3_n40_codes_that_stand_for_no_close_frame_cannot_be_sent() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let sender = &mut endpoint.connection.sender;
        for code in [CloseCode::NO_STATUS, CloseCode::ABNORMAL, CloseCode::TLS_HANDSHAKE] {
            assert_eq!(sender.write_close(code, "reason"), Err(SendError::CloseCode(code)));
            let message = WebSocketMessage::Close(code, "reason".into());
            assert_eq!(sender.write(message), Err(SendError::CloseCode(code)));
        }
        for code in [CloseCode::ABNORMAL, CloseCode::TLS_HANDSHAKE] {
            assert_eq!(sender.write_close(code, ""), Err(SendError::CloseCode(code)));
        }
        assert!(endpoint.sent().is_empty());
        // No status is a close frame without one, both ways; a lost transport is an
        // error and no close frame.
        endpoint.connection.sender.write_close(CloseCode::NO_STATUS, "").unwrap();
        assert_eq!(endpoint.sent_close(), CloseCode::NO_STATUS);
        let close = endpoint.frame(CLOSE, b"");
        assert_eq!(endpoint.messages(&close), [closed(1005, "")]);
        let lost = Endpoint::new(role).connection.receiver.end_of_stream();
        assert_eq!(lost, Err(ReceiveError::ConnectionLost));
    }
}

/// The time a peer has to answer a close frame begins when the frame is gone, not
/// while data that it is busy taking waits in front of it.
#[test]
fn c4_3_n37_a_slow_reader_has_its_time_to_answer_a_close_frame() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        endpoint.connection.sender.write_binary(&[7; 10_000]).unwrap();
        endpoint.connection.sender.write_close(CloseCode::NORMAL, "").unwrap();
        let start = endpoint.now;
        let sender = &mut endpoint.connection.sender;
        let mut now = start;
        while sender.queued() > 0 {
            sender.transmit(now, &mut []);
            now += Duration::from_secs(3);
            sender.handle_timeout(now).unwrap();
            sender.written(3000.min(sender.queued()), now);
        }
        assert_eq!(sender.next_deadline(), Some(now + Duration::from_secs(5)));
        assert!(now > start + Duration::from_secs(5));
        let timeout = sender.handle_timeout(now + Duration::from_secs(5));
        assert_eq!(timeout, Err(SendError::CloseTimeout));
    }
}
