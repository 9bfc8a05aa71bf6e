//! One call as the endpoints see it: method, path, query, headers and body, all read.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::answer::Answer;
use super::dates;
use super::defect::Defect;
use super::element::Element;
use super::money::UnitPlaces;
use crate::defects::Defects;

/// A call of the accounting API.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// What follows `/api.xro/2.0/`, decoded.
    pub(crate) segments: Vec<String>,
    query: BTreeMap<String, String>,
    pub(crate) since: Option<DateTime<Utc>>,
    content_type: Option<String>,
    body: Vec<u8>,
    /// The client id of the caller.
    pub(crate) app: String,
    pub(crate) now: DateTime<Utc>,
    /// Fault: elements committed before the server fails.
    pub(crate) fails_after: Option<usize>,
    /// Fault: the message with which the first element is refused.
    pub(crate) refused_with: Option<String>,
    /// Fault: so is every other element.
    pub(crate) refuses_all: bool,
    defects: Defects<Defect>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Put,
    Post,
    Delete,
    Other,
}

/// How a bad element affects the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errors {
    /// One bad element refuses the call.
    Summarized,
    /// Each element has its own outcome.
    PerElement,
}

/// The parts of a call before they are read.
#[derive(Debug)]
pub(crate) struct RawCall<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) since: Option<&'a str>,
    pub(crate) content_type: Option<&'a str>,
    pub(crate) body: &'a [u8],
    pub(crate) app: &'a str,
    pub(crate) now: DateTime<Utc>,
    pub(crate) defects: Defects<Defect>,
}

impl Call {
    pub(crate) fn read(raw: &RawCall<'_>) -> Result<Self, Answer> {
        let since = match raw.since {
            None => None,
            Some(_) if raw.defects.has(Defect::SinceIgnored) => None,
            Some(text) => match dates::read_since(text) {
                Some(_) if raw.defects.has(Defect::SinceWithFraction) => dates::read_instant(text),
                Some(since) => Some(since),
                None => {
                    return Err(Answer::unreadable(
                        16,
                        "QueryParseException",
                        "If-Modified-Since is not a date",
                    ));
                }
            },
        };
        Ok(Self {
            method: match raw.method {
                "GET" => Method::Get,
                "PUT" => Method::Put,
                "POST" => Method::Post,
                "DELETE" => Method::Delete,
                _ => Method::Other,
            },
            segments: raw
                .path
                .split('/')
                .filter(|part| !part.is_empty())
                .map(decode)
                .collect(),
            query: raw
                .query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (
                        decode(name).to_ascii_lowercase(),
                        decode(&value.replace('+', " ")),
                    )
                })
                .collect(),
            since,
            content_type: raw.content_type.map(str::to_ascii_lowercase),
            body: raw.body.to_vec(),
            app: raw.app.to_owned(),
            now: raw.now,
            fails_after: None,
            refused_with: None,
            refuses_all: false,
            defects: raw.defects,
        })
    }

    /// The call behind a load or a dump: reads with four places of unit prices.
    pub(crate) fn internal(now: DateTime<Utc>) -> Self {
        Self {
            method: Method::Get,
            segments: Vec::new(),
            query: [("unitdp".to_owned(), "4".to_owned())].into(),
            since: None,
            content_type: None,
            body: Vec::new(),
            app: String::new(),
            now,
            fails_after: None,
            refused_with: None,
            refuses_all: false,
            defects: Defects::none(),
        }
    }

    /// Whether this defect is seeded.
    pub(crate) fn has(&self, defect: Defect) -> bool {
        self.defects.has(defect)
    }

    /// A query parameter, by its name in any case; an empty one counts as absent.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .get(&name.to_ascii_lowercase())
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    pub(crate) fn asks(&self, name: &str) -> bool {
        self.parameter(name)
            .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A comma-separated parameter.
    pub(crate) fn list(&self, name: &str) -> Option<Vec<&str>> {
        self.parameter(name).map(|value| {
            value
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .collect()
        })
    }

    pub(crate) fn units(&self) -> UnitPlaces {
        if self.parameter("unitdp") == Some("4") || self.has(Defect::FourPlacesAlways) {
            UnitPlaces::Four
        } else {
            UnitPlaces::Two
        }
    }

    /// Observed: without the parameter Xero behaves as if it were true.
    pub(crate) fn errors(&self) -> Errors {
        match self.parameter("summarizeErrors") {
            _ if self.has(Defect::ErrorsAlwaysSummarized) => Errors::Summarized,
            None if self.has(Defect::ErrorsPerElement) => Errors::PerElement,
            Some(value) if value.eq_ignore_ascii_case("false") => Errors::PerElement,
            _ => Errors::Summarized,
        }
    }

    /// Page number (from 1) and size, if the caller wants pages. Sizes out of 1..=1000 are clamped.
    pub(crate) fn page(&self) -> Option<(usize, usize)> {
        let (page, size) = (self.parameter("page"), self.parameter("pageSize"));
        if page.is_none() && size.is_none() {
            return None;
        }
        let page = page.and_then(|text| text.parse().ok()).unwrap_or(1).max(1);
        let size = size
            .and_then(|text| text.parse::<i64>().ok())
            .unwrap_or(100)
            .clamp(1, 1000);
        Some((page, usize::try_from(size).unwrap_or(100)))
    }

    /// The elements of the body: `{"Collection": [...]}` in any case, or one bare element.
    pub(crate) fn elements(&self, collection: &str) -> Result<Vec<Element>, Answer> {
        if !self
            .content_type
            .as_deref()
            .is_some_and(|kind| kind.contains("json"))
        {
            // Xero would read XML here; the simulator does not.
            return Err(Answer::document(
                415,
                serde_json::json!({"Type": null, "Title": "Unsupported Media Type", "Status": 415, "Detail": "The simulator reads JSON bodies (Content-Type: application/json)"}),
            ));
        }
        let invalid = || Answer::unreadable(14, "PostDataInvalidException", "Invalid Json data");
        let parsed: Value = serde_json::from_slice(&self.body).map_err(|_| invalid())?;
        let Value::Object(mut fields) = parsed else {
            return Err(invalid());
        };
        let named = fields
            .keys()
            .find(|name| name.eq_ignore_ascii_case(collection))
            .cloned();
        let elements = match named.and_then(|name| fields.remove(&name)) {
            None => vec![Value::Object(fields)],
            Some(Value::Array(list)) => list,
            Some(one @ Value::Object(_)) => vec![one],
            Some(_) => return Err(invalid()),
        };
        let elements: Option<Vec<Element>> = elements
            .into_iter()
            .map(|element| match element {
                Value::Object(fields) => Some(fields),
                _ => None,
            })
            .collect();
        let elements = elements.ok_or_else(invalid)?;
        if elements.iter().all(Element::is_empty) {
            let message = format!(
                "No data has been processed for this endpoint. This endpoint is expecting {collection} data to be specifed in the request body."
            );
            return Err(Answer::unreadable(17, "NoDataProcessedException", &message));
        }
        Ok(elements)
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
