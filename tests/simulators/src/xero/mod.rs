//! The Xero simulator: a stateful, strict stand-in for the accounting API and its token endpoint.
//!
//! Built from published behaviour only (ASSUMPTIONS.md names the source of each rule). A call goes
//! `http` (arrival, access, limits, keys) -> `endpoints` -> the module of its kind -> `answer`.

mod access;
mod accounts;
mod allocations;
mod answer;
mod bank_transactions;
mod batch_payments;
mod book;
mod call;
mod chart;
mod consent;
mod contacts;
mod control;
mod credit_notes;
mod credits;
mod dates;
mod defect;
mod element;
mod endpoint_reads;
mod endpoint_writes;
mod endpoints;
mod guid;
mod http;
mod identity;
mod invoice_view;
mod invoices;
mod items;
mod keys;
mod limits;
mod lines;
mod lists;
mod money;
mod options;
mod organisation;
mod payments;
mod shelf;
mod where_eval;
mod where_parse;

pub use chart::Country;
pub use defect::Defect;
pub use guid::{Guid, NotAGuid};
pub use http::Counts;
pub use options::{
    AddressWrite, App, BYSTANDER_CLIENT_ID, BYSTANDER_CLIENT_SECRET, CodeReplay, CommitOrder,
    ConcurrentHeaders, Credential, CreditStamp, DEMO_CLIENT_ID, DEMO_CLIENT_SECRET,
    DeletedPayments, KeyInFlight, Limits, MinuteWindow, OrganisationClass, OrganisationSetup,
    PKCE_CLIENT_ID, PaymentStamp, RefreshRetry, RefundDocument, RevokedAccess, Switches,
    UnknownSwitch, WEB_CLIENT_ID, WEB_CLIENT_SECRET, XeroOptions,
};

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use chrono::{DateTime, Utc};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use crate::clock::SimClock;
use crate::defects::Defects;
use crate::faults::Faults;
use crate::server::{self, Running};

/// A simulated Xero; clones are the same one.
#[derive(Clone, Debug)]
pub struct XeroSimulator {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: XeroOptions,
    clock: SimClock,
    faults: Faults,
    arrivals: keys::Arrivals,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    books: Vec<book::Book>,
    access: access::Access,
    consents: consent::Consents,
    meters: limits::Meters,
    keys: keys::Keys,
    counts: Counts,
    random: StdRng,
    defects: Defects<Defect>,
}

impl State {
    fn new_id(&mut self) -> Guid {
        Guid::from_random(self.random.random())
    }

    /// Whom a call speaks for.
    fn let_in(
        &self,
        authorization: Option<&str>,
        switches: &Switches,
        now: DateTime<Utc>,
    ) -> Result<access::Grant, access::Denied> {
        let at = if self.defects.has(Defect::ExpiredTokenAccepted) {
            DateTime::<Utc>::MIN_UTC
        } else {
            now
        };
        let grant = self.access.check(authorization, at)?;
        match grant.family {
            Some(family) if !self.consents.lives(family, switches) => Err(access::Denied::Unknown),
            _ => Ok(grant),
        }
    }

    /// The organisation that a person's token is used for: the one that the header names, if it is connected.
    fn connected(&self, grant: &access::Grant, tenant: Option<&str>) -> Option<usize> {
        let wanted: Guid = tenant?.parse().ok()?;
        let mut connections = self.consents.connections(&grant.client_id);
        let one = connections.find(|one| {
            let book = self.books.get(one.organisation);
            book.is_some_and(|book| book.id == wanted)
        });
        one.map(|one| one.organisation)
    }
}

/// A record that cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The simulator has no such collection.
    #[error(
        "Xero has no collection \"{0}\" here; known: Organisation, Currencies, Accounts, TaxRates, Contacts, Items, Invoices, Payments, CreditNotes, BankTransactions, BatchPayments"
    )]
    NoCollection(String),
    /// The record is not a JSON object.
    #[error("a record of {0} must be a JSON object")]
    NotAnObject(String),
    /// The simulator was started without that organisation.
    #[error("there is no organisation {0}")]
    NoOrganisation(usize),
    /// The record breaks a rule of its kind.
    #[error("{collection}: {messages}")]
    Refused {
        /// The collection.
        collection: String,
        /// Xero's messages.
        messages: String,
    },
}

impl XeroSimulator {
    /// A simulator with the organisations of the options and nothing in them but their charts.
    pub fn new(options: XeroOptions, clock: SimClock) -> Self {
        let now = clock.now();
        let mut books = Vec::new();
        for (setup, seed) in options
            .organisations
            .iter()
            .zip(options.seed.wrapping_mul(1000)..)
        {
            books.push(book::Book::new(setup.clone(), &options, seed, now));
        }
        let state = State {
            books,
            access: access::Access::default(),
            consents: consent::Consents::default(),
            meters: limits::Meters::default(),
            keys: keys::Keys::default(),
            counts: Counts::default(),
            random: StdRng::seed_from_u64(options.seed ^ 0x5eed),
            defects: options.defects,
        };
        Self {
            inner: Arc::new(Inner {
                options,
                clock,
                faults: Faults::default(),
                arrivals: keys::Arrivals::default(),
                state: Mutex::new(state),
            }),
        }
    }

    /// Its faults.
    pub fn faults(&self) -> &Faults {
        &self.inner.faults
    }

    /// Its clock.
    pub fn clock(&self) -> &SimClock {
        &self.inner.clock
    }

    /// What it was started with.
    pub fn options(&self) -> &XeroOptions {
        &self.inner.options
    }

    /// The calls counted so far.
    pub fn counts(&self) -> Counts {
        self.lock().counts.clone()
    }

    /// Starts counting anew.
    pub fn reset_counts(&self) {
        self.lock().counts = Counts::default();
    }

    /// Every code and token that was handed out, for tests that look whether one was left lying about.
    pub fn handed_out(&self) -> Vec<String> {
        let state = self.lock();
        let tokens = state.access.texts();
        tokens.chain(state.consents.texts()).cloned().collect()
    }

    /// The person takes an app's access away in Xero, as in its list of connected apps.
    pub fn take_access_away(&self, client_id: &str) {
        self.lock().consents.take_away(client_id);
    }

    /// `OrganisationID` of the organisation at a position of [`XeroOptions::organisations`].
    pub fn organisation_id(&self, position: usize) -> Option<Guid> {
        self.lock().books.get(position).map(|book| book.id)
    }

    /// The HTTP interface: `/identity/connect/authorize`, `/connect/token`, `/connect/revocation`, `/connections`, `/api.xro/2.0/`, `/_sim/`.
    pub fn router(&self) -> Router {
        http::router(self)
    }

    /// Serves [`Self::router`]; port 0 is any free port.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn serve(&self, address: SocketAddr) -> io::Result<Running> {
        server::serve(self.router(), address).await
    }

    /// Puts a record into the first organisation, as [`Self::load_into`].
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load(&self, collection: &str, record: Value) -> Result<Value, LoadError> {
        self.load_into(0, collection, record)
    }

    /// Puts a record into an organisation outside the API: members as in the API, besides explicit ids,
    /// `UpdatedDateUTC`, `Status` VOIDED or DELETED, `CreatedByApp` (a client id), and for credit notes
    /// `Allocations`. All that Xero computes is computed; lock dates do not hold; no call is counted.
    /// `Organisation` sets `Name`, `PeriodLockDate`, `EndOfYearLockDate`, `IsDemoCompany`, `NextInvoiceNumber`,
    /// `CISRate`. Overpayments and prepayments are loaded as the `BankTransactions` they are born of, with
    /// `OverpaymentID` or `PrepaymentID` where they shall have a known one.
    ///
    /// # Errors
    /// See [`LoadError`]; a refused record leaves nothing behind.
    pub fn load_into(
        &self,
        organisation: usize,
        collection: &str,
        record: Value,
    ) -> Result<Value, LoadError> {
        let known = endpoints::Collection::parse(collection)
            .ok_or_else(|| LoadError::NoCollection(collection.to_owned()))?;
        let Value::Object(record) = record else {
            return Err(LoadError::NotAnObject(collection.to_owned()));
        };
        let call = call::Call::internal(self.clock().now());
        let mut state = self.lock();
        let book = state
            .books
            .get_mut(organisation)
            .ok_or(LoadError::NoOrganisation(organisation))?;
        let loaded = endpoints::load(book, &call, known, &record).map_err(|refusals| {
            LoadError::Refused {
                collection: collection.to_owned(),
                messages: refusals.0.join("; "),
            }
        })?;
        Ok(Value::Object(loaded))
    }

    /// Sets a part of a credit note, overpayment or prepayment of the first organisation against an invoice,
    /// outside the API: `Amount`, `Date`, `Invoice: {InvoiceID}`, perhaps `AllocationID`. Returns the credit.
    ///
    /// # Errors
    /// See [`LoadError`]; a refused allocation leaves nothing behind.
    pub fn allocate(&self, credit: &str, allocation: Value) -> Result<Value, LoadError> {
        let refused = |messages: String| LoadError::Refused {
            collection: "Allocations".to_owned(),
            messages,
        };
        let Value::Object(allocation) = allocation else {
            return Err(LoadError::NotAnObject("Allocations".to_owned()));
        };
        let id = credit
            .parse()
            .map_err(|_| refused(format!("{credit} is no id")))?;
        let call = call::Call::internal(self.clock().now());
        let mut state = self.lock();
        let book = state
            .books
            .first_mut()
            .ok_or(LoadError::NoOrganisation(0))?;
        let loaded = endpoints::load_allocation(book, &call, id, &allocation)
            .map_err(|refusals| refused(refusals.0.join("; ")))?;
        Ok(Value::Object(loaded))
    }

    /// All records of a collection of the first organisation, in full; empty for an unknown collection.
    pub fn dump(&self, collection: &str) -> Vec<Value> {
        self.dump_of(0, collection)
    }

    /// As [`Self::dump`], of the organisation at that position.
    pub fn dump_of(&self, organisation: usize, collection: &str) -> Vec<Value> {
        let call = call::Call::internal(self.clock().now());
        let state = self.lock();
        match (
            endpoints::Collection::parse(collection),
            state.books.get(organisation),
        ) {
            (Some(collection), Some(book)) => endpoints::dump(book, &call, collection),
            _ => Vec::new(),
        }
    }

    pub(crate) fn arrivals(&self) -> &keys::Arrivals {
        &self.inner.arrivals
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
