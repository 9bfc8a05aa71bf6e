//! Reads of the set-up: JSON, queries to their end, and what may not be there.

use footbridge_sdk::connector::{Failure, FailureKind};
use footbridge_sdk::failure::{Code, failure, no_answer};
use serde_json::Value;

use crate::errors;
use crate::pages::{Get, request};
use crate::records;
use crate::soql::quoted;

/// Most pages of one query: what we ask for fits one, and a list that goes on for ever is an error.
const PAGES: usize = 500;

/// The way out with what `there` asks of it.
pub(crate) struct Reader<'g> {
    get: Get<'g>,
}

impl<'g> Reader<'g> {
    pub(crate) fn new(get: Get<'g>) -> Self {
        Self { get }
    }

    /// The JSON at a path.
    pub(crate) fn json(&mut self, path: &str) -> Result<Value, Failure> {
        let response = (self.get)(&request(path, Vec::new())).map_err(no_answer)?;
        Ok(errors::read(&response)?)
    }

    /// The JSON at a path; none where Salesforce knows nothing there, or shows it to others only.
    pub(crate) fn maybe(&mut self, path: &str) -> Result<Option<Value>, Failure> {
        let response = (self.get)(&request(path, Vec::new())).map_err(no_answer)?;
        if matches!(response.status, 400 | 403 | 404) {
            return Ok(None);
        }
        Ok(Some(errors::read(&response)?))
    }

    /// The records of a query, `/query` or `/tooling/query`.
    pub(crate) fn query(&mut self, path: &str, text: String) -> Result<Vec<Value>, Failure> {
        let mut found = Vec::new();
        let mut ask = request(path, vec![("q".to_owned(), text)]);
        for _ in 0..PAGES {
            let response = (self.get)(&ask).map_err(no_answer)?;
            let mut answer = records::answer(&errors::read(&response)?)?;
            found.append(&mut answer.records);
            match answer.next {
                Some(next) => ask = request(&next, Vec::new()),
                None => return Ok(found),
            }
        }
        // A part of a list must never pass for the whole: what it leaves out would seem to be missing.
        Err(failure(
            FailureKind::Retry,
            Code::MalformedAnswer,
            format!("a list at {path} didn't end after {PAGES} pages"),
        ))
    }

    /// The number of records that a query counts.
    pub(crate) fn count(&mut self, text: &str) -> Result<Option<u64>, Failure> {
        let ask = request("/query", vec![("q".to_owned(), text.to_owned())]);
        let response = (self.get)(&ask).map_err(no_answer)?;
        if response.status == 400 {
            return Ok(None);
        }
        let body = errors::read(&response)?;
        let total = body.get("totalSize").and_then(Value::as_str);
        Ok(total.and_then(|total| total.parse().ok()))
    }
}

/// Texts as a list of literals.
pub(crate) fn literals<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let literals: Vec<String> = texts.into_iter().map(quoted).collect();
    literals.join(", ")
}
