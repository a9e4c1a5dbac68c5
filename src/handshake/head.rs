//! The head of an HTTP/1.1 message, as its bytes arrive.
//!
//! [`HeadBuffer`] looks at each byte once, in whatever pieces it comes, and
//! stops at the first that cannot belong to a head or exceeds a limit; only
//! a whole head is given to the parser. So the work is linear in the bytes and
//! the memory bounded by the limit.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{Limit, LimitExceeded, Limits};

/// What the peer's part of a handshake may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes of the head, from its first line to the empty line at its end.
    pub bytes: usize,
    /// Header lines.
    pub headers: usize,
}

impl HeadLimits {
    /// For a response: 16 KiB and 128 headers.
    pub const CLIENT: Self = Self::of(&Limits::client());
    /// For a request: 8 KiB and 64 headers.
    pub const SERVER: Self = Self::of(&Limits::server());

    /// The part of `limits` that concerns the handshake.
    pub const fn of(limits: &Limits) -> Self {
        Self { bytes: limits.handshake_head, headers: limits.handshake_headers }
    }
}

impl From<&Limits> for HeadLimits {
    fn from(limits: &Limits) -> Self {
        Self::of(limits)
    }
}

/// Bytes that are no head of an HTTP message, or too many of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HeadError {
    /// Too many bytes or headers.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// A line ends in CR alone or in LF alone. Two parsers that disagree on
    /// where a line ends see different requests.
    #[error("a line of the head does not end in CRLF")]
    BareLineBreak,
    /// A NUL byte.
    #[error("the head holds a NUL byte")]
    Nul,
    /// A header continued on a second line, which RFC 9112 has abolished.
    #[error("a header is folded over several lines")]
    Folded,
    /// The head begins with an empty line.
    #[error("the head begins with an empty line")]
    EmptyStartLine,
    /// The start line or a header is malformed.
    #[error("the head is malformed")]
    Syntax(#[source] HeadSyntaxError),
}

/// Which part of a head is malformed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct HeadSyntaxError(httparse::Error);

impl HeadError {
    /// What the parser says. No `From`, which would show the parser's type to users.
    pub(super) fn syntax(error: httparse::Error) -> Self {
        Self::Syntax(HeadSyntaxError(error))
    }
}

/// A head whose end has arrived.
pub(super) struct Head {
    /// The start line, the headers and the empty line.
    pub(super) bytes: Bytes,
    /// How many header lines `bytes` holds.
    pub(super) headers: usize,
    /// Where in the last piece the head ended.
    pub(super) consumed: usize,
}

impl Head {
    /// Room for the parser to put the headers in.
    pub(super) fn slots<'a>(&self) -> Vec<httparse::Header<'a>> {
        vec![httparse::EMPTY_HEADER; self.headers]
    }

    /// Takes the parser's verdict; the head must have been parsed to its end.
    pub(super) fn complete(&self, parsed: httparse::Result<usize>) -> Result<(), HeadError> {
        match parsed.map_err(HeadError::syntax)? {
            httparse::Status::Complete(length) if length == self.bytes.len() => Ok(()),
            _ => Err(HeadError::syntax(httparse::Error::NewLine)),
        }
    }
}

/// Collects a head.
pub(super) struct HeadBuffer {
    limits: HeadLimits,
    bytes: BytesMut,
    /// Lines that are over, the start line among them.
    lines: usize,
    /// Bytes of the current line so far.
    line_length: usize,
    after_cr: bool,
}

impl HeadBuffer {
    pub(super) fn new(limits: HeadLimits) -> Self {
        Self { limits, bytes: BytesMut::new(), lines: 0, line_length: 0, after_cr: false }
    }

    /// Takes the next piece; a head, once its end is in it.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<Option<Head>, HeadError> {
        let room = self.limits.bytes.saturating_sub(self.bytes.len());
        let window = &piece[..piece.len().min(room)];
        for (index, &byte) in window.iter().enumerate() {
            if self.step(byte)? {
                self.bytes.extend_from_slice(&window[..=index]);
                return Ok(Some(Head {
                    bytes: self.bytes.split().freeze(),
                    headers: self.lines - 1,
                    consumed: index + 1,
                }));
            }
        }
        self.bytes.extend_from_slice(window);
        if self.bytes.len() >= self.limits.bytes {
            let seen = self.bytes.len() + (piece.len() - window.len()).max(1);
            return Err(exceeded(Limit::HandshakeHead, self.limits.bytes, seen));
        }
        Ok(None)
    }

    /// Looks at the next byte; true if the head ends with it.
    fn step(&mut self, byte: u8) -> Result<bool, HeadError> {
        match (self.after_cr, byte) {
            (true, b'\n') => self.end_line(),
            (true, _) | (false, b'\n') => Err(HeadError::BareLineBreak),
            (false, 0) => Err(HeadError::Nul),
            (false, b'\r') => {
                self.after_cr = true;
                Ok(false)
            }
            (false, b' ' | b'\t') if self.line_length == 0 && self.lines > 0 => {
                Err(HeadError::Folded)
            }
            (false, _) => {
                self.line_length += 1;
                Ok(false)
            }
        }
    }

    fn end_line(&mut self) -> Result<bool, HeadError> {
        self.after_cr = false;
        if self.line_length == 0 {
            return if self.lines == 0 { Err(HeadError::EmptyStartLine) } else { Ok(true) };
        }
        if self.lines > self.limits.headers {
            return Err(exceeded(Limit::HandshakeHeaders, self.limits.headers, self.lines));
        }
        self.lines += 1;
        self.line_length = 0;
        Ok(false)
    }
}

/// The parsed headers as a map.
pub(super) fn header_map(parsed: &[httparse::Header<'_>]) -> Result<HeaderMap, HeadError> {
    let mut map = HeaderMap::new();
    for header in parsed {
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .map_err(|_| HeadError::syntax(httparse::Error::HeaderName))?;
        let value = HeaderValue::from_bytes(header.value)
            .map_err(|_| HeadError::syntax(httparse::Error::HeaderValue))?;
        // The map has a capacity of its own, which limits may be set beyond.
        map.try_append(name, value)
            .map_err(|_| HeadError::syntax(httparse::Error::TooManyHeaders))?;
    }
    Ok(map)
}

fn exceeded(limit: Limit, allowed: usize, actual: usize) -> HeadError {
    LimitExceeded { limit, allowed: allowed as u64, actual: actual as u64 }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    #[test]
    fn a_head_of_exactly_the_limit_passes_and_one_more_byte_does_not() {
        let limits = HeadLimits { bytes: HEAD.len(), headers: 1 };
        assert!(HeadBuffer::new(limits).push(HEAD).unwrap().is_some());

        let limits = HeadLimits { bytes: HEAD.len() - 1, headers: 1 };
        let error = HeadBuffer::new(limits).push(HEAD).err();
        let Some(HeadError::Limit(exceeded)) = error else { panic!("{error:?}") };
        assert_eq!(exceeded.limit, Limit::HandshakeHead);
        assert_eq!((exceeded.allowed, exceeded.actual), (26, 27));
    }

    #[test]
    fn one_header_more_than_the_limit_is_refused_at_its_line() {
        let limits = HeadLimits { bytes: 1 << 10, headers: 1 };
        let mut buffer = HeadBuffer::new(limits);
        assert!(buffer.push(b"GET / HTTP/1.1\r\nA: b\r\n").unwrap().is_none());
        let error = buffer.push(b"C: d\r\n").err();
        let Some(HeadError::Limit(exceeded)) = error else { panic!("{error:?}") };
        assert_eq!(exceeded.limit, Limit::HandshakeHeaders);
        assert_eq!((exceeded.allowed, exceeded.actual), (1, 2));
    }

    #[test]
    fn what_follows_the_head_is_not_consumed() {
        let head = HeadBuffer::new(HeadLimits::SERVER).push(b"X\r\n\r\nrest").unwrap().unwrap();
        assert_eq!((&head.bytes[..], head.headers, head.consumed), (&b"X\r\n\r\n"[..], 0, 5));
    }

    #[test]
    fn line_breaks_that_parsers_read_differently_are_refused() {
        for (bytes, expected) in [
            (&b"GET / HTTP/1.1\n"[..], HeadError::BareLineBreak),
            (b"GET / HTTP/1.1\rX", HeadError::BareLineBreak),
            (b"GET / HTTP/1.1\r\r\n", HeadError::BareLineBreak),
            (b"GET / HTTP/1.1\r\nA: b\r\n c", HeadError::Folded),
            (b"GET / HTTP/1.1\r\n\tA: b", HeadError::Folded),
            (b"GET / HTTP/1.1\r\nA: \0", HeadError::Nul),
            (b"\r\nGET / HTTP/1.1", HeadError::EmptyStartLine),
        ] {
            let error = HeadBuffer::new(HeadLimits::SERVER).push(bytes).err();
            assert_eq!(error, Some(expected), "{:?}", bytes.escape_ascii().to_string());
        }
    }
}
