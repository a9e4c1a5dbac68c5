//! The fixed Huffman codes with the extra bits behind them, RFC 1951, 3.2.5 and
//! 3.2.6: bits as they are sent, and how many.

/// Codes of lengths, for lengths from 3 up.
static LENGTHS: [(u16, u8); 256] = lengths();
static LITERALS: [(u16, u8); 256] = literals();
/// Codes of distances, without their extra bits.
static DISTANCES: [u8; 32] = distances();

/// The code of a byte.
#[inline(always)]
pub(super) fn literal(byte: u8) -> (u32, u32) {
    let (bits, count) = LITERALS[usize::from(byte)];
    (u32::from(bits), u32::from(count))
}

/// The codes of a match's length, 3 to 258, and of its distance, 1 to 32,768.
#[inline(always)]
pub(super) fn reference(len: u32, distance: u32) -> (u32, u32) {
    let (len_bits, len_count) = LENGTHS[usize::from((len - 3) as u8)];
    let (bits, count) = self::distance(distance);
    (u32::from(len_bits) | bits << len_count, u32::from(len_count) + count)
}

#[inline(always)]
fn distance(distance: u32) -> (u32, u32) {
    let offset = distance - 1;
    // From 4 on, two codes for each power of two, and the bits below the two highest as
    // they are; below, a code for each.
    let extra = (offset | 2).ilog2() - 1;
    let code = 2 * extra + (offset >> extra);
    let low = offset & ((1 << extra) - 1);
    (u32::from(DISTANCES[code as usize % DISTANCES.len()]) | low << 5, 5 + extra)
}

const fn distances() -> [u8; 32] {
    let mut codes = [0; 32];
    let mut code = 0;
    while code < codes.len() as u32 {
        codes[code as usize] = reversed(code, 5) as u8;
        code += 1;
    }
    codes
}

const fn literals() -> [(u16, u8); 256] {
    let mut codes = [(0, 0); 256];
    let mut byte = 0;
    while byte < codes.len() as u32 {
        codes[byte as usize] = symbol(byte);
        byte += 1;
    }
    codes
}

const fn lengths() -> [(u16, u8); 256] {
    let mut codes = [(0, 0); 256];
    let mut offset = 0;
    while offset < codes.len() as u32 - 1 {
        // Eight codes without extra bits, then four for each power of two.
        let extra = if offset < 8 { 0 } else { offset.ilog2() - 2 };
        let (bits, count) = symbol(257 + 4 * extra + (offset >> extra));
        let low = offset & ((1 << extra) - 1);
        codes[offset as usize] = (bits | (low << count) as u16, count + extra as u8);
        offset += 1;
    }
    // The longest has a code of its own.
    codes[255] = symbol(285);
    codes
}

/// The fixed code of a literal or a length.
const fn symbol(symbol: u32) -> (u16, u8) {
    let (code, count) = match symbol {
        0..=143 => (0b0011_0000 + symbol, 8),
        144..=255 => (0b1_1001_0000 + symbol - 144, 9),
        256..=279 => (symbol - 256, 7),
        _ => (0b1100_0000 + symbol - 280, 8),
    };
    (reversed(code, count) as u16, count as u8)
}

/// Huffman codes are sent from their highest bit on.
const fn reversed(code: u32, count: u32) -> u32 {
    code.reverse_bits() >> (u32::BITS - count)
}
