//! Reread: records of the ledger that a change touched are read again by id, in batches, before anything is said of them.
//!
//! Where the mirror already tells one story on both sides (a payment and its document's list, a credit and its invoices') no call is
//! made. What the ledger doesn't show stays noted: absent is not deleted. Next: `gather`.

use super::learn::{document_of, last_two};
use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::mirror::{Changes, Mirrored};
use crate::state::keys;
use crate::state::rows::Reread;
use footbridge_model::document::Document;
use footbridge_model::receivable::{DocumentId, DocumentKind};
use std::collections::{BTreeMap, BTreeSet};

/// Ids in one call: many, for a connector knows the cheapest way to read so many; few enough for a minute's budget in any case.
const BATCH: usize = 500;
/// What is read may touch others; so many times that is followed in one run.
const ROUNDS: usize = 8;

impl Engine {
    /// Reads what is noted. Returns how many records were asked for.
    pub(crate) async fn reread(&self, sides: &Sides) -> Result<usize, EngineError> {
        let side = &sides.ledger;
        // Read in this run; and asked for without an answer that means anything.
        let mut read: BTreeSet<(String, String)> = BTreeSet::new();
        let mut unanswered: BTreeSet<(String, String)> = BTreeSet::new();
        for _ in 0..ROUNDS {
            let mut wanted: BTreeMap<String, Vec<(String, Reread)>> = BTreeMap::new();
            let mut changes = Changes::default();
            for (key, row) in self
                .state
                .all::<Reread>(&keys::rereads(side).range())
                .await?
            {
                let Some((object, id)) = last_two(&key) else {
                    continue;
                };
                let which = (object.clone(), id.clone());
                if read.contains(&which) {
                    // What is there now is what the ledger says.
                    if !row.not_shown {
                        changes.delete(&key);
                    }
                } else if unanswered.contains(&which) {
                    // The next run asks again.
                } else if !row.forced && !row.not_shown && self.agrees(sides, &object, &id).await? {
                    changes.delete(&key);
                } else {
                    wanted.entry(object).or_default().push((id, row));
                }
            }
            self.state.commit(changes.into_set()).await?;
            if wanted.is_empty() {
                break;
            }
            for (object, rows) in wanted {
                for batch in rows.chunks(BATCH) {
                    let answered = self.reread_batch(sides, &object, batch).await?;
                    for (id, _) in batch {
                        let which = (object.clone(), id.clone());
                        if answered.contains(id) {
                            read.insert(which);
                        } else {
                            unanswered.insert(which);
                        }
                    }
                }
            }
        }
        Ok(read.len() + unanswered.len())
    }

    /// One call. Returns the ids that were told: shown, or surely not there to be seen.
    async fn reread_batch(
        &self,
        sides: &Sides,
        object: &str,
        batch: &[(String, Reread)],
    ) -> Result<BTreeSet<String>, EngineError> {
        let side = &sides.ledger;
        let ids: Vec<String> = batch.iter().map(|(id, _)| id.clone()).collect();
        let found = self
            .by_id(side, self.ledger.as_ref(), object, &ids, &[])
            .await?;
        let mut changes = Changes::default();
        let mut answered = BTreeSet::new();
        for (id, row) in batch {
            let mut items = found.items.iter();
            match items.find(|item| item.id.eq_ignore_ascii_case(id)) {
                Some(item) => {
                    answered.insert(id.clone());
                    changes.delete(&keys::reread(side, object, id));
                    self.learn(side, item, &mut changes).await?;
                    if row.not_shown {
                        self.unit_due(sides, object, id, &mut changes).await?;
                    }
                }
                None if found.complete => {
                    answered.insert(id.clone());
                    let not_shown = Reread {
                        not_shown: true,
                        ..*row
                    };
                    self.put_reread(side, object, id, not_shown, &mut changes)?;
                    self.unit_due(sides, object, id, &mut changes).await?;
                }
                None => {}
            }
        }
        self.state.commit(changes.into_set()).await?;
        Ok(answered)
    }

    /// The document itself, or the one that a payment is for, is to be looked at.
    async fn unit_due(
        &self,
        sides: &Sides,
        object: &str,
        id: &str,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let document = match DocumentKind::named(object) {
            Some(kind) => Some(DocumentId::new(kind, id)),
            None => {
                let payment = self.state.mirrored(&sides.ledger, object, id).await?;
                payment
                    .as_ref()
                    .and_then(|payment| document_of(&payment.doc))
            }
        };
        match document {
            Some(document) => self.put_document_due(&document, &sides.ledger.1, changes),
            None => Ok(()),
        }
    }

    /// Whether the mirror tells one story: what says that it belongs to a record is listed there, and the other way round.
    async fn agrees(&self, sides: &Sides, object: &str, id: &str) -> Result<bool, EngineError> {
        let Some(record) = self.state.mirrored(&sides.ledger, object, id).await? else {
            return Ok(false);
        };
        match DocumentKind::named(object) {
            Some(DocumentKind::Invoice) => self.invoice_agrees(sides, &record).await,
            Some(kind) => self.credit_agrees(sides, kind, &record).await,
            None => self.payment_agrees(sides, &record).await,
        }
    }

    async fn payment_agrees(&self, sides: &Sides, payment: &Mirrored) -> Result<bool, EngineError> {
        let Some(id) = document_of(&payment.doc) else {
            return Ok(true);
        };
        let document = self
            .state
            .mirrored(&sides.ledger, id.kind.as_str(), &id.id)
            .await?;
        let listed = document.and_then(|document| ids(&document.doc, "payments"));
        Ok(listed.is_some_and(|listed| listed.contains(&payment.id) == counts(payment)))
    }

    async fn payments_agree(
        &self,
        sides: &Sides,
        id: &DocumentId,
        document: &Mirrored,
    ) -> Result<bool, EngineError> {
        let Some(listed) = ids(&document.doc, "payments") else {
            return Ok(false);
        };
        let mut counting = BTreeSet::new();
        for payment in self.payments_of(sides, id).await? {
            if counts(&payment) {
                counting.insert(payment.id);
            }
        }
        Ok(listed == counting)
    }

    async fn invoice_agrees(&self, sides: &Sides, invoice: &Mirrored) -> Result<bool, EngineError> {
        let id = DocumentId::new(DocumentKind::Invoice, &invoice.id);
        if !self.payments_agree(sides, &id, invoice).await? {
            return Ok(false);
        }
        let Some(Document::List(credits)) = invoice.doc.at("credits") else {
            return Ok(false);
        };
        let listed: BTreeSet<(String, String)> = credits
            .iter()
            .filter_map(|credit| {
                Some((
                    credit.text("kind")?.to_owned(),
                    credit.text("id")?.to_owned(),
                ))
            })
            .collect();
        let mut set_against = BTreeSet::new();
        for kind in DocumentKind::ALL {
            let found = self
                .state
                .by_index(&sides.ledger, kind.as_str(), "allocates", &invoice.id)
                .await?;
            set_against.extend(found.into_iter().map(|id| (kind.as_str().to_owned(), id)));
        }
        Ok(listed == set_against)
    }

    async fn credit_agrees(
        &self,
        sides: &Sides,
        kind: DocumentKind,
        credit: &Mirrored,
    ) -> Result<bool, EngineError> {
        let id = DocumentId::new(kind, &credit.id);
        if !self.payments_agree(sides, &id, credit).await? {
            return Ok(false);
        }
        let Some(Document::List(allocations)) = credit.doc.at("allocations") else {
            return Ok(false);
        };
        let listed: BTreeSet<String> = allocations
            .iter()
            .filter_map(|allocation| allocation.text("invoice").map(str::to_owned))
            .collect();
        let value = format!("{}/{}", kind.as_str(), credit.id);
        let invoices = self
            .state
            .by_index(&sides.ledger, "invoice", "credited-by", &value)
            .await?;
        Ok(listed == invoices.into_iter().collect())
    }

    /// The payments of a document, reversed ones too.
    pub(crate) async fn payments_of(
        &self,
        sides: &Sides,
        id: &DocumentId,
    ) -> Result<Vec<Mirrored>, EngineError> {
        let value = format!("{}/{}", id.kind.as_str(), id.id);
        let side = &sides.ledger;
        let found = self
            .state
            .by_index(side, "payment", "document", &value)
            .await?;
        let mut payments = Vec::with_capacity(found.len());
        for id in found {
            payments.extend(self.state.mirrored(side, "payment", &id).await?);
        }
        Ok(payments)
    }
}

/// Whether a payment counts for its document.
fn counts(payment: &Mirrored) -> bool {
    payment.doc.text("status") != Some("deleted")
        && payment.presence == footbridge_model::plugin::Presence::Present
}

/// The ids in a list of a document; `None` where the list was not read.
fn ids(doc: &Document, list: &str) -> Option<BTreeSet<String>> {
    match doc.at(list) {
        Some(Document::List(entries)) => Some(
            entries
                .iter()
                .filter_map(|entry| entry.text("id").map(str::to_owned))
                .collect(),
        ),
        _ => None,
    }
}
