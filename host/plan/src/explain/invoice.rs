//! Sentences about invoices: those that exist, and what keeps a new one from being made.

use super::{Said, Stop, listed, mapping, quoted};
use crate::money::shown;
use chrono::NaiveDate;
use footbridge_model::doubt::stands_in_the_way;
use footbridge_model::plan::reason;
use rust_decimal::Decimal;

/// `invoice INV-1`, or by its id where it has no number.
pub(crate) fn invoice_name(number: Option<&str>, id: &str) -> String {
    match number {
        Some(number) => format!("invoice {}", quoted(number)),
        None => format!("invoice {id}"),
    }
}

/// Who decided a tax type: `rule "EU"`.
pub(crate) fn winner(kind: &str, name: &str) -> String {
    format!("{kind} {}", quoted(name))
}

pub(crate) fn up_to_date(invoice: &str) -> Stop {
    Stop::skip(
        reason::UP_TO_DATE,
        format!("Billed with {invoice}; nothing changed."),
    )
}

pub(crate) fn nothing_stands() -> Stop {
    Stop::hold(
        reason::UNRESOLVED_WRITE,
        "The deal's invoice can't be seen. Sync again; if that doesn't help, check the link.",
    )
}

pub(crate) fn unresolved() -> Stop {
    Stop::hold(reason::UNRESOLVED_WRITE, stands_in_the_way("this deal"))
}

/// `fields`: those of the deal that show the invoice.
pub(crate) fn rewritten(invoice: &str, fields: &[&str]) -> Stop {
    let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
    Stop::hold(
        reason::REWRITTEN,
        format!(
            "The deal is billed with {invoice}, but something in your organisation (a flow, a trigger, a person) changes what is written to {} on the deal. It was written three times today. Find out what does that, then `footbridge items retry` it.",
            fields.join(", ")
        ),
    )
}

pub(crate) fn key_stands_twice(invoices: &[String]) -> Stop {
    Stop::hold(
        reason::KEY_STANDS_TWICE,
        format!(
            "Several invoices carry this deal's key: {}. One of them may be a copy: remove the link to the deal from it, or void it if it is a duplicate. If nobody copied it, another Footbridge or a copy of this data directory is at work: stop that one.",
            invoices.join(", ")
        ),
    )
}

pub(crate) fn voided(invoice: &str) -> Stop {
    Stop::hold(
        reason::INVOICE_VOIDED,
        format!(
            "The deal is won, but its {invoice} was voided or deleted in the ledger. No second one is made; decide whether the deal is to be billed again by hand."
        ),
    )
}

/// Something of the deal is wrong, and it is billed already.
pub(crate) fn billed_already(invoice: &str, said: &str) -> String {
    format!("The deal is billed with {invoice}, which is left as it is. {said}")
}

pub(crate) fn changed(invoice: &str) -> Stop {
    Stop::hold(
        reason::CHANGED_AFTER_INVOICING,
        format!(
            "The deal changed after {invoice} was made, which is left as it is. Correct the invoice in the ledger, or put the deal back."
        ),
    )
}

/// A later part waits with an earlier one, under the same reason.
pub(crate) fn waits_for_earlier(part: u32, earlier: &Said) -> Stop {
    Stop::hold(
        earlier.reason,
        format!(
            "This part waits because part {part} does. {}",
            earlier.message
        ),
    )
}

/// `invoices`: all of them, each with its date.
pub(crate) fn looks_already_invoiced(invoices: &[&str], total: Decimal, currency: &str) -> Stop {
    let total = shown(total, currency);
    let message = match invoices {
        [invoice] => format!(
            "The customer has {invoice} with the same total, {total}, and it was not made by this flow. Link it with the deal if it bills it."
        ),
        invoices => format!(
            "The customer has {} with the same total, {total}, and they were not made by this flow. Link the one with the deal that bills it.",
            listed(invoices)
        ),
    };
    Stop::hold(reason::LOOKS_ALREADY_INVOICED, message)
}

pub(crate) fn currency_missing(path: &str) -> Stop {
    Stop::hold(
        reason::CURRENCY_NOT_SUBSCRIBED,
        format!("The deal's {} names no currency. Enter it.", quoted(path)),
    )
}

pub(crate) fn currency_not_subscribed(currency: &str) -> Stop {
    Stop::hold(
        reason::CURRENCY_NOT_SUBSCRIBED,
        format!(
            "The ledger does not have the currency {}. Add it there, or correct the deal.",
            quoted(currency)
        ),
    )
}

pub(crate) fn no_date(path: &str) -> Stop {
    mapping(format!(
        "The deal's {} holds no date for the invoice. Enter one.",
        quoted(path)
    ))
}

pub(crate) fn locked(date: NaiveDate, what: &str, until: NaiveDate) -> Stop {
    Stop::hold(
        reason::LOCKED_PERIOD,
        format!(
            "The invoice would be dated {date}, on or before {what}, {until}. Choose a later date for it, or open the period."
        ),
    )
}

pub(crate) fn far_ahead(date: NaiveDate, path: &str, latest: NaiveDate) -> Stop {
    Stop::hold(
        reason::DATE_FAR_AHEAD,
        format!(
            "The invoice would be dated {date}, as {} of the deal says; after {latest}, a year from now, that is more likely a slip. Correct the date, or approve it.",
            quoted(path)
        ),
    )
}

pub(crate) fn unreadable_lock(what: &str, text: &str) -> Stop {
    Stop::hold(
        reason::LOCKED_PERIOD,
        format!(
            "The ledger reports {} as {what}, which is no date, so nobody can tell which periods are open. Correct it in the ledger.",
            quoted(text)
        ),
    )
}

pub(crate) fn item_not_found(line: usize, code: &str) -> Stop {
    Stop::hold(
        reason::ITEM_NOT_FOUND,
        format!(
            "Line {line} is for item {}, which the ledger does not have. Create the item there, or correct the product's code.",
            quoted(code)
        ),
    )
}

pub(crate) fn item_not_sold(line: usize, code: &str) -> Stop {
    Stop::hold(
        reason::ITEM_NOT_FOUND,
        format!(
            "Line {line} is for item {}, which the ledger does not sell. Mark it there as sold, or correct the product's code.",
            quoted(code)
        ),
    )
}

pub(crate) fn no_account(line: usize, code: &str, why: &str) -> Stop {
    Stop::hold(
        reason::NO_ACCOUNT,
        format!(
            "Line {line} goes to account {}, which {why}. Choose another account in the mapping, on the item or in the flow.",
            quoted(code)
        ),
    )
}

pub(crate) fn foreign_tax_number(customer: &str, tax_number: &str) -> Stop {
    Stop::hold(
        reason::FOREIGN_TAX_NUMBER,
        format!(
            "Customer {} has the foreign tax number {} and no tax rule of the flow fits. Add a rule that says which tax type applies.",
            quoted(customer),
            quoted(tax_number)
        ),
    )
}

pub(crate) fn treatment_without_rule(line: usize, treatment: &str) -> Stop {
    Stop::hold(
        reason::TAX_TYPE_UNFIT,
        format!(
            "The source calls the tax of line {line} {}, and no tax rule of the flow covers that. Add a rule for it.",
            quoted(treatment)
        ),
    )
}

pub(crate) fn tax_unfit(line: usize, tax_type: &str, winner: &str, why: &str) -> Stop {
    Stop::hold(
        reason::TAX_TYPE_UNFIT,
        format!(
            "Line {line} would get tax type {} from {winner}, but {why}. Correct it there.",
            quoted(tax_type)
        ),
    )
}

pub(crate) fn no_tax_type(line: usize) -> Stop {
    Stop::hold(
        reason::TAX_TYPE_UNFIT,
        format!(
            "Nothing says which tax type line {line} gets: no rule, and none on its customer, item or account. Set one."
        ),
    )
}

pub(crate) fn number_missing(path: &str) -> Stop {
    Stop::hold(
        reason::NUMBER_MISSING,
        format!(
            "The deal's {} is empty, and the invoice takes its number from it. Enter the number.",
            quoted(path)
        ),
    )
}

pub(crate) fn number_for_one_part(path: &str) -> Stop {
    Stop::hold(
        reason::NUMBER_MISSING,
        format!(
            "The deal's {} numbers its first part only; a number is never used twice. Bill this part by hand, or number by counter or ledger.",
            quoted(path)
        ),
    )
}

pub(crate) fn number_twice(number: &str) -> Stop {
    Stop::hold(
        reason::NUMBER_TAKEN,
        format!(
            "Several deals want invoice number {}. Give each its own.",
            quoted(number)
        ),
    )
}

pub(crate) fn number_taken(number: &str) -> Stop {
    Stop::hold(
        reason::NUMBER_TAKEN,
        format!(
            "The ledger has an invoice with number {} already. Enter another number, or link that invoice.",
            quoted(number)
        ),
    )
}
