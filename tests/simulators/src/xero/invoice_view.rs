//! How invoices are shown: in full, on a page, in an unpaged list (no lines), in a summary.

use serde_json::{Map, Value, json};

use super::book::Book;
use super::contacts::{self, ContactView};
use super::dates;
use super::element::Element;
use super::guid::Guid;
use super::invoices::{Invoice, Kind, Status};
use super::lines;
use super::money::{self, UnitPlaces};
use super::payments::PaymentStatus;
use super::where_eval::Fields;

/// How much of an invoice is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InvoiceView {
    /// One invoice, or the answer to a write: with lines and the whole contact.
    Full,
    /// With lines, the contact by name.
    Page,
    /// A list without pages: no lines.
    Brief,
    /// `summaryOnly=true`.
    Summary,
}

pub(crate) static FIELDS: Fields = Fields {
    name: "Invoice",
    plain: &[
        "Type",
        "InvoiceNumber",
        "Reference",
        "Status",
        "Date",
        "DueDate",
        "LineAmountTypes",
        "CurrencyCode",
        "CurrencyRate",
        "SubTotal",
        "TotalTax",
        "Total",
        "AmountDue",
        "AmountPaid",
        "AmountCredited",
        "FullyPaidOnDate",
        "UpdatedDateUTC",
        "SentToContact",
        "Url",
        "ExpectedPaymentDate",
        "PlannedPaymentDate",
        "IsDiscounted",
        "HasAttachments",
    ],
    guids: &["InvoiceID", "BrandingThemeID"],
    nested: &[("Contact", &contacts::FIELDS)],
};

/// Shows an invoice.
pub(crate) fn render(
    book: &Book,
    invoice: &Invoice,
    view: InvoiceView,
    units: UnitPlaces,
) -> Map<String, Value> {
    let mut fields = Element::new();
    let mut set = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    let gone = invoice.status.is_gone();
    let shown = |amount| money::number(if gone { Default::default() } else { amount }, 2);
    set("Type", json!(invoice.kind.name()));
    set("InvoiceID", json!(invoice.id.to_string()));
    set(
        "InvoiceNumber",
        json!(invoice.number.clone().unwrap_or_default()),
    );
    set("Reference", json!(invoice.reference));
    set("AmountDue", money::number(invoice.due_amount(), 2));
    set("AmountPaid", shown(invoice.paid));
    set("AmountCredited", shown(invoice.credited));
    set("CurrencyCode", json!(invoice.currency));
    set("CurrencyRate", money::number(invoice.rate, 6));
    set("HasErrors", json!(false));
    set("HasAttachments", json!(false));
    set("DateString", json!(dates::date_text(invoice.date)));
    set("Date", json!(dates::date(invoice.date)));
    for (name, date) in [
        ("DueDate", invoice.due),
        ("ExpectedPaymentDate", invoice.expected),
        ("PlannedPaymentDate", invoice.planned),
        ("FullyPaidOnDate", invoice.fully_paid_on),
    ] {
        if let Some(date) = date {
            set(name, json!(dates::date(date)));
            if name == "DueDate" {
                set("DueDateString", json!(dates::date_text(date)));
            }
        }
    }
    set("Status", json!(invoice.status.name()));
    set("LineAmountTypes", json!(invoice.types.name()));
    set("SubTotal", money::number(invoice.totals.sub_total, 2));
    set("TotalTax", money::number(invoice.totals.total_tax, 2));
    set("Total", money::number(invoice.totals.total, 2));
    let discount = lines::discount_total(&invoice.lines);
    set("IsDiscounted", json!(!discount.is_zero()));
    if !discount.is_zero() {
        set("TotalDiscount", money::number(discount, 2));
    }
    set("UpdatedDateUTC", json!(dates::stamp(invoice.updated)));
    set(
        "UpdatedDateUTCString",
        json!(dates::stamp_text(invoice.updated)),
    );
    set("SentToContact", json!(invoice.sent));
    if let Some(url) = &invoice.url {
        set("Url", json!(url));
    }
    if let Some(theme) = invoice.branding {
        set("BrandingThemeID", json!(theme.to_string()));
    }
    set("LineItems", json!([]));
    if let Some(contact) = book.contacts.get(invoice.contact) {
        let contact = match view {
            InvoiceView::Full => contact.render(ContactView::Full, None),
            InvoiceView::Page | InvoiceView::Brief | InvoiceView::Summary => contact.render_named(),
        };
        set("Contact", Value::Object(contact));
    }
    if view == InvoiceView::Summary {
        return fields;
    }
    set("Payments", Value::Array(payments_of(book, invoice.id)));
    set("CreditNotes", Value::Array(credits_of(book, invoice.id)));
    set("Prepayments", json!([]));
    set("Overpayments", json!([]));
    if view != InvoiceView::Brief {
        let lines: Vec<_> = invoice
            .lines
            .iter()
            .map(|line| line.render(book, units))
            .collect();
        set("LineItems", json!(lines));
    }
    fields
}

/// The short form of an invoice within a payment or an allocation.
pub(crate) fn render_reference(book: &Book, invoice: &Invoice) -> Map<String, Value> {
    let contact = book
        .contacts
        .get(invoice.contact)
        .map(contacts::Contact::render_named);
    let value = json!({
        "Type": invoice.kind.name(), "InvoiceID": invoice.id.to_string(), "InvoiceNumber": invoice.number.clone().unwrap_or_default(),
        "Contact": contact, "CurrencyCode": invoice.currency, "HasErrors": false, "IsDiscounted": false,
    });
    value.as_object().cloned().unwrap_or_default()
}

fn payments_of(book: &Book, invoice: Guid) -> Vec<Value> {
    let of_invoice = book.payments.all().filter(|payment| {
        payment.invoice == invoice && payment.status == PaymentStatus::Authorised
    });
    of_invoice
        .map(|payment| {
            json!({
                "PaymentID": payment.id.to_string(), "Date": dates::date(payment.date), "Amount": money::number(payment.amount, 2),
                "Reference": payment.reference, "CurrencyRate": money::number(payment.rate, 6), "HasAccount": false, "HasValidationErrors": false,
            })
        })
        .collect()
}

fn credits_of(book: &Book, invoice: Guid) -> Vec<Value> {
    let mut credits = Vec::new();
    for note in book.credit_notes.all() {
        for allocation in note
            .allocations
            .iter()
            .filter(|allocation| allocation.invoice == invoice)
        {
            credits.push(json!({
                "CreditNoteID": note.id.to_string(), "CreditNoteNumber": note.number, "AppliedAmount": money::number(allocation.amount, 2),
                "Total": money::number(note.totals.total, 2), "Date": dates::date(note.date), "HasErrors": false,
            }));
        }
    }
    credits
}

/// Whether `searchTerm` finds an invoice.
pub(crate) fn is_found_by(book: &Book, invoice: &Invoice, term: &str) -> bool {
    let contact = book
        .contacts
        .get(invoice.contact)
        .map(|contact| contact.name.as_str());
    let texts = [
        Some(invoice.reference.as_str()),
        invoice.number.as_deref(),
        contact,
    ];
    texts
        .into_iter()
        .flatten()
        .any(|text| text.to_lowercase().contains(term))
        || invoice.due_amount().to_string().contains(term)
}

/// Statuses a payment may be made on, by kind: only authorised documents.
pub(crate) fn is_payable(invoice: &Invoice) -> bool {
    invoice.status == Status::Authorised && matches!(invoice.kind, Kind::Receivable | Kind::Payable)
}
