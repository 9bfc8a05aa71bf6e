//! Tests of `answers`: recorded shapes, and everything that can be wrong with an answer.

use super::*;
use crate::batches::prepare;
use crate::batches::tests::{customer, invoice, operation};
use footbridge_sdk::connector::writes::RequestHeader;
use proptest::prelude::*;
use serde_json::json;

fn answer(status: u16, body: &Value) -> Answer {
    Answer {
        status,
        headers: Vec::new(),
        body: body.to_string(),
        json: true,
    }
}

fn invoices(ids: &[&str]) -> WriteRequest {
    let operations: Vec<_> = ids.iter().map(|id| invoice(id)).collect();
    prepare(&operations).unwrap().remove(0)
}

fn echoed(id: &str, more: &Value) -> Value {
    let mut element = json!({
        "InvoiceID": format!("AAAA-{id}"), "Type": "ACCREC", "Url": format!("https://e.com/{id}"), "Contact": {"ContactID": "C0FFEE"},
        "InvoiceNumber": format!("INV-{id}"), "Total": "24.15", "StatusAttributeString": "OK", "LineItems": [{"LineItemID": "L1"}],
        "UpdatedDateUTC": "/Date(1789378199000+0000)/",
    });
    element
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    element
}

/// `ok` or the kind and code of each verdict, in order.
fn told(request: &WriteRequest, answer: &Answer) -> Vec<String> {
    let outcomes = interpret(request, answer);
    assert_eq!(
        outcomes
            .iter()
            .map(|outcome| &outcome.operation)
            .collect::<Vec<_>>(),
        request.operations.iter().collect::<Vec<_>>(),
        "each operation once, in order"
    );
    outcomes
        .iter()
        .map(|outcome| match &outcome.verdict {
            Verdict::Applied(_) => "ok".to_owned(),
            Verdict::Failed(failure) => format!("{:?} {}", failure.kind, failure.problem.code),
        })
        .collect()
}

#[test]
fn a_good_answer_is_reported_whole() {
    let request = invoices(&["1", "2"]);
    let body = json!({"Invoices": [
        echoed("1", &json!({})),
        echoed("2", &json!({"StatusAttributeString": "WARNING", "Warnings": [{"Message": "rounded"}]})),
    ]});
    let outcomes = interpret(&request, &answer(200, &body));
    let Verdict::Applied(applied) = &outcomes[1].verdict else {
        panic!("{outcomes:?}")
    };
    assert_eq!(
        (applied.id.as_str(), applied.version.as_deref()),
        ("aaaa-2", Some("2026-09-14T09:29:59Z"))
    );
    assert_eq!(applied.warnings, ["rounded"]);
    assert!(
        applied.doc.contains(r#""number":"INV-2""#) && applied.doc.contains(r#""id":"L1""#),
        "{}",
        applied.doc
    );
}

#[test]
fn elements_fail_one_by_one() {
    let request = invoices(&["1", "2"]);
    let refusal = json!({
        "InvoiceID": "00000000-0000-0000-0000-000000000000", "StatusAttributeString": "ERROR",
        "ValidationErrors": [{"Message": "Invoice # must be unique."}],
    });
    let body = json!({"Invoices": [echoed("1", &refusal), echoed("2", &json!({}))]});
    assert_eq!(
        told(&request, &answer(200, &body)),
        ["FailureKind::Rejected not-unique", "ok"]
    );
}

#[test]
fn what_the_answer_does_not_clearly_say_is_in_doubt() {
    let doubt = "FailureKind::InDoubt malformed-answer";
    let one = || echoed("1", &json!({}));
    let two = || echoed("2", &json!({}));
    let cases: Vec<(&str, Value, [&str; 2])> = vec![
        ("half a batch", json!({"Invoices": [one()]}), ["ok", doubt]),
        (
            "the first is missing",
            json!({"Invoices": [two()]}),
            [doubt, doubt],
        ),
        (
            "swapped",
            json!({"Invoices": [two(), one()]}),
            [doubt, doubt],
        ),
        (
            "one too many",
            json!({"Invoices": [one(), two(), echoed("3", &json!({}))]}),
            [doubt, doubt],
        ),
        (
            "one twice",
            json!({"Invoices": [one(), one()]}),
            [doubt, doubt],
        ),
        (
            "one id for two",
            json!({"Invoices": [one(), echoed("2", &json!({"InvoiceID": "AAAA-1"}))]}),
            [doubt, doubt],
        ),
        (
            "success without an id",
            json!({"Invoices": [echoed("1", &json!({"InvoiceID": null})), two()]}),
            [doubt, "ok"],
        ),
        (
            "success with the zero id",
            json!({"Invoices": [echoed("1", &json!({"InvoiceID": "00000000-0000-0000-0000-000000000000"})), two()]}),
            [doubt, "ok"],
        ),
        (
            "another customer",
            json!({"Invoices": [echoed("1", &json!({"Contact": {"ContactID": "x"}})), two()]}),
            [doubt, "ok"],
        ),
        ("no list", json!({"Message": "done"}), [doubt, doubt]),
        (
            "a list of something else",
            json!({"Invoices": ["a", null]}),
            [doubt, doubt],
        ),
    ];
    for (what, body, wanted) in cases {
        assert_eq!(
            told(&invoices(&["1", "2"]), &answer(200, &body)),
            wanted,
            "{what}"
        );
    }
}

#[test]
fn a_refusal_is_believed_only_of_the_record_that_it_echoes() {
    let refusal = |more: &Value| {
        let mut element = json!({"StatusAttributeString": "ERROR", "ValidationErrors": [{"Message": "The contact could not be found."}]});
        element
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"Invoices": [element, echoed("2", &json!({}))]})
    };
    let cases = [
        (
            json!({"Url": "https://e.com/1"}),
            "FailureKind::Rejected not-found",
        ),
        (
            json!({"Url": "https://e.com/9"}),
            "FailureKind::InDoubt malformed-answer",
        ),
        (json!({}), "FailureKind::InDoubt malformed-answer"),
    ];
    for (more, wanted) in cases {
        assert_eq!(
            told(&invoices(&["1", "2"]), &answer(200, &refusal(&more))),
            [wanted, "ok"],
            "{more}"
        );
    }
}

#[test]
fn the_envelope_may_be_in_any_case() {
    let body = json!({"invoices": [echoed("1", &json!({}))]});
    assert_eq!(told(&invoices(&["1"]), &answer(200, &body)), ["ok"]);
}

#[test]
fn a_whole_refusal_blames_the_bad_ones_only() {
    let request = prepare(&[customer("1", "A"), customer("2", "B")])
        .unwrap()
        .remove(0);
    let bad = json!({
        "ContactID": "00000000-0000-0000-0000-000000000000", "Name": "B", "ContactNumber": "2", "HasValidationErrors": true,
        "ValidationErrors": [{"Message": "The contact name B is already assigned to another contact. The contact name must be unique across all active contacts."}],
    });
    let body = json!({"ErrorNumber": "10", "Type": "ValidationException", "Message": "A validation exception occurred", "Elements": [bad]});
    assert_eq!(
        told(&request, &answer(400, &body)),
        [
            "FailureKind::Retry validation-rule",
            "FailureKind::Rejected not-unique"
        ]
    );
}

#[test]
fn refusals_that_blame_nobody() {
    let cases = [
        (
            json!({"Type": "ValidationException", "Message": "A validation exception occurred", "Elements": []}),
            "FailureKind::Rejected validation-rule",
        ),
        (
            json!({"Type": "X", "Message": "Organisation is not subscribed to currency EUR"}),
            "FailureKind::Rejected wrong-currency",
        ),
        (
            json!({"Type": "PostDataInvalidException", "Message": "JSON for post data was invalid"}),
            "FailureKind::Misconfigured unexpected-status",
        ),
        (
            json!({"Message": "The Idempotency-Key abc is used with a different request."}),
            "FailureKind::InDoubt internal",
        ),
        (
            json!({"Detail": "The Idempotency-Key abc is used with a different request."}),
            "FailureKind::InDoubt internal",
        ),
    ];
    for (body, wanted) in cases {
        let alone = told(&invoices(&["1"]), &answer(400, &body));
        assert_eq!(alone, [wanted], "{body}");
        // Several go again in halves, unless nothing is known.
        let halved = match wanted.split_once(' ') {
            Some((kind, code)) if kind != "FailureKind::InDoubt" => {
                format!("FailureKind::Retry {code}")
            }
            _ => wanted.to_owned(),
        };
        let request = invoices(&["1", "2"]);
        let answer = answer(400, &body);
        assert_eq!(told(&request, &answer), [&*halved, &*halved], "{body}");
        for outcome in interpret(&request, &answer) {
            let Verdict::Failed(failure) = outcome.verdict else {
                panic!("{body}")
            };
            let whole = failure.problem.extra.as_deref() == Some("whole-request");
            assert_eq!(whole, halved != wanted, "{body}");
        }
    }
}

#[test]
fn statuses() {
    let cases = [
        (401, "FailureKind::AuthExpired not-authorised"),
        (403, "FailureKind::Misconfigured not-authorised"),
        (404, "FailureKind::Misconfigured not-found"),
        (413, "FailureKind::Misconfigured too-long"),
        (429, "FailureKind::Retry rate-limited"),
        (500, "FailureKind::InDoubt server-error"),
        (503, "FailureKind::InDoubt server-error"),
        (200, "FailureKind::InDoubt malformed-answer"),
        (204, "FailureKind::InDoubt malformed-answer"),
        (400, "FailureKind::InDoubt malformed-answer"),
        (302, "FailureKind::InDoubt unexpected-status"),
    ];
    for (status, wanted) in cases {
        for body in ["", "<html>Busy</html>", "{\"Invoices\": [{\"Inv"] {
            let answer = Answer {
                status,
                headers: Vec::new(),
                body: body.into(),
                json: body.starts_with('{'),
            };
            assert_eq!(
                told(&invoices(&["1", "2"]), &answer),
                [wanted, wanted],
                "{status} {body}"
            );
        }
    }
}

#[test]
fn a_missing_target_is_not_visible() {
    let request = prepare(&[operation(
        "1",
        "invoice",
        Some("ab"),
        r#"{"status":"deleted"}"#,
    )])
    .unwrap()
    .remove(0);
    let answer = Answer {
        status: 404,
        headers: Vec::new(),
        body: String::new(),
        json: false,
    };
    assert_eq!(
        told(&request, &answer),
        ["FailureKind::NotVisible not-found"]
    );
}

#[test]
fn only_the_header_says_when_to_come_back() {
    let header = |name: &str, value: &str| RequestHeader {
        name: name.into(),
        value: value.into(),
    };
    for (which, kind) in [("minute", FailureKind::Retry), ("day", FailureKind::Quota)] {
        let headers = vec![
            header("retry-after", "26"),
            header("X-Rate-Limit-Problem", which),
        ];
        let outcomes = interpret(
            &invoices(&["1"]),
            &Answer {
                status: 429,
                headers,
                body: String::new(),
                json: false,
            },
        );
        let Verdict::Failed(failure) = &outcomes[0].verdict else {
            panic!("{outcomes:?}")
        };
        assert_eq!(
            (failure.kind, failure.retry_after_seconds),
            (kind, Some(26))
        );
    }
}

proptest! {
    /// However an answer is cut or bent, nothing is called applied that wasn't echoed, and each operation has one outcome.
    #[test]
    fn bent_answers_never_apply_wrongly(
        cut in 0_usize..2000,
        order in Just(vec![1, 2, 3, 4]).prop_shuffle(),
        keep in 0_usize..5,
        status in prop_oneof![Just(200_u16), Just(400), 100_u16..600],
    ) {
        let request = invoices(&["1", "2", "3", "4"]);
        let list: Vec<Value> = order.iter().take(keep).map(|id| echoed(&id.to_string(), &json!({}))).collect();
        let body = json!({"Invoices": list}).to_string();
        let cut_body: String = body.chars().take(cut).collect();
        for body in [body, cut_body] {
            let outcomes = interpret(&request, &Answer { status, headers: Vec::new(), body, json: true });
            prop_assert_eq!(outcomes.len(), 4);
            for outcome in outcomes {
                if let Verdict::Applied(applied) = outcome.verdict {
                    prop_assert_eq!(applied.id, format!("aaaa-{}", outcome.operation));
                }
            }
        }
    }
}
