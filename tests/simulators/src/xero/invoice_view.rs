//! How invoices are shown: in full, on a page, in an unpaged list (no lines), in a summary.

use serde_json::{Map, Value, json};

use super::book::Book;
use super::contacts::{self, ContactView};
use super::credits::{self, Form};
use super::dates;
use super::defect::Defect;
use super::element::Element;
use super::invoices::Invoice;
use super::lines;
use super::money::{self, UnitPlaces};
use super::payments::{self, Target};
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
    let due = if book.has(Defect::VoidedStillDue) {
        invoice.open()
    } else {
        invoice.due_amount()
    };
    let shown = |amount| money::number(if gone { Default::default() } else { amount }, 2);
    set("Type", json!(invoice.kind.name()));
    set("InvoiceID", json!(invoice.id.to_string()));
    set(
        "InvoiceNumber",
        json!(invoice.number.clone().unwrap_or_default()),
    );
    set("Reference", json!(invoice.reference));
    set("AmountDue", money::number(due, 2));
    set("AmountPaid", shown(invoice.paid));
    set("AmountCredited", shown(invoice.credited));
    if let (Some(percent), false) = (book.setup.cis_rate, invoice.cis.is_zero()) {
        set("CISDeduction", money::number(invoice.cis, 2));
        set("CISRate", money::number(percent, 2));
    }
    set("CurrencyCode", json!(invoice.currency));
    set("CurrencyRate", money::number(invoice.rate, 6));
    set("HasErrors", json!(false));
    set("HasAttachments", json!(false));
    let told = !book.has(Defect::DateTextMissing);
    if told {
        set("DateString", json!(dates::date_text(invoice.date)));
    }
    set("Date", json!(dates::date(invoice.date)));
    for (name, date) in [
        ("DueDate", invoice.due),
        ("ExpectedPaymentDate", invoice.expected),
        ("PlannedPaymentDate", invoice.planned),
        ("FullyPaidOnDate", invoice.fully_paid_on),
    ] {
        let hidden = name == "FullyPaidOnDate" && book.has(Defect::PaidDateMissing);
        if let Some(date) = date.filter(|_| !hidden) {
            set(name, json!(dates::date(date)));
            if name == "DueDate" && told {
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
    let paid = payments::brief_of(book, Target::Invoice(invoice.id));
    set("Payments", Value::Array(paid));
    for (name, form) in [
        ("CreditNotes", Form::CreditNote),
        ("Prepayments", Form::Prepayment),
        ("Overpayments", Form::Overpayment),
    ] {
        let applied = credits::applied_to(book, invoice.id, form);
        set(name, Value::Array(applied));
    }
    if view != InvoiceView::Brief || book.has(Defect::LinesInLists) {
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
