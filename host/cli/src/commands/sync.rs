//! `footbridge sync`: one run of a flow, and what it did in a few lines.

use crate::args;
use crate::commands::{Output, plugin, print_json, show};
use crate::compose::Composition;
use crate::config::Config;
use crate::exit::Exit;
use crate::render::{count, safe, wrapped};
use crate::typed;
use footbridge_engine::{RunReport, Unsettled};
use footbridge_model::doubt::{COUNTED, found_by};
use footbridge_model::plan::reason;
use footbridge_model::receivable::{self, is_receivable};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a sync prints as JSON.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    flow: &'a str,
    #[serde(flatten)]
    report: &'a RunReport,
    /// All that waits, also what this run had no reason to look at.
    waiting: &'a Waits,
    seconds: f64,
}

/// What waits after a run, as `status` counts it: also what this run had no reason to look at.
#[derive(Debug, Default, Serialize)]
struct Waits {
    /// Deals and customers that wait for a person, by reason.
    deals: BTreeMap<String, usize>,
    /// Records of the way back that wait, by reason.
    way_back: BTreeMap<String, usize>,
    /// Operations whose effect isn't known.
    in_doubt: usize,
}

impl Waits {
    fn of(unsettled: Unsettled, report: &RunReport) -> Self {
        Self {
            deals: for_you(&unsettled.records),
            way_back: unsettled.way_back,
            in_doubt: report.in_doubt,
        }
    }

    fn any(&self) -> bool {
        self.in_doubt > 0 || !self.deals.is_empty() || !self.way_back.is_empty()
    }
}

/// Deals that wait for a person, by reason. What is billed later waits for its time.
pub(crate) fn for_you(waiting: &BTreeMap<String, usize>) -> BTreeMap<String, usize> {
    let mut waiting = waiting.clone();
    waiting.remove(reason::PART_NOT_DUE);
    waiting
}

pub(crate) async fn run(
    config: &Config,
    args: &args::Sync,
    output: Output,
) -> anyhow::Result<Exit> {
    let (name, flow) = config.flow(args.flow.as_deref())?;
    if let Some(found) = plugin::waiting(config)? {
        tracing::warn!("plugins wait for your look: {}", typed::in_text(&found));
    }
    let composition = Composition::open(config, name, flow).await?;
    if args.go {
        composition.engine.let_write().await?;
    }
    if args.go_on && composition.engine.resume().await? {
        tracing::info!("the flow {name} is no longer held: a person said go");
    }
    if args.accept_drop {
        composition.engine.accept_losses().await?;
    }
    let began = std::time::Instant::now();
    let result = composition.engine.sync().await;
    composition.progress.finish();
    let report = result?;
    let seconds = began.elapsed().as_secs_f64();
    let waits = Waits::of(composition.engine.unsettled().await?, &report);
    match output {
        Output::Json => print_json(&Shown {
            flow: name,
            report: &report,
            waiting: &waits,
            seconds,
        })?,
        Output::Text => show(&words(name, &report, &waits))?,
    }
    // After it was told what the run did: whatever becomes of old bodies, that is so.
    if let Some(days) = config.retention.bodies_days {
        composition.engine.keep_bodies_for(days.get()).await?;
    }
    if report.stopped.is_some() {
        return Ok(Exit::Failed);
    }
    let back = report.reflected.as_ref();
    if back.is_some_and(|back| back.problem.is_some()) {
        return Ok(Exit::FarSide);
    }
    let failed = report.failed > 0 || report.in_doubt > 0;
    Ok(if args.strict && (failed || waits.any()) {
        Exit::Waiting
    } else {
        Exit::Done
    })
}

/// Records of the way back, as people call them.
pub(crate) const RECEIVABLES: [(&str, &str); 3] = [
    (receivable::DOCUMENT, "receivable document"),
    (receivable::PAYMENT, "payment"),
    (receivable::BALANCE, "balance"),
];

/// A run in words.
fn words(flow: &str, report: &RunReport, waits: &Waits) -> String {
    let mut text = format!("{flow}: ");
    let applied: usize = report.applied.values().sum();
    if applied == 0 && (report.recovered > 0 || waits.in_doubt > 0) {
        text.push_str("nothing else had to be written.\n");
    } else if applied == 0 {
        text.push_str("nothing had to be written.\n");
    } else {
        let mut parts = Vec::new();
        let known = [
            ("customer", "created"),
            ("customer-change", "carried over"),
            ("invoice", "created"),
        ];
        for (object, done) in known {
            let amended = if object == "invoice" {
                report.amended
            } else {
                0
            };
            let made = report
                .applied
                .get(object)
                .map_or(0, |n| n.saturating_sub(amended));
            if made > 0 {
                parts.push(format!("{} {done}", count(made, &object.replace('-', " "))));
            }
            if amended > 0 {
                parts.push(format!("{} changed", count(amended, object)));
            }
        }
        for (object, singular) in RECEIVABLES {
            if let Some(n) = report.applied.get(object) {
                parts.push(format!("{} shown", count(*n, singular)));
            }
        }
        for (object, n) in &report.applied {
            if is_receivable(object) {
                continue;
            }
            if !known.iter().any(|(known, _)| known == object) {
                parts.push(format!(
                    "{} updated",
                    count(*n, &format!("{object} record"))
                ));
            }
        }
        text.push_str(&parts.join(", "));
        text.push_str(".\n");
    }
    if let Some(why) = &report.stopped {
        let line = format!(
            "It was stopped before its end: {}. What was sent is seen through.",
            safe(why, 400)
        );
        text.push_str(&wrapped(&line, 2));
    }
    if report.adopted > 0 {
        text.push_str(&format!(
            "  {} recognised and linked; nothing was written for them.\n",
            count(report.adopted, "existing record")
        ));
    }
    if report.recovered > 0 {
        let n = count(report.recovered, "operation");
        let how = found_by(
            report.recovered.saturating_sub(report.resent),
            report.resent,
        );
        text.push_str(&wrapped(&format!("{n} that had got no answer: {how}."), 2));
    }
    if report.due > 0 {
        let n = count(report.due, "record");
        let line = format!("{n} due by what was found: run `footbridge sync` again.");
        text.push_str(&wrapped(&line, 2));
    }
    if report.failed > 0 {
        let how = match report.stopped {
            Some(_) => "not sent, or not taken by the far side",
            None => "not taken by the far side",
        };
        let n = count(report.failed, "operation");
        text.push_str(&format!("  {n} {how}.\n"));
    }
    if waits.in_doubt > 0 {
        let n = count(waits.in_doubt, "operation");
        text.push_str(&wrapped(&format!("{n} in doubt: {COUNTED}."), 2));
        let again = report.again.map(|again| again.told_of_all());
        text.push_str(&again.map_or_else(String::new, |again| wrapped(&again, 2)));
    }
    let waiting: usize = waits.deals.values().sum();
    if waiting > 0 {
        let reasons: Vec<String> = (waits.deals.iter())
            .map(|(reason, n)| format!("{n} {reason}"))
            .collect();
        let verb = if waiting == 1 { "waits" } else { "wait" };
        let line = format!(
            "{} {verb} for you: {}. `footbridge items` tells why and what to do.",
            count(waiting, "record"),
            reasons.join(", ")
        );
        text.push_str(&wrapped(&line, 2));
    }
    let problem = (report.reflected.as_ref()).and_then(|back| back.problem.as_deref());
    text.push_str(&way_back(problem, &waits.way_back));
    text
}

fn way_back(problem: Option<&str>, waiting: &BTreeMap<String, usize>) -> String {
    let mut text = String::new();
    if let Some(problem) = problem {
        let line = format!(
            "The way back: {}.",
            safe(problem, 600).trim_end_matches('.')
        );
        text.push_str(&wrapped(&line, 2));
    }
    let total: usize = waiting.values().sum();
    if total > 0 {
        let reasons = waiting.iter().map(|(reason, n)| format!("{n} {reason}"));
        let reasons: Vec<String> = reasons.collect();
        let line = format!(
            "{} of the way back not shown yet: {}. `footbridge items` tells why and what to do.",
            count(total, "record"),
            reasons.join(", ")
        );
        text.push_str(&wrapped(&line, 2));
    }
    text
}
