//! Holds a case against what stands in the simulators: every invoice to the cent, every customer, every wait, and nothing besides.
//!
//! Only reasons and their messages are the product's own words; everything else is read from the simulators' records.

use crate::case::{Case, Invoice, InvoiceLine, Shown};
use crate::world::World;
use footbridge_engine::{Decision, Standing};
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// Everything that is not as the case says.
pub(crate) fn of(case: &Case, world: &World, decisions: &[Decision]) -> Vec<String> {
    let mut wrong = Vec::new();
    invoices(case, world, &mut wrong);
    customers(case, world, &mut wrong);
    foreign(case, world, &mut wrong);
    shown(case, world, &mut wrong);
    sides(case, world, &mut wrong);
    waits(case, world, decisions, &mut wrong);
    wrong
}

fn text(record: &Value, path: &str) -> String {
    let value = path
        .split('.')
        .try_fold(record, |value, step| value.get(step));
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

fn made(world: &World, collection: &str, id: &str) -> Vec<Value> {
    let known: BTreeSet<String> = world
        .foreign
        .iter()
        .map(|(_, record)| text(record, id))
        .collect();
    let all = world.xero.dump(collection).into_iter();
    all.filter(|record| !known.contains(&text(record, id)))
        .collect()
}

fn invoices(case: &Case, world: &World, wrong: &mut Vec<String>) {
    let mut found = made(world, "Invoices", "InvoiceID");
    found.sort_by_key(|invoice| text(invoice, "InvoiceNumber"));
    for expected in &case.invoices {
        let of_deal = world.id(&expected.deal).ok().and_then(|id| {
            found
                .iter()
                .position(|invoice| text(invoice, "Url").contains(id))
        });
        let Some(position) = of_deal else {
            wrong.push(format!("{}: an invoice is missing", expected.deal));
            continue;
        };
        let invoice = found.remove(position);
        invoice_as_expected(expected, &invoice, wrong);
    }
    for invoice in &found {
        wrong.push(format!(
            "an invoice too many: {} to {}, {} {}",
            text(invoice, "InvoiceNumber"),
            text(invoice, "Contact.Name"),
            text(invoice, "CurrencyCode"),
            text(invoice, "Total")
        ));
    }
    for deal in world.salesforce.dump("Opportunity") {
        let shown = text(&deal, "Xero_Invoice_Id__c");
        let billed = case
            .invoices
            .iter()
            .any(|i| world.id(&i.deal).is_ok_and(|id| id == text(&deal, "Id")));
        if billed && shown.is_empty() && case.flow.get("write-back").is_none() {
            wrong.push(format!("{} does not show its invoice", text(&deal, "Name")));
        }
    }
}

fn invoice_as_expected(expected: &Invoice, invoice: &Value, wrong: &mut Vec<String>) {
    let deal = &expected.deal;
    let texts = [
        ("Contact.Name", &expected.contact),
        ("InvoiceNumber", &expected.number),
        ("Reference", &expected.reference),
        ("CurrencyCode", &expected.currency),
        ("Status", &expected.status),
    ];
    for (field, wanted) in texts {
        same(deal, field, wanted.as_deref(), &text(invoice, field), wrong);
    }
    for (field, wanted) in [
        ("DateString", &expected.date),
        ("DueDateString", &expected.due),
    ] {
        let found = text(invoice, field);
        let day = found.split('T').next().unwrap_or_default();
        same(deal, field, wanted.as_deref(), day, wrong);
    }
    for (field, wanted) in [
        ("SubTotal", &expected.net),
        ("TotalTax", &expected.tax),
        ("Total", &expected.total),
    ] {
        money(deal, field, Some(wanted), &text(invoice, field), wrong);
    }
    if !expected.lines.is_empty() {
        lines(deal, &expected.lines, invoice, wrong);
    }
}

fn lines(deal: &str, expected: &[InvoiceLine], invoice: &Value, wrong: &mut Vec<String>) {
    let found = invoice
        .get("LineItems")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let expected: Vec<(usize, &InvoiceLine)> = expected
        .iter()
        .flat_map(|line| (1..=line.repeat).map(move |n| (n, line)))
        .collect();
    if expected.len() != found.len() {
        wrong.push(format!(
            "{deal}: {} lines instead of {}",
            found.len(),
            expected.len()
        ));
        return;
    }
    for (position, ((n, wanted), line)) in expected.into_iter().zip(&found).enumerate() {
        let at = format!("{deal}, line {}", position + 1);
        let description = wanted
            .description
            .as_ref()
            .map(|text| text.replace("{n}", &n.to_string()));
        same(
            &at,
            "Description",
            description.as_deref(),
            &text(line, "Description"),
            wrong,
        );
        same(
            &at,
            "TaxType",
            wanted.tax_type.as_deref(),
            &text(line, "TaxType"),
            wrong,
        );
        same(
            &at,
            "AccountCode",
            wanted.account.as_deref(),
            &text(line, "AccountCode"),
            wrong,
        );
        same(
            &at,
            "ItemCode",
            wanted.item.as_deref(),
            &text(line, "ItemCode"),
            wrong,
        );
        money(
            &at,
            "LineAmount",
            wanted.amount.as_ref(),
            &text(line, "LineAmount"),
            wrong,
        );
        money(
            &at,
            "TaxAmount",
            wanted.tax.as_ref(),
            &text(line, "TaxAmount"),
            wrong,
        );
    }
}

fn same(at: &str, field: &str, wanted: Option<&str>, found: &str, wrong: &mut Vec<String>) {
    if wanted.is_some_and(|wanted| wanted != found) {
        wrong.push(format!(
            "{at}: {field} is {found:?} instead of {:?}",
            wanted.unwrap_or_default()
        ));
    }
}

fn money(at: &str, field: &str, wanted: Option<&String>, found: &str, wrong: &mut Vec<String>) {
    let Some(wanted) = wanted else { return };
    let equal = match (Decimal::from_str(wanted), Decimal::from_str(found)) {
        (Ok(wanted), Ok(found)) => wanted == found,
        _ => false,
    };
    if !equal {
        wrong.push(format!("{at}: {field} is {found:?} instead of {wanted}"));
    }
}

fn customers(case: &Case, world: &World, wrong: &mut Vec<String>) {
    let mut found: Vec<String> = made(world, "Contacts", "ContactID")
        .iter()
        .map(|contact| text(contact, "Name"))
        .collect();
    let mut expected = case.customers.clone();
    found.sort();
    expected.sort();
    if found != expected {
        wrong.push(format!(
            "customers made are {found:?} instead of {expected:?}"
        ));
    }
}

/// What someone else made in Xero stands as it was.
fn foreign(case: &Case, world: &World, wrong: &mut Vec<String>) {
    for (collection, before) in &world.foreign {
        let (id, fields): (&str, &[&str]) = match collection.as_str() {
            "Contacts" => (
                "ContactID",
                &[
                    "Name",
                    "ContactNumber",
                    "ContactStatus",
                    "TaxNumber",
                    "EmailAddress",
                    "FirstName",
                ],
            ),
            "Invoices" => (
                "InvoiceID",
                &[
                    "InvoiceNumber",
                    "Status",
                    "Total",
                    "Reference",
                    "Url",
                    "UpdatedDateUTC",
                ],
            ),
            _ => continue,
        };
        let now = world.xero.dump(collection);
        let Some(after) = now
            .iter()
            .find(|record| text(record, id) == text(before, id))
        else {
            wrong.push(format!("{collection} {} is gone", text(before, id)));
            continue;
        };
        // Where people go on to be paid, an invoice doesn't stand still; Footbridge writes no status and no stamp of another's.
        let moves = |field: &str| case.reflects() && ["Status", "UpdatedDateUTC"].contains(&field);
        for field in fields.iter().copied().filter(|field| !moves(field)) {
            same(
                &format!("{collection} of someone else"),
                field,
                Some(&text(before, field)),
                &text(after, field),
                wrong,
            );
        }
    }
}

/// Contacts in Xero and accounts in Salesforce hold what the case says.
fn sides(case: &Case, world: &World, wrong: &mut Vec<String>) {
    let contacts = world.xero.dump("Contacts");
    for expected in &case.contacts {
        let mut its = contacts
            .iter()
            .filter(|contact| text(contact, "Name") == expected.name);
        match (its.next(), its.next()) {
            (Some(contact), None) => stands(expected, contact, world, wrong),
            (None, _) => wrong.push(format!("Xero has no contact {:?}", expected.name)),
            (Some(_), Some(_)) => wrong.push(format!("{:?} stands twice in Xero", expected.name)),
        }
    }
    let accounts = world.salesforce.dump("Account");
    for expected in &case.accounts_then {
        let id = world.id(&expected.name).unwrap_or_default();
        match accounts.iter().find(|account| text(account, "Id") == id) {
            Some(account) => stands(expected, account, world, wrong),
            None => wrong.push(format!("Salesforce has no account {:?}", expected.name)),
        }
    }
}

fn stands(expected: &Shown, record: &Value, world: &World, wrong: &mut Vec<String>) {
    let fields = match world.resolved(&expected.fields) {
        Ok(fields) => fields,
        Err(error) => return wrong.push(format!("{}: {error}", expected.name)),
    };
    for (path, wanted) in fields {
        // Entries of a list by their place: Addresses.1.City.
        let found = record.pointer(&format!("/{}", path.replace('.', "/")));
        let found = match found {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        let wanted = wanted.as_str().map_or(wanted.to_string(), str::to_owned);
        same(&expected.name, &path, Some(&wanted), &found, wrong);
    }
}

/// The three objects of the way back hold what the case says, and nothing besides.
fn shown(case: &Case, world: &World, wrong: &mut Vec<String>) {
    if !case.reflects() {
        return;
    }
    let objects = [
        "Footbridge_Document__c",
        "Footbridge_Payment__c",
        "Footbridge_Balance__c",
    ];
    let all = objects
        .iter()
        .flat_map(|object| world.salesforce.dump(object));
    let mut found: Vec<Value> = all
        .filter(|record| text(record, "IsDeleted") != "true")
        .collect();
    for expected in &case.shown {
        let position = found
            .iter()
            .position(|record| text(record, "Name") == expected.name);
        let Some(position) = position else {
            wrong.push(format!("{} is not shown", expected.name));
            continue;
        };
        let record = found.remove(position);
        let fields = match world.resolved(&expected.fields) {
            Ok(fields) => fields,
            Err(error) => {
                wrong.push(format!("{}: {error}", expected.name));
                continue;
            }
        };
        for (field, wanted) in fields {
            let wanted = text(
                &Value::Object([(field.clone(), wanted)].into_iter().collect()),
                &field,
            );
            let there = text(&record, &field);
            let equal = match (Decimal::from_str(&wanted), Decimal::from_str(&there)) {
                (Ok(wanted), Ok(there)) => wanted == there,
                _ => wanted == there,
            };
            if !equal {
                wrong.push(format!(
                    "{}: {field} is {there:?} instead of {wanted:?}",
                    expected.name
                ));
            }
        }
    }
    for record in found {
        wrong.push(format!(
            "shown and not expected: {} ({})",
            text(&record, "Name"),
            text(&record, "Key__c")
        ));
    }
}

fn waits(case: &Case, world: &World, decisions: &[Decision], wrong: &mut Vec<String>) {
    let mut waiting: Vec<&Decision> = decisions
        .iter()
        .filter(|d| matches!(d.standing, Standing::Waiting | Standing::Refused))
        .collect();
    for expected in &case.waits {
        let position = waiting.iter().position(|d| {
            world
                .id(&expected.deal)
                .is_ok_and(|id| id == d.subject.record.id.as_str())
                && d.subject.part.max(1) == expected.part
        });
        let Some(position) = position else {
            wrong.push(format!(
                "{}, part {} does not wait",
                expected.deal, expected.part
            ));
            continue;
        };
        let found = waiting.remove(position);
        same(
            &expected.deal,
            "the reason",
            Some(&expected.reason),
            &found.reason,
            wrong,
        );
        same(
            &expected.deal,
            "the message",
            expected.says.as_deref(),
            &found.message,
            wrong,
        );
    }
    for decision in waiting {
        wrong.push(format!(
            "{} waits: {}, {}",
            decision.subject.title, decision.reason, decision.message
        ));
    }
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    for decision in decisions.iter().filter(|d| d.standing == Standing::Skipped) {
        *skipped.entry(decision.reason.clone()).or_default() += 1;
    }
    if skipped != case.skipped {
        wrong.push(format!(
            "needing nothing: {skipped:?} instead of {:?}",
            case.skipped
        ));
    }
}
