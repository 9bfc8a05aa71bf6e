//! The accounting endpoints: which collection a path names, what reading and writing it does.
//!
//! Comes after access, limits and idempotency ([`super::http`]); works on one book under its lock.

use serde_json::{Map, Value, json};

use super::accounts;
use super::answer::{self, Answer};
use super::book::{Book, Origin, Verb, Writing};
use super::call::{Call, Errors, Method};
use super::contacts::{self, ContactStatus, ContactView};
use super::credit_notes;
use super::element::{Element, Refusals};
use super::guid::Guid;
use super::invoice_view::{self, InvoiceView};
use super::invoices;
use super::items;
use super::lists;
use super::options::DeletedPayments;
use super::organisation;
use super::payments::{self, PaymentStatus};
use super::shelf::{Key, Shelved};

/// The collections served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Collection {
    Organisation,
    Currencies,
    TrackingCategories,
    Accounts,
    TaxRates,
    Contacts,
    Items,
    Invoices,
    Payments,
    CreditNotes,
}

impl Collection {
    pub(crate) fn parse(segment: &str) -> Option<Self> {
        let all = [
            Self::Organisation,
            Self::Currencies,
            Self::TrackingCategories,
            Self::Accounts,
            Self::TaxRates,
            Self::Contacts,
            Self::Items,
            Self::Invoices,
            Self::Payments,
            Self::CreditNotes,
        ];
        all.into_iter().find(|collection| {
            collection.segment().eq_ignore_ascii_case(segment)
                || collection.member().eq_ignore_ascii_case(segment)
        })
    }

    /// As in a path.
    pub(crate) fn segment(self) -> &'static str {
        match self {
            Self::Organisation => "Organisation",
            other => other.member(),
        }
    }

    /// As in an envelope.
    pub(crate) fn member(self) -> &'static str {
        match self {
            Self::Organisation => "Organisations",
            Self::Currencies => "Currencies",
            Self::TrackingCategories => "TrackingCategories",
            Self::Accounts => "Accounts",
            Self::TaxRates => "TaxRates",
            Self::Contacts => "Contacts",
            Self::Items => "Items",
            Self::Invoices => "Invoices",
            Self::Payments => "Payments",
            Self::CreditNotes => "CreditNotes",
        }
    }

    /// The member that holds an element's id, and the one that says that it has errors.
    fn echoed(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Contacts => Some(("ContactID", "HasValidationErrors")),
            Self::Items => Some(("ItemID", "HasValidationErrors")),
            Self::Invoices => Some(("InvoiceID", "HasErrors")),
            Self::Payments => Some(("PaymentID", "HasValidationErrors")),
            Self::CreditNotes => Some(("CreditNoteID", "HasErrors")),
            Self::Accounts => Some(("AccountID", "HasValidationErrors")),
            Self::Organisation | Self::Currencies | Self::TrackingCategories | Self::TaxRates => {
                None
            }
        }
    }

    /// Most elements in one call.
    fn most(self) -> usize {
        match self {
            Self::Accounts | Self::TaxRates | Self::Currencies => 1,
            Self::Items => 500,
            _ => usize::MAX,
        }
    }
}

/// Carries out a call.
pub(crate) fn handle(book: &mut Book, call: &Call) -> Answer {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let Some((first, rest)) = segments.split_first() else {
        return Answer::not_found();
    };
    let Some(collection) = Collection::parse(first) else {
        return Answer::not_found();
    };
    match (call.method, rest) {
        (Method::Get, ["Actions"]) if collection == Collection::Organisation => {
            let actions = organisation::actions(book);
            respond(book, call, "Actions", actions, None)
        }
        (Method::Get, []) => read_all(book, call, collection).unwrap_or_else(|refused| refused),
        (Method::Get, [name]) => read_one(book, call, collection, name),
        (Method::Put, []) => write_all(book, call, collection, Verb::Create, None),
        (Method::Post, []) if collection == Collection::Accounts => Answer::empty(405),
        (Method::Post, []) => write_all(book, call, collection, Verb::Upsert, None),
        (Method::Post, [name]) => match target(book, collection, name) {
            Some(id) => write_all(book, call, collection, Verb::Upsert, Some(id)),
            None => Answer::not_found(),
        },
        (Method::Put | Method::Other, [] | [_]) => Answer::empty(405),
        _ => Answer::not_found(),
    }
}

fn respond(
    book: &mut Book,
    call: &Call,
    member: &str,
    records: Vec<Value>,
    pagination: Option<Value>,
) -> Answer {
    let id = book.new_id();
    Answer::document(
        200,
        answer::envelope(id, call.now, member, records, pagination),
    )
}

fn objects(records: impl Iterator<Item = Map<String, Value>>) -> Vec<Value> {
    records.map(Value::Object).collect()
}

fn read_all(book: &mut Book, call: &Call, collection: Collection) -> Result<Answer, Answer> {
    let visible = book.visible(call.now);
    let mut pagination = None;
    let records = match collection {
        Collection::Organisation => vec![Value::Object(organisation::render(book))],
        Collection::TrackingCategories => organisation::tracking(book),
        Collection::Currencies => lists::choose_plain(
            call,
            organisation::currencies(book),
            &organisation::CURRENCY_FIELDS,
        )?,
        Collection::TaxRates => {
            let rates = book
                .tax_rates
                .iter()
                .map(accounts::TaxRate::render)
                .collect();
            lists::choose_plain(call, rates, &accounts::RATE_FIELDS)?
        }
        Collection::Accounts => {
            let chosen = lists::choose(
                call,
                book.accounts.listed(visible).collect(),
                &accounts::FIELDS,
                accounts::Account::render,
            )?;
            objects(chosen.records.into_iter().map(accounts::Account::render))
        }
        Collection::Items => {
            let units = call.units();
            let chosen = lists::choose(
                call,
                book.items.listed(visible).collect(),
                &items::FIELDS,
                |item| item.render(units),
            )?;
            objects(chosen.records.into_iter().map(|item| item.render(units)))
        }
        Collection::Contacts => read_contacts(book, call, &mut pagination)?,
        Collection::Invoices => read_invoices(book, call, &mut pagination)?,
        Collection::Payments => {
            let absent =
                book.switches.deleted_payments == DeletedPayments::Absent && call.since.is_some();
            let all = book
                .payments
                .listed(visible)
                .filter(|payment| !(absent && payment.status == PaymentStatus::Deleted))
                .collect();
            let chosen =
                lists::choose(call, all, &payments::FIELDS, |payment| payment.render(book))?;
            pagination = chosen.pagination;
            objects(
                chosen
                    .records
                    .into_iter()
                    .map(|payment| payment.render(book)),
            )
        }
        Collection::CreditNotes => {
            let view = if call.page().is_some() {
                InvoiceView::Page
            } else {
                InvoiceView::Brief
            };
            let probe = |note: &credit_notes::CreditNote| {
                note.render(book, InvoiceView::Brief, call.units())
            };
            let chosen = lists::choose(
                call,
                book.credit_notes.listed(visible).collect(),
                &credit_notes::FIELDS,
                probe,
            )?;
            pagination = chosen.pagination;
            objects(
                chosen
                    .records
                    .into_iter()
                    .map(|note| note.render(book, view, call.units())),
            )
        }
    };
    Ok(respond(
        book,
        call,
        collection.member(),
        records,
        pagination,
    ))
}

fn read_contacts(
    book: &Book,
    call: &Call,
    pagination: &mut Option<Value>,
) -> Result<Vec<Value>, Answer> {
    let named = call.list("IDs").is_some();
    let mut all: Vec<&contacts::Contact> = book.contacts.listed(book.visible(call.now)).collect();
    if !call.asks("includeArchived") && !named {
        all.retain(|contact| contact.status == ContactStatus::Active);
    }
    if let Some(term) = call.parameter("searchTerm").map(str::to_lowercase) {
        all.retain(|contact| contact.is_found_by(&term));
    }
    let chosen = lists::choose(call, all, &contacts::FIELDS, |contact| {
        contact.render(ContactView::Brief, None)
    })?;
    let view = match (call.asks("summaryOnly"), &chosen.pagination) {
        (true, _) => ContactView::Summary,
        (false, Some(_)) => ContactView::Full,
        (false, None) => ContactView::Brief,
    };
    let balances = if view == ContactView::Full {
        contacts::balances(book, book.today(call.now))
    } else {
        Default::default()
    };
    *pagination = chosen.pagination;
    Ok(objects(chosen.records.into_iter().map(|contact| {
        contact.render(view, balances.get(&contact.id()))
    })))
}

fn read_invoices(
    book: &Book,
    call: &Call,
    pagination: &mut Option<Value>,
) -> Result<Vec<Value>, Answer> {
    let mut all: Vec<&invoices::Invoice> = book.invoices.listed(book.visible(call.now)).collect();
    if let Some(statuses) = call.list("Statuses") {
        all.retain(|invoice| {
            statuses
                .iter()
                .any(|status| status.eq_ignore_ascii_case(invoice.status.name()))
        });
    }
    if let Some(ids) = call.list("ContactIDs") {
        let ids: Vec<Guid> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        all.retain(|invoice| ids.contains(&invoice.contact));
    }
    if let Some(numbers) = call.list("InvoiceNumbers") {
        all.retain(|invoice| {
            invoice.number.as_deref().is_some_and(|number| {
                numbers
                    .iter()
                    .any(|wanted| wanted.eq_ignore_ascii_case(number))
            })
        });
    }
    if call.asks("createdByMyApp") {
        all.retain(|invoice| invoice.app == call.app);
    }
    if let Some(term) = call.parameter("searchTerm").map(str::to_lowercase) {
        all.retain(|invoice| invoice_view::is_found_by(book, invoice, &term));
    }
    let units = call.units();
    let probe = |invoice: &invoices::Invoice| {
        invoice_view::render(book, invoice, InvoiceView::Summary, units)
    };
    let chosen = lists::choose(call, all, &invoice_view::FIELDS, probe)?;
    let view = match (call.asks("summaryOnly"), &chosen.pagination) {
        (true, _) => InvoiceView::Summary,
        (false, Some(_)) => InvoiceView::Page,
        (false, None) => InvoiceView::Brief,
    };
    *pagination = chosen.pagination;
    Ok(objects(chosen.records.into_iter().map(|invoice| {
        invoice_view::render(book, invoice, view, units)
    })))
}

/// The id of the record a path names by id, number or code.
fn target(book: &Book, collection: Collection, name: &str) -> Option<Guid> {
    let id: Option<Guid> = name.parse().ok();
    match collection {
        Collection::Contacts => match id {
            Some(id) => book.contacts.get(id),
            None => contacts::by_number(book, name),
        }
        .map(Shelved::id),
        Collection::Invoices => match id {
            Some(id) => book.invoices.get(id),
            None => invoices::by_number(book, name),
        }
        .map(Shelved::id),
        Collection::Items => match id {
            Some(id) => book.items.get(id),
            None => items::by_code(book, name),
        }
        .map(Shelved::id),
        Collection::Accounts => book.accounts.get(id?).map(Shelved::id),
        Collection::Payments => book.payments.get(id?).map(Shelved::id),
        Collection::CreditNotes => match id {
            Some(id) => book.credit_notes.get(id),
            None => book
                .credit_notes
                .by_key(&Key::new("CreditNoteNumber", name)),
        }
        .map(Shelved::id),
        Collection::Organisation
        | Collection::Currencies
        | Collection::TrackingCategories
        | Collection::TaxRates => None,
    }
}

fn read_one(book: &mut Book, call: &Call, collection: Collection, name: &str) -> Answer {
    let record = if collection == Collection::TaxRates {
        book.tax_rates
            .iter()
            .find(|rate| rate.tax_type == name)
            .map(accounts::TaxRate::render)
    } else {
        target(book, collection, name).and_then(|id| show(book, call, collection, id))
    };
    match record {
        Some(record) => respond(
            book,
            call,
            collection.member(),
            vec![Value::Object(record)],
            None,
        ),
        None => Answer::not_found(),
    }
}

/// A record in full.
fn show(book: &Book, call: &Call, collection: Collection, id: Guid) -> Option<Map<String, Value>> {
    let units = call.units();
    match collection {
        Collection::Contacts => {
            let balances = if call.method == Method::Get {
                contacts::balances(book, book.today(call.now))
            } else {
                Default::default()
            };
            book.contacts
                .get(id)
                .map(|contact| contact.render(ContactView::Full, balances.get(&id)))
        }
        Collection::Invoices => book
            .invoices
            .get(id)
            .map(|invoice| invoice_view::render(book, invoice, InvoiceView::Full, units)),
        Collection::Items => book.items.get(id).map(|item| item.render(units)),
        Collection::Accounts => book.accounts.get(id).map(accounts::Account::render),
        Collection::Payments => book.payments.get(id).map(|payment| payment.render(book)),
        Collection::CreditNotes => book
            .credit_notes
            .get(id)
            .map(|note| note.render(book, InvoiceView::Full, units)),
        Collection::Organisation
        | Collection::Currencies
        | Collection::TrackingCategories
        | Collection::TaxRates => None,
    }
}

fn write_all(
    book: &mut Book,
    call: &Call,
    collection: Collection,
    verb: Verb,
    target: Option<Guid>,
) -> Answer {
    if matches!(
        collection,
        Collection::Organisation | Collection::TrackingCategories | Collection::CreditNotes
    ) {
        return Answer::empty(405);
    }
    let elements = match call.elements(collection.member()) {
        Ok(elements) => elements,
        Err(refused) => return refused,
    };
    if elements.len() > collection.most() || (target.is_some() && elements.len() > 1) {
        return Answer::unreadable(
            10,
            "ValidationException",
            &format!("Too many {} in one call", collection.member()),
        );
    }
    let writing = Writing {
        now: call.now,
        verb,
        origin: Origin::Api,
        units: call.units(),
        app: call.app.clone(),
        target,
    };
    let mut outcomes = Vec::with_capacity(elements.len());
    for (index, element) in elements.iter().enumerate() {
        if call.fails_after == Some(index) {
            book.commit();
            return Answer::empty(500);
        }
        let outcome = match call.refused_with.as_ref().filter(|_| index == 0) {
            Some(message) => Err(Refusals::one(message)),
            None => write_element(book, call, &writing, collection, element),
        };
        if call.errors() == Errors::PerElement {
            match &outcome {
                Ok(_) => book.commit(),
                Err(_) => book.roll_back(),
            }
        }
        outcomes.push(outcome);
    }
    if call.fails_after.is_some() {
        book.commit();
        return Answer::empty(500);
    }
    if call.errors() == Errors::Summarized && outcomes.iter().any(Result::is_err) {
        book.roll_back();
        let refused = outcomes
            .iter()
            .zip(&elements)
            .filter_map(|(outcome, element)| {
                outcome
                    .as_ref()
                    .err()
                    .map(|refusals| echo(collection, element, target, refusals))
            });
        return Answer::refused(objects(refused));
    }
    book.commit();
    let records = outcomes
        .into_iter()
        .zip(&elements)
        .map(|(outcome, element)| match (outcome, call.errors()) {
            (Ok(record), Errors::Summarized) => record,
            (Ok(mut record), Errors::PerElement) => {
                record.insert("StatusAttributeString".to_owned(), json!("OK"));
                record
            }
            (Err(refusals), _) => {
                let mut record = echo(collection, element, target, &refusals);
                record.insert("StatusAttributeString".to_owned(), json!("ERROR"));
                record
            }
        });
    let records = objects(records);
    respond(book, call, collection.member(), records, None)
}

/// Writes one element; its record is shown at once, so that an answer shows what that write made.
fn write_element(
    book: &mut Book,
    call: &Call,
    writing: &Writing,
    collection: Collection,
    element: &Element,
) -> Result<Map<String, Value>, Refusals> {
    let id = match collection {
        Collection::Contacts => contacts::write(book, writing, element)?,
        Collection::Invoices => invoices::write(book, writing, element)?,
        Collection::Items => items::write(book, writing, element)?,
        Collection::Accounts => accounts::write(book, writing, element)?,
        Collection::Payments => payments::write(book, writing, element)?,
        Collection::CreditNotes => credit_notes::write(book, writing, element)?,
        Collection::Currencies => return organisation::subscribe(book, element),
        Collection::TaxRates => {
            let tax_type = accounts::write_rate(book, writing, element)?;
            return Ok(accounts::rate_for(book, &tax_type)
                .map(accounts::TaxRate::render)
                .unwrap_or_default());
        }
        Collection::Organisation => {
            organisation::load(book, element)?;
            return Ok(organisation::render(book));
        }
        Collection::TrackingCategories => {
            return Err(Refusals::one(
                "Tracking categories are part of the organisation's setup",
            ));
        }
    };
    Ok(show(book, call, collection, id).unwrap_or_default())
}

/// Loads one record outside the API, in the same way as a write but for what [`Origin::Loader`] allows.
pub(crate) fn load(
    book: &mut Book,
    call: &Call,
    collection: Collection,
    element: &Element,
) -> Result<Map<String, Value>, Refusals> {
    let writing = Writing {
        now: call.now,
        verb: Verb::Upsert,
        origin: Origin::Loader,
        units: super::money::UnitPlaces::Four,
        app: String::new(),
        target: None,
    };
    let outcome = write_element(book, call, &writing, collection, element);
    match &outcome {
        Ok(_) => book.commit(),
        Err(_) => book.roll_back(),
    }
    outcome
}

/// Everything in a collection, in full.
pub(crate) fn dump(book: &Book, call: &Call, collection: Collection) -> Vec<Value> {
    let ids: Vec<Guid> = match collection {
        Collection::Contacts => book.contacts.all().map(Shelved::id).collect(),
        Collection::Invoices => book.invoices.all().map(Shelved::id).collect(),
        Collection::Items => book.items.all().map(Shelved::id).collect(),
        Collection::Accounts => book.accounts.all().map(Shelved::id).collect(),
        Collection::Payments => book.payments.all().map(Shelved::id).collect(),
        Collection::CreditNotes => book.credit_notes.all().map(Shelved::id).collect(),
        Collection::Organisation => return vec![Value::Object(organisation::render(book))],
        Collection::Currencies => return objects(organisation::currencies(book).into_iter()),
        Collection::TrackingCategories => return organisation::tracking(book),
        Collection::TaxRates => {
            return objects(book.tax_rates.iter().map(accounts::TaxRate::render));
        }
    };
    objects(
        ids.into_iter()
            .filter_map(|id| show(book, call, collection, id)),
    )
}

fn echo(
    collection: Collection,
    element: &Element,
    target: Option<Guid>,
    refusals: &Refusals,
) -> Map<String, Value> {
    let mut echoed = element.clone();
    lists::echo_dates(&mut echoed);
    if let Some((id, flag)) = collection.echoed() {
        let given = echoed.get(id).cloned().filter(|value| !value.is_null());
        let known = target.map(|target| json!(target.to_string())).or(given);
        echoed.insert(
            id.to_owned(),
            known.unwrap_or_else(|| json!(Guid::ZERO.to_string())),
        );
        echoed.insert(flag.to_owned(), json!(true));
    }
    echoed.insert("ValidationErrors".to_owned(), answer::messages(refusals));
    echoed
}
