//! What a Xero simulator is started with: its organisations, credentials, limits, and one switch for
//! each behaviour of Xero that nobody outside knows. The adverse value is always the default.

use std::time::Duration;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::chart::Country;
use super::defect::Defect;
use crate::defects::Defects;

/// Client id of the custom connection to the first organisation.
pub const DEMO_CLIENT_ID: &str = "footbridge-xero-demo";
/// Its secret.
pub const DEMO_CLIENT_SECRET: &str = "xero-demo-secret";
/// Client id of the custom connection to the second organisation, which tests expect untouched.
pub const BYSTANDER_CLIENT_ID: &str = "footbridge-xero-bystander";
/// Its secret.
pub const BYSTANDER_CLIENT_SECRET: &str = "xero-bystander-secret";

/// Client id of an app without a secret ("mobile or desktop app").
pub const PKCE_CLIENT_ID: &str = "footbridge-xero-pkce";
/// Client id of a web app.
pub const WEB_CLIENT_ID: &str = "footbridge-xero-web";
/// Its secret.
pub const WEB_CLIENT_SECRET: &str = "xero-web-secret";

/// Everything that is decided before the start.
#[derive(Clone, Debug)]
pub struct XeroOptions {
    /// The organisations; the first is the one [`super::XeroSimulator::load`] fills.
    pub organisations: Vec<OrganisationSetup>,
    /// Custom connections, each pinned to one organisation.
    pub credentials: Vec<Credential>,
    /// Apps that people let in.
    pub apps: Vec<App>,
    /// Limits per organisation and per application.
    pub limits: Limits,
    /// The unknown behaviours.
    pub switches: Switches,
    /// How long each accounting call takes, in real time.
    pub latency: Duration,
    /// Seed of the identifiers handed out.
    pub seed: u64,
    /// What it does wrong; by default what [`crate::defects::VARIABLE`] names.
    pub defects: Defects<Defect>,
}

impl Default for XeroOptions {
    fn default() -> Self {
        let demo = OrganisationSetup::new("Harbour & Hill Services Ltd", Country::UnitedKingdom);
        let bystander = OrganisationSetup::new("Bystander Holdings Pty Ltd", Country::Australia);
        Self {
            organisations: vec![demo, bystander],
            credentials: vec![
                Credential::new(DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, 0),
                Credential::new(BYSTANDER_CLIENT_ID, BYSTANDER_CLIENT_SECRET, 1),
            ],
            apps: vec![
                App::new(PKCE_CLIENT_ID, None),
                App::new(WEB_CLIENT_ID, Some(WEB_CLIENT_SECRET)),
            ],
            limits: Limits::default(),
            switches: Switches::default(),
            latency: Duration::ZERO,
            seed: 1,
            defects: Defects::default(),
        }
    }
}

/// A custom connection (grant `client_credentials`).
#[derive(Clone, Debug)]
pub struct Credential {
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: String,
    /// Position of its organisation in [`XeroOptions::organisations`].
    pub organisation: usize,
}

impl Credential {
    /// A connection of a client to the organisation at that position.
    pub fn new(client_id: &str, client_secret: &str, organisation: usize) -> Self {
        Self {
            client_id: client_id.to_owned(),
            client_secret: client_secret.to_owned(),
            organisation,
        }
    }
}

/// An app that people let in (authorisation code). One without a secret proves itself by PKCE.
#[derive(Clone, Debug)]
pub struct App {
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret; none for a "mobile or desktop app".
    pub secret: Option<String>,
    /// What the consent page calls it.
    pub name: String,
    /// Redirect URIs that are registered, compared whole.
    pub redirects: Vec<String>,
}

impl App {
    /// An app of that id with the redirect URI that `footbridge connect` uses by default.
    pub fn new(client_id: &str, secret: Option<&str>) -> Self {
        Self {
            client_id: client_id.to_owned(),
            secret: secret.map(str::to_owned),
            name: "Footbridge".to_owned(),
            redirects: vec!["http://localhost:7417/callback".to_owned()],
        }
    }
}

/// An organisation before its first record.
#[derive(Clone, Debug)]
pub struct OrganisationSetup {
    /// Its name.
    pub name: String,
    /// Decides currency, zone, chart of accounts and tax rates.
    pub country: Country,
    /// `IsDemoCompany`.
    pub class: OrganisationClass,
    /// Currencies subscribed besides the base currency.
    pub currencies: Vec<String>,
    /// Nothing may be posted on or before this date.
    pub period_lock: Option<NaiveDate>,
    /// Nor on or before this one, whoever asks.
    pub end_of_year_lock: Option<NaiveDate>,
    /// Prefix of Xero's own invoice numbers.
    pub invoice_prefix: String,
    /// The next number of the sequence.
    pub next_invoice: u64,
    /// Tracking categories and their options.
    pub tracking: Vec<(String, Vec<String>)>,
    /// Percent that customers deduct from labour under the UK's construction industry scheme, for an
    /// organisation enrolled as a subcontractor.
    pub cis_rate: Option<Decimal>,
}

/// Whether the organisation is Xero's demo company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrganisationClass {
    /// A paying organisation.
    Live,
    /// The demo company.
    Demo,
}

impl OrganisationSetup {
    /// A live organisation with the usual foreign currencies, no lock dates, and numbers from INV-0001.
    pub fn new(name: &str, country: Country) -> Self {
        Self {
            name: name.to_owned(),
            country,
            class: OrganisationClass::Live,
            currencies: ["GBP", "EUR", "USD", "JPY", "AUD"]
                .map(str::to_owned)
                .to_vec(),
            period_lock: None,
            end_of_year_lock: None,
            invoice_prefix: "INV-".to_owned(),
            next_invoice: 1,
            tracking: vec![(
                "Region".to_owned(),
                vec!["North".to_owned(), "South".to_owned()],
            )],
            cis_rate: None,
        }
    }
}

/// Xero's limits; `Retry-After` is answered for the minute and the day.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Calls at the same time per organisation.
    pub concurrent: usize,
    /// Calls a minute per organisation.
    pub per_minute: usize,
    /// Calls a day per organisation.
    pub per_day: usize,
    /// Calls a minute per application.
    pub app_per_minute: usize,
    /// Largest request body in bytes.
    pub body_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrent: 5,
            per_minute: 60,
            per_day: 5_000,
            app_per_minute: 10_000,
            body_bytes: 3_670_016,
        }
    }
}

/// The behaviours of Xero that are not known (`NF` in ASSUMPTIONS.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    /// Does a payment change the invoice's `UpdatedDateUTC`?
    pub payment_stamp: PaymentStamp,
    /// Are deleted payments in incremental reads?
    pub deleted_payments: DeletedPayments,
    /// Does an allocation or a refund change the `UpdatedDateUTC` of its credit?
    pub credit_stamp: CreditStamp,
    /// Under which member a refund shows the credit that it refunds.
    pub refund_document: RefundDocument,
    /// Milliseconds after a write during which lists still show the state before it.
    pub list_lag_ms: u32,
    /// How the minute of the limit is counted.
    pub minute_window: MinuteWindow,
    /// What a 429 for too many calls at a time tells about itself.
    pub concurrent_headers: ConcurrentHeaders,
    /// A second request with a key whose first is still being worked on.
    pub key_in_flight: KeyInFlight,
    /// In which order writes that overlap take effect.
    pub commit_order: CommitOrder,
    /// What a code that is shown a second time does to the consent it was for.
    pub code_replay: CodeReplay,
    /// What a refresh token answers that is used again within its grace.
    pub refresh_retry: RefreshRetry,
    /// What becomes of access tokens whose consent was taken back.
    pub revoked_access: RevokedAccess,
    /// What becomes of parts that an address which is written leaves out.
    pub address_write: AddressWrite,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            payment_stamp: PaymentStamp::Kept,
            deleted_payments: DeletedPayments::Absent,
            credit_stamp: CreditStamp::Bumped,
            refund_document: RefundDocument::AsInvoice,
            list_lag_ms: 1_000,
            minute_window: MinuteWindow::Rolling,
            concurrent_headers: ConcurrentHeaders::Bare,
            key_in_flight: KeyInFlight::Process,
            commit_order: CommitOrder::AsFinished,
            code_replay: CodeReplay::EndsConsent,
            refresh_retry: RefreshRetry::NewPair,
            revoked_access: RevokedAccess::Lasts,
            address_write: AddressWrite::Replaces,
        }
    }
}

/// The switch or value is not known.
#[derive(Debug, thiserror::Error)]
#[error("no Xero switch {name}={value}; known: {known}", known = Switches::KNOWN)]
pub struct UnknownSwitch {
    name: String,
    value: String,
}

impl Switches {
    const KNOWN: &'static str = "payment-stamp=kept|bumped, deleted-payments=absent|present, \
        credit-stamp=bumped|kept, refund-document=as-invoice|by-kind, list-lag-ms=<n>, \
        minute-window=rolling|fixed, concurrent-headers=bare|named, key-in-flight=process|wait|conflict, \
        commit-order=as-finished|as-arrived, code-replay=ends-consent|refused, \
        refresh-retry=new-pair|same-pair, revoked-access=lasts|ends, address-write=replaces|merges";

    /// Sets a switch by name, as the binary's `--switch name=value`.
    ///
    /// # Errors
    /// Neither is known.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), UnknownSwitch> {
        match (name, value) {
            ("payment-stamp", "kept") => self.payment_stamp = PaymentStamp::Kept,
            ("payment-stamp", "bumped") => self.payment_stamp = PaymentStamp::Bumped,
            ("deleted-payments", "absent") => self.deleted_payments = DeletedPayments::Absent,
            ("deleted-payments", "present") => self.deleted_payments = DeletedPayments::Present,
            ("credit-stamp", "bumped") => self.credit_stamp = CreditStamp::Bumped,
            ("credit-stamp", "kept") => self.credit_stamp = CreditStamp::Kept,
            ("refund-document", "as-invoice") => self.refund_document = RefundDocument::AsInvoice,
            ("refund-document", "by-kind") => self.refund_document = RefundDocument::ByKind,
            ("minute-window", "rolling") => self.minute_window = MinuteWindow::Rolling,
            ("minute-window", "fixed") => self.minute_window = MinuteWindow::Fixed,
            ("concurrent-headers", "bare") => self.concurrent_headers = ConcurrentHeaders::Bare,
            ("concurrent-headers", "named") => self.concurrent_headers = ConcurrentHeaders::Named,
            ("key-in-flight", "process") => self.key_in_flight = KeyInFlight::Process,
            ("key-in-flight", "wait") => self.key_in_flight = KeyInFlight::Wait,
            ("key-in-flight", "conflict") => self.key_in_flight = KeyInFlight::Conflict,
            ("commit-order", "as-finished") => self.commit_order = CommitOrder::AsFinished,
            ("commit-order", "as-arrived") => self.commit_order = CommitOrder::AsArrived,
            ("code-replay", "ends-consent") => self.code_replay = CodeReplay::EndsConsent,
            ("code-replay", "refused") => self.code_replay = CodeReplay::Refused,
            ("refresh-retry", "new-pair") => self.refresh_retry = RefreshRetry::NewPair,
            ("refresh-retry", "same-pair") => self.refresh_retry = RefreshRetry::SamePair,
            ("revoked-access", "lasts") => self.revoked_access = RevokedAccess::Lasts,
            ("revoked-access", "ends") => self.revoked_access = RevokedAccess::Ends,
            ("address-write", "replaces") => self.address_write = AddressWrite::Replaces,
            ("address-write", "merges") => self.address_write = AddressWrite::Merges,
            ("list-lag-ms", ms) if ms.parse::<u32>().is_ok() => {
                self.list_lag_ms = ms.parse().unwrap_or_default();
            }
            _ => {
                return Err(UnknownSwitch {
                    name: name.to_owned(),
                    value: value.to_owned(),
                });
            }
        }
        Ok(())
    }
}

/// See [`Switches::address_write`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressWrite {
    /// They are emptied.
    Replaces,
    /// They stay.
    Merges,
}

/// See [`Switches::payment_stamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentStamp {
    /// The invoice keeps its stamp: incremental reads miss the payment.
    Kept,
    /// The invoice is stamped anew.
    Bumped,
}

/// See [`Switches::deleted_payments`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletedPayments {
    /// Not listed with `If-Modified-Since`.
    Absent,
    /// Listed.
    Present,
}

/// See [`Switches::credit_stamp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreditStamp {
    /// The credit is stamped anew, as published examples of refunds show.
    Bumped,
    /// It keeps its stamp: incremental reads miss allocations.
    Kept,
}

/// See [`Switches::refund_document`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundDocument {
    /// `Invoice`, with the credit's id as `InvoiceID` and a `Type` such as `ACCRECCREDIT`.
    AsInvoice,
    /// `CreditNote`, `Overpayment`, `Prepayment`.
    ByKind,
}

/// See [`Switches::minute_window`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MinuteWindow {
    /// The last 60 seconds count.
    Rolling,
    /// A minute starts at a second of the organisation's own.
    Fixed,
}

/// See [`Switches::concurrent_headers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConcurrentHeaders {
    /// Neither `X-Rate-Limit-Problem` nor `Retry-After`.
    Bare,
    /// `X-Rate-Limit-Problem: concurrent`.
    Named,
}

/// See [`Switches::key_in_flight`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyInFlight {
    /// Both are carried out: the key does not protect yet.
    Process,
    /// The second waits and gets the answer of the first.
    Wait,
    /// The second is refused with 409.
    Conflict,
}

/// See [`Switches::commit_order`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitOrder {
    /// A later write may take effect before an earlier one that is slow.
    AsFinished,
    /// Writes take effect in the order in which they came.
    AsArrived,
}

/// See [`Switches::code_replay`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodeReplay {
    /// Its tokens end, as RFC 6749 (4.1.2) advises.
    EndsConsent,
    /// It is refused, and that is all.
    Refused,
}

/// See [`Switches::refresh_retry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshRetry {
    /// Another pair; the one whose answer was lost is void.
    NewPair,
    /// The pair whose answer was lost.
    SamePair,
}

/// See [`Switches::revoked_access`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokedAccess {
    /// They last until they expire, and reach no organisation any more: 403.
    Lasts,
    /// They end at once: 401.
    Ends,
}
