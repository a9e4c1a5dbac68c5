//! A report: what was measured, held against the targets, in words and pictures.

pub mod chart;
mod charts;
mod deflate;
#[cfg(test)]
mod example;
mod markdown;
mod rounds;
pub mod shows;

use std::{
    any::Any,
    cmp::Reverse,
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use serde::{Deserialize, Serialize};
use wirespeed::simd::Tier;

use crate::{
    groups::Build,
    machine::Machine,
    noise::Noise,
    timing::{Group, Plan, Times, measure},
};

/// A group, measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Measured {
    pub id: String,
    pub case: String,
    /// Mean payload bytes of one operation.
    pub bytes: f64,
    /// The most noise of the rounds: how many times as long as in a quiet moment a
    /// fixed loop took before or after.
    pub noise: f64,
    /// The run that measured it, if another one than the report's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<Run>,
    pub entries: Vec<Row>,
}

impl Measured {
    /// Builds a group and measures it.
    ///
    /// # Errors
    ///
    /// Why it cannot be: the message that building or running it panics with, as when
    /// the system has no descriptors left or a library loses bytes.
    pub fn of(build: Build, plan: Plan, noise: &mut Noise) -> Result<Self, String> {
        let measured = || {
            let mut group = build.make();
            let (times, noise) = measure(&mut group, plan, noise);
            let entries = times.into_iter().map(Into::into).collect();
            let Group { id, case, bytes, .. } = group;
            Self { id, case, bytes, noise, run: None, entries }
        };
        catch_unwind(AssertUnwindSafe(measured)).map_err(|panic| message(&*panic))
    }

    /// The entry of a name.
    pub fn row(&self, name: &str) -> Option<&Row> {
        self.entries.iter().find(|row| row.name == name)
    }

    /// The entry with the least median.
    pub fn fastest(&self, is_one: impl Fn(&str) -> bool) -> Option<&Row> {
        let rows = self.entries.iter().filter(|row| is_one(&row.name));
        rows.min_by(|a, b| a.median_ns.total_cmp(&b.median_ns))
    }
}

/// What a panic says.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a panic without a message").to_owned()
}

/// One entry of it, in nanoseconds an operation.
#[derive(Debug, Serialize, Deserialize)]
pub struct Row {
    pub name: String,
    /// Payload bytes on the wire for each one of a message, where it is compressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compressed_to: Option<f64>,
    pub median_ns: f64,
    pub least_ns: f64,
    pub samples_ns: Vec<f64>,
    /// The processor's time on the other side, where that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_ns: Option<f64>,
}

impl From<Times> for Row {
    fn from(times: Times) -> Self {
        let Times { name, compressed_to, median, least, samples, used } = times;
        Self {
            name,
            compressed_to,
            median_ns: median,
            least_ns: least,
            samples_ns: samples,
            used_ns: used,
        }
    }
}

/// When, where and how was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub date: String,
    pub machine: Machine,
    pub core: usize,
    pub rounds: usize,
    pub sample_us: u64,
}

/// What was measured in one run, and what is kept of those before it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Results {
    #[serde(flatten)]
    pub run: Run,
    /// Groups that could not be measured, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<String>,
    pub groups: Vec<Measured>,
}

impl Results {
    pub fn new(run: Run) -> Self {
        Self { run, failed: Vec::new(), groups: Vec::new() }
    }

    /// The tier of the kernels in use.
    pub fn tier(&self) -> Tier {
        let is_it = |tier: &Tier| format!("{tier:?}") == self.run.machine.tier;
        Tier::ALL.into_iter().find(is_it).unwrap_or(Tier::Portable)
    }

    /// The median of an entry, in nanoseconds.
    pub fn median(&self, id: &str, case: &str, entry: &str) -> Option<f64> {
        Some(self.group(id, case)?.row(entry)?.median_ns)
    }

    /// The least median among the entries that `is_one` picks.
    pub fn fastest(&self, id: &str, case: &str, is_one: impl Fn(&str) -> bool) -> Option<&Row> {
        self.group(id, case)?.fastest(is_one)
    }

    /// The groups of an id, in the order of their cases.
    pub fn cases<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Measured> {
        self.groups.iter().filter(move |group| group.id == id)
    }

    /// The names of the entries that the groups of an id have, in their order.
    pub fn names<'a>(&'a self, id: &'a str) -> Vec<&'a str> {
        let mut cases: Vec<&Measured> = self.cases(id).collect();
        cases.sort_by_key(|case| Reverse(case.entries.len()));
        let mut names = Vec::new();
        for row in cases.into_iter().flat_map(|case| &case.entries) {
            if !names.contains(&&*row.name) {
                names.push(&*row.name);
            }
        }
        names
    }

    pub fn group(&self, id: &str, case: &str) -> Option<&Measured> {
        self.groups.iter().find(|group| group.id == id && group.case == case)
    }

    /// The other runs that groups come from.
    pub fn other_runs(&self) -> Vec<&Run> {
        let mut runs = Vec::new();
        for run in self.groups.iter().filter_map(|group| group.run.as_ref()) {
            if !runs.contains(&run) {
                runs.push(run);
            }
        }
        runs
    }

    /// Goes on with the report in `directory`: keeps what was measured there and is
    /// not measured again, and by which run.
    ///
    /// # Errors
    ///
    /// If there is one that cannot be read.
    pub fn go_on(&mut self, directory: &Path) -> io::Result<()> {
        let data = match fs::read(directory.join("data.json")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            data => data?,
        };
        let before: Self = serde_json::from_slice(&data)?;
        self.groups = before.groups;
        for group in &mut self.groups {
            group.run.get_or_insert_with(|| before.run.clone());
        }
        Ok(())
    }

    /// Adds a group, in place of the one that has its name.
    pub fn add(&mut self, measured: Measured) {
        let is_it =
            |group: &&mut Measured| (&group.id, &group.case) == (&measured.id, &measured.case);
        match self.groups.iter_mut().find(is_it) {
            Some(group) => *group = measured,
            None => self.groups.push(measured),
        }
    }

    /// Writes `report.md`, `data.json` and the charts; whatever ends the program
    /// meanwhile leaves each of them as it was or as it is now.
    ///
    /// # Errors
    ///
    /// If the directory cannot be written to.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)?;
        let charts = charts::draw(self);
        for (name, svg) in &charts {
            replace(&directory.join(name), svg.as_bytes())?;
        }
        let names: Vec<&str> = charts.iter().map(|(name, _)| *name).collect();
        replace(&directory.join("report.md"), markdown::report(self, &names).as_bytes())?;
        replace(&directory.join("data.json"), &serde_json::to_vec_pretty(self)?)
    }
}

/// Writes a file beside its place and moves it there.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, bytes)?;
    fs::rename(unfinished, path)
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, time::Duration};

    use super::{
        example::{group, run},
        *,
    };

    const PLAN: Plan = Plan { rounds: 3, sample: Duration::ZERO, patience: Duration::ZERO };

    /// A directory of a test's own.
    fn directory(test: &str) -> PathBuf {
        let name = format!("wirespeed-benches-{}-{test}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir_all(&directory).expect("a directory");
        directory
    }

    #[test]
    fn groups_of_other_runs_keep_their_run() {
        let directory = directory("go-on");
        for date in ["1st", "2nd", "3rd"] {
            let mut results = Results::new(run(date));
            results.go_on(&directory).expect("a report");
            let cases: &[&str] = match date {
                "1st" => &["20 B", "64 B", "125 B"],
                "2nd" => &["64 B", "125 B"],
                _ => &["125 B"],
            };
            cases.iter().for_each(|case| results.add(group("id", case, &[("wirespeed", 1.0)])));
            results.write(&directory).expect("a report");
        }
        let data = fs::read(directory.join("data.json")).expect("data");
        let results: Results = serde_json::from_slice(&data).expect("results");
        let runs: Vec<Option<Run>> = results.groups.iter().map(|group| group.run.clone()).collect();
        assert_eq!(runs, [Some(run("1st")), Some(run("2nd")), None]);
        assert_eq!(results.other_runs(), [&run("1st"), &run("2nd")]);
        let report = fs::read_to_string(directory.join("report.md")).expect("a report");
        fs::remove_dir_all(directory).expect("a directory");
        assert!(report.contains("| date | 3rd |"));
        assert!(report.contains("| rows marked [1] | another run: 1st,"));
        assert!(report.contains("| 20 B [1] |"));
        assert!(report.contains("| 64 B [2] |"));
        assert!(report.contains("| 125 B |"));
    }

    #[test]
    fn results_without_runs_of_their_own_are_of_the_reports() {
        let directory = directory("old");
        let mut old = serde_json::to_value(Results::new(run("1st"))).expect("data");
        old["groups"] = serde_json::json!([
            { "id": "id", "case": "20 B", "bytes": 20.0, "noise": 1.0, "entries": [] },
        ]);
        fs::write(directory.join("data.json"), old.to_string()).expect("a file");
        let mut results = Results::new(run("2nd"));
        results.go_on(&directory).expect("a report");
        fs::remove_dir_all(directory).expect("a directory");
        assert_eq!(results.groups[0].run, Some(run("1st")));
    }

    fn of(make: impl FnOnce(&str) -> Group + 'static) -> Result<Measured, String> {
        Measured::of(Build::new("id", make), PLAN, &mut Noise::watch(Duration::ZERO))
    }

    #[test]
    fn a_group_is_measured() {
        let measured = of(|id| {
            let mut group = Group::new(id, "case", 0.0);
            group.add("wirespeed", 1, || {});
            group
        });
        let measured = measured.expect("times");
        assert_eq!((&measured.id[..], &measured.case[..]), ("id", "case"));
        assert_eq!(measured.entries[0].samples_ns.len(), PLAN.rounds);
    }

    #[test]
    fn a_group_that_cannot_be_built_says_why() {
        let error = of(|id| panic!("no descriptors for {id}")).expect_err("no group");
        assert_eq!(error, "no descriptors for id");
    }

    #[test]
    fn a_group_that_cannot_be_run_says_why() {
        let error = of(|id| {
            let mut group = Group::new(id, "case", 0.0);
            group.add("wirespeed", 1, || panic!("no answer"));
            group
        });
        assert_eq!(error.expect_err("no times"), "no answer");
    }
}
