//! A connection in one pair of hands.

use std::{
    cell::RefCell,
    io,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Response;

use super::{
    messages::MessageIterator,
    reading::Reading,
    shared::Shared,
    split::{WebSocketReader, WebSocketWriter},
};
#[cfg(feature = "deflate")]
use crate::deflate::DeflateTotals;
use crate::{
    error::WebSocketError,
    frame::{CloseCode, MAX_CONTROL_PAYLOAD, Opcode, Role},
    handshake::Opened,
    message::{MessageRef, WebSocketMessage},
    net::stream::{Duplex, Stream},
    options::WebSocketOptions,
    protocol::{Connection, Outgoing, Received, WebSocketState},
};

/// A WebSocket connection over a blocking stream.
///
/// Messages are sent, pinged and closed through `&self`, so that this works
/// while an iterator over [`messages`](Self::messages) is alive. Receiving
/// [borrowed](Self::receive_ref) takes `&mut self`. For full duplex from two
/// threads, [`split`](Self::split) it.
///
/// Pings are answered, and the closing handshake is kept going, while something is
/// received: to send reads nothing. While a receive waits, the buffers of an idle connection
/// rest in the pool.
#[derive(Debug)]
pub struct WebSocketConnection<S = Stream> {
    reading: RefCell<Reading>,
    shared: Arc<Shared<S>>,
}

impl<S: Duplex> WebSocketConnection<S> {
    /// A connection over `stream`, on which the opening handshake is done.
    /// `received` is what was read behind it. Over a stream without timeouts,
    /// deadlines are only looked at when a read or a write comes back.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::IoError`] if the stream cannot be configured.
    pub fn from_stream(
        stream: S,
        role: Role,
        options: &WebSocketOptions,
        received: Bytes,
    ) -> Result<Self, WebSocketError> {
        Self::open(
            stream,
            Opened {
                connection: Connection::new(role, options, Instant::now()),
                received,
                subprotocol: None,
                response: None,
            },
        )
    }

    pub(super) fn open(stream: S, opened: Opened) -> Result<Self, WebSocketError> {
        let Opened { connection, received, subprotocol, response } = opened;
        let reading = Reading::new(connection.receiver, received);
        let shared = Shared::new(stream, connection.sender, subprotocol, response)?;
        Ok(Self { reading: RefCell::new(reading), shared: Arc::new(shared) })
    }

    pub(super) fn downgrade(&self) -> Weak<Shared<S>> {
        Arc::downgrade(&self.shared)
    }

    /// The subprotocol both ends agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.shared.subprotocol.as_deref()
    }

    /// The server's response to a client's opening handshake.
    pub fn response(&self) -> Option<&Response<()>> {
        self.shared.response.as_ref()
    }

    /// The stream below, for its addresses and options. To read or write it
    /// would break the connection.
    pub fn stream(&self) -> &S {
        &self.shared.stream
    }

    /// How far the connection is.
    pub fn state(&self) -> WebSocketState {
        self.shared.state()
    }

    /// Sends a message, and all that was [written](Self::write) before it: text or
    /// bytes, borrowed or owned, a [`WebSocketMessage`], or
    /// a [`PreparedMessage`](crate::PreparedMessage), each by the cheapest way there is
    /// for it.
    ///
    /// # Errors
    ///
    /// [`ConnectionClosed`](WebSocketError::ConnectionClosed) after a close
    /// frame, [`NotSent`](WebSocketError::NotSent) if RFC 6455 does not allow the
    /// message, [`Timeout`](WebSocketError::Timeout) if the peer takes nothing,
    /// and errors of the transport. An echoed close frame is no error: the
    /// first one stands.
    pub fn send(&self, message: impl Outgoing) -> Result<(), WebSocketError> {
        self.shared.send(message.payload_len(), |sender| message.write_to(sender))
    }

    /// Sends the next fragment of a message; the one with `fin` ends it.
    /// `opcode` is [`Opcode::Text`] or [`Opcode::Binary`] for all of them.
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
    /// [`send`](Self::send): many small messages then share one system call.
    /// Sends what is queued first if there is no room.
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
    /// As [`send`](Self::send), and
    /// [`ConnectionLost`](WebSocketError::ConnectionLost) if a receive has found the
    /// transport lost before all of it was sent.
    pub fn flush(&self) -> Result<(), WebSocketError> {
        self.shared.flush()
    }

    /// Sends a ping of at most 125 bytes; its pong comes among the messages.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn ping(&self, payload: impl AsRef<[u8]>) -> Result<(), WebSocketError> {
        let payload = payload.as_ref();
        self.shared.send(MAX_CONTROL_PAYLOAD, |sender| sender.write_ping(payload))
    }

    /// Sends a pong of at most 125 bytes. Pings are answered without it.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn pong(&self, payload: impl AsRef<[u8]>) -> Result<(), WebSocketError> {
        let payload = payload.as_ref();
        self.shared.send(MAX_CONTROL_PAYLOAD, |sender| sender.write_pong(payload))
    }

    /// Closes the connection: sends a close frame, waits for the peer's, and
    /// sees the transport to its end, for
    /// [`Limits::close_timeout`](crate::Limits::close_timeout) at most. Messages
    /// that arrive meanwhile are dropped; to receive them, use
    /// [`start_close`](Self::start_close). On a closed connection this is no
    /// error.
    ///
    /// A peer that has to be read before it reads on is read while the close frame waits to
    /// be sent. Over a stream that cannot but wait ([`Duplex::try_write`]) the frame is sent
    /// first, and such a peer holds it up for
    /// [`Limits::write_stall`](crate::Limits::write_stall).
    ///
    /// # Errors
    ///
    /// [`NotSent`](WebSocketError::NotSent) if the code may not be sent or the
    /// reason is longer than 123 bytes,
    /// [`Timeout`](WebSocketError::Timeout) if the peer does not answer, what else it
    /// does wrong meanwhile, and errors of the transport.
    pub fn close(&self, code: impl Into<CloseCode>, reason: &str) -> Result<(), WebSocketError> {
        self.reading.borrow_mut().close(&self.shared, code.into(), reason)
    }

    /// Sends a close frame and goes on receiving: the peer's close frame comes
    /// behind its last message.
    ///
    /// # Errors
    ///
    /// As [`close`](Self::close).
    pub fn start_close(
        &self,
        code: impl Into<CloseCode>,
        reason: &str,
    ) -> Result<(), WebSocketError> {
        let code = code.into();
        self.shared.send(MAX_CONTROL_PAYLOAD, |sender| sender.write_close(code, reason))
    }

    /// The next message, owning its bytes; `None` once the connection is closed.
    ///
    /// # Errors
    ///
    /// What the peer did wrong, a timeout, or an error of the transport; after
    /// any but the [read timeout](Self::set_read_timeout) the connection is over. And
    /// [`OtherWay`](WebSocketError::OtherWay), inside a message of which there are chunks.
    pub fn receive(&self) -> Result<Option<WebSocketMessage>, WebSocketError> {
        self.reading.borrow_mut().next_message(&self.shared)
    }

    /// The next message, borrowed from the read buffer: no allocation, no copy,
    /// no reference count. `None` once the connection is closed.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    #[inline]
    pub fn receive_ref(&mut self) -> Result<Option<MessageRef<'_>>, WebSocketError> {
        self.reading.get_mut().next_ref(&self.shared)
    }

    /// The next piece of a message as it arrives, or the next control frame;
    /// `None` once the connection is closed. Memory is bounded by the read
    /// buffer, whatever the message's size.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn receive_chunk(&mut self) -> Result<Option<Received<'_>>, WebSocketError> {
        self.reading.get_mut().next_chunk(&self.shared)
    }

    /// An iterator over the messages, that ends when the connection is closed or
    /// after the first error.
    pub fn messages(&self) -> MessageIterator<'_, S> {
        MessageIterator::new(self)
    }

    /// Whether another whole frame is received already: a reader that only
    /// wants the latest state may skip to it.
    pub fn has_buffered_message(&self) -> bool {
        self.reading.borrow_mut().receiver.has_buffered_frame()
    }

    /// What compression has come to in each direction, sent and received; `None`
    /// if the handshake did not agree on it.
    #[cfg(feature = "deflate")]
    pub fn deflate_totals(&self) -> Option<(DeflateTotals, DeflateTotals)> {
        let received = self.reading.borrow().receiver.inflate_totals()?;
        Some((self.shared.deflate_totals()?, received))
    }

    /// When the bytes of the last message were read, or the last of them.
    pub fn read_at(&self) -> Instant {
        self.reading.borrow().receiver.read_at()
    }

    /// How long the peer took to answer the last keepalive ping that it answered,
    /// `None` before the first. Only a peer that is silent for
    /// [`Limits::idle_ping`](crate::Limits::idle_ping) is pinged.
    pub fn round_trip(&self) -> Option<Duration> {
        self.shared.round_trip()
    }

    /// Bounds each receive; `None`, the default, waits for ever, and zero takes what is
    /// there. A receive that times out loses nothing. A peer that has closed or has broken a
    /// rule is answered before that: one that takes nothing meanwhile holds the receive up
    /// for [`Limits::write_stall`](crate::Limits::write_stall).
    pub fn set_read_timeout(&self, timeout: Option<Duration>) {
        self.reading.borrow_mut().timeout = timeout;
    }

    /// Takes the directions apart, for two threads: neither waits for the other.
    pub fn split(self) -> (WebSocketReader<S>, WebSocketWriter<S>)
    where
        S: Sync,
    {
        let Self { reading, shared } = self;
        let reader = WebSocketReader::new(reading.into_inner(), Arc::clone(&shared));
        (reader, WebSocketWriter::new(shared))
    }

    /// Closes the transport at once, without a close frame.
    ///
    /// # Errors
    ///
    /// [`WebSocketError::IoError`] of the transport.
    pub fn abort(self) -> io::Result<()> {
        self.shared.stream.shutdown()
    }
}
