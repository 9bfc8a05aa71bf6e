//! Status: how a document stands, from what the ledger says of it (domain rule 12). One place, one table of tests.
//!
//! Overdue is never a status: the CRM works it out from due date and amount due.

use super::amounts::{Owed, Used};
use super::input::{Given, ReflectPolicy};
use crate::explain::{Stop, reflect as say};
use footbridge_model::ledger::{Credit, Invoice};
use footbridge_model::receivable::{DocumentKind, DocumentStatus};
use rust_decimal::Decimal;

/// What the ledger's own status says, before any amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Not approved, or cancelled: amounts don't matter.
    Fixed(DocumentStatus),
    /// Approved.
    Live,
    /// Approved, and the ledger says that nothing is left.
    Settled,
}

/// The stage of a ledger's status.
pub(crate) fn stage(name: &str, status: Option<&str>) -> Result<Stage, Stop> {
    match status {
        Some("draft" | "submitted") => Ok(Stage::Fixed(DocumentStatus::Draft)),
        Some("voided") => Ok(Stage::Fixed(DocumentStatus::Voided)),
        Some("deleted") => Ok(Stage::Fixed(DocumentStatus::Deleted)),
        Some("authorised") => Ok(Stage::Live),
        Some("paid") => Ok(Stage::Settled),
        Some(other) => Err(say::unknown_status(name, other)),
        None => Err(say::not_reported(name, "status")),
    }
}

/// How an approved invoice stands.
pub(crate) fn of_invoice(
    name: &str,
    given: &Given,
    invoice: &Invoice,
    owed: &Owed,
    stage: Stage,
    policy: &ReflectPolicy,
) -> Result<DocumentStatus, Stop> {
    if owed.due > Decimal::ZERO {
        if stage == Stage::Settled {
            return Err(say::paid_and_due(name, owed.due));
        }
        let untouched = owed.paid.is_zero() && owed.credited.is_zero();
        return Ok(if untouched {
            DocumentStatus::AwaitingPayment
        } else {
            DocumentStatus::PartPaid
        });
    }
    Ok(if given_up(given, policy) {
        DocumentStatus::WrittenOff
    } else if owed.credited.is_zero() || owed.paid > Decimal::ZERO || by_money(invoice) {
        DocumentStatus::Paid
    } else {
        DocumentStatus::Credited
    })
}

/// How an approved credit stands.
pub(crate) fn of_credit(used: &Used) -> DocumentStatus {
    if used.left > Decimal::ZERO {
        DocumentStatus::CreditUnallocated
    } else if used.refunded > Decimal::ZERO {
        DocumentStatus::Refunded
    } else {
        DocumentStatus::Credited
    }
}

/// Overpayments and prepayments are money, credit notes aren't.
fn by_money(invoice: &Invoice) -> bool {
    let credits = invoice.credits.iter().flatten();
    let mut kinds = credits.filter_map(|credit| DocumentKind::named(&credit.kind));
    kinds.any(|kind| matches!(kind, DocumentKind::Overpayment | DocumentKind::Prepayment))
}

/// Whether some of what settled it went against an account that stands for giving up.
fn given_up(given: &Given, policy: &ReflectPolicy) -> bool {
    let gives_up = |account: &str| policy.write_off_accounts.contains(account);
    let by_payment = given.payments.values().flatten().any(|payment| {
        payment.status.as_deref() != Some("deleted")
            && payment.account.as_deref().is_some_and(gives_up)
    });
    by_payment
        || given
            .credits
            .values()
            .any(|credit| gives_up_all(credit, gives_up))
}

fn gives_up_all(credit: &Credit, gives_up: impl Fn(&str) -> bool) -> bool {
    let cancelled = matches!(credit.status.as_deref(), Some("voided" | "deleted"));
    let accounts = credit.accounts.as_deref().unwrap_or_default();
    !cancelled && !accounts.is_empty() && accounts.iter().all(|account| gives_up(account))
}
