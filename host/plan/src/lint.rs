//! The last look at a plan before it is stored: what no plan may contain, whoever made it.
//!
//! The planner is built so that nothing is ever found; the engine refuses a plan with findings.

use crate::index::{CUSTOMER, INVOICE, NUMBER, URL, our_key};
use footbridge_model::document::Document;
use footbridge_model::id::OpId;
use footbridge_model::plan::{Expectation, Op, Plan};
use footbridge_model::plugin::Action;
use footbridge_model::write_kind::WriteKind;
use std::collections::BTreeSet;
use std::fmt;

/// Something that must not be in a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where: an operation, or the plan as a whole.
    pub op: Option<OpId>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.op {
            Some(op) => write!(f, "operation {op}: {}", self.what),
            None => write!(f, "the plan: {}", self.what),
        }
    }
}

/// Everything wrong with a plan; empty for a sound one.
pub fn lint(plan: &Plan) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut earlier: BTreeSet<&OpId> = BTreeSet::new();
    let mut keys = BTreeSet::new();
    for op in &plan.ops {
        let mut fault = |what: String| {
            faults.push(Fault {
                op: Some(op.id.clone()),
                what,
            });
        };
        let key = &op.natural_key;
        if !keys.insert((
            &op.connection,
            &op.organisation,
            &op.object,
            &key.field,
            &key.value,
        )) {
            fault(format!("a second one on {} {:?}", key.field, key.value));
        }
        for after in op.after.iter().filter(|after| !earlier.contains(after)) {
            fault(format!(
                "comes after {after}, which is no earlier operation"
            ));
        }
        if !earlier.insert(&op.id) {
            fault("its id stands twice".to_owned());
        }
        placeholders(&op.doc, op, &mut fault);
        target(op, &mut fault);
        kind(op, &mut fault);
        match op.action {
            Action::Create => content(op, &mut fault),
            Action::Update if op.object.as_str() == INVOICE => lines(op, &mut fault),
            Action::Update => {}
        }
    }
    whole(plan, &mut faults);
    faults
}

fn placeholders(doc: &Document, op: &Op, fault: &mut impl FnMut(String)) {
    match doc {
        Document::Object(fields) => {
            if let Some(reference) = fields.get("$op") {
                let known = matches!(reference, Document::Text(id) if op.after.iter().any(|a| a.as_str() == id));
                if !known || !matches!(fields.get("field"), Some(Document::Text(_))) {
                    fault(
                        "refers to an operation that it doesn't come after, or to no field of it"
                            .to_owned(),
                    );
                }
            }
            if fields.contains_key("$ref") {
                fault("still refers to a source record".to_owned());
            }
            fields
                .values()
                .for_each(|value| placeholders(value, op, fault));
        }
        Document::List(items) => items.iter().for_each(|item| placeholders(item, op, fault)),
        _ => {}
    }
}

fn target(op: &Op, fault: &mut impl FnMut(String)) {
    if op.natural_key.field.is_empty() || op.natural_key.value.is_empty() {
        fault("has no natural key".to_owned());
    }
    match (op.action, &op.target, &op.expects) {
        (Action::Create, None, Expectation::Absent) => {}
        (Action::Update, Some(_), Expectation::Version(version)) if !version.is_empty() => {}
        _ => fault("its action, target and expectation don't fit each other".to_owned()),
    }
    if !matches!(&op.doc, Document::Object(fields) if !fields.is_empty()) {
        fault("writes nothing".to_owned());
    }
    if op.link.id.is_empty() {
        fault("joins no link".to_owned());
    }
}

/// No kind of write without something that finds it again and a way to read it back.
fn kind(op: &Op, fault: &mut impl FnMut(String)) {
    let field = op.natural_key.field.as_str();
    match WriteKind::of(op).map(|kind| kind.known_by.field()) {
        Some(None) => {}
        Some(Some(known)) if known == field => {}
        Some(Some(known)) => fault(format!(
            "is found again by {field}, and such a write by {known}"
        )),
        None => fault(format!(
            "{:?} of {} is no known kind of write: nothing says how it is read back",
            op.action, op.object
        )),
    }
}

fn content(op: &Op, fault: &mut impl FnMut(String)) {
    let key = &op.natural_key;
    if op.doc.text(&key.field) != Some(&key.value) {
        fault(format!("doesn't write its own {}", key.field));
    }
    match op.object.as_str() {
        CUSTOMER if key.field != NUMBER => fault("a customer is found by its number".to_owned()),
        INVOICE => {
            if key.field != URL || our_key(&key.value) != Some(&op.link.id) {
                fault("its url doesn't carry the key of its link".to_owned());
            }
            if op.doc.list("lines").is_empty() {
                fault("has no lines".to_owned());
            }
            lines(op, fault);
            for field in [
                "customer", "date", "due_date", "currency", "amounts", "status",
            ] {
                if op.doc.at(field).is_none() {
                    fault(format!("has no {field}"));
                }
            }
            if op.doc.text("due_date") < op.doc.text("date") {
                fault("is due before its date".to_owned());
            }
        }
        _ => {}
    }
}

/// Lines are written whole: what is left out of a known one would stay, and one that is left out is removed.
fn lines(op: &Op, fault: &mut impl FnMut(String)) {
    for (n, line) in op.doc.list("lines").iter().enumerate() {
        for field in [
            "account",
            "tax_type",
            "description",
            "quantity",
            "unit_amount",
        ] {
            if line.text(field).is_none_or(|text| text.trim().is_empty()) {
                fault(format!("line {} has no {field}", n + 1));
            }
        }
    }
}

fn whole(plan: &Plan, faults: &mut Vec<Fault>) {
    let mut fault = |what: String| faults.push(Fault { op: None, what });
    let mut links = BTreeSet::new();
    let mut records = BTreeSet::new();
    let made = plan.ops.iter().filter(|op| op.action == Action::Create);
    let adopted = plan.adoptions.iter().map(|adoption| &adoption.link.id);
    for link in made.clone().map(|op| &op.link.id).chain(adopted) {
        if !links.insert(link) {
            fault(format!("link {link} is made twice"));
        }
    }
    for adoption in &plan.adoptions {
        // One that is linked already may be the invoice of several deals.
        if adoption.shadow.is_none() && !records.insert(&adoption.ledger_record) {
            fault(format!("{} is adopted twice", adoption.ledger_record));
        }
    }
    let mut subjects = BTreeSet::new();
    let notes = plan
        .skips
        .iter()
        .chain(&plan.holds)
        .map(|note| &note.subject);
    for subject in made.map(|op| &op.subject).chain(notes) {
        if !subjects.insert((&subject.record, subject.part)) {
            fault(format!(
                "{} (part {}) has two outcomes",
                subject.record, subject.part
            ));
        }
    }
}
