use super::*;
use crate::simd::{Utf8Error, Utf8State};

/// The three ways of taking a piece.
#[derive(Debug, Clone, Copy)]
enum Way {
    Validate,
    InPlace,
    Copy,
}

const WAYS: [Way; 3] = [Way::Validate, Way::InPlace, Way::Copy];

/// A receiver of pieces, with what it has received.
struct Receiver {
    kernels: &'static Kernels,
    way: Way,
    state: Utf8State,
    mask: Mask,
    text: Vec<u8>,
}

impl Receiver {
    fn new(kernels: &'static Kernels, way: Way) -> Self {
        let (state, text) = Default::default();
        Self { kernels, way, state, mask: Mask::new(KEY), text }
    }

    fn push(&mut self, piece: &[u8]) -> Result<(), Utf8Error> {
        let mut sent = self.masked(piece);
        match self.way {
            Way::Validate => {
                self.kernels.validate_piece(&mut self.state, piece)?;
                self.text.extend_from_slice(piece);
            }
            Way::InPlace => {
                self.kernels.unmask_text_piece(&mut self.state, &mut sent, self.mask)?;
                self.text.extend_from_slice(&sent);
            }
            Way::Copy => {
                let mut target = Surrounded::room(piece.len(), self.text.len() % 64);
                let written = self.kernels.copy_text_piece(
                    &mut self.state,
                    &sent,
                    target.uninit(),
                    self.mask,
                )?;
                self.text.extend_from_slice(written);
                target.assert_surroundings_untouched();
            }
        }
        self.mask = self.mask.advance(piece.len());
        Ok(())
    }

    /// What the kernels say of the next piece in each of the ways. A wrong *no* would
    /// not be seen otherwise: the piece is scanned once more then.
    fn verdicts(&self, piece: &[u8]) -> [bool; 3] {
        let (last, entry) = (self.state.last(), &self.kernels.entry);
        let mut sent = self.masked(piece);
        let mut target = vec![MaybeUninit::uninit(); piece.len()];
        // SAFETY: the kernels prove that the CPU has the tier.
        unsafe {
            [
                (entry.validate_piece)(piece, last),
                (entry.copy_text_piece)(&sent, &mut target, self.mask, last),
                (entry.unmask_text_piece)(&mut sent, self.mask, last),
            ]
        }
    }

    fn masked(&self, piece: &[u8]) -> Vec<u8> {
        let key = self.mask.bytes();
        piece.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect()
    }
}

/// Sends a text in pieces that end at `cuts`, and sees that each fails as soon
/// as the standard library is sure of an error, and in the same place.
#[track_caller]
fn check_pieces(kernels: &'static Kernels, way: Way, text: &[u8], cuts: &[usize]) {
    let context = || format!("{}, {way:?}, cuts {cuts:?}, {text:02x?}", kernels.tier());
    let mut receiver = Receiver::new(kernels, way);
    let mut start = 0;
    for &end in cuts.iter().chain([&text.len()]) {
        let expected = first_certain_error(&text[..end]);
        // A last byte that begins no sequence is not the kernels' to judge.
        if expected.is_none_or(|at| at + 1 < end as u64 || text[end - 1] < 0xC0) {
            let verdicts = receiver.verdicts(&text[start..end]);
            assert_eq!(verdicts, [expected.is_none(); 3], "on {start}..{end}: {}", context());
        }
        let found = receiver.push(&text[start..end]).err().map(|error| error.valid_up_to);
        assert_eq!(found, expected, "to {end}: {}", context());
        if found.is_some() {
            return;
        }
        let found = receiver.state.finish().err().map(|error| error.valid_up_to);
        assert_eq!(found, first_error(&text[..end]), "finish at {end}: {}", context());
        start = end;
    }
    assert_eq!(receiver.text, text, "{}", context());
}

#[test]
fn every_single_cut_of_every_length() {
    // One script for each length, all of them in turn.
    for len in ALL_LENGTHS {
        let text = &texts(len)[len % 5];
        for kernels in tiers() {
            for cut in 0..=len {
                check_pieces(kernels, WAYS[(len / 5 + cut) % 3], text, &[cut]);
            }
        }
    }
}

#[test]
fn every_single_cut_of_every_script() {
    for len in [3, 17, 40, 66, 130, 290] {
        for text in texts(len) {
            for kernels in tiers() {
                for cut in 0..=len {
                    for way in WAYS {
                        check_pieces(kernels, way, &text, &[cut]);
                    }
                }
            }
        }
    }
}

#[test]
fn every_pair_of_cuts_of_a_short_text() {
    for text in texts(24) {
        for kernels in tiers() {
            for first in 0..=text.len() {
                for second in first..=text.len() {
                    check_pieces(kernels, Way::InPlace, &text, &[first, second]);
                }
            }
        }
    }
}

#[test]
fn byte_by_byte() {
    for text in texts(300) {
        let cuts: Vec<usize> = (1..text.len()).collect();
        for kernels in tiers() {
            for way in WAYS {
                check_pieces(kernels, way, &text, &cuts);
            }
        }
    }
}

#[test]
fn long_texts_in_long_pieces() {
    for text in texts(5000) {
        for kernels in tiers() {
            for way in WAYS {
                for piece in [63, 64, 65, 257, 1024, 1025, 1500] {
                    let cuts: Vec<usize> = (piece..text.len()).step_by(piece).collect();
                    check_pieces(kernels, way, &text, &cuts);
                }
            }
        }
    }
}

/// A cut inside every kind of wrong or unfinished sequence.
#[test]
fn errors_around_a_cut() {
    let endings: [&[u8]; 16] = [
        b"\xC0",
        b"\xC0\x80",
        b"\xF5",
        b"\xFF",
        b"\x80",
        b"\xC3a",
        b"\xC3\xC3",
        b"\xE0\x80",
        b"\xE0\xA0a",
        b"\xE2\x82\xE2",
        b"\xED\xA0\x80",
        b"\xF0\x80",
        b"\xF0\x90\x80a",
        b"\xF4\x90",
        b"\xF0\x9F\x98\xF0",
        b"\xF0\x9F\x98\x80\x80",
    ];
    for ending in endings {
        for before in [0, 1, 2, 5, 13, 29, 61, 64, 131, 253, 260, 1030] {
            for after in [0, 1, 3, 4, 20, 60, 100, 300] {
                let mut text = vec![b'x'; before];
                text.extend_from_slice(ending);
                text.resize(text.len() + after, b'y');
                for cut in before..=before + ending.len() {
                    for kernels in tiers() {
                        for way in WAYS {
                            check_pieces(kernels, way, &text, &[cut]);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_bad_last_byte_of_a_piece_of_every_length() {
    for len in ALL_LENGTHS.chain(LONG_LENGTHS) {
        for filler in ["a", "語"] {
            let mut before = filler.repeat(len / filler.len()).into_bytes();
            before.resize(len, b'a');
            for last in [0x80, 0xC0, 0xF5, 0xFF] {
                let text = [&before[..], &[last], b"behind"].concat();
                for kernels in tiers() {
                    for way in WAYS {
                        check_pieces(kernels, way, &text, &[len + 1]);
                    }
                }
            }
        }
    }
}

#[test]
fn empty_pieces_change_nothing() {
    for kernels in tiers() {
        for way in WAYS {
            check_pieces(kernels, way, "a→b".as_bytes(), &[0, 0, 2, 2, 3, 3, 5, 5]);
        }
    }
}
