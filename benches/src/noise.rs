//! Whether the machine is ours alone.
//!
//! A guest shares its cores with others that it cannot see: for seconds or minutes
//! everything takes up to twice as long, and not every code alike, so that ratios
//! change as well. A loop whose work never changes shows it, but for what system calls
//! do: they vary while the loop is quiet, so that echo is compared round by round.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// Noise up to here counts as none.
pub const QUIET: f64 = 1.1;

/// Times a loop that keeps all of a core busy, and knows the least it ever took.
pub struct Noise {
    least: f64,
}

impl Noise {
    /// Watches for `span`, to learn how fast the machine can be.
    pub fn watch(span: Duration) -> Self {
        let start = Instant::now();
        let mut noise = Self { least: f64::INFINITY };
        while start.elapsed() < span {
            noise.look();
            std::thread::sleep(Duration::from_millis(50));
        }
        noise
    }

    /// How many times as long as ever the loop takes now: 1.0 in a quiet moment.
    pub fn look(&mut self) -> f64 {
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
