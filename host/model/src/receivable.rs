//! The receivables vocabulary of `wit/README.md`: how a CRM shows what customers owe and paid, in the host's own names.
//!
//! Names, kinds and keys only; what a record says is worked out by the planner (`host/plan`, `reflect`). Every key begins with
//! the ledger's organisation (domain rule 3).

use crate::id::OrganisationId;
use serde::{Deserialize, Serialize};

/// Invoices, credit notes, overpayments, prepayments.
pub const DOCUMENT: &str = "receivable-document";
/// Payments, refunds, allocations.
pub const PAYMENT: &str = "receivable-payment";
/// What a customer owes in one currency.
pub const BALANCE: &str = "receivable-balance";
/// All of them, parents first.
pub const KINDS: [&str; 3] = [DOCUMENT, PAYMENT, BALANCE];
/// The natural key of all of them; the CRM enforces that it is unique.
pub const KEY: &str = "key";

/// Fields that hold a decimal: `100.00` in them is `100`.
pub const DECIMALS: [&str; 21] = [
    "currency_rate",
    "sub_total",
    "total_tax",
    "total",
    "amount_due",
    "amount_paid",
    "amount_credited",
    "amount_deducted",
    "remaining_credit",
    "base_total",
    "base_amount_due",
    "days_to_pay",
    "amount",
    "base_amount",
    "invoiced_due",
    "unallocated_credits",
    "balance",
    "base_balance",
    "overdue",
    "open_documents",
    "average_days_to_pay",
];

/// Whether an object is one of the vocabulary.
pub fn is_receivable(object: &str) -> bool {
    KINDS.contains(&object)
}

/// What kind of document it is, named as in the ledger vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentKind {
    /// The customer owes it.
    Invoice,
    /// The firm gives it back.
    CreditNote,
    /// Paid beyond what was owed.
    Overpayment,
    /// Paid ahead.
    Prepayment,
}

impl DocumentKind {
    /// All of them. Invoices first: allocations refer to them.
    pub const ALL: [Self; 4] = [
        Self::Invoice,
        Self::CreditNote,
        Self::Overpayment,
        Self::Prepayment,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::CreditNote => "credit-note",
            Self::Overpayment => "overpayment",
            Self::Prepayment => "prepayment",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// How people call it at the beginning of a name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Invoice => "Invoice",
            Self::CreditNote => "Credit note",
            Self::Overpayment => "Overpayment",
            Self::Prepayment => "Prepayment",
        }
    }
}

/// Which document of a ledger.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DocumentId {
    /// What it is.
    pub kind: DocumentKind,
    /// The ledger's id.
    pub id: String,
}

impl DocumentId {
    /// A document of this kind.
    pub fn new(kind: DocumentKind, id: impl Into<String>) -> Self {
        Self {
            kind,
            id: id.into(),
        }
    }

    /// The natural key of its record in the CRM.
    pub fn key(&self, organisation: &OrganisationId) -> String {
        format!("{organisation}/{}/{}", self.kind.as_str(), self.id)
    }

    /// The document of a natural key, if it is one of this organisation's.
    pub fn of_key(key: &str, organisation: &OrganisationId) -> Option<Self> {
        let rest = key.strip_prefix(organisation.as_str())?.strip_prefix('/')?;
        let (kind, id) = rest.split_once('/')?;
        Some(Self::new(DocumentKind::named(kind)?, id))
    }
}

/// The natural key of a payment's or refund's record.
pub fn payment_key(organisation: &OrganisationId, payment: &str) -> String {
    format!("{organisation}/payment/{payment}")
}

/// The natural key of an allocation's record.
pub fn allocation_key(organisation: &OrganisationId, allocation: &str) -> String {
    format!("{organisation}/allocation/{allocation}")
}

/// The natural key of a customer's balance in one currency.
pub fn balance_key(organisation: &OrganisationId, customer: &str, currency: &str) -> String {
    format!("{organisation}/{customer}/{currency}")
}

/// What a natural key stands for, as far as the key itself tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keyed<'a> {
    /// A document.
    Document(DocumentId),
    /// A payment or refund, by the ledger's id.
    Payment(&'a str),
    /// An allocation, by the ledger's id.
    Allocation(&'a str),
    /// A balance: customer and currency.
    Balance(&'a str, &'a str),
}

/// Reads a natural key of an object; `None` if it is not one of this organisation's.
pub fn keyed<'a>(object: &str, key: &'a str, organisation: &OrganisationId) -> Option<Keyed<'a>> {
    let rest = key.strip_prefix(organisation.as_str())?.strip_prefix('/')?;
    let (first, second) = rest.split_once('/')?;
    match (object, first) {
        (DOCUMENT, kind) => Some(Keyed::Document(DocumentId::new(
            DocumentKind::named(kind)?,
            second,
        ))),
        (PAYMENT, "payment") => Some(Keyed::Payment(second)),
        (PAYMENT, "allocation") => Some(Keyed::Allocation(second)),
        (BALANCE, customer) => Some(Keyed::Balance(customer, second)),
        _ => None,
    }
}

/// How a document stands. Overdue is not among them: it depends on the day, so the CRM works it out by a formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentStatus {
    /// Not approved.
    Draft,
    /// Nothing was settled yet.
    AwaitingPayment,
    /// Some of it was settled.
    PartPaid,
    /// Settled, some of it by money.
    Paid,
    /// An invoice that credit notes settled; a credit that invoices used up.
    Credited,
    /// A credit that was paid out, all or some of it, and has nothing left.
    Refunded,
    /// Settled, some of it because the firm gave up.
    WrittenOff,
    /// Cancelled after approval.
    Voided,
    /// Cancelled before.
    Deleted,
    /// A credit with something left.
    CreditUnallocated,
}

impl DocumentStatus {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::AwaitingPayment => "awaiting-payment",
            Self::PartPaid => "part-paid",
            Self::Paid => "paid",
            Self::Credited => "credited",
            Self::Refunded => "refunded",
            Self::WrittenOff => "written-off",
            Self::Voided => "voided",
            Self::Deleted => "deleted",
            Self::CreditUnallocated => "credit-unallocated",
        }
    }

    /// Whether something of it is still to be settled.
    pub fn is_open(self) -> bool {
        matches!(
            self,
            Self::AwaitingPayment | Self::PartPaid | Self::CreditUnallocated
        )
    }

    /// Whether it was cancelled: its amounts count for nothing.
    pub fn is_cancelled(self) -> bool {
        matches!(self, Self::Voided | Self::Deleted)
    }
}

/// What money did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentKind {
    /// It came.
    Payment,
    /// It went back.
    Refund,
    /// A credit was set against an invoice.
    Allocation,
}

impl PaymentKind {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Allocation => "allocation",
        }
    }

    /// How people call it at the beginning of a name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Payment => "Payment",
            Self::Refund => "Refund",
            Self::Allocation => "Allocation",
        }
    }
}

/// Whether it still counts. A record is kept when it no longer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentStatus {
    /// It counts.
    Recorded,
    /// It was taken back in the ledger.
    Reversed,
}

impl PaymentStatus {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Reversed => "reversed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_name_the_organisation_and_read_back() {
        let org = OrganisationId::new("org-1");
        for kind in DocumentKind::ALL {
            let document = DocumentId::new(kind, "a/b");
            let key = document.key(&org);
            assert_eq!(DocumentId::of_key(&key, &org), Some(document.clone()));
            assert_eq!(keyed(DOCUMENT, &key, &org), Some(Keyed::Document(document)));
            assert_eq!(DocumentId::of_key(&key, &OrganisationId::new("org")), None);
        }
        let payment = payment_key(&org, "p");
        assert_eq!(keyed(PAYMENT, &payment, &org), Some(Keyed::Payment("p")));
        let allocation = allocation_key(&org, "x");
        assert_eq!(
            keyed(PAYMENT, &allocation, &org),
            Some(Keyed::Allocation("x"))
        );
        let balance = balance_key(&org, "c", "GBP");
        assert_eq!(
            keyed(BALANCE, &balance, &org),
            Some(Keyed::Balance("c", "GBP"))
        );
        assert_eq!(keyed(PAYMENT, &balance, &org), None);
    }
}
