//! `footbridge status`: how things stand, from the data directory alone.

use crate::args;
use crate::commands::connect::{HeldLine, held_words};
use crate::commands::sync::for_you;
use crate::commands::{Output, print_json, show};
use crate::compose::Composition;
use crate::config::Config;
use crate::exit::Exit;
use crate::render::{count, safe, wrapped};
use crate::switch::Switch;
use footbridge_engine::{Status, StatusBack};
use footbridge_model::doubt::COUNTED;
use footbridge_model::id::ConnectionId;
use footbridge_model::plan::reason;
use serde::Serialize;
use std::collections::BTreeMap;

pub(crate) async fn run(
    config: &Config,
    args: &args::Flow,
    output: Output,
) -> anyhow::Result<Exit> {
    let (name, flow) = config.flow(args.flow.as_deref())?;
    let composition = Composition::look(config, name, flow).await?;
    let status = composition.engine.status().await?;
    let held: Vec<HeldLine> = [&flow.source, &flow.ledger]
        .into_iter()
        .filter_map(|connection| {
            let held = composition
                .broker
                .held(&ConnectionId::new(connection.as_str()));
            Some(HeldLine {
                connection: connection.clone(),
                held: held.ok()?,
            })
        })
        .collect();
    let stopped = Switch::of(config).why(name);
    match output {
        Output::Json => print_json(&Shown {
            status: &status,
            stopped: stopped.as_deref(),
            connections: &held,
        })?,
        Output::Text => show(&words(&status, stopped.as_deref(), &held))?,
    }
    Ok(Exit::Done)
}

/// As `--json` prints it.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    status: &'a Status,
    /// Who stopped it, when and what for.
    stopped: Option<&'a str>,
    /// How each connection is authenticated, as whom, until when.
    connections: &'a [HeldLine],
}

fn words(status: &Status, stopped: Option<&str>, held: &[HeldLine]) -> String {
    let mut text = format!("{}\n", status.flow);
    if let Some(why) = stopped {
        let line = format!("STOPPED: {}.", safe(why, 600));
        text.push_str(&wrapped(&line, 2));
    }
    for (connection, (name, id)) in &status.organisations {
        text.push_str(&format!(
            "  {connection}: {} ({})\n",
            safe(name, 60),
            safe(id, 40)
        ));
    }
    for line in held {
        let how = line.held.problem.clone();
        let how = how.unwrap_or_else(|| held_words(&line.held));
        let said = wrapped(&format!("{}: {}", line.connection, safe(&how, 400)), 2);
        text.push_str(&said);
    }
    match &status.last_run {
        None if status.held.is_some() => text.push_str("  never run here\n"),
        None => text.push_str("  never run; `footbridge plan` shows what the first run would do, `footbridge sync --go` does it\n"),
        Some(run) => {
            let seconds = run
                .ended_at
                .signed_duration_since(run.started_at)
                .num_seconds();
            text.push_str(&format!(
                "  last run {} ({seconds} s)\n",
                run.ended_at.format("%Y-%m-%d %H:%M:%S UTC")
            ));
        }
    }
    if let Some(held) = &status.held {
        let line = format!(
            "HELD: {}. Then `footbridge sync --go-on`.",
            safe(&held.to_string(), 1000)
        );
        text.push_str(&wrapped(&line, 2));
    }
    text.push_str(&format!("  invoiced: {}\n", count(status.invoiced, "deal")));
    if status.due > 0 {
        text.push_str(&format!(
            "  changed and not looked at yet: {}\n",
            count(status.due, "deal")
        ));
    }
    if status.in_doubt > 0 {
        let n = count(status.in_doubt, "operation");
        text.push_str(&wrapped(&format!("in doubt: {n}; {COUNTED}."), 2));
    }
    if let Some(back) = &status.reflected {
        text.push_str(&way_back(back));
    }
    let later = status
        .waiting
        .get(reason::PART_NOT_DUE)
        .copied()
        .unwrap_or(0);
    let for_you = for_you(&status.waiting);
    text.push_str(&by_reason("waiting for you", &for_you));
    if later > 0 {
        text.push_str(&format!(
            "  billed later, when due: {}\n",
            count(later, "part")
        ));
    }
    text.push_str(&by_reason("needs nothing", &status.skipped));
    if status.last_run.is_none() {
        return text;
    }
    let back_waits = status
        .reflected
        .as_ref()
        .is_some_and(|back| !back.waiting.is_empty());
    if for_you.is_empty() && !back_waits {
        text.push_str("Nothing waits for you.\n");
    } else {
        text.push_str("`footbridge items` tells why each one waits and what to do.\n");
    }
    text
}

fn way_back(back: &StatusBack) -> String {
    let mut text = String::new();
    if let Some(problem) = &back.problem {
        let line = format!("the way back: {}", safe(problem, 600));
        text.push_str(&wrapped(&line, 2));
    }
    let waiting: usize = back.waiting.values().sum();
    if waiting > 0 {
        let line = format!(
            "of the way back, not shown yet: {}",
            count(waiting, "record")
        );
        text.push_str(&wrapped(&line, 2));
        for (reason, n) in &back.waiting {
            text.push_str(&format!("    {n:>6}  {reason}\n"));
        }
    }
    text
}

fn by_reason(title: &str, reasons: &BTreeMap<String, usize>) -> String {
    if reasons.is_empty() {
        return String::new();
    }
    let total: usize = reasons.values().sum();
    let mut text = format!("  {title}: {}\n", count(total, "record"));
    for (reason, n) in reasons {
        text.push_str(&format!("    {n:>6}  {reason}\n"));
    }
    text
}
