//! Level 1: a compressor for short messages that follow each other.
//!
//! One probe of a hash table for each position and the fixed Huffman codes of
//! RFC 1951, 3.2.6: what zlib does at this level as well. What makes it faster
//! is that it is made for whole messages: one loop from the first byte to the last
//! that neither asks for more input nor runs out of room, a table that stays in the
//! nearest cache, and a history that is forgotten by moving a mark instead of
//! clearing the table.

mod bits;
mod codes;

use bytes::BytesMut;

use bits::{BitPosition, BitWriter};

/// The shortest match that is looked for. With fixed codes a shorter one saves a byte or
/// two, takes as long as several literals, and hides a longer one that begins inside it.
/// On recorded feeds, 4 and 5 take more time, 4 more bytes as well; 7 takes less time, but
/// more bytes.
const SHORTEST_MATCH: u32 = 6;
/// The longest match that DEFLATE has (RFC 1951, 3.2.5).
const LONGEST_MATCH: u32 = 258;

/// What is read at a time where matches are compared; as much lies behind the window.
const WORD: usize = 8;

/// Distances stay this much below the size of the window, as zlib's do: there are
/// decompressors that have never seen longer ones.
const DISTANCE_MARGIN: usize = 262;

/// Entries of the table at most, as an exponent of two.
const LARGEST_TABLE_BITS: u8 = 14;

/// A message's block: not the last one, fixed codes.
const BLOCK_HEADER: (u32, u32) = (0b010, 3);
/// The end of the block, then the header of the empty stored one that a sync flush
/// ends with; what follows is aligned, and left out.
const BLOCK_END: (u32, u32) = (0, 7 + 3);
const NOTHING: (u32, u32) = (0, 0);

/// The compressor, with the history that messages refer to.
pub(super) struct FastDeflate {
    /// Twice the history's size, filled from the front: when it is full, its second
    /// half is moved to the first.
    window: Box<[u8]>,
    /// Where the window is filled to.
    filled: usize,
    /// Where the history begins; never 0, which in the table stands for nothing.
    begin: usize,
    /// Where the first bytes of a match with this hash were seen last.
    table: Box<[u16]>,
    /// What is left of a hash of 64 bits is an index of the table.
    shift: u32,
}

impl FastDeflate {
    /// A compressor with a window of 2^`window_bits` bytes, 9 to 15.
    pub(super) fn new(window_bits: u8) -> Self {
        let table_bits = window_bits.min(LARGEST_TABLE_BITS);
        Self {
            window: vec![0; (2 << window_bits) + WORD].into(),
            filled: 1,
            begin: 1,
            table: vec![0; 1 << table_bits].into(),
            shift: u64::BITS - u32::from(table_bits),
        }
    }

    /// Forgets the history. What the table still knows of it lies before the mark.
    pub(super) fn reset(&mut self) {
        self.begin = self.filled;
    }

    /// Appends `payload` compressed up to a sync flush, without the flush's tail.
    pub(super) fn compress(&mut self, payload: &[u8], out: &mut BytesMut) {
        let mut position = BitPosition::end_of(out);
        let mut rest = payload;
        let mut block = BLOCK_HEADER;
        while !rest.is_empty() {
            self.make_room(rest.len());
            let (now, later) = rest.split_at(rest.len().min(self.room()));
            self.window[self.filled..][..now.len()].copy_from_slice(now);
            let mut bits = position.writer(out, now.len());
            bits.put(block);
            self.compress_appended(now.len(), &mut bits);
            if later.is_empty() {
                bits.put(BLOCK_END);
            }
            position = bits.position();
            (rest, block) = (later, NOTHING);
        }
        position.finish(out);
    }

    /// The size of the window.
    fn size(&self) -> usize {
        (self.window.len() - WORD) / 2
    }

    fn room(&self) -> usize {
        2 * self.size() - self.filled
    }

    /// Moves the window on if `wanted` bytes do not fit.
    fn make_room(&mut self, wanted: usize) {
        let size = self.size();
        if wanted <= self.room() || self.filled <= size {
            return;
        }
        self.window.copy_within(size..self.filled, 0);
        self.filled -= size;
        self.begin = self.begin.saturating_sub(size).max(1);
        // The largest size, 2^15, fits, and what was in the first half is 0: nothing.
        let step = size as u16;
        for position in &mut self.table {
            *position = position.saturating_sub(step);
        }
    }

    /// Compresses the `len` bytes that were put behind what is filled.
    fn compress_appended(&mut self, len: usize, bits: &mut BitWriter<'_>) {
        let farthest = (self.size() - DISTANCE_MARGIN) as u32;
        let (mut at, end) = (self.filled as u32, (self.filled + len) as u32);
        self.filled += len;
        // Locals, which no store to the table can change.
        let (window, table) = (&self.window[..], &mut self.table[..]);
        let (begin, shift) = (self.begin as u32, self.shift);
        while at + SHORTEST_MATCH <= end {
            let start = start_at(window, at);
            let slot = &mut table[hash(start, shift)];
            let seen = u32::from(*slot);
            *slot = at as u16;
            // One branch that is hard to predict instead of three.
            let is_history = (seen >= begin) & (at - seen <= farthest);
            if !(is_history & (start_at(window, seen) == start)) {
                bits.put(codes::literal(window[at as usize]));
                at += 1;
                continue;
            }
            let longest = LONGEST_MATCH.min(end - at);
            let matched = match_length(window, seen, at, longest);
            bits.put(codes::reference(matched, at - seen));
            at += matched;
            // Two positions inside it are remembered as well: messages that differ in a
            // few places match again from there.
            for inside in [at - matched + 1, at - 2] {
                table[hash(start_at(window, inside), shift)] = inside as u16;
            }
        }
        for &byte in &window[at as usize..end as usize] {
            bits.put(codes::literal(byte));
        }
    }
}

/// How many bytes at `seen` and `at` are the same, of which the first ones are known to
/// be; at most `longest`.
#[inline(always)]
fn match_length(window: &[u8], seen: u32, at: u32, longest: u32) -> u32 {
    let mut len = SHORTEST_MATCH;
    while len < longest {
        // May look behind what is filled, where it lies in the window's last word.
        let differing = word_at(window, seen + len) ^ word_at(window, at + len);
        if differing != 0 {
            len += differing.trailing_zeros() / 8;
            break;
        }
        len += WORD as u32;
    }
    len.min(longest)
}

#[inline(always)]
fn hash(start: u64, shift: u32) -> usize {
    // 2^64 over the golden ratio, which spreads what differs little (Knuth).
    (start.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> shift) as usize
}

/// The first bytes of a match, above zeros.
#[inline(always)]
fn start_at(window: &[u8], at: u32) -> u64 {
    word_at(window, at) << (u64::BITS - 8 * SHORTEST_MATCH)
}

#[inline(always)]
fn word_at(window: &[u8], at: u32) -> u64 {
    // One comparison finds out whether it is there: a place of 32 bits cannot overflow.
    let at = at as usize;
    let word = window.get(at..at + WORD).and_then(|word| word.try_into().ok());
    word.map_or(0, u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use zlib_rs::{Inflate, InflateFlush};

    use super::*;

    /// Compresses, and lets zlib inflate it and say how it likes it.
    struct Loop {
        engine: FastDeflate,
        inflate: Inflate,
    }

    impl Loop {
        fn new(window_bits: u8) -> Self {
            // A decompressor with no more history than was agreed on.
            let inflate = Inflate::new(false, window_bits);
            Self { engine: FastDeflate::new(window_bits), inflate }
        }

        #[track_caller]
        fn pass(&mut self, payload: &[u8]) -> usize {
            let mut out = BytesMut::from(&b"before"[..]);
            self.engine.compress(payload, &mut out);
            assert_eq!(&out[..6], b"before");
            let len = out.len() - 6;
            out.extend_from_slice(&[0, 0, 0xff, 0xff]);
            let mut inflated = vec![0; payload.len() + 1];
            let (read, written) = (self.inflate.total_in(), self.inflate.total_out());
            self.inflate.decompress(&out[6..], &mut inflated, InflateFlush::SyncFlush).unwrap();
            assert_eq!(self.inflate.total_in() - read, out.len() as u64 - 6);
            assert_eq!(self.inflate.total_out() - written, payload.len() as u64);
            assert!(inflated[..payload.len()] == *payload, "{} bytes differ", payload.len());
            len
        }
    }

    fn random(len: usize, values: u8, rng: &mut fastrand::Rng) -> Vec<u8> {
        std::iter::repeat_with(|| rng.u8(..values)).take(len).collect()
    }

    #[test]
    fn every_length_of_match_and_every_distance() {
        let mut rng = fastrand::Rng::with_seed(1);
        for window_bits in 9..=15 {
            let mut both = Loop::new(window_bits);
            let farthest = (1 << window_bits) - DISTANCE_MARGIN;
            let lens = (1..300).chain([1000, 40_000]);
            for (index, len) in lens.enumerate() {
                let text = random(len, u8::MAX, &mut rng);
                let apart = (index * 131) % (farthest + 300);
                let noise = random(apart, u8::MAX, &mut rng);
                both.pass(&[&text[..], &noise[..], &text[..], b"x"].concat());
            }
        }
    }

    #[test]
    fn repeated_bytes_and_few_values() {
        let mut rng = fastrand::Rng::with_seed(2);
        let mut both = Loop::new(15);
        for len in (1..600).chain([32_767, 32_768, 65_535, 65_536, 200_000]) {
            for values in [1, 2, 4, 200] {
                both.pass(&random(len, values, &mut rng));
            }
        }
        let zeros = both.pass(&vec![0; 1 << 20]);
        assert!(zeros < (1 << 20) / 150, "{zeros}");
    }

    #[test]
    fn what_cannot_be_compressed_grows_by_an_eighth_at_most() {
        let mut rng = fastrand::Rng::with_seed(3);
        let mut both = Loop::new(15);
        for len in [1, 7, 8, 100, 511, 5_000, 100_000] {
            let noise: Vec<u8> = std::iter::repeat_with(|| rng.u8(144..)).take(len).collect();
            assert!(both.pass(&noise) <= len + len.div_ceil(8) + 2);
        }
    }

    #[test]
    fn history_is_used_until_it_is_forgotten() {
        let message = br#"{"channel":"ticker","product":"BTC-USD","price":"43210.5"}"#;
        let mut both = Loop::new(15);
        let first = both.pass(message);
        assert!(both.pass(message) < first / 4);
        for _ in 0..3_000 {
            both.engine.reset();
            // What zlib knows of the past does not hurt, and is of no use.
            assert_eq!(both.pass(message), first);
        }
    }

    #[test]
    fn messages_of_any_length_across_many_windows() {
        let mut rng = fastrand::Rng::with_seed(4);
        for window_bits in [9, 12, 15] {
            let mut both = Loop::new(window_bits);
            let book = random(3_000, 12, &mut rng);
            for _ in 0..2_000 {
                let from = rng.usize(..book.len());
                let len = rng.usize(..(book.len() - from).min(400) + 1);
                let mut message = book[from..from + len].to_vec();
                message.push(rng.u8(..));
                both.pass(&message);
                if rng.u8(..) == 0 {
                    both.engine.reset();
                }
            }
        }
    }
}
