//! Writing: elements of a call one after the other, all or each for itself, and allocations.
//!
//! Comes after [`super::endpoints`]; the rules of each kind are in the module of that kind.

use serde_json::{Map, Value, json};

use super::accounts;
use super::allocations;
use super::answer::{self, Answer};
use super::bank_transactions;
use super::batch_payments;
use super::book::{Book, Origin, Verb, Writing};
use super::call::{Call, Errors};
use super::contacts;
use super::credit_notes;
use super::defect::Defect;
use super::element::{Element, Refusals};
use super::endpoints::{Collection, objects, respond, show};
use super::guid::Guid;
use super::invoices;
use super::items;
use super::lists;
use super::organisation;
use super::payments;

/// `PUT .../{id}/Allocations`: all of the call's allocations or none.
pub(super) fn allocate(book: &mut Book, call: &Call, of: Guid) -> Answer {
    let elements = match call.elements("Allocations") {
        Ok(elements) => elements,
        Err(refused) => return refused,
    };
    let writing = by_call(call, Verb::Create, None);
    let mut made = Vec::new();
    let mut refused = Vec::new();
    for (index, element) in elements.iter().enumerate() {
        let outcome = match call
            .refused_with
            .as_ref()
            .filter(|_| index == 0 || call.refuses_all)
        {
            Some(message) => Err(Refusals::one(message)),
            None => allocations::allocate(book, &writing, of, element),
        };
        match outcome {
            Ok(id) => made.push(id),
            Err(refusals) => {
                let mut echoed = element.clone();
                lists::echo_dates(&mut echoed);
                echoed.insert("ValidationErrors".to_owned(), answer::messages(&refusals));
                refused.push(Value::Object(echoed));
            }
        }
    }
    if !refused.is_empty() {
        book.roll_back();
        return Answer::refused(refused);
    }
    book.commit();
    let shown = objects(
        made.into_iter()
            .map(|id| allocations::render_created(book, of, id)),
    );
    respond(book, call, "Allocations", shown, None)
}

/// `DELETE .../{id}/Allocations/{id}`.
pub(super) fn take_back(book: &mut Book, call: &Call, of: Guid, allocation: Guid) -> Answer {
    let writing = by_call(call, Verb::Upsert, None);
    match allocations::remove(book, &writing, of, allocation) {
        None => Answer::not_found(),
        Some(Ok(shown)) => {
            book.commit();
            Answer::document(200, Value::Object(shown))
        }
        Some(Err(refusals)) => {
            book.roll_back();
            let element = json!({"AllocationID": allocation.to_string(), "ValidationErrors": answer::messages(&refusals)});
            Answer::refused(vec![element])
        }
    }
}

fn by_call(call: &Call, verb: Verb, target: Option<Guid>) -> Writing {
    Writing {
        now: call.now,
        verb,
        origin: Origin::Api,
        units: call.units(),
        app: call.app.clone(),
        target,
    }
}

/// `PUT` or `POST` of a collection or of one of its records.
pub(super) fn write_all(
    book: &mut Book,
    call: &Call,
    collection: Collection,
    verb: Verb,
    target: Option<Guid>,
) -> Answer {
    if matches!(
        collection,
        Collection::Organisation
            | Collection::TrackingCategories
            | Collection::Overpayments
            | Collection::Prepayments
    ) {
        return Answer::empty(405);
    }
    let elements = match call.elements(collection.member()) {
        Ok(elements) => elements,
        Err(refused) => return refused,
    };
    let most = if call.has(Defect::BatchOfFifty) {
        collection.most().min(50)
    } else {
        collection.most()
    };
    if elements.len() > most || (target.is_some() && elements.len() > 1) {
        return Answer::unreadable(
            10,
            "ValidationException",
            &format!("Too many {} in one call", collection.member()),
        );
    }
    let writing = by_call(call, verb, target);
    let mut outcomes = Vec::with_capacity(elements.len());
    for (index, element) in elements.iter().enumerate() {
        if call.fails_after == Some(index) {
            book.commit();
            return Answer::empty(500);
        }
        let outcome = match call
            .refused_with
            .as_ref()
            .filter(|_| index == 0 || call.refuses_all)
        {
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
        if call.has(Defect::RefusedCallHalfDone) {
            book.commit();
        }
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
pub(super) fn write_element(
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
        Collection::BankTransactions => bank_transactions::write(book, writing, element)?,
        Collection::BatchPayments => batch_payments::write(book, writing, element)?,
        Collection::Overpayments | Collection::Prepayments => {
            return Err(Refusals::one(
                "Overpayments and prepayments are born as BankTransactions",
            ));
        }
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
