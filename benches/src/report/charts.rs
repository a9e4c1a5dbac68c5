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
        tier_name,
    },
    tokio_echo::{self, CLIENTS, WINDOWS},
};

/// Each with the name of its file; those for which nothing was measured are left
/// out.
pub fn draw(results: &Results) -> Vec<(&'static str, String)> {
    let charts = [
        ("ahead-of-peers.svg", ahead_of_peers(results)),
        ("receive-client.svg", receive(results, "client")),
        ("receive-server.svg", receive(results, "server")),
        ("send-client.svg", send(results)),
        ("kernels.svg", kernels(results)),
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

fn send(results: &Results) -> Option<String> {
    let title = "Sending small text messages as a client: nanoseconds a message";
    let subtitle = "header, key, copy and mask, and the copy into the transport, by payload size; lower is better";
    by_entry(results, "send/client", &["20 B", "64 B", "125 B", "200 B", "1 KiB"], title, subtitle)
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

fn ahead_of_peers(results: &Results) -> Option<String> {
    let cases = ["20 B", "64 B", "125 B", "200 B", "20-300 B", "1 KiB", "4 KiB", "16 KiB"];
    results.cases("receive/client/ascii").next()?;
    let owns = |name: &str| !name.ends_with("borrowed");
    let series = |role: &str, ours: &str, name: &str, color| {
        let id = format!("receive/{role}/ascii");
        let owned = ours.ends_with("owned");
        let values = cases.iter().map(|case| {
            let peer =
                results.fastest(&id, case, |name| is_peer(name) && (!owned || owns(name)))?;
            Some(peer.median_ns / results.median(&id, case, ours)?)
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
        title: "How many times as fast as the fastest peer: receiving text messages",
        subtitle: "by payload size, frames packed in 64 KiB; peers: nexus-web, sockudo-ws, \
                   fastwebsockets, tokio-websockets, tungstenite; higher is better",
        groups: cases.map(str::to_owned).to_vec(),
        series,
        line: Some((1.0, "the fastest peer")),
    };
    Some(bars.svg())
}

/// The kernels in use, each beside its baseline.
fn kernels(results: &Results) -> Option<String> {
    let ours = tier_name(results.tier());
    let cases = ["20 B", "64 B", "125 B", "200 B", "8-200 B", "1 KiB", "4 KiB", "16 KiB", "64 KiB"];
    results.cases("kernels/mask").next()?;
    let series = |name: &str, id: &str, baseline: &str, color| Series {
        name: name.to_owned(),
        color,
        values: cases.iter().map(|case| ratio(results, id, case, baseline, ours)).collect(),
    };
    let series = vec![
        series("mask / tungstenite's loop", "kernels/mask", ALIGNED_WORDS, "#8b929e"),
        series("validate ASCII / simdutf8", "kernels/validate/ascii", SIMDUTF8, "#58a6e8"),
        series("validate Cyrillic / simdutf8", "kernels/validate/cyrillic", SIMDUTF8, "#0b5cad"),
        series(
            "unmask and validate ASCII / wirespeed's AVX2 mask, simdutf8",
            "kernels/unmask+validate/ascii",
            MASK_THEN_SIMDUTF8,
            "#5cc0b3",
        ),
        series(
            "unmask and validate Cyrillic / wirespeed's AVX2 mask, simdutf8",
            "kernels/unmask+validate/cyrillic",
            MASK_THEN_SIMDUTF8,
            "#0f766e",
        ),
        series(
            "copy and mask / memcpy, wirespeed's AVX2 mask",
            "kernels/copy+mask",
            MEMCPY_THEN_MASK,
            "#e07b1a",
        ),
    ];
    let bars = Bars {
        title: "How many times as fast as its baseline: each kernel",
        subtitle: "by payload size; 8-200 B: of unpredictable length; higher is better",
        groups: cases.map(str::to_owned).to_vec(),
        series,
        line: Some((1.0, "the baseline")),
    };
    Some(bars.svg())
}

/// Every tier at unmasking and validating, the work of a server.
fn tiers(results: &Results) -> Option<String> {
    let cases = ["20 B", "64 B", "125 B", "200 B", "8-200 B", "1 KiB", "4 KiB", "16 KiB"];
    let id = "kernels/unmask+validate/ascii";
    results.cases(id).next()?;
    let tiers = [(PORTABLE, "#b9c0cc"), (AVX2, "#58a6e8"), (AVX512, "#0b5cad")];
    let names = results.names(id);
    let tiers = tiers.into_iter().filter(|(tier, _)| names.contains(tier));
    let series = tiers.map(|(tier, color)| Series {
        name: tier.to_owned(),
        color,
        values: cases
            .iter()
            .map(|case| ratio(results, id, case, MASK_THEN_SIMDUTF8, tier))
            .collect(),
    });
    let bars = Bars {
        title: "Unmasking and validating ASCII: every tier beside two passes",
        subtitle: "times as fast as wirespeed's AVX2 mask and then simdutf8, by payload size; higher \
                   is better",
        groups: cases.map(str::to_owned).to_vec(),
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
