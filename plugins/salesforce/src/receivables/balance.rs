//! `receivable-balance`: what one customer owes one ledger organisation in one currency.
//!
//! `overdue` here is stored: a roll-up over records can't be a formula, so the host refreshes it once per organisation day.

use super::Shape::{Amount, Count, Key, Lookup, Name, Text};
use super::{Kind, known, needed};

/// The kind.
pub(crate) const BALANCE: Kind = Kind {
    word: "receivable-balance",
    object: "Footbridge_Balance__c",
    label: "Footbridge Balance",
    plural: "Footbridge Balances",
    name_label: "Balance",
    fields: &[
        needed("key", "Key__c", "Key", Key),
        needed("name", "Name", "Balance", Name),
        needed(
            "organisation",
            "Organisation__c",
            "Ledger organisation",
            Text(80),
        ),
        known(
            "account",
            "Account__c",
            "Account",
            Lookup {
                to: "Account",
                children: "Footbridge_Balances",
            },
        ),
        needed("customer", "Customer__c", "Ledger customer", Text(80)),
        known("role", "Role__c", "Role", Text(40)),
        needed("currency", "Currency__c", "Currency", Text(3)),
        known(
            "base_currency",
            "Base_Currency__c",
            "Base currency",
            Text(3),
        ),
        known("invoiced_due", "Invoiced_Due__c", "Due on invoices", Amount),
        known(
            "unallocated_credits",
            "Unallocated_Credits__c",
            "Unallocated credits",
            Amount,
        ),
        known("balance", "Balance__c", "Balance", Amount),
        known(
            "base_balance",
            "Base_Balance__c",
            "Balance in base currency",
            Amount,
        ),
        known("overdue", "Overdue__c", "Overdue", Amount),
        known(
            "open_documents",
            "Open_Documents__c",
            "Open documents",
            Count(0),
        ),
        known(
            "average_days_to_pay",
            "Average_Days_To_Pay__c",
            "Average days to pay",
            Count(2),
        ),
    ],
    formulas: &[],
};
