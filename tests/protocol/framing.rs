//! Frames (RFC 6455, 5.2 to 5.4): requirements 20 to 27.

use std::collections::HashSet;

use wirespeed::{
    CloseCode, FrameHeader, MaskSource, Opcode, Role, WebSocketFrame,
    frame::FrameError,
    protocol::{ProtocolError, SendError},
};

use crate::endpoint::*;

/// What `sent` consists of: its headers, and how long they are.
fn headers(mut sent: &[u8]) -> Vec<(FrameHeader, usize)> {
    let mut headers = Vec::new();
    while !sent.is_empty() {
        let (header, len) = FrameHeader::decode(sent).unwrap().expect("a whole header");
        sent = &sent[len + header.payload_len as usize..];
        headers.push((header, len));
    }
    headers
}

#[test]
fn c4_2_n20_reserved_bits_fail_the_connection() {
    for role in ROLES {
        for first in [TEXT, BINARY, CLOSE, PING, PONG, TEXT_BEGINS] {
            for bits in 1..8 {
                let mut endpoint = Endpoint::new(role);
                let frame = endpoint.frame(first | bits << 4, b"");
                let error = FrameError::ReservedBits { bits };
                assert_eq!(endpoint.violation(&frame), error.into(), "{role:?} {first:#x}");
                assert_eq!(endpoint.sent_close(), CloseCode::PROTOCOL_ERROR);
            }
        }
        let mut endpoint = Endpoint::new(role);
        let frames = endpoint.frames([(TEXT_BEGINS, "a"), (CONTINUES | 0x40, "b")]);
        assert_eq!(
            endpoint.violation(&frames),
            FrameError::ReservedBits { bits: 0b100 }.into(),
            "RSV1 on a continuation"
        );
    }
}

#[test]
fn c4_2_n20_nothing_is_sent_with_a_reserved_bit() {
    for role in ROLES {
        let mut endpoint = with_everything_written(role);
        let sent = endpoint.sent();
        // The decoder refuses RSV2 and RSV3.
        assert!(headers(&sent).iter().all(|(header, _)| !header.rsv1));
    }
}

#[test]
fn c4_2_n21_unknown_opcodes_fail_the_connection() {
    for role in ROLES {
        for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF] {
            for fin in [0, 0x80] {
                let mut endpoint = Endpoint::new(role);
                let frame = endpoint.frame(fin | opcode, b"");
                let error = FrameError::ReservedOpcode { opcode };
                assert_eq!(endpoint.violation(&frame), error.into(), "{role:?}");
                assert_eq!(endpoint.sent_close(), CloseCode::PROTOCOL_ERROR);
            }
        }
    }
}

#[test]
fn c4_2_n22_lengths_are_sent_in_their_shortest_form() {
    for role in ROLES {
        let mut endpoint = with_everything_written(role);
        let sent = endpoint.sent();
        for (header, len) in headers(&sent) {
            let length_bytes = match header.payload_len {
                0..=125 => 0,
                126..=65_535 => 2,
                _ => 8,
            };
            assert_eq!(len, 2 + length_bytes + if role == Role::Client { 4 } else { 0 });
        }
    }
}

#[test]
fn c4_2_n22_longer_forms_than_needed_are_refused_and_the_shortest_are_not() {
    for role in ROLES {
        for (form, len) in [(126, 0), (126, 1), (126, 125), (127, 0), (127, 126), (127, 65_535)] {
            for first in [TEXT, BINARY, BINARY_BEGINS] {
                let mut endpoint = Endpoint::new(role);
                let header = endpoint.header_in_form(first, form, len);
                let error = FrameError::LengthNotMinimal { len };
                assert_eq!(endpoint.violation(&header), error.into(), "{role:?}");
                assert_eq!(endpoint.sent_close(), CloseCode::PROTOCOL_ERROR);
            }
        }
        for len in [0, 125, 126, 65_535, 65_536] {
            let mut endpoint = Endpoint::new(role);
            let payload = vec![b'x'; len];
            let frame = endpoint.frame(BINARY, &payload);
            assert_eq!(endpoint.messages(&frame), [binary(&payload)]);
        }
    }
}

#[test]
fn c4_2_n23_the_highest_bit_of_a_length_has_to_be_zero() {
    for role in ROLES {
        for len in [1 << 63, u64::MAX] {
            let mut endpoint = Endpoint::with(role, |options| options.limits.message = u64::MAX);
            let header = endpoint.header(BINARY, len);
            assert_eq!(endpoint.violation(&header), FrameError::LengthTooLarge { len }.into());
            assert_eq!(endpoint.sent_close(), CloseCode::PROTOCOL_ERROR);
        }
    }
}

#[test]
fn c4_2_n24_a_client_masks_every_frame_and_a_server_none() {
    for role in ROLES {
        let mut endpoint = with_everything_written(role);
        let ping = endpoint.frame(PING, b"?");
        endpoint.messages(&ping); // whose pong nobody wrote by hand: it is dropped behind the close
        let sent = endpoint.sent();
        let headers = headers(&sent);
        assert!(headers.iter().any(|(header, _)| header.payload_len == 0));
        for (header, _) in headers {
            assert_eq!(header.mask.is_some(), role == Role::Client, "{header:?}");
        }

        let mut endpoint = Endpoint::new(role);
        let ping = endpoint.frame(PING, b"?");
        endpoint.messages(&ping);
        // Checks the mask of the automatic pong, and then of the close frame.
        assert_eq!(endpoint.sent_frames()[0].opcode, Opcode::Pong);
        let close = endpoint.frame(CLOSE, b"");
        endpoint.messages(&close);
        assert_eq!(endpoint.sent_close(), CloseCode::NO_STATUS);
    }
}

#[test]
fn c4_2_n24_a_mask_on_the_wrong_side_fails_the_connection() {
    for role in ROLES {
        for first in [TEXT, BINARY, CLOSE, PING, PONG] {
            for payload in [&b""[..], b"ab"] {
                // What this end itself would send is what its peer must not.
                let wrong =
                    Endpoint::new(if role == Role::Client { Role::Server } else { Role::Client });
                let frame = wrong.frame(first, payload);
                let mut endpoint = Endpoint::new(role);
                let error = match role {
                    Role::Client => FrameError::Masked,
                    Role::Server => FrameError::NotMasked,
                };
                assert_eq!(endpoint.violation(&frame), error.into());
                assert_eq!(endpoint.sent_close(), CloseCode::PROTOCOL_ERROR);
            }
        }
    }
}

#[test]
fn c4_2_n25_each_frame_has_a_new_key_that_nothing_it_carries_decides() {
    for source in [MaskSource::Strong, MaskSource::Fast] {
        let keys = |payload: &str| -> Vec<[u8; 4]> {
            let mut endpoint = Endpoint::with(Role::Client, |options| options.mask_source = source);
            (0..2000).for_each(|_| endpoint.connection.sender.write_text(payload).unwrap());
            endpoint.sent_frames().into_iter().filter_map(|frame| frame.mask).collect()
        };
        let (first, second) = (keys("same"), keys("same"));
        assert_eq!(first.len(), 2000);
        let distinct: HashSet<_> = first.iter().chain(&second).collect();
        assert!(distinct.len() >= 3995, "{source:?}: {} of 4000 differ", distinct.len());
        assert_ne!(first[0], second[0], "the same data, and another key");
        for bit in 0..32 {
            let ones = first.iter().filter(|key| u32::from_le_bytes(**key) >> bit & 1 == 1).count();
            // Seven standard deviations: 22 each.
            assert!((843..=1157).contains(&ones), "{source:?}: bit {bit} is set {ones} times");
        }
    }
}

#[test]
fn c4_2_n26_control_frames_are_short_and_whole() {
    for role in ROLES {
        for first in [CLOSE, PING, PONG] {
            for (form, len) in [(126, 126), (126, 65_535), (127, 1 << 20), (126, 5)] {
                let mut endpoint = Endpoint::new(role);
                let header = endpoint.header_in_form(first, form, len);
                // Two bytes are enough to know.
                let error = endpoint.violation(&header[..2]);
                assert_eq!(error, FrameError::ControlTooLong { len: u64::from(form) }.into());
                assert_eq!(endpoint.sent_close(), CloseCode::PROTOCOL_ERROR);
            }
            let mut endpoint = Endpoint::new(role);
            let fragment = endpoint.frame(first & 0x7F, b"");
            assert_eq!(endpoint.violation(&fragment), FrameError::FragmentedControl.into());
            assert_eq!(endpoint.sent_close(), CloseCode::PROTOCOL_ERROR);
        }

        let mut endpoint = Endpoint::new(role);
        let frames = endpoint.frames([(PING, [1; 125]), (PONG, [2; 125])]);
        assert_eq!(endpoint.messages(&frames).len(), 2);

        let sender = &mut endpoint.connection.sender;
        let too_long = Err(SendError::ControlTooLong { len: 126 });
        assert_eq!(sender.write_ping(&[0; 126]), too_long);
        assert_eq!(sender.write_pong(&[0; 126]), too_long);
        sender.write_ping(&[0; 125]).unwrap();
    }
}

#[test]
fn c4_2_n26_control_frames_pass_between_the_fragments_of_a_message() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let frames = endpoint.frames([
            (TEXT_BEGINS, "one "),
            (PING, "now"),
            (CONTINUES, "two "),
            (PONG, ""),
            (ENDS, "three"),
        ]);
        for step in [1, 3, usize::MAX] {
            let (messages, error) = endpoint.deliver_by(step, &frames);
            assert_eq!(error, None);
            assert_eq!(messages.iter().filter(|message| message.is_data()).count(), 1);
            assert_eq!(messages[2], text("one two three"));
        }
        endpoint.sent();

        let sender = &mut endpoint.connection.sender;
        sender.write_fragment(Opcode::Text, b"one ", false).unwrap();
        sender.write_ping(b"now").unwrap();
        sender.write_fragment(Opcode::Text, b"two", true).unwrap();
        let opcodes: Vec<_> = endpoint.sent_frames().iter().map(|frame| frame.opcode).collect();
        assert_eq!(opcodes, [Opcode::Text, Opcode::Ping, Opcode::Continuation]);
    }
}

#[test]
fn c4_2_n27_fragments_are_received_in_their_order_only() {
    let cases: [(&[u8], FrameError); 6] = [
        (&[CONTINUES], FrameError::ContinuationWithoutStart),
        (&[ENDS], FrameError::ContinuationWithoutStart),
        (&[TEXT_BEGINS, TEXT], FrameError::MessageInterrupted),
        (&[BINARY_BEGINS, CONTINUES, TEXT_BEGINS], FrameError::MessageInterrupted),
        (&[BINARY_BEGINS, PING, BINARY], FrameError::MessageInterrupted),
        (&[TEXT_BEGINS, ENDS, CONTINUES], FrameError::ContinuationWithoutStart),
    ];
    for role in ROLES {
        for (firsts, error) in &cases {
            for payload in ["", "x"] {
                let mut endpoint = Endpoint::new(role);
                let frames = endpoint.frames(firsts.iter().map(|first| (*first, payload)));
                assert_eq!(endpoint.violation(&frames), (*error).into(), "{firsts:x?}");
                assert_eq!(endpoint.sent_close(), CloseCode::PROTOCOL_ERROR);
            }
        }
    }
}

#[test]
fn c4_2_n27_empty_fragments_are_fragments() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let all_empty = endpoint.frames([(TEXT_BEGINS, ""), (CONTINUES, ""), (ENDS, "")]);
        assert_eq!(endpoint.messages(&all_empty), [text("")]);
        let some_empty =
            endpoint.frames([(BINARY_BEGINS, ""), (CONTINUES, "a"), (CONTINUES, ""), (ENDS, "")]);
        assert_eq!(endpoint.messages(&some_empty), [binary(b"a")]);
    }
}

#[test]
fn c4_2_n27_fragments_are_sent_in_their_order_only() {
    for role in ROLES {
        let mut endpoint = Endpoint::new(role);
        let sender = &mut endpoint.connection.sender;
        sender.write_fragment(Opcode::Binary, b"a", false).unwrap();
        assert_eq!(sender.write_text("b"), Err(SendError::MessageInterrupted));
        assert_eq!(sender.write(text("b")), Err(SendError::MessageInterrupted));
        let kind = Err(SendError::FragmentKind);
        for opcode in [Opcode::Text, Opcode::Continuation, Opcode::Ping, Opcode::Close] {
            assert_eq!(sender.write_fragment(opcode, b"b", false), kind);
        }
        sender.write_fragment(Opcode::Binary, b"", false).unwrap();
        sender.write_fragment(Opcode::Binary, b"c", true).unwrap();
        assert_eq!(sender.write_fragment(Opcode::Continuation, b"d", true), kind);
        sender.write_text("e").unwrap();

        let frames: Vec<_> = endpoint
            .sent_frames()
            .into_iter()
            .map(|WebSocketFrame { fin, opcode, payload, .. }| (fin, opcode, payload.to_vec()))
            .collect();
        assert_eq!(
            frames,
            [
                (false, Opcode::Binary, b"a".to_vec()),
                (false, Opcode::Continuation, b"".to_vec()),
                (true, Opcode::Continuation, b"c".to_vec()),
                (true, Opcode::Text, b"e".to_vec()),
            ]
        );
    }
}

/// Not a byte of the payload is waited for before a header is judged.
#[test]
fn c4_2_n21_to_n27_are_judged_at_the_header() {
    for role in ROLES {
        let judged = |endpoint: &mut Endpoint, first, len| {
            let header = endpoint.header(first, len);
            (1..=header.len()).any(|end| {
                let mut endpoint = Endpoint::new(endpoint.role);
                endpoint.deliver(&header[..end]).1.is_some()
            })
        };
        let mut endpoint = Endpoint::new(role);
        for first in [0xC1, 0xA1, 0x91, 0x83, 0x8B, 0x80, 0x00] {
            assert!(judged(&mut endpoint, first, 100), "{first:#x}");
        }
        assert!(judged(&mut endpoint, BINARY, (16 << 20) + 1));
        assert!(judged(&mut endpoint, CLOSE, 1), "half a code");
        assert!(!judged(&mut endpoint, CLOSE, 2));
        assert!(!judged(&mut endpoint, BINARY, 100));
        assert!(!judged(&mut endpoint, PING, 125));
        let error = ProtocolError::from(FrameError::Masked);
        assert_eq!(error.close_code(), CloseCode::PROTOCOL_ERROR);
    }
}
