//! Invoices: creation, change, status transitions, numbers and lock dates.
//!
//! [`write`] is the only way an invoice comes about or changes, but for payments ([`super::payments`])
//! and allocations. Next: [`super::invoice_view`].

use chrono::{DateTime, Days, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::book::{Book, Origin, Verb, Writing, put};
use super::chart;
use super::contacts;
use super::defect::Defect;
use super::element::{self, Element, Refusals};
use super::guid::Guid;
use super::lines::{self, Completeness, Demands, Discounts, Line};
use super::money::{self, AmountTypes, Totals};
use super::shelf::{Key, Shelved};

pub(crate) const NOT_EDITABLE_PAID: &str =
    "This document cannot be edited as it has a payment or credit note allocated to it.";
pub(crate) const NOT_MODIFIABLE: &str = "Invoice not of valid status for modification";
const NOT_CREATABLE: &str = "Invoice not of valid status for creation";
pub(crate) const NOT_FOUND: &str =
    "The document with the supplied id was not found for this endpoint.";

#[derive(Clone, Debug)]
pub(crate) struct Invoice {
    pub(crate) id: Guid,
    pub(crate) kind: Kind,
    pub(crate) number: Option<String>,
    pub(crate) contact: Guid,
    pub(crate) date: NaiveDate,
    pub(crate) due: Option<NaiveDate>,
    pub(crate) status: Status,
    pub(crate) types: AmountTypes,
    pub(crate) lines: Vec<Line>,
    pub(crate) totals: Totals,
    pub(crate) reference: String,
    pub(crate) url: Option<String>,
    pub(crate) currency: String,
    pub(crate) rate: Decimal,
    pub(crate) branding: Option<Guid>,
    pub(crate) sent: bool,
    pub(crate) expected: Option<NaiveDate>,
    pub(crate) planned: Option<NaiveDate>,
    pub(crate) paid: Decimal,
    pub(crate) credited: Decimal,
    /// What the customer deducts under the construction industry scheme: not due, not paid.
    pub(crate) cis: Decimal,
    pub(crate) fully_paid_on: Option<NaiveDate>,
    pub(crate) app: String,
    pub(crate) updated: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Receivable,
    Payable,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Receivable => "ACCREC",
            Self::Payable => "ACCPAY",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Draft,
    Submitted,
    Authorised,
    Paid,
    Voided,
    Deleted,
}

impl Status {
    pub(crate) const ALL: [Self; 6] = [
        Self::Draft,
        Self::Submitted,
        Self::Authorised,
        Self::Paid,
        Self::Voided,
        Self::Deleted,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Submitted => "SUBMITTED",
            Self::Authorised => "AUTHORISED",
            Self::Paid => "PAID",
            Self::Voided => "VOIDED",
            Self::Deleted => "DELETED",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == text)
    }

    /// Whether a caller may ask for this change. PAID is only ever set by Xero.
    pub(crate) fn may_become(self, wanted: Self) -> bool {
        use Status::{Authorised, Deleted, Draft, Submitted, Voided};
        match self {
            Draft => matches!(wanted, Draft | Submitted | Authorised | Deleted),
            Submitted => matches!(wanted, Submitted | Authorised | Draft | Deleted),
            Authorised => matches!(wanted, Authorised | Voided),
            Self::Paid | Voided | Deleted => false,
        }
    }

    pub(crate) fn is_gone(self) -> bool {
        matches!(self, Self::Voided | Self::Deleted)
    }
}

impl Shelved for Invoice {
    fn id(&self) -> Guid {
        self.id
    }

    fn updated(&self) -> DateTime<Utc> {
        self.updated
    }

    fn keys(&self) -> Vec<Key> {
        match self.kind {
            Kind::Receivable => self
                .number
                .iter()
                .map(|number| Key::new("InvoiceNumber", number))
                .collect(),
            Kind::Payable => Vec::new(),
        }
    }
}

impl Invoice {
    /// What is still to be paid; nothing on a voided or deleted one.
    pub(crate) fn due_amount(&self) -> Decimal {
        if self.status.is_gone() {
            return Decimal::ZERO;
        }
        self.open()
    }

    /// What was still to be paid, whatever became of it.
    pub(crate) fn open(&self) -> Decimal {
        self.totals
            .total
            .saturating_sub(self.cis)
            .saturating_sub(self.paid)
            .saturating_sub(self.credited)
    }

    fn has_allocations(&self) -> bool {
        !self.paid.is_zero() || !self.credited.is_zero() || self.status == Status::Paid
    }

    /// Settles the status after a payment or an allocation came or went.
    pub(crate) fn settle(&mut self, on: NaiveDate) {
        let open = self.open();
        match self.status {
            Status::Authorised if open.is_zero() => {
                self.status = Status::Paid;
                self.fully_paid_on = Some(on);
            }
            Status::Paid if !open.is_zero() => {
                self.status = Status::Authorised;
                self.fully_paid_on = None;
            }
            _ => {}
        }
    }
}

/// The receivable invoice with that number.
pub(crate) fn by_number<'a>(book: &'a Book, number: &str) -> Option<&'a Invoice> {
    book.invoices.by_key(&Key::new("InvoiceNumber", number))
}

/// Refuses a date that is locked.
pub(crate) fn check_lock(book: &Book, writing: &Writing, date: NaiveDate, refusals: &mut Refusals) {
    if writing.origin == Origin::Loader {
        return;
    }
    for (name, lock, ignored) in [
        (
            "end of year",
            book.setup.end_of_year_lock,
            Defect::YearLockIgnored,
        ),
        ("period", book.setup.period_lock, Defect::PeriodLockIgnored),
    ] {
        let open = |lock: NaiveDate| {
            date > lock
                || book.has(ignored)
                || (date == lock && book.has(Defect::LockDateItselfOpen))
        };
        if let Some(lock) = lock.filter(|lock| !open(*lock)) {
            refusals.add(format!(
                "The document date cannot be before the {name} lock date, currently set at {}",
                lock.format("%d/%m/%Y")
            ));
            return;
        }
    }
}

/// Creates or changes one invoice.
pub(crate) fn write(
    book: &mut Book,
    writing: &Writing,
    element: &Element,
) -> Result<Guid, Refusals> {
    let id = writing.target.or(element::guid(element, "InvoiceID")?);
    let number = element::filled(element, "InvoiceNumber");
    let receivable = element::filled(element, "Type").is_none_or(|kind| kind == "ACCREC");
    let existing = match (id, &number) {
        (Some(id), _) => match book.invoices.get(id) {
            Some(invoice) => Some(invoice),
            None if writing.origin == Origin::Loader => None,
            None => return Err(Refusals::one(NOT_FOUND)),
        },
        (None, Some(number)) if writing.verb == Verb::Upsert && receivable => {
            by_number(book, number)
        }
        _ => None,
    };
    match existing.cloned() {
        Some(_) if writing.verb == Verb::Create && writing.origin == Origin::Api => Err(
            Refusals::one("InvoiceID must be empty when an invoice is created; use POST to update"),
        ),
        Some(old) => change(book, writing, old, element),
        None => {
            let id = match id {
                Some(id) => id,
                None => book.new_id(),
            };
            create(book, writing, id, element)
        }
    }
}

fn create(
    book: &mut Book,
    writing: &Writing,
    id: Guid,
    element: &Element,
) -> Result<Guid, Refusals> {
    let mut refusals = Refusals::default();
    let kind = match element::filled(element, "Type").as_deref() {
        Some("ACCREC") => Kind::Receivable,
        Some("ACCPAY") => Kind::Payable,
        _ => return Err(Refusals::one("Invoice Type must be ACCREC or ACCPAY")),
    };
    let status = match (
        element::filled(element, "Status").as_deref(),
        writing.origin,
    ) {
        (None, _) => Status::Draft,
        (Some(text), origin) => match (Status::parse(text), origin) {
            (Some(status @ (Status::Draft | Status::Submitted | Status::Authorised)), _) => status,
            (Some(status @ (Status::Voided | Status::Deleted)), Origin::Loader) => status,
            (Some(Status::Paid), Origin::Loader) => {
                return Err(Refusals::one(
                    "an invoice is PAID by its payments: load it AUTHORISED, then load them",
                ));
            }
            _ => {
                refusals.add(NOT_CREATABLE);
                Status::Draft
            }
        },
    };
    let contact = match element::object(element, "Contact") {
        None => Err(Refusals::one(
            "A Contact must be specified for this type of transaction",
        )),
        Some(contact) => contacts::named_by_document(book, writing, contact),
    };
    let contact = contact.unwrap_or_else(|refused| {
        refusals.append(refused);
        Guid::ZERO
    });
    let date = element::date(element, "Date")?.unwrap_or_else(|| book.today(writing.now));
    let currency = element::filled(element, "CurrencyCode").or_else(|| {
        book.contacts
            .get(contact)
            .and_then(|contact| contact.text("DefaultCurrency").map(str::to_owned))
    });
    let fresh = Invoice {
        id,
        kind,
        number: None,
        contact,
        date,
        due: None,
        status,
        types: AmountTypes::default(),
        lines: Vec::new(),
        totals: Totals::default(),
        reference: String::new(),
        url: None,
        currency: currency.unwrap_or_else(|| book.base_currency().to_owned()),
        rate: Decimal::ONE,
        branding: None,
        sent: false,
        expected: None,
        planned: None,
        paid: Decimal::ZERO,
        credited: Decimal::ZERO,
        cis: Decimal::ZERO,
        fully_paid_on: None,
        app: writing.app.clone(),
        updated: writing.now,
    };
    finish(book, writing, fresh, element, refusals)
}

/// Members that may change on a document with payments or credits, without touching its stamp.
const FREE_WHEN_PAID: [&str; 4] = [
    "DueDate",
    "SentToContact",
    "ExpectedPaymentDate",
    "PlannedPaymentDate",
];

fn change(
    book: &mut Book,
    writing: &Writing,
    old: Invoice,
    element: &Element,
) -> Result<Guid, Refusals> {
    let mut invoice = old.clone();
    let mut refusals = Refusals::default();
    if element::filled(element, "Type").is_some_and(|kind| kind != old.kind.name()) {
        refusals.add("The Type of an invoice cannot be changed");
    }
    let wanted = match element::filled(element, "Status") {
        None => old.status,
        Some(text) => match Status::parse(&text) {
            Some(status) => status,
            None => return Err(Refusals::one(NOT_MODIFIABLE)),
        },
    };
    let voids = wanted == Status::Voided && book.has(Defect::PaidInvoiceVoided);
    let edits = wanted == old.status && book.has(Defect::EditedAfterPayment);
    if old.has_allocations() && !voids && !edits {
        let touched = |field: &String| {
            !FREE_WHEN_PAID.contains(&field.as_str())
                && field != "InvoiceID"
                && field != "InvoiceNumber"
                && field != "Type"
        };
        let same_number = element::filled(element, "InvoiceNumber")
            .is_none_or(|number| Some(number) == old.number);
        let same_status = wanted == old.status;
        let edits = element
            .iter()
            .any(|(field, value)| touched(field) && field != "Status" && !value.is_null());
        if edits || !same_number || !same_status {
            return Err(Refusals::one(NOT_EDITABLE_PAID));
        }
        // Known quirk: these changes are not stamped, so incremental reads miss them.
        invoice.due = element::date(element, "DueDate")?.or(invoice.due);
        invoice.sent = element::truth(element, "SentToContact").unwrap_or(invoice.sent);
        invoice.expected = element::date(element, "ExpectedPaymentDate")?.or(invoice.expected);
        invoice.planned = element::date(element, "PlannedPaymentDate")?.or(invoice.planned);
        let invoice = refusals.into_result(invoice)?;
        put!(book, invoices, invoice, writing.now);
        return Ok(old.id);
    }
    let deletes = old.status == Status::Authorised
        && wanted == Status::Deleted
        && book.has(Defect::AuthorisedDeleted);
    if !old.status.may_become(wanted) && !deletes && !edits {
        return Err(Refusals::one(NOT_MODIFIABLE));
    }
    if old.status == Status::Authorised {
        check_lock(book, writing, old.date, &mut refusals);
    }
    invoice.status = wanted;
    if wanted.is_gone() {
        if !book.has(Defect::NoStampOnVoid) {
            invoice.updated = writing.now;
        }
        let invoice = refusals.into_result(invoice)?;
        put!(book, invoices, invoice, writing.now);
        return Ok(old.id);
    }
    if let Some(contact) = element::object(element, "Contact") {
        match contacts::named_by_document(book, writing, contact) {
            Ok(contact) => invoice.contact = contact,
            Err(refused) => refusals.append(refused),
        }
    }
    invoice.date = element::date(element, "Date")?.unwrap_or(invoice.date);
    if let Some(currency) = element::filled(element, "CurrencyCode") {
        invoice.currency = currency;
    }
    finish(book, writing, invoice, element, refusals)
}

/// What creation and change have in common once contact, date, status and currency stand.
fn finish(
    book: &mut Book,
    writing: &Writing,
    mut invoice: Invoice,
    element: &Element,
    mut refusals: Refusals,
) -> Result<Guid, Refusals> {
    let old = book.invoices.get(invoice.id).cloned();
    let complete = matches!(invoice.status, Status::Submitted | Status::Authorised);
    if let Some(text) = element::filled(element, "LineAmountTypes") {
        match AmountTypes::parse(&text) {
            Some(types) => invoice.types = types,
            None => refusals.add(format!("LineAmountTypes '{text}' is not valid")),
        }
    }
    let demands = Demands {
        kind: invoice.kind,
        types: invoice.types,
        completeness: if complete {
            Completeness::Complete
        } else {
            Completeness::Draft
        },
        discounts: match invoice.kind {
            Kind::Receivable => Discounts::Allowed,
            Kind::Payable => Discounts::Refused,
        },
    };
    let written = match element::objects(element, "LineItems") {
        Some(given) => lines::write(book, writing, demands, &given, &invoice.lines),
        None if old
            .as_ref()
            .is_some_and(|old| old.types == invoice.types && old.status == invoice.status) =>
        {
            Ok(invoice.lines.clone())
        }
        None => lines::review(book, demands, &invoice.lines),
    };
    match written {
        Ok(lines) => {
            if lines.is_empty() && complete {
                refusals.add("One or more line items must be specified");
            }
            invoice.totals = lines::totals(book, &lines, invoice.types);
            invoice.cis = match (book.setup.cis_rate, invoice.kind) {
                (Some(percent), Kind::Receivable) if !book.has(Defect::CisNotDeducted) => {
                    lines::labour_deduction(book, &lines, invoice.types, percent)
                }
                _ => Decimal::ZERO,
            };
            invoice.lines = lines;
        }
        Err(refused) => refusals.append(refused),
    }
    if invoice.totals.total.is_sign_negative()
        && !invoice.totals.total.is_zero()
        && !book.has(Defect::NegativeTotalAccepted)
    {
        refusals.add("The invoice total cannot be negative");
    }
    terms(book, &mut invoice, element, complete, &mut refusals)?;
    if invoice.status == Status::Authorised {
        check_lock(book, writing, invoice.date, &mut refusals);
    }
    set_currency(book, &mut invoice, old.as_ref(), element, &mut refusals)?;
    set_texts(&mut invoice, element, &mut refusals)?;
    let auto = set_number(book, &mut invoice, element, &mut refusals);
    if writing.origin == Origin::Loader {
        invoice.app = element::filled(element, "CreatedByApp").unwrap_or_default();
    }
    invoice.updated = match &old {
        Some(old) if book.has(Defect::NoStampOnUpdate) => old.updated,
        _ => contacts::stamp_of(writing, element),
    };
    let mut invoice = refusals.into_result(invoice)?;
    if auto == Numbering::Sequence {
        invoice.number = Some(take_number(book));
    }
    // A document without anything to pay is paid at once.
    if invoice.totals.total.is_zero()
        && invoice.status == Status::Authorised
        && !book.has(Defect::NothingDueUnpaid)
    {
        invoice.settle(invoice.date);
    }
    let (id, contact, kind) = (invoice.id, invoice.contact, invoice.kind);
    put!(book, invoices, invoice, writing.now);
    contacts::note_use(book, writing, contact, kind);
    Ok(id)
}

fn terms(
    book: &Book,
    invoice: &mut Invoice,
    element: &Element,
    complete: bool,
    refusals: &mut Refusals,
) -> Result<(), Refusals> {
    invoice.due = element::date(element, "DueDate")?.or(invoice.due);
    if invoice.due.is_none() {
        let side = match invoice.kind {
            Kind::Receivable => "Sales",
            Kind::Payable => "Bills",
        };
        let contact = book.contacts.get(invoice.contact);
        let term = contact
            .and_then(|contact| contact.terms.as_ref())
            .and_then(|terms| element::object(terms, side));
        let days = term
            .filter(|term| element::filled(term, "Type").as_deref() == Some("DAYSAFTERBILLDATE"))
            .and_then(|term| element::decimal(term, "Day").ok().flatten())
            .and_then(|days| u64::try_from(days).ok());
        invoice.due = days.and_then(|days| invoice.date.checked_add_days(Days::new(days)));
    }
    if invoice.due.is_none() && complete && !book.has(Defect::DueDateOptional) {
        refusals.add("Due Date cannot be empty");
    }
    Ok(())
}

fn set_currency(
    book: &Book,
    invoice: &mut Invoice,
    old: Option<&Invoice>,
    element: &Element,
    refusals: &mut Refusals,
) -> Result<(), Refusals> {
    if !book.is_subscribed(&invoice.currency) && !book.has(Defect::UnsubscribedCurrencyAccepted) {
        refusals.add(format!(
            "Organisation is not subscribed to currency {}",
            invoice.currency
        ));
        return Ok(());
    }
    let own = element::decimal(element, "CurrencyRate")?;
    if invoice.currency == book.base_currency() {
        invoice.rate = Decimal::ONE;
    } else if let Some(rate) = own {
        if rate <= Decimal::ZERO {
            refusals.add("CurrencyRate must be greater than zero");
        }
        invoice.rate = money::round(rate, 6);
    } else if old.is_none_or(|old| old.currency != invoice.currency) {
        invoice.rate =
            chart::day_rate(book.base_currency(), &invoice.currency).unwrap_or(Decimal::ONE);
        if book.has(Defect::RateUpsideDown) {
            let other = Decimal::ONE.checked_div(invoice.rate);
            invoice.rate = money::round(other.unwrap_or_default(), 6);
        }
    }
    Ok(())
}

fn set_texts(
    invoice: &mut Invoice,
    element: &Element,
    refusals: &mut Refusals,
) -> Result<(), Refusals> {
    if let Some(reference) =
        element::text(element, "Reference").filter(|_| invoice.kind == Kind::Receivable)
    {
        if reference.chars().count() > 255 {
            refusals.add("Reference must not be longer than 255 characters");
        }
        invoice.reference = reference;
    }
    if let Some(url) = element::text(element, "Url") {
        let host = url
            .strip_prefix("https://")
            .or_else(|| url.strip_prefix("http://"));
        let valid = host
            .is_some_and(|host| host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '['))
            && !url.contains(char::is_whitespace);
        if !valid && !url.is_empty() {
            refusals.add("Url must be a valid absolute http or https address");
        }
        invoice.url = Some(url).filter(|url| !url.is_empty());
    }
    invoice.branding = element::guid(element, "BrandingThemeID")?.or(invoice.branding);
    if let Some(sent) = element::truth(element, "SentToContact") {
        if sent && invoice.status != Status::Authorised {
            refusals.add("SentToContact can be set only on approved invoices");
        }
        invoice.sent = sent;
    }
    invoice.expected = element::date(element, "ExpectedPaymentDate")?.or(invoice.expected);
    invoice.planned = element::date(element, "PlannedPaymentDate")?.or(invoice.planned);
    Ok(())
}

/// Where an invoice's number comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Numbering {
    Kept,
    Sequence,
}

fn set_number(
    book: &Book,
    invoice: &mut Invoice,
    element: &Element,
    refusals: &mut Refusals,
) -> Numbering {
    if let Some(number) = element::filled(element, "InvoiceNumber") {
        if number.chars().count() > 255 {
            refusals.add("InvoiceNumber must not be longer than 255 characters");
        }
        let taken = by_number(book, &number).is_some_and(|other| {
            let differs = other.number.as_deref() != Some(number.as_str());
            other.id != invoice.id && !(differs && book.has(Defect::NumbersByCase))
        });
        let concerns = invoice.kind == Kind::Receivable || book.has(Defect::BillNumbersUnique);
        if taken && concerns && !book.has(Defect::DuplicateNumberAccepted) {
            refusals.add("Invoice # must be unique.");
        }
        invoice.number = Some(number);
    }
    if invoice.number.is_none() && invoice.kind == Kind::Receivable {
        return Numbering::Sequence;
    }
    Numbering::Kept
}

fn take_number(book: &mut Book) -> String {
    loop {
        let number = format!("{}{:04}", book.setup.invoice_prefix, book.next_invoice);
        book.next_invoice += 1;
        if by_number(book, &number).is_none() {
            return number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Status::{Authorised, Deleted, Draft, Paid, Submitted, Voided};
    use super::*;

    #[test]
    fn only_the_documented_transitions_are_open() {
        let open = [
            (Draft, vec![Draft, Submitted, Authorised, Deleted]),
            (Submitted, vec![Submitted, Authorised, Draft, Deleted]),
            (Authorised, vec![Authorised, Voided]),
            (Paid, vec![]),
            (Voided, vec![]),
            (Deleted, vec![]),
        ];
        for (from, allowed) in open {
            for to in Status::ALL {
                assert_eq!(
                    from.may_become(to),
                    allowed.contains(&to),
                    "{from:?} -> {to:?}"
                );
            }
        }
    }
}
