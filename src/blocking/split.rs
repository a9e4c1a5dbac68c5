//! The two directions of a connection, for two threads.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use http::Response;

use super::{reading::Reading, shared::Shared};
#[cfg(feature = "deflate")]
use crate::deflate::DeflateTotals;
use crate::{
    error::WebSocketError,
    frame::{CloseCode, MAX_CONTROL_PAYLOAD, Opcode},
    message::{MessageRef, WebSocketMessage},
    net::stream::{Duplex, Stream},
    protocol::{Outgoing, Received, WebSocketState},
};

/// The receiving half of a connection.
///
/// It answers pings and close frames itself, without ever waiting for a writer:
/// if one is sending, that one sends the answer next.
#[derive(Debug)]
pub struct WebSocketReader<S = Stream> {
    reading: Reading,
    shared: Arc<Shared<S>>,
}

impl<S: Duplex> WebSocketReader<S> {
    pub(super) fn new(reading: Reading, shared: Arc<Shared<S>>) -> Self {
        Self { reading, shared }
    }

    /// The subprotocol both ends agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.shared.subprotocol.as_deref()
    }

    /// The server's response to a client's opening handshake.
    pub fn response(&self) -> Option<&Response<()>> {
        self.shared.response.as_ref()
    }

    /// The next message, owning its bytes; `None` once the connection is closed.
    ///
    /// # Errors
    ///
    /// As [`WebSocketConnection::receive`](super::WebSocketConnection::receive).
    pub fn receive(&mut self) -> Result<Option<WebSocketMessage>, WebSocketError> {
        self.reading.next_message(&self.shared)
    }

    /// The next message, borrowed from the read buffer; `None` once the
    /// connection is closed.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    #[inline]
    pub fn receive_ref(&mut self) -> Result<Option<MessageRef<'_>>, WebSocketError> {
        self.reading.next_ref(&self.shared)
    }

    /// The next piece of a message as it arrives, or the next control frame;
    /// `None` once the connection is closed.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn receive_chunk(&mut self) -> Result<Option<Received<'_>>, WebSocketError> {
        self.reading.next_chunk(&self.shared)
    }

    /// Whether another whole frame is received already.
    pub fn has_buffered_message(&mut self) -> bool {
        self.reading.receiver.has_buffered_frame()
    }

    /// What compression has come to in the messages received; `None` if the
    /// handshake did not agree on it.
    #[cfg(feature = "deflate")]
    pub fn deflate_totals(&self) -> Option<DeflateTotals> {
        self.reading.receiver.inflate_totals()
    }

    /// When the bytes of the last message were read, or the last of them.
    pub fn read_at(&self) -> Instant {
        self.reading.receiver.read_at()
    }

    /// How long the peer took to answer the last keepalive ping that it answered.
    pub fn round_trip(&self) -> Option<Duration> {
        self.shared.round_trip()
    }

    /// Bounds each receive; `None`, the default, waits for ever, and zero takes what is
    /// there; as [`WebSocketConnection`](super::WebSocketConnection)'s.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.reading.timeout = timeout;
    }
}

impl<S: Duplex> Iterator for WebSocketReader<S> {
    type Item = Result<WebSocketMessage, WebSocketError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.receive().transpose()
    }
}

/// The sending half of a connection. Clones send on the same connection, whole
/// messages at a time.
#[derive(Debug)]
pub struct WebSocketWriter<S = Stream> {
    shared: Arc<Shared<S>>,
}

impl<S: Duplex> WebSocketWriter<S> {
    pub(super) fn new(shared: Arc<Shared<S>>) -> Self {
        Self { shared }
    }

    /// The subprotocol both ends agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.shared.subprotocol.as_deref()
    }

    /// The server's response to a client's opening handshake.
    pub fn response(&self) -> Option<&Response<()>> {
        self.shared.response.as_ref()
    }

    /// How far the connection is.
    pub fn state(&self) -> WebSocketState {
        self.shared.state()
    }

    /// How long the peer took to answer the last keepalive ping that it answered.
    pub fn round_trip(&self) -> Option<Duration> {
        self.shared.round_trip()
    }

    /// Sends a message, and all that was written before it.
    ///
    /// # Errors
    ///
    /// As [`WebSocketConnection::send`](super::WebSocketConnection::send).
    pub fn send(&self, message: impl Outgoing) -> Result<(), WebSocketError> {
        self.shared.send(message.payload_len(), |sender| message.write_to(sender))
    }

    /// Sends the next fragment of a message; the one with `fin` ends it.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_fragment(
        &self,
        opcode: Opcode,
        payload: &[u8],
        fin: bool,
    ) -> Result<(), WebSocketError> {
        self.shared.send(payload.len(), |sender| sender.write_fragment(opcode, payload, fin))
    }

    /// Queues a message for the next [`flush`](Self::flush) or
    /// [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn write(&self, message: impl Outgoing) -> Result<(), WebSocketError> {
        self.shared.write(message.payload_len(), |sender| message.write_to(sender))
    }

    /// Sends what is queued.
    ///
    /// # Errors
    ///
    /// As [`WebSocketConnection::flush`](super::WebSocketConnection::flush).
    pub fn flush(&self) -> Result<(), WebSocketError> {
        self.shared.flush()
    }

    /// What compression has come to in the messages sent; `None` if the handshake
    /// did not agree on it.
    #[cfg(feature = "deflate")]
    pub fn deflate_totals(&self) -> Option<DeflateTotals> {
        self.shared.deflate_totals()
    }

    /// Sends a ping of at most 125 bytes.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn ping(&self, payload: impl AsRef<[u8]>) -> Result<(), WebSocketError> {
        let payload = payload.as_ref();
        self.shared.send(MAX_CONTROL_PAYLOAD, |sender| sender.write_ping(payload))
    }

    /// Sends a close frame. The reader receives what the peer still sends, then
    /// its close frame, then the end.
    ///
    /// # Errors
    ///
    /// As [`WebSocketConnection::close`](super::WebSocketConnection::close).
    pub fn close(&self, code: impl Into<CloseCode>, reason: &str) -> Result<(), WebSocketError> {
        let code = code.into();
        self.shared.send(MAX_CONTROL_PAYLOAD, |sender| sender.write_close(code, reason))
    }

    /// Closes the transport at once, without a close frame; wakes the reader.
    ///
    /// # Errors
    ///
    /// Those of the transport.
    pub fn abort(&self) -> io::Result<()> {
        self.shared.stream.shutdown()
    }
}

impl<S> Clone for WebSocketWriter<S> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}
