//! Gather: documents that are due, each with all that belongs to it, and balances with what their documents count for. By index only.
//!
//! It decides nothing. A document that has still to be read again is left for another run: nothing is said of what may have changed.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::gather::record_key;
use crate::mirror::{Mirrored, our_key};
use crate::observe::typed;
use crate::state::keys;
use crate::state::rows::{Reread, Stood};
use crate::trust;
use footbridge_model::failure::Problem;
use footbridge_model::ledger::{Credit, Invoice, Payment};
use footbridge_model::link::Role;
use footbridge_model::plan::AsOf;
use footbridge_model::plugin::Presence;
use footbridge_model::receivable::{
    BALANCE, DOCUMENT, DocumentId, DocumentKind, KEY, PAYMENT, allocation_key, balance_key,
    payment_key,
};
use footbridge_plan::reflect::input::{
    Given, GivenBalance, GivenCustomer, LedgerDocument, ReflectPolicy, Shown, There,
};
use footbridge_plan::reflect::{ReflectInput, Standing};
use footbridge_plan::sent::Sent;
use footbridge_store::key::{Segment, segments};
use std::collections::{BTreeMap, BTreeSet};

/// So many merges of a record, one after the other, are followed.
const MERGES: usize = 5;

/// What a planning round of the way back is made from.
#[derive(Default)]
pub(crate) struct GatheredBack {
    pub(crate) documents: Vec<Given>,
    pub(crate) balances: Vec<GivenBalance>,
    customers: BTreeMap<String, GivenCustomer>,
    shown: BTreeMap<String, Shown>,
    unresolved: BTreeSet<(String, String)>,
}

impl GatheredBack {
    /// Natural keys of records that the CRM shows.
    pub(crate) fn shown_keys(&self) -> BTreeSet<String> {
        let there = self.shown.iter().filter(|(_, shown)| shown.there.is_some());
        there.map(|(key, _)| key.clone()).collect()
    }

    /// As the planner takes it.
    pub(crate) fn input<'a>(
        self,
        engine: &Engine,
        sides: &'a Sides,
        as_of: AsOf,
        policy: &'a ReflectPolicy,
    ) -> ReflectInput<'a> {
        ReflectInput {
            flow: engine.flow.name.clone(),
            as_of,
            policy,
            organisation: &sides.organisation,
            crm: sides.source.clone(),
            ledger: sides.ledger.clone(),
            documents: self.documents,
            balances: self.balances,
            customers: self.customers,
            shown: self.shown,
            unresolved: self.unresolved,
        }
    }
}

impl Engine {
    /// Documents with what belongs to them. Those that have still to be read again are left out.
    pub(crate) async fn gather_documents(
        &self,
        sides: &Sides,
        ids: &[DocumentId],
    ) -> Result<GatheredBack, EngineError> {
        let mut gathered = GatheredBack {
            unresolved: self.unresolved_keys(sides).await?,
            ..GatheredBack::default()
        };
        let mut records: BTreeSet<(&'static str, String)> = BTreeSet::new();
        let mut customers = BTreeSet::new();
        for id in ids {
            let Some(given) = self.given(sides, id).await? else {
                continue;
            };
            let organisation = &sides.ledger.1;
            records.insert((DOCUMENT, id.key(organisation)));
            let payments = given.payments.keys();
            records.extend(payments.map(|id| (PAYMENT, payment_key(organisation, id))));
            let before = given.before.iter().flat_map(|before| &before.allocations);
            records.extend(before.map(|id| (PAYMENT, allocation_key(organisation, id))));
            match &given.record {
                Some(Ok(LedgerDocument::Invoice(invoice))) => {
                    customers.insert(invoice.customer.clone());
                }
                Some(Ok(LedgerDocument::Credit(credit))) => {
                    customers.extend(credit.customer.clone());
                    for allocation in credit.allocations.iter().flatten() {
                        let invoice = DocumentId::new(DocumentKind::Invoice, &allocation.invoice);
                        records.insert((DOCUMENT, invoice.key(organisation)));
                        let own = allocation.id.iter();
                        records.extend(own.map(|id| (PAYMENT, allocation_key(organisation, id))));
                    }
                }
                _ => {}
            }
            gathered.documents.push(given);
        }
        self.look_up(sides, records, customers, &mut gathered)
            .await?;
        Ok(gathered)
    }

    /// Balances with what the customers' documents count for.
    pub(crate) async fn gather_balances(
        &self,
        sides: &Sides,
        balances: &[(String, String)],
    ) -> Result<GatheredBack, EngineError> {
        let side = &sides.ledger;
        let mut gathered = GatheredBack {
            unresolved: self.unresolved_keys(sides).await?,
            ..GatheredBack::default()
        };
        let mut records = BTreeSet::new();
        let mut customers = BTreeSet::new();
        for (customer, currency) in balances {
            let range = keys::counted(side, customer).text(currency).range();
            let mut standings: Vec<Standing> = Vec::new();
            for key in self.state.keys(&range).await? {
                let Some(id) = last_document(&key) else {
                    continue;
                };
                let stood = self.state.get::<Stood>(&keys::stood(side, &id)).await?;
                standings.extend(stood.map(|(stood, _)| stood.standing));
            }
            records.insert((BALANCE, balance_key(&side.1, customer, currency)));
            customers.insert(customer.clone());
            gathered.balances.push(GivenBalance {
                customer: customer.clone(),
                currency: currency.clone(),
                standings,
            });
        }
        self.look_up(sides, records, customers, &mut gathered)
            .await?;
        Ok(gathered)
    }

    async fn look_up(
        &self,
        sides: &Sides,
        records: BTreeSet<(&'static str, String)>,
        customers: BTreeSet<String>,
        gathered: &mut GatheredBack,
    ) -> Result<(), EngineError> {
        for (object, key) in records {
            let shown = self.shown(sides, object, &key).await?;
            gathered.shown.insert(key, shown);
        }
        for id in customers {
            let customer = self.given_customer(sides, &id).await?;
            gathered.customers.insert(id, customer);
        }
        Ok(())
    }

    /// A document with what belongs to it; `None` while it, or a payment of it, has still to be read again.
    async fn given(&self, sides: &Sides, id: &DocumentId) -> Result<Option<Given>, EngineError> {
        let side = &sides.ledger;
        let object = id.kind.as_str();
        let noted = self.noted(sides, object, &id.id).await?;
        if noted.is_some_and(|row| !row.not_shown) {
            return Ok(None);
        }
        let record = self.state.mirrored(side, object, &id.id).await?;
        let mut given = Given {
            id: id.clone(),
            record: record.as_ref().map(|record| document(id.kind, record)),
            payments: BTreeMap::new(),
            credits: BTreeMap::new(),
            invoices: BTreeMap::new(),
            deal: None,
            before: self
                .state
                .get::<Stood>(&keys::stood(side, id))
                .await?
                .map(|(stood, _)| stood.standing),
            not_visible: noted.is_some(),
            payments_not_visible: BTreeSet::new(),
        };
        for payment in self.payments_of(sides, id).await? {
            match self.noted(sides, "payment", &payment.id).await? {
                Some(row) if row.not_shown => {
                    given.payments_not_visible.insert(payment.id.clone());
                }
                Some(_) => return Ok(None),
                None => {}
            }
            let typed = typed::<Payment>("payment", &payment, trust::OF_PAYMENT);
            let typed = typed.map(|mut typed| {
                if payment.presence != Presence::Present {
                    typed.status = Some("deleted".to_owned());
                }
                typed
            });
            given.payments.insert(payment.id, typed);
        }
        match &given.record {
            Some(Ok(LedgerDocument::Invoice(invoice))) => {
                given.deal = self.deal_of(sides, id, invoice).await?;
                given.credits = self.credits_of(sides, id).await?;
            }
            Some(Ok(LedgerDocument::Credit(credit))) => {
                given.invoices = self.invoices_of(sides, credit).await?;
            }
            _ => {}
        }
        Ok(Some(given))
    }

    async fn noted(
        &self,
        sides: &Sides,
        object: &str,
        id: &str,
    ) -> Result<Option<Reread>, EngineError> {
        let row = keys::reread(&sides.ledger, object, id);
        Ok(self.state.get::<Reread>(&row).await?.map(|(row, _)| row))
    }

    pub(crate) async fn credits_of(
        &self,
        sides: &Sides,
        invoice: &DocumentId,
    ) -> Result<BTreeMap<DocumentId, Credit>, EngineError> {
        let side = &sides.ledger;
        let mut found = BTreeMap::new();
        for kind in DocumentKind::ALL {
            let object = kind.as_str();
            let ids = self
                .state
                .by_index(side, object, "allocates", &invoice.id)
                .await?;
            for id in ids {
                let record = self.state.mirrored(side, object, &id).await?;
                let credit = record.and_then(|record| typed::<Credit>(object, &record, &[]).ok());
                found.extend(credit.map(|credit| (DocumentId::new(kind, id), credit)));
            }
        }
        Ok(found)
    }

    async fn invoices_of(
        &self,
        sides: &Sides,
        credit: &Credit,
    ) -> Result<BTreeMap<String, Invoice>, EngineError> {
        let mut found = BTreeMap::new();
        for allocation in credit.allocations.iter().flatten() {
            let id = &allocation.invoice;
            let record = self.state.mirrored(&sides.ledger, "invoice", id).await?;
            let invoice = record
                .and_then(|record| typed::<Invoice>("invoice", &record, trust::OF_DOCUMENT).ok());
            found.extend(invoice.map(|invoice| (id.clone(), invoice)));
        }
        Ok(found)
    }

    /// The deal that an invoice of ours bills: it carries our key, and our link knows it. A copy of it bills nothing.
    async fn deal_of(
        &self,
        sides: &Sides,
        id: &DocumentId,
        invoice: &Invoice,
    ) -> Result<Option<String>, EngineError> {
        let Some(key) = invoice.url.as_deref().and_then(our_key) else {
            return Ok(None);
        };
        let Some(link) = self.state.link(key).await? else {
            return Ok(None);
        };
        let records = || link.members.iter().map(|member| &member.record);
        let ours = records().any(|record| {
            record.connection == sides.ledger.0
                && record.organisation == sides.ledger.1
                && record.id.as_str() == id.id
        });
        let deal = records().find(|record| {
            record.connection == sides.source.0
                && record.object.as_str() == self.flow.policy.deal.object
        });
        match deal.filter(|_| ours) {
            Some(deal) => {
                self.alive(sides, deal.object.as_str(), deal.id.as_str())
                    .await
            }
            None => Ok(None),
        }
    }

    /// The id under which a linked record of the CRM lives on: the one that it was merged into; none if it was deleted, for nothing
    /// can point there any more. One that the mirror doesn't know counts as linked.
    async fn alive(
        &self,
        sides: &Sides,
        object: &str,
        id: &str,
    ) -> Result<Option<String>, EngineError> {
        let mut id = id.to_owned();
        for _ in 0..MERGES {
            let record = self.state.mirrored(&sides.source, object, &id).await?;
            match record.map(|record| record.presence) {
                Some(Presence::MergedInto(winner)) => id = winner,
                Some(Presence::Deleted) => return Ok(None),
                _ => return Ok(Some(id)),
            }
        }
        Ok(None)
    }

    async fn given_customer(&self, sides: &Sides, id: &str) -> Result<GivenCustomer, EngineError> {
        let side = &sides.ledger;
        let record = self.state.mirrored(side, "customer", id).await?;
        let told = |field: &str| {
            let record = record.as_ref();
            record.and_then(|record| record.doc.text(field).map(str::to_owned))
        };
        let (name, number) = (told("name"), told("number"));
        let mut accounts = BTreeSet::new();
        for link in self.link_ids(&record_key(side, "customer", id)).await? {
            let link = self.state.link(&link).await?;
            let members = link
                .into_iter()
                .filter(|link| link.role == Role::Customer)
                .flat_map(|link| link.members);
            let of_crm = members.filter(|member| {
                member.record.connection == sides.source.0
                    && self
                        .flow
                        .customer_objects
                        .iter()
                        .any(|object| object == member.record.object.as_str())
            });
            for member in of_crm {
                let record = &member.record;
                accounts.extend(
                    self.alive(sides, record.object.as_str(), record.id.as_str())
                        .await?,
                );
            }
        }
        // Nobody billed it here yet, but it carries an account's id as its number, from before (domain rule 2).
        if accounts.is_empty()
            && let Some(number) = number
        {
            for object in &self.flow.customer_objects {
                let account = self.state.mirrored(&sides.source, object, &number).await?;
                if account.is_some_and(|account| account.presence == Presence::Present) {
                    accounts.insert(number.clone());
                }
            }
        }
        Ok(GivenCustomer { name, accounts })
    }

    /// What the CRM shows under a natural key.
    async fn shown(&self, sides: &Sides, object: &str, key: &str) -> Result<Shown, EngineError> {
        let side = &sides.source;
        let ids = self.state.by_index(side, object, KEY, key).await?;
        let there = match ids.first() {
            Some(id) => self.state.mirrored(side, object, id).await?,
            None => None,
        };
        let sent = self
            .state
            .get::<Sent>(&keys::sent(side, object, key))
            .await?;
        Ok(Shown {
            there: there.map(|record| There {
                id: record.id,
                version: record.version,
                doc: record.doc,
            }),
            sent: sent.map(|(sent, _)| sent),
        })
    }

    async fn unresolved_keys(
        &self,
        sides: &Sides,
    ) -> Result<BTreeSet<(String, String)>, EngineError> {
        let all = self.unresolved(sides).await?.into_iter();
        Ok(all
            .filter(|(_, field, _)| field == KEY)
            .map(|(object, _, value)| (object, value))
            .collect())
    }
}

/// A document as the ledger reported it. One that the ledger says is gone counts as deleted.
fn document(kind: DocumentKind, record: &Mirrored) -> Result<LedgerDocument, Problem> {
    let object = kind.as_str();
    let gone = record.presence == Presence::Deleted;
    let deleted = || Some("deleted".to_owned());
    Ok(match kind {
        DocumentKind::Invoice => {
            let mut invoice = typed::<Invoice>(object, record, trust::OF_DOCUMENT)?;
            if gone && invoice.status.as_deref() != Some("voided") {
                invoice.status = deleted();
            }
            LedgerDocument::Invoice(Box::new(invoice))
        }
        _ => {
            let mut credit = typed::<Credit>(object, record, trust::OF_DOCUMENT)?;
            if gone && credit.status.as_deref() != Some("voided") {
                credit.status = deleted();
            }
            LedgerDocument::Credit(Box::new(credit))
        }
    })
}

fn last_document(key: &[u8]) -> Option<DocumentId> {
    match segments(key)?.as_slice() {
        [.., Segment::Text(kind), Segment::Text(id)] => {
            Some(DocumentId::new(DocumentKind::named(kind)?, id))
        }
        _ => None,
    }
}
