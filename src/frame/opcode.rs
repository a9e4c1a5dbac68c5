//! Opcodes (RFC 6455, 5.2 and 11.8).

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// The next fragment of a message.
    Continuation = 0x0,
    /// A text message, or its first fragment.
    Text = 0x1,
    /// A binary message, or its first fragment.
    Binary = 0x2,
    /// The start, or the confirmation, of the closing handshake.
    Close = 0x8,
    /// A question whether the peer is alive.
    Ping = 0x9,
    /// The answer to it, or a heartbeat of its own.
    Pong = 0xA,
}

impl Opcode {
    /// The opcode of the four low bits of `bits`, unless RFC 6455 reserves it.
    #[inline]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits & 0x0F {
            0x0 => Some(Self::Continuation),
            0x1 => Some(Self::Text),
            0x2 => Some(Self::Binary),
            0x8 => Some(Self::Close),
            0x9 => Some(Self::Ping),
            0xA => Some(Self::Pong),
            _ => None,
        }
    }

    /// Whether this is text or binary: a message, or its first fragment.
    #[inline]
    pub const fn begins_message(self) -> bool {
        matches!(self, Self::Text | Self::Binary)
    }

    /// Whether this is close, ping or pong: at most 125 bytes, never fragmented.
    #[inline]
    pub const fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}
