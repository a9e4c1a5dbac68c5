//! Hostile payloads.

use super::*;
use wirespeed::deflate::{Progress, RatioGuard, RatioLimit};

const MIB: usize = 1 << 20;

/// A gigabyte of zeros, about a megabyte compressed: one mebibyte after the
/// other, each but the first a reference to those before.
fn bomb() -> Vec<u8> {
    let (mut deflater, _) = pair(&takeover(), &eager().level(6));
    let zeros = vec![0; MIB];
    let mut payload = compressed(&mut deflater, &zeros);
    let next = compressed(&mut deflater, &zeros);
    for _ in 1..1024 {
        payload.extend_from_slice(&[0x00, 0x00, 0xff, 0xff]);
        payload.extend_from_slice(&next);
    }
    assert!(payload.len() < 3 * MIB / 2, "{} bytes", payload.len());
    payload
}

/// CVE-2018-1000518, CVE-2026-1526, nats f77fb7c: a limit on the message ends
/// it there, and nothing of the rest is inflated.
#[test]
fn attack_bomb_stops_at_the_limit() {
    let payload = bomb();
    for params in [takeover(), no_takeover()] {
        let mut inflater = Inflater::new(Role::Server, &params, &DeflatePool::default());
        let mut room = vec![0xaa; MIB + 1];
        let progress = inflater.inflate(&payload, true, &mut room).unwrap();
        assert_eq!(progress.status, InflateStatus::NeedsOutput);
        assert_eq!(progress.produced, MIB + 1, "over the limit, and known to be");
        assert!(progress.consumed < 4096, "{} bytes", progress.consumed);
        assert!(room.iter().all(|&byte| byte == 0));
    }
}

#[test]
fn attack_bomb_is_recognised_by_its_ratio() {
    let payload = bomb();
    let mut inflater = Inflater::new(Role::Server, &no_takeover(), &DeflatePool::default());
    let mut guard = RatioGuard::new(RatioLimit::default());
    let mut room = [0; 4096];
    let mut rest = &payload[..];
    let error = loop {
        let progress = inflater.inflate(rest, true, &mut room).unwrap();
        rest = &rest[progress.consumed..];
        if let Err(error) = guard.record(progress.consumed, progress.produced) {
            break error;
        }
    };
    assert!((65_536..=65_536 + 4096).contains(&error.inflated), "{error}");
}

/// Every proper prefix of a payload is an error, whatever the room.
#[test]
fn attack_truncated_payloads() {
    let message: Vec<u8> = random(600, 1).iter().map(|byte| b'0' + byte % 16).collect();
    let pool = DeflatePool::default();
    for level in [1, 6, 9] {
        let payload = compressed(&mut pair(&no_takeover(), &eager().level(level)).0, &message);
        for params in [takeover(), no_takeover()] {
            for cut in 1..payload.len() {
                for limit in [1, 7, 4096] {
                    let mut inflater = Inflater::new(Role::Client, &params, &pool);
                    match inflate_in_steps(&mut inflater, &payload[..cut], limit) {
                        Err(InflateError::Truncated | InflateError::Corrupt) => {}
                        verdict => panic!("level {level}, cut at {cut}: {verdict:?}"),
                    }
                }
            }
        }
    }
}

/// Random bytes and damaged payloads: an error or some data, in bounded steps.
#[test]
fn attack_garbage() {
    let pool = DeflatePool::default();
    let valid = compressed(&mut pair(&takeover(), &eager().level(6)).0, &b"quote ".repeat(50));
    for seed in 0..3000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut payload = random(rng.usize(1..200), seed);
        if seed % 2 == 0 {
            payload = valid.clone();
            let at = rng.usize(..payload.len());
            payload[at] ^= 1 << rng.u32(..8);
        }
        let params = if seed % 3 == 0 { takeover() } else { no_takeover() };
        let mut inflater = Inflater::new(Role::Client, &params, &pool);
        let limit = rng.usize(1..300);
        if let Err(error) = inflate_in_steps(&mut inflater, &payload, limit) {
            assert!(matches!(error, InflateError::Truncated | InflateError::Corrupt), "{error}");
        }
    }
}

/// What is wrong with a payload is wrong however it comes, and what is not comes to the
/// same.
#[test]
fn garbage_comes_to_the_same_whole_and_in_pieces() {
    let pool = DeflatePool::default();
    let text = b"quote 100.25 quote 100.50 trade 0.001 ".repeat(3);
    for seed in 0..5_000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let level = if rng.bool() { 1 } else { 6 };
        let mut payload = match rng.u32(..4) {
            0 => random(rng.usize(1..24), seed),
            _ => compressed(
                &mut pair(&takeover(), &eager().level(level)).0,
                &text[seed as usize % 99..],
            ),
        };
        for _ in 0..rng.u32(..3) {
            let at = rng.usize(..payload.len());
            payload[at] ^= 1 << rng.u32(..8);
        }
        payload.truncate(rng.usize(1..=payload.len()).max(payload.len() / 2));
        let params = if rng.bool() { takeover() } else { no_takeover() };
        let whole = inflate(&mut Inflater::new(Role::Client, &params, &pool), &payload);

        let mut inflater = Inflater::new(Role::Client, &params, &pool);
        let mut out = vec![0; 1 << 20];
        let pieces = inflater.inflate(&payload, false, &mut out).and_then(|first| {
            assert_eq!(first.consumed, payload.len(), "seed {seed}");
            let last = inflater.inflate(&[], true, &mut out[first.produced..])?;
            Ok(out[..first.produced + last.produced].to_vec())
        });
        assert_eq!(whole.is_ok(), pieces.is_ok(), "seed {seed}: {whole:?} {pieces:?}");
        if let (Ok(whole), Ok(pieces)) = (whole, pieces) {
            assert_eq!(whole, pieces, "seed {seed}");
        }
    }
}

/// Thousands of empty blocks, final or not, are no message of any length.
#[test]
fn attack_empty_blocks() {
    let stored = [0x00, 0x00, 0x00, 0xff, 0xff].repeat(20_000);
    let mut open = stored.clone();
    open.push(0x00);
    let finals = [0x03, 0x00].repeat(20_000);
    for params in [takeover(), no_takeover()] {
        let mut inflater = Inflater::new(Role::Client, &params, &DeflatePool::default());
        assert_eq!(inflate(&mut inflater, &open).unwrap(), b"");
        assert_eq!(inflate(&mut inflater, &finals).unwrap(), b"");
    }
}

/// Without room nothing is lost and nothing spins.
#[test]
fn no_room_and_no_input() {
    let payload = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    for params in [takeover(), no_takeover()] {
        let mut inflater = Inflater::new(Role::Client, &params, &DeflatePool::default());
        let nothing = Progress { consumed: 0, produced: 0, status: InflateStatus::NeedsInput };
        assert_eq!(inflater.inflate(&[], false, &mut []).unwrap(), nothing);
        assert!(!inflater.holds_state(), "an empty fragment takes no state");

        let mut rest = &payload[..];
        for _ in 0..3 {
            let progress = inflater.inflate(rest, true, &mut []).unwrap();
            assert_eq!(progress.status, InflateStatus::NeedsOutput);
            assert_eq!(progress.produced, 0);
            rest = &rest[progress.consumed..];
        }
        let mut room = [0; 8];
        let progress = inflater.inflate(rest, true, &mut room).unwrap();
        assert_eq!(progress.status, InflateStatus::MessageEnd);
        assert_eq!(&room[..progress.produced], b"Hello");
    }
}
