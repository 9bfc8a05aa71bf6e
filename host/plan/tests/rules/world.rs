//! A small company: one won deal, `d1`, of one customer, `c1`, in a UK organisation; everything else a case adds.

use chrono::{DateTime, NaiveDate, Utc};
use footbridge_model::document::Document;
use footbridge_model::failure::Problem;
use footbridge_model::id::{
    ConnectionId, FlowName, ObjectName, OrganisationId, RecordId, RecordKey,
};
use footbridge_model::ledger;
use footbridge_model::link::{Link, Member, Role};
use footbridge_model::plan::{AsOf, Op, Plan, billing_key, customer_key};
use footbridge_model::plugin::Presence;
use footbridge_model::ruling::{Choice, Ruling};
use footbridge_model::shown::{Shown, ShownCustomer};
use footbridge_plan::input::{Observed, Seen, Source};
use footbridge_plan::sent::Sent;
use footbridge_plan::{FlowPolicy, PlanInput, lint, plan};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Reads JSON as an API would have sent it.
pub(crate) fn doc(value: &Value) -> Document {
    Document::from_api(&value.to_string()).unwrap()
}

/// A record of the ledger vocabulary.
pub(crate) fn seen<T: serde::de::DeserializeOwned>(value: &Value) -> Seen<T> {
    Seen {
        version: "1".to_owned(),
        presence: Presence::Present,
        value: doc(value).to().unwrap(),
    }
}

/// A deal as the source would report it, before the mapping.
#[derive(Debug, Clone)]
pub(crate) struct Deal {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) presence: Presence,
    pub(crate) source: Value,
    pub(crate) draft: Value,
    pub(crate) problem: Option<Problem>,
}

impl Deal {
    /// Won on 10 September 2026 by `customer`, one line of `amount` without tax.
    pub(crate) fn won(id: &str, customer: &str, amount: &str) -> Self {
        Self {
            id: id.to_owned(),
            version: "v1".to_owned(),
            presence: Presence::Present,
            source: json!({
                "Name": format!("Deal {id}"),
                "IsWon": true,
                "Amount": amount,
                "Currency": "GBP",
                "CloseDate": "2026-09-09",
                "Number": null,
                "Plan": null,
                "LastStageChangeDate": "2026-09-10T12:00:00.000+0000",
                "History": [
                    {"Stage": "Prospecting", "At": "2026-08-01T12:00:00.000+0000"},
                    {"Stage": "Closed Won", "At": "2026-09-10T12:00:00.000+0000"},
                ],
                "Lines": [{"Total": amount}],
                "InvoiceId": null, "InvoiceNumber": null, "InvoiceLink": null,
            }),
            draft: json!({
                "customer": {"$ref": {"object": "Account", "id": customer}},
                "reference": "PO 7",
                "due_date": "2026-10-14",
                "lines": [line(amount)],
            }),
            problem: None,
        }
    }

    /// Sets a field of the source record.
    pub(crate) fn set(mut self, field: &str, value: Value) -> Self {
        self.source[field] = value;
        self
    }

    /// Sets a field of the draft.
    pub(crate) fn drafted(mut self, field: &str, value: Value) -> Self {
        self.draft[field] = value;
        self
    }

    /// Sets a field of the draft's first line.
    pub(crate) fn line(mut self, field: &str, value: Value) -> Self {
        self.draft["lines"][0][field] = value;
        self
    }

    /// Amount, deal lines and draft lines at once.
    pub(crate) fn lines(self, amounts: &[&str], total: &str) -> Self {
        let totals: Vec<Value> = amounts.iter().map(|a| json!({"Total": a})).collect();
        let lines: Vec<Value> = amounts.iter().map(|a| line(a)).collect();
        self.set("Amount", json!(total))
            .set("Lines", json!(totals))
            .drafted("lines", json!(lines))
    }

    pub(crate) fn source(&self) -> Source {
        Source {
            record: record("Opportunity", &self.id),
            version: self.version.clone(),
            presence: self.presence.clone(),
            doc: doc(&self.source),
            drafts: match &self.problem {
                Some(problem) => Err(problem.clone()),
                None => Ok(vec![("invoice".to_owned(), doc(&self.draft))]),
            },
        }
    }
}

/// A draft line without an item.
pub(crate) fn line(amount: &str) -> Value {
    json!({"description": "Work", "quantity": "1", "unit_amount": amount})
}

/// A customer in the source.
pub(crate) fn account(id: &str, name: &str) -> Source {
    account_with(id, json!({"name": name}))
}

/// A customer with this draft.
pub(crate) fn account_with(id: &str, draft: Value) -> Source {
    Source {
        record: record("Account", id),
        version: "v1".to_owned(),
        presence: Presence::Present,
        doc: doc(&json!({})),
        drafts: Ok(vec![("customer".to_owned(), doc(&draft))]),
    }
}

/// A source record.
pub(crate) fn record(object: &str, id: &str) -> RecordKey {
    key("crm", "00D", object, id)
}

/// A ledger record.
pub(crate) fn ledger_record(object: &str, id: &str) -> RecordKey {
    key("books", "org", object, id)
}

fn key(connection: &str, organisation: &str, object: &str, id: &str) -> RecordKey {
    RecordKey {
        connection: ConnectionId::from(connection),
        organisation: OrganisationId::from(organisation),
        object: ObjectName::from(object),
        id: RecordId::from(id),
    }
}

/// The ledger's organisation.
pub(crate) fn ledger() -> OrganisationId {
    OrganisationId::from("org")
}

/// Our key for a part of a deal.
pub(crate) fn our_key(deal: &str, part: u32) -> String {
    billing_key(&record("Opportunity", deal), &ledger(), part)
}

/// The url of a part's invoice.
pub(crate) fn our_url(deal: &str, part: u32) -> String {
    format!(
        "https://crm.example/{deal}?footbridge={}",
        our_key(deal, part)
    )
}

/// All that a plan is made of, owned.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) policy: FlowPolicy,
    pub(crate) organisation: ledger::Organisation,
    pub(crate) as_of: AsOf,
    pub(crate) deals: Vec<Deal>,
    pub(crate) customers: Vec<Source>,
    pub(crate) observed: Observed,
    pub(crate) links: Vec<Link>,
    pub(crate) rulings: Vec<Ruling>,
    pub(crate) unresolved: BTreeSet<(String, String, String)>,
    pub(crate) sent: BTreeMap<String, Sent>,
    pub(crate) namesakes: Vec<Source>,
    pub(crate) next_number: u64,
    pub(crate) record_url: String,
}

impl World {
    /// One deal of 100.00 GBP to be billed to a customer that is linked.
    pub(crate) fn new() -> Self {
        let mut world = Self::empty();
        world.deals = vec![Deal::won("d1", "c1", "100")];
        world.customers = vec![account("c1", "Acme")];
        world.ledger_customer(
            "x1",
            json!({"name": "Acme", "number": "c1", "status": "active"}),
        );
        world.link_customer("c1", "x1");
        world
    }

    /// The same, but the ledger doesn't know the customer yet.
    pub(crate) fn unknown_customer() -> Self {
        let mut world = Self::empty();
        world.deals = vec![Deal::won("d1", "c1", "100")];
        world.customers = vec![account("c1", "Acme")];
        world
    }

    fn empty() -> Self {
        let mut observed = Observed::default();
        for (code, tax_type, class, status) in [
            ("200", "OUTPUT2", "revenue", "active"),
            ("201", "OUTPUT2", "revenue", "archived"),
            ("400", "INPUT2", "expense", "active"),
        ] {
            let account =
                json!({"code": code, "tax_type": tax_type, "class": class, "status": status});
            observed
                .accounts
                .insert(code.to_owned(), doc(&account).to().unwrap());
        }
        for (tax_type, rate, status, for_revenue) in [
            ("OUTPUT2", "20", "active", true),
            ("RROUTPUT", "5", "active", true),
            ("ZERORATED", "0", "active", true),
            ("REVERSE", "0", "active", true),
            ("INPUT2", "20", "active", false),
            ("OLD", "17.5", "deleted", true),
        ] {
            let rate = json!({"tax_type": tax_type, "rate": rate, "status": status, "for_revenue": for_revenue});
            observed
                .tax_rates
                .insert(tax_type.to_owned(), doc(&rate).to().unwrap());
        }
        for (code, account, tax_type, sold) in [
            ("BOLT", json!("200"), json!("RROUTPUT"), true),
            ("NUT", json!(null), json!(null), true),
            ("OWN", json!("200"), json!(null), false),
        ] {
            let item = json!({"code": code, "sales_account": account, "sales_tax_type": tax_type, "sold": sold});
            observed
                .items
                .insert(code.to_owned(), doc(&item).to().unwrap());
        }
        let organisation = json!({
            "id": "org", "name": "Harbour Ltd", "country": "GB", "base_currency": "GBP",
            "time_zone": "Europe/London", "currencies": ["GBP", "EUR", "JPY", "KWD"],
        });
        Self {
            policy: serde_json::from_value(policy()).unwrap(),
            organisation: doc(&organisation).to().unwrap(),
            as_of: at("2026-09-14T09:00:00Z", "2026-09-14"),
            deals: Vec::new(),
            customers: Vec::new(),
            observed,
            links: Vec::new(),
            rulings: Vec::new(),
            unresolved: BTreeSet::new(),
            sent: BTreeMap::new(),
            namesakes: Vec::new(),
            next_number: 1,
            record_url: "https://crm.example/".to_owned(),
        }
    }

    /// Changes the one deal.
    pub(crate) fn deal(mut self, change: impl FnOnce(Deal) -> Deal) -> Self {
        let deal = self.deals.remove(0);
        self.deals.insert(0, change(deal));
        self
    }

    /// Changes anything.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// A customer of the ledger.
    pub(crate) fn ledger_customer(&mut self, id: &str, value: Value) {
        self.observed.customers.insert(id.to_owned(), seen(&value));
    }

    /// An invoice of the ledger.
    pub(crate) fn ledger_invoice(&mut self, id: &str, value: Value) {
        let mut all = json!({
            "kind": "receivable", "customer": "x1", "number": format!("INV-{id}"), "date": "2026-09-01",
            "currency": "GBP", "status": "authorised", "sub_total": "100", "total_tax": "20", "total": "120",
            "sent": false, "amount_paid": "0", "amount_credited": "0",
        });
        for (field, value) in value.as_object().unwrap() {
            all[field] = value.clone();
        }
        self.observed.invoices.insert(id.to_owned(), seen(&all));
    }

    /// Links a source customer with a ledger customer.
    pub(crate) fn link_customer(&mut self, source: &str, ledger_id: &str) {
        let source = record("Account", source);
        let id = customer_key(&source, &ledger());
        let other = ledger_record("customer", ledger_id);
        self.links.push(link(id, Role::Customer, source, other));
    }

    /// Links a part of a deal with a ledger invoice; nothing is kept of what was billed.
    pub(crate) fn link_invoice(&mut self, deal: &str, part: u32, invoice: &str) {
        let source = record("Opportunity", deal);
        let other = ledger_record("invoice", invoice);
        self.links
            .push(link(our_key(deal, part), Role::Billing, source, other));
    }

    /// What the item of part 1 of a deal shows now; where it doesn't stand under this reason, only the deal's customer.
    pub(crate) fn shown(&self, deal: &str, reason: &str) -> Shown {
        let plan = self.plan();
        let mut notes = plan.skips.iter().chain(&plan.holds);
        let its = notes.find(|note| {
            let subject = &note.subject;
            (
                subject.record.id.as_str(),
                subject.part,
                note.reason.as_str(),
            ) == (deal, 1, reason)
        });
        its.map(|note| note.shown.clone()).unwrap_or_else(|| {
            let mut deals = self.deals.iter();
            let deal = deals.find(|known| known.id == deal).unwrap();
            let customer = &deal.draft["customer"]["$ref"];
            let text = |field: &str| customer[field].as_str().unwrap();
            Shown {
                customer: Some(ShownCustomer {
                    object: ObjectName::from(text("object")),
                    id: RecordId::from(text("id")),
                }),
                ..Shown::default()
            }
        })
    }

    /// What Ann decided on 13 September about part 1 of a deal as it and its item are.
    pub(crate) fn ruled(&mut self, deal: &str, reason: &str, choice: Choice) {
        let shown = self.shown(deal, reason);
        self.rulings.push(Ruling {
            record: record("Opportunity", deal),
            part: 1,
            reason: reason.to_owned(),
            choice,
            seen: "v1".to_owned(),
            shown,
            by: "ann".to_owned(),
            at: at("2026-09-13T09:00:00Z", "2026-09-13").instant,
        });
    }

    /// Marks a natural key as unresolved.
    pub(crate) fn unresolved(&mut self, object: &str, field: &str, value: &str) {
        self.unresolved
            .insert((object.to_owned(), field.to_owned(), value.to_owned()));
    }

    /// A person's word about the first part of the one deal, as it is now.
    pub(crate) fn rule(&mut self, reason: &str, choice: Choice) {
        let shown = self.shown(&self.deals[0].id, reason);
        self.rulings.push(Ruling {
            record: record("Opportunity", &self.deals[0].id),
            part: 1,
            reason: reason.to_owned(),
            choice,
            seen: self.deals[0].version.clone(),
            shown,
            by: "kim".to_owned(),
            at: self.as_of.instant,
        });
    }

    fn rulings(&self) -> BTreeMap<(RecordKey, u32), Vec<Ruling>> {
        let mut all: BTreeMap<_, Vec<Ruling>> = BTreeMap::new();
        for ruling in &self.rulings {
            let key = (ruling.record.clone(), ruling.part);
            all.entry(key).or_default().push(ruling.clone());
        }
        all
    }

    /// The plan, which must be sound.
    pub(crate) fn plan(&self) -> Plan {
        let customers = self.customers.iter().map(|source| {
            let key = (
                source.record.object.to_string(),
                source.record.id.to_string(),
            );
            (key, source.clone())
        });
        let input = PlanInput {
            flow: FlowName::from("invoices"),
            as_of: self.as_of,
            policy: &self.policy,
            organisation: &self.organisation,
            source: (ConnectionId::from("crm"), OrganisationId::from("00D")),
            ledger: (ConnectionId::from("books"), ledger()),
            deals: self.deals.iter().map(Deal::source).collect(),
            customers: customers.collect(),
            observed: self.observed.clone(),
            links: self.links.clone(),
            rulings: self.rulings(),
            unresolved: self.unresolved.clone(),
            sent: self.sent.clone(),
            namesakes: self.namesakes.clone(),
            next_number: self.next_number,
            record_url: self.record_url.clone(),
        };
        let plan = plan(&input);
        let faults: Vec<String> = lint(&plan).iter().map(ToString::to_string).collect();
        assert!(faults.is_empty(), "{faults:#?}");
        plan
    }

    /// What became of each part, one text each: `d1/1 invoice`, `d1/1 hold no-lines`, in order.
    pub(crate) fn outcomes(&self) -> Vec<String> {
        outcomes(&self.plan())
    }

    /// The one outcome of the one deal, without its name.
    pub(crate) fn outcome(&self) -> String {
        let outcomes = self.outcomes();
        let [outcome] = outcomes.as_slice() else {
            panic!("one outcome expected: {outcomes:?}")
        };
        outcome.trim_start_matches("d1/1 ").to_owned()
    }

    /// The sentence of the one hold or skip.
    pub(crate) fn message(&self) -> String {
        let plan = self.plan();
        let mut notes = plan.skips.iter().chain(&plan.holds);
        let note = notes.next().unwrap();
        assert_eq!(notes.next(), None);
        note.message.clone()
    }

    /// The one invoice operation.
    pub(crate) fn invoice(&self) -> Op {
        let plan = self.plan();
        let mut invoices = ops(&plan, "invoice");
        assert_eq!(invoices.len(), 1, "{:?}", outcomes(&plan));
        invoices.remove(0)
    }

    /// What the ledger and the source would hold after a plan was carried out.
    pub(crate) fn apply(&mut self, plan: &Plan) {
        super::properties::apply(self, plan);
    }
}

/// Operations on an object.
pub(crate) fn ops(plan: &Plan, object: &str) -> Vec<Op> {
    plan.ops
        .iter()
        .filter(|op| op.object.as_str() == object)
        .cloned()
        .collect()
}

/// What became of each part, in order.
pub(crate) fn outcomes(plan: &Plan) -> Vec<String> {
    let mut all = BTreeMap::new();
    let mut add = |id: &str, part: u32, text: String| {
        let earlier = all.insert((id.to_owned(), part), text.clone());
        assert_eq!(earlier, None, "{id}/{part} also {text}");
    };
    for op in plan.ops.iter().filter(|op| op.object.as_str() == "invoice") {
        add(
            op.subject.record.id.as_str(),
            op.subject.part,
            match (&op.target, op.doc.text("status")) {
                (None, _) => "invoice",
                (Some(_), Some("deleted")) => "delete",
                (Some(_), _) => "update",
            }
            .to_owned(),
        );
    }
    for op in plan
        .ops
        .iter()
        .filter(|op| op.object.as_str() == "Opportunity" && op.after.is_empty())
    {
        add(
            op.subject.record.id.as_str(),
            op.subject.part,
            "write-back".to_owned(),
        );
    }
    for (kind, notes) in [("skip", &plan.skips), ("hold", &plan.holds)] {
        for note in notes {
            add(
                note.subject.record.id.as_str(),
                note.subject.part,
                format!("{kind} {}", note.reason),
            );
        }
    }
    all.into_iter()
        .map(|((id, part), text)| format!("{id}/{part} {text}"))
        .collect()
}

/// An instant with its local date.
pub(crate) fn at(instant: &str, date: &str) -> AsOf {
    AsOf {
        instant: DateTime::parse_from_rfc3339(instant)
            .unwrap()
            .with_timezone(&Utc),
        local_date: day(date),
    }
}

/// A date.
pub(crate) fn day(date: &str) -> NaiveDate {
    date.parse().unwrap()
}

fn link(id: String, role: Role, source: RecordKey, other: RecordKey) -> Link {
    let member = |record| Member {
        record,
        shadow: None,
        version: None,
    };
    Link {
        id,
        role,
        members: vec![member(source), member(other)],
        made_by: None,
    }
}

fn policy() -> Value {
    json!({
        "go-live": "2026-09-01T00:00:00Z",
        "deal": {
            "object": "Opportunity", "name": "Name", "won": "IsWon", "history": "History",
            "history-stage": "Stage", "history-at": "At", "won-stages": ["Closed Won"],
            "stage-changed-at": "LastStageChangeDate", "amount": "Amount", "currency": "Currency",
            "lines": "Lines", "line-total": "Total", "parts": "Plan",
        },
        "billing": {
            "no-lines": "hold", "status": "draft", "number": "ledger", "amounts": "exclusive",
            "date": "raised", "already-invoiced-days": 60, "default-account": "200",
        },
        "write-back": {
            "id": "InvoiceId", "number": "InvoiceNumber", "link": "InvoiceLink",
            "invoice-url": "https://books.example/view/",
        },
    })
}
