//! History: kept, forgotten, and never shared (requirements deflate 6 and 10).

use super::*;
use wirespeed::deflate::{Compression, DeflateError};

const TICKER: &[u8] = br#"{"channel":"ticker","market":"BTC-USD","bid":"65001.1","ask":"65001.2"}"#;

fn try_compress(deflater: &mut Deflater, message: &[u8]) -> Option<Vec<u8>> {
    let mut out = BytesMut::from(&b"in front"[..]);
    let compression = deflater.compress(message, &mut out).unwrap();
    assert_eq!(&out[..8], b"in front");
    match compression {
        Compression::Compressed => Some(out[8..].to_vec()),
        Compression::Plain => {
            assert_eq!(out.len(), 8, "a plain message leaves nothing behind");
            None
        }
    }
}

#[test]
fn r4_4_10_history_lasts_with_takeover_only() {
    let (mut deflater, mut inflater) = pair(&takeover(), &eager());
    let first = compressed(&mut deflater, TICKER);
    let second = compressed(&mut deflater, TICKER);
    assert!(second.len() < first.len() / 4);
    for payload in [first, second] {
        assert_eq!(inflate(&mut inflater, &payload).unwrap(), TICKER);
    }
    assert!(deflater.holds_state() && inflater.holds_state());

    let (mut deflater, mut inflater) = pair(&no_takeover(), &eager());
    let first = compressed(&mut deflater, TICKER);
    assert_eq!(first, compressed(&mut deflater, TICKER));
    assert_eq!(inflate(&mut inflater, &first).unwrap(), TICKER);
    assert!(!deflater.holds_state() && !inflater.holds_state());
}

/// List 23: plain messages between compressed ones, chosen
/// by the threshold, by their content and by the caller.
#[test]
fn r4_4_6_plain_messages_do_not_enter_the_history() {
    for params in [takeover(), no_takeover()] {
        let (mut deflater, mut inflater) = pair(&params, &eager().threshold(40));
        let mut plain = 0;
        for round in 0..200u64 {
            let message = match round % 5 {
                0 => random(2000, round),
                1 => random(100, round),
                2 => b"short".to_vec(),
                _ => [TICKER, round.to_string().as_bytes()].concat(),
            };
            if round % 7 == 0 {
                continue; // the caller sends it plain
            }
            match try_compress(&mut deflater, &message) {
                Some(payload) => assert_eq!(inflate(&mut inflater, &payload).unwrap(), message),
                None => plain += 1,
            }
        }
        assert!(plain >= 60, "noise and short messages go plain: {plain}");
    }
}

/// What was compressed under takeover is always sent, so it must not grow much.
#[test]
fn incompressible_messages() {
    for level in 1..=9 {
        let options = eager().level(level);
        for len in [1, 10, 100, 300, 511] {
            let noise = random(len, len as u64);
            let (mut deflater, mut inflater) = pair(&takeover(), &options);
            let payload = try_compress(&mut deflater, &noise).expect("too short to be judged");
            assert!(payload.len() <= len + len / 8 + 8, "{len} became {}", payload.len());
            assert_eq!(inflate(&mut inflater, &payload).unwrap(), noise);

            let (mut deflater, _) = pair(&no_takeover(), &options);
            assert_eq!(try_compress(&mut deflater, &noise), None, "level {level}, {len} bytes");
        }
        for len in [512, 5000, 100_000] {
            let (mut deflater, _) = pair(&takeover(), &options);
            assert_eq!(try_compress(&mut deflater, &random(len, 1)), None);
            assert!(!deflater.holds_state(), "it went past the compressor");
        }
    }
}

#[test]
fn a_compressed_message_that_was_not_sent_is_forgotten() {
    let (mut deflater, mut inflater) = pair(&takeover(), &eager());
    let sent = compressed(&mut deflater, TICKER);
    let _dropped = compressed(&mut deflater, &[TICKER, b"never sent"].concat());
    deflater.forget_history();
    let next = compressed(&mut deflater, &[TICKER, b"never sent"].concat());
    assert_eq!(inflate(&mut inflater, &sent).unwrap(), TICKER);
    assert_eq!(inflate(&mut inflater, &next).unwrap(), [TICKER, b"never sent"].concat());
}

#[test]
fn an_idle_connection_gives_its_compressor_back() {
    let pool = DeflatePool::new(4);
    let mut deflater = Deflater::new(Role::Client, &takeover(), &eager(), &pool);
    let mut inflater = Inflater::new(Role::Server, &takeover(), &pool);
    assert!(!deflater.give_back_idle(), "nothing is held before it is needed");
    for _ in 0..3 {
        let payload = compressed(&mut deflater, TICKER);
        assert_eq!(inflate(&mut inflater, &payload).unwrap(), TICKER);
        assert!(deflater.give_back_idle());
        assert_eq!(pool.idle(), (1, 0));
    }
    assert!(inflater.holds_state(), "the peer may refer to its history");
    drop((deflater, inflater));
    assert_eq!(pool.idle(), (1, 1));
}

/// nats d1b647e and f5985b5: what one connection leaves in a pooled state
/// reaches no other, also when it ends in the middle of a message or fails.
#[test]
fn attack_pooled_states_are_clean() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let refers_to_hello = [0xf2, 0x00, 0x11, 0x00, 0x00];
    let mut room = [0; 64];
    for params in [takeover(), no_takeover()] {
        let pool = DeflatePool::new(1);

        let mut first = Inflater::new(Role::Client, &params, &pool);
        assert_eq!(inflate(&mut first, &hello).unwrap(), b"Hello");
        drop(first);
        let mut cut = Inflater::new(Role::Client, &params, &pool);
        cut.inflate(&hello[..4], false, &mut room).unwrap();
        assert_eq!(pool.idle().1, 0, "the one state is reused");
        drop(cut);
        assert_eq!(pool.idle().1, 1);

        let mut second = Inflater::new(Role::Client, &params, &pool);
        assert_eq!(inflate(&mut second, &refers_to_hello), Err(InflateError::Corrupt));
        assert_eq!(inflate(&mut second, &hello), Err(InflateError::FailedBefore));
        drop(second);
        assert_eq!(pool.idle().1, 0, "a state that has failed is not kept");

        let mut third = Inflater::new(Role::Client, &params, &pool);
        assert_eq!(inflate(&mut third, &hello).unwrap(), b"Hello");

        // And compressors.
        let fresh = compressed(&mut pair(&params, &eager()).0, TICKER);
        for _ in 0..3 {
            let mut deflater = Deflater::new(Role::Client, &params, &eager(), &pool);
            assert_eq!(compressed(&mut deflater, TICKER), fresh);
        }
        assert_eq!(pool.idle().0, 1);
    }
}

/// Deflate 11.
#[test]
fn r4_4_11_nothing_is_compressed_for_a_window_of_256_bytes() {
    for bits in [0, 8] {
        let params = DeflateParams { server_max_window_bits: bits, ..takeover() };
        let (mut deflater, _) = pair(&params, &eager());
        assert_eq!(try_compress(&mut deflater, TICKER), None);
        let error = deflater.compress_always(TICKER, &mut BytesMut::new());
        assert_eq!(error, Err(DeflateError::WindowTooSmall));
    }
}

/// Our compressor keeps within the agreed window: what lies further back than
/// that is not referred to.
#[test]
fn r4_4_11_the_agreed_window_is_kept() {
    let far = random(400, 5);
    for bits in 9..=15 {
        let gap = random(1 << bits, 6);
        let params = DeflateParams { server_max_window_bits: bits, ..takeover() };
        for level in [1, 6, 9] {
            let (mut deflater, _) = pair(&params, &eager().level(level));
            compressed(&mut deflater, &far);
            compressed(&mut deflater, &gap);
            let again = compressed(&mut deflater, &far);
            assert!(again.len() > 350, "{bits} bits: {} bytes", again.len());
            if bits < 15 {
                let (mut wider, _) = pair(&takeover(), &eager().level(level));
                compressed(&mut wider, &far);
                compressed(&mut wider, &gap);
                assert!(compressed(&mut wider, &far).len() < 100, "the reference would pay");
            }
        }
    }
}
