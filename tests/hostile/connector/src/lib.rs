//! A connector whose every call can go wrong in one named way. The object's name, or the answer's body, says which.

mod deeds;
mod keeping;

use footbridge_sdk::connector::{
    Failure, FailureKind, Item, Presence, Problem, feed, http, lookup, schema, setup, writes,
};

/// The connector.
#[derive(Debug)]
pub struct Hostile;

impl schema::Guest for Hostile {
    fn describe() -> schema::Description {
        schema::Description {
            provider: "xero".to_owned(),
            objects: Vec::new(),
            extra: None,
        }
    }
}

impl feed::Guest for Hostile {
    fn read_changes(request: feed::Request) -> Result<feed::Page, Failure> {
        let doc = match request.object.as_str() {
            "number token" => r#"{"total":12.5}"#.to_owned(),
            "duplicate key" => r#"{"a":"1","a":"2"}"#.to_owned(),
            "no json" => "{".to_owned(),
            "too deep" => format!("{}{}", "[".repeat(65), "]".repeat(65)),
            "too large" => format!("\"{}\"", "x".repeat(1024 * 1024)),
            "typed failure" => {
                return Err(failure("typed", "it said so"));
            }
            "read" => format!(
                "\"{}\"",
                read(request.cursor.as_deref().unwrap_or("/Contacts"))?
            ),
            "keep" => keeping::keep(request.cursor.as_deref().unwrap_or_default())?,
            deed => {
                deeds::commit(deed);
                r#"{"b":"2","a":"1"}"#.to_owned()
            }
        };
        let count = if request.object == "too many" {
            5_001
        } else {
            1
        };
        let item = |n: usize| Item {
            object: request.object.clone(),
            id: format!("id-{n}"),
            version: "1".to_owned(),
            presence: Presence::Present,
            doc: doc.clone(),
        };
        Ok(feed::Page {
            items: (0..count).map(item).collect(),
            next: None,
            complete: true,
        })
    }
}

impl lookup::Guest for Hostile {
    fn fetch(object: String, ids: Vec<String>, _: Vec<String>) -> Result<lookup::Found, Failure> {
        if object == "keep" {
            return keeping::found(&ids.concat());
        }
        for id in ids {
            read(&id)?;
        }
        Ok(lookup::Found {
            items: Vec::new(),
            complete: true,
        })
    }

    fn find(_: lookup::Criteria) -> Result<lookup::Found, Failure> {
        Err(failure("no", "never"))
    }
}

impl writes::Guest for Hostile {
    fn prepare(operations: Vec<writes::Operation>) -> Result<Vec<writes::WriteRequest>, Problem> {
        let how = operations.first().map(|operation| operation.object.clone());
        let mut ids: Vec<String> = operations
            .into_iter()
            .map(|operation| operation.id)
            .collect();
        let mut header = "none".to_owned();
        match how.as_deref() {
            Some("missing") => drop(ids.pop()),
            Some("extra") => ids.push("never asked".to_owned()),
            Some("twice") => ids.extend(ids.clone()),
            Some("nothing") => return Ok(Vec::new()),
            Some("empty request") => ids.clear(),
            Some("keep") => header = keeping::in_a_pure_call(),
            Some("reach") => {
                header = match read("/Contacts") {
                    Ok(body) => body,
                    Err(failure) => failure.problem.message,
                };
            }
            _ => {}
        }
        Ok(vec![writes::WriteRequest {
            service: "accounting".to_owned(),
            method: writes::Method::Put,
            path: "/Contacts".to_owned(),
            query: Vec::new(),
            headers: vec![writes::RequestHeader {
                name: "x-said".to_owned(),
                value: header,
            }],
            content_type: "application/json".to_owned(),
            body: b"{}".to_vec(),
            operations: ids,
        }])
    }

    fn interpret(request: writes::WriteRequest, answer: writes::Answer) -> Vec<writes::Outcome> {
        let mut ids = request.operations;
        let mut doc = "{}".to_owned();
        match answer.body.as_str() {
            "missing" => drop(ids.pop()),
            "extra" => ids.push("never asked".to_owned()),
            "twice" => ids.extend(ids.clone()),
            "number token" => doc = r#"{"total":1}"#.to_owned(),
            "trap" => deeds::commit("trap"),
            _ => {}
        }
        let outcome = |operation: String| writes::Outcome {
            operation,
            verdict: writes::Verdict::Applied(writes::Applied {
                id: "far".to_owned(),
                version: None,
                doc: doc.clone(),
                warnings: Vec::new(),
            }),
        };
        ids.into_iter().map(outcome).collect()
    }
}

impl setup::Guest for Hostile {
    fn discover() -> Result<Vec<setup::Organisation>, Failure> {
        Ok(Vec::new())
    }
}

fn read(path: &str) -> Result<String, Failure> {
    let request = http::Request {
        service: "accounting".to_owned(),
        path: path.to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
    };
    match http::get(&request) {
        Ok(response) => Ok(response.status.to_string()),
        Err(http::Error::Denied(why)) => Err(failure("denied", &why)),
        Err(other) => Err(failure("other", &format!("{other:?}"))),
    }
}

pub(crate) fn failure(code: &str, message: &str) -> Failure {
    Failure {
        kind: FailureKind::Retry,
        problem: Problem {
            code: code.to_owned(),
            message: message.to_owned(),
            field: None,
            extra: None,
        },
        retry_after_seconds: Some(7),
    }
}

footbridge_sdk::export_connector!(Hostile);
