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
    /// The customer's name, as the ledger shows it with the invoice.
    #[serde(default)]
    pub customer_name: Option<String>,
    /// `YYYY-MM-DD`.
    #[serde(default)]
    pub date: Option<String>,
    /// `YYYY-MM-DD`.
    #[serde(default)]
    pub due_date: Option<String>,
    /// The day that its last open amount was settled on, `YYYY-MM-DD`.
    #[serde(default)]
    pub fully_paid_on: Option<String>,
    /// ISO 4217.
    #[serde(default)]
    pub currency: Option<String>,
    /// Units of `currency` for one unit of the organisation's base currency.
    #[serde(default, with = "amount")]
    pub currency_rate: Option<Decimal>,
    /// `draft`, `submitted`, `authorised`, `paid`, `voided`, `deleted`.
    #[serde(default)]
    pub status: Option<String>,
    /// Whether the customer has it, as the ledger knows.
    #[serde(default)]
    pub sent: Option<bool>,
    /// What unit amounts hold: `exclusive`, `inclusive`, `no-tax`.
    #[serde(default)]
    pub amounts: Option<String>,
    /// Its lines, in order. `None` where they were not read.
    #[serde(default)]
    pub lines: Option<Vec<InvoiceLine>>,
    /// Before tax.
    #[serde(default, with = "amount")]
    pub sub_total: Option<Decimal>,
    /// The tax.
    #[serde(default, with = "amount")]
    pub total_tax: Option<Decimal>,
    /// With tax.
    #[serde(default, with = "amount")]
    pub total: Option<Decimal>,
    /// What is still owed. `total` = due + paid + credited + deducted, except where it is voided or deleted: there all are 0.
    #[serde(default, with = "amount")]
    pub amount_due: Option<Decimal>,
    /// What payments settled.
    #[serde(default, with = "amount")]
    pub amount_paid: Option<Decimal>,
    /// What credit notes, overpayments and prepayments settled.
    #[serde(default, with = "amount")]
    pub amount_credited: Option<Decimal>,
    /// What the customer deducts for the tax office (the United Kingdom's CIS). `None` where the scheme plays no part.
    #[serde(default, with = "amount")]
    pub amount_deducted: Option<Decimal>,
    /// The payments on it that count: reversed ones are not among them. `None` where they were not read.
    #[serde(default)]
    pub payments: Option<Vec<Settlement>>,
    /// The credits set against it. `None` where they were not read.
    #[serde(default)]
    pub credits: Option<Vec<AppliedCredit>>,
}

impl Invoice {
    /// As a link keeps it as its shadow; what was not reported reads as `None` again.
    pub fn shadow(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

/// An entry of `invoice.lines[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceLine {
    /// The ledger's id of the line; `None` from ledgers that give it none.
    #[serde(default)]
    pub id: Option<String>,
    /// What the customer reads.
    #[serde(default)]
    pub description: Option<String>,
    /// How many.
    #[serde(default, with = "amount")]
    pub quantity: Option<Decimal>,
    /// Price of one.
    #[serde(default, with = "amount")]
    pub unit_amount: Option<Decimal>,
    /// Per cent taken off.
    #[serde(default, with = "amount")]
    pub discount_rate: Option<Decimal>,
    /// Code of the item.
    #[serde(default)]
    pub item: Option<String>,
    /// Code of the account.
    #[serde(default)]
    pub account: Option<String>,
    /// The tax type.
    #[serde(default)]
    pub tax_type: Option<String>,
}

/// An entry of `payments[]`: of an invoice what it was paid with, of a credit what was refunded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// The ledger's id of the payment.
    pub id: String,
    /// In the document's currency.
    #[serde(default, with = "amount")]
    pub amount: Option<Decimal>,
    /// `YYYY-MM-DD`.
    #[serde(default)]
    pub date: Option<String>,
}

/// An entry of `invoice.credits[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedCredit {
    /// `credit-note`, `overpayment`, `prepayment`.
    pub kind: String,
    /// The ledger's id of that document.
    pub id: String,
    /// How much of it, in the invoice's currency.
    #[serde(default, with = "amount")]
    pub amount: Option<Decimal>,
}

/// `credit-note`, `overpayment` and `prepayment` as observed: which one, the record's own kind says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// `receivable` or `payable`.
    #[serde(default)]
    pub kind: Option<String>,
    /// The ledger's customer id.
    #[serde(default)]
    pub customer: Option<String>,
    /// Its name, as the ledger shows it with the document.
    #[serde(default)]
    pub customer_name: Option<String>,
    /// The firm's number; credit notes only.
    #[serde(default)]
    pub number: Option<String>,
    /// What a person wrote on it.
    #[serde(default)]
    pub reference: Option<String>,
    /// `YYYY-MM-DD`.
    #[serde(default)]
    pub date: Option<String>,
    /// The day that the last of it was used on, `YYYY-MM-DD`.
    #[serde(default)]
    pub fully_paid_on: Option<String>,
    /// ISO 4217.
    #[serde(default)]
    pub currency: Option<String>,
    /// Units of `currency` for one unit of the organisation's base currency.
    #[serde(default, with = "amount")]
    pub currency_rate: Option<Decimal>,
    /// `draft`, `submitted`, `authorised`, `paid` (used up), `voided`, `deleted`.
    #[serde(default)]
    pub status: Option<String>,
    /// Before tax.
    #[serde(default, with = "amount")]
    pub sub_total: Option<Decimal>,
    /// The tax.
    #[serde(default, with = "amount")]
    pub total_tax: Option<Decimal>,
    /// With tax, positive.
    #[serde(default, with = "amount")]
    pub total: Option<Decimal>,
    /// What may still be set against invoices or refunded: 0 where it is voided or deleted.
    #[serde(default, with = "amount")]
    pub remaining_credit: Option<Decimal>,
    /// Where it was set against invoices. `None` where that was not read.
    #[serde(default)]
    pub allocations: Option<Vec<Allocation>>,
    /// What was refunded. `None` where that was not read.
    #[serde(default)]
    pub payments: Option<Vec<Settlement>>,
    /// Codes of the accounts that its lines post to, each once. `None` where the lines were not read.
    #[serde(default)]
    pub accounts: Option<Vec<String>>,
}

/// An entry of `allocations[]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The ledger's id of the allocation; `None` from ledgers that give it none.
    #[serde(default)]
    pub id: Option<String>,
    /// The ledger's id of the invoice.
    pub invoice: String,
    /// In the currency of both documents.
    #[serde(default, with = "amount")]
    pub amount: Option<Decimal>,
    /// `YYYY-MM-DD`.
    #[serde(default)]
    pub date: Option<String>,
}

/// `payment` as observed: money for one document. Which document it was never changes; a payment is made and perhaps reversed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The ledger's id of the document that it pays, or that it refunds.
    #[serde(default)]
    pub document: Option<String>,
    /// `invoice`, `credit-note`, `overpayment`, `prepayment`.
    #[serde(default)]
    pub document_kind: Option<String>,
    /// The document's number.
    #[serde(default)]
    pub document_number: Option<String>,
    /// The ledger's customer id.
    #[serde(default)]
    pub customer: Option<String>,
    /// `YYYY-MM-DD`.
    #[serde(default)]
    pub date: Option<String>,
    /// In the document's currency, positive.
    #[serde(default, with = "amount")]
    pub amount: Option<Decimal>,
    /// In the bank account's currency.
    #[serde(default, with = "amount")]
    pub bank_amount: Option<Decimal>,
    /// The document's currency, ISO 4217.
    #[serde(default)]
    pub currency: Option<String>,
    /// Units of `currency` for one unit of the organisation's base currency, on the day of the payment.
    #[serde(default, with = "amount")]
    pub currency_rate: Option<Decimal>,
    /// What the bank line or a person said.
    #[serde(default)]
    pub reference: Option<String>,
    /// Code of the account that the money went to or came from.
    #[serde(default)]
    pub account: Option<String>,
    /// `authorised` or `deleted`.
    #[serde(default)]
    pub status: Option<String>,
    /// `receipt` or `refund`; `None` on the payable side.
    #[serde(default)]
    pub kind: Option<String>,
    /// Whether it belongs to the payable side.
    #[serde(default)]
    pub payable: Option<bool>,
    /// Whether it is matched with a bank line.
    #[serde(default)]
    pub reconciled: Option<bool>,
    /// The ledger's id of the batch that it came in.
    #[serde(default)]
    pub batch: Option<String>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_read_is_none_and_an_empty_list_is_not() {
        let read: Invoice =
            serde_json::from_str(r#"{"customer":"c","amount_due":"0.00","payments":[]}"#).unwrap();
        assert_eq!(read.payments, Some(Vec::new()));
        assert_eq!(read.credits, None);
        assert_eq!(
            (read.amount_due, read.amount_deducted),
            (Some(Decimal::ZERO), None)
        );
        let credit: Credit = serde_json::from_str(
            r#"{"allocations":[{"invoice":"i","amount":"12.50"}],"unreadable":[]}"#,
        )
        .unwrap();
        let allocations = credit.allocations.unwrap();
        assert_eq!(
            allocations.first().unwrap().amount,
            Some(Decimal::new(1250, 2))
        );
        let payment: Payment = serde_json::from_str(r#"{"amount":null}"#).unwrap();
        assert_eq!((payment.amount, payment.payable), (None, None));
    }
}
