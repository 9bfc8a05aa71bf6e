//! The mirror: records of both sides as last reported, and how they are found again by what they hold.
//!
//! It never asks the far side anything: `feed` fills it, `gather` reads it. A missing row proves nothing by itself; only a
//! complete feed of this epoch makes absence mean something.

use crate::error::EngineError;
use crate::state::keys::{self, Side};
use crate::state::rows::Record;
use crate::state::{State, decode, encode};
use crate::unsettled::beside;
use footbridge_model::document::Document;
use footbridge_model::plugin::{Item, Presence};
use footbridge_model::receivable::{KEY, is_receivable};
use footbridge_plan::{exact_name, loose_name};
use footbridge_store::key::{Segment, segments};
use footbridge_store::{Key, WriteSet};
use std::collections::BTreeMap;

/// Rows to change together; a row named twice keeps its last change.
#[derive(Default)]
pub(crate) struct Changes(BTreeMap<Vec<u8>, Option<Vec<u8>>>);

impl Changes {
    /// Writes a row.
    pub(crate) fn put<T: serde::Serialize>(
        &mut self,
        key: &Key,
        row: &T,
    ) -> Result<(), EngineError> {
        self.0.insert(key.to_vec(), Some(encode(row)?));
        Ok(())
    }

    /// Writes a row under a key that was read.
    pub(crate) fn put_at<T: serde::Serialize>(
        &mut self,
        key: Vec<u8>,
        row: &T,
    ) -> Result<(), EngineError> {
        self.0.insert(key, Some(encode(row)?));
        Ok(())
    }

    /// Removes a row.
    pub(crate) fn delete(&mut self, key: &[u8]) {
        self.0.insert(key.to_vec(), None);
    }

    /// The row that these changes write under a key, if they do.
    pub(crate) fn pending<T: serde::de::DeserializeOwned>(
        &self,
        key: &Key,
    ) -> Option<Result<T, EngineError>> {
        let written = self.0.get(&key[..])?.as_ref()?;
        Some(decode(key, written))
    }

    /// As a write set, with the index rows that go with decisions.
    pub(crate) fn into_set(mut self) -> WriteSet {
        let changes = self.0.iter();
        let index: Vec<_> = changes
            .filter_map(|(key, change)| beside(key, change.as_deref()))
            .collect();
        self.0.extend(index);
        self.0
            .into_iter()
            .fold(WriteSet::new(), |set, (key, change)| match change {
                Some(value) => set.put(key, value),
                None => set.delete(key),
            })
    }
}

/// A record of the mirror, read.
#[derive(Debug, Clone)]
pub(crate) struct Mirrored {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) presence: Presence,
    pub(crate) doc: Document,
}

/// What the feed found out about an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Novelty {
    /// Never seen before.
    New,
    Changed,
    /// Changed, and it was there before and is deleted, archived, merged or voided now.
    Gone,
    Seen,
}

impl Novelty {
    /// Whether it is known already.
    pub(crate) fn is_known(self) -> bool {
        self == Self::Seen
    }
}

/// Whether a record is reported as gone, of any side.
pub(crate) fn is_gone(presence: &Presence, doc: &Document) -> bool {
    *presence != Presence::Present || matches!(doc.text("status"), Some("voided" | "deleted"))
}

impl State {
    /// Adds an item to the changes, with its index rows; one that is already known changes nothing.
    pub(crate) async fn mirror(
        &self,
        side: &Side,
        item: &Item,
        changes: &mut Changes,
    ) -> Result<Novelty, EngineError> {
        let key = keys::record(side, &item.object, &item.id);
        let old = self.get::<Record>(&key).await?;
        let mut stale = BTreeMap::new();
        let mut novelty = Novelty::New;
        let mut was_there = false;
        if let Some((old, _)) = old {
            novelty = Novelty::Changed;
            let text = self.read(&old.doc).await?;
            let same =
                old.version == item.version && old.presence == item.presence && text == item.doc;
            if same || is_overtaken(&old, item) {
                return Ok(Novelty::Seen);
            }
            let doc = parse(side, item, &text)?;
            was_there = !is_gone(&old.presence, &doc);
            for index in index_rows(side, &item.object, &item.id, &old.presence, &doc) {
                stale.insert(index.to_vec(), ());
            }
        }
        let doc = parse(side, item, &item.doc)?;
        for index in index_rows(side, &item.object, &item.id, &item.presence, &doc) {
            stale.remove(&index.to_vec());
            changes.put(&index, &())?;
        }
        for index in stale.into_keys() {
            changes.delete(&index);
        }
        let row = Record {
            version: item.version.clone(),
            presence: item.presence.clone(),
            doc: self.keep(&item.doc).await?,
        };
        changes.put(&key, &row)?;
        Ok(if was_there && is_gone(&item.presence, &doc) {
            Novelty::Gone
        } else {
            novelty
        })
    }

    /// A record of the mirror.
    pub(crate) async fn mirrored(
        &self,
        side: &Side,
        object: &str,
        id: &str,
    ) -> Result<Option<Mirrored>, EngineError> {
        let key = keys::record(side, object, id);
        let Some((row, _)) = self.get::<Record>(&key).await? else {
            return Ok(None);
        };
        Ok(Some(self.opened(side, object, id, row).await?))
    }

    /// All records of an object: for the small ones (accounts, items, tax rates).
    pub(crate) async fn all_mirrored(
        &self,
        side: &Side,
        object: &str,
    ) -> Result<Vec<Mirrored>, EngineError> {
        let mut found = Vec::new();
        for (key, row) in self
            .all::<Record>(&keys::records(side, object).range())
            .await?
        {
            if let Some(id) = last_text(&key) {
                found.push(self.opened(side, object, &id, row).await?);
            }
        }
        Ok(found)
    }

    /// Ids of records by an indexed value.
    pub(crate) async fn by_index(
        &self,
        side: &Side,
        object: &str,
        index: &str,
        value: &str,
    ) -> Result<Vec<String>, EngineError> {
        let range = keys::index(side, object, index, value).range();
        let rows = self.keys(&range).await?;
        Ok(rows.iter().filter_map(|key| last_text(key)).collect())
    }

    async fn opened(
        &self,
        side: &Side,
        object: &str,
        id: &str,
        row: Record,
    ) -> Result<Mirrored, EngineError> {
        let text = self.read(&row.doc).await?;
        let doc =
            Document::from_plugin(&text).map_err(|e| unusable(side, object, id, &e.to_string()))?;
        Ok(Mirrored {
            id: id.to_owned(),
            version: row.version,
            presence: row.presence,
            doc,
        })
    }
}

/// The part of a ledger link of ours that names the billing key.
pub(crate) fn our_key(url: &str) -> Option<&str> {
    let (_, key) = url.split_once("footbridge=")?;
    Some(key.split(['&', '#']).next().unwrap_or(key))
}

/// Whether a record is known as it became after this reading. Lists may lag behind a record's own address and behind the answer to a
/// write: what they show late is no change, and would undo one. That it is gone always counts.
fn is_overtaken(known: &Record, item: &Item) -> bool {
    let now_present = item.presence == Presence::Present;
    let at = |version: &str| footbridge_plan::instant(version);
    match (at(&known.version), at(&item.version)) {
        (Some(known), Some(read)) => now_present && read < known,
        // Versions that are no instants have no order.
        _ => false,
    }
}

/// A record that doesn't fit, named.
pub(crate) fn unusable(side: &Side, object: &str, id: &str, why: &str) -> EngineError {
    EngineError::Record {
        connection: side.0.to_string(),
        object: object.to_owned(),
        id: id.to_owned(),
        why: why.to_owned(),
    }
}

fn parse(side: &Side, item: &Item, text: &str) -> Result<Document, EngineError> {
    Document::from_plugin(text).map_err(|e| unusable(side, &item.object, &item.id, &e.to_string()))
}

pub(crate) fn last_text(key: &[u8]) -> Option<String> {
    match segments(key)?.pop()? {
        Segment::Text(text) => Some(text),
        _ => None,
    }
}

/// The index rows of a record: customers by number and name, receivable invoices by customer and date, by number, by our key, by credit;
/// credits by customer and by what they are set against, payments by document, records of the receivables vocabulary by key.
fn index_rows(
    side: &Side,
    object: &str,
    id: &str,
    presence: &Presence,
    doc: &Document,
) -> Vec<Key> {
    let row = |index: &str, value: &str| keys::index(side, object, index, value);
    let text = |path: &str| doc.text(path).filter(|text| !text.is_empty());
    let mut rows = Vec::new();
    match object {
        "customer" => {
            rows.extend(text("number").map(|number| row("number", number).text(id)));
            if let Some(name) = text("name") {
                rows.push(row("exact", &exact_name(name)).text(id));
                rows.push(row("loose", &loose_name(name)).text(id));
            }
        }
        // A bill that the firm received is no invoice of ours, whatever it carries.
        "invoice" if text("kind") == Some("payable") => {}
        "invoice" => {
            if let Some(customer) = text("customer") {
                let date = text("date").unwrap_or_default();
                rows.push(row("customer", customer).text(date).text(id));
            }
            rows.extend(text("number").map(|number| row("number", number).text(id)));
            rows.extend(
                text("url")
                    .and_then(our_key)
                    .map(|key| row("key", key).text(id)),
            );
            for credit in doc.list("credits") {
                if let (Some(kind), Some(own)) = (credit.text("kind"), credit.text("id")) {
                    rows.push(row("credited-by", &format!("{kind}/{own}")).text(id));
                }
            }
        }
        "credit-note" | "overpayment" | "prepayment" if text("kind") != Some("payable") => {
            rows.extend(text("customer").map(|customer| row("customer", customer).text(id)));
            for allocation in doc.list("allocations") {
                let text = |path: &str| allocation.text(path).filter(|text| !text.is_empty());
                rows.extend(text("invoice").map(|invoice| row("allocates", invoice).text(id)));
                rows.extend(text("id").map(|own| row("allocation", own).text(id)));
            }
        }
        "payment" if doc.boolean("payable") != Some(true) => {
            let kind = text("document_kind").unwrap_or("invoice");
            rows.extend(
                text("document")
                    .map(|document| row("document", &format!("{kind}/{document}")).text(id)),
            );
        }
        // One that is gone is made anew under the same key.
        object if is_receivable(object) && *presence == Presence::Present => {
            rows.extend(text(KEY).map(|key| row(KEY, key).text(id)));
        }
        _ => {}
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::rows::Text;

    #[test]
    fn an_earlier_state_never_replaces_a_later_one_and_versions_without_order_do() {
        let gone = Presence::Deleted;
        for (known, was, read, presence, overtaken) in [
            (
                "2026-10-26T07:57:00.500Z",
                Presence::Present,
                "2026-10-26T07:57:00.499Z",
                Presence::Present,
                true,
            ),
            (
                "2026-10-26T07:57:00Z",
                Presence::Present,
                "2026-10-26T07:57:00Z",
                Presence::Present,
                false,
            ),
            (
                "2026-10-26T07:57:00Z",
                Presence::Present,
                "2026-10-26T07:57:01Z",
                Presence::Present,
                false,
            ),
            (
                "2026-10-26T07:57:00.000+0000",
                Presence::Present,
                "2026-10-26T07:56:59.000+0000",
                Presence::Present,
                true,
            ),
            // It came back in an older list, or went.
            (
                "2026-10-26T07:57:00Z",
                gone.clone(),
                "2026-10-26T07:56:59Z",
                Presence::Present,
                true,
            ),
            (
                "2026-10-26T07:57:00Z",
                Presence::Present,
                "2026-10-26T07:56:59Z",
                gone,
                false,
            ),
            ("v2", Presence::Present, "v1", Presence::Present, false),
            (
                "2026-10-26T07:57:00Z",
                Presence::Present,
                "v1",
                Presence::Present,
                false,
            ),
        ] {
            let record = Record {
                version: known.to_owned(),
                presence: was,
                doc: Text::Inline(String::new()),
            };
            let item = Item {
                object: "customer".to_owned(),
                id: "1".to_owned(),
                version: read.to_owned(),
                presence,
                doc: "{}".to_owned(),
            };
            assert_eq!(is_overtaken(&record, &item), overtaken, "{known} {read}");
        }
    }
}
