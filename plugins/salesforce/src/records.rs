//! Records as Salesforce answers them, made into plain documents: no `attributes`, child lists as lists, instants in UTC.
//!
//! Never drops a child row that exists: a list that Salesforce cut off is noted as a rest to be read. From here to `pages`.

use footbridge_sdk::connector::{Failure, Item, Presence};
use footbridge_sdk::document::{Field, Structure, at, digest, write};
use footbridge_sdk::failure::malformed;
use serde_json::{Value, json};

use crate::errors::FAR;
use crate::{ids, stamps};

/// A page of a query's answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) records: Vec<Value>,
    /// The path of the next page, below the version root.
    pub(crate) next: Option<String>,
}

/// A record whose child lists may still lack rows.
#[derive(Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) doc: Structure,
    /// Child lists that go on elsewhere: relation and path.
    pub(crate) rests: Vec<(String, String)>,
}

/// Reads a query's answer, or the answer to a continuation.
pub(crate) fn answer(body: &Value) -> Result<Answer, Failure> {
    let Field::List(records) = at(body, "records") else {
        return Err(malformed(FAR, "no list of records"));
    };
    let next = match (at(body, "done").flag(), at(body, "nextRecordsUrl")) {
        (Some(true), _) => None,
        (Some(false), Field::Text(url)) => {
            Some(relative(url).ok_or_else(|| malformed(FAR, "a continuation elsewhere"))?)
        }
        _ => {
            return Err(malformed(
                FAR,
                "a page without a word on whether more follow",
            ));
        }
    };
    Ok(Answer {
        records: records.to_vec(),
        next,
    })
}

/// The path below the version root that the host adds, of `/services/data/v68.0/query/...`.
fn relative(url: &str) -> Option<String> {
    let (version, rest) = url.strip_prefix("/services/data/v")?.split_once('/')?;
    let plain = rest
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/'));
    let known = rest.starts_with("query/") || rest.starts_with("queryAll/");
    (plain
        && known
        && version
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.'))
    .then(|| format!("/{rest}"))
}

/// Makes a record plain. `relations` are the child lists that were asked for: null means that there are no rows.
pub(crate) fn plain<'r>(
    record: &Value,
    relations: impl Iterator<Item = &'r str>,
) -> Result<Record, Failure> {
    let mut rests = Vec::new();
    let Value::Object(mut doc) = tidy(record, &mut rests)? else {
        return Err(malformed(FAR, "a record that is no structure"));
    };
    for relation in relations {
        if matches!(doc.get(relation), Some(Value::Null)) {
            doc.insert(relation.to_owned(), json!([]));
        }
    }
    Ok(Record { doc, rests })
}

fn tidy(value: &Value, rests: &mut Vec<(String, String)>) -> Result<Value, Failure> {
    let Value::Object(map) = value else {
        return Ok(match value.as_str().and_then(stamps::normal) {
            Some(instant) => json!(instant),
            None => value.clone(),
        });
    };
    let mut plain = Structure::new();
    for (key, value) in map.iter().filter(|(key, _)| *key != "attributes") {
        let list = matches!(at(value, "records"), Field::List(_)) && at(value, "done").is_given();
        if list {
            let answer = answer(value)?;
            plain.insert(key.clone(), Value::Array(rows(&answer.records)?));
            if let Some(next) = answer.next {
                rests.push((key.clone(), next));
            }
        } else {
            plain.insert(key.clone(), tidy(value, rests)?);
        }
    }
    Ok(Value::Object(plain))
}

/// Child rows made plain. They have no child lists of their own.
pub(crate) fn rows(records: &[Value]) -> Result<Vec<Value>, Failure> {
    let mut rests = Vec::new();
    let rows = records
        .iter()
        .map(|row| tidy(row, &mut rests))
        .collect::<Result<Vec<_>, _>>()?;
    if rests.is_empty() {
        Ok(rows)
    } else {
        Err(malformed(FAR, "child lists within child lists"))
    }
}

/// The item of a complete record: deleted child rows left out, the others in their order.
pub(crate) fn item(
    object: &str,
    mut doc: Structure,
    relations: &[String],
) -> Result<Item, Failure> {
    for relation in relations {
        if let Some(Value::Array(rows)) = doc.get_mut(relation) {
            rows.retain(|row| at(row, "IsDeleted").flag() != Some(true));
            rows.sort_by_key(order);
            for row in rows {
                if let Value::Object(row) = row {
                    row.remove("IsDeleted");
                }
            }
        }
    }
    let value = Value::Object(doc);
    let Some(id) = at(&value, "Id").text().and_then(ids::long) else {
        return Err(malformed(FAR, "a record without an id"));
    };
    let version = at(&value, "SystemModstamp")
        .text()
        .map_or_else(|| digest(&value), str::to_owned);
    let presence = match (
        at(&value, "IsDeleted").flag(),
        at(&value, "MasterRecordId").text().and_then(ids::long),
    ) {
        (Some(true), Some(winner)) => Presence::MergedInto(winner),
        (Some(true), None) => Presence::Deleted,
        _ => Presence::Present,
    };
    let doc = match &value {
        Value::Object(doc) => write(doc),
        _ => String::new(),
    };
    Ok(Item {
        object: object.to_owned(),
        id,
        version,
        presence,
        doc,
    })
}

/// Lines by the order people gave them, unsorted ones after those; histories by time; else as Salesforce listed them.
fn order(row: &Value) -> (u64, String) {
    let place = at(row, "SortOrder")
        .text()
        .and_then(|text| text.parse().ok())
        .unwrap_or(u64::MAX);
    let time = if at(row, "StageName").is_given() {
        at(row, "CreatedDate").text().unwrap_or_default()
    } else {
        ""
    };
    (place, time.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELATIONS: [&str; 2] = ["OpportunityLineItems", "OpportunityHistories"];

    fn deal(change: &Value) -> Value {
        let mut deal = json!({
            "attributes": {"type": "Opportunity", "url": "/x"}, "Id": "006A0000000L2ZC", "IsDeleted": false,
            "SystemModstamp": "2026-09-14T09:29:59.000+0000",
            "Account": {"attributes": {"type": "Account"}, "Name": "Acme"},
            "OpportunityHistories": null,
            "OpportunityLineItems": {"totalSize": "3", "done": true, "records": [
                {"attributes": {}, "Id": "1", "SortOrder": "10", "IsDeleted": false},
                {"attributes": {}, "Id": "2", "SortOrder": "2", "IsDeleted": false, "Product2": null},
                {"attributes": {}, "Id": "3", "SortOrder": null, "IsDeleted": true},
            ]},
        });
        deal.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        deal
    }

    fn itemised(deal: &Value) -> Result<Item, Failure> {
        let record = plain(deal, RELATIONS.into_iter())?;
        item("Opportunity", record.doc, &RELATIONS.map(str::to_owned))
    }

    #[test]
    fn a_deal_becomes_plain() {
        let item = itemised(&deal(&json!({}))).unwrap();
        assert_eq!(
            (item.id.len(), item.version.as_str()),
            (18, "2026-09-14T09:29:59Z")
        );
        assert_eq!(
            item.doc,
            r#"{"Account":{"Name":"Acme"},"Id":"006A0000000L2ZC","IsDeleted":false,"OpportunityHistories":[],"OpportunityLineItems":[{"Id":"2","Product2":null,"SortOrder":"2"},{"Id":"1","SortOrder":"10"}],"SystemModstamp":"2026-09-14T09:29:59Z"}"#
        );
    }

    #[test]
    fn a_cut_child_list_leaves_a_rest() {
        let cut = json!({"OpportunityLineItems": {"done": false, "nextRecordsUrl": "/services/data/v68.0/query/0r8x-2", "records": [{"Id": "1"}]}});
        let record = plain(&deal(&cut), RELATIONS.into_iter()).unwrap();
        assert_eq!(
            record.rests,
            [(
                "OpportunityLineItems".to_owned(),
                "/query/0r8x-2".to_owned()
            )]
        );
    }

    #[test]
    fn deleted_and_merged() {
        let gone = itemised(&deal(&json!({"IsDeleted": true}))).unwrap();
        assert_eq!(gone.presence, Presence::Deleted);
        let merged = itemised(&deal(
            &json!({"IsDeleted": true, "MasterRecordId": "001A0000000L2ZC"}),
        ))
        .unwrap();
        assert!(matches!(merged.presence, Presence::MergedInto(winner) if winner.len() == 18));
    }

    #[test]
    fn what_is_half_an_answer_is_an_error() {
        for body in [
            json!({}),
            json!({"records": []}),
            json!({"records": [], "done": false}),
            json!({"records": [], "done": false, "nextRecordsUrl": "https://evil.example/query/x"}),
            json!({"records": [], "done": false, "nextRecordsUrl": "/services/data/v68.0/../oauth2/x"}),
            json!({"records": [], "done": false, "nextRecordsUrl": "/services/data/v68.0/tooling/x"}),
        ] {
            assert_eq!(
                answer(&body).unwrap_err().problem.code,
                "malformed-answer",
                "{body}"
            );
        }
        assert!(itemised(&deal(&json!({"Id": "junk"}))).is_err());
        assert!(
            itemised(&deal(
                &json!({"OpportunityLineItems": {"done": false, "records": []}})
            ))
            .is_err()
        );
    }
}
