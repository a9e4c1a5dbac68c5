//! What a synthetic feed sends: messages in the shapes and sizes of real venues.

use clap::ValueEnum;
use fastrand::Rng;
use wirespeed::PreparedMessage;

use super::{
    burst::log_uniform,
    sbe,
    shapes::{self, Market},
};

/// The kinds of synthetic feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Profile {
    /// Best prices and statistics: mostly 120 to 200 bytes, some 250 to 500, few 1 KB
    Ticker,
    /// Order book changes: median 300 bytes, one in ten over 900, one in a hundred over 2.4 KB
    Depth,
    /// Bare arrays of 20 to 45 bytes
    Tiny,
    /// One order book of 40 to 700 KB, then changes as in depth
    Snapshot,
    /// Binary messages of 60 to 600 bytes in the manner of SBE
    Binary,
    /// All of these together, without the snapshot
    Mixed,
}

/// The logarithm of the size of a depth message: median 300 bytes, p90 900, p99 2.4 KB.
const DEPTH_MEDIAN: f64 = 300.0;
const DEPTH_SIGMA: f64 = 0.9;
const DEPTH_LARGEST: f64 = 16_384.0;

const SNAPSHOT_BYTES: (f64, f64) = (40_000.0, 700_000.0);

/// One message in this many is about a symbol that is not ASCII.
const NON_ASCII_ONE_IN: u32 = 1_000;

/// The endless sequence of messages of one feed. The same seed gives the same
/// sequence for the same stamps.
#[derive(Debug)]
pub(crate) struct Generator {
    profile: Profile,
    rng: Rng,
    market: Market,
    snapshot_due: bool,
    text: String,
    binary: Vec<u8>,
}

impl Generator {
    /// A feed of this profile.
    pub(crate) fn new(profile: Profile, seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        Self {
            profile,
            market: Market::new(&mut rng),
            rng,
            snapshot_due: profile == Profile::Snapshot,
            text: String::new(),
            binary: Vec::new(),
        }
    }

    /// The next message, which says that it was sent at `stamp`, if at all.
    pub(crate) fn next(&mut self, stamp: Option<u64>) -> PreparedMessage {
        if std::mem::take(&mut self.snapshot_due) {
            return self.snapshot(stamp);
        }
        match self.profile {
            Profile::Ticker => self.ticker(stamp),
            Profile::Depth | Profile::Snapshot => self.depth(stamp),
            Profile::Tiny => self.tiny(stamp),
            Profile::Binary => self.binary(stamp),
            Profile::Mixed => match self.rng.u32(0..100) {
                0..50 => self.ticker(stamp),
                50..80 => self.depth(stamp),
                80..90 => self.tiny(stamp),
                _ => self.binary(stamp),
            },
        }
    }

    fn ticker(&mut self, stamp: Option<u64>) -> PreparedMessage {
        let (draw, symbol) = (self.rng.u32(0..100), self.draw_symbol());
        self.write_text(|text, market, rng| match draw {
            0..90 => shapes::book_ticker(text, market, rng, symbol, stamp),
            90..98 => shapes::day_statistics(text, market, rng, symbol, stamp),
            _ => shapes::trades(text, market, rng, symbol, stamp),
        })
    }

    fn depth(&mut self, stamp: Option<u64>) -> PreparedMessage {
        let size = DEPTH_MEDIAN * (DEPTH_SIGMA * standard_normal(&mut self.rng)).exp();
        let symbol = self.draw_symbol();
        self.write_text(|text, market, rng| {
            shapes::depth_update(
                text,
                market,
                rng,
                symbol,
                size.min(DEPTH_LARGEST) as usize,
                stamp,
            );
        })
    }

    fn tiny(&mut self, stamp: Option<u64>) -> PreparedMessage {
        let foreign = self.rng.u32(0..NON_ASCII_ONE_IN) == 0;
        self.write_text(|text, market, rng| shapes::tiny(text, market, rng, foreign, stamp))
    }

    fn snapshot(&mut self, stamp: Option<u64>) -> PreparedMessage {
        let size = log_uniform(&mut self.rng, SNAPSHOT_BYTES) as usize;
        let symbol = self.draw_symbol();
        self.write_text(|text, market, rng| {
            shapes::snapshot(text, market, rng, symbol, size, stamp);
        })
    }

    fn binary(&mut self, stamp: Option<u64>) -> PreparedMessage {
        let symbol = self.draw_symbol();
        self.binary.clear();
        sbe::write_message(&mut self.binary, &mut self.market, &mut self.rng, symbol, stamp);
        PreparedMessage::binary(&self.binary)
    }

    fn write_text(
        &mut self,
        write: impl FnOnce(&mut String, &mut Market, &mut Rng),
    ) -> PreparedMessage {
        self.text.clear();
        write(&mut self.text, &mut self.market, &mut self.rng);
        PreparedMessage::text(self.text.as_str())
    }

    fn draw_symbol(&mut self) -> usize {
        if self.rng.u32(0..NON_ASCII_ONE_IN) == 0 {
            shapes::NON_ASCII_SYMBOL
        } else {
            self.rng.usize(0..shapes::NON_ASCII_SYMBOL)
        }
    }
}

/// A draw from the standard normal distribution, after Box and Muller.
fn standard_normal(rng: &mut Rng) -> f64 {
    // 1 - f64() lies in (0, 1], so the logarithm is finite.
    let radius = (-2.0 * (1.0 - rng.f64()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.f64()).cos()
}

#[cfg(test)]
mod tests {
    use wirespeed::Opcode;

    use super::*;
    use crate::stamp;

    const NOW: u64 = 1_732_362_000_123_456_789;

    fn take(profile: Profile, seed: u64, count: usize) -> Vec<(Opcode, Vec<u8>)> {
        let mut generator = Generator::new(profile, seed);
        let mut next = || generator.next(Some(NOW));
        (0..count).map(|_| next()).map(|made| (made.opcode(), made.payload().to_vec())).collect()
    }

    /// The sizes of 20,000 messages, ascending.
    fn sizes(profile: Profile) -> Vec<usize> {
        let mut sizes: Vec<usize> =
            take(profile, 1, 20_000).iter().map(|(_, payload)| payload.len()).collect();
        sizes.sort_unstable();
        sizes
    }

    fn share(sizes: &[usize], within: std::ops::RangeInclusive<usize>) -> f64 {
        sizes.iter().filter(|size| within.contains(size)).count() as f64 / sizes.len() as f64
    }

    fn quantile(sizes: &[usize], part: f64) -> usize {
        sizes[(sizes.len() as f64 * part) as usize]
    }

    #[test]
    fn the_same_seed_gives_the_same_feed() {
        for profile in Profile::value_variants() {
            assert_eq!(take(*profile, 3, 500), take(*profile, 3, 500), "{profile:?}");
            assert_ne!(take(*profile, 3, 500), take(*profile, 4, 500), "{profile:?}");
        }
    }

    #[test]
    fn ticker_sizes() {
        let sizes = sizes(Profile::Ticker);
        let (small, middle, large) =
            (share(&sizes, 120..=200), share(&sizes, 250..=500), share(&sizes, 900..=1_150));
        assert!((0.88..0.92).contains(&small), "{small}");
        assert!((0.07..0.09).contains(&middle), "{middle}");
        assert!((0.015..0.025).contains(&large), "{large}");
        assert!(small + middle + large > 0.9999);
    }

    #[test]
    fn depth_sizes() {
        let sizes = sizes(Profile::Depth);
        let (median, p90, p99) =
            (quantile(&sizes, 0.5), quantile(&sizes, 0.9), quantile(&sizes, 0.99));
        assert!((270..=330).contains(&median), "median {median}");
        assert!((850..=1_050).contains(&p90), "p90 {p90}");
        assert!((2_100..=2_800).contains(&p99), "p99 {p99}");
        assert!(*sizes.last().unwrap() <= 16_500);
    }

    #[test]
    fn tiny_sizes() {
        assert_eq!(share(&sizes(Profile::Tiny), 20..=45), 1.0);
    }

    #[test]
    fn binary_sizes() {
        let sizes = sizes(Profile::Binary);
        assert_eq!(share(&sizes, 60..=600), 1.0);
        assert!(*sizes.last().unwrap() > 500 && sizes[0] < 75);
    }

    #[test]
    fn a_snapshot_comes_first_and_only_once() {
        let mut largest = 0;
        for seed in 0..40 {
            let feed = take(Profile::Snapshot, seed, 300);
            let first = feed[0].1.len();
            assert!((40_000..=700_200).contains(&first), "{first}");
            assert!(feed[1..].iter().all(|(_, payload)| payload.len() < 17_000));
            largest = largest.max(first);
        }
        assert!(largest > 300_000, "{largest}");
    }

    #[test]
    fn mixed_has_both_kinds() {
        let feed = take(Profile::Mixed, 1, 10_000);
        let binary = feed.iter().filter(|(opcode, _)| *opcode == Opcode::Binary).count();
        assert!((800..1_200).contains(&binary), "{binary}");
    }

    #[test]
    fn text_is_utf8_and_one_in_a_thousand_is_not_ascii() {
        for profile in [Profile::Ticker, Profile::Depth, Profile::Tiny] {
            let feed = take(profile, 5, 50_000);
            let mut foreign = 0;
            for (_, payload) in &feed {
                foreign += usize::from(!std::str::from_utf8(payload).unwrap().is_ascii());
            }
            assert!((25..=85).contains(&foreign), "{profile:?}: {foreign} of 50,000");
        }
    }

    #[test]
    fn every_message_carries_its_stamp_or_none() {
        for profile in Profile::value_variants() {
            let mut generator = Generator::new(*profile, 9);
            for _ in 0..2_000 {
                let stamped = generator.next(Some(NOW));
                assert_eq!(stamp::find(stamped.opcode(), stamped.payload()), Some(NOW));
                let bare = generator.next(None);
                assert_eq!(stamp::find(bare.opcode(), bare.payload()), None);
            }
        }
    }
}
