//! zlib-rs, as a second opinion on compressed messages.

use wirespeed::{
    Role,
    deflate::{DeflateParams, DeflatePool, InflateError, InflateStatus, Inflater},
};
use zlib_rs::{Inflate, InflateFlush, Status};

use crate::input::Cuts;

/// Bytes up to which a message is compared.
const LONGEST: usize = 1 << 16;

/// What a message's payload leaves out of its end (RFC 7692, 7.2.1).
const OMITTED: [u8; 4] = [0, 0, 0xff, 0xff];

/// Inflates the payloads of messages, here in pieces and by zlib whole, until one is
/// refused or too long: the same bytes come out, and nothing is refused that zlib takes
/// for whole messages. That a message is cut short is for the inflater alone to say,
/// since zlib waits for more.
pub fn compare(role: Role, params: &DeflateParams, payloads: &[Vec<u8>], cuts: Cuts) {
    let mut inflater = Inflater::new(role, params, &DeflatePool::default());
    let mut zlib = Inflate::new(false, 15);
    for payload in payloads {
        match inflate(&mut inflater, payload, cuts) {
            Ok(Some(message)) => {
                assert_eq!(inflate_by_zlib(&mut zlib, payload), Some(message));
                if !inflater.context_takeover() {
                    zlib.reset(false);
                }
            }
            Err(InflateError::Corrupt) => {
                assert!(!is_whole_to_zlib(&mut zlib, payload), "refused without a reason");
                return;
            }
            Ok(None) | Err(_) => return,
        }
    }
}

/// `None` if the message is too long to be compared.
fn inflate(
    inflater: &mut Inflater,
    payload: &[u8],
    cuts: Cuts,
) -> Result<Option<Vec<u8>>, InflateError> {
    let mut message = Vec::new();
    let mut room = vec![0; 1 + usize::from(cuts.0[0])];
    let mut rest = payload;
    let pieces = cuts.pieces(payload).map(<[u8]>::len).chain([0]);
    for len in pieces {
        let (mut piece, behind) = rest.split_at(len);
        rest = behind;
        loop {
            let progress = inflater.inflate(piece, rest.is_empty(), &mut room)?;
            message.extend_from_slice(&room[..progress.produced]);
            piece = &piece[progress.consumed..];
            match progress.status {
                _ if message.len() > LONGEST => return Ok(None),
                InflateStatus::NeedsOutput => {}
                InflateStatus::NeedsInput => break,
                InflateStatus::MessageEnd => return Ok(Some(message)),
            }
        }
        assert!(piece.is_empty());
    }
    unreachable!("the last piece ends the message");
}

/// Whether zlib takes the payload for a whole message, which the next one can follow.
/// It notices some errors in the headers of blocks later, when it uses them.
fn is_whole_to_zlib(zlib: &mut Inflate, payload: &[u8]) -> bool {
    const STORED: &[u8] = &[0x00, 0x05, 0x00, 0xFA, 0xFF, b'H', b'e', b'l', b'l', b'o', 0x00];
    inflate_by_zlib(zlib, payload).is_some()
        && inflate_by_zlib(zlib, STORED).as_deref() == Some(b"Hello")
}

/// `None` if zlib refuses the payload.
fn inflate_by_zlib(zlib: &mut Inflate, payload: &[u8]) -> Option<Vec<u8>> {
    // Behind the longest message that is compared there may be an error yet.
    let mut message = vec![0; 2 * LONGEST];
    let mut len = 0;
    let mut ended = payload.is_empty();
    for mut input in [payload, &OMITTED] {
        while !input.is_empty() {
            let (read, written) = (zlib.total_in(), zlib.total_out());
            let status =
                zlib.decompress(input, &mut message[len..], InflateFlush::SyncFlush).ok()?;
            let consumed = (zlib.total_in() - read) as usize;
            input = &input[consumed..];
            len += (zlib.total_out() - written) as usize;
            match status {
                Status::StreamEnd => zlib.reset(false),
                _ => assert!(consumed > 0),
            }
            ended = status == Status::StreamEnd;
        }
        // Nothing is left out behind a final block (RFC 7692, 7.2.3.4).
        if ended {
            break;
        }
    }
    message.truncate(len);
    Some(message)
}
