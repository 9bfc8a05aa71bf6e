//! A connector that asks through both faces of the broker: the same question must get the same answer. The feed's object
//! says through which, its cursor what; any other object is a misuse of the second face, by its name in `misuse.rs`.
//! Native builds hold nothing of it: there is no WASI to ask.

#![cfg(target_arch = "wasm32")]

mod faces;
mod misuse;

use faces::Question;
use footbridge_sdk::connector::{
    Failure, FailureKind, Item, Presence, Problem, feed, lookup, schema, setup, writes,
};

/// The connector.
#[derive(Debug)]
pub struct Fetcher;

impl schema::Guest for Fetcher {
    fn describe() -> schema::Description {
        schema::Description {
            provider: "xero".to_owned(),
            objects: Vec::new(),
            extra: None,
        }
    }
}

impl feed::Guest for Fetcher {
    fn read_changes(request: feed::Request) -> Result<feed::Page, Failure> {
        let asked = request.cursor.unwrap_or_default();
        let said = match request.object.as_str() {
            "deeds" => misuse::DEEDS
                .iter()
                .map(|(name, _)| (*name).to_owned())
                .collect(),
            "first" => vec![faces::first(&question(&asked)?)],
            "second" => vec![faces::second(&question(&asked)?)],
            "honest" => vec!["honest".to_owned()],
            deed => match misuse::DEEDS.iter().find(|(name, _)| *name == deed) {
                Some((_, commit)) => vec![commit()],
                None => return Err(failure(&format!("there is no deed {deed:?}"))),
            },
        };
        let items = said.into_iter().enumerate().map(|(n, said)| Item {
            object: request.object.clone(),
            id: format!("id-{n}"),
            version: "1".to_owned(),
            presence: Presence::Present,
            doc: serde_json::Value::from(said).to_string(),
        });
        Ok(feed::Page {
            items: items.collect(),
            next: None,
            complete: true,
        })
    }
}

impl lookup::Guest for Fetcher {
    fn fetch(_: String, _: Vec<String>, _: Vec<String>) -> Result<lookup::Found, Failure> {
        Err(failure("never"))
    }

    fn find(_: lookup::Criteria) -> Result<lookup::Found, Failure> {
        Err(failure("never"))
    }
}

impl writes::Guest for Fetcher {
    /// The problem is what the second face said: this call is pure.
    fn prepare(_: Vec<writes::Operation>) -> Result<Vec<writes::WriteRequest>, Problem> {
        let said = faces::second(&Question::to("/Contacts"));
        Err(failure(&said).problem)
    }

    fn interpret(_: writes::WriteRequest, _: writes::Answer) -> Vec<writes::Outcome> {
        Vec::new()
    }
}

impl setup::Guest for Fetcher {
    fn discover() -> Result<Vec<setup::Organisation>, Failure> {
        Ok(Vec::new())
    }
}

fn question(text: &str) -> Result<Question, Failure> {
    serde_json::from_str(text).map_err(|error| failure(&error.to_string()))
}

fn failure(message: &str) -> Failure {
    Failure {
        kind: FailureKind::Retry,
        problem: Problem {
            code: "said".to_owned(),
            message: message.to_owned(),
            field: None,
            extra: None,
        },
        retry_after_seconds: None,
    }
}

footbridge_sdk::export_connector!(Fetcher);
