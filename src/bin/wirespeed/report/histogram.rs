//! A picture of a latency distribution in bars, for a terminal.

use hdrhistogram::Histogram;

use super::{
    style::Style,
    table::{pad_left, pad_right},
    units,
};

const BAR_COLUMNS: usize = 40;
const MOST_ROWS: usize = 20;

/// The percentiles that the picture points at.
const MARKS: [(f64, &str); 3] = [(50.0, "p50"), (99.0, "p99"), (99.9, "p99.9")];

/// One bar a row; each row spans a step of the series 1, 2, 5, 10 (or 1, 10, 100
/// if the values spread too far for that), so that a long tail stays in sight.
///
/// Empty without values.
pub(crate) fn draw(nanos: &Histogram<u64>, style: &Style) -> String {
    let rows = rows(nanos);
    let tallest = rows.iter().map(|row| row.count).max().unwrap_or(0);
    let dash = if style.unicode { " – " } else { " - " };
    let axis = if style.unicode { "│" } else { "|" };
    let range = |row: &Row| {
        format!(
            "{}{dash}{}",
            pad_left(&edge(row.low, style), 6),
            pad_left(&edge(row.high, style), 6)
        )
    };
    rows.iter()
        .map(|row| {
            let bar = pad_right(&bar(row.count, tallest, style), BAR_COLUMNS);
            let line = format!(
                "  {} {axis}{} {} {}  {}",
                range(row),
                style.cyan(&bar),
                pad_left(&units::count(row.count), 10),
                pad_left(&units::percent(row.count as f64 / nanos.len() as f64), 7),
                marks(row, nanos, style),
            );
            format!("{}\n", line.trim_end())
        })
        .collect()
}

/// Values from `low` to below `high`.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    low: u64,
    high: u64,
    count: u64,
}

fn rows(nanos: &Histogram<u64>) -> Vec<Row> {
    if nanos.is_empty() {
        return Vec::new();
    }
    let fine = rows_between(nanos, &[1, 2, 5]);
    if fine.len() <= MOST_ROWS { fine } else { rows_between(nanos, &[1]) }
}

/// The rows from the smallest value's to the largest value's; `steps` divide a decade.
fn rows_between(nanos: &Histogram<u64>, steps: &[u64]) -> Vec<Row> {
    let decades = (0..).map_while(|power| 10u64.checked_pow(power));
    let edges =
        decades.flat_map(|decade| steps.iter().map(move |step| decade.saturating_mul(*step)));
    let mut lows: Vec<u64> = std::iter::once(0).chain(edges).collect();
    lows.dedup();

    let row_of = |value: u64| lows.partition_point(|low| *low <= value) - 1;
    let (first, last) = (row_of(nanos.min()), row_of(nanos.max()));
    let mut rows: Vec<Row> = (first..=last)
        .map(|row| Row {
            low: lows[row],
            high: lows.get(row + 1).copied().unwrap_or(u64::MAX),
            count: 0,
        })
        .collect();
    for recorded in nanos.iter_recorded() {
        // A value is reported as the end of its bucket, which may lie past the largest.
        let row = row_of(recorded.value_iterated_to().clamp(nanos.min(), nanos.max()));
        rows[row - first].count += recorded.count_since_last_iteration();
    }
    rows
}

/// An edge of a row, all of which are round.
fn edge(nanos: u64, style: &Style) -> String {
    let micro = if style.unicode { "µs" } else { "us" };
    match nanos {
        1_000_000_000.. => format!("{} s", nanos / 1_000_000_000),
        1_000_000.. => format!("{} ms", nanos / 1_000_000),
        1_000.. => format!("{} {micro}", nanos / 1_000),
        _ => format!("{nanos} ns"),
    }
}

/// A bar in proportion to the tallest; whatever is not zero can be seen.
fn bar(count: u64, tallest: u64, style: &Style) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if count == 0 {
        return String::new();
    }
    let part = count as f64 / tallest as f64;
    if style.unicode {
        let eighths = ((part * (BAR_COLUMNS * 8) as f64).round() as usize).max(1);
        format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
    } else {
        "#".repeat(((part * BAR_COLUMNS as f64).round() as usize).max(1))
    }
}

/// The percentiles that fall into a row.
fn marks(row: &Row, nanos: &Histogram<u64>, style: &Style) -> String {
    let within = |value: u64| (row.low..row.high).contains(&value);
    let mut names: Vec<&str> = MARKS
        .iter()
        .filter(|(percentile, _)| within(nanos.value_at_percentile(*percentile).min(nanos.max())))
        .map(|(_, name)| *name)
        .collect();
    if within(nanos.max()) {
        names.push("max");
    }
    match (names.is_empty(), style.unicode) {
        (true, _) => String::new(),
        (false, true) => format!("← {}", names.join(", ")),
        (false, false) => format!("<- {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: &[(u64, u64)]) -> Histogram<u64> {
        let mut histogram = Histogram::new(3).unwrap();
        for (value, count) in values {
            histogram.record_n(*value, *count).unwrap();
        }
        histogram
    }

    #[test]
    fn bars_are_in_proportion_and_the_marks_stand_where_they_fall() {
        let nanos = histogram(&[(7_000, 500), (15_000, 1_000), (30_000, 3), (300_000, 1)]);
        assert_eq!(
            draw(&nanos, &Style::PLAIN),
            concat!(
                "    5 us -  10 us |####################                            500  33.2 %\n",
                "   10 us -  20 us |########################################      1,000  66.5 %  <- p50, p99\n",
                "   20 us -  50 us |#                                                 3   0.2 %  <- p99.9\n",
                "   50 us - 100 us |                                                  0   0.0 %\n",
                "  100 us - 200 us |                                                  0   0.0 %\n",
                "  200 us - 500 us |#                                                 1   0.1 %  <- max\n",
            )
        );
    }

    #[test]
    fn a_terminal_with_unicode_gets_eighths_of_a_column() {
        let drawn = draw(&histogram(&[(1_500, 320), (3_000, 3)]), &Style::UNICODE);
        let lines: Vec<&str> = drawn.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].contains(&"█".repeat(40)) && lines[0].contains("1 µs –   2 µs"));
        assert!(lines[1].contains("│▍ "), "{}", lines[1]);
        assert!(!drawn.contains('\x1b'));
    }

    #[test]
    fn the_rows_hold_every_value_once() {
        let mut nanos = Histogram::<u64>::new(3).unwrap();
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..10_000 {
            nanos.record(rng.u64(1_000..20_000_000)).unwrap();
        }
        assert_eq!(rows(&nanos).iter().map(|row| row.count).sum::<u64>(), 10_000);
    }

    #[test]
    fn a_wide_spread_falls_back_to_decades() {
        let rows = rows(&histogram(&[(0, 1), (3, 1), (40_000_000_000, 1)]));
        assert!(rows.len() <= MOST_ROWS, "{rows:?}");
        assert_eq!(rows[0], Row { low: 0, high: 1, count: 1 });
        assert_eq!(rows.last().unwrap().count, 1);
    }

    #[test]
    fn extremes_draw_without_a_panic() {
        assert_eq!(draw(&histogram(&[]), &Style::PLAIN), "");
        assert_eq!(draw(&histogram(&[(0, 1)]), &Style::PLAIN).lines().count(), 1);
        assert!(!draw(&histogram(&[(u64::MAX, 1), (1, 1)]), &Style::UNICODE).is_empty());
    }
}
