//! What changed in Salesforce since the last run, page by page, with everything a deal needs nested in it.
//!
//! Reads twenty minutes twice at each new run, since a long transaction (a call may take ten) shows its records late under
//! an earlier stamp; the host drops what it knows. A cursor that Salesforce forgot begins the run anew. Rests on `pages` and `soql`.

use footbridge_sdk::connector::feed::{Page, Request};
use footbridge_sdk::connector::{Failure, FailureKind, Item};
use footbridge_sdk::failure::{Code, failure};
use serde::{Deserialize, Serialize};

use crate::errors::Refusal;
use crate::pages::{self, Get};
use crate::stamps;
use crate::target::Target;

/// How far a run reaches back before the latest stamp of the run before, in milliseconds.
const OVERLAP: i64 = 20 * 60 * 1000;

/// What the host keeps between pages. Stamps are milliseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    /// The latest stamp of complete runs.
    since: Option<i64>,
    /// The path of the next page of the run under way.
    locator: Option<String>,
    /// The latest stamp that the run under way has seen.
    high: Option<i64>,
}

/// Reads one page: one call, and one more for each child list that Salesforce cut off.
pub(crate) fn read(request: &Request, get: Get<'_>) -> Result<Page, Failure> {
    let target = Target::named(&request.object)?;
    let select = target.select(&request.fields)?;
    let cursor = parse(request.cursor.as_deref())?;
    let ask = match &cursor.locator {
        Some(path) => pages::continuation(path),
        None => pages::query(select.text(&changed_since(cursor.since))),
    };
    match pages::page(target.name(), &select, &ask, get) {
        Ok(page) => {
            let high = page.items.iter().filter_map(stamp).max().max(cursor.high);
            let next = match page.next {
                Some(path) => Cursor {
                    since: cursor.since,
                    locator: Some(path),
                    high,
                },
                None => Cursor {
                    since: high.max(cursor.since),
                    locator: None,
                    high: None,
                },
            };
            let complete = next.locator.is_none();
            Ok(Page {
                items: target.told(page.items)?,
                next: Some(written(&next)?),
                complete,
            })
        }
        Err(Refusal::LocatorLost) if cursor.locator.is_some() => {
            let again = Cursor {
                since: cursor.since,
                locator: None,
                high: None,
            };
            Ok(Page {
                items: Vec::new(),
                next: Some(written(&again)?),
                complete: false,
            })
        }
        Err(refusal) => Err(refusal.into()),
    }
}

fn changed_since(since: Option<i64>) -> String {
    let order = "ORDER BY SystemModstamp, Id";
    match since.and_then(|ms| stamps::literal(ms.saturating_sub(OVERLAP))) {
        Some(instant) => format!("WHERE SystemModstamp >= {instant} {order}"),
        None => order.to_owned(),
    }
}

fn stamp(item: &Item) -> Option<i64> {
    stamps::millis(&item.version)
}

fn parse(text: Option<&str>) -> Result<Cursor, Failure> {
    match text {
        None => Ok(Cursor::default()),
        Some(text) => serde_json::from_str(text).map_err(|error| {
            failure(
                FailureKind::Misconfigured,
                Code::Internal,
                format!("The stored cursor of a Salesforce feed can't be read ({error}). Reset the feed: it reads everything once more and writes nothing twice."),
            )
        }),
    }
}

fn written(cursor: &Cursor) -> Result<String, Failure> {
    serde_json::to_string(cursor).map_err(|error| {
        failure(
            FailureKind::Misconfigured,
            Code::Internal,
            format!("The cursor of a Salesforce feed can't be written ({error})."),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use footbridge_sdk::connector::{Presence, http};
    use serde_json::{Value, json};

    fn ask(
        cursor: Option<String>,
        status: u16,
        body: &Value,
    ) -> (Result<Page, Failure>, Vec<http::Request>) {
        let request = Request {
            object: "Opportunity".into(),
            cursor,
            limit: 500,
            fields: vec!["CurrencyIsoCode".into()],
        };
        let mut asked = Vec::new();
        let page = read(&request, &mut |request| {
            asked.push(request.clone());
            Ok(http::Response {
                status,
                headers: Vec::new(),
                body: http::Body::Json(body.to_string()),
            })
        });
        (page, asked)
    }

    fn deal(id: &str, second: u8) -> Value {
        json!({"Id": format!("006A0000000{id}"), "IsDeleted": id == "L2ZD", "SystemModstamp": format!("2026-09-14T09:29:{second:02}.000+0000")})
    }

    #[test]
    fn a_run_over_two_pages_and_the_next_run() {
        let first = json!({"done": false, "nextRecordsUrl": "/services/data/v68.0/query/01gA-2000", "records": [deal("L2ZC", 59)]});
        let (page, asked) = ask(None, 200, &first);
        let page = page.unwrap();
        assert_eq!(asked.len(), 1, "lines come nested");
        let text = &asked[0].query[0].1;
        assert!(
            asked[0].path == "/queryAll"
                && text.contains("CurrencyIsoCode")
                && !text.contains("WHERE"),
            "{text}"
        );
        assert!(
            text.ends_with("FROM Opportunity ORDER BY SystemModstamp, Id"),
            "{text}"
        );
        assert!(!page.complete);

        let second = json!({"done": true, "records": [deal("L2ZD", 10)]});
        let (page, asked) = ask(page.next, 200, &second);
        let page = page.unwrap();
        assert_eq!(
            (asked[0].path.as_str(), page.complete),
            ("/query/01gA-2000", true)
        );
        assert_eq!(page.items[0].presence, Presence::Deleted);

        let (again, asked) = ask(
            page.next.clone(),
            200,
            &json!({"done": true, "records": []}),
        );
        assert!(
            asked[0].query[0]
                .1
                .contains("WHERE SystemModstamp >= 2026-09-14T09:09:59Z ORDER BY"),
            "{asked:?}"
        );
        assert_eq!(
            again.unwrap().next,
            page.next,
            "an empty run keeps the stamp"
        );
    }

    #[test]
    fn a_forgotten_locator_begins_the_run_anew() {
        let cursor = json!({"since": 1_789_378_199_000_i64, "locator": "/query/01gA-2000", "high": 1_789_378_299_000_i64}).to_string();
        let lost =
            json!([{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}]);
        let (page, _) = ask(Some(cursor), 400, &lost);
        let page = page.unwrap();
        assert_eq!((page.items.len(), page.complete), (0, false));
        let (_, asked) = ask(page.next, 200, &json!({"done": true, "records": []}));
        assert!(
            asked[0].query[0]
                .1
                .contains("WHERE SystemModstamp >= 2026-09-14T09:09:59Z"),
            "{asked:?}"
        );
    }

    #[test]
    fn failures_keep_the_cursor_and_name_the_field() {
        let none = json!([{"message": "No such column 'CurrencyIsoCode' on entity 'Opportunity'.", "errorCode": "INVALID_FIELD"}]);
        let (page, _) = ask(None, 400, &none);
        let refused = page.unwrap_err();
        assert_eq!(
            (refused.kind, refused.problem.field.as_deref()),
            (FailureKind::Misconfigured, Some("CurrencyIsoCode"))
        );
        let (page, asked) = ask(Some("{".into()), 200, &none);
        assert_eq!(
            (page.unwrap_err().kind, asked.len()),
            (FailureKind::Misconfigured, 0)
        );
    }
}
