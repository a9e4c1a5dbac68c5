//! `wirespeed bench`: what this machine does, against a copy of the same bytes.

mod frames;
mod trips;

use crate::{
    Outcome,
    args::BenchArgs,
    error::ToolError,
    interrupt::Interrupt,
    report::{histogram, output, progress, style::Style, table::Table, tally::Tally, units},
};
use frames::FrameCosts;

const SIZES: [usize; 4] = [20, 200, 2_000, 16_384];

/// Runs the command.
pub(crate) fn run(args: &BenchArgs, interrupt: &Interrupt) -> Result<Outcome, ToolError> {
    let style = Style::of_stdout();
    let mut table = Table::new(
        "text in memory",
        ["memcpy", "client sends", "server receives", "client receives"],
    );
    for size in SIZES {
        if interrupt.is_raised() {
            return Ok(Outcome::Interrupted);
        }
        progress::log(format_args!("measuring messages of {} ...", units::bytes(size as f64)));
        let costs = FrameCosts::measure(size, args.time, interrupt)?;
        table.row(&units::bytes(size as f64), cells(&costs, style.unicode));
    }
    progress::log(format_args!("measuring round trips ..."));
    let trips = trips::measure(args.time, interrupt)?;
    output::show(&report(&table, &trips, &style))?;
    Ok(if interrupt.is_raised() { Outcome::Interrupted } else { Outcome::Done })
}

/// Each cost, and the speed as a part of the copy's.
fn cells(costs: &FrameCosts, unicode: bool) -> [String; 4] {
    let cell = |nanos: f64| {
        let part = costs.copy / nanos;
        format!("{} ({part:.2}x)", units::fine_nanos(nanos, unicode))
    };
    [
        cell(costs.copy),
        cell(costs.client_sends),
        cell(costs.server_receives),
        cell(costs.client_receives),
    ]
}

fn report(table: &Table, trips: &Tally, style: &Style) -> String {
    let heading = format!("round trips of {} over loopback TCP", units::bytes(trips::BYTES as f64));
    let nanos = |value| units::nanos(value, style.unicode);
    format!(
        "{}\
         \x20 Time per message, best round; in brackets the speed against copying the payload.\n\
         \x20 Receiving starts with one copy into the read buffer, as from a kernel. All is\n\
         \x20 ASCII and of one size, which branch predictors like better than a real feed.\n\n\
         \x20 {}\n  {} trips, p50 {}, p99 {}, p99.9 {}, max {}\n{}",
        table.draw(style),
        style.bold(&heading),
        units::count(trips.messages),
        nanos(trips.latency.value_at_quantile(0.5)),
        nanos(trips.latency.value_at_quantile(0.99)),
        nanos(trips.latency.value_at_quantile(0.999)),
        nanos(trips.latency.max()),
        histogram::draw(&trips.latency, style),
    )
}
