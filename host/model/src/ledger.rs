//! The ledger vocabulary of `wit/README.md` as types: what the host's money rules are written in, once, for every ledger.
//!
//! A field is `None` where the far side did not report it; that never means empty.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// `organisation`: the firm behind a ledger connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// The ledger's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Part of links into the ledger.
    #[serde(default)]
    pub short_code: Option<String>,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// ISO 4217.
    pub base_currency: String,
    /// IANA name.
    pub time_zone: String,
    /// Nothing may be dated on or before it, `YYYY-MM-DD`.
    #[serde(default)]
    pub period_lock_date: Option<String>,
    /// The same for year ends.
    #[serde(default)]
    pub end_of_year_lock_date: Option<String>,
    /// Whether it charges tax at all.
    #[serde(default)]
    pub registered_for_tax: Option<bool>,
    /// Whether the ledger calls it a demo company.
    #[serde(default)]
    pub test: bool,
    /// Currencies that it is subscribed to.
    #[serde(default)]
    pub currencies: Vec<String>,
}

/// `customer` as observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Its name, unique among active ones, case aside.
    pub name: String,
    /// Our external key, if set.
    #[serde(default)]
    pub number: Option<String>,
    /// `active`, `archived`, `merged`.
    #[serde(default)]
    pub status: Option<String>,
    /// Its own tax type for sales.
    #[serde(default)]
    pub sales_tax_type: Option<String>,
    /// Its own account for sales.
    #[serde(default)]
    pub sales_account: Option<String>,
    /// Tax number.
    #[serde(default)]
    pub tax_number: Option<String>,
    /// Invoice e-mail.
    #[serde(default)]
    pub email: Option<String>,
}

/// `invoice` as observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    /// `receivable` or `payable`.
    #[serde(default)]
    pub kind: Option<String>,
    /// The firm's number.
    #[serde(default)]
    pub number: Option<String>,
    /// The customer's purchase order.
    #[serde(default)]
    pub reference: Option<String>,
    /// Our operation key, if we made it.
    #[serde(default)]
    pub url: Option<String>,
    /// The ledger's customer id.
    pub customer: String,
    /// `YYYY-MM-DD`.
    #[serde(default)]
    pub date: Option<String>,
    /// ISO 4217.
    #[serde(default)]
    pub currency: Option<String>,
    /// `draft`, `submitted`, `authorised`, `paid`, `voided`, `deleted`.
    #[serde(default)]
    pub status: Option<String>,
    /// Before tax.
    #[serde(default, with = "amount")]
    pub sub_total: Option<Decimal>,
    /// The tax.
    #[serde(default, with = "amount")]
    pub total_tax: Option<Decimal>,
    /// With tax.
    #[serde(default, with = "amount")]
    pub total: Option<Decimal>,
}

/// `item` as observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Unique.
    pub code: String,
    /// Account for its sales.
    #[serde(default)]
    pub sales_account: Option<String>,
    /// Tax type for its sales.
    #[serde(default)]
    pub sales_tax_type: Option<String>,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether it is sold.
    #[serde(default)]
    pub sold: Option<bool>,
}

/// `account` as observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Unique; absent for some bank accounts.
    #[serde(default)]
    pub code: Option<String>,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// `revenue`, `expense`, `asset`, `liability`, `equity`.
    #[serde(default)]
    pub class: Option<String>,
    /// Default tax type.
    #[serde(default)]
    pub tax_type: Option<String>,
    /// `active`, `archived`.
    #[serde(default)]
    pub status: Option<String>,
}

/// `tax-rate` as observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxRate {
    /// Unique.
    pub tax_type: String,
    /// Its name.
    #[serde(default)]
    pub name: Option<String>,
    /// Per cent.
    #[serde(with = "amount")]
    pub rate: Option<Decimal>,
    /// `active`, `deleted`.
    #[serde(default)]
    pub status: Option<String>,
    /// Whether sales may use it.
    #[serde(default)]
    pub for_revenue: Option<bool>,
}

/// Decimal strings in documents.
pub mod amount {
    use rust_decimal::Decimal;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes the canonical decimal string.
    pub fn serialize<S: Serializer>(value: &Option<Decimal>, s: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(v) => s.serialize_str(&crate::money::canonical(*v)),
            None => s.serialize_none(),
        }
    }

    /// Reads a decimal string.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Decimal>, D::Error> {
        Option::<String>::deserialize(d)?
            .map(|text| crate::money::decimal(&text).map_err(D::Error::custom))
            .transpose()
    }
}
