//! Entries beside each other, round by round.

use super::{Measured, Row, shows::is_peer};
use crate::timing::quantile;

/// How many times as long as another an entry takes.
///
/// The two follow each other in every round, so that whatever the machine does for
/// longer than a round happens to both and is not in their ratio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    pub median: f64,
    /// The 25th and the 75th percentile.
    pub quartiles: (f64, f64),
}

impl Ratio {
    /// The time of `slow` over that of `fast`, if there are rounds of both.
    pub fn of(slow: &Row, fast: &Row) -> Option<Self> {
        let rounds = slow.samples_ns.iter().zip(&fast.samples_ns);
        let ratios: Vec<f64> = rounds.map(|(slow, fast)| slow / fast).collect();
        let at = |share| quantile(&ratios, share);
        Some(Self { median: at(0.5)?, quartiles: (at(0.25)?, at(0.75)?) })
    }
}

impl Measured {
    /// The peer that takes the least beside us, and how many times as long.
    pub fn closest_peer(&self) -> Option<(&Row, Ratio)> {
        let ours = self.ours()?;
        let peers = self.entries.iter().filter(|row| is_peer(&row.name));
        let ratios = peers.filter_map(|peer| Some((peer, Ratio::of(peer, ours)?)));
        ratios.min_by(|(_, a), (_, b)| a.median.total_cmp(&b.median))
    }

    /// The first entry, if it is not a peer: borrowed, where there is a choice.
    pub fn ours(&self) -> Option<&Row> {
        self.entries.first().filter(|row| !is_peer(&row.name))
    }
}

#[cfg(test)]
mod tests {
    use super::{super::example, *};

    #[test]
    fn drift_is_not_in_the_ratio() {
        // Twice as long in every round, while the machine becomes slower and faster.
        let ours = example::row("wirespeed", &[1.0, 4.0, 8.0, 2.0, 1.0]);
        let peer = example::row("peer", &[2.0, 8.0, 16.0, 4.0, 2.0]);
        let ratio = Ratio::of(&peer, &ours).expect("rounds");
        assert_eq!(ratio, Ratio { median: 2.0, quartiles: (2.0, 2.0) });
    }

    #[test]
    fn the_quartiles_say_how_far_the_rounds_differ() {
        let ours = example::row("wirespeed", &[1.0; 5]);
        let peer = example::row("peer", &[1.4, 1.0, 1.2, 1.3, 1.1]);
        let ratio = Ratio::of(&peer, &ours).expect("rounds");
        assert_eq!(ratio, Ratio { median: 1.2, quartiles: (1.1, 1.3) });
    }

    #[test]
    fn the_closest_peer_is_so_round_by_round() {
        let entries = vec![
            example::row("wirespeed", &[1.0, 1.0, 9.0]),
            example::row("wirespeed, default pool", &[0.5, 0.5, 0.5]),
            example::row("far", &[2.0, 2.0, 3.0]),
            example::row("close", &[1.5, 1.5, 13.5]),
        ];
        let measured = Measured { entries, ..example::group("id", "case", &[]) };
        let (peer, ratio) = measured.closest_peer().expect("a peer");
        assert_eq!((&peer.name[..], ratio.median), ("close", 1.5));
    }
}
