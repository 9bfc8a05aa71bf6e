//! Plans one round of the way back: documents with their payments and allocations, then balances. Each record ends written,
//! unchanged, refused before, or waiting with a reason.
//!
//! Next: the engine checks the plan with `lint`, keeps the standings and carries the operations out.

use super::input::{Given, GivenBalance, LedgerDocument, ReflectInput};
use super::standing::{Counts, Standing};
use super::write::{Outcome, Wanted, subject, write};
use super::{allocation, balance, document, payment};
use crate::explain::{Stop, reflect as say};
use footbridge_model::id::{OpId, RecordKey};
use footbridge_model::plan::{Note, Plan};
use footbridge_model::receivable::{
    BALANCE, DOCUMENT, DocumentId, PAYMENT, allocation_key, balance_key, payment_key,
};
use std::collections::{BTreeMap, BTreeSet};

/// What comes of a round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reflection {
    /// The operations and what waits.
    pub plan: Plan,
    /// What each document of the round counts for now; `None`: for nothing, and for nobody.
    pub standings: BTreeMap<DocumentId, Option<Standing>>,
    /// Records that the CRM shows as they should be.
    pub unchanged: Vec<RecordKey>,
    /// Natural keys of operations and notes by the document that they belong to.
    pub units: BTreeMap<DocumentId, BTreeSet<String>>,
}

/// The plan of a round. The same input, in any order of its lists, gives the same plan.
pub fn reflect(input: &ReflectInput<'_>) -> Reflection {
    let mut round = Round {
        input,
        made: BTreeMap::new(),
        out: Reflection {
            plan: Plan {
                flow: input.flow.clone(),
                as_of: input.as_of,
                ops: Vec::new(),
                skips: Vec::new(),
                holds: Vec::new(),
                adoptions: Vec::new(),
                next_number: 0,
                bills: Vec::new(),
            },
            standings: BTreeMap::new(),
            unchanged: Vec::new(),
            units: BTreeMap::new(),
        },
    };
    // Invoices come first: allocations refer to them.
    let documents: BTreeMap<&DocumentId, &Given> = input
        .documents
        .iter()
        .map(|given| (&given.id, given))
        .collect();
    for given in documents.values() {
        round.document(given);
    }
    let balances: BTreeMap<(&str, &str), &GivenBalance> = input
        .balances
        .iter()
        .map(|given| ((given.customer.as_str(), given.currency.as_str()), given))
        .collect();
    for given in balances.values() {
        round.balance(given);
    }
    let plan = &mut round.out.plan;
    plan.holds.sort_by(|a, b| a.subject.cmp(&b.subject));
    round.out
}

struct Round<'r> {
    input: &'r ReflectInput<'r>,
    /// Records that this plan makes, by natural key.
    made: BTreeMap<String, OpId>,
    out: Reflection,
}

impl Round<'_> {
    fn document(&mut self, given: &Given) {
        let input = self.input;
        let name = document::called(given);
        self.out.units.entry(given.id.clone()).or_default();
        let document = match &given.record {
            // Nothing was ever known of it, so there is nothing to show.
            None if !given.not_visible => return,
            _ if given.not_visible => {
                // What it counted for stays: invisible is not gone.
                self.hold_document(given, &name, say::not_visible(&name));
                return;
            }
            None => return,
            Some(Err(problem)) => {
                self.untold(given, &name, say::unreadable(&name, problem));
                return;
            }
            Some(Ok(document)) => document,
        };
        if !document::is_receivable(given) {
            self.out.standings.insert(given.id.clone(), None);
            return;
        }
        let told = match document::tell(input, given, document) {
            Ok(told) => told,
            Err(stop) => {
                self.untold(given, &name, stop);
                return;
            }
        };
        self.out
            .standings
            .insert(given.id.clone(), told.standing.clone());
        if told.is_deleted && !self.is_there(&told.wanted.key) {
            // It came and went before anyone saw it.
            return;
        }
        self.record(given, &told.wanted, Vec::new());
        for (id, payment) in &given.payments {
            self.payment(given, &told, id, payment);
        }
        if let LedgerDocument::Credit(credit) = document {
            self.allocations(given, &told, credit);
        }
    }

    fn payment(
        &mut self,
        given: &Given,
        told: &document::Told,
        id: &str,
        payment: &Result<footbridge_model::ledger::Payment, footbridge_model::Problem>,
    ) {
        let input = self.input;
        let key = payment_key(&input.ledger.1, id);
        let called = format!("Payment {id} on {}", told.wanted.title);
        let wanted = match payment {
            _ if given.payments_not_visible.contains(id) => Err(say::not_visible(&called)),
            Err(problem) => Err(say::unreadable(&called, problem)),
            Ok(payment) => payment::tell(input, given, told, id, payment),
        };
        match wanted {
            Ok(None) => {}
            Ok(Some(wanted)) => self.child(given, &wanted, &told.wanted.key, &told.wanted.title),
            Err(stop) => self.hold(given, PAYMENT, &key, &called, stop),
        }
    }

    fn allocations(
        &mut self,
        given: &Given,
        told: &document::Told,
        credit: &footbridge_model::ledger::Credit,
    ) {
        let input = self.input;
        for (n, one) in credit.allocations.iter().flatten().enumerate() {
            let Some(id) = &one.id else {
                let called = format!("An allocation of {}", told.wanted.title);
                let key = allocation_key(&input.ledger.1, &format!("{}-{n}", given.id.id));
                let stop = say::not_reported(&called, "id");
                self.hold(given, PAYMENT, &key, &called, stop);
                continue;
            };
            match allocation::tell(input, given, told, id, one) {
                Ok(told) => {
                    let parent = format!("invoice {}", one.invoice);
                    self.child(given, &told.wanted, &told.parent, &parent);
                }
                Err(stop) => {
                    let key = allocation_key(&input.ledger.1, id);
                    let called = format!("Allocation {id} of {}", told.wanted.title);
                    self.hold(given, PAYMENT, &key, &called, stop);
                }
            }
        }
        for wanted in allocation::gone(input, given, told, credit) {
            self.record(given, &wanted, Vec::new());
        }
    }

    /// A record that refers to a document's record, which must be there before.
    fn child(&mut self, given: &Given, wanted: &Wanted, parent: &str, parent_name: &str) {
        let there = self.is_there(parent);
        match self.made.get(parent) {
            Some(op) => {
                let after = vec![op.clone()];
                self.record(given, wanted, after);
            }
            None if there => self.record(given, wanted, Vec::new()),
            None => {
                let first = subject(self.input, DOCUMENT, parent, parent_name);
                let stop = say::parent_missing(&wanted.title, parent_name)
                    .showing(|shown| shown.waits_for = Some(first));
                self.hold(given, wanted.object, &wanted.key, &wanted.title, stop);
            }
        }
    }

    fn is_there(&self, key: &str) -> bool {
        let shown = self.input.shown.get(key);
        shown.is_some_and(|shown| shown.there.is_some())
    }

    fn record(&mut self, given: &Given, wanted: &Wanted, after: Vec<OpId>) {
        self.of_unit(given, &wanted.key);
        self.written(wanted, after);
    }

    fn written(&mut self, wanted: &Wanted, after: Vec<OpId>) {
        match write(self.input, wanted, after) {
            Outcome::Write(op) => {
                if op.target.is_none() {
                    self.made.insert(wanted.key.clone(), op.id.clone());
                }
                self.out.plan.ops.push(*op);
            }
            Outcome::Unchanged => {
                let subject = subject(self.input, wanted.object, &wanted.key, &wanted.title);
                self.out.unchanged.push(subject.record);
            }
            Outcome::Refused => {}
            Outcome::Hold(stop) => self.note(wanted.object, &wanted.key, &wanted.title, stop),
        }
    }

    /// The document can't be told, and neither can its customer's balance.
    fn untold(&mut self, given: &Given, name: &str, stop: Stop) {
        if let Some(standing) = document::unknown(given) {
            self.out.standings.insert(given.id.clone(), Some(standing));
        }
        self.hold_document(given, name, stop);
    }

    fn hold_document(&mut self, given: &Given, name: &str, stop: Stop) {
        let key = given.id.key(&self.input.ledger.1);
        self.hold(given, DOCUMENT, &key, name, stop);
    }

    fn hold(&mut self, given: &Given, object: &str, key: &str, title: &str, stop: Stop) {
        self.of_unit(given, key);
        self.note(object, key, title, stop);
    }

    fn of_unit(&mut self, given: &Given, key: &str) {
        let unit = self.out.units.entry(given.id.clone()).or_default();
        unit.insert(key.to_owned());
    }

    fn note(&mut self, object: &str, key: &str, title: &str, stop: Stop) {
        let (Stop::Skip(said) | Stop::Hold(said)) = stop;
        self.out.plan.holds.push(Note {
            subject: subject(self.input, object, key, title),
            reason: said.reason.to_owned(),
            message: said.message,
            shown: *said.shown,
        });
    }

    fn balance(&mut self, given: &GivenBalance) {
        let organisation = &self.input.ledger.1;
        let key = balance_key(organisation, &given.customer, &given.currency);
        let nothing = |standing: &Standing| standing.counts == Counts::Nothing;
        if given.standings.iter().all(nothing) && !self.is_there(&key) {
            // Drafts and what was cancelled: nothing was ever owed.
            return;
        }
        match balance::tell(self.input, given) {
            Ok(wanted) => self.written(&wanted, Vec::new()),
            Err(stop) => {
                let name = balance::name(self.input, given);
                self.note(BALANCE, &key, &name, stop);
            }
        }
    }
}
