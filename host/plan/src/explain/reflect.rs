//! Sentences about receivables: what is shown in the CRM, and what keeps a record from being shown.

use super::{Stop, quoted};
use crate::money::shown;
use footbridge_model::doubt::stands_in_the_way;
use footbridge_model::failure::Problem;
use footbridge_model::money::canonical;
use footbridge_model::plan::reason;
use footbridge_model::receivable::{DocumentId, DocumentStatus, PaymentStatus};
use rust_decimal::Decimal;

pub(crate) fn document(
    name: &str,
    status: DocumentStatus,
    open: Option<Decimal>,
    currency: &str,
) -> String {
    let status_words = status.as_str().replace('-', " ");
    match open.filter(|open| !open.is_zero() && status.is_open()) {
        Some(open) => format!("{name}: {status_words}, {} open", shown(open, currency)),
        None => format!("{name}: {status_words}"),
    }
}

pub(crate) fn payment(name: &str, document: &str, status: PaymentStatus) -> String {
    match status {
        PaymentStatus::Recorded => format!("{name} on {document}"),
        PaymentStatus::Reversed => format!("{name} on {document} was taken back in the ledger"),
    }
}

pub(crate) fn allocation(name: &str, credit: &str, invoice: &str) -> String {
    format!("{name}: {credit} is set against {invoice}")
}

pub(crate) fn allocation_gone(name: &str, credit: &str) -> String {
    format!("{name}: {credit} is no longer set against that invoice")
}

pub(crate) fn balance(name: &str, balance: Decimal, overdue: Decimal, currency: &str) -> String {
    format!(
        "{name}: owes {}, {} of it overdue",
        shown(balance, currency),
        shown(overdue, currency)
    )
}

pub(crate) fn unreadable(name: &str, problem: &Problem) -> Stop {
    Stop::hold(
        reason::NOT_REPORTED,
        format!(
            "{name} can't be shown: {}. Report this to the connector's author, or correct the record in the ledger.",
            problem.message.trim_end_matches('.')
        ),
    )
}

pub(crate) fn not_reported(name: &str, what: &str) -> Stop {
    Stop::hold(
        reason::NOT_REPORTED,
        format!(
            "{name} can't be shown: the ledger didn't report its {what}. It is looked at again in every sync."
        ),
    )
}

pub(crate) fn unknown_status(name: &str, status: &str) -> Stop {
    Stop::hold(
        reason::NOT_REPORTED,
        format!(
            "{name} can't be shown: the ledger says that it is {}, which isn't known here. Report this to the connector's author.",
            quoted(status)
        ),
    )
}

pub(crate) fn invoice_differs(name: &str, parts: [Decimal; 4], total: Decimal) -> Stop {
    let [due, paid, credited, deducted] = parts.map(canonical);
    Stop::hold(
        reason::AMOUNTS_DONT_ADD_UP,
        format!(
            "The ledger reports for {name} {due} due, {paid} paid, {credited} credited and {deducted} deducted, which isn't its total of {}. Look at it in the ledger; nothing is written until it adds up.",
            canonical(total)
        ),
    )
}

pub(crate) fn credit_differs(name: &str, total: Decimal, left: Decimal) -> Stop {
    Stop::hold(
        reason::AMOUNTS_DONT_ADD_UP,
        format!(
            "The ledger reports for {name} a total of {} with {} left, which the allocations and refunds that it lists don't explain. Look at it in the ledger; nothing is written until it adds up.",
            canonical(total),
            canonical(left)
        ),
    )
}

pub(crate) fn paid_and_due(name: &str, open: Decimal) -> Stop {
    Stop::hold(
        reason::AMOUNTS_DONT_ADD_UP,
        format!(
            "The ledger says that {name} is settled, and that {} of it is open. Look at it in the ledger; nothing is written until that is clear.",
            canonical(open)
        ),
    )
}

pub(crate) fn no_rate(name: &str, currency: &str) -> Stop {
    Stop::hold(
        reason::NO_RATE,
        format!(
            "{name} is in {currency}, and the ledger reported no exchange rate for it. Enter the rate in the ledger."
        ),
    )
}

pub(crate) fn too_large(name: &str) -> Stop {
    Stop::hold(
        reason::NOT_REPORTED,
        format!(
            "{name} has an amount of more digits than can be worked with. Look at it in the ledger."
        ),
    )
}

pub(crate) fn other_currency(name: &str, currency: &str, document: &str) -> Stop {
    Stop::hold(
        reason::AMOUNTS_DONT_ADD_UP,
        format!("{name} is in {currency}, its document in {document}. Look at it in the ledger."),
    )
}

pub(crate) fn not_visible(name: &str) -> Stop {
    Stop::hold(
        reason::NOT_VISIBLE,
        format!(
            "{name} can no longer be seen in the ledger, which doesn't say that it is deleted. Nothing is changed; check that the connection still has the rights to see it."
        ),
    )
}

pub(crate) fn invoice_unknown(name: &str, invoice: &str) -> Stop {
    Stop::hold(
        reason::WAITS_FOR_ANOTHER,
        format!("{name} is set against invoice {invoice}, which hasn't been read. Sync again."),
    )
}

pub(crate) fn parent_missing(name: &str, parent: &str) -> Stop {
    Stop::hold(
        reason::WAITS_FOR_ANOTHER,
        format!("{name} waits until {parent} is shown, to which it belongs."),
    )
}

pub(crate) fn unresolved(name: &str) -> Stop {
    Stop::hold(reason::UNRESOLVED_WRITE, stands_in_the_way(name))
}

pub(crate) fn rewritten(name: &str, fields: &[&str]) -> Stop {
    let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
    Stop::hold(
        reason::REWRITTEN,
        format!(
            "{name}: something in your organisation changes what is written to {} (a flow, a trigger, a person). It was written three times today. Find out what does that, then `footbridge items retry` it.",
            fields.join(", ")
        ),
    )
}

pub(crate) fn balance_unknown(name: &str, document: &DocumentId) -> Stop {
    Stop::hold(
        reason::WAITS_FOR_ANOTHER,
        format!(
            "The balance of {name} can't be told while {} {} can't be: see what keeps that one.",
            document.kind.title().to_lowercase(),
            document.id
        ),
    )
}
