//! How many records the connection's user sees, in one call per object: queries read one object, and what answers several at once is a
//! POST, or an estimate (`/limits/recordCount`).
//!
//! Never estimates, and counts no deleted record. From here to the host.

use footbridge_sdk::connector::{Failure, FailureKind};
use footbridge_sdk::counter::counts::{Countable, Pace, Tally};
use footbridge_sdk::document::at;
use footbridge_sdk::failure::malformed;

use crate::errors::FAR;
use crate::objects;
use crate::pages::{Get, body, request};

/// Salesforce's own objects, in each run: two calls of many thousands a day.
pub(crate) fn offered() -> Vec<Countable> {
    let offer = |object: &objects::Object| Countable {
        object: object.name.to_owned(),
        pace: Pace::EachRun,
    };
    objects::ALL.iter().map(offer).collect()
}

/// Counts each.
pub(crate) fn count(wanted: &[String], get: Get<'_>) -> Result<Vec<Tally>, Failure> {
    let mut tallies = Vec::with_capacity(wanted.len());
    for object in wanted {
        let object = objects::named(object)?.name;
        let records = match one(object, get) {
            Ok(records) => Ok(records),
            Err(failure) if is_about_the_call(failure.kind) => return Err(failure),
            Err(failure) => Err(failure.problem),
        };
        tallies.push(Tally {
            object: object.to_owned(),
            records,
        });
    }
    Ok(tallies)
}

fn one(object: &str, get: Get<'_>) -> Result<u64, Failure> {
    let text = format!("SELECT COUNT() FROM {object}");
    let answer = body(&request("/query", vec![("q".to_owned(), text)]), get)?;
    let count = at(&answer, "totalSize").text();
    count
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| malformed(FAR, "a count without a number"))
}

/// Whether counting another object would fail alike.
fn is_about_the_call(kind: FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::Retry | FailureKind::Quota | FailureKind::AuthExpired
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use footbridge_sdk::connector::http;
    use serde_json::{Value, json};

    fn counted(
        objects: &[&str],
        answer: impl Fn(&str) -> (u16, Value),
    ) -> (Result<Vec<Tally>, Failure>, Vec<String>) {
        let wanted: Vec<String> = objects.iter().map(|name| (*name).to_owned()).collect();
        let mut asked = Vec::new();
        let tallies = count(&wanted, &mut |request| {
            let text = request.query[0].1.clone();
            let (status, body) = answer(&text);
            asked.push(format!("{} {text}", request.path));
            Ok(http::Response {
                status,
                headers: Vec::new(),
                body: http::Body::Json(body.to_string()),
            })
        });
        (tallies, asked)
    }

    #[test]
    fn each_object_is_counted_in_a_call_that_leaves_deleted_ones_out() {
        let (tallies, asked) = counted(&["Account", "Opportunity"], |text| {
            let count = if text.ends_with("Account") {
                "420"
            } else {
                "0"
            };
            (
                200,
                json!({"totalSize": count, "done": true, "records": []}),
            )
        });
        let seen: Vec<_> = tallies.unwrap().into_iter().map(|t| t.records).collect();
        assert_eq!(seen, [Ok(420), Ok(0)]);
        assert_eq!(
            asked,
            [
                "/query SELECT COUNT() FROM Account",
                "/query SELECT COUNT() FROM Opportunity"
            ]
        );
    }

    #[test]
    fn an_object_that_is_not_shown_has_no_count_and_the_others_have() {
        let (tallies, _) = counted(&["Contact", "Account"], |text| match text {
            "SELECT COUNT() FROM Account" => (200, json!({"totalSize": "3", "done": true})),
            _ => (
                400,
                json!([{"message": "sObject type 'Contact' is not supported.", "errorCode": "INVALID_TYPE"}]),
            ),
        });
        let tallies = tallies.unwrap();
        let refused = tallies[0].records.clone().unwrap_err();
        assert_eq!(refused.code, "unknown-object");
        assert_eq!(tallies[1].records, Ok(3));
    }

    #[test]
    fn what_ails_the_call_ends_it() {
        let (tallies, asked) = counted(&["Account", "Opportunity"], |_| {
            (
                403,
                json!([{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]),
            )
        });
        assert_eq!(
            (tallies.unwrap_err().kind, asked.len()),
            (FailureKind::Quota, 1)
        );
        for answer in [json!({"done": true}), json!({"totalSize": "many"})] {
            let (tallies, _) = counted(&["Account"], |_| (200, answer.clone()));
            assert_eq!(tallies.unwrap_err().problem.code, "malformed-answer");
        }
        let (tallies, asked) = counted(&["Account", "User"], |_| {
            (200, json!({"totalSize": "1", "done": true}))
        });
        assert_eq!(tallies.unwrap_err().problem.code, "unknown-object");
        assert_eq!(asked.len(), 1);
    }
}
