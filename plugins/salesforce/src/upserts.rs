//! Packs records of the receivables vocabulary into upserts by their key: 200 rows each, each row with its own outcome.
//!
//! Salesforce keeps the key unique, so the same row sent twice is one record: that is why these may be created here. Rows of one
//! account stand together, since Salesforce locks an account while a record that looks up to it is written. Pure.

use std::collections::BTreeSet;

use footbridge_sdk::connector::Problem;
use footbridge_sdk::connector::writes::{Action, Operation, WriteRequest};
use footbridge_sdk::document::{Structure, at};
use footbridge_sdk::failure::{Code, problem, problem_at};
use serde_json::{Value, json};

use crate::batches::{PATH, ROWS, request};
use crate::receivables::{self, KEY, Kind, Needed};
use crate::vocabulary;

/// A row to be upserted.
struct Row {
    /// What it is locked together with.
    group: String,
    key: String,
    value: Value,
    operation: String,
}

/// The path of a kind's upserts.
pub(crate) fn path(kind: &Kind) -> String {
    format!("{PATH}/{}/{KEY}", kind.object)
}

/// The kind whose upserts go to this path.
pub(crate) fn kind_of(path: &str) -> Option<&'static Kind> {
    let object = path
        .strip_prefix(PATH)?
        .strip_prefix('/')?
        .strip_suffix(KEY)?
        .strip_suffix('/')?;
    receivables::of_object(object)
}

/// Packs operations of one kind, in an order that depends on nothing but what they say.
///
/// # Errors
/// The first operation that can't be written, by its id in `extra`; then nothing is packed.
pub(crate) fn prepare(
    kind: &'static Kind,
    operations: &[&Operation],
) -> Result<Vec<WriteRequest>, Problem> {
    let mut rows = Vec::with_capacity(operations.len());
    let mut keys = BTreeSet::new();
    for operation in operations {
        let row = row(kind, operation, &mut keys).map_err(|problem| Problem {
            extra: Some(format!("operation {}", operation.id)),
            ..problem
        })?;
        rows.push(row);
    }
    rows.sort_by(|a, b| (&a.group, &a.key).cmp(&(&b.group, &b.key)));
    let path = path(kind);
    Ok(together(rows)
        .into_iter()
        .map(|rows| {
            request(
                &path,
                rows.into_iter().map(|row| (row.value, row.operation)),
            )
        })
        .collect())
}

/// Rows in requests: a group is split only if it doesn't fit one request.
fn together(rows: Vec<Row>) -> Vec<Vec<Row>> {
    let mut requests: Vec<Vec<Row>> = Vec::new();
    let mut rows = rows.into_iter().peekable();
    while let Some(first) = rows.next() {
        let mut group = vec![first];
        while let Some(next) =
            rows.next_if(|next| group.first().is_some_and(|first| first.group == next.group))
        {
            group.push(next);
        }
        match requests.last_mut() {
            Some(last) if last.len() + group.len() <= ROWS => last.append(&mut group),
            _ => {
                while group.len() > ROWS {
                    let rest = group.split_off(ROWS);
                    requests.push(std::mem::replace(&mut group, rest));
                }
                requests.push(group);
            }
        }
    }
    requests
}

fn row(
    kind: &'static Kind,
    operation: &Operation,
    keys: &mut BTreeSet<String>,
) -> Result<Row, Problem> {
    let fields = vocabulary::fields(kind, &operation.doc)?;
    if operation.action == Action::Create {
        let doc = serde_json::from_str(&operation.doc).unwrap_or(Value::Null);
        let needed = |field: &&receivables::Field| field.needed == Needed::Always;
        let missing = kind
            .fields
            .iter()
            .filter(needed)
            .find(|field| at(&doc, field.word).text().is_none());
        if let Some(field) = missing {
            return Err(problem_at(
                Code::MissingField,
                field.word,
                format!("A new {} needs its {}.", kind.word, field.word),
            ));
        }
    }
    let Some(key) = fields.get(KEY).and_then(Value::as_str).map(str::to_owned) else {
        return Err(problem(
            Code::Internal,
            format!("A {} names no key to be written under.", kind.word),
        ));
    };
    // Salesforce compares keys without regard to case, and refuses rows that share one.
    if !keys.insert(key.to_lowercase()) {
        return Err(problem_at(
            Code::DuplicateKey,
            "key",
            format!("The key \"{key}\" stands twice in one batch."),
        ));
    }
    let of = |name: &str| fields.get(name).and_then(Value::as_str);
    let document = fields
        .get("Document__r")
        .and_then(|document| document.get(KEY))
        .and_then(Value::as_str);
    let group = of("Account__c").or(document).unwrap_or(&key).to_owned();
    Ok(Row {
        group,
        value: row_of(kind, fields),
        key,
        operation: operation.id.clone(),
    })
}

/// The fields with the type that Salesforce wants beside them.
pub(crate) fn row_of(kind: &Kind, mut fields: Structure) -> Value {
    fields.insert("attributes".to_owned(), json!({"type": kind.object}));
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receivables::{BALANCE, DOCUMENT};
    use footbridge_sdk::connector::writes::Method;
    use proptest::prelude::*;

    pub(crate) fn document(id: &str, account: Option<&str>) -> Operation {
        let mut doc = json!({
            "key": format!("org/invoice/{id}"), "name": format!("INV-{id}"), "organisation": "org", "kind": "invoice",
            "ledger_id": id, "status": "paid", "currency": "GBP",
        });
        if let (Some(doc), Some(account)) = (doc.as_object_mut(), account) {
            doc.insert("account".to_owned(), json!(account));
        }
        Operation {
            id: format!("op-{id}"),
            action: Action::Create,
            object: DOCUMENT.word.into(),
            target: None,
            doc: doc.to_string(),
        }
    }

    fn packed(operations: &[Operation]) -> Vec<WriteRequest> {
        prepare(&DOCUMENT, &operations.iter().collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn one_call_with_the_key_in_the_path_and_once_in_the_row() {
        let requests = packed(&[document("1", Some("001A0000000L2ZC"))]);
        assert_eq!(
            (requests[0].method, requests[0].path.as_str()),
            (
                Method::Patch,
                "/composite/sobjects/Footbridge_Document__c/Key__c"
            )
        );
        assert_eq!(
            String::from_utf8(requests[0].body.clone()).unwrap(),
            r#"{"allOrNone":false,"records":[{"Account__c":"001A0000000L2ZCIA0","Currency__c":"GBP","Key__c":"org/invoice/1","Kind__c":"invoice","Ledger_Id__c":"1","Name":"INV-1","Organisation__c":"org","Status__c":"paid","attributes":{"type":"Footbridge_Document__c"}}]}"#
        );
        assert_eq!(kind_of(&requests[0].path).unwrap().word, DOCUMENT.word);
        assert!(kind_of("/composite/sobjects").is_none());
        assert!(kind_of("/composite/sobjects/Account/Key__c").is_none());
    }

    #[test]
    fn refusals_name_the_operation() {
        let twice = [document("1", None), {
            let mut again = document("1", None);
            again.id = "again".into();
            again.doc = again.doc.replace("org/invoice/1", "ORG/invoice/1");
            again
        }];
        let problem = prepare(&DOCUMENT, &twice.iter().collect::<Vec<_>>()).unwrap_err();
        assert_eq!(
            (problem.code.as_str(), problem.extra.as_deref()),
            ("duplicate-key", Some("operation again"))
        );
        let mut bare = document("1", None);
        bare.doc = json!({"key": "k", "name": "n"}).to_string();
        assert_eq!(
            prepare(&DOCUMENT, &[&bare]).unwrap_err().field.as_deref(),
            Some("organisation")
        );
        bare.action = Action::Update;
        assert_eq!(prepare(&DOCUMENT, &[&bare]).unwrap().len(), 1);
        bare.doc = json!({"name": "n"}).to_string();
        assert_eq!(prepare(&BALANCE, &[&bare]).unwrap_err().code, "internal");
    }

    proptest! {
        /// Each operation once, few requests, an account never in two of them, and the same packing whatever the order given.
        #[test]
        fn accounts_stay_together(accounts in proptest::collection::vec(0_usize..30, 0..900), turn in 0_usize..900) {
            let mut operations: Vec<Operation> = accounts
                .iter()
                .enumerate()
                .map(|(n, account)| document(&n.to_string(), Some(&format!("001A{account:011}"))))
                .collect();
            let requests = packed(&operations);
            let mut all: Vec<&String> = requests.iter().flat_map(|request| &request.operations).collect();
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(all.len(), operations.len());
            let mut seen: BTreeSet<String> = BTreeSet::new();
            for request in &requests {
                prop_assert!(request.operations.len() <= ROWS);
                let body: Value = serde_json::from_slice(&request.body).unwrap();
                let here: BTreeSet<String> = body["records"].as_array().unwrap().iter()
                    .map(|row| row["Account__c"].as_str().unwrap().to_owned()).collect();
                prop_assert!(here.is_disjoint(&seen), "an account stands in two requests");
                seen.extend(here);
            }
            let middle = turn.min(operations.len());
            operations.rotate_left(middle);
            prop_assert_eq!(packed(&operations), requests);
        }
    }
}
