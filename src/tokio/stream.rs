//! A connection in the hands of one task.

use std::{
    future::poll_fn,
    task::Poll,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Response;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    MaybeTlsStream,
    agreed::Agreed,
    lines::{Outlet, Whole},
    messages::{MessageReader, MessageWriter},
    reading::Reading,
    split::{Halves, SplitStream, WebSocketReader, WebSocketWriter},
    timer::now,
    wakers::Wakers,
};
#[cfg(feature = "deflate")]
use crate::deflate::DeflateTotals;
use crate::{
    error::WebSocketError,
    frame::{CloseCode, Opcode, Role},
    handshake::Opened,
    message::{MessageRef, WebSocketMessage},
    options::WebSocketOptions,
    protocol::{Connection, Outgoing, Received, WebSocketState},
};

/// A WebSocket connection over an asynchronous byte stream.
///
/// Pings are answered, and the closing handshake is kept going, while messages are
/// received: the methods that send read nothing. What the stream does not take of an
/// answer at once leaves with whatever is received or sent next. What was
/// [written](Self::write) is sent by [`flush`](Self::flush) or [`send`](Self::send), or
/// at the latest when a receive has to wait. While a receive waits, an idle connection
/// holds no buffers.
///
/// It is also a [`Stream`](futures_core::Stream) of messages and
/// a [`Sink`](futures_sink::Sink) for them. To receive and send in different
/// tasks, [`split`](Self::split) it.
///
/// # Cancel safety
///
/// Every future of this type may be dropped at any time: its progress is kept in
/// the connection, and the same call made again goes on where it stopped. Those that
/// are given a message, as [`write`](Self::write) and [`send`](Self::send), are not to
/// be called again with it: it is queued whole or dropped whole, and each says when.
///
/// # Time
///
/// Deadlines are kept while a future is polled, by the clock of the runtime, which
/// has to have its timer enabled.
#[derive(Debug)]
pub struct WebSocketStream<S = MaybeTlsStream> {
    pub(super) reading: Reading,
    pub(super) lines: Whole<S>,
    agreed: Agreed,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocketStream<S> {
    /// A connection over `stream`, on which the opening handshake is done.
    /// `received` is what was read behind it.
    pub fn from_stream(stream: S, role: Role, options: &WebSocketOptions, received: Bytes) -> Self {
        let connection = Connection::new(role, options, now());
        Self::open(stream, Opened { connection, received, subprotocol: None, response: None })
    }

    pub(super) fn open(stream: S, opened: Opened) -> Self {
        let Opened { connection, received, subprotocol, response } = opened;
        let Connection { receiver, sender } = connection;
        let wakers = Wakers::new();
        Self {
            reading: Reading::new(receiver, &sender, received, wakers.of_timers().clone()),
            lines: Whole::new(stream, sender, wakers),
            agreed: Agreed::new(subprotocol, response),
        }
    }

    /// The subprotocol both ends agreed on.
    pub fn subprotocol(&self) -> Option<&str> {
        self.agreed.subprotocol()
    }

    /// The server's answer to the upgrade, for its headers; at a client that
    /// performed it.
    pub fn response(&self) -> Option<&Response<()>> {
        self.agreed.response()
    }

    /// The stream below, for its addresses and options. To read or write it
    /// would break the connection.
    pub fn get_ref(&self) -> &S {
        &self.lines.stream
    }

    /// How far the connection is.
    pub fn state(&self) -> WebSocketState {
        self.lines.signals().state()
    }

    /// The next message, owning its bytes; `None` once the connection is closed.
    ///
    /// After an error, to receive again sees the closing handshake and the
    /// transport to their end.
    ///
    /// Cancel safe: no message is lost.
    ///
    /// # Errors
    ///
    /// What the peer did wrong, a timeout, or an error of the transport; after
    /// any of them the connection is over. And [`OtherWay`](WebSocketError::OtherWay),
    /// inside a message of which there are chunks.
    pub async fn receive(&mut self) -> Result<Option<WebSocketMessage>, WebSocketError> {
        self.reading.receive(&mut self.lines).await
    }

    /// The next message, borrowed from the read buffer: no allocation, no copy,
    /// no reference count. `None` once the connection is closed.
    ///
    /// Cancel safe: no message is lost.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    #[inline]
    pub async fn receive_ref(&mut self) -> Result<Option<MessageRef<'_>>, WebSocketError> {
        self.reading.receive_ref(&mut self.lines).await
    }

    /// The next message if it is received already: all messages that came with
    /// one read can be had without waiting in between.
    ///
    /// ```
    /// # async fn echo(mut ws: wirespeed::tokio::WebSocketStream<tokio::net::TcpStream>)
    /// # -> Result<(), wirespeed::WebSocketError> {
    /// while let Some(first) = ws.receive().await? {
    ///     let mut next = Some(first);
    ///     while let Some(message) = next {
    ///         if message.is_data() {
    ///             ws.write(message).await?;
    ///         }
    ///         next = ws.try_receive()?;
    ///     }
    ///     ws.flush().await?; // one system call for the whole batch
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn try_receive(&mut self) -> Result<Option<WebSocketMessage>, WebSocketError> {
        self.reading.try_receive(&mut self.lines)
    }

    /// The next message if it is received already, borrowed from the read buffer;
    /// see [`try_receive`](Self::try_receive).
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    #[inline]
    pub fn try_receive_ref(&mut self) -> Result<Option<MessageRef<'_>>, WebSocketError> {
        self.reading.try_receive_ref(&mut self.lines)
    }

    /// The next piece of a message as it arrives, or the next control frame;
    /// `None` once the connection is closed. Memory is bounded by the read
    /// buffer, whatever the message's size.
    ///
    /// Cancel safe: no piece is lost.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive), with [`OtherWay`](WebSocketError::OtherWay) inside
    /// a message that a receive which was dropped has begun.
    pub async fn receive_chunk(&mut self) -> Result<Option<Received<'_>>, WebSocketError> {
        self.reading.receive_chunk(&mut self.lines).await
    }

    /// Waits for the next message and gives it to be read as it arrives; `None`
    /// once the connection is closed. Control frames that come before it, or
    /// inside it, are answered and not shown.
    ///
    /// Cancel safe: no message is lost.
    ///
    /// # Errors
    ///
    /// As [`receive_chunk`](Self::receive_chunk).
    pub async fn receive_reader(
        &mut self,
    ) -> Result<Option<MessageReader<'_, Self>>, WebSocketError> {
        MessageReader::next(self).await
    }

    /// Whether another whole frame is received already: a reader that only
    /// wants the latest state may skip to it.
    pub fn has_buffered_message(&mut self) -> bool {
        self.reading.has_buffered_frame()
    }

    /// What compression has come to in each direction, sent and received; `None`
    /// if the handshake did not agree on it.
    #[cfg(feature = "deflate")]
    pub fn deflate_totals(&self) -> Option<(DeflateTotals, DeflateTotals)> {
        let received = self.reading.receiver.inflate_totals()?;
        Some((self.lines.deflate_totals()?, received))
    }

    /// When the bytes of the last message were read, or the last of them.
    pub fn read_at(&self) -> Instant {
        self.reading.receiver.read_at()
    }

    /// How long the peer took to answer the last keepalive ping that it answered,
    /// `None` before the first. Only a peer that is silent for
    /// [`Limits::idle_ping`](crate::Limits::idle_ping) is pinged.
    pub fn round_trip(&self) -> Option<Duration> {
        self.reading.receiver.round_trip()
    }

    /// Sends a message, and all that was [written](Self::write) before it.
    ///
    /// Cancel safe, as [`write`](Self::write) followed by [`flush`](Self::flush):
    /// the message is dropped if it still waited for room, and goes with the next
    /// flush otherwise. Call the two where the difference matters.
    ///
    /// # Errors
    ///
    /// [`ConnectionClosed`](WebSocketError::ConnectionClosed) after a close
    /// frame, [`NotSent`](WebSocketError::NotSent) if RFC 6455 does not allow the
    /// message, [`Timeout`](WebSocketError::Timeout) if the peer takes nothing,
    /// [`ConnectionLost`](WebSocketError::ConnectionLost) if whoever received has found
    /// the transport lost before all was sent, and errors of the transport.
    pub async fn send(&mut self, message: impl Outgoing) -> Result<(), WebSocketError> {
        let mut message = Some(message);
        poll_fn(|cx| self.lines.poll_message(cx, &mut message, true)).await
    }

    /// Queues a message for the next [`flush`](Self::flush) or
    /// [`send`](Self::send): many small messages then share one system call.
    /// Waits only if there is no room, and sends what is queued meanwhile.
    ///
    /// Cancel safe: the message is queued when this is ready, and was not if it is
    /// dropped before.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn write(&mut self, message: impl Outgoing) -> Result<(), WebSocketError> {
        match self.lines.write_at_once(message) {
            Ok(written) => written,
            Err(message) => {
                let mut message = Some(message);
                poll_fn(|cx| self.lines.poll_message(cx, &mut message, false)).await
            }
        }
    }

    /// Sends what is queued.
    ///
    /// Cancel safe: what was not sent stays queued.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn flush(&mut self) -> Result<(), WebSocketError> {
        poll_fn(|cx| self.lines.poll_flush(cx)).await
    }

    /// A message of any size to be sent as it is produced, in fragments.
    /// `opcode` is [`Opcode::Text`] or [`Opcode::Binary`].
    pub fn send_writer(&mut self, opcode: Opcode) -> MessageWriter<'_, Self> {
        MessageWriter::new(self, opcode)
    }

    /// Sends a ping of at most 125 bytes; its pong comes among the messages.
    ///
    /// Cancel safe, as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn ping(&mut self, payload: impl Into<Bytes>) -> Result<(), WebSocketError> {
        self.send(WebSocketMessage::Ping(payload.into())).await
    }

    /// Sends a pong of at most 125 bytes. To receive answers pings without it, unless
    /// [`auto_pong`](WebSocketOptions::auto_pong) is off.
    ///
    /// Cancel safe, as [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn pong(&mut self, payload: impl Into<Bytes>) -> Result<(), WebSocketError> {
        self.send(WebSocketMessage::Pong(payload.into())).await
    }

    /// Closes the connection: sends a close frame, waits for the peer's, and
    /// sees the transport to its end, for
    /// [`Limits::close_timeout`](crate::Limits::close_timeout) at most. Messages
    /// that arrive meanwhile are dropped; to receive them, use
    /// [`start_close`](Self::start_close). On a closed connection this is no
    /// error.
    ///
    /// Cancel safe: the close frame is queued at the first poll; to close again
    /// goes on with the first close.
    ///
    /// # Errors
    ///
    /// [`NotSent`](WebSocketError::NotSent) if the code may not be sent or the
    /// reason is longer than 123 bytes,
    /// [`Timeout`](WebSocketError::Timeout) if the peer does not answer, what else it
    /// does wrong meanwhile, and errors of the transport.
    pub async fn close(
        &mut self,
        code: impl Into<CloseCode>,
        reason: &str,
    ) -> Result<(), WebSocketError> {
        let code = code.into();
        poll_fn(|cx| {
            if let Poll::Ready(Err(error)) = self.lines.poll_close_frame(cx, code, reason) {
                return Poll::Ready(Err(error));
            }
            // Sent or not: a peer that has to be read before it reads on would be waited
            // for in vain.
            self.reading.poll_close(cx, &mut self.lines)
        })
        .await
    }

    /// Sends a close frame. To receive goes on: the peer's close frame comes
    /// behind its last message.
    ///
    /// Cancel safe: the close frame is queued at the first poll.
    ///
    /// # Errors
    ///
    /// As [`close`](Self::close).
    pub async fn start_close(
        &mut self,
        code: impl Into<CloseCode>,
        reason: &str,
    ) -> Result<(), WebSocketError> {
        let code = code.into();
        poll_fn(|cx| self.lines.poll_close_frame(cx, code, reason)).await
    }

    /// Takes the directions apart, for two tasks: neither waits for the other.
    ///
    /// Over a stream that is not a [`SplitStream`], use
    /// [`split_with`](Self::split_with).
    pub fn split(self) -> Halves<S>
    where
        S: SplitStream,
    {
        self.split_with(S::split)
    }

    /// Takes the directions apart, over halves of the stream that `split` makes;
    /// [`tokio::io::split`] makes them of any stream.
    pub fn split_with<R, W>(
        self,
        split: impl FnOnce(S) -> (R, W),
    ) -> (WebSocketReader<R, W>, WebSocketWriter<W>)
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let Self { reading, lines, agreed } = self;
        let (inlet, outlet) = lines.split(split);
        let writer = WebSocketWriter::new(outlet, agreed.clone());
        (WebSocketReader::new(reading, inlet, agreed), writer)
    }
}
