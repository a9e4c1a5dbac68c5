//! Figures as people read them: grouped digits, SI units, three significant places.

/// A count with its thousands grouped: `1,234,567`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of bytes in SI units: `1.42 MB`.
pub(crate) fn bytes(value: f64) -> String {
    scaled(value, &[(1e9, "GB"), (1e6, "MB"), (1e3, "KB")])
        .unwrap_or_else(|| format!("{value:.0} B"))
}

/// A number of events a second: `2.41 k/s`.
pub(crate) fn rate(value: f64) -> String {
    scaled(value, &[(1e9, "G/s"), (1e6, "M/s"), (1e3, "k/s")])
        .unwrap_or_else(|| format!("{}/s", three_places(value)))
}

/// A length of time: `12.3 µs`, with a plain `us` where only ASCII is shown.
pub(crate) fn nanos(value: u64, unicode: bool) -> String {
    let micro = if unicode { "µs" } else { "us" };
    scaled(value as f64, &[(1e9, "s"), (1e6, "ms"), (1e3, micro)])
        .unwrap_or_else(|| format!("{value} ns"))
}

/// A length of time below a microsecond too: `4.17 ns`.
pub(crate) fn fine_nanos(value: f64, unicode: bool) -> String {
    if value < 999.5 { format!("{} ns", three_places(value)) } else { nanos(value as u64, unicode) }
}

/// A part of a whole: `12.5 %`.
pub(crate) fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}

/// The value in the first unit that it fills; none if it fills none.
fn scaled(value: f64, units: &[(f64, &str)]) -> Option<String> {
    // What would round up to 1000 belongs to the next unit.
    let (size, unit) = units.iter().find(|(size, _)| value >= size * 0.9995)?;
    Some(format!("{} {unit}", three_places(value / size)))
}

fn three_places(value: f64) -> String {
    match value {
        ..9.995 => format!("{value:.2}"),
        ..99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped() {
        for (value, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(count(value), text);
        }
    }

    #[test]
    fn figures_have_three_places_and_the_unit_that_fits() {
        assert_eq!(bytes(0.0), "0 B");
        assert_eq!(bytes(999.0), "999 B");
        assert_eq!(bytes(999_600.0), "1.00 MB");
        assert_eq!(bytes(1_415_269.0), "1.42 MB");
        assert_eq!(rate(7.0), "7.00/s");
        assert_eq!(rate(323.4), "323/s");
        assert_eq!(rate(2_422.0), "2.42 k/s");
        assert_eq!(nanos(15, true), "15 ns");
        assert_eq!(nanos(12_345, true), "12.3 µs");
        assert_eq!(nanos(12_345, false), "12.3 us");
        assert_eq!(nanos(9_999_999, true), "10.0 ms");
        assert_eq!(fine_nanos(4.171, true), "4.17 ns");
        assert_eq!(fine_nanos(12_345.6, true), "12.3 µs");
        assert_eq!(percent(0.125), "12.5 %");
    }
}
