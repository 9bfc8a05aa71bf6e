//! The basis of a deal: what its source document says of amount, currency and lines, by the flow's paths.
//!
//! Reads only; whether the deal is billed at all is `go_live`, in which parts is `parts`.

use crate::draft::InvoiceDraft;
use crate::explain::{Stop, deal as say};
use crate::input::{PlanInput, Source};
use crate::money;
use crate::policy::{Amounts, NoLines};
use footbridge_model::money::decimal;
use footbridge_model::plan::Subject;
use rust_decimal::Decimal;

/// A deal that can be billed: amount and lines agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Basis {
    /// More than zero.
    pub(crate) amount: Decimal,
    /// What each draft line comes to in the ledger; they add up to the amount.
    pub(crate) line_amounts: Vec<Decimal>,
}

/// What people call a part of a deal.
pub(crate) fn subject(input: &PlanInput<'_>, deal: &Source, part: u32) -> Subject {
    let title = deal.doc.text(&input.policy.deal.name);
    Subject {
        record: deal.record.clone(),
        part,
        title: title.unwrap_or(deal.record.id.as_str()).to_owned(),
    }
}

/// The currency: the deal's own if the flow names its field, else the draft's, else the organisation's. Empty if the
/// named field holds none.
pub(crate) fn currency(input: &PlanInput<'_>, deal: &Source, draft: &InvoiceDraft) -> String {
    match &input.policy.deal.currency {
        Some(path) => deal.doc.text(path).unwrap_or_default().trim().to_owned(),
        None => draft
            .currency
            .clone()
            .unwrap_or_else(|| input.organisation.base_currency.clone()),
    }
}

/// What the deal comes to, checked against its own lines and against the invoice's.
pub(crate) fn basis(
    input: &PlanInput<'_>,
    deal: &Source,
    draft: &InvoiceDraft,
    currency: &str,
) -> Result<Basis, Stop> {
    let amount = amount(input, deal)?;
    if amount.is_zero() {
        return Err(say::zero());
    }
    if amount < Decimal::ZERO {
        return Err(say::negative(amount, currency));
    }
    let totals = line_totals(input, deal)?;
    if totals.is_empty() {
        match input.policy.billing.no_lines {
            NoLines::Hold => return Err(say::no_lines()),
            NoLines::OneLine if draft.lines.is_empty() => return Err(say::no_wording()),
            NoLines::OneLine => {}
        }
    } else {
        let sum = money::sum(&totals).ok_or_else(say::absurd)?;
        if sum != amount {
            return Err(say::lines_differ(amount, sum, currency));
        }
        if draft.lines.is_empty() {
            return Err(say::lines_lost());
        }
    }
    let line_amounts = draft
        .lines
        .iter()
        .map(|line| line.factors.line_amount())
        .collect::<Option<Vec<_>>>()
        .ok_or_else(say::absurd)?;
    let invoiced = money::sum(&line_amounts).ok_or_else(say::absurd)?;
    if invoiced != amount {
        let what = match input.policy.billing.amounts {
            Amounts::Exclusive => "sub-total",
            Amounts::Inclusive | Amounts::NoTax => "total",
        };
        return Err(say::invoice_differs(amount, invoiced, what, currency));
    }
    Ok(Basis {
        amount,
        line_amounts,
    })
}

/// The amount of a deal that can't be billed as it is; zero where it can't be read. Only compared with itself, never billed.
pub(crate) fn asked(input: &PlanInput<'_>, deal: &Source) -> Decimal {
    amount(input, deal).unwrap_or_default()
}

fn amount(input: &PlanInput<'_>, deal: &Source) -> Result<Decimal, Stop> {
    let path = &input.policy.deal.amount;
    let text = deal.doc.text(path).filter(|text| !text.trim().is_empty());
    text.and_then(|text| decimal(text).ok())
        .ok_or_else(|| say::no_amount(path, text))
}

fn line_totals(input: &PlanInput<'_>, deal: &Source) -> Result<Vec<Decimal>, Stop> {
    let paths = &input.policy.deal;
    deal.doc
        .list(&paths.lines)
        .iter()
        .enumerate()
        .map(|(n, line)| {
            line.text(&paths.line_total)
                .and_then(|text| decimal(text).ok())
                .ok_or_else(|| say::line_total_unread(n + 1, &paths.line_total))
        })
        .collect()
}
