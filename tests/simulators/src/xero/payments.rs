//! Payments on invoices: made once, deleted or kept, never edited.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::accounts::AccountStatus;
use super::book::{Book, Writing, put};
use super::contacts::stamp_of;
use super::dates;
use super::element::{self, Element, Refusals};
use super::guid::Guid;
use super::invoice_view;
use super::invoices::{self, Invoice, Kind, Status};
use super::money;
use super::options::PaymentStamp;
use super::shelf::{Key, Shelved};
use super::where_eval::Fields;

#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub(crate) id: Guid,
    pub(crate) invoice: Guid,
    kind: Kind,
    account: Guid,
    pub(crate) date: NaiveDate,
    pub(crate) amount: Decimal,
    bank_amount: Decimal,
    pub(crate) rate: Decimal,
    pub(crate) reference: String,
    pub(crate) status: PaymentStatus,
    reconciled: bool,
    updated: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PaymentStatus {
    Authorised,
    Deleted,
}

pub(crate) static FIELDS: Fields = Fields {
    name: "Payment",
    plain: &[
        "Date",
        "Amount",
        "BankAmount",
        "Reference",
        "Status",
        "PaymentType",
        "IsReconciled",
        "UpdatedDateUTC",
        "CurrencyRate",
    ],
    guids: &["PaymentID"],
    nested: &[
        ("Invoice", &invoice_view::FIELDS),
        ("Account", &super::accounts::FIELDS),
    ],
};

impl Shelved for Payment {
    fn id(&self) -> Guid {
        self.id
    }

    fn updated(&self) -> DateTime<Utc> {
        self.updated
    }

    fn keys(&self) -> Vec<Key> {
        Vec::new()
    }
}

/// Makes a payment, or deletes the one that is the target.
pub(crate) fn write(
    book: &mut Book,
    writing: &Writing,
    element: &Element,
) -> Result<Guid, Refusals> {
    let id = writing.target.or(element::guid(element, "PaymentID")?);
    if let Some(old) = id.and_then(|id| book.payments.get(id)).cloned() {
        return delete(book, writing, old, element);
    }
    if id.is_some() && writing.target.is_some() {
        return Err(Refusals::one(invoices::NOT_FOUND));
    }
    let mut refusals = Refusals::default();
    let invoice = match element::object(element, "Invoice") {
        Some(named) => match (
            element::guid(named, "InvoiceID")?,
            element::filled(named, "InvoiceNumber"),
        ) {
            (Some(id), _) => book.invoices.get(id),
            (None, Some(number)) => invoices::by_number(book, &number),
            (None, None) => None,
        },
        None => return Err(Refusals::one("Payment must reference an Invoice")),
    };
    let Some(mut invoice) = invoice.cloned() else {
        return Err(Refusals::one("Invoice could not be found"));
    };
    let account = element::object(element, "Account")
        .cloned()
        .unwrap_or_default();
    let account = match (
        element::guid(&account, "AccountID")?,
        element::filled(&account, "Code"),
    ) {
        (Some(id), _) => book.accounts.get(id),
        (None, Some(code)) => book.accounts.by_key(&Key::new("Code", &code)),
        (None, None) => None,
    };
    let account = account
        .filter(|account| account.takes_payments() && account.status == AccountStatus::Active);
    if account.is_none() {
        refusals.add("Account could not be found or does not allow payments");
    }
    let account = account.map(Shelved::id);
    let date = element::date(element, "Date")?.unwrap_or_else(|| book.today(writing.now));
    let amount = element::decimal(element, "Amount")?
        .map(|amount| money::round(amount, 2))
        .unwrap_or_default();
    if !invoice_view::is_payable(&invoice) {
        refusals.add("Payments can only be made against Authorised documents");
    } else if amount > invoice.due_amount() {
        refusals.add("Payment amount exceeds the amount outstanding on this document");
    }
    if amount <= Decimal::ZERO {
        refusals.add("Payment amount must be greater than zero");
    }
    invoices::check_lock(book, writing, date, &mut refusals);
    let rate = match element::decimal(element, "CurrencyRate")? {
        Some(rate) if rate > Decimal::ZERO && invoice.currency != book.base_currency() => {
            money::round(rate, 6)
        }
        _ => invoice.rate,
    };
    let bank_amount = amount
        .checked_div(rate)
        .map(|amount| money::round(amount, 2))
        .unwrap_or_default();
    let new_id = match id {
        Some(id) => id,
        None => book.new_id(),
    };
    let payment = Payment {
        id: new_id,
        invoice: invoice.id,
        kind: invoice.kind,
        account: account.unwrap_or(Guid::ZERO),
        date,
        amount,
        bank_amount,
        rate,
        reference: element::text(element, "Reference").unwrap_or_default(),
        status: PaymentStatus::Authorised,
        reconciled: element::truth(element, "IsReconciled").unwrap_or(false),
        updated: stamp_of(writing, element),
    };
    let payment = refusals.into_result(payment)?;
    invoice.paid = invoice.paid.saturating_add(amount);
    invoice.settle(date);
    touch(book, writing, &mut invoice, payment.updated);
    put!(book, payments, payment, writing.now);
    Ok(new_id)
}

fn delete(
    book: &mut Book,
    writing: &Writing,
    mut payment: Payment,
    element: &Element,
) -> Result<Guid, Refusals> {
    if element::filled(element, "Status").as_deref() != Some("DELETED") {
        return Err(Refusals::one("A payment cannot be edited, only deleted"));
    }
    if payment.status == PaymentStatus::Deleted {
        return Err(Refusals::one("This payment has been deleted already"));
    }
    let mut refusals = Refusals::default();
    invoices::check_lock(book, writing, payment.date, &mut refusals);
    refusals.into_result(())?;
    payment.status = PaymentStatus::Deleted;
    payment.updated = writing.now;
    if let Some(mut invoice) = book.invoices.get(payment.invoice).cloned() {
        invoice.paid = invoice.paid.saturating_sub(payment.amount);
        invoice.settle(payment.date);
        touch(book, writing, &mut invoice, writing.now);
    }
    let id = payment.id;
    put!(book, payments, payment, writing.now);
    Ok(id)
}

/// Writes the invoice back after money came or went; whether its stamp moves is not known.
pub(crate) fn touch(book: &mut Book, writing: &Writing, invoice: &mut Invoice, at: DateTime<Utc>) {
    if book.switches.payment_stamp == PaymentStamp::Bumped {
        invoice.updated = at.max(invoice.updated);
    }
    let invoice = invoice.clone();
    put!(book, invoices, invoice, writing.now);
}

impl Payment {
    pub(crate) fn render(&self, book: &Book) -> Map<String, Value> {
        let kind = match self.kind {
            Kind::Receivable => "ACCRECPAYMENT",
            Kind::Payable => "ACCPAYPAYMENT",
        };
        let status = match self.status {
            PaymentStatus::Authorised => Status::Authorised.name(),
            PaymentStatus::Deleted => Status::Deleted.name(),
        };
        let account = book.accounts.get(self.account).map(|account| json!({"AccountID": self.account.to_string(), "Code": account.code, "Name": account.name}));
        let invoice = book
            .invoices
            .get(self.invoice)
            .map(|invoice| invoice_view::render_reference(book, invoice));
        let value = json!({
            "PaymentID": self.id.to_string(), "Date": dates::date(self.date), "Amount": money::number(self.amount, 2),
            "BankAmount": money::number(self.bank_amount, 2), "CurrencyRate": money::number(self.rate, 6), "Reference": self.reference,
            "PaymentType": kind, "Status": status, "IsReconciled": self.reconciled, "HasAccount": account.is_some(),
            "UpdatedDateUTC": dates::stamp(self.updated), "UpdatedDateUTCString": dates::stamp_text(self.updated),
            "Account": account, "Invoice": invoice, "HasValidationErrors": false,
        });
        value.as_object().cloned().unwrap_or_default()
    }
}
