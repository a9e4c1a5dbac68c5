//! A decompressor of raw DEFLATE streams (RFC 1951) that are flushed message by
//! message.
//!
//! What makes it faster than a general one on short messages: it knows by itself where
//! a message ends, so none has to be followed by bytes that it does not have; the
//! symbols are read by one loop down to the last bit of the input, whose only slow
//! part is how the last eight bytes are loaded; and what is inflated is written where it
//! stays as history.

mod bits;
mod codes;
mod history;
#[cfg(test)]
mod tests;

use bits::{BitReader, Bits};
use codes::{Codes, LengthCode};
use history::History;

/// The bytes are no DEFLATE stream, or refer to more history than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Corrupt;

/// What one call of [`Decoder::decode`] has done.
pub(super) struct Decoded {
    pub(super) consumed: usize,
    pub(super) produced: usize,
    /// The input is used up, and all that it makes is written; otherwise the output is
    /// full, and there is more for it.
    pub(super) needs_input: bool,
}

/// The decompressor, with the history that messages refer to.
pub(super) struct Decoder {
    state: State,
    /// Whether the block is a final one.
    last: bool,
    bits: Bits,
    history: History,
    header: DynamicHeader,
    length_code: LengthCode,
    dynamic: Codes,
}

/// What comes next.
#[derive(Clone, Copy)]
enum State {
    BlockHeader,
    StoredLength,
    Stored {
        left: usize,
    },
    Symbols {
        fixed: bool,
    },
    /// How many lengths there are of codes of each kind.
    DynamicCounts,
    /// Lengths of the codes of lengths, of which some are read.
    LengthLengths {
        read: usize,
    },
    /// Lengths of the codes of literals and distances.
    Lengths {
        read: usize,
    },
    /// A new stream: a final block has ended.
    Ended,
}

/// Why a state cannot be left, or the stream be understood.
enum Stop {
    NeedsInput,
    NeedsOutput,
    Corrupt,
}

/// What comes before a block with codes of its own (RFC 1951, 3.2.7).
struct DynamicHeader {
    literals: usize,
    distances: usize,
    length_lens: usize,
    lens: [u8; MOST_LENGTHS],
}

/// Lengths of literals and lengths, and of distances: as many as can be announced.
const MOST_LENGTHS: usize = 288 + 32;

/// The order in which the lengths of the codes of lengths are sent.
const LENGTH_ORDER: [u8; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            state: State::BlockHeader,
            last: false,
            bits: Bits::default(),
            history: History::new(),
            header: DynamicHeader {
                literals: 0,
                distances: 0,
                length_lens: 0,
                lens: [0; MOST_LENGTHS],
            },
            length_code: LengthCode::new(),
            dynamic: Codes::new(),
        }
    }

    /// Forgets the stream and its history.
    pub(super) fn reset(&mut self) {
        self.history.forget();
        self.begin_message();
    }

    /// Inflates until the input is used up or the output is full.
    pub(super) fn decode(&mut self, input: &[u8], out: &mut [u8]) -> Result<Decoded, Corrupt> {
        let mut bits = BitReader::new(self.bits, input);
        let mut produced = self.history.take(out);
        // A full output shows only by what does not fit.
        while !self.history.has_pending() {
            let stop = self.run(&mut bits, out.len() - produced);
            produced += self.history.take(&mut out[produced..]);
            match stop {
                Stop::NeedsOutput => {}
                Stop::NeedsInput => break,
                Stop::Corrupt => return Err(Corrupt),
            }
        }
        let untouched;
        (self.bits, untouched) = bits.finish();
        Ok(Decoded {
            consumed: input.len() - untouched,
            produced,
            needs_input: !self.history.has_pending(),
        })
    }

    /// Ends a message where its input is used up, so that the next one can begin, and
    /// returns whether it was complete: up to the header of an empty stored block,
    /// whose length is left out (RFC 7692, 7.2.1), or a final block.
    pub(super) fn end_message(&mut self) -> bool {
        let at_end = matches!(self.state, State::StoredLength | State::Ended);
        if !at_end || !self.bits.is_empty() {
            return false;
        }
        if self.last {
            self.history.forget();
        }
        self.begin_message();
        true
    }

    fn begin_message(&mut self) {
        (self.state, self.last, self.bits) = (State::BlockHeader, false, Bits::default());
    }

    /// Goes on from state to state until it has to stop. Nothing may be pending before.
    fn run(&mut self, bits: &mut BitReader<'_>, room: usize) -> Stop {
        loop {
            match self.step(bits, room) {
                Ok(state) => self.state = state,
                Err(stop) => return stop,
            }
        }
    }

    /// Does what the state asks for and returns the next one.
    fn step(&mut self, bits: &mut BitReader<'_>, room: usize) -> Result<State, Stop> {
        match self.state {
            State::BlockHeader => {
                let header = bits.take(3)?;
                self.last = header & 1 != 0;
                match header >> 1 {
                    0 => {
                        bits.align();
                        Ok(State::StoredLength)
                    }
                    1 => Ok(State::Symbols { fixed: true }),
                    2 => Ok(State::DynamicCounts),
                    _ => Err(Stop::Corrupt),
                }
            }
            State::StoredLength => {
                let lens = bits.take(32)?;
                let (len, complement) = (lens as u16, (lens >> 16) as u16);
                if len != !complement {
                    return Err(Stop::Corrupt);
                }
                Ok(State::Stored { left: len.into() })
            }
            State::Stored { left } => self.stored(left, bits, room),
            State::Symbols { fixed } => {
                let codes = if fixed { Codes::fixed() } else { &self.dynamic };
                read_symbols(codes, bits, &mut self.history, room)?;
                Ok(self.behind_block())
            }
            State::DynamicCounts => {
                let counts = bits.take(14)? as usize;
                self.header.literals = 257 + counts % 32;
                self.header.distances = 1 + counts / 32 % 32;
                self.header.length_lens = 4 + counts / 1024;
                if self.header.literals > 286 || self.header.distances > 30 {
                    return Err(Stop::Corrupt);
                }
                self.header.lens.fill(0);
                Ok(State::LengthLengths { read: 0 })
            }
            State::LengthLengths { read } if read < self.header.length_lens => {
                let len = bits.take(3)?;
                self.header.lens[usize::from(LENGTH_ORDER[read])] = len as u8;
                Ok(State::LengthLengths { read: read + 1 })
            }
            State::LengthLengths { .. } => {
                self.length_code.set(&self.header.lens[..LENGTH_ORDER.len()])?;
                Ok(State::Lengths { read: 0 })
            }
            State::Lengths { read } => self.lengths(read, bits),
            State::Ended => {
                if self.history.has_pending() {
                    return Err(Stop::NeedsOutput);
                }
                bits.align();
                self.history.forget();
                bits.refill();
                match bits.count() {
                    0 => Err(Stop::NeedsInput),
                    _ => Ok(State::BlockHeader),
                }
            }
        }
    }

    fn behind_block(&self) -> State {
        if self.last { State::Ended } else { State::BlockHeader }
    }

    fn stored(
        &mut self,
        mut left: usize,
        bits: &mut BitReader<'_>,
        room: usize,
    ) -> Result<State, Stop> {
        let mut out = self.history.writer(room);
        while left.min(out.room()) > 0
            && let Some(byte) = bits.byte_read_ahead()
        {
            out.push(byte);
            left -= 1;
        }
        if left.min(out.room()) > 0 {
            let bytes = bits.bytes(left.min(out.room()));
            out.extend(bytes);
            left -= bytes.len();
        }
        let (room, at) = (out.room(), out.at());
        self.history.finish(at);
        self.state = State::Stored { left };
        match (left, room) {
            (0, _) => Ok(self.behind_block()),
            (_, 0) => Err(Stop::NeedsOutput),
            _ => Err(Stop::NeedsInput),
        }
    }

    /// Reads lengths of codes from the one on that comes next, and makes the codes.
    fn lengths(&mut self, mut read: usize, bits: &mut BitReader<'_>) -> Result<State, Stop> {
        let DynamicHeader { literals, distances, lens, .. } = &mut self.header;
        let all = *literals + *distances;
        while read < all {
            self.state = State::Lengths { read };
            bits.refill();
            let entry = self.length_code.look_up(bits.peek());
            if entry.is_none() {
                return Err(bits.stop(entry, 0));
            }
            let (extra, least) = match entry.value() {
                0..16 => (0, 1),
                16 => (2, 3),
                17 => (3, 3),
                _ => (7, 11),
            };
            let code = entry.bits();
            if code + extra > bits.count() {
                return Err(Stop::NeedsInput);
            }
            let count = least + (bits.peek() >> code) as usize % (1 << extra);
            bits.skip(code + extra);
            let len = match entry.value() {
                len @ 0..16 => len,
                16 => *lens.get(read.wrapping_sub(1)).ok_or(Corrupt)?,
                _ => 0,
            };
            if count > all - read {
                return Err(Stop::Corrupt);
            }
            lens[read..read + count].fill(len);
            read += count;
        }
        // Without it, the block would not end.
        if lens[256] == 0 {
            return Err(Stop::Corrupt);
        }
        let (literals, distances) = lens[..all].split_at(*literals);
        self.dynamic.set(literals, distances)?;
        Ok(State::Symbols { fixed: false })
    }
}

/// Reads symbols up to the end of the block.
fn read_symbols(
    codes: &Codes,
    reader: &mut BitReader<'_>,
    history: &mut History,
    room: usize,
) -> Result<(), Stop> {
    let mut bits = *reader;
    let mut out = history.writer(room);
    let result = loop {
        if out.room() == 0 {
            break Err(Stop::NeedsOutput);
        }
        bits.refill();
        let mut entry = codes.literals.look_up(bits.peek());
        if entry.is_literal() && entry.bits() <= bits.count() {
            bits.skip(entry.bits());
            out.push(entry.value());
            // The next one is often another, and mostly there already. One byte over the
            // limit is less than a match.
            entry = codes.literals.look_up(bits.peek());
            if entry.is_literal() && entry.bits() <= bits.count() {
                bits.skip(entry.bits());
                out.push(entry.value());
                continue;
            }
            if bits.count() < BitReader::REFILLED {
                bits.refill();
            }
        }
        if entry.bits() > bits.count() {
            break Err(bits.stop(entry, 0));
        }
        if entry.is_end() {
            bits.skip(entry.bits());
            break Ok(());
        }
        let (len, used) = (entry.with_extra(bits.peek()), entry.bits());
        let rest = bits.peek() >> used;
        let entry = codes.distances.look_up(rest);
        if used + entry.bits() > bits.count() {
            break Err(bits.stop(entry, used));
        }
        let distance = entry.with_extra(rest);
        bits.skip(used + entry.bits());
        if out.repeat(distance, len).is_err() {
            break Err(Stop::Corrupt);
        }
    };
    let at = out.at();
    history.finish(at);
    *reader = bits;
    result
}

impl From<Corrupt> for Stop {
    fn from(_: Corrupt) -> Self {
        Self::Corrupt
    }
}
