//! Frames on their way into the write queue.

use bytes::Bytes;

use super::keys::MaskKeys;
use crate::{
    buffer::{BY_REFERENCE, WriteQueue},
    frame::{FrameHeader, HeaderBytes, Opcode, Role},
    message::EncodedFrame,
    options::WebSocketOptions,
    simd::{Kernels, Mask},
};

/// The write queue with what a frame needs to get there: the kernels that copy and
/// mask it, and a client's keys.
#[derive(Debug)]
pub(super) struct FrameQueue {
    pub(super) kernels: &'static Kernels,
    pub(super) role: Role,
    pub(super) queue: WriteQueue,
    keys: MaskKeys,
}

impl FrameQueue {
    pub(super) fn new(role: Role, options: &WebSocketOptions) -> Self {
        Self {
            kernels: Kernels::active(),
            role,
            queue: WriteQueue::new(options.pool.clone()),
            keys: MaskKeys::new(options.mask_source),
        }
    }

    /// Queues a frame, masked if we are a client.
    ///
    /// Inlined with all that it calls, up to the kernel: the header stays in registers.
    /// To pass it on through memory would take longer than a small frame does.
    #[inline(always)]
    pub(super) fn push(&mut self, header: FrameHeader, payload: &[u8]) {
        let (header, mask) = self.encode(header);
        self.queue.push(self.kernels, header, payload, mask);
    }

    /// Queues a control frame.
    pub(super) fn push_control(&mut self, opcode: Opcode, payload: &[u8]) {
        self.push(FrameHeader::new(opcode, payload.len() as u64), payload);
    }

    /// Queues a whole message that was compressed (RFC 7692, 6).
    #[cfg(feature = "deflate")]
    pub(super) fn push_compressed(&mut self, opcode: Opcode, payload: &[u8]) {
        let header = FrameHeader::new(opcode, payload.len() as u64);
        self.push(FrameHeader { rsv1: true, ..header }, payload);
    }

    /// Queues a frame, by reference if the payload is large and need not be masked.
    pub(super) fn push_owned(&mut self, header: FrameHeader, payload: Bytes) {
        if self.refers_to(payload.len()) {
            self.queue.push_shared(header.encode(), payload);
        } else {
            self.push(header, &payload);
        }
    }

    /// Queues a frame that others send as well, in the same way.
    pub(super) fn push_encoded(&mut self, frame: &EncodedFrame) {
        if self.refers_to(frame.bytes().len()) {
            self.queue.push_encoded(frame.bytes().clone());
        } else {
            self.push(frame.header(), frame.payload());
        }
    }

    fn refers_to(&self, len: usize) -> bool {
        self.role == Role::Server && len >= BY_REFERENCE
    }

    #[inline(always)]
    fn encode(&mut self, mut header: FrameHeader) -> (HeaderBytes, Mask) {
        if self.role == Role::Server {
            return (header.encode(), Mask::NONE);
        }
        let key = self.keys.next_key();
        header.mask = Some(key);
        (header.encode(), Mask::new(key))
    }
}
