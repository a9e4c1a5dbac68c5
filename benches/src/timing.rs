//! Interleaved measurement.

use std::time::{Duration, Instant};

use crate::noise::{Noise, QUIET};

/// Entries that do the same work, to be compared with each other.
pub struct Group {
    /// What the work is: `receive/client/ascii`.
    pub id: String,
    /// The parameter it is repeated for, as a label: a size, an offset.
    pub case: String,
    /// Payload bytes of one operation, on average; 0 where bytes say nothing.
    pub bytes: f64,
    pub entries: Vec<Entry>,
}

/// One way of doing the work.
pub struct Entry {
    pub name: String,
    /// Operations that one call of `run` does.
    pub operations: f64,
    /// Payload bytes on the wire for each one of a message, where it is compressed.
    pub compressed_to: Option<f64>,
    pub run: Box<dyn FnMut()>,
    /// The processor's time that the other side has used up, where there is one.
    pub used: Option<Box<dyn Fn() -> Duration>>,
    /// Makes anew what is worked on, where the system decides for as long as it exists
    /// how fast it is.
    pub renew: Option<Box<dyn FnMut()>>,
}

/// Rounds after which everything that can be is made anew.
pub const RENEW_AFTER: usize = 4;

impl Group {
    pub fn new(id: impl Into<String>, case: impl Into<String>, bytes: f64) -> Self {
        Self { id: id.into(), case: case.into(), bytes, entries: Vec::new() }
    }

    pub fn add(
        &mut self,
        name: impl Into<String>,
        operations: usize,
        run: impl FnMut() + 'static,
    ) -> &mut Self {
        let (name, operations) = (name.into(), operations as f64);
        let run = Box::new(run);
        let (compressed_to, used, renew) = (None, None, None);
        self.entries.push(Entry { name, operations, compressed_to, run, used, renew });
        self
    }

    /// Says what the messages of the entry that was added last are compressed to.
    pub fn compressed_to(&mut self, share: f64) -> &mut Self {
        if let Some(entry) = self.entries.last_mut() {
            entry.compressed_to = Some(share);
        }
        self
    }

    /// Says how to look at the clock of the entry that was added last.
    pub fn used(&mut self, used: impl Fn() -> Duration + 'static) -> &mut Self {
        if let Some(entry) = self.entries.last_mut() {
            entry.used = Some(Box::new(used));
        }
        self
    }

    /// Says how to make anew what the entry that was added last works on.
    pub fn renewed_by(&mut self, renew: impl FnMut() + 'static) -> &mut Self {
        if let Some(entry) = self.entries.last_mut() {
            entry.renew = Some(Box::new(renew));
        }
        self
    }
}

/// How long and how often.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Rounds, each of which runs every entry once: A B C, B C A, C A B, ...
    pub rounds: usize,
    /// The time that one run of an entry is stretched to by repetition.
    pub sample: Duration,
    /// How long to go on for as many rounds in quiet moments of the machine.
    pub patience: Duration,
}

/// The times of one entry, in nanoseconds an operation.
#[derive(Debug, Clone)]
pub struct Times {
    pub name: String,
    pub compressed_to: Option<f64>,
    pub median: f64,
    pub least: f64,
    /// One of each round, in their order: those of all entries at one place are of one
    /// round.
    pub samples: Vec<f64>,
    /// The median of the processor's time on the other side.
    pub used: Option<f64>,
}

/// One run of every entry, in nanoseconds an operation.
struct Round {
    /// Its place among all that were run.
    index: usize,
    /// The most that was seen before and after.
    noise: f64,
    times: Vec<f64>,
    used: Vec<Option<f64>>,
}

/// Runs the entries of a group interleaved, so that whatever the machine does
/// meanwhile happens to all of them, and returns their times in the quietest rounds
/// and the most noise in one of those.
pub fn measure(group: &mut Group, plan: Plan, noise: &mut Noise) -> (Vec<Times>, f64) {
    let repeats: Vec<u32> =
        group.entries.iter_mut().map(|entry| repeats(entry, plan.sample)).collect();
    let start = Instant::now();
    let mut rounds: Vec<Round> = Vec::new();
    let mut quiet = 0;
    let mut before = noise.look();
    while quiet < plan.rounds && (rounds.len() < plan.rounds || start.elapsed() < plan.patience) {
        if !rounds.is_empty() && rounds.len().is_multiple_of(RENEW_AFTER) {
            group.entries.iter_mut().for_each(renew);
        }
        let count = group.entries.len();
        let (mut times, mut used) = (vec![f64::NAN; count], vec![None; count]);
        // Whoever comes first, or behind a certain other one, is not so in every round.
        for turn in 0..count {
            let index = (rounds.len() + turn) % count;
            (times[index], used[index]) = run(&mut group.entries[index], repeats[index]);
        }
        let after = noise.look();
        let round = Round { index: rounds.len(), noise: before.max(after), times, used };
        quiet += usize::from(round.noise <= QUIET);
        rounds.push(round);
        before = after;
    }
    rounds.sort_by(|a, b| a.noise.total_cmp(&b.noise));
    rounds.truncate(plan.rounds);
    let noisiest = rounds.last().map_or(1.0, |round| round.noise);
    rounds.sort_by_key(|round| round.index);
    let of_entry = |(index, entry): (usize, &Entry)| {
        let samples: Vec<f64> = rounds.iter().map(|round| round.times[index]).collect();
        let used: Vec<f64> = rounds.iter().filter_map(|round| round.used[index]).collect();
        Times {
            name: entry.name.clone(),
            compressed_to: entry.compressed_to,
            median: median(&samples).unwrap_or(f64::NAN),
            least: samples.iter().copied().fold(f64::INFINITY, f64::min),
            used: median(&used),
            samples,
        }
    };
    (group.entries.iter().enumerate().map(of_entry).collect(), noisiest)
}

/// Makes anew what an entry works on, and warms it up.
fn renew(entry: &mut Entry) {
    if let Some(renew) = &mut entry.renew {
        renew();
        (entry.run)();
    }
}

/// Runs an entry for a sample: nanoseconds an operation here, and on the other side.
fn run(entry: &mut Entry, repeats: u32) -> (f64, Option<f64>) {
    let operations = f64::from(repeats) * entry.operations;
    let used_before = entry.used.as_ref().map(|used| used());
    let elapsed = time(entry, repeats);
    let used = entry.used.as_ref().zip(used_before);
    let used = used.map(|(used, before)| used().saturating_sub(before));
    let each = |time: Duration| time.as_nanos() as f64 / operations;
    (each(elapsed), used.map(each))
}

/// How often an entry has to be run for a sample; warms it up.
fn repeats(entry: &mut Entry, sample: Duration) -> u32 {
    (entry.run)();
    let mut repeats = 1;
    loop {
        let elapsed = time(entry, repeats);
        if elapsed * 2 >= sample || repeats >= 1 << 24 {
            let wanted = sample.as_secs_f64() / elapsed.as_secs_f64().max(1e-9);
            return ((f64::from(repeats) * wanted).ceil() as u32).max(1);
        }
        repeats *= 2;
    }
}

fn time(entry: &mut Entry, repeats: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..repeats {
        (entry.run)();
    }
    start.elapsed()
}

fn median(samples: &[f64]) -> Option<f64> {
    quantile(samples, 0.5)
}

/// The sample below which a `share` of them lies, if there are any.
pub fn quantile(samples: &[f64], share: f64) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    sorted.get((last as f64 * share).round() as usize).copied()
}
