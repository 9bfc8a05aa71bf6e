//! Reads answers to Collections requests: one outcome per operation, whatever came back.
//!
//! Never says `applied` or `rejected` of a row that the answer doesn't clearly speak about: that is in doubt, and the
//! host finds out by reading. Pure, since the host may ask again after a crash. Rests on `errors` and `ids`.

use footbridge_sdk::connector::writes::{Answer, Applied, Outcome, Verdict, WriteRequest};
use footbridge_sdk::connector::{Failure, FailureKind};
use footbridge_sdk::document::{Field, at};
use footbridge_sdk::failure::{Code, failure, retry_after};
use serde_json::{Value, json};

use crate::errors::{ApiError, listed};
use crate::receivables::{self, KEY};
use crate::{batches, ids, upserts};

/// What a row of a request was about.
#[derive(Debug, PartialEq)]
enum Sent {
    /// A record, by its id.
    Id(String),
    /// A record of the receivables vocabulary, by its id.
    IdOfKind(String),
    /// A record of the receivables vocabulary, by its key. Its id is known only from the answer.
    Key(String),
}

impl Sent {
    /// Whether an answered id can be this one's.
    fn may_be(&self, id: &str) -> bool {
        match self {
            Self::Id(target) | Self::IdOfKind(target) => ids::same(id, target),
            Self::Key(_) => ids::long(id).is_some(),
        }
    }
}

/// Reads an answer.
pub(crate) fn interpret(request: &WriteRequest, answer: &Answer) -> Vec<Outcome> {
    let verdicts = match sent(request) {
        Some(sent) => verdicts(&sent, answer),
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

/// What the request's rows are about, one per operation.
fn sent(request: &WriteRequest) -> Option<Vec<Sent>> {
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    let Field::List(rows) = at(&body, "records") else {
        return None;
    };
    let upserts = upserts::kind_of(&request.path).is_some();
    if !upserts && request.path != batches::PATH {
        return None;
    }
    let of_row = |row: &Value| {
        if upserts {
            return at(row, KEY).text().map(|key| Sent::Key(key.to_owned()));
        }
        let id = at(row, "id").text().and_then(ids::long)?;
        let object = at(row, "attributes.type").text().unwrap_or_default();
        Some(match receivables::of_object(object) {
            Some(_) => Sent::IdOfKind(id),
            None => Sent::Id(id),
        })
    };
    let sent: Option<Vec<Sent>> = rows.iter().map(of_row).collect();
    sent.filter(|sent| sent.len() == request.operations.len())
}

fn verdicts(sent: &[Sent], answer: &Answer) -> Result<Vec<Verdict>, Failure> {
    let body: Option<Value> = if answer.json {
        serde_json::from_str(&answer.body).ok()
    } else {
        None
    };
    match (answer.status, &body) {
        (200 | 201, Some(Value::Array(rows))) => per_row(sent, rows),
        (status, body) => Err(whole(status, body.as_ref(), answer)),
    }
}

fn per_row(sent: &[Sent], rows: &[Value]) -> Result<Vec<Verdict>, Failure> {
    if rows.len() > sent.len() {
        return Err(in_doubt(
            Code::MalformedAnswer,
            &format!(
                "Salesforce answered with {} rows to {} that were sent.",
                rows.len(),
                sent.len()
            ),
        ));
    }
    // A refused row often carries no id, and that of a new record is not known before. Both can be trusted by their place only
    // if no other place is wrong.
    let placed = rows.len() == sent.len()
        && rows
            .iter()
            .zip(sent)
            .all(|(row, sent)| at(row, "id").text().is_none_or(|id| sent.may_be(id)));
    let verdict = |(place, sent): (usize, &Sent)| match rows.get(place) {
        Some(row) => of_row(row, sent, placed),
        None => doubt("Salesforce's answer ends before this row."),
    };
    Ok(sent.iter().enumerate().map(verdict).collect())
}

fn of_row(row: &Value, sent: &Sent, placed: bool) -> Verdict {
    let id = at(row, "id").text();
    if id.is_some_and(|id| !sent.may_be(id)) {
        return doubt("Salesforce answered with another record in this one's place.");
    }
    if matches!(sent, Sent::Key(_)) && !placed {
        return doubt("Salesforce's answer has other rows than were sent.");
    }
    match (at(row, "success").flag(), id.and_then(ids::long)) {
        (Some(true), Some(id)) => Verdict::Applied(Applied {
            doc: match sent {
                Sent::Id(id) => json!({"Id": id}).to_string(),
                Sent::IdOfKind(_) => json!({}).to_string(),
                // The answer is about the record of this key, whether it was there before or not.
                Sent::Key(key) => json!({"key": key}).to_string(),
            },
            id,
            version: None,
            warnings: at(row, "warnings")
                .list()
                .iter()
                .filter_map(|entry| at(entry, "message").text())
                .map(str::to_owned)
                .collect(),
        }),
        (Some(false), id) if id.is_some() || placed => match at(row, "errors") {
            Field::List(errors) => {
                Verdict::Failed(refused(&listed(&Value::Array(errors.to_vec()))))
            }
            _ => doubt("Salesforce refused this row without an error."),
        },
        _ => doubt("Salesforce's answer does not say what became of this row."),
    }
}

/// The most telling of a row's errors: one that asks for something else than a corrected record.
fn refused(errors: &[ApiError]) -> Failure {
    let failures: Vec<Failure> = errors
        .iter()
        .map(|error| error.failure(FailureKind::Rejected))
        .collect();
    let telling = failures
        .iter()
        .find(|failure| failure.kind != FailureKind::Rejected)
        .or(failures.first());
    telling.cloned().unwrap_or_else(|| {
        failure(
            FailureKind::Rejected,
            Code::ValidationRule,
            "Salesforce refused this row and gave no reason.",
        )
    })
}

/// An answer to the request as a whole.
fn whole(status: u16, body: Option<&Value>, answer: &Answer) -> Failure {
    if status >= 500 {
        return in_doubt(
            Code::ServerError,
            &format!("Salesforce had a fault of its own (status {status})."),
        );
    }
    let said = body.map(listed).unwrap_or_default();
    let header = |name: &str| {
        answer
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value.as_str())
    };
    match (status, said.first()) {
        (401, _) => failure(
            FailureKind::AuthExpired,
            Code::NotAuthorised,
            "Salesforce refused the credential; nothing was written.",
        ),
        (400..=499, Some(error)) => error.failure(FailureKind::Misconfigured),
        (403, None) => failure(
            FailureKind::Misconfigured,
            Code::NotAuthorised,
            "Salesforce says that the connection's rights don't allow this write. Give its user access.",
        ),
        (404 | 405, None) => failure(
            FailureKind::Misconfigured,
            Code::NotFound,
            "Salesforce knows nothing at this address; nothing was written. Check the connection's address and version.",
        ),
        (413, None) => failure(
            FailureKind::Misconfigured,
            Code::TooLong,
            "Salesforce finds the request too large; nothing was written.",
        ),
        (429, None) => Failure {
            retry_after_seconds: retry_after(header("retry-after")),
            ..failure(
                FailureKind::Retry,
                Code::RateLimited,
                "Salesforce takes no more calls for the moment; nothing was written.",
            )
        },
        (200..=299 | 400, _) => in_doubt(
            Code::MalformedAnswer,
            &format!("Salesforce's answer (status {status}) can't be read."),
        ),
        _ => in_doubt(
            Code::UnexpectedStatus,
            &format!("Salesforce answered with the unexpected status {status}."),
        ),
    }
}

fn doubt(what: &str) -> Verdict {
    Verdict::Failed(in_doubt(Code::MalformedAnswer, what))
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
