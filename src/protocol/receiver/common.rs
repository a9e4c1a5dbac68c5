//! Frames in their common form, whole and plain: the shortest way through the parser.

use super::{InPlace, Phase, Receiver};
use crate::{
    frame::Opcode,
    message::{MessageRef, WebSocketMessage},
    protocol::{
        ReceiveError,
        progress::{Progress, Way},
    },
    simd::{Mask, Utf8Error},
};

/// A frame with a length of one or two bytes, all of it in the buffer, that is no
/// longer than a frame may be.
struct CommonFrame {
    header_len: usize,
    mask: Mask,
    len: usize,
}

impl Receiver {
    /// Looks for a message in the common case, at once: whole, unfragmented, with a
    /// length of one or two bytes. [`find`](Self::find) finds it, too, and everything
    /// else.
    ///
    /// Who looks here first, and has the rest out of line, keeps the whole way of a
    /// common message in registers. A [`Found`](super::Found) has to go through memory; so has what
    /// any of these functions returns if it is not inlined, and its reader waits for
    /// the stores longer than all the rest takes.
    #[inline(always)]
    pub(crate) fn find_in_place(&mut self) -> Option<InPlace> {
        if self.course.phase != Phase::Message {
            return None;
        }
        let opcode = match self.buffer.filled().first()? {
            0x81 => Opcode::Text,
            0x82 => Opcode::Binary,
            _ => return None,
        };
        let CommonFrame { header_len, mask, len } = self.common_frame()?;
        self.buffer.skip(header_len);
        Some(InPlace { opcode, mask, len })
    }

    /// Hands out a message that was found in place, borrowed.
    #[inline(always)]
    pub(crate) fn open_in_place(
        &mut self,
        message: InPlace,
    ) -> Result<MessageRef<'_>, ReceiveError> {
        let payload = self.buffer.take(message.len);
        if message.opcode != Opcode::Text {
            self.kernels.mask(payload, message.mask);
            return Ok(MessageRef::Binary(payload));
        }
        match self.kernels.unmask_text(payload, message.mask) {
            Ok(text) => Ok(MessageRef::Text(text)),
            Err(error) => Err(self.course.fail_text(error)),
        }
    }

    /// Hands out a message that was found in place, owning its bytes.
    #[inline(always)]
    pub(crate) fn take_in_place(
        &mut self,
        message: InPlace,
    ) -> Result<WebSocketMessage, ReceiveError> {
        let InPlace { opcode, mask, len } = message;
        if opcode != Opcode::Text {
            self.kernels.mask(&mut self.buffer.filled()[..len], mask);
            return Ok(WebSocketMessage::Binary(self.buffer.split(len)));
        }
        match self.buffer.split_text(self.kernels, len, mask) {
            Ok(text) => Ok(WebSocketMessage::Text(text)),
            Err(error) => Err(self.course.fail_text(error)),
        }
    }

    /// Assembles fragments in the common case, at once, and says whether they ended
    /// their message: plain ones, whole and not empty, within the limits. What it
    /// leaves, the steps of [`find`](Self::find) go on with.
    #[inline]
    pub(super) fn gather(&mut self) -> Result<bool, Utf8Error> {
        loop {
            let Some(first) = self.buffer.filled().first().copied() else { return Ok(false) };
            let Some(frame) = self.common_frame() else { return Ok(false) };
            let CommonFrame { header_len, mask, len } = frame;
            let before = match (self.course.phase, first, &self.message) {
                (Phase::Message, 0x01 | 0x02, _) => None,
                (Phase::Fragment, 0x00 | 0x80, Some(message)) if !message.compressed => {
                    Some(message)
                }
                _ => return Ok(false),
            };
            if !self.rules.is_common(len, before) {
                return Ok(false);
            }
            let message = match &mut self.message {
                Some(message) => message,
                none => {
                    let opcode = if first == 0x01 { Opcode::Text } else { Opcode::Binary };
                    let message =
                        none.insert(Progress::new(opcode, false, Way::Whole, self.idle.heard_at()));
                    message.begin(&mut self.assembly);
                    message
                }
            };
            message.len += len as u64;
            message.fragments += 1;
            message.begun = true;
            self.buffer.skip(header_len);
            self.assembly.push(self.kernels, self.buffer.take(len), mask)?;
            let fin = first == 0x80;
            self.course.phase = Phase::behind_frame(fin);
            if fin {
                self.message = None;
                return Ok(true);
            }
        }
    }

    /// The next frame behind its first byte, if it has the common form and is received.
    #[inline(always)]
    fn common_frame(&mut self) -> Option<CommonFrame> {
        let filled = &*self.buffer.filled();
        let [_, second, rest @ ..] = filled else { return None };
        // The mask bit on the wrong side makes this 128 or more.
        let short = second ^ if self.rules.masked { 0x80 } else { 0 };
        let (length_bytes, len) = match (short, rest) {
            (0..=125, _) => (0, usize::from(short)),
            (126, [high, low, ..]) => (2, usize::from(*high) << 8 | usize::from(*low)),
            _ => return None,
        };
        if length_bytes == 2 && len < 126 || len as u64 > self.rules.frame {
            return None;
        }
        let (header_len, mask) = if self.rules.masked {
            (6 + length_bytes, Mask::new(*rest.get(length_bytes..)?.first_chunk()?))
        } else {
            (2 + length_bytes, Mask::NONE)
        };
        (filled.len() >= header_len + len).then_some(CommonFrame { header_len, mask, len })
    }
}
