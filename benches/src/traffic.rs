//! Texts, lengths and frames.

use std::rc::Rc;

use wirespeed::{FrameHeader, Opcode, Role};

use crate::memory::Aligned;

/// A small generator, so that every run has the same traffic.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    pub fn within(&mut self, least: usize, most: usize) -> usize {
        least + self.next() as usize % (most - least + 1)
    }
}

/// What the text is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// JSON as a market's trades are sent.
    Ascii,
    /// Words, of which one in some twenty has an accent.
    Accents,
    /// Words of two-byte characters, with spaces.
    Cyrillic,
}

impl Script {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Accents => "accents",
            Self::Cyrillic => "cyrillic",
        }
    }

    /// A text of `len` bytes.
    pub fn text(self, len: usize, random: &mut Random) -> Vec<u8> {
        let mut text = String::with_capacity(len + 128);
        while text.len() < len {
            match self {
                Self::Ascii => text.push_str(&format!(
                    r#"{{"e":"trade","E":{},"s":"BTCUSDT","p":"{}.{:02}","q":"0.{:05}"}}"#,
                    1_700_000_000_000_u64 + random.next() % 1_000_000,
                    random.within(20_000, 70_000),
                    random.within(0, 99),
                    random.within(0, 99_999),
                )),
                Self::Accents => {
                    let accented = random.within(1, 20) == 1;
                    text.push_str(if accented { "marché " } else { "market " });
                }
                Self::Cyrillic => {
                    const WORDS: [&str; 4] = ["цена ", "объём ", "рынок ", "заявка "];
                    text.push_str(WORDS[random.within(0, 3)]);
                }
            }
        }
        let cut = (0..=len).rev().find(|&cut| text.is_char_boundary(cut)).unwrap_or(0);
        text.truncate(cut);
        text.extend(std::iter::repeat_n('.', len - cut));
        text.into_bytes()
    }
}

/// The payload lengths of a stream of messages.
#[derive(Debug, Clone, Copy)]
pub enum Lengths {
    Fixed(usize),
    /// Every length in a range alike, in no order that a predictor could learn.
    Mixed(usize, usize),
}

impl Lengths {
    pub fn name(self) -> String {
        match self {
            Self::Fixed(len) => bytes(len),
            Self::Mixed(least, most) => format!("{least}-{most} B"),
        }
    }

    pub fn next(self, random: &mut Random) -> usize {
        match self {
            Self::Fixed(len) => len,
            Self::Mixed(least, most) => random.within(least, most),
        }
    }
}

/// A size for people: `200 B`, `4 KiB`.
pub fn bytes(len: usize) -> String {
    match len {
        len if len >= 1 << 20 && len % (1 << 20) == 0 => format!("{} MiB", len >> 20),
        len if len >= 1 << 10 && len % (1 << 10) == 0 => format!("{} KiB", len >> 10),
        len => format!("{len} B"),
    }
}

/// Messages as they arrive: packed frames, as one read brings them.
pub struct Stream {
    /// In one place for all who receive them, the start of a page: a copy takes a tenth
    /// longer where source and target lie differently to 32 bytes.
    pub wire: Rc<Aligned>,
    pub messages: usize,
    /// Payload bytes of all messages.
    pub payload: usize,
    /// Of all payloads, one behind the other.
    pub checksum: Checksum,
}

/// What one read takes at most.
pub const READ: usize = 64 << 10;

/// The bytes of each key are below 128, so that ASCII masked with it is ASCII:
/// unmasking it again and again is the same work each time.
const KEY: [u8; 4] = [0x1B, 0x2A, 0x33, 0x0C];

/// A stream of text messages for `receiver`, each in `fragments` frames, as many as
/// one read takes.
pub fn stream(receiver: Role, script: Script, lengths: Lengths, fragments: usize) -> Stream {
    let mut random = Random::new(4242);
    let mut wire = Vec::new();
    let (mut messages, mut payload, mut checksum) = (0, 0, Checksum::default());
    loop {
        let len = lengths.next(&mut random);
        if wire.len() + len + 14 * fragments > READ {
            let wire = Rc::new(Aligned::copy_of(&wire));
            return Stream { wire, messages, payload, checksum };
        }
        let text = script.text(len, &mut random);
        push_message(&mut wire, receiver, &text, fragments);
        messages += 1;
        payload += len;
        checksum.add(&text);
    }
}

fn push_message(wire: &mut Vec<u8>, receiver: Role, text: &[u8], fragments: usize) {
    let step = text.len().div_ceil(fragments);
    for (index, payload) in text.chunks(step).enumerate() {
        let header = FrameHeader {
            fin: (index + 1) * step >= text.len(),
            mask: (receiver == Role::Server).then_some(KEY),
            ..FrameHeader::new(
                if index == 0 { Opcode::Text } else { Opcode::Continuation },
                payload.len() as u64,
            )
        };
        wire.extend_from_slice(&header.encode());
        let key = header.mask.unwrap_or_default();
        wire.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]));
    }
}

/// Count and order-sensitive sum (FNV-1a) of the bytes of all payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checksum {
    pub bytes: usize,
    sum: u64,
}

impl Default for Checksum {
    fn default() -> Self {
        Self { bytes: 0, sum: 0xCBF2_9CE4_8422_2325 }
    }
}

impl Checksum {
    pub fn add(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len();
        for &byte in bytes {
            self.sum = (self.sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }
}

/// The checksum of the payloads of all frames on a wire, unmasked byte by byte.
///
/// # Panics
///
/// If they are not whole frames.
pub fn checksum_of_frames(mut wire: &[u8]) -> Checksum {
    let mut checksum = Checksum::default();
    while !wire.is_empty() {
        let (header, len) = FrameHeader::decode(wire).expect("a frame").expect("a whole header");
        let (payload, rest) = wire[len..].split_at(header.payload_len as usize);
        let key = header.mask.unwrap_or_default();
        let payload: Vec<u8> =
            payload.iter().enumerate().map(|(at, byte)| byte ^ key[at % 4]).collect();
        checksum.add(&payload);
        wire = rest;
    }
    checksum
}
