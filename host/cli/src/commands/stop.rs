//! `footbridge stop` and `footbridge go`: the switch of a flow, or of all. They need no store, so they work while a sync runs,
//! and of the configuration no more than where the data directory is, so a mistake in it is told and stops nobody.

use crate::args;
use crate::commands::{Output, aside, print_json, show};
use crate::config::Bare;
use crate::exit::{Exit, UsageError};
use crate::render::{safe, wrapped};
use crate::switch::{Reach, Switch, Thrown};
use crate::typed;
use crate::who;
use serde_json::json;
use std::path::Path;

pub(crate) fn stop(file: &Path, args: &args::Stop, output: Output) -> anyhow::Result<Exit> {
    if args.why.trim().is_empty() {
        return Err(UsageError(
            "--why is empty; whoever meets the stop needs to know what it is for".to_owned(),
        )
        .into());
    }
    let config = Bare::read(file)?;
    let reach = reach(&config, args.flow.as_deref(), args.all)?;
    let thrown = Thrown {
        by: who::by(),
        at: chrono::Utc::now(),
        why: args.why.clone(),
    };
    Switch::in_data(&config.data).stop(reach, &thrown)?;
    let what = named(reach);
    say(
        output,
        &config,
        &format!(
            "{what} is stopped: {}. A sync that is running stops before its next request; what was sent is seen through. `footbridge go{}` lets it go on.",
            safe(args.why.trim().trim_end_matches('.'), 400),
            if args.all { " --all" } else { "" }
        ),
        json!({"stopped": flow_of(reach), "all": args.all, "by": thrown.by, "at": thrown.at, "why": thrown.why}),
    )
}

pub(crate) fn go(file: &Path, args: &args::Go, output: Output) -> anyhow::Result<Exit> {
    let config = Bare::read(file)?;
    let reach = reach(&config, args.flow.as_deref(), args.all)?;
    let switch = Switch::in_data(&config.data);
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
        for name in config.flows().iter().filter(still) {
            said.push_str(&format!(
                " {} stays stopped by its own name.",
                safe(name, 60)
            ));
        }
    }
    say(
        output,
        &config,
        &said,
        json!({"go": flow_of(reach), "all": args.all, "was_stopped": was, "still": left}),
    )
}

fn reach<'a>(config: &'a Bare, flow: Option<&'a str>, all: bool) -> Result<Reach<'a>, UsageError> {
    if all {
        return Ok(Reach::All);
    }
    Ok(Reach::Flow(config.flow(flow)?))
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

fn say(
    output: Output,
    config: &Bare,
    words: &str,
    mut value: serde_json::Value,
) -> anyhow::Result<Exit> {
    if let (Some(mistake), Some(members)) = (&config.mistake, value.as_object_mut()) {
        members.insert("problem".to_owned(), json!(mistake));
    }
    match output {
        Output::Json => print_json(&value)?,
        Output::Text => {
            show(&wrapped(words, 0))?;
            if let Some(mistake) = &config.mistake {
                warn(mistake, &config.data);
            }
        }
    }
    Ok(Exit::Done)
}

/// What is wrong with the configuration, and which data directory was taken in spite of it.
fn warn(mistake: &str, data: &Path) {
    aside(&format!(
        "footbridge: warning: the configuration has a mistake, so no sync can begin; the switch of the data directory {} was used\n",
        safe(&data.display().to_string(), 400)
    ));
    for line in mistake.lines() {
        aside(&format!("  {}\n", safe(&typed::in_text(line), 2000)));
    }
}
