//! `footbridge plan`: what a sync would change and why, what it would cost, what waits. Nothing is written to either side.

use crate::args;
use crate::commands::{Output, print_json};
use crate::compose::Composition;
use crate::config::Config;
use crate::exit::Exit;
use crate::render::{count, safe, table};
use footbridge_engine::Preview;
use footbridge_model::plan::{Note, Op};
use std::collections::BTreeMap;

/// So many rows of each kind are shown; `--json` has all.
const ROWS: usize = 20;

pub(crate) async fn run(
    config: &Config,
    args: &args::Flow,
    output: Output,
) -> anyhow::Result<Exit> {
    let (name, flow) = config.flow(args.flow.as_deref())?;
    let composition = Composition::open(config, name, flow).await?;
    let result = composition.engine.plan().await;
    composition.progress.finish();
    let preview = result?;
    match output {
        Output::Json => print_json(&preview)?,
        Output::Text => print!("{}", words(name, &preview)),
    }
    Ok(Exit::Done)
}

fn words(flow: &str, preview: &Preview) -> String {
    let plan = &preview.plan;
    let mut text = format!(
        "Plan of {flow} for {}, as of {} (there: {})\nNothing has been written. It holds until midnight there.\n\n",
        safe(&preview.organisation, 60),
        plan.as_of.instant.format("%Y-%m-%d %H:%M UTC"),
        plan.as_of.local_date
    );
    for (object, title) in [
        ("customer", "Customers to create"),
        ("invoice", "Invoices to create"),
    ] {
        let ops: Vec<&Op> = plan
            .ops
            .iter()
            .filter(|op| op.object.as_str() == object)
            .collect();
        if !ops.is_empty() {
            text.push_str(&format!("{title}: {}\n", ops.len()));
            let rows: Vec<Vec<String>> = ops.iter().take(ROWS).map(|op| row(op)).collect();
            text.push_str(&indent(&table(&["deal or account", "what", "why"], &rows)));
            text.push_str(&more(ops.len()));
        }
    }
    let updates = plan.ops.iter().filter(|op| op.target.is_some()).count();
    if updates > 0 {
        text.push_str(&format!(
            "Deals that get their invoice's id, number and link: {updates}\n\n"
        ));
    }
    if !plan.adoptions.is_empty() {
        text.push_str(&format!(
            "Existing records that would be linked, untouched: {}\n\n",
            plan.adoptions.len()
        ));
    }
    if plan.ops.is_empty() {
        text.push_str("Nothing would be written.\n\n");
    }
    text.push_str(&notes("Waiting for you", &plan.holds, ROWS));
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    for note in &plan.skips {
        *skipped.entry(note.reason.as_str()).or_default() += 1;
    }
    if !skipped.is_empty() {
        let reasons: Vec<String> = skipped
            .iter()
            .map(|(reason, n)| format!("{n} {reason}"))
            .collect();
        text.push_str(&format!("Needs nothing: {}\n\n", reasons.join(", ")));
    }
    let calls: Vec<String> = preview
        .calls
        .iter()
        .map(|(connection, n)| format!("{} to {connection}", count(*n, "write call")))
        .collect();
    text.push_str(&format!(
        "Cost: {}. `footbridge sync` does it.\n",
        calls.join(", ")
    ));
    text
}

fn row(op: &Op) -> Vec<String> {
    let field = |path: &str| op.doc.text(path).unwrap_or("");
    let what = match op.object.as_str() {
        "customer" => field("name").to_owned(),
        _ => format!(
            "{} {} dated {}",
            field("currency"),
            count(op.doc.list("lines").len(), "line"),
            field("date")
        ),
    };
    vec![
        safe(&op.subject.title, 40),
        safe(&what, 44),
        safe(&op.why, 110),
    ]
}

/// Notes by reason, a few of each.
pub(crate) fn notes(title: &str, notes: &[Note], limit: usize) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let mut text = format!("{title}: {}\n", notes.len());
    let rows: Vec<Vec<String>> = notes
        .iter()
        .take(limit)
        .map(|note| {
            vec![
                safe(&note.subject.title, 40),
                note.reason.clone(),
                safe(&note.message, 160),
            ]
        })
        .collect();
    text.push_str(&indent(&table(
        &["deal", "reason", "what was found, and what to do"],
        &rows,
    )));
    text.push_str(&more(notes.len()));
    text
}

fn more(total: usize) -> String {
    match total.saturating_sub(ROWS) {
        0 => "\n".to_owned(),
        rest => format!("  ... and {rest} more; --json has all\n\n"),
    }
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
