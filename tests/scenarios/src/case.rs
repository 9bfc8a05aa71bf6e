//! What a case may say. Unknown words are refused, so that a case never seems to say more than it does.
//!
//! It runs nothing. Next: `world`.

use anyhow::Context;
use chrono::{DateTime, Utc};
use footbridge_model::ruling::Choice;
use footbridge_simulators::faults::FaultRule;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use std::collections::BTreeMap;
use std::path::Path;

/// A case: `scenario.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Case {
    /// The folder's name.
    #[serde(skip)]
    pub name: String,
    /// What it shows, in a sentence.
    pub title: String,
    /// The section of the rules that it holds: 1 go-live, 2 numbers and keys, 3 links and bill-to, 4 invoices that exist, 5 what can be billed, 6 tax, 7 dates, 8 status,
    /// 9 who owns customer fields, 10 what is written is changed, 11 merges and deletions, 12 payments, 13 currencies.
    pub rule: u32,
    /// When the first sync runs.
    #[serde(default = "usual_instant", deserialize_with = "instant")]
    pub(crate) as_of: DateTime<Utc>,
    /// Where the firm in Xero is.
    #[serde(default)]
    pub(crate) country: Country,
    /// Over the template's `[flows.deals-to-invoices]`.
    #[serde(default)]
    pub(crate) flow: toml::Table,
    /// Text of the template's mapping and what stands there instead.
    #[serde(default)]
    pub(crate) mapping: BTreeMap<String, String>,
    /// What both sides sell. Without a code it is in Salesforce only.
    #[serde(default)]
    pub(crate) products: Vec<Product>,
    /// Accounts in Salesforce.
    #[serde(default)]
    pub(crate) accounts: Vec<Account>,
    /// Deals in Salesforce.
    #[serde(default)]
    pub(crate) deals: Vec<Deal>,
    /// Records in Xero beforehand, by collection.
    #[serde(default)]
    pub(crate) xero: BTreeMap<String, Vec<toml::Table>>,
    /// What happens afterwards, each followed by a sync.
    #[serde(default)]
    pub(crate) then: Vec<Step>,
    /// Invoices that Footbridge must have made, and no others.
    #[serde(default)]
    pub(crate) invoices: Vec<Invoice>,
    /// Names of the customers that it must have made, and no others.
    #[serde(default)]
    pub(crate) customers: Vec<String>,
    /// Deals that must wait, and no others.
    #[serde(default)]
    pub(crate) waits: Vec<Wait>,
    /// Deals that must need nothing, by reason.
    #[serde(default)]
    pub(crate) skipped: BTreeMap<String, usize>,
    /// The most that a sync with nothing to do may read.
    #[serde(default)]
    pub(crate) quiet: Option<Quiet>,
    /// What Salesforce must show of receivables, and nothing besides. The flow says `reflect`.
    #[serde(default)]
    pub(crate) shown: Vec<Shown>,
    /// Triggers of the Salesforce: whatever a client writes into the field becomes this.
    #[serde(default)]
    pub(crate) triggers: Vec<Trigger>,
    /// Contacts as they must stand in Xero, by their name.
    #[serde(default)]
    pub(crate) contacts: Vec<Shown>,
    /// Accounts as they must stand in Salesforce, by their key.
    #[serde(default)]
    pub(crate) accounts_then: Vec<Shown>,
}

impl Case {
    /// Whether what customers owe and paid is to be shown in Salesforce.
    pub(crate) fn reflects(&self) -> bool {
        self.flow.contains_key("reflect")
    }
}

/// Monday, 5 October 2026, 9 o'clock UTC.
fn usual_instant() -> DateTime<Utc> {
    DateTime::from_timestamp(1_791_190_800, 0).unwrap_or_default()
}

/// TOML's own date-times.
fn instant<'de, D: Deserializer<'de>>(from: D) -> Result<DateTime<Utc>, D::Error> {
    let written = toml::value::Datetime::deserialize(from)?.to_string();
    written.parse().map_err(D::Error::custom)
}

fn maybe_instant<'de, D: Deserializer<'de>>(from: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    instant(from).map(Some)
}

/// Organisations that the simulator can be.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(crate) enum Country {
    #[default]
    UK,
    AU,
    NZ,
    US,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Product {
    pub(crate) name: String,
    pub(crate) code: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) tax_type: Option<String>,
    /// Xero has no item of this code.
    #[serde(default)]
    pub(crate) only_in_salesforce: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Account {
    pub(crate) key: String,
    pub(crate) name: String,
    /// Two-letter code of the billing address.
    #[serde(default)]
    pub(crate) country: Option<String>,
    /// Any other field.
    #[serde(default)]
    pub(crate) fields: toml::Table,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Deal {
    pub(crate) key: String,
    pub(crate) account: String,
    /// Absent: an open deal.
    #[serde(default, deserialize_with = "maybe_instant")]
    pub(crate) won: Option<DateTime<Utc>>,
    #[serde(default = "pounds")]
    pub(crate) currency: String,
    /// Without lines: the amount. With lines: stated against them.
    pub(crate) amount: Option<String>,
    #[serde(default)]
    pub(crate) lines: Vec<Line>,
    /// So many of them, `key-1`, `key-2`, ...
    #[serde(default = "one")]
    pub(crate) repeat: usize,
    /// Any other field.
    #[serde(default)]
    pub(crate) fields: toml::Table,
}

/// A line of a deal; `{n}` in the description counts its repetitions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Line {
    pub(crate) description: Option<String>,
    #[serde(default = "work")]
    pub(crate) product: String,
    #[serde(default = "single")]
    pub(crate) quantity: String,
    pub(crate) price: String,
    pub(crate) discount: Option<String>,
    pub(crate) treatment: Option<String>,
    #[serde(default = "one")]
    pub(crate) repeat: usize,
}

fn pounds() -> String {
    "GBP".to_owned()
}

fn work() -> String {
    "Work".to_owned()
}

fn single() -> String {
    "1".to_owned()
}

fn one() -> usize {
    1
}

/// One thing that happens, a minute later unless it says otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Step {
    /// What, for the reader.
    #[serde(rename = "what")]
    pub(crate) _what: String,
    /// Days that pass before.
    #[serde(default)]
    pub(crate) days: i64,
    /// Fields of deals or accounts that someone changes, by key.
    #[serde(default)]
    pub(crate) edit: BTreeMap<String, toml::Table>,
    /// Fields of every deal that someone changes.
    #[serde(default)]
    pub(crate) edit_all: toml::Table,
    /// Records that someone makes in Xero, by collection.
    #[serde(default)]
    pub(crate) xero: BTreeMap<String, Vec<toml::Table>>,
    /// Credits that someone sets against invoices in Xero.
    #[serde(default)]
    pub(crate) allocations: Vec<Allocation>,
    /// What goes wrong in the sync that follows.
    #[serde(default)]
    pub(crate) faults: Vec<Trouble>,
    /// Records, ours too, that someone changes in Xero, by collection; each names its id.
    #[serde(default)]
    pub(crate) edit_xero: BTreeMap<String, Vec<toml::Table>>,
    /// Deals that someone deletes.
    #[serde(default)]
    pub(crate) delete: Vec<String>,
    /// Accounts that someone merges in Salesforce.
    #[serde(default)]
    pub(crate) merge: Vec<Merge>,
    /// What someone decides about items.
    #[serde(default)]
    pub(crate) rule: Vec<Ruled>,
}

/// Something that goes wrong on one side.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Trouble {
    /// Where.
    pub(crate) side: Where,
    /// What, and which request it strikes, as the simulators say it.
    pub(crate) rule: FaultRule,
}

/// One of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Where {
    Xero,
    Salesforce,
}

/// The most calls that a sync with nothing to do may make.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Quiet {
    pub(crate) xero: u64,
    pub(crate) salesforce: u64,
}

/// An account merged into another one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Merge {
    pub(crate) master: String,
    pub(crate) loser: String,
}

/// A decision about an item of a deal or an account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Ruled {
    /// The key of the deal or account.
    pub(crate) of: String,
    #[serde(default = "first")]
    pub(crate) part: u32,
    /// Which item, where it has several.
    pub(crate) reason: Option<String>,
    /// As the product stores it: `"go-ahead"`, `{ take-source = {} }`.
    pub(crate) choice: Choice,
}

/// A trigger.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Trigger {
    pub(crate) object: String,
    pub(crate) field: String,
    pub(crate) becomes: String,
}

/// A credit set against an invoice.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Allocation {
    /// `@credit-note REFERENCE`, `@overpayment REFERENCE`, `@prepayment REFERENCE`.
    pub(crate) credit: String,
    /// `@invoice NUMBER`.
    pub(crate) invoice: String,
    pub(crate) amount: String,
}

/// A record of receivables as it must stand in Salesforce, by its name. What isn't said isn't looked at.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Shown {
    pub(crate) name: String,
    /// By Salesforce's names, formulas too.
    pub(crate) fields: toml::Table,
}

/// An invoice as it must stand in Xero. What isn't said isn't looked at.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Invoice {
    /// The deal's key.
    pub(crate) deal: String,
    pub(crate) contact: Option<String>,
    pub(crate) number: Option<String>,
    pub(crate) reference: Option<String>,
    pub(crate) currency: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) due: Option<String>,
    pub(crate) net: String,
    pub(crate) tax: String,
    pub(crate) total: String,
    #[serde(default)]
    pub(crate) lines: Vec<InvoiceLine>,
}

/// A line as it must stand in Xero.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct InvoiceLine {
    pub(crate) description: Option<String>,
    pub(crate) amount: Option<String>,
    pub(crate) tax_type: Option<String>,
    pub(crate) tax: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) item: Option<String>,
    #[serde(default = "one")]
    pub(crate) repeat: usize,
}

/// A deal that must wait.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Wait {
    /// The deal's key.
    pub(crate) deal: String,
    #[serde(default = "first")]
    pub(crate) part: u32,
    pub(crate) reason: String,
    /// The whole message.
    pub(crate) says: Option<String>,
}

fn first() -> u32 {
    1
}

/// All cases of a folder, by name.
///
/// # Errors
/// A folder without `scenario.toml`, something beside the folders, or a word that no case may say.
pub fn read(folder: &Path) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let file = path.join("scenario.toml");
        let text = std::fs::read_to_string(&file)
            .with_context(|| format!("{} is no case", path.display()))?;
        let mut case: Case = toml::from_str(&text).with_context(|| file.display().to_string())?;
        case.name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        cases.push(case);
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}
