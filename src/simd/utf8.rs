//! UTF-8 validation of a payload that arrives in pieces.

/// Where a text stops being UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid UTF-8 after {valid_up_to} valid bytes")]
#[non_exhaustive]
pub struct Utf8Error {
    /// Bytes from the start of the text to the first that cannot belong to it,
    /// or to the start of the sequence that the end cuts short.
    pub valid_up_to: u64,
}

/// What has to be remembered of a text between two pieces of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Utf8State {
    /// Bytes of the text that precede the unfinished sequence.
    pub(super) valid: u64,
    /// The unfinished sequence, first byte lowest; zero where there is none.
    pub(super) tail: [u8; 3],
    pub(super) tail_len: u8,
}

impl Utf8State {
    /// Whether the text may end here.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] if a sequence is unfinished.
    pub fn finish(&self) -> Result<(), Utf8Error> {
        if self.tail_len == 0 { Ok(()) } else { Err(Utf8Error { valid_up_to: self.valid }) }
    }
}
