//! Merge: a customer stands on both sides, and either may be changed. Field by field, against what both held when they last agreed, it is
//! told apart who changed what: an echo of ours, a change of one side, a change of both.
//!
//! Pure. In reading order: `policy` (what the operator says), `field` (what there is), `values` (what each side holds), `normal` (when two
//! values are one, with `country`), `state` (what is remembered), `decide` (one field), `relink` (which records belong together), `plan`
//! (a round), `write` (operations). Sentences are in `explain`.

mod country;
pub(crate) mod decide;
pub(crate) mod field;
pub(crate) mod normal;
mod plan;
pub(crate) mod policy;
mod relink;
mod ruled;
pub(crate) mod state;
mod values;
mod write;

pub use field::Field;
pub use plan::{MergeInput, MergePlan, SeenCustomer, plan};
pub use policy::{CustomerPolicy, FieldPolicy, Mistake, Owner, Side};
pub use state::{after_write, once_more};

use crate::index::CUSTOMER;
use crate::input::Source;
use chrono::{DateTime, Utc};
use footbridge_model::document::Document;
use std::collections::BTreeMap;

/// What is remembered of a customer that is being made: all that is written to it is ours, once it is read again.
pub(crate) fn of_new(
    policy: &CustomerPolicy,
    source: &Source,
    doc: &Document,
    at: DateTime<Utc>,
) -> Option<String> {
    let empty = Document::Object(BTreeMap::new());
    let draft = source.drafts.as_ref().ok()?;
    let draft = draft
        .iter()
        .find(|(object, _)| object == CUSTOMER)
        .map_or(&empty, |(_, draft)| draft);
    let mut fields = BTreeMap::new();
    for field in field::FIELDS {
        let from = values::of_source(policy, field, draft, &source.doc);
        let value = values::of_customer(field, doc).unwrap_or(Document::Null);
        if let Some(from) = from {
            fields.insert(field.name.to_owned(), (value, from));
        }
    }
    let writing = state::Writing {
        to: Side::Ledger,
        version: String::new(),
        fields,
    };
    after_write(None, &writing.text(), at)
}
