//! Compare: which fields of a record differ from what the CRM last reported. What doesn't differ is never written (domain rule 10).
//!
//! A field that the CRM doesn't report is compared with what was last written: unread is not empty.

use super::input::There;
use crate::sent::Sent;
use footbridge_model::document::Document;
use footbridge_model::money::decimal;
use footbridge_model::receivable::DECIMALS;
use std::collections::BTreeMap;

/// The wanted fields that differ from what is there.
pub(crate) fn changed(
    wanted: &BTreeMap<String, Document>,
    there: &There,
    sent: Option<&Sent>,
) -> BTreeMap<String, Document> {
    let written = sent
        .filter(|sent| !sent.refused)
        .and_then(|sent| Document::from_plugin(&sent.wanted).ok());
    let known = |field: &str| {
        there
            .doc
            .at(field)
            .or_else(|| written.as_ref().and_then(|doc| doc.at(field)))
    };
    wanted
        .iter()
        .filter(|(field, value)| !equal(field, value, known(field)))
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect()
}

/// Whether what the CRM reports is what was wanted, as far as it reports it.
pub fn same(wanted: &Document, reported: &Document) -> bool {
    match wanted {
        Document::Object(fields) => fields.iter().all(|(field, value)| {
            let there = reported.at(field);
            there.is_none() || equal(field, value, there)
        }),
        _ => false,
    }
}

fn equal(field: &str, wanted: &Document, there: Option<&Document>) -> bool {
    let empty = |value: Option<&Document>| match value {
        None | Some(Document::Null) => true,
        Some(Document::Text(text)) => text.trim().is_empty(),
        Some(_) => false,
    };
    match (wanted, there) {
        (wanted, there) if empty(Some(wanted)) => empty(there),
        (Document::Text(a), Some(Document::Text(b))) => {
            a.trim() == b.trim()
                || (DECIMALS.contains(&field)
                    && matches!((decimal(a), decimal(b)), (Ok(a), Ok(b)) if a == b))
        }
        (Document::Bool(a), Some(Document::Text(b))) => a.to_string() == *b,
        (wanted, Some(there)) => wanted == there,
        (_, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_the_same_is_the_same() {
        let doc = |text: &str| Document::from_plugin(text).unwrap();
        for (wanted, there, is_same) in [
            (r#"{"total":"100"}"#, r#"{"total":"100.00"}"#, true),
            (r#"{"total":"100"}"#, r#"{"total":"100.01"}"#, false),
            (r#"{"reference":"007"}"#, r#"{"reference":"7"}"#, false),
            (r#"{"reference":"a"}"#, r#"{"reference":" a "}"#, true),
            (r#"{"reference":null}"#, r#"{"reference":""}"#, true),
            (r#"{"reference":null}"#, r#"{}"#, true),
            (r#"{"reference":"a"}"#, r#"{"reference":null}"#, false),
            (r#"{"reconciled":true}"#, r#"{"reconciled":true}"#, true),
            (r#"{"reconciled":false}"#, r#"{"reconciled":"false"}"#, true),
            (r#"{"reconciled":false}"#, r#"{"reconciled":true}"#, false),
            (r#"{"status":"paid"}"#, r#"{"other":"x"}"#, true),
        ] {
            assert_eq!(same(&doc(wanted), &doc(there)), is_same, "{wanted} {there}");
        }
    }

    #[test]
    fn an_unread_field_is_what_was_written() {
        let there = There {
            id: "1".to_owned(),
            version: "1".to_owned(),
            doc: Document::from_plugin(r#"{"total":"5"}"#).unwrap(),
        };
        let sent = |refused: bool| Sent {
            wanted: r#"{"status":"paid","total":"4"}"#.to_owned(),
            day: chrono::NaiveDate::default(),
            times: 1,
            refused,
        };
        let wanted: BTreeMap<_, _> = [("status", "paid"), ("total", "5")]
            .map(|(field, value)| (field.to_owned(), Document::Text(value.to_owned())))
            .into();
        assert!(changed(&wanted, &there, Some(&sent(false))).is_empty());
        let differs: Vec<_> = changed(&wanted, &there, Some(&sent(true)))
            .into_keys()
            .collect();
        assert_eq!(differs, ["status"]);
        assert_eq!(changed(&wanted, &there, None).len(), 1);
    }
}
