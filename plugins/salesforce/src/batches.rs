//! Packs operations into Collections requests: 200 rows each, each row with its own outcome.
//!
//! Never sends anything, and never creates a record without a key of ours that Salesforce keeps unique: after a lost answer
//! nothing would prove whether it was created. Pure: the host journals the bytes before they leave. What has such a key is packed
//! by `upserts`. Answers come back to `answers`.

use footbridge_sdk::connector::Problem;
use footbridge_sdk::connector::schema::FieldType;
use footbridge_sdk::connector::writes::{Action, Method, Operation, RequestHeader, WriteRequest};
use footbridge_sdk::decimal;
use footbridge_sdk::document::{Field, Structure, at, field, parse};
use footbridge_sdk::failure::{Code, problem, problem_at};
use serde_json::{Value, json};

use crate::objects::{self, Object};
use crate::pages::SERVICE;
use crate::receivables::{self, Kind};
use crate::soql::is_name;
use crate::{ids, upserts, vocabulary};

/// Rows per request, Salesforce's limit.
pub(crate) const ROWS: usize = 200;
/// The path of the requests.
pub(crate) const PATH: &str = "/composite/sobjects";

/// Packs operations. Rows of one object stand together, since Salesforce works through them in runs of one object; records of the
/// receivables vocabulary follow, parents first.
///
/// # Errors
/// The first operation that can't be written, by its id in `extra`; then nothing is packed.
pub(crate) fn prepare(operations: &[Operation]) -> Result<Vec<WriteRequest>, Problem> {
    let keyed = |operation: &&Operation| {
        receivables::named(&operation.object)
            .filter(|_| operation.action == Action::Create || names_its_key(operation))
    };
    let mut rows = operations
        .iter()
        .filter(|operation| keyed(operation).is_none())
        .map(|operation| {
            let (place, row) = row(operation).map_err(|problem| Problem {
                extra: Some(format!("operation {}", operation.id)),
                ..problem
            })?;
            Ok((place, row, operation.id.clone()))
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    rows.sort_by_key(|(place, _, _)| *place);
    let mut requests: Vec<WriteRequest> = rows
        .chunks(ROWS)
        .map(|rows| {
            request(
                PATH,
                rows.iter().map(|(_, row, id)| (row.clone(), id.clone())),
            )
        })
        .collect();
    for kind in receivables::ALL {
        let its: Vec<&Operation> = operations
            .iter()
            .filter(|operation| keyed(operation).is_some_and(|its| its.word == kind.word))
            .collect();
        requests.extend(upserts::prepare(kind, &its)?);
    }
    Ok(requests)
}

/// An update without its key goes by the record's id.
fn names_its_key(operation: &Operation) -> bool {
    serde_json::from_str(&operation.doc).is_ok_and(|doc: Value| at(&doc, "key").is_given())
        || operation.target.is_none()
}

/// One request of rows with their operations.
pub(crate) fn request(path: &str, rows: impl Iterator<Item = (Value, String)>) -> WriteRequest {
    let (records, operations): (Vec<Value>, Vec<String>) = rows.unzip();
    WriteRequest {
        service: SERVICE.to_owned(),
        method: Method::Patch,
        path: path.to_owned(),
        query: Vec::new(),
        headers: vec![RequestHeader {
            name: "accept".to_owned(),
            value: "application/json".to_owned(),
        }],
        content_type: "application/json".to_owned(),
        body: json!({"allOrNone": false, "records": records})
            .to_string()
            .into_bytes(),
        operations,
    }
}

/// A row of a kind, by the record's id.
fn row_of_kind(kind: &'static Kind, operation: &Operation) -> Result<(usize, Value), Problem> {
    let place = receivables::ALL
        .iter()
        .position(|other| other.word == kind.word)
        .unwrap_or_default();
    let mut fields = vocabulary::fields(kind, &operation.doc)?;
    fields.insert("id".to_owned(), json!(target(operation)?));
    Ok((objects::ALL.len() + place, upserts::row_of(kind, fields)))
}

/// The id of the record that an update names.
fn target(operation: &Operation) -> Result<String, Problem> {
    let Some(target) = operation.target.as_deref() else {
        return Err(problem(Code::Internal, "An update names no record."));
    };
    ids::long(target).ok_or_else(|| {
        problem_at(
            Code::InvalidValue,
            "Id",
            "An update names something that is no Salesforce id.",
        )
    })
}

/// A row and the place of its object.
fn row(operation: &Operation) -> Result<(usize, Value), Problem> {
    if let Some(kind) = receivables::named(&operation.object) {
        return row_of_kind(kind, operation);
    }
    let object = objects::named(&operation.object).map_err(|failure| failure.problem)?;
    let place = objects::ALL
        .iter()
        .position(|other| other.name == object.name)
        .unwrap_or_default();
    let doc = parse(&operation.doc)?;
    if operation.action == Action::Create {
        return Err(problem(
            Code::UnknownObject,
            format!(
                "New {} records are not created in Salesforce here: no key would prove it after a lost answer. Map to updates.",
                object.name
            ),
        ));
    }
    let id = target(operation)?;
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
