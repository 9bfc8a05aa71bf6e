//! The way back, from the ledger's receivable side to the CRM's records: a small ledger, and what its plan says.
//!
//! `Books` holds ledger records as JSON of the vocabulary; `apply` does to the CRM what a plan says, so that a second plan can be made.

mod allocations;
mod balances;
mod payments;
mod properties;
mod statuses;

use footbridge_model::document::Document;
use footbridge_model::failure::Problem;
use footbridge_model::id::{ConnectionId, FlowName, OrganisationId};
use footbridge_model::ledger::{Credit, Invoice, Organisation, Payment};
use footbridge_model::plan::{AsOf, Op};
use footbridge_model::receivable::{DocumentId, DocumentKind, balance_key};
use footbridge_plan::reflect::input::{
    Given, GivenBalance, GivenCustomer, LedgerDocument, ReflectPolicy, Shown, There,
};
use footbridge_plan::reflect::{ReflectInput, Reflection, Standing, reflect};
use footbridge_plan::sent::Sent;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A ledger and what the CRM shows of it.
#[derive(Debug, Clone)]
pub(crate) struct Books {
    pub(crate) documents: BTreeMap<DocumentId, Value>,
    /// Payments by id, with the document that each is for.
    pub(crate) payments: BTreeMap<String, (DocumentId, Value)>,
    pub(crate) customers: BTreeMap<String, GivenCustomer>,
    pub(crate) deals: BTreeMap<DocumentId, String>,
    pub(crate) shown: BTreeMap<String, Shown>,
    pub(crate) standings: BTreeMap<DocumentId, Standing>,
    pub(crate) unresolved: BTreeSet<(String, String)>,
    pub(crate) not_visible: BTreeSet<String>,
    pub(crate) policy: ReflectPolicy,
    pub(crate) today: &'static str,
    pub(crate) base: &'static str,
}

pub(crate) fn org() -> OrganisationId {
    OrganisationId::new("led-1")
}

pub(crate) fn invoice_id(id: &str) -> DocumentId {
    DocumentId::new(DocumentKind::Invoice, id)
}

pub(crate) fn note_id(id: &str) -> DocumentId {
    DocumentId::new(DocumentKind::CreditNote, id)
}

impl Books {
    pub(crate) fn new() -> Self {
        let acme = GivenCustomer {
            name: Some("Acme Ltd".to_owned()),
            accounts: BTreeSet::from(["001ACME".to_owned()]),
        };
        Self {
            documents: BTreeMap::new(),
            payments: BTreeMap::new(),
            customers: BTreeMap::from([("acme".to_owned(), acme)]),
            deals: BTreeMap::new(),
            shown: BTreeMap::new(),
            standings: BTreeMap::new(),
            unresolved: BTreeSet::new(),
            not_visible: BTreeSet::new(),
            policy: ReflectPolicy {
                write_off_accounts: BTreeSet::from(["409".to_owned()]),
                links: BTreeMap::from([("invoice".to_owned(), "https://books/".to_owned())]),
            },
            today: "2026-10-05",
            base: "GBP",
        }
    }

    /// With an invoice like any other, changed by `with`.
    pub(crate) fn invoice(mut self, id: &str, with: Value) -> Self {
        let mut doc = json!({
            "kind": "receivable", "number": format!("INV-{id}"), "customer": "acme", "date": "2026-09-01",
            "due_date": "2026-10-01", "currency": "GBP", "currency_rate": "1", "status": "authorised",
            "sub_total": "100", "total_tax": "20", "total": "120", "amount_due": "120", "amount_paid": "0",
            "amount_credited": "0", "payments": [], "credits": [],
        });
        lay_over(&mut doc, with);
        self.documents.insert(invoice_id(id), doc);
        self
    }

    pub(crate) fn credit(mut self, kind: DocumentKind, id: &str, with: Value) -> Self {
        let mut doc = json!({
            "kind": "receivable", "customer": "acme", "date": "2026-09-10", "currency": "GBP", "currency_rate": "1",
            "status": "authorised", "sub_total": "50", "total_tax": "10", "total": "60", "remaining_credit": "60",
            "allocations": [], "payments": [],
        });
        if kind == DocumentKind::CreditNote {
            doc["number"] = json!(format!("CN-{id}"));
        }
        lay_over(&mut doc, with);
        self.documents.insert(DocumentId::new(kind, id), doc);
        self
    }

    pub(crate) fn payment(mut self, id: &str, of: DocumentId, with: Value) -> Self {
        let mut doc = json!({
            "document": of.id, "document_kind": of.kind.as_str(), "customer": "acme", "date": "2026-09-20",
            "amount": "120", "currency": "GBP", "status": "authorised", "kind": "receipt", "payable": false,
            "reconciled": true, "account": "090",
        });
        lay_over(&mut doc, with);
        self.payments.insert(id.to_owned(), (of, doc));
        self
    }

    fn given(&self, id: &DocumentId, doc: &Value) -> Given {
        let document = |id: &DocumentId, doc: &Value| match id.kind {
            DocumentKind::Invoice => {
                typed::<Invoice>(doc).map(|i| LedgerDocument::Invoice(Box::new(i)))
            }
            _ => typed::<Credit>(doc).map(|c| LedgerDocument::Credit(Box::new(c))),
        };
        let record = document(id, doc);
        let credits = self.documents.iter().filter(|(other, doc)| {
            other.kind != DocumentKind::Invoice
                && list(doc, "allocations")
                    .iter()
                    .any(|a| a["invoice"] == json!(id.id))
        });
        let invoices = list(doc, "allocations").iter().filter_map(|a| {
            let invoice = a["invoice"].as_str()?;
            let doc = self.documents.get(&invoice_id(invoice))?;
            Some((invoice.to_owned(), typed::<Invoice>(doc).ok()?))
        });
        Given {
            id: id.clone(),
            record: Some(record),
            payments: self
                .payments
                .iter()
                .filter(|(_, (of, _))| of == id)
                .map(|(id, (_, doc))| (id.clone(), typed::<Payment>(doc)))
                .collect(),
            credits: credits
                .filter_map(|(id, doc)| Some((id.clone(), typed::<Credit>(doc).ok()?)))
                .collect(),
            invoices: invoices.collect(),
            deal: self.deals.get(id).cloned(),
            before: self.standings.get(id).cloned(),
            not_visible: self.not_visible.contains(&id.id),
            payments_not_visible: self.not_visible.clone(),
        }
    }

    fn organisation(&self) -> Organisation {
        serde_json::from_value(json!({
            "id": "led-1", "name": "Books", "country": "GB", "base_currency": self.base, "time_zone": "Europe/London",
        }))
        .unwrap()
    }

    fn round(&self, documents: Vec<Given>, balances: Vec<GivenBalance>) -> Reflection {
        let organisation = self.organisation();
        reflect(&ReflectInput {
            flow: FlowName::new("back"),
            as_of: AsOf {
                instant: "2026-10-05T09:00:00Z".parse().unwrap(),
                local_date: self.today.parse().unwrap(),
            },
            policy: &self.policy,
            organisation: &organisation,
            crm: (ConnectionId::new("crm"), OrganisationId::new("crm-1")),
            ledger: (ConnectionId::new("ledger"), org()),
            documents,
            balances,
            customers: self.customers.clone(),
            shown: self.shown.clone(),
            unresolved: self.unresolved.clone(),
        })
    }

    /// The plan of all documents.
    pub(crate) fn documents(&self) -> Reflection {
        self.round(self.all_given(), Vec::new())
    }

    pub(crate) fn all_given(&self) -> Vec<Given> {
        self.documents
            .iter()
            .map(|(id, doc)| self.given(id, doc))
            .collect()
    }

    /// The plan of these documents.
    pub(crate) fn of(&self, documents: Vec<Given>) -> Reflection {
        self.round(documents, Vec::new())
    }

    /// The plan of all balances of what was last planned.
    pub(crate) fn balances(&self) -> Reflection {
        let mut all: BTreeMap<(String, String), Vec<Standing>> = BTreeMap::new();
        for standing in self.standings.values() {
            let whose = (standing.customer.clone(), standing.currency.clone());
            all.entry(whose).or_default().push(standing.clone());
        }
        let balances = all
            .into_iter()
            .map(|((customer, currency), standings)| GivenBalance {
                customer,
                currency,
                standings,
            });
        self.round(Vec::new(), balances.collect())
    }

    /// Does what a plan says: the CRM takes everything.
    pub(crate) fn apply(&mut self, done: &Reflection) {
        assert_eq!(footbridge_plan::lint(&done.plan), []);
        for (id, standing) in &done.standings {
            match standing {
                Some(standing) => self.standings.insert(id.clone(), standing.clone()),
                None => self.standings.remove(id),
            };
        }
        for op in &done.plan.ops {
            self.take(op);
        }
    }

    fn take(&mut self, op: &Op) {
        let key = op.natural_key.value.clone();
        let old = self.shown.get(&key).and_then(|shown| shown.there.clone());
        let mut fields = match old.as_ref().map(|there| &there.doc) {
            Some(Document::Object(fields)) => fields.clone(),
            _ => BTreeMap::new(),
        };
        if let Document::Object(new) = &op.doc {
            fields.extend(new.clone());
        }
        let wanted = op.link.source_shadow.clone().unwrap();
        let before = self.shown.get(&key).and_then(|shown| shown.sent.as_ref());
        let sent = Sent::next(before, wanted, "2026-10-05".parse().unwrap(), false);
        let shown = Shown {
            there: Some(There {
                id: format!("id of {key}"),
                version: format!("v{}", op.id),
                doc: Document::Object(fields),
            }),
            sent: Some(sent),
        };
        self.shown.insert(key, shown);
    }

    /// Plans and applies documents, then balances.
    pub(crate) fn settle(&mut self) -> usize {
        let documents = self.documents();
        self.apply(&documents);
        let balances = self.balances();
        self.apply(&balances);
        documents.plan.ops.len() + balances.plan.ops.len()
    }

    /// What the CRM shows under a key.
    pub(crate) fn shows(&self, key: &str) -> Value {
        let there = self.shown.get(key).and_then(|shown| shown.there.as_ref());
        let there = there.unwrap_or_else(|| panic!("the CRM doesn't show {key}"));
        serde_json::from_str(&there.doc.canonical()).unwrap()
    }

    pub(crate) fn document(&self, id: &DocumentId) -> Value {
        self.shows(&id.key(&org()))
    }

    pub(crate) fn balance(&self, currency: &str) -> Value {
        self.shows(&balance_key(&org(), "acme", currency))
    }
}

/// Reason and key of everything that waits.
pub(crate) fn holds(done: &Reflection) -> Vec<(String, String)> {
    let holds = done.plan.holds.iter();
    holds
        .map(|note| (note.reason.clone(), note.subject.record.id.to_string()))
        .collect()
}

/// The values of these fields, as text.
pub(crate) fn told(record: &Value, fields: &[&str]) -> Vec<String> {
    let text = |field: &&str| record[*field].as_str().unwrap_or("-").to_owned();
    fields.iter().map(text).collect()
}

fn list<'a>(doc: &'a Value, field: &str) -> &'a [Value] {
    doc[field].as_array().map_or(&[], Vec::as_slice)
}

fn typed<T: serde::de::DeserializeOwned>(doc: &Value) -> Result<T, Problem> {
    serde_json::from_value(doc.clone()).map_err(|e| Problem::new("unreadable", e.to_string()))
}

/// Fields over fields; `null` takes one away.
fn lay_over(under: &mut Value, over: Value) {
    let (Value::Object(under), Value::Object(over)) = (under, over) else {
        panic!("an object is laid over an object");
    };
    for (field, value) in over {
        if value.is_null() {
            under.remove(&field);
        } else {
            under.insert(field, value);
        }
    }
}
