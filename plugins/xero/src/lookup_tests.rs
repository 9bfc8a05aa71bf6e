//! Tests of `lookup`: what is asked, what is let through, and when `complete` is said.

use super::*;
use footbridge_sdk::connector::http;
use serde_json::json;

fn criteria(object: &str, key: &str, values: &[&str]) -> Criteria {
    Criteria {
        object: object.into(),
        key: key.into(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        parents: Vec::new(),
        changed_since: None,
        fields: Vec::new(),
    }
}

/// Answers every read with the same body and notes the requests.
fn asked(criteria: &Criteria, body: &Value) -> (Found, Vec<http::Request>) {
    let mut requests = Vec::new();
    let found = find(criteria, &mut |request| {
        requests.push(request.clone());
        Ok(http::Response {
            status: 200,
            headers: Vec::new(),
            body: http::Body::Json(body.to_string()),
        })
    });
    (found.unwrap(), requests)
}

fn query<'r>(request: &'r http::Request, key: &str) -> Option<&'r str> {
    request
        .query
        .iter()
        .find(|(name, _)| name == key)
        .map(|(_, value)| value.as_str())
}

#[test]
fn an_invoice_is_found_by_url_among_our_own() {
    let mut wanted = criteria("invoice", "url", &["https://e.com/1"]);
    wanted.parents = (0..41).map(|n| format!("{n:036}")).collect();
    wanted.changed_since = Some("2026-09-14T09:00:00Z".into());
    let body = json!({"Invoices": [
        {"InvoiceID": "A1", "Type": "ACCREC", "Url": "https://e.com/1", "Status": "VOIDED"},
        {"InvoiceID": "A2", "Type": "ACCREC", "Url": "https://e.com/1", "Status": "DRAFT"},
        {"InvoiceID": "A3", "Type": "ACCREC", "Url": "https://e.com/10"},
        {"InvoiceID": "A4", "Type": "ACCPAY", "Url": "https://e.com/1"},
        {"InvoiceID": "A5", "Type": "ACCREC"},
    ]});
    let (found, requests) = asked(&wanted, &body);
    assert_eq!(
        found
            .items
            .iter()
            .map(|item| item.id.as_str())
            .collect::<Vec<_>>(),
        ["a1", "a2"],
        "a copy is shown too"
    );
    assert!(found.complete);
    assert_eq!(requests.len(), 2, "41 parents need two addresses");
    for request in &requests {
        assert_eq!(query(request, "unitdp"), Some("4"), "prices as they stand");
        assert_eq!(query(request, "createdByMyApp"), Some("true"));
        assert!(query(request, "Statuses").unwrap().contains("DELETED"));
        assert!(query(request, "ContactIDs").unwrap().len() < 1_600);
        assert!(
            request
                .headers
                .iter()
                .any(|header| header.name == "if-modified-since")
        );
    }
}

#[test]
fn numbers_go_in_lists_and_those_with_commas_alone() {
    let (_, requests) = asked(
        &criteria("invoice", "number", &["INV-1", "A,B", "INV-2"]),
        &json!({"Invoices": []}),
    );
    assert_eq!(query(&requests[0], "InvoiceNumbers"), Some("INV-1,INV-2"));
    assert_eq!(query(&requests[1], "where"), Some("InvoiceNumber==\"A,B\""));
}

#[test]
fn a_few_customers_are_searched_singly_many_by_one_walk() {
    let body = json!({"Contacts": [{"ContactID": "C1", "Name": " SMITH & Co "}, {"ContactID": "C2", "Name": "Smith"}]});
    let (found, requests) = asked(&criteria("customer", "name", &["Smith & Co"]), &body);
    assert_eq!(found.items.len(), 1, "case and outer spaces don't matter");
    assert_eq!(query(&requests[0], "where"), Some("Name==\"Smith & Co\""));

    let many: Vec<String> = (0..60).map(|n| format!("N{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let (_, requests) = asked(&criteria("customer", "number", &many), &body);
    assert_eq!((requests.len(), query(&requests[0], "where")), (1, None));
}

#[test]
fn a_value_without_a_known_escape_is_looked_for_by_walking() {
    for name in ["Joe \"The\" Co", "back\\slash", "line\nbreak"] {
        let (_, requests) = asked(
            &criteria("customer", "name", &[name]),
            &json!({"Contacts": []}),
        );
        assert_eq!(
            (requests.len(), query(&requests[0], "where")),
            (1, None),
            "{name}"
        );
    }
}

#[test]
fn recent_changes_are_walked_instead_of_searched() {
    let mut wanted = criteria("customer", "number", &["001"]);
    wanted.changed_since = Some("2026-09-14T09:00:00Z".into());
    let (_, requests) = asked(&wanted, &json!({"Contacts": []}));
    assert_eq!(query(&requests[0], "where"), None);
    assert!(
        requests[0]
            .headers
            .iter()
            .any(|header| header.value == "2026-09-14T09:00:00Z")
    );
}

#[test]
fn nothing_is_asked_for_nothing() {
    let (found, requests) = asked(&criteria("invoice", "url", &[""]), &json!({}));
    assert_eq!(
        (found.items.len(), found.complete, requests.len()),
        (0, true, 0)
    );
}

#[test]
fn an_unknown_key_is_named() {
    let refused = find(&criteria("invoice", "reference", &["x"]), &mut |_| {
        Err(http::Error::Denied("none".into()))
    })
    .unwrap_err();
    assert_eq!(refused.problem.code, "unknown-field");
}

#[test]
fn ids_are_read_in_chunks_and_strangers_left_out() {
    let mut ids: Vec<String> = (0..90)
        .map(|n| format!("{n:08}-0000-4000-8000-000000000001"))
        .collect();
    ids.push("no guid, two".into());
    let mut calls = 0;
    let found = fetch("invoice", &ids, &mut |request| {
        calls += 1;
        assert!(query(request, "IDs").unwrap().len() < 1_600);
        assert_eq!(
            query(request, "page"),
            Some("1"),
            "without a page there are no lines"
        );
        let body = json!({"Invoices": [
            {"InvoiceID": "00000001-0000-4000-8000-000000000001".to_uppercase()},
            {"InvoiceID": "FFFFFFFF-0000-4000-8000-000000000001"},
        ]});
        Ok(http::Response {
            status: 200,
            headers: Vec::new(),
            body: http::Body::Json(body.to_string()),
        })
    })
    .unwrap();
    assert_eq!((calls, found.items.len(), found.complete), (3, 1, true));
}

#[test]
fn a_few_are_read_at_their_own_addresses_and_from_a_list_what_is_not_there() {
    let ids: Vec<String> = (1..=3)
        .map(|n| format!("{n:08}-0000-4000-8000-000000000001"))
        .chain(["no guid".to_owned()])
        .collect();
    let mut paths = Vec::new();
    let found = fetch("customer", &ids[1..], &mut |request| {
        let listed = query(request, "IDs").map(str::to_owned);
        paths.push((request.path.clone(), listed.clone()));
        let (status, body) = match (request.path.rsplit('/').next(), listed) {
            (Some(id), None) if *id == ids[1] => {
                (200, json!({"Contacts": [{"ContactID": id.to_uppercase()}]}))
            }
            (_, None) => {
                return Ok(http::Response {
                    status: 404,
                    headers: Vec::new(),
                    body: http::Body::Empty,
                });
            }
            _ => (200, json!({"Contacts": []})),
        };
        Ok(http::Response {
            status,
            headers: Vec::new(),
            body: http::Body::Json(body.to_string()),
        })
    })
    .unwrap();
    let own = |id: &String| (format!("/Contacts/{id}"), None);
    assert_eq!(
        paths,
        [
            own(&ids[1]),
            own(&ids[2]),
            ("/Contacts".to_owned(), Some(ids[2].clone()))
        ]
    );
    assert_eq!((found.items.len(), found.complete), (1, true));
    assert_eq!(found.items[0].id, ids[1]);
}

#[test]
fn an_answer_about_another_record_is_not_taken_and_a_refusal_is_one() {
    let id = "00000001-0000-4000-8000-000000000001";
    let fetched = |status: u16, body: Value| {
        let mut answers = vec![(200, json!({"Contacts": []})), (status, body)];
        fetch("customer", &[id.to_owned()], &mut |_| {
            let (status, body) = answers.pop().expect("no more than two reads");
            Ok(http::Response {
                status,
                headers: Vec::new(),
                body: http::Body::Json(body.to_string()),
            })
        })
    };
    let other = json!({"Contacts": [{"ContactID": "00000002-0000-4000-8000-000000000001"}]});
    assert!(fetched(200, other).unwrap().items.is_empty());
    assert_eq!(
        fetched(503, json!({})).unwrap_err().kind,
        FailureKind::Retry
    );
    assert_eq!(
        fetched(403, json!({})).unwrap_err().kind,
        FailureKind::Misconfigured
    );
}

#[test]
fn lists_that_take_no_ids_are_searched_by_comparisons() {
    let ids: Vec<String> = (0..45)
        .map(|n| format!("{n:08}-0000-4000-8000-000000000001"))
        .chain(["no guid".to_owned()])
        .collect();
    let mut calls = Vec::new();
    let found = fetch("payment", &ids, &mut |request| {
        calls.push(query(request, "where").unwrap().to_owned());
        let body = json!({"Payments": [{"PaymentID": "00000003-0000-4000-8000-000000000001", "Status": "DELETED"}]});
        Ok(http::Response {
            status: 200,
            headers: Vec::new(),
            body: http::Body::Json(body.to_string()),
        })
    })
    .unwrap();
    assert_eq!(
        (calls.len(), found.items.len(), found.complete),
        (3, 1, true)
    );
    assert!(calls[0].starts_with(
        "PaymentID==Guid(\"00000000-0000-4000-8000-000000000001\") OR PaymentID==Guid("
    ));
    assert!(calls.iter().all(|filter| filter.len() < 1_300));
}

#[test]
fn credits_are_found_by_customer_and_number_and_payments_by_document() {
    const ONE: &str = "00000001-0000-4000-8000-000000000001";
    let body = json!({"CreditNotes": [
        {"CreditNoteID": "A1", "Type": "ACCRECCREDIT", "CreditNoteNumber": "CN-1", "Contact": {"ContactID": ONE}},
        {"CreditNoteID": "A2", "Type": "ACCPAYCREDIT", "CreditNoteNumber": "CN-1", "Contact": {"ContactID": ONE}},
    ]});
    let (found, requests) = asked(&criteria("credit-note", "number", &["cn-1"]), &body);
    assert_eq!(
        query(&requests[0], "where"),
        Some("CreditNoteNumber==\"cn-1\"")
    );
    assert_eq!(found.items.len(), 1, "a supplier's number is not ours");
    let (found, requests) = asked(&criteria("credit-note", "customer", &[ONE]), &body);
    assert_eq!((found.items.len(), found.complete), (2, true));
    assert_eq!(
        query(&requests[0], "where"),
        Some("Contact.ContactID==Guid(\"00000001-0000-4000-8000-000000000001\")")
    );

    let body = json!({"Payments": [
        {"PaymentID": "P1", "Invoice": {"InvoiceID": ONE}},
        {"PaymentID": "P2", "Invoice": {"InvoiceID": "00000002-0000-4000-8000-000000000001"}},
    ]});
    let (found, _) = asked(&criteria("payment", "document", &[ONE]), &body);
    assert_eq!(found.items.len(), 1);
    assert!(!found.complete, "a refund may show its credit elsewhere");
}

#[test]
fn many_ids_are_read_from_the_whole_list_where_that_is_shorter() {
    let ids: Vec<String> = (0..160)
        .map(|n| format!("{n:08}-0000-4000-8000-000000000001"))
        .collect();
    let calls = |object: &str, count: Option<usize>| {
        let mut asked = Vec::new();
        let list = Kind::named(object).unwrap().plural();
        let found = fetch(object, &ids, &mut |request| {
            asked.push(query(request, "IDs").is_some() || query(request, "where").is_some());
            let mut body = json!({list: []});
            if let Some(count) = count {
                body["pagination"] =
                    json!({"page": "1", "pageCount": "1", "itemCount": count.to_string()});
            }
            Ok(http::Response {
                status: 200,
                headers: Vec::new(),
                body: http::Body::Json(body.to_string()),
            })
        });
        assert!(found.unwrap().complete);
        asked
    };
    assert_eq!(calls("invoice", Some(3_000)), [false, false]);
    assert_eq!(
        calls("invoice", Some(3_001)),
        [false, true, true, true, true]
    );
    assert_eq!(calls("invoice", None).len(), 5, "not counted");
    assert_eq!(calls("payment", Some(10)), [true; 8], "deleted ones count");
}
