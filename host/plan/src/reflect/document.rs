//! Document: what the CRM should say of an invoice, credit note, overpayment or prepayment, and what it counts for.
//!
//! Reads one document and what belongs to it. What can't be told is a reason to wait, never a guess.

use super::amounts::{self, Owed, ToBase, Used};
use super::input::{Given, LedgerDocument, ReflectInput};
use super::standing::{Counts, Standing};
use super::status::{self, Stage};
use super::write::{Fields, Wanted};
use crate::dates::date;
use crate::explain::{Stop, reflect as say};
use footbridge_model::ledger::{Credit, Invoice};
use footbridge_model::receivable::{DOCUMENT, DocumentKind, DocumentStatus};
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// A document that could be told.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) wanted: Wanted,
    pub(crate) currency: String,
    /// `None` for one that is cancelled and has no rate.
    pub(crate) to_base: Option<ToBase>,
    pub(crate) account: Option<String>,
    /// Taken away before it was ever approved.
    pub(crate) is_deleted: bool,
    /// `None` without a customer.
    pub(crate) standing: Option<Standing>,
}

/// What people call a document.
pub(crate) fn name(kind: DocumentKind, number: Option<&str>, date: Option<&str>) -> String {
    let title = kind.title();
    match (number.filter(|number| !number.trim().is_empty()), date) {
        (Some(number), _) => format!("{title} {}", number.trim()),
        (None, Some(date)) => format!("{title} of {date}"),
        (None, None) => format!("{title} without a number"),
    }
}

/// What people call the document of a unit, as far as anything is known of it.
pub(crate) fn called(given: &Given) -> String {
    match &given.record {
        Some(Ok(LedgerDocument::Invoice(invoice))) => name(
            given.id.kind,
            invoice.number.as_deref(),
            invoice.date.as_deref(),
        ),
        Some(Ok(LedgerDocument::Credit(credit))) => name(
            given.id.kind,
            credit.number.as_deref(),
            credit.date.as_deref(),
        ),
        _ => format!("{} {}", given.id.kind.title(), given.id.id),
    }
}

/// Whether it is on the side of what customers owe.
pub(crate) fn is_receivable(given: &Given) -> bool {
    let kind = match &given.record {
        Some(Ok(LedgerDocument::Invoice(invoice))) => invoice.kind.as_deref(),
        Some(Ok(LedgerDocument::Credit(credit))) => credit.kind.as_deref(),
        _ => None,
    };
    kind != Some("payable")
}

/// Customer and currency, as far as they are known.
fn whose(given: &Given) -> Option<(&str, &str)> {
    match &given.record {
        Some(Ok(LedgerDocument::Invoice(invoice))) => {
            Some((&invoice.customer, invoice.currency.as_deref()?))
        }
        Some(Ok(LedgerDocument::Credit(credit))) => {
            Some((credit.customer.as_deref()?, credit.currency.as_deref()?))
        }
        _ => None,
    }
}

/// What a document that can't be told counts for: nobody knows, as long as it is known whose it is.
pub(crate) fn unknown(given: &Given) -> Option<Standing> {
    let (customer, currency) = match (whose(given), &given.before) {
        (Some((customer, currency)), _) => (customer.to_owned(), currency.to_owned()),
        (None, Some(before)) => (before.customer.clone(), before.currency.clone()),
        (None, None) => return None,
    };
    Some(Standing {
        document: given.id.clone(),
        customer,
        currency,
        counts: Counts::Unknown,
        allocations: seen_before(given),
    })
}

fn seen_before(given: &Given) -> BTreeSet<String> {
    given
        .before
        .as_ref()
        .map(|before| before.allocations.clone())
        .unwrap_or_default()
}

/// What a document should say.
pub(crate) fn tell(
    input: &ReflectInput<'_>,
    given: &Given,
    document: &LedgerDocument,
) -> Result<Told, Stop> {
    let name = called(given);
    match document {
        LedgerDocument::Invoice(invoice) => of_invoice(input, given, invoice, &name),
        LedgerDocument::Credit(credit) => of_credit(input, given, credit, &name),
    }
}

/// What both sorts have in common.
struct Head<'a> {
    customer: Option<&'a str>,
    currency: Option<&'a str>,
    rate: Option<Decimal>,
    number: Option<&'a str>,
    reference: Option<&'a str>,
    date: Option<&'a str>,
    due_date: Option<&'a str>,
    fully_paid_on: Option<&'a str>,
    sub_total: Option<Decimal>,
    total_tax: Option<Decimal>,
    total: Option<Decimal>,
}

fn of_invoice(
    input: &ReflectInput<'_>,
    given: &Given,
    invoice: &Invoice,
    name: &str,
) -> Result<Told, Stop> {
    let stage = status::stage(name, invoice.status.as_deref())?;
    let (status, owed) = match stage {
        Stage::Fixed(status) => (status, None),
        stage => {
            let owed = amounts::of_invoice(name, invoice)?;
            let status = status::of_invoice(name, given, invoice, &owed, stage, input.policy)?;
            (status, Some(owed))
        }
    };
    let head = Head {
        customer: Some(&invoice.customer),
        currency: invoice.currency.as_deref(),
        rate: invoice.currency_rate,
        number: invoice.number.as_deref(),
        reference: invoice.reference.as_deref(),
        date: invoice.date.as_deref(),
        due_date: invoice.due_date.as_deref(),
        fully_paid_on: invoice.fully_paid_on.as_deref(),
        sub_total: invoice.sub_total,
        total_tax: invoice.total_tax,
        total: invoice.total,
    };
    let due = match &owed {
        Some(owed) => Some(owed.due),
        None if status.is_cancelled() => Some(Decimal::ZERO),
        None => invoice.amount_due,
    };
    let mut told = common(input, given, name, &head, status)?;
    let fields = &mut told.wanted.fields;
    fields.maybe_amount("amount_due", due);
    fields.maybe_amount("amount_paid", invoice.amount_paid);
    fields.maybe_amount("amount_credited", invoice.amount_credited);
    fields.maybe_amount("amount_deducted", invoice.amount_deducted);
    fields.maybe("deal", given.deal.as_deref());
    let days = days_to_pay(&head, status);
    match days {
        Some(days) => fields.amount("days_to_pay", Decimal::from(days)),
        None => fields.empty("days_to_pay"),
    }
    let base = base(name, told.to_base, due, fields)?;
    let counts = match (status.is_open(), owed) {
        (true, Some(Owed { due, .. })) => Counts::Owed {
            due: Some(due),
            base,
            due_date: head.due_date.map(str::to_owned),
        },
        _ if status == DocumentStatus::Draft || status.is_cancelled() => Counts::Nothing,
        _ => Counts::Settled { days },
    };
    told.counted(given, head.customer, counts, BTreeSet::new());
    told.wanted.why = say::document(name, status, due, &told.currency);
    Ok(told)
}

fn of_credit(
    input: &ReflectInput<'_>,
    given: &Given,
    credit: &Credit,
    name: &str,
) -> Result<Told, Stop> {
    let (status, used) = match status::stage(name, credit.status.as_deref())? {
        Stage::Fixed(status) => (status, None),
        stage => {
            let used = amounts::of_credit(name, credit)?;
            if stage == Stage::Settled && used.left > Decimal::ZERO {
                return Err(say::paid_and_due(name, used.left));
            }
            (status::of_credit(&used), Some(used))
        }
    };
    let head = Head {
        customer: credit.customer.as_deref(),
        currency: credit.currency.as_deref(),
        rate: credit.currency_rate,
        number: credit.number.as_deref(),
        reference: credit.reference.as_deref(),
        date: credit.date.as_deref(),
        due_date: None,
        fully_paid_on: credit.fully_paid_on.as_deref(),
        sub_total: credit.sub_total,
        total_tax: credit.total_tax,
        total: credit.total,
    };
    let mut told = common(input, given, name, &head, status)?;
    let fields = &mut told.wanted.fields;
    // Nothing is owed on a credit: sums over all documents stay right.
    fields.amount("amount_due", Decimal::ZERO);
    let left = match &used {
        Some(Used { left, .. }) => Some(*left),
        None => credit.remaining_credit,
    };
    fields.maybe_amount("remaining_credit", left);
    base(name, told.to_base, Some(Decimal::ZERO), fields)?;
    let base_left = match (told.to_base, left) {
        (Some(to_base), Some(left)) => {
            Some(to_base.convert(left).ok_or_else(|| say::too_large(name))?)
        }
        _ => None,
    };
    let counts = match (status.is_open(), left) {
        (true, Some(left)) => Counts::Credit {
            left: Some(left),
            base: base_left,
        },
        _ if status == DocumentStatus::Draft || status.is_cancelled() => Counts::Nothing,
        _ => Counts::Settled { days: None },
    };
    let mut allocations = seen_before(given);
    let now = credit.allocations.iter().flatten();
    allocations.extend(now.filter_map(|allocation| allocation.id.clone()));
    told.counted(given, head.customer, counts, allocations);
    told.wanted.why = say::document(name, status, left, &told.currency);
    Ok(told)
}

fn common(
    input: &ReflectInput<'_>,
    given: &Given,
    name: &str,
    head: &Head<'_>,
    status: DocumentStatus,
) -> Result<Told, Stop> {
    let organisation = input.organisation;
    let kind = given.id.kind;
    let currency = head
        .currency
        .ok_or_else(|| say::not_reported(name, "currency"))?;
    let to_base = ToBase::of(currency, &organisation.base_currency, head.rate);
    // What is cancelled comes to nothing in any currency.
    if to_base.is_none() && !status.is_cancelled() {
        return Err(say::no_rate(name, currency));
    }
    let key = given.id.key(&input.ledger.1);
    let account = account(input, head.customer);
    let mut fields = Fields::default();
    fields.text("key", &key);
    fields.text("organisation", input.ledger.1.as_str());
    fields.text("organisation_name", &organisation.name);
    fields.text("kind", kind.as_str());
    fields.text("ledger_id", &given.id.id);
    fields.text("name", name);
    fields.text("status", status.as_str());
    fields.text("currency", currency);
    fields.text("base_currency", &organisation.base_currency);
    fields.maybe("number", head.number);
    fields.maybe("reference", head.reference);
    fields.maybe("account", account.as_deref());
    fields.maybe("customer", head.customer);
    fields.maybe("date", head.date);
    fields.maybe("due_date", head.due_date);
    // Known to be empty as long as something is open: a payment that was taken back opened it again.
    match head.fully_paid_on {
        Some(day) if !status.is_open() => fields.text("fully_paid_on", day),
        _ => fields.empty("fully_paid_on"),
    }
    fields.maybe_amount("currency_rate", to_base.map(|to_base| to_base.rate));
    fields.maybe_amount("sub_total", head.sub_total);
    fields.maybe_amount("total_tax", head.total_tax);
    fields.maybe_amount("total", head.total);
    if let (Some(to_base), Some(total)) = (to_base, head.total) {
        let base = to_base.convert(total);
        fields.amount("base_total", base.ok_or_else(|| say::too_large(name))?);
    }
    if let Some(link) = input.policy.links.get(kind.as_str()) {
        fields.text("url", &format!("{link}{}", given.id.id));
    }
    Ok(Told {
        wanted: Wanted {
            object: DOCUMENT,
            key,
            title: name.to_owned(),
            source: (kind.as_str(), given.id.id.clone()),
            fields,
            why: String::new(),
        },
        currency: currency.to_owned(),
        to_base,
        account,
        is_deleted: status == DocumentStatus::Deleted,
        standing: None,
    })
}

impl Told {
    fn counted(
        &mut self,
        given: &Given,
        customer: Option<&str>,
        counts: Counts,
        allocations: BTreeSet<String>,
    ) {
        self.standing = customer.map(|customer| Standing {
            document: given.id.clone(),
            customer: customer.to_owned(),
            currency: self.currency.clone(),
            counts,
            allocations,
        });
    }
}

/// The one account that a customer is linked to. Of several nobody can tell which is meant.
pub(crate) fn account(input: &ReflectInput<'_>, customer: Option<&str>) -> Option<String> {
    let accounts = &input.customers.get(customer?)?.accounts;
    let mut all = accounts.iter();
    match (all.next(), all.next()) {
        (Some(one), None) => Some(one.clone()),
        _ => None,
    }
}

fn base(
    name: &str,
    to_base: Option<ToBase>,
    due: Option<Decimal>,
    fields: &mut Fields,
) -> Result<Option<Decimal>, Stop> {
    let (Some(to_base), Some(due)) = (to_base, due) else {
        return Ok(None);
    };
    let base = to_base.convert(due).ok_or_else(|| say::too_large(name))?;
    fields.amount("base_amount_due", base);
    Ok(Some(base))
}

/// From its date to the day it was fully paid on; only where money paid it.
fn days_to_pay(head: &Head<'_>, status: DocumentStatus) -> Option<i64> {
    if status != DocumentStatus::Paid {
        return None;
    }
    let (from, to) = (date(head.date?)?, date(head.fully_paid_on?)?);
    Some(to.signed_duration_since(from).num_days())
}
