//! A report: what was measured, held against the targets, in words and pictures.

pub mod chart;
mod charts;
mod deflate;
mod markdown;
pub mod shows;

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    machine::Machine,
    timing::{Plan, Times},
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
    pub entries: Vec<Row>,
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

/// Everything that was measured in one run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Results {
    pub date: String,
    pub machine: Machine,
    pub core: usize,
    pub rounds: usize,
    pub sample_us: u128,
    pub groups: Vec<Measured>,
}

impl Results {
    pub fn new(date: String, machine: Machine, core: usize, plan: Plan) -> Self {
        let (rounds, sample_us) = (plan.rounds, plan.sample.as_micros());
        Self { date, machine, core, rounds, sample_us, groups: Vec::new() }
    }

    /// The median of an entry, in nanoseconds.
    pub fn median(&self, id: &str, case: &str, entry: &str) -> Option<f64> {
        let group = self.group(id, case)?;
        Some(group.entries.iter().find(|row| row.name == entry)?.median_ns)
    }

    /// The least median among the entries that `is_one` picks.
    pub fn fastest(&self, id: &str, case: &str, is_one: impl Fn(&str) -> bool) -> Option<&Row> {
        let rows = self.group(id, case)?.entries.iter().filter(|row| is_one(&row.name));
        rows.min_by(|a, b| a.median_ns.total_cmp(&b.median_ns))
    }

    /// The groups of an id, in the order of their cases.
    pub fn cases<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Measured> {
        self.groups.iter().filter(move |group| group.id == id)
    }

    fn group(&self, id: &str, case: &str) -> Option<&Measured> {
        self.groups.iter().find(|group| group.id == id && group.case == case)
    }

    /// Goes on with the report in `directory`: keeps what was measured there and is
    /// not measured again.
    ///
    /// # Errors
    ///
    /// If there is one that cannot be read.
    pub fn go_on(&mut self, directory: &Path) -> io::Result<()> {
        let data = match fs::read(directory.join("data.json")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            data => data?,
        };
        self.groups = serde_json::from_slice::<Self>(&data)?.groups;
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

    /// Writes `report.md`, `data.json` and the charts.
    ///
    /// # Errors
    ///
    /// If the directory cannot be written to.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir_all(directory)?;
        let charts = charts::draw(self);
        for (name, svg) in &charts {
            fs::write(directory.join(name), svg)?;
        }
        let names: Vec<&str> = charts.iter().map(|(name, _)| *name).collect();
        fs::write(directory.join("report.md"), markdown::report(self, &names))?;
        fs::write(directory.join("data.json"), serde_json::to_vec_pretty(self)?)
    }
}
