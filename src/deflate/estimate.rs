//! Whether compression is worth trying, judged before it is tried.

/// Payloads shorter than this are not judged: compressing one costs little
/// more than judging it, and with a history it may well shrink.
const SHORTEST_JUDGED: usize = 512;

const SAMPLES: usize = 4;
const SAMPLE_LEN: usize = 64;

/// Whether a payload's bytes look as random as those of encrypted or already
/// compressed data, in which case deflate would only make it longer.
///
/// Counts the values of 256 bytes taken from four places and sums the squares
/// of the counts. Uniformly random bytes come to 511 with a deviation of about
/// 16; base64, the most random of texts, to some 1,270; JSON to several times
/// that.
pub(super) fn looks_incompressible(payload: &[u8]) -> bool {
    const COUNTED: u32 = (SAMPLES * SAMPLE_LEN) as u32;
    const RANDOM: u32 = COUNTED + COUNTED * (COUNTED - 1) / 256;

    if payload.len() < SHORTEST_JUDGED {
        return false;
    }
    let mut counts = [0u16; 256];
    let stride = (payload.len() - SAMPLE_LEN) / (SAMPLES - 1);
    for sample in 0..SAMPLES {
        for &byte in payload.iter().skip(sample * stride).take(SAMPLE_LEN) {
            counts[usize::from(byte)] += 1;
        }
    }
    let squares: u32 = counts.iter().map(|&count| u32::from(count).pow(2)).sum();
    squares < RANDOM + RANDOM / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(len: usize, seed: u64) -> Vec<u8> {
        let mut rng = fastrand::Rng::with_seed(seed);
        std::iter::repeat_with(|| rng.u8(..)).take(len).collect()
    }

    #[test]
    fn random_bytes_are_told_from_text() {
        for seed in 0..200 {
            for len in [512, 513, 1000, 65_536] {
                let noise = random(len, seed);
                assert!(looks_incompressible(&noise), "seed {seed}, {len} bytes");

                let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
                let base64: Vec<u8> =
                    noise.iter().map(|byte| alphabet[usize::from(byte % 64)]).collect();
                assert!(!looks_incompressible(&base64), "seed {seed}, {len} bytes");
            }
        }
    }

    #[test]
    fn short_payloads_are_not_judged() {
        assert!(!looks_incompressible(&random(511, 1)));
        assert!(!looks_incompressible(b""));
    }
}
