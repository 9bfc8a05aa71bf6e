//! Acts in Xero: contacts, invoices, money. Records are picked in an order that doesn't hang on their ids.

use super::{Told, refused};
use crate::records::{Records, amount, cents, money, text};
use crate::schedule::{Side, Step, Switch};
use crate::witness::version_of;
use crate::world::{World, pick};
use rust_decimal::Decimal;
use serde_json::{Value, json};

pub(super) fn act(world: &mut World, step: &Step) -> Option<Told> {
    Some(match step {
        Step::ContactText { contact, field, to } => contact_text(world, *contact, field, to),
        Step::CustomerText { account, field, to } => customer_text(world, *account, field, to),
        Step::ArchiveContact { contact } => archive(world, *contact),
        Step::EditDraft { invoice, price } => edit_draft(world, *invoice, *price),
        Step::Approve { invoice } => approve(world, *invoice),
        Step::Void { invoice } => void(world, *invoice),
        Step::Pay { invoice, percent } => pay(world, *invoice, *percent),
        Step::TakeBack { payment } => take_back(world, *payment),
        Step::Credit {
            invoice,
            percent,
            set_against,
        } => credit(world, *invoice, *percent, *set_against),
        Step::ByHand {
            contact,
            amount,
            like,
        } => by_hand(world, *contact, *amount, *like),
        _ => return None,
    })
}

/// A collection in an order of its own, and one of it.
fn one(
    records: &Records,
    collection: &str,
    order: &[&str],
    wanted: impl Fn(&Value) -> bool,
    place: usize,
) -> Result<Value, String> {
    let mut all: Vec<(String, String)> = records
        .of(collection)
        .filter(|(_, record)| wanted(record))
        .map(|(id, record)| {
            let by: Vec<String> = order.iter().map(|field| text(record, field)).collect();
            (by.join("\n"), id.to_owned())
        })
        .collect();
    all.sort();
    let ids: Vec<String> = all.into_iter().map(|(_, id)| id).collect();
    let id = pick(&ids, place).ok_or("there is none such in Xero")?;
    let record = records.get(collection, &id).cloned();
    record.ok_or_else(|| "it is gone".to_owned())
}

fn contact_at(records: &Records, place: usize) -> Result<Value, String> {
    let active = |contact: &Value| text(contact, "ContactStatus") == "ACTIVE";
    one(records, "Contacts", &["Name"], active, place)
}

fn invoice_at(
    records: &Records,
    place: usize,
    wanted: impl Fn(&Value) -> bool,
) -> Result<Value, String> {
    let wanted = |invoice: &Value| text(invoice, "Type") == "ACCREC" && wanted(invoice);
    let order = ["InvoiceNumber", "Contact.Name", "Total"];
    one(records, "Invoices", &order, wanted, place)
}

fn touch(world: &mut World, record: &Value) {
    let contact = text(record, "Contact.ContactID");
    world.witness.touched(&contact);
}

fn put(world: &World, collection: &str, record: Value) -> Result<Value, String> {
    world.xero.load(collection, record).map_err(refused)
}

fn contact_text(world: &mut World, place: usize, field: &str, to: &Option<String>) -> Told {
    let contact = contact_at(&world.records(), place)?;
    let id = text(&contact, "ContactID");
    let to = to.clone().unwrap_or_default();
    let change = match field {
        "City" => {
            // An address is written whole.
            let mut addresses = contact.get("Addresses").cloned().unwrap_or_default();
            let mut all = addresses.as_array_mut().into_iter().flatten();
            let postal = all.find(|one| text(one, "AddressType") == "POBOX");
            let postal = postal.and_then(Value::as_object_mut);
            let postal = postal.ok_or("it has no postal address")?;
            postal.insert("City".to_owned(), json!(to));
            json!({"ContactID": id, "Addresses": addresses})
        }
        field => json!({"ContactID": id, field: to}),
    };
    put(world, "Contacts", change)?;
    world.witness.touched(&id);
    let account = world.witness.family(&id).to_owned();
    world.edited(&account, Side::Xero, field, &to);
    if to.is_empty() {
        world.witness.emptied.insert(id);
    }
    Ok(format!(
        "{field} of {} becomes {to:?}",
        text(&contact, "Name")
    ))
}

/// Of the contact that stands for an account, if there is just one.
fn customer_text(world: &mut World, account: usize, field: &str, to: &str) -> Told {
    let account = pick(&world.accounts, account).ok_or("there is no account")?;
    let records = world.records();
    let active = |contact: &Value| text(contact, "ContactStatus") == "ACTIVE";
    let mut all = (records.of("Contacts"))
        .filter(|(id, contact)| world.witness.family(id) == account && active(contact));
    let (Some((id, contact)), None) = (all.next(), all.next()) else {
        return Err("no contact stands for it alone".to_owned());
    };
    let (list, kind, name) = match field {
        "PhoneNumber" => ("Phones", "PhoneType", "DEFAULT"),
        _ => ("Addresses", "AddressType", "POBOX"),
    };
    // A list is written whole.
    let mut entries = contact.get(list).cloned().unwrap_or_default();
    let mut entry = entries.as_array_mut().into_iter().flatten();
    let entry = entry.find(|one| text(one, kind) == name);
    let entry = entry.and_then(Value::as_object_mut);
    let entry = entry.ok_or("it has no such entry")?;
    entry.insert(field.to_owned(), json!(to));
    put(world, "Contacts", json!({"ContactID": id, list: entries}))?;
    world.witness.touched(id);
    world.edited(&account, Side::Xero, field, to);
    Ok(format!(
        "{field} of {} becomes {to:?}",
        text(contact, "Name")
    ))
}

fn archive(world: &mut World, place: usize) -> Told {
    let contact = contact_at(&world.records(), place)?;
    let id = text(&contact, "ContactID");
    put(
        world,
        "Contacts",
        json!({"ContactID": id, "ContactStatus": "ARCHIVED"}),
    )?;
    world.witness.touched(&id);
    Ok(format!("{} is archived", text(&contact, "Name")))
}

fn edit_draft(world: &mut World, place: usize, price: i64) -> Told {
    let draft = |invoice: &Value| text(invoice, "Status") == "DRAFT";
    let invoice = invoice_at(&world.records(), place, draft)?;
    let id = text(&invoice, "InvoiceID");
    let line = invoice.get("LineItems").and_then(|lines| lines.get(0));
    let line = line.ok_or("it has no line")?;
    let edited = json!({"InvoiceID": id, "LineItems": [{
        "LineItemID": text(line, "LineItemID"), "Description": "As agreed on the phone", "Quantity": "1",
        "UnitAmount": money(price), "AccountCode": "200",
    }]});
    put(world, "Invoices", edited)?;
    touch(world, &invoice);
    world.witness.edited_invoices.insert(id);
    Ok(format!(
        "draft {} comes to {} now",
        text(&invoice, "InvoiceNumber"),
        money(price)
    ))
}

fn approve(world: &mut World, place: usize) -> Told {
    let draft = |invoice: &Value| text(invoice, "Status") == "DRAFT";
    let invoice = invoice_at(&world.records(), place, draft)?;
    let approved = json!({"InvoiceID": text(&invoice, "InvoiceID"), "Status": "AUTHORISED"});
    put(world, "Invoices", approved)?;
    touch(world, &invoice);
    Ok(format!("{} is approved", text(&invoice, "InvoiceNumber")))
}

fn void(world: &mut World, place: usize) -> Told {
    let untouched = |invoice: &Value| {
        ["DRAFT", "AUTHORISED"].contains(&text(invoice, "Status").as_str())
            && amount(invoice, "AmountPaid").is_zero()
            && amount(invoice, "AmountCredited").is_zero()
    };
    let invoice = invoice_at(&world.records(), place, untouched)?;
    let status = match text(&invoice, "Status").as_str() {
        "DRAFT" => "DELETED",
        _ => "VOIDED",
    };
    let gone = json!({"InvoiceID": text(&invoice, "InvoiceID"), "Status": status});
    put(world, "Invoices", gone)?;
    touch(world, &invoice);
    Ok(format!("{} is {status}", text(&invoice, "InvoiceNumber")))
}

fn is_open(invoice: &Value) -> bool {
    text(invoice, "Status") == "AUTHORISED" && amount(invoice, "AmountDue") > Decimal::ZERO
}

fn today(world: &World) -> String {
    world.clock.now().date_naive().to_string()
}

fn pay(world: &mut World, place: usize, percent: i64) -> Told {
    let invoice = invoice_at(&world.records(), place, is_open)?;
    let due = amount(&invoice, "AmountDue");
    let paid = cents(due * Decimal::from(percent) / Decimal::ONE_HUNDRED);
    let on_it = paid.min(due).max(Decimal::new(1, 2));
    let payment = json!({
        "Invoice": {"InvoiceID": text(&invoice, "InvoiceID")}, "Account": {"Code": "090"}, "Date": today(world),
        "Amount": on_it.to_string(), "Reference": format!("Paid {}", text(&invoice, "InvoiceNumber")),
    });
    put(world, "Payments", payment)?;
    touch(world, &invoice);
    let beyond = paid - due;
    if beyond > Decimal::ZERO {
        let rest = json!({
            "Type": "RECEIVE-OVERPAYMENT", "Contact": {"ContactID": text(&invoice, "Contact.ContactID")},
            "BankAccount": {"Code": "090"}, "Date": today(world), "LineAmountTypes": "NoTax", "Reference": "Too much",
            "CurrencyCode": text(&invoice, "CurrencyCode"),
            "LineItems": [{"Description": "On account", "Quantity": "1", "UnitAmount": beyond.to_string(), "AccountCode": "200"}],
        });
        put(world, "BankTransactions", rest)?;
    }
    Ok(format!(
        "{paid} of {due} is paid on {}",
        text(&invoice, "InvoiceNumber")
    ))
}

fn take_back(world: &mut World, place: usize) -> Told {
    let records = world.records();
    let there = |payment: &Value| {
        text(payment, "Status") == "AUTHORISED" && !text(payment, "Invoice.InvoiceID").is_empty()
    };
    let order = ["Date", "Reference", "Amount"];
    let payment = one(&records, "Payments", &order, there, place)?;
    let invoice = records.get("Invoices", &text(&payment, "Invoice.InvoiceID"));
    let invoice = invoice.cloned().ok_or("its invoice is gone")?;
    let gone = json!({"PaymentID": text(&payment, "PaymentID"), "Status": "DELETED"});
    put(world, "Payments", gone)?;
    touch(world, &invoice);
    Ok(format!(
        "the payment on {} is taken back",
        text(&invoice, "InvoiceNumber")
    ))
}

fn credit(world: &mut World, place: usize, percent: i64, set_against: Switch) -> Told {
    let invoice = invoice_at(&world.records(), place, is_open)?;
    let net = cents(amount(&invoice, "SubTotal") * Decimal::from(percent) / Decimal::ONE_HUNDRED);
    let note = json!({
        "Type": "ACCRECCREDIT", "Status": "AUTHORISED", "Contact": {"ContactID": text(&invoice, "Contact.ContactID")},
        "Date": today(world), "CurrencyCode": text(&invoice, "CurrencyCode"),
        "Reference": format!("Back on {}", text(&invoice, "InvoiceNumber")),
        "LineItems": [{"Description": "Back", "Quantity": "1", "UnitAmount": net.to_string(), "AccountCode": "200"}],
    });
    let note = put(world, "CreditNotes", note)?;
    touch(world, &invoice);
    let fits = amount(&note, "RemainingCredit").min(amount(&invoice, "AmountDue"));
    if set_against == Switch::On && fits > Decimal::ZERO {
        let allocation = json!({
            "Invoice": {"InvoiceID": text(&invoice, "InvoiceID")}, "Amount": fits.to_string(), "Date": today(world),
        });
        world
            .xero
            .allocate(&text(&note, "CreditNoteID"), allocation)
            .map_err(refused)?;
    }
    Ok(format!(
        "{net} of {} is credited",
        text(&invoice, "InvoiceNumber")
    ))
}

fn by_hand(world: &mut World, place: usize, hundredths: i64, like: Option<usize>) -> Told {
    let records = world.records();
    let contact = contact_at(&records, place)?;
    let deal = like.and_then(|place| pick(&world.deals, place));
    let deal = deal.and_then(|id| {
        let deal = records.get("Opportunity", &id)?;
        Some(version_of(&records, &id, deal))
    });
    let (net, currency) = match deal {
        Some(deal) => (deal.net.to_string(), deal.currency),
        None => (money(hundredths), "GBP".to_owned()),
    };
    let invoice = json!({
        "Type": "ACCREC", "Status": "AUTHORISED", "Contact": {"ContactID": text(&contact, "ContactID")},
        "Date": today(world), "DueDate": today(world), "CurrencyCode": currency, "LineAmountTypes": "Exclusive",
        "Reference": "By hand",
        "LineItems": [{"Description": "By hand", "Quantity": "1", "UnitAmount": net, "AccountCode": "200"}],
    });
    put(world, "Invoices", invoice)?;
    let id = text(&contact, "ContactID");
    world.witness.touched(&id);
    Ok(format!(
        "{net} {currency} is invoiced by hand to {}",
        text(&contact, "Name")
    ))
}
