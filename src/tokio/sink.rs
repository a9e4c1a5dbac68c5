//! Connections as [`Stream`] and [`Sink`].
//!
//! The halves that a combinator makes of a [`WebSocketStream`] may be polled by
//! different tasks, as those of [`split`](WebSocketStream::split) may.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    WebSocketReader, WebSocketStream, WebSocketWriter,
    lines::{Lines, Outlet},
    reading::{More, Reading},
};
use crate::{error::WebSocketError, frame::CloseCode, message::WebSocketMessage, protocol::Way};

/// The messages; it ends when the connection is closed. After an error it sees
/// the closing handshake and the transport to their end.
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for WebSocketStream<S> {
    type Item = Result<WebSocketMessage, WebSocketError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { reading, lines, .. } = self.get_mut();
        poll_next(reading, lines, cx)
    }
}

/// As that of [`WebSocketStream`].
impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Stream for WebSocketReader<R, W> {
    type Item = Result<WebSocketMessage, WebSocketError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { reading, inlet, .. } = self.get_mut();
        poll_next(reading, inlet, cx)
    }
}

/// Ready while less than [`Limits::write_queue`](crate::Limits::write_queue) waits
/// to be sent, so that one message may go past it. To close it sends a close frame
/// with code 1000, behind all that it was given, and does not wait for the peer's: the
/// stream shows that.
impl<S: AsyncRead + AsyncWrite + Unpin> Sink<WebSocketMessage> for WebSocketStream<S> {
    type Error = WebSocketError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        poll_ready(&mut self.get_mut().lines, cx)
    }

    fn start_send(self: Pin<&mut Self>, message: WebSocketMessage) -> Result<(), WebSocketError> {
        self.get_mut().lines.write_as_promised(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        self.get_mut().lines.poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        poll_close(&mut self.get_mut().lines, cx)
    }
}

/// As that of [`WebSocketStream`].
impl<W: AsyncWrite + Unpin> Sink<WebSocketMessage> for WebSocketWriter<W> {
    type Error = WebSocketError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        poll_ready(&mut self.get_mut().outlet, cx)
    }

    fn start_send(self: Pin<&mut Self>, message: WebSocketMessage) -> Result<(), WebSocketError> {
        self.get_mut().outlet.write_as_promised(message)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        self.get_mut().outlet.poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
        poll_close(&mut self.get_mut().outlet, cx)
    }
}

fn poll_next<L: Lines>(
    reading: &mut Reading,
    lines: &mut L,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<WebSocketMessage, WebSocketError>>> {
    loop {
        if let Some(found) = reading.find_in_place() {
            return Poll::Ready(Some(reading.take_in_place(lines, found)));
        }
        match ready!(reading.poll_more(cx, lines, Way::Whole)) {
            Ok(More::Found(found)) => return Poll::Ready(Some(reading.take(lines, found))),
            Ok(More::Bytes) => {}
            Ok(More::Nothing) => return Poll::Ready(None),
            Err(error) => return Poll::Ready(Some(Err(error))),
        }
    }
}

fn poll_ready<O: Outlet>(outlet: &mut O, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
    outlet.poll_sending(cx, |sending, stream, cx| sending.poll_room(cx, stream, 1))
}

fn poll_close<O: Outlet>(outlet: &mut O, cx: &mut Context<'_>) -> Poll<Result<(), WebSocketError>> {
    ready!(outlet.poll_close_frame(cx, CloseCode::NORMAL, ""))?;
    // Nobody may have flushed what was given before.
    outlet.poll_flush(cx)
}
