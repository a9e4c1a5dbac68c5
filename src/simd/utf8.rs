//! UTF-8 validation of a payload that arrives in pieces.

/// Where a text stops being UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid UTF-8 after {valid_up_to} valid bytes")]
#[non_exhaustive]
pub struct Utf8Error {
    /// Bytes from the start of the text to the first that cannot belong to it,
    /// or to the start of the sequence that the end cuts short: the same as
    /// [`std::str::Utf8Error::valid_up_to`] for the whole text.
    pub valid_up_to: u64,
}

/// What has to be remembered of a text between two pieces of it.
///
/// After an error the state is that before the bad piece, and the text is beyond
/// help.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Utf8State {
    /// Bytes of the text so far.
    received: u64,
    /// The unfinished sequence at the end, in the upper bytes, the newest on
    /// top; zeros below it, and in place of it where there is none.
    last: u32,
}

impl Utf8State {
    /// Whether the text may end here.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] if a sequence is unfinished.
    #[inline]
    pub fn finish(&self) -> Result<(), Utf8Error> {
        if self.last == 0 { Ok(()) } else { Err(self.error_at(0)) }
    }

    /// The state after some text that ends with the unfinished sequence `last`.
    pub(super) fn after(last: u32) -> Self {
        Self { received: 4, last }
    }

    /// The unfinished sequence, as the kernels want it.
    #[inline]
    pub(super) fn last(&self) -> u32 {
        self.last
    }

    /// Goes on to the end of `piece`, of which a kernel found that it is UTF-8
    /// or not.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] where `piece` goes wrong.
    #[inline]
    pub(super) fn advance(&mut self, is_valid: bool, piece: &[u8]) -> Result<(), Utf8Error> {
        let next = self.next(piece);
        // The kernels leave a last byte that begins no sequence to us.
        let lead = next.last >> 24;
        if !is_valid || (lead >= 0xC0 && !matches!(lead, 0xC2..=0xF4)) {
            self.rescan(piece)?;
        }
        *self = next;
        Ok(())
    }

    /// Looks for the error in a piece that was refused. A kernel that was wrong would
    /// go unnoticed, but for the time.
    #[cold]
    fn rescan(&self, piece: &[u8]) -> Result<(), Utf8Error> {
        let scanned = self.scan(piece);
        debug_assert!(scanned.is_err(), "a kernel refused a piece of UTF-8");
        scanned
    }

    /// Checks `piece` with simdutf8, which knows the place of an error.
    ///
    /// # Errors
    ///
    /// [`Utf8Error`] where `piece` goes wrong.
    pub(super) fn scan(&self, piece: &[u8]) -> Result<(), Utf8Error> {
        let pending = self.pending();
        let mut done = 0;
        if pending > 0 {
            let mut sequence = (self.last >> (8 * (4 - pending))).to_le_bytes();
            done = sequence_len(sequence[0]).saturating_sub(pending).min(piece.len());
            sequence[pending..pending + done].copy_from_slice(&piece[..done]);
            match std::str::from_utf8(&sequence[..pending + done]) {
                Ok(_) => {}
                Err(error) if error.error_len().is_none() => return Ok(()),
                Err(_) => return Err(self.error_at(0)),
            }
        }
        match simdutf8::compat::from_utf8(&piece[done..]) {
            Err(error) if error.error_len().is_some() => {
                Err(self.error_at(pending + done + error.valid_up_to()))
            }
            _ => Ok(()),
        }
    }

    /// The state after `piece`, if that is valid.
    #[inline]
    fn next(&self, piece: &[u8]) -> Self {
        let last = match piece.last_chunk() {
            Some(end) => u32::from_le_bytes(*end),
            None => piece.iter().fold(self.last, |last, &byte| last >> 8 | u32::from(byte) << 24),
        };
        Self { received: self.received + piece.len() as u64, last: unfinished(last) }
    }

    /// The length of the unfinished sequence.
    fn pending(&self) -> usize {
        if self.last == 0 { 0 } else { 4 - self.last.trailing_zeros() as usize / 8 }
    }

    /// The error `offset` bytes behind the start of the unfinished sequence.
    fn error_at(&self, offset: usize) -> Utf8Error {
        Utf8Error { valid_up_to: self.received - self.pending() as u64 + offset as u64 }
    }
}

/// What is left of the last bytes of a valid text when all but its unfinished
/// sequence is cleared.
#[inline]
fn unfinished(last: u32) -> u32 {
    let [_, third, second, first] = last.to_le_bytes(); // counted from the end
    if last & 0x8080_8000 == 0 {
        0
    } else if first >= 0xC0 {
        last & 0xFF00_0000
    } else if second >= 0xE0 {
        last & 0xFFFF_0000
    } else if third >= 0xF0 {
        last & 0xFFFF_FF00
    } else {
        0
    }
}

/// How many bytes a sequence has that begins with `lead`.
fn sequence_len(lead: u8) -> usize {
    match lead {
        0xF0.. => 4,
        0xE0.. => 3,
        _ => 2,
    }
}
