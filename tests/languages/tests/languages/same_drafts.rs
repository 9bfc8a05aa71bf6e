//! The mapping in Rust, JavaScript and Python gives, through the sandbox, the same canonical bytes as the declarative one.

use crate::compare::{Problems, differences};
use crate::support::{self, Made, Record, TEMPLATE, applied};
use crate::{company, hostile};
use footbridge_engine::ports::Transform;
use footbridge_languages::{Built, built_guest};
use footbridge_sandbox::{Compiler, Fuel, Limits, Sandbox};
use std::fs::File;
use std::sync::Arc;

/// All mappings in use, the declarative one first.
struct Mappings {
    sandbox: Sandbox,
    all: Vec<(String, Arc<dyn Transform>)>,
    /// Held while native code may be written.
    _lock: File,
}

async fn mappings(components: &[Built], limits: Limits) -> Mappings {
    let (lock, data) = support::kept_data("languages");
    let sandbox = support::sandbox(&data, limits, Compiler::Here);
    let installed = support::install(&sandbox, components).await;
    let all = installed.into_iter().map(|installed| {
        let transform = sandbox.transform(&installed).unwrap();
        (installed.name, transform)
    });
    Mappings {
        all: all.collect(),
        sandbox,
        _lock: lock,
    }
}

/// What all of them make of the records; every difference is told.
async fn made_alike(mappings: &Mappings, records: &[Record]) -> Vec<Made> {
    let mut made = Vec::new();
    for (name, transform) in &mappings.all {
        made.push((name.as_str(), applied(transform, records).await));
    }
    let (declarative, others) = made.split_first().unwrap();
    let mut found = Vec::new();
    for other in others {
        let pair = ((declarative.0, &*declarative.1), (other.0, &*other.1));
        found.extend(differences(records, pair.0, pair.1, Problems::CodeAndField));
        let first = &others[0];
        let pair = ((first.0, &*first.1), (other.0, &*other.1));
        found.extend(differences(records, pair.0, pair.1, Problems::Whole));
    }
    assert!(
        found.is_empty(),
        "{} differences in {} records:\n{}",
        found.len(),
        records.len(),
        found[..found.len().min(20)].join("\n")
    );
    println!(
        "{} records drafted alike by {}",
        records.len(),
        made.iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(", ")
    );
    made.swap_remove(0).1
}

#[tokio::test(flavor = "multi_thread")]
async fn every_record_of_the_company_is_drafted_alike() {
    let components = support::components();
    let mappings = mappings(&components, Limits::default()).await;
    let declarative = &mappings.all[0].1;
    let wanted = declarative.describe(TEMPLATE).await.unwrap();
    for (name, transform) in &mappings.all[1..] {
        assert_eq!(transform.describe("").await.as_ref(), Ok(&wanted), "{name}");
    }
    let records = company::records(&mappings.sandbox, &wanted).await;
    let made = made_alike(&mappings, &records).await;
    let count = |object: &str| records.iter().filter(|(o, ..)| o == object).count();
    assert!(count("Account") > 100 && count("Opportunity") > 420);
    let drafts: String = made
        .iter()
        .flatten()
        .flatten()
        .map(|draft| draft.doc.as_str())
        .collect();
    for hostile in [
        "🚀",
        "מאפיית",
        "\u{202e}",
        r#"O'Neil \"Q\" \\ Daughters"#,
        "<script>",
    ] {
        assert!(drafts.contains(hostile), "no draft has {hostile}");
    }
    assert!(made.iter().filter(|made| made.is_ok()).count() > 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_nobody_hopes_for_are_drafted_alike() {
    let components = support::components();
    let mappings = mappings(&components, Limits::default()).await;
    let records = hostile::records();
    let made = made_alike(&mappings, &records).await;
    let good = made.iter().filter(|made| made.is_ok()).count();
    assert!(
        good > 700 && made.len() - good > 200,
        "{good} of {}",
        made.len()
    );
    for (name, transform) in &mappings.all {
        let again = applied(transform, &records).await;
        let first = applied(transform, &records).await;
        assert_eq!(again, first, "{name} is not the same twice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_leave_room() {
    let limits = Limits::default();
    let less = Limits {
        fuel: Fuel {
            batch: limits.fuel.batch / 2,
            input: limits.fuel.input / 2,
        },
        memory: limits.memory / 2,
        table_elements: limits.table_elements / 2,
        tables: limits.tables / 2,
        memories: limits.memories / 2,
        // Python's standard library comes in that many pieces.
        instances: limits.instances / 4 * 3,
        handles: limits.handles / 2,
        ..limits
    };
    let components = support::components();
    let mappings = mappings(&components, less).await;
    let records = hostile::records();
    for (_, transform) in &mappings.all {
        applied(transform, &records[..1]).await;
        applied(transform, &records[..500]).await;
    }
}

/// Its tools can leave the clock in: then it stands at the plan's instant.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_a_language_brings_stands_at_the_plans_instant() {
    let component = match built_guest("looking") {
        Ok(component) => component,
        Err(failure) if failure.is_excused() => return println!("SKIPPED: {failure}"),
        Err(failure) => panic!("{failure}"),
    };
    let (_lock, data) = support::kept_data("looking");
    let sandbox = support::sandbox(&data, Limits::default(), Compiler::Here);
    let bytes = std::fs::read(component).unwrap();
    let installed = support::install_one(&sandbox, "looking", bytes).await;
    let transform = sandbox.transform(&installed).unwrap();
    let records = &hostile::records()[..2];
    let seen = applied(&transform, records).await;
    let draft = &seen[0].as_ref().unwrap()[0];
    assert!(
        draft.doc.contains(r#""date":"2026-11-22T23:30:00.000Z""#),
        "{draft:?}"
    );
    for _ in 0..2 {
        assert_eq!(applied(&transform, records).await, seen);
    }
}
