//! A summary in aligned columns.

use super::style::Style;

/// Rows of a label and one value a column.
#[derive(Debug)]
pub(crate) struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<(String, Vec<String>)>,
}

impl Table {
    /// A table with these headings over its columns of values.
    pub(crate) fn new<'a>(title: &str, columns: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            title: title.to_owned(),
            columns: columns.into_iter().map(str::to_owned).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; columns that it has no value for stay empty.
    pub(crate) fn row(&mut self, label: &str, values: impl IntoIterator<Item = String>) {
        self.rows.push((label.to_owned(), values.into_iter().collect()));
    }

    /// The table, each line ended.
    pub(crate) fn draw(&self, style: &Style) -> String {
        let labels = self.rows.iter().map(|(label, _)| label);
        let label_width = labels.chain([&self.title]).map(|label| width(label)).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                let values = self.rows.iter().filter_map(|(_, values)| values.get(column));
                values.chain([&self.columns[column]]).map(|value| width(value)).max().unwrap_or(0)
            })
            .collect();
        let line = |label: &str, values: &[String]| {
            let mut line = format!("  {}", pad_right(label, label_width));
            for (value, width) in values.iter().zip(&widths) {
                line.push_str("   ");
                line.push_str(&pad_left(value, *width));
            }
            line.truncate(line.trim_end().len());
            line
        };

        let heading = line(&self.title, &self.columns);
        let rule = if style.unicode { "─" } else { "-" };
        let total = 2 + label_width + widths.iter().map(|width| width + 3).sum::<usize>();
        let mut out = format!("{}\n  {}\n", style.bold(&heading), rule.repeat(total - 2));
        for (label, values) in &self.rows {
            out.push_str(&line(label, values));
            out.push('\n');
        }
        out
    }
}

/// The text with spaces behind it.
pub(crate) fn pad_right(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// The text with spaces before it.
pub(crate) fn pad_left(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Columns that the text takes; the reports use no wide and no combining characters.
fn width(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_missing_values_stay_empty() {
        let mut table = Table::new("feed", ["paced", "flat out"]);
        table.row("messages", ["1,234".into(), "5".into()]);
        table.row("p99", ["12.3 µs".into()]);
        assert_eq!(
            table.draw(&Style::PLAIN),
            "  feed         paced   flat out\n\
             \x20 -----------------------------\n\
             \x20 messages     1,234          5\n\
             \x20 p99        12.3 µs\n"
        );
        assert!(table.draw(&Style::UNICODE).contains("────"));
    }
}
