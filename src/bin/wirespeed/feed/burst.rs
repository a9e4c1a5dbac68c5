//! When the messages of a synthetic feed are due: a Markov-modulated process.
//!
//! A market is quiet most of the time and then everything moves at once. The
//! model alternates between two states: *idle*, at 50 to 300 messages a second,
//! and *burst*, at 5,000 to 50,000 a second for 5 to 100 ms. Within a state,
//! groups of 1 to 20 messages that share a TCP segment arrive as a Poisson
//! process.

use std::time::Duration;

use fastrand::Rng;

/// The most messages that share a TCP segment.
pub(crate) const LARGEST_GROUP: u32 = 20;

const IDLE_RATE: (f64, f64) = (50.0, 300.0);
const IDLE_MEAN_SECONDS: f64 = 0.4;
const BURST_RATE: (f64, f64) = (5_000.0, 50_000.0);
const BURST_SECONDS: (f64, f64) = (0.005, 0.1);

/// Quiet markets send little at a time: most groups hold one message.
const LARGEST_IDLE_GROUP: u32 = 3;

/// Messages due at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// When, counted from the start of the feed.
    pub(crate) due: Duration,
    /// How many, 1 to [`LARGEST_GROUP`].
    pub(crate) messages: u32,
}

/// The endless sequence of groups of one feed. The same seed gives the same sequence.
#[derive(Debug)]
pub(crate) struct BurstModel {
    rng: Rng,
    scale: f64,
    state: State,
    state_ends: f64,
    now: f64,
}

#[derive(Debug)]
enum State {
    Idle { rate: f64 },
    Burst { rate: f64 },
}

impl BurstModel {
    /// A feed with the model's own mean of about [`mean_rate`] messages a second.
    pub(crate) fn new(seed: u64) -> Self {
        let mut model = Self {
            rng: Rng::with_seed(seed),
            scale: 1.0,
            state: State::Burst { rate: 0.0 },
            state_ends: 0.0,
            now: 0.0,
        };
        model.enter_next_state();
        model
    }

    /// A feed with a mean of `rate` messages a second: every rate of the model
    /// is scaled, the lengths of its states stay.
    pub(crate) fn with_mean_rate(seed: u64, rate: f64) -> Self {
        let mut model = Self::new(seed);
        model.scale = rate / mean_rate();
        model
    }

    fn enter_next_state(&mut self) {
        let seconds;
        (self.state, seconds) = match self.state {
            State::Burst { .. } => (
                State::Idle { rate: uniform(&mut self.rng, IDLE_RATE) },
                exponential(&mut self.rng, IDLE_MEAN_SECONDS),
            ),
            State::Idle { .. } => (
                State::Burst { rate: log_uniform(&mut self.rng, BURST_RATE) },
                uniform(&mut self.rng, BURST_SECONDS),
            ),
        };
        self.state_ends += seconds;
    }

    /// The rate of the state, and the size of a group in it.
    fn draw_group(&mut self) -> (f64, u32) {
        match self.state {
            State::Idle { rate } => (rate, self.rng.u32(1..=LARGEST_IDLE_GROUP)),
            State::Burst { rate } => (rate, self.rng.u32(1..=LARGEST_GROUP)),
        }
    }
}

impl Iterator for BurstModel {
    type Item = Group;

    fn next(&mut self) -> Option<Group> {
        loop {
            let (rate, messages) = self.draw_group();
            let gap = f64::from(messages) / (rate * self.scale);
            let due = self.now + exponential(&mut self.rng, gap);
            if due < self.state_ends {
                self.now = due;
                return Some(Group { due: Duration::from_secs_f64(due), messages });
            }
            // The process has no memory, so it may start afresh at the boundary.
            self.now = self.state_ends;
            self.enter_next_state();
        }
    }
}

/// Messages a second that the unscaled model sends in the long run.
pub(crate) fn mean_rate() -> f64 {
    let middle = |(low, high): (f64, f64)| (low + high) / 2.0;
    let (low, high) = BURST_RATE;
    let burst_rate = (high - low) / (high / low).ln();
    let burst_seconds = middle(BURST_SECONDS);
    let messages = middle(IDLE_RATE) * IDLE_MEAN_SECONDS + burst_rate * burst_seconds;
    messages / (IDLE_MEAN_SECONDS + burst_seconds)
}

/// Uniform between two bounds.
fn uniform(rng: &mut Rng, (low, high): (f64, f64)) -> f64 {
    low + (high - low) * rng.f64()
}

/// Uniform in the logarithm, so that every octave is as likely.
pub(crate) fn log_uniform(rng: &mut Rng, (low, high): (f64, f64)) -> f64 {
    low * (high / low).powf(rng.f64())
}

/// Exponential with the given mean.
fn exponential(rng: &mut Rng, mean: f64) -> f64 {
    // 1 - f64() lies in (0, 1], so the logarithm is finite.
    -mean * (1.0 - rng.f64()).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(model: BurstModel, seconds: u64) -> Vec<Group> {
        model.take_while(|group| group.due < Duration::from_secs(seconds)).collect()
    }

    fn messages(groups: &[Group]) -> u64 {
        groups.iter().map(|group| u64::from(group.messages)).sum()
    }

    #[test]
    fn the_same_seed_gives_the_same_feed() {
        assert_eq!(groups(BurstModel::new(7), 5), groups(BurstModel::new(7), 5));
        assert_ne!(groups(BurstModel::new(7), 5), groups(BurstModel::new(8), 5));
    }

    #[test]
    fn time_never_goes_back_and_groups_keep_to_their_size() {
        let groups = groups(BurstModel::new(1), 60);
        assert!(groups.windows(2).all(|pair| pair[0].due <= pair[1].due));
        assert!(groups.iter().all(|group| (1..=LARGEST_GROUP).contains(&group.messages)));
        assert!(groups.iter().any(|group| group.messages == LARGEST_GROUP));
    }

    #[test]
    fn the_mean_is_the_stated_one_and_follows_the_scale() {
        let seconds = 2_000;
        for (model, rate) in [
            (BurstModel::new(2), mean_rate()),
            (BurstModel::with_mean_rate(3, 100.0), 100.0),
            (BurstModel::with_mean_rate(4, 5_000.0), 5_000.0),
        ] {
            let seen = messages(&groups(model, seconds)) as f64 / seconds as f64;
            assert!((seen / rate - 1.0).abs() < 0.1, "{seen} messages a second, not {rate}");
        }
    }

    #[test]
    fn quiet_and_bursts_have_the_rates_of_their_states() {
        let seconds = 600;
        let windows_a_second = 100;
        let mut windows = vec![0u32; seconds * windows_a_second];
        for group in groups(BurstModel::new(5), seconds as u64) {
            windows[(group.due.as_secs_f64() * windows_a_second as f64) as usize] += group.messages;
        }
        let share = |found: usize| found as f64 / windows.len() as f64;

        // 10 ms at 300/s hold 3 messages on average, at 5,000/s 50.
        let quiet = share(windows.iter().filter(|&&count| count <= 12).count());
        let between = share(windows.iter().filter(|&&count| (13..=24).contains(&count)).count());
        let busy = share(windows.iter().filter(|&&count| count >= 25).count());
        assert!((0.82..0.92).contains(&quiet), "quiet {quiet}");
        assert!((0.08..0.18).contains(&busy), "busy {busy}");
        assert!(between < 0.02, "between the states {between}");

        // 50,000/s is the most that a burst draws; Poisson groups scatter about it.
        let peak = windows.iter().max().unwrap();
        assert!((300..800).contains(peak), "peak {peak} messages in 10 ms");
    }
}
