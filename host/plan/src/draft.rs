//! Reads what the mapping made of a deal: the invoice it wants, still without anything that the ledger or the flow decides.
//!
//! Number, date, status and currency are the flow's to decide; a draft that carries them changes nothing. A draft that says its
//! prices are net where the flow says gross, or the other way round, is refused: one of the two is wrong by the tax. A field that isn't in the vocabulary of `wit/README.md` is refused rather than dropped. Next: `parts` splits it, `invoice` completes it.

use crate::dates;
use crate::explain::{Stop, mapping, mapping_said, quoted};
use crate::input::Source;
use crate::policy::Amounts;
use crate::totals::Factors;
use chrono::NaiveDate;
use footbridge_model::document::Document;
use footbridge_model::money::{canonical, decimal};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

const INVOICE_FIELDS: [&str; 12] = [
    "customer",
    "reference",
    "due_date",
    "lines",
    "currency",
    "date",
    "amounts",
    "status",
    "number",
    "kind",
    "url",
    "customer_name",
];
const LINE_FIELDS: [&str; 8] = [
    "description",
    "quantity",
    "unit_amount",
    "discount_rate",
    "item",
    "account",
    "tax_type",
    "treatment",
];

/// The invoice that the mapping wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvoiceDraft {
    /// Object and id of the source record that pays.
    pub(crate) customer: (String, String),
    /// The customer's purchase order.
    pub(crate) reference: Option<String>,
    /// ISO 4217, where the flow names no field of the deal for it.
    pub(crate) currency: Option<String>,
    /// When it is to be paid.
    pub(crate) due_date: NaiveDate,
    /// In the deal's order.
    pub(crate) lines: Vec<DraftLine>,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DraftLine {
    /// What the customer reads.
    pub(crate) description: String,
    /// What it costs.
    pub(crate) factors: Factors,
    /// Code of the ledger's item.
    pub(crate) item: Option<String>,
    /// Code of the account, where the mapping chose one.
    pub(crate) account: Option<String>,
    /// Tax type, where the mapping chose one.
    pub(crate) tax_type: Option<String>,
    /// What the source says about the line's tax, for the rules.
    pub(crate) treatment: Option<String>,
}

impl InvoiceDraft {
    /// What decides how much is billed, of what and to whom: compared to tell whether a billed deal changed.
    pub(crate) fn essence(&self) -> Document {
        let text = |value: &str| Document::Text(value.to_owned());
        let lines = self.lines.iter().map(|line| {
            let mut fields = BTreeMap::from([
                (
                    "quantity".to_owned(),
                    text(&canonical(line.factors.quantity)),
                ),
                (
                    "unit_amount".to_owned(),
                    text(&canonical(line.factors.unit_amount)),
                ),
            ]);
            if let Some(rate) = line.factors.discount_rate {
                fields.insert("discount_rate".to_owned(), text(&canonical(rate)));
            }
            if let Some(item) = &line.item {
                fields.insert("item".to_owned(), text(item));
            }
            Document::Object(fields)
        });
        Document::Object(BTreeMap::from([
            (
                "customer".to_owned(),
                text(&format!("{} {}", self.customer.0, self.customer.1)),
            ),
            ("lines".to_owned(), Document::List(lines.collect())),
        ]))
    }
}

/// The one invoice draft of a deal.
pub(crate) fn of_deal(deal: &Source, amounts: Amounts) -> Result<InvoiceDraft, Stop> {
    let drafts = deal
        .drafts
        .as_ref()
        .map_err(|problem| mapping_said("the deal", problem))?;
    let mut invoices = drafts.iter().filter(|(object, _)| object == "invoice");
    match (invoices.next(), invoices.next()) {
        (Some((_, doc)), None) => invoice(doc, amounts),
        (None, _) => Err(mapping(
            "The mapping made no invoice of the deal. Correct the mapping.",
        )),
        (Some(_), Some(_)) => Err(mapping(
            "The mapping made more than one invoice of the deal. Use a billing plan instead.",
        )),
    }
}

fn invoice(doc: &Document, amounts: Amounts) -> Result<InvoiceDraft, Stop> {
    known_fields("The invoice", doc, &INVOICE_FIELDS)?;
    if let Some(said) = filled(doc, "amounts").filter(|said| said != amounts.as_str()) {
        return Err(mapping(format!(
            "The mapping says that prices are {}, and the flow's rules say {}. Make \"amounts\" the same in the mapping and in [flows.NAME.billing].",
            quoted(&said),
            quoted(amounts.as_str())
        )));
    }
    let customer = match (
        doc.text("customer.$ref.object"),
        doc.text("customer.$ref.id"),
    ) {
        (Some(object), Some(id)) => (object.to_owned(), id.to_owned()),
        _ => {
            return Err(mapping(
                "The deal names no customer: the draft's \"customer\" refers to no record. Enter the deal's account, or correct the mapping.",
            ));
        }
    };
    let due = doc.text("due_date").unwrap_or_default();
    let due_date = dates::date(due).ok_or_else(|| {
        mapping(format!(
            "The draft's \"due_date\" holds {}, not a date like 2026-01-31. Correct the deal or the mapping.",
            quoted(due)
        ))
    })?;
    let lines = doc
        .list("lines")
        .iter()
        .enumerate()
        .map(|(n, line)| read_line(n + 1, line))
        .collect::<Result<_, _>>()?;
    Ok(InvoiceDraft {
        customer,
        reference: filled(doc, "reference"),
        currency: filled(doc, "currency"),
        due_date,
        lines,
    })
}

fn read_line(number: usize, doc: &Document) -> Result<DraftLine, Stop> {
    known_fields(&format!("Line {number}"), doc, &LINE_FIELDS)?;
    let amount = |field: &str| -> Result<Option<Decimal>, Stop> {
        match doc.text(field).filter(|text| !text.trim().is_empty()) {
            None => Ok(None),
            Some(text) => decimal(text).map(Some).map_err(|error| {
                mapping(format!("Line {number} of the draft: \"{field}\" is no number: {error}. Correct the deal's line or the mapping."))
            }),
        }
    };
    let missing = |field: &str| {
        mapping(format!(
            "Line {number} of the draft has no \"{field}\". Complete the deal's line, or the mapping."
        ))
    };
    let description = filled(doc, "description").ok_or_else(|| missing("description"))?;
    let quantity = amount("quantity")?.ok_or_else(|| missing("quantity"))?;
    let unit_amount = amount("unit_amount")?.ok_or_else(|| missing("unit_amount"))?;
    Ok(DraftLine {
        description,
        factors: Factors::new(quantity, unit_amount, amount("discount_rate")?),
        item: filled(doc, "item"),
        account: filled(doc, "account"),
        tax_type: filled(doc, "tax_type"),
        treatment: filled(doc, "treatment"),
    })
}

fn known_fields(what: &str, doc: &Document, known: &[&str]) -> Result<(), Stop> {
    let Document::Object(fields) = doc else {
        return Err(mapping(format!(
            "{what} of the draft is no object. Correct the mapping."
        )));
    };
    match fields.keys().find(|field| !known.contains(&field.as_str())) {
        Some(field) => Err(mapping(format!(
            "{what} of the draft has the field {}, which invoices don't have. Correct the mapping.",
            quoted(field)
        ))),
        None => Ok(()),
    }
}

/// The text of a field unless it is missing, `null` or blank.
pub(crate) fn filled(doc: &Document, field: &str) -> Option<String> {
    doc.text(field)
        .filter(|text| !text.trim().is_empty())
        .map(str::to_owned)
}
