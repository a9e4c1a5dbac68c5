//! What can be done at an end of a connection, in the bytes of the fuzzer.
//!
//! An operation is a byte for what it is, and a few more for its arguments.

use arbitrary::{Arbitrary, Result, Unstructured};
use wirespeed::Opcode;

use crate::input::size;

#[derive(Debug)]
pub enum Operation<'a> {
    Write(Kind, Payload<'a>),
    Fragment {
        opcode: Opcode,
        fin: bool,
        payload: Payload<'a>,
    },
    Ping(&'a [u8]),
    Pong(&'a [u8]),
    Close(u16, &'a str),
    /// Moves so many bytes at most to the wire.
    Transmit(usize),
    /// Takes so many bytes at most from the wire, and all messages.
    Receive(usize, Way),
    ReleaseIdle,
}

/// How a message is written.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Text,
    Binary,
    OwnedText,
    OwnedBinary,
    PreparedText,
    PreparedBinary,
}

/// How messages are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Borrowed,
    Owned,
    InChunks,
}

/// Bytes, over and over again.
#[derive(Debug, Clone, Copy)]
pub struct Payload<'a> {
    bytes: &'a [u8],
    times: u8,
}

impl Payload<'_> {
    /// At most 65,025 bytes: less than where the ratio of inflating is judged.
    pub fn binary(self) -> Vec<u8> {
        // Long ones are rare.
        let times = if self.times < 192 { 1 + self.times % 8 } else { self.times };
        self.bytes.repeat(times.into())
    }

    pub fn text(self) -> String {
        String::from_utf8_lossy(self.bytes).repeat(1 + usize::from(self.times % 64))
    }
}

impl<'a> Arbitrary<'a> for Operation<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        let what: u8 = u.arbitrary()?;
        let variant = what >> 3 & 15;
        Ok(match what & 7 {
            0 | 1 => Self::Write(kind(variant), u.arbitrary()?),
            2 => Self::Fragment {
                opcode: if variant & 1 == 0 { Opcode::Text } else { Opcode::Binary },
                fin: variant & 2 != 0,
                payload: u.arbitrary()?,
            },
            3 if variant & 1 == 0 => Self::Ping(bytes(u)?),
            3 => Self::Pong(bytes(u)?),
            4 | 5 => Self::Transmit(size(u.arbitrary()?)),
            6 => Self::Receive(size(u.arbitrary()?), way(variant)),
            _ if variant & 1 == 0 => Self::ReleaseIdle,
            _ => {
                let code = u.arbitrary()?;
                Self::Close(code, std::str::from_utf8(bytes(u)?).unwrap_or("reason"))
            }
        })
    }
}

impl<'a> Arbitrary<'a> for Payload<'a> {
    fn arbitrary(u: &mut Unstructured<'a>) -> Result<Self> {
        Ok(Self { times: u.arbitrary()?, bytes: bytes(u)? })
    }
}

fn kind(variant: u8) -> Kind {
    match variant % 6 {
        0 => Kind::Text,
        1 => Kind::Binary,
        2 => Kind::OwnedText,
        3 => Kind::OwnedBinary,
        4 => Kind::PreparedText,
        _ => Kind::PreparedBinary,
    }
}

fn way(variant: u8) -> Way {
    match variant % 3 {
        0 => Way::Borrowed,
        1 => Way::Owned,
        _ => Way::InChunks,
    }
}

fn bytes<'a>(u: &mut Unstructured<'a>) -> Result<&'a [u8]> {
    let len: u8 = u.arbitrary()?;
    u.bytes(usize::from(len).min(u.len()))
}
