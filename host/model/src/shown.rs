//! What an item told beside its record and its reason: which records of the ledger, which sum, which customer.
//!
//! The planner says it with a note, the item keeps it, and a ruling takes it along: a person's yes is to just what they were shown. It
//! decides nothing. Next: [`crate::ruling`].

use crate::called::CustomerName;
use crate::id::{ObjectName, RecordId};
use crate::plan::Subject;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What was shown. What an item doesn't speak of is empty; so is all of it in what was stored before it was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The customer that the deal refers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<ShownCustomer>,
    /// What the invoice would come to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sum: Option<Sum>,
    /// Records, by id, that it looks like, or that have its name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub alike: BTreeSet<RecordId>,
    /// The record of the ledger that stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standing: Option<ShownRecord>,
    /// The name that it can't be given in the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<ShownName>,
    /// What has to be seen to first. An answer isn't held against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<Subject>,
}

/// A customer's name that is taken in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownName {
    /// Its own.
    pub taken: String,
    /// One that is free, as far as is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposed: Option<CustomerName>,
}

/// A customer of the CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownCustomer {
    /// Its object.
    pub object: ObjectName,
    /// Its id.
    pub id: RecordId,
}

/// An amount with its currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// Decimal, in its canonical form.
    pub total: String,
    /// ISO 4217.
    pub currency: String,
}

/// A record of the ledger as it was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownRecord {
    /// Its id.
    pub id: RecordId,
    /// Its version.
    pub version: String,
    /// What may become of it by a person's word.
    pub may: May,
}

/// What may become of a record of the ledger by a person's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum May {
    /// The CRM's word is carried out on it, or it stays.
    Follow,
    /// It only stays.
    Stay,
}

impl Shown {
    /// Nothing is known of what was shown.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether all that is shown now was shown then.
    pub fn covers(&self, now: &Self) -> bool {
        fn same<T: PartialEq>(then: Option<&T>, now: Option<&T>) -> bool {
            now.is_none() || then == now
        }
        fn taken(shown: &Shown) -> Option<&String> {
            shown.name.as_ref().map(|name| &name.taken)
        }
        same(self.customer.as_ref(), now.customer.as_ref())
            && same(self.sum.as_ref(), now.sum.as_ref())
            && same(self.standing.as_ref(), now.standing.as_ref())
            // Another proposal is no other question.
            && same(taken(self), taken(now))
            && now.alike.is_subset(&self.alike)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_shown_is_not_covered() {
        let invoices = |ids: &[&str]| Shown {
            alike: ids.iter().map(|id| RecordId::from(*id)).collect(),
            ..Shown::default()
        };
        let sum = |total: &str| Shown {
            sum: Some(Sum {
                total: total.to_owned(),
                currency: "GBP".to_owned(),
            }),
            ..Shown::default()
        };
        let taken = |name: &str, proposed: &str| Shown {
            name: Some(ShownName {
                taken: name.to_owned(),
                proposed: CustomerName::new(proposed).ok(),
            }),
            ..Shown::default()
        };
        for (then, now, covered) in [
            (taken("Acme", "Acme (2)"), taken("Acme", ""), true),
            (taken("Acme", ""), taken("ACME", ""), false),
            (Shown::default(), taken("Acme", ""), false),
            (invoices(&["a"]), invoices(&["a"]), true),
            (invoices(&["a", "b"]), invoices(&["b"]), true),
            (invoices(&["a"]), invoices(&["a", "b"]), false),
            (Shown::default(), invoices(&["a"]), false),
            (invoices(&["a"]), Shown::default(), true),
            (sum("6000"), sum("6000"), true),
            (sum("6000"), sum("60000"), false),
            (Shown::default(), sum("6000"), false),
        ] {
            assert_eq!(then.covers(&now), covered, "{then:?} {now:?}");
        }
    }

    #[test]
    fn what_was_stored_before_reads_as_nothing_shown() {
        let shown: Shown = serde_json::from_str("{}").unwrap();
        assert!(shown.is_empty());
        assert_eq!(serde_json::to_string(&shown).unwrap(), "{}");
    }
}
