//! One organisation's books: its settings and the records of every kind, and what a write needs to know.
//!
//! Nothing here speaks HTTP. The rules of each kind are in the module of that name.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::accounts::{Account, TaxRate};
use super::bank_transactions::BankTransaction;
use super::batch_payments::Batch;
use super::contacts::Contact;
use super::credits::Credit;
use super::dates;
use super::defect::Defect;
use super::guid::Guid;
use super::invoices::Invoice;
use super::items::Item;
use super::money::UnitPlaces;
use super::options::{OrganisationSetup, Switches, XeroOptions};
use super::payments::Payment;
use super::shelf::Shelf;
use crate::defects::Defects;

/// An organisation and all it holds.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) id: Guid,
    pub(crate) setup: OrganisationSetup,
    pub(crate) created: DateTime<Utc>,
    pub(crate) short_code: String,
    pub(crate) switches: Switches,
    defects: Defects<Defect>,
    pub(crate) next_invoice: u64,
    pub(crate) next_credit_note: u64,
    pub(crate) accounts: Shelf<Account>,
    pub(crate) tax_rates: Vec<TaxRate>,
    pub(crate) contacts: Shelf<Contact>,
    pub(crate) items: Shelf<Item>,
    pub(crate) invoices: Shelf<Invoice>,
    /// Credit notes, overpayments and prepayments.
    pub(crate) credits: Shelf<Credit>,
    pub(crate) payments: Shelf<Payment>,
    pub(crate) batches: Shelf<Batch>,
    pub(crate) bank: Shelf<BankTransaction>,
    random: StdRng,
    saved: (u64, u64, Vec<TaxRate>, Vec<String>),
}

/// PUT creates, POST creates or updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Upsert,
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A call of the API.
    Api,
    /// The raw loader: explicit ids, stamps and end states are taken, locks do not hold.
    Loader,
}

/// The circumstances of a write.
#[derive(Clone, Debug)]
pub(crate) struct Writing {
    pub(crate) now: DateTime<Utc>,
    pub(crate) verb: Verb,
    pub(crate) origin: Origin,
    pub(crate) units: UnitPlaces,
    /// The client that writes, for `createdByMyApp`.
    pub(crate) app: String,
    /// The id in the path of `POST /Invoices/{id}`.
    pub(crate) target: Option<Guid>,
}

impl Book {
    pub(crate) fn new(
        setup: OrganisationSetup,
        options: &XeroOptions,
        seed: u64,
        now: DateTime<Utc>,
    ) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let id = Guid::from_random(random.random());
        let short_code: String = (0..5)
            .map(|_| char::from(random.random_range(b'a'..=b'z')))
            .collect();
        let mut book = Self {
            id,
            created: now,
            short_code: format!("!{short_code}"),
            switches: options.switches,
            defects: options.defects,
            next_invoice: setup.next_invoice,
            next_credit_note: 1,
            accounts: Shelf::default(),
            tax_rates: TaxRate::of_country(setup.country),
            contacts: Shelf::default(),
            items: Shelf::default(),
            invoices: Shelf::default(),
            credits: Shelf::default(),
            payments: Shelf::default(),
            batches: Shelf::default(),
            bank: Shelf::default(),
            saved: (setup.next_invoice, 1, Vec::new(), Vec::new()),
            setup,
            random,
        };
        super::accounts::open_chart(&mut book, now);
        book.commit();
        book
    }

    /// Whether this defect is seeded.
    pub(crate) fn has(&self, defect: Defect) -> bool {
        self.defects.has(defect)
    }

    pub(crate) fn new_id(&mut self) -> Guid {
        Guid::from_random(self.random.random())
    }

    /// The organisation's date.
    pub(crate) fn today(&self, now: DateTime<Utc>) -> NaiveDate {
        if self.has(Defect::TodayInUtc) {
            return now.date_naive();
        }
        dates::zone(self.setup.country.timezone())
            .map_or(now.date_naive(), |zone| dates::local_date(zone, now))
    }

    /// Writes up to this instant are in lists.
    pub(crate) fn visible(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        if self.has(Defect::ListsNeverLag) {
            return now;
        }
        now - TimeDelta::milliseconds(i64::from(self.switches.list_lag_ms))
    }

    pub(crate) fn base_currency(&self) -> &'static str {
        self.setup.country.currency()
    }

    pub(crate) fn is_subscribed(&self, currency: &str) -> bool {
        currency == self.base_currency()
            || self.setup.currencies.iter().any(|code| code == currency)
    }

    /// Keeps what was written since the last commit.
    pub(crate) fn commit(&mut self) {
        self.accounts.commit();
        self.contacts.commit();
        self.items.commit();
        self.invoices.commit();
        self.credits.commit();
        self.payments.commit();
        self.batches.commit();
        self.bank.commit();
        self.saved = (
            self.next_invoice,
            self.next_credit_note,
            self.tax_rates.clone(),
            self.setup.currencies.clone(),
        );
    }

    /// Takes back what was written since the last commit.
    pub(crate) fn roll_back(&mut self) {
        self.accounts.roll_back();
        self.contacts.roll_back();
        self.items.roll_back();
        self.invoices.roll_back();
        self.credits.roll_back();
        self.payments.roll_back();
        self.batches.roll_back();
        self.bank.roll_back();
        let (invoice, credit_note, rates, currencies) = self.saved.clone();
        if !self.has(Defect::RefusedNumbersLost) {
            self.next_invoice = invoice;
        }
        self.next_credit_note = credit_note;
        self.tax_rates = rates;
        self.setup.currencies = currencies;
    }
}

/// Writes a record to the shelf named, with the book's list lag.
macro_rules! put {
    ($book:expr, $shelf:ident, $record:expr, $now:expr) => {{
        let visible = $book.visible($now);
        $book.$shelf.put($record, $now, visible);
    }};
}
pub(crate) use put;
