//! Results for tests.

use super::{Measured, Row, Run};
use crate::machine::Machine;

pub fn run(date: &str) -> Run {
    let machine = Machine {
        processor: "a processor".to_owned(),
        cores: 2,
        system: "a system".to_owned(),
        compiler: "a compiler".to_owned(),
        tier: "Avx2".to_owned(),
        load: [0.5, 1.0],
    };
    Run { date: date.to_owned(), machine, core: 1, rounds: 21, sample_us: 1000 }
}

pub fn row(name: &str, samples: &[f64]) -> Row {
    Row {
        name: name.to_owned(),
        compressed_to: None,
        median_ns: samples[samples.len() / 2],
        least_ns: samples[0],
        samples_ns: samples.to_vec(),
        used_ns: None,
    }
}

/// A group of entries, with one time each.
pub fn group(id: &str, case: &str, times: &[(&str, f64)]) -> Measured {
    let (id, case) = (id.to_owned(), case.to_owned());
    let entries = times.iter().map(|&(name, time)| row(name, &[time])).collect();
    Measured { id, case, bytes: 20.0, noise: 1.0, run: None, entries }
}
