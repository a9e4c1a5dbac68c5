//! DEFLATE payloads to messages, piece by piece, RFC 7692, 7.2.2.

use std::fmt;

use thiserror::Error;

use super::decoder::{Corrupt, Decoder};
use super::negotiate::DeflateParams;
use super::pool::DeflatePool;
use crate::frame::Role;

/// What one call of [`Inflater::inflate`] has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes taken from the input.
    pub consumed: usize,
    /// Bytes written to the front of the output.
    pub produced: usize,
    /// What is needed to go on.
    pub status: InflateStatus,
}

/// What an [`Inflater`] needs to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InflateStatus {
    /// The input is used up and all its output is written: more of the message
    /// is needed.
    NeedsInput,
    /// The output is full: call again with the rest of the input, which may be
    /// nothing, and room for at least a byte.
    NeedsOutput,
    /// The message is complete; the next call starts the next message.
    MessageEnd,
}

/// Why a message cannot be inflated: the connection must be failed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum InflateError {
    /// The bytes are no DEFLATE stream, or refer to more history than there is.
    #[error("invalid compressed data")]
    Corrupt,
    /// The message ends in the middle of a DEFLATE block.
    #[error("compressed message cut short")]
    Truncated,
    /// An earlier call has failed, and what follows cannot be understood.
    #[error("inflation failed before")]
    FailedBefore,
}

/// The decompressor of one connection's incoming compressed messages.
///
/// Output goes only where the caller says, so that limits hold while a message
/// is inflated, and nothing is allocated for a message unless the pool is
/// empty. Blocks marked as final may stand anywhere (RFC 7692, 7.2.3.4 and
/// 7.2.3.5): what follows one is a new DEFLATE stream, without history.
///
/// A message that was cut short is an error. One leniency: a payload without a
/// byte is taken for an empty message, though that should be a single zero byte.
/// Compressors that flush twice produce it.
///
/// # Example
///
/// ```
/// use wirespeed::Role;
/// use wirespeed::deflate::{DeflateParams, DeflatePool, InflateStatus, Inflater};
///
/// let mut inflater = Inflater::new(Role::Client, &DeflateParams::default(), &DeflatePool::default());
/// let payload = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
/// let mut message = [0; 16];
/// let progress = inflater.inflate(&payload, true, &mut message).unwrap();
/// assert_eq!(progress.status, InflateStatus::MessageEnd);
/// assert_eq!(&message[..progress.produced], b"Hello");
/// ```
pub struct Inflater {
    context_takeover: bool,
    pool: DeflatePool,
    /// The engine, inside a message and, with takeover, between messages.
    engine: Option<Box<Decoder>>,
    /// Whether there was a byte of this message.
    begun: bool,
    failed: bool,
}

impl Inflater {
    /// The decompressor of the `role` end of a connection with these agreed
    /// parameters.
    pub fn new(role: Role, params: &DeflateParams, pool: &DeflatePool) -> Self {
        let no_context_takeover = match role {
            Role::Client => params.server_no_context_takeover,
            Role::Server => params.client_no_context_takeover,
        };
        Self {
            context_takeover: !no_context_takeover,
            pool: pool.clone(),
            engine: None,
            begun: false,
            failed: false,
        }
    }

    /// Inflates the next piece of a compressed message into `out`.
    ///
    /// `input` is the part of the message's payload that has not been consumed
    /// yet, as far as it has arrived; `last_of_message` says that nothing of
    /// the message comes after it. A message whose last piece exactly fills
    /// `out` is seen to end. Where a piece that is not the last fills it, more
    /// may be waiting or not: a caller that has a limit to enforce gives room
    /// for one byte more than it allows, or waits for the next piece.
    ///
    /// Every call with room in `out` makes progress or says that it needs
    /// input.
    ///
    /// # Errors
    ///
    /// The data is at fault. What was written to `out` by earlier calls is good; later
    /// calls fail as well.
    pub fn inflate(
        &mut self,
        input: &[u8],
        last_of_message: bool,
        out: &mut [u8],
    ) -> Result<Progress, InflateError> {
        if self.failed {
            return Err(InflateError::FailedBefore);
        }
        let result = self.try_inflate(input, last_of_message, out);
        if result.is_err() {
            // An engine that has failed may hold anything: it must not come
            // to another connection.
            self.failed = true;
            self.engine = None;
        }
        result
    }

    /// Whether this connection holds a decompressor of its own.
    ///
    /// Without context takeover it does so only inside a message. With it, the
    /// peer may refer to its earlier messages at any time, so from the first
    /// compressed message on the history has to stay.
    pub fn holds_state(&self) -> bool {
        self.engine.is_some()
    }

    /// Whether messages may refer to earlier ones.
    pub fn context_takeover(&self) -> bool {
        self.context_takeover
    }

    fn try_inflate(
        &mut self,
        input: &[u8],
        last_of_message: bool,
        out: &mut [u8],
    ) -> Result<Progress, InflateError> {
        let mut progress = Progress { consumed: 0, produced: 0, status: InflateStatus::NeedsInput };
        // An empty input may still have output pending.
        if !input.is_empty() || self.begun {
            let engine = self.engine.get_or_insert_with(|| self.pool.take_decompressor());
            let decoded = engine.decode(input, out).map_err(|Corrupt| InflateError::Corrupt)?;
            self.begun = true;
            (progress.consumed, progress.produced) = (decoded.consumed, decoded.produced);
            if !decoded.needs_input {
                progress.status = InflateStatus::NeedsOutput;
                return Ok(progress);
            }
        }
        if last_of_message {
            self.end_message()?;
            progress.status = InflateStatus::MessageEnd;
        }
        Ok(progress)
    }

    fn end_message(&mut self) -> Result<(), InflateError> {
        if let Some(engine) = &mut self.engine
            && std::mem::take(&mut self.begun)
            && !engine.end_message()
        {
            return Err(InflateError::Truncated);
        }
        if !self.context_takeover {
            self.give_back();
        }
        Ok(())
    }

    fn give_back(&mut self) {
        if let Some(engine) = self.engine.take() {
            self.pool.give_decompressor(engine);
        }
    }
}

impl Drop for Inflater {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("context_takeover", &self.context_takeover)
            .field("holds_state", &self.engine.is_some())
            .field("begun", &self.begun)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
