//! Reads answers to write requests: one outcome per operation, whatever came back.
//!
//! Never says `applied` or `rejected` of an operation that the answer doesn't clearly speak about: that is in doubt,
//! and the host finds out by reading. Pure, since the host may ask again after a crash. Rests on `echo` and `messages`.

use footbridge_sdk::connector::writes::{Answer, Applied, Outcome, Verdict, WriteRequest};
use footbridge_sdk::connector::{Failure, FailureKind};
use footbridge_sdk::document::{Field, at, write};
use footbridge_sdk::failure::{Code, failure, retry_after};
use serde_json::Value;

use crate::objects::Kind;
use crate::{echo, messages};

/// Reads an answer.
pub(crate) fn interpret(request: &WriteRequest, answer: &Answer) -> Vec<Outcome> {
    let verdicts = match sent_elements(request) {
        Some((kind, sent)) => verdicts(kind, &sent, answer),
        None => Err(in_doubt(
            Code::Internal,
            "The request in the journal is not one of this connector's.",
        )),
    };
    match verdicts {
        Ok(verdicts) => request
            .operations
            .iter()
            .cloned()
            .zip(verdicts)
            .map(|(operation, verdict)| Outcome { operation, verdict })
            .collect(),
        Err(failure) => request
            .operations
            .iter()
            .map(|operation| Outcome {
                operation: operation.clone(),
                verdict: Verdict::Failed(failure.clone()),
            })
            .collect(),
    }
}

/// What the request carried, one element per operation.
fn sent_elements(request: &WriteRequest) -> Option<(Kind, Vec<Value>)> {
    let kind = Kind::ALL
        .into_iter()
        .find(|kind| request.path.strip_prefix('/') == Some(kind.plural()))?;
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    let Field::List(sent) = at(&body, kind.plural()) else {
        return None;
    };
    (sent.len() == request.operations.len()).then(|| (kind, sent.to_vec()))
}

/// One verdict per element that was sent, or one failure for all.
fn verdicts(kind: Kind, sent: &[Value], answer: &Answer) -> Result<Vec<Verdict>, Failure> {
    let body: Option<Value> = if answer.json {
        serde_json::from_str(&answer.body).ok()
    } else {
        None
    };
    match (answer.status, body) {
        (200 | 201, Some(body)) => per_element(kind, sent, &body),
        (400, Some(body)) => refused_as_a_whole(kind, sent, &body),
        (status, _) => Err(by_status(status, sent, answer)),
    }
}

fn per_element(kind: Kind, sent: &[Value], body: &Value) -> Result<Vec<Verdict>, Failure> {
    let Some(answered) = list_of(kind, body) else {
        return Err(in_doubt(
            Code::MalformedAnswer,
            "Xero answered without the list of what it did.",
        ));
    };
    if answered.len() > sent.len() {
        return Err(in_doubt(
            Code::MalformedAnswer,
            &format!(
                "Xero answered with {} records to {} that were sent.",
                answered.len(),
                sent.len()
            ),
        ));
    }
    let ids: Vec<Option<String>> = answered.iter().map(|element| kind.id_of(element)).collect();
    let verdicts = sent
        .iter()
        .enumerate()
        .map(|(place, ours)| match answered.get(place) {
            Some(theirs) if is_refused(theirs) => of_refused(kind, ours, theirs),
            Some(theirs) if echo::matches(kind, ours, theirs) => {
                let id = ids.get(place).cloned().flatten();
                let repeated = id.is_some() && ids.iter().filter(|other| **other == id).count() > 1;
                if repeated {
                    doubt("Xero answered with one id for two records.")
                } else {
                    of_written(kind, theirs, id)
                }
            }
            Some(_) => doubt("Xero answered with another record in this one's place."),
            None => doubt("Xero's answer ends before this record."),
        });
    Ok(verdicts.collect())
}

fn is_refused(element: &Value) -> bool {
    let flagged = || {
        ["HasErrors", "HasValidationErrors"]
            .iter()
            .any(|key| at(element, key).flag() == Some(true))
    };
    match at(element, "StatusAttributeString").text() {
        Some(status) => status.eq_ignore_ascii_case("ERROR"),
        None => flagged() || !messages::of_element(element).is_empty(),
    }
}

fn of_refused(kind: Kind, ours: &Value, theirs: &Value) -> Verdict {
    if echo::matches_refused(kind, ours, theirs) {
        failed(messages::failure_of(&messages::of_element(theirs)))
    } else {
        doubt("Xero refused another record in this one's place.")
    }
}

/// The verdict on an element that is certainly the one sent.
fn of_written(kind: Kind, element: &Value, id: Option<String>) -> Verdict {
    match id {
        Some(id) => Verdict::Applied(Applied {
            id,
            version: Kind::stamp_of(element).map(|_| Kind::version_of(element)),
            doc: write(&kind.read(element)),
            warnings: messages::warnings(element),
        }),
        None => doubt("Xero reports success without an id."),
    }
}

/// A 400: nothing was written. Elements that carry errors are to blame, the others can go again without them.
fn refused_as_a_whole(kind: Kind, sent: &[Value], body: &Value) -> Result<Vec<Verdict>, Failure> {
    let message = at(body, "Message")
        .text()
        .or(at(body, "Detail").text())
        .unwrap_or_default();
    if message.contains("is used with a different request") {
        return Err(in_doubt(
            Code::Internal,
            "Xero knows the idempotency key of this request from another one, so it says nothing about this one.",
        ));
    }
    let blamed: Vec<(&Value, Vec<String>)> = at(body, "Elements")
        .list()
        .iter()
        .map(|element| (element, messages::of_element(element)))
        .filter(|(_, said)| !said.is_empty())
        .collect();
    let blame_of = |ours: &Value| {
        blamed
            .iter()
            .find(|(element, _)| echo::matches_refused(kind, ours, element))
            .map(|(_, said)| messages::failure_of(said))
    };
    let found: Vec<Option<Failure>> = sent.iter().map(blame_of).collect();
    if found.iter().all(Option::is_none) {
        let refusal = unplaced(at(body, "Type").text(), message, &blamed);
        return Err(if sent.len() > 1 {
            in_halves(refusal)
        } else {
            refusal
        });
    }
    let others = failure(
        FailureKind::Retry,
        Code::ValidationRule,
        "Xero refused the whole request for another record in it; nothing was written. This one goes again without it.",
    );
    Ok(found
        .into_iter()
        .map(|blame| failed(blame.unwrap_or_else(|| others.clone())))
        .collect())
}

/// A refusal that can't be laid to any one record.
fn unplaced(kind: Option<&str>, message: &str, blamed: &[(&Value, Vec<String>)]) -> Failure {
    let mut said: Vec<String> = blamed.iter().flat_map(|(_, said)| said.clone()).collect();
    if said.is_empty() && !message.is_empty() {
        said.push(message.to_owned());
    }
    let placed = messages::failure_of(&said);
    if kind == Some("ValidationException") || placed.problem.code != Code::ValidationRule.as_str() {
        return placed;
    }
    failure(
        FailureKind::Misconfigured,
        Code::UnexpectedStatus,
        format!(
            "Xero does not understand the request (status 400): {}. Report it to the makers of the Xero connector.",
            said.join(" ")
        ),
    )
}

/// Nothing was done and no record is to blame by name: the host sends them again in halves and so finds the one.
fn in_halves(refusal: Failure) -> Failure {
    let mut halved = Failure {
        kind: FailureKind::Retry,
        ..refusal
    };
    halved.problem.extra = Some("whole-request".to_owned());
    halved
}

fn by_status(status: u16, sent: &[Value], answer: &Answer) -> Failure {
    let header = |name: &str| {
        answer
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value.as_str())
    };
    match status {
        401 => failure(
            FailureKind::AuthExpired,
            Code::NotAuthorised,
            "Xero refused the credential; nothing was written.",
        ),
        403 => failure(
            FailureKind::Misconfigured,
            Code::NotAuthorised,
            "Xero says that the connection's rights don't allow this write. Connect Xero again and grant it.",
        ),
        404 => match sent {
            [one]
                if Kind::ALL
                    .iter()
                    .any(|kind| at(one, kind.id_field()).is_given()) =>
            {
                failure(
                    FailureKind::NotVisible,
                    Code::NotFound,
                    "Xero knows no record with this id; nothing was written.",
                )
            }
            _ => failure(
                FailureKind::Misconfigured,
                Code::NotFound,
                "Xero knows nothing at this address; nothing was written. Check the connection's address.",
            ),
        },
        413 => failure(
            FailureKind::Misconfigured,
            Code::TooLong,
            "Xero finds the request too large; nothing was written.",
        ),
        429 => {
            let day = header("x-rate-limit-problem")
                .is_some_and(|which| which.eq_ignore_ascii_case("day"));
            let (kind, what) = if day {
                (FailureKind::Quota, "day")
            } else {
                (FailureKind::Retry, "moment")
            };
            Failure {
                retry_after_seconds: retry_after(header("retry-after")),
                ..failure(
                    kind,
                    Code::RateLimited,
                    format!("Xero takes no more calls for the {what}; nothing was written."),
                )
            }
        }
        500..=599 => in_doubt(
            Code::ServerError,
            &format!("Xero had a fault of its own (status {status})."),
        ),
        200..=299 | 400 => in_doubt(
            Code::MalformedAnswer,
            &format!("Xero's answer (status {status}) can't be read."),
        ),
        _ => in_doubt(
            Code::UnexpectedStatus,
            &format!("Xero answered with the unexpected status {status}."),
        ),
    }
}

/// The list under its key, whatever the key's case.
fn list_of(kind: Kind, body: &Value) -> Option<&Vec<Value>> {
    let Value::Object(map) = body else {
        return None;
    };
    map.iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(kind.plural()))
        .and_then(|(_, value)| value.as_array())
}

fn failed(failure: Failure) -> Verdict {
    Verdict::Failed(failure)
}

fn doubt(what: &str) -> Verdict {
    failed(in_doubt(Code::MalformedAnswer, what))
}

fn in_doubt(code: Code, what: &str) -> Failure {
    failure(
        FailureKind::InDoubt,
        code,
        format!("{what} Whether it was written will be found out by reading."),
    )
}

#[cfg(test)]
#[path = "answers_tests.rs"]
mod tests;
