//! The company as Salesforce knows it: records in the API's field names, in the order they are loaded.
//!
//! It decides nothing about the deals; derived fields (`IsWon`, `HasOpportunityLineItem`) are left to
//! the simulator. Next: `super::seed` loads them.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::blueprint::{Blueprint, Course, Customer, CustomerIx, Deal, Who};
use super::catalogue::Currency;
use super::fixed::SALESFORCE_WINNER;
use super::ids::salesforce as id;
use super::money::number;

/// Number of the net price book and of the one whose prices include tax.
const BOOKS: [usize; 2] = [1, 2];
const NET: usize = 1;

pub(crate) fn account_id(customer: CustomerIx) -> String {
    id("001", customer.0 + 1)
}

/// The id of the price book with net prices, Salesforce's standard one.
pub(crate) fn price_book_id() -> String {
    id("01s", NET)
}

/// The id of the deal at that position.
pub(crate) fn deal_id(index: usize) -> String {
    id("006", index + 1)
}

pub(crate) fn stamp(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S.000+0000").to_string()
}

/// Object name and records, parents first.
pub(crate) fn records(
    book: &Blueprint,
    go_live: DateTime<Utc>,
    as_of: DateTime<Utc>,
) -> Vec<(&'static str, Vec<Value>)> {
    let began = go_live - Duration::days(540);
    let stamps = json!({ "CreatedDate": stamp(began), "LastModifiedDate": stamp(began), "SystemModstamp": stamp(began) });
    let mut lines = Vec::new();
    let mut history = Vec::new();
    let mut deals = Vec::new();
    for (index, deal) in book.deals.iter().enumerate() {
        let life = life(deal, index, as_of);
        lines.extend(deal_lines(deal, index, &life, lines.len()));
        // The row of the last change of stage is written when the deal is loaded, as Salesforce does.
        let moved = moved_at(deal, &life);
        for moment in life.iter().filter(|moment| moment.at != moved) {
            let row = moment_record(deal, index, moment, history.len());
            history.push(row);
        }
        deals.push(opportunity(deal, index, &life));
    }
    vec![
        ("Product2", products(book, &stamps)),
        ("Pricebook2", price_books(&stamps)),
        ("PricebookEntry", entries(book, &stamps)),
        ("Account", accounts(book, &stamps)),
        ("Contact", contacts(book, &stamps)),
        ("Opportunity", deals),
        ("OpportunityLineItem", lines),
        ("OpportunityHistory", history),
    ]
}

/// The fields of `record` over those of `base`.
fn over(base: &Value, record: Value) -> Value {
    let mut all = base.as_object().cloned().unwrap_or_default();
    if let Value::Object(fields) = record {
        all.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
    }
    Value::Object(all)
}

fn products(book: &Blueprint, stamps: &Value) -> Vec<Value> {
    let records = book.products.iter().enumerate().map(|(index, product)| {
        json!({ "Id": id("01t", index + 1), "Name": product.name, "ProductCode": product.code, "IsActive": true })
    });
    records.map(|record| over(stamps, record)).collect()
}

fn price_books(stamps: &Value) -> Vec<Value> {
    [(NET, "Standard Price Book"), (2, "Retail, prices include VAT")]
        .map(|(book, name)| over(stamps, json!({ "Id": id("01s", book), "Name": name, "IsActive": true, "IsStandard": book == NET })))
        .to_vec()
}

fn entry_number(book: usize, product: usize, currency: Currency) -> usize {
    let position = Currency::ALL
        .iter()
        .position(|one| *one == currency)
        .unwrap_or_default();
    book * 1_000 + product * 4 + position
}

fn entries(book: &Blueprint, stamps: &Value) -> Vec<Value> {
    let mut entries = Vec::new();
    for price_book in BOOKS {
        for (product, data) in book.products.iter().enumerate() {
            for currency in Currency::ALL {
                let net = currency.price(data.pounds);
                let price = if price_book == NET {
                    net
                } else {
                    net * Decimal::new(12, 1)
                };
                entries.push(over(
                    stamps,
                    json!({
                        "Id": id("01u", entry_number(price_book, product, currency)),
                        "Pricebook2Id": id("01s", price_book),
                        "Product2Id": id("01t", product + 1),
                        "UnitPrice": number(price.round_dp(4)),
                        "CurrencyIsoCode": currency.code(),
                        "IsActive": true,
                    }),
                ));
            }
        }
    }
    entries
}

fn accounts(book: &Blueprint, stamps: &Value) -> Vec<Value> {
    let mut accounts: Vec<Value> = Vec::new();
    for (index, customer) in book.customers.iter().enumerate() {
        accounts.push(over(stamps, account(CustomerIx(index), customer)));
    }
    // The account that went into another: its id stays behind, deleted.
    if let Some(winner) = book
        .customers
        .iter()
        .position(|customer| customer.who.name() == SALESFORCE_WINNER)
    {
        accounts.push(over(
            stamps,
            json!({
                "Id": account_id(CustomerIx(900_000)), "Name": "Unity Bearings (Bolton)", "IsDeleted": true,
                "MasterRecordId": account_id(CustomerIx(winner)), "CurrencyIsoCode": "GBP",
            }),
        ));
    }
    // Parents before their children.
    accounts.sort_by_key(|account| account.get("ParentId").is_some());
    accounts
}

fn account(index: CustomerIx, customer: &Customer) -> Value {
    let common = json!({
        "Id": account_id(index),
        "ParentId": customer.billed_parent.map(account_id),
        "Bill_Parent__c": customer.billed_parent.is_some(),
        "BillingStreet": format!("{} Mill Lane", 1 + index.0 % 180),
        "BillingCity": TOWNS.get(index.0 % TOWNS.len()),
        "BillingPostalCode": format!("FB{} {}QX", 1 + index.0 % 40, index.0 % 10),
        "BillingCountry": customer.country.1,
        "BillingCountryCode": customer.country.0,
        "Phone": format!("01632 96{:04}", index.0 % 10_000),
        "Tax_Number__c": customer.tax_number,
        "Payment_Terms_Days__c": customer.terms_days,
        "CurrencyIsoCode": "GBP",
    });
    match &customer.who {
        Who::Firm(name) => over(
            &common,
            json!({ "Name": name, "Type": "Customer - Direct" }),
        ),
        Who::Person { first, last } => over(
            &common,
            json!({
                "Name": customer.who.name(), "FirstName": first, "LastName": last, "IsPersonAccount": true,
                "PersonEmail": format!("person{}@example.com", index.0),
            }),
        ),
    }
}

/// One person per firm; every second firm has an accounts-payable mailbox, one person has left. The
/// contact behind a person account is Salesforce's own doing.
fn contacts(book: &Blueprint, stamps: &Value) -> Vec<Value> {
    let mut contacts = Vec::new();
    for (index, customer) in book.customers.iter().enumerate() {
        if !matches!(customer.who, Who::Firm(_)) {
            continue;
        }
        let account = account_id(CustomerIx(index));
        let contact = |number: usize, fields: Value| {
            let base =
                json!({ "Id": id("003", number), "AccountId": account, "CurrencyIsoCode": "GBP" });
            over(&over(stamps, base), fields)
        };
        let left = (index == 3).then_some("Left the firm last year; do not write to this address.");
        contacts.push(contact(
            2 * index + 1,
            json!({
                "FirstName": "Sam", "LastName": format!("Buyer {index}"), "Email": format!("buyer{index}@example.com"),
                "Department": "Purchasing", "Description": left,
            }),
        ));
        if index.is_multiple_of(2) {
            contacts.push(contact(
                2 * index + 2,
                json!({ "LastName": "Accounts", "Email": format!("ap{index}@example.com"), "Department": "Accounts Payable" }),
            ));
        }
    }
    contacts
}

/// A row of a deal's history: when, and the stage it was in from then on.
struct Moment {
    at: DateTime<Utc>,
    stage: &'static str,
}

/// A deal's stages with their instants, creation first.
fn life(deal: &Deal, index: usize, as_of: DateTime<Utc>) -> Vec<Moment> {
    let days = 20 + i64::try_from(index % 60).unwrap_or_default();
    let moment = |at, stage| Moment { at, stage };
    let until = |end: DateTime<Utc>| {
        let whole = Duration::days(days);
        vec![
            moment(end - whole, "Prospecting"),
            moment(end - whole / 2, "Proposal/Price Quote"),
            moment(end - whole / 5, "Negotiation/Review"),
        ]
    };
    match deal.course {
        Course::Open => until(as_of - Duration::hours(3)),
        Course::Lost => {
            let end = as_of - Duration::days(days / 4) - Duration::hours(1);
            [until(end), vec![moment(end, "Closed Lost")]]
                .into_iter()
                .flatten()
                .collect()
        }
        Course::Won(at) => [until(at), vec![moment(at, "Closed Won")]]
            .into_iter()
            .flatten()
            .collect(),
        Course::WonAgain(first, at) => {
            let reopened = first + (at - first) / 2;
            let rest = vec![
                moment(first, "Closed Won"),
                moment(reopened, "Negotiation/Review"),
                moment(at, "Closed Won"),
            ];
            [until(first), rest].into_iter().flatten().collect()
        }
        // The second row is an edit: its stage is what it was.
        Course::WonThenEdited(at, edited) => [
            until(at),
            vec![moment(at, "Closed Won"), moment(edited, "Closed Won")],
        ]
        .into_iter()
        .flatten()
        .collect(),
    }
}

/// When the stage changed last.
fn moved_at(deal: &Deal, life: &[Moment]) -> DateTime<Utc> {
    let last = life.last().map(|moment| moment.at).unwrap_or_default();
    deal.course.won_at().unwrap_or(last)
}

/// Some close dates lie on the wrong side of go-live: they decide nothing.
fn close_date(deal: &Deal, index: usize, life: &[Moment]) -> NaiveDate {
    let last = life
        .last()
        .map(|moment| moment.at)
        .unwrap_or_default()
        .date_naive();
    match deal.course {
        Course::Open => last + Duration::days(30),
        _ if index.is_multiple_of(7) => last - Duration::days(45),
        _ => last,
    }
}

fn probability(stage: &str) -> u32 {
    match stage {
        "Closed Won" => 100,
        "Closed Lost" => 0,
        "Negotiation/Review" => 90,
        "Proposal/Price Quote" => 75,
        _ => 10,
    }
}

fn opportunity(deal: &Deal, index: usize, life: &[Moment]) -> Value {
    let created = life.first().map(|moment| moment.at).unwrap_or_default();
    let edited = life.last().map(|moment| moment.at).unwrap_or_default();
    let stage = life.last().map_or("Prospecting", |moment| moment.stage);
    let moved = moved_at(deal, life);
    over(
        &Value::Null,
        json!({
            "Id": deal_id(index),
            "Name": deal.name,
            "AccountId": account_id(deal.customer),
            "StageName": stage,
            "CloseDate": close_date(deal, index, life).to_string(),
            "Amount": number(deal.amount),
            "Probability": probability(stage),
            "CurrencyIsoCode": deal.currency.code(),
            "Pricebook2Id": (!deal.lines.is_empty()).then(|| id("01s", NET)),
            "Type": if deal.renewal.is_some() { "Renewal" } else { "New Business" },
            "PO_Number__c": deal.purchase_order,
            "Billing_Plan__c": deal.billing_plan,
            "Bill_To_Account__c": deal.bill_to.map(account_id),
            "CreatedDate": stamp(created),
            "LastModifiedDate": stamp(edited),
            "SystemModstamp": stamp(edited),
            "LastStageChangeDate": stamp(moved),
        }),
    )
}

fn deal_lines(deal: &Deal, index: usize, life: &[Moment], start: usize) -> Vec<Value> {
    let at = life
        .get(1)
        .or(life.first())
        .map(|moment| moment.at)
        .unwrap_or_default();
    let lines = deal.lines.iter().enumerate().map(|(position, line)| {
        over(
            &Value::Null,
            json!({
                "Id": id("00k", start + position + 1),
                "OpportunityId": deal_id(index),
                "PricebookEntryId": id("01u", entry_number(NET, line.product, deal.currency)),
                "Quantity": number(line.quantity),
                "UnitPrice": number(line.unit_price),
                "TotalPrice": number(line.total()),
                "Tax_Treatment__c": line.treatment,
                "SortOrder": position + 1,
                "CurrencyIsoCode": deal.currency.code(),
                "CreatedDate": stamp(at),
                "LastModifiedDate": stamp(at),
                "SystemModstamp": stamp(at),
            }),
        )
    });
    lines.collect()
}

fn moment_record(deal: &Deal, index: usize, moment: &Moment, number_of_row: usize) -> Value {
    over(
        &Value::Null,
        json!({
            "Id": id("008", number_of_row + 1),
            "OpportunityId": deal_id(index),
            "StageName": moment.stage,
            "Amount": number(deal.amount),
            "Probability": probability(moment.stage),
            "CloseDate": moment.at.date_naive().to_string(),
            "CurrencyIsoCode": deal.currency.code(),
            "CreatedDate": stamp(moment.at),
            "SystemModstamp": stamp(moment.at),
        }),
    )
}

const TOWNS: [&str; 8] = [
    "Leeds", "York", "Whitby", "Hexham", "Kendal", "Skipton", "Malton", "Ripon",
];
