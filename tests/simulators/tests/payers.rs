//! The customers pay: the same in one go and in small steps, and the books stay right to the cent.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Duration, Utc};
use footbridge_simulators::clock::SimClock;
use footbridge_simulators::company::{
    CompanyOptions, Receipts, WRITE_OFF_ACCOUNT, build, customers_pay,
};
use footbridge_simulators::xero::{XeroOptions, XeroSimulator};
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn start() -> DateTime<Utc> {
    "2026-06-01T10:00:00Z".parse().unwrap()
}

/// 40 customers with 12 invoices each, in three currencies, over three months.
fn firm() -> XeroSimulator {
    let xero = XeroSimulator::new(XeroOptions::default(), SimClock::at(start()));
    for customer in 0..40 {
        let contact = format!("00000000-0000-4000-8000-{customer:012}");
        xero.load(
            "Contacts",
            json!({"ContactID": contact, "Name": format!("Customer {customer}")}),
        )
        .unwrap();
        for index in 0..12 {
            let number = customer * 12 + index;
            let currency = ["GBP", "GBP", "GBP", "EUR", "JPY"][customer % 5];
            let date = start() + Duration::days(i64::try_from(index * 7).unwrap());
            xero.load("Invoices", json!({
                "InvoiceID": format!("00000000-0000-4000-9000-{number:012}"), "InvoiceNumber": format!("T-{number:04}"), "Type": "ACCREC",
                "Status": "AUTHORISED", "CurrencyCode": currency, "Contact": {"ContactID": contact},
                "Date": date.date_naive().to_string(), "DueDate": (date + Duration::days(14)).date_naive().to_string(),
                "LineItems": [{"Description": "Work", "Quantity": 1, "UnitAmount": 1_000 + number, "AccountCode": "200", "TaxType": "ZERORATEDOUTPUT"}],
            }))
            .unwrap();
        }
    }
    xero
}

fn add(sum: &mut Receipts, more: &Receipts) {
    sum.payments += more.payments;
    sum.bounced += more.bounced;
    sum.credit_notes += more.credit_notes;
    sum.overpayments += more.overpayments;
    sum.prepayments += more.prepayments;
    sum.refunds += more.refunds;
    sum.written_off += more.written_off;
}

const ALL: [&str; 6] = [
    "Invoices",
    "Payments",
    "CreditNotes",
    "Overpayments",
    "Prepayments",
    "BatchPayments",
];

/// Everything but stamps and line ids, which are those of the day on which it was booked.
fn books(xero: &XeroSimulator) -> BTreeMap<&'static str, Vec<Value>> {
    fn plain(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members
                    .retain(|name, _| !name.starts_with("UpdatedDateUTC") && name != "LineItemID");
                members.values_mut().for_each(plain);
            }
            Value::Array(list) => list.iter_mut().for_each(plain),
            _ => {}
        }
    }
    ALL.map(|collection| {
        let mut records = xero.dump(collection);
        records.iter_mut().for_each(plain);
        (collection, records)
    })
    .into()
}

fn amount(record: &Value, name: &str) -> Decimal {
    record[name].to_string().parse().unwrap()
}

#[test]
fn small_steps_come_to_the_same_as_one_large_one() {
    let (at_once, stepwise) = (firm(), firm());
    let end = start() + Duration::days(200);
    let booked = customers_pay(&at_once, 5, end).unwrap();
    let mut sum = Receipts::default();
    for day in (0..=200).step_by(8) {
        add(
            &mut sum,
            &customers_pay(&stepwise, 5, start() + Duration::days(day)).unwrap(),
        );
    }
    assert_eq!(books(&at_once), books(&stepwise));
    assert_eq!(
        Receipts {
            batches: 0,
            ..booked.clone()
        },
        sum
    );
    assert_eq!(
        customers_pay(&at_once, 5, end).unwrap(),
        Receipts::default(),
        "nothing is booked twice"
    );
    for (what, count) in [
        ("batches", booked.batches),
        ("bounced", booked.bounced),
        ("credit notes", booked.credit_notes),
        ("overpayments", booked.overpayments),
        ("prepayments", booked.prepayments),
        ("refunds", booked.refunds),
        ("written off", booked.written_off),
    ] {
        assert!(count > 0, "{what}: {booked:?}");
    }
    let other = firm();
    customers_pay(&other, 6, end).unwrap();
    assert_ne!(books(&at_once), books(&other), "another seed, other habits");
}

#[test]
fn the_books_stay_right_to_the_cent() {
    let xero = firm();
    for days in [30, 60, 120, 300] {
        customers_pay(&xero, 9, start() + Duration::days(days)).unwrap();
        let mut control: BTreeMap<String, Decimal> = BTreeMap::new();
        let mut open: BTreeMap<String, Decimal> = BTreeMap::new();
        let book = |side: &mut BTreeMap<String, Decimal>, of: &Value, amount: Decimal| {
            let currency = of["CurrencyCode"].as_str().unwrap().to_owned();
            *side.entry(currency).or_default() += amount;
        };
        for invoice in xero.dump("Invoices") {
            let parts =
                ["AmountDue", "AmountPaid", "AmountCredited"].map(|part| amount(&invoice, part));
            assert_eq!(
                parts.iter().sum::<Decimal>(),
                amount(&invoice, "Total"),
                "{invoice}"
            );
            assert_eq!(invoice["Status"] == "PAID", parts[0].is_zero(), "{invoice}");
            assert!(parts[0] >= Decimal::ZERO, "{invoice}");
            book(&mut control, &invoice, amount(&invoice, "Total"));
            book(&mut open, &invoice, parts[0]);
        }
        for collection in ["CreditNotes", "Overpayments", "Prepayments"] {
            for credit in xero.dump(collection) {
                book(&mut control, &credit, -amount(&credit, "Total"));
                book(&mut open, &credit, -amount(&credit, "RemainingCredit"));
            }
        }
        for payment in xero.dump("Payments") {
            if payment["Status"] == "AUTHORISED" {
                let refund = payment["PaymentType"] != "ACCRECPAYMENT";
                let paid = amount(&payment, "Amount");
                book(
                    &mut control,
                    &payment["Invoice"],
                    if refund { paid } else { -paid },
                );
            }
        }
        assert_eq!(control, open, "after {days} days");
    }
}

#[test]
fn every_kind_of_money_can_be_told_apart_by_its_reader() {
    let xero = firm();
    customers_pay(&xero, 9, start() + Duration::days(300)).unwrap();
    let payments = xero.dump("Payments");
    let kinds: BTreeSet<&str> = payments
        .iter()
        .map(|payment| payment["PaymentType"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        BTreeSet::from(["ACCRECPAYMENT", "ARCREDITPAYMENT", "AROVERPAYMENTPAYMENT"])
    );
    assert!(
        payments
            .iter()
            .any(|payment| payment["Status"] == "DELETED")
    );
    let given_up = payments
        .iter()
        .filter(|payment| payment["Account"]["Code"] == WRITE_OFF_ACCOUNT);
    assert!(given_up.count() > 0);
    let notes = xero.dump("CreditNotes");
    let bad_debts = notes
        .iter()
        .filter(|note| note["LineItems"][0]["AccountCode"] == WRITE_OFF_ACCOUNT);
    assert!(bad_debts.count() > 0);
    assert!(
        notes
            .iter()
            .any(|note| note["Status"] == "AUTHORISED" && note["Allocations"] == json!([]))
    );
    let foreign = payments
        .iter()
        .filter(|payment| payment["Invoice"]["CurrencyCode"] == "EUR");
    let rates: BTreeSet<String> = foreign
        .map(|payment| payment["CurrencyRate"].to_string())
        .collect();
    assert!(rates.len() > 10, "each day has its rate: {rates:?}");
}

#[test]
fn the_believable_companys_own_customers_pay_too() {
    let as_of = "2026-11-22T20:15:30Z".parse().unwrap();
    let company = build(CompanyOptions {
        deals: 420,
        seed: 3,
        as_of,
    });
    let xero = XeroSimulator::new(company.xero_options(), SimClock::at(as_of));
    for (collection, records) in &company.xero {
        for record in records {
            xero.load(collection, record.clone()).unwrap();
        }
    }
    let booked = customers_pay(&xero, 3, as_of).unwrap();
    assert!(booked.payments > 20, "{booked:?}");
    assert!(
        xero.dump_of(1, "Payments").is_empty(),
        "the subsidiary is left alone"
    );
    let counts = xero.counts();
    assert_eq!(counts.reads + counts.writes, 0);
}
