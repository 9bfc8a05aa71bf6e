//! The rules of a flow as the operator sets them in `footbridge.toml`. No rule about money has a silent default.

use crate::merge::CustomerPolicy;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// The rules of one flow, deal to invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FlowPolicy {
    /// Only deals that became won at or after this instant are billed (domain rule 1).
    pub go_live: DateTime<Utc>,
    /// Where the source record says what is needed.
    pub deal: DealPaths,
    /// What to bill and how.
    pub billing: Billing,
    /// Tax rules, first match wins; then contact, item, account (domain rule 6).
    #[serde(default)]
    pub tax_rules: Vec<TaxRule>,
    /// Where the invoice's id, number and link are written on the deal.
    #[serde(default)]
    pub write_back: Option<WriteBack>,
    /// How changes of customers go from one side to the other. None: they don't.
    #[serde(default)]
    pub customers: Option<CustomerPolicy>,
}

/// Paths in the source document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DealPaths {
    /// The source object, `Opportunity`.
    pub object: String,
    /// What people call a deal, `Name`.
    pub name: String,
    /// Boolean: the deal is won, `IsWon`.
    pub won: String,
    /// List of stage changes, `OpportunityHistories`, each with `stage` and `at`.
    pub history: String,
    /// `StageName` in a stage change.
    pub history_stage: String,
    /// `CreatedDate` in a stage change.
    pub history_at: String,
    /// Stages that count as won.
    pub won_stages: Vec<String>,
    /// When the stage last changed, used only where the history is empty, `LastStageChangeDate`.
    pub stage_changed_at: String,
    /// The deal's amount, `Amount`.
    pub amount: String,
    /// Its currency, `CurrencyIsoCode`; absent in an organisation with one currency.
    #[serde(default)]
    pub currency: Option<String>,
    /// The list of lines, `OpportunityLineItems`, and the total of each, `TotalPrice`.
    pub lines: String,
    /// The total in a line.
    pub line_total: String,
    /// The field with text like `30,70`: per cents of the parts (domain rule 5). Empty bills the whole.
    #[serde(default)]
    pub parts: Option<String>,
    /// Days after winning at which the 2nd, 3rd ... part is due.
    #[serde(default)]
    pub part_days: Vec<u32>,
}

/// What to bill and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Billing {
    /// A deal without lines.
    pub no_lines: NoLines,
    /// `draft`, `submitted` or `authorised`.
    pub status: InvoiceStatus,
    /// Whose number the invoice gets (domain rule 2).
    pub number: NumberMode,
    /// What the deal's amount is compared with (domain rule 6).
    pub amounts: Amounts,
    /// The invoice's date (domain rule 7).
    pub date: DateRule,
    /// Days in which an invoice of the same customer and total makes a deal look already invoiced.
    pub already_invoiced_days: u32,
    /// The account of lines without an item, and of items without an account.
    pub default_account: String,
    /// Nothing may be dated on or before it: the tax period that was filed.
    #[serde(default)]
    pub tax_filed_to: Option<NaiveDate>,
    /// An untouched draft whose deal is no longer won (domain rule 4).
    #[serde(default)]
    pub draft_of_lost_deal: DraftOfLostDeal,
    /// An approved invoice, neither sent nor paid, whose deal changed (domain rule 4).
    #[serde(default)]
    pub changed_authorised: ChangedAuthorised,
}

/// An untouched draft whose deal is no longer won.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DraftOfLostDeal {
    /// A person decides.
    #[default]
    Ask,
    /// It is deleted.
    Delete,
}

/// An approved invoice, neither sent nor paid and in an open period, whose deal changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangedAuthorised {
    /// A person decides.
    #[default]
    Ask,
    /// It is updated in place.
    Update,
}

/// A deal without lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoLines {
    /// One line from the amount; the mapping words it.
    OneLine,
    /// Hold.
    Hold,
}

/// The status that an invoice is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InvoiceStatus {
    /// A draft.
    Draft,
    /// Waiting for approval.
    Submitted,
    /// Awaiting payment.
    Authorised,
}

/// Whose number an invoice gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NumberMode {
    /// The ledger's own sequence.
    Ledger,
    /// A field of the deal.
    Field(String),
    /// A prefix and a counter of our own.
    Counter {
        /// Before the digits.
        prefix: String,
        /// The first number.
        first: u64,
        /// Digits, zero-padded.
        digits: u8,
    },
}

/// Net, gross, or no tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Amounts {
    /// Unit prices without tax: compared with the sub-total.
    Exclusive,
    /// With tax: compared with the total.
    Inclusive,
    /// No tax at all.
    NoTax,
}

impl Amounts {
    /// As in the ledger vocabulary.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exclusive => "exclusive",
            Self::Inclusive => "inclusive",
            Self::NoTax => "no-tax",
        }
    }
}

/// The invoice's date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateRule {
    /// The organisation's local date when it is raised.
    Raised,
    /// A date field of the deal, `CloseDate`. One over a year ahead waits for a person.
    Field(String),
}

/// One tax rule of the flow. All given conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TaxRule {
    /// What the plan calls it.
    pub name: String,
    /// The customer's billing country is one of these (ISO 3166 alpha-2).
    #[serde(default)]
    pub countries: Vec<String>,
    /// Whether the customer has a tax number.
    #[serde(default)]
    pub tax_number: Presence,
    /// The line's `treatment` in the draft.
    #[serde(default)]
    pub treatment: Option<String>,
    /// The tax type that wins.
    pub tax_type: String,
}

/// A condition on a tax number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Presence {
    /// Doesn't matter.
    #[default]
    Any,
    /// There is one.
    Present,
    /// There is none.
    Absent,
}

/// Fields of the deal that show its invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WriteBack {
    /// The ledger's id.
    #[serde(default)]
    pub id: Option<String>,
    /// The invoice number.
    #[serde(default)]
    pub number: Option<String>,
    /// A link that opens it in the ledger.
    #[serde(default)]
    pub link: Option<String>,
    /// Opens an invoice in the ledger: the id is appended.
    pub invoice_url: String,
}
