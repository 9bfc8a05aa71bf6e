//! What people do with saved plans: list, show, approve, apply, withdraw. The engine decides; this words it.

use super::{diff, file, page};
use crate::args;
use crate::commands::{Output, print_json, show};
use crate::compose::Composition;
use crate::config::Config;
use crate::exit::{Exit, UsageError};
use crate::render::{count, safe, table, theirs, wrapped};
use crate::who;
use chrono::{DateTime, Utc};
use footbridge_engine::saved::{Applied, Approval, Fate, Kept, OpFate, SavedPlan, State};
use footbridge_model::id::OpId;
use footbridge_model::plan::Op;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// So many operations that were not written are told; `--json` has all.
const ROWS: usize = 20;

/// A saved plan as `--json` prints it.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    flow: &'a str,
    state: State,
    #[serde(flatten)]
    kept: &'a Kept,
    plan: &'a SavedPlan,
}

pub(crate) async fn list(
    config: &Config,
    args: &args::Flow,
    output: Output,
) -> anyhow::Result<Exit> {
    let (name, flow) = config.flow(args.flow.as_deref())?;
    let composition = Composition::look(config, name, flow).await?;
    let engine = &composition.engine;
    let all = engine.saved_plans().await?;
    let now = engine.now();
    if output == Output::Json {
        let all: Vec<_> = (all.iter())
            .map(|kept| {
                json!({"flow": name, "id": kept.id, "state": kept.state(now), "saved": kept.saved,
                    "expires": kept.expires, "operations": kept.ops, "approved": kept.yes.as_ref().map(|yes| json!({
                        "by": yes.act.by, "at": yes.act.at, "operations": yes.ops.len()})),
                    "withdrawn": kept.withdrawn, "applied": kept.applied})
            })
            .collect();
        print_json(&all)?;
        return Ok(Exit::Done);
    }
    if all.is_empty() {
        show(&format!(
            "No saved plans of {}. `footbridge plan --save` keeps one.\n",
            safe(name, 60)
        ))?;
        return Ok(Exit::Done);
    }
    let rows: Vec<Vec<String>> = (all.iter())
        .map(|kept| {
            vec![
                kept.id.chars().take(8).collect(),
                kept.saved.at.format("%Y-%m-%d %H:%M").to_string(),
                kept.ops.to_string(),
                standing(kept, now),
            ]
        })
        .collect();
    show(&table(
        &["plan", "saved, UTC", "records", "how it stands"],
        &rows,
    ))?;
    Ok(Exit::Done)
}

pub(super) async fn one(
    config: &Config,
    args: &args::SavedPlan,
    output: Output,
) -> anyhow::Result<Exit> {
    let (name, flow) = config.flow(args.flow.as_deref())?;
    let composition = Composition::look(config, name, flow).await?;
    let engine = &composition.engine;
    let id = file::id_of(config, engine, &args.plan)?;
    let (kept, plan) = engine.saved_plan(&id).await?;
    let state = kept.state(engine.now());
    match output {
        Output::Json => print_json(&Shown {
            flow: name,
            state,
            kept: &kept,
            plan: &plan,
        })?,
        Output::Text => {
            let (flow, firm) = (safe(name, 60), safe(&plan.organisation, 60));
            let called = format!("Plan {} of {flow} for {firm}", kept.id);
            let by = safe(&kept.saved.by, 60);
            let how = format!("Saved by {by}: {}", standing(&kept, engine.now()));
            let mut text = page::head(&called, &plan.plan, &how);
            text.push_str(&page::saved(&plan));
            text.push_str(&not_written(&plan, &kept.fates));
            show(&text)?;
        }
    }
    Ok(Exit::Done)
}

pub(super) async fn approve(
    config: &Config,
    args: &args::Approve,
    output: Output,
) -> anyhow::Result<Exit> {
    let (name, flow) = config.flow(args.plan.flow.as_deref())?;
    let composition = Composition::open(config, name, flow).await?;
    let engine = &composition.engine;
    let id = file::id_of(config, engine, &args.plan.plan)?;
    if let Some(both) = args.only.iter().find(|id| args.except.contains(id)) {
        return Err(UsageError(format!(
            "{both:?} is named with --only and with --except; nothing was approved"
        ))
        .into());
    }
    let what = Approval {
        only: args.only.clone(),
        except: args.except.clone(),
    };
    let (kept, plan) = engine.approve_plan(&id, &what, &who::by()).await?;
    if output == Output::Json {
        print_json(&Shown {
            flow: name,
            state: kept.state(engine.now()),
            kept: &kept,
            plan: &plan,
        })?;
        return Ok(Exit::Done);
    }
    let yes = kept.yes.as_ref().map(|yes| &yes.ops);
    let is_in = |op: &&Op| yes.is_some_and(|yes| yes.contains(&op.id));
    let (approved, left): (Vec<&Op>, Vec<&Op>) = plan.plan.ops.iter().partition(|op| is_in(op));
    let mut text = format!(
        "Approved: {} of {} in plan {}.\n",
        approved.len(),
        count(plan.plan.ops.len(), "record"),
        kept.id
    );
    // What can't go because of what it needs is said now, not at the end.
    let stuck = |op: &&&Op| {
        op.after
            .iter()
            .any(|id| left.iter().any(|other| other.id == *id))
    };
    for op in approved.iter().filter(stuck).take(ROWS) {
        let line = format!(
            "{} \"{}\" needs something that is left out and will wait for it",
            op.object,
            theirs(&op.subject.title, 80)
        );
        text.push_str(&wrapped(&line, 2));
    }
    let short: String = kept.id.chars().take(8).collect();
    text.push_str(&wrapped(
        &format!(
            "`footbridge plan apply {short}` carries that out, and nothing else, until {}.",
            kept.expires.format("%Y-%m-%d %H:%M UTC")
        ),
        0,
    ));
    show(&text)?;
    Ok(Exit::Done)
}

pub(super) async fn apply(
    config: &Config,
    args: &args::SavedPlan,
    output: Output,
) -> anyhow::Result<Exit> {
    let (name, flow) = config.flow(args.flow.as_deref())?;
    let composition = Composition::open(config, name, flow).await?;
    let engine = &composition.engine;
    let id = file::id_of(config, engine, &args.plan)?;
    let result = engine.apply_plan(&id, &who::by()).await;
    composition.progress.finish();
    let applied = result?;
    let (kept, plan) = engine.saved_plan(&applied.id).await?;
    match output {
        Output::Json => print_json(
            &json!({"flow": name, "state": kept.state(engine.now()), "applied": applied}),
        )?,
        Output::Text => show(&told(name, &applied, &plan))?,
    }
    let wanted = kept.yes.iter().flat_map(|yes| &yes.ops);
    let open = |id: &&OpId| {
        let fate = applied.fates.get(*id).map(|fate| fate.fate);
        !matches!(fate, Some(Fate::Applied | Fate::Already))
    };
    Ok(match wanted.filter(open).count() {
        _ if applied.report.stopped.is_some() => Exit::Failed,
        0 => Exit::Done,
        _ => Exit::Waiting,
    })
}

pub(super) async fn withdraw(
    config: &Config,
    args: &args::SavedPlan,
    output: Output,
) -> anyhow::Result<Exit> {
    let (name, flow) = config.flow(args.flow.as_deref())?;
    let composition = Composition::open(config, name, flow).await?;
    let engine = &composition.engine;
    let id = file::id_of(config, engine, &args.plan)?;
    let kept = engine.withdraw_plan(&id, &who::by()).await?;
    match output {
        Output::Json => print_json(&json!({"flow": name, "withdrawn": kept.id}))?,
        Output::Text => show(&format!("Plan {} is withdrawn.\n", kept.id))?,
    }
    Ok(Exit::Done)
}

/// `approved by Anna, 3 of 9`, `applied`, `expired`.
fn standing(kept: &Kept, now: DateTime<Utc>) -> String {
    let yes = kept.yes.as_ref().map(|yes| {
        let by = safe(&yes.act.by, 40);
        format!("approved by {by}, {} of {}", yes.ops.len(), kept.ops)
    });
    let yes = yes.unwrap_or_default();
    let last = kept.applied.last();
    let by = last.map_or_else(String::new, |act| format!(" by {}", safe(&act.by, 40)));
    match kept.state(now) {
        State::Open => {
            let until = kept.expires.format("%Y-%m-%d %H:%M UTC");
            format!("open: nobody said yes; it holds until {until}")
        }
        State::Approved => {
            let short: String = kept.id.chars().take(8).collect();
            format!("{yes}; `footbridge plan apply {short}` carries it out")
        }
        State::PartlyApplied => format!("{yes}; applied{by}, not all of it was written"),
        State::Applied => format!("{yes}; applied{by}"),
        State::EarlierEpoch => {
            let yes = match yes.is_empty() {
                true => String::new(),
                false => format!("{yes}; "),
            };
            format!(
                "{yes}of an earlier epoch (from before a restore, or a copy): it can't be applied; `footbridge plan --save` makes a new one"
            )
        }
        State::Expired if yes.is_empty() => "expired at the firm's midnight".to_owned(),
        State::Expired => format!("{yes}; expired at the firm's midnight"),
        State::Withdrawn => {
            let by = kept.withdrawn.as_ref().map_or("", |act| act.by.as_str());
            let written = kept
                .fates
                .values()
                .filter(|fate| fate.fate == Fate::Applied);
            let before = match written.count() {
                0 => String::new(),
                n => format!(", after {} had been written", count(n, "record")),
            };
            format!("withdrawn by {}{before}", safe(by, 40))
        }
    }
}

fn told(flow: &str, applied: &Applied, plan: &SavedPlan) -> String {
    let mut counts: BTreeMap<Fate, usize> = BTreeMap::new();
    for fate in applied.fates.values() {
        *counts.entry(fate.fate).or_default() += 1;
    }
    let said: Vec<String> = (counts.iter())
        .map(|(fate, n)| {
            let what = match fate {
                Fate::Applied => "written",
                Fate::Already => "there already",
                Fate::NotApproved => "not approved",
                Fate::Stale => "stale",
                Fate::OverTheCap => "left to the next application",
                Fate::Failed => "not written",
                Fate::InDoubt => "in doubt",
            };
            format!("{n} {what}")
        })
        .collect();
    let mut text = wrapped(&format!("{}: {}.", safe(flow, 60), said.join(", ")), 0);
    if let Some(why) = &applied.report.stopped {
        text.push_str(&wrapped(
            &format!("It was stopped before its end: {}.", safe(why, 400)),
            2,
        ));
    }
    text.push_str(&not_written(plan, &applied.fates));
    text
}

/// What was not written, each with why.
fn not_written(plan: &SavedPlan, fates: &BTreeMap<OpId, OpFate>) -> String {
    let is_open = |fate: &OpFate| !matches!(fate.fate, Fate::Applied | Fate::Already);
    let mut open: Vec<(&Op, &OpFate)> = (plan.plan.ops.iter())
        .filter_map(|op| Some((op, fates.get(&op.id).filter(|fate| is_open(fate))?)))
        .collect();
    // What nobody said yes to is no news.
    open.sort_by_key(|(_, fate)| fate.fate == Fate::NotApproved);
    if open.is_empty() {
        return String::new();
    }
    let mut text = "\nNot written\n".to_owned();
    for (op, fate) in open.iter().take(ROWS) {
        text.push_str(&diff::head(op));
        let name = serde_json::to_value(fate.fate).unwrap_or_default();
        let name = name.as_str().unwrap_or("open").to_owned();
        text.push_str(&wrapped(&format!("{name}: {}", safe(&fate.why, 600)), 6));
    }
    if let Some(rest) = open.len().checked_sub(ROWS).filter(|rest| *rest > 0) {
        text.push_str(&format!("  ... and {rest} more; --json has all\n"));
    }
    text
}
