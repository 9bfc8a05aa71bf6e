//! The rails of a flow as the operator sets them: what of a plan is carried out without asking. Nothing is railed unless it is said,
//! but for the first run, which is always shown before it writes.
//!
//! It reads and checks; `super` applies.

use footbridge_model::money::decimal;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// How an amount limit is written.
const AMOUNTS: &str = "an amount as text such as \"5000.00\", or one for each currency such as { GBP = \"5000.00\", EUR = \"6000.00\" }";

/// `[flows.NAME.rails]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Rails {
    /// What a flow that has never written does.
    pub first_run: FirstRun,
    /// Only these deals are billed; everything else waits.
    pub pilot: Option<Pilot>,
    /// A run writes at most so many records; the rest goes on in the next one, oldest first.
    pub most_writes_per_run: Option<u32>,
    /// An invoice of more, tax included, waits for a person's yes.
    pub approval_above: Option<ApprovalAbove>,
}

/// What a flow that has never written does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirstRun {
    /// It refuses to write until a person said yes: to a plan, or with `sync --go`.
    #[default]
    Ask,
    /// It writes.
    Write,
}

/// Which deals a pilot lets through.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pilot {
    /// Deals by id, in the long or the short form.
    Only(Vec<String>),
    /// The first so many that come up, oldest first; the same ones in every later run.
    First(u32),
    /// Deals whose fields say just this.
    Where(BTreeMap<String, String>),
}

impl Pilot {
    /// Fields of the deal that it looks at.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        let fields = match self {
            Self::Where(fields) => Some(fields),
            Self::Only(_) | Self::First(_) => None,
        };
        fields
            .into_iter()
            .flatten()
            .map(|(field, _)| field.as_str())
    }
}

/// Above which total an invoice waits for a yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApprovalAbove {
    /// The same figure in every currency.
    Any(Decimal),
    /// By currency; an invoice in a currency that isn't named always waits.
    Each(BTreeMap<String, Decimal>),
}

impl ApprovalAbove {
    /// The most that goes unasked in a currency; none: everything asks.
    pub fn limit(&self, currency: &str) -> Option<Decimal> {
        match self {
            Self::Any(limit) => Some(*limit),
            Self::Each(limits) => limits.get(currency).copied(),
        }
    }
}

impl<'de> Deserialize<'de> for ApprovalAbove {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Amounts)
    }
}

/// Reads either form. A number without quotes is refused: it would be a float on its way here.
struct Amounts;

impl<'de> Visitor<'de> for Amounts {
    type Value = ApprovalAbove;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(AMOUNTS)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        amount(text).map(ApprovalAbove::Any)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut limits = BTreeMap::new();
        while let Some((currency, text)) = map.next_entry::<String, String>()? {
            let known = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
            if !known {
                return Err(de::Error::custom(format!(
                    "{currency:?} is no currency code; three capital letters are accepted, such as GBP"
                )));
            }
            limits.insert(currency, amount(&text)?);
        }
        Ok(ApprovalAbove::Each(limits))
    }
}

fn amount<E: de::Error>(text: &str) -> Result<Decimal, E> {
    decimal(text)
        .ok()
        .filter(|amount| *amount >= Decimal::ZERO)
        .ok_or_else(|| E::custom(format!("{text:?} is no amount; accepted is {AMOUNTS}")))
}
