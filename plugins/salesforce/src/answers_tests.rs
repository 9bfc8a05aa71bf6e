//! Tests of `answers`: recorded shapes, and everything that can be wrong with an answer.

use super::*;
use crate::batches::prepare;
use crate::batches::tests::update;
use proptest::prelude::*;

const A: &str = "006A0000000L2ZC";
const B: &str = "006A0000000L2ZD";

fn request() -> WriteRequest {
    prepare(&[
        update("a", "Opportunity", A, r#"{"X__c":"1"}"#),
        update("b", "Opportunity", B, r#"{"X__c":"2"}"#),
    ])
    .unwrap()
    .remove(0)
}

fn told(status: u16, body: &str) -> Vec<String> {
    let answer = Answer {
        status,
        headers: Vec::new(),
        body: body.into(),
        json: !body.starts_with('<'),
    };
    let outcomes = interpret(&request(), &answer);
    assert_eq!(
        outcomes
            .iter()
            .map(|outcome| outcome.operation.as_str())
            .collect::<Vec<_>>(),
        ["a", "b"]
    );
    outcomes
        .iter()
        .map(|outcome| match &outcome.verdict {
            Verdict::Applied(_) => "ok".to_owned(),
            Verdict::Failed(failure) => format!("{:?} {}", failure.kind, failure.problem.code),
        })
        .collect()
}

fn good(id: &str) -> Value {
    json!({"id": id, "success": true, "errors": []})
}

fn bad(code: &str) -> Value {
    json!({"success": false, "errors": [{"statusCode": code, "message": "m", "fields": ["X__c"]}]})
}

#[test]
fn rows_by_code() {
    let cases = [
        ("UNABLE_TO_LOCK_ROW", "FailureKind::Retry row-locked"),
        ("ENTITY_IS_DELETED", "FailureKind::Gone not-found"),
        (
            "INVALID_CROSS_REFERENCE_KEY",
            "FailureKind::NotVisible not-found",
        ),
        (
            "DUPLICATES_DETECTED",
            "FailureKind::NeedsPerson duplicate-rule",
        ),
        ("DUPLICATE_VALUE", "FailureKind::Rejected not-unique"),
        (
            "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "FailureKind::Rejected validation-rule",
        ),
        (
            "REQUIRED_FIELD_MISSING",
            "FailureKind::Rejected missing-field",
        ),
        ("STRING_TOO_LONG", "FailureKind::Rejected too-long"),
        (
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "FailureKind::Misconfigured unknown-field",
        ),
        (
            "INSUFFICIENT_ACCESS_OR_READONLY",
            "FailureKind::NotVisible not-authorised",
        ),
        ("SOMETHING_NEW", "FailureKind::Rejected validation-rule"),
    ];
    for (code, wanted) in cases {
        assert_eq!(
            told(200, &json!([good(A), bad(code)]).to_string()),
            ["ok", wanted],
            "{code}"
        );
    }
}

#[test]
fn ids_of_either_length_are_one_and_come_out_long() {
    let body = json!([good("006A0000000L2ZCIA0"), good(B)]).to_string();
    let outcomes = interpret(
        &request(),
        &Answer {
            status: 200,
            headers: Vec::new(),
            body,
            json: true,
        },
    );
    for outcome in outcomes {
        let Verdict::Applied(applied) = outcome.verdict else {
            panic!("not applied")
        };
        assert_eq!(applied.id.len(), 18);
    }
}

#[test]
fn what_the_answer_does_not_clearly_say_is_in_doubt() {
    let doubt = "FailureKind::InDoubt malformed-answer";
    let cases = [
        ("half a batch", json!([good(A)]), ["ok", doubt]),
        (
            "half a batch that failed",
            json!([bad("STRING_TOO_LONG")]),
            [doubt, doubt],
        ),
        (
            "extra rows",
            json!([good(A), good(B), good(A)]),
            [doubt, doubt],
        ),
        ("swapped", json!([good(B), good(A)]), [doubt, doubt]),
        (
            "a failure beside a wrong id",
            json!([bad("STRING_TOO_LONG"), good(A)]),
            [doubt, doubt],
        ),
        (
            "success without an id",
            json!([{"success": true}, good(B)]),
            [doubt, "ok"],
        ),
        (
            "no word of success",
            json!([{"id": A}, good(B)]),
            [doubt, "ok"],
        ),
        ("not rows", json!(["x", null]), [doubt, doubt]),
        ("not a list", json!({"hasErrors": false}), [doubt, doubt]),
    ];
    for (what, body, wanted) in cases {
        assert_eq!(told(200, &body.to_string()), wanted, "{what}");
    }
}

#[test]
fn whole_answers() {
    let error = |code: &str| json!([{"message": "m", "errorCode": code}]).to_string();
    let cases = [
        (
            401,
            error("INVALID_SESSION_ID"),
            "FailureKind::AuthExpired not-authorised",
        ),
        (
            401,
            "<html>".to_owned(),
            "FailureKind::AuthExpired not-authorised",
        ),
        (
            403,
            error("REQUEST_LIMIT_EXCEEDED"),
            "FailureKind::Quota rate-limited",
        ),
        (
            403,
            "<html>".to_owned(),
            "FailureKind::Misconfigured not-authorised",
        ),
        (
            400,
            error("INVALID_TYPE"),
            "FailureKind::Misconfigured unknown-object",
        ),
        (
            400,
            error("SOMETHING_NEW"),
            "FailureKind::Misconfigured unexpected-status",
        ),
        (
            400,
            "<html>".to_owned(),
            "FailureKind::InDoubt malformed-answer",
        ),
        (
            404,
            "<html>".to_owned(),
            "FailureKind::Misconfigured not-found",
        ),
        (429, String::new(), "FailureKind::Retry rate-limited"),
        (
            500,
            error("UNABLE_TO_LOCK_ROW"),
            "FailureKind::InDoubt server-error",
        ),
        (
            503,
            "<html>".to_owned(),
            "FailureKind::InDoubt server-error",
        ),
        (
            200,
            "<html>".to_owned(),
            "FailureKind::InDoubt malformed-answer",
        ),
        (
            200,
            "[{\"id\": \"006".to_owned(),
            "FailureKind::InDoubt malformed-answer",
        ),
        (204, String::new(), "FailureKind::InDoubt malformed-answer"),
        (302, String::new(), "FailureKind::InDoubt unexpected-status"),
    ];
    for (status, body, wanted) in cases {
        assert_eq!(told(status, &body), [wanted, wanted], "{status} {body}");
    }
}

#[test]
fn one_bad_error_among_many_decides() {
    let row = json!({"success": false, "errors": [
        {"statusCode": "STRING_TOO_LONG", "message": "m", "fields": []},
        {"statusCode": "ENTITY_IS_DELETED", "message": "gone", "fields": []},
    ]});
    assert_eq!(
        told(200, &json!([row, good(B)]).to_string()),
        ["FailureKind::Gone not-found", "ok"]
    );
}

proptest! {
    /// However an answer is cut or bent, each operation has one outcome, and none is applied under another's id.
    #[test]
    fn bent_answers_never_apply_wrongly(
        rows in proptest::collection::vec(0_u8..4, 0..5),
        cut in 0_usize..400,
        status in prop_oneof![Just(200_u16), 100_u16..600],
    ) {
        let rows: Vec<Value> = rows
            .iter()
            .map(|kind| match kind {
                0 => good(A),
                1 => good(B),
                2 => bad("STRING_TOO_LONG"),
                _ => json!({}),
            })
            .collect();
        let body = json!(rows).to_string();
        let cut_body: String = body.chars().take(cut).collect();
        for body in [body, cut_body] {
            let outcomes = interpret(&request(), &Answer { status, headers: Vec::new(), body, json: true });
            prop_assert_eq!(outcomes.len(), 2);
            for (outcome, target) in outcomes.iter().zip([A, B]) {
                if let Verdict::Applied(applied) = &outcome.verdict {
                    prop_assert!(ids::same(&applied.id, target));
                }
            }
        }
    }
}

mod upserts {
    use super::super::*;
    use footbridge_sdk::connector::writes::{Method, RequestHeader};

    fn sent(keys: &[&str]) -> WriteRequest {
        let records: Vec<Value> = keys
            .iter()
            .map(|key| json!({"Key__c": key, "attributes": {"type": "Footbridge_Document__c"}}))
            .collect();
        WriteRequest {
            service: "data".into(),
            method: Method::Patch,
            path: "/composite/sobjects/Footbridge_Document__c/Key__c".into(),
            query: Vec::new(),
            headers: Vec::<RequestHeader>::new(),
            content_type: "application/json".into(),
            body: json!({"allOrNone": false, "records": records})
                .to_string()
                .into_bytes(),
            operations: keys.iter().map(|key| (*key).to_owned()).collect(),
        }
    }

    fn read(keys: &[&str], rows: &Value) -> Vec<Verdict> {
        let answer = Answer {
            status: 200,
            headers: Vec::new(),
            body: rows.to_string(),
            json: true,
        };
        interpret(&sent(keys), &answer)
            .into_iter()
            .map(|outcome| outcome.verdict)
            .collect()
    }

    #[test]
    fn created_and_updated_rows_carry_the_id_that_salesforce_gave() {
        let rows = json!([
            {"id": "a00A0000000L2ZC", "success": true, "created": true, "errors": []},
            {"id": "a00A0000000L2ZD", "success": true, "created": false, "errors": []},
            {"success": false, "errors": [{"statusCode": "STRING_TOO_LONG", "message": "m", "fields": ["Number__c"]}]},
            {"success": false, "errors": [{"statusCode": "INVALID_FIELD", "message": "Foreign key external ID: o/invoice/1 not found for field Key__c in entity Footbridge_Document__c", "fields": []}]},
            {"success": false, "errors": [{"statusCode": "STORAGE_LIMIT_EXCEEDED", "message": "storage limit exceeded", "fields": []}]},
        ]);
        let verdicts = read(&["a", "b", "c", "d", "e"], &rows);
        for (verdict, id, key) in [
            (&verdicts[0], "a00A0000000L2ZC", "a"),
            (&verdicts[1], "a00A0000000L2ZD", "b"),
        ] {
            let Verdict::Applied(applied) = verdict else {
                panic!("{verdict:?}")
            };
            assert!(ids::same(&applied.id, id) && applied.id.len() == 18);
            assert_eq!(applied.doc, json!({"key": key}).to_string());
        }
        for (verdict, kind, said) in [
            (&verdicts[2], FailureKind::Rejected, "too-long"),
            (&verdicts[3], FailureKind::Retry, "not-found"),
            (&verdicts[4], FailureKind::Misconfigured, "settings"),
        ] {
            let Verdict::Failed(failure) = verdict else {
                panic!("{verdict:?}")
            };
            assert_eq!((failure.kind, failure.problem.code.as_str()), (kind, said));
        }
    }

    #[test]
    fn rows_that_can_not_be_placed_are_in_doubt() {
        let row = json!({"id": "a00A0000000L2ZC", "success": true, "created": true, "errors": []});
        for rows in [
            json!([row]),
            json!([row, row, row]),
            json!([row, {"id": "junk", "success": true}]),
        ] {
            for verdict in read(&["a", "b"], &rows) {
                assert!(
                    matches!(&verdict, Verdict::Failed(failure) if failure.kind == FailureKind::InDoubt),
                    "{rows}: {verdict:?}"
                );
            }
        }
    }

    #[test]
    fn an_object_that_is_not_set_up_says_what_to_run() {
        let answer = Answer {
            status: 400,
            headers: Vec::new(),
            body: json!([{"errorCode": "INVALID_TYPE", "message": "sObject type 'Footbridge_Document__c' is not supported."}]).to_string(),
            json: true,
        };
        let outcomes = interpret(&sent(&["a"]), &answer);
        assert!(
            matches!(&outcomes[0].verdict, Verdict::Failed(failure) if failure.problem.message.contains("`footbridge provision`")),
            "{outcomes:?}"
        );
    }
}
