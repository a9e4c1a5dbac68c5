//! `Sec-WebSocket-Key` and `Sec-WebSocket-Accept`: the proof that the server
//! understood an upgrade to WebSocket (RFC 6455, sections 1.3 and 4.2.2).

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use sha1::{Digest, Sha1};

/// A new value for `Sec-WebSocket-Key`: 16 random bytes in base64, 24
/// characters (RFC 6455, section 4.1).
///
/// The key is no secret; it keeps a server that does not speak WebSocket from
/// being taken for one. Should the system's source of randomness fail, a seed
/// of this process has to do.
pub fn generate_websocket_key() -> String {
    try_generate_key().unwrap_or_else(|_| {
        let mut nonce = [0; NONCE_LENGTH];
        fastrand::Rng::new().fill(&mut nonce);
        STANDARD.encode(nonce)
    })
}

/// The `Sec-WebSocket-Accept` that answers `key`: base64 of the SHA-1 of the
/// key, as the string it is, and the protocol's own GUID (RFC 6455, section
/// 4.2.2). Blanks around the key do not count.
///
/// ```
/// let accept = wirespeed::compute_accept_key("dGhlIHNhbXBsZSBub25jZQ==");
/// assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
pub fn compute_accept_key(key: &str) -> String {
    let mut hash = Sha1::new();
    hash.update(key.trim_matches([' ', '\t']));
    hash.update(GUID);
    STANDARD.encode(hash.finalize())
}

/// Whether `accept` answers `key`. Blanks around it do not count. The work
/// does not depend on where the two differ.
pub fn verify_accept_key(key: &str, accept: &[u8]) -> bool {
    let expected = compute_accept_key(key);
    let accept = super::grammar::trim(accept);
    accept.len() == expected.len()
        && accept.iter().zip(expected.as_bytes()).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
}

/// Whether `key` is base64 of 16 bytes.
pub(super) fn is_valid_key(key: &[u8]) -> bool {
    let mut nonce = [0; NONCE_LENGTH + 2];
    // A length of 24 first: longer input must not be decoded to be refused.
    key.len() == KEY_LENGTH && KEY_DECODER.decode_slice(key, &mut nonce) == Ok(NONCE_LENGTH)
}

/// [`generate_websocket_key`], or the system's failure to provide randomness.
pub(super) fn try_generate_key() -> Result<String, getrandom::Error> {
    let mut nonce = [0; NONCE_LENGTH];
    getrandom::fill(&mut nonce)?;
    Ok(STANDARD.encode(nonce))
}

const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const NONCE_LENGTH: usize = 16;
const KEY_LENGTH: usize = 24;

/// The example key in section 4.1 of the RFC ends in bits that belong to no
/// byte and are not zero, so they have to be let through.
const KEY_DECODER: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_16_bytes_in_base64() {
        for key in ["dGhlIHNhbXBsZSBub25jZQ==", "AQIDBAUGBwgJCgsMDQ4PEC=="] {
            assert!(is_valid_key(key.as_bytes()), "{key}");
        }
        for key in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZTE=",
            "dGhlIHNhbXBsZSBub25jZTEy",
            "dGhlIHNhbXBsZSBub25j====",
            "dGhlIHNhbXBsZSBub25jZ-==",
            "dGhlIHNhbXBsZSBub25j ==x",
        ] {
            assert!(!is_valid_key(key.as_bytes()), "{key}");
        }
    }

    #[test]
    fn an_accept_value_must_match_in_full() {
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        assert!(verify_accept_key(key, b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert!(verify_accept_key(key, b" \ts3pPLMBiTxaQ9kYGzzhZRbK+xOo= "));
        for accept in ["", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo="] {
            assert!(!verify_accept_key(key, accept.as_bytes()), "{accept}");
        }
    }
}
