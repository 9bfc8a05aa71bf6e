//! Between the host's words and Salesforce's fields, both ways, for one record.
//!
//! Never guesses: a word that the kind doesn't have, or a value of another shape, is refused by its name. Texts that are too long
//! are cut at a character. Rests on `receivables`; from here to `target` (reading) and `upserts` (writing).

use chrono::NaiveDate;
use footbridge_sdk::connector::{Failure, Item, Problem};
use footbridge_sdk::decimal;
use footbridge_sdk::document::{Field as Held, Structure, at, field, parse, write};
use footbridge_sdk::failure::{Code, malformed, problem_at};
use serde_json::{Value, json};

use crate::errors::FAR;
use crate::ids;
use crate::receivables::{Field, KEY, Kind, Shape};

/// A record in the host's words. A field that Salesforce reports as empty is null; nothing else is there.
pub(crate) fn item(kind: &Kind, item: Item) -> Result<Item, Failure> {
    let doc: Value = serde_json::from_str(&item.doc)
        .map_err(|_| malformed(FAR, "a record that is no document"))?;
    let mut told = Structure::new();
    for field in kind.fields {
        let value = match at(&doc, &field.path()) {
            Held::Missing => continue,
            Held::Null | Held::Empty => Value::Null,
            Held::Flag(flag) => json!(flag),
            Held::Text(text) => json!(match field.shape {
                Shape::Amount | Shape::Rate | Shape::Count(_) => decimal::plain(text)
                    .map_err(|_| malformed(FAR, &format!("no number in {}", field.name)))?,
                Shape::Lookup { .. } => ids::long(text)
                    .ok_or_else(|| malformed(FAR, &format!("no id in {}", field.name)))?,
                _ => text.to_owned(),
            }),
            _ => return Err(malformed(FAR, &format!("no plain value in {}", field.name))),
        };
        told.insert(field.word.to_owned(), value);
    }
    Ok(Item {
        object: kind.word.to_owned(),
        doc: write(&told),
        ..item
    })
}

/// A document as the fields of a row, `attributes` aside.
///
/// # Errors
/// The first word or value that can't be written.
pub(crate) fn fields(kind: &Kind, doc: &str) -> Result<Structure, Problem> {
    let mut row = Structure::new();
    for (word, value) in &parse(doc)? {
        let Some(known) = kind.field(word) else {
            return Err(problem_at(
                Code::UnknownField,
                word,
                format!("\"{word}\" is no field of a {}.", kind.word),
            ));
        };
        if let Some((name, value)) = written(known, value)? {
            row.insert(name, value);
        }
    }
    Ok(row)
}

/// The row's member for one word; none where there is nothing to say.
fn written(known: &Field, value: &Value) -> Result<Option<(String, Value)>, Problem> {
    let name = known.name.to_owned();
    let wrong = |why: &str| {
        problem_at(
            Code::InvalidValue,
            known.word,
            format!("The field \"{}\" can't be written: {why}.", known.word),
        )
    };
    let text = match field(value) {
        Held::Flag(flag) if known.shape == Shape::Flag => return Ok(Some((name, json!(flag)))),
        // A checkbox is true or false, and a key or a name can't be taken away.
        Held::Null | Held::Empty if known.shape == Shape::Flag => return Ok(None),
        Held::Null | Held::Empty if matches!(known.shape, Shape::Key | Shape::Name) => {
            return Err(wrong("it is empty"));
        }
        Held::Null | Held::Empty => return Ok(Some((name, Value::Null))),
        Held::Text(text) => text,
        _ => return Err(wrong("its value has another shape")),
    };
    let value = match known.shape {
        Shape::Flag => return Err(wrong("it is neither true nor false")),
        Shape::Amount | Shape::Rate | Shape::Count(_) => {
            decimal::number(text).map_err(|error| wrong(&error.to_string()))?
        }
        // A date that can't be read fails Salesforce's whole request, not only its row.
        Shape::Date => match NaiveDate::parse_from_str(text, "%Y-%m-%d") {
            Ok(_) if text.len() == 10 => json!(text),
            _ => return Err(wrong("it is no date such as 2026-11-30")),
        },
        Shape::Lookup { .. } => {
            json!(ids::long(text).ok_or_else(|| wrong("it is no Salesforce id"))?)
        }
        Shape::ByKey { .. } => return Ok(Some((known.relationship(), json!({KEY: text})))),
        Shape::Choice(values) => {
            if !values.iter().any(|(value, _)| *value == text) {
                return Err(wrong(&format!("\"{text}\" is none of its values")));
            }
            json!(text)
        }
        // Half an address or key leads elsewhere.
        Shape::Link | Shape::Key if units(text) > known.max_length().unwrap_or(0) => {
            return if known.shape == Shape::Link {
                Ok(Some((name, Value::Null)))
            } else {
                Err(wrong("it is too long"))
            };
        }
        Shape::Name | Shape::Key | Shape::Text(_) | Shape::Link => {
            let cut = cut(text.trim(), known.max_length().unwrap_or(0));
            match (cut.is_empty(), known.shape) {
                (true, Shape::Name | Shape::Key) => return Err(wrong("it is empty")),
                (true, _) => Value::Null,
                (false, _) => json!(cut),
            }
        }
    };
    Ok(Some((name, value)))
}

/// How long Salesforce finds a text: it counts UTF-16 units.
fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The text in at most so many UTF-16 units, cut between characters, with no space left at its end.
fn cut(text: &str, most: usize) -> &str {
    let mut count = 0;
    let end = text
        .char_indices()
        .find(|(_, letter)| {
            count += letter.len_utf16();
            count > most
        })
        .map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receivables::{BALANCE, DOCUMENT, PAYMENT};
    use footbridge_sdk::connector::Presence;
    use proptest::prelude::*;

    #[test]
    fn a_document_in_salesforces_fields() {
        let doc = json!({
            "key": "org/invoice/1", "name": " INV-1 ", "kind": "invoice", "status": "part-paid", "account": "001A0000000L2ZC",
            "deal": null, "date": "2026-11-30", "amount_due": "1200.50", "currency_rate": "1.173400", "reference": "",
            "url": format!("https://x/{}", "a".repeat(300)), "days_to_pay": "-3",
        });
        let row = fields(&DOCUMENT, &doc.to_string()).unwrap();
        assert_eq!(
            Value::Object(row).to_string(),
            r#"{"Account__c":"001A0000000L2ZCIA0","Amount_Due__c":1200.5,"Currency_Rate__c":1.1734,"Date__c":"2026-11-30","Days_To_Pay__c":-3,"Key__c":"org/invoice/1","Kind__c":"invoice","Name":"INV-1","Opportunity__c":null,"Reference__c":null,"Status__c":"part-paid","Url__c":null}"#
        );
    }

    #[test]
    fn a_payment_names_its_document_by_key() {
        let doc = json!({"key": "o/payment/1", "document_key": "o/invoice/1", "reconciled": true, "batch": null});
        assert_eq!(
            Value::Object(fields(&PAYMENT, &doc.to_string()).unwrap()).to_string(),
            r#"{"Batch__c":null,"Document__r":{"Key__c":"o/invoice/1"},"Key__c":"o/payment/1","Reconciled__c":true}"#
        );
    }

    #[test]
    fn what_can_not_be_written_is_named() {
        for (kind, doc, word, code) in [
            (
                &DOCUMENT,
                json!({"overdue": "1"}),
                "overdue",
                "unknown-field",
            ),
            (&DOCUMENT, json!({"Key__c": "x"}), "Key__c", "unknown-field"),
            (
                &DOCUMENT,
                json!({"status": "overdue"}),
                "status",
                "invalid-value",
            ),
            (
                &DOCUMENT,
                json!({"date": "30/11/2026"}),
                "date",
                "invalid-value",
            ),
            (&DOCUMENT, json!({"total": "1,5"}), "total", "invalid-value"),
            (
                &DOCUMENT,
                json!({"account": "acme"}),
                "account",
                "invalid-value",
            ),
            (&DOCUMENT, json!({"total": ["1"]}), "total", "invalid-value"),
            (&DOCUMENT, json!({"key": ""}), "key", "invalid-value"),
            (
                &DOCUMENT,
                json!({"key": "k".repeat(256)}),
                "key",
                "invalid-value",
            ),
            (&DOCUMENT, json!({"name": "  "}), "name", "invalid-value"),
            (
                &PAYMENT,
                json!({"reconciled": "true"}),
                "reconciled",
                "invalid-value",
            ),
        ] {
            let problem = fields(kind, &doc.to_string()).unwrap_err();
            assert_eq!(
                (problem.code.as_str(), problem.field.as_deref()),
                (code, Some(word)),
                "{doc}"
            );
        }
    }

    #[test]
    fn a_record_in_the_hosts_words() {
        let doc = json!({
            "Id": "a00A0000000L2ZC", "IsDeleted": false, "Key__c": "o/payment/1", "Name": "P", "Amount__c": "1200.0", "Batch__c": null,
            "Reconciled__c": false, "Document__r": {"Key__c": "o/invoice/1"}, "Account__c": "001A0000000L2ZC", "Date__c": "2026-11-30",
        });
        let told = item(
            &PAYMENT,
            Item {
                object: String::new(),
                id: "a00A0000000L2ZCXXX".into(),
                version: "1".into(),
                presence: Presence::Present,
                doc: doc.to_string(),
            },
        )
        .unwrap();
        assert_eq!(
            (told.object.as_str(), told.doc.as_str()),
            (
                "receivable-payment",
                r#"{"account":"001A0000000L2ZCIA0","amount":"1200","batch":null,"date":"2026-11-30","document_key":"o/invoice/1","key":"o/payment/1","name":"P","reconciled":false}"#
            )
        );
    }

    #[test]
    fn a_document_that_is_gone_leaves_a_payment_without_one() {
        let told = item(
            &PAYMENT,
            Item {
                object: String::new(),
                id: String::new(),
                version: String::new(),
                presence: Presence::Deleted,
                doc: json!({"Document__r": null}).to_string(),
            },
        )
        .unwrap();
        assert_eq!(told.doc, r#"{"document_key":null}"#);
        assert!(BALANCE.field("overdue").is_some());
    }

    proptest! {
        /// Whatever is cut fits, is the beginning of what was there, and has no half of a character at its end.
        #[test]
        fn names_are_cut_between_characters(text in "[a-z 𝄞é漢]{0,200}") {
            let short = cut(&text, 80);
            prop_assert!(units(short) <= 80);
            prop_assert!(text.starts_with(short));
            if units(&text) > 80 {
                prop_assert!(units(text.get(..short.len()).unwrap()) <= 80);
            } else {
                prop_assert_eq!(short, text.trim_end());
            }
        }
    }
}
