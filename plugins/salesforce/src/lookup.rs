//! Looks records up in Salesforce by id or by a field.
//!
//! Says `complete` only when the query was read to its end. Deleted records are found too and say so. Rests on `pages`.

use footbridge_sdk::connector::lookup::{Criteria, Found};
use footbridge_sdk::connector::{Failure, FailureKind};
use footbridge_sdk::failure::{Code, failure};

use crate::pages::{self, Get};
use crate::soql::{Select, quoted};
use crate::target::Target;
use crate::{ids, stamps};

/// Most bytes of a query, once percent-encoded: Salesforce takes addresses of 16,384.
const ADDRESS: usize = 14_000;
/// Most pages of one search.
const PAGES: usize = 100;

/// Reads records by id. Texts that are no ids are left out, as is what can't be seen.
pub(crate) fn fetch(
    object: &str,
    wanted: &[String],
    fields: &[String],
    get: Get<'_>,
) -> Result<Found, Failure> {
    let target = Target::named(object)?;
    let select = target.select(fields)?;
    let mut wanted: Vec<String> = wanted.iter().filter_map(|id| ids::long(id)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    search(target, &select, "Id", &wanted, "", get)
}

/// Finds records by a field, exactly as Salesforce compares it (text without regard to case).
pub(crate) fn find(criteria: &Criteria, get: Get<'_>) -> Result<Found, Failure> {
    let target = Target::named(&criteria.object)?;
    let select = target.select(&criteria.fields)?;
    let key = target.key(&criteria.key)?;
    let since = match criteria.changed_since.as_deref() {
        None => String::new(),
        Some(text) => match stamps::millis(text).and_then(stamps::literal) {
            Some(instant) => format!(" AND SystemModstamp >= {instant}"),
            None => {
                return Err(failure(
                    FailureKind::Misconfigured,
                    Code::Internal,
                    format!("\"{text}\" is not an instant to search from."),
                ));
            }
        },
    };
    let values: Vec<String> = criteria
        .values
        .iter()
        .filter(|value| !value.is_empty())
        .cloned()
        .collect();
    // A value of a unique field is free again once its record is deleted.
    let since = match target.keeps_unique(&criteria.key) {
        true => format!("{since} AND IsDeleted = false"),
        false => since,
    };
    search(target, &select, &key, &values, &since, get)
}

fn search(
    target: Target,
    select: &Select,
    key: &str,
    values: &[String],
    more: &str,
    get: Get<'_>,
) -> Result<Found, Failure> {
    let mut found = Found {
        items: Vec::new(),
        complete: true,
    };
    let room = ADDRESS.saturating_sub(encoded(&select.text(more)) + encoded(key) + 100);
    for literals in chunks(values, room) {
        let text = select.text(&format!(
            "WHERE {key} IN ({}){more} ORDER BY Id",
            literals.join(",")
        ));
        let (items, complete) = pages::all(target.name(), select, text, PAGES, get)?;
        found.complete &= complete;
        found.items.extend(target.told(items)?);
    }
    Ok(found)
}

/// Quoted values in groups that fit an address; a value too long for any stands alone.
fn chunks(values: &[String], room: usize) -> Vec<Vec<String>> {
    let mut chunks: Vec<Vec<String>> = Vec::new();
    let mut left = 0;
    for literal in values.iter().map(|value| quoted(value)) {
        let cost = encoded(&literal) + 3;
        match chunks.last_mut() {
            Some(chunk) if cost <= left => {
                chunk.push(literal);
                left -= cost;
            }
            _ => {
                chunks.push(vec![literal]);
                left = room.saturating_sub(cost);
            }
        }
    }
    chunks
}

/// The length once percent-encoded.
fn encoded(text: &str) -> usize {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { 1 } else { 3 })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use footbridge_sdk::connector::http;
    use serde_json::json;

    fn noting(
        asked: &mut Vec<String>,
    ) -> impl FnMut(&http::Request) -> Result<http::Response, http::Error> {
        |request| {
            asked.push(
                request
                    .query
                    .first()
                    .map(|pair| pair.1.clone())
                    .unwrap_or_default(),
            );
            let body = json!({"done": true, "records": []});
            Ok(http::Response {
                status: 200,
                headers: Vec::new(),
                body: http::Body::Json(body.to_string()),
            })
        }
    }

    #[test]
    fn many_ids_take_few_addresses_that_fit() {
        let wanted: Vec<String> = (0..1000).map(|n| format!("006A{n:011}")).collect();
        let mut asked = Vec::new();
        let found = fetch("Opportunity", &wanted, &[], &mut noting(&mut asked)).unwrap();
        assert!(found.complete);
        assert!(
            asked.iter().all(|text| encoded(text) <= ADDRESS),
            "an address is too long"
        );
        assert!(asked.len() <= 4, "{}", asked.len());
        assert_eq!(
            asked
                .iter()
                .map(|text| text.matches("'006A").count())
                .sum::<usize>(),
            1000
        );
    }

    #[test]
    fn kinds_are_found_by_their_words() {
        let criteria = Criteria {
            object: "receivable-payment".into(),
            key: "key".into(),
            values: vec!["o/payment/1".into()],
            parents: Vec::new(),
            changed_since: None,
            fields: vec!["amount".into(), "document_key".into()],
        };
        let mut asked = Vec::new();
        find(&criteria, &mut noting(&mut asked)).unwrap();
        assert!(
            asked[0].ends_with("FROM Footbridge_Payment__c WHERE Key__c IN ('o/payment/1') AND IsDeleted = false ORDER BY Id"),
            "{}",
            asked[0]
        );
        assert!(
            asked[0].starts_with("SELECT Id, IsDeleted, SystemModstamp, Key__c, Name,"),
            "{}",
            asked[0]
        );
        assert!(asked[0].contains(", Document__r.Key__c, "), "{}", asked[0]);
        for (key, fields) in [("Key__c", "key"), ("key", "Key__c")] {
            let bad = Criteria {
                key: key.into(),
                fields: vec![fields.into()],
                ..criteria.clone()
            };
            let refused = find(&bad, &mut noting(&mut asked)).unwrap_err();
            assert_eq!(refused.problem.code, "unknown-field");
        }
        assert_eq!(asked.len(), 1);
    }

    #[test]
    fn texts_that_are_no_ids_are_never_asked_for() {
        let mut asked = Vec::new();
        let found = fetch(
            "Account",
            &["x' OR Name != '".into()],
            &[],
            &mut noting(&mut asked),
        )
        .unwrap();
        assert_eq!(
            (found.items.len(), found.complete, asked.len()),
            (0, true, 0)
        );
    }

    #[test]
    fn values_are_quoted_and_times_narrow() {
        let criteria = Criteria {
            object: "Account".into(),
            key: "Name".into(),
            values: vec!["O'Brien".into(), String::new()],
            parents: Vec::new(),
            changed_since: Some("2026-09-14T09:29:59Z".into()),
            fields: vec!["Region__c".into()],
        };
        let mut asked = Vec::new();
        find(&criteria, &mut noting(&mut asked)).unwrap();
        assert!(
            asked[0].ends_with("FROM Account WHERE Name IN ('O\\'Brien') AND SystemModstamp >= 2026-09-14T09:29:59Z ORDER BY Id"),
            "{}",
            asked[0]
        );
        let bad = Criteria {
            key: "Name = '' OR Name".into(),
            ..criteria
        };
        assert_eq!(
            find(&bad, &mut noting(&mut asked))
                .unwrap_err()
                .problem
                .code,
            "unknown-field"
        );
        assert_eq!(asked.len(), 1);
    }
}
