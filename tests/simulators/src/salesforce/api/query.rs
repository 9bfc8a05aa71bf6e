//! `/query`, `/queryAll` and their pages.

use chrono::Duration;
use serde_json::{Map, Value, json};

use super::{ApiAnswer, ApiRequest};
use crate::salesforce::defect::Defect;
use crate::salesforce::error::ApiError;
use crate::salesforce::ids;
use crate::salesforce::org::{Cursor, Org};
use crate::salesforce::soql::{self, Answer, Row, Scope, Viewer};

/// A cursor is good for two days.
const CURSOR_DAYS: i64 = 2;

/// Runs `?q=` and answers the first page.
pub(super) fn start(org: &mut Org, request: &ApiRequest) -> Result<ApiAnswer, ApiError> {
    let text = text_of(request)?;
    let scope = if request
        .segments
        .first()
        .is_some_and(|name| name == "queryAll" && !org.store.has(Defect::QueryAllLive))
    {
        Scope::WithDeleted
    } else {
        Scope::Live
    };
    let answer = soql::run(&org.store, text, scope, viewer(org, request))?;
    Ok(ApiAnswer::ok(first_page(org, request, answer)))
}

/// The query of a request.
pub(super) fn text_of(request: &ApiRequest) -> Result<&str, ApiError> {
    let text = request
        .query
        .get("q")
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| ApiError::new("MALFORMED_QUERY", "SOQL statement cannot be empty"))?;
    if text.chars().count() > 100_000 {
        return Err(ApiError::new(
            "QUERY_TOO_COMPLICATED",
            "SOQL statements cannot be longer than 100,000 characters.",
        ));
    }
    Ok(text)
}

/// Who asks, and how.
pub(super) fn viewer<'a>(org: &Org, request: &'a ApiRequest) -> Viewer<'a> {
    Viewer {
        now: org.now(),
        zone: org.options.user_zone,
        style: org.options.number_style,
        version: &request.version,
    }
}

/// The first page of an answer; the rest waits at a cursor.
pub(super) fn first_page(org: &mut Org, request: &ApiRequest, answer: Answer) -> Value {
    let most = if answer.nested {
        org.options.nested_page
    } else {
        org.options.page
    };
    let page = asked_page(request).unwrap_or(2_000).min(most);
    let cursor = Cursor {
        rows: answer.rows.into(),
        total: answer.total,
        page,
        fetched: 0,
        opened: org.now(),
    };
    cut(org, cursor, None, &request.version)
}

/// Answers the next page of a cursor.
pub(super) fn next(
    org: &mut Org,
    request: &ApiRequest,
    locator: &str,
) -> Result<ApiAnswer, ApiError> {
    let invalid = || ApiError::new("INVALID_QUERY_LOCATOR", "invalid query locator");
    let (name, offset) = locator.rsplit_once('-').ok_or_else(invalid)?;
    let cursor = org.cursors.get(name).ok_or_else(invalid)?;
    let known = offset.parse() == Ok(cursor.fetched);
    let fresh = org.now() - cursor.opened < Duration::days(CURSOR_DAYS)
        || org.store.has(Defect::CursorForEver);
    let known = known || org.store.has(Defect::PageHandedOutTwice);
    if !known || !fresh {
        return Err(invalid());
    }
    let cursor = org.cursors.remove(name).ok_or_else(invalid)?;
    Ok(ApiAnswer::ok(cut(
        org,
        cursor,
        Some(name.to_owned()),
        &request.version,
    )))
}

/// `Sforce-Query-Options: batchSize=200` asks for smaller pages, from 200 to 2,000.
fn asked_page(request: &ApiRequest) -> Option<usize> {
    let header = request.headers.get("sforce-query-options")?;
    let (_, size) = header.split_once("batchSize=")?;
    size.trim()
        .parse::<usize>()
        .ok()
        .map(|size| size.clamp(200, 2_000))
}

/// Takes one page off a cursor; what is left is kept under its locator.
fn cut(org: &mut Org, mut cursor: Cursor, name: Option<String>, version: &str) -> Value {
    let count = cursor.page.min(cursor.rows.len());
    let rows: Vec<Row> = cursor.rows.drain(..count).collect();
    cursor.fetched += count;
    if let Some(last) = rows.last().filter(|_| !cursor.rows.is_empty())
        && org.store.has(Defect::NextPageRepeats)
    {
        cursor.rows.push_front(last.clone());
    }
    if org.store.has(Defect::TotalOfThePage) {
        cursor.total = rows.len();
    }
    let records: Vec<Value> = rows
        .into_iter()
        .map(|row| print(org, row, cursor.opened, version))
        .collect();
    let mut page = Map::new();
    page.insert("totalSize".to_owned(), json!(cursor.total));
    page.insert("done".to_owned(), json!(cursor.rows.is_empty()));
    page.insert("records".to_owned(), Value::Array(records));
    if !cursor.rows.is_empty() {
        let name = name.unwrap_or_else(|| ids::numbered("0r8", 777_000 + org.fresh()));
        let next = format!("/services/data/{version}/query/{name}-{}", cursor.fetched);
        page.insert("nextRecordsUrl".to_owned(), json!(next));
        org.cursors.insert(name, cursor);
    }
    Value::Object(page)
}

fn print(org: &mut Org, row: Row, opened: chrono::DateTime<chrono::Utc>, version: &str) -> Value {
    let mut fields = row.fields;
    for (relationship, rows) in row.children {
        let children = if rows.is_empty() && !org.store.has(Defect::EmptyChildrenList) {
            Value::Null
        } else {
            let total = rows.len();
            let cursor = Cursor {
                rows: rows.into(),
                total,
                page: if org.store.has(Defect::ChildrenUnpaged) {
                    usize::MAX
                } else {
                    org.options.child_page
                },
                fetched: 0,
                opened,
            };
            cut(org, cursor, None, version)
        };
        fields.insert(relationship, children);
    }
    Value::Object(fields)
}
