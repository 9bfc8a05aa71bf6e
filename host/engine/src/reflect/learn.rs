//! Learn: a record as just reported enters the mirror, and what follows from a change of it is noted with it, in one commit.
//!
//! It decides nothing about what is written. A payment may not bump its invoice's stamp, nor an allocation: the documents that a
//! change touches are noted to be read again, what was taken off as well as what was put on. Next: `reread`.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::mirror::{Changes, Mirrored, Novelty, last_text};
use crate::state::keys::{self, Side};
use crate::state::rows::{Due, Reread};
use footbridge_model::document::Document;
use footbridge_model::link::{Link, Role};
use footbridge_model::plugin::{Item, Presence};
use footbridge_model::receivable::{
    self, BALANCE, DOCUMENT, DocumentId, DocumentKind, KEY, Keyed, balance_key, is_receivable,
    keyed,
};
use footbridge_plan::reflect::same_record;
use footbridge_plan::sent::Sent;
use footbridge_store::key::{Segment, segments};
use std::collections::BTreeSet;

/// A customer whose documents are to be looked at, as a due row's object.
pub(crate) const CUSTOMER: &str = "customer";

impl Engine {
    /// Puts a record as just reported into the mirror.
    pub(crate) async fn learn(
        &self,
        side: &Side,
        item: &Item,
        changes: &mut Changes,
    ) -> Result<Novelty, EngineError> {
        let novelty = self.mirrored_anew(side, item, changes).await?;
        if novelty == Novelty::Gone {
            self.note_went(side, item, changes)?;
        }
        Ok(novelty)
    }

    async fn mirrored_anew(
        &self,
        side: &Side,
        item: &Item,
        changes: &mut Changes,
    ) -> Result<Novelty, EngineError> {
        if !self.minds(side, &item.object) {
            return self.state.mirror(side, item, changes).await;
        }
        let before = self.state.mirrored(side, &item.object, &item.id).await?;
        let novelty = self.state.mirror(side, item, changes).await?;
        if !novelty.is_known()
            && let Ok(now) = Document::from_plugin(&item.doc)
        {
            let before = before.as_ref();
            if side.0 == self.flow.source {
                self.heard_of(side, item, &now, changes).await?;
            } else if let Some(kind) = DocumentKind::named(&item.object) {
                self.document_changed(
                    side,
                    DocumentId::new(kind, &item.id),
                    before,
                    &now,
                    changes,
                )?;
            } else if item.object == "payment" {
                self.payment_changed(side, before, &now, changes)?;
            } else if before.is_none_or(|before| before.doc.text("name") != now.text("name")) {
                self.customer_renamed(side, &item.id, changes).await?;
            }
        }
        Ok(novelty)
    }

    /// Whether the way back cares for an object.
    fn minds(&self, side: &Side, object: &str) -> bool {
        self.back.is_some()
            && if side.0 == self.flow.source {
                is_receivable(object)
            } else {
                DocumentKind::named(object).is_some() || ["payment", CUSTOMER].contains(&object)
            }
    }

    fn document_changed(
        &self,
        side: &Side,
        id: DocumentId,
        before: Option<&Mirrored>,
        now: &Document,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        if now.text("kind") == Some("payable") {
            return Ok(());
        }
        self.put_document_due(&id, &side.1, changes)?;
        let before = before.map(|before| &before.doc);
        let listed = |doc: Option<&Document>, list: &str| -> BTreeSet<(String, String)> {
            let entries = doc.map(|doc| doc.list(list)).unwrap_or_default();
            let entry = |entry: &Document| match list {
                "payments" => Some(("payment".to_owned(), entry.text("id")?.to_owned())),
                "allocations" => Some(("invoice".to_owned(), entry.text("invoice")?.to_owned())),
                _ => Some((entry.text("kind")?.to_owned(), entry.text("id")?.to_owned())),
            };
            entries.iter().filter_map(entry).collect()
        };
        // A payment that is listed is known from its own feed; one that no longer is may have been taken back.
        let mut touched = BTreeSet::new();
        if matches!(now.at("payments"), Some(Document::List(_))) {
            let (old, new) = (listed(before, "payments"), listed(Some(now), "payments"));
            touched.extend(old.difference(&new).cloned());
        }
        for list in ["credits", "allocations"] {
            touched.extend(listed(before, list));
            touched.extend(listed(Some(now), list));
        }
        for (object, id) in touched {
            self.put_reread(side, &object, &id, Reread::default(), changes)?;
        }
        Ok(())
    }

    fn payment_changed(
        &self,
        side: &Side,
        before: Option<&Mirrored>,
        now: &Document,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        if now.boolean("payable") == Some(true) {
            return Ok(());
        }
        let docs = [before.map(|before| &before.doc), Some(now)];
        for id in docs.into_iter().flatten().filter_map(document_of) {
            self.put_document_due(&id, &side.1, changes)?;
            self.put_reread(side, id.kind.as_str(), &id.id, Reread::default(), changes)?;
        }
        Ok(())
    }

    /// Its balances carry its name.
    async fn customer_renamed(
        &self,
        side: &Side,
        id: &str,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        for currency in self.currencies_of(side, id).await? {
            self.put_balance_due(id, &currency, &side.1, changes)?;
        }
        Ok(())
    }

    /// A record of the CRM that says something else than what was last written there is looked at.
    async fn heard_of(
        &self,
        side: &Side,
        item: &Item,
        now: &Document,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let Some(key) = now.text(KEY) else {
            return Ok(());
        };
        let sent = self
            .state
            .get::<Sent>(&keys::sent(side, &item.object, key))
            .await?;
        if let Some((sent, _)) = sent
            && item.presence == Presence::Present
            && Document::from_plugin(&sent.wanted).is_ok_and(|wanted| same_record(&wanted, now))
        {
            return Ok(());
        }
        self.put_record_due(&item.object, key, changes).await
    }

    /// The unit that a record of the CRM belongs to is due.
    pub(crate) async fn put_record_due(
        &self,
        object: &str,
        key: &str,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        // Another organisation's records are none of this flow's business.
        let Some(ledger) = self.ledger_side().await? else {
            return Ok(());
        };
        match keyed(object, key, &ledger.1) {
            Some(Keyed::Document(id)) => self.put_document_due(&id, &ledger.1, changes),
            Some(Keyed::Balance(customer, currency)) => {
                self.put_balance_due(customer, currency, &ledger.1, changes)
            }
            Some(Keyed::Payment(id)) => {
                let payment = self.state.mirrored(&ledger, "payment", id).await?;
                match payment
                    .as_ref()
                    .and_then(|payment| document_of(&payment.doc))
                {
                    Some(id) => self.put_document_due(&id, &ledger.1, changes),
                    None => Ok(()),
                }
            }
            Some(Keyed::Allocation(id)) => {
                for kind in DocumentKind::ALL {
                    let found = self
                        .state
                        .by_index(&ledger, kind.as_str(), "allocation", id)
                        .await?;
                    for credit in found {
                        let credit = DocumentId::new(kind, credit);
                        self.put_document_due(&credit, &ledger.1, changes)?;
                    }
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// A link that gains a member: documents of that customer gain their account, that invoice its deal.
    pub(crate) fn note_linked(
        &self,
        changes: &mut Changes,
        link: &Link,
    ) -> Result<(), EngineError> {
        if self.back.is_none() {
            return Ok(());
        }
        let ledger = link.members.iter().map(|member| &member.record);
        for record in ledger.filter(|record| record.connection == self.flow.ledger) {
            let id = record.id.as_str();
            match link.role {
                Role::Customer => {
                    let due = Due {
                        version: "linked".to_owned(),
                    };
                    changes.put(&keys::due(self.flow.name.as_str(), CUSTOMER, id), &due)?;
                }
                Role::Billing => {
                    let id = DocumentId::new(DocumentKind::Invoice, id);
                    self.put_document_due(&id, &record.organisation, changes)?;
                }
                Role::Receivable => {}
            }
        }
        Ok(())
    }

    /// A document is to be looked at with all that belongs to it.
    pub(crate) fn put_document_due(
        &self,
        id: &DocumentId,
        organisation: &footbridge_model::OrganisationId,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let due = Due {
            version: String::new(),
        };
        let key = id.key(organisation);
        changes.put(&keys::due(self.flow.name.as_str(), DOCUMENT, &key), &due)
    }

    /// A balance is to be looked at.
    pub(crate) fn put_balance_due(
        &self,
        customer: &str,
        currency: &str,
        organisation: &footbridge_model::OrganisationId,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let due = Due {
            version: String::new(),
        };
        let key = balance_key(organisation, customer, currency);
        changes.put(&keys::due(self.flow.name.as_str(), BALANCE, &key), &due)
    }

    /// A record of the ledger is to be read again.
    pub(crate) fn put_reread(
        &self,
        side: &Side,
        object: &str,
        id: &str,
        row: Reread,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        changes.put(&keys::reread(side, object, id), &row)
    }

    /// Currencies in which a customer has documents.
    pub(crate) async fn currencies_of(
        &self,
        side: &Side,
        customer: &str,
    ) -> Result<BTreeSet<String>, EngineError> {
        let rows = self
            .state
            .keys(&keys::counted(side, customer).range())
            .await?;
        let texts = rows.iter().filter_map(|key| segments(key));
        Ok(texts
            .filter_map(|segments| match segments.as_slice() {
                [.., Segment::Text(currency), _, _] => Some(currency.clone()),
                _ => None,
            })
            .collect())
    }

    /// The ledger's side as pinned, where it is known.
    pub(crate) async fn ledger_side(&self) -> Result<Option<Side>, EngineError> {
        let connection = &self.flow.ledger;
        let pin = self
            .state
            .get::<crate::state::rows::Pin>(&keys::pin(connection))
            .await?;
        Ok(pin.map(|(pin, _)| {
            let organisation = footbridge_model::OrganisationId::new(pin.organisation);
            (connection.clone(), organisation)
        }))
    }
}

/// The document that a payment is for.
pub(crate) fn document_of(payment: &Document) -> Option<DocumentId> {
    let kind = receivable::DocumentKind::named(payment.text("document_kind")?)?;
    Some(DocumentId::new(kind, payment.text("document")?))
}

/// The last two texts of a key.
pub(crate) fn last_two(key: &[u8]) -> Option<(String, String)> {
    let last = last_text(key)?;
    let mut all = segments(key)?;
    all.pop();
    match all.pop()? {
        Segment::Text(first) => Some((first, last)),
        _ => None,
    }
}
