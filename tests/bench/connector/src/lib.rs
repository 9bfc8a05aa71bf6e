//! A connector that does what is measured and nothing else: a read for each id, or so many rounds of work.

#[path = "../../work.rs"]
mod work;

use footbridge_sdk::connector::{
    Failure, FailureKind, Item, Presence, Problem, feed, http, lookup, schema, setup, writes,
};

/// The connector.
#[derive(Debug)]
pub struct Measured;

impl schema::Guest for Measured {
    fn describe() -> schema::Description {
        schema::Description {
            provider: "salesforce".to_owned(),
            objects: Vec::new(),
            extra: None,
        }
    }
}

impl feed::Guest for Measured {
    fn read_changes(request: feed::Request) -> Result<feed::Page, Failure> {
        let bytes = work::work(request.limit);
        Ok(feed::Page {
            items: vec![Item {
                object: request.object,
                id: "0".to_owned(),
                version: "1".to_owned(),
                presence: Presence::Present,
                doc: format!("\"{bytes}\""),
            }],
            next: None,
            complete: true,
        })
    }
}

impl lookup::Guest for Measured {
    fn fetch(object: String, ids: Vec<String>, _: Vec<String>) -> Result<lookup::Found, Failure> {
        for id in ids {
            let request = http::Request {
                service: "data".to_owned(),
                path: format!("/sobjects/{object}/{id}"),
                query: Vec::new(),
                headers: Vec::new(),
            };
            let answer = http::get(&request).map_err(|error| failure(&format!("{error:?}")))?;
            if answer.status != 200 {
                return Err(failure(&answer.status.to_string()));
            }
        }
        Ok(lookup::Found {
            items: Vec::new(),
            complete: true,
        })
    }

    fn find(_: lookup::Criteria) -> Result<lookup::Found, Failure> {
        Err(failure("nothing is found here"))
    }
}

impl writes::Guest for Measured {
    fn prepare(_: Vec<writes::Operation>) -> Result<Vec<writes::WriteRequest>, Problem> {
        Ok(Vec::new())
    }

    fn interpret(_: writes::WriteRequest, _: writes::Answer) -> Vec<writes::Outcome> {
        Vec::new()
    }
}

impl setup::Guest for Measured {
    fn discover() -> Result<Vec<setup::Organisation>, Failure> {
        Ok(Vec::new())
    }
}

fn failure(message: &str) -> Failure {
    Failure {
        kind: FailureKind::Rejected,
        problem: Problem {
            code: "measured".to_owned(),
            message: message.to_owned(),
            field: None,
            extra: None,
        },
        retry_after_seconds: None,
    }
}

footbridge_sdk::export_connector!(Measured);
