//! What changed in Xero since the last run, page by page.
//!
//! Never proves that something is absent before a run is complete, and reads five minutes twice at each new run: Xero
//! may show a change later than its stamp. A run over payments ends with those that were taken back (`reversals`). The
//! host stores the cursor with the items. Rests on `walk`.

use footbridge_sdk::connector::feed::{Page, Request};
use footbridge_sdk::connector::{Failure, FailureKind};
use footbridge_sdk::failure::{Code, failure, no_answer};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::objects::Kind;
use crate::reversals::Reversals;
use crate::walk::{Get, Walk};

/// How far a run reaches back before the latest stamp of the run before, in milliseconds.
const OVERLAP: i64 = 5 * 60 * 1000;

/// What the host keeps between pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    /// The latest stamp of complete runs.
    mark: Option<i64>,
    /// The run under way.
    run: Option<Walk>,
    /// The end of a run over payments, under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reversals: Option<Reversals>,
}

/// Reads one page: one call.
pub(crate) fn read(request: &Request, get: Get<'_>) -> Result<Page, Failure> {
    let kind = Kind::named(&request.object)?;
    let cursor = parse(request.cursor.as_deref())?;
    if let Some(reversals) = &cursor.reversals {
        let response = get(&reversals.request()).map_err(no_answer)?;
        let (elements, next) = reversals.absorb(&response)?;
        let cursor = Cursor {
            reversals: next,
            ..cursor
        };
        return page(kind, &elements, &cursor);
    }
    let since = cursor.mark.map(|mark| mark.saturating_sub(OVERLAP));
    let walk = cursor.run.clone().unwrap_or_else(|| Walk::from(since));
    let response = get(&walk.request(kind, &[])).map_err(no_answer)?;
    let step = walk.absorb(kind, &response)?;
    let ended = step.next.is_none();
    let cursor = Cursor {
        mark: if ended {
            step.high.max(cursor.mark)
        } else {
            cursor.mark
        },
        run: step.next,
        reversals: (ended && kind == Kind::Payment).then(|| Reversals::from(since)),
    };
    page(kind, &step.elements, &cursor)
}

fn page(kind: Kind, elements: &[Value], cursor: &Cursor) -> Result<Page, Failure> {
    Ok(Page {
        items: elements
            .iter()
            .filter_map(|element| kind.item(element))
            .collect(),
        next: Some(written(cursor)?),
        complete: cursor.run.is_none() && cursor.reversals.is_none(),
    })
}

fn parse(text: Option<&str>) -> Result<Cursor, Failure> {
    match text {
        None => Ok(Cursor { mark: None, run: None, reversals: None }),
        Some(text) => serde_json::from_str(text).map_err(|error| {
            failure(
                FailureKind::Misconfigured,
                Code::Internal,
                format!("The stored cursor of a Xero feed can't be read ({error}). Reset the feed: it reads everything once more and writes nothing twice."),
            )
        }),
    }
}

fn written(cursor: &Cursor) -> Result<String, Failure> {
    serde_json::to_string(cursor).map_err(|error| {
        failure(
            FailureKind::Misconfigured,
            Code::Internal,
            format!("The cursor of a Xero feed can't be written ({error})."),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use footbridge_sdk::connector::{Presence, http};
    use serde_json::json;

    fn request(object: &str, cursor: Option<String>) -> Request {
        Request {
            object: object.into(),
            cursor,
            limit: 500,
            fields: Vec::new(),
        }
    }

    fn page(object: &str, cursor: Option<String>, body: &Value) -> (Page, http::Request) {
        let mut asked = None;
        let page = read(&request(object, cursor), &mut |request| {
            asked = Some(request.clone());
            Ok(http::Response {
                status: 200,
                headers: Vec::new(),
                body: http::Body::Json(body.to_string()),
            })
        });
        (page.unwrap(), asked.unwrap())
    }

    fn since(request: &http::Request) -> Option<&str> {
        request
            .headers
            .iter()
            .find(|header| header.name == "if-modified-since")
            .map(|header| header.value.as_str())
    }

    #[test]
    fn the_first_run_reads_all_and_the_next_one_overlaps() {
        let body = json!({"Invoices": [
            {"InvoiceID": "A1", "Type": "ACCREC", "Status": "PAID", "UpdatedDateUTC": "/Date(1789378199000+0000)/"},
            {"InvoiceID": "A2", "Type": "ACCREC", "DueDate": "junk", "UpdatedDateUTC": "/Date(1789378200000+0000)/"},
        ]});
        let (first, asked) = page("invoice", None, &body);
        assert_eq!(since(&asked), None);
        assert!(asked.query.contains(&("pageSize".into(), "1000".into())));
        assert!(
            asked
                .query
                .iter()
                .any(|(key, value)| key == "Statuses" && value.contains("VOIDED,DELETED"))
        );
        assert!(first.complete);
        assert_eq!(first.items[0].version, "2026-09-14T09:29:59Z");
        assert!(
            first.items[1]
                .doc
                .contains(r#""unreadable":[{"field":"due_date","value":"junk"}]"#)
        );

        let (second, asked) = page("invoice", first.next.clone(), &json!({"Invoices": []}));
        assert_eq!(since(&asked), Some("2026-09-14T09:25:00Z"));
        assert_eq!((second.items.len(), second.complete), (0, true));
        assert_eq!(second.next, first.next, "an empty run keeps the mark");
    }

    #[test]
    fn contacts_come_with_archived_ones_and_small_lists_without_pages() {
        let (_, asked) = page("customer", None, &json!({"Contacts": []}));
        assert!(
            asked
                .query
                .contains(&("includeArchived".into(), "true".into()))
        );
        let (rates, asked) = page(
            "tax-rate",
            None,
            &json!({"TaxRates": [{"TaxType": "OUTPUT2", "Name": "20%"}]}),
        );
        assert!(asked.query.is_empty());
        assert_eq!(
            (rates.items[0].id.as_str(), rates.complete),
            ("OUTPUT2", true)
        );
    }

    #[test]
    fn each_run_over_payments_ends_with_those_that_were_taken_back() {
        let paid = json!({"PaymentID": "A1", "Status": "AUTHORISED", "PaymentType": "ACCRECPAYMENT", "UpdatedDateUTC": "/Date(1789378200000+0000)/"});
        let taken_back = json!({"PaymentID": "A2", "Status": "DELETED", "PaymentType": "ACCRECPAYMENT", "UpdatedDateUTC": "/Date(1789378260000+0000)/"});
        let filter = |request: &http::Request| {
            let found = request.query.iter().find(|(key, _)| key == "where");
            found.map(|(_, value)| value.clone())
        };
        let (first, asked) = page("payment", None, &json!({"Payments": [paid]}));
        assert_eq!((since(&asked), filter(&asked)), (None, None));
        assert!(!first.complete, "deleted ones were perhaps not among them");
        let (second, asked) = page("payment", first.next, &json!({"Payments": [taken_back]}));
        assert_eq!(filter(&asked).as_deref(), Some("Status==\"DELETED\""));
        assert_eq!(since(&asked), None);
        assert_eq!(second.items[0].presence, Presence::Deleted);
        assert!(second.complete);

        let (third, asked) = page("payment", second.next, &json!({"Payments": []}));
        assert_eq!(since(&asked), Some("2026-09-14T09:25:00Z"));
        let (fourth, _) = page("payment", third.next, &json!({"Payments": []}));
        assert_eq!((third.complete, fourth.complete), (false, true));
    }

    #[test]
    fn credits_are_read_by_what_changed_in_a_call_each() {
        for (object, list, id) in [
            ("credit-note", "CreditNotes", "CreditNoteID"),
            ("overpayment", "Overpayments", "OverpaymentID"),
            ("prepayment", "Prepayments", "PrepaymentID"),
        ] {
            let body = json!({list: [{id: "A1", "UpdatedDateUTC": "/Date(1789378200000+0000)/"}]});
            let (first, asked) = page(object, None, &body);
            assert_eq!(asked.path, format!("/{list}"));
            assert!(first.complete);
            let (_, asked) = page(object, first.next, &json!({list: []}));
            assert_eq!(since(&asked), Some("2026-09-14T09:25:00Z"));
        }
    }

    #[test]
    fn a_damaged_cursor_and_an_unknown_object_are_named() {
        let mut none = |_: &http::Request| -> Result<http::Response, http::Error> {
            panic!("nothing is read")
        };
        let refused = read(&request("invoice", Some("{".into())), &mut none).unwrap_err();
        assert_eq!(refused.kind, FailureKind::Misconfigured);
        assert_eq!(
            read(&request("bill", None), &mut none)
                .unwrap_err()
                .problem
                .code,
            "unknown-object"
        );
    }
}
