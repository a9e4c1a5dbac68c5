//! The report in words.

use std::fmt::Write;

use super::{
    Measured, Results, Row, Run,
    chart::number,
    shows::{Show, Target, all},
};
use crate::noise::QUIET;

pub fn report(results: &Results, charts: &[&str]) -> String {
    let run = &results.run;
    let machine = &run.machine;
    let noises = results.groups.iter().map(|group| group.noise);
    let quiet = noises.clone().filter(|noise| *noise <= QUIET).count();
    let noisiest = noises.fold(1.0, f64::max);
    let mut text = format!(
        "# {}\n\n\
         | | |\n|---|---|\n\
         | date | {} |\n\
         | processor | {}, {} cores |\n\
         | system | {} |\n\
         | compiler | {}, release profile, no link-time optimisation |\n\
         | kernels in use | {} |\n\
         | method | every row of a table interleaved (A B C, A B C, ...), {} rounds of {} µs, \
         medians, pinned to core {} |\n\
         | load average | {} before, {} after |\n\
         | noise | {} of {} tables' rows taken while a fixed loop took at most {QUIET} times its \
         least; {:.2} times at worst |\n",
        machine.processor,
        run.date,
        machine.processor,
        machine.cores,
        machine.system,
        machine.compiler,
        machine.tier,
        run.rounds,
        run.sample_us,
        run.core,
        machine.load[0],
        machine.load[1],
        quiet,
        results.groups.len(),
        noisiest,
    );
    for (index, run) in results.other_runs().into_iter().enumerate() {
        let Run { date, machine, core, rounds, sample_us } = run;
        let _ = writeln!(
            text,
            "| rows marked [{}] | another run: {date}, {}, {}, {}, kernels {}; {rounds} rounds of \
             {sample_us} µs, pinned to core {core} |",
            index + 1,
            machine.processor,
            machine.system,
            machine.compiler,
            machine.tier,
        );
    }
    text.push_str(
        "\nRatios are taken within one row of a table, whose entries are of one run; times of \
         different runs say little. Each library was checked to deliver every byte before it was \
         timed.\n\n",
    );
    if !results.failed.is_empty() {
        text.push_str("Not measured:\n\n");
        results.failed.iter().for_each(|failed| text.push_str(&format!("- {failed}\n")));
        text.push('\n');
    }
    for chart in charts {
        let _ = writeln!(text, "![{}]({chart})\n", chart.trim_end_matches(".svg"));
    }
    targets(&mut text, &all(results));
    text.push_str("## Times\n\nNanoseconds an operation, medians; in brackets, what messages were compressed to.\n\n");
    tables(&mut text, results, |row| Some(row.median_ns));
    if results.groups.iter().flat_map(|group| &group.entries).any(|row| row.used_ns.is_some()) {
        text.push_str(
            "## The server's processor time\n\n\
             Nanoseconds an operation, medians of the same runs. What the other side of the \
             system does, and waiting, is not in them.\n\n",
        );
        tables(&mut text, results, |row| row.used_ns);
    }
    text
}

fn targets(text: &mut String, shows: &[Show]) {
    let met = shows.iter().filter(|show| show.is_met()).count();
    let _ = write!(
        text,
        "## Targets\n\n{met} of {} are met.\n\n| | target | figure | |\n|---|---:|---:|---|\n",
        shows.len()
    );
    for show in shows {
        let (sign, target) = match show.target {
            Target::AtLeast(target) => ('≥', target),
            Target::AtMost(target) => ('≤', target),
        };
        let _ = writeln!(
            text,
            "| {}: {} | {sign} {target} | {} {} | {} |",
            show.topic,
            show.what,
            number(show.figure),
            show.unit,
            if show.is_met() { "met" } else { "**missed**" },
        );
    }
    text.push('\n');
}

fn tables(text: &mut String, results: &Results, time: impl Fn(&Row) -> Option<f64>) {
    let other_runs = results.other_runs();
    let mark = |group: &Measured| {
        let index = other_runs.iter().position(|&run| Some(run) == group.run.as_ref());
        index.map_or(String::new(), |index| format!(" [{}]", index + 1))
    };
    let mut done: Vec<&str> = Vec::new();
    for group in &results.groups {
        if done.contains(&group.id.as_str()) || !group.entries.iter().any(|row| time(row).is_some())
        {
            continue;
        }
        done.push(&group.id);
        let _ = write!(text, "### {}\n\n| |", group.id);
        for row in &group.entries {
            let _ = write!(text, " {} |", row.name);
        }
        let _ = writeln!(text, "\n|---|{}", "---:|".repeat(group.entries.len()));
        for case in results.cases(&group.id) {
            let _ = write!(text, "| {}{} |", case.case, mark(case));
            for row in &case.entries {
                let share = row.compressed_to.map_or(String::new(), |to| format!(" ({to:.3})"));
                let _ = write!(text, " {}{share} |", time(row).map_or(String::new(), number));
            }
            text.push('\n');
        }
        text.push('\n');
    }
}
