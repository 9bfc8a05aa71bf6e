//! The verdict over a world: every effect once, nothing lost, to the cent. Counted in the simulators' own records, natural key by
//! natural key; what the product says of itself is not asked here.

use crate::row::Chapter;
use crate::world::{AMENDED, DEALS, NEWTOWN, PHONE, TOWN, World};
use rust_decimal::Decimal;
use serde_json::Value;
use std::collections::BTreeMap;
use std::str::FromStr;

/// Everything that is not as it must be, once all was written that the story holds so far: the chapters that were told.
pub(crate) fn of(world: &World, told: &[Chapter]) -> Vec<String> {
    let mut wrong = Vec::new();
    let invoices = world.xero.dump("Invoices");
    let contacts = contacts(world, &mut wrong);
    known(world, told, &contacts, &mut wrong);
    billed(world, told, &contacts, &invoices, &mut wrong);
    documents(world, &invoices, &mut wrong);
    payments(world, &mut wrong);
    balances(world, &contacts, &invoices, &mut wrong);
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

fn amount(record: &Value, path: &str) -> Option<Decimal> {
    Decimal::from_str(&text(record, path)).ok()
}

/// One contact for each account, by our number or adopted for its name, and none besides. Gives the contacts' ids by account.
fn contacts(world: &World, wrong: &mut Vec<String>) -> BTreeMap<String, String> {
    let mut found: Vec<Value> = world
        .xero
        .dump("Contacts")
        .into_iter()
        .filter(|contact| text(contact, "ContactStatus") == "ACTIVE")
        .collect();
    let mut ids = BTreeMap::new();
    for (account, (name, _)) in world.accounts.iter().zip(DEALS) {
        let (its, others): (Vec<_>, Vec<_>) =
            found
                .into_iter()
                .partition(|contact| match text(contact, "ContactNumber") {
                    number if number.is_empty() => text(contact, "Name") == name,
                    number => number == *account,
                });
        found = others;
        if its.len() != 1 {
            wrong.push(format!("{name}: {} contacts instead of one", its.len()));
        }
        for contact in its {
            if text(&contact, "Name") != name {
                wrong.push(format!(
                    "{name}: its contact is called {}",
                    text(&contact, "Name")
                ));
            }
            ids.insert(account.clone(), text(&contact, "ContactID"));
        }
    }
    for contact in found {
        wrong.push(format!("a contact of nobody: {}", text(&contact, "Name")));
    }
    ids
}

/// City and telephone are on both sides what the story made them.
fn known(
    world: &World,
    told: &[Chapter],
    contacts: &BTreeMap<String, String>,
    wrong: &mut Vec<String>,
) {
    let wanted_city = match told.contains(&Chapter::Moved) {
        true => NEWTOWN,
        false => TOWN,
    };
    let wanted_phone = match told.contains(&Chapter::Phoned) {
        true => PHONE,
        false => "",
    };
    let (accounts, all) = (
        world.salesforce.dump("Account"),
        world.xero.dump("Contacts"),
    );
    let digits = |text: &str| {
        text.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    for (account, contact) in contacts {
        let there = accounts
            .iter()
            .find(|record| text(record, "Id") == *account);
        let here = all
            .iter()
            .find(|record| text(record, "ContactID") == *contact);
        let (Some(there), Some(here)) = (there, here) else {
            continue;
        };
        if text(here, "ContactNumber").is_empty() {
            // Somebody else made it; it was adopted as it is.
            continue;
        }
        let of = |list: &str, kind: &str, wanted: &str, field: &str| {
            let entries = here.get(list).and_then(Value::as_array);
            let its = entries.into_iter().flatten();
            its.filter(|entry| text(entry, kind) == wanted)
                .map(|entry| text(entry, field))
                .find(|value| !value.is_empty())
                .unwrap_or_default()
        };
        let city = of("Addresses", "AddressType", "POBOX", "City");
        let crm = text(there, "BillingCity");
        if [city.as_str(), crm.as_str()] != [wanted_city; 2] {
            wrong.push(format!(
                "{account}: its city is {city:?} in Xero and {crm:?} in Salesforce instead of {wanted_city:?}"
            ));
        }
        let phone = of("Phones", "PhoneType", "DEFAULT", "PhoneNumber");
        let crm = text(there, "Phone");
        if [digits(&phone), digits(&crm)] != [digits(wanted_phone), digits(wanted_phone)] {
            wrong.push(format!(
                "{account}: its telephone is {phone:?} in Xero and {crm:?} in Salesforce instead of {wanted_phone:?}"
            ));
        }
    }
}

/// One invoice for each deal, right to the cent, shown on the deal, and none besides.
fn billed(
    world: &World,
    told: &[Chapter],
    contacts: &BTreeMap<String, String>,
    invoices: &[Value],
    wrong: &mut Vec<String>,
) {
    let deals = world.salesforce.dump("Opportunity");
    let amended = told.contains(&Chapter::Amended);
    let amounts = DEALS.iter().zip(AMENDED);
    let amounts = amounts.map(|((name, won), changed)| match amended {
        true => (*name, changed),
        false => (*name, *won),
    });
    for ((deal, account), (name, net)) in world.deals.iter().zip(&world.accounts).zip(amounts) {
        let its: Vec<&Value> = invoices
            .iter()
            .filter(|invoice| text(invoice, "Url").contains(deal.as_str()))
            .collect();
        let [invoice] = its.as_slice() else {
            wrong.push(format!("{name}: {} invoices instead of one", its.len()));
            continue;
        };
        if contacts.get(account) != Some(&text(invoice, "Contact.ContactID")) {
            wrong.push(format!("{name}: its invoice is somebody else's"));
        }
        let (net, tax) = expected(net);
        let there = (amount(invoice, "SubTotal"), amount(invoice, "TotalTax"));
        if there != (Some(net), Some(tax)) {
            wrong.push(format!(
                "{name}: invoiced {there:?} instead of {net} and {tax}"
            ));
        }
        if !["AUTHORISED", "PAID"].contains(&text(invoice, "Status").as_str()) {
            wrong.push(format!(
                "{name}: its invoice is {}",
                text(invoice, "Status")
            ));
        }
        let id = text(invoice, "InvoiceID");
        let shown = deals.iter().find(|record| text(record, "Id") == *deal);
        let shows = shown.is_some_and(|record| {
            text(record, "Xero_Invoice_Id__c") == id
                && text(record, "Xero_Invoice_Number__c") == text(invoice, "InvoiceNumber")
                && text(record, "Xero_Invoice_Link__c").ends_with(&id)
        });
        if !shows {
            wrong.push(format!("{name}: the deal doesn't show its invoice"));
        }
    }
    if invoices.len() != DEALS.len() {
        wrong.push(format!("{} invoices in all", invoices.len()));
    }
}

/// Net and tax of a deal: net in cents, half up, and a fifth of it.
fn expected(net: &str) -> (Decimal, Decimal) {
    let half_up = |value: Decimal| {
        value.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero)
    };
    let net = half_up(Decimal::from_str(net).unwrap_or_default());
    (net, half_up(net * Decimal::new(20, 2)))
}

/// Records that stand in the CRM, by natural key; one that stands twice is wrong.
fn shown(world: &World, object: &str, wrong: &mut Vec<String>) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for record in world.salesforce.dump(object) {
        if text(&record, "IsDeleted") == "true" {
            continue;
        }
        if let Some(twin) = all.insert(text(&record, "Key__c"), record) {
            wrong.push(format!("{object}: {} stands twice", text(&twin, "Key__c")));
        }
    }
    all
}

/// What is left over was made for nothing.
fn rest(object: &str, left: BTreeMap<String, Value>, wrong: &mut Vec<String>) {
    for key in left.keys() {
        wrong.push(format!("{object}: {key} is shown and is not there"));
    }
}

fn same(what: &str, record: &Value, field: &str, wanted: Option<Decimal>, wrong: &mut Vec<String>) {
    let there = amount(record, field);
    if there != wanted {
        wrong.push(format!(
            "{what}: {field} is {there:?} instead of {wanted:?}"
        ));
    }
}

/// Each invoice is shown once, with the ledger's amounts, and they add up.
fn documents(world: &World, invoices: &[Value], wrong: &mut Vec<String>) {
    let mut found = shown(world, "Footbridge_Document__c", wrong);
    let organisation = organisation(world);
    for invoice in invoices {
        let number = text(invoice, "InvoiceNumber");
        let key = format!("{organisation}/invoice/{}", text(invoice, "InvoiceID"));
        let Some(record) = found.remove(&key) else {
            wrong.push(format!("{number} is not shown"));
            continue;
        };
        for (field, of) in [
            ("Total__c", "Total"),
            ("Amount_Due__c", "AmountDue"),
            ("Amount_Paid__c", "AmountPaid"),
        ] {
            same(&number, &record, field, amount(invoice, of), wrong);
        }
        let part = |field| amount(&record, field).unwrap_or_default();
        let sum = part("Amount_Due__c") + part("Amount_Paid__c") + part("Amount_Credited__c");
        if sum != part("Total__c") {
            wrong.push(format!(
                "{number}: due + paid + credited is {sum}, not {}",
                part("Total__c")
            ));
        }
        let due = part("Amount_Due__c");
        let status = match (due.is_zero(), due == part("Total__c")) {
            (true, _) => "paid",
            (_, true) => "awaiting-payment",
            _ => "part-paid",
        };
        if text(&record, "Status__c") != status {
            wrong.push(format!(
                "{number} is shown as {} instead of {status}",
                text(&record, "Status__c")
            ));
        }
    }
    rest("document", found, wrong);
}

/// Each payment is shown once; one that was taken back stays, reversed.
fn payments(world: &World, wrong: &mut Vec<String>) {
    let mut found = shown(world, "Footbridge_Payment__c", wrong);
    let organisation = organisation(world);
    for payment in world.xero.dump("Payments") {
        let id = text(&payment, "PaymentID");
        let Some(record) = found.remove(&format!("{organisation}/payment/{id}")) else {
            wrong.push(format!("payment {id} is not shown"));
            continue;
        };
        same(
            &format!("payment {id}"),
            &record,
            "Amount__c",
            amount(&payment, "Amount"),
            wrong,
        );
        let status = match text(&payment, "Status").as_str() {
            "DELETED" => "reversed",
            _ => "recorded",
        };
        if text(&record, "Status__c") != status {
            wrong.push(format!(
                "payment {id} is shown as {} instead of {status}",
                text(&record, "Status__c")
            ));
        }
    }
    rest("payment", found, wrong);
}

/// Each customer's balance is shown once and is what its invoices leave due.
fn balances(
    world: &World,
    contacts: &BTreeMap<String, String>,
    invoices: &[Value],
    wrong: &mut Vec<String>,
) {
    let mut found = shown(world, "Footbridge_Balance__c", wrong);
    let organisation = organisation(world);
    for contact in contacts.values() {
        let due: Decimal = invoices
            .iter()
            .filter(|invoice| text(invoice, "Contact.ContactID") == *contact)
            .filter_map(|invoice| amount(invoice, "AmountDue"))
            .sum();
        match found.remove(&format!("{organisation}/{contact}/GBP")) {
            Some(record) => same("a balance", &record, "Balance__c", Some(due), wrong),
            None => wrong.push(format!("the balance of {contact} is not shown")),
        }
    }
    rest("balance", found, wrong);
}

fn organisation(world: &World) -> String {
    let id = world.xero.organisation_id(0);
    id.map_or_else(String::new, |id| id.to_string())
}
