//! Every kind of write that exists. One that isn't here is refused by the plan's linter, and one without a row in the fault matrix
//! (`tests/faults`) fails the gate: no write without something to find it by again, and a way to read it back (design section 5).
//!
//! A new kind is one line of [`WRITE_KINDS`] and one row of the matrix. It holds no rule: `host/plan` checks against it.

use crate::link::Role;
use crate::plan::Op;
use crate::plugin::Action;
use crate::receivable;

/// One kind of write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteKind {
    /// Its name, in tables.
    pub name: &'static str,
    /// What is written.
    pub what: Written,
    /// Made, or changed. None where the far side decides (a set-up).
    pub action: Option<Action>,
    /// What finds it again.
    pub known_by: KnownBy,
    /// How it is found again.
    pub read_back: ReadBack,
    /// What lets the far side refuse a second one.
    pub unique: Unique,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// An object of the ledger's or the receivables vocabulary.
    Object(&'static str),
    /// A record in the CRM's own words, whatever it is called there, by what it is to the link.
    Record(Role),
    /// The far side's set-up; its operations are no operations of a flow.
    SetUp,
}

/// What finds a write again when its answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownBy {
    /// A value that we write and no other record carries.
    NaturalKey(&'static str),
    /// The id of the record that is changed. Writing the same again changes nothing.
    TargetId(&'static str),
    /// Ids and amounts of all children of the parent, read before: exactly one new one is ours.
    BeforeImage,
    /// The parts' own names.
    Names,
}

impl KnownBy {
    /// The field that an operation's natural key names.
    pub fn field(self) -> Option<&'static str> {
        match self {
            Self::NaturalKey(field) | Self::TargetId(field) => Some(field),
            Self::BeforeImage | Self::Names => None,
        }
    }
}

/// How a write is read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadBack {
    /// By `lookup.find` on the natural key; every field is compared.
    ByKey,
    /// By `lookup.fetch` on the id; it took effect where every written field holds the written value.
    ById,
    /// By a survey of the whole set-up.
    BySurvey,
}

/// Whether the far side itself refuses a second one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unique {
    /// It does, on this field.
    Enforced(&'static str),
    /// It does not: only our own look keeps it single.
    Ours,
    /// There can't be a second one: it is a change of what exists.
    Inherent,
}

/// All of them.
pub const WRITE_KINDS: [WriteKind; 13] = [
    create(
        "ledger customer, create",
        "customer",
        "number",
        Unique::Enforced("name"),
    ),
    create("ledger invoice, create", "invoice", "url", Unique::Ours),
    update("ledger customer, update", "customer", "id"),
    update("ledger invoice, update", "invoice", "id"),
    record("CRM deal, write-back", Role::Billing, "id"),
    record("CRM customer, update", Role::Customer, "id"),
    create(
        "CRM document, create",
        receivable::DOCUMENT,
        receivable::KEY,
        Unique::Enforced(receivable::KEY),
    ),
    update(
        "CRM document, update",
        receivable::DOCUMENT,
        receivable::KEY,
    ),
    create(
        "CRM payment, create",
        receivable::PAYMENT,
        receivable::KEY,
        Unique::Enforced(receivable::KEY),
    ),
    update("CRM payment, update", receivable::PAYMENT, receivable::KEY),
    create(
        "CRM balance, create",
        receivable::BALANCE,
        receivable::KEY,
        Unique::Enforced(receivable::KEY),
    ),
    update("CRM balance, update", receivable::BALANCE, receivable::KEY),
    SET_UP,
];

/// A far side is made ready to hold what comes back.
pub const SET_UP: WriteKind = WriteKind {
    name: "CRM set-up, deploy",
    what: Written::SetUp,
    action: None,
    known_by: KnownBy::Names,
    read_back: ReadBack::BySurvey,
    unique: Unique::Enforced("name"),
};

const fn create(
    name: &'static str,
    object: &'static str,
    key: &'static str,
    unique: Unique,
) -> WriteKind {
    WriteKind {
        name,
        what: Written::Object(object),
        action: Some(Action::Create),
        known_by: KnownBy::NaturalKey(key),
        read_back: ReadBack::ByKey,
        unique,
    }
}

/// `key` is the field that an operation names its target by; it is read back by its id all the same.
const fn update(name: &'static str, object: &'static str, key: &'static str) -> WriteKind {
    WriteKind {
        name,
        what: Written::Object(object),
        action: Some(Action::Update),
        known_by: KnownBy::TargetId(key),
        read_back: ReadBack::ById,
        unique: Unique::Inherent,
    }
}

const fn record(name: &'static str, role: Role, key: &'static str) -> WriteKind {
    WriteKind {
        what: Written::Record(role),
        ..update(name, "", key)
    }
}

impl WriteKind {
    /// The kind of an operation; none if there is no such kind.
    pub fn of(op: &Op) -> Option<&'static Self> {
        let object = op.object.as_str();
        // Our own words are kebab-case; a CRM's have capitals, or an underscore.
        let vocabulary = !object.contains(|c: char| c.is_ascii_uppercase() || c == '_');
        WRITE_KINDS.iter().find(|kind| {
            let what = match kind.what {
                Written::Object(name) => name == object,
                Written::Record(role) => !vocabulary && role == op.link.role,
                Written::SetUp => false,
            };
            what && kind.action == Some(op.action)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_kind_stands_once_and_can_be_found_again() {
        let names: BTreeSet<_> = WRITE_KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), WRITE_KINDS.len());
        for kind in WRITE_KINDS {
            let twins = WRITE_KINDS
                .iter()
                .filter(|other| other.what == kind.what && other.action == kind.action);
            assert_eq!(twins.count(), 1, "{}", kind.name);
            let fits = match (kind.action, kind.known_by, kind.read_back, kind.unique) {
                (Some(Action::Create), KnownBy::NaturalKey(_), ReadBack::ByKey, unique) => {
                    unique != Unique::Inherent
                }
                (Some(Action::Create), KnownBy::BeforeImage, _, unique) => unique == Unique::Ours,
                (Some(Action::Update), KnownBy::TargetId(_), ReadBack::ById, unique) => {
                    unique == Unique::Inherent
                }
                (None, KnownBy::Names, ReadBack::BySurvey, Unique::Enforced(_)) => {
                    kind.what == Written::SetUp
                }
                _ => false,
            };
            assert!(fits, "{}: {kind:?}", kind.name);
        }
    }
}
