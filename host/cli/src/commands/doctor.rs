//! `footbridge doctor`: everything that a sync needs, checked one by one, each with what to do about it. Reads only.

use crate::args;
use crate::commands::connect::held_words;
use crate::commands::{Output, backup, plugin, print_json, show};
use crate::compose::{self, Asked, Composition};
use crate::config::{Config, Flow};
use crate::exit::{self, Exit};
use crate::render::{count, safe, wrapped};
use crate::switch::Switch;
use crate::typed;
use footbridge_engine::ports::Clock;
use footbridge_sandbox::{Broker, SystemClock};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

/// One check.
#[derive(Debug, Serialize)]
struct Check {
    what: String,
    /// Absent if it is well.
    problem: Option<String>,
    /// A word on what was found.
    found: Option<String>,
}

pub(crate) async fn run(file: &Path, args: &args::Doctor, output: Output) -> anyhow::Result<Exit> {
    let mut checks = Vec::new();
    let mut worst = Exit::Done;
    let config = note(&mut checks, &mut worst, "configuration", Config::read(file));
    if let Some(config) = config {
        everything(&config, args, &mut checks, &mut worst).await;
    }
    match output {
        Output::Json => print_json(&checks)?,
        Output::Text => show(&words(&checks))?,
    }
    Ok(worst)
}

async fn everything(
    config: &Config,
    args: &args::Doctor,
    checks: &mut Vec<Check>,
    worst: &mut Exit,
) {
    if let Some(Some(found)) = staged_plugins(config, checks, worst) {
        checks.push(Check {
            what: "plugins wait for your look".to_owned(),
            problem: None,
            found: Some(found),
        });
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let rows = backup::measured(config).await;
    let asked = rows.as_ref().map_or(&Asked::ToWork, |(_, asked)| asked);
    let connections = config.connections.values().cloned().collect();
    let Some(broker) = note(
        checks,
        worst,
        "connections' settings and secrets",
        compose::broker_for(config, connections, &clock, asked),
    ) else {
        return;
    };
    for name in config.connections.keys() {
        let id = footbridge_model::id::ConnectionId::new(name.clone());
        let Ok(held) = broker.held(&id) else { continue };
        if let Some(problem) = &held.problem {
            if *worst == Exit::Done {
                *worst = Exit::FarSide;
            }
            checks.push(Check {
                what: format!("{name} is connected"),
                problem: Some(problem.clone()),
                found: None,
            });
        } else {
            checks.push(Check {
                what: format!("{name} is connected"),
                problem: None,
                found: Some(held_words(&held)),
            });
        }
    }
    let mut offline = args.offline;
    match rows {
        Ok((found, asked)) => {
            checks.push(Check {
                what: "data directory".to_owned(),
                problem: None,
                found: Some(found),
            });
            if let Asked::ToLook(why) = asked {
                // No request without its record, and that can't be written.
                offline = true;
                *worst = Exit::Data;
                checks.push(Check {
                    what: "data directory can be written".to_owned(),
                    problem: Some(format!(
                        "{why}. Until then no sync can run; nothing was asked of the far sides"
                    )),
                    found: None,
                });
            }
        }
        Err(error) => drop(note(checks, worst, "data directory", Err::<(), _>(error))),
    }
    let reach = match offline {
        true => Reach::Here,
        false => Reach::FarSides,
    };
    for (name, flow) in &config.flows {
        let from = checks.len();
        let named = (name.as_str(), flow);
        of_flow(config, named, (&broker, reach), checks, worst).await;
        if config.flows.len() > 1 {
            for check in checks.iter_mut().skip(from) {
                for text in [&mut check.problem, &mut check.found].into_iter().flatten() {
                    *text = typed::about_flow(name, text);
                }
            }
        }
    }
}

/// How far the checks go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// No far side is asked.
    Here,
    FarSides,
}

/// What one flow needs.
async fn of_flow(
    config: &Config,
    (name, flow): (&str, &Flow),
    (broker, reach): (&Broker, Reach),
    checks: &mut Vec<Check>,
    worst: &mut Exit,
) {
    if let Some(why) = Switch::of(config).why(name) {
        in_the_way(checks, worst, &format!("{name} is stopped"), why);
    }
    let opened = Composition::look(config, name, flow).await;
    let what = format!("data directory, plugins and mapping of {name}");
    let Some(composition) = note(checks, worst, &what, opened) else {
        return;
    };
    match composition.engine.held().await {
        Ok(None) => {}
        Ok(Some(held)) => {
            let why = format!("{held}. Then `footbridge sync --go-on`");
            in_the_way(checks, worst, &format!("{name} is held"), why);
        }
        Err(error) => drop(note(checks, worst, &what, Err::<(), _>(error.into()))),
    }
    if reach == Reach::Here {
        return;
    }
    for connection in [&flow.source, &flow.ledger] {
        let id = footbridge_model::id::ConnectionId::new(connection.clone());
        let proven = broker.check(&id).await.map_err(anyhow::Error::msg);
        if note(
            checks,
            worst,
            &format!("credential of {connection}"),
            proven,
        )
        .is_none()
        {
            *worst = Exit::FarSide;
        }
    }
    let answers = composition
        .engine
        .who_answers()
        .await
        .map_err(anyhow::Error::from);
    if let Some(names) = note(checks, worst, &format!("organisations of {name}"), answers) {
        for (connection, organisation) in names {
            checks.push(Check {
                what: format!("{connection} answers"),
                problem: None,
                found: Some(organisation),
            });
        }
        let read = composition.engine.fields_are_there().await;
        let what = format!("fields that {name} reads in {}", flow.source);
        // Whether it is well or not stands in the list.
        let _noted = note(checks, worst, &what, read.map_err(Into::into));
    }
    for connection in [&flow.source, &flow.ledger] {
        let id = footbridge_model::id::ConnectionId::new(connection.clone());
        if let Some(left) = composition.broker.left(&id) {
            checks.push(Check {
                what: format!("budget of {connection}"),
                problem: None,
                found: Some(figures(left.minute, left.day)),
            });
        }
    }
}

/// What a person has to end before a sync writes anything.
fn in_the_way(checks: &mut Vec<Check>, worst: &mut Exit, what: &str, why: String) {
    if *worst == Exit::Done {
        *worst = Exit::Failed;
    }
    checks.push(Check {
        what: what.to_owned(),
        problem: Some(why),
        found: None,
    });
}

/// What lies in the watched folder; noted only if it can't be read or something does.
fn staged_plugins(
    config: &Config,
    checks: &mut Vec<Check>,
    worst: &mut Exit,
) -> Option<Option<String>> {
    match plugin::waiting(config) {
        Ok(found) => Some(found),
        Err(error) => note(checks, worst, "the watched folder of plugins", Err(error)),
    }
}

/// What is known of the calls that are left.
fn figures(minute: Option<u32>, day: Option<u32>) -> String {
    let known = [(minute, "this minute"), (day, "today")];
    let parts: Vec<String> = known
        .into_iter()
        .filter_map(|(n, when)| Some(format!("{} {when}", n?)))
        .collect();
    match parts.is_empty() {
        true => "not known before the first call".to_owned(),
        false => format!("calls left: {}", parts.join(", ")),
    }
}

fn note<T>(
    checks: &mut Vec<Check>,
    worst: &mut Exit,
    what: &str,
    result: anyhow::Result<T>,
) -> Option<T> {
    let (value, problem) = match result {
        Ok(value) => (Some(value), None),
        Err(error) => {
            if *worst == Exit::Done {
                *worst = exit::of(&error);
            }
            (None, Some(format!("{error:#}")))
        }
    };
    checks.push(Check {
        what: what.to_owned(),
        problem,
        found: None,
    });
    value
}

fn words(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        match (&check.problem, &check.found) {
            (Some(problem), _) => {
                text.push_str(&format!("wrong  {}\n", safe(&check.what, 100)));
                for line in problem.lines() {
                    text.push_str(&wrapped(&safe(line, 2000), 7));
                }
            }
            (None, Some(found)) => text.push_str(&wrapped(
                &format!("{}: {}", safe(&check.what, 100), safe(found, 400)),
                7,
            )),
            (None, None) => text.push_str(&format!("well   {}\n", safe(&check.what, 100))),
        }
    }
    let wrong = checks
        .iter()
        .filter(|check| check.problem.is_some())
        .count();
    text.push_str(&match wrong {
        0 => "All is well. `footbridge plan` shows what a sync would do.\n".to_owned(),
        n => format!(
            "{} to put right; then run `footbridge doctor` again.\n",
            count(n, "thing")
        ),
    });
    text
}
