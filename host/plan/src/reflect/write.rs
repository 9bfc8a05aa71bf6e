//! Write: from what a record should say to an operation, or to the reason why there is none. The same for all three kinds.
//!
//! Next: `plan` collects; the engine carries the operations out like all others.

use super::compare;
use super::input::{ReflectInput, Shown};
use crate::explain::{Stop, reflect as say};
use footbridge_model::document::Document;
use footbridge_model::id::{ObjectName, OpId, RecordId, RecordKey};
use footbridge_model::link::Role;
use footbridge_model::money::canonical;
use footbridge_model::plan::{Expectation, LinkIntent, NaturalKey, Op, Subject, key as digest};
use footbridge_model::plugin::Action;
use footbridge_model::receivable::{DOCUMENT, DocumentId, KEY};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Longest name that a CRM shows.
const LONGEST_NAME: usize = 80;
/// Longest other text.
const LONGEST_TEXT: usize = 255;

/// Fields of a record as they should be. `null` is known to be empty; what isn't known is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Fields(pub(crate) BTreeMap<String, Document>);

impl Fields {
    /// Text that is known, cut to what the CRM takes.
    pub(crate) fn text(&mut self, field: &str, text: &str) {
        let longest = if field == "name" {
            LONGEST_NAME
        } else {
            LONGEST_TEXT
        };
        let cut: String = text.trim().chars().take(longest).collect();
        let value = if cut.is_empty() {
            Document::Null
        } else {
            Document::Text(cut)
        };
        self.0.insert(field.to_owned(), value);
    }

    /// Text that may not have been reported.
    pub(crate) fn maybe(&mut self, field: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(field, text);
        }
    }

    /// An amount that is known.
    pub(crate) fn amount(&mut self, field: &str, amount: Decimal) {
        let value = Document::Text(canonical(amount));
        self.0.insert(field.to_owned(), value);
    }

    /// An amount that may not have been reported.
    pub(crate) fn maybe_amount(&mut self, field: &str, amount: Option<Decimal>) {
        if let Some(amount) = amount {
            self.amount(field, amount);
        }
    }

    /// Known to be empty.
    pub(crate) fn empty(&mut self, field: &str) {
        self.0.insert(field.to_owned(), Document::Null);
    }

    /// Yes or no.
    pub(crate) fn flag(&mut self, field: &str, flag: Option<bool>) {
        if let Some(flag) = flag {
            self.0.insert(field.to_owned(), Document::Bool(flag));
        }
    }
}

/// A record as it should be.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) object: &'static str,
    pub(crate) key: String,
    /// What people call it.
    pub(crate) title: String,
    /// The ledger's record: object and id.
    pub(crate) source: (&'static str, String),
    pub(crate) fields: Fields,
    /// What it says, in words.
    pub(crate) why: String,
}

/// What comes of a record.
pub(crate) enum Outcome {
    /// It is written.
    Write(Box<Op>),
    /// The CRM shows it already.
    Unchanged,
    /// It was refused, and nothing has changed since.
    Refused,
    /// It waits.
    Hold(Stop),
}

/// The subject of a record's operations and notes.
pub(crate) fn subject(input: &ReflectInput<'_>, object: &str, key: &str, title: &str) -> Subject {
    Subject {
        record: RecordKey {
            connection: input.crm.0.clone(),
            organisation: input.crm.1.clone(),
            object: ObjectName::from(object),
            id: RecordId::from(key),
        },
        part: 1,
        title: title.to_owned(),
    }
}

/// The subject of a document's record that is only known by its id.
pub(crate) fn document_subject(input: &ReflectInput<'_>, document: &DocumentId) -> Subject {
    let title = format!("{} {}", document.kind.title(), document.id);
    subject(input, DOCUMENT, &document.key(&input.ledger.1), &title)
}

/// What comes of a record that should be so. `after`: operations that must be applied before.
pub(crate) fn write(input: &ReflectInput<'_>, wanted: &Wanted, after: Vec<OpId>) -> Outcome {
    let (object, key) = (wanted.object, wanted.key.as_str());
    let shown = input.shown.get(key);
    let there = shown.and_then(|shown| shown.there.as_ref());
    let sent = shown.and_then(|shown| shown.sent.as_ref());
    let fields = match there {
        None => present(&wanted.fields),
        Some(there) => compare::changed(&wanted.fields.0, there, sent),
    };
    if fields.is_empty() {
        return Outcome::Unchanged;
    }
    if input
        .unresolved
        .contains(&(object.to_owned(), key.to_owned()))
    {
        return Outcome::Hold(say::unresolved(&wanted.title));
    }
    let whole = Document::Object(wanted.fields.0.clone()).canonical();
    if let Some(sent) = sent.filter(|sent| sent.wanted == whole) {
        if sent.refused {
            return Outcome::Refused;
        }
        let today = input.as_of.instant.date_naive();
        if there.is_some() && sent.is_rewritten(today) {
            let names = fields.keys().map(String::as_str).collect::<Vec<_>>();
            return Outcome::Hold(say::rewritten(&wanted.title, &names));
        }
    }
    Outcome::Write(Box::new(operation(
        input, wanted, shown, fields, whole, after,
    )))
}

fn present(fields: &Fields) -> BTreeMap<String, Document> {
    let known = fields
        .0
        .iter()
        .filter(|(_, value)| **value != Document::Null);
    known
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect()
}

fn operation(
    input: &ReflectInput<'_>,
    wanted: &Wanted,
    shown: Option<&Shown>,
    mut fields: BTreeMap<String, Document>,
    whole: String,
    after: Vec<OpId>,
) -> Op {
    let there = shown.and_then(|shown| shown.there.as_ref());
    let was = there.map(|there| {
        let known = fields
            .keys()
            .filter_map(|field| Some((field, there.doc.at(field)?)));
        Document::Object(
            known
                .map(|(field, was)| (field.clone(), was.clone()))
                .collect(),
        )
    });
    fields.insert(KEY.to_owned(), Document::Text(wanted.key.clone()));
    let doc = Document::Object(fields);
    let (action, target, expects, version) = match there {
        None => (Action::Create, None, Expectation::Absent, ""),
        Some(there) => (
            Action::Update,
            Some(RecordId::from(there.id.as_str())),
            Expectation::Version(there.version.clone()),
            there.version.as_str(),
        ),
    };
    let verb = match action {
        Action::Create => "create",
        Action::Update => "update",
    };
    let id = digest(&[
        "op",
        input.crm.1.as_str(),
        wanted.object,
        &wanted.key,
        verb,
        version,
        &doc.canonical(),
    ]);
    Op {
        id: OpId::new(id),
        action,
        connection: input.crm.0.clone(),
        organisation: input.crm.1.clone(),
        object: ObjectName::from(wanted.object),
        target,
        natural_key: NaturalKey {
            field: KEY.to_owned(),
            value: wanted.key.clone(),
            parents: Vec::new(),
        },
        doc,
        was,
        after,
        expects,
        link: LinkIntent {
            id: digest(&["receivable", input.crm.1.as_str(), &wanted.key]),
            role: Role::Receivable,
            source: RecordKey {
                connection: input.ledger.0.clone(),
                organisation: input.ledger.1.clone(),
                object: ObjectName::from(wanted.source.0),
                id: RecordId::from(wanted.source.1.as_str()),
            },
            source_shadow: Some(whole),
        },
        subject: subject(input, wanted.object, &wanted.key, &wanted.title),
        why: wanted.why.clone(),
    }
}
