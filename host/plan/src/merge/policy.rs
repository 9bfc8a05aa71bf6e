//! What the operator says about changes of customers: `[flows.NAME.customers]`. Without it nothing of a customer is ever changed.
//!
//! Values only, with the defaults of domain rule 9. The composition root checks the names; `decide` obeys.

use super::field::{ADDRESS_PARTS, FIELDS, Field, Shape};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How changes of customers go from one side to the other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CustomerPolicy {
    /// By field of the ledger vocabulary, what differs from the defaults.
    pub fields: BTreeMap<String, FieldPolicy>,
    /// Where the CRM holds a field, so that the ledger's value can be written there: `email = "Billing_Email__c"`, and for parts of
    /// an address `"addresses.billing.city" = "BillingCity"`. Such a field of the CRM is its side of the comparison as well; the other
    /// parts of an address are what the mapping makes.
    pub back: BTreeMap<String, String>,
}

/// What the operator says about one field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct FieldPolicy {
    /// Whose value counts.
    pub owner: Option<Owner>,
    /// Whether an emptied field empties the other side's. No, unless it says so.
    pub clear: bool,
    /// Whether, when a pair is seen for the first time, the empty side is filled from the other. No, unless it says so.
    pub fill: bool,
    /// Whether a change waits for a person's yes. Invoice e-mail and tax number do, unless it says otherwise.
    pub approve: Option<bool>,
}

/// Whose value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Owner {
    /// The CRM's: its changes go to the ledger, the ledger's go nowhere, and it wins where both changed.
    Source,
    /// The ledger's, the other way round.
    Ledger,
    /// Changes go both ways; where both changed, the record that was changed last wins.
    Newest,
    /// Changes go both ways; where both changed, a person is asked.
    Ask,
}

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The CRM.
    Source,
    /// The ledger.
    Ledger,
}

impl Side {
    pub(crate) fn other(self) -> Self {
        match self {
            Side::Source => Side::Ledger,
            Side::Ledger => Side::Source,
        }
    }
}

/// The rule of one field, defaults filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) owner: Owner,
    pub(crate) clear: bool,
    pub(crate) fill: bool,
    pub(crate) approve: bool,
    pub(crate) back: Back,
}

/// Whether the ledger's value may be written to the CRM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Back {
    /// The CRM has a place for it.
    Whole,
    /// It has one for parts of it, and another part differs as well: the value is one, so none of it goes.
    NotWhole,
    /// It has none.
    Nowhere,
}

impl CustomerPolicy {
    pub(crate) fn rule(&self, field: Field) -> Rule {
        let said = self.fields.get(field.name);
        Rule {
            owner: said.and_then(|said| said.owner).unwrap_or(field.owner),
            clear: said.is_some_and(|said| said.clear),
            fill: said.is_some_and(|said| said.fill),
            approve: said.and_then(|said| said.approve).unwrap_or(field.approve),
            back: if self.places(field).is_empty() {
                Back::Nowhere
            } else {
                Back::Whole
            },
        }
    }

    /// The CRM's fields that hold a field, each with the part of it that it holds; the part is empty where it is the whole.
    pub(crate) fn places(&self, field: Field) -> Vec<(&'static str, &str)> {
        if field.shape != Shape::Address {
            let place = self.back.get(field.name);
            return place
                .map(|place| ("", place.as_str()))
                .into_iter()
                .collect();
        }
        let parts = ADDRESS_PARTS.into_iter().filter_map(|part| {
            let place = self.back.get(&format!("{}.{part}", field.name))?;
            Some((part, place.as_str()))
        });
        parts.collect()
    }

    /// The CRM's fields that are read for it, sorted.
    pub fn reads(&self) -> Vec<String> {
        let mut fields: Vec<String> = self.back.values().cloned().collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    /// The first thing in it that can't be meant: the key, what was found, what is accepted.
    pub fn mistake(&self) -> Option<Mistake> {
        let known = || FIELDS.into_iter().map(|field| field.name.to_owned());
        let field = self
            .fields
            .keys()
            .find(|name| Field::named(name).is_none())
            .map(|name| Mistake {
                key: format!("fields.{name:?}"),
                found: format!("{name:?} is no field of a customer that is merged"),
                accepted: known().collect(),
            });
        let places: Vec<String> = FIELDS
            .into_iter()
            .flat_map(|field| match field.shape {
                Shape::Address => ADDRESS_PARTS
                    .into_iter()
                    .map(|part| format!("{}.{part}", field.name))
                    .collect(),
                _ => vec![field.name.to_owned()],
            })
            .collect();
        let back = || {
            self.back
                .keys()
                .find(|name| !places.contains(name))
                .map(|name| Mistake {
                    key: format!("back.{name:?}"),
                    found: format!("{name:?} is no field of a customer that can be written back"),
                    accepted: places.clone(),
                })
        };
        let written = || {
            let plain = |text: &str| {
                !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            };
            let (name, place) = self.back.iter().find(|(_, place)| !plain(place))?;
            Some(Mistake {
                key: format!("back.{name:?}"),
                found: format!("{place:?} is no field of the customer's own record in the CRM"),
                accepted: vec!["a field name such as \"Billing_Email__c\"".to_owned()],
            })
        };
        let twice = || {
            let (name, place) = self.back.iter().find(|(name, place)| {
                self.back
                    .iter()
                    .any(|(other, theirs)| other < *name && theirs == *place)
            })?;
            Some(Mistake {
                key: format!("back.{name:?}"),
                found: format!("{place:?} stands for another field already"),
                accepted: vec!["one field of the CRM for each".to_owned()],
            })
        };
        field.or_else(back).or_else(written).or_else(twice)
    }
}

/// Something in the policy that can't be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The key below `[flows.NAME.customers]`.
    pub key: String,
    /// What was found.
    pub found: String,
    /// What is accepted.
    pub accepted: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn the_published_schema_names_what_is_accepted() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../schemas/customers.schema.json");
        let schema: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let names = |path: &str| -> Vec<String> {
            let of = schema.pointer(path).and_then(Value::as_object).unwrap();
            of.keys().cloned().collect()
        };
        for name in names("/oneOf/1/properties/fields/properties") {
            let policy: CustomerPolicy =
                serde_json::from_value(serde_json::json!({"fields": {name.clone(): {}}})).unwrap();
            assert_eq!(policy.mistake(), None, "{name}");
        }
        assert_eq!(
            names("/oneOf/1/properties/fields/properties").len(),
            FIELDS.len()
        );
        let places = names("/oneOf/1/properties/back/properties");
        for name in &places {
            let policy: CustomerPolicy =
                serde_json::from_value(serde_json::json!({"back": {name: "Custom__c"}})).unwrap();
            assert_eq!(policy.mistake(), None, "{name}");
        }
        let wrong = CustomerPolicy {
            back: BTreeMap::from([("status".to_owned(), "X".to_owned())]),
            ..CustomerPolicy::default()
        };
        assert_eq!(
            wrong.mistake().map(|m| m.accepted.len()),
            Some(places.len())
        );
        let field = names("/$defs/field/properties");
        let whole =
            serde_json::json!({"owner": "ask", "clear": true, "fill": true, "approve": false});
        assert_eq!(field.len(), whole.as_object().unwrap().len());
        serde_json::from_value::<FieldPolicy>(whole).unwrap();
    }
}
