//! `footbridge items`: what waits for a person, each with its reason, and the two things that can be done with one.

use crate::args::{self, ItemAction};
use crate::commands::{Output, print_json, show};
use crate::compose::Composition;
use crate::config::Config;
use crate::exit::{Exit, UsageError};
use crate::render::{count, safe, wrapped};
use footbridge_engine::{Decision, Released, Standing};
use footbridge_model::RequestId;
use footbridge_model::plan::reason;
use footbridge_model::receivable::is_receivable;
use serde_json::json;
use std::collections::BTreeMap;

pub(crate) async fn run(
    config: &Config,
    args: &args::Items,
    output: Output,
) -> anyhow::Result<Exit> {
    let (name, flow) = config.flow(args.flow.as_deref())?;
    let composition = Composition::open(config, name, flow).await?;
    let engine = &composition.engine;
    match &args.action {
        Some(ItemAction::Retry { deal }) => {
            if !engine.look_again(deal).await? {
                return Err(UsageError(format!(
                    "nothing is known of {deal:?}; `footbridge items --all` lists deals and records of the way back"
                ))
                .into());
            }
            say(
                output,
                &format!("The next sync looks at {} again.", safe(deal, 40)),
                &json!({"retry": deal}),
            )?;
        }
        Some(ItemAction::Release { request }) => {
            let n = match engine.release(&RequestId::new(request.clone())).await? {
                Released::Done(n) => n,
                Released::Unknown => {
                    return Err(UsageError(format!("there is no request {request:?}")).into());
                }
                Released::NotWaiting(state) => {
                    return Err(UsageError(format!(
                        "request {request} is {state:?} and doesn't wait for a person"
                    ))
                    .into());
                }
            };
            say(
                output,
                &format!(
                    "{} will be planned again by the next sync.",
                    count(n, "operation")
                ),
                &json!({"released": n}),
            )?;
        }
        None => {
            let mut decisions = engine.decisions().await?;
            decisions.retain(|d| {
                let waits = matches!(d.standing, Standing::Waiting | Standing::Refused);
                let for_time = d.reason == reason::PART_NOT_DUE;
                let asked_for = args.all || args.reason.is_some();
                ((waits && !for_time)
                    || (asked_for && (for_time || d.standing == Standing::Skipped)))
                    && args
                        .reason
                        .as_ref()
                        .is_none_or(|reason| *reason == d.reason)
            });
            match output {
                Output::Json => print_json(&decisions)?,
                Output::Text => show(&words(&decisions))?,
            }
        }
    }
    Ok(Exit::Done)
}

fn say(output: Output, text: &str, value: &serde_json::Value) -> anyhow::Result<()> {
    match output {
        Output::Json => print_json(value)?,
        Output::Text => show(&format!("{text}\n"))?,
    }
    Ok(())
}

fn words(decisions: &[Decision]) -> String {
    if decisions.is_empty() {
        return "Nothing waits for you. `footbridge status` tells how things stand.\n".to_owned();
    }
    let mut by_reason: BTreeMap<&str, Vec<&Decision>> = BTreeMap::new();
    for decision in decisions {
        by_reason
            .entry(&decision.reason)
            .or_default()
            .push(decision);
    }
    let mut text = String::new();
    for (reason, items) in by_reason {
        text.push_str(&format!("{reason}: {}\n", items.len()));
        for item in items {
            let part = if item.subject.part > 1 {
                format!(", part {}", item.subject.part)
            } else {
                String::new()
            };
            // A key of the way back is what `retry` takes, so it is shown whole.
            let id = item.subject.record.id.as_str();
            let most = if is_receivable(item.subject.record.object.as_str()) {
                160
            } else {
                20
            };
            let line = format!(
                "{} ({}{part}), since {}",
                safe(&item.subject.title, 60),
                safe(id, most),
                item.at.format("%Y-%m-%d %H:%M UTC"),
            );
            text.push_str(&wrapped(&line, 2));
            text.push_str(&wrapped(&safe(&item.message, 600), 4));
        }
        text.push('\n');
    }
    text.push_str(&wrapped(
        "Every sync looks at what waits again. After a correction that it can't see, `footbridge items retry DEAL` brings a deal back, or a record of the way back by its key.",
        0,
    ));
    text
}
