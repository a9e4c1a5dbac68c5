//! Whole messages to DEFLATE payloads, RFC 7692, 7.2.1.

use std::fmt;

use bytes::BytesMut;
use thiserror::Error;
use zlib_rs::{Deflate, DeflateFlush};

use super::estimate::looks_incompressible;
use super::negotiate::DeflateParams;
use super::options::{COMPRESSOR_WINDOW_BITS, DeflateOptions};
use super::pool::{Compressor, DeflatePool, Engine, Setup};
use crate::frame::Role;

/// The end of a sync flush, which a payload leaves out.
const FLUSH_TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// An empty message: the header of an empty stored block, whose length is in
/// the tail (RFC 7692, 7.2.3.6).
const EMPTY_MESSAGE: u8 = 0x00;

/// How a message is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Compression {
    /// The payload was compressed: send the output, with RSV1.
    Compressed,
    /// Nothing was written: send the payload as it is, without RSV1.
    Plain,
}

/// Why a message could not be compressed. It can be sent plain, and later ones
/// can be compressed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeflateError {
    /// The peer allows only a window of 2^8 bytes, with which we never
    /// compress.
    #[error("no compressor for a window of 256 bytes")]
    WindowTooSmall,
    /// The engine failed, which it does not on any input that is known.
    #[error("the compressor failed: {reason}")]
    Engine {
        /// The engine's own words.
        reason: &'static str,
    },
}

/// The compressor of one connection's outgoing messages.
///
/// # Context takeover and plain messages
///
/// With context takeover, what has gone through the compressor is history that
/// later messages refer to, so the peer must receive it compressed; a
/// compressor whose output is thrown away because it did not get shorter
/// corrupts everything after it. So, with takeover, whether a message is worth
/// compressing is decided before the compressor sees it (by its length and a
/// look at how random its bytes are), and a message that it has seen is always
/// sent compressed, even where it grew: by an eighth and two bytes at the very most,
/// and only below 512 bytes or by misjudgement. Without takeover the output is thrown
/// away freely, and a message that would grow is sent plain.
///
/// A caller that cannot send a message that was compressed must call
/// [`forget_history`](Self::forget_history).
///
/// # Example
///
/// ```
/// use bytes::BytesMut;
/// use wirespeed::Role;
/// use wirespeed::deflate::{
///     Compression, DeflateOptions, DeflateParams, DeflatePool, Deflater,
/// };
///
/// let options = DeflateOptions::for_client();
/// let pool = DeflatePool::default();
/// let mut deflater = Deflater::new(Role::Client, &DeflateParams::default(), &options, &pool);
///
/// let message = br#"{"channel":"ticker","bid":"100.25","ask":"100.26","bid_size":"3"}"#;
/// let mut payload = BytesMut::new();
/// assert_eq!(deflater.compress(message, &mut payload).unwrap(), Compression::Compressed);
/// let first = payload.split().len();
/// let _ = deflater.compress(message, &mut payload).unwrap();
/// assert!(payload.len() < first / 4, "the second time, it is a reference to the first");
/// ```
pub struct Deflater {
    /// `None` where the peer allows no window that we can compress with.
    setup: Option<Setup>,
    context_takeover: bool,
    threshold: usize,
    release_idle: bool,
    pool: DeflatePool,
    /// The compressor that holds the history, with takeover, once there is any.
    context: Option<Compressor>,
}

impl Deflater {
    /// The compressor of the `role` end of a connection with these agreed
    /// parameters.
    pub fn new(
        role: Role,
        params: &DeflateParams,
        options: &DeflateOptions,
        pool: &DeflatePool,
    ) -> Self {
        let (no_context_takeover, max_window_bits) = match role {
            Role::Client => (params.client_no_context_takeover, params.client_max_window_bits),
            Role::Server => (params.server_no_context_takeover, params.server_max_window_bits),
        };
        let window_bits = options.window_bits.min(max_window_bits);
        Self {
            setup: COMPRESSOR_WINDOW_BITS
                .contains(&window_bits)
                .then(|| Setup::new(options, window_bits)),
            context_takeover: !no_context_takeover,
            threshold: options.threshold,
            release_idle: options.release_idle,
            pool: pool.clone(),
            context: None,
        }
    }

    /// Appends the compressed form of a whole message to `out`, if that is
    /// worth while; otherwise leaves `out` as it was.
    ///
    /// A message goes plain if it is shorter than the options' threshold, if
    /// its bytes look random, if it would grow (only known without context
    /// takeover), or if no compressor fits the agreed window.
    ///
    /// Allocates nothing where `out` has the capacity of the payload's length
    /// and an eighth, and 64 bytes more.
    ///
    /// # Errors
    ///
    /// [`DeflateError::Engine`]; `out` is then as it was, and the history is
    /// forgotten.
    pub fn compress(
        &mut self,
        payload: &[u8],
        out: &mut BytesMut,
    ) -> Result<Compression, DeflateError> {
        if self.is_too_short(payload.len()) || self.setup.is_none() || looks_incompressible(payload)
        {
            return Ok(Compression::Plain);
        }
        let start = out.len();
        self.compress_always(payload, out)?;
        if !self.context_takeover && out.len() - start >= payload.len() {
            out.truncate(start);
            return Ok(Compression::Plain);
        }
        Ok(Compression::Compressed)
    }

    /// As [`compress`](Self::compress), but whatever the payload's length and
    /// content: for messages that the caller wants compressed.
    ///
    /// # Errors
    ///
    /// [`DeflateError::WindowTooSmall`], and those of
    /// [`compress`](Self::compress).
    pub fn compress_always(
        &mut self,
        payload: &[u8],
        out: &mut BytesMut,
    ) -> Result<(), DeflateError> {
        let setup = self.setup.ok_or(DeflateError::WindowTooSmall)?;
        if payload.is_empty() {
            // The engine would write nothing at all after a flush.
            out.extend_from_slice(&[EMPTY_MESSAGE]);
            return Ok(());
        }

        let start = out.len();
        let mut compressor =
            self.context.take().unwrap_or_else(|| self.pool.take_compressor(setup));
        if let Err(error) = run(&mut compressor.engine, payload, out) {
            // A new compressor refers to nothing before it, which is always
            // allowed; the one that failed goes nowhere.
            out.truncate(start);
            return Err(error);
        }
        if self.context_takeover {
            self.context = Some(compressor);
        } else {
            self.pool.give_compressor(compressor);
        }
        Ok(())
    }

    /// Makes the next message independent of all earlier ones, which a sender
    /// may do at any time: necessary when a compressed message was not sent.
    pub fn forget_history(&mut self) {
        if let Some(compressor) = self.context.take() {
            self.pool.give_compressor(compressor);
        }
    }

    /// Says that the connection is idle: gives the compressor back to the pool if
    /// the [options](DeflateOptions::release_idle) say so.
    pub fn release_idle(&mut self) {
        if self.release_idle {
            self.forget_history();
        }
    }

    /// Whether [`release_idle`](Self::release_idle) may have something to give back.
    #[cfg(feature = "tokio")]
    pub(crate) fn releases_idle(&self) -> bool {
        self.release_idle && self.context_takeover
    }

    /// Gives the compressor of an idle connection back to the pool, which
    /// costs the next messages their history. Returns whether there was one.
    ///
    /// Always allowed: only the receiver has to keep its history.
    pub fn give_back_idle(&mut self) -> bool {
        let held = self.holds_state();
        self.forget_history();
        held
    }

    /// Whether this connection holds a compressor of its own: with context
    /// takeover, once it has compressed something.
    pub fn holds_state(&self) -> bool {
        self.context.is_some()
    }

    /// The window that this compressor works with, as an exponent of two;
    /// `None` if the agreed one is too small for it.
    ///
    /// A message compressed without context takeover can be sent as it is on
    /// every connection that keeps no history either and whose window is as
    /// large.
    pub fn window_bits(&self) -> Option<u8> {
        self.setup.map(|setup| setup.window_bits())
    }

    /// Whether messages refer to earlier ones.
    pub fn context_takeover(&self) -> bool {
        self.context_takeover
    }

    /// What decides, together with a message, what becomes of it; `None` if the
    /// messages before it do as well, or if none is compressed.
    pub(crate) fn setup_without_history(&self) -> Option<Setup> {
        self.setup.filter(|_| !self.context_takeover)
    }

    /// Whether a message of `len` bytes is below the threshold.
    pub(crate) fn is_too_short(&self, len: usize) -> bool {
        len < self.threshold
    }
}

impl Drop for Deflater {
    fn drop(&mut self) {
        self.forget_history();
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater")
            .field("setup", &self.setup)
            .field("context_takeover", &self.context_takeover)
            .field("threshold", &self.threshold)
            .field("holds_state", &self.context.is_some())
            .finish_non_exhaustive()
    }
}

/// Appends `payload` compressed up to a sync flush, without the flush's tail.
fn run(engine: &mut Engine, payload: &[u8], out: &mut BytesMut) -> Result<(), DeflateError> {
    match engine {
        Engine::Fast(engine) => {
            engine.compress(payload, out);
            Ok(())
        }
        Engine::Zlib(engine) => deflate_and_flush(engine, payload, out),
    }
}

fn deflate_and_flush(
    engine: &mut Deflate,
    payload: &[u8],
    out: &mut BytesMut,
) -> Result<(), DeflateError> {
    let mut rest = payload;
    let mut filled = out.len();
    loop {
        out.resize(filled + room_for(rest.len()), 0);
        let (total_in, total_out) = (engine.total_in(), engine.total_out());
        engine
            .compress(rest, &mut out[filled..], DeflateFlush::SyncFlush)
            .map_err(|error| DeflateError::Engine { reason: error.as_str() })?;
        let consumed = (engine.total_in() - total_in) as usize;
        let produced = (engine.total_out() - total_out) as usize;
        rest = &rest[consumed..];
        filled += produced;

        // Room left over is the sign that the flush is complete.
        if rest.is_empty() && filled < out.len() {
            break;
        }
        if consumed == 0 && produced == 0 {
            return Err(DeflateError::Engine { reason: "no progress" });
        }
    }
    out.truncate(filled);
    if !out.ends_with(&FLUSH_TAIL) {
        return Err(DeflateError::Engine { reason: "a flush without its marker" });
    }
    out.truncate(filled - FLUSH_TAIL.len());
    Ok(())
}

/// The room to give the engine in one step: enough for the worst case, so that
/// one step is enough, up to a limit that keeps a step's cost and memory in
/// proportion to what the compressed message will need.
fn room_for(len: usize) -> usize {
    const LARGEST_STEP: usize = 64 * 1024;
    (len + len / 8 + 64).min(LARGEST_STEP)
}
