//! The auditor's verdict over a cell's world: Python, the vendors' own clients, public interfaces only. It knows nothing of the matrix.
//!
//! For each fault one cell is audited, in a world where invoices and payments are there.

use crate::column::Column;
use crate::row::{ROWS, Row};
use crate::world::World;
use anyhow::{Context, bail};
use chrono::TimeDelta;
use footbridge_crash::auditor::Auditor;
use serde_json::{Value, json};
use std::path::Path;

/// Rows that are audited: the first of them that a fault can strike.
const AUDITED: [&str; 3] = [
    "ledger invoice, create",
    "CRM payment, create",
    "ledger customer, create",
];

/// The row that is audited under a fault, one that isn't known to go wrong; none if the fault strikes none of them.
pub fn audited_row(column: Column) -> Option<&'static Row> {
    AUDITED.iter().find_map(|name| {
        let row = ROWS.iter().find(|row| row.name == *name)?;
        (column.cannot(row).is_none() && column.known(row).is_none()).then_some(row)
    })
}

/// Remembers both sides before the first run.
pub(crate) async fn snapshot(auditor: &Auditor, world: &World) -> anyhow::Result<()> {
    let policy =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../auditor/policy-of-the-company.json");
    let mut policy: Value = serde_json::from_str(&std::fs::read_to_string(policy)?)?;
    if let Some(policy) = policy.as_object_mut() {
        let now = world.clock.now();
        policy.insert("go_live".to_owned(), json!(now - TimeDelta::days(3)));
        policy.insert("as_of".to_owned(), json!(now - TimeDelta::days(1)));
    }
    std::fs::write(world.folder.path().join("policy.json"), policy.to_string())?;
    let before = world.folder.path().join("before.json");
    let output = auditor
        .run(&arguments(
            world,
            &["--snapshot", &before.display().to_string()],
        ))
        .await?;
    if !output.status.success() {
        bail!(
            "the auditor's snapshot failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// What it finds wrong, with the invoices and with what came back.
pub(crate) async fn findings(auditor: &Auditor, world: &World) -> anyhow::Result<Vec<String>> {
    let before = world
        .folder
        .path()
        .join("before.json")
        .display()
        .to_string();
    let mut found = Vec::new();
    for mode in [&["--before", before.as_str()][..], &["--reflected"]] {
        let output = auditor.run(&arguments(world, mode)).await?;
        let report: Value = serde_json::from_slice(&output.stdout).with_context(|| {
            format!(
                "the audit could not be made: {}",
                String::from_utf8_lossy(&output.stderr)
            )
        })?;
        if !output.status.success() || report.get("verdict") != Some(&json!("agree")) {
            let findings = report.get("findings").unwrap_or(&report);
            found.push(format!("the auditor disagrees: {findings}"));
        }
    }
    Ok(found)
}

fn arguments(world: &World, mode: &[&str]) -> Vec<String> {
    let [salesforce, xero] = world.urls();
    let policy = world.folder.path().join("policy.json");
    [
        "--xero-url",
        xero,
        "--xero-token-url",
        &format!("{xero}/connect/token"),
        "--salesforce-url",
        salesforce,
        "--policy",
        &policy.display().to_string(),
    ]
    .into_iter()
    .chain(mode.iter().copied())
    .map(str::to_owned)
    .collect()
}
