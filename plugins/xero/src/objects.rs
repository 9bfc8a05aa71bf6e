//! The kinds of records that this connector knows, and how Xero calls them.
//!
//! Never contains behaviour of one kind only: that lives in the record files, to which [`Kind::item`] dispatches.

use footbridge_sdk::connector::{Failure, FailureKind, Item, Presence};
use footbridge_sdk::document::{Field, Structure, at, digest, write};
use footbridge_sdk::failure::{Code, failure};
use serde_json::Value;

use crate::columns::identifier;
use crate::{catalogue, credit, customer, dates, invoice, payment};

/// A kind of record of the ledger vocabulary that Xero holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Customer,
    Invoice,
    CreditNote,
    Overpayment,
    Prepayment,
    Payment,
    Item,
    Account,
    TaxRate,
}

impl Kind {
    pub(crate) const ALL: [Self; 9] = [
        Self::Customer,
        Self::Invoice,
        Self::CreditNote,
        Self::Overpayment,
        Self::Prepayment,
        Self::Payment,
        Self::Item,
        Self::Account,
        Self::TaxRate,
    ];

    /// The kind of this name.
    pub(crate) fn named(name: &str) -> Result<Self, Failure> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| {
                failure(
                    FailureKind::Misconfigured,
                    Code::UnknownObject,
                    format!(
                        "The Xero connector knows no object \"{name}\": use {}.",
                        Self::ALL.map(Self::name).join(", ")
                    ),
                )
            })
    }

    /// The name in the ledger vocabulary.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Invoice => "invoice",
            Self::CreditNote => "credit-note",
            Self::Overpayment => "overpayment",
            Self::Prepayment => "prepayment",
            Self::Payment => "payment",
            Self::Item => "item",
            Self::Account => "account",
            Self::TaxRate => "tax-rate",
        }
    }

    /// The path below the accounting API's root and the key of its lists.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Customer => "Contacts",
            Self::Invoice => "Invoices",
            Self::CreditNote => "CreditNotes",
            Self::Overpayment => "Overpayments",
            Self::Prepayment => "Prepayments",
            Self::Payment => "Payments",
            Self::Item => "Items",
            Self::Account => "Accounts",
            Self::TaxRate => "TaxRates",
        }
    }

    /// Where an element keeps its id. Tax rates have none but their type.
    pub(crate) fn id_field(self) -> &'static str {
        match self {
            Self::Customer => "ContactID",
            Self::Invoice => "InvoiceID",
            Self::CreditNote => "CreditNoteID",
            Self::Overpayment => "OverpaymentID",
            Self::Prepayment => "PrepaymentID",
            Self::Payment => "PaymentID",
            Self::Item => "ItemID",
            Self::Account => "AccountID",
            Self::TaxRate => "TaxType",
        }
    }

    /// The id of an element, in lower case where it is a GUID; none for a missing one and for the zero GUID, which Xero
    /// writes for what it did not create.
    pub(crate) fn id_of(self, element: &Value) -> Option<String> {
        let id = at(element, self.id_field()).text()?;
        if self == Self::TaxRate {
            return Some(id.to_owned());
        }
        identifier(id)
    }

    /// Whether its lists have pages and reads by modification; the others are small.
    pub(crate) fn is_paged(self) -> bool {
        !matches!(self, Self::Item | Self::Account | Self::TaxRate)
    }

    /// The record's stamp in milliseconds, if it has a readable one.
    pub(crate) fn stamp_of(element: &Value) -> Option<i64> {
        ["UpdatedDateUTC", "UpdatedDateUTCString"]
            .into_iter()
            .find_map(|key| {
                at(element, key)
                    .text()
                    .and_then(|text| dates::millis(text).ok())
            })
    }

    /// The record's version: its stamp, or a digest of what was reported where there is no readable stamp.
    pub(crate) fn version_of(element: &Value) -> String {
        Self::stamp_of(element)
            .and_then(dates::written)
            .unwrap_or_else(|| digest(element))
    }

    /// The ledger document of an element.
    pub(crate) fn read(self, element: &Value) -> Structure {
        match self {
            Self::Customer => customer::read(element),
            Self::Invoice => invoice::read(element),
            Self::CreditNote => credit::note(element),
            Self::Overpayment | Self::Prepayment => credit::advance(element),
            Self::Payment => payment::read(element),
            Self::Item => catalogue::item(element),
            Self::Account => catalogue::account(element),
            Self::TaxRate => catalogue::tax_rate(element),
        }
    }

    /// Unit prices have four places where this is asked for, in reads as in writes; else Xero shows and keeps two.
    pub(crate) fn unit_places(self) -> Option<(String, String)> {
        let has_prices = match self {
            Self::Invoice
            | Self::CreditNote
            | Self::Overpayment
            | Self::Prepayment
            | Self::Item => true,
            Self::Customer | Self::Payment | Self::Account | Self::TaxRate => false,
        };
        has_prices.then(|| ("unitdp".to_owned(), "4".to_owned()))
    }

    /// The record that an element reports; none if it has no id.
    pub(crate) fn item(self, element: &Value) -> Option<Item> {
        Some(Item {
            object: self.name().to_owned(),
            id: self.id_of(element)?,
            version: Self::version_of(element),
            presence: self.presence(element),
            doc: write(&self.read(element)),
        })
    }

    fn presence(self, element: &Value) -> Presence {
        if let (Self::Customer, Field::Text(winner)) = (self, at(element, "MergedToContactID"))
            && let Some(winner) = identifier(winner)
        {
            return Presence::MergedInto(winner);
        }
        let status_field = if self == Self::Customer {
            "ContactStatus"
        } else {
            "Status"
        };
        match (self, at(element, status_field).text()) {
            (_, Some("ARCHIVED" | "GDPRREQUEST")) => Presence::Archived,
            (_, Some("DELETED")) => Presence::Deleted,
            _ => Presence::Present,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn presence_and_ids() {
        let cases = [
            (
                Kind::Customer,
                json!({"ContactID": "AB", "ContactStatus": "ARCHIVED"}),
                Presence::Archived,
            ),
            (
                Kind::Customer,
                json!({"ContactID": "AB", "ContactStatus": "ARCHIVED", "MergedToContactID": "CD"}),
                Presence::MergedInto("cd".into()),
            ),
            (
                Kind::Invoice,
                json!({"InvoiceID": "AB", "Status": "DELETED"}),
                Presence::Deleted,
            ),
            (
                Kind::Invoice,
                json!({"InvoiceID": "AB", "Status": "VOIDED"}),
                Presence::Present,
            ),
            (
                Kind::Payment,
                json!({"PaymentID": "AB", "Status": "DELETED"}),
                Presence::Deleted,
            ),
        ];
        for (kind, element, presence) in cases {
            let item = kind.item(&element).unwrap();
            assert_eq!((item.id.as_str(), item.presence), ("ab", presence));
        }
    }

    #[test]
    fn the_zero_id_is_none() {
        assert_eq!(
            Kind::Customer.id_of(&json!({"ContactID": "00000000-0000-0000-0000-000000000000"})),
            None
        );
        assert_eq!(Kind::Customer.id_of(&json!({"Name": "x"})), None);
    }

    #[test]
    fn an_unreadable_stamp_gives_a_version_by_content() {
        let one = Kind::version_of(&json!({"UpdatedDateUTC": "junk", "Name": "a"}));
        let other = Kind::version_of(&json!({"UpdatedDateUTC": "junk", "Name": "b"}));
        assert_ne!(one, other);
        assert_eq!(
            Kind::version_of(&json!({"UpdatedDateUTC": "/Date(1789378199000+0000)/"})),
            "2026-09-14T09:29:59Z"
        );
    }
}
