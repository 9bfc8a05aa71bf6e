//! Hanging: records of the way back that belong to a record of either side: an invoice's or credit's document with its payments and
//! allocations, a customer's balances. They go by keys of their own, which nobody has at hand.
//!
//! It decides nothing; what is asked for one record costs a look at that record's own rows. Next: `history` and `erase`.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::gather::record_key;
use crate::history::{Entry, Value};
use crate::observe::typed;
use crate::state::keys;
use crate::state::rows::Stood;
use footbridge_model::id::RecordKey;
use footbridge_model::ledger::Credit;
use footbridge_model::receivable::{
    BALANCE, DOCUMENT, DocumentId, DocumentKind, PAYMENT, allocation_key, balance_key, payment_key,
};
use footbridge_store::KeyRange;
use footbridge_store::key::{Segment, segments};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// Sorts behind every currency.
const BEHIND: &str = "~";

impl Engine {
    /// What hangs on these records, and on those of the ledger that they are linked with.
    pub(crate) async fn hanging(
        &self,
        sides: &Sides,
        records: &BTreeSet<RecordKey>,
    ) -> Result<BTreeSet<RecordKey>, EngineError> {
        let (connection, organisation) = &sides.ledger;
        let mut theirs = BTreeSet::new();
        for record in records {
            if record.connection == *connection {
                theirs.insert(record.clone());
                continue;
            }
            for id in self.link_ids(record).await? {
                let link = self.state.link(&id).await?.into_iter();
                let members = link.flat_map(|link| link.members).map(|it| it.record);
                theirs.extend(members.filter(|record| record.connection == *connection));
            }
        }
        let mut found = BTreeSet::new();
        for record in theirs {
            let (object, id) = (record.object.as_str(), record.id.as_str());
            match (object, DocumentKind::named(object)) {
                (_, Some(kind)) => {
                    let document = DocumentId::new(kind, id);
                    self.hang_on_document(sides, &document, &mut found).await?;
                }
                ("customer", _) => self.balances_of(sides, id, &mut found).await?,
                ("payment", _) => {
                    let key = payment_key(organisation, id);
                    found.insert(record_key(&sides.source, PAYMENT, &key));
                }
                _ => {}
            }
        }
        Ok(found)
    }

    async fn hang_on_document(
        &self,
        sides: &Sides,
        document: &DocumentId,
        found: &mut BTreeSet<RecordKey>,
    ) -> Result<(), EngineError> {
        let organisation = &sides.ledger.1;
        let mut add = |object: &str, key: &str| {
            found.insert(record_key(&sides.source, object, key));
        };
        add(DOCUMENT, &document.key(organisation));
        for payment in self.payments_of(sides, document).await? {
            add(PAYMENT, &payment_key(organisation, &payment.id));
        }
        let credits: Vec<Credit> = match document.kind {
            DocumentKind::Invoice => {
                let credits = self.credits_of(sides, document).await?;
                credits.into_values().collect()
            }
            kind => {
                let stood = keys::stood(&sides.ledger, document);
                let stood = self.state.get::<Stood>(&stood).await?;
                for id in stood.iter().flat_map(|(it, _)| &it.standing.allocations) {
                    add(PAYMENT, &allocation_key(organisation, id));
                }
                let (object, id) = (kind.as_str(), document.id.as_str());
                let record = self.state.mirrored(&sides.ledger, object, id).await?;
                let credit = record.and_then(|it| typed(object, &it, &[]).ok());
                credit.into_iter().collect()
            }
        };
        let is_invoice = document.kind == DocumentKind::Invoice;
        for allocation in credits
            .iter()
            .flat_map(|it| it.allocations.iter().flatten())
        {
            if let Some(id) = &allocation.id
                && (!is_invoice || allocation.invoice == document.id)
            {
                add(PAYMENT, &allocation_key(organisation, id));
            }
        }
        Ok(())
    }

    /// A customer's balances: in currencies of documents that count, and those that were ever written.
    async fn balances_of(
        &self,
        sides: &Sides,
        customer: &str,
        found: &mut BTreeSet<RecordKey>,
    ) -> Result<(), EngineError> {
        let organisation = &sides.ledger.1;
        let balance = |currency: &str| {
            let key = balance_key(organisation, customer, currency);
            record_key(&sides.source, BALANCE, &key)
        };
        let counted = keys::counted(&sides.ledger, customer);
        for key in self.state.keys(&counted.range()).await? {
            let segments = segments(&key).unwrap_or_default();
            if let [
                ..,
                Segment::Text(currency),
                Segment::Text(_),
                Segment::Text(_),
            ] = &*segments
            {
                found.insert(balance(currency));
            }
        }
        let from = keys::history_from(&balance(""));
        let written = KeyRange::between(from, keys::history_from(&balance(BEHIND)));
        for key in self.state.keys(&written).await? {
            let segments = segments(&key).unwrap_or_default();
            if let [
                ..,
                Segment::Text(key),
                Segment::Number(_),
                Segment::Number(_),
            ] = &*segments
            {
                found.insert(record_key(&sides.source, BALANCE, key));
            }
        }
        Ok(())
    }

    /// Payments and allocations that were ever shown with one of these documents, those that were taken back or off since too. Reads the
    /// history of all payments.
    pub(crate) async fn ever_paid(
        &self,
        sides: &Sides,
        documents: &BTreeSet<RecordKey>,
    ) -> Result<BTreeSet<RecordKey>, EngineError> {
        let keys: BTreeSet<&str> = (documents.iter())
            .filter(|record| record.object.as_str() == DOCUMENT)
            .map(|record| record.id.as_str())
            .collect();
        let mut found = BTreeSet::new();
        if keys.is_empty() {
            return Ok(found);
        }
        let (connection, organisation) = &sides.source;
        let range = keys::histories()
            .text(connection.as_str())
            .text(organisation.as_str())
            .text(PAYMENT)
            .range();
        let each = |_, entry: Entry| {
            let of_these = entry.fields.iter().any(|change| {
                change.field == "document_key"
                    && matches!(&change.new, Value::Text(key) if keys.contains(key.as_str()))
            });
            if of_these {
                found.insert(entry.source);
            }
            ControlFlow::Continue(())
        };
        self.state.each(&range, each).await?;
        Ok(found)
    }
}
