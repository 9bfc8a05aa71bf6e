//! The ledger's receivable side as people work in it, and what the CRM must show of it: worked out from the far sides alone, in pence.
//!
//! A change is loud or quiet: whether a list of changes shows it. The engine must do with both.

use crate::far::Far;
use crate::world::{Numbers, World};
use footbridge_engine::ReflectConfig;
use footbridge_plan::reflect::input::ReflectPolicy;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Whether a list of changes shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bump {
    Loud,
    Quiet,
}

/// The key of a record of the ledger in the CRM.
pub(crate) fn key(kind: &str, id: &str) -> String {
    format!("led-1/{kind}/{id}")
}

impl World {
    /// With the way back switched on.
    pub(crate) fn with_books(deals: usize) -> Self {
        Self::with_deals(Numbers::Ledger, deals).reflecting()
    }

    pub(crate) fn reflecting(mut self) -> Self {
        self.flow.reflect = Some(ReflectConfig {
            policy: ReflectPolicy {
                write_off_accounts: ["409".to_owned()].into(),
                links: BTreeMap::new(),
            },
            sweep_days: 7,
        });
        self
    }

    /// An invoice that began in the ledger.
    pub(crate) fn bill(&self, id: &str, customer: &str, total: i64, due: &str) {
        let doc = json!({
            "kind": "receivable", "number": format!("HAND-{id}"), "customer": customer, "date": "2026-09-01",
            "due_date": due, "currency": "GBP", "currency_rate": "1", "status": "authorised",
            "sub_total": total.to_string(), "total_tax": "0", "total": total.to_string(),
            "amount_due": total.to_string(), "amount_paid": "0", "amount_credited": "0", "payments": [], "credits": [],
        });
        self.put("invoice", id, doc);
    }

    /// Money comes for a document. The payment itself is always in the list of changes.
    pub(crate) fn pay(&self, id: &str, invoice: &str, amount: i64, bump: Bump) {
        let doc = json!({
            "document": invoice, "document_kind": "invoice", "customer": "c", "date": "2026-10-01", "currency": "GBP",
            "amount": amount.to_string(), "status": "authorised", "kind": "receipt", "payable": false, "account": "090",
        });
        self.put("payment", id, doc);
        self.reckon(invoice, bump);
    }

    /// A payment is taken back.
    pub(crate) fn unpay(&self, id: &str, payment: Bump, invoice: Bump) {
        let mut doc = self.doc("payment", id);
        doc["status"] = json!("deleted");
        let document = doc["document"].as_str().unwrap().to_owned();
        self.change("payment", id, doc, payment);
        self.reckon(&document, invoice);
    }

    /// A credit note, overpayment or prepayment.
    pub(crate) fn credit(&self, kind: &str, id: &str, customer: &str, total: i64) {
        let doc = json!({
            "kind": "receivable", "customer": customer, "date": "2026-09-15", "currency": "GBP", "currency_rate": "1",
            "status": "authorised", "total": total.to_string(), "remaining_credit": total.to_string(),
            "allocations": [], "payments": [],
        });
        self.put(kind, id, doc);
    }

    /// A credit is set against an invoice, or, with 0, taken off it.
    pub(crate) fn allocate(
        &self,
        kind: &str,
        id: &str,
        invoice: &str,
        amount: i64,
        bumps: (Bump, Bump),
    ) {
        let mut doc = self.doc(kind, id);
        let own = json!(format!("{id}-{invoice}"));
        let list = doc["allocations"].as_array_mut().unwrap();
        list.retain(|allocation| allocation["id"] != own);
        if amount > 0 {
            list.push(json!({"id": own, "invoice": invoice, "amount": amount.to_string(), "date": "2026-10-01"}));
        }
        self.change(kind, id, doc, bumps.0);
        self.reckon_credit(kind, id, bumps.0);
        self.reckon(invoice, bumps.1);
    }

    /// A credit is paid out.
    pub(crate) fn refund(&self, id: &str, kind: &str, credit: &str, amount: i64, bump: Bump) {
        let doc = json!({
            "document": credit, "document_kind": kind, "date": "2026-10-01", "currency": "GBP", "payable": false,
            "amount": amount.to_string(), "status": "authorised", "kind": "refund", "account": "090",
        });
        self.put("payment", id, doc);
        self.reckon_credit(kind, credit, bump);
    }

    fn change(&self, object: &str, id: &str, doc: Value, bump: Bump) {
        let mut far = self.far.lock().unwrap();
        match bump {
            Bump::Loud => far.put(object, id, doc),
            Bump::Quiet => far.set_quietly(object, id, doc),
        }
    }

    /// An invoice's amounts, lists and status, from what there is.
    fn reckon(&self, invoice: &str, bump: Bump) {
        let mut doc = self.doc("invoice", invoice);
        let (payments, credits) = {
            let far = self.far.lock().unwrap();
            (payments(&far, "invoice", invoice), credits(&far, invoice))
        };
        let (paid, credited) = (sum(&payments), sum(&credits));
        let due = number(&doc["total"]) - paid - credited;
        assert!(due >= 0, "the ledger takes no more than is due");
        doc["amount_due"] = json!(due.to_string());
        doc["amount_paid"] = json!(paid.to_string());
        doc["amount_credited"] = json!(credited.to_string());
        doc["payments"] = json!(payments);
        doc["credits"] = json!(credits);
        doc["status"] = json!(if due == 0 { "paid" } else { "authorised" });
        doc["fully_paid_on"] = if due == 0 {
            json!("2026-10-01")
        } else {
            Value::Null
        };
        self.change("invoice", invoice, doc, bump);
    }

    fn reckon_credit(&self, kind: &str, id: &str, bump: Bump) {
        let mut doc = self.doc(kind, id);
        let refunds = payments(&self.far.lock().unwrap(), kind, id);
        let allocated = sum(doc["allocations"].as_array().unwrap());
        let left = number(&doc["total"]) - allocated - sum(&refunds);
        assert!(left >= 0, "no more than there is");
        doc["remaining_credit"] = json!(left.to_string());
        doc["payments"] = json!(refunds);
        doc["status"] = json!(if left == 0 { "paid" } else { "authorised" });
        self.change(kind, id, doc, bump);
    }

    /// What the CRM shows under a key; no more than one record.
    pub(crate) fn shown(&self, object: &str, key: &str) -> Option<Value> {
        let far = self.far.lock().unwrap();
        let rows = far.rows(object).into_iter();
        let mut found = rows.filter(|(_, row)| {
            row.presence == footbridge_model::plugin::Presence::Present && row.doc["key"] == key
        });
        let first = found.next().map(|(_, row)| row.doc.clone());
        assert!(found.next().is_none(), "{key} stands twice");
        first
    }

    pub(crate) fn shown_document(&self, kind: &str, id: &str) -> Value {
        let key = key(kind, id);
        let shown = self.shown("receivable-document", &key);
        shown.unwrap_or_else(|| panic!("{key} isn't shown"))
    }

    pub(crate) fn shown_payment(&self, id: &str) -> Value {
        let shown = self.shown("receivable-payment", &key("payment", id));
        shown.unwrap_or_else(|| panic!("payment {id} isn't shown"))
    }

    pub(crate) fn shown_balance(&self, customer: &str) -> Value {
        let key = key(customer, "GBP");
        let shown = self.shown("receivable-balance", &key);
        shown.unwrap_or_else(|| panic!("{key} isn't shown"))
    }

    /// Requests for records of the way back, so far.
    pub(crate) fn sent_back(&self) -> usize {
        let far = self.far.lock().unwrap();
        let sends = far.sends.iter();
        sends
            .filter(|sent| sent.object.starts_with("receivable-"))
            .count()
    }

    /// The CRM shows all that the ledger holds, no more, and each once; nothing is open, nothing waits, and a run has nothing to do.
    pub(crate) async fn assert_shown(&self, what: &str) {
        self.assert_same(what);
        assert_eq!(self.claims().await, 0, "{what}: claims");
        let before = self.far.lock().unwrap().sends.len();
        let report = self.sync().await;
        assert_eq!(
            self.far.lock().unwrap().sends.len(),
            before,
            "{what}: a second run writes nothing"
        );
        let reflected = report.reflected.unwrap();
        assert_eq!(
            (reflected.problem, reflected.held),
            (None, BTreeMap::new()),
            "{what}"
        );
        let status = self.engine().await.status().await.unwrap();
        assert_eq!(status.reflected.unwrap().due, 0, "{what}: due");
    }

    fn assert_same(&self, what: &str) {
        let (mut documents, mut owed) = (0, BTreeMap::<String, i64>::new());
        let far_documents: Vec<(String, String, Value)> = {
            let far = self.far.lock().unwrap();
            let kinds = ["invoice", "credit-note", "overpayment", "prepayment"].into_iter();
            kinds
                .flat_map(|kind| {
                    let rows = far.rows(kind).into_iter();
                    rows.map(|(id, row)| (kind.to_owned(), id.clone(), row.doc.clone()))
                        .collect::<Vec<_>>()
                })
                .filter(|(_, _, doc)| doc["kind"] != "payable")
                .collect()
        };
        for (kind, id, doc) in &far_documents {
            documents += 1;
            let shown = self.shown_document(kind, id);
            let customer = doc["customer"].as_str().unwrap().to_owned();
            let open = ["authorised", "paid"].contains(&doc["status"].as_str().unwrap());
            let part = if kind == "invoice" {
                assert_eq!(
                    shown["amount_due"], doc["amount_due"],
                    "{what}: {kind} {id}"
                );
                number(&doc["amount_due"])
            } else {
                assert_eq!(
                    shown["remaining_credit"], doc["remaining_credit"],
                    "{what}: {kind} {id}"
                );
                -number(&doc["remaining_credit"])
            };
            *owed.entry(customer).or_default() += if open { part } else { 0 };
            let settled = part == 0;
            let says_so = !["awaiting-payment", "part-paid", "credit-unallocated"]
                .contains(&shown["status"].as_str().unwrap());
            assert_eq!(
                says_so,
                settled || !open,
                "{what}: {kind} {id} is {}",
                shown["status"]
            );
        }
        for (customer, owed) in owed {
            let shown = self.shown_balance(&customer);
            assert_eq!(
                number(&shown["balance"]),
                owed,
                "{what}: balance of {customer}"
            );
        }
        assert_eq!(self.count_shown("receivable-document"), documents, "{what}");
        let payments: Vec<(String, Value)> = {
            let far = self.far.lock().unwrap();
            let rows = far.rows("payment").into_iter();
            rows.map(|(id, row)| (id.clone(), row.doc.clone()))
                .collect()
        };
        for (id, doc) in payments.iter().filter(|(_, doc)| doc["payable"] != true) {
            match self.shown("receivable-payment", &key("payment", id)) {
                Some(shown) => {
                    let expected = if doc["status"] == "deleted" {
                        "reversed"
                    } else {
                        "recorded"
                    };
                    assert_eq!(shown["status"], expected, "{what}: payment {id}");
                    assert_eq!(shown["amount"], doc["amount"], "{what}: payment {id}");
                }
                None => assert_eq!(doc["status"], "deleted", "{what}: payment {id} isn't shown"),
            }
        }
    }

    fn count_shown(&self, object: &str) -> usize {
        let far = self.far.lock().unwrap();
        let rows = far.rows(object).into_iter();
        rows.filter(|(_, row)| row.presence == footbridge_model::plugin::Presence::Present)
            .count()
    }
}

fn payments(far: &Far, kind: &str, document: &str) -> Vec<Value> {
    let rows = far.rows("payment").into_iter();
    rows.filter(|(_, row)| {
        row.doc["document"] == document
            && row.doc["document_kind"] == kind
            && row.doc["status"] != "deleted"
    })
    .map(|(id, row)| json!({"id": id, "amount": row.doc["amount"], "date": row.doc["date"]}))
    .collect()
}

fn credits(far: &Far, invoice: &str) -> Vec<Value> {
    let mut found = Vec::new();
    for kind in ["credit-note", "overpayment", "prepayment"] {
        for (id, row) in far.rows(kind) {
            let allocations = row.doc["allocations"].as_array().unwrap().iter();
            let of_invoice: Vec<Value> = allocations
                .filter(|allocation| allocation["invoice"] == invoice)
                .cloned()
                .collect();
            if !of_invoice.is_empty() {
                found.push(json!({"kind": kind, "id": id, "amount": sum(&of_invoice).to_string()}));
            }
        }
    }
    found
}

fn sum(entries: &[Value]) -> i64 {
    entries.iter().map(|entry| number(&entry["amount"])).sum()
}

pub(crate) fn number(value: &Value) -> i64 {
    value.as_str().unwrap().parse().unwrap()
}
