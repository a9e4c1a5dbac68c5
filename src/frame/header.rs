//! The frame header (RFC 6455, 5.2).

use super::{FrameError, MAX_CONTROL_PAYLOAD, Opcode};

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV: u8 = 0x70;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7F;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// A frame's header: everything before its payload.
///
/// ```
/// use wirespeed::{FrameHeader, Opcode};
///
/// let header = FrameHeader { mask: Some([1, 2, 3, 4]), ..FrameHeader::new(Opcode::Text, 300) };
/// let bytes = header.encode();
/// assert_eq!(bytes.as_slice(), [0x81, 0x80 | 126, 1, 44, 1, 2, 3, 4]);
/// assert_eq!(FrameHeader::decode(&bytes).unwrap(), Some((header, 8)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// Whether the frame ends its message.
    pub fin: bool,
    /// The first reserved bit; with permessage-deflate: the message is compressed.
    pub rsv1: bool,
    /// What the frame carries.
    pub opcode: Opcode,
    /// The masking key of a client's frame.
    pub mask: Option<[u8; 4]>,
    /// The payload's length, in bytes; at most 2^63 - 1.
    pub payload_len: u64,
}

impl FrameHeader {
    /// A frame that is a whole message, unmasked.
    pub const fn new(opcode: Opcode, payload_len: u64) -> Self {
        Self { fin: true, rsv1: false, opcode, mask: None, payload_len }
    }

    /// The header at the front of `bytes` and its length, or `None` if more
    /// bytes are needed.
    ///
    /// Checks what a header can be judged by without knowing the connection:
    /// RSV2 and RSV3, the opcode, the form of the length, and the rules for
    /// control frames. A bad header is reported as soon as the bytes that show
    /// it are there.
    ///
    /// # Errors
    ///
    /// [`FrameError`], naming the rule that is broken.
    pub fn decode(bytes: &[u8]) -> Result<Option<(Self, usize)>, FrameError> {
        let Some(&first) = bytes.first() else { return Ok(None) };
        if first & (RSV & !RSV1) != 0 {
            return Err(FrameError::ReservedBits { bits: (first & RSV) >> 4 });
        }
        let opcode =
            Opcode::from_bits(first).ok_or(FrameError::ReservedOpcode { opcode: first & 0x0F })?;
        let fin = first & FIN != 0;
        if opcode.is_control() && !fin {
            return Err(FrameError::FragmentedControl);
        }

        let Some(&second) = bytes.get(1) else { return Ok(None) };
        let short = second & LENGTH;
        if opcode.is_control() && usize::from(short) > MAX_CONTROL_PAYLOAD {
            // The form alone shows it: however much more has arrived.
            return Err(FrameError::ControlTooLong { len: u64::from(short) });
        }
        let length_bytes = match short {
            LENGTH_16 => 2,
            LENGTH_64 => 8,
            _ => 0,
        };
        let Some(long) = bytes.get(2..2 + length_bytes) else { return Ok(None) };
        let payload_len = match length_bytes {
            0 => u64::from(short),
            _ => long.iter().fold(0, |len, &byte| len << 8 | u64::from(byte)),
        };
        match length_bytes {
            2 if payload_len < u64::from(LENGTH_16) => {
                return Err(FrameError::LengthNotMinimal { len: payload_len });
            }
            8 if payload_len <= u64::from(u16::MAX) => {
                return Err(FrameError::LengthNotMinimal { len: payload_len });
            }
            8 if payload_len >> 63 != 0 => {
                return Err(FrameError::LengthTooLarge { len: payload_len });
            }
            _ => {}
        }

        let mut len = 2 + length_bytes;
        let mask = if second & MASKED != 0 {
            let Some(key) = bytes[len..].first_chunk::<4>() else { return Ok(None) };
            len += 4;
            Some(*key)
        } else {
            None
        };
        let header = Self { fin, rsv1: first & RSV1 != 0, opcode, mask, payload_len };
        Ok(Some((header, len)))
    }

    /// The header as it goes over the wire, the length in its shortest form.
    ///
    /// It is written as it is, though [`decode`](Self::decode) refuses lengths from
    /// 2^63 on, and control frames that are fragmented or longer than 125 bytes.
    #[inline(always)]
    pub fn encode(&self) -> HeaderBytes {
        let fin = if self.fin { FIN } else { 0 };
        let rsv1 = if self.rsv1 { RSV1 } else { 0 };
        let (masked, mask_len) = if self.mask.is_some() { (MASKED, 4) } else { (0, 0) };
        let first = self.opcode as u8 | fin | rsv1;
        let start = |short| u64::from(u16::from_le_bytes([first, masked | short]));
        let key = u64::from(self.mask.map_or(0, u32::from_le_bytes));
        // Put together in registers, the first byte lowest: an array that is written
        // in pieces and then copied makes the copy wait for its stores.
        let (wire, len) = if self.payload_len < u64::from(LENGTH_16) {
            (u128::from(start(self.payload_len as u8) | key << 16), 2)
        } else if let Ok(len) = u16::try_from(self.payload_len) {
            let long = u64::from(len.swap_bytes());
            (u128::from(start(LENGTH_16) | long << 16 | key << 32), 4)
        } else {
            let long = u128::from(self.payload_len.swap_bytes());
            (u128::from(start(LENGTH_64)) | long << 16 | u128::from(key) << 80, 10)
        };
        HeaderBytes { bytes: wire.to_le_bytes(), len: len + mask_len }
    }
}

/// An encoded header: 2 to 14 bytes.
#[derive(Debug, Clone, Copy)]
pub struct HeaderBytes {
    bytes: [u8; HeaderBytes::PADDED_LEN],
    len: u8,
}

impl HeaderBytes {
    pub(crate) const PADDED_LEN: usize = 16;

    /// No header.
    pub(crate) const EMPTY: Self = Self { bytes: [0; Self::PADDED_LEN], len: 0 };

    /// The bytes.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The bytes and zeros behind them: a copy of a length that the compiler knows.
    #[inline]
    pub(crate) fn padded(self) -> [u8; Self::PADDED_LEN] {
        self.bytes
    }

    /// Drops the first `count` bytes, of which there are as many.
    pub(crate) fn advance(&mut self, count: usize) {
        self.bytes.copy_within(count.., 0);
        self.len -= count as u8;
    }
}

impl std::ops::Deref for HeaderBytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_form_survives_a_round_trip_and_every_cut_asks_for_more() {
        for payload_len in [0, 1, 125, 126, 127, 65_535, 65_536, (1 << 63) - 1] {
            for mask in [None, Some([9, 8, 7, 6])] {
                let header = FrameHeader {
                    fin: false,
                    rsv1: true,
                    mask,
                    ..FrameHeader::new(Opcode::Binary, payload_len)
                };
                let bytes = header.encode();
                assert_eq!(FrameHeader::decode(&bytes), Ok(Some((header, bytes.len()))));
                for cut in 0..bytes.len() {
                    assert_eq!(FrameHeader::decode(&bytes[..cut]), Ok(None), "{header:?} at {cut}");
                }
            }
        }
    }

    #[test]
    fn a_control_frame_that_is_too_long_is_refused_at_its_second_byte() {
        let too_long = Err(FrameError::ControlTooLong { len: 126 });
        assert_eq!(FrameHeader::decode(&[0x89, 126]), too_long);
        assert_eq!(FrameHeader::decode(&[0x89, 126, 0, 5]), too_long);
    }
}
