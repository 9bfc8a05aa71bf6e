//! `receivable-document`: an invoice, credit note, overpayment or prepayment as it stands in the ledger.
//!
//! *Overdue* is never stored: nothing happens in the ledger at midnight, so Salesforce works it out at each look.

use super::Outcome::{Flag as Truth, Text as Words, Whole};
use super::Shape::{Amount, Choice, Count, Date, Key, Link, Lookup, Name, Rate, Text};
use super::{Formula, Kind, known, needed};

const KINDS: &[(&str, &str)] = &[
    ("invoice", "Invoice"),
    ("credit-note", "Credit note"),
    ("overpayment", "Overpayment"),
    ("prepayment", "Prepayment"),
];

const STATUSES: &[(&str, &str)] = &[
    ("draft", "Draft"),
    ("awaiting-payment", "Awaiting payment"),
    ("part-paid", "Part-paid"),
    ("paid", "Paid"),
    ("credited", "Credited"),
    ("refunded", "Refunded"),
    ("written-off", "Written off"),
    ("voided", "Voided"),
    ("deleted", "Deleted"),
    ("credit-unallocated", "Credit unallocated"),
];

/// The kind.
pub(crate) const DOCUMENT: Kind = Kind {
    word: "receivable-document",
    object: "Footbridge_Document__c",
    label: "Footbridge Document",
    plural: "Footbridge Documents",
    name_label: "Document",
    fields: &[
        needed("key", "Key__c", "Key", Key),
        needed("name", "Name", "Document", Name),
        needed(
            "organisation",
            "Organisation__c",
            "Ledger organisation",
            Text(80),
        ),
        known(
            "organisation_name",
            "Organisation_Name__c",
            "Ledger organisation name",
            Text(255),
        ),
        needed("kind", "Kind__c", "Kind", Choice(KINDS)),
        needed("ledger_id", "Ledger_Id__c", "Ledger ID", Text(80)),
        known("number", "Number__c", "Number", Text(255)),
        known("reference", "Reference__c", "Reference", Text(255)),
        known(
            "account",
            "Account__c",
            "Account",
            Lookup {
                to: "Account",
                children: "Footbridge_Documents",
            },
        ),
        known(
            "deal",
            "Opportunity__c",
            "Opportunity",
            Lookup {
                to: "Opportunity",
                children: "Footbridge_Documents",
            },
        ),
        known("customer", "Customer__c", "Ledger customer", Text(80)),
        needed("status", "Status__c", "Stored status", Choice(STATUSES)),
        known("date", "Date__c", "Date", Date),
        known("due_date", "Due_Date__c", "Due date", Date),
        known("fully_paid_on", "Fully_Paid_On__c", "Fully paid on", Date),
        needed("currency", "Currency__c", "Currency", Text(3)),
        known("currency_rate", "Currency_Rate__c", "Currency rate", Rate),
        known(
            "base_currency",
            "Base_Currency__c",
            "Base currency",
            Text(3),
        ),
        known("sub_total", "Sub_Total__c", "Net", Amount),
        known("total_tax", "Total_Tax__c", "Tax", Amount),
        known("total", "Total__c", "Total", Amount),
        known("amount_due", "Amount_Due__c", "Amount due", Amount),
        known("amount_paid", "Amount_Paid__c", "Amount paid", Amount),
        known(
            "amount_credited",
            "Amount_Credited__c",
            "Amount credited",
            Amount,
        ),
        known(
            "amount_deducted",
            "Amount_Deducted__c",
            "Amount deducted",
            Amount,
        ),
        known(
            "remaining_credit",
            "Remaining_Credit__c",
            "Remaining credit",
            Amount,
        ),
        known(
            "base_total",
            "Base_Total__c",
            "Total in base currency",
            Amount,
        ),
        known(
            "base_amount_due",
            "Base_Amount_Due__c",
            "Amount due in base currency",
            Amount,
        ),
        known("days_to_pay", "Days_To_Pay__c", "Days to pay", Count(0)),
        known("url", "Url__c", "Open in the ledger", Link),
    ],
    formulas: &[
        Formula {
            name: "Overdue__c",
            label: "Overdue",
            result: Truth,
            text: "AND(OR(ISPICKVAL(Status__c, \"awaiting-payment\"), ISPICKVAL(Status__c, \"part-paid\")), NOT(ISBLANK(Due_Date__c)), Due_Date__c < TODAY(), Amount_Due__c > 0)",
        },
        Formula {
            name: "Days_Overdue__c",
            label: "Days overdue",
            result: Whole,
            text: "IF(Overdue__c, TODAY() - Due_Date__c, 0)",
        },
        Formula {
            name: "Age_Bucket__c",
            label: "Age",
            result: Words,
            text: "IF(Amount_Due__c <= 0, \"Nothing due\", IF(NOT(Overdue__c), \"Not overdue\", IF(Days_Overdue__c <= 30, \"1-30 days\", IF(Days_Overdue__c <= 60, \"31-60 days\", IF(Days_Overdue__c <= 90, \"61-90 days\", \"91 days and more\")))))",
        },
        Formula {
            name: "Shown_Status__c",
            label: "Status",
            result: Words,
            text: "IF(Overdue__c, \"Overdue\", CASE(Status__c, \"draft\", \"Draft\", \"awaiting-payment\", \"Awaiting payment\", \"part-paid\", \"Part-paid\", \"paid\", \"Paid\", \"credited\", \"Credited\", \"refunded\", \"Refunded\", \"written-off\", \"Written off\", \"voided\", \"Voided\", \"deleted\", \"Deleted\", \"credit-unallocated\", \"Credit unallocated\", \"\"))",
        },
    ],
};
