//! What the gate plays of the matrix: that it is complete, and a part of the cells that meets every row and every fault.
//!
//! Longer: `cargo run --release -p footbridge-faults -- --audit`.

#![expect(clippy::unwrap_used, reason = "test code")]

use footbridge_faults::{
    Column, Ground, Machine, Matrix, Outcome, ROWS, audited_row, disagreements, kinds, missing,
    mistakes, skipped, table,
};
use footbridge_scenarios::Setting;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

async fn setting() -> Setting {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults");
    Setting::open(&folder).await.unwrap()
}

#[test]
fn every_registered_kind_of_write_has_its_row() {
    assert_eq!(missing(), Vec::<String>::new());
    // No fault is played by nobody, and no kind escapes all of them.
    for column in Column::all() {
        let name = column.name();
        assert!(
            ROWS.iter().any(|row| column.cannot(row).is_none()),
            "{name}"
        );
        // Nor does the auditor leave out one that this process plays.
        assert!(
            column.ground() == Ground::Program || audited_row(column).is_some(),
            "{name}"
        );
    }
    for row in &ROWS {
        let played = Column::all()
            .into_iter()
            .filter(|column| column.cannot(row).is_none());
        assert!(played.count() > 20, "{}", row.name);
    }
}

#[test]
fn the_readme_tells_of_each_kind_what_the_registry_says() {
    let readme = include_str!("../README.md");
    let told = readme
        .split_once("<!-- kinds -->\n")
        .and_then(|(_, rest)| rest.split_once("<!-- /kinds -->"))
        .map(|(told, _)| told);
    assert_eq!(told, Some(kinds().as_str()), "\n{}", kinds());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_agrees_with_the_connectors() {
    let found = disagreements(setting().await.sandbox()).await.unwrap();
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_the_matrix_comes_out_right() {
    let setting = setting().await;
    let matrix = Matrix {
        at_once: 4,
        ..Matrix::default()
    };
    // Each fault with two kinds of write, in turn.
    let mut cells = Vec::new();
    for (n, column) in Column::all().into_iter().enumerate() {
        if column.ground() == Ground::Program {
            continue;
        }
        let rows: Vec<_> = ROWS
            .iter()
            .filter(|row| column.cannot(row).is_none())
            .collect();
        let turn = rows.len().div_ceil(2).max(1);
        cells.extend(
            rows.iter()
                .skip(n % turn)
                .step_by(turn)
                .map(|row| (*row, column)),
        );
    }
    let expected = cells.len();
    let all = matrix.play(cells, setting.sandbox(), None, |_| {}).await;
    println!("{}", table(&all));
    assert_eq!(mistakes(&all), Vec::<String>::new());
    let right = all
        .iter()
        .filter(|played| matches!(played.outcome, Outcome::Right { .. } | Outcome::Known(_)));
    assert_eq!(right.count(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_of_the_program_comes_out_right_with_one_kind_of_write() {
    let setting = setting().await;
    let machine = Arc::new(Machine::prepare().await.unwrap());
    let matrix = Matrix {
        at_once: 2,
        ..Matrix::default()
    };
    let columns = Column::all()
        .into_iter()
        .filter(|column| column.ground() == Ground::Program);
    // What nobody but our own look keeps single.
    let row = ROWS
        .iter()
        .find(|row| row.name == "ledger invoice, create")
        .unwrap();
    let cells: Vec<_> = columns.map(|column| (row, column)).collect();
    let expected = cells.len();
    let all = matrix
        .play(cells, setting.sandbox(), Some(&machine), |_| {})
        .await;
    assert_eq!(mistakes(&all), Vec::<String>::new());
    for (why, n) in skipped(&all) {
        // Not through the test's own output, which is kept back where it passes.
        writeln!(std::io::stderr(), "SKIPPED: {n} cell of the matrix: {why}").unwrap();
    }
    let played = |column| {
        all.iter()
            .find(|played| played.column == column)
            .map(|played| &played.outcome)
    };
    assert_eq!(all.len(), expected);
    for column in Column::all() {
        match played(column) {
            // Only a disk of its own needs more rights than a test may have.
            Some(Outcome::Skipped(_)) => assert_eq!(column, Column::FullDisk),
            Some(other) => assert!(matches!(other, Outcome::Right { .. }), "{other:?}"),
            None => assert_eq!(column.ground(), Ground::Here),
        }
    }
}
