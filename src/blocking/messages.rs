//! Messages as an iterator.

use super::WebSocketConnection;
use crate::{error::WebSocketError, message::WebSocketMessage, net::stream::Duplex};

/// The messages of a connection, made by
/// [`messages`](WebSocketConnection::messages).
///
/// Control frames are among them; pings are answered already. It ends when the
/// connection is closed, or after the first error.
#[derive(Debug)]
#[must_use = "nothing is received before the iterator is asked for a message"]
pub struct MessageIterator<'a, S> {
    connection: Option<&'a WebSocketConnection<S>>,
}

impl<'a, S> MessageIterator<'a, S> {
    pub(super) fn new(connection: &'a WebSocketConnection<S>) -> Self {
        Self { connection: Some(connection) }
    }
}

impl<S: Duplex> Iterator for MessageIterator<'_, S> {
    type Item = Result<WebSocketMessage, WebSocketError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.connection?.receive().transpose();
        if !matches!(next, Some(Ok(_))) {
            self.connection = None;
        }
        next
    }
}

impl<S: Duplex> std::iter::FusedIterator for MessageIterator<'_, S> {}
