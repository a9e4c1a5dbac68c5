//! Captured feeds: `<microseconds since the first message> TAB <payload>`, one
//! text message a line.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use wirespeed::Utf8Bytes;

/// A capture in memory; the payloads share the bytes of the file.
#[derive(Debug)]
pub(crate) struct Capture {
    /// The messages, in the order of the file.
    pub(crate) messages: Vec<CapturedMessage>,
}

/// One message of a capture.
#[derive(Debug)]
pub(crate) struct CapturedMessage {
    /// When it arrived, counted from the first message.
    pub(crate) due: Duration,
    /// What arrived, byte for byte.
    pub(crate) payload: Utf8Bytes,
}

impl Capture {
    /// Reads and checks a whole file.
    ///
    /// # Errors
    ///
    /// [`CaptureFileError`] with the path, the line and what is wrong there.
    pub(crate) fn open(path: &Path) -> Result<Self, CaptureFileError> {
        let fail = |source| CaptureFileError { path: path.to_owned(), source };
        let bytes = fs::read(path).map_err(|source| fail(CaptureError::Read(source)))?;
        Self::parse(Bytes::from(bytes)).map_err(fail)
    }

    /// Checks the bytes of a capture. The last line may lack its line feed.
    ///
    /// # Errors
    ///
    /// [`CaptureError`] with the line, counted from 1.
    pub(crate) fn parse(bytes: Bytes) -> Result<Self, CaptureError> {
        let mut messages: Vec<CapturedMessage> = Vec::new();
        for (index, raw) in lines(&bytes).enumerate() {
            let message = parse_line(&bytes, raw)
                .map_err(|source| CaptureError::Line { line: index + 1, source })?;
            if let Some(last) = messages.last().filter(|last| last.due > message.due) {
                let source = LineError::GoesBack {
                    micros: message.due.as_micros(),
                    last: last.due.as_micros(),
                };
                return Err(CaptureError::Line { line: index + 1, source });
            }
            messages.push(message);
        }
        if messages.is_empty() {
            return Err(CaptureError::Empty);
        }
        Ok(Self { messages })
    }

    /// When the last message is due.
    pub(crate) fn duration(&self) -> Duration {
        self.messages.last().map_or(Duration::ZERO, |last| last.due)
    }
}

/// What is wrong with a capture file.
#[derive(Debug, thiserror::Error)]
#[error("cannot replay {}: {source}", path.display())]
pub(crate) struct CaptureFileError {
    path: PathBuf,
    source: CaptureError,
}

/// What is wrong with a capture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CaptureError {
    #[error("{0}; give the path of a capture with --replay")]
    Read(#[source] io::Error),
    #[error("there is no message in it; a capture has one a line: microseconds, a tab, the text")]
    Empty,
    #[error("line {line}: {source}")]
    Line { line: usize, source: LineError },
}

/// What is wrong with one line of a capture.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LineError {
    #[error("there is no tab between a time and a payload")]
    NoTab,
    #[error("the time \"{found}\" is not a whole number of microseconds")]
    BadTime { found: String },
    #[error("the time goes back, from {last} to {micros} microseconds")]
    GoesBack { micros: u128, last: u128 },
    #[error("the payload is not UTF-8 from its byte {at} on")]
    NotUtf8 { at: usize },
}

/// How much of a broken time an error shows.
const SHOWN_OF_BAD_TIME: usize = 24;

fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes
        .split_inclusive(|&byte| byte == b'\n')
        .map(|line| line.strip_suffix(b"\n").unwrap_or(line))
}

fn parse_line(bytes: &Bytes, line: &[u8]) -> Result<CapturedMessage, LineError> {
    let tab = line.iter().position(|&byte| byte == b'\t').ok_or(LineError::NoTab)?;
    let (time, payload) = (&line[..tab], &line[tab + 1..]);
    let micros = parse_micros(time).ok_or_else(|| LineError::BadTime {
        found: time[..time.len().min(SHOWN_OF_BAD_TIME)].escape_ascii().to_string(),
    })?;
    let payload = Utf8Bytes::try_from(bytes.slice_ref(payload)).map_err(|_| {
        let valid_up_to = std::str::from_utf8(payload).err().map_or(0, |error| error.valid_up_to());
        LineError::NotUtf8 { at: valid_up_to + 1 }
    })?;
    Ok(CapturedMessage { due: Duration::from_micros(micros), payload })
}

fn parse_micros(time: &[u8]) -> Option<u64> {
    // `str::parse` alone would take a sign.
    let digits = time.iter().all(u8::is_ascii_digit).then_some(time)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &[u8]) -> Result<Vec<(u128, String)>, String> {
        Capture::parse(Bytes::copy_from_slice(text))
            .map(|capture| {
                let flat = |message: CapturedMessage| {
                    (message.due.as_micros(), message.payload.to_string())
                };
                capture.messages.into_iter().map(flat).collect()
            })
            .map_err(|error| error.to_string())
    }

    #[test]
    fn reads_times_and_payloads_as_they_stand() {
        let messages = parse("0\t{\"a\":1}\n50\tb\tc \r\n50\t\n1000001\t币安".as_bytes()).unwrap();
        let expected = [(0, "{\"a\":1}"), (50, "b\tc \r"), (50, ""), (1_000_001, "币安")];
        assert_eq!(messages, expected.map(|(due, payload)| (due, payload.to_owned())));
    }

    #[test]
    fn knows_how_long_it_lasts() {
        let capture = Capture::parse(Bytes::from_static(b"0\ta\n2500000\tb\n")).unwrap();
        assert_eq!(capture.duration(), Duration::from_millis(2500));
    }

    #[test]
    fn errors_name_the_line_and_what_is_wrong() {
        for (text, error) in [
            (&b"0\ta\nno tab here\n"[..], "line 2: there is no tab between a time and a payload"),
            (b"0\ta\n\n1\tb\n", "line 2: there is no tab between a time and a payload"),
            (b"-1\ta\n", "line 1: the time \"-1\" is not a whole number of microseconds"),
            (b"+1\ta\n", "line 1: the time \"+1\" is not a whole number of microseconds"),
            (b"\ta\n", "line 1: the time \"\" is not a whole number of microseconds"),
            (
                b"99999999999999999999\ta\n",
                "line 1: the time \"99999999999999999999\" is not a whole number of microseconds",
            ),
            (b"0\ta\n7\tb\n6\tc\n", "line 3: the time goes back, from 7 to 6 microseconds"),
            (b"0\ta\n1\tab\xffc\n", "line 2: the payload is not UTF-8 from its byte 3 on"),
        ] {
            assert_eq!(parse(text).unwrap_err(), error, "{}", text.escape_ascii());
        }
        assert!(parse(b"").unwrap_err().starts_with("there is no message in it"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Capture::open(Path::new("/no/such/capture.tsv")).unwrap_err().to_string();
        assert!(error.contains("/no/such/capture.tsv") && error.contains("--replay"), "{error}");
    }
}
