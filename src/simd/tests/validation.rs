use super::*;

/// Bytes of every class that the rules of RFC 3629 tell apart, at the ends of
/// their ranges.
const FIRST: [u8; 26] = [
    0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED,
    0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFB, 0xFC, 0xFF,
];
const SECOND: [u8; 11] = [0x41, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xE1, 0xF1, 0xFF];
const LATER: [u8; 4] = [0x41, 0x80, 0xBF, 0xC2];

/// All sequences of up to four bytes of those classes.
fn sequences() -> Vec<Vec<u8>> {
    let mut sequences = Vec::new();
    for first in FIRST {
        sequences.push(vec![first]);
        for second in SECOND {
            sequences.push(vec![first, second]);
            for third in LATER {
                sequences.push(vec![first, second, third]);
                sequences.extend(LATER.map(|fourth| vec![first, second, third, fourth]));
            }
        }
    }
    sequences
}

/// One sequence for each way of being right, cut short or wrong.
const PREFIXES: [&[u8]; 43] = [
    b"a",
    b"\xC2",
    b"\xC2\x80",
    b"\xDF\xBF",
    b"\xE0",
    b"\xE0\xA0",
    b"\xE0\xA0\x80",
    b"\xED\x9F",
    b"\xED\x9F\xBF",
    b"\xEE\x80\x80",
    b"\xEF\xBF\xBF",
    b"\xF0",
    b"\xF0\x90",
    b"\xF0\x90\x80",
    b"\xF0\x90\x80\x80",
    b"\xF1",
    b"\xF1\x80",
    b"\xF1\x80\x80\x80",
    b"\xF2\x8F\xBF\x90",
    b"\xF3\xBF\xBF",
    b"\xF3\xBF\xBF\xBF",
    b"\xF4\x8F\xBF",
    b"\xF4\x8F\xBF\xBF",
    b"\x80",
    b"\xC2\x80\x80",
    b"\xC0",
    b"\xC0\x80",
    b"\xC1\xBF",
    b"\xE0\x9F",
    b"\xE0\x80\x80",
    b"\xED\xA0",
    b"\xED\xBF\xBF",
    b"\xE1\x80\x80\x80",
    b"\xF0\x80",
    b"\xF0\x8F\xBF\xBF",
    b"\xF1\x80\x80\xC2",
    b"\xF3\x80\x80\x80\x80",
    b"\xF4\x90",
    b"\xF4\x90\x80\x80",
    b"\xF5\x80\x80\x80",
    b"\xFC\x80",
    b"\xFE",
    b"\xFF",
];

#[test]
fn agrees_with_std_at_every_length_and_alignment() {
    for len in ALL_LENGTHS {
        for text in texts(len) {
            for kernels in tiers() {
                for offset in 0..64 {
                    check_whole(kernels, &text, offset);
                }
            }
        }
    }
}

#[test]
fn copies_text_from_any_alignment_to_any() {
    for len in ALL_LENGTHS.chain(LONG_LENGTHS) {
        let text = &texts(len)[len % 5];
        for kernels in tiers() {
            for from in OFFSETS {
                for to in OFFSETS {
                    check_copy(kernels, text, from, to);
                }
            }
        }
    }
}

#[test]
fn agrees_with_std_on_long_texts() {
    for len in LONG_LENGTHS {
        for text in texts(len) {
            for kernels in tiers() {
                for offset in OFFSETS {
                    check_whole(kernels, &text, offset);
                }
            }
        }
    }
}

/// Each sequence of four classes of bytes, before, across and behind the border of a
/// register of either width, in short texts and in long ones, and at the border of a
/// group; and each at the end of the text.
#[test]
fn agrees_with_std_on_every_sequence_at_borders() {
    for sequence in sequences() {
        for (len, border) in [(40, 32), (100, 64), (300, 64), (300, 96), (300, 128), (300, 256)] {
            for start in border - sequence.len()..=border {
                let mut text = vec![b'a'; len];
                text[start..start + sequence.len()].copy_from_slice(&sequence);
                for kernels in tiers() {
                    check_validation(kernels, &text);
                    check_validation(kernels, &text[..start + sequence.len()]);
                }
            }
        }
    }
}

/// Each way of being right or wrong, at every position of short, medium and
/// long texts of one byte per character and of more.
#[test]
fn agrees_with_std_on_every_prefix_at_every_position() {
    for filler in ["a", "ä", "語"] {
        for len in [9, 20, 40, 70, 140, 200, 330] {
            let fill: Vec<u8> = filler.bytes().cycle().take(len).collect();
            for prefix in PREFIXES {
                for start in (0..=len - prefix.len()).step_by(filler.len()) {
                    let mut text = fill.clone();
                    text[start..start + prefix.len()].copy_from_slice(prefix);
                    for kernels in tiers() {
                        check_validation(kernels, &text);
                        check_validation(kernels, &text[..start + prefix.len()]);
                    }
                }
            }
        }
    }
}

#[test]
fn refuses_a_bad_last_byte_at_every_length() {
    for filler in ["a", "ä", "語"] {
        for len in ALL_LENGTHS.chain(LONG_LENGTHS) {
            let mut text = filler.repeat(len / filler.len());
            text.extend(std::iter::repeat_n('a', len % filler.len()));
            for last in [0x80, 0xC0, 0xC1, 0xC2, 0xF4, 0xF5, 0xFF] {
                let mut text = text.clone().into_bytes();
                text.push(last);
                for kernels in tiers() {
                    check_validation(kernels, &text);
                }
            }
        }
    }
}

/// The detailed check takes over where a text ceases to be ASCII.
#[test]
fn agrees_with_std_wherever_ascii_ends() {
    for len in [120, 200, 257, 400, 511, 700] {
        for sequence in ["ä", "語", "🙂"] {
            for start in 0..=len - sequence.len() {
                let mut text = vec![b'a'; len];
                text[start..start + sequence.len()].copy_from_slice(sequence.as_bytes());
                for kernels in tiers() {
                    check_whole(kernels, &text, start % 64);
                }
            }
        }
    }
}

#[test]
fn finds_an_error_anywhere_in_a_long_text() {
    for text in texts(1500) {
        for at in 0..text.len() {
            let mut text = text.clone();
            text[at] = 0xFF;
            for kernels in tiers() {
                check_validation(kernels, &text);
            }
        }
    }
}

/// What the kernels find, and where.
#[track_caller]
fn check_validation(kernels: &Kernels, text: &[u8]) {
    check_verdicts(kernels, text, text.len() % 64);
    let found = kernels.validate(text).err().map(|error| error.valid_up_to);
    assert_eq!(found, first_error(text), "{}: {text:02x?}", kernels.tier());
}
