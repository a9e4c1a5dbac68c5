//! A message in pieces.

use crate::{frame::Opcode, message::MessageRef};

/// What arrives when messages are received in pieces.
#[derive(Debug)]
pub enum Received<'a> {
    /// The next piece of the current message.
    Chunk(MessageChunk<'a>),
    /// A control frame, perhaps in the middle of a message.
    Control(MessageRef<'a>),
}

/// A piece of a message.
#[derive(Debug)]
pub struct MessageChunk<'a> {
    /// [`Opcode::Text`] or [`Opcode::Binary`]: that of the whole message.
    pub opcode: Opcode,
    /// The bytes; empty at most for the last piece.
    pub payload: &'a mut [u8],
    /// Whether the message ends with this piece.
    pub last: bool,
}
