//! The rules of the tree: which crate may know which, where heavy dependencies live, what every file begins with.
//!
//! Each test names the rule it holds; ARCHITECTURE.md refers to them.

#![expect(
    clippy::unwrap_used,
    reason = "test code: a tree that can't be read fails the test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Files under a folder, build output and dot folders aside.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let skipped = ["target", "node_modules", "__pycache__"].contains(&name.as_str());
        if path.is_dir() && !skipped && (!name.starts_with('.') || name == ".ci") {
            files(&path, found);
        } else if path.is_file() {
            found.push(path);
        }
    }
}

fn all_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    files(&root(), &mut found);
    found
}

fn rust_files() -> Vec<PathBuf> {
    all_files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .collect()
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}

/// Every package with its manifest. Starters for plugin authors are no part of the workspace: they stand alone.
fn packages() -> BTreeMap<String, toml::Table> {
    let starters = root().join("templates");
    all_files()
        .into_iter()
        .filter(|path| path.file_name().is_some_and(|name| name == "Cargo.toml"))
        .filter(|path| !path.starts_with(&starters))
        .filter_map(|path| {
            let manifest: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
            let name = manifest.get("package")?.get("name")?.as_str()?.to_owned();
            Some((name, manifest))
        })
        .collect()
}

fn dependencies(manifest: &toml::Table, kind: &str) -> BTreeSet<String> {
    manifest
        .get(kind)
        .and_then(toml::Value::as_table)
        .map(|table| table.keys().cloned().collect())
        .unwrap_or_default()
}

#[test]
fn edges_point_one_way() {
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("footbridge-model", [].as_slice()),
        ("footbridge-plan", ["footbridge-model"].as_slice()),
        ("footbridge-store", [].as_slice()),
        (
            "footbridge-engine",
            ["footbridge-model", "footbridge-plan", "footbridge-store"].as_slice(),
        ),
        (
            "footbridge-sandbox",
            ["footbridge-model", "footbridge-engine"].as_slice(),
        ),
        (
            "footbridge",
            [
                "footbridge-model",
                "footbridge-plan",
                "footbridge-store",
                "footbridge-engine",
                "footbridge-sandbox",
                "footbridge-bundle",
                "footbridge-simulators",
            ]
            .as_slice(),
        ),
        ("footbridge-sdk", [].as_slice()),
        ("footbridge-xero", ["footbridge-sdk"].as_slice()),
        ("footbridge-salesforce", ["footbridge-sdk"].as_slice()),
        ("footbridge-mapping", ["footbridge-sdk"].as_slice()),
        ("footbridge-guest-build", [].as_slice()),
        ("footbridge-bundle", [].as_slice()),
        ("footbridge-simulators", [].as_slice()),
    ]);
    for (name, manifest) in packages() {
        let Some(allowed) = allowed.get(name.as_str()) else {
            assert!(
                manifest.get("lib").is_some()
                    || !name.starts_with("footbridge")
                    || name.contains("tidy")
                    || name.contains("hostile")
                    || name.contains("crash")
                    || name.contains("scenarios")
                    || name == "footbridge-simulation"
                    || name.contains("faults")
                    || name.contains("bench"),
                "{name} is new: give it its edges here"
            );
            continue;
        };
        for dependency in dependencies(&manifest, "dependencies") {
            assert!(
                !dependency.starts_with("footbridge") || allowed.contains(&dependency.as_str()),
                "{name} must not depend on {dependency}"
            );
        }
    }
}

#[test]
fn simulators_share_no_code_with_host_or_plugins() {
    let packages = packages();
    for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
        let found = dependencies(&packages["footbridge-simulators"], kind);
        assert!(
            !found.iter().any(|d| d.starts_with("footbridge")),
            "{found:?}"
        );
    }
    for (name, manifest) in &packages {
        if name.starts_with("footbridge-")
            && dependencies(manifest, "dependencies").contains("footbridge-simulators")
        {
            assert!(
                name.contains("crash")
                    || name.contains("scenarios")
                    || name.contains("bench")
                    || name == "footbridge-faults"
                    || name == "footbridge-simulation",
                "{name} depends on the simulators"
            );
        }
    }
}

#[test]
fn heavy_dependencies_have_one_home() {
    let homes: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("wasmtime", ["footbridge-sandbox"].as_slice()),
        ("wasmtime-wasi", ["footbridge-sandbox"].as_slice()),
        // The benchmarks measure the broker against the bare client.
        (
            "reqwest",
            ["footbridge-sandbox", "footbridge-bench"].as_slice(),
        ),
        ("sled", ["footbridge-store"].as_slice()),
        ("redb", ["footbridge-store"].as_slice()),
        ("clap", ["footbridge"].as_slice()),
        ("axum", ["footbridge-simulators"].as_slice()),
        ("cel", ["footbridge-mapping"].as_slice()),
        ("wit-bindgen", ["footbridge-sdk"].as_slice()),
    ]);
    for (name, manifest) in packages() {
        for dependency in dependencies(&manifest, "dependencies") {
            if let Some(homes) = homes.get(dependency.as_str()) {
                assert!(
                    homes.contains(&name.as_str()),
                    "{dependency} lives in {homes:?}, not in {name}"
                );
            }
        }
    }
}

#[test]
fn wasmtime_is_built_with_its_gc_feature() {
    // RUSTSEC-2026-0570 concerns builds without it.
    let manifest: toml::Table = std::fs::read_to_string(root().join("Cargo.toml"))
        .unwrap()
        .parse()
        .unwrap();
    let features = manifest["workspace"]["dependencies"]["wasmtime"]["features"]
        .as_array()
        .unwrap();
    assert!(
        features
            .iter()
            .any(|feature| feature.as_str() == Some("gc"))
    );
}

#[test]
fn every_package_takes_the_workspace_lints() {
    for (name, manifest) in packages() {
        let inherits = manifest
            .get("lints")
            .and_then(|lints| lints.get("workspace"));
        assert_eq!(
            inherits.and_then(toml::Value::as_bool),
            Some(true),
            "{name}"
        );
    }
}

#[test]
fn every_rust_file_says_what_it_is_for_and_stays_short() {
    for path in rust_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("//!"),
            "{} has no //! at its head",
            shown(&path)
        );
        let lines = text.lines().count();
        assert!(
            lines <= 800,
            "{} has {lines} lines; 800 is the most",
            shown(&path)
        );
    }
}

#[test]
fn no_test_is_switched_off_and_nothing_is_left_to_do() {
    for path in rust_files() {
        if path.ends_with("tests/tidy/tests/tidy.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for mark in [
            "#[ignore",
            "todo!(",
            "unimplemented!(",
            "FIXME",
            "XXX:",
            "#[allow(",
        ] {
            assert!(!text.contains(mark), "{} contains {mark}", shown(&path));
        }
    }
}

#[test]
fn no_page_has_a_mark_that_was_not_filled_in() {
    for path in all_files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
    {
        let text = std::fs::read_to_string(&path).unwrap();
        for mark in ["INVARIANT_ROWS", "COLD_BUILD", "TODO", "TBD"] {
            assert!(!text.contains(mark), "{} contains {mark}", shown(&path));
        }
    }
}

#[test]
fn every_wit_item_is_documented() {
    for path in all_files()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "wit"))
    {
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (number, line) in lines.iter().enumerate() {
            let declares = ["interface ", "world ", "record ", "variant ", "enum "]
                .iter()
                .any(|word| line.starts_with(word));
            let above = number.checked_sub(1).map_or("", |above| lines[above]);
            let inner = line.starts_with("record ")
                || line.starts_with("enum ")
                || line.starts_with("variant ");
            if declares && !inner {
                assert!(
                    above.starts_with("///"),
                    "{}:{} is not documented: {line}",
                    shown(&path),
                    number + 1
                );
            }
        }
    }
}

#[test]
fn complaints_name_only_cases_and_tests_that_exist() {
    let text = std::fs::read_to_string(root().join("docs/complaints.md")).unwrap();
    let all: String = rust_files()
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    let named = |kind: &str| -> Vec<String> {
        text.split(kind)
            .skip(1)
            .filter_map(|rest| rest.split('`').next())
            .map(str::to_owned)
            .collect()
    };
    let (cases, tests) = (named("case `"), named("test `"));
    assert!(
        cases.len() > 5 && tests.len() > 5,
        "the page names too little"
    );
    for case in cases {
        let file = format!("tests/scenarios/cases/{case}/scenario.toml");
        assert!(root().join(&file).is_file(), "docs/complaints.md: {file}");
    }
    for test in tests {
        assert!(
            all.contains(&format!("fn {test}(")),
            "docs/complaints.md names a test that isn't there: {test}"
        );
    }
}

#[test]
fn architecture_names_only_tests_and_files_that_exist() {
    let Ok(text) = std::fs::read_to_string(root().join("ARCHITECTURE.md")) else {
        panic!("ARCHITECTURE.md is missing");
    };
    let all: String = rust_files()
        .iter()
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    for test in text
        .split("test `")
        .skip(1)
        .filter_map(|rest| rest.split('`').next())
    {
        let name = test.rsplit("::").next().unwrap();
        assert!(
            all.contains(&format!("fn {name}(")),
            "ARCHITECTURE.md names a test that isn't there: {test}"
        );
    }
    for path in text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
    {
        if !path.contains("://") && !path.starts_with('#') {
            assert!(
                root().join(path).exists(),
                "ARCHITECTURE.md links to {path}, which isn't there"
            );
        }
    }
}
