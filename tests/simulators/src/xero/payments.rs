//! Payments on invoices and refunds of credits: made once, deleted or kept, never edited.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::accounts::{Account, AccountStatus};
use super::batch_payments;
use super::book::{Book, Origin, Writing, put};
use super::contacts::stamp_of;
use super::credit_notes;
use super::credits::{self, Credit, Form};
use super::dates;
use super::defect::Defect;
use super::element::{self, Element, Refusals};
use super::guid::Guid;
use super::invoice_view;
use super::invoices::{self, Invoice, Kind, Status};
use super::money;
use super::options::{PaymentStamp, RefundDocument};
use super::shelf::{Key, Shelved};
use super::where_eval::Fields;

#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub(crate) id: Guid,
    pub(crate) target: Target,
    pub(crate) kind: Kind,
    form: Option<Form>,
    pub(crate) account: Guid,
    pub(crate) date: NaiveDate,
    pub(crate) amount: Decimal,
    pub(crate) bank_amount: Decimal,
    pub(crate) rate: Decimal,
    pub(crate) reference: String,
    pub(crate) status: PaymentStatus,
    pub(crate) reconciled: bool,
    pub(crate) batch: Option<Guid>,
    updated: DateTime<Utc>,
}

/// What a payment pays or, of a credit, refunds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Invoice(Guid),
    Credit(Guid),
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
    guids: &["PaymentID", "BatchPaymentID"],
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

/// A document that money can be put to.
enum Document {
    Invoice(Invoice),
    Credit(Credit),
}

impl Document {
    fn target(&self) -> Target {
        match self {
            Self::Invoice(invoice) => Target::Invoice(invoice.id),
            Self::Credit(credit) => Target::Credit(credit.id),
        }
    }

    fn is_authorised(&self) -> bool {
        match self {
            Self::Invoice(invoice) => invoice.status == Status::Authorised,
            Self::Credit(credit) => credit.status == Status::Authorised,
        }
    }

    fn open(&self) -> Decimal {
        match self {
            Self::Invoice(invoice) => invoice.due_amount(),
            Self::Credit(credit) => credit.remaining(),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Invoice(invoice) => invoice.kind,
            Self::Credit(credit) => credit.kind,
        }
    }

    fn form(&self) -> Option<Form> {
        match self {
            Self::Invoice(_) => None,
            Self::Credit(credit) => Some(credit.form),
        }
    }

    fn currency(&self) -> (&str, Decimal) {
        match self {
            Self::Invoice(invoice) => (&invoice.currency, invoice.rate),
            Self::Credit(credit) => (&credit.currency, credit.rate),
        }
    }

    /// Puts money to it, or takes it away again (a negative amount).
    fn settle(
        self,
        book: &mut Book,
        writing: &Writing,
        amount: Decimal,
        on: NaiveDate,
        at: DateTime<Utc>,
    ) {
        match self {
            Self::Invoice(_) if book.has(Defect::PaymentNotCounted) => {}
            Self::Credit(_) if book.has(Defect::RefundNotCounted) => {}
            Self::Invoice(mut invoice) => {
                invoice.paid = invoice.paid.saturating_add(amount);
                invoice.settle(on);
                touch(book, writing, &mut invoice, at);
            }
            Self::Credit(mut credit) => {
                credit.refunded = credit.refunded.saturating_add(amount);
                credit.settle(on);
                credits::touch(book, writing, &mut credit, at);
            }
        }
    }
}

fn document(book: &Book, target: Target) -> Option<Document> {
    match target {
        Target::Invoice(id) => book.invoices.get(id).cloned().map(Document::Invoice),
        Target::Credit(id) => book.credits.get(id).cloned().map(Document::Credit),
    }
}

/// The document a payment names: by id or number, one only.
fn named(book: &Book, element: &Element) -> Result<Document, Refusals> {
    let mut found: Vec<Option<Document>> = Vec::new();
    let of_invoice = element::object(element, "Invoice")
        .cloned()
        .unwrap_or_default();
    let number = element::filled(&of_invoice, "InvoiceNumber")
        .or_else(|| element::filled(element, "InvoiceNumber"));
    match (element::guid(&of_invoice, "InvoiceID")?, number) {
        (Some(id), _) => found.push(document(book, Target::Invoice(id))),
        (None, Some(number)) => {
            let invoice = invoices::by_number(book, &number).cloned();
            found.push(invoice.map(Document::Invoice));
        }
        (None, None) if !of_invoice.is_empty() => found.push(None),
        (None, None) => {}
    }
    for form in Form::ALL {
        let member = element::object(element, form.member());
        let own = member.cloned().unwrap_or_default();
        let number = element::filled(&own, "CreditNoteNumber")
            .or_else(|| element::filled(element, "CreditNoteNumber"))
            .filter(|_| form == Form::CreditNote);
        let credit = match (element::guid(&own, form.id_member())?, number) {
            (Some(id), _) => book.credits.get(id).filter(|credit| credit.form == form),
            (None, Some(number)) => credit_notes::by_number(book, &number),
            (None, None) if member.is_some() => None,
            (None, None) => continue,
        };
        found.push(credit.cloned().map(Document::Credit));
    }
    match (found.pop(), found.is_empty()) {
        (None, _) => Err(Refusals::one("Payment must reference an Invoice")),
        (Some(_), false) => Err(Refusals::one("A payment must reference only one document")),
        (Some(Some(document)), true) => Ok(document),
        (Some(None), true) => Err(Refusals::one("Invoice could not be found")),
    }
}

/// The account that money goes to or comes from.
pub(crate) fn account<'a>(
    book: &'a Book,
    element: &Element,
) -> Result<Option<&'a Account>, Refusals> {
    let named = element::object(element, "Account")
        .cloned()
        .unwrap_or_default();
    let account = match (
        element::guid(&named, "AccountID")?,
        element::filled(&named, "Code"),
    ) {
        (Some(id), _) => book.accounts.get(id),
        (None, Some(code)) => book.accounts.by_key(&Key::new("Code", &code)),
        (None, None) => None,
    };
    Ok(account
        .filter(|account| account.takes_payments() && account.status == AccountStatus::Active))
}

/// Makes a payment, or deletes the one that is the target. The loader's may be `DELETED` from the start:
/// such a one touches nothing.
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
    make(book, writing, element, None)
}

/// Makes one payment, alone or within a batch.
pub(crate) fn make(
    book: &mut Book,
    writing: &Writing,
    element: &Element,
    batch: Option<Guid>,
) -> Result<Guid, Refusals> {
    let mut refusals = Refusals::default();
    let document = named(book, element)?;
    let account = account(book, element)?;
    if account.is_none() {
        refusals.add("Account could not be found or does not allow payments");
    }
    let (own_currency, account) = match account {
        Some(account) => (account.currency.clone(), account.id()),
        None => (None, Guid::ZERO),
    };
    let date = element::date(element, "Date")?.unwrap_or_else(|| book.today(writing.now));
    let amount = element::decimal(element, "Amount")?
        .map(|amount| money::round(amount, 2))
        .unwrap_or_default();
    let born_deleted = writing.origin == Origin::Loader
        && element::filled(element, "Status").as_deref() == Some("DELETED");
    if !document.is_authorised() && !born_deleted && !book.has(Defect::DraftPaid) {
        refusals.add("Payments can only be made against Authorised documents");
    } else if amount > document.open() && !born_deleted && !book.has(Defect::OverpaidAccepted) {
        refusals.add("Payment amount exceeds the amount outstanding on this document");
    }
    if amount <= Decimal::ZERO {
        refusals.add("Payment amount must be greater than zero");
    }
    invoices::check_lock(book, writing, date, &mut refusals);
    let (currency, usual_rate) = document.currency();
    let rate = match element::decimal(element, "CurrencyRate")? {
        Some(rate) if rate > Decimal::ZERO && currency != book.base_currency() => {
            money::round(rate, 6)
        }
        _ => usual_rate,
    };
    let bank_amount = if own_currency.as_deref() == Some(currency) {
        amount
    } else if book.has(Defect::BankAmountTimesRate) {
        money::round(amount.saturating_mul(rate), 2)
    } else {
        amount
            .checked_div(rate)
            .map(|amount| money::round(amount, 2))
            .unwrap_or_default()
    };
    let new_id = match element::guid(element, "PaymentID")? {
        Some(id) => id,
        None => book.new_id(),
    };
    let payment = Payment {
        id: new_id,
        target: document.target(),
        kind: document.kind(),
        form: document.form(),
        account,
        date,
        amount,
        bank_amount,
        rate,
        reference: element::text(element, "Reference").unwrap_or_default(),
        status: if born_deleted {
            PaymentStatus::Deleted
        } else {
            PaymentStatus::Authorised
        },
        reconciled: element::truth(element, "IsReconciled").unwrap_or(false),
        batch,
        updated: stamp_of(writing, element),
    };
    let payment = refusals.into_result(payment)?;
    if !born_deleted {
        document.settle(book, writing, amount, date, payment.updated);
    }
    put!(book, payments, payment, writing.now);
    Ok(new_id)
}

fn delete(
    book: &mut Book,
    writing: &Writing,
    payment: Payment,
    element: &Element,
) -> Result<Guid, Refusals> {
    if element::filled(element, "Status").as_deref() != Some("DELETED") {
        return Err(Refusals::one("A payment cannot be edited, only deleted"));
    }
    if payment.status == PaymentStatus::Deleted && !book.has(Defect::PaymentDeletedTwice) {
        return Err(Refusals::one("This payment has been deleted already"));
    }
    if payment.batch.is_some() && !book.has(Defect::BatchedPaymentDeleted) {
        return Err(Refusals::one("Payments within a batch cannot be deleted."));
    }
    reverse(book, writing, payment)
}

/// Deletes a payment and reopens its document.
pub(crate) fn reverse(
    book: &mut Book,
    writing: &Writing,
    mut payment: Payment,
) -> Result<Guid, Refusals> {
    let mut refusals = Refusals::default();
    invoices::check_lock(book, writing, payment.date, &mut refusals);
    refusals.into_result(())?;
    payment.status = PaymentStatus::Deleted;
    payment.updated = writing.now;
    let counts = book.has(Defect::DeletedPaymentCounts);
    if let Some(document) = document(book, payment.target).filter(|_| !counts) {
        document.settle(book, writing, -payment.amount, payment.date, writing.now);
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

/// The payments of a document as it shows them; deleted ones it does not.
pub(crate) fn brief_of(book: &Book, target: Target) -> Vec<Value> {
    let own = book
        .payments
        .all()
        .filter(|payment| payment.target == target && payment.status == PaymentStatus::Authorised);
    own.map(|payment| {
        json!({
            "PaymentID": payment.id.to_string(), "Date": dates::date(payment.date), "Amount": money::number(payment.amount, 2),
            "Reference": payment.reference, "CurrencyRate": money::number(payment.rate, 6), "HasAccount": false, "HasValidationErrors": false,
        })
    })
    .collect()
}

impl Payment {
    fn type_name(&self) -> &'static str {
        match (self.form, self.kind) {
            (None, Kind::Receivable) => "ACCRECPAYMENT",
            (None, Kind::Payable) => "ACCPAYPAYMENT",
            (Some(Form::CreditNote), Kind::Receivable) => "ARCREDITPAYMENT",
            (Some(Form::CreditNote), Kind::Payable) => "APCREDITPAYMENT",
            (Some(Form::Overpayment), Kind::Receivable) => "AROVERPAYMENTPAYMENT",
            (Some(Form::Overpayment), Kind::Payable) => "APOVERPAYMENTPAYMENT",
            (Some(Form::Prepayment), Kind::Receivable) => "ARPREPAYMENTPAYMENT",
            (Some(Form::Prepayment), Kind::Payable) => "APPREPAYMENTPAYMENT",
        }
    }

    pub(crate) fn render(&self, book: &Book) -> Map<String, Value> {
        let status = match self.status {
            PaymentStatus::Authorised => Status::Authorised.name(),
            PaymentStatus::Deleted => Status::Deleted.name(),
        };
        let account = book.accounts.get(self.account).map(|account| json!({"AccountID": self.account.to_string(), "Code": account.code, "Name": account.name}));
        let value = json!({
            "PaymentID": self.id.to_string(), "Date": dates::date(self.date), "Amount": money::number(self.amount, 2),
            "BankAmount": money::number(self.bank_amount, 2), "CurrencyRate": money::number(self.rate, 6), "Reference": self.reference,
            "PaymentType": self.type_name(), "Status": status, "IsReconciled": self.reconciled, "HasAccount": account.is_some(),
            "UpdatedDateUTC": dates::stamp(self.updated), "UpdatedDateUTCString": dates::stamp_text(self.updated),
            "Account": account, "HasValidationErrors": false,
        });
        let mut fields = value.as_object().cloned().unwrap_or_default();
        let (name, shown) = match self.target {
            Target::Invoice(id) => {
                let invoice = book.invoices.get(id);
                let shown = invoice.map(|invoice| invoice_view::render_reference(book, invoice));
                ("Invoice", shown)
            }
            Target::Credit(id) => match (book.credits.get(id), book.switches.refund_document) {
                (None, _) => ("Invoice", None),
                (Some(credit), RefundDocument::AsInvoice) => {
                    ("Invoice", Some(credit.render_as_invoice(book)))
                }
                (Some(credit), RefundDocument::ByKind) => {
                    (credit.form.member(), Some(credit.render_named(book)))
                }
            },
        };
        fields.insert(name.to_owned(), json!(shown));
        if let Some(batch) = self.batch.and_then(|batch| book.batches.get(batch)) {
            fields.insert("BatchPaymentID".to_owned(), json!(batch.id().to_string()));
            fields.insert(
                "BatchPayment".to_owned(),
                Value::Object(batch_payments::render_brief(book, batch)),
            );
        }
        fields
    }
}
