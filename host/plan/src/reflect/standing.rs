//! Standing: what one document counts for in its customer's balance. Kept by the engine, so that a balance costs no look at documents.

use footbridge_model::ledger::amount;
use footbridge_model::receivable::DocumentId;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// One document's part in its customer's balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The document.
    pub document: DocumentId,
    /// The ledger's id of the customer.
    pub customer: String,
    /// ISO 4217.
    pub currency: String,
    /// What it counts for.
    pub counts: Counts,
    /// Of a credit: every allocation that was ever seen on it.
    #[serde(default)]
    pub allocations: BTreeSet<String>,
}

/// What a document counts for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    /// The customer owes it.
    Owed {
        /// How much, in the document's currency.
        #[serde(with = "amount")]
        due: Option<Decimal>,
        /// The same in the base currency.
        #[serde(with = "amount")]
        base: Option<Decimal>,
        /// `YYYY-MM-DD`.
        due_date: Option<String>,
    },
    /// The customer has it in hand.
    Credit {
        /// How much, in the document's currency.
        #[serde(with = "amount")]
        left: Option<Decimal>,
        /// The same in the base currency.
        #[serde(with = "amount")]
        base: Option<Decimal>,
    },
    /// It was paid in so many days, where that counts.
    Settled {
        /// From its date to the day that it was fully paid on.
        days: Option<i64>,
    },
    /// A draft, or cancelled.
    Nothing,
    /// It can't be told: neither can the balance.
    Unknown,
}

impl Standing {
    /// When a day passing changes the balance: the due date of something owed.
    pub fn falls_due(&self) -> Option<&str> {
        match &self.counts {
            Counts::Owed { due_date, .. } => due_date.as_deref(),
            _ => None,
        }
    }

    /// Whether something of it is still to be settled.
    pub fn is_open(&self) -> bool {
        matches!(self.counts, Counts::Owed { .. } | Counts::Credit { .. })
    }
}
