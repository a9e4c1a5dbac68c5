//! What was received, at the end.

use hdrhistogram::Histogram;

use super::{histogram, style::Style, table::Table, units};
use crate::intake::Figures;

const PERCENTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

/// The figures of one feed: a table, then a picture of its delays.
pub(crate) fn of_one(title: &str, figures: &Figures, style: &Style) -> String {
    format!("{}{}", table("", &[(title, figures)], style), delays(figures, style))
}

/// Feeds side by side, one a column.
pub(crate) fn table(title: &str, feeds: &[(&str, &Figures)], style: &Style) -> String {
    let mut table = Table::new(title, feeds.iter().map(|(name, _)| *name));
    let mut row = |label: &str, value: &dyn Fn(&Figures) -> String| {
        table.row(label, feeds.iter().map(|(_, figures)| value(figures)));
    };
    row("messages", &|figures| units::count(figures.tally.messages));
    row("payload", &|figures| units::bytes(figures.tally.bytes as f64));
    if feeds.iter().any(|(_, figures)| figures.deflate.is_some()) {
        row("compressed to", &|figures| {
            let ratio = figures.deflate.and_then(|totals| totals.ratio());
            ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{:.1} %", 100.0 * ratio))
        });
    }
    row("largest message", &|figures| units::bytes(figures.tally.largest as f64));
    row("time", &|figures| units::nanos(figures.elapsed().as_nanos() as u64, style.unicode));
    row("messages a second", &|figures| units::rate(figures.tally.message_rate(figures.elapsed())));
    row("payload a second", &|figures| {
        format!("{}/s", units::bytes(figures.tally.byte_rate(figures.elapsed())))
    });
    row("checksum", &|figures| figures.digest.checksum());
    let stamped = feeds.iter().any(|(_, figures)| !figures.tally.latency.is_empty());
    let kind = if stamped { "latency" } else { "in buffer" };
    let delays = |figures: &Figures, read: &dyn Fn(&Histogram<u64>) -> u64| {
        let delays = if stamped { &figures.tally.latency } else { &figures.tally.in_buffer };
        if delays.is_empty() { "-".to_owned() } else { units::nanos(read(delays), style.unicode) }
    };
    for (label, quantile) in PERCENTILES {
        row(&format!("{kind} {label}"), &|figures| {
            delays(figures, &|delays| delays.value_at_quantile(quantile))
        });
    }
    row(&format!("{kind} max"), &|figures| delays(figures, &Histogram::max));
    table.draw(style)
}

/// A picture of the delays, and what they are.
pub(crate) fn delays(figures: &Figures, style: &Style) -> String {
    let (meaning, delays) = figures.tally.delays();
    if delays.is_empty() {
        return String::new();
    }
    format!("\n  {}\n{}", style.bold(meaning), histogram::draw(delays, style))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use wirespeed::MessageRef;

    use super::*;
    use crate::intake::{Intake, SendLog};

    fn figures(log: Option<&SendLog>) -> Figures {
        let intake = Intake::new();
        let seen = intake.see(&MessageRef::Binary(&mut [7; 300]), log).unwrap();
        intake.record(seen, Instant::now());
        intake.figures()
    }

    #[test]
    fn a_feed_without_stamps_says_what_its_delays_are() {
        let summary = of_one("received", &figures(None), &Style::PLAIN);
        assert!(summary.contains("in buffer p99.9") && summary.contains("300 B"), "{summary}");
        assert!(summary.contains("no send stamps in this feed"), "{summary}");
    }

    #[test]
    fn delays_of_different_kinds_do_not_share_a_row() {
        let log = SendLog::new(1);
        log.note(0);
        let (dated, bare) = (figures(Some(&log)), figures(None));
        let table = table("demo", &[("paced", &dated), ("flat out", &bare)], &Style::PLAIN);
        let row = table.lines().find(|line| line.contains("latency max")).unwrap();
        assert!(row.ends_with(" -") && !table.contains("in buffer"), "{table}");
    }
}
