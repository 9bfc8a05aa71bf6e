//! Looks records up in Xero by id or natural key.
//!
//! Says `complete` only when every record that could match was seen, since an absence that isn't proven would become a
//! second invoice. Comparisons of numbers and names are ours, whatever Xero's filters let through. Rests on `walk`.

use footbridge_sdk::connector::lookup::{Criteria, Found};
use footbridge_sdk::connector::{Failure, FailureKind};
use footbridge_sdk::document::at;
use footbridge_sdk::failure::{Code, failure};
use serde_json::Value;

use crate::invoice::is_receivable;
use crate::objects::Kind;
use crate::walk::{Get, run, whole_pages};
use crate::{credit, dates, single};

/// So many GUIDs keep an address under 2,000 characters.
const IDS_PER_CALL: usize = 40;
/// Most characters of percent-encoded values in one address.
const LIST_CHARACTERS: usize = 1_500;
/// So many comparisons of GUIDs keep one under 2,000 characters, percent-encoded.
const COMPARISONS_PER_CALL: usize = 20;
/// From so many calls on, the whole list is counted first: reading all of it may take fewer.
const WORTH_COUNTING: usize = 4;
/// Up to so many customers are searched one by one; more of them by reading the whole list once.
const SINGLE_SEARCHES: usize = 5;
/// Most pages of one search.
const PAGES: u32 = 100;

type Filter = Vec<(String, String)>;

/// Reads records by id: a few customers or invoices each at its own address, more of them in lists.
pub(crate) fn fetch(object: &str, ids: &[String], get: Get<'_>) -> Result<Found, Failure> {
    let kind = Kind::named(object)?;
    if !matches!(kind, Kind::Customer | Kind::Invoice) || ids.len() > single::FEW {
        return listed(kind, ids, get);
    }
    let (mut items, mut left) = (Vec::new(), Vec::new());
    for id in ids.iter().filter(|id| is_guid(id)) {
        match single::read(kind, id, get)? {
            Some(element) => items.extend(kind.item(&element)),
            None => left.push(id.clone()),
        }
    }
    let mut found = listed(kind, &left, get)?;
    items.append(&mut found.items);
    found.items = items;
    Ok(found)
}

/// Reads records by id from lists.
fn listed(kind: Kind, ids: &[String], get: Get<'_>) -> Result<Found, Failure> {
    let mut filters: Vec<Filter> = match kind {
        Kind::Customer | Kind::Invoice => ids
            .iter()
            .filter(|id| is_guid(id))
            .cloned()
            .collect::<Vec<_>>()
            .chunks(IDS_PER_CALL)
            .map(|chunk| vec![("IDs".to_owned(), chunk.join(","))])
            .collect(),
        Kind::CreditNote | Kind::Overpayment | Kind::Prepayment | Kind::Payment => {
            by_guid(kind.id_field(), ids.iter().map(String::as_str))
        }
        Kind::Item | Kind::Account | Kind::TaxRate if ids.is_empty() => Vec::new(),
        Kind::Item | Kind::Account | Kind::TaxRate => vec![Vec::new()],
    };
    // A walk goes by what changed, which deleted payments may be missing from.
    if filters.len() >= WORTH_COUNTING
        && kind != Kind::Payment
        && whole_pages(kind, get)?.is_some_and(|pages| pages < filters.len())
    {
        filters = vec![Vec::new()];
    }
    let wanted = |element: &Value| {
        kind.id_of(element)
            .is_some_and(|found| ids.iter().any(|id| id.eq_ignore_ascii_case(&found)))
    };
    search(kind, &filters, None, &wanted, get)
}

/// Xero refuses a whole list for one text that is no GUID; such a text names no record.
fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// Finds records by natural key.
pub(crate) fn find(criteria: &Criteria, get: Get<'_>) -> Result<Found, Failure> {
    let kind = Kind::named(&criteria.object)?;
    let values: Vec<&str> = criteria
        .values
        .iter()
        .map(String::as_str)
        .filter(|value| !value.is_empty())
        .collect();
    let since = since(criteria.changed_since.as_deref())?;
    let field = match (kind, criteria.key.as_str()) {
        (Kind::Invoice, "url") => "Url",
        (Kind::Invoice, "number") => "InvoiceNumber",
        (Kind::CreditNote, "number") => "CreditNoteNumber",
        (Kind::CreditNote | Kind::Overpayment | Kind::Prepayment, "customer") => {
            "Contact.ContactID"
        }
        (Kind::Payment, "document") => "Invoice.InvoiceID",
        (Kind::Customer, "number") => "ContactNumber",
        (Kind::Customer, "name") => "Name",
        (Kind::Item | Kind::Account, "code") => "Code",
        (Kind::TaxRate, "tax_type") => "TaxType",
        _ => {
            return Err(failure(
                FailureKind::Misconfigured,
                Code::UnknownField,
                format!(
                    "Xero's {} can't be searched by \"{}\".",
                    kind.plural(),
                    criteria.key
                ),
            ));
        }
    };
    if values.is_empty() {
        return Ok(Found {
            items: Vec::new(),
            complete: true,
        });
    }
    let filters = match (kind, field) {
        (Kind::Invoice, "Url") => by_our_own(&criteria.parents),
        (Kind::Invoice, _) => by_invoice_number(&values),
        (Kind::Customer, _) => by_customer(field, &values, since),
        (Kind::CreditNote, "CreditNoteNumber") => by_comparison(field, &values),
        (_, "Contact.ContactID" | "Invoice.InvoiceID") => by_guid(field, values.iter().copied()),
        _ => vec![Vec::new()],
    };
    let wanted = |element: &Value| {
        at(element, field)
            .text()
            .is_some_and(|found| values.iter().any(|value| same(field, found, value)))
            && match field {
                "CreditNoteNumber" => credit::is_receivable(element),
                _ => kind != Kind::Invoice || is_receivable(element),
            }
    };
    let mut found = search(kind, &filters, since, &wanted, get)?;
    // A refund may show its credit elsewhere than the filter looks; a credit's own `payments` have it.
    found.complete &= kind != Kind::Payment;
    Ok(found)
}

/// Addresses are exact; numbers, names and codes are one to Xero whatever their case.
fn same(field: &str, found: &str, wanted: &str) -> bool {
    if field == "Url" {
        found == wanted
    } else {
        found.trim().to_lowercase() == wanted.trim().to_lowercase()
    }
}

fn search(
    kind: Kind,
    filters: &[Filter],
    since: Option<i64>,
    wanted: &dyn Fn(&Value) -> bool,
    get: Get<'_>,
) -> Result<Found, Failure> {
    let mut found = Found {
        items: Vec::new(),
        complete: true,
    };
    for filter in filters {
        let (elements, complete) = run(kind, filter, since, PAGES, wanted, get)?;
        found.complete &= complete;
        for item in elements.iter().filter_map(|element| kind.item(element)) {
            if !found.items.iter().any(|known| known.id == item.id) {
                found.items.push(item);
            }
        }
    }
    Ok(found)
}

/// Invoices that we created, of some customers or of all.
fn by_our_own(parents: &[String]) -> Vec<Filter> {
    let ours = ("createdByMyApp".to_owned(), "true".to_owned());
    if parents.is_empty() {
        return vec![vec![ours]];
    }
    parents
        .chunks(IDS_PER_CALL)
        .map(|chunk| vec![ours.clone(), ("ContactIDs".to_owned(), chunk.join(","))])
        .collect()
}

/// Invoices by number. A number with a comma can't stand in a list; it is asked for alone.
fn by_invoice_number(values: &[&str]) -> Vec<Filter> {
    let (lists, alone): (Vec<&str>, Vec<&str>) =
        values.iter().partition(|value| !value.contains(','));
    let mut filters: Vec<Filter> = lists_of(&lists)
        .into_iter()
        .map(|list| vec![("InvoiceNumbers".to_owned(), list)])
        .collect();
    for value in alone {
        match comparison("InvoiceNumber", value) {
            Some(filter) => filters.push(filter),
            None => return vec![Vec::new()],
        }
    }
    filters
}

/// Comma-separated lists, none too long for an address.
fn lists_of(values: &[&str]) -> Vec<String> {
    let mut lists: Vec<String> = Vec::new();
    let mut room = 0;
    for value in values {
        // Three characters per byte is the most that percent-encoding makes of it.
        let cost = value.len() * 3 + 3;
        match lists.last_mut() {
            Some(list) if cost <= room => {
                list.push(',');
                list.push_str(value);
                room -= cost;
            }
            _ => {
                lists.push((*value).to_owned());
                room = LIST_CHARACTERS.saturating_sub(cost);
            }
        }
    }
    lists
}

/// Customers: what changed lately if a time is given, single searches for a few, else the whole list once.
fn by_customer(field: &str, values: &[&str], since: Option<i64>) -> Vec<Filter> {
    if since.is_some() || values.len() > SINGLE_SEARCHES {
        return vec![Vec::new()];
    }
    by_comparison(field, values)
}

/// One search for each value, or the whole list once.
fn by_comparison(field: &str, values: &[&str]) -> Vec<Filter> {
    let single: Option<Vec<Filter>> = values
        .iter()
        .map(|value| comparison(field, value))
        .collect();
    single.unwrap_or_else(|| vec![Vec::new()])
}

/// Comparisons of GUIDs, for lists that take no ids: one search for some of them.
fn by_guid<'v>(field: &str, values: impl Iterator<Item = &'v str>) -> Vec<Filter> {
    let comparisons: Vec<String> = values
        .filter(|value| is_guid(value))
        .map(|value| format!("{field}==Guid(\"{value}\")"))
        .collect();
    comparisons
        .chunks(COMPARISONS_PER_CALL)
        .map(|chunk| vec![("where".to_owned(), chunk.join(" OR "))])
        .collect()
}

/// `Field=="value"`. None if the value has a character that Xero documents no escape for: then the whole list is read.
fn comparison(field: &str, value: &str) -> Option<Filter> {
    let plain = !value
        .chars()
        .any(|letter| matches!(letter, '"' | '\\') || letter.is_control());
    (plain && value.len() * 3 <= LIST_CHARACTERS)
        .then(|| vec![("where".to_owned(), format!("{field}==\"{value}\""))])
}

fn since(text: Option<&str>) -> Result<Option<i64>, Failure> {
    text.map(dates::millis).transpose().map_err(|error| {
        failure(
            FailureKind::Misconfigured,
            Code::Internal,
            format!("\"{}\" is not an instant to search from.", error.0),
        )
    })
}

#[cfg(test)]
#[path = "lookup_tests.rs"]
mod tests;
