//! Masking keys (RFC 6455, 5.3 and 10.3).

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use crate::options::MaskSource;

/// A source of masking keys, a new one for each frame.
#[derive(Debug)]
pub(super) enum MaskKeys {
    /// Seeded by the system when the first key is asked for.
    Unseeded,
    // Boxed: it keeps a block of keys, which a server's connection never needs.
    Strong(Box<ChaCha8Rng>),
    Fast(fastrand::Rng),
}

impl MaskKeys {
    pub(super) fn new(source: MaskSource) -> Self {
        match source {
            MaskSource::Strong => Self::Unseeded,
            MaskSource::Fast => Self::Fast(fastrand::Rng::new()),
        }
    }

    #[inline]
    pub(super) fn next_key(&mut self) -> [u8; 4] {
        match self {
            Self::Strong(rng) => rng.next_u32().to_le_bytes(),
            Self::Fast(rng) => rng.u32(..).to_le_bytes(),
            Self::Unseeded => self.seed(),
        }
    }

    #[cold]
    fn seed(&mut self) -> [u8; 4] {
        let mut seed = [0; 32];
        // A system without random bytes cannot make a handshake key either, so
        // no connection gets here without them; should they run out since, keys
        // that are unpredictable to the peer's network still beat a panic.
        if getrandom::fill(&mut seed).is_err() {
            fastrand::Rng::new().fill(&mut seed);
        }
        let mut rng = Box::new(ChaCha8Rng::from_seed(seed));
        let key = rng.next_u32().to_le_bytes();
        *self = Self::Strong(rng);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Requirement 25: a new key for each frame.
    #[test]
    fn keys_do_not_repeat() {
        for source in [MaskSource::Strong, MaskSource::Fast] {
            let mut keys = MaskKeys::new(source);
            let seen: std::collections::HashSet<_> = (0..10_000).map(|_| keys.next_key()).collect();
            assert!(seen.len() > 9_950, "{source:?}: {} of 10,000 differ", seen.len());
        }
    }
}
