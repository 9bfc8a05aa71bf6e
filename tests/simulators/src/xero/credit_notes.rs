//! Credit notes and their allocations to invoices. They come in through the loader; the API reads them.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::book::{Book, Writing, put};
use super::chart;
use super::contacts::{self, ContactView, stamp_of};
use super::dates;
use super::element::{self, Element, Refusals};
use super::guid::Guid;
use super::invoice_view::{self, InvoiceView};
use super::invoices::{Kind, Status};
use super::lines::{self, Completeness, Demands, Discounts, Line};
use super::money::{self, AmountTypes, Totals, UnitPlaces};
use super::payments;
use super::shelf::{Key, Shelved};
use super::where_eval::Fields;

#[derive(Clone, Debug)]
pub(crate) struct CreditNote {
    pub(crate) id: Guid,
    kind: Kind,
    pub(crate) number: String,
    contact: Guid,
    pub(crate) date: NaiveDate,
    status: Status,
    types: AmountTypes,
    lines: Vec<Line>,
    pub(crate) totals: Totals,
    currency: String,
    rate: Decimal,
    reference: String,
    pub(crate) allocations: Vec<Allocation>,
    updated: DateTime<Utc>,
}

/// A part of a credit note set against an invoice.
#[derive(Clone, Debug)]
pub(crate) struct Allocation {
    id: Guid,
    pub(crate) invoice: Guid,
    pub(crate) amount: Decimal,
    date: NaiveDate,
}

pub(crate) static FIELDS: Fields = Fields {
    name: "CreditNote",
    plain: &[
        "Type",
        "CreditNoteNumber",
        "Reference",
        "Status",
        "Date",
        "LineAmountTypes",
        "CurrencyCode",
        "SubTotal",
        "TotalTax",
        "Total",
        "RemainingCredit",
        "UpdatedDateUTC",
    ],
    guids: &["CreditNoteID"],
    nested: &[("Contact", &contacts::FIELDS)],
};

impl Shelved for CreditNote {
    fn id(&self) -> Guid {
        self.id
    }

    fn updated(&self) -> DateTime<Utc> {
        self.updated
    }

    fn keys(&self) -> Vec<Key> {
        vec![Key::new("CreditNoteNumber", &self.number)]
    }
}

/// Loads one credit note with its `Allocations: [{Amount, Date, Invoice: {InvoiceID}}]`.
pub(crate) fn write(
    book: &mut Book,
    writing: &Writing,
    element: &Element,
) -> Result<Guid, Refusals> {
    let kind = match element::filled(element, "Type").as_deref() {
        Some("ACCRECCREDIT") => Kind::Receivable,
        Some("ACCPAYCREDIT") => Kind::Payable,
        _ => {
            return Err(Refusals::one(
                "Credit note Type must be ACCRECCREDIT or ACCPAYCREDIT",
            ));
        }
    };
    let Some(contact) = element::object(element, "Contact") else {
        return Err(Refusals::one(
            "A Contact must be specified for this type of transaction",
        ));
    };
    let contact = contacts::named_by_document(book, writing, contact)?;
    let status = match element::filled(element, "Status")
        .as_deref()
        .map(Status::parse)
    {
        None => Status::Draft,
        Some(Some(status)) if status != Status::Paid => status,
        Some(_) => {
            return Err(Refusals::one(
                "Credit note not of valid status for creation",
            ));
        }
    };
    let types = match element::filled(element, "LineAmountTypes") {
        None => AmountTypes::default(),
        Some(text) => AmountTypes::parse(&text)
            .ok_or_else(|| Refusals::one("LineAmountTypes is not valid"))?,
    };
    let demands = Demands {
        kind,
        types,
        completeness: if status == Status::Draft {
            Completeness::Draft
        } else {
            Completeness::Complete
        },
        discounts: Discounts::Refused,
    };
    let lines = lines::write(
        book,
        writing,
        demands,
        &element::objects(element, "LineItems").unwrap_or_default(),
        &[],
    )?;
    let currency =
        element::filled(element, "CurrencyCode").unwrap_or_else(|| book.base_currency().to_owned());
    if !book.is_subscribed(&currency) {
        return Err(Refusals::one(format!(
            "Organisation is not subscribed to currency {currency}"
        )));
    }
    let day_rate = chart::day_rate(book.base_currency(), &currency).unwrap_or(Decimal::ONE);
    let id = match element::guid(element, "CreditNoteID")? {
        Some(id) => id,
        None => book.new_id(),
    };
    let number = match element::filled(element, "CreditNoteNumber") {
        Some(number) => number,
        None => {
            let number = format!("CN-{:04}", book.next_credit_note);
            book.next_credit_note += 1;
            number
        }
    };
    let mut note = CreditNote {
        id,
        kind,
        number,
        contact,
        date: element::date(element, "Date")?.unwrap_or_else(|| book.today(writing.now)),
        status,
        types,
        totals: lines::totals(&lines, types),
        lines,
        currency,
        rate: element::decimal(element, "CurrencyRate")?.unwrap_or(day_rate),
        reference: element::text(element, "Reference").unwrap_or_default(),
        allocations: Vec::new(),
        updated: stamp_of(writing, element),
    };
    for allocation in element::objects(element, "Allocations").unwrap_or_default() {
        allocate(book, writing, &mut note, allocation)?;
    }
    if note.remaining().is_zero() && note.status == Status::Authorised {
        note.status = Status::Paid;
    }
    put!(book, credit_notes, note, writing.now);
    Ok(id)
}

fn allocate(
    book: &mut Book,
    writing: &Writing,
    note: &mut CreditNote,
    element: &Element,
) -> Result<(), Refusals> {
    let named = element::object(element, "Invoice")
        .cloned()
        .unwrap_or_default();
    let invoice = element::guid(&named, "InvoiceID")?
        .and_then(|id| book.invoices.get(id))
        .cloned();
    let Some(mut invoice) = invoice else {
        return Err(Refusals::one("Invoice could not be found"));
    };
    let amount = element::decimal(element, "Amount")?
        .map(|amount| money::round(amount, 2))
        .unwrap_or_default();
    if note.status != Status::Authorised || !invoice_view::is_payable(&invoice) {
        return Err(Refusals::one(
            "Credit notes can only be allocated between Authorised documents",
        ));
    }
    if amount <= Decimal::ZERO || amount > note.remaining() || amount > invoice.due_amount() {
        return Err(Refusals::one(
            "The allocation exceeds the remaining credit or the amount outstanding on the invoice",
        ));
    }
    let date = element::date(element, "Date")?.unwrap_or(note.date);
    invoice.credited = invoice.credited.saturating_add(amount);
    invoice.settle(date);
    payments::touch(book, writing, &mut invoice, note.updated);
    let id = book.new_id();
    note.allocations.push(Allocation {
        id,
        invoice: invoice.id,
        amount,
        date,
    });
    Ok(())
}

impl CreditNote {
    fn remaining(&self) -> Decimal {
        let used = self
            .allocations
            .iter()
            .map(|allocation| allocation.amount)
            .fold(Decimal::ZERO, Decimal::saturating_add);
        if self.status.is_gone() {
            Decimal::ZERO
        } else {
            self.totals.total.saturating_sub(used)
        }
    }

    pub(crate) fn render(
        &self,
        book: &Book,
        view: InvoiceView,
        units: UnitPlaces,
    ) -> Map<String, Value> {
        let kind = match self.kind {
            Kind::Receivable => "ACCRECCREDIT",
            Kind::Payable => "ACCPAYCREDIT",
        };
        let contact = book.contacts.get(self.contact).map(|contact| match view {
            InvoiceView::Full => contact.render(ContactView::Full, None),
            InvoiceView::Page | InvoiceView::Brief | InvoiceView::Summary => contact.render_named(),
        });
        let lines: Vec<_> = match view {
            InvoiceView::Full | InvoiceView::Page => self
                .lines
                .iter()
                .map(|line| line.render(book, units))
                .collect(),
            InvoiceView::Brief | InvoiceView::Summary => Vec::new(),
        };
        let allocations: Vec<Value> = self
            .allocations
            .iter()
            .map(|allocation| {
                let invoice = book.invoices.get(allocation.invoice).map(|invoice| invoice_view::render_reference(book, invoice));
                json!({"AllocationID": allocation.id.to_string(), "Amount": money::number(allocation.amount, 2), "Date": dates::date(allocation.date), "Invoice": invoice})
            })
            .collect();
        let value = json!({
            "CreditNoteID": self.id.to_string(), "CreditNoteNumber": self.number, "Type": kind, "Reference": self.reference, "Status": self.status.name(),
            "Contact": contact, "DateString": dates::date_text(self.date), "Date": dates::date(self.date), "LineAmountTypes": self.types.name(),
            "LineItems": lines, "SubTotal": money::number(self.totals.sub_total, 2), "TotalTax": money::number(self.totals.total_tax, 2),
            "Total": money::number(self.totals.total, 2), "RemainingCredit": money::number(self.remaining(), 2), "Allocations": allocations, "Payments": [],
            "CurrencyCode": self.currency, "CurrencyRate": money::number(self.rate, 6), "HasAttachments": false, "HasErrors": false,
            "UpdatedDateUTC": dates::stamp(self.updated), "UpdatedDateUTCString": dates::stamp_text(self.updated),
        });
        value.as_object().cloned().unwrap_or_default()
    }
}
