//! Batch payments: one movement of the bank over several invoices. Deleting the batch deletes its
//! payments; a payment within one cannot be deleted alone.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::book::{Book, Writing, put};
use super::contacts::stamp_of;
use super::dates;
use super::element::{self, Element, Refusals};
use super::guid::Guid;
use super::invoices::{self, Kind, Status};
use super::money;
use super::payments::{self, Payment, PaymentStatus, Target};
use super::shelf::{Key, Shelved};
use super::where_eval::Fields;

#[derive(Clone, Debug)]
pub(crate) struct Batch {
    id: Guid,
    account: Guid,
    kind: Kind,
    date: NaiveDate,
    reference: String,
    details: String,
    narrative: String,
    status: PaymentStatus,
    total: Decimal,
    reconciled: bool,
    updated: DateTime<Utc>,
}

pub(crate) static FIELDS: Fields = Fields {
    name: "BatchPayment",
    plain: &[
        "Date",
        "Reference",
        "Type",
        "Status",
        "TotalAmount",
        "UpdatedDateUTC",
        "IsReconciled",
    ],
    guids: &["BatchPaymentID"],
    nested: &[("Account", &super::accounts::FIELDS)],
};

impl Shelved for Batch {
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

/// Makes a batch with its payments, or deletes the one that is named.
pub(crate) fn write(
    book: &mut Book,
    writing: &Writing,
    element: &Element,
) -> Result<Guid, Refusals> {
    let id = writing.target.or(element::guid(element, "BatchPaymentID")?);
    if let Some(old) = id.and_then(|id| book.batches.get(id)).cloned() {
        return delete(book, writing, old, element);
    }
    if writing.target.is_some() {
        return Err(Refusals::one(invoices::NOT_FOUND));
    }
    let Some(account) = payments::account(book, element)?.map(Shelved::id) else {
        return Err(Refusals::one(
            "Account could not be found or does not allow payments",
        ));
    };
    let given = element::objects(element, "Payments").unwrap_or_default();
    if given.is_empty() {
        return Err(Refusals::one("A batch payment must contain payments"));
    }
    let id = match id {
        Some(id) => id,
        None => book.new_id(),
    };
    let text = |name: &str| element::text(element, name).unwrap_or_default();
    if text("Narrative").chars().count() > 18 {
        return Err(Refusals::one(
            "Narrative must not be longer than 18 characters",
        ));
    }
    let mut batch = Batch {
        id,
        account,
        kind: Kind::Receivable,
        date: element::date(element, "Date")?.unwrap_or_else(|| book.today(writing.now)),
        reference: text("Reference"),
        details: text("Details"),
        narrative: text("Narrative"),
        status: PaymentStatus::Authorised,
        total: Decimal::ZERO,
        reconciled: element::truth(element, "IsReconciled").unwrap_or(false),
        updated: stamp_of(writing, element),
    };
    let mut kinds = Vec::new();
    for one in given {
        // Account and date of the batch hold for all of its payments.
        let mut payment = one.clone();
        payment.insert(
            "Account".to_owned(),
            json!({"AccountID": account.to_string()}),
        );
        payment.insert("Date".to_owned(), json!(batch.date.to_string()));
        payment.insert("IsReconciled".to_owned(), json!(batch.reconciled));
        let stamp = element.get("UpdatedDateUTC").cloned().unwrap_or_default();
        payment.insert("UpdatedDateUTC".to_owned(), stamp);
        payment
            .entry("Reference")
            .or_insert_with(|| json!(batch.reference));
        let made = payments::make(book, writing, &payment, Some(id))?;
        if let Some(made) = book.payments.get(made) {
            if !matches!(made.target, Target::Invoice(_)) {
                return Err(Refusals::one("Batch payments can only be made on invoices"));
            }
            batch.total = batch.total.saturating_add(made.bank_amount);
            kinds.push(made.kind);
        }
    }
    kinds.dedup();
    let [kind] = kinds.as_slice() else {
        return Err(Refusals::one(
            "A batch payment cannot mix sales invoices and bills",
        ));
    };
    batch.kind = *kind;
    put!(book, batches, batch, writing.now);
    Ok(id)
}

fn delete(
    book: &mut Book,
    writing: &Writing,
    mut batch: Batch,
    element: &Element,
) -> Result<Guid, Refusals> {
    if element::filled(element, "Status").as_deref() != Some("DELETED") {
        return Err(Refusals::one(
            "A batch payment cannot be edited, only deleted",
        ));
    }
    if batch.status == PaymentStatus::Deleted {
        return Err(Refusals::one("This batch payment has been deleted already"));
    }
    let own: Vec<Payment> = members(book, batch.id).cloned().collect();
    for payment in own {
        payments::reverse(book, writing, payment)?;
    }
    let id = batch.id;
    batch.status = PaymentStatus::Deleted;
    batch.updated = writing.now;
    put!(book, batches, batch, writing.now);
    Ok(id)
}

fn members(book: &Book, batch: Guid) -> impl Iterator<Item = &Payment> {
    book.payments.all().filter(move |payment| {
        payment.batch == Some(batch) && payment.status == PaymentStatus::Authorised
    })
}

/// As a member of its payments.
pub(crate) fn render_brief(book: &Book, batch: &Batch) -> Map<String, Value> {
    let mut fields = batch.render(book);
    for name in [
        "Payments",
        "DateString",
        "Reference",
        "Details",
        "Narrative",
    ] {
        fields.remove(name);
    }
    fields
}

impl Batch {
    pub(crate) fn render(&self, book: &Book) -> Map<String, Value> {
        let kind = match self.kind {
            Kind::Receivable => "RECBATCH",
            Kind::Payable => "PAYBATCH",
        };
        let status = match self.status {
            PaymentStatus::Authorised => Status::Authorised.name(),
            PaymentStatus::Deleted => Status::Deleted.name(),
        };
        let payments: Vec<Value> = members(book, self.id)
            .map(|payment| {
                let invoice = match payment.target {
                    Target::Invoice(id) => book.invoices.get(id),
                    Target::Credit(_) => None,
                };
                let invoice = invoice.map(|invoice| json!({"InvoiceID": invoice.id.to_string(), "CurrencyCode": invoice.currency}));
                json!({
                    "PaymentID": payment.id.to_string(), "Invoice": invoice, "Amount": money::number(payment.amount, 2),
                    "BankAmount": money::number(payment.bank_amount, 2), "Reference": payment.reference,
                })
            })
            .collect();
        let value = json!({
            "BatchPaymentID": self.id.to_string(), "Account": {"AccountID": self.account.to_string()}, "Reference": self.reference,
            "Details": self.details, "Narrative": self.narrative, "DateString": dates::date_text(self.date), "Date": dates::date(self.date),
            "Payments": payments, "Type": kind, "Status": status, "TotalAmount": money::number(self.total, 2),
            "UpdatedDateUTC": dates::stamp(self.updated), "IsReconciled": self.reconciled,
        });
        value.as_object().cloned().unwrap_or_default()
    }
}
