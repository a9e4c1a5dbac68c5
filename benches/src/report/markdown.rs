//! The report in words.

use std::fmt::Write;

use wirespeed::simd::Tier;

use super::{
    Measured, Results, Row, Run,
    chart::number,
    rounds::Ratio,
    shows::{Bound, Count, Outcome, Show, all, notes},
};
use crate::{
    groups::{NOTES, kernels::tier_label},
    noise::QUIET,
    timing::RENEW_AFTER,
};

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
         | method | every row of a table interleaved (A B C, B C A, ...), {} rounds of {} µs, \
         medians, pinned to core {}; ratios of echo over tokio are medians of the rounds' \
         ratios, with servers and connections opened anew after each {RENEW_AFTER} rounds |\n\
         | load average | {} before, {} after |\n\
         | noise | {} of {} tables' rows taken while a fixed loop on either core took at most \
         {QUIET} times its least; {:.2} times at worst |\n",
        machine.processor,
        run.date,
        machine.processor,
        machine.cores,
        machine.system,
        machine.compiler,
        tier_label(results.tier()),
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
    targets(&mut text, &all(results), results.tier());
    text.push_str("## Times\n\nNanoseconds an operation, medians; in brackets, what messages were compressed to.\n\n");
    tables(&mut text, results, &NOTES, |_, row| {
        let share = row.compressed_to.map_or(String::new(), |to| format!(" ({to:.3})"));
        Some(number(row.median_ns) + &share)
    });
    if results.groups.iter().any(has_server) {
        text.push_str(
            "## Beside wirespeed, round by round\n\n\
             How many times as long as wirespeed each takes: the median of the rounds' ratios, and \
             in brackets their 25th and 75th percentile. What becomes slower or faster from round \
             to round is not in them. Where the percentiles lie on both sides of 1, neither is \
             shown to be faster: system calls vary by themselves, which the loop that tells of \
             noise does not see.\n\n",
        );
        tables(&mut text, results, &[], beside_ours);
        text.push_str(
            "## The server's processor time\n\n\
             Nanoseconds an operation, medians of the same runs. What the other side of the \
             system does, and waiting, is not in them.\n\n",
        );
        tables(&mut text, results, &[], |_, row| row.used_ns.map(number));
    }
    text
}

/// Whether the group has a server whose clock was looked at.
fn has_server(group: &Measured) -> bool {
    group.entries.iter().any(|row| row.used_ns.is_some())
}

fn beside_ours(group: &Measured, row: &Row) -> Option<String> {
    let ours = group.ours().filter(|ours| has_server(group) && ours.name != row.name)?;
    let Ratio { median, quartiles } = Ratio::of(row, ours)?;
    Some(format!("{} ({})", number(median), range(quartiles)))
}

fn range((from, to): (f64, f64)) -> String {
    format!("{} to {}", number(from), number(to))
}

fn targets(text: &mut String, shows: &[Show], in_use: Tier) {
    let Count { met, judged, needing_a_tier } = Count::of(shows, in_use);
    let _ = write!(text, "## Targets\n\n{met} of {judged} are met");
    if needing_a_tier > 0 {
        let _ = write!(
            text,
            "; {needing_a_tier} more were set for kernels of a better tier than {}, which is the \
             one in use, and do not count",
            tier_label(in_use),
        );
    }
    text.push_str(
        ". Those marked as our own we ask of ourselves, beside what was asked of us.\n\n",
    );
    for (topic, note) in notes(shows) {
        let _ = write!(text, "*{topic}*: {note}\n\n");
    }
    text.push_str("| | target | figure | |\n|---|---:|---:|---|\n");
    for show in shows {
        let (sign, target) = match show.target.bound {
            Bound::AtLeast(target) => ('≥', target),
            Bound::AtMost(target) => ('≤', target),
        };
        let outcome = match show.outcome(in_use) {
            Outcome::Met => "met".to_owned(),
            Outcome::Missed => "**missed**".to_owned(),
            Outcome::Needs(tier) => format!("needs {}", tier_label(tier)),
        };
        let _ = writeln!(
            text,
            "| {}{}: {} | {sign} {target} | {} {}{} | {outcome} |",
            show.topic,
            if show.is_our_own() { " (our own)" } else { "" },
            show.what,
            number(show.figure),
            show.unit,
            show.spread.map_or(String::new(), |spread| format!(" ({})", range(spread))),
        );
    }
    text.push('\n');
}

/// A table for each id that has cells; the first one whose id begins as a note says
/// has the note above it.
fn tables(
    text: &mut String,
    results: &Results,
    notes: &[(&str, &str)],
    cell: impl Fn(&Measured, &Row) -> Option<String>,
) {
    let other_runs = results.other_runs();
    let mark = |group: &Measured| {
        let index = other_runs.iter().position(|&run| Some(run) == group.run.as_ref());
        index.map_or(String::new(), |index| format!(" [{}]", index + 1))
    };
    let cell_of = |group: &Measured, name: &str| cell(group, group.row(name)?);
    let mut done: Vec<&str> = Vec::new();
    for Measured { id, .. } in &results.groups {
        if done.contains(&&**id) {
            continue;
        }
        let is_first = |prefix: &str| !done.iter().any(|id| id.starts_with(prefix));
        let note = notes.iter().find(|(prefix, _)| id.starts_with(prefix) && is_first(prefix));
        done.push(id);
        let mut names = results.names(id);
        names.retain(|name| results.cases(id).any(|case| cell_of(case, name).is_some()));
        if names.is_empty() {
            continue;
        }
        let _ = write!(text, "### {id}\n\n");
        if let Some((_, note)) = note {
            let _ = write!(text, "{note}\n\n");
        }
        let _ = writeln!(text, "| | {} |", names.join(" | "));
        let _ = writeln!(text, "|---|{}", "---:|".repeat(names.len()));
        for case in results.cases(id) {
            let _ = write!(text, "| {}{} |", case.case, mark(case));
            for name in &names {
                let _ = write!(text, " {} |", cell_of(case, name).unwrap_or_default());
            }
            text.push('\n');
        }
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::example::{group, run},
        *,
    };

    #[test]
    fn an_entry_that_some_cases_lack_has_a_column_of_its_own() {
        let mut results = Results::new(run("today"));
        results.add(group("echo/tokio/x", "20 B", &[("ours", 1.0), ("peer", 2.0)]));
        results.add(group(
            "echo/tokio/x",
            "16 KiB",
            &[("ours", 3.0), ("more", 4.0), ("peer", 5.0)],
        ));
        results.add(group("echo/tokio/y", "20 B", &[("ours", 1.0)]));
        let mut text = String::new();
        let notes = [("echo", "a note")];
        tables(&mut text, &results, &notes, |_, row| Some(number(row.median_ns)));
        assert_eq!(
            text,
            "### echo/tokio/x\n\na note\n\n| | ours | more | peer |\n|---|---:|---:|---:|\n\
             | 20 B | 1.00 |  | 2.00 |\n| 16 KiB | 3.00 | 4.00 | 5.00 |\n\n\
             ### echo/tokio/y\n\n| | ours |\n|---|---:|\n| 20 B | 1.00 |\n\n"
        );
    }
}
