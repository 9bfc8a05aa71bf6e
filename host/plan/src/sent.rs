//! Sent: what was last written to a record of the CRM, and how often that day. The same written three times in a day shows that something
//! over there changes it back (domain rule 10): then a person looks, instead of two machines that quarrel for ever.
//!
//! The engine keeps it beside the record; `write_back` and `reflect` read it. Customers remember it field by field, in `merge`.

use chrono::NaiveDate;
use footbridge_model::document::Document;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// So often the same may be written in a day.
const MOST_TIMES: u32 = 3;

/// The last write of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The whole record as it was wanted, canonical.
    pub wanted: String,
    /// The day of it, UTC.
    pub day: NaiveDate,
    /// How often just that was written on that day.
    pub times: u32,
    /// The CRM refused it.
    pub refused: bool,
}

impl Sent {
    /// The write that comes after `before`.
    pub fn next(before: Option<&Self>, wanted: String, day: NaiveDate, refused: bool) -> Self {
        let times = match before {
            Some(sent) if sent.wanted == wanted && sent.day == day => sent.times.saturating_add(1),
            _ => 1,
        };
        Self {
            wanted,
            day,
            times,
            refused,
        }
    }

    /// What is wanted once these fields are written over what was wanted before: of a deal only those are written that differ.
    pub fn over(before: Option<&Self>, fields: &Document) -> String {
        let before = before.and_then(|sent| Document::from_plugin(&sent.wanted).ok());
        let mut all = BTreeMap::new();
        for doc in [before.as_ref(), Some(fields)] {
            if let Some(Document::Object(more)) = doc {
                all.extend(more.clone());
            }
        }
        Document::Object(all).canonical()
    }

    /// Whether something over there changes it back, by how often it was written today.
    pub fn is_rewritten(&self, today: NaiveDate) -> bool {
        self.day == today && self.times >= MOST_TIMES
    }

    /// A person lets it be tried once more. None where nothing keeps it from that.
    #[must_use]
    pub fn once_more(&self) -> Option<Self> {
        (self.times >= MOST_TIMES && !self.refused).then(|| Self {
            times: MOST_TIMES - 1,
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn sent(writes: &[(&str, &str)]) -> Sent {
        let mut before: Option<Sent> = None;
        for (fields, on) in writes {
            let fields = Document::from_plugin(fields).unwrap();
            let wanted = Sent::over(before.as_ref(), &fields);
            before = Some(Sent::next(before.as_ref(), wanted, day(on), false));
        }
        before.unwrap()
    }

    #[test]
    fn the_same_is_counted_by_day() {
        let (one, two) = ("2026-10-05", "2026-10-06");
        for (writes, times) in [
            (&[(r#"{"n":"1"}"#, one)][..], 1),
            (&[(r#"{"n":"1"}"#, one), (r#"{"n":"1"}"#, one)], 2),
            // What was written with it and stayed as it is doesn't make it something else.
            (&[(r#"{"id":"7","n":"1"}"#, one), (r#"{"n":"1"}"#, one)], 2),
            (&[(r#"{"n":"1"}"#, one), (r#"{"n":"2"}"#, one)], 1),
            (&[(r#"{"n":"1"}"#, one), (r#"{"n":"1"}"#, two)], 1),
            // One field and then the other, in turns, is counted in the end.
            (
                &[
                    (r#"{"n":"1"}"#, one),
                    (r#"{"id":"7"}"#, one),
                    (r#"{"n":"1"}"#, one),
                    (r#"{"id":"7"}"#, one),
                ],
                3,
            ),
        ] {
            assert_eq!(sent(writes).times, times, "{writes:?}");
        }
    }

    #[test]
    fn a_person_lets_it_be_tried_once() {
        let write = (r#"{"n":"1"}"#, "2026-10-05");
        let thrice = sent(&[write; 3]);
        assert!(thrice.is_rewritten(day("2026-10-05")));
        assert!(!thrice.is_rewritten(day("2026-10-06")));
        let again = thrice.once_more().unwrap();
        assert!(!again.is_rewritten(day("2026-10-05")));
        let then = Sent::next(Some(&again), again.wanted.clone(), again.day, false);
        assert!(then.is_rewritten(day("2026-10-05")));
        assert_eq!(sent(&[write; 2]).once_more(), None);
    }
}
