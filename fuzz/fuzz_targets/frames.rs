//! Frames on their own: what is decoded encodes to the same bytes, and a header
//! is judged alike however much of it is there. Close frames through
//! a connection.
#![no_main]

use std::{io::Cursor, time::Instant};

use libfuzzer_sys::fuzz_target;
use wirespeed::{
    CloseCode, FrameHeader, Opcode, Role, WebSocketFrame, WebSocketMessage, WebSocketOptions,
    frame::{FrameError, FrameReadError},
    protocol::{Connection, ProtocolError, ReceiveError},
};
use wirespeed_fuzz::input::Input;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    match input.byte() {
        0 => {
            for role in [Role::Client, Role::Server] {
                check_close(role, input.clone().rest());
            }
        }
        1 => check_encoding(input),
        _ => {
            check_header(input.clone().rest());
            check_frame(input.rest());
        }
    }
});

fn check_header(bytes: &[u8]) {
    let decoded = FrameHeader::decode(bytes);
    let mut first_verdict = None;
    for len in 0..=bytes.len().min(16) {
        let verdict = FrameHeader::decode(&bytes[..len]);
        if verdict != Ok(None) {
            let first_verdict = *first_verdict.get_or_insert((len, verdict));
            assert_eq!(verdict, first_verdict.1);
            if let (shortest, Ok(Some((header, header_len)))) = first_verdict {
                assert_eq!(header_len, shortest);
                assert_eq!(header.encode().as_slice(), &bytes[..header_len]);
            }
        }
    }
    assert_eq!(decoded, first_verdict.map_or(Ok(None), |(_, verdict)| verdict));
}

fn check_frame(bytes: &[u8]) {
    const LIMIT: u64 = 100;
    let mut reader = Cursor::new(bytes);
    let decoded = WebSocketFrame::decode(&mut reader);
    let read = reader.position() as usize;
    let limited = WebSocketFrame::decode_limited(&mut Cursor::new(bytes), LIMIT);
    match decoded {
        Ok(frame) => {
            assert_eq!(frame.encode(), bytes[..read]);
            match limited {
                Ok(same) => assert_eq!(same, frame),
                Err(FrameReadError::TooLong { len, limit: LIMIT }) => {
                    assert_eq!(len, frame.payload.len() as u64);
                    assert!(len > LIMIT);
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        Err(FrameReadError::Frame(_)) => {
            assert!(matches!(limited, Err(FrameReadError::Frame(_))));
        }
        Err(FrameReadError::Io(_)) => assert!(limited.is_err()),
        Err(FrameReadError::TooLong { len, .. }) => assert!(len > WebSocketFrame::DECODE_LIMIT),
        Err(error) => panic!("{error:?}"),
    }
}

fn check_encoding(mut input: Input<'_>) {
    const OPCODES: [Opcode; 6] = [
        Opcode::Continuation,
        Opcode::Text,
        Opcode::Binary,
        Opcode::Close,
        Opcode::Ping,
        Opcode::Pong,
    ];
    let [first, key @ ..]: [u8; 5] = input.array();
    let opcode = OPCODES[usize::from(first & 7) % OPCODES.len()];
    let mut payload = input.rest().repeat(1 << (first >> 5));
    if opcode.is_control() {
        payload.truncate(125);
    }
    let frame = WebSocketFrame {
        fin: first & 8 == 0 || opcode.is_control(),
        opcode,
        mask: (first & 16 != 0).then_some(key),
        payload: payload.into(),
    };
    let wire = frame.encode();
    assert_eq!(WebSocketFrame::decode(&mut wire.as_slice()).expect("a whole frame"), frame);
}

/// A close frame that arrives at the end of that role.
fn check_close(role: Role, payload: &[u8]) {
    const KEY: [u8; 4] = [0x37, 0xFA, 0x21, 0x3D];
    let payload = &payload[..payload.len().min(125)];
    let (options, mask) = match role {
        Role::Client => (WebSocketOptions::client(), None),
        Role::Server => (WebSocketOptions::server(), Some(KEY)),
    };
    let frame =
        WebSocketFrame { fin: true, opcode: Opcode::Close, mask, payload: payload.to_vec().into() };
    let now = Instant::now();
    let mut connection = Connection::new(role, &options, now);
    let wire = frame.encode();
    assert_eq!(connection.receiver.receive_from(&wire, now), wire.len());

    let received = connection.receiver.next_message();
    let answered = match (expected_close(payload), received) {
        (Ok((code, reason)), Ok(Some(WebSocketMessage::Close(received, text)))) => {
            assert_eq!((received, text.as_str()), (code, reason));
            code
        }
        (Err(code), Err(ReceiveError::Protocol(error))) => {
            assert_eq!(error.close_code(), code);
            if payload.len() == 1 {
                assert_eq!(error, ProtocolError::Frame(FrameError::CloseTooShort));
            }
            code
        }
        other => panic!("{other:?}"),
    };
    let mut slices = [std::io::IoSlice::new(&[])];
    assert_eq!(connection.sender.transmit(now, &mut slices), 1);
    let answer = WebSocketFrame::decode(&mut &slices[0][..]).expect("a whole frame");
    assert_eq!(answer.opcode, Opcode::Close);
    assert_eq!(answer.mask.is_some(), role == Role::Client);
    match answered {
        CloseCode::NO_STATUS => assert!(answer.payload.is_empty()),
        code => assert_eq!(answer.payload[..], code.get().to_be_bytes()),
    }
}

/// RFC 6455, 5.5.1 and 7.4, or the code of the failure.
fn expected_close(payload: &[u8]) -> Result<(CloseCode, &str), CloseCode> {
    match payload {
        [] => Ok((CloseCode::NO_STATUS, "")),
        [_] => Err(CloseCode::PROTOCOL_ERROR),
        [high, low, reason @ ..] => {
            match u16::from_be_bytes([*high, *low]) {
                1000..=1003 | 1007..=1014 | 3000..=4999 => {}
                _ => return Err(CloseCode::PROTOCOL_ERROR),
            }
            let reason = std::str::from_utf8(reason).map_err(|_| CloseCode::INVALID_PAYLOAD)?;
            Ok((u16::from_be_bytes([*high, *low]).into(), reason))
        }
    }
}
