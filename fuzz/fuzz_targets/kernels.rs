//! The kernels of every tier against loops that are too simple to be wrong: in
//! place and copying, whole and in pieces, at any alignment.
//!
//! Every buffer ends where its allocation does, so that the address sanitizer
//! sees a byte too many.
#![no_main]

use std::mem::MaybeUninit;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use wirespeed::simd::{Kernels, Mask, Tier, Utf8Buffer, Utf8Error, Utf8State};
use wirespeed_fuzz::input::{Cuts, Input};

fuzz_target!(|data: &[u8]| {
    let case = Case::read(data);
    for kernels in Tier::ALL.into_iter().filter_map(Kernels::for_tier) {
        case.check_masking(kernels);
        case.check_validation(kernels);
        case.check_unmasking(kernels);
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
    /// How much longer a copy's target is than its source.
    spare: usize,
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
        let mut plain = vec![b'x'; ahead];
        plain.extend_from_slice(&input.rest().repeat(times));
        plain.truncate(LONGEST);
        let masked = plain.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        Self { plain, masked, key: Mask::new(key), cuts, from, to, spare }
    }

    fn check_masking(&self, kernels: &Kernels) {
        let mut whole = Placed::new(&self.plain, self.from);
        kernels.mask(whole.bytes(), self.key);
        assert_eq!(whole.bytes(), self.masked);

        let mut pieces = Placed::new(&self.plain, self.from);
        let mut rest = pieces.bytes();
        let mut key = self.key;
        for piece in self.cuts.pieces(&self.plain) {
            let (front, back) = rest.split_at_mut(piece.len());
            kernels.mask(front, key);
            key = key.advance(front.len());
            rest = back;
        }
        assert_eq!(pieces.bytes(), self.masked);

        let mut source = Placed::new(&self.plain, self.from);
        let mut target = vec![MaybeUninit::new(0xA5); self.to + self.plain.len() + self.spare];
        let written = kernels.copy_masked(source.bytes(), &mut target[self.to..], self.key);
        assert_eq!(written, self.masked);

        let mut target = vec![0xA5; self.to + self.plain.len() + self.spare];
        kernels.copy_masked_into(source.bytes(), &mut target[self.to..], self.key);
        let (front, rest) = target.split_at(self.to);
        let (copy, behind) = rest.split_at(self.plain.len());
        assert_eq!(copy, self.masked);
        assert!(front.iter().chain(behind).all(|&byte| byte == 0xA5));

        let shorter = self.plain.len().saturating_sub(self.spare);
        let mut target = vec![0; shorter];
        kernels.copy_masked_into(source.bytes(), &mut target, self.key);
        assert_eq!(target, self.masked[..shorter]);
    }

    fn check_validation(&self, kernels: &Kernels) {
        let mut text = Placed::new(&self.plain, self.from);
        assert_eq!(place(kernels.validate(text.bytes()).map(drop)), naive(&self.plain));

        let mut state = Utf8State::default();
        self.check_pieces(&mut state, |state, range| {
            kernels.validate_piece(state, &text.bytes()[range])
        });
    }

    fn check_unmasking(&self, kernels: &Kernels) {
        let mut text = Placed::new(&self.masked, self.from);
        match kernels.unmask_text(text.bytes(), self.key) {
            Ok(text) => assert_eq!(text.as_bytes(), self.plain),
            Err(error) => assert_eq!(Err(error.valid_up_to), naive(&self.plain)),
        }
        assert_eq!(
            place(
                kernels.unmask_text(Placed::new(&self.masked, self.to).bytes(), self.key).map(drop)
            ),
            naive(&self.plain)
        );

        let mut text = Placed::new(&self.masked, self.from);
        let mut state = Utf8State::default();
        self.check_pieces(&mut state, |state, range| {
            let key = self.key.advance(range.start);
            let piece = &mut text.bytes()[range.clone()];
            kernels.unmask_text_piece(state, piece, key)?;
            assert_eq!(piece, &self.plain[range]);
            Ok(())
        });

        let mut source = Placed::new(&self.masked, self.from);
        let mut target = vec![MaybeUninit::uninit(); self.to + self.masked.len() + self.spare];
        let copy = kernels.copy_text(source.bytes(), &mut target[self.to..], self.key);
        if let Ok(text) = &copy {
            assert_eq!(text.as_bytes(), self.plain);
        }
        assert_eq!(place(copy.map(drop)), naive(&self.plain));

        let mut state = Utf8State::default();
        self.check_pieces(&mut state, |state, range| {
            let mut target = vec![MaybeUninit::uninit(); self.to + range.len()];
            let (piece, key) = (&source.bytes()[range.clone()], self.key.advance(range.start));
            let copy = kernels.copy_text_piece(state, piece, &mut target[self.to..], key)?;
            assert_eq!(copy, &self.plain[range]);
            Ok(())
        });
    }

    fn check_buffer(&self, kernels: &Kernels) {
        let mut text = Utf8Buffer::new(BytesMut::new());
        for lends in [false, true] {
            text.clear();
            let mut state = Utf8State::default();
            let is_whole = self.check_pieces(&mut state, |_, range| {
                text.push(kernels, &self.masked[range.clone()], self.key.advance(range.start))
            });
            if is_whole {
                let finished = match lends {
                    false => text.take().map(|text| text.into_bytes().to_vec()),
                    true => text.text_mut().map(|text| text.as_bytes().to_vec()),
                };
                assert_eq!(text.is_empty(), finished.is_ok() || self.plain.is_empty());
                assert_eq!(finished.map_err(|error| error.valid_up_to), naive_text(&self.plain));
            }
        }
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

/// Bytes at a place of their own, with the end of the allocation right behind.
struct Placed {
    bytes: Vec<u8>,
    start: usize,
}

impl Placed {
    fn new(content: &[u8], start: usize) -> Self {
        let mut bytes = Vec::with_capacity(start + content.len());
        bytes.resize(start, 0);
        bytes.extend_from_slice(content);
        Self { bytes, start }
    }

    fn bytes(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
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
