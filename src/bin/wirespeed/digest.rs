//! A fingerprint of a whole feed, to compare what was sent with what arrived.

use std::fmt;

use wirespeed::Opcode;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Count, payload bytes and a 64-bit checksum of messages in their order.
///
/// Each message's XXH3 is seeded with the checksum so far, its opcode and
/// its length, so a message that is changed, lost, doubled, split, joined, moved or
/// turned from text into binary changes the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FeedDigest {
    /// Messages added.
    pub(crate) messages: u64,
    /// Payload bytes added.
    pub(crate) bytes: u64,
    hash: u64,
}

impl FeedDigest {
    /// Adds the next message, text or binary.
    pub(crate) fn add(&mut self, opcode: Opcode, payload: &[u8]) {
        let length = payload.len() as u64;
        let seed = self.hash.wrapping_add(length << 1 | u64::from(opcode == Opcode::Binary));
        self.hash = xxh3_64_with_seed(payload, seed);
        self.messages += 1;
        self.bytes += length;
    }

    /// The checksum in 16 hexadecimal digits.
    pub(crate) fn checksum(&self) -> String {
        format!("{:016x}", self.hash)
    }
}

impl fmt::Display for FeedDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} messages, {} payload bytes, checksum {}",
            self.messages,
            self.bytes,
            self.checksum()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(messages: &[(Opcode, &str)]) -> FeedDigest {
        let mut digest = FeedDigest::default();
        for (opcode, payload) in messages {
            digest.add(*opcode, payload.as_bytes());
        }
        digest
    }

    #[test]
    fn equal_feeds_have_equal_digests() {
        let feed = [(Opcode::Text, "one"), (Opcode::Binary, "two"), (Opcode::Text, "")];
        assert_eq!(digest(&feed), digest(&feed));
        assert_eq!((digest(&feed).messages, digest(&feed).bytes), (3, 6));
    }

    #[test]
    fn every_kind_of_damage_changes_the_checksum() {
        use Opcode::{Binary, Text};
        let hash = |messages: &[(Opcode, &str)]| digest(messages).hash;
        let whole = hash(&[(Text, "one"), (Text, "two"), (Text, "")]);
        for damaged in [
            &[(Text, "one"), (Text, "twp"), (Text, "")][..],
            &[(Text, "two"), (Text, "one"), (Text, "")],
            &[(Text, "onet"), (Text, "wo"), (Text, "")],
            &[(Text, "one"), (Text, "two")],
            &[(Text, "one"), (Text, "two"), (Text, ""), (Text, "")],
            &[(Text, ""), (Text, "one"), (Text, "two")],
            &[(Text, "one"), (Binary, "two"), (Text, "")],
        ] {
            assert_ne!(hash(damaged), whole, "{damaged:?}");
        }
    }
}
