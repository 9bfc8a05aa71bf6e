//! `footbridge stop` and `footbridge go`: the switch of a flow, or of all. They need no store, so they work while a sync runs.

use crate::args;
use crate::commands::{Output, print_json, show};
use crate::config::Config;
use crate::exit::{Exit, UsageError};
use crate::render::{safe, wrapped};
use crate::switch::{Reach, Switch, Thrown};
use crate::who;
use serde_json::json;

pub(crate) fn stop(config: &Config, args: &args::Stop, output: Output) -> anyhow::Result<Exit> {
    if args.why.trim().is_empty() {
        return Err(UsageError(
            "--why is empty; whoever meets the stop needs to know what it is for".to_owned(),
        )
        .into());
    }
    let reach = reach(config, args.flow.as_deref(), args.all)?;
    let thrown = Thrown {
        by: who::by(),
        at: chrono::Utc::now(),
        why: args.why.clone(),
    };
    Switch::of(config).stop(reach, &thrown)?;
    let what = named(reach);
    say(
        output,
        &format!(
            "{what} is stopped: {}. A sync that is running stops before its next request; what was sent is seen through. `footbridge go{}` lets it go on.",
            safe(args.why.trim().trim_end_matches('.'), 400),
            if args.all { " --all" } else { "" }
        ),
        &json!({"stopped": flow_of(reach), "all": args.all, "by": thrown.by, "at": thrown.at, "why": thrown.why}),
    )
}

pub(crate) fn go(config: &Config, args: &args::Go, output: Output) -> anyhow::Result<Exit> {
    let reach = reach(config, args.flow.as_deref(), args.all)?;
    let switch = Switch::of(config);
    let was = switch.go(reach)?;
    let what = named(reach);
    let mut said = match was {
        true => format!("{what} may write again; the next sync goes on."),
        false if args.all => "There was no stop of all flows.".to_owned(),
        false => format!("{what} was not stopped by its own name."),
    };
    let left = match reach {
        Reach::Flow(_) => switch.why_all(),
        Reach::All => None,
    };
    if let Some(why) = &left {
        said.push_str(&format!(" It is still held: {}.", safe(why, 400)));
    }
    if matches!(reach, Reach::All) {
        let still = |name: &&String| switch.why(name).is_some();
        for name in config.flows.keys().filter(still) {
            said.push_str(&format!(
                " {} stays stopped by its own name.",
                safe(name, 60)
            ));
        }
    }
    say(
        output,
        &said,
        &json!({"go": flow_of(reach), "all": args.all, "was_stopped": was, "still": left}),
    )
}

fn reach<'a>(config: &'a Config, flow: Option<&str>, all: bool) -> Result<Reach<'a>, UsageError> {
    if all {
        return Ok(Reach::All);
    }
    let names: Vec<&str> = config.flows.keys().map(String::as_str).collect();
    match (flow, names.as_slice()) {
        (None, [_, _, ..]) => Err(UsageError(format!(
            "which flow? Name one of: {}; or --all",
            names.join(", ")
        ))),
        (flow, _) => Ok(Reach::Flow(config.flow(flow)?.0)),
    }
}

fn named(reach: Reach<'_>) -> String {
    match reach {
        Reach::Flow(name) => safe(name, 60),
        Reach::All => "Every flow".to_owned(),
    }
}

fn flow_of(reach: Reach<'_>) -> Option<&str> {
    match reach {
        Reach::Flow(name) => Some(name),
        Reach::All => None,
    }
}

fn say(output: Output, words: &str, value: &serde_json::Value) -> anyhow::Result<Exit> {
    match output {
        Output::Json => print_json(value)?,
        Output::Text => show(&wrapped(words, 0))?,
    }
    Ok(Exit::Done)
}
