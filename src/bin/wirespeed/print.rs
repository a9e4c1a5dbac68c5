//! Messages on a terminal: nothing that a peer sends can control it.

use std::fmt::{self, Write as _};

use wirespeed::MessageRef;

/// Bytes of a binary message that are shown.
const HEX_BYTES: usize = 32;

/// A message in one line: text with its control characters escaped, binary as
/// the first bytes in hexadecimal and in ASCII.
pub(crate) struct Line<'a>(pub(crate) &'a MessageRef<'a>);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            MessageRef::Text(text) => write!(f, "{}", Escaped(text)),
            MessageRef::Binary(bytes) => write!(f, "binary, {} bytes: {}", bytes.len(), Hex(bytes)),
            MessageRef::Ping(bytes) => write!(f, "ping, {} bytes: {}", bytes.len(), Hex(bytes)),
            MessageRef::Pong(bytes) => write!(f, "pong, {} bytes: {}", bytes.len(), Hex(bytes)),
            MessageRef::Close(code, reason) => write!(f, "close {code} {}", Escaped(reason)),
        }
    }
}

/// Text whose control characters are escaped, so that it stays in its line and
/// no escape sequence in it takes effect. Bidirectional controls are escaped
/// too: they would make a line read as something else.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = 0;
        for (at, letter) in self.0.char_indices().filter(|(_, letter)| is_control(*letter)) {
            f.write_str(&self.0[shown..at])?;
            write!(f, "{}", letter.escape_default())?;
            shown = at + letter.len_utf8();
        }
        f.write_str(&self.0[shown..])
    }
}

fn is_control(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// The first bytes in hexadecimal, then as ASCII.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &self.0[..self.0.len().min(HEX_BYTES)];
        for byte in shown {
            write!(f, "{byte:02x} ")?;
        }
        f.write_char('|')?;
        for &byte in shown {
            f.write_char(if matches!(byte, b' '..=b'~') { char::from(byte) } else { '.' })?;
        }
        f.write_str(if shown.len() < self.0.len() { "| ..." } else { "|" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_control_the_terminal() {
        for (text, escaped) in [
            ("{\"s\":\"币安\"}", "{\"s\":\"币安\"}"),
            ("\x1b[2J\x1b]0;title\x07", "\\u{1b}[2J\\u{1b}]0;title\\u{7}"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            ("\u{202e}evil", "\\u{202e}evil"),
        ] {
            assert_eq!(Escaped(text).to_string(), escaped);
        }
    }

    #[test]
    fn binary_shows_its_length_and_its_first_bytes() {
        let mut bytes = *b"Hi\x00\xff";
        assert_eq!(
            Line(&MessageRef::Binary(&mut bytes)).to_string(),
            "binary, 4 bytes: 48 69 00 ff |Hi..|"
        );
        let mut long = [b'x'; 100];
        let line = Line(&MessageRef::Binary(&mut long)).to_string();
        assert!(line.starts_with("binary, 100 bytes: 78 ") && line.ends_with("x| ..."), "{line}");
    }
}
