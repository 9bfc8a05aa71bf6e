//! Loading native code from the cache: read into memory, keyed hash compared, deserialised from those bytes, linked.
//!
//! A plugin is loaded by its first call, so what loading takes is what the first call takes longer than the second.

use crate::call::Callee;
use crate::finding::Finding;
use crate::ground::Ground;
use crate::measure::{Attempt, attempt, in_turns};

use std::time::Duration;

const NAME: &str = "load";
const GOAL: &str = "under 1 ms";
const MOST: Duration = Duration::from_millis(1);

pub(crate) async fn run(ground: &Ground) -> anyhow::Result<Vec<Finding>> {
    let plugins = ground.plugins();
    let things: Vec<Attempt<'_>> = plugins
        .iter()
        .map(|(name, kind)| {
            attempt(move || async move {
                let fresh = Callee::of(ground, name, *kind)?;
                let first = fresh.describe().await?;
                let second = fresh.describe().await?;
                Ok(first.saturating_sub(second))
            })
        })
        .collect();
    let spreads = in_turns(ground.rounds(100), things).await?;
    let own = footbridge_bundle::ALL.len();
    let mut findings = Vec::new();
    for (n, ((name, kind), spread)) in plugins.iter().zip(spreads).enumerate() {
        let installed = ground.sandbox.installed(name)?;
        let what = format!(
            "{name}, a {kind}: component of {} KiB",
            installed.size / 1024
        );
        let finding = Finding::new(NAME, what, spread);
        // The goal is for native code of ours; others bring what their language brings.
        findings.push(if n < own {
            finding.below(GOAL, MOST)
        } else {
            finding
        });
    }
    Ok(findings)
}
