//! permessage-deflate: its targets and its picture.

use super::{
    Measured, Results, Row,
    chart::{Bars, Series},
    shows::{Bound, Show, is_peer},
};
use crate::groups::deflate::{LEVELS, MIX, SHORT, receiving_id, sending_id};

/// Peers whose messages are longer by more do less work, not the same work faster.
const SAME_RATIO: f64 = 1.1;

/// The targets of which there are figures.
pub fn shows(results: &Results) -> Vec<Show> {
    let mut shows = Vec::new();
    for (id, limit) in [(sending_id(1), 500.0), (receiving_id(1), 300.0)] {
        if let Some(ours) = case(results, &id, SHORT).and_then(Measured::ours) {
            let what = format!("{id}, {SHORT}");
            shows.push(show(what, ours.median_ns, Bound::AtMost(limit), "ns"));
        }
    }
    for id in LEVELS.into_iter().flat_map(|level| [sending_id(level), receiving_id(level)]) {
        for (name, least) in [(SHORT, 1.0), (MIX, 1.3)] {
            let Some(case) = case(results, &id, name) else { continue };
            let (Some(ours), Some(peer)) = (case.ours(), fastest_peer(case)) else { continue };
            let what = format!("{id}, {name}, fastest peer: {}", peer.name);
            let times = peer.median_ns / ours.median_ns;
            shows.push(show(what, times, Bound::AtLeast(least), "times"));
        }
    }
    shows
}

fn show(what: String, figure: f64, bound: Bound, unit: &'static str) -> Show {
    Show { topic: "deflate", what, figure, spread: None, target: bound.into(), unit }
}

fn case<'a>(results: &'a Results, id: &'a str, case: &str) -> Option<&'a Measured> {
    results.cases(id).find(|group| group.case == case)
}

/// Among those that compress as well.
fn fastest_peer(case: &Measured) -> Option<&Row> {
    let longest = case.ours()?.compressed_to? * SAME_RATIO;
    case.entries
        .iter()
        .filter(|row| is_peer(&row.name) && row.compressed_to.is_some_and(|to| to <= longest))
        .min_by(|a, b| a.median_ns.total_cmp(&b.median_ns))
}

/// The times at the lowest level.
pub fn chart(results: &Results) -> Option<String> {
    let ids = [("send", sending_id(LEVELS[0])), ("receive", receiving_id(LEVELS[0]))];
    let cases: Vec<(&str, &Measured)> = ids
        .iter()
        .flat_map(|(verb, id)| [SHORT, MIX].map(|name| (*verb, case(results, id, name))))
        .filter_map(|(verb, case)| Some((verb, case?)))
        .collect();
    let series = [
        ("wirespeed", "#0b5cad"),
        ("sockudo-ws", "#3f9b57"),
        ("yawc", "#d29922"),
        ("wtx, no takeover", "#b0a8b9"),
    ]
    .map(|(name, color)| Series {
        name: name.to_owned(),
        color,
        values: cases
            .iter()
            .map(|(_, case)| {
                Some(case.entries.iter().find(|row| row.name.starts_with(name))?.median_ns)
            })
            .collect(),
    });
    let bars = Bars {
        title: "permessage-deflate, level 1, with context takeover: nanoseconds a message",
        subtitle: "messages of 200 bytes, and those of seven recorded feeds taken in turn; text \
                   validated; lower is better",
        groups: cases.iter().map(|(verb, case)| format!("{verb} {}", case.case)).collect(),
        series: series.into(),
        line: None,
    };
    (!cases.is_empty()).then(|| bars.svg())
}
