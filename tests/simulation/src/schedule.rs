//! A schedule: what a world is made of, and the list of things that happen to it. Plain data: a seed writes it, a file keeps it, and any of its
//! steps can be left out, for records are named by their place among those that exist when the step comes.
//!
//! It knows nothing of how a step is carried out. Next: `generate` (a seed's schedule), `play`.

use footbridge_simulators::faults::Fault;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A whole simulated story.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Schedule {
    /// The seed that wrote it, for the reader.
    pub seed: u64,
    /// What is there before the first step.
    pub world: Setup,
    /// What happens.
    pub steps: Vec<Step>,
}

/// The two companies and how Footbridge is set up between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Setup {
    /// Minutes after midnight (UTC) of the first day, so that stories begin before and after the days' ends.
    pub starts_at_minute: i64,
    /// Days after 2026-10-25, so that stories begin before and after months' ends.
    pub starts_on_day: i64,
    /// Customers, in Salesforce.
    pub accounts: Vec<Account>,
    /// Their deals.
    pub deals: Vec<Deal>,
    /// Positions of accounts that Xero knows by exactly that name already.
    pub known_in_xero: Vec<usize>,
    /// The way back is on.
    pub way_back: Switch,
    /// Days within which the sweep sees every open document.
    pub sweep_days: u32,
    /// The status that invoices are made with.
    pub status: Status,
    /// Whose number invoices get.
    pub numbers: Numbers,
    /// What becomes of a customer that exists.
    #[serde(default)]
    pub customers: Customers,
    /// Owners of customers' fields that are not the product's own choice, by the product's name of the field: `source`, `ledger`,
    /// `newest`, `ask`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub owners: BTreeMap<String, String>,
    /// Where Salesforce holds what Xero's side may change, by the product's name of the field or part.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub back: BTreeMap<String, String>,
    /// Switches of the Xero simulator, by name.
    pub xero: BTreeMap<String, String>,
    /// Switches of the Salesforce simulator, by name.
    pub salesforce: BTreeMap<String, String>,
}

/// On or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "they say it themselves")]
pub enum Switch {
    On,
    Off,
}

/// The status that invoices are made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "they say it themselves")]
pub enum Status {
    Draft,
    Authorised,
}

/// Whose number invoices get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "they say it themselves")]
pub enum Numbers {
    Ledger,
    Counter,
}

/// What becomes of a customer that exists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Customers {
    /// It is made or found once, and never changed.
    #[default]
    Once,
    /// Changes go over, each field to the side that doesn't own it.
    Owned,
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Account {
    /// Its name, the only one.
    pub name: String,
    /// `GB`, `DE`, `US`.
    pub country: String,
}

/// A deal. Amounts are in hundredths.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Deal {
    /// Position of its account.
    pub account: usize,
    /// ISO 4217.
    pub currency: String,
    /// Unit prices of its lines; a deal with one price of nought lines has only an amount.
    pub lines: Vec<i64>,
    /// Its amount, where it has no lines.
    pub amount: i64,
    /// Where it stands.
    pub standing: Standing,
    /// `30,70`, or nothing.
    pub plan: Option<String>,
}

/// Where a deal stands when it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Not won.
    Open,
    /// Won after go-live.
    Won,
    /// Won before go-live.
    History,
}

/// A side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "they say it themselves")]
pub enum Side {
    Xero,
    Salesforce,
}

/// One thing that happens. `deal`, `account`, `contact`, `invoice`, `payment` are places in a list that is gone round: the 7th of 5 is the 2nd.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "do")]
pub enum Step {
    /// Time goes by.
    Pass {
        /// Minutes.
        minutes: i64,
    },
    /// The program runs once.
    Sync,
    /// The program runs and is gone at the n-th point of its journal; what was sent stays sent.
    Killed {
        /// Which point.
        point: usize,
    },
    /// The program is started anew.
    Restart,
    /// All troubles end, the program runs until nothing changes any more, and the properties are asked.
    Quiet,

    /// A fault strikes the next requests of a side.
    Fault {
        /// Which side.
        side: Side,
        /// What goes wrong.
        fault: Fault,
        /// Requests that are let by first.
        skip: u32,
        /// Requests that it strikes.
        times: u32,
        /// Only writes.
        only_writes: bool,
    },
    /// The next write is taken by the network and arrives so much later, when nobody waits for it any more.
    Late {
        /// Seconds.
        seconds: i64,
    },
    /// The program's clock is wrong by so much from now on; nought puts it right.
    HostClock {
        /// Seconds; negative is behind.
        seconds: i64,
    },
    /// A person asks for a waiting deal to be looked at again.
    Retry {
        /// Which deal.
        deal: usize,
    },
    /// A person looks at what the program asks about, and says where nothing is there.
    Release,

    /// A deal is won.
    Win {
        /// Which.
        deal: usize,
    },
    /// A deal is lost.
    Lose {
        /// Which.
        deal: usize,
    },
    /// A deal is opened again.
    Reopen {
        /// Which.
        deal: usize,
    },
    /// A deal's amount is changed, where it has no lines.
    Amount {
        /// Which.
        deal: usize,
        /// In hundredths.
        to: i64,
    },
    /// A line's price is changed.
    Price {
        /// Which deal.
        deal: usize,
        /// Which of its lines.
        line: usize,
        /// In hundredths.
        to: i64,
    },
    /// A line is added.
    AddLine {
        /// To which deal.
        deal: usize,
        /// In hundredths.
        price: i64,
    },
    /// A line is taken away.
    DropLine {
        /// Which deal.
        deal: usize,
        /// Which of its lines.
        line: usize,
    },
    /// A deal's name, or its purchase order where `field` says so, is changed; nothing empties it.
    DealText {
        /// Which.
        deal: usize,
        /// `Name`, `PO_Number__c`, `Description`, `NextStep`.
        field: String,
        /// To what.
        to: Option<String>,
    },
    /// The expected day is moved.
    CloseDate {
        /// Which deal.
        deal: usize,
        /// Days from today.
        days: i64,
    },
    /// A deal goes to another account.
    MoveDeal {
        /// Which.
        deal: usize,
        /// To which.
        account: usize,
    },
    /// A deal is thrown away.
    DeleteDeal {
        /// Which.
        deal: usize,
    },
    /// A deal is taken out of the bin, if it is there.
    UndeleteDeal {
        /// Which.
        deal: usize,
    },
    /// A new deal.
    NewDeal {
        /// What it is.
        deal: Deal,
    },
    /// Every deal is edited at once in a field that changes nothing that is billed.
    BulkEdit {
        /// What is written into `NextStep`.
        text: String,
    },
    /// A new account.
    NewAccount {
        /// What it is.
        account: Account,
    },
    /// A field of an account is changed; nothing empties it.
    AccountText {
        /// Which.
        account: usize,
        /// `Name`, `Phone`, `BillingStreet`, `BillingCity`, `Description`.
        field: String,
        /// To what.
        to: Option<String>,
    },
    /// Two accounts become one.
    MergeAccounts {
        /// Which stays.
        into: usize,
        /// Which goes.
        from: usize,
    },

    /// A field of a contact is changed in Xero; nothing empties it.
    ContactText {
        /// Which.
        contact: usize,
        /// `Name`, `EmailAddress`, `FirstName`, `City` of its postal address.
        field: String,
        /// To what.
        to: Option<String>,
    },
    /// A field of the contact that stands for an account is changed in Xero.
    CustomerText {
        /// Which account.
        account: usize,
        /// `City` or `AddressLine1` of its postal address, `PhoneNumber`.
        field: String,
        /// To what.
        to: String,
    },
    /// A contact is archived.
    ArchiveContact {
        /// Which.
        contact: usize,
    },
    /// A draft invoice is edited in Xero: its reference and the first line's price.
    EditDraft {
        /// Which invoice.
        invoice: usize,
        /// In hundredths.
        price: i64,
    },
    /// A draft invoice is approved in Xero.
    Approve {
        /// Which.
        invoice: usize,
    },
    /// An invoice without payments is voided, a draft deleted.
    Void {
        /// Which.
        invoice: usize,
    },
    /// An invoice is paid.
    Pay {
        /// Which.
        invoice: usize,
        /// Per cent of what is due; more than 100 leaves an overpayment.
        percent: i64,
    },
    /// A payment is taken back.
    TakeBack {
        /// Which.
        payment: usize,
    },
    /// A credit note to an invoice's customer; `set_against` sets it against the invoice as far as it goes.
    Credit {
        /// Which invoice.
        invoice: usize,
        /// Per cent of its total.
        percent: i64,
        /// Whether it is set against the invoice at once.
        set_against: Switch,
    },
    /// An invoice that someone raises by hand; `like` gives it the customer and total of one that a deal would get.
    ByHand {
        /// Whose.
        contact: usize,
        /// Net, in hundredths.
        amount: i64,
        /// The deal whose total it has, if any.
        like: Option<usize>,
    },
}
