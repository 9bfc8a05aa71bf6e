//! Check: whether an approved operation still is what the planner would do now. Pure: the plan made now, and what is there, are given.
//!
//! An operation holds if the plan made now does the same: to the same record, with the same values in place of the same ones. Whatever else
//! the record holds may have changed. If not, what changed is said in words. Next: `apply` carries out what holds.

use crate::execute::filled_in;
use footbridge_model::document::Document;
use footbridge_model::entries::{self, Words};
use footbridge_model::id::OpId;
use footbridge_model::plan::{Note, Op, reason};
use footbridge_model::plugin::Action;
use std::collections::{BTreeMap, BTreeSet};

/// Records that operations of the saved plan made or would make, as they are now: id and document.
pub(super) type Known = BTreeMap<OpId, (String, Document)>;

/// What the planner says now.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    pub(super) ops: Vec<Op>,
    pub(super) notes: Vec<Note>,
}

/// Whether an operation holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is carried out as it was approved, on the record as it is now.
    Holds(Box<Op>),
    /// It is so already.
    Already(String),
    /// It was planned on something that changed.
    Stale(String),
}

/// Holds an approved operation against what is planned now. `there`: what its target holds now.
pub(super) fn check(op: &Op, fresh: &Fresh, known: &Known, there: Option<&Document>) -> Verdict {
    if op.action == Action::Create && known.contains_key(&op.id) {
        return Verdict::Already("it is there already".to_owned());
    }
    let wanted = filled_in(&op.doc, known);
    if op.action == Action::Update && there.is_some_and(|there| says(there, &wanted)) {
        return Verdict::Already("the record says so already".to_owned());
    }
    let same_key = |now: &&Op| {
        (
            &now.connection,
            &now.object,
            &now.natural_key.field,
            &now.natural_key.value,
        ) == (
            &op.connection,
            &op.object,
            &op.natural_key.field,
            &op.natural_key.value,
        )
    };
    let by_id = fresh.ops.iter().find(|now| now.id == op.id);
    if let Some(now) = by_id.or_else(|| fresh.ops.iter().find(same_key)) {
        return compared(op, &wanted, now, &filled_in(&now.doc, known));
    }
    let about = |note: &&Note| {
        (&note.subject.record, note.subject.part) == (&op.subject.record, op.subject.part)
    };
    match fresh.notes.iter().find(about) {
        Some(note) if note.reason == reason::UP_TO_DATE => Verdict::Already(note.message.clone()),
        Some(note) => Verdict::Stale(format!("{} ({})", note.message, note.reason)),
        None => Verdict::Stale(
            "nothing would be written for it any more; the next `footbridge sync` looks at it"
                .to_owned(),
        ),
    }
}

fn compared(op: &Op, wanted: &Document, now: &Op, now_wanted: &Document) -> Verdict {
    let mut changed = differences(wanted, now_wanted);
    if op.expects != now.expects {
        let held = |op: &Op| op.was.clone().unwrap_or(Document::Null);
        let was = differences(&held(op), &held(now));
        changed.extend(was.iter().map(|what| format!("in the record {what}")));
    }
    let same = (op.action, &op.target, &op.link.id) == (now.action, &now.target, &now.link.id);
    if same && changed.is_empty() {
        return Verdict::Holds(Box::new(Op {
            expects: now.expects.clone(),
            link: now.link.clone(),
            ..op.clone()
        }));
    }
    if changed.is_empty() {
        changed.push("another operation would be needed now".to_owned());
    }
    Verdict::Stale(changed.join("; "))
}

/// As it is kept: whoever shows it sees to what a terminal takes.
struct AsKept;

impl Words for AsKept {
    fn text(&self, text: &str, most: usize) -> String {
        match text.char_indices().nth(most) {
            Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
            None => text.to_owned(),
        }
    }

    fn object(&self, value: &Document) -> String {
        match value.text("$op") {
            Some(_) => "<a record that is made before>".to_owned(),
            None => "other details".to_owned(),
        }
    }
}

/// What two documents say differently, as plans word it: `line 2 unit price: 10.00 -> 12.50`. Empty only if they say the same.
fn differences(before: &Document, now: &Document) -> Vec<String> {
    let empty = BTreeMap::new();
    let fields = |doc: &Document| match doc {
        Document::Object(fields) => fields.clone(),
        _ => empty.clone(),
    };
    let (old, new) = (fields(before), fields(now));
    let all: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differs = all
        .into_iter()
        .filter(|field| old.get(*field) != new.get(*field));
    let told = |field: &String| {
        let value = new.get(field).unwrap_or(&Document::Null);
        let told = entries::changed(field, old.get(field), value, &AsKept);
        match told.is_empty() {
            // Only what plans leave out, because a write leaves it as it is.
            true => vec![format!("{field}: otherwise than approved")],
            false => told,
        }
    };
    differs.flat_map(told).collect()
}

/// Whether a record holds every wanted field as wanted. A field that wasn't read proves nothing.
fn says(there: &Document, wanted: &Document) -> bool {
    match (there, wanted) {
        (Document::Object(there), Document::Object(wanted)) => wanted
            .iter()
            .all(|(field, value)| there.get(field) == Some(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use footbridge_model::id::{ConnectionId, ObjectName, OrganisationId, RecordId, RecordKey};
    use footbridge_model::link::Role;
    use footbridge_model::plan::{Expectation, LinkIntent, NaturalKey, Subject};

    fn doc(json: &str) -> Document {
        Document::from_plugin(json).unwrap()
    }

    fn op(action: Action, json: &str) -> Op {
        let record = RecordKey {
            connection: ConnectionId::from("crm"),
            organisation: OrganisationId::from("00D"),
            object: ObjectName::from("Opportunity"),
            id: RecordId::from("006"),
        };
        let (target, expects) = match action {
            Action::Create => (None, Expectation::Absent),
            Action::Update => (
                Some(RecordId::from("006")),
                Expectation::Version("v1".to_owned()),
            ),
        };
        Op {
            id: OpId::from("op1"),
            action,
            connection: ConnectionId::from("crm"),
            organisation: OrganisationId::from("00D"),
            object: ObjectName::from("Opportunity"),
            target,
            natural_key: NaturalKey {
                field: "id".to_owned(),
                value: "006".to_owned(),
                parents: Vec::new(),
            },
            doc: doc(json),
            was: None,
            after: Vec::new(),
            expects,
            link: LinkIntent {
                id: "l".to_owned(),
                role: Role::Billing,
                source: record.clone(),
                source_shadow: None,
            },
            subject: Subject {
                record,
                part: 1,
                title: "Deal".to_owned(),
            },
            why: String::new(),
        }
    }

    fn fresh(ops: Vec<Op>) -> Fresh {
        Fresh {
            ops,
            notes: Vec::new(),
        }
    }

    #[test]
    fn what_is_planned_alike_holds_and_what_changed_is_said() {
        let approved = op(Action::Create, r#"{"total":"120","date":"2026-11-30"}"#);
        for (now, expected) in [
            (r#"{"total":"120","date":"2026-11-30"}"#, None),
            (
                r#"{"total":"240","date":"2026-11-30"}"#,
                Some("total: 120 -> 240"),
            ),
            (r#"{"total":"120"}"#, Some("date: 2026-11-30 -> (empty)")),
        ] {
            let now = fresh(vec![op(Action::Create, now)]);
            let verdict = check(&approved, &now, &Known::new(), None);
            let holds = Verdict::Holds(Box::new(approved.clone()));
            let expected = expected.map_or(holds, |said| Verdict::Stale(said.to_owned()));
            assert_eq!(verdict, expected);
        }
    }

    #[test]
    fn of_lines_the_part_that_changed_is_said() {
        let lines = |price: &str, account: &str| {
            let line = |n: u8, price: &str| {
                format!(
                    r#"{{"description":"Item {n}","quantity":"1","unit_amount":"{price}"{account}}}"#
                )
            };
            format!(r#"{{"lines":[{},{}]}}"#, line(1, "10"), line(2, price))
        };
        let approved = op(Action::Create, &lines("10", r#","account":"200""#));
        for (price, account, said) in [
            (
                "12.5",
                r#","account":"200""#,
                "line 2 unit price: 10.00 -> 12.50",
            ),
            ("10", "", "lines: otherwise than approved"),
        ] {
            let now = fresh(vec![op(Action::Create, &lines(price, account))]);
            let verdict = check(&approved, &now, &Known::new(), None);
            assert_eq!(verdict, Verdict::Stale(said.to_owned()));
        }
    }

    #[test]
    fn a_reference_and_what_it_stands_for_are_the_same() {
        let approved = op(Action::Create, r#"{"customer":{"$op":"p","field":"id"}}"#);
        let now = fresh(vec![op(Action::Create, r#"{"customer":"x1"}"#)]);
        let known = Known::from([(OpId::from("p"), ("x1".to_owned(), Document::Null))]);
        let verdict = check(&approved, &now, &known, None);
        assert_eq!(verdict, Verdict::Holds(Box::new(approved.clone())));
        let other = Known::from([(OpId::from("p"), ("x2".to_owned(), Document::Null))]);
        let verdict = check(&approved, &now, &other, None);
        assert_eq!(verdict, Verdict::Stale("customer: x2 -> x1".to_owned()));
    }

    #[test]
    fn an_update_of_a_record_that_moved_on_holds_unless_what_it_writes_over_moved_too() {
        let mut approved = op(Action::Update, r#"{"Number":"7"}"#);
        approved.was = Some(doc(r#"{"Number":"5"}"#));
        let mut moved = approved.clone();
        moved.id = OpId::from("op2");
        moved.expects = Expectation::Version("v2".to_owned());
        let holds = check(&approved, &fresh(vec![moved.clone()]), &Known::new(), None);
        let now = Op {
            expects: moved.expects.clone(),
            ..approved.clone()
        };
        assert_eq!(holds, Verdict::Holds(Box::new(now)));
        moved.was = Some(doc(r#"{"Number":"6"}"#));
        let stale = check(&approved, &fresh(vec![moved]), &Known::new(), None);
        let said = "in the record Number: 5 -> 6".to_owned();
        assert_eq!(stale, Verdict::Stale(said));
        let there = doc(r#"{"Number":"7","Name":"Deal"}"#);
        let already = check(&approved, &fresh(Vec::new()), &Known::new(), Some(&there));
        assert!(matches!(already, Verdict::Already(_)), "{already:?}");
        let gone = check(&approved, &fresh(Vec::new()), &Known::new(), None);
        assert!(matches!(gone, Verdict::Stale(_)), "{gone:?}");
    }

    #[test]
    fn a_deal_that_waits_now_says_why() {
        let approved = op(Action::Create, r#"{"total":"120"}"#);
        let note = Note {
            subject: approved.subject.clone(),
            reason: reason::AMOUNT_DIFFERS.to_owned(),
            message: "The amounts differ.".to_owned(),
            shown: Default::default(),
        };
        let now = Fresh {
            ops: Vec::new(),
            notes: vec![note],
        };
        let verdict = check(&approved, &now, &Known::new(), None);
        let said = "The amounts differ. (amount-differs)".to_owned();
        assert_eq!(verdict, Verdict::Stale(said));
    }
}
