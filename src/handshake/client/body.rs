//! The body of a response that refuses the upgrade: its first bytes, for
//! whoever wants to know why.

use bytes::{Bytes, BytesMut};
use http::{
    Response, StatusCode,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};

use super::super::grammar;

/// Bytes of a body that are kept.
const MAX_BODY: usize = 4 << 10;
/// Bytes of a chunk's size line, extensions included.
const MAX_SIZE_LINE: usize = 256;

/// A body as it arrives.
pub(super) struct Body {
    kept: BytesMut,
    framing: Framing,
}

/// Where the body ends (RFC 9112, section 6.3).
enum Framing {
    /// With the stream.
    ToEnd,
    /// After this many bytes.
    Length(u64),
    Chunked(ChunkState),
    Complete,
}

enum ChunkState {
    /// In the line with the chunk's size; what has arrived of it.
    Size(Vec<u8>),
    /// In the chunk, this many bytes from its end.
    Data(u64),
    /// In the line break behind the chunk.
    DataEnd(usize),
}

impl Body {
    pub(super) fn of(response: &Response<()>) -> Self {
        Self { kept: BytesMut::new(), framing: Framing::of(response) }
    }

    /// Takes the next bytes; those beyond the body's end or beyond what is kept
    /// are dropped.
    pub(super) fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && !self.is_complete() {
            let framing = std::mem::replace(&mut self.framing, Framing::Complete);
            self.framing = match framing {
                Framing::ToEnd => {
                    self.keep(&mut bytes, u64::MAX);
                    Framing::ToEnd
                }
                Framing::Length(left) => Framing::length(self.keep(&mut bytes, left)),
                Framing::Chunked(state) => self.chunked(state, &mut bytes),
                Framing::Complete => Framing::Complete,
            };
        }
    }

    /// Whether no further byte can add anything.
    pub(super) fn is_complete(&self) -> bool {
        matches!(self.framing, Framing::Complete) || self.kept.len() == MAX_BODY
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.kept.freeze()
    }

    /// Keeps the next of `bytes`, `left` of them at most; returns how many are
    /// left then.
    fn keep(&mut self, bytes: &mut &[u8], left: u64) -> u64 {
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let (taken, rest) = bytes.split_at(length);
        let room = MAX_BODY - self.kept.len();
        self.kept.extend_from_slice(&taken[..length.min(room)]);
        *bytes = rest;
        left - length as u64
    }

    /// Takes one step through a chunked body. A fault in it ends it: what was
    /// kept so far is all that is wanted.
    fn chunked(&mut self, state: ChunkState, bytes: &mut &[u8]) -> Framing {
        let next = match state {
            ChunkState::Size(mut line) => {
                let Some(byte) = take_byte(bytes) else { return Framing::Complete };
                line.push(byte);
                if byte != b'\n' {
                    let fits = line.len() < MAX_SIZE_LINE;
                    let size = Framing::Chunked(ChunkState::Size(line));
                    return if fits { size } else { Framing::Complete };
                }
                match httparse::parse_chunk_size(&line) {
                    Ok(httparse::Status::Complete((_, size))) if size > 0 => ChunkState::Data(size),
                    _ => return Framing::Complete,
                }
            }
            ChunkState::Data(left) => match self.keep(bytes, left) {
                0 => ChunkState::DataEnd(0),
                left => ChunkState::Data(left),
            },
            ChunkState::DataEnd(seen) => match (seen, take_byte(bytes)) {
                (0, Some(b'\r')) => ChunkState::DataEnd(1),
                (1, Some(b'\n')) => ChunkState::Size(Vec::new()),
                _ => return Framing::Complete,
            },
        };
        Framing::Chunked(next)
    }
}

impl Framing {
    fn of(response: &Response<()>) -> Self {
        let headers = response.headers();
        if matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            return Self::Complete;
        }
        if headers.contains_key(TRANSFER_ENCODING) {
            let chunked = grammar::lists_token(headers, &TRANSFER_ENCODING, "chunked");
            return if chunked { Self::Chunked(ChunkState::Size(Vec::new())) } else { Self::ToEnd };
        }
        let length =
            headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        length.map_or(Self::ToEnd, Self::length)
    }

    fn length(left: u64) -> Self {
        if left == 0 { Self::Complete } else { Self::Length(left) }
    }
}

fn take_byte(bytes: &mut &[u8]) -> Option<u8> {
    let (&byte, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body framed by one header, fed in pieces; what was kept, and whether
    /// it is whole.
    fn body(name: &'static str, value: &str, bytes: &[u8], piece: usize) -> (Vec<u8>, bool) {
        let response = Response::builder().status(403).header(name, value).body(()).unwrap();
        let mut body = Body::of(&response);
        bytes.chunks(piece).for_each(|piece| body.push(piece));
        (body.kept.to_vec(), body.is_complete())
    }

    #[test]
    fn a_chunked_body_is_decoded_at_any_cut() {
        let bytes = b"5;name=value\r\nhello\r\nA\r\n, 10 bytes\r\n0\r\n\r\n";
        for piece in 1..=bytes.len() {
            let expected = (b"hello, 10 bytes".to_vec(), true);
            assert_eq!(body("transfer-encoding", "chunked", bytes, piece), expected);
        }
    }

    #[test]
    fn a_fault_in_a_chunked_body_ends_it() {
        let kept = |bytes| body("transfer-encoding", "chunked", bytes, 1);
        assert_eq!(kept(b"2\r\nhiX\r\n"), (b"hi".to_vec(), true));
        assert_eq!(kept(b"g\r\n"), (vec![], true));
        assert_eq!(kept(b"fffffffffffffffff\r\n"), (vec![], true));
        assert_eq!(kept(b"ffffffffffffffff\r\nhi"), (b"hi".to_vec(), false));
        let endless = [b"1;".as_slice(), &[b'x'; 1 << 10]].concat();
        assert_eq!(kept(&endless), (vec![], true));
    }

    #[test]
    fn a_content_length_ends_the_body() {
        let kept = |value, bytes: &[u8]| body("content-length", value, bytes, 2);
        assert_eq!(kept("3", b"abcd"), (b"abc".to_vec(), true));
        assert_eq!(kept("5", b"abcd"), (b"abcd".to_vec(), false));
        assert_eq!(kept("18446744073709551615", b"ab"), (b"ab".to_vec(), false));
        assert_eq!(kept("99999999999999999999", b"ab"), (b"ab".to_vec(), false));
        assert_eq!(kept("5000", &[7; 5000]), (vec![7; MAX_BODY], true));
    }
}
