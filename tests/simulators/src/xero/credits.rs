//! Credit that a customer has or a supplier gives: credit notes, overpayments, prepayments. What they
//! have in common is here: what remains, how allocations and refunds settle them, how they are shown.
//!
//! Credit notes are written by [`super::credit_notes`]; the other two are born as bank transactions
//! ([`super::bank_transactions`]). Next: [`super::allocations`], and [`super::payments`] for refunds.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::book::{Book, Writing, put};
use super::contacts::{self, ContactView};
use super::dates;
use super::defect::Defect;
use super::element::Element;
use super::guid::Guid;
use super::invoice_view::{self, InvoiceView};
use super::invoices::{Kind, Status};
use super::lines::Line;
use super::money::{self, AmountTypes, Totals, UnitPlaces};
use super::options::CreditStamp;
use super::payments::{self, Target};
use super::shelf::{Key, Shelved};
use super::where_eval::Fields;

/// The three kinds of credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    CreditNote,
    Overpayment,
    Prepayment,
}

impl Form {
    pub(crate) const ALL: [Self; 3] = [Self::CreditNote, Self::Overpayment, Self::Prepayment];

    /// As a member of a document that names one.
    pub(crate) fn member(self) -> &'static str {
        match self {
            Self::CreditNote => "CreditNote",
            Self::Overpayment => "Overpayment",
            Self::Prepayment => "Prepayment",
        }
    }

    /// The member that holds its id.
    pub(crate) fn id_member(self) -> &'static str {
        match self {
            Self::CreditNote => "CreditNoteID",
            Self::Overpayment => "OverpaymentID",
            Self::Prepayment => "PrepaymentID",
        }
    }

    /// In words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::CreditNote => "Credit Note",
            Self::Overpayment => "Overpayment",
            Self::Prepayment => "Prepayment",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Credit {
    pub(crate) id: Guid,
    pub(crate) form: Form,
    pub(crate) kind: Kind,
    /// Of credit notes; empty otherwise.
    pub(crate) number: String,
    pub(crate) contact: Guid,
    pub(crate) date: NaiveDate,
    pub(crate) status: Status,
    pub(crate) types: AmountTypes,
    pub(crate) lines: Vec<Line>,
    pub(crate) totals: Totals,
    pub(crate) currency: String,
    pub(crate) rate: Decimal,
    pub(crate) reference: String,
    pub(crate) branding: Option<Guid>,
    pub(crate) sent: bool,
    pub(crate) allocations: Vec<Allocation>,
    pub(crate) refunded: Decimal,
    pub(crate) fully_paid_on: Option<NaiveDate>,
    pub(crate) updated: DateTime<Utc>,
}

/// A part of a credit set against an invoice.
#[derive(Clone, Debug)]
pub(crate) struct Allocation {
    pub(crate) id: Guid,
    pub(crate) invoice: Guid,
    pub(crate) amount: Decimal,
    pub(crate) date: NaiveDate,
}

pub(crate) static NOTE_FIELDS: Fields = Fields {
    name: "CreditNote",
    plain: &[
        "Type",
        "CreditNoteNumber",
        "Reference",
        "Status",
        "Date",
        "LineAmountTypes",
        "CurrencyCode",
        "CurrencyRate",
        "SubTotal",
        "TotalTax",
        "Total",
        "RemainingCredit",
        "FullyPaidOnDate",
        "SentToContact",
        "UpdatedDateUTC",
    ],
    guids: &["CreditNoteID"],
    nested: &[("Contact", &contacts::FIELDS)],
};

/// Of overpayments and prepayments.
pub(crate) static ADVANCE_FIELDS: Fields = Fields {
    name: "Overpayment",
    plain: &[
        "Type",
        "Reference",
        "Status",
        "Date",
        "LineAmountTypes",
        "CurrencyCode",
        "CurrencyRate",
        "SubTotal",
        "TotalTax",
        "Total",
        "RemainingCredit",
        "UpdatedDateUTC",
    ],
    guids: &["OverpaymentID", "PrepaymentID"],
    nested: &[("Contact", &contacts::FIELDS)],
};

impl Shelved for Credit {
    fn id(&self) -> Guid {
        self.id
    }

    fn updated(&self) -> DateTime<Utc> {
        self.updated
    }

    fn keys(&self) -> Vec<Key> {
        if self.form == Form::CreditNote && self.kind == Kind::Receivable {
            vec![Key::new("CreditNoteNumber", &self.number)]
        } else {
            Vec::new()
        }
    }
}

impl Credit {
    /// What can still be allocated or refunded; nothing of a voided or deleted one.
    pub(crate) fn remaining(&self) -> Decimal {
        if self.status.is_gone() {
            return Decimal::ZERO;
        }
        self.allocations
            .iter()
            .fold(self.totals.total, |left, allocation| {
                left.saturating_sub(allocation.amount)
            })
            .saturating_sub(self.refunded)
    }

    pub(crate) fn is_used(&self) -> bool {
        !self.allocations.is_empty() || !self.refunded.is_zero()
    }

    /// Settles the status after an allocation or a refund came or went.
    pub(crate) fn settle(&mut self, on: NaiveDate) {
        match self.status {
            Status::Authorised if self.remaining().is_zero() => {
                self.status = Status::Paid;
                self.fully_paid_on = Some(on);
            }
            Status::Paid if !self.remaining().is_zero() => {
                self.status = Status::Authorised;
                self.fully_paid_on = None;
            }
            _ => {}
        }
    }

    /// `Type` as shown by its own endpoint.
    pub(crate) fn type_name(&self) -> &'static str {
        match (self.form, self.kind) {
            (Form::CreditNote, Kind::Receivable) => "ACCRECCREDIT",
            (Form::CreditNote, Kind::Payable) => "ACCPAYCREDIT",
            (Form::Overpayment, Kind::Receivable) => "RECEIVE-OVERPAYMENT",
            (Form::Overpayment, Kind::Payable) => "SPEND-OVERPAYMENT",
            (Form::Prepayment, Kind::Receivable) => "RECEIVE-PREPAYMENT",
            (Form::Prepayment, Kind::Payable) => "SPEND-PREPAYMENT",
        }
    }

    /// `Type` where a refund shows it under `Invoice`.
    pub(crate) fn type_as_invoice(&self) -> &'static str {
        match (self.form, self.kind) {
            (Form::CreditNote, _) => self.type_name(),
            (Form::Overpayment, Kind::Receivable) => "AROVERPAYMENT",
            (Form::Overpayment, Kind::Payable) => "APOVERPAYMENT",
            (Form::Prepayment, Kind::Receivable) => "ARPREPAYMENT",
            (Form::Prepayment, Kind::Payable) => "APPREPAYMENT",
        }
    }

    pub(crate) fn render(
        &self,
        book: &Book,
        view: InvoiceView,
        units: UnitPlaces,
    ) -> Map<String, Value> {
        let mut fields = Element::new();
        let mut set = |name: &str, value: Value| {
            fields.insert(name.to_owned(), value);
        };
        let id = json!(self.id.to_string());
        set(self.form.id_member(), id.clone());
        set("ID", id);
        set("Type", json!(self.type_name()));
        match self.form {
            Form::CreditNote => {
                set("CreditNoteNumber", json!(self.number));
                set("SentToContact", json!(self.sent));
                set("HasErrors", json!(false));
                if let Some(date) = self.fully_paid_on {
                    set("FullyPaidOnDate", json!(dates::date(date)));
                }
                if let Some(theme) = self.branding {
                    set("BrandingThemeID", json!(theme.to_string()));
                }
            }
            Form::Prepayment if self.kind == Kind::Receivable => {
                set("InvoiceNumber", json!(self.reference));
            }
            Form::Overpayment | Form::Prepayment => {}
        }
        set("Reference", json!(self.reference));
        set("Status", json!(self.status.name()));
        set("DateString", json!(dates::date_text(self.date)));
        set("Date", json!(dates::date(self.date)));
        set("LineAmountTypes", json!(self.types.name()));
        set("SubTotal", money::number(self.totals.sub_total, 2));
        set("TotalTax", money::number(self.totals.total_tax, 2));
        set("Total", money::number(self.totals.total, 2));
        let remaining = if book.has(Defect::RemainingNotReduced) {
            self.totals.total
        } else {
            self.remaining()
        };
        set("RemainingCredit", money::number(remaining, 2));
        set("CurrencyCode", json!(self.currency));
        set("CurrencyRate", money::number(self.rate, 6));
        set("HasAttachments", json!(false));
        set("UpdatedDateUTC", json!(dates::stamp(self.updated)));
        set(
            "UpdatedDateUTCString",
            json!(dates::stamp_text(self.updated)),
        );
        if let Some(contact) = book.contacts.get(self.contact) {
            let contact = match view {
                InvoiceView::Full => contact.render(ContactView::Full, None),
                InvoiceView::Page | InvoiceView::Brief | InvoiceView::Summary => {
                    contact.render_named()
                }
            };
            set("Contact", Value::Object(contact));
        }
        let lines: Vec<_> = match view {
            InvoiceView::Full | InvoiceView::Page => self
                .lines
                .iter()
                .map(|line| line.render(book, units))
                .collect(),
            InvoiceView::Brief | InvoiceView::Summary => Vec::new(),
        };
        set("LineItems", json!(lines));
        let allocations: Vec<Value> = self
            .allocations
            .iter()
            .map(|allocation| {
                let invoice = book
                    .invoices
                    .get(allocation.invoice)
                    .map(|invoice| invoice_view::render_reference(book, invoice));
                json!({
                    "AllocationID": allocation.id.to_string(), "Amount": money::number(allocation.amount, 2),
                    "Date": dates::date(allocation.date), "Invoice": invoice,
                })
            })
            .collect();
        set("Allocations", json!(allocations));
        set(
            "Payments",
            Value::Array(payments::brief_of(book, Target::Credit(self.id))),
        );
        fields
    }

    /// As a member of a refund, in the way of the published example: under `Invoice`.
    pub(crate) fn render_as_invoice(&self, book: &Book) -> Map<String, Value> {
        let contact = book
            .contacts
            .get(self.contact)
            .map(contacts::Contact::render_named);
        let value = json!({
            "Type": self.type_as_invoice(), "InvoiceID": self.id.to_string(), "InvoiceNumber": self.number, "Contact": contact,
            "CurrencyCode": self.currency, "HasErrors": false, "IsDiscounted": false,
        });
        value.as_object().cloned().unwrap_or_default()
    }

    /// As a member of its own name.
    pub(crate) fn render_named(&self, book: &Book) -> Map<String, Value> {
        let contact = book
            .contacts
            .get(self.contact)
            .map(contacts::Contact::render_named);
        let mut fields = Element::new();
        fields.insert(self.form.id_member().to_owned(), json!(self.id.to_string()));
        fields.insert("ID".to_owned(), json!(self.id.to_string()));
        fields.insert("Type".to_owned(), json!(self.type_name()));
        if self.form == Form::CreditNote {
            fields.insert("CreditNoteNumber".to_owned(), json!(self.number));
        }
        fields.insert("CurrencyCode".to_owned(), json!(self.currency));
        fields.insert("Contact".to_owned(), json!(contact));
        fields
    }
}

/// Writes a credit back after an allocation or a refund came or went.
pub(crate) fn touch(book: &mut Book, writing: &Writing, credit: &mut Credit, at: DateTime<Utc>) {
    if book.switches.credit_stamp == CreditStamp::Bumped {
        credit.updated = at.max(credit.updated);
    }
    let credit = credit.clone();
    put!(book, credits, credit, writing.now);
}

/// What an invoice shows of the credits of one form that were set against it.
pub(crate) fn applied_to(book: &Book, invoice: Guid, form: Form) -> Vec<Value> {
    let mut applied = Vec::new();
    for credit in book.credits.all().filter(|credit| credit.form == form) {
        for allocation in &credit.allocations {
            if allocation.invoice != invoice {
                continue;
            }
            let mut entry = Element::new();
            let mut set = |name: &str, value: Value| entry.insert(name.to_owned(), value);
            set(form.id_member(), json!(credit.id.to_string()));
            set("ID", json!(credit.id.to_string()));
            set("AppliedAmount", money::number(allocation.amount, 2));
            set("Total", money::number(credit.totals.total, 2));
            set("Date", json!(dates::date(credit.date)));
            set("DateString", json!(dates::date_text(credit.date)));
            if form == Form::CreditNote {
                set("CreditNoteNumber", json!(credit.number));
                set("HasErrors", json!(false));
            }
            applied.push(Value::Object(entry));
        }
    }
    applied
}
