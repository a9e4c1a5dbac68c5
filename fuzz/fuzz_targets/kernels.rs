//! The kernels of every tier against loops that are too simple to be wrong: in
//! place and copying, whole and in pieces, at any alignment.
//!
//! What is read ends where its allocation does, so that the address sanitizer sees a
//! byte too many; what is written lies between bytes that must stay as they are. And
//! a kernel must not refuse what is right, though it would be set right behind it: the
//! library asserts that in builds with debug assertions, as cargo-fuzz makes them.
#![no_main]

use std::mem::MaybeUninit;

use bytes::{Buf, BytesMut};
use libfuzzer_sys::fuzz_target;
use wirespeed::simd::{Kernels, Mask, Tier, Utf8Buffer, Utf8Bytes, Utf8Error, Utf8State};
use wirespeed_fuzz::{
    input::{Cuts, Input},
    padding::read_behind,
};

fuzz_target!(|data: &[u8]| {
    let case = Case::read(data);
    for kernels in Tier::ALL.into_iter().filter_map(Kernels::for_tier) {
        case.check_masking(kernels);
        case.check_validation(kernels);
        case.check_unmasking(kernels);
        case.check_taking(kernels);
        case.check_buffer(kernels);
    }
});

/// Many times the widest loop's step.
const LONGEST: usize = 4 << 10;

struct Case {
    /// What is to be masked, or was masked and is to be validated.
    plain: Vec<u8>,
    masked: Vec<u8>,
    key: Mask,
    cuts: Cuts,
    /// Where in their allocations the buffers start.
    from: usize,
    to: usize,
    /// How much longer a copy's target is than its source, and how many bytes lie
    /// behind what changes in place.
    spare: usize,
    /// How a buffer gets each piece and what is done with it then, over and over
    /// again.
    operations: [u8; 8],
}

impl Case {
    fn read(data: &[u8]) -> Self {
        let mut input = Input::new(data);
        let key = input.array();
        let cuts = Cuts(input.array());
        let (from, to) = (usize::from(input.byte() % 64), usize::from(input.byte() % 64));
        let spare = usize::from(input.byte());
        // Puts what follows at any place of a block, and makes it longer.
        let ahead = usize::from(input.byte());
        let times = usize::from(input.byte() % 8) + 1;
        let operations = input.array();
        let mut plain = vec![b'x'; ahead];
        plain.extend_from_slice(&input.rest().repeat(times));
        plain.truncate(LONGEST);
        let masked = plain.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        Self { plain, masked, key: Mask::new(key), cuts, from, to, spare, operations }
    }

    /// Starts of what changes in place, and bytes behind it.
    fn places(&self) -> [(usize, usize); 2] {
        [(self.from, 0), (self.to, self.spare)]
    }

    fn check_masking(&self, kernels: &Kernels) {
        for (start, behind) in self.places() {
            let mut whole = Placed::new(&self.plain, start, behind);
            kernels.mask(whole.bytes(), self.key);
            assert_eq!(whole.bytes(), self.masked);
            whole.assert_surroundings_untouched();
        }

        let mut pieces = Placed::new(&self.plain, self.from, 0);
        let mut rest = pieces.bytes();
        let mut key = self.key;
        for piece in self.cuts.pieces(&self.plain) {
            let (front, back) = rest.split_at_mut(piece.len());
            kernels.mask(front, key);
            key = key.advance(front.len());
            rest = back;
        }
        assert_eq!(pieces.bytes(), self.masked);

        let mut source = Placed::new(&self.plain, self.from, 0);
        let mut target = Placed::room(self.plain.len(), self.to, self.spare);
        let written = kernels.copy_masked(source.bytes(), target.uninit(), self.key);
        assert_eq!(written, self.masked);
        target.assert_surroundings_untouched();

        let mut target = Placed::room(self.plain.len(), self.to, self.spare);
        kernels.copy_masked_into(source.bytes(), target.from_start(), self.key);
        assert_eq!(target.bytes(), self.masked);
        target.assert_surroundings_untouched();

        let shorter = self.plain.len().saturating_sub(self.spare);
        let mut target = Placed::room(shorter, self.to, 0);
        kernels.copy_masked_into(source.bytes(), target.bytes(), self.key);
        assert_eq!(target.bytes(), &self.masked[..shorter]);
        target.assert_surroundings_untouched();
    }

    fn check_validation(&self, kernels: &Kernels) {
        let mut text = Placed::new(&self.plain, self.from, 0);
        assert_eq!(place(kernels.validate(text.bytes()).map(drop)), naive(&self.plain));

        let mut state = Utf8State::default();
        self.check_pieces(&mut state, |state, range| {
            kernels.validate_piece(state, &text.bytes()[range])
        });
    }

    fn check_unmasking(&self, kernels: &Kernels) {
        for (start, behind) in self.places() {
            let mut text = Placed::new(&self.masked, start, behind);
            match kernels.unmask_text(text.bytes(), self.key) {
                Ok(text) => assert_eq!(naive_text(text.as_bytes()).as_ref(), Ok(&self.plain)),
                Err(error) => assert_eq!(Err(error.valid_up_to), naive(&self.plain)),
            }
            text.assert_surroundings_untouched();
        }

        let mut text = Placed::new(&self.masked, self.from, 0);
        let mut state = Utf8State::default();
        self.check_pieces(&mut state, |state, range| {
            let key = self.key.advance(range.start);
            let (_, rest) = text.bytes().split_at_mut(range.start);
            let (piece, behind) = rest.split_at_mut(range.len());
            kernels.unmask_text_piece(state, piece, key)?;
            assert_eq!(piece, &self.plain[range.clone()]);
            assert_eq!(behind, &self.masked[range.end..]);
            Ok(())
        });

        let mut source = Placed::new(&self.masked, self.from, 0);
        let mut target = Placed::room(self.masked.len(), self.to, self.spare);
        let copy = kernels.copy_text(source.bytes(), target.uninit(), self.key);
        if let Ok(text) = &copy {
            assert_eq!(text.as_bytes(), self.plain);
        }
        assert_eq!(place(copy.map(drop)), naive(&self.plain));
        target.assert_surroundings_untouched();

        let mut state = Utf8State::default();
        self.check_pieces(&mut state, |state, range| {
            let mut target = Placed::room(range.len(), self.to, self.spare);
            let (piece, key) = (&source.bytes()[range.clone()], self.key.advance(range.start));
            let copy = kernels.copy_text_piece(state, piece, target.uninit(), key);
            let result = copy.map(|copy| assert_eq!(copy, &self.plain[range]));
            target.assert_surroundings_untouched();
            result
        });
    }

    /// Texts that are taken out of a buffer: the whole, from anywhere in it, then every
    /// piece as a text of its own, one behind the other.
    fn check_taking(&self, kernels: &Kernels) {
        let around = Placed::new(&self.masked, self.from, self.spare).bytes;
        let (start, end) = (self.from, self.from + self.masked.len());
        let mut buffer = BytesMut::from(&around[..]);
        match Utf8Bytes::take_from(kernels, &mut buffer, start..end, self.key) {
            Ok(text) => {
                assert_eq!(naive_text(text.as_bytes()).as_ref(), Ok(&self.plain));
                assert_eq!(buffer, around[end..]);
            }
            Err(error) => {
                assert_eq!(Err(error.valid_up_to), naive(&self.plain));
                assert_eq!(buffer.len(), around.len());
                assert_eq!(buffer[..start], around[..start]);
                assert_eq!(buffer[end..], around[end..]);
            }
        }

        let mut buffer = BytesMut::from(&self.masked[..]);
        let mut key = self.key;
        for piece in self.cuts.pieces(&self.plain) {
            match Utf8Bytes::take_from(kernels, &mut buffer, 0..piece.len(), key) {
                Ok(text) => assert_eq!(naive_text(text.as_bytes()), Ok(piece.to_vec())),
                Err(error) => {
                    assert_eq!(Err(error.valid_up_to), naive(piece));
                    buffer.advance(piece.len());
                }
            }
            key = key.advance(piece.len());
            assert_eq!(buffer, self.masked[self.masked.len() - buffer.len()..]);
        }
        assert!(buffer.is_empty());
    }

    /// Texts that are put together in a buffer, from pieces that are copied or produced
    /// in place.
    fn check_buffer(&self, kernels: &Kernels) {
        let mut buffer = Utf8Buffer::new(BytesMut::new());
        let mut model = Model::default();
        let mut start = 0;
        for (piece, operation) in
            self.cuts.pieces(&self.plain).zip(self.operations.into_iter().cycle())
        {
            let added = if operation & 1 == 0 {
                let masked = &self.masked[start..start + piece.len()];
                buffer.push(kernels, masked, self.key.advance(start))
            } else {
                let spare = buffer.spare(piece.len() + usize::from(operation >> 4));
                spare[..piece.len()].copy_from_slice(piece);
                buffer.commit(kernels, piece.len())
            };
            start += piece.len();
            assert_eq!(place(added), model.push(piece));
            if added.is_err() {
                buffer.clear();
                model = Model::default();
            }
            assert_eq!(buffer.len(), model.text.len());
            match operation >> 1 & 7 {
                4 => {
                    buffer.clear();
                    model = Model::default();
                }
                5 => {
                    let storage = buffer.into_storage();
                    assert!(storage.starts_with(&model.text));
                    buffer = Utf8Buffer::new(storage);
                    model = Model::default();
                }
                6 => model.check_finished(&mut buffer, true),
                7 => model.check_finished(&mut buffer, false),
                _ => {}
            }
        }
        model.check_finished(&mut buffer, self.operations[0] & 1 == 0);
    }

    /// Gives the ranges of all pieces to `check`, until it fails, and compares: it
    /// has to fail at the first piece that makes the text wrong beyond help, with
    /// the place of the first bad byte. Then the text may end where it ends. Says
    /// whether it did not fail.
    fn check_pieces(
        &self,
        state: &mut Utf8State,
        mut check: impl FnMut(&mut Utf8State, std::ops::Range<usize>) -> Result<(), Utf8Error>,
    ) -> bool {
        let hopeless = match std::str::from_utf8(&self.plain) {
            Err(error) => error.error_len().map(|_| error.valid_up_to()),
            Ok(_) => None,
        };
        let mut end = 0;
        let mut checks_state = false;
        for piece in self.cuts.pieces(&self.plain) {
            let range = end..end + piece.len();
            end = range.end;
            let before = *state;
            let is_beyond_help = hopeless.is_some_and(|at| {
                at < end
                    && std::str::from_utf8(&self.plain[at..end])
                        .is_err_and(|error| error.valid_up_to() == 0 && error.error_len().is_some())
            });
            match check(state, range) {
                Ok(()) => assert!(!is_beyond_help, "a bad piece passed"),
                Err(error) => {
                    assert!(is_beyond_help, "a good piece was refused");
                    assert_eq!(Some(error.valid_up_to as usize), hopeless);
                    assert_eq!(*state, before);
                    return false;
                }
            }
            checks_state |= *state != before;
        }
        if checks_state {
            assert_eq!(place(state.finish()), naive(&self.plain));
        }
        true
    }
}

/// What a buffer has to hold.
#[derive(Default)]
struct Model {
    text: Vec<u8>,
    /// How many bytes of it are whole sequences.
    whole: usize,
}

impl Model {
    /// Adds a piece, or says where the text goes wrong whatever follows.
    fn push(&mut self, piece: &[u8]) -> Result<(), u64> {
        self.text.extend_from_slice(piece);
        match std::str::from_utf8(&self.text[self.whole..]) {
            Ok(rest) => self.whole += rest.len(),
            Err(error) => {
                self.whole += error.valid_up_to();
                if error.error_len().is_some() {
                    return Err(self.whole as u64);
                }
            }
        }
        Ok(())
    }

    /// Compares the finished text, lent out or taken out: it is gone from the buffer
    /// then, whatever becomes of it. An unfinished one stays.
    fn check_finished(&mut self, buffer: &mut Utf8Buffer, lends: bool) {
        let finished = if lends {
            buffer.text_mut().map(|text| {
                let text = text.into_bytes();
                read_behind(text);
                let copy = text.to_vec();
                text.fill(0xFF);
                copy
            })
        } else {
            buffer.take().map(|text| text.into_bytes().to_vec())
        };
        assert_eq!(finished.map_err(|error| error.valid_up_to), naive_text(&self.text));
        if self.whole == self.text.len() {
            *self = Self::default();
        }
        assert_eq!(buffer.len(), self.text.len());
    }
}

/// What lies in front of bytes in their allocation, and behind them.
const AROUND: u8 = 0xA5;

/// Bytes at a place of their own.
struct Placed {
    bytes: Vec<u8>,
    start: usize,
    len: usize,
}

impl Placed {
    /// The allocation ends so many bytes behind the content.
    fn new(content: &[u8], start: usize, behind: usize) -> Self {
        let len = content.len();
        let mut bytes = Vec::with_capacity(start + len + behind);
        bytes.resize(start, AROUND);
        bytes.extend_from_slice(content);
        bytes.resize(start + len + behind, AROUND);
        Self { bytes, start, len }
    }

    /// Room for a copy.
    fn room(len: usize, start: usize, behind: usize) -> Self {
        Self { bytes: vec![AROUND; start + len + behind], start, len }
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..][..self.len]
    }

    /// The bytes and all that is behind them.
    fn from_start(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }

    /// The same, as memory to be written.
    fn uninit(&mut self) -> &mut [MaybeUninit<u8>] {
        // SAFETY: same layout; only kernels write to it, and they initialise.
        unsafe { &mut *(std::ptr::from_mut(self.from_start()) as *mut [MaybeUninit<u8>]) }
    }

    fn assert_surroundings_untouched(&self) {
        let (front, rest) = self.bytes.split_at(self.start);
        let behind = &rest[self.len..];
        assert!(front.iter().chain(behind).all(|&byte| byte == AROUND));
    }
}

fn naive(text: &[u8]) -> Result<(), u64> {
    naive_text(text).map(drop)
}

fn naive_text(text: &[u8]) -> Result<Vec<u8>, u64> {
    match std::str::from_utf8(text) {
        Ok(text) => Ok(text.into()),
        Err(error) => Err(error.valid_up_to() as u64),
    }
}

fn place(result: Result<(), Utf8Error>) -> Result<(), u64> {
    result.map_err(|error| error.valid_up_to)
}
