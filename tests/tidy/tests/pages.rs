//! Each reason, kind of failure and kind of error has its page under `docs/errors`, and each page one of them.
//!
//! The codes are read from the text that defines them, so that a new one without a page is found.

#![expect(
    clippy::unwrap_used,
    reason = "test code: a tree that can't be read fails the test"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What stands in a file between two marks.
fn between(file: &str, from: &str, to: &str) -> String {
    let text = std::fs::read_to_string(root().join(file)).unwrap();
    let (_, rest) = text.split_once(from).unwrap();
    rest.split_once(to).unwrap().0.to_owned()
}

fn quoted(line: &str) -> Option<String> {
    line.split('"').nth(1).map(str::to_owned)
}

fn kebab(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out
}

fn codes() -> BTreeSet<String> {
    let reasons = between("host/model/src/plan.rs", "pub mod reason {", "\n}");
    let reasons = reasons.lines().filter(|line| line.contains("pub const"));
    let kinds = between("host/model/src/failure.rs", "pub enum FailureKind {", "\n}");
    let kinds = kinds
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("///"))
        .filter_map(|line| line.strip_suffix(','));
    let ends = between("host/cli/src/exit.rs", "fn kind(self)", "\n    }");
    let ends = ends.lines().filter(|line| line.contains("=> \""));
    let mut codes: BTreeSet<String> = reasons.filter_map(quoted).collect();
    assert!(codes.len() > 30, "reasons were not found");
    codes.extend(kinds.map(kebab));
    let ends: BTreeSet<String> = ends.filter_map(quoted).collect();
    assert!(ends.len() > 4, "kinds of errors were not found");
    codes.extend(ends);
    codes.remove("done");
    codes
}

#[test]
fn every_reason_and_kind_has_its_page_and_every_page_one_of_them() {
    let mut pages = BTreeSet::new();
    for entry in std::fs::read_dir(root().join("docs/errors")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        pages.extend(name.strip_suffix(".md").map(str::to_owned));
    }
    assert!(pages.remove("README"), "docs/errors/README.md is missing");
    let codes = codes();
    let missing: Vec<&String> = codes.difference(&pages).collect();
    let spare: Vec<&String> = pages.difference(&codes).collect();
    assert!(
        missing.is_empty(),
        "without a page in docs/errors, whose README.md has a template: {missing:?}"
    );
    assert!(spare.is_empty(), "pages about nothing: {spare:?}");
}

#[test]
fn every_page_answers_the_four_questions_and_is_listed() {
    let index = std::fs::read_to_string(root().join("docs/errors/README.md")).unwrap();
    for code in codes() {
        let file = root().join(format!("docs/errors/{code}.md"));
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let heads: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
        let title = format!("# {code}");
        let want = [
            title.as_str(),
            "## What it means",
            "## Why",
            "## What to do",
            "## If nothing is done",
        ];
        assert_eq!(heads, want, "docs/errors/{code}.md");
        let line = format!("- [{code}]({code}.md)");
        assert!(
            index.contains(&line),
            "docs/errors/README.md doesn't list {code}"
        );
    }
}
