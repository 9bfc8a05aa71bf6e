//! Reads pages of a query and completes their records: child lists that Salesforce cut off are followed to their end.
//!
//! Never returns a record that lacks a child row, since a missing line would be a wrong invoice. The way out is an
//! argument, so all of it is tested natively. From here to `feed` and `lookup`.

use footbridge_sdk::connector::{Failure, Item, http};
use footbridge_sdk::document::Structure;
use footbridge_sdk::failure::{malformed, no_answer};
use serde_json::Value;

use crate::errors::{FAR, Refusal, read};
use crate::records::{self, Record};
use crate::soql::Select;

/// The service of the manifest that all paths are relative to.
pub(crate) const SERVICE: &str = "data";
/// Most continuations of one child list: 2,000 rows each is far beyond any deal.
const REST_PAGES: usize = 100;

/// The host's read, or a test's stand-in.
pub(crate) type Get<'g> = &'g mut dyn FnMut(&http::Request) -> Result<http::Response, http::Error>;

/// A page of complete records.
#[derive(Debug, PartialEq)]
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    /// The path of the next page.
    pub(crate) next: Option<String>,
}

/// The first page of a query over all records, deleted ones too.
pub(crate) fn query(text: String) -> http::Request {
    request("/queryAll", vec![("q".to_owned(), text)])
}

/// A further page.
pub(crate) fn continuation(path: &str) -> http::Request {
    request(path, Vec::new())
}

/// A GET below the version root.
pub(crate) fn request(path: &str, query: Vec<(String, String)>) -> http::Request {
    let headers = vec![http::Header {
        name: "accept".to_owned(),
        value: "application/json".to_owned(),
    }];
    http::Request {
        service: SERVICE.to_owned(),
        path: path.to_owned(),
        query,
        headers,
    }
}

/// Reads a page and completes its records.
pub(crate) fn page(
    object: &str,
    select: &Select,
    request: &http::Request,
    get: Get<'_>,
) -> Result<Page, Refusal> {
    let answer = records::answer(&body(request, get)?).map_err(Refusal::Failed)?;
    let relations: Vec<String> = select.relations().map(str::to_owned).collect();
    let mut items = Vec::with_capacity(answer.records.len());
    for record in &answer.records {
        let record = records::plain(record, select.relations()).map_err(Refusal::Failed)?;
        let doc = complete(record, get)?;
        items.push(records::item(object, doc, &relations).map_err(Refusal::Failed)?);
    }
    Ok(Page {
        items,
        next: answer.next,
    })
}

/// Reads the rest of every child list.
fn complete(record: Record, get: Get<'_>) -> Result<Structure, Refusal> {
    let mut doc = record.doc;
    for (relation, first) in record.rests {
        let mut next = Some(first);
        for _ in 0..REST_PAGES {
            let Some(path) = next else { break };
            let answer =
                records::answer(&body(&continuation(&path), get)?).map_err(Refusal::Failed)?;
            let mut rows = records::rows(&answer.records).map_err(Refusal::Failed)?;
            if let Some(Value::Array(list)) = doc.get_mut(&relation) {
                list.append(&mut rows);
            }
            next = answer.next;
        }
        if next.is_some() {
            return Err(Refusal::Failed(malformed(
                FAR,
                &format!("an endless list of {relation}"),
            )));
        }
    }
    Ok(doc)
}

/// The JSON that a read gave.
pub(crate) fn body(request: &http::Request, get: Get<'_>) -> Result<Value, Refusal> {
    let response = get(request).map_err(|error| Refusal::Failed(no_answer(error)))?;
    read(&response)
}

/// Reads all pages of a query, up to `most`.
///
/// # Returns
/// The items and whether the end was reached.
pub(crate) fn all(
    object: &str,
    select: &Select,
    text: String,
    most: usize,
    get: Get<'_>,
) -> Result<(Vec<Item>, bool), Failure> {
    let mut found = Vec::new();
    let mut request = query(text);
    for _ in 0..most {
        let page = page(object, select, &request, get)?;
        found.extend(page.items);
        match page.next {
            Some(next) => request = continuation(&next),
            None => return Ok((found, true)),
        }
    }
    Ok((found, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::named;
    use proptest::prelude::*;
    use serde_json::json;

    proptest! {
        /// However Salesforce cuts the lines of a deal into pages, all of them arrive, once and in order.
        #[test]
        fn no_line_is_ever_missing(count in 1_usize..60, size in 1_usize..20) {
            let select = Select::of(named("Opportunity").unwrap(), &[]).unwrap();
            let cut = |from: usize| {
                let rows: Vec<Value> = (from..count.min(from + size))
                    .map(|n| json!({"Id": n.to_string(), "SortOrder": n.to_string(), "IsDeleted": false}))
                    .collect();
                let done = from + size >= count;
                json!({"totalSize": count.to_string(), "done": done, "records": rows,
                    "nextRecordsUrl": format!("/services/data/v68.0/query/0r8x-{}", from + size)})
            };
            let found = page("Opportunity", &select, &query(select.text("")), &mut |request| {
                let body = match request.path.strip_prefix("/query/0r8x-") {
                    Some(from) => cut(from.parse().unwrap()),
                    None => json!({"done": true, "records": [
                        {"Id": "006A0000000L2ZC", "IsDeleted": false, "OpportunityLineItems": cut(0)}]}),
                };
                Ok(http::Response { status: 200, headers: Vec::new(), body: http::Body::Json(body.to_string()) })
            }).unwrap();
            let doc: Value = serde_json::from_str(&found.items[0].doc).unwrap();
            let ids: Vec<String> =
                doc["OpportunityLineItems"].as_array().unwrap().iter().map(|row| row["Id"].as_str().unwrap().to_owned()).collect();
            prop_assert_eq!(ids, (0..count).map(|n| n.to_string()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_rest_that_can_not_be_read_fails_the_page() {
        let select = Select::of(named("Opportunity").unwrap(), &[]).unwrap();
        let mut calls = 0;
        let refused = page("Opportunity", &select, &query(String::new()), &mut |_| {
            calls += 1;
            if calls > 1 {
                return Err(http::Error::Transport("cut".into()));
            }
            let lines = json!({"done": false, "nextRecordsUrl": "/services/data/v68.0/query/0r8x-1", "records": []});
            let body = json!({"done": true, "records": [{"Id": "006A0000000L2ZC", "OpportunityLineItems": lines}]});
            Ok(http::Response {
                status: 200,
                headers: Vec::new(),
                body: http::Body::Json(body.to_string()),
            })
        });
        assert!(
            matches!(refused, Err(Refusal::Failed(failure)) if failure.problem.code == "server-error")
        );
    }
}
