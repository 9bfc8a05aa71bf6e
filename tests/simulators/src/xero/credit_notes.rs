//! Credit notes: creation, change and status transitions; the loader may bring their allocations along.
//!
//! What a credit note has in common with overpayments is in [`super::credits`].

use rust_decimal::Decimal;

use super::allocations;
use super::book::{Book, Origin, Verb, Writing, put};
use super::chart;
use super::contacts::{self, stamp_of};
use super::credits::{Credit, Form};
use super::element::{self, Element, Refusals};
use super::guid::Guid;
use super::invoices::{self, Kind, Status};
use super::lines::{self, Completeness, Demands, Discounts};
use super::money::{self, AmountTypes, Totals};
use super::shelf::{Key, Shelved};

const NOT_CREATABLE: &str = "Credit note not of valid status for creation";
const NOT_MODIFIABLE: &str = "Credit note not of valid status for modification";

/// The receivable credit note with that number.
pub(crate) fn by_number<'a>(book: &'a Book, number: &str) -> Option<&'a Credit> {
    book.credits.by_key(&Key::new("CreditNoteNumber", number))
}

/// Creates or changes one credit note. The loader's may carry
/// `Allocations: [{Amount, Date, Invoice: {InvoiceID}}]`; those of the API are passed over, as Xero does.
pub(crate) fn write(
    book: &mut Book,
    writing: &Writing,
    element: &Element,
) -> Result<Guid, Refusals> {
    let id = writing.target.or(element::guid(element, "CreditNoteID")?);
    let number = element::filled(element, "CreditNoteNumber");
    let existing = match (id, &number) {
        (Some(id), _) => match book.credits.get(id) {
            Some(note) if note.form == Form::CreditNote => Some(note),
            None if writing.origin == Origin::Loader => None,
            _ => return Err(Refusals::one(invoices::NOT_FOUND)),
        },
        (None, Some(number)) if writing.verb == Verb::Upsert => by_number(book, number),
        _ => None,
    };
    match existing.cloned() {
        Some(_) if writing.verb == Verb::Create && writing.origin == Origin::Api => {
            Err(Refusals::one(
                "CreditNoteID must be empty when a credit note is created; use POST to update",
            ))
        }
        Some(old) => change(book, writing, old, element),
        None => create(book, writing, id, element),
    }
}

fn create(
    book: &mut Book,
    writing: &Writing,
    id: Option<Guid>,
    element: &Element,
) -> Result<Guid, Refusals> {
    let mut refusals = Refusals::default();
    let kind = match element::filled(element, "Type").as_deref() {
        Some("ACCRECCREDIT") => Kind::Receivable,
        Some("ACCPAYCREDIT") => Kind::Payable,
        _ => {
            return Err(Refusals::one(
                "Credit note Type must be ACCRECCREDIT or ACCPAYCREDIT",
            ));
        }
    };
    let status = element::filled(element, "Status").map(|text| Status::parse(&text));
    let status = match (status, writing.origin) {
        (None, _) => Status::Draft,
        (Some(Some(status @ (Status::Draft | Status::Submitted | Status::Authorised))), _)
        | (Some(Some(status @ (Status::Voided | Status::Deleted))), Origin::Loader) => status,
        (Some(_), _) => {
            refusals.add(NOT_CREATABLE);
            Status::Draft
        }
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
    let id = match id {
        Some(id) => id,
        None => book.new_id(),
    };
    let currency = element::filled(element, "CurrencyCode").or_else(|| {
        let contact = book.contacts.get(contact)?;
        contact.text("DefaultCurrency").map(str::to_owned)
    });
    let fresh = Credit {
        id,
        form: Form::CreditNote,
        kind,
        number: String::new(),
        contact,
        date: element::date(element, "Date")?.unwrap_or_else(|| book.today(writing.now)),
        status,
        types: AmountTypes::default(),
        lines: Vec::new(),
        totals: Totals::default(),
        currency: currency.unwrap_or_else(|| book.base_currency().to_owned()),
        rate: Decimal::ONE,
        reference: String::new(),
        branding: None,
        sent: false,
        allocations: Vec::new(),
        refunded: Decimal::ZERO,
        fully_paid_on: None,
        updated: writing.now,
    };
    finish(book, writing, fresh, element, refusals)?;
    if writing.origin == Origin::Loader {
        let stamp = element.get("UpdatedDateUTC").cloned().unwrap_or_default();
        for allocation in element::objects(element, "Allocations").unwrap_or_default() {
            // What comes along with a credit note is as old as it is.
            let mut allocation = allocation.clone();
            allocation
                .entry("UpdatedDateUTC")
                .or_insert_with(|| stamp.clone());
            allocations::allocate(book, writing, id, &allocation)?;
        }
    }
    Ok(id)
}

fn change(
    book: &mut Book,
    writing: &Writing,
    old: Credit,
    element: &Element,
) -> Result<Guid, Refusals> {
    let mut note = old.clone();
    let mut refusals = Refusals::default();
    if element::filled(element, "Type").is_some_and(|kind| kind != old.type_name()) {
        refusals.add("The Type of a credit note cannot be changed");
    }
    let wanted = match element::filled(element, "Status").map(|text| Status::parse(&text)) {
        None => old.status,
        Some(Some(status)) => status,
        Some(None) => return Err(Refusals::one(NOT_MODIFIABLE)),
    };
    if old.is_used() || old.status == Status::Paid {
        return Err(Refusals::one(invoices::NOT_EDITABLE_PAID));
    }
    if !old.status.may_become(wanted) {
        return Err(Refusals::one(NOT_MODIFIABLE));
    }
    if old.status == Status::Authorised {
        invoices::check_lock(book, writing, old.date, &mut refusals);
    }
    note.status = wanted;
    if wanted.is_gone() {
        note.updated = writing.now;
        let note = refusals.into_result(note)?;
        put!(book, credits, note, writing.now);
        return Ok(old.id);
    }
    if let Some(contact) = element::object(element, "Contact") {
        match contacts::named_by_document(book, writing, contact) {
            Ok(contact) => note.contact = contact,
            Err(refused) => refusals.append(refused),
        }
    }
    note.date = element::date(element, "Date")?.unwrap_or(note.date);
    if let Some(currency) = element::filled(element, "CurrencyCode") {
        note.currency = currency;
    }
    finish(book, writing, note, element, refusals)
}

/// What creation and change have in common once contact, date, status and currency stand.
fn finish(
    book: &mut Book,
    writing: &Writing,
    mut note: Credit,
    element: &Element,
    mut refusals: Refusals,
) -> Result<Guid, Refusals> {
    let old = book.credits.get(note.id).cloned();
    if let Some(text) = element::filled(element, "LineAmountTypes") {
        match AmountTypes::parse(&text) {
            Some(types) => note.types = types,
            None => refusals.add(format!("LineAmountTypes '{text}' is not valid")),
        }
    }
    let complete = note.status != Status::Draft;
    let demands = Demands {
        kind: note.kind,
        types: note.types,
        completeness: if complete {
            Completeness::Complete
        } else {
            Completeness::Draft
        },
        discounts: Discounts::Refused,
    };
    let written = match element::objects(element, "LineItems") {
        Some(given) => lines::write(book, writing, demands, &given, &note.lines),
        None => lines::review(book, demands, &note.lines),
    };
    match written {
        Ok(lines) => {
            if lines.is_empty() && complete {
                refusals.add("One or more line items must be specified");
            }
            note.totals = lines::totals(book, &lines, note.types);
            note.lines = lines;
        }
        Err(refused) => refusals.append(refused),
    }
    if note.totals.total < Decimal::ZERO {
        refusals.add("The credit note total cannot be negative");
    }
    if note.status == Status::Authorised {
        invoices::check_lock(book, writing, note.date, &mut refusals);
    }
    set_currency(book, &mut note, old.as_ref(), element, &mut refusals)?;
    if let Some(reference) =
        element::text(element, "Reference").filter(|_| note.kind == Kind::Receivable)
    {
        if reference.chars().count() > 255 {
            refusals.add("Reference must not be longer than 255 characters");
        }
        note.reference = reference;
    }
    note.branding = element::guid(element, "BrandingThemeID")?.or(note.branding);
    note.sent = element::truth(element, "SentToContact").unwrap_or(note.sent);
    if let Some(number) = element::filled(element, "CreditNoteNumber") {
        let taken = by_number(book, &number).is_some_and(|other| other.id != note.id);
        if taken && note.kind == Kind::Receivable {
            refusals.add("Credit Note # must be unique.");
        }
        note.number = number;
    }
    note.updated = stamp_of(writing, element);
    let mut note = refusals.into_result(note)?;
    if note.number.is_empty() && note.kind == Kind::Receivable {
        note.number = take_number(book);
    }
    // A note without anything to credit is paid at once.
    note.settle(note.date);
    let (id, contact, kind) = (note.id(), note.contact, note.kind);
    put!(book, credits, note, writing.now);
    contacts::note_use(book, writing, contact, kind);
    Ok(id)
}

pub(crate) fn set_currency(
    book: &Book,
    credit: &mut Credit,
    old: Option<&Credit>,
    element: &Element,
    refusals: &mut Refusals,
) -> Result<(), Refusals> {
    if !book.is_subscribed(&credit.currency) {
        refusals.add(format!(
            "Organisation is not subscribed to currency {}",
            credit.currency
        ));
        return Ok(());
    }
    let own = element::decimal(element, "CurrencyRate")?;
    if credit.currency == book.base_currency() {
        credit.rate = Decimal::ONE;
    } else if let Some(rate) = own {
        if rate <= Decimal::ZERO {
            refusals.add("CurrencyRate must be greater than zero");
        }
        credit.rate = money::round(rate, 6);
    } else if old.is_none_or(|old| old.currency != credit.currency) {
        credit.rate =
            chart::day_rate(book.base_currency(), &credit.currency).unwrap_or(Decimal::ONE);
    }
    Ok(())
}

fn take_number(book: &mut Book) -> String {
    loop {
        let number = format!("CN-{:04}", book.next_credit_note);
        book.next_credit_note += 1;
        if by_number(book, &number).is_none() {
            return number;
        }
    }
}
