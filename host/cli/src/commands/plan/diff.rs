//! One operation as people read it: what it is about, and each field that differs, old -> new.
//!
//! `entries` words a field. Text from outside passes `safe`; nothing is decided here.

use crate::render::{safe, theirs, wrapped};
use footbridge_model::document::Document;
use footbridge_model::entries::{self, VALUE, Words};
use footbridge_model::id::OpId;
use footbridge_model::plan::Op;
use footbridge_model::plugin::Action;
use std::collections::BTreeMap;

/// So many fields and parts of one record; `--json` has all.
const FIELDS: usize = 12;

/// Operations by id, so that a reference can be named.
pub(super) type ById<'a> = BTreeMap<&'a OpId, &'a Op>;

/// Whether the reason is told with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Told,
    Known,
}

/// What an operation is about: `~ Opportunity "Deal" (006...)`.
pub(super) fn head(op: &Op) -> String {
    let (mark, id) = match op.action {
        Action::Create => ("+", op.subject.record.id.as_str()),
        Action::Update => {
            let target = op.target.as_ref().map(|target| target.as_str());
            ("~", target.unwrap_or_default())
        }
    };
    let head = format!(
        "{mark} {} \"{}\" ({})",
        safe(op.object.as_str(), 40),
        theirs(&op.subject.title, 80),
        safe(id, 60)
    );
    wrapped(&head, 2)
}

/// An operation in lines: its head, then its fields.
pub(super) fn lines(op: &Op, ops: &ById<'_>, why: Why) -> String {
    let mut text = head(op);
    for line in fields(op, ops) {
        text.push_str(&wrapped(&line, 6));
    }
    if why == Why::Told && !op.why.is_empty() {
        text.push_str(&wrapped(&safe(&op.why, 400), 6));
    }
    text
}

/// Its fields that differ, a text each; of a list one for each part of an entry.
pub(super) fn fields(op: &Op, ops: &ById<'_>) -> Vec<String> {
    let Document::Object(wanted) = &op.doc else {
        return Vec::new();
    };
    let was = |field: &str| op.was.as_ref().and_then(|was| was.at(field));
    let own_key = |field: &str| op.action == Action::Update && field == op.natural_key.field;
    let mut lines: Vec<String> = (wanted.iter())
        .filter(|(field, _)| !own_key(field))
        .flat_map(|(field, value)| match op.action {
            Action::Create => entries::created(field, value, &OnTerminal(ops)),
            Action::Update => entries::changed(field, was(field), value, &OnTerminal(ops)),
        })
        .collect();
    if let Some(rest) = lines.len().checked_sub(FIELDS).filter(|rest| *rest > 0) {
        lines.truncate(FIELDS);
        lines.push(format!("... and {rest} more; --json has all"));
    }
    lines
}

/// As a terminal shows it.
struct OnTerminal<'a>(&'a ById<'a>);

impl Words for OnTerminal<'_> {
    fn text(&self, text: &str, most: usize) -> String {
        theirs(text, most)
    }

    fn object(&self, value: &Document) -> String {
        reference(value, self.0)
    }
}

/// `{"$op": ...}` in words: what the operation before will report.
fn reference(value: &Document, ops: &ById<'_>) -> String {
    let Some(op) = value.text("$op") else {
        return theirs(&value.canonical(), VALUE);
    };
    let field = safe(value.text("field").unwrap_or("id"), 40);
    let prefix = safe(value.text("prefix").unwrap_or_default(), VALUE);
    let of = match ops.get(&OpId::new(op)) {
        Some(op) => format!("{} above", safe(op.object.as_str(), 40)),
        None => "record that it needs".to_owned(),
    };
    match prefix.as_str() {
        "" => format!("<{field} of the {of}>"),
        prefix => format!("{prefix}<{field} of the {of}>"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_new_never_look_alike() {
        let long = "Consulting and travel for the northern branches, ".repeat(3);
        let doc = |text: &str| Document::Text(text.to_owned());
        let told = |old: &str, new: &str| {
            let ops = ById::new();
            entries::changed("f", Some(&doc(old)), &doc(new), &OnTerminal(&ops)).join("; ")
        };
        for (old, new) in [
            (format!("{long}March"), format!("{long}April")),
            (long.clone(), format!("{long}April")),
            ("short".to_owned(), format!("short{long}")),
            (format!("{long}March{long}"), format!("{long}April{long}")),
        ] {
            let told = told(&old, &new);
            let (was, is) = told.split_once(" -> ").unwrap_or_default();
            assert_ne!(was.trim_start_matches("f: "), is, "{told}");
            assert!(is.chars().count() <= VALUE, "{told}");
        }
        assert_eq!(
            told(&format!("{long}March"), &format!("{long}April")),
            "f: Consulting a…n branches, March -> Consulting a…n branches, April"
        );
        assert_eq!(told("a", "b"), "f: a -> b");
    }
}
