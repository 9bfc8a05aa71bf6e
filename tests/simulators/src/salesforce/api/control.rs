//! `/_sim/`: what a test does to the simulator from outside. No session, not counted.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ApiAnswer;
use super::http::Call;
use crate::faults::FaultRule;
use crate::salesforce::SalesforceSimulator;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Merge {
    object: String,
    master: String,
    loser: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shared {
    ids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Late {
    object: String,
    #[serde(default)]
    id: Option<String>,
    fields: Map<String, Value>,
}

/// Answers a control call.
pub(super) fn run(simulator: &SalesforceSimulator, call: &Call) -> ApiAnswer {
    let segments: Vec<&str> = call
        .path()
        .trim_start_matches("/_sim/")
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    let done = || ApiAnswer::ok(json!({"ok": true}));
    match (&call.method, segments.as_slice()) {
        (&Method::GET, ["counts"]) => ApiAnswer::ok(json!(simulator.counts())),
        (&Method::DELETE, ["counts"]) => {
            simulator.reset_counts();
            done()
        }
        (&Method::GET, ["faults"]) => ApiAnswer::ok(json!(simulator.faults().fired())),
        (&Method::POST, ["faults"]) => parsed(call, |rule: FaultRule| {
            simulator.faults().inject(rule);
            Ok(json!({"ok": true}))
        }),
        (&Method::DELETE, ["faults"]) => {
            simulator.faults().clear();
            done()
        }
        (&Method::POST, ["clock"]) => parsed(call, |advance: Advance| {
            simulator
                .clock()
                .advance(chrono::Duration::seconds(advance.advance_seconds));
            Ok(json!({"now": simulator.clock().now().to_rfc3339()}))
        }),
        (&Method::GET, ["dump", object]) => ApiAnswer::ok(json!(simulator.dump(object))),
        (&Method::POST, ["load", object]) => parsed(call, |record: Value| {
            simulator
                .load(object, record)
                .map_err(|error| error.to_string())
        }),
        (&Method::POST, ["merge"]) => parsed(call, |merge: Merge| {
            simulator
                .merge(&merge.object, &merge.master, &merge.loser)
                .map_err(|error| error.to_string())?;
            Ok(json!({"ok": true}))
        }),
        (&Method::POST, ["hide"]) => parsed(call, |shared: Shared| {
            simulator.hide(&shared.ids);
            Ok(json!({"ok": true}))
        }),
        (&Method::POST, ["show"]) => parsed(call, |shared: Shared| {
            simulator.show(&shared.ids);
            Ok(json!({"ok": true}))
        }),
        (&Method::POST, ["late"]) => parsed(call, |late: Late| {
            Ok(
                json!({"ticket": simulator.begin_late(&late.object, late.id.as_deref(), late.fields)}),
            )
        }),
        (&Method::POST, ["late", ticket]) => {
            match ticket.parse().map(|ticket| simulator.commit_late(ticket)) {
                Ok(Ok(id)) => ApiAnswer::ok(json!({"id": id})),
                Ok(Err(error)) => refused(&error.to_string()),
                Err(_) => refused("a ticket is a number"),
            }
        }
        _ => ApiAnswer {
            status: 404,
            location: None,
            body: Some(json!({"error": "no such control"})),
        },
    }
}

fn parsed<T: for<'a> Deserialize<'a>>(
    call: &Call,
    run: impl FnOnce(T) -> Result<Value, String>,
) -> ApiAnswer {
    let input = serde_json::from_slice(&call.body).map_err(|error| error.to_string());
    match input.and_then(run) {
        Ok(value) => ApiAnswer::ok(value),
        Err(error) => refused(&error),
    }
}

fn refused(error: &str) -> ApiAnswer {
    ApiAnswer {
        status: 400,
        location: None,
        body: Some(json!({"error": error})),
    }
}
