//! The accounting endpoints: which collection a path names, what reading and writing it does.
//!
//! Comes after access, limits and idempotency ([`super::http`]); works on one book under its lock.
//! Next: [`super::endpoint_reads`], [`super::endpoint_writes`].

use serde_json::{Map, Value};

use super::accounts;
use super::allocations;
use super::answer::{self, Answer};
use super::book::{Book, Origin, Verb, Writing};
use super::call::{Call, Method};
use super::contacts::{self, ContactView};
use super::credit_notes;
use super::credits::Form;
use super::defect::Defect;
use super::element::{Element, Refusals};
use super::endpoint_reads::read_all;
use super::endpoint_writes::{allocate, take_back, write_all, write_element};
use super::guid::Guid;
use super::invoice_view::{self, InvoiceView};
use super::invoices;
use super::items;
use super::organisation;
use super::shelf::Shelved;

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
    Overpayments,
    Prepayments,
    BankTransactions,
    BatchPayments,
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
            Self::Overpayments,
            Self::Prepayments,
            Self::BankTransactions,
            Self::BatchPayments,
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
            Self::Overpayments => "Overpayments",
            Self::Prepayments => "Prepayments",
            Self::BankTransactions => "BankTransactions",
            Self::BatchPayments => "BatchPayments",
        }
    }

    /// The member that holds an element's id, and the one that says that it has errors.
    pub(super) fn echoed(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Contacts => Some(("ContactID", "HasValidationErrors")),
            Self::Items => Some(("ItemID", "HasValidationErrors")),
            Self::Invoices => Some(("InvoiceID", "HasErrors")),
            Self::Payments => Some(("PaymentID", "HasValidationErrors")),
            Self::CreditNotes => Some(("CreditNoteID", "HasErrors")),
            Self::Overpayments => Some(("OverpaymentID", "HasErrors")),
            Self::Prepayments => Some(("PrepaymentID", "HasErrors")),
            Self::BankTransactions => Some(("BankTransactionID", "HasErrors")),
            Self::BatchPayments => Some(("BatchPaymentID", "HasErrors")),
            Self::Accounts => Some(("AccountID", "HasValidationErrors")),
            Self::Organisation | Self::Currencies | Self::TrackingCategories | Self::TaxRates => {
                None
            }
        }
    }

    /// The kind of credit it holds.
    pub(super) fn form(self) -> Option<Form> {
        match self {
            Self::CreditNotes => Some(Form::CreditNote),
            Self::Overpayments => Some(Form::Overpayment),
            Self::Prepayments => Some(Form::Prepayment),
            _ => None,
        }
    }

    /// Most elements in one call.
    pub(super) fn most(self) -> usize {
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
        (Method::Get, [_, "CISSettings"]) if collection == Collection::Organisation => {
            match organisation::cis_settings(book) {
                Some(settings) => respond(book, call, "CISSettings", settings, None),
                None => Answer::not_found(),
            }
        }
        (Method::Put, [name, "Allocations"]) if collection.form().is_some() => {
            match target(book, collection, name) {
                Some(id) => allocate(book, call, id),
                None => Answer::not_found(),
            }
        }
        (Method::Delete, [name, "Allocations", allocation]) if collection.form().is_some() => {
            let id = target(book, collection, name);
            match (id, allocation.parse().ok()) {
                (Some(id), Some(allocation)) => take_back(book, call, id, allocation),
                _ => Answer::not_found(),
            }
        }
        (Method::Put | Method::Delete | Method::Other, [] | [_]) => Answer::empty(405),
        _ => Answer::not_found(),
    }
}

pub(super) fn respond(
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

pub(super) fn objects(records: impl Iterator<Item = Map<String, Value>>) -> Vec<Value> {
    records.map(Value::Object).collect()
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
        Collection::CreditNotes | Collection::Overpayments | Collection::Prepayments => {
            let credit = match id {
                Some(id) => book.credits.get(id),
                None => credit_notes::by_number(book, name),
            };
            credit
                .filter(|credit| Some(credit.form) == collection.form())
                .map(Shelved::id)
        }
        Collection::BankTransactions => book.bank.get(id?).map(Shelved::id),
        Collection::BatchPayments => book.batches.get(id?).map(Shelved::id),
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
        None if call.has(Defect::MissingIsEmpty) => {
            respond(book, call, collection.member(), Vec::new(), None)
        }
        None => Answer::not_found(),
    }
}

/// A record in full.
pub(super) fn show(
    book: &Book,
    call: &Call,
    collection: Collection,
    id: Guid,
) -> Option<Map<String, Value>> {
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
        Collection::CreditNotes | Collection::Overpayments | Collection::Prepayments => book
            .credits
            .get(id)
            .map(|credit| credit.render(book, InvoiceView::Full, units)),
        Collection::BankTransactions => book.bank.get(id).map(|one| one.render(book, units)),
        Collection::BatchPayments => book.batches.get(id).map(|batch| batch.render(book)),
        Collection::Organisation
        | Collection::Currencies
        | Collection::TrackingCategories
        | Collection::TaxRates => None,
    }
}

/// Loads one record outside the API, in the same way as a write but for what [`Origin::Loader`] allows.
pub(crate) fn load(
    book: &mut Book,
    call: &Call,
    collection: Collection,
    element: &Element,
) -> Result<Map<String, Value>, Refusals> {
    let outcome = write_element(book, call, &by_loader(call), collection, element);
    match &outcome {
        Ok(_) => book.commit(),
        Err(_) => book.roll_back(),
    }
    outcome
}

/// Loads one allocation of a credit; shows the credit.
pub(crate) fn load_allocation(
    book: &mut Book,
    call: &Call,
    credit: Guid,
    element: &Element,
) -> Result<Map<String, Value>, Refusals> {
    let outcome = allocations::allocate(book, &by_loader(call), credit, element);
    match outcome {
        Ok(_) => book.commit(),
        Err(_) => book.roll_back(),
    }
    outcome?;
    Ok(show(book, call, Collection::CreditNotes, credit).unwrap_or_default())
}

fn by_loader(call: &Call) -> Writing {
    Writing {
        now: call.now,
        verb: Verb::Upsert,
        origin: Origin::Loader,
        units: super::money::UnitPlaces::Four,
        app: String::new(),
        target: None,
    }
}

/// Everything in a collection, in full.
pub(crate) fn dump(book: &Book, call: &Call, collection: Collection) -> Vec<Value> {
    let ids: Vec<Guid> = match collection {
        Collection::Contacts => book.contacts.all().map(Shelved::id).collect(),
        Collection::Invoices => book.invoices.all().map(Shelved::id).collect(),
        Collection::Items => book.items.all().map(Shelved::id).collect(),
        Collection::Accounts => book.accounts.all().map(Shelved::id).collect(),
        Collection::Payments => book.payments.all().map(Shelved::id).collect(),
        Collection::CreditNotes | Collection::Overpayments | Collection::Prepayments => book
            .credits
            .all()
            .filter(|credit| Some(credit.form) == collection.form())
            .map(Shelved::id)
            .collect(),
        Collection::BankTransactions => book.bank.all().map(Shelved::id).collect(),
        Collection::BatchPayments => book.batches.all().map(Shelved::id).collect(),
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
