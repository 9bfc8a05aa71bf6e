//! History: who or what changed a record, when, from which version of what, by which plugins and settings. One row per applied
//! operation, written in the commit that settles it, and one that finds it from the source record.
//!
//! It decides nothing and is never read to decide anything. A row is small whatever was written: long values are kept as their digest.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::gather::record_key;
use crate::intent::{next_number, short};
use crate::mirror::{Changes, last_text};
use crate::state::keys::{self, Side};
use crate::state::rows::Request;
use chrono::{DateTime, Utc};
use footbridge_model::document::Document;
use footbridge_model::id::{RecordKey, RequestId};
use footbridge_model::plan::{Adoption, Op, key};
use footbridge_model::plugin::Action;
use footbridge_model::receivable::KINDS;
use footbridge_plan::rails::same_id;
use footbridge_store::BodyDigest;
use footbridge_store::key::{Segment, segments};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Characters of the short form of a CRM's id.
const SHORT_ID: usize = 15;
/// Records of the ledger that a name may mean.
const OF_LEDGER: [&str; 6] = [
    "invoice",
    "customer",
    "credit-note",
    "overpayment",
    "prepayment",
    "payment",
];
/// Longest value in bytes that is kept as it is.
const LONGEST_VALUE: usize = 160;
/// Most fields of one operation that are kept.
const MOST_FIELDS: usize = 64;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// The record was made.
    Created,
    /// Fields of it were written.
    Updated,
    /// It was recognised and linked; nothing was written to it.
    Linked,
}

/// One value as it was kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// Nothing: the field was or is empty.
    Empty,
    /// Text as it is; anything else as JSON.
    Text(String),
    /// What it held was erased since.
    Erased,
    /// Too long to keep here.
    Digest {
        /// SHA-256, hex.
        sha256: String,
        /// How long it was.
        bytes: u64,
    },
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Its name.
    pub field: String,
    /// What it held, where that is known.
    pub old: Option<Value>,
    /// What was written.
    pub new: Value,
}

/// `history`: one thing that was done to one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it was settled.
    pub at: DateTime<Utc>,
    /// What.
    pub deed: Deed,
    /// To which record.
    pub record: RecordKey,
    /// What people call what it is about; text from outside.
    pub title: String,
    /// From which record.
    pub source: RecordKey,
    /// At which version of that, where it is known.
    pub source_version: Option<String>,
    /// What changed.
    pub fields: Vec<FieldChange>,
    /// Why, in words.
    pub why: String,
    /// Who decided it, where a person did.
    pub decided_by: Option<String>,
    /// The request that did it.
    pub request: Option<RequestId>,
    /// Digest of the connector.
    pub connector: String,
    /// Digest of the mapping, the component.
    pub transform: String,
    /// Digest of the mapping's settings.
    pub settings: String,
}

impl Engine {
    /// Adds to the changes what an applied operation did.
    pub(crate) async fn remember(
        &self,
        changes: &mut Changes,
        request: &Request,
        op: &Op,
        far: &RecordKey,
    ) -> Result<(), EngineError> {
        let deed = match op.action {
            Action::Create => Deed::Created,
            Action::Update => Deed::Updated,
        };
        let entry = Entry {
            fields: fields(op),
            why: short(op.why.clone()),
            request: Some(request.id.clone()),
            connector: request.plugin.clone(),
            ..self
                .entry(
                    deed,
                    far,
                    &op.subject.record,
                    op.subject.part,
                    &op.subject.title,
                )
                .await?
        };
        self.put_entry(changes, &entry)
    }

    /// Adds to the changes that a record was recognised.
    pub(crate) async fn remember_link(
        &self,
        changes: &mut Changes,
        adoption: &Adoption,
    ) -> Result<(), EngineError> {
        let subject = &adoption.subject;
        let entry = Entry {
            why: short(adoption.why.clone()),
            connector: self.ledger.digest().to_string(),
            ..self
                .entry(
                    Deed::Linked,
                    &adoption.ledger_record,
                    &subject.record,
                    subject.part,
                    &subject.title,
                )
                .await?
        };
        self.put_entry(changes, &entry)
    }

    async fn entry(
        &self,
        deed: Deed,
        record: &RecordKey,
        source: &RecordKey,
        part: u32,
        title: &str,
    ) -> Result<Entry, EngineError> {
        let side = (source.connection.clone(), source.organisation.clone());
        let known = self
            .state
            .mirrored(&side, source.object.as_str(), source.id.as_str())
            .await?;
        let rulings = self.rulings_about(source).await?;
        let ruled = rulings
            .get(&(source.clone(), part))
            .and_then(|all| all.last());
        Ok(Entry {
            at: self.clock.now(),
            deed,
            record: record.clone(),
            title: short(title.to_owned()),
            source: source.clone(),
            source_version: known.map(|known| known.version),
            fields: Vec::new(),
            why: String::new(),
            decided_by: ruled.map(|ruling| ruling.by.clone()),
            request: None,
            connector: String::new(),
            transform: self.transform.digest().to_string(),
            settings: key(&["settings", &self.flow.settings]),
        })
    }

    fn put_entry(&self, changes: &mut Changes, entry: &Entry) -> Result<(), EngineError> {
        let micros = u64::try_from(entry.at.timestamp_micros()).unwrap_or(0);
        let number = next_number();
        let own = keys::history(&entry.record).number(micros).number(number);
        changes.put(&own, entry)?;
        if entry.source != entry.record {
            let from = keys::history_from(&entry.source)
                .number(micros)
                .number(number);
            changes.put(&from, &entry.record)?;
        }
        Ok(())
    }

    /// All that was done to the record with this id, from it, and to what the way back shows of it, at either side, oldest first. `None`:
    /// nothing is known of it.
    pub async fn history(&self, id: &str) -> Result<Option<Vec<Entry>>, EngineError> {
        let mut records = self.records_called(id).await?;
        if let Some(sides) = self.known_sides().await? {
            records.extend(self.hanging(&sides, &records).await?);
        }
        let found = self.entries_about(&records).await?;
        let found: Vec<Entry> = found.into_iter().map(|(_, entry)| entry).collect();
        Ok((!found.is_empty()).then_some(found))
    }

    /// The records that may be meant by an id or an invoice's number, whether or not anything is known of them.
    pub(crate) async fn records_called(
        &self,
        id: &str,
    ) -> Result<BTreeSet<RecordKey>, EngineError> {
        let mut records = BTreeSet::new();
        let Some(sides) = self.known_sides().await? else {
            return Ok(records);
        };
        let deal = self.flow.policy.deal.object.as_str();
        let crm = self.flow.customer_objects.iter().map(String::as_str);
        for object in crm.chain([deal]).chain(KINDS) {
            records.insert(record_key(&sides.source, object, id));
            if id.len() == SHORT_ID {
                for whole in self.begun_by(&sides.source, object, id).await? {
                    records.insert(record_key(&sides.source, object, &whole));
                }
            }
        }
        for object in OF_LEDGER {
            records.insert(record_key(&sides.ledger, object, id));
            for numbered in self.numbered(&sides.ledger, object, id).await? {
                records.insert(record_key(&sides.ledger, object, &numbered));
            }
        }
        Ok(records)
    }

    /// What was done to these records and from them, each under its key, oldest first.
    pub(crate) async fn entries_about(
        &self,
        records: &BTreeSet<RecordKey>,
    ) -> Result<Vec<(Vec<u8>, Entry)>, EngineError> {
        let mut found: Vec<((u64, u64), Vec<u8>, Entry)> = Vec::new();
        for record in records {
            let range = keys::history(record).range();
            for (key, entry) in self.state.all::<Entry>(&range).await? {
                found.push((at(&key), key, entry));
            }
            let range = keys::history_from(record).range();
            for (key, to) in self.state.all::<RecordKey>(&range).await? {
                let (micros, number) = at(&key);
                let own = keys::history(&to).number(micros).number(number);
                if let Some((entry, _)) = self.state.get::<Entry>(&own).await? {
                    found.push(((micros, number), own.to_vec(), entry));
                }
            }
        }
        found.sort_by_key(|(at, ..)| *at);
        found.dedup_by_key(|(at, ..)| *at);
        Ok(found
            .into_iter()
            .map(|(_, key, entry)| (key, entry))
            .collect())
    }

    /// Ids of records whose short form this is.
    async fn begun_by(
        &self,
        side: &Side,
        object: &str,
        id: &str,
    ) -> Result<Vec<String>, EngineError> {
        let keys = self
            .state
            .keys(&keys::records(side, object).range())
            .await?;
        let ids = keys.iter().filter_map(|key| last_text(key));
        Ok(ids.filter(|known| same_id(id, known)).collect())
    }

    async fn numbered(
        &self,
        side: &Side,
        object: &str,
        number: &str,
    ) -> Result<Vec<String>, EngineError> {
        self.state.by_index(side, object, "number", number).await
    }

    /// Every entry, by record; ends early where `each` says so.
    pub async fn each_entry(
        &self,
        mut each: impl FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        let range = keys::histories().range();
        self.state.each(&range, |_, entry| each(entry)).await
    }
}

/// The last two segments of a key: the instant and the order within it.
fn at(key: &[u8]) -> (u64, u64) {
    match segments(key).unwrap_or_default().as_slice() {
        [.., Segment::Number(micros), Segment::Number(number)] => (*micros, *number),
        _ => (0, 0),
    }
}

/// What an operation wrote, field by field, with what it replaced.
fn fields(op: &Op) -> Vec<FieldChange> {
    let Document::Object(wanted) = &op.doc else {
        return Vec::new();
    };
    let was = |field: &str| match &op.was {
        Some(Document::Object(was)) => was.get(field).map(value),
        _ => None,
    };
    wanted
        .iter()
        .take(MOST_FIELDS)
        .map(|(field, new)| FieldChange {
            field: field.clone(),
            old: was(field),
            new: value(new),
        })
        .collect()
}

fn value(doc: &Document) -> Value {
    let text = match doc {
        Document::Null => return Value::Empty,
        Document::Text(text) => text.clone(),
        other => other.canonical(),
    };
    if text.len() <= LONGEST_VALUE {
        return Value::Text(text);
    }
    Value::Digest {
        sha256: BodyDigest::of(text.as_bytes()).to_string(),
        bytes: u64::try_from(text.len()).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_kept_as_their_digest() {
        let text = |length: usize| Document::Text("x".repeat(length));
        assert_eq!(value(&text(160)), Value::Text("x".repeat(160)));
        assert!(matches!(
            value(&text(161)),
            Value::Digest { bytes: 161, .. }
        ));
        assert_eq!(value(&Document::Null), Value::Empty);
    }
}
