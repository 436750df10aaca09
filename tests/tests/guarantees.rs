//! `docs/guarantees.md` names tests; they are there, and each row has one or says why not.

use std::{collections::BTreeSet, fs, path::Path};

fn project() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn page() -> String {
    fs::read_to_string(project().join("docs/guarantees.md")).expect("the page is there")
}

/// The text of all Rust files below a directory.
fn sources(dir: &Path, into: &mut String) {
    for entry in fs::read_dir(dir).expect("a directory of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&fs::read_to_string(&path).expect("a source file"));
        }
    }
}

/// The last column of each row of a table.
fn last_columns(page: &str) -> impl Iterator<Item = (&str, &str)> {
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let rows = rows.filter(|line| !line.starts_with("| ---") && !line.starts_with("| item"));
    rows.filter_map(|line| {
        let (rest, last) = line.trim_end_matches(" |").rsplit_once(" | ")?;
        Some((rest, last))
    })
    .filter(|(rest, _)| *rest != "| | promise")
}

/// What stands between backticks and looks like `file::function`.
fn named(column: &str) -> impl Iterator<Item = &str> {
    let quoted = column.split('`').skip(1).step_by(2);
    quoted.filter_map(|word| Some(word.rsplit_once("::")?.1))
}

#[test]
fn every_test_that_is_named_exists() {
    let mut code = String::new();
    for dir in ["crates", "tests", "fuzz"] {
        sources(&project().join(dir), &mut code);
    }
    let tests: BTreeSet<&str> = code
        .split("#[test]")
        .skip(1)
        .filter_map(|test| test.split_once("fn ")?.1.split_once('('))
        .map(|(name, _)| name)
        .collect();
    let page = page();
    let mut count = 0;
    for (row, column) in last_columns(&page) {
        for function in named(column) {
            assert!(tests.contains(function), "{row}: {function}");
            count += 1;
        }
    }
    assert!(count > 100, "only {count} tests are named");
}

#[test]
fn each_row_has_a_test_or_says_what_is_missing() {
    let page = page();
    for (row, column) in last_columns(&page) {
        let excused = ["gap", "does not apply", "unit", "kernel"];
        let said = excused.iter().any(|word| column.contains(word));
        assert!(named(column).next().is_some() || said, "{row} | {column}");
    }
}
