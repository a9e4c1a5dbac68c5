//! The two directions of a connection, for two tasks.

use std::{
    future::poll_fn,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Response;
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadHalf, WriteHalf},
    net::{TcpStream, tcp},
};

use super::{
    MaybeTlsReadHalf, MaybeTlsWriteHalf,
    agreed::Agreed,
    lines::{Inlet, Outlet, Shared},
    messages::{MessageReader, MessageWriter},
    reading::Reading,
};
#[cfg(feature = "deflate")]
use crate::deflate::DeflateTotals;
use crate::{
    error::WebSocketError,
    frame::{CloseCode, Opcode},
    message::{MessageRef, WebSocketMessage},
    protocol::{Outgoing, Received, WebSocketState},
};

/// A stream that knows how its directions are best taken apart: without a lock between
/// them, where it has two of its own.
pub trait SplitStream {
    /// The reading direction.
    type Read: AsyncRead + Unpin;
    /// The writing direction.
    type Write: AsyncWrite + Unpin;

    /// Takes the directions apart.
    fn split(self) -> (Self::Read, Self::Write);
}

/// The halves of a connection over `S`.
pub type Halves<S> = (
    WebSocketReader<<S as SplitStream>::Read, <S as SplitStream>::Write>,
    WebSocketWriter<<S as SplitStream>::Write>,
);

impl SplitStream for TcpStream {
    type Read = tcp::OwnedReadHalf;
    type Write = tcp::OwnedWriteHalf;

    fn split(self) -> (Self::Read, Self::Write) {
        self.into_split()
    }
}

#[cfg(unix)]
impl SplitStream for tokio::net::UnixStream {
    type Read = tokio::net::unix::OwnedReadHalf;
    type Write = tokio::net::unix::OwnedWriteHalf;

    fn split(self) -> (Self::Read, Self::Write) {
        self.into_split()
    }
}

impl SplitStream for DuplexStream {
    type Read = ReadHalf<Self>;
    type Write = WriteHalf<Self>;

    fn split(self) -> (Self::Read, Self::Write) {
        tokio::io::split(self)
    }
}

/// The receiving half of a connection, made by
/// [`split`](super::WebSocketStream::split).
///
/// It answers pings and close frames itself, whether or not the other half is
/// polled, and never waits for it. Each method does what the one of the same name
/// of [`WebSocketStream`](super::WebSocketStream) does, is as cancel safe, and has
/// the same errors.
#[derive(Debug)]
pub struct WebSocketReader<R = MaybeTlsReadHalf, W = MaybeTlsWriteHalf> {
    pub(super) reading: Reading,
    pub(super) inlet: Inlet<R, W>,
    agreed: Agreed,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> WebSocketReader<R, W> {
    pub(super) fn new(reading: Reading, inlet: Inlet<R, W>, agreed: Agreed) -> Self {
        Self { reading, inlet, agreed }
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

    /// The next message, owning its bytes; `None` once the connection is closed.
    ///
    /// # Errors
    ///
    /// As [`WebSocketStream::receive`](super::WebSocketStream::receive).
    pub async fn receive(&mut self) -> Result<Option<WebSocketMessage>, WebSocketError> {
        self.reading.receive(&mut self.inlet).await
    }

    /// The next message, borrowed from the read buffer; `None` once the
    /// connection is closed.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    #[inline]
    pub async fn receive_ref(&mut self) -> Result<Option<MessageRef<'_>>, WebSocketError> {
        self.reading.receive_ref(&mut self.inlet).await
    }

    /// Waits for messages, and hands all that are received already to `each`, borrowed.
    /// Returns `false` once the connection is closed. Answers are for the other half.
    ///
    /// Cancel safe: nothing is waited for between taking the first message and returning.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive), and those of `each`, after which messages may be left
    /// for the next call.
    pub async fn receive_batch<F>(&mut self, mut each: F) -> Result<bool, WebSocketError>
    where
        F: FnMut(MessageRef<'_>) -> Result<(), WebSocketError>,
    {
        match self.receive_ref().await? {
            Some(first) => each(first)?,
            None => return Ok(false),
        }
        while let Some(message) = self.try_receive_ref()? {
            each(message)?;
        }
        Ok(true)
    }

    /// The next message if it is received already.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub fn try_receive(&mut self) -> Result<Option<WebSocketMessage>, WebSocketError> {
        self.reading.try_receive(&mut self.inlet)
    }

    /// The next message if it is received already, borrowed from the read buffer.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    #[inline]
    pub fn try_receive_ref(&mut self) -> Result<Option<MessageRef<'_>>, WebSocketError> {
        self.reading.try_receive_ref(&mut self.inlet)
    }

    /// The next piece of a message as it arrives, or the next control frame;
    /// `None` once the connection is closed.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub async fn receive_chunk(&mut self) -> Result<Option<Received<'_>>, WebSocketError> {
        self.reading.receive_chunk(&mut self.inlet).await
    }

    /// Waits for the next message and gives it to be read as it arrives; `None`
    /// once the connection is closed.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub async fn receive_reader(
        &mut self,
    ) -> Result<Option<MessageReader<'_, Self>>, WebSocketError> {
        MessageReader::next(self).await
    }

    /// Whether another whole frame is received already.
    pub fn has_buffered_message(&mut self) -> bool {
        self.reading.has_buffered_frame()
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
        self.reading.receiver.round_trip()
    }
}

/// The sending half of a connection, made by
/// [`split`](super::WebSocketStream::split).
///
/// It never waits for the other half. Each method does what the one of the same
/// name of [`WebSocketStream`](super::WebSocketStream) does, is as cancel safe, and
/// has the same errors; but for [`close`](Self::close), which leaves the wait for the
/// peer to the reader, as [`start_close`](super::WebSocketStream::start_close) does.
#[derive(Debug)]
pub struct WebSocketWriter<W = MaybeTlsWriteHalf> {
    pub(super) outlet: Shared<W>,
    agreed: Agreed,
}

impl<W: AsyncWrite + Unpin> WebSocketWriter<W> {
    pub(super) fn new(outlet: Shared<W>, agreed: Agreed) -> Self {
        Self { outlet, agreed }
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

    /// How far the connection is.
    pub fn state(&self) -> WebSocketState {
        self.outlet.signals().state()
    }

    /// What compression has come to in the messages sent; `None` if the handshake
    /// did not agree on it.
    #[cfg(feature = "deflate")]
    pub fn deflate_totals(&self) -> Option<DeflateTotals> {
        self.outlet.deflate_totals()
    }

    /// How long the peer took to answer the last keepalive ping that it answered.
    pub fn round_trip(&self) -> Option<Duration> {
        self.outlet.signals().round_trip()
    }

    /// Sends a message, and all that was [written](Self::write) before it.
    ///
    /// # Errors
    ///
    /// As [`WebSocketStream::send`](super::WebSocketStream::send).
    pub async fn send(&mut self, message: impl Outgoing) -> Result<(), WebSocketError> {
        let mut message = Some(message);
        poll_fn(|cx| self.outlet.poll_message(cx, &mut message, true)).await
    }

    /// Queues a message for the next [`flush`](Self::flush) or
    /// [`send`](Self::send), as soon as there is room.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn write(&mut self, message: impl Outgoing) -> Result<(), WebSocketError> {
        match self.outlet.write_at_once(message) {
            Ok(written) => written,
            Err(message) => {
                let mut message = Some(message);
                poll_fn(|cx| self.outlet.poll_message(cx, &mut message, false)).await
            }
        }
    }

    /// Sends what is queued.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn flush(&mut self) -> Result<(), WebSocketError> {
        poll_fn(|cx| self.outlet.poll_flush(cx)).await
    }

    /// A message of any size to be sent as it is produced, in fragments.
    /// `opcode` is [`Opcode::Text`] or [`Opcode::Binary`].
    pub fn send_writer(&mut self, opcode: Opcode) -> MessageWriter<'_, Self> {
        MessageWriter::new(self, opcode)
    }

    /// Sends a ping of at most 125 bytes; the reader receives its pong.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn ping(&mut self, payload: impl Into<Bytes>) -> Result<(), WebSocketError> {
        self.send(WebSocketMessage::Ping(payload.into())).await
    }

    /// Sends a pong of at most 125 bytes. The reader answers pings without it, unless
    /// [`auto_pong`](crate::WebSocketOptions::auto_pong) is off.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn pong(&mut self, payload: impl Into<Bytes>) -> Result<(), WebSocketError> {
        self.send(WebSocketMessage::Pong(payload.into())).await
    }

    /// Sends a close frame. The reader receives what the peer still sends, then
    /// its close frame, then the end.
    ///
    /// # Errors
    ///
    /// As [`WebSocketStream::start_close`](super::WebSocketStream::start_close).
    pub async fn close(
        &mut self,
        code: impl Into<CloseCode>,
        reason: &str,
    ) -> Result<(), WebSocketError> {
        let code = code.into();
        poll_fn(|cx| self.outlet.poll_close_frame(cx, code, reason)).await
    }
}
