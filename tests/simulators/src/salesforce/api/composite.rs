//! `/composite`: up to 25 requests in one call, later ones referring to earlier answers.
//!
//! Each sub-request goes through [`super::answer`] like any other; with `allOrNone` one failure takes
//! back all.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{ApiAnswer, ApiRequest, answer, split_path, split_query};
use crate::salesforce::defect::Defect;
use crate::salesforce::error::ApiError;
use crate::salesforce::org::Org;

/// Sub-requests in one call.
const MOST: usize = 25;
/// Sub-requests that may be queries or collections.
const MOST_HEAVY: usize = 5;

/// Runs a composite call.
pub(super) fn run(org: &mut Org, request: &ApiRequest) -> Result<ApiAnswer, ApiError> {
    let body = request.object_body()?;
    if let Some(unknown) = body.keys().find(|key| {
        !["allOrNone", "collateSubrequests", "compositeRequest"].contains(&key.as_str())
    }) {
        return Err(ApiError::json_parser(format!(
            "Unrecognized field \"{unknown}\", at [line:1, column:2]"
        )));
    }
    let parts = body
        .get("compositeRequest")
        .and_then(Value::as_array)
        .filter(|parts| !parts.is_empty())
        .ok_or_else(|| ApiError::new("INVALID_INPUT", "The compositeRequest list is required."))?;
    if parts.len() > MOST && !org.store.has(Defect::CompositeUnlimited) {
        let message = format!(
            "Composite call limit exceeded: at most {MOST} subrequests, {} given",
            parts.len()
        );
        return Err(ApiError::new("LIMIT_EXCEEDED", message));
    }
    let mut subrequests = parts.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    if org.store.has(Defect::CompositeBackwards) {
        subrequests.reverse();
    }
    let heavy = subrequests.iter().filter(|sub| is_heavy(&sub.url)).count();
    if heavy > MOST_HEAVY {
        let message = format!(
            "Composite call limit exceeded: at most {MOST_HEAVY} query or sObject Collections subrequests, {heavy} given"
        );
        return Err(ApiError::new("LIMIT_EXCEEDED", message));
    }
    let mut seen = std::collections::BTreeSet::new();
    if let Some(twice) = subrequests.iter().find(|sub| !seen.insert(&sub.reference)) {
        let message = format!(
            "Duplicate referenceId '{}' in a composite request",
            twice.reference
        );
        return Err(ApiError::new("INVALID_INPUT", message));
    }
    let savepoint = org.store.savepoint();
    let mut answers: BTreeMap<String, Value> = BTreeMap::new();
    let mut done: Vec<(String, ApiAnswer)> = Vec::new();
    for sub in &subrequests {
        let answered = one(org, request, sub, &answers);
        if let (true, Some(body)) = (answered.status < 300, &answered.body) {
            answers.insert(sub.reference.clone(), body.clone());
        }
        done.push((sub.reference.clone(), answered));
    }
    let asked = body.get("allOrNone").and_then(Value::as_bool) == Some(true);
    let together = asked && !org.store.has(Defect::CompositeNotRolledBack);
    if together && done.iter().any(|(_, answer)| answer.status >= 300) {
        org.store.roll_back(savepoint);
        for (_, answer) in done.iter_mut().filter(|(_, answer)| answer.status < 300) {
            let message = "The transaction was rolled back since another operation in the same transaction failed.";
            *answer = ApiError::new("PROCESSING_HALTED", message).into();
        }
    }
    let printed = done.into_iter().map(|(reference, answer)| {
        let headers = answer.location.map_or_else(|| json!({}), |location| json!({"Location": location}));
        json!({
            "body": answer.body, "httpHeaders": headers, "httpStatusCode": answer.status, "referenceId": reference,
        })
    });
    Ok(ApiAnswer::ok(
        json!({"compositeResponse": printed.collect::<Vec<_>>()}),
    ))
}

struct SubRequest {
    method: String,
    url: String,
    reference: String,
    body: Option<Value>,
    headers: BTreeMap<String, String>,
}

fn read(part: &Value) -> Result<SubRequest, ApiError> {
    let known = ["method", "url", "referenceId", "body", "httpHeaders"];
    let part = part
        .as_object()
        .ok_or_else(|| ApiError::json_parser("a subrequest is a JSON object"))?;
    if let Some(unknown) = part.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(ApiError::json_parser(format!(
            "Unrecognized field \"{unknown}\", at [line:1, column:2]"
        )));
    }
    let text = |name: &str| {
        part.get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| {
                ApiError::json_parser(format!(
                    "Required creator property '{name}' (a string) is missing in a subrequest"
                ))
            })
    };
    let reference = text("referenceId")?;
    let well_formed = reference
        .chars()
        .next()
        .is_some_and(|c| c.is_ascii_alphanumeric())
        && reference
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !well_formed {
        let message = format!(
            "Provided referenceId ('{reference}') must start with a letter or a number, and it can contain only letters, numbers and underscores ('_')."
        );
        return Err(ApiError::json_parser(message));
    }
    let headers = part
        .get("httpHeaders")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name.to_ascii_lowercase(), value.as_str()?.to_owned())))
        .collect();
    Ok(SubRequest {
        method: text("method")?,
        url: text("url")?,
        reference,
        body: part.get("body").filter(|body| !body.is_null()).cloned(),
        headers,
    })
}

fn is_heavy(url: &str) -> bool {
    let path = url.split('?').next().unwrap_or_default();
    path.contains("/composite/sobjects") || path.contains("/query")
}

fn one(
    org: &mut Org,
    outer: &ApiRequest,
    sub: &SubRequest,
    answers: &BTreeMap<String, Value>,
) -> ApiAnswer {
    let filled = fill(&sub.url, answers).and_then(|url| {
        let body = sub
            .body
            .as_ref()
            .map(|body| fill_value(body, answers))
            .transpose()?;
        Ok((url, body))
    });
    let (url, body) = match filled {
        Ok(filled) => filled,
        Err(error) => return error.into(),
    };
    let (path, query) = url.split_once('?').unwrap_or((&url, ""));
    let Some((version, segments)) = split_path(path) else {
        return ApiError::not_found().into();
    };
    if segments.first().is_some_and(|name| name == "composite")
        && segments.get(1).is_none_or(|name| name != "sobjects")
    {
        return ApiError::new(
            "INVALID_INPUT",
            "A composite request cannot contain another composite request.",
        )
        .into();
    }
    let mut headers = outer.headers.clone();
    headers.extend(sub.headers.clone());
    let request = ApiRequest {
        method: sub.method.to_ascii_uppercase(),
        version,
        segments,
        query: split_query(query),
        headers,
        body,
        raw: Vec::new(),
    };
    answer(org, &request)
}

/// Replaces `@{reference.path}` in a text.
fn fill(text: &str, answers: &BTreeMap<String, Value>) -> Result<String, ApiError> {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@{") {
        let Some((path, after)) = after.split_once('}') else {
            break;
        };
        filled.push_str(before);
        match look_up(path, answers)? {
            Value::String(text) => filled.push_str(text),
            other => filled.push_str(&other.to_string()),
        }
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

fn fill_value(value: &Value, answers: &BTreeMap<String, Value>) -> Result<Value, ApiError> {
    Ok(match value {
        Value::String(text) => {
            let whole = text
                .strip_prefix("@{")
                .and_then(|text| text.strip_suffix('}'))
                .filter(|path| !path.contains('}'));
            match whole {
                Some(path) => look_up(path, answers)?.clone(),
                None => Value::String(fill(text, answers)?),
            }
        }
        Value::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| fill_value(item, answers))
                .collect::<Result<Vec<_>, _>>()?,
        ),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, member)| Ok((name.clone(), fill_value(member, answers)?)))
                .collect::<Result<Map<_, _>, ApiError>>()?,
        ),
        other => other.clone(),
    })
}

fn look_up<'a>(path: &str, answers: &'a BTreeMap<String, Value>) -> Result<&'a Value, ApiError> {
    let name = path.split(['.', '[']).next().unwrap_or_default();
    let missing = || {
        let message = format!("Invalid reference specified. No value for {path} found in {name}.");
        ApiError::new("PROCESSING_HALTED", message)
    };
    let mut current = answers.get(name).ok_or_else(missing)?;
    let rest = path.get(name.len()..).unwrap_or_default();
    for step in rest.split(['.', '[']).filter(|step| !step.is_empty()) {
        current = match step.strip_suffix(']') {
            Some(index) => index
                .parse::<usize>()
                .ok()
                .and_then(|index| current.get(index)),
            None => current.get(step),
        }
        .ok_or_else(missing)?;
    }
    Ok(current)
}
