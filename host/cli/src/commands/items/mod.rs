//! `footbridge items`: what waits for a person, each with its reason, and what the person can do about it.
//!
//! It holds no rule: which choices an item takes is `remedy` in the model, what becomes of one is the engine's and the planner's.

mod act;
mod advice;
mod answer;
mod list;
mod show;

use self::advice::Advice;
use crate::args::{self, ItemAction};
use crate::commands::{Output, print_json, show as print};
use crate::compose::Composition;
use crate::config::{Config, Flow};
use crate::exit::{Exit, UsageError};
use crate::render::{safe, theirs};
use crate::typed;
use footbridge_engine::{Decision, Engine, Known};
use serde_json::json;
use std::path::PathBuf;

/// Where commands that are printed have to be given.
pub(crate) struct Place {
    /// ` --flow NAME`, where there are several.
    flow: String,
    /// The mapping's file.
    mapping: PathBuf,
}

impl Place {
    fn new(config: &Config, name: &str, flow: &Flow) -> Self {
        Self {
            flow: match config.flows.len() {
                0 | 1 => String::new(),
                _ => format!(" --flow {}", typed::quoted(name)),
            },
            mapping: config.mapping_file(flow),
        }
    }
}

pub(crate) async fn run(
    config: &Config,
    args: &args::Items,
    output: Output,
) -> anyhow::Result<Exit> {
    let (name, flow) = config.flow(args.flow.as_deref())?;
    let composition = match &args.action {
        None | Some(ItemAction::Show { .. }) => Composition::look(config, name, flow).await?,
        Some(_) => Composition::open(config, name, flow).await?,
    };
    let engine = &composition.engine;
    let place = Place::new(config, name, flow);
    match &args.action {
        None => list::run(engine, args, &place, output).await?,
        Some(ItemAction::Show { id, part, whole }) => {
            let answer = if *whole {
                show::Answered::Whole
            } else {
                show::Answered::Element
            };
            show::run(engine, (id, *part), answer, &place, output).await?;
        }
        Some(action) => act::run(engine, action, output).await?,
    }
    Ok(Exit::Done)
}

/// What is known under an id; it is an error if that is nothing, or several records.
async fn known(engine: &Engine, id: &str) -> anyhow::Result<Vec<Decision>> {
    match engine.known(id).await? {
        Known::Of(decisions) => Ok(decisions),
        Known::Nothing => Err(UsageError(format!(
            "nothing is known of {id:?}; `footbridge items --all` lists deals and records of the way back"
        ))
        .into()),
        Known::Several(ids) => Err(UsageError(format!(
            "{id:?} is the beginning of several ids: {}. Give more of it",
            ids.join(", ")
        ))
        .into()),
    }
}

fn say(output: Output, text: &str, value: &serde_json::Value) -> anyhow::Result<()> {
    match output {
        Output::Json => print_json(value)?,
        Output::Text => print(&format!("{text}\n"))?,
    }
    Ok(())
}

/// A decision for scripts: with what can be done and the page that tells more.
fn as_json(decision: &Decision, advice: Vec<Advice>) -> serde_json::Value {
    let mut value = json!(decision);
    if let Some(fields) = value.as_object_mut() {
        let commands: Vec<String> = advice.into_iter().map(|advice| advice.command).collect();
        fields.insert("commands".to_owned(), json!(commands));
        let page = footbridge_model::remedy::page_of_reason(&decision.reason);
        fields.insert("page".to_owned(), json!(page));
    }
    value
}

/// `deal (006..., part 2)`.
fn called(decision: &Decision) -> String {
    let part = if decision.subject.part > 1 {
        format!(", part {}", decision.subject.part)
    } else {
        String::new()
    };
    // Its id is what commands take, so it is shown whole; a key of the way back is long.
    let id = safe(decision.subject.record.id.as_str(), 160);
    format!("{} ({id}{part})", theirs(&decision.subject.title, 60))
}
