//! Whether the machine is ours alone.
//!
//! A guest shares its cores with others that it cannot see: for seconds or minutes
//! everything takes up to twice as long, and not every code alike, so that ratios
//! change as well. A loop whose work never changes shows it, but for what system calls
//! do: they vary while the loop is quiet, so that echo is compared round by round.

use std::{
    hint::black_box,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

use crate::machine::{SERVER_CORE, cores, pin_this_thread};

/// Noise up to here counts as none.
pub const QUIET: f64 = 1.1;

/// Watches the core of the thread that asks, and the servers'.
pub struct Noise {
    here: Watch,
    there: Option<Remote>,
}

impl Noise {
    /// Watches for `span`, to learn how fast the machine can be.
    pub fn watch(span: Duration) -> Self {
        let start = Instant::now();
        let there = (cores() > 1).then(|| Remote::on(SERVER_CORE));
        let mut noise = Self { here: Watch::new(), there };
        while start.elapsed() < span {
            noise.look();
            thread::sleep(Duration::from_millis(50));
        }
        noise
    }

    /// How many times as long as ever the loop takes now, on the core where it takes
    /// longer: 1.0 in a quiet moment.
    pub fn look(&mut self) -> f64 {
        // One after the other: the two may be halves of one core.
        let here = self.here.look();
        self.there.as_ref().and_then(Remote::look).map_or(here, |there| there.max(here))
    }
}

/// Times a loop that keeps all of a core busy, and knows the least it ever took.
struct Watch {
    least: f64,
}

impl Watch {
    fn new() -> Self {
        Self { least: f64::INFINITY }
    }

    fn look(&mut self) -> f64 {
        let mut times = [0.0; 5];
        for time in &mut times {
            let start = Instant::now();
            work();
            *time = start.elapsed().as_nanos() as f64;
        }
        times.sort_by(f64::total_cmp);
        let median = times[times.len() / 2];
        self.least = self.least.min(median);
        median / self.least
    }
}

/// A thread on another core, which looks when it is asked and sleeps otherwise.
struct Remote {
    question: SyncSender<()>,
    answer: Receiver<f64>,
}

impl Remote {
    fn on(core: usize) -> Self {
        let (question, questions) = sync_channel(1);
        let (answers, answer) = sync_channel(1);
        thread::spawn(move || {
            pin_this_thread(core);
            let mut watch = Watch::new();
            while questions.recv().is_ok() && answers.send(watch.look()).is_ok() {}
        });
        Self { question, answer }
    }

    fn look(&self) -> Option<f64> {
        self.question.send(()).ok()?;
        self.answer.recv().ok()
    }
}

/// Some 50 µs of independent operations: a neighbour on the same core takes a part
/// of the units they need, where a chain of dependent ones would not notice.
fn work() {
    let mut lanes = [1_u64, 2, 3, 4, 5, 6];
    for round in 0..black_box(20_000_u64) {
        let [a, b, c, d, e, f] = lanes;
        lanes = [
            a.wrapping_add(round),
            b ^ b.rotate_left(3),
            c.wrapping_add(round ^ 5),
            d.wrapping_sub(round),
            e ^ (round << 2),
            f.wrapping_add(round | 1),
        ];
        black_box(lanes[0]);
    }
    black_box(lanes);
}
