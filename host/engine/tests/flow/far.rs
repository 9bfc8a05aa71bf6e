//! The far sides: a CRM and a ledger in memory, with one clock and faults by name. They know nothing of the engine's rules.
//!
//! Sends have effects only through `commit`; a fault decides whether, when, and what is answered. `ports` shows them to the engine.

use chrono::{DateTime, TimeDelta, TimeZone as _, Utc};
use footbridge_engine::ports::Sent;
use footbridge_model::plugin::{Action, Answer, Operation, Presence, WriteRequest};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How long the ledger remembers an idempotency key, counted from the first request.
const KEY_MEMORY: TimeDelta = TimeDelta::minutes(6);
/// How long we wait for an answer.
const TIME_OUT: TimeDelta = TimeDelta::seconds(30);

/// What goes wrong with one request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Fault {
    Nothing,
    NeverLeft(Option<u32>),
    LostBefore,
    LostAfter,
    /// Nobody hears of it; it commits so many seconds after it was sent.
    CommitsAfter(i64),
    /// This status, and nothing was done.
    ErrorBefore(u16),
    /// This status, although it was done.
    ErrorAfter(u16),
    /// An error that is remembered under the key.
    CachedError,
    /// The first half is done, and a 500 is answered.
    Half,
    /// Done, and the connector can't understand the answer.
    Nonsense,
    /// Done, and the answer speaks of the first operation only.
    HalfAnswer,
    /// Done, and the record in the answer is no record.
    BrokenRecord,
    RateLimited(u32),
    Unauthorised,
    QuotaUsedUp,
}

#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) doc: Value,
    pub(crate) version: u64,
    pub(crate) at: DateTime<Utc>,
    pub(crate) presence: Presence,
}

#[derive(Debug, Clone)]
pub(crate) struct SentRequest {
    pub(crate) object: String,
    pub(crate) key: String,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Far {
    /// True time.
    pub(crate) now: DateTime<Utc>,
    /// What our own clock shows beyond it.
    pub(crate) skew: TimeDelta,
    pub(crate) tables: BTreeMap<String, BTreeMap<String, Row>>,
    seq: u64,
    /// Faults of the next writes of this object.
    pub(crate) faults: BTreeMap<String, VecDeque<Fault>>,
    pub(crate) sends: Vec<SentRequest>,
    keys: BTreeMap<String, (DateTime<Utc>, Option<Answer>)>,
    pending: Vec<(DateTime<Utc>, String, Vec<Operation>)>,
    /// Answers `kind` for operations whose document holds this text.
    pub(crate) refuse: Vec<(String, &'static str)>,
    /// The code of these refusals.
    pub(crate) cause: &'static str,
    /// A request that holds this text is refused as a whole, without a word on which operation is to blame.
    pub(crate) refuse_whole: Option<String>,
    /// While the next invoices are sent, somebody else reads this deal in a newer version.
    pub(crate) heard_meanwhile: Option<String>,
    pub(crate) unique_numbers: bool,
    /// A look by natural key doesn't see younger records.
    pub(crate) list_lag: TimeDelta,
    pub(crate) find_complete: bool,
    /// Whether a key protects while its first request still runs.
    pub(crate) keys_guard_running: bool,
    /// The answer to a create doesn't report the number.
    pub(crate) silent_number: bool,
    /// The ledger adds this to every total, whatever the lines say.
    pub(crate) surcharge: u64,
    pub(crate) looks: usize,
    /// What was looked at by id: object and id.
    pub(crate) fetched: Vec<String>,
    /// Objects that were counted.
    pub(crate) counted: Vec<String>,
    /// The CRM has the objects of the way back.
    pub(crate) provisioned: bool,
    /// The CRM writes this status over whatever is written to a document.
    pub(crate) rewrites: Option<&'static str>,
    /// Whatever is written to this field of an account or a deal becomes this.
    pub(crate) trigger: Option<(&'static str, Value)>,
}

impl Far {
    pub(crate) fn new() -> Self {
        let mut far = Self {
            now: Utc.with_ymd_and_hms(2026, 10, 1, 9, 0, 0).unwrap(),
            skew: TimeDelta::zero(),
            tables: BTreeMap::new(),
            seq: 0,
            faults: BTreeMap::new(),
            sends: Vec::new(),
            keys: BTreeMap::new(),
            pending: Vec::new(),
            refuse: Vec::new(),
            cause: "validation-rule",
            refuse_whole: None,
            heard_meanwhile: None,
            unique_numbers: false,
            list_lag: TimeDelta::zero(),
            find_complete: true,
            keys_guard_running: true,
            silent_number: false,
            surcharge: 0,
            looks: 0,
            fetched: Vec::new(),
            counted: Vec::new(),
            provisioned: true,
            rewrites: None,
            trigger: None,
        };
        far.put(
            "account",
            "a-200",
            json!({"code": "200", "name": "Sales", "class": "revenue", "tax_type": "OUTPUT2", "status": "active"}),
        );
        far.put(
            "tax-rate",
            "t-20",
            json!({"tax_type": "OUTPUT2", "name": "20%", "rate": "20", "status": "active", "for_revenue": true}),
        );
        far
    }

    /// Stores a record, as a person or another program would.
    pub(crate) fn put(&mut self, object: &str, id: &str, doc: Value) {
        self.seq += 1;
        let row = Row {
            doc,
            version: self.seq,
            at: self.now,
            presence: Presence::Present,
        };
        let table = self.tables.entry(object.to_owned()).or_default();
        table.insert(id.to_owned(), row);
    }

    /// Changes a field of a record.
    pub(crate) fn set(&mut self, object: &str, id: &str, field: &str, value: Value) {
        let mut doc = self.tables[object][id].doc.clone();
        doc[field] = value;
        self.put(object, id, doc);
    }

    pub(crate) fn rows(&self, object: &str) -> Vec<(&String, &Row)> {
        self.tables.get(object).into_iter().flatten().collect()
    }

    /// The next write of this object goes wrong.
    pub(crate) fn fault(&mut self, object: &str, fault: Fault) {
        self.faults
            .entry(object.to_owned())
            .or_default()
            .push_back(fault);
    }

    /// Time passes; what was still running commits.
    pub(crate) fn pass(&mut self, time: TimeDelta) {
        self.now += time;
        let due: Vec<_> = {
            let now = self.now;
            let (due, rest) = std::mem::take(&mut self.pending)
                .into_iter()
                .partition(|(at, _, _)| *at <= now);
            self.pending = rest;
            due
        };
        for (_, key, ops) in due {
            let answer = ok(&self.commit(&ops));
            self.remember(&key, answer);
        }
    }

    /// Nothing is running any more.
    pub(crate) fn is_quiet(&self) -> bool {
        self.pending.is_empty()
    }

    fn remember(&mut self, key: &str, answer: Answer) {
        let first = self.keys.get(key).map_or(self.now, |(first, _)| *first);
        self.keys.insert(key.to_owned(), (first, Some(answer)));
    }

    /// One write request. `keyed`: this side honours idempotency keys.
    pub(crate) fn send(&mut self, wire: &WriteRequest, key: &str, keyed: bool) -> Sent {
        let object = wire.path.trim_start_matches('/').to_owned();
        let fault = self
            .faults
            .get_mut(&object)
            .and_then(VecDeque::pop_front)
            .unwrap_or(Fault::Nothing);
        if let Fault::NeverLeft(retry_after_seconds) = fault {
            return Sent::NotSent {
                why: "no connection".to_owned(),
                retry_after_seconds,
            };
        }
        self.sends.push(SentRequest {
            object,
            key: key.to_owned(),
            body: wire.body.clone(),
        });
        if keyed
            && let Some((first, answer)) = self.keys.get(key)
            && self.now - *first < KEY_MEMORY
        {
            match answer {
                Some(answer) => return Sent::Answered(answer.clone()),
                None if self.keys_guard_running => {
                    return Sent::Answered(plain(409, "that request is still running"));
                }
                None => {}
            }
        }
        let ops: Vec<Operation> = serde_json::from_slice(&wire.body).unwrap();
        let bad = |text: &String| ops.iter().any(|op| op.doc.contains(text));
        if self.refuse_whole.as_ref().is_some_and(bad) {
            return Sent::Answered(plain(400, "something in it is wrong"));
        }
        self.faulty(fault, key, &ops)
    }

    fn faulty(&mut self, fault: Fault, key: &str, ops: &[Operation]) -> Sent {
        let lost = |why: &str| Sent::Lost {
            why: why.to_owned(),
        };
        match fault {
            Fault::Nothing | Fault::NeverLeft(_) => {
                let answer = ok(&self.commit(ops));
                self.remember(key, answer.clone());
                Sent::Answered(answer)
            }
            Fault::LostBefore => {
                self.pass(TIME_OUT);
                lost("the connection was cut")
            }
            Fault::LostAfter => {
                let answer = ok(&self.commit(ops));
                self.remember(key, answer);
                self.pass(TIME_OUT);
                lost("no answer in time")
            }
            Fault::CommitsAfter(seconds) => {
                let at = self.now + TimeDelta::seconds(seconds);
                self.keys.insert(key.to_owned(), (self.now, None));
                self.pending.push((at, key.to_owned(), ops.to_vec()));
                self.pass(TIME_OUT);
                lost("no answer in time")
            }
            Fault::ErrorBefore(status) => Sent::Answered(plain(status, "it went wrong")),
            Fault::ErrorAfter(status) => {
                let answer = ok(&self.commit(ops));
                self.remember(key, answer);
                Sent::Answered(plain(status, "it went wrong"))
            }
            Fault::CachedError => {
                let answer = plain(500, "it went wrong, and will for this key");
                self.remember(key, answer.clone());
                Sent::Answered(answer)
            }
            Fault::Half => {
                self.commit(&ops[..ops.len().div_ceil(2)]);
                Sent::Answered(plain(500, "it went wrong half way"))
            }
            Fault::Nonsense => {
                let answer = ok(&self.commit(ops));
                self.remember(key, answer);
                Sent::Answered(plain(200, "<html>welcome</html>"))
            }
            Fault::HalfAnswer => {
                let results = self.commit(ops);
                self.remember(key, ok(&results));
                Sent::Answered(ok(&results[..1]))
            }
            Fault::BrokenRecord => {
                let mut results = self.commit(ops);
                self.remember(key, ok(&results));
                if let Some(applied) = results[0].get_mut("applied") {
                    applied["doc"] = json!("[1");
                }
                Sent::Answered(ok(&results))
            }
            Fault::RateLimited(seconds) => Sent::Answered(plain(429, &seconds.to_string())),
            Fault::Unauthorised => Sent::Answered(plain(401, "the credential was refused")),
            Fault::QuotaUsedUp => Sent::Answered(plain(420, "the day's calls are used up")),
        }
    }

    fn commit(&mut self, ops: &[Operation]) -> Vec<Value> {
        ops.iter().map(|op| self.apply(op)).collect()
    }

    fn apply(&mut self, op: &Operation) -> Value {
        let failed =
            |kind: &str, message: &str| json!({"id": op.id, "failed": kind, "message": message});
        let doc: Value = serde_json::from_str(&op.doc).unwrap();
        if let Some((_, kind)) = self.refuse.iter().find(|(text, _)| op.doc.contains(text)) {
            let mut refused = failed(kind, "the far side says no");
            refused["code"] = json!(self.cause);
            return refused;
        }
        if op.object.starts_with("receivable-") {
            return self.show(op, &doc);
        }
        let id = match (op.action, &op.target) {
            (Action::Update, Some(target)) if op.object == "invoice" => {
                let old = &self.tables[&op.object][target].doc;
                match updated(old, &doc, target, self.surcharge) {
                    Ok(doc) => self.put(&op.object, target, doc),
                    Err(why) => return failed("rejected", why),
                }
                target.clone()
            }
            (Action::Update, Some(target)) => {
                for (field, value) in doc.as_object().unwrap() {
                    let value = self.taken(&op.object, target, field, value);
                    self.set(&op.object, target, field, value);
                }
                target.clone()
            }
            _ => {
                let count = self.rows(&op.object).len() + 1;
                let mut doc = doc;
                if let Some(why) = self.clash(&op.object, &doc) {
                    let mut refused = failed("rejected", &why);
                    refused["code"] = json!("not-unique");
                    return refused;
                }
                if op.object == "invoice" {
                    totals(&mut doc, self.surcharge);
                    if doc["number"].is_null() {
                        doc["number"] = json!(format!("INV-{count:04}"));
                    }
                } else {
                    doc["status"] = json!("active");
                }
                let id = format!("{}-{count}", op.object);
                if op.object == "invoice" {
                    number_lines(&mut doc, &id, &self.seq.to_string());
                }
                self.put(&op.object, &id, doc);
                id
            }
        };
        let row = &self.tables[&op.object][&id];
        let mut doc = row.doc.clone();
        if self.silent_number && op.object == "invoice" {
            doc.as_object_mut().unwrap().remove("number");
        }
        json!({"id": op.id, "applied": {"id": id, "version": row.version.to_string(), "doc": doc.to_string()}})
    }

    /// The way back: made or changed under its key, and the answer tells nothing but the id.
    fn show(&mut self, op: &Operation, doc: &Value) -> Value {
        let failed =
            |kind: &str, message: &str| json!({"id": op.id, "failed": kind, "message": message});
        let present = |object: &str, key: &Value| {
            let mut rows = self.rows(object).into_iter();
            rows.find(|(_, row)| row.presence == Presence::Present && row.doc["key"] == *key)
                .map(|(id, _)| id.clone())
        };
        if doc["document_key"].is_string()
            && present("receivable-document", &doc["document_key"]).is_none()
        {
            return failed("rejected", "there is no such document");
        }
        let known = match &op.target {
            Some(target) => match self.tables[&op.object][target].presence {
                Presence::Present => Some(target.clone()),
                _ => return failed("gone", "it was deleted"),
            },
            None => present(&op.object, &doc["key"]),
        };
        let mut whole = match &known {
            Some(id) => self.tables[&op.object][id].doc.clone(),
            None => json!({}),
        };
        for (field, value) in doc.as_object().unwrap() {
            whole[field] = value.clone();
        }
        if op.object == "receivable-document"
            && let Some(status) = self.rewrites
        {
            whole["status"] = json!(status);
        }
        let count = self.rows(&op.object).len() + 1;
        let id = known.unwrap_or_else(|| format!("{}-{count}", op.object));
        self.put(&op.object, &id, whole);
        json!({"id": op.id, "applied": {"id": id, "version": null, "doc": json!({"Id": id}).to_string()}})
    }

    /// Changes a record without anything that says so: no list of changes shows it.
    pub(crate) fn set_quietly(&mut self, object: &str, id: &str, doc: Value) {
        let row = self.tables.get_mut(object).unwrap().get_mut(id).unwrap();
        row.doc = doc;
    }

    /// Takes a record out of sight: no list of changes tells of it.
    pub(crate) fn hide(&mut self, object: &str, id: &str) {
        self.tables.get_mut(object).unwrap().remove(id);
    }

    /// Deletes a record of the CRM, as a person would.
    pub(crate) fn delete(&mut self, object: &str, id: &str) {
        let doc = self.tables[object][id].doc.clone();
        self.put(object, id, doc);
        let row = self.tables.get_mut(object).unwrap().get_mut(id).unwrap();
        row.presence = Presence::Deleted;
    }

    /// What a side makes of a written value: entries of a customer's lists are told apart by their kind; a trigger has its own way.
    fn taken(&self, object: &str, id: &str, field: &str, value: &Value) -> Value {
        match (object, field, &self.trigger) {
            ("customer", "addresses" | "phones", _) => {
                let known = self.tables[object][id].doc[field].as_array();
                let written = value.as_array().unwrap();
                let kept = known
                    .into_iter()
                    .flatten()
                    .filter(|entry| written.iter().all(|other| other["kind"] != entry["kind"]));
                kept.chain(written).cloned().collect()
            }
            ("Account" | "Opportunity", field, Some((rewritten, becomes)))
                if field == *rewritten =>
            {
                becomes.clone()
            }
            _ => value.clone(),
        }
    }

    /// The ledger's people merge a customer into another one.
    pub(crate) fn merge(&mut self, object: &str, loser: &str, winner: &str) {
        let doc = self.tables[object][loser].doc.clone();
        self.put(object, loser, doc);
        let row = self.tables.get_mut(object).unwrap().get_mut(loser).unwrap();
        row.presence = Presence::MergedInto(winner.to_owned());
    }

    fn clash(&self, object: &str, doc: &Value) -> Option<String> {
        let unique: &[&str] = match object {
            "customer" => &["name", "number"],
            _ if self.unique_numbers => &["number"],
            _ => &[],
        };
        let taken = |field: &&&str| {
            self.rows(object)
                .iter()
                .any(|(_, row)| row.doc[**field].is_string() && row.doc[**field] == doc[**field])
        };
        let field = unique.iter().find(taken)?;
        Some(format!("another {object} has this {field}"))
    }

    /// How many invoices carry each of our keys.
    pub(crate) fn invoices_by_url(&self) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        for (_, row) in self.rows("invoice") {
            if let Some(url) = row.doc["url"].as_str() {
                *found.entry(url.to_owned()).or_default() += 1;
            }
        }
        found
    }

    /// Requests of an object, and under how many keys.
    pub(crate) fn sent(&self, object: &str) -> (usize, usize) {
        let its: Vec<_> = self.sends.iter().filter(|s| s.object == object).collect();
        let keys: BTreeSet<_> = its.iter().map(|s| (&s.key, &s.body)).collect();
        (its.len(), keys.len())
    }
}

/// An invoice after an update, as its ledger does it: nothing is edited once paid, drafts alone are deleted, totals are its own,
/// lines without an id are new, those left out are gone.
fn updated(old: &Value, change: &Value, id: &str, surcharge: u64) -> Result<Value, &'static str> {
    if old["amount_paid"] != json!("0") {
        return Err("it has a payment");
    }
    let deletes = change["status"] == json!("deleted");
    if deletes && old["status"] != json!("draft") {
        return Err("not of valid status");
    }
    let mut doc = old.clone();
    for (field, value) in change.as_object().unwrap() {
        if !["sub_total", "total"].contains(&field.as_str()) {
            doc[field] = value.clone();
        }
    }
    if change["lines"].is_array() {
        amounts(&mut doc, surcharge);
        let known = |line: &Value| {
            line["id"].is_null()
                || old["lines"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|old| old["id"] == line["id"])
        };
        if !doc["lines"].as_array().unwrap().iter().all(known) {
            return Err("there is no such line");
        }
        number_lines(&mut doc, id, "new");
    }
    Ok(doc)
}

fn number_lines(doc: &mut Value, id: &str, mark: &str) {
    for (n, line) in doc["lines"].as_array_mut().unwrap().iter_mut().enumerate() {
        if line["id"].is_null() {
            line["id"] = json!(format!("{id}-{mark}-{n}"));
        }
    }
}

/// Amounts of whole pounds at 20 per cent.
fn totals(doc: &mut Value, surcharge: u64) {
    amounts(doc, surcharge);
    for (field, value) in [
        ("kind", json!("receivable")),
        ("sent", json!(false)),
        ("currency_rate", json!("1")),
        ("amount_paid", json!("0")),
        ("amount_credited", json!("0")),
        ("payments", json!([])),
        ("credits", json!([])),
    ] {
        doc[field] = value;
    }
}

fn amounts(doc: &mut Value, surcharge: u64) {
    let lines = doc["lines"].as_array().unwrap();
    let net: u64 = lines
        .iter()
        .map(|line| {
            let read = |field: &str| line[field].as_str().unwrap().parse::<u64>().unwrap();
            read("quantity") * read("unit_amount")
        })
        .sum();
    doc["sub_total"] = json!(net.to_string());
    doc["total_tax"] = json!((net / 5).to_string());
    let total = json!((net + net / 5 + surcharge).to_string());
    doc["total"] = total.clone();
    doc["amount_due"] = total;
}

fn ok(results: &[Value]) -> Answer {
    Answer {
        status: 200,
        headers: Vec::new(),
        body: json!({ "results": results }).to_string(),
        json: true,
    }
}

fn plain(status: u16, body: &str) -> Answer {
    Answer {
        status,
        headers: Vec::new(),
        body: body.to_owned(),
        json: false,
    }
}
