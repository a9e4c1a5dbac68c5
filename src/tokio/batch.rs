//! Messages that came together, answered together.

use std::{
    future::poll_fn,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    WebSocketStream,
    lines::Lines,
    reading::{More, Reading},
};
use crate::{
    error::WebSocketError,
    message::MessageRef,
    protocol::{Found, Outgoing, Sender, Way},
};

/// The queue for answers to a batch of messages, which leaves before the next read;
/// see [`receive_batch`](WebSocketStream::receive_batch).
#[derive(Debug)]
pub struct Answers<'a>(&'a mut Sender);

impl Answers<'_> {
    /// Queues a message, without waiting: it may go past
    /// [`Limits::write_queue`](crate::Limits::write_queue), if the queue does not
    /// yet. One answer to a message always finds room.
    ///
    /// # Errors
    ///
    /// [`ConnectionClosed`](WebSocketError::ConnectionClosed) after a close
    /// frame, [`NotSent`](WebSocketError::NotSent) if RFC 6455 does not allow the
    /// message, [`LimitExceeded`](WebSocketError::LimitExceeded) if there is no room
    /// for it.
    #[inline(always)]
    pub fn write(&mut self, message: impl Outgoing) -> Result<(), WebSocketError> {
        // Where there is room for some of it, there is for all of it.
        if self.0.has_room(message.payload_len()) || !self.0.has_room(1) {
            return Ok(message.write_to(self.0)?);
        }
        Ok(self.0.write_past_limit(message)?)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocketStream<S> {
    /// Waits for messages, and hands all that are received already to `each`,
    /// borrowed, with the queue for answers: no allocation, no copy but that into
    /// the queue, and one system call for the answers to all messages of one read.
    /// Returns `false` once the connection is closed.
    ///
    /// While answers fill the queue, it waits for the peer to take them.
    ///
    /// ```
    /// # async fn echo(mut ws: wirespeed::tokio::WebSocketStream<tokio::net::TcpStream>)
    /// # -> Result<(), wirespeed::WebSocketError> {
    /// while ws
    ///     .receive_batch(|message, answers| match message.is_data() {
    ///         true => answers.write(message),
    ///         false => Ok(()),
    ///     })
    ///     .await?
    /// {}
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Cancel safe: no message is lost, for nothing is waited for between taking
    /// the first message and returning.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive) and [`write`](Self::write), and those of
    /// `each`, after which messages may be left for the next call.
    pub async fn receive_batch<F>(&mut self, mut each: F) -> Result<bool, WebSocketError>
    where
        F: FnMut(MessageRef<'_>, &mut Answers<'_>) -> Result<(), WebSocketError>,
    {
        let Self { reading, lines, .. } = self;
        poll_fn(|cx| poll_batch(reading, lines, cx, &mut each)).await
    }
}

fn poll_batch<L, F>(
    reading: &mut Reading,
    lines: &mut L,
    cx: &mut Context<'_>,
    each: &mut F,
) -> Poll<Result<bool, WebSocketError>>
where
    L: Lines,
    F: FnMut(MessageRef<'_>, &mut Answers<'_>) -> Result<(), WebSocketError>,
{
    loop {
        // Each time: what is owed to the peer may have taken the room.
        if lines.with_sending(|sending, _, _| !sending.sender.has_room(1)) {
            ready!(lines.poll_sending(cx, |sending, stream, cx| sending.poll_room(cx, stream, 1)))?;
        }
        let found = match ready!(reading.poll_more(cx, lines, Way::Whole))? {
            More::Found(found) => Some(found),
            More::Bytes => None,
            More::Nothing => return Poll::Ready(Ok(false)),
        };
        if hand_out(reading, lines, found, each)? {
            return Poll::Ready(Ok(true));
        }
    }
}

/// Hands out what was found and all that is received behind it, and says whether
/// there was anything.
fn hand_out<L, F>(
    reading: &mut Reading,
    lines: &mut L,
    found: Option<Found>,
    each: &mut F,
) -> Result<bool, WebSocketError>
where
    L: Lines,
    F: FnMut(MessageRef<'_>, &mut Answers<'_>) -> Result<(), WebSocketError>,
{
    if found.is_none() && !reading.is_between_messages() {
        return Ok(false);
    }
    // Of a message whose rest is to be skipped, the next piece is not for `each`.
    let more = reading.is_between_messages();
    let (mut any, mut only_data) = (false, true);
    let handed_out = lines.with_sending(|sending, _, _| {
        let receiver = &mut reading.receiver;
        let mut answers = Answers(&mut sending.sender);
        let mut found = found;
        loop {
            let message = match found.take() {
                Some(found) => receiver.open(found)?.in_registers(),
                None if !more || receiver.holds_nothing() || !answers.0.has_room(1) => break,
                None => match receiver.next_ref()? {
                    Some(message) => message,
                    None => break,
                },
            };
            any = true;
            only_data &= message.is_data();
            each(message, &mut answers)?;
        }
        Ok(())
    });
    if !only_data || handed_out.is_err() {
        reading.answer(lines);
    }
    handed_out.map(|()| any)
}
