//! How far an invoice went: still a draft, approved, or so far that nobody edits it any more.
//!
//! What wasn't reported counts as gone that far: an unread field is no leave to edit.

use crate::dates;
use crate::explain::Stop;
use crate::input::PlanInput;
use chrono::NaiveDate;
use footbridge_model::ledger::Invoice;
use rust_decimal::Decimal;

/// How far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A draft, or waiting for approval.
    Open,
    /// Approved; neither sent nor paid, and dated in an open period.
    Approved,
    /// Never edited any more, with why.
    Final(Vec<Bar>),
}

/// Why an invoice is never edited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bar {
    /// The customer has it.
    Sent,
    /// Something was paid.
    PartPaid,
    /// All was settled.
    Paid,
    /// Something was credited.
    Credited,
    /// Its date lies in a closed period.
    Closed {
        /// What closes it.
        name: &'static str,
        /// The last day that is closed.
        until: NaiveDate,
        /// Whether it is in the books at all.
        posted: Posted,
    },
    /// The ledger doesn't report this.
    NotReported(&'static str),
}

/// Whether an invoice is in the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Posted {
    Yes,
    No,
}

/// The stage of an invoice that isn't voided or deleted.
pub(crate) fn of(input: &PlanInput<'_>, invoice: &Invoice) -> Result<Stage, Stop> {
    let some = |amount: Option<Decimal>| amount.is_some_and(|amount| !amount.is_zero());
    let mut bars = Vec::new();
    let open = match invoice.status.as_deref() {
        Some("draft" | "submitted") => true,
        Some("authorised") => false,
        Some("paid") => {
            bars.push(Bar::Paid);
            false
        }
        _ => {
            bars.push(Bar::NotReported("its status"));
            false
        }
    };
    match invoice.sent {
        Some(true) => bars.push(Bar::Sent),
        None if !open => bars.push(Bar::NotReported("whether it was sent")),
        _ => {}
    }
    let paid =
        some(invoice.amount_paid) || invoice.payments.as_ref().is_some_and(|all| !all.is_empty());
    let credited = some(invoice.amount_credited)
        || invoice.credits.as_ref().is_some_and(|all| !all.is_empty());
    if paid && !bars.contains(&Bar::Paid) {
        bars.push(Bar::PartPaid);
    }
    if credited {
        bars.push(Bar::Credited);
    }
    if !open && (invoice.amount_paid.is_none() || invoice.amount_credited.is_none()) {
        bars.push(Bar::NotReported("what was paid or credited"));
    }
    match invoice.date.as_deref().and_then(dates::date) {
        None => bars.push(Bar::NotReported("its date")),
        Some(date) => {
            if let Some((name, until)) = dates::closed_period(input, date)? {
                let posted = if open { Posted::No } else { Posted::Yes };
                bars.push(Bar::Closed {
                    name,
                    until,
                    posted,
                });
            }
        }
    }
    Ok(if !bars.is_empty() {
        Stage::Final(bars)
    } else if open {
        Stage::Open
    } else {
        Stage::Approved
    })
}
