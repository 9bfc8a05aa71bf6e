//! Merge: a customer stands on both sides, and either may be changed. Field by field, against what both held when they last agreed, it is
//! told apart who changed what: an echo of ours, a change of one side, a change of both.
//!
//! Pure. In reading order: `policy` (what the operator says), `field` (what there is), `values` (what each side holds, with `address`), `normal` (when two
//! values are one, with `country`), `state` (what is remembered), `decide` (one field), `relink` (which records belong together), `plan`
//! (a round), `write` (operations). Sentences are in `explain`.

mod address;
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
        if let Some(from) = from {
            let value = values::of_ledger(field, doc, Some(&from)).unwrap_or(Document::Null);
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

#[cfg(test)]
mod tests {
    use super::*;
    use footbridge_model::id::{ConnectionId, ObjectName, OrganisationId, RecordId, RecordKey};
    use footbridge_model::plugin::Presence;

    fn doc(text: &str) -> Document {
        Document::from_plugin(text).unwrap()
    }

    /// A new customer is written with all that the mapping makes. Followed are those parts and the ones that have a place in the CRM, and
    /// one of them that was empty is nobody's change in the ledger.
    #[test]
    fn of_a_new_customer_the_parts_that_are_followed_are_remembered() {
        let back = [
            ("addresses.billing.city", "BillingCity"),
            ("addresses.billing.line1", "BillingStreet"),
        ];
        let policy = CustomerPolicy {
            back: back
                .map(|(part, place)| (part.to_owned(), place.to_owned()))
                .into(),
            ..CustomerPolicy::default()
        };
        let made = doc(r#"{"addresses":[{"kind":"billing","city":"Leeds","country":"GB"}]}"#);
        let account = |street: &str| {
            doc(&format!(
                r#"{{"BillingCity":"Leeds","BillingStreet":{street}}}"#
            ))
        };
        let source = Source {
            record: RecordKey {
                connection: ConnectionId::from("crm"),
                organisation: OrganisationId::from("00D"),
                object: ObjectName::from("Account"),
                id: RecordId::from("c1"),
            },
            version: "1".to_owned(),
            presence: Presence::Present,
            doc: account("null"),
            drafts: Ok(vec![(CUSTOMER.to_owned(), made.clone())]),
        };
        let at = DateTime::from_timestamp(1_791_190_800, 0).unwrap();
        let text = of_new(&policy, &source, &made, at).unwrap();
        let address = Field::named("addresses.billing").unwrap();
        for owner in [Owner::Source, Owner::Ledger, Owner::Newest, Owner::Ask] {
            let state = state::State::read(Some(&text));
            let all = values::both(&policy, &made, &account(r#""1 High St""#), &made, &state);
            let (_, ours, theirs) = all
                .into_iter()
                .find(|(field, ..)| *field == address)
                .unwrap();
            let given = decide::Given {
                field: address,
                rule: policy::Rule {
                    owner,
                    ..policy.rule(address)
                },
                source: ours.as_ref(),
                ledger: theirs.as_ref(),
                versions: ("2", "1"),
                newest: Some(Side::Ledger),
                now: at,
                beside: address::Beside::Nothing,
                name_taken: None,
            };
            let verdict = decide::decide(&given, &mut state.of(address), |_, _| None);
            let expected = match owner {
                Owner::Ledger => decide::Verdict::Keep(decide::Kept::NotOwned(Side::Source)),
                _ => decide::Verdict::Write {
                    to: Side::Ledger,
                    value: doc(r#"{"city":"Leeds","country":"GB","line1":"1 High St"}"#),
                    from: doc(r#"{"city":"Leeds","country":"GB","line1":"1 High St"}"#),
                    why: decide::Because::Changed,
                },
            };
            assert_eq!(verdict, expected, "{owner:?}");
        }
    }
}
