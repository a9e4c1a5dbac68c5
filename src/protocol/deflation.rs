//! The deflating of messages that are sent.

use bytes::BytesMut;

use super::Compress;
use crate::{
    buffer::BufferPool,
    deflate::{Compression, DeflateTotals, Deflater},
    message::{EncodedFrame, PreparedMessage, SharedForm},
};

/// Capacity up to which the output buffer is kept from message to message.
const KEPT: usize = 256 << 10;

/// The compressor of a connection, and where it puts a message before it is queued.
#[derive(Debug)]
pub(super) struct Deflation {
    deflater: Deflater,
    output: BytesMut,
    pool: BufferPool,
    totals: DeflateTotals,
    /// The messages that were compressed when that was last asked for.
    #[cfg(feature = "driver")]
    messages_seen: u64,
}

/// How a message that was encoded before is to be sent.
pub(super) enum Prepared<'a> {
    /// Plain, as it is.
    Plain,
    /// Compressed, in the form that other connections send as well.
    Shared(&'a EncodedFrame),
    /// Compressed for this connection alone: the payload.
    Own(&'a [u8]),
}

impl Deflation {
    pub(super) fn new(deflater: Deflater, pool: BufferPool) -> Self {
        Self {
            deflater,
            output: BytesMut::new(),
            pool,
            totals: DeflateTotals::default(),
            #[cfg(feature = "driver")]
            messages_seen: 0,
        }
    }

    /// The compressed payload of a message, which has to be sent now: later ones
    /// may refer to it. `None` if the message goes plain.
    pub(super) fn compress(&mut self, payload: &[u8], choice: Compress) -> Option<&[u8]> {
        self.prepare_output();
        let compressed = match choice {
            Compress::Never => return None,
            Compress::IfWorthwhile => self.deflater.compress(payload, &mut self.output),
            Compress::Always => self
                .deflater
                .compress_always(payload, &mut self.output)
                .map(|()| Compression::Compressed),
        };
        // A compressor that fails forgets its history: the message goes plain.
        if compressed != Ok(Compression::Compressed) {
            return None;
        }
        self.totals.add_message(payload.len(), self.output.len());
        Some(&self.output)
    }

    /// The same for a message that was encoded before, and is compressed once for
    /// all connections that keep no history and compress alike.
    pub(super) fn compress_prepared<'a>(
        &'a mut self,
        message: &'a PreparedMessage,
    ) -> Prepared<'a> {
        let payload = message.payload();
        let own = Compress::IfWorthwhile;
        let Some(setup) = self.deflater.setup_without_history() else {
            return self.compress(payload, own).map_or(Prepared::Plain, Prepared::Own);
        };
        if self.deflater.is_too_short(payload.len()) {
            return Prepared::Plain;
        }
        let shared = message.compressed(setup, |output| {
            matches!(self.deflater.compress(payload, output), Ok(Compression::Compressed))
        });
        match shared {
            SharedForm::Plain => Prepared::Plain,
            SharedForm::Compressed(frame) => {
                self.totals.add_message(payload.len(), frame.payload().len());
                Prepared::Shared(frame)
            }
            SharedForm::NotKept => {
                self.compress(payload, own).map_or(Prepared::Plain, Prepared::Own)
            }
        }
    }

    pub(super) fn totals(&self) -> DeflateTotals {
        self.totals
    }

    /// Gives back what an idle connection has no use for.
    pub(super) fn release_idle(&mut self) {
        self.deflater.release_idle();
        self.release_output();
    }

    /// Gives back what is of no use between two messages.
    pub(super) fn release_output(&mut self) {
        if self.output.capacity() > 0 {
            self.pool.put_storage(std::mem::take(&mut self.output));
        }
    }

    /// Whether an idle connection has a history to give back.
    #[cfg(feature = "tokio")]
    pub(super) fn releases_history(&self) -> bool {
        self.deflater.releases_idle()
    }

    /// Whether a message was compressed since this was last asked.
    #[cfg(feature = "driver")]
    pub(super) fn take_used(&mut self) -> bool {
        let messages = self.totals.messages;
        std::mem::replace(&mut self.messages_seen, messages) != messages
    }

    pub(super) fn holds_memory(&self) -> bool {
        self.output.capacity() > 0
    }

    /// Empties the output; what one large message has made of it does not stay.
    fn prepare_output(&mut self) {
        if self.output.capacity() > KEPT {
            self.output = BytesMut::new();
        }
        if self.output.capacity() == 0 {
            self.output = self.pool.take_storage();
        }
        self.output.clear();
    }
}
