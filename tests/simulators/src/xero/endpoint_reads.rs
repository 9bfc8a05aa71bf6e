//! Reading whole collections: which records a call chooses and how much of them it shows.
//!
//! Comes after [`super::endpoints`]; filters, order and pages are [`super::lists`]'.

use serde_json::Value;

use super::accounts;
use super::answer::Answer;
use super::bank_transactions;
use super::batch_payments;
use super::book::Book;
use super::call::Call;
use super::contacts::{self, ContactStatus, ContactView};
use super::credits::{self, Form};
use super::defect::Defect;
use super::endpoints::{Collection, objects, respond};
use super::guid::Guid;
use super::invoice_view::{self, InvoiceView};
use super::invoices;
use super::items;
use super::lists;
use super::options::DeletedPayments;
use super::organisation;
use super::payments::{self, PaymentStatus};
use super::shelf::Shelved;

/// Answers `GET /{collection}`.
pub(super) fn read_all(
    book: &mut Book,
    call: &Call,
    collection: Collection,
) -> Result<Answer, Answer> {
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
        Collection::BatchPayments => {
            let all = book.batches.listed(visible).collect();
            let chosen = lists::choose(call, all, &batch_payments::FIELDS, |batch| {
                batch.render(book)
            })?;
            objects(chosen.records.into_iter().map(|batch| batch.render(book)))
        }
        Collection::BankTransactions => {
            let units = call.units();
            let all = book.bank.listed(visible).collect();
            let show = |one: &bank_transactions::BankTransaction| one.render(book, units);
            let chosen = lists::choose(call, all, &bank_transactions::FIELDS, show)?;
            pagination = chosen.pagination;
            objects(chosen.records.into_iter().map(show))
        }
        Collection::CreditNotes | Collection::Overpayments | Collection::Prepayments => {
            let form = collection.form();
            let fields = if form == Some(Form::CreditNote) {
                &credits::NOTE_FIELDS
            } else {
                &credits::ADVANCE_FIELDS
            };
            let view = if call.page().is_some() {
                InvoiceView::Page
            } else {
                InvoiceView::Brief
            };
            let probe =
                |credit: &credits::Credit| credit.render(book, InvoiceView::Brief, call.units());
            let all = book.credits.listed(visible);
            let all = all.filter(|credit| Some(credit.form) == form).collect();
            let chosen = lists::choose(call, all, fields, probe)?;
            pagination = chosen.pagination;
            objects(
                chosen
                    .records
                    .into_iter()
                    .map(|credit| credit.render(book, view, call.units())),
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
    if !call.asks("includeArchived") && !named && !call.has(Defect::ArchivedListed) {
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
    if call.has(Defect::GoneHidden) {
        all.retain(|invoice| !invoice.status.is_gone());
    }
    let chosen = !call.has(Defect::StatusesIgnored);
    if let Some(statuses) = call.list("Statuses").filter(|_| chosen) {
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
