//! Send stamps: how a synthetic message says when it was sent.
//!
//! A stamp is a Unix time in nanoseconds, 19 decimal digits until the year
//! 2286. It stands where a reader finds it without parsing: in a JSON object as
//! the last member, `"sent":<stamp>}`; in a tiny array as the last element,
//! `,<stamp>]]`; in a binary message as the event time behind the message
//! header. A message that is kept and sent later carries a null in its place.

use std::time::{SystemTime, UNIX_EPOCH};

use wirespeed::Opcode;

/// The schema identifier of the synthetic binary messages; no venue uses it.
pub(crate) const BINARY_SCHEMA: u16 = 0x5753;

/// What stands for a missing time in a binary message.
pub(crate) const BINARY_NULL: i64 = i64::MIN;

const DIGITS: usize = 19;
const OBJECT_KEY: &[u8] = b"\"sent\":";
const ARRAY_END: &[u8] = b"]]";
const LONGEST_ARRAY: usize = 45;

/// Stamps further from now are some other number that a foreign feed sends.
const PLAUSIBLE_NANOS: u64 = 3_600_000_000_000;

/// The wall clock in nanoseconds since 1970, which processes of one machine share.
pub(crate) fn unix_nanos() -> u64 {
    // A clock before 1970 reads as 1970; 64 bits of nanoseconds last until 2554.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

/// How many nanoseconds ago the message was sent, if it says so.
pub(crate) fn age(opcode: Opcode, payload: &[u8]) -> Option<u64> {
    age_at(find(opcode, payload)?, unix_nanos())
}

/// A stamp slightly ahead of `now`, by clocks of two machines, reads as no age.
fn age_at(sent: u64, now: u64) -> Option<u64> {
    (sent.abs_diff(now) <= PLAUSIBLE_NANOS).then(|| now.saturating_sub(sent))
}

/// The stamp of a synthetic message.
pub(crate) fn find(opcode: Opcode, payload: &[u8]) -> Option<u64> {
    match opcode {
        Opcode::Text => find_in_text(payload),
        Opcode::Binary => find_in_binary(payload),
        _ => None,
    }
}

fn find_in_text(payload: &[u8]) -> Option<u64> {
    let digits = if let Some(rest) = payload.strip_suffix(b"}") {
        let (head, digits) = rest.split_at_checked(rest.len().checked_sub(DIGITS)?)?;
        head.ends_with(OBJECT_KEY).then_some(digits)?
    } else if payload.len() <= LONGEST_ARRAY && payload.starts_with(b"[") {
        let rest = payload.strip_suffix(ARRAY_END)?;
        let (head, digits) = rest.split_at_checked(rest.len().checked_sub(DIGITS)?)?;
        head.ends_with(b",").then_some(digits)?
    } else {
        return None;
    };
    // `str::parse` alone would take a sign.
    let digits = digits.iter().all(u8::is_ascii_digit).then_some(digits)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn find_in_binary(payload: &[u8]) -> Option<u64> {
    let schema = u16::from_le_bytes(payload.get(4..6)?.try_into().ok()?);
    let time = i64::from_le_bytes(payload.get(8..16)?.try_into().ok()?);
    (schema == BINARY_SCHEMA && time != BINARY_NULL).then(|| u64::try_from(time).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_732_362_000_123_456_789;

    #[test]
    fn finds_the_stamp_in_objects_and_tiny_arrays() {
        let object = br#"{"s":"BNBBTC","sent":1732362000123456789}"#;
        assert_eq!(find(Opcode::Text, object), Some(NOW));
        let array = b"[232961,[0.02089,1732362000123456789]]";
        assert_eq!(find(Opcode::Text, array), Some(NOW));
    }

    #[test]
    fn finds_the_stamp_behind_a_binary_header() {
        let mut message = [0u8; 20];
        message[4..6].copy_from_slice(&BINARY_SCHEMA.to_le_bytes());
        message[8..16].copy_from_slice(&(NOW as i64).to_le_bytes());
        assert_eq!(find(Opcode::Binary, &message), Some(NOW));
        message[4] ^= 1;
        assert_eq!(find(Opcode::Binary, &message), None);
    }

    #[test]
    fn takes_nothing_else_for_a_stamp() {
        for text in [
            &b""[..],
            b"}",
            b"]]",
            br#"{"sent":null}"#,
            br#"{"sent":173236200012345678}"#,
            br#"{"sent":+732362000123456789}"#,
            br#"{"time":1732362000123456000}"#,
            b"[1732362000123456000]]",
            b"[\"a longer array that ends in such a number\",[1,1732362000123456000]]",
        ] {
            assert_eq!(find(Opcode::Text, text), None, "{}", text.escape_ascii());
        }
        assert_eq!(find(Opcode::Binary, b"short"), None);
    }

    #[test]
    fn an_age_is_plausible_and_never_negative() {
        assert_eq!(age_at(NOW - 42, NOW), Some(42));
        assert_eq!(age_at(NOW + 42, NOW), Some(0));
        assert_eq!(age_at(NOW - 2 * PLAUSIBLE_NANOS, NOW), None);
    }
}
