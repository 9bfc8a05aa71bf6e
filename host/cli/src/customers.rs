//! `customers` of a flow: the CRM's objects that become customers, alone, or as a table that also says how changes of them go from one
//! side to the other.
//!
//! Values and their checks only; the rules are `footbridge_plan::merge`'s.

use footbridge_plan::merge::{CustomerPolicy, FieldPolicy};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// What a flow says about customers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Customers {
    /// Objects of the CRM that become customers.
    pub(crate) objects: Vec<String>,
    /// How changes are followed; none: they are not.
    pub(crate) policy: Option<CustomerPolicy>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Table {
    objects: Vec<String>,
    #[serde(default)]
    fields: BTreeMap<String, FieldPolicy>,
    #[serde(default)]
    back: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for Customers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Either)
    }
}

struct Either;

impl<'de> Visitor<'de> for Either {
    type Value = Customers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a list of objects such as [\"Account\"], or a table with objects, fields and back",
        )
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Customers, A::Error> {
        Ok(Customers {
            objects: Vec::deserialize(SeqAccessDeserializer::new(items))?,
            policy: None,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Customers, A::Error> {
        let table = Table::deserialize(MapAccessDeserializer::new(entries))?;
        let policy = CustomerPolicy {
            fields: table.fields,
            back: table.back,
        };
        if let Some(mistake) = policy.mistake() {
            return Err(A::Error::custom(format!(
                "{}: {}. Accepted: {}",
                mistake.key,
                mistake.found,
                mistake.accepted.join(", ")
            )));
        }
        Ok(Customers {
            objects: table.objects,
            policy: Some(policy),
        })
    }
}
