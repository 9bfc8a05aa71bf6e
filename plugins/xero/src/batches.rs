//! Packs operations into write requests: creations by PUT, updates by POST, 50 elements and under 3 MB each.
//!
//! Never sends anything and never changes the order of operations of one kind. Pure: the host journals the bytes before
//! they leave. From here to the host; the answers come back to `answers`.

use footbridge_sdk::connector::Problem;
use footbridge_sdk::connector::writes::{Action, Method, Operation, RequestHeader, WriteRequest};
use footbridge_sdk::document::parse;
use footbridge_sdk::failure::{Code, problem, problem_at};

use crate::objects::Kind;
use crate::walk::SERVICE;
use crate::{customer, invoice, schema};

/// Elements per request, Xero's advice.
pub(crate) const ELEMENTS: usize = 50;
/// Most bytes of a body. Xero takes 3.5 MB.
const BYTES: usize = 3_000_000;

/// An operation written out.
struct Element {
    kind: Kind,
    action: Action,
    operation: String,
    text: String,
}

/// Packs operations. Those of one kind and action share requests, in their order; the groups come in the order of their
/// first operation.
///
/// # Errors
/// The first operation that can't be written, by its id in `extra`; then nothing is packed.
pub(crate) fn prepare(operations: &[Operation]) -> Result<Vec<WriteRequest>, Problem> {
    let mut groups: Vec<Vec<Element>> = Vec::new();
    for operation in operations {
        let element = element(operation).map_err(|problem| Problem {
            extra: Some(format!("operation {}", operation.id)),
            ..problem
        })?;
        match groups.iter_mut().find(|group| {
            group
                .first()
                .is_some_and(|first| first.kind == element.kind && first.action == element.action)
        }) {
            Some(group) => group.push(element),
            None => groups.push(vec![element]),
        }
    }
    Ok(groups.iter().flat_map(|group| split(group)).collect())
}

fn element(operation: &Operation) -> Result<Element, Problem> {
    let kind = Kind::named(&operation.object).map_err(|failure| failure.problem)?;
    let doc = parse(&operation.doc)?;
    let target = match (operation.action, operation.target.as_deref()) {
        (Action::Create, None) => None,
        (Action::Update, Some(target)) if !target.is_empty() => Some(target),
        (Action::Create, Some(_)) => {
            return Err(problem(
                Code::Internal,
                "A creation names a record that exists.",
            ));
        }
        (Action::Update, _) => return Err(problem(Code::Internal, "An update names no record.")),
    };
    if let Some(problem) = schema::too_long(kind, &doc) {
        return Err(problem);
    }
    let value = match kind {
        Kind::Customer => {
            if target.is_none() && !doc.contains_key("name") {
                return Err(problem_at(
                    Code::MissingField,
                    "name",
                    "A new customer needs a name. Map one.",
                ));
            }
            customer::write(&doc, target)?
        }
        Kind::Invoice => invoice::write(&doc, target)?,
        _ => {
            return Err(problem(
                Code::UnknownObject,
                format!(
                    "Xero's {} are read only here. Map to customers or invoices.",
                    kind.plural()
                ),
            ));
        }
    };
    let text = value.to_string();
    if text.len() > BYTES {
        return Err(problem(
            Code::TooLong,
            format!(
                "One {} alone is larger than Xero takes (3 MB).",
                kind.name()
            ),
        ));
    }
    Ok(Element {
        kind,
        action: operation.action,
        operation: operation.id.clone(),
        text,
    })
}

fn split(group: &[Element]) -> Vec<WriteRequest> {
    let mut requests = Vec::new();
    let mut from = 0;
    while let Some(rest) = group.get(from..).filter(|rest| !rest.is_empty()) {
        let mut bytes = 100;
        let fitting = rest.iter().take(ELEMENTS).take_while(|element| {
            bytes += element.text.len() + 1;
            bytes <= BYTES
        });
        // One element alone always goes.
        let count = fitting.count().max(1);
        requests.extend(rest.get(..count).and_then(request));
        from += count;
    }
    requests
}

fn request(elements: &[Element]) -> Option<WriteRequest> {
    let first = elements.first()?;
    let texts: Vec<&str> = elements
        .iter()
        .map(|element| element.text.as_str())
        .collect();
    let mut query = vec![("summarizeErrors".to_owned(), "false".to_owned())];
    query.extend(first.kind.unit_places());
    Some(WriteRequest {
        service: SERVICE.to_owned(),
        method: match first.action {
            Action::Create => Method::Put,
            Action::Update => Method::Post,
        },
        path: format!("/{}", first.kind.plural()),
        query,
        headers: vec![RequestHeader {
            name: "accept".to_owned(),
            value: "application/json".to_owned(),
        }],
        content_type: "application/json".to_owned(),
        body: format!("{{\"{}\":[{}]}}", first.kind.plural(), texts.join(",")).into_bytes(),
        operations: elements
            .iter()
            .map(|element| element.operation.clone())
            .collect(),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    pub(crate) fn operation(id: &str, object: &str, target: Option<&str>, doc: &str) -> Operation {
        let action = if target.is_some() {
            Action::Update
        } else {
            Action::Create
        };
        Operation {
            id: id.into(),
            action,
            object: object.into(),
            target: target.map(str::to_owned),
            doc: doc.into(),
        }
    }

    pub(crate) fn customer(id: &str, name: &str) -> Operation {
        operation(
            id,
            "customer",
            None,
            &format!(r#"{{"name":"{name}","number":"{id}"}}"#),
        )
    }

    pub(crate) fn invoice(id: &str) -> Operation {
        operation(
            id,
            "invoice",
            None,
            &format!(
                r#"{{"customer":"c0ffee","date":"2026-09-14","due_date":"2026-10-14","amounts":"exclusive","status":"draft","url":"https://e.com/{id}","lines":[{{"description":"x","quantity":"1","unit_amount":"0.1","account":"200","tax_type":"OUTPUT2"}}]}}"#
            ),
        )
    }

    #[test]
    fn creations_are_put_and_updates_posted() {
        let requests = prepare(&[
            customer("a", "A"),
            invoice("b"),
            operation("c", "invoice", Some("ab-1"), r#"{"status":"deleted"}"#),
        ])
        .unwrap();
        let shape: Vec<_> = requests
            .iter()
            .map(|request| (request.method, request.path.as_str()))
            .collect();
        assert_eq!(
            shape,
            [
                (Method::Put, "/Contacts"),
                (Method::Put, "/Invoices"),
                (Method::Post, "/Invoices")
            ]
        );
        assert_eq!(
            requests[0].query,
            [("summarizeErrors".into(), "false".into())]
        );
        assert!(requests[1].query.contains(&("unitdp".into(), "4".into())));
        assert_eq!(
            String::from_utf8(requests[2].body.clone()).unwrap(),
            r#"{"Invoices":[{"InvoiceID":"ab-1","Status":"DELETED","Type":"ACCREC"}]}"#
        );
        let text = String::from_utf8(requests[1].body.clone()).unwrap();
        assert!(text.contains(r#""UnitAmount":0.1"#), "{text}");
        assert!(
            text.contains(r#""Contact":{"ContactID":"c0ffee"}"#),
            "{text}"
        );
    }

    #[test]
    fn a_large_batch_is_split_by_size() {
        let large = |id: &str, lines: usize| {
            let line = format!(r#"{{"description":"{}"}}"#, "x".repeat(4_000));
            let lines = vec![line; lines].join(",");
            let doc = format!(r#"{{"lines":[{lines}]}}"#);
            operation(id, "invoice", Some("ab"), &doc)
        };
        let operations: Vec<_> = (0..20).map(|n| large(&n.to_string(), 100)).collect();
        let requests = prepare(&operations).unwrap();
        assert!(requests.iter().all(|request| request.body.len() <= BYTES));
        assert_eq!(
            requests
                .iter()
                .map(|request| request.operations.len())
                .sum::<usize>(),
            20
        );
        let alone = prepare(&[large("a", 1_000)]).unwrap_err();
        assert_eq!(alone.code, "too-long");
    }

    #[test]
    fn refusals_name_the_operation() {
        for (operation, code) in [
            (operation("x", "bill", None, "{}"), "unknown-object"),
            (operation("x", "item", None, "{}"), "unknown-object"),
            (operation("x", "customer", None, "{}"), "missing-field"),
            (operation("x", "customer", Some(""), "{}"), "internal"),
            (operation("x", "customer", None, "[]"), "invalid-value"),
            (operation("x", "customer", None, "<html>"), "invalid-value"),
        ] {
            let problem = prepare(&[operation]).unwrap_err();
            assert_eq!(
                (problem.code.as_str(), problem.extra.as_deref()),
                (code, Some("operation x"))
            );
        }
    }

    proptest! {
        #[test]
        fn every_operation_stands_in_exactly_one_request(kinds in proptest::collection::vec(0_u8..3, 0..180)) {
            let operations: Vec<_> = kinds.iter().enumerate().map(|(n, kind)| match kind {
                0 => customer(&n.to_string(), "A"),
                1 => invoice(&n.to_string()),
                _ => operation(&n.to_string(), "customer", Some("ab"), r#"{"email":"a@example.com"}"#),
            }).collect();
            let requests = prepare(&operations).unwrap();
            let packed: Vec<String> = requests.iter().flat_map(|request| request.operations.clone()).collect();
            let distinct: BTreeSet<&String> = packed.iter().collect();
            prop_assert_eq!(packed.len(), operations.len());
            prop_assert_eq!(distinct.len(), operations.len());
            let counts: Vec<usize> = [0, 1, 2].iter().map(|kind| kinds.iter().filter(|k| *k == kind).count()).collect();
            let least: usize = counts.iter().map(|count| count.div_ceil(ELEMENTS)).sum();
            prop_assert_eq!(requests.len(), least, "as few as Xero allows");
        }
    }
}
