//! permessage-deflate through its public interface: its requirements and the
//! attacks on compressed data.
#![cfg(feature = "deflate")]

mod attacks;
mod connection;
mod connection_attacks;
mod context;
#[path = "../protocol/counting.rs"]
mod counting;
mod memory;
#[cfg(feature = "blocking")]
mod negotiation;
mod receipt;
mod round_trip;
mod vectors;
mod wire;

use bytes::BytesMut;
use wirespeed::Role;
use wirespeed::deflate::{
    DeflateOptions, DeflateParams, DeflatePool, Deflater, InflateError, InflateStatus, Inflater,
};

fn takeover() -> DeflateParams {
    DeflateParams::default()
}

fn no_takeover() -> DeflateParams {
    DeflateParams {
        server_no_context_takeover: true,
        client_no_context_takeover: true,
        ..takeover()
    }
}

/// Options under which every message is worth compressing.
fn eager() -> DeflateOptions {
    DeflateOptions::for_client().threshold(0)
}

/// A server's sending side and the client's receiving side.
fn pair(params: &DeflateParams, options: &DeflateOptions) -> (Deflater, Inflater) {
    let pool = DeflatePool::default();
    (
        Deflater::new(Role::Server, params, options, &pool),
        Inflater::new(Role::Client, params, &pool),
    )
}

fn compressed(deflater: &mut Deflater, message: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    deflater.compress_always(message, &mut out).expect("the compressor works");
    out.to_vec()
}

/// Inflates a whole payload, at most `limit` bytes of it at a time.
fn inflate_in_steps(
    inflater: &mut Inflater,
    payload: &[u8],
    limit: usize,
) -> Result<Vec<u8>, InflateError> {
    let mut message = Vec::new();
    let mut room = vec![0; limit];
    let mut rest = payload;
    loop {
        let progress = inflater.inflate(rest, true, &mut room)?;
        rest = &rest[progress.consumed..];
        message.extend_from_slice(&room[..progress.produced]);
        match progress.status {
            InflateStatus::MessageEnd => {
                assert!(rest.is_empty(), "a message ends with its payload");
                return Ok(message);
            }
            InflateStatus::NeedsOutput => {
                assert_eq!(progress.produced, limit, "output was asked for with room left");
            }
            InflateStatus::NeedsInput => panic!("input was asked for after the last of it"),
        }
    }
}

fn inflate(inflater: &mut Inflater, payload: &[u8]) -> Result<Vec<u8>, InflateError> {
    inflate_in_steps(inflater, payload, 4096)
}

fn random(len: usize, seed: u64) -> Vec<u8> {
    let mut rng = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| rng.u8(..)).take(len).collect()
}
