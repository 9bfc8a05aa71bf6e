//! `receivable-payment`: money received or paid back, or a credit set against an invoice. A reversed one is kept and marked.

use super::Shape::{Amount, ByKey, Choice, Date, Flag, Key, Lookup, Name, Rate, Text};
use super::{Kind, known, needed};

const KINDS: &[(&str, &str)] = &[
    ("payment", "Payment"),
    ("refund", "Refund"),
    ("allocation", "Allocation of credit"),
];

const STATUSES: &[(&str, &str)] = &[("recorded", "Recorded"), ("reversed", "Reversed")];

/// The kind.
pub(crate) const PAYMENT: Kind = Kind {
    word: "receivable-payment",
    object: "Footbridge_Payment__c",
    label: "Footbridge Payment",
    plural: "Footbridge Payments",
    name_label: "Payment",
    fields: &[
        needed("key", "Key__c", "Key", Key),
        needed("name", "Name", "Payment", Name),
        needed(
            "organisation",
            "Organisation__c",
            "Ledger organisation",
            Text(80),
        ),
        needed("ledger_id", "Ledger_Id__c", "Ledger ID", Text(80)),
        needed(
            "document_key",
            "Document__c",
            "Document",
            ByKey {
                to: "Footbridge_Document__c",
                children: "Footbridge_Payments",
            },
        ),
        known(
            "account",
            "Account__c",
            "Account",
            Lookup {
                to: "Account",
                children: "Footbridge_Payments",
            },
        ),
        needed("kind", "Kind__c", "Kind", Choice(KINDS)),
        needed("status", "Status__c", "Status", Choice(STATUSES)),
        known("date", "Date__c", "Date", Date),
        known("amount", "Amount__c", "Amount", Amount),
        known("currency", "Currency__c", "Currency", Text(3)),
        known("currency_rate", "Currency_Rate__c", "Currency rate", Rate),
        known(
            "base_amount",
            "Base_Amount__c",
            "Amount in base currency",
            Amount,
        ),
        known("reference", "Reference__c", "Reference", Text(255)),
        known("batch", "Batch__c", "Batch", Text(80)),
        known("reconciled", "Reconciled__c", "Reconciled", Flag),
    ],
    formulas: &[],
};
