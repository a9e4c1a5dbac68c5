//! REQUIREMENTS.md says of every requirement what is asked, and names tests that exist.

use std::{collections::BTreeSet, fs, path::Path};

/// Requirements of RFC 6455.
const NUMBERS: std::ops::RangeInclusive<u32> = 1..=40;

/// Those of RFC 7692, permessage-deflate.
const DEFLATE: std::ops::RangeInclusive<u32> = 1..=16;

/// Published vulnerabilities; those without a number by a commit or a release.
const ROWS: [&str; 37] = [
    "CVE-2018-1000518",
    "CVE-2019-16869",
    "CVE-2020-13935",
    "CVE-2020-27218",
    "CVE-2020-27813",
    "CVE-2020-36406",
    "CVE-2020-7662",
    "CVE-2021-32640",
    "CVE-2021-33880",
    "CVE-2022-21676",
    "CVE-2023-43669",
    "CVE-2024-22201",
    "CVE-2024-23672",
    "CVE-2024-37890",
    "CVE-2025-11677",
    "CVE-2025-11678",
    "CVE-2025-32049",
    "CVE-2025-58056",
    "CVE-2026-0716",
    "CVE-2026-1526",
    "CVE-2026-1528",
    "CVE-2026-2229",
    "CVE-2026-45541",
    "RUSTSEC-2020-0043",
    "RUSTSEC-2022-0035",
    "nats 211fcb3",
    "nats 409d394",
    "nats baec9e8",
    "nats d1b647e",
    "nats d450ad7",
    "nats f77fb7c",
    "nats fcc8260",
    "nats fcde14f",
    "ws 1.0.1",
    "ws 3.3.1",
    "ws 8.20.1",
    "ws 8.21.0",
];

/// Mistakes that libraries make.
const MISTAKES: std::ops::RangeInclusive<u32> = 1..=24;

/// Requirements that no test can show, because what they are about does not exist.
const WITHOUT_A_TEST: [&str; 5] =
    ["39", "deflate 12", "CVE-2020-36406", "CVE-2021-33880", "list 24"];

/// What is required, where its test is, and the test's name.
fn tests() -> Vec<[String; 3]> {
    rows("file")
}

/// The rows of all tables whose second column has this heading.
fn rows(heading: &str) -> Vec<[String; 3]> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/REQUIREMENTS.md");
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let tables = lines.split(|line| !line.starts_with('|')).filter(|table| !table.is_empty());
    tables
        .filter(|table| cells(table[0])[1] == heading)
        .flat_map(|table| table[2..].iter().map(|line| cells(line)))
        .collect()
}

fn cells(line: &str) -> [String; 3] {
    let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
    <[&str; 3]>::try_from(cells).unwrap_or_else(|_| panic!("{line}")).map(str::to_owned)
}

#[test]
fn every_requirement_has_tests() {
    let tests = tests();
    let found: BTreeSet<&str> = tests.iter().map(|[required, ..]| required.as_str()).collect();
    let required: BTreeSet<String> = NUMBERS
        .map(|number| number.to_string())
        .chain(DEFLATE.map(|number| format!("deflate {number}")))
        .chain(ROWS.map(str::to_owned))
        .chain(MISTAKES.map(|item| format!("list {item}")))
        .collect();
    assert_eq!(found, required.iter().map(String::as_str).collect());
}

#[test]
fn what_has_tests_is_asked_and_what_is_asked_has_tests() {
    let mut asked = BTreeSet::new();
    for [required, what, place] in rows("what is asked") {
        assert!(!what.is_empty() && !place.is_empty(), "{required} does not say what, or where");
        assert!(asked.insert(required.clone()), "{required} is asked twice");
    }
    let tested: BTreeSet<String> = tests().into_iter().map(|[required, ..]| required).collect();
    let differ: Vec<_> = asked.symmetric_difference(&tested).collect();
    assert!(differ.is_empty(), "asked without a test, or tested without being asked: {differ:?}");
}

#[test]
fn every_test_of_the_table_exists() {
    for [required, file, test] in tests() {
        if file == "none" {
            assert!(WITHOUT_A_TEST.contains(&required.as_str()), "{required} has no test");
            continue;
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
        let source = fs::read_to_string(path).unwrap_or_else(|error| panic!("{file}: {error}"));
        let found = source.match_indices(&format!("fn {test}(")).count();
        assert_eq!(found, 1, "{required}: {test} in {file}");
        let before = source.split(&format!("fn {test}(")).next().unwrap();
        let before = before.trim_end();
        let before = before.strip_suffix("async").unwrap_or(before);
        assert!(before.trim_end().ends_with(']'), "{required}: {test} is not a test");
    }
}
