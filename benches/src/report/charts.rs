//! The pictures of a report.

use super::{
    Results,
    chart::{Bars, Series},
    deflate,
    shows::is_peer,
};
use crate::groups::{
    kernels::{
        ALIGNED_WORDS, AVX2, AVX512, MASK_THEN_SIMDUTF8, MEMCPY_THEN_MASK, PORTABLE, SIMDUTF8,
        tier_label, tier_name,
    },
    tokio_echo::{self, CLIENTS, WINDOWS},
};

/// Each with the name of its file; those for which nothing was measured are left
/// out.
pub fn draw(results: &Results) -> Vec<(&'static str, String)> {
    let charts = [
        ("ahead-of-peers.svg", receiving_ahead_of_peers(results)),
        ("ahead-of-peers-sending.svg", sending_ahead_of_peers(results)),
        ("receive-client.svg", receive(results, "client")),
        ("receive-server.svg", receive(results, "server")),
        ("send-client.svg", send(results, "client")),
        ("send-server.svg", send(results, "server")),
        ("masking.svg", masking(results)),
        ("validating.svg", validating(results)),
        ("tiers.svg", tiers(results)),
        ("copy-cliff.svg", cliff(results)),
        ("deflate.svg", deflate::chart(results)),
        ("echo.svg", echo(results)),
        ("echo-tokio.svg", tokio_echo(results)),
        ("echo-tokio-64.svg", tokio_echo_by_library(results)),
    ];
    charts.into_iter().filter_map(|(name, svg)| Some((name, svg?))).collect()
}

fn color(entry: &str) -> &'static str {
    match entry.split(',').next().unwrap_or(entry) {
        "wirespeed" if entry.ends_with("owned") => "#58a6e8",
        "wirespeed" if entry == tokio_echo::DEFAULT_POOL => "#58a6e8",
        "wirespeed" if entry == tokio_echo::SPINNING => "#0f766e",
        "wirespeed" => "#0b5cad",
        "nexus-web" if entry.ends_with("owned") => "#f2b880",
        "nexus-web" => "#e07b1a",
        "sockudo-ws" => "#3f9b57",
        "fastwebsockets" => "#8e63c7",
        "tokio-websockets" => "#c2567f",
        "tungstenite" | "tokio-tungstenite" => "#8b929e",
        _ => "#344054",
    }
}

fn receive(results: &Results, role: &str) -> Option<String> {
    let id = format!("receive/{role}/ascii");
    let from = if role == "client" { "unmasked" } else { "masked" };
    let title = format!("Receiving small text messages as a {role}: nanoseconds a message");
    let subtitle = format!(
        "{from} frames packed in 64 KiB, by payload size; the copy out of the transport \
         included; lower is better"
    );
    by_entry(results, &id, &["20 B", "64 B", "125 B", "200 B", "20-300 B"], &title, &subtitle)
}

fn send(results: &Results, role: &str) -> Option<String> {
    let id = format!("send/{role}");
    let title = format!("Sending small text messages as a {role}: nanoseconds a message");
    let work = if role == "client" { "header, key, copy and mask" } else { "header and copy" };
    let subtitle =
        format!("{work}, and the copy into the transport, by payload size; lower is better");
    by_entry(results, &id, &["20 B", "64 B", "125 B", "200 B", "1 KiB"], &title, &subtitle)
}

/// One series for each entry, in nanoseconds.
fn by_entry(
    results: &Results,
    id: &str,
    cases: &[&str],
    title: &str,
    subtitle: &str,
) -> Option<String> {
    results.cases(id).next()?;
    let series = results.names(id).into_iter().map(|name| Series {
        values: cases.iter().map(|case| results.median(id, case, name)).collect(),
        color: color(name),
        name: name.to_owned(),
    });
    let groups = cases.iter().map(|&case| case.to_owned()).collect();
    Some(Bars { title, subtitle, groups, series: series.collect(), line: None }.svg())
}

/// Each id's kind, its case, and how the chart calls them.
const RECEIVED: [(&str, &str, &str); 9] = [
    ("ascii", "20 B", "20 B"),
    ("ascii", "64 B", "64 B"),
    ("ascii", "125 B", "125 B"),
    ("ascii", "200 B", "200 B"),
    ("ascii", "20-300 B", "20-300 B"),
    ("ascii", "1 KiB", "1 KiB"),
    ("fragmented", "1 KiB", "1 KiB, 4 frames"),
    ("ascii", "4 KiB", "4 KiB"),
    ("ascii", "16 KiB", "16 KiB"),
];

fn receiving_ahead_of_peers(results: &Results) -> Option<String> {
    results.cases("receive/client/ascii").next()?;
    let owns = |name: &str| !name.ends_with("borrowed");
    let series = |role: &str, ours: &str, name: &str, color| {
        let owned = owns(ours);
        let values = RECEIVED.iter().map(|(kind, case, _)| {
            let id = format!("receive/{role}/{kind}");
            ahead_of_peers(results, &id, case, ours, |name| !owned || owns(name))
        });
        Series { name: name.to_owned(), color, values: values.collect() }
    };
    let series = vec![
        series("client", "wirespeed, borrowed", "client, borrowed", "#0b5cad"),
        series("server", "wirespeed, borrowed", "server, borrowed", "#0f766e"),
        series("client", "wirespeed, owned", "client, owned, beside peers that own", "#58a6e8"),
        series("server", "wirespeed, owned", "server, owned, beside peers that own", "#5cc0b3"),
    ];
    let bars = Bars {
        title: "How many times as fast as the fastest peer: receiving ASCII text messages",
        subtitle: "by size, packed in 64 KiB, unfragmented or in 4 frames; nexus-web, sockudo-ws, \
                   fastwebsockets, tokio-websockets, tungstenite; higher is better",
        groups: RECEIVED.map(|(_, _, label)| label.to_owned()).to_vec(),
        series,
        line: Some((1.0, "the fastest peer")),
    };
    Some(bars.svg())
}

fn sending_ahead_of_peers(results: &Results) -> Option<String> {
    let cases: Vec<&str> = results.cases("send/client").map(|group| &*group.case).collect();
    if cases.is_empty() {
        return None;
    }
    let series = |role: &str, color| {
        let id = format!("send/{role}");
        let values =
            cases.iter().map(|case| ahead_of_peers(results, &id, case, "wirespeed", |_| true));
        Series { name: format!("as a {role}"), color, values: values.collect() }
    };
    let bars = Bars {
        title: "How many times as fast as the fastest peer: sending ASCII text messages",
        subtitle: "by payload size, unfragmented, as many as 64 KiB take; nexus-web, sockudo-ws, \
                   fastwebsockets, tokio-websockets, tungstenite; higher is better",
        series: vec![series("client", "#0b5cad"), series("server", "#0f766e")],
        groups: cases.iter().map(|&case| case.to_owned()).collect(),
        line: Some((1.0, "the fastest peer")),
    };
    Some(bars.svg())
}

/// The time of the fastest peer that `is_one` picks over ours.
fn ahead_of_peers(
    results: &Results,
    id: &str,
    case: &str,
    ours: &str,
    is_one: impl Fn(&str) -> bool,
) -> Option<f64> {
    let peer = results.fastest(id, case, |name| is_peer(name) && is_one(name))?;
    Some(peer.median_ns / results.median(id, case, ours)?)
}

/// All that the kernels are measured at.
const KERNEL_CASES: [&str; 12] = [
    "8 B", "20 B", "64 B", "125 B", "200 B", "8-200 B", "512 B", "1 KiB", "4 KiB", "16 KiB",
    "64 KiB", "1 MiB",
];

/// The kernels in use that mask, each beside its baseline.
fn masking(results: &Results) -> Option<String> {
    let kernels = [
        ("mask / tungstenite's loop", "mask", ALIGNED_WORDS, "#8b929e"),
        (
            "copy and mask / memcpy, then wirespeed's AVX2 mask",
            "copy+mask",
            MEMCPY_THEN_MASK,
            "#e07b1a",
        ),
        (
            "unmask and validate ASCII / wirespeed's AVX2 mask, then simdutf8",
            "unmask+validate/ascii",
            MASK_THEN_SIMDUTF8,
            "#58a6e8",
        ),
        (
            "unmask and validate Cyrillic / the same",
            "unmask+validate/cyrillic",
            MASK_THEN_SIMDUTF8,
            "#0b5cad",
        ),
    ];
    kernels_beside(results, "masking", &kernels)
}

/// The same for those that only validate.
fn validating(results: &Results) -> Option<String> {
    let kernels = [
        ("ASCII / simdutf8", "validate/ascii", SIMDUTF8, "#58a6e8"),
        ("mostly ASCII, with accents / simdutf8", "validate/accents", SIMDUTF8, "#d29922"),
        ("Cyrillic / simdutf8", "validate/cyrillic", SIMDUTF8, "#0b5cad"),
    ];
    kernels_beside(results, "validating UTF-8", &kernels)
}

/// Kernels by name, id, baseline and color.
fn kernels_beside(
    results: &Results,
    what: &str,
    kernels: &[(&str, &str, &str, &'static str)],
) -> Option<String> {
    let ours = tier_name(results.tier());
    let id = |kernel: &str| format!("kernels/{kernel}");
    results.cases(&id(kernels[0].1)).next()?;
    let series = kernels.iter().map(|&(name, kernel, baseline, color)| {
        let ratio = |case| ratio(results, &id(kernel), case, baseline, ours);
        Series { name: name.to_owned(), color, values: KERNEL_CASES.map(ratio).to_vec() }
    });
    let title =
        format!("How many times as fast as its baseline: {what}, {}", tier_label(results.tier()));
    let bars = Bars {
        title: &title,
        subtitle: "by payload size; 8-200 B: of unpredictable length; higher is better",
        groups: KERNEL_CASES.map(str::to_owned).to_vec(),
        series: series.collect(),
        line: Some((1.0, "the baseline")),
    };
    Some(bars.svg())
}

/// Every tier at unmasking and validating, the work of a server.
fn tiers(results: &Results) -> Option<String> {
    let id = "kernels/unmask+validate/ascii";
    results.cases(id).next()?;
    let tiers = [(PORTABLE, "#b9c0cc"), (AVX2, "#58a6e8"), (AVX512, "#0b5cad")];
    let names = results.names(id);
    let tiers = tiers.into_iter().filter(|(tier, _)| names.contains(tier));
    let series = tiers.map(|(tier, color)| Series {
        name: tier.to_owned(),
        color,
        values: KERNEL_CASES
            .map(|case| ratio(results, id, case, MASK_THEN_SIMDUTF8, tier))
            .to_vec(),
    });
    let bars = Bars {
        title: "Unmasking and validating ASCII: every tier beside two passes",
        subtitle: "times as fast as wirespeed's AVX2 mask and then simdutf8, by payload size; higher \
                   is better",
        groups: KERNEL_CASES.map(str::to_owned).to_vec(),
        series: series.collect(),
        line: Some((1.0, MASK_THEN_SIMDUTF8)),
    };
    Some(bars.svg())
}

fn cliff(results: &Results) -> Option<String> {
    let id = "cliff/memory/64 KiB";
    let groups: Vec<String> = results.cases(id).map(|group| group.case.clone()).collect();
    let first = results.cases(id).next()?;
    let series = first.entries.iter().map(|row| Series {
        name: row.name.clone(),
        color: if row.name.starts_with("wirespeed") { "#0b5cad" } else { "#8b929e" },
        values: groups
            .iter()
            .map(|case| Some(results.median(id, case, &row.name)? / 1000.0))
            .collect(),
    });
    let bars = Bars {
        title: "The copy cliff: microseconds for 64 KiB, by the target's offset in its page",
        subtitle: "the source starts at a page; lower is better",
        series: series.collect(),
        groups,
        line: None,
    };
    Some(bars.svg())
}

fn echo(results: &Results) -> Option<String> {
    let ids = ["echo/blocking/window 1", "echo/blocking/window 16"];
    let cases: Vec<(&str, &str)> = ids
        .iter()
        .flat_map(|&id| results.cases(id).map(move |group| (id, group.case.as_str())))
        .collect();
    let first = results.cases(ids[0]).next()?;
    let series = first.entries.iter().map(|row| Series {
        name: row.name.clone(),
        color: color(&row.name),
        values: cases
            .iter()
            .map(|(id, case)| Some(results.median(id, case, &row.name)? / 1000.0))
            .collect(),
    });
    let label = |(id, case): &(&str, &str)| {
        format!("{case} × {}", id.rsplit(' ').next().unwrap_or_default())
    };
    let bars = Bars {
        title: "Loopback echo, blocking: microseconds a message",
        subtitle: "payload size × messages under way at once, which tungstenite cannot answer with \
                   one write; a core each; lower is better",
        groups: cases.iter().map(label).collect(),
        series: series.collect(),
        line: None,
    };
    Some(bars.svg())
}

/// Each cell beside its fastest peer.
fn tokio_echo(results: &Results) -> Option<String> {
    let colors = ["#b9d4ee", "#58a6e8", "#0b5cad", "#a5ddd4", "#3fae9f", "#0f766e"];
    let cells = WINDOWS.iter().flat_map(|&window| CLIENTS.map(|clients| (clients, window)));
    results.cases(&tokio_echo::id(CLIENTS[0], WINDOWS[0])).next()?;
    let series = cells.zip(colors).map(|((clients, window), color)| Series {
        name: format!("{clients} × {window}"),
        color,
        values: ECHO_CASES
            .iter()
            .map(|case| {
                let id = tokio_echo::id(clients, window);
                Some(results.group(&id, case)?.closest_peer()?.1.median)
            })
            .collect(),
    });
    let bars = Bars {
        title: "Loopback echo over tokio: times as fast as the fastest peer",
        subtitle: "by payload size; connections × messages of each under way at once; server and \
                   load on a core each; higher is better",
        groups: ECHO_CASES.map(str::to_owned).to_vec(),
        series: series.collect(),
        line: Some((1.0, "the fastest peer")),
    };
    Some(bars.svg())
}

fn tokio_echo_by_library(results: &Results) -> Option<String> {
    let title = "Loopback echo over tokio, 64 connections, 16 messages of each under way";
    let subtitle = "nanoseconds a message, by payload size; server and load on a core each; lower \
                    is better";
    by_entry(results, &tokio_echo::id(64, 16), &ECHO_CASES, title, subtitle)
}

const ECHO_CASES: [&str; 4] = ["20 B", "200 B", "1 KiB", "16 KiB"];

fn ratio(results: &Results, id: &str, case: &str, slow: &str, fast: &str) -> Option<f64> {
    Some(results.median(id, case, slow)? / results.median(id, case, fast)?)
}
