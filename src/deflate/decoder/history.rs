//! What was inflated: on its way out, and then the history that matches refer to.

use super::Corrupt;

/// The farthest that a match refers back, and the longest one (RFC 1951, 3.2.5).
const FARTHEST: usize = 32 << 10;
const LONGEST_MATCH: usize = 258;

/// What matches are copied by, two at a time: most end there.
const CHUNK: usize = 16;
/// What a copy may run over its end by, and one byte.
const OVERRUN: usize = 2 * CHUNK;

/// A lap of the ring: what copies run over is too far back to be referred to.
const LAP: usize = FARTHEST + OVERRUN;
/// What begins within a lap is written in one piece.
const OVERHANG: usize = LONGEST_MATCH + OVERRUN;

type Ring = [u8; LAP + OVERHANG];

/// The last 32 KiB that were inflated, some of which may not have been taken yet.
///
/// The bytes lie in a ring, so that only those are copied that go out.
pub(super) struct History {
    ring: Box<Ring>,
    /// Where the next byte goes.
    at: usize,
    /// Where the first byte lies that has not been taken.
    taken: usize,
    /// Whether there is history behind `at` as well, up to the end of the lap.
    lapped: bool,
}

impl History {
    pub(super) fn new() -> Self {
        Self { ring: Box::new([0; LAP + OVERHANG]), at: 0, taken: 0, lapped: false }
    }

    /// Forgets everything, also what has not been taken.
    pub(super) fn forget(&mut self) {
        (self.at, self.taken, self.lapped) = (0, 0, false);
    }

    pub(super) fn has_pending(&self) -> bool {
        self.taken < self.at
    }

    /// Moves what has not been taken to the front of `out`, as much as fits, and
    /// returns how much that was.
    pub(super) fn take(&mut self, out: &mut [u8]) -> usize {
        let pending = &self.ring[self.taken..self.at];
        let len = pending.len().min(out.len());
        out[..len].copy_from_slice(&pending[..len]);
        self.taken += len;
        if self.at >= LAP && !self.has_pending() {
            self.ring.copy_within(LAP..self.at, 0);
            self.at -= LAP;
            self.taken = self.at;
            self.lapped = true;
        }
        len
    }

    /// What appends up to the end of the lap, or until more is pending than there is
    /// `room` for by a byte, which shows that there was more. It is to be handed to
    /// [`finish`](Self::finish).
    pub(super) fn writer(&mut self, room: usize) -> HistoryWriter<'_> {
        let limit = self.taken.saturating_add(room).saturating_add(1).min(LAP);
        HistoryWriter { ring: &mut self.ring, at: self.at, limit, lapped: self.lapped }
    }

    /// Takes over what a writer has written, up to the place that it came to.
    pub(super) fn finish(&mut self, at: usize) {
        self.at = at;
    }
}

/// Appends to a [`History`]. It has no address, so that it can live in registers.
pub(super) struct HistoryWriter<'a> {
    ring: &'a mut Ring,
    at: usize,
    limit: usize,
    lapped: bool,
}

impl HistoryWriter<'_> {
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// How much may be written, except that a match may go beyond it.
    #[inline(always)]
    pub(super) fn room(&self) -> usize {
        self.limit.saturating_sub(self.at)
    }

    #[inline(always)]
    pub(super) fn push(&mut self, byte: u8) {
        self.ring[self.at] = byte;
        self.at += 1;
    }

    /// Appends bytes, which must not be more than the [`room`](Self::room).
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.ring[self.at..][..bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    /// Appends a match, 3 to 258 bytes that are `distance` back, 1 to 32,768.
    #[inline(always)]
    pub(super) fn repeat(&mut self, distance: usize, len: usize) -> Result<(), Corrupt> {
        let (from, to) = match self.at.checked_sub(distance) {
            Some(from) if distance >= CHUNK => (from, self.at),
            Some(from) => {
                self.repeat_short(from, len);
                return Ok(());
            }
            None if self.lapped => {
                let from = self.at + LAP - distance;
                if from + len > LAP {
                    self.repeat_around(from, len);
                    return Ok(());
                }
                (from, self.at)
            }
            None => return Err(Corrupt),
        };
        let mut done = 0;
        while done < len {
            for chunk in [done, done + CHUNK] {
                self.ring.copy_within(from + chunk..from + chunk + CHUNK, to + chunk);
            }
            done += 2 * CHUNK;
        }
        self.at += len;
        Ok(())
    }

    /// A match that overlaps what it makes, within a chunk.
    fn repeat_short(&mut self, from: usize, len: usize) {
        if from + 1 == self.at {
            let byte = self.ring[from];
            self.ring[self.at..][..len].fill(byte);
        } else {
            for at in 0..len {
                self.ring[self.at + at] = self.ring[from + at];
            }
        }
        self.at += len;
    }

    /// A match that goes on at the start of the ring.
    #[cold]
    fn repeat_around(&mut self, from: usize, len: usize) {
        for at in from..from + len {
            let byte = self.ring[if at < LAP { at } else { at - LAP }];
            self.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A history, and all that was ever written to it.
    struct Both {
        history: History,
        all: Vec<u8>,
        taken: Vec<u8>,
    }

    impl Both {
        fn new() -> Self {
            Self { history: History::new(), all: Vec::new(), taken: Vec::new() }
        }

        /// Writes while there is room for it, then takes what fits.
        fn write(
            &mut self,
            room: usize,
            mut write: impl FnMut(&mut HistoryWriter<'_>, &mut Vec<u8>),
        ) {
            let mut out = self.history.writer(room);
            while out.room() > 0 {
                write(&mut out, &mut self.all);
            }
            let at = out.at();
            self.history.finish(at);
            loop {
                let mut out = vec![0; room.max(1)];
                let len = self.history.take(&mut out);
                self.taken.extend_from_slice(&out[..len]);
                if !self.history.has_pending() {
                    break;
                }
            }
            assert!(self.taken == self.all, "after {} bytes", self.all.len());
        }
    }

    #[test]
    fn matches_of_every_distance_and_length() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut both = Both::new();
        let mut distance = 0;
        for round in 0..4_000 {
            let room = if round % 3 == 0 { rng.usize(1..70_000) } else { rng.usize(1..300) };
            both.write(room, |out, all| {
                let step = if distance < 600 { 1 } else { 97 };
                distance = (distance % FARTHEST + step).min(FARTHEST);
                let len = rng.usize(3..=LONGEST_MATCH);
                if distance > all.len() || rng.u8(..) < 20 {
                    let byte = rng.u8(..);
                    out.push(byte);
                    all.push(byte);
                    return;
                }
                out.repeat(distance, len).unwrap();
                (0..len).for_each(|_| all.push(all[all.len() - distance]));
            });
        }
    }

    #[test]
    fn the_farthest_distance_at_every_place_around_the_end_of_the_ring() {
        for before in (2 * LAP - 600..2 * LAP + 600).step_by(7) {
            let mut both = Both::new();
            let mut rng = fastrand::Rng::with_seed(before as u64);
            let noise: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(before).collect();
            let mut rest = &noise[..];
            while !rest.is_empty() {
                both.write(rest.len() - 1, |out, all| {
                    let (now, later) = rest.split_at(out.room().min(rest.len()));
                    out.extend(now);
                    all.extend_from_slice(now);
                    rest = later;
                });
            }
            for distance in [FARTHEST, FARTHEST - 1, FARTHEST - 300] {
                both.write(0, |out, all| {
                    out.repeat(distance, LONGEST_MATCH).unwrap();
                    (0..LONGEST_MATCH).for_each(|_| all.push(all[all.len() - distance]));
                });
            }
        }
    }

    #[test]
    fn nothing_before_the_history_is_referred_to() {
        let mut history = History::new();
        for _ in 0..2 {
            let mut out = history.writer(10);
            assert_eq!(out.repeat(1, 3), Err(Corrupt));
            (0..5).for_each(|byte| out.push(byte));
            assert_eq!(out.repeat(6, 3), Err(Corrupt));
            assert_eq!(out.repeat(FARTHEST, 3), Err(Corrupt));
            assert_eq!(out.repeat(5, 3), Ok(()));
            let at = out.at();
            history.finish(at);
            let mut taken = [9; 10];
            assert_eq!(history.take(&mut taken), 8);
            assert_eq!(taken, [0, 1, 2, 3, 4, 0, 1, 2, 9, 9]);
            history.forget();
        }
    }
}
