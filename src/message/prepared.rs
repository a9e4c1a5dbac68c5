//! A message that is encoded once and sent to many.

use std::sync::Arc;
#[cfg(feature = "deflate")]
use std::sync::OnceLock;

#[cfg(feature = "deflate")]
use bytes::BytesMut;

use super::encoded::EncodedFrame;
#[cfg(feature = "deflate")]
use crate::deflate::Setup;
use crate::{
    frame::{FrameHeader, Opcode},
    simd::Utf8Bytes,
};

/// A text or binary message encoded once, for any number of connections.
///
/// A server's frames are not masked, so every client gets the same bytes. A frame of
/// 4 KiB or more is queued by reference, neither encoded nor copied again; of a shorter
/// one the payload is copied behind a header, for less than an entry of its own in a
/// vectored write would cost. A client has to mask, and so copies the payload like that
/// of any other message.
///
/// For connections with permessage-deflate and without context takeover it is
/// compressed once as well, by the first one that sends it, and the compressed
/// bytes are shared in the same way. With context takeover every connection has
/// a history of its own and compresses the message for itself.
///
/// ```
/// let tick = wirespeed::PreparedMessage::text(r#"{"bid":"25.35"}"#);
/// let copy = tick.clone(); // a reference count
/// assert_eq!(copy.payload(), tick.payload());
/// ```
#[derive(Debug, Clone)]
pub struct PreparedMessage(Arc<Prepared>);

#[derive(Debug)]
struct Prepared {
    frame: EncodedFrame,
    #[cfg(feature = "deflate")]
    compressed: [OnceLock<CompressedForm>; KEPT_FORMS],
}

/// Compressed forms that a message keeps: one for the window of most clients, one
/// for those that ask for a smaller one.
#[cfg(feature = "deflate")]
const KEPT_FORMS: usize = 2;

/// What compressors of one setup make of the message.
#[cfg(feature = "deflate")]
#[derive(Debug)]
struct CompressedForm {
    setup: Setup,
    /// `None` if compressing it is not worth while.
    frame: Option<EncodedFrame>,
}

/// How a message is sent by all connections of one setup.
#[cfg(feature = "deflate")]
pub(crate) enum SharedForm<'a> {
    Compressed(&'a EncodedFrame),
    Plain,
    /// There are more setups than forms are kept: compress it for yourself.
    NotKept,
}

impl PreparedMessage {
    /// A text message.
    pub fn text(text: impl Into<Utf8Bytes>) -> Self {
        Self::encode(Opcode::Text, text.into().as_bytes())
    }

    /// A binary message.
    pub fn binary(payload: impl AsRef<[u8]>) -> Self {
        Self::encode(Opcode::Binary, payload.as_ref())
    }

    fn encode(opcode: Opcode, payload: &[u8]) -> Self {
        Self(Arc::new(Prepared {
            frame: EncodedFrame::new(FrameHeader::new(opcode, 0), payload),
            #[cfg(feature = "deflate")]
            compressed: Default::default(),
        }))
    }

    /// The payload.
    pub fn payload(&self) -> &[u8] {
        self.0.frame.payload()
    }

    /// [`Opcode::Text`] or [`Opcode::Binary`].
    pub fn opcode(&self) -> Opcode {
        self.0.frame.header().opcode
    }

    /// The frame, not compressed.
    pub(crate) fn frame(&self) -> &EncodedFrame {
        &self.0.frame
    }

    /// The form that connections of this setup share. If it does not exist yet,
    /// `compress` makes it, and says whether it is worth while; whoever asks
    /// meanwhile waits for it.
    #[cfg(feature = "deflate")]
    pub(crate) fn compressed(
        &self,
        setup: Setup,
        compress: impl FnOnce(&mut BytesMut) -> bool,
    ) -> SharedForm<'_> {
        let mut compress = Some(compress);
        for slot in &self.0.compressed {
            let form = slot.get_or_init(|| {
                let mut payload = BytesMut::new();
                // Slots are filled one after the other, and the first that is empty
                // is the last that is looked at: this runs once.
                let worthwhile = compress.take().is_some_and(|compress| compress(&mut payload));
                let header = FrameHeader { rsv1: true, ..self.0.frame.header() };
                let frame = worthwhile.then(|| EncodedFrame::new(header, &payload));
                CompressedForm { setup, frame }
            });
            if form.setup == setup {
                return form.frame.as_ref().map_or(SharedForm::Plain, SharedForm::Compressed);
            }
        }
        SharedForm::NotKept
    }
}
