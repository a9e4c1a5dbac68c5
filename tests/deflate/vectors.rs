//! Payloads that others have compressed.

use super::*;

/// RFC 7692, 7.2.3.1 to 7.2.3.6: all of them decode, in every mode, in one
/// piece and at every split, into any room.
#[test]
fn r4_4_7_examples_of_the_rfc() {
    let examples: [(&str, &[u8], &[u8]); 6] = [
        ("7.2.3.1 one block", &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], b"Hello"),
        (
            "7.2.3.3 no compression",
            &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
            b"Hello",
        ),
        ("7.2.3.4 BFINAL", &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00], b"Hello"),
        (
            "7.2.3.5 two blocks",
            &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
            b"Hello",
        ),
        ("7.2.3.6 empty", &[0x00], b""),
        ("7.2.3.6 empty fixed block", &[0x02, 0x00], b""),
    ];
    let pool = DeflatePool::default();
    for params in [takeover(), no_takeover()] {
        for (name, payload, message) in examples {
            for limit in [1, 2, 4, 5, 6, 100] {
                let mut inflater = Inflater::new(Role::Client, &params, &pool);
                for _ in 0..3 {
                    let inflated = inflate_in_steps(&mut inflater, payload, limit);
                    assert_eq!(inflated.as_deref(), Ok(message), "{name}, {limit} at a time");
                }
            }
            for split in 0..=payload.len() {
                let mut inflater = Inflater::new(Role::Server, &params, &pool);
                let mut room = [0; 64];
                let (front, back) = payload.split_at(split);
                let first = inflater.inflate(front, false, &mut room).unwrap();
                assert_eq!((first.consumed, first.status), (split, InflateStatus::NeedsInput));
                let rest = &mut room[first.produced..];
                let second = inflater.inflate(back, true, rest).unwrap();
                assert_eq!(second.status, InflateStatus::MessageEnd, "{name}");
                assert_eq!(&room[..first.produced + second.produced], message, "{name}");
            }
        }
    }
}

/// RFC 7692, 7.2.3.2: the second message is a reference to the first.
#[test]
fn r4_4_10_example_of_a_shared_window() {
    let first = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let second = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let pool = DeflatePool::default();

    let mut inflater = Inflater::new(Role::Client, &takeover(), &pool);
    assert_eq!(inflate(&mut inflater, &first).unwrap(), b"Hello");
    assert_eq!(inflate(&mut inflater, &second).unwrap(), b"Hello");

    let mut inflater = Inflater::new(Role::Client, &no_takeover(), &pool);
    assert_eq!(inflate(&mut inflater, &first).unwrap(), b"Hello");
    assert_eq!(inflate(&mut inflater, &first).unwrap(), b"Hello");
    assert_eq!(inflate(&mut inflater, &second), Err(InflateError::Corrupt));
}

/// What zlib 1.2.13 makes of three messages with takeover, at two windows.
#[test]
fn payloads_of_zlib() {
    let messages = [
        r#"{"e":"bookTicker","s":"BTCUSDT","b":"65001.10","a":"65001.20"}"#,
        r#"{"e":"bookTicker","s":"ETHUSDT","b":"3100.55","a":"3100.56"}"#,
        r#"{"e":"bookTicker","s":"BTCUSDT","b":"65001.30","a":"65001.40"}"#,
    ];
    let first = "aa564a55b2524acacfcf0ec94cce4e2d52d2512a060a3885388706bb84007949409e99a981\
                 81a19ea101909b08e71a1928d50200";
    let second = "aac6aedb35c40349b7b1a181819ea92954338467a6540b00";
    for third in ["c2a1179bcdc6a8369b006d0600", "aa26de6663549b4d80360300"] {
        let mut inflater = Inflater::new(Role::Client, &takeover(), &DeflatePool::default());
        for (payload, message) in [first, second, third].into_iter().zip(messages) {
            assert_eq!(inflate(&mut inflater, &hex(payload)).unwrap(), message.as_bytes());
        }
    }
}

/// A final block with dynamic tables, as zlib ends a stream, then more data
/// (requirement deflate 8).
#[test]
fn r4_4_8_data_after_a_final_block() {
    let finished = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let flushed = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    for params in [takeover(), no_takeover()] {
        let mut inflater = Inflater::new(Role::Client, &params, &DeflatePool::default());
        for limit in [1, 5, 10, 64] {
            let mut both = finished.to_vec();
            both.extend_from_slice(&finished);
            both.extend_from_slice(&flushed);
            let inflated = inflate_in_steps(&mut inflater, &both, limit).unwrap();
            assert_eq!(inflated, b"HelloHelloHello");
            // A final block at the very end, without the zero byte after it.
            assert_eq!(inflate_in_steps(&mut inflater, &finished, limit).unwrap(), b"Hello");
            assert_eq!(inflate_in_steps(&mut inflater, &flushed, limit).unwrap(), b"Hello");
        }
    }
}

/// History ends with a final block: a reference beyond it is an error.
#[test]
fn r4_4_8_no_history_across_a_final_block() {
    let finished = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    let mut inflater = Inflater::new(Role::Client, &takeover(), &DeflatePool::default());
    assert_eq!(inflate(&mut inflater, &finished).unwrap(), b"Hello");
    let reference = [0xf2, 0x00, 0x11, 0x00, 0x00];
    assert_eq!(inflate(&mut inflater, &reference), Err(InflateError::Corrupt));
}

/// Deflate 9, and nats 409d394: the empty message, sent and received,
/// and a payload with nothing in it.
#[test]
fn r4_4_9_empty_messages() {
    for params in [takeover(), no_takeover()] {
        let (mut deflater, mut inflater) = pair(&params, &eager());
        for _ in 0..3 {
            assert_eq!(compressed(&mut deflater, b""), [0x00]);
            assert_eq!(inflate(&mut inflater, &[0x00]).unwrap(), b"");
            assert_eq!(inflate(&mut inflater, &[]).unwrap(), b"");
            let payload = compressed(&mut deflater, b"Hello");
            assert_eq!(inflate(&mut inflater, &payload).unwrap(), b"Hello");
        }
    }
}

/// A message that exactly fills the room is seen to end without a byte more.
#[test]
fn a_message_may_fill_its_room_exactly() {
    for params in [takeover(), no_takeover()] {
        for len in (0..700).chain([4096, 65_536]) {
            let message: Vec<u8> = random(len, len as u64).iter().map(|b| b'a' + b % 7).collect();
            let (mut deflater, mut inflater) = pair(&params, &eager());
            let payload = compressed(&mut deflater, &message);
            let mut room = vec![0; len];
            let progress = inflater.inflate(&payload, true, &mut room).unwrap();
            assert_eq!(progress.status, InflateStatus::MessageEnd, "{len} bytes");
            assert_eq!((progress.consumed, progress.produced), (payload.len(), len));
            assert_eq!(room, message);
        }
    }
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits"))
        .collect()
}
