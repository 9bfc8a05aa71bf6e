//! Books what the customers do, day by day, into the firm's Xero: payments, batches, refunds, credit
//! notes, overpayments, prepayments, write-offs.
//!
//! Everything booked has an id that follows from seed and invoice, so that calling again, or in smaller
//! steps, books nothing twice. Nothing here is a call of an API. Records are stamped with the clock's
//! now, as when a bookkeeper enters them today; their dates are those of the story.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use rust_decimal::RoundingStrategy::MidpointAwayFromZero;
use serde_json::{Value, json};

use super::money::number;
use super::payers::{self, Act};
use super::seed::SeedError;
use crate::xero::XeroSimulator;

/// Where what is given up is booked: an expense account that takes payments.
pub const WRITE_OFF_ACCOUNT: &str = "409";
/// The firm's bank account.
const BANK: &str = "090";

/// What was booked by one call.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Receipts {
    /// Payments on invoices, those of batches and those taken back later included.
    pub payments: usize,
    /// Batches of two or more.
    pub batches: usize,
    /// Payments taken back.
    pub bounced: usize,
    /// Credit notes.
    pub credit_notes: usize,
    /// Overpayments.
    pub overpayments: usize,
    /// Prepayments.
    pub prepayments: usize,
    /// Refunds of any of those.
    pub refunds: usize,
    /// Invoices given up.
    pub written_off: usize,
}

/// An invoice that somebody may pay.
#[derive(Clone, Debug)]
struct Invoice {
    id: String,
    number: String,
    contact: String,
    currency: String,
    rate: Decimal,
    date: NaiveDate,
    total: Decimal,
    due: Decimal,
}

/// One step of one invoice.
struct Event {
    on: NaiveDate,
    number: String,
    position: usize,
    invoice: String,
    act: Act,
}

/// The customers of the firm's organisation do all that they do up to the firm's day of `until`. Does the
/// same for the same seed whether called once or in steps. Lists of the API show it after their usual lag.
///
/// # Errors
/// The simulator refused a record, which is a mistake here.
pub fn customers_pay(
    xero: &XeroSimulator,
    seed: u64,
    until: DateTime<Utc>,
) -> Result<Receipts, SeedError> {
    let last = until.with_timezone(&Tz::Europe__London).date_naive();
    let mut ledger = Ledger::read(xero, seed);
    let mut events = Vec::new();
    for record in xero.dump("Invoices") {
        if let Some(invoice) = payable(&record) {
            let due = day(&record, "DueDateString").unwrap_or(invoice.date);
            let steps = payers::steps(seed, &invoice.contact, &invoice.number, invoice.date, due);
            for (position, step) in steps.iter().enumerate() {
                if step.on <= last {
                    events.push(Event {
                        on: step.on,
                        number: invoice.number.clone(),
                        position,
                        invoice: invoice.id.clone(),
                        act: step.act,
                    });
                }
            }
            ledger.invoices.insert(invoice.id.clone(), invoice);
        }
    }
    events.sort_by(|a, b| (a.on, &a.number, a.position).cmp(&(b.on, &b.number, b.position)));
    let mut rest = events.as_slice();
    while let Some(first) = rest.first() {
        let today = rest.iter().take_while(|event| event.on == first.on).count();
        let (now, later) = rest.split_at(today);
        ledger.one_day(now)?;
        rest = later;
    }
    Ok(ledger.booked)
}

/// A receivable invoice that stands, or stood until it was paid.
fn payable(record: &Value) -> Option<Invoice> {
    let text = |name: &str| record.get(name).and_then(Value::as_str).map(str::to_owned);
    let amount = |name: &str| {
        record
            .get(name)
            .and_then(|value| value.to_string().parse().ok())
    };
    let stands = matches!(text("Status")?.as_str(), "AUTHORISED" | "PAID");
    if !stands || text("Type")? != "ACCREC" {
        return None;
    }
    Some(Invoice {
        id: text("InvoiceID")?,
        number: text("InvoiceNumber")?,
        contact: record
            .pointer("/Contact/ContactID")
            .and_then(Value::as_str)?
            .to_owned(),
        currency: text("CurrencyCode")?,
        rate: amount("CurrencyRate")?,
        date: day(record, "DateString")?,
        total: amount("Total")?,
        due: amount("AmountDue")?,
    })
}

fn day(record: &Value, name: &str) -> Option<NaiveDate> {
    record.get(name)?.as_str()?.get(..10)?.parse().ok()
}

struct Ledger<'a> {
    xero: &'a XeroSimulator,
    seed: u64,
    invoices: BTreeMap<String, Invoice>,
    /// Ids of all that was booked before, and of payments taken back with a `-` in front.
    known: BTreeSet<String>,
    booked: Receipts,
}

impl<'a> Ledger<'a> {
    fn read(xero: &'a XeroSimulator, seed: u64) -> Self {
        let mut known = BTreeSet::new();
        for (collection, id) in [
            ("Payments", "PaymentID"),
            ("CreditNotes", "CreditNoteID"),
            ("Overpayments", "OverpaymentID"),
            ("Prepayments", "PrepaymentID"),
            ("BatchPayments", "BatchPaymentID"),
        ] {
            for record in xero.dump(collection) {
                let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
                if let Some(id) = text(record.get(id)) {
                    if text(record.get("Status")).as_deref() == Some("DELETED") {
                        known.insert(format!("-{id}"));
                    }
                    known.insert(id);
                }
                let allocations = record.get("Allocations").and_then(Value::as_array);
                known.extend(
                    allocations
                        .into_iter()
                        .flatten()
                        .filter_map(|allocation| text(allocation.get("AllocationID"))),
                );
            }
        }
        Self {
            xero,
            seed,
            invoices: BTreeMap::new(),
            known,
            booked: Receipts::default(),
        }
    }

    fn id(&self, what: &str, invoice: &str, position: usize) -> String {
        payers::guid(self.seed, &format!("{what} {invoice} {position}"))
    }

    /// Books the events of one day: payments of one batch payer together, all others one by one.
    fn one_day(&mut self, events: &[Event]) -> Result<(), SeedError> {
        let mut batches: BTreeMap<(String, String), Vec<&Event>> = BTreeMap::new();
        for event in events {
            let Some(invoice) = self.invoices.get(&event.invoice) else {
                continue;
            };
            let together = event.act == Act::Pay(None)
                && event.position == 0
                && payers::pays_in_batches(self.seed, &invoice.contact)
                && payers::story(self.seed, &invoice.number) == payers::Story::Paid;
            if together {
                let key = (invoice.contact.clone(), invoice.currency.clone());
                batches.entry(key).or_default().push(event);
            } else {
                self.one(event)?;
            }
        }
        for together in batches.into_values() {
            if together.len() > 1 {
                self.batch(&together)?;
            } else {
                together.into_iter().try_for_each(|event| self.one(event))?;
            }
        }
        Ok(())
    }

    fn one(&mut self, event: &Event) -> Result<(), SeedError> {
        let Some(invoice) = self.invoices.get(&event.invoice).cloned() else {
            return Ok(());
        };
        let share = |percent: u32| share(invoice.total, percent).min(invoice.due);
        match event.act {
            Act::Pay(percent) => {
                let amount = percent.map_or(invoice.due, share);
                self.pay(event, &invoice, amount)
            }
            Act::Bounce => self.bounce(event, &invoice),
            Act::Overpay(percent) => self.overpay(event, &invoice, percent),
            Act::SettleOver => self.settle_over(event, &invoice),
            Act::Credit(percent) => {
                let reference = "Returned goods";
                self.credit(event, &invoice, share(percent), reference, Use::Allocated)
            }
            Act::CreditLoose(percent) => {
                let amount = super::receipts::share(invoice.total, percent);
                self.credit(event, &invoice, amount, "Goodwill", Use::Loose)
            }
            Act::CreditAndRefund => {
                let total = invoice.total;
                self.credit(event, &invoice, total, "Cancelled", Use::Refunded)
            }
            Act::WriteOff => self.write_off(event, &invoice),
            Act::Prepay(percent) => self.prepay(event, &invoice, share(percent)),
        }
    }

    fn load(&mut self, collection: &'static str, id: &str, record: Value) -> Result<(), SeedError> {
        self.xero
            .load(collection, record)
            .map_err(|source| SeedError::Xero {
                collection,
                id: id.to_owned(),
                source,
            })?;
        self.known.insert(id.to_owned());
        Ok(())
    }

    /// What a payment on an invoice looks like.
    fn payment(&self, id: &str, event: &Event, invoice: &Invoice, amount: Decimal) -> Value {
        json!({
            "PaymentID": id, "Invoice": {"InvoiceID": invoice.id}, "Account": {"Code": BANK}, "Date": event.on.to_string(),
            "Amount": number(amount), "CurrencyRate": number(self.rate(invoice, id)), "Reference": invoice.number,
            "IsReconciled": !payers::chance(self.seed, &format!("reconciled {id}")).is_multiple_of(4),
        })
    }

    /// The day's rate: up to 2 % beside the invoice's.
    fn rate(&self, invoice: &Invoice, id: &str) -> Decimal {
        let moved = payers::chance(self.seed, &format!("rate {id}")) % 401;
        let factor = Decimal::new(9_800 + i64::try_from(moved).unwrap_or_default(), 4);
        if invoice.rate == Decimal::ONE {
            return invoice.rate;
        }
        invoice
            .rate
            .saturating_mul(factor)
            .round_dp_with_strategy(6, MidpointAwayFromZero)
    }

    fn settled(&mut self, invoice: &Invoice, amount: Decimal) {
        if let Some(known) = self.invoices.get_mut(&invoice.id) {
            known.due = known.due.saturating_sub(amount);
        }
    }

    fn pay(&mut self, event: &Event, invoice: &Invoice, amount: Decimal) -> Result<(), SeedError> {
        let id = self.id("payment", &invoice.number, event.position);
        if self.known.contains(&id) || amount <= Decimal::ZERO {
            return Ok(());
        }
        let payment = self.payment(&id, event, invoice, amount);
        self.load("Payments", &id, payment)?;
        self.settled(invoice, amount);
        self.booked.payments += 1;
        Ok(())
    }

    fn batch(&mut self, events: &[&Event]) -> Result<(), SeedError> {
        let mut payments = Vec::new();
        let mut paid = Vec::new();
        for event in events {
            let Some(invoice) = self.invoices.get(&event.invoice) else {
                continue;
            };
            let id = self.id("payment", &invoice.number, event.position);
            if !self.known.contains(&id) && invoice.due > Decimal::ZERO {
                payments.push(self.payment(&id, event, invoice, invoice.due));
                paid.push((id, invoice.clone()));
            }
        }
        let Some((first, _)) = paid.first() else {
            return Ok(());
        };
        let id = payers::guid(self.seed, &format!("batch {first}"));
        let on = events.first().map(|event| event.on.to_string());
        let count = payments.len();
        let batch = json!({
            "BatchPaymentID": id, "Account": {"Code": BANK}, "Date": on, "Reference": "Supplier run", "IsReconciled": true, "Payments": payments,
        });
        self.load("BatchPayments", &id, batch)?;
        for (id, invoice) in paid {
            self.settled(&invoice, invoice.due);
            self.known.insert(id);
        }
        self.booked.batches += usize::from(count > 1);
        self.booked.payments += count;
        Ok(())
    }

    fn bounce(&mut self, event: &Event, invoice: &Invoice) -> Result<(), SeedError> {
        let Some(before) = event.position.checked_sub(1) else {
            return Ok(());
        };
        let id = self.id("payment", &invoice.number, before);
        let gone = format!("-{id}");
        if !self.known.contains(&id) || self.known.contains(&gone) {
            return Ok(());
        }
        self.load(
            "Payments",
            &id,
            json!({"PaymentID": id, "Status": "DELETED"}),
        )?;
        self.known.insert(gone);
        if let Some(known) = self.invoices.get_mut(&invoice.id) {
            known.due = known.total;
        }
        self.booked.bounced += 1;
        Ok(())
    }

    fn receipt(
        &self,
        kind: &str,
        id: (&str, &str),
        event: &Event,
        invoice: &Invoice,
        amount: Decimal,
    ) -> Value {
        let (member, id) = id;
        json!({
            "BankTransactionID": payers::guid(self.seed, &format!("bank {id}")), member: id, "Type": kind,
            "Contact": {"ContactID": invoice.contact}, "BankAccount": {"Code": BANK}, "Date": event.on.to_string(),
            "CurrencyCode": invoice.currency, "CurrencyRate": number(invoice.rate), "Reference": invoice.number,
            "LineAmountTypes": "NoTax", "IsReconciled": true,
            "LineItems": [{"Description": "Received on account", "Quantity": 1, "UnitAmount": number(amount), "AccountCode": "200"}],
        })
    }

    fn overpay(&mut self, event: &Event, invoice: &Invoice, percent: u32) -> Result<(), SeedError> {
        let id = self.id("over", &invoice.number, 0);
        let amount = share(invoice.total, percent);
        if self.known.contains(&id) || amount <= Decimal::ZERO {
            return Ok(());
        }
        let receipt = self.receipt(
            "RECEIVE-OVERPAYMENT",
            ("OverpaymentID", &id),
            event,
            invoice,
            amount,
        );
        self.load("BankTransactions", &id, receipt)?;
        self.booked.overpayments += 1;
        Ok(())
    }

    /// A third stays; the rest goes to another open invoice of the customer, or back where there is none.
    fn settle_over(&mut self, event: &Event, invoice: &Invoice) -> Result<(), SeedError> {
        let over = self.id("over", &invoice.number, 0);
        let amount = share(invoice.total, 10);
        let choice = payers::chance(self.seed, &format!("settle {over}")) % 3;
        let id = self.id("settle over", &invoice.number, 0);
        if choice == 0 || !self.known.contains(&over) || self.known.contains(&id) {
            return Ok(());
        }
        let other = self
            .invoices
            .values()
            .filter(|other| {
                other.contact == invoice.contact
                    && other.currency == invoice.currency
                    && other.date <= event.on
                    && other.due > Decimal::ZERO
            })
            .min_by(|a, b| a.number.cmp(&b.number))
            .cloned();
        if let Some(other) = other.filter(|_| choice == 1) {
            let amount = amount.min(other.due);
            return self.allocate(&over, &id, event, &other, amount);
        }
        let refund = json!({
            "PaymentID": id, "Overpayment": {"OverpaymentID": over}, "Account": {"Code": BANK}, "Date": event.on.to_string(),
            "Amount": number(amount), "CurrencyRate": number(invoice.rate), "Reference": "Paid too much",
        });
        self.booked.refunds += 1;
        self.load("Payments", &id, refund)
    }

    fn allocate(
        &mut self,
        credit: &str,
        id: &str,
        event: &Event,
        invoice: &Invoice,
        amount: Decimal,
    ) -> Result<(), SeedError> {
        let allocation = json!({
            "AllocationID": id, "Invoice": {"InvoiceID": invoice.id}, "Amount": number(amount), "Date": event.on.to_string(),
        });
        self.xero
            .allocate(credit, allocation)
            .map_err(|source| SeedError::Xero {
                collection: "Allocations",
                id: id.to_owned(),
                source,
            })?;
        self.known.insert(id.to_owned());
        self.settled(invoice, amount);
        Ok(())
    }

    fn credit(
        &mut self,
        event: &Event,
        invoice: &Invoice,
        amount: Decimal,
        reference: &str,
        to: Use,
    ) -> Result<(), SeedError> {
        let id = self.id("credit", &invoice.number, event.position);
        if self.known.contains(&id) || amount <= Decimal::ZERO {
            return Ok(());
        }
        let (types, tax, account) = if to == Use::GivenUp {
            ("NoTax", "NONE", WRITE_OFF_ACCOUNT)
        } else if invoice.currency == "GBP" {
            ("Inclusive", "OUTPUT2", "200")
        } else {
            ("NoTax", "NONE", "200")
        };
        let mut note = json!({
            "CreditNoteID": id, "Type": "ACCRECCREDIT", "Status": "AUTHORISED", "Contact": {"ContactID": invoice.contact},
            "Date": event.on.to_string(), "CurrencyCode": invoice.currency, "CurrencyRate": number(invoice.rate),
            "Reference": format!("{reference}: {}", invoice.number), "LineAmountTypes": types,
            "LineItems": [{"Description": reference, "Quantity": 1, "UnitAmount": number(amount), "AccountCode": account, "TaxType": tax}],
        });
        if let (Use::Allocated | Use::GivenUp, Some(members)) = (to, note.as_object_mut()) {
            members.insert("Allocations".to_owned(), json!([{
                "AllocationID": self.id("allocation", &invoice.number, event.position), "Invoice": {"InvoiceID": invoice.id},
                "Amount": number(amount), "Date": event.on.to_string(),
            }]));
        }
        self.load("CreditNotes", &id, note)?;
        self.booked.credit_notes += 1;
        match to {
            Use::Allocated | Use::GivenUp => self.settled(invoice, amount),
            Use::Loose => {}
            Use::Refunded => {
                let refund = self.id("refund", &invoice.number, event.position);
                let payment = json!({
                    "PaymentID": refund, "CreditNote": {"CreditNoteID": id}, "Account": {"Code": BANK}, "Date": event.on.to_string(),
                    "Amount": number(amount), "CurrencyRate": number(invoice.rate), "Reference": "Money back",
                });
                self.load("Payments", &refund, payment)?;
                self.booked.refunds += 1;
            }
        }
        Ok(())
    }

    /// Half of what is given up is a payment to the account for it, half a credit note on it.
    fn write_off(&mut self, event: &Event, invoice: &Invoice) -> Result<(), SeedError> {
        let id = self.id("payment", &invoice.number, event.position);
        let note = self.id("credit", &invoice.number, event.position);
        let done = self.known.contains(&id) || self.known.contains(&note);
        if done || invoice.due <= Decimal::ZERO {
            return Ok(());
        }
        self.load(
            "Accounts",
            WRITE_OFF_ACCOUNT,
            json!({"Code": WRITE_OFF_ACCOUNT, "Name": "Bad debts", "Type": "EXPENSE", "EnablePaymentsToAccount": true, "TaxType": "NONE"}),
        )?;
        self.booked.written_off += 1;
        if payers::chance(self.seed, &format!("how {id}")).is_multiple_of(2) {
            return self.credit(event, invoice, invoice.due, "Bad debt", Use::GivenUp);
        }
        let mut payment = self.payment(&id, event, invoice, invoice.due);
        if let Some(members) = payment.as_object_mut() {
            members.insert("Account".to_owned(), json!({"Code": WRITE_OFF_ACCOUNT}));
            members.insert("IsReconciled".to_owned(), json!(false));
        }
        self.load("Payments", &id, payment)?;
        self.settled(invoice, invoice.due);
        Ok(())
    }

    fn prepay(
        &mut self,
        event: &Event,
        invoice: &Invoice,
        amount: Decimal,
    ) -> Result<(), SeedError> {
        let id = self.id("advance", &invoice.number, 0);
        if self.known.contains(&id) || amount <= Decimal::ZERO {
            return Ok(());
        }
        let receipt = self.receipt(
            "RECEIVE-PREPAYMENT",
            ("PrepaymentID", &id),
            event,
            invoice,
            amount,
        );
        self.load("BankTransactions", &id, receipt)?;
        self.booked.prepayments += 1;
        let allocation = self.id("allocation", &invoice.number, event.position);
        self.allocate(&id, &allocation, event, invoice, amount)
    }
}

/// What becomes of a credit note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Allocated,
    Loose,
    Refunded,
    GivenUp,
}

/// That many percent of an amount, to the cent; whole units where the total has none.
fn share(total: Decimal, percent: u32) -> Decimal {
    let places = if total.fract().is_zero() { 0 } else { 2 };
    total
        .saturating_mul(Decimal::new(i64::from(percent), 2))
        .round_dp_with_strategy(places, MidpointAwayFromZero)
}
