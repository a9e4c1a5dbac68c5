//! The decoder beside zlib's.

use zlib_rs::{
    Deflate, DeflateConfig, DeflateFlush, Inflate, InflateError, InflateFlush, Status, Strategy,
};

use super::*;

/// A payload, without the end of its flush.
fn deflated(engine: &mut Deflate, message: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 2 * message.len() + 200];
    let before = engine.total_out();
    engine.compress(message, &mut out, DeflateFlush::SyncFlush).unwrap();
    out.truncate((engine.total_out() - before) as usize);
    assert_eq!(out.split_off(out.len() - 4), [0, 0, 0xff, 0xff]);
    out
}

fn engine(level: i32, strategy: Strategy) -> Deflate {
    Deflate::new_with_config(DeflateConfig {
        level,
        window_bits: -15,
        strategy,
        ..DeflateConfig::default()
    })
}

/// Decodes a message in pieces of the input and of the room.
fn decode(
    decoder: &mut Decoder,
    mut payload: &[u8],
    mut piece: impl FnMut() -> usize,
) -> Result<Vec<u8>, Corrupt> {
    let mut message = Vec::new();
    loop {
        let input = &payload[..piece().min(payload.len())];
        let mut out = vec![0; piece()];
        let decoded = decoder.decode(input, &mut out)?;
        message.extend_from_slice(&out[..decoded.produced]);
        payload = &payload[decoded.consumed..];
        assert!(decoded.consumed == input.len() || !decoded.needs_input);
        assert!(decoded.needs_input || decoded.produced == out.len());
        if payload.is_empty() && decoded.needs_input {
            return Ok(message);
        }
    }
}

/// What zlib makes of it, up to where it needs more.
fn zlib(mut payload: &[u8]) -> Result<Vec<u8>, InflateError> {
    let mut inflate = Inflate::new(false, 15);
    let mut message = vec![0; 1 << 17];
    let mut len = 0;
    while !payload.is_empty() {
        let (read, written) = (inflate.total_in(), inflate.total_out());
        let status = inflate.decompress(payload, &mut message[len..], InflateFlush::SyncFlush)?;
        let consumed = (inflate.total_in() - read) as usize;
        payload = &payload[consumed..];
        len += (inflate.total_out() - written) as usize;
        match status {
            Status::StreamEnd => inflate.reset(false),
            _ => assert!(consumed > 0),
        }
    }
    message.truncate(len);
    Ok(message)
}

fn text(len: usize, rng: &mut fastrand::Rng) -> Vec<u8> {
    let words = ["\"price\":", "65001.", "\"size\":", "0.0", "{\"symbol\":\"BTCUSDT\",", "}, "];
    let mut text = Vec::new();
    while text.len() < len {
        text.extend_from_slice(rng.choice(words).unwrap().as_bytes());
        text.extend((0..rng.usize(..6)).map(|_| rng.digit(10) as u8));
    }
    text.truncate(len);
    text
}

#[test]
fn what_zlib_makes_in_any_pieces() {
    let strategies = [Strategy::Default, Strategy::Fixed, Strategy::HuffmanOnly, Strategy::Rle];
    let mut rng = fastrand::Rng::with_seed(1);
    for (level, strategy) in (0..=9).flat_map(|level| strategies.map(|strategy| (level, strategy)))
    {
        let mut engine = engine(level, strategy);
        let mut decoder = Decoder::new();
        for round in 0..40 {
            let len = if round % 10 == 9 { rng.usize(1..90_000) } else { rng.usize(1..900) };
            let mut message = text(len, &mut rng);
            if rng.u8(..) < 60 {
                message.fill_with(|| rng.u8(..));
            }
            let payload = deflated(&mut engine, &message);
            let largest = *rng.choice(&[1, 20, 1_000, 100_000]).unwrap();
            let decoded = decode(&mut decoder, &payload, || rng.usize(..=largest)).unwrap();
            assert!(decoded == message, "level {level}, {strategy:?}, round {round}");
            assert!(decoder.end_message(), "level {level}, {strategy:?}, round {round}");
        }
    }
}

/// Damaged payloads, in their headers above all: refused where zlib refuses them, and
/// otherwise the same bytes. What cannot be told yet is told at the end of the message.
#[test]
fn what_zlib_refuses() {
    let mut rng = fastrand::Rng::with_seed(2);
    let (mut good, mut bad) = (0, 0);
    for round in 0..8_000 {
        let len = rng.usize(1..700);
        let mut payload = if round % 8 == 0 {
            std::iter::repeat_with(|| rng.u8(..)).take(len).collect()
        } else {
            deflated(&mut engine(rng.i32(1..=9), Strategy::Default), &text(len, &mut rng))
        };
        for _ in 0..rng.usize(1..3) {
            let most = 1 << rng.u32(..10);
            let at = rng.usize(..payload.len().min(most));
            payload[at] ^= 1 << rng.u8(..8);
        }
        let mut decoder = Decoder::new();
        let ours = decode(&mut decoder, &payload, || 1 << 17);
        let theirs = zlib(&payload);
        let complete = ours.is_ok() && decoder.end_message();
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                assert!(ours == theirs, "round {round}");
                good += 1;
            }
            (Ok(_), Err(_)) => assert!(!complete, "round {round}"),
            (Err(Corrupt), Ok(_)) => panic!("round {round}: refused without a reason"),
            (Err(Corrupt), Err(_)) => bad += 1,
        }
    }
    assert!(good > 500 && bad > 500, "{good} good, {bad} bad");
}

/// The header of a block with codes of its own, and zeros behind it. The symbols come
/// with the value of their extra bits.
fn dynamic_block(literals: u32, distances: u32, symbols: &[(u32, u32)]) -> Vec<u8> {
    let mut bits = Vec::new();
    let mut put = |value: u32, count: u32| bits.extend((0..count).map(|bit| value >> bit & 1));
    put(0b100, 3);
    put(literals - 257, 5);
    put(distances - 1, 5);
    put(19 - 4, 4);
    // Codes of four bits for the symbols up to 12, of five for the others.
    LENGTH_ORDER.iter().for_each(|&symbol| put(4 + u32::from(symbol > 12), 3));
    for &(symbol, extra) in symbols {
        let (code, len) = if symbol > 12 { (13 + symbol, 5) } else { (symbol, 4) };
        (0..len).rev().for_each(|bit| put(code >> bit, 1));
        put(extra, [2, 3, 7].get(symbol.wrapping_sub(16) as usize).map_or(0, |extra| *extra));
    }
    (0..4).for_each(|_| put(0, 16));
    bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |all, bit| all << 1 | *bit as u8)).collect()
}

/// Headers of RFC 1951, 3.2.7, each wrong in one way.
#[test]
fn codes_that_cannot_be() {
    // Lengths for "a" and the end of the block, one bit each, and for no distance.
    const NONE: (u32, u32) = (18, 127);
    let zeros = |count: u32| (18, count - 11);
    let to_a = zeros(97);
    let behind_a = [NONE, zeros(20)];
    let a_and = |last: &[(u32, u32)]| [&[to_a, (1, 0)], &behind_a[..], last].concat();
    for (what, literals, distances, symbols, is_right) in [
        ("nothing wrong", 257, 1, a_and(&[(1, 0), (0, 0)]), true),
        ("one distance of one bit", 257, 1, a_and(&[(1, 0), (1, 0)]), true),
        ("too few codes", 257, 1, a_and(&[(2, 0), (0, 0)]), false),
        ("too many codes", 257, 3, a_and(&[(1, 0), (1, 0), (1, 0), (1, 0)]), false),
        ("one distance of two bits", 257, 1, a_and(&[(1, 0), (2, 0)]), false),
        ("no end", 258, 1, a_and(&[(0, 0), (1, 0), (0, 0)]), false),
        ("nothing to repeat", 257, 1, vec![(16, 0), zeros(97), NONE, zeros(17), (0, 0)], false),
        ("repeats past the end", 257, 1, a_and(&[(1, 0), (17, 0)]), false),
        ("287 literals", 287, 1, a_and(&[(1, 0), zeros(30), (0, 0)]), false),
        ("31 distances", 257, 31, a_and(&[(1, 0), zeros(31)]), false),
    ] {
        let block = dynamic_block(literals, distances, &symbols);
        let ours = decode(&mut Decoder::new(), &block, || 1 << 17);
        assert_eq!(ours.is_ok(), is_right, "{what}");
        assert_eq!(zlib(&block).is_ok(), is_right, "{what}, to zlib");
    }
}

#[test]
fn a_message_ends_at_a_flush_or_behind_a_final_block_only() {
    let hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let finished = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    for payload in [hello, finished] {
        for cut in 1..=payload.len() {
            let mut decoder = Decoder::new();
            decode(&mut decoder, &payload[..cut], || 8).unwrap();
            assert_eq!(decoder.end_message(), cut == payload.len(), "{cut} bytes");
        }
    }
    // The length that should have been left out, or a part of it.
    for more in 1..=4 {
        let payload = [&hello[..], &[0x00, 0x00, 0xff, 0xff][..more]].concat();
        let mut decoder = Decoder::new();
        assert_eq!(decode(&mut decoder, &payload, || 8).unwrap(), b"Hello");
        assert!(!decoder.end_message(), "{more} bytes more");
    }
}
