use bytes::BytesMut;

use super::*;
use crate::simd::{Utf8Buffer, Utf8Bytes};

#[test]
fn unmasks_into_a_shared_text_without_a_copy() {
    let mut buffer = BytesMut::from(&[0xFF; 3][..]);
    buffer.extend(masked("grüße".as_bytes()));
    buffer.extend([0xFF; 2]);
    let address = buffer[3..].as_ptr();
    let take = |buffer: &mut BytesMut, range, mask| {
        Utf8Bytes::take_from(Kernels::active(), buffer, range, mask)
    };
    let text = take(&mut buffer, 3..10, Mask::new(KEY)).unwrap();
    assert_eq!(text, "grüße");
    assert_eq!(text.into_bytes().as_ptr(), address);
    assert_eq!(buffer, [0xFF; 2][..]);

    let mut buffer = BytesMut::from(&b"?ab\xFF"[..]);
    let error = take(&mut buffer, 1..4, Mask::NONE).unwrap_err();
    assert_eq!((error.valid_up_to, buffer.len()), (2, 4));
    assert_eq!(take(&mut buffer, 1..3, Mask::NONE).unwrap(), "ab");
    assert_eq!(take(&mut buffer, 7..9, Mask::NONE).unwrap(), "");
}

#[test]
fn a_buffer_takes_copied_and_produced_pieces_in_turn() {
    for kernels in tiers() {
        for text in texts(2000) {
            let text = &text[..first_error(&text).unwrap_or(2000) as usize];
            let mut buffer = Utf8Buffer::default();
            for (i, piece) in text.chunks(37).enumerate() {
                if i % 2 == 0 {
                    let masked = masked(piece);
                    buffer.push(kernels, &masked, Mask::new(KEY)).unwrap();
                } else {
                    buffer.spare(100)[..piece.len()].copy_from_slice(piece);
                    buffer.commit(kernels, piece.len()).unwrap();
                }
            }
            assert_eq!(buffer.len(), text.len());
            assert_eq!(buffer.take().unwrap().as_bytes(), text);
            assert!(buffer.is_empty());

            buffer.push(kernels, text, Mask::NONE).unwrap();
            assert_eq!(buffer.text_mut().unwrap().as_bytes(), text);
            assert!(buffer.is_empty());
        }
    }
}

/// What was lent out may be anything afterwards.
#[test]
fn a_lent_text_is_text_no_longer() {
    let kernels = Kernels::active();
    let mut buffer = Utf8Buffer::default();
    for piece in ["a", "grüße", &"x".repeat(1000)] {
        buffer.push(kernels, piece.as_bytes(), Mask::NONE).unwrap();
        buffer.text_mut().unwrap().into_bytes().fill(0xFF);
        assert_eq!(buffer.len(), 0);
        assert_eq!(buffer.text_mut().unwrap().into_str(), "");
        assert_eq!(buffer.take().unwrap(), "");
        assert_eq!(buffer.commit(kernels, 1).unwrap_err().valid_up_to, 0);

        buffer.clear();
        buffer.push(kernels, b"new", Mask::NONE).unwrap();
        assert_eq!(&*buffer.text_mut().unwrap(), "new");
    }
}

#[test]
fn a_buffer_says_where_a_produced_piece_goes_wrong() {
    let kernels = Kernels::active();
    let mut buffer = Utf8Buffer::default();
    buffer.push(kernels, b"abc\xE2\x82", Mask::NONE).unwrap();
    assert_eq!(buffer.text_mut().unwrap_err().valid_up_to, 3);
    assert_eq!(buffer.take().unwrap_err().valid_up_to, 3);
    buffer.spare(4).copy_from_slice(b"\xACd\xFFe");
    assert_eq!(buffer.commit(kernels, 4).unwrap_err().valid_up_to, 7);

    buffer.clear();
    buffer.push(kernels, b"new", Mask::NONE).unwrap();
    assert_eq!(buffer.take().unwrap(), "new");
}

#[test]
fn a_commit_takes_no_more_than_the_spare_bytes() {
    let mut buffer = Utf8Buffer::default();
    buffer.spare(3).copy_from_slice(b"abc");
    buffer.commit(Kernels::active(), usize::MAX).unwrap();
    assert_eq!(&*buffer.text_mut().unwrap(), "abc");
    buffer.clear();
    buffer.commit(Kernels::active(), 0).unwrap();
    assert!(buffer.is_empty());
}

/// What was written once is not initialised again, whoever owned it since.
#[test]
fn storage_stays_initialised_from_text_to_text() {
    let mut buffer = Utf8Buffer::default();
    buffer.spare(100).fill(b'x');
    let storage = buffer.into_storage();
    assert!(storage.len() >= 100);
    let mut buffer = Utf8Buffer::new(storage);
    assert!(buffer.is_empty());
    assert_eq!(buffer.spare(100), [b'x'; 100]);
}

#[test]
fn a_buffer_grows_with_what_arrives() {
    let mut buffer = Utf8Buffer::default();
    for _ in 0..1000 {
        buffer.push(Kernels::active(), b"0123456789", Mask::NONE).unwrap();
    }
    let storage = buffer.into_storage();
    assert_eq!(storage.len(), 10_000);
    assert!(storage.capacity() < 3 * 10_000, "capacity {}", storage.capacity());
}

/// The bytes behind the text belong to the buffer and are initialised: Valgrind
/// and Miri would see it if they were not.
#[test]
fn a_borrowed_text_is_padded() {
    let mut buffer = Utf8Buffer::new(BytesMut::with_capacity(8));
    buffer.push(Kernels::active(), b"12345678", Mask::NONE).unwrap();
    buffer.text_mut().unwrap();
    let storage = buffer.into_storage();
    assert!(storage.len() >= 8 + Utf8Buffer::PADDING);
}
