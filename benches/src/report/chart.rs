//! Grouped bars as SVG.

use std::fmt::Write;

/// A chart of groups of bars.
pub struct Bars<'a> {
    pub title: &'a str,
    /// The unit, and which way is better.
    pub subtitle: &'a str,
    pub groups: Vec<String>,
    pub series: Vec<Series>,
    /// A line across, and what it means.
    pub line: Option<(f64, &'a str)>,
}

pub struct Series {
    pub name: String,
    pub color: &'static str,
    /// One for each group.
    pub values: Vec<Option<f64>>,
}

const WIDTH: f64 = 1040.0;
const HEIGHT: f64 = 470.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 18.0;
const BOTTOM: f64 = 40.0;
const LEGEND_AT: f64 = 66.0;
const LEGEND_ROW: f64 = 20.0;
const TEXT: &str = "#1f2430";
const FAINT: &str = "#667085";
const LINE: &str = "#b42318";

impl Bars<'_> {
    pub fn svg(&self) -> String {
        let (legend, legend_rows) = self.legend();
        let top = LEGEND_AT + legend_rows as f64 * LEGEND_ROW + 12.0;
        let scale = Scale::new(self.largest(), top);
        let mut svg = format!(
            r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" font-family="DejaVu Sans, Verdana, Helvetica, sans-serif">
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="{LEFT}" y="28" font-size="19" font-weight="bold" fill="{TEXT}">{}</text>
<text x="{LEFT}" y="49" font-size="13" fill="{FAINT}">{}</text>
"##,
            escape(self.title),
            escape(self.subtitle),
        );
        svg.push_str(&legend);
        scale.draw(&mut svg);
        self.draw_bars(&mut svg, &scale);
        if let Some((value, _)) = self.line {
            let y = scale.y(value);
            let right = WIDTH - RIGHT;
            let _ = writeln!(
                svg,
                r##"<line x1="{LEFT}" y1="{y:.1}" x2="{right}" y2="{y:.1}" stroke="{LINE}" stroke-dasharray="5 4"/>"##
            );
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn largest(&self) -> f64 {
        let values = self.series.iter().flat_map(|series| &series.values).flatten();
        values.copied().fold(self.line.map_or(0.0, |(value, _)| value), f64::max)
    }

    /// The legend, in rows, and how many.
    fn legend(&self) -> (String, usize) {
        let mut svg = String::new();
        let (mut x, mut row) = (LEFT, 0);
        let series = self.series.iter().map(|series| (series.name.as_str(), series.color, 13.0));
        let line = self.line.iter().map(|&(_, meaning)| (meaning, LINE, 2.0));
        for (name, color, thickness) in series.chain(line) {
            let width = 24.0 + 7.4 * name.chars().count() as f64 + 16.0;
            if x + width > WIDTH - RIGHT {
                (x, row) = (LEFT, row + 1);
            }
            let y = LEGEND_AT + f64::from(row) * LEGEND_ROW;
            let _ = write!(
                svg,
                r##"<rect x="{x:.1}" y="{:.1}" width="13" height="{thickness}" fill="{color}"/>
<text x="{:.1}" y="{:.1}" font-size="12.5" fill="{TEXT}">{}</text>
"##,
                y + (13.0 - thickness) / 2.0,
                x + 19.0,
                y + 11.0,
                escape(name),
            );
            x += width;
        }
        (svg, row as usize + 1)
    }

    fn draw_bars(&self, svg: &mut String, scale: &Scale) {
        let group_width = (WIDTH - LEFT - RIGHT) / self.groups.len().max(1) as f64;
        let bar_width = (group_width * 0.84 / self.series.len().max(1) as f64).min(46.0);
        for (index, label) in self.groups.iter().enumerate() {
            let center = LEFT + (index as f64 + 0.5) * group_width;
            let left = center - bar_width * self.series.len() as f64 / 2.0;
            for (place, series) in self.series.iter().enumerate() {
                let Some(value) = series.values[index] else { continue };
                let (x, y) = (left + place as f64 * bar_width, scale.y(value));
                let _ = writeln!(
                    svg,
                    r##"<rect x="{x:.1}" y="{y:.1}" width="{:.1}" height="{:.1}" rx="1.5" fill="{}"><title>{}: {}, {}</title></rect>"##,
                    bar_width - 1.0,
                    scale.bottom() - y,
                    series.color,
                    escape(label),
                    escape(&series.name),
                    number(value),
                );
                if bar_width >= 13.0 {
                    value_label(svg, x + bar_width / 2.0, y - 4.0, value, bar_width);
                }
            }
            let _ = writeln!(
                svg,
                r##"<text x="{center:.1}" y="{:.1}" font-size="12.5" text-anchor="middle" fill="{TEXT}">{}</text>"##,
                scale.bottom() + 20.0,
                escape(label),
            );
        }
    }
}

/// The value above its bar, upright where the bar is too narrow for it.
fn value_label(svg: &mut String, x: f64, y: f64, value: f64, room: f64) {
    let text = number(value);
    let _ = if text.chars().count() as f64 * 6.0 <= room {
        writeln!(
            svg,
            r##"<text x="{x:.1}" y="{y:.1}" font-size="10" text-anchor="middle" fill="{FAINT}">{text}</text>"##
        )
    } else {
        let x = x + 3.5;
        writeln!(
            svg,
            r##"<text x="{x:.1}" y="{y:.1}" font-size="10" fill="{FAINT}" transform="rotate(-90 {x:.1} {y:.1})">{text}</text>"##
        )
    };
}

/// The vertical axis.
struct Scale {
    top: f64,
    largest: f64,
    step: f64,
}

impl Scale {
    fn new(largest: f64, top: f64) -> Self {
        // Room above the highest bar for its label.
        let largest = largest.max(1e-9) * 1.14;
        let rough = largest / 6.0;
        let magnitude = 10_f64.powf(rough.log10().floor());
        let steps = [1.0, 2.0, 2.5, 5.0, 10.0];
        let step = steps.into_iter().map(|step| step * magnitude).find(|&step| step >= rough);
        Self { top, largest, step: step.unwrap_or(rough) }
    }

    fn bottom(&self) -> f64 {
        HEIGHT - BOTTOM
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom() - value / self.largest * (self.bottom() - self.top)
    }

    fn draw(&self, svg: &mut String) {
        let mut tick = 0.0;
        while tick <= self.largest {
            let y = self.y(tick);
            let _ = write!(
                svg,
                r##"<line x1="{LEFT}" y1="{y:.1}" x2="{}" y2="{y:.1}" stroke="#e4e7ec"/>
<text x="{}" y="{:.1}" font-size="11" text-anchor="end" fill="{FAINT}">{}</text>
"##,
                WIDTH - RIGHT,
                LEFT - 8.0,
                y + 4.0,
                tick_label(tick),
            );
            tick += self.step;
        }
    }
}

/// A value with as many digits as are worth reading.
pub fn number(value: f64) -> String {
    match value {
        value if value >= 99.95 => format!("{value:.0}"),
        value if value >= 9.995 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

fn tick_label(tick: f64) -> String {
    let text = format!("{tick:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
