//! One of the two machines, its halves apart, and the ways to take messages.

use std::{collections::VecDeque, time::Instant};

use wirespeed::{
    MessageRef, Opcode, Role, WebSocketMessage, WebSocketOptions,
    protocol::{Connection, ReceiveError, Received, Receiver, Sender},
};

use crate::{compression::Agreement, model::Event};

/// How a message is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Borrowed,
    Owned,
    InPieces,
}

pub(crate) const WAYS: [Way; 3] = [Way::Borrowed, Way::Owned, Way::InPieces];

/// One machine, and the bytes that are on their way to it.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) receiver: Receiver,
    pub(crate) sender: Sender,
    pub(crate) inbox: VecDeque<u8>,
    /// Nothing comes behind the inbox.
    pub(crate) ends: bool,
    /// The end of the stream was told.
    pub(crate) ended: bool,
    /// The pieces of a message that is taken in pieces.
    pieces: Vec<u8>,
}

impl End {
    pub(crate) fn new(
        role: Role,
        options: &WebSocketOptions,
        agreement: Option<&Agreement>,
        now: Instant,
    ) -> Self {
        let mut connection = Connection::new(role, options, now);
        if let Some(agreement) = agreement {
            agreement.enable(&mut connection, options);
        }
        let Connection { receiver, sender } = connection;
        Self {
            receiver,
            sender,
            inbox: VecDeque::new(),
            ends: false,
            ended: false,
            pieces: Vec::new(),
        }
    }

    /// Reads up to `most` bytes of the inbox.
    pub(crate) fn read(&mut self, most: usize, now: Instant) {
        let room = self.receiver.read_buffer();
        let len = most.min(room.len()).min(self.inbox.len());
        for (to, byte) in room.iter_mut().zip(self.inbox.drain(..len)) {
            *to = byte;
        }
        self.receiver.received(len, now);
    }

    /// Takes what comes next in the given way: nothing, the next event, or (`Ok(None)`
    /// within `Some`) a piece that does not end its message.
    pub(crate) fn take(&mut self, way: Way) -> Result<Option<Option<Event>>, ReceiveError> {
        match way {
            Way::Borrowed => Ok(self.receiver.next_ref()?.map(|message| Some(event(&message)))),
            Way::Owned => Ok(self.receiver.next_message()?.map(|message| Some(owned(message)))),
            Way::InPieces => match self.receiver.next_chunk()? {
                None => Ok(None),
                Some(Received::Control(frame)) => Ok(Some(Some(event(&frame)))),
                Some(Received::Chunk(chunk)) => {
                    assert!(chunk.last || !chunk.payload.is_empty());
                    self.pieces.extend_from_slice(chunk.payload);
                    if !chunk.last {
                        return Ok(Some(None));
                    }
                    let whole = std::mem::take(&mut self.pieces);
                    Ok(Some(Some(match chunk.opcode {
                        Opcode::Text => Event::Text(whole),
                        _ => Event::Binary(whole),
                    })))
                }
            },
        }
    }
}

fn event(message: &MessageRef<'_>) -> Event {
    let payload = message.as_bytes().to_vec();
    match message {
        MessageRef::Text(_) => Event::Text(payload),
        MessageRef::Binary(_) => Event::Binary(payload),
        MessageRef::Ping(_) => Event::Ping(payload),
        MessageRef::Pong(_) => Event::Pong(payload),
        MessageRef::Close(code, reason) => Event::Close(*code, (*reason).to_owned()),
    }
}

fn owned(message: WebSocketMessage) -> Event {
    match message {
        WebSocketMessage::Text(text) => Event::Text(text.as_bytes().to_vec()),
        WebSocketMessage::Binary(payload) => Event::Binary(payload.to_vec()),
        WebSocketMessage::Ping(payload) => Event::Ping(payload.to_vec()),
        WebSocketMessage::Pong(payload) => Event::Pong(payload.to_vec()),
        WebSocketMessage::Close(code, reason) => Event::Close(code, reason.to_string()),
    }
}
