//! Messages (RFC 6455, 5.4 and 5.6): requirements 28 to 31.

use wirespeed::{
    CloseCode, Limit, LimitExceeded, Opcode,
    protocol::{ProtocolError, ReceiveError, Received, SendError},
};

use crate::endpoint::*;

/// How a message can be taken.
#[derive(Debug, Clone, Copy)]
enum Way {
    Borrowed,
    Owned,
    InPieces,
}

const WAYS: [Way; 3] = [Way::Borrowed, Way::Owned, Way::InPieces];

/// Receives `bytes`, `step` at a time, and collects the payloads of its messages.
fn payloads(
    endpoint: &mut Endpoint,
    way: Way,
    step: usize,
    bytes: &[u8],
) -> Result<Vec<Vec<u8>>, ReceiveError> {
    let mut done = Vec::new();
    let mut pieces = Vec::new();
    for read in bytes.chunks(step) {
        let receiver = &mut endpoint.connection.receiver;
        assert_eq!(receiver.receive_from(read, endpoint.now), read.len());
        loop {
            match way {
                Way::Borrowed => match receiver.next_ref()? {
                    Some(message) => done.push(message.as_bytes().to_vec()),
                    None => break,
                },
                Way::Owned => match receiver.next_message()? {
                    Some(message) => done.push(message.into_bytes().to_vec()),
                    None => break,
                },
                Way::InPieces => match receiver.next_chunk()? {
                    Some(Received::Chunk(chunk)) => {
                        pieces.extend_from_slice(chunk.payload);
                        if chunk.last {
                            done.push(std::mem::take(&mut pieces));
                        }
                    }
                    Some(Received::Control(frame)) => done.push(frame.as_bytes().to_vec()),
                    None => break,
                },
            }
        }
    }
    Ok(done)
}

#[test]
fn c4_2_n28_messages_are_received_whole_and_in_fragments() {
    for role in ROLES {
        for way in WAYS {
            for step in [1, 2, 7, 1000] {
                let mut endpoint = Endpoint::new(role);
                let frames = endpoint.frames([
                    (TEXT, "whole"),
                    (TEXT_BEGINS, "in "),
                    (CONTINUES, "three "),
                    (ENDS, "fragments"),
                    (BINARY, ""),
                    (BINARY_BEGINS, "in "),
                    (ENDS, "two"),
                ]);
                let received = payloads(&mut endpoint, way, step, &frames).unwrap();
                let expected: [&[u8]; 4] = [b"whole", b"in three fragments", b"", b"in two"];
                assert_eq!(received, expected, "{role:?} {way:?} {step}");
            }
        }
    }
}

#[test]
fn c4_2_n29_a_character_may_be_cut_by_fragments_and_reads() {
    let text = "κόσμε — €uro 😀";
    for role in ROLES {
        for way in WAYS {
            for cut in 0..=text.len() {
                for step in [1, 1000] {
                    let mut endpoint = Endpoint::new(role);
                    let (front, back) = text.as_bytes().split_at(cut);
                    let frames = endpoint.frames([(TEXT_BEGINS, front), (ENDS, back)]);
                    let received = payloads(&mut endpoint, way, step, &frames).unwrap();
                    assert_eq!(received, [text.as_bytes()], "{way:?} cut at {cut}");
                }
            }
        }
    }
}

/// Texts that are not UTF-8, and where the first byte is that shows it.
const BAD_TEXTS: [(&[u8], usize); 7] = [
    (b"ab\x80cd", 2),
    (b"ab\xC0\xAFcd", 2),
    (b"ab\xED\xA0\x80cd", 3),
    (b"ab\xF4\x90\x80\x80cd", 3),
    (b"ab\xE2\x82xcd", 4),
    (b"ab\xF5", 2),
    (b"\xFF", 0),
];

#[test]
fn c4_2_n29_bad_text_fails_at_its_first_bad_byte_inside_an_unfinished_frame() {
    for role in ROLES {
        for way in WAYS {
            for (bad, at) in BAD_TEXTS {
                for unfinished in [false, true] {
                    let mut endpoint = Endpoint::new(role);
                    let mut payload = bad.to_vec();
                    if unfinished {
                        payload.resize(1000, b'x');
                    }
                    let frame = endpoint.frame(TEXT, &payload);
                    let header = frame.len() - payload.len();
                    let good = payloads(&mut endpoint, way, 1, &frame[..header + at]);
                    assert!(good.is_ok(), "{bad:x?} is good before {at}");
                    let failed = payloads(&mut endpoint, way, 1, &frame[header + at..=header + at]);
                    let Err(ReceiveError::Protocol(error @ ProtocolError::Utf8(_))) = failed else {
                        panic!("{role:?} {way:?} {bad:x?}: {failed:?}");
                    };
                    assert_eq!(error.close_code(), CloseCode::INVALID_PAYLOAD);
                    assert_eq!(endpoint.sent_close(), CloseCode::INVALID_PAYLOAD);
                }
            }
        }
    }
}

#[test]
fn c4_2_n29_a_text_may_not_end_inside_a_character() {
    for role in ROLES {
        for way in WAYS {
            for step in [1, 1000] {
                for fragmented in [false, true] {
                    let mut endpoint = Endpoint::new(role);
                    let frames = if fragmented {
                        endpoint.frames([(TEXT_BEGINS, &b"ab\xE2"[..]), (ENDS, b"\x82")])
                    } else {
                        endpoint.frame(TEXT, b"ab\xE2\x82")
                    };
                    let failed = payloads(&mut endpoint, way, step, &frames);
                    assert!(
                        matches!(failed, Err(ReceiveError::Protocol(ProtocolError::Utf8(_)))),
                        "{way:?} {step} {failed:?}"
                    );
                    assert_eq!(endpoint.sent_close(), CloseCode::INVALID_PAYLOAD);
                }
            }
        }
    }
}

#[test]
fn c4_2_n29_no_text_is_sent_that_is_not_utf8() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let sender = &mut endpoint.connection.sender;
        let refused = |result| matches!(result, Err(SendError::Utf8(_)));
        // Whole texts are `str`; only fragments can be wrong.
        assert!(refused(sender.write_fragment(Opcode::Text, b"\xFF", false)));
        sender.write_fragment(Opcode::Text, b"a\xE2", false).unwrap();
        assert!(refused(sender.write_fragment(Opcode::Text, b"x", false)));
        assert!(refused(sender.write_fragment(Opcode::Text, b"\x82", true)), "cut short");
        sender.write_fragment(Opcode::Text, b"\x82\xAC", true).unwrap();
        sender.write_fragment(Opcode::Binary, b"\xFF", true).unwrap();
        let sent: Vec<_> =
            endpoint.sent_frames().iter().map(|frame| frame.payload.clone()).collect();
        assert_eq!(sent, [&b"a\xE2"[..], b"\x82\xAC", b"\xFF"], "what was refused left no trace");
    }
}

#[test]
fn c4_2_n30_a_message_may_be_as_long_as_the_limit_and_no_longer() {
    for role in ROLES {
        for way in WAYS {
            let limited = || Endpoint::with(role, |options| options.limits.message = 1000);
            let mut endpoint = limited();
            let whole = endpoint.frame(BINARY, &[7; 1000]);
            assert!(payloads(&mut endpoint, way, 999, &whole).is_ok());
            let fragments = endpoint.frames([(BINARY_BEGINS, [7; 500]), (ENDS, [7; 500])]);
            assert!(payloads(&mut endpoint, way, 999, &fragments).is_ok());

            let header = endpoint.header(BINARY, 1001);
            let failed = payloads(&mut endpoint, way, 999, &header);
            let exceeded = LimitExceeded { limit: Limit::Message, allowed: 1000, actual: 1001 };
            assert_eq!(failed, Err(ReceiveError::Protocol(exceeded.into())));
            assert_eq!(endpoint.sent_close(), CloseCode::MESSAGE_TOO_BIG);

            let mut endpoint = limited();
            let mut fragments = endpoint.frame(BINARY_BEGINS, &[7; 999]);
            fragments.extend(endpoint.header(ENDS, 2));
            let failed = payloads(&mut endpoint, way, 999, &fragments);
            let exceeded = LimitExceeded { limit: Limit::Message, allowed: 1000, actual: 1001 };
            assert_eq!(failed, Err(ReceiveError::Protocol(exceeded.into())));
            assert_eq!(endpoint.sent_close(), CloseCode::MESSAGE_TOO_BIG);
        }
    }
}

/// The limit on messages is the only one to raise for messages of one frame.
#[test]
fn c4_2_n30_a_frame_may_be_as_long_as_the_largest_message() {
    for role in ROLES {
        let mut len = 0;
        let mut endpoint = Endpoint::with(role, |options| {
            options.limits.message *= 2;
            len = options.limits.message as usize;
        });
        let whole = endpoint.frame(BINARY, &vec![7; len]);
        assert_eq!(endpoint.messages(&whole), [binary(&vec![7; len])]);
    }
}

#[test]
fn c4_2_n30_a_frame_has_a_limit_of_its_own() {
    for role in ROLES {
        let mut endpoint = Endpoint::with(role, |options| options.limits.frame = 10);
        let fragments = endpoint.frames([(BINARY_BEGINS, [7; 10]), (ENDS, [7; 10])]);
        assert_eq!(endpoint.messages(&fragments), [binary(&[7; 20])]);
        let header = endpoint.header(BINARY, 11);
        let exceeded = LimitExceeded { limit: Limit::Frame, allowed: 10, actual: 11 };
        assert_eq!(endpoint.violation(&header), exceeded.into());
        assert_eq!(endpoint.sent_close(), CloseCode::MESSAGE_TOO_BIG);
    }
}

#[test]
fn c4_2_n31_where_a_message_is_cut_into_frames_means_nothing() {
    let text = "fünf Boxkämpfer";
    for role in ROLES {
        for way in WAYS {
            for first in 0..=text.len() {
                for second in first..=text.len() {
                    let mut endpoint = Endpoint::new(role);
                    let bytes = text.as_bytes();
                    let frames = endpoint.frames([
                        (TEXT_BEGINS, &bytes[..first]),
                        (CONTINUES, &bytes[first..second]),
                        (ENDS, &bytes[second..]),
                    ]);
                    let received = payloads(&mut endpoint, way, 1000, &frames).unwrap();
                    assert_eq!(received, [bytes], "{way:?} {first} {second}");
                }
            }
        }
    }
}

/// A header may have arrived while another way was asked for: as long as nothing of
/// the message was taken, the way may change, and after that only back.
#[test]
fn c4_2_n28_the_way_of_receipt_may_change_until_something_was_taken() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let frame = endpoint.frame(TEXT, b"hello");
        let (header, payload) = frame.split_at(frame.len() - 5);

        let now = endpoint.now;
        let receiver = &mut endpoint.connection.receiver;
        receiver.receive_from(header, now);
        assert!(receiver.next_chunk().unwrap().is_none());
        receiver.receive_from(payload, now);
        assert_eq!(receiver.next_ref().unwrap().unwrap().as_text(), Some("hello"));

        receiver.receive_from(header, now);
        assert!(receiver.next_ref().unwrap().is_none());
        receiver.receive_from(&payload[..1], now);
        match receiver.next_chunk().unwrap() {
            Some(Received::Chunk(chunk)) => assert_eq!(chunk.payload, b"h"),
            other => panic!("{other:?}"),
        }
        receiver.receive_from(&payload[1..], now);
        assert!(matches!(receiver.next_ref(), Err(ReceiveError::OtherWay)));
        assert!(matches!(receiver.next_message(), Err(ReceiveError::OtherWay)));
        match receiver.next_chunk().unwrap() {
            Some(Received::Chunk(chunk)) => {
                assert_eq!((&*chunk.payload, chunk.last), (&b"ello"[..], true))
            }
            other => panic!("{other:?}"),
        }
        assert!(receiver.next_ref().unwrap().is_none());
    }
}
