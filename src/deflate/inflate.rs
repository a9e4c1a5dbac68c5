//! DEFLATE payloads to messages, piece by piece, RFC 7692, 7.2.2.

use std::fmt;

use thiserror::Error;
use zlib_rs::{Inflate, InflateFlush, Status};

use super::negotiate::DeflateParams;
use super::pool::DeflatePool;
use crate::frame::Role;

/// What is fed to the engine after each message: first the four bytes that the
/// sender has left out, the length of the empty stored block that ends it, then
/// one more empty block, which shows whether the message was complete.
///
/// Where the state is not needed afterwards, that block is a final one, and the
/// stream ends if and only if it is understood as one. Where the history has to
/// stay it cannot be final; the engine takes it without writing anything if it
/// stands at the start of a block, and takes some of it for data if not.
const TAIL_BEFORE_RESET: [u8; 9] = [0x00, 0x00, 0xff, 0xff, 0x01, 0x00, 0x00, 0xff, 0xff];
const TAIL_BEFORE_MORE: [u8; 9] = [0x00, 0x00, 0xff, 0xff, 0x00, 0x00, 0x00, 0xff, 0xff];

/// Payloads up to this length are inflated out of a copy with the tail behind it: the
/// engine takes its fast way only where 15 bytes of input are left, and crawls through
/// what is a good part of a short message. More than the tail would be faster still,
/// but a message that is cut short could run on into it.
const SHORT: usize = 512;
const TAIL: usize = TAIL_BEFORE_MORE.len();

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
    /// The engine failed for a reason that is not in the data.
    #[error("the decompressor failed: {reason}")]
    Engine {
        /// The engine's own words.
        reason: &'static str,
    },
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
/// A message that was cut short is an error, except, under context takeover,
/// where the cut lies inside the header of a block: then the message seems to
/// end there, and the next one will in all likelihood not decode.
///
/// One leniency: a payload without a byte is taken for an empty message,
/// though that should be a single zero byte. Compressors that flush twice
/// produce it.
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
    engine: Option<Inflate>,
    /// Whether the engine has taken bytes of this message since the last final
    /// block, and so is owed the tail.
    in_block: bool,
    /// How much of the tail the engine has taken.
    tail_fed: usize,
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
            in_block: false,
            tail_fed: 0,
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
    /// The data is at fault, except with [`InflateError::Engine`]. What was
    /// written to `out` by earlier calls is good; later calls fail as well.
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

        // An empty input may still have output pending in the engine.
        if last_of_message && !self.in_block && input.len() <= SHORT {
            self.inflate_short(input, out, &mut progress)?;
        } else if !input.is_empty() || self.in_block {
            self.inflate_payload(input, out, &mut progress)?;
        }
        if progress.consumed < input.len() {
            progress.status = InflateStatus::NeedsOutput;
        } else if last_of_message {
            progress.status = self.end_message(&mut out[progress.produced..])?;
        } else if progress.produced == out.len() && self.in_block {
            progress.status = InflateStatus::NeedsOutput;
        }
        Ok(progress)
    }

    /// [`inflate_payload`](Self::inflate_payload) for a whole message of [`SHORT`]
    /// bytes at most.
    fn inflate_short(
        &mut self,
        input: &[u8],
        out: &mut [u8],
        progress: &mut Progress,
    ) -> Result<(), InflateError> {
        let mut padded = [0; SHORT + TAIL];
        let padded = &mut padded[..input.len() + TAIL];
        padded[..input.len()].copy_from_slice(input);
        padded[input.len()..].copy_from_slice(self.tail());

        while progress.consumed < input.len() {
            let engine = self.engine.get_or_insert_with(|| self.pool.take_decompressor());
            let rest = &padded[progress.consumed..];
            let room = &mut out[progress.produced..];
            let room_len = room.len();
            // It stops behind each block, so what lies behind the payload is not taken for
            // data, unless the payload is cut short.
            let step = Step::run(engine, rest, room, InflateFlush::Block)?;
            progress.consumed += step.consumed;
            progress.produced += step.produced;
            self.in_block = !step.stream_end;

            if let Some(behind) = progress.consumed.checked_sub(input.len())
                && behind > 0
            {
                // The payload ended with the header of the empty stored block alone.
                if step.produced > 0 || step.stream_end {
                    return Err(InflateError::Truncated);
                }
                (progress.consumed, self.tail_fed) = (input.len(), behind);
            } else if step.stream_end {
                engine.reset(false);
            } else if step.consumed == 0 && step.produced == 0 {
                // A full output is none only if the engine has something for it.
                return match room_len {
                    0 => Ok(()),
                    _ => Err(InflateError::Engine { reason: "no progress" }),
                };
            }
        }
        Ok(())
    }

    /// Inflates until the input is used up or the output is full.
    fn inflate_payload(
        &mut self,
        input: &[u8],
        out: &mut [u8],
        progress: &mut Progress,
    ) -> Result<(), InflateError> {
        let engine = self.engine.get_or_insert_with(|| self.pool.take_decompressor());
        loop {
            let rest = &input[progress.consumed..];
            let room = &mut out[progress.produced..];
            let room_len = room.len();
            let step = Step::run(engine, rest, room, InflateFlush::SyncFlush)?;
            progress.consumed += step.consumed;
            progress.produced += step.produced;
            self.in_block |= step.consumed > 0;

            // The engine takes the tail only once it has nothing left to write, so
            // what it writes, or ends, after that was made of the tail's bits.
            if self.tail_fed > 0 && (step.produced > 0 || step.stream_end) {
                return Err(InflateError::Truncated);
            }
            let used_up = progress.consumed == input.len();
            if step.stream_end {
                engine.reset(false);
                self.in_block = false;
                if used_up {
                    return Ok(());
                }
            } else if step.produced == room_len || used_up {
                return Ok(());
            } else if step.consumed == 0 && step.produced == 0 {
                return Err(InflateError::Engine { reason: "no progress" });
            }
        }
    }

    /// Feeds the tail. `room` is what the payload has left of the output; the
    /// tail writes nothing there, and if there is none, shows whether the
    /// engine has output pending.
    fn end_message(&mut self, room: &mut [u8]) -> Result<InflateStatus, InflateError> {
        let tail = self.tail();
        if let Some(engine) = self.engine.as_mut()
            && self.in_block
        {
            let step = Step::run(engine, &tail[self.tail_fed..], room, InflateFlush::SyncFlush)?;
            self.tail_fed += step.consumed;
            if step.produced > 0 {
                return Err(InflateError::Truncated);
            }
            if self.tail_fed < tail.len() && room.is_empty() && !step.stream_end {
                return Ok(InflateStatus::NeedsOutput);
            }
            // The payload's last block was a final one, and the engine stopped behind it.
            let ended_before = step.stream_end && self.tail_fed == 0;
            if ended_before {
                engine.reset(false);
            } else if self.tail_fed < tail.len() || step.stream_end == self.context_takeover {
                return Err(InflateError::Truncated);
            }
        }
        self.in_block = false;
        self.tail_fed = 0;
        if !self.context_takeover {
            self.give_back();
        }
        Ok(InflateStatus::MessageEnd)
    }

    fn tail(&self) -> &'static [u8; TAIL] {
        if self.context_takeover { &TAIL_BEFORE_MORE } else { &TAIL_BEFORE_RESET }
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
            .field("in_block", &self.in_block)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

/// One call of the engine.
struct Step {
    consumed: usize,
    produced: usize,
    stream_end: bool,
}

impl Step {
    fn run(
        engine: &mut Inflate,
        input: &[u8],
        out: &mut [u8],
        flush: InflateFlush,
    ) -> Result<Self, InflateError> {
        let (total_in, total_out) = (engine.total_in(), engine.total_out());
        let status = engine.decompress(input, out, flush).map_err(|error| match error {
            zlib_rs::InflateError::DataError | zlib_rs::InflateError::NeedDict { .. } => {
                InflateError::Corrupt
            }
            other => InflateError::Engine { reason: other.as_str() },
        })?;
        Ok(Self {
            consumed: (engine.total_in() - total_in) as usize,
            produced: (engine.total_out() - total_out) as usize,
            stream_end: status == Status::StreamEnd,
        })
    }
}
