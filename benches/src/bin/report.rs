//! Measures everything interleaved and writes a dated report.
//!
//! ```text
//! cargo run --release --manifest-path benches/Cargo.toml --bin report -- [OPTIONS] [FILTER...]
//! ```
//!
//! `--help` tells the options. Rounds in noisy moments of the machine are dropped and
//! run again.
//!
//! The report is written after each group, so that a run that is interrupted keeps
//! what it has; a group that cannot be measured is named there.

use std::{
    error::Error,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use wirespeed_benches::{
    groups,
    machine::{Machine, pin_to_a_core, raise_descriptor_limit},
    noise::Noise,
    report::{
        Measured, Results, Run,
        shows::{self, Count, Outcome, Show},
    },
    timing::Plan,
};

const USAGE: &str = "\
Measures everything interleaved and writes a dated report.

usage: report [OPTIONS] [FILTER...]

Groups whose name contains one of the filters, as receive/client or kernels/mask, or all.

  --out DIR       write there instead of perf-reports/
  --go-on         keep what the report there has of other groups, and of which run it is
  --rounds N      rounds of each group [21]
  --sample-us N   microseconds of each entry in a round [1000]
  --patience N    seconds that are spent on a group at most, noisy rounds included [20]";

fn main() -> Result<(), Box<dyn Error>> {
    let Some(options) = Options::parse()? else {
        println!("{USAGE}");
        return Ok(());
    };
    let mut builds = groups::all();
    builds.retain(|build| options.wants(build.id()));
    let count = builds.len();
    if builds.is_empty() {
        return Err(format!("no group's name contains {}", options.filters.join(" or ")).into());
    }
    raise_descriptor_limit();
    let core = pin_to_a_core();
    let mut results = Results::new(Run {
        date: today()?,
        machine: Machine::look(),
        core,
        rounds: options.plan.rounds,
        sample_us: u64::try_from(options.plan.sample.as_micros())?,
    });
    let mut noise = Noise::watch(Duration::from_secs(3));
    let directory = options.directory(&results);
    if options.go_on {
        results.go_on(&directory)?;
        results.write(&directory)?; // anew, even if nothing is to be measured
    }
    let start = Instant::now();
    for (index, build) in builds.into_iter().enumerate() {
        let id = build.id().to_owned();
        let outcome = Measured::of(build, options.plan, &mut noise);
        let at = format!("{:>3}/{count} {:>4.0} s", index + 1, start.elapsed().as_secs_f64());
        match outcome {
            Ok(measured) => {
                let Measured { case, noise, .. } = &measured;
                let fastest = measured
                    .fastest(|_| true)
                    .map_or(String::new(), |row| format!("{} {:.2} ns", row.name, row.median_ns));
                eprintln!("[{at}, noise {noise:.2}] {id}, {case}: {fastest}");
                results.add(measured);
            }
            Err(error) => {
                eprintln!("[{at}] {id}: not measured: {error}");
                results.failed.push(format!("{id}: {error}"));
            }
        }
        results.run.machine.look_again();
        results.write(&directory)?;
    }

    let shows = shows::all(&results);
    let is_missed = |show: &&Show| show.outcome(results.tier()) == Outcome::Missed;
    for show in shows.iter().filter(is_missed) {
        eprintln!("missed: {}: {}: {:.2}", show.topic, show.what, show.figure);
    }
    let Count { met, judged, .. } = Count::of(&shows, results.tier());
    eprintln!("{met} of {judged} targets met; see {}", directory.display());
    match results.failed.len() {
        0 => Ok(()),
        count => Err(format!("{count} groups could not be measured").into()),
    }
}

struct Options {
    plan: Plan,
    out: Option<PathBuf>,
    go_on: bool,
    filters: Vec<String>,
}

impl Options {
    /// `None` if the usage is asked for.
    fn parse() -> Result<Option<Self>, Box<dyn Error>> {
        let plan = Plan {
            rounds: 21,
            sample: Duration::from_millis(1),
            patience: Duration::from_secs(20),
        };
        let mut options = Self { plan, out: None, go_on: false, filters: Vec::new() };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--help" | "-h" => return Ok(None),
                "--out" => options.out = Some(value()?.into()),
                "--go-on" => options.go_on = true,
                "--rounds" => options.plan.rounds = value()?.parse::<usize>()?.max(1),
                "--sample-us" => {
                    options.plan.sample = Duration::from_micros(value()?.parse()?);
                }
                "--patience" => options.plan.patience = Duration::from_secs(value()?.parse()?),
                _ if argument.starts_with('-') => {
                    return Err(
                        format!("no option {argument}; --help tells those there are").into()
                    );
                }
                _ => options.filters.push(argument),
            }
        }
        Ok(Some(options))
    }

    fn wants(&self, id: &str) -> bool {
        let id = format!("{id}/"); // so that a filter can name the end of an id
        self.filters.is_empty() || self.filters.iter().any(|filter| id.contains(filter.as_str()))
    }

    fn directory(&self, results: &Results) -> PathBuf {
        self.out.clone().unwrap_or_else(|| {
            let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../perf-reports");
            PathBuf::from(root).join(format!("{}-{}", results.run.date, results.run.machine.slug()))
        })
    }
}

fn today() -> Result<String, Box<dyn Error>> {
    let output = Command::new("date").arg("+%Y-%m-%d").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
