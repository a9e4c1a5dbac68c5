//! The targets, and what became of them.

use wirespeed::simd::Tier;

use super::{Results, deflate};
use crate::groups::{
    kernels::{
        ALIGNED_WORDS, AVX2, MASK_THEN_SIMDUTF8, MEMCPY, MEMCPY_THEN_LOOP, MEMCPY_THEN_MASK,
        SIMDUTF8, tier_name,
    },
    tokio_echo::{self, CLIENTS, WINDOWS},
};

/// A target and the figure for it.
pub struct Show {
    pub topic: &'static str,
    pub what: String,
    pub figure: f64,
    /// The 25th and the 75th percentile of the rounds, where the figure is their median.
    pub spread: Option<(f64, f64)>,
    pub target: Target,
    pub unit: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// What a figure should be, with kernels of a tier or a better one.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    pub bound: Bound,
    tier: Tier,
}

impl From<Bound> for Target {
    /// With kernels of any tier.
    fn from(bound: Bound) -> Self {
        bound.with(Tier::Portable)
    }
}

impl Bound {
    const fn with(self, tier: Tier) -> Target {
        Target { bound: self, tier }
    }
}

/// What became of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Met,
    Missed,
    /// It was set for kernels of this tier, which are not in use.
    Needs(Tier),
}

impl Show {
    /// Whether nobody but ourselves has set the target.
    pub fn is_our_own(&self) -> bool {
        [SEND, FRAGMENTED, SPINNING].contains(&self.topic)
    }

    pub fn outcome(&self, in_use: Tier) -> Outcome {
        let is_met = match self.target.bound {
            AtLeast(least) => self.figure >= least,
            AtMost(most) => self.figure <= most,
        };
        match self.target.tier {
            tier if tier > in_use => Outcome::Needs(tier),
            _ if is_met => Outcome::Met,
            _ => Outcome::Missed,
        }
    }
}

/// How many targets there are of each outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    pub met: usize,
    /// Met or missed.
    pub judged: usize,
    pub needing_a_tier: usize,
}

impl Count {
    pub fn of(shows: &[Show], in_use: Tier) -> Self {
        let mut count = Self::default();
        for show in shows {
            let outcome = show.outcome(in_use);
            count.met += usize::from(outcome == Outcome::Met);
            count.judged += usize::from(matches!(outcome, Outcome::Met | Outcome::Missed));
            count.needing_a_tier += usize::from(matches!(outcome, Outcome::Needs(_)));
        }
        count
    }
}

use Bound::{AtLeast, AtMost};

const BESIDE_MEMCPY: &str = "mask in place, beside memcpy";
const COPY: &str = "copy and mask";
const SEND: &str = "send";
const FRAGMENTED: &str = "receive, fragmented";
const SPINNING: &str = "echo, tokio, spinning";

const TIMES: &str = "times";
const NS: &str = "ns";

const SMALL: [&str; 2] = ["125 B", "200 B"];
const FROM_512: [&str; 6] = ["512 B", "1 KiB", "4 KiB", "16 KiB", "64 KiB", "1 MiB"];
const FROM_1K: [&str; 5] = ["1 KiB", "4 KiB", "16 KiB", "64 KiB", "1 MiB"];
const UNPREDICTABLE: &str = "8-200 B";
const ALL: [&str; 12] = [
    "8 B",
    "20 B",
    "64 B",
    "125 B",
    "200 B",
    "512 B",
    "1 KiB",
    "4 KiB",
    "16 KiB",
    "64 KiB",
    "1 MiB",
    UNPREDICTABLE,
];

/// What has to be known of a topic's targets.
const NOTES: [(&str, &str); 3] = [
    (
        BESIDE_MEMCPY,
        "memcpy touches a payload and its copy, masking in place only the payload. Up to 4 KiB \
         memcpy gets half as many payloads, so that both keep to about the same memory; from \
         16 KiB on each gets one, and memcpy touches twice the memory that masking does. \
         tungstenite's loop changes bytes in place as well.",
    ),
    (
        COPY,
        "Against memcpy and a mask of two kinds: the loop that other libraries mask with, and our \
         own kernel. Where the caches beyond the nearest one set the pace, a copy fetches two \
         lines for one that masking in place does; so memcpy and then our mask fetch three for \
         our two, and no kernel can be much more than 1.5 times as fast as they.",
    ),
    (
        SEND,
        "A write is nothing but a copy here. fastwebsockets has no queue: each message is a \
         write of its own, where the others make one of 64 KiB. That saves it a copy here, and \
         costs a system call for each message elsewhere.",
    ),
];

/// The topics that need a note, and the notes.
pub fn notes(shows: &[Show]) -> impl Iterator<Item = (&'static str, &'static str)> {
    NOTES.into_iter().filter(|(topic, _)| shows.iter().any(|show| show.topic == *topic))
}

/// Every target of which there are figures.
pub fn all(results: &Results) -> Vec<Show> {
    let mut shows = Shows { results, shows: Vec::new() };
    shows.masking();
    shows.validating();
    shows.fused();
    shows.copying();
    shows.receiving();
    shows.sending();
    shows.echoing();
    shows.shows.extend(deflate::shows(results));
    shows.shows
}

struct Shows<'a> {
    results: &'a Results,
    shows: Vec<Show>,
}

impl Shows<'_> {
    fn masking(&mut self) {
        let ours = tier_name(self.results.tier());
        let topic = "mask in place";
        let id = "kernels/mask";
        self.ratios(topic, id, &FROM_1K, ALIGNED_WORDS, ours, AtLeast(1.9));
        self.ratios(topic, id, &[UNPREDICTABLE], ALIGNED_WORDS, ours, AtLeast(5.0));
        // The share of memcpy's time: ours over its.
        let topic = BESIDE_MEMCPY;
        self.ratios(topic, id, &["4 KiB", "16 KiB", "64 KiB"], ours, MEMCPY, AtMost(0.8));
    }

    fn validating(&mut self) {
        // Set for the permutations of AVX-512; lesser tiers have targets of their own.
        let avx512 = |bound: Bound| bound.with(Tier::Avx512);
        let ours = tier_name(self.results.tier());
        let (ascii, cyrillic) = ("kernels/validate/ascii", "kernels/validate/cyrillic");
        let scripts = [ascii, "kernels/validate/accents", cyrillic];
        let topic = "validate";
        self.ratios(topic, cyrillic, &FROM_512, SIMDUTF8, ours, avx512(AtLeast(1.6)));
        self.ratios(topic, cyrillic, &SMALL, SIMDUTF8, ours, avx512(AtLeast(2.0)));
        self.ratios(topic, ascii, &SMALL, SIMDUTF8, ours, avx512(AtLeast(4.0)));
        for script in scripts {
            self.ratios(topic, script, &ALL, SIMDUTF8, ours, avx512(AtLeast(0.97)));
        }
        let topic = "validate, AVX2";
        self.ratios(topic, ascii, &SMALL, SIMDUTF8, AVX2, AtLeast(4.0));
        for script in scripts {
            self.ratios(topic, script, &ALL, SIMDUTF8, AVX2, AtLeast(1.0));
        }
    }

    fn fused(&mut self) {
        let ours = tier_name(self.results.tier());
        let topic = "unmask and validate";
        let ascii = "kernels/unmask+validate/ascii";
        let cyrillic = "kernels/unmask+validate/cyrillic";
        let middle = ["512 B", "1 KiB", "4 KiB"];
        self.ratios(topic, ascii, &middle, MASK_THEN_SIMDUTF8, ours, AtLeast(1.45));
        self.ratios(
            topic,
            cyrillic,
            &middle,
            MASK_THEN_SIMDUTF8,
            ours,
            AtLeast(1.7).with(Tier::Avx512),
        );
        self.ratios(topic, ascii, &[UNPREDICTABLE], MASK_THEN_SIMDUTF8, ours, AtLeast(5.0));
        self.ratios(
            topic,
            cyrillic,
            &[UNPREDICTABLE],
            MASK_THEN_SIMDUTF8,
            ours,
            AtLeast(3.0).with(Tier::Avx512),
        );
    }

    fn copying(&mut self) {
        let ours = tier_name(self.results.tier());
        let topic = COPY;
        let id = "kernels/copy+mask";
        let to_16k = ["64 B", "200 B", "512 B", "1 KiB", "4 KiB", "16 KiB", UNPREDICTABLE];
        for baseline in [MEMCPY_THEN_LOOP, MEMCPY_THEN_MASK] {
            self.ratios(topic, id, &to_16k, baseline, ours, AtLeast(2.0));
            self.ratios(topic, id, &["64 KiB", "1 MiB"], baseline, ours, AtLeast(1.6));
        }
        for id in ["cliff/memory/4 KiB", "cliff/memory/64 KiB"] {
            let times: Vec<f64> = self
                .results
                .cases(id)
                .flat_map(|group| &group.entries)
                .filter(|row| row.name.starts_with("wirespeed"))
                .map(|row| row.median_ns)
                .collect();
            if let (Some(slowest), Some(fastest)) =
                (times.iter().copied().reduce(f64::max), times.iter().copied().reduce(f64::min))
            {
                let what = format!("{id}: slowest offset over fastest");
                self.push(topic, what, slowest / fastest, AtMost(2.0), TIMES);
            }
        }
    }

    fn receiving(&mut self) {
        let limits = [
            ("client", "64 B", 6.0),
            ("client", "200 B", 8.0),
            ("server", "64 B", 7.0),
            ("server", "200 B", 9.0),
        ];
        for (role, case, limit) in limits {
            let id = format!("parse/{role}");
            let parser = self.results.median(&id, case, "wirespeed, borrowed, in place");
            if let Some(figure) = parser {
                let what = format!("{id}, {case}");
                self.push("parse in place", what, figure, AtMost(limit), NS);
            }
        }
        for role in ["client", "server"] {
            let id = format!("receive/{role}/ascii");
            for case in ["64 B", "200 B"] {
                self.against_peers(
                    "receive, borrowed",
                    &id,
                    case,
                    "wirespeed, borrowed",
                    |_| true,
                    2.0,
                );
            }
            let owns = |name: &str| !name.ends_with("borrowed");
            for case in ["20 B", "64 B", "125 B", "200 B", "20-300 B", "1 KiB", "4 KiB", "16 KiB"] {
                self.against_peers("receive, owned", &id, case, "wirespeed, owned", owns, 1.0);
            }
            let id = format!("receive/{role}/fragmented");
            for group in self.results.cases(&id) {
                let case = &group.case;
                self.against_peers(FRAGMENTED, &id, case, "wirespeed, borrowed", |_| true, 1.0);
                self.against_peers(FRAGMENTED, &id, case, "wirespeed, owned", owns, 1.0);
            }
        }
    }

    fn sending(&mut self) {
        for role in ["client", "server"] {
            let id = format!("send/{role}");
            for group in self.results.cases(&id) {
                self.against_peers(SEND, &id, &group.case, "wirespeed", |_| true, 1.0);
            }
        }
    }

    fn echoing(&mut self) {
        for window in WINDOWS {
            for clients in CLIENTS {
                self.echo("echo, tokio", &tokio_echo::id(clients, window), window);
            }
        }
        for window in WINDOWS {
            self.echo(SPINNING, &tokio_echo::spinning_id(window), window);
        }
    }

    fn echo(&mut self, topic: &'static str, id: &str, window: usize) {
        let target = if window == 1 { 1.0 } else { 1.2 };
        for group in self.results.cases(id) {
            let Some((peer, ratio)) = group.closest_peer() else { continue };
            self.shows.push(Show {
                topic,
                what: format!("{id}, {}, fastest peer: {}", group.case, peer.name),
                figure: ratio.median,
                spread: Some(ratio.quartiles),
                target: AtLeast(target).into(),
                unit: TIMES,
            });
        }
    }

    /// The fastest peer's time over ours.
    fn against_peers(
        &mut self,
        topic: &'static str,
        id: &str,
        case: &str,
        ours: &str,
        is_one: impl Fn(&str) -> bool,
        target: f64,
    ) {
        let peer = |name: &str| is_peer(name) && is_one(name);
        let (Some(peer), Some(ours_ns)) =
            (self.results.fastest(id, case, peer), self.results.median(id, case, ours))
        else {
            return;
        };
        let what = format!("{id}, {case}, {ours}, fastest peer: {}", peer.name);
        self.push(topic, what, peer.median_ns / ours_ns, AtLeast(target), TIMES);
    }

    /// For each case the time of `slow` over that of `fast`.
    fn ratios(
        &mut self,
        topic: &'static str,
        id: &str,
        cases: &[&str],
        slow: &str,
        fast: &str,
        target: impl Into<Target>,
    ) {
        let target = target.into();
        for case in cases {
            let times = (self.results.median(id, case, slow), self.results.median(id, case, fast));
            if let (Some(slow_ns), Some(fast_ns)) = times {
                let what = format!("{id}, {case}: {slow} over {fast}");
                self.push(topic, what, slow_ns / fast_ns, target, TIMES);
            }
        }
    }

    fn push(
        &mut self,
        topic: &'static str,
        what: String,
        figure: f64,
        target: impl Into<Target>,
        unit: &'static str,
    ) {
        self.shows.push(Show { topic, what, figure, spread: None, target: target.into(), unit });
    }
}

/// Whether an entry of a group of messages is another library.
pub fn is_peer(name: &str) -> bool {
    !name.starts_with("wirespeed")
}

#[cfg(test)]
mod tests {
    use super::{
        super::example::{group, run},
        *,
    };
    use crate::{groups::kernels::AVX512, report::Measured};

    /// What a machine of a tier has measured.
    fn results(tier: &str, groups: impl IntoIterator<Item = Measured>) -> Results {
        let mut results = Results::new(run("today"));
        results.run.machine.tier = tier.to_owned();
        groups.into_iter().for_each(|group| results.add(group));
        results
    }

    fn outcomes(results: &Results) -> Vec<(&'static str, Bound, Outcome)> {
        let outcome = |show: &Show| show.outcome(results.tier());
        all(results).iter().map(|show| (show.topic, show.target.bound, outcome(show))).collect()
    }

    #[test]
    fn what_needs_avx512_is_not_missed_without_it() {
        let times = [(AVX2, 10.0), (SIMDUTF8, 12.0)];
        let results = results("Avx2", [group("kernels/validate/cyrillic", "4 KiB", &times)]);
        assert_eq!(
            outcomes(&results),
            [
                ("validate", AtLeast(1.6), Outcome::Needs(Tier::Avx512)),
                ("validate", AtLeast(0.97), Outcome::Needs(Tier::Avx512)),
                ("validate, AVX2", AtLeast(1.0), Outcome::Met),
            ]
        );
        let count = Count::of(&all(&results), Tier::Avx2);
        assert_eq!(count, Count { met: 1, judged: 1, needing_a_tier: 2 });
    }

    #[test]
    fn sending_and_fragments_have_targets_of_our_own() {
        let sending = [("wirespeed", 9.0), ("slow", 20.0), ("fast", 10.0)];
        let received = [
            ("wirespeed, borrowed", 9.0),
            ("wirespeed, owned", 11.0),
            ("fast, borrowed", 8.0),
            ("fast, owned", 12.0),
        ];
        let results = results(
            "Avx2",
            [
                group("send/client", "4 KiB", &sending),
                group("send/server", "20 B", &sending),
                group("receive/client/fragmented", "1 KiB", &received),
            ],
        );
        let shows = all(&results);
        assert!(shows.iter().all(Show::is_our_own));
        let figures: Vec<(&str, f64)> =
            shows.iter().map(|show| (show.topic, show.figure)).collect();
        assert_eq!(
            figures,
            [
                (FRAGMENTED, 8.0 / 9.0),
                (FRAGMENTED, 12.0 / 11.0),
                (SEND, 10.0 / 9.0),
                (SEND, 10.0 / 9.0),
            ]
        );
    }

    #[test]
    fn what_is_not_copied_from_a_transport_is_parsed_not_received() {
        let times = [("wirespeed, borrowed, in place", 5.0)];
        let results = results("Avx2", [group("parse/client", "64 B", &times)]);
        let topics: Vec<&str> = all(&results).iter().map(|show| show.topic).collect();
        assert_eq!(topics, ["parse in place"]);
    }

    #[test]
    fn what_needs_avx512_is_judged_with_it() {
        let times = [(AVX2, 10.0), (AVX512, 8.0), (SIMDUTF8, 12.0)];
        let results = results("Avx512", [group("kernels/validate/cyrillic", "4 KiB", &times)]);
        assert_eq!(
            outcomes(&results),
            [
                ("validate", AtLeast(1.6), Outcome::Missed),
                ("validate", AtLeast(0.97), Outcome::Met),
                ("validate, AVX2", AtLeast(1.0), Outcome::Met),
            ]
        );
    }
}
