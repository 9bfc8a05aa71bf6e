//! The row of the set-up: Salesforce is provisioned under the fault, again until nothing is left; then each part must be there once and
//! a last provisioning must write nothing.
//!
//! Its journal has no watcher; `life` tells the points from what it stores and sends.

use crate::cell::{Cell, once_free};
use crate::column::Column;
use crate::life::{At, Life};
use crate::row::Row;
use anyhow::bail;
use chrono::TimeDelta;
use footbridge::provisioning::parts;
use footbridge_engine::EngineError;
use footbridge_engine::provision::Provisioning;
use footbridge_model::provision::{Findings, PartKind, Wish};
use footbridge_simulators::faults::FaultRule;
use std::sync::Arc;
use std::time::Duration;

/// Runs until nothing is left; more means that it never comes to an end.
const MOST_RUNS: usize = 12;
/// The objects that are made.
const OBJECTS: [&str; 3] = [
    "Footbridge_Document__c",
    "Footbridge_Payment__c",
    "Footbridge_Balance__c",
];

pub(crate) async fn strike(cell: &mut Cell<'_>, row: &Row, column: Column) -> anyhow::Result<()> {
    let life = match column {
        Column::Crash(at) => Life::until(at, row.nth),
        _ => Life::long(),
    };
    if let Some((fault, times)) = column.fault() {
        row.faults(&cell.world).inject(FaultRule {
            times,
            ..row.struck_by(fault)
        });
    }
    let first = run(cell, &life).await?;
    let earlier = life.sent();
    cell.world.host.step(column.step());
    cell.world.clock.advance(column.pause());
    let fired = row.faults(&cell.world).fired();
    if column.fault().is_some() && !fired.iter().any(|fired| row.is_at(&fired.path)) {
        cell.wrong.push("the fault never struck".to_owned());
    }
    if let Column::Crash(at) = column {
        let sent = matches!(at, At::BeforeIntent | At::IntentStored | At::Sending);
        if !life.is_over() || earlier.is_empty() != sent {
            cell.wrong
                .push(format!("it did not die there: {earlier:?}"));
        }
    }
    let mut done = first;
    for _ in 0..MOST_RUNS {
        if done.as_ref().is_some_and(Findings::is_done) {
            break;
        }
        done = run(cell, &Life::long()).await?;
        cell.world.clock.advance(TimeDelta::minutes(20));
    }
    let Some(findings) = done.filter(Findings::is_done) else {
        bail!("not set up after {MOST_RUNS} runs");
    };
    if let Some(late) = column.late() {
        // Carried out at last: it makes nothing twice, and is no write of the last run.
        cell.world.clock.advance(late);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    for object in OBJECTS {
        let there = findings
            .parts
            .iter()
            .filter(|part| part.kind == PartKind::Object && part.name == object)
            .count();
        if there != 1 {
            cell.wrong.push(format!("{object} is there {there} times"));
        }
    }
    let sets = cell.world.salesforce.dump("PermissionSetAssignment");
    let mut seen = Vec::new();
    for set in &sets {
        let pair = (set.get("PermissionSetId"), set.get("AssigneeId"));
        if seen.contains(&pair) {
            cell.wrong
                .push("a permission set is assigned twice".to_owned());
        }
        seen.push(pair);
    }
    cell.world.reset_writes();
    run(cell, &Life::long()).await?;
    if cell.world.writes() > 0 {
        cell.wrong
            .push("a provisioning with nothing to do wrote".to_owned());
    }
    // What was set up holds what comes back.
    cell.tell(crate::row::Chapter::Won)?;
    let waits = cell.until_quiet().await?;
    let left = crate::verdict::of(&cell.world, &cell.told);
    cell.wrong.extend(left);
    cell.wrong.extend(
        waits
            .into_iter()
            .map(|waits| format!("waits: {}", waits.message)),
    );
    Ok(())
}

/// One provisioning; nothing if the life ended in it, or the far side was in trouble.
async fn run(cell: &mut Cell<'_>, life: &Arc<Life>) -> anyhow::Result<Option<Findings>> {
    let config = cell.world.read_config()?;
    let surroundings = cell.world.surroundings(cell.sandbox);
    let (made_of, _) = once_free(|| parts(&config, None, &surroundings)).await?;
    let provisioning = Provisioning::new(life.of_set_up(made_of));
    let work = async {
        let shown = provisioning.survey(Wish::Present).await?;
        provisioning
            .carry_out(Wish::Present, &shown.parts, &|_| {})
            .await
    };
    let lived = life.lived(work).await;
    cell.wrong.extend(life.wrong());
    match lived {
        None => Ok(None),
        Some(Ok(findings)) => Ok(Some(findings)),
        Some(Err(EngineError::Call { .. } | EngineError::Provision { .. })) => Ok(None),
        Some(Err(error)) => Err(error.into()),
    }
}
