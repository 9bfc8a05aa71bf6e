//! The operation that makes one invoice, complete in the ledger's vocabulary, or why it can't be made.

use crate::customer::{Party, Place};
use crate::dates::{self, InvoiceDates};
use crate::draft::{DraftLine, InvoiceDraft};
use crate::existing::{Billed, intent};
use crate::explain::{Stop, deal as say_deal, invoice as say, op as why};
use crate::index::{INVOICE, Index, URL, our_key};
use crate::input::Source;
use crate::money;
use crate::number::Numbers;
use crate::parts::Part;
use crate::policy::InvoiceStatus;
use crate::ruled;
use crate::tax::{self, LineTax};
use crate::totals::{Totals, predict};
use chrono::{DateTime, NaiveDate, Utc};
use footbridge_model::document::Document;
use footbridge_model::id::{ObjectName, OpId, RecordId};
use footbridge_model::ledger::{Account, Item};
use footbridge_model::money::canonical;
use footbridge_model::plan::{Bill, BillLine, Expectation, NaturalKey, Op, key, reason};
use footbridge_model::plugin::{Action, Presence};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// One part of a deal that is to be billed.
#[derive(Debug, Clone)]
pub(crate) struct ToBill<'a> {
    /// The deal.
    pub(crate) deal: &'a Source,
    /// What the mapping wants.
    pub(crate) draft: InvoiceDraft,
    /// Which part.
    pub(crate) part: Part,
    /// ISO 4217; empty if the deal names none.
    pub(crate) currency: String,
    /// When the deal was first won.
    pub(crate) first_won: DateTime<Utc>,
}

impl ToBill<'_> {
    /// What is kept with the link.
    pub(crate) fn billed(&self) -> Billed<'_> {
        Billed {
            amount: self.part.amount,
            currency: &self.currency,
            share: self.part.share,
            essence: self.draft.essence(),
            reference: self.draft.reference.as_deref(),
        }
    }
}

/// The operation for a part, and what it comes to.
pub(crate) fn create(
    index: &Index<'_>,
    to_bill: &ToBill<'_>,
    party: &Party,
    numbers: &mut Numbers,
) -> Result<(Op, Bill), Stop> {
    let dates = dates::of_invoice(index.input, &to_bill.deal.doc, &to_bill.draft)?;
    let (deal, part) = (to_bill.deal, to_bill.part.number);
    if !ruled::goes_ahead(index, deal, part, reason::DATE_FAR_AHEAD) {
        dates::not_far_ahead(index.input, dates.date)?;
    }
    let Worked { lines, totals } = work_out(index, to_bill, party)?;
    let cleared = ruled::cleared(index, deal, part, reason::LOOKS_ALREADY_INVOICED);
    not_invoiced_by_hand(index, party, &to_bill.currency, totals, cleared)?;
    let number = numbers.give(index, to_bill.deal, to_bill.part.number)?;
    let op = operation(index, to_bill, party, dates, &lines, totals, number);
    let bill = bill(index, &op, to_bill, party, &lines, totals);
    Ok((op, bill))
}

/// What an invoice says and comes to.
pub(crate) struct Worked<'a> {
    /// Its lines, in order.
    pub(crate) lines: Vec<Decided<'a>>,
    /// As the ledger will arrive at them.
    pub(crate) totals: Totals,
}

/// Works out the lines of a part for whom it bills, and what they come to.
pub(crate) fn work_out<'a>(
    index: &Index<'_>,
    to_bill: &'a ToBill<'_>,
    party: &Party,
) -> Result<Worked<'a>, Stop> {
    subscribed(index, &to_bill.currency)?;
    let lines = lines(index, party, &to_bill.part)?;
    let money: Vec<(Decimal, Decimal)> = lines
        .iter()
        .map(|line| (line.amount, line.tax.rate))
        .collect();
    let totals =
        predict(index.input.policy.billing.amounts, &money).ok_or_else(say_deal::absurd)?;
    Ok(Worked { lines, totals })
}

fn bill(
    index: &Index<'_>,
    op: &Op,
    to_bill: &ToBill<'_>,
    party: &Party,
    lines: &[Decided<'_>],
    totals: Totals,
) -> Bill {
    let shown = |amount: Decimal| money::bare(amount, &to_bill.currency);
    let line = |line: &Decided<'_>| BillLine {
        description: line.draft.description.clone(),
        amount: shown(line.amount),
        tax_type: line.tax.tax_type.clone(),
        tax_rate: canonical(line.tax.rate),
        tax_from: line.tax.winner.clone(),
    };
    Bill {
        op: op.id.clone(),
        customer: party.name.clone(),
        currency: to_bill.currency.clone(),
        sub_total: shown(totals.sub_total),
        total_tax: shown(totals.total_tax),
        total: shown(totals.total),
        lines: lines.iter().map(line).collect(),
        why: why::won(won_on(index, to_bill)),
    }
}

/// The day on which its deal was first won, as the firm's calendar has it.
fn won_on(index: &Index<'_>, to_bill: &ToBill<'_>) -> NaiveDate {
    let zone = &index.input.organisation.time_zone;
    let won = to_bill.first_won;
    dates::local_date(won, zone).unwrap_or_else(|_| won.date_naive())
}

/// A line with all that was decided about it.
pub(crate) struct Decided<'a> {
    /// What the mapping wants.
    pub(crate) draft: &'a DraftLine,
    /// Quantity times price less discount.
    pub(crate) amount: Decimal,
    /// The account's code.
    pub(crate) account: String,
    /// The tax type, with who decided it.
    pub(crate) tax: LineTax,
}

fn subscribed(index: &Index<'_>, currency: &str) -> Result<(), Stop> {
    let organisation = index.input.organisation;
    if currency.is_empty() {
        let path = index
            .input
            .policy
            .deal
            .currency
            .as_deref()
            .unwrap_or_default();
        Err(say::currency_missing(path))
    } else if currency == organisation.base_currency
        || organisation.currencies.iter().any(|c| c == currency)
    {
        Ok(())
    } else {
        Err(say::currency_not_subscribed(currency))
    }
}

fn lines<'a>(index: &Index<'_>, party: &Party, part: &'a Part) -> Result<Vec<Decided<'a>>, Stop> {
    let decide = |(n, (line, amount)): (usize, &'a (DraftLine, Decimal))| {
        let number = n + 1;
        let item = item(index, number, line)?;
        let account = account(index, number, line, item)?;
        Ok(Decided {
            draft: line,
            amount: *amount,
            account: account.code.clone().unwrap_or_default(),
            tax: tax::of_line(index, party, number, line, item, account)?,
        })
    };
    part.lines.iter().enumerate().map(decide).collect()
}

fn item<'a>(index: &Index<'a>, number: usize, line: &DraftLine) -> Result<Option<&'a Item>, Stop> {
    let Some(code) = &line.item else {
        return Ok(None);
    };
    match index.input.observed.items.get(code) {
        None => Err(say::item_not_found(number, code)),
        Some(item) if item.sold == Some(false) => Err(say::item_not_sold(number, code)),
        found => Ok(found),
    }
}

/// The draft's account, else the item's, else the flow's.
fn account<'a>(
    index: &Index<'a>,
    number: usize,
    line: &DraftLine,
    item: Option<&Item>,
) -> Result<&'a Account, Stop> {
    let code = line
        .account
        .as_ref()
        .or_else(|| item.and_then(|item| item.sales_account.as_ref()))
        .filter(|code| !code.is_empty())
        .unwrap_or(&index.input.policy.billing.default_account);
    match index.input.observed.accounts.get(code) {
        None => Err(say::no_account(number, code, "the ledger does not have")),
        Some(account)
            if account
                .status
                .as_deref()
                .is_some_and(|status| status != "active") =>
        {
            Err(say::no_account(number, code, "is archived"))
        }
        Some(account) if account.code.is_none() => {
            Err(say::no_account(number, code, "has no code"))
        }
        Some(account) => Ok(account),
    }
}

/// Domain rule 1: an invoice of the same customer and total that this flow didn't make, unless it was shown to a person who said to
/// bill all the same. One that came later was not.
fn not_invoiced_by_hand(
    index: &Index<'_>,
    party: &Party,
    currency: &str,
    totals: Totals,
    cleared: Option<&BTreeSet<RecordId>>,
) -> Result<(), Stop> {
    let Some(customer) = ledger_id(party) else {
        return Ok(());
    };
    let mut alike: Vec<(RecordId, String)> = Vec::new();
    let days = i64::from(index.input.policy.billing.already_invoiced_days);
    let today = index.input.as_of.local_date;
    for (id, seen) in index.invoices_of(customer) {
        let invoice = &seen.value;
        let base = &index.input.organisation.base_currency;
        let dated = invoice.date.as_deref().unwrap_or_default();
        let near = dates::date(dated).is_none_or(|date| (today - date).num_days().abs() <= days);
        let gone = seen.presence != Presence::Present
            || matches!(invoice.status.as_deref(), Some("voided" | "deleted"));
        if near
            && !gone
            && invoice.kind.as_deref() != Some("payable")
            && invoice.url.as_deref().and_then(our_key).is_none()
            && invoice.currency.as_deref().unwrap_or(base) == currency
            && invoice.total == Some(totals.total)
        {
            let name = say::invoice_name(
                invoice.number.as_deref().filter(|n| !n.is_empty()),
                "without a number",
            );
            alike.push((RecordId::from(*id), format!("{name} of {dated}")));
        }
    }
    let is_new = |(id, _): &(RecordId, String)| cleared.is_none_or(|known| !known.contains(id));
    if !alike.iter().any(is_new) {
        return Ok(());
    }
    let names: Vec<&str> = alike.iter().map(|(_, name)| name.as_str()).collect();
    let stop = say::looks_already_invoiced(&names, totals.total, currency);
    Err(stop.showing(|shown| shown.alike = alike.into_iter().map(|(id, _)| id).collect()))
}

fn ledger_id(party: &Party) -> Option<&str> {
    match &party.place {
        Place::Linked(id) | Place::Adopted(id, _) => Some(id),
        Place::New(_) => None,
    }
}

fn operation(
    index: &Index<'_>,
    to_bill: &ToBill<'_>,
    party: &Party,
    dates: InvoiceDates,
    lines: &[Decided<'_>],
    totals: Totals,
    number: Option<String>,
) -> Op {
    let (connection, organisation) = index.input.ledger.clone();
    let part = to_bill.part.number;
    let billing_key = index.billing_key(to_bill.deal, part);
    let url = index.url(to_bill.deal, &billing_key);
    let (customer, after) = match &party.place {
        Place::Linked(id) | Place::Adopted(id, _) => (text(id), Vec::new()),
        Place::New(op) => (op_field(&op.id, "id", None), vec![op.id.clone()]),
    };
    let mut doc = BTreeMap::from([
        ("customer".to_owned(), customer),
        (URL.to_owned(), text(&url)),
        ("date".to_owned(), text(&dates.date.to_string())),
        ("due_date".to_owned(), text(&dates.due.to_string())),
        ("currency".to_owned(), text(&to_bill.currency)),
        (
            "amounts".to_owned(),
            text(index.input.policy.billing.amounts.as_str()),
        ),
        (
            "status".to_owned(),
            text(status(index.input.policy.billing.status)),
        ),
        (
            "lines".to_owned(),
            Document::List(lines.iter().map(line_doc).collect()),
        ),
    ]);
    // What the ledger must come to; it is compared with what it reports, never sent. Look-up taxes of the US can't be predicted.
    doc.insert("sub_total".to_owned(), text(&canonical(totals.sub_total)));
    if index.input.organisation.country != "US" {
        doc.insert("total".to_owned(), text(&canonical(totals.total)));
    }
    let optional = [("reference", &to_bill.draft.reference), ("number", &number)];
    for (field, value) in optional {
        if let Some(value) = value {
            doc.insert(field.to_owned(), text(value));
        }
    }
    let taxes: Vec<LineTax> = lines.iter().map(|line| line.tax.clone()).collect();
    let shared = (to_bill.part.share != Decimal::ONE_HUNDRED).then_some((part, to_bill.part.share));
    Op {
        id: OpId::new(key(&[
            "op",
            organisation.as_str(),
            INVOICE,
            &url,
            "create",
            "absent",
        ])),
        action: Action::Create,
        connection,
        organisation,
        object: ObjectName::from(INVOICE),
        target: None,
        natural_key: NaturalKey {
            field: URL.to_owned(),
            value: url,
            parents: ledger_id(party).map(str::to_owned).into_iter().collect(),
        },
        doc: Document::Object(doc),
        was: None,
        after,
        expects: Expectation::Absent,
        link: intent(to_bill.deal, billing_key, &to_bill.billed()),
        subject: crate::deal::subject(index.input, to_bill.deal, part),
        why: why::new_invoice(
            won_on(index, to_bill),
            &party.name,
            totals,
            &to_bill.currency,
            dates,
            &taxes,
            shared,
        ),
    }
}

pub(crate) fn line_doc(line: &Decided<'_>) -> Document {
    let factors = &line.draft.factors;
    let mut doc = BTreeMap::from([
        ("description".to_owned(), text(&line.draft.description)),
        ("quantity".to_owned(), text(&canonical(factors.quantity))),
        (
            "unit_amount".to_owned(),
            text(&canonical(factors.unit_amount)),
        ),
        ("account".to_owned(), text(&line.account)),
        ("tax_type".to_owned(), text(&line.tax.tax_type)),
    ]);
    if let Some(rate) = factors.discount_rate.filter(|rate| !rate.is_zero()) {
        doc.insert("discount_rate".to_owned(), text(&canonical(rate)));
    }
    if let Some(item) = &line.draft.item {
        doc.insert("item".to_owned(), text(item));
    }
    Document::Object(doc)
}

/// Stands for a field of what an earlier operation reports.
pub(crate) fn op_field(op: &OpId, field: &str, prefix: Option<&str>) -> Document {
    let mut fields = BTreeMap::from([
        ("$op".to_owned(), text(op.as_str())),
        ("field".to_owned(), text(field)),
    ]);
    if let Some(prefix) = prefix {
        fields.insert("prefix".to_owned(), text(prefix));
    }
    Document::Object(fields)
}

pub(crate) fn text(value: &str) -> Document {
    Document::Text(value.to_owned())
}

fn status(status: InvoiceStatus) -> &'static str {
    match status {
        InvoiceStatus::Draft => "draft",
        InvoiceStatus::Submitted => "submitted",
        InvoiceStatus::Authorised => "authorised",
    }
}
