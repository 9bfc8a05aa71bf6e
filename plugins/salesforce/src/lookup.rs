//! Looks records up in Salesforce by id or by a field.
//!
//! Says `complete` only when the query was read to its end. Deleted records are found too and say so. Rests on `pages`.

use footbridge_sdk::connector::lookup::{Criteria, Found};
use footbridge_sdk::connector::{Failure, FailureKind};
use footbridge_sdk::failure::{Code, failing, failure, problem_at};

use crate::pages::{self, Get};
use crate::soql::{Select, is_name, quoted};
use crate::{ids, objects, stamps};

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
    let object = objects::named(object)?;
    let select = Select::of(object, fields)?;
    let mut wanted: Vec<String> = wanted.iter().filter_map(|id| ids::long(id)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    search(object.name, &select, "Id", &wanted, "", get)
}

/// Finds records by a field, exactly as Salesforce compares it (text without regard to case).
pub(crate) fn find(criteria: &Criteria, get: Get<'_>) -> Result<Found, Failure> {
    let object = objects::named(&criteria.object)?;
    let select = Select::of(object, &criteria.fields)?;
    if !criteria.key.split('.').all(is_name) {
        return Err(failing(
            FailureKind::Misconfigured,
            problem_at(
                Code::UnknownField,
                &criteria.key,
                format!("\"{}\" is not a field to search by.", criteria.key),
            ),
        ));
    }
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
    search(object.name, &select, &criteria.key, &values, &since, get)
}

fn search(
    object: &str,
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
        let (items, complete) = pages::all(object, select, text, PAGES, get)?;
        found.complete &= complete;
        found.items.extend(items);
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
