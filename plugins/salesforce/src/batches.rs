//! Packs updates into Collections requests: 200 rows each, each row with its own outcome.
//!
//! Never sends anything and never creates: a record of Salesforce has no key of ours that would prove, after a lost
//! answer, whether it was created. Pure: the host journals the bytes before they leave. Answers come back to `answers`.

use footbridge_sdk::connector::Problem;
use footbridge_sdk::connector::schema::FieldType;
use footbridge_sdk::connector::writes::{Action, Method, Operation, RequestHeader, WriteRequest};
use footbridge_sdk::decimal;
use footbridge_sdk::document::{Field, Structure, field, parse};
use footbridge_sdk::failure::{Code, problem, problem_at};
use serde_json::{Value, json};

use crate::ids;
use crate::objects::{self, Object};
use crate::pages::SERVICE;
use crate::soql::is_name;

/// Rows per request, Salesforce's limit.
pub(crate) const ROWS: usize = 200;
/// The path of the requests.
pub(crate) const PATH: &str = "/composite/sobjects";

/// Packs operations. Rows of one object stand together, since Salesforce works through them in runs of one object.
///
/// # Errors
/// The first operation that can't be written, by its id in `extra`; then nothing is packed.
pub(crate) fn prepare(operations: &[Operation]) -> Result<Vec<WriteRequest>, Problem> {
    let mut rows = operations
        .iter()
        .map(|operation| {
            let (place, row) = row(operation).map_err(|problem| Problem {
                extra: Some(format!("operation {}", operation.id)),
                ..problem
            })?;
            Ok((place, row, operation.id.clone()))
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    rows.sort_by_key(|(place, _, _)| *place);
    Ok(rows.chunks(ROWS).map(request).collect())
}

fn request(rows: &[(usize, Value, String)]) -> WriteRequest {
    let records: Vec<&Value> = rows.iter().map(|(_, row, _)| row).collect();
    WriteRequest {
        service: SERVICE.to_owned(),
        method: Method::Patch,
        path: PATH.to_owned(),
        query: Vec::new(),
        headers: vec![RequestHeader {
            name: "accept".to_owned(),
            value: "application/json".to_owned(),
        }],
        content_type: "application/json".to_owned(),
        body: json!({"allOrNone": false, "records": records})
            .to_string()
            .into_bytes(),
        operations: rows
            .iter()
            .map(|(_, _, operation)| operation.clone())
            .collect(),
    }
}

/// A row and the place of its object.
fn row(operation: &Operation) -> Result<(usize, Value), Problem> {
    let object = objects::named(&operation.object).map_err(|failure| failure.problem)?;
    let place = objects::ALL
        .iter()
        .position(|other| other.name == object.name)
        .unwrap_or_default();
    let doc = parse(&operation.doc)?;
    let target = match (operation.action, operation.target.as_deref()) {
        (Action::Create, _) => {
            return Err(problem(
                Code::UnknownObject,
                format!(
                    "New {} records are not created in Salesforce here: no key would prove it after a lost answer. Map to updates.",
                    object.name
                ),
            ));
        }
        (Action::Update, Some(target)) => target,
        (Action::Update, None) => {
            return Err(problem(Code::Internal, "An update names no record."));
        }
    };
    let Some(id) = ids::long(target) else {
        return Err(problem_at(
            Code::InvalidValue,
            "Id",
            "An update names something that is no Salesforce id.",
        ));
    };
    let mut row = Structure::new();
    for (name, value) in &doc {
        if !is_name(name)
            || name.eq_ignore_ascii_case("id")
            || name.eq_ignore_ascii_case("attributes")
        {
            return Err(problem_at(
                Code::UnknownField,
                name,
                format!(
                    "\"{name}\" is not a field of {} that can be written. Correct the mapping.",
                    object.name
                ),
            ));
        }
        row.insert(name.clone(), value_of(object, name, value)?);
    }
    row.insert("attributes".to_owned(), json!({"type": object.name}));
    row.insert("id".to_owned(), json!(id));
    Ok((place, Value::Object(row)))
}

/// A value as Salesforce wants it. Decimals of custom fields go as text, which Salesforce converts by the field's type.
fn value_of(object: &Object, name: &str, value: &Value) -> Result<Value, Problem> {
    let decimal = object.fields.iter().any(|known| {
        known.path.eq_ignore_ascii_case(name) && known.field_type == FieldType::Decimal
    });
    match field(value) {
        Field::Text(text) if decimal => decimal::number(text).map_err(|error| {
            problem_at(
                Code::InvalidValue,
                name,
                format!("The field \"{name}\" can't be written: {error}. Correct the mapping."),
            )
        }),
        Field::Empty if decimal => Ok(Value::Null),
        Field::Null | Field::Empty | Field::Text(_) | Field::Flag(_) => Ok(value.clone()),
        _ => Err(problem_at(
            Code::InvalidValue,
            name,
            format!(
                "The field \"{name}\" can't be written: its value is a list or a structure. Correct the mapping."
            ),
        )),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    pub(crate) fn update(id: &str, object: &str, target: &str, doc: &str) -> Operation {
        Operation {
            id: id.into(),
            action: Action::Update,
            object: object.into(),
            target: Some(target.into()),
            doc: doc.into(),
        }
    }

    #[test]
    fn rows_go_as_collections() {
        let requests = prepare(&[
            update(
                "a",
                "Opportunity",
                "006A0000000L2ZC",
                r#"{"Xero_Number__c":"INV-1","Amount":"10.50","NextStep":null}"#,
            ),
            update(
                "b",
                "Account",
                "001A0000000L2ZC",
                r#"{"Xero_Contact__c":"c0ffee"}"#,
            ),
        ])
        .unwrap();
        assert_eq!(requests.len(), 1);
        assert_eq!(
            (requests[0].method, requests[0].path.as_str()),
            (Method::Patch, "/composite/sobjects")
        );
        assert_eq!(requests[0].operations, ["b", "a"]);
        assert_eq!(
            String::from_utf8(requests[0].body.clone()).unwrap(),
            r#"{"allOrNone":false,"records":[{"Xero_Contact__c":"c0ffee","attributes":{"type":"Account"},"id":"001A0000000L2ZCIA0"},{"Amount":10.5,"NextStep":null,"Xero_Number__c":"INV-1","attributes":{"type":"Opportunity"},"id":"006A0000000L2ZCIA0"}]}"#
        );
    }

    #[test]
    fn refusals_name_the_operation() {
        let target = "006A0000000L2ZC";
        let create = Operation {
            action: Action::Create,
            target: None,
            ..update("x", "Opportunity", target, "{}")
        };
        for (operation, code) in [
            (create, "unknown-object"),
            (update("x", "Lead", target, "{}"), "unknown-object"),
            (update("x", "Opportunity", "nope", "{}"), "invalid-value"),
            (
                update("x", "Opportunity", target, r#"{"Account.Name":"x"}"#),
                "unknown-field",
            ),
            (
                update("x", "Opportunity", target, r#"{"Id":"x"}"#),
                "unknown-field",
            ),
            (
                update("x", "Opportunity", target, r#"{"Amount":"1,5"}"#),
                "invalid-value",
            ),
            (
                update("x", "Opportunity", target, r#"{"Lines__c":[]}"#),
                "invalid-value",
            ),
            (
                update("x", "Opportunity", target, "nonsense"),
                "invalid-value",
            ),
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
        fn every_operation_stands_in_exactly_one_request(kinds in proptest::collection::vec(0_usize..4, 0..700)) {
            let operations: Vec<_> = kinds
                .iter()
                .enumerate()
                .map(|(n, kind)| update(&n.to_string(), objects::ALL[*kind].name, &format!("006A{n:011}"), "{}"))
                .collect();
            let requests = prepare(&operations).unwrap();
            let packed: Vec<&String> = requests.iter().flat_map(|request| &request.operations).collect();
            let distinct: BTreeSet<&String> = packed.iter().copied().collect();
            prop_assert_eq!((packed.len(), distinct.len()), (operations.len(), operations.len()));
            prop_assert_eq!(requests.len(), operations.len().div_ceil(ROWS), "as few as Salesforce allows");
        }
    }
}
