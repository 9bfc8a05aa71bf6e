//! `items` and `replay`: what waits, what can be done about it, and looking at it again.

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use footbridge_model::CustomerName;
use footbridge_model::remedy::TABLE;

pub(crate) const EXAMPLES: &str = "Examples:
  footbridge items                                      what waits for you, by reason
  footbridge items --reason looks-already-invoiced
  footbridge items show 006Hs00001abcdEFGH              one, whole: the far side's answer, and the commands that fit it
  footbridge items link 006Hs00001abcdEFGH INV-0042     it is this invoice or customer of the ledger
  footbridge items create-as 006Hs00001abcdEFGH 'Smith & Co (Leeds)'
                                                        its customer is a new one, whose name is taken there
  footbridge items approve 006Hs00001abcdEFGH           do it although the item warned of it
  footbridge items ignore 006Hs00001abcdEFGH --always   nothing, for good
  footbridge items --ignored                            what is ignored; `items retry` ends that
  footbridge items retry --reason mapping-problem       after the mapping was corrected";

pub(crate) const REPLAY_EXAMPLES: &str = "What is applied already is looked at and left as it is. Selections add up: all given must hold.

Examples:
  footbridge replay 006Hs00001abcdEFGH                  also one that no list of changes ever told of
  footbridge replay --reason customer-gone --dry-run
  footbridge replay --since 2026-11-01 --until 2026-11-02T12:00:00Z
  footbridge replay --where StageName=\"Closed Won\" --where CurrencyIsoCode=EUR";

/// `items`.
#[derive(Debug, Args)]
pub(crate) struct Items {
    /// The flow; not needed if there is one.
    #[arg(long, global = true)]
    pub(crate) flow: Option<String>,
    /// Only this reason.
    #[arg(long, value_parser = reason)]
    pub(crate) reason: Option<String>,
    /// Also what needs nothing (skipped), for the curious.
    #[arg(long)]
    pub(crate) all: bool,
    /// What is ignored because somebody said so.
    #[arg(long, conflicts_with_all = ["all", "reason"])]
    pub(crate) ignored: bool,
    /// What to do with one.
    #[command(subcommand)]
    pub(crate) action: Option<ItemAction>,
}

/// What can be done with an item.
#[derive(Debug, Subcommand)]
pub(crate) enum ItemAction {
    /// One item whole: what happened, the far side's answer, when, and the commands that fit it.
    #[command(
        after_help = "Examples:\n  footbridge items show 006Hs00001abcdEFGH\n  footbridge items show 006Hs00001abcdEFGH --part 2 --whole"
    )]
    Show {
        /// The record's id, or its beginning.
        id: String,
        /// Only this part of the deal's billing.
        #[arg(long, value_name = "N")]
        part: Option<u32>,
        /// The far side's whole answer, not only the element about this record.
        #[arg(long)]
        whole: bool,
    },
    /// Let the next sync look at a record again; what was ignored no longer is.
    #[command(
        after_help = "Examples:\n  footbridge items retry 006Hs00001abcdEFGH\n  footbridge items retry --reason mapping-problem"
    )]
    Retry {
        /// The record's id, or its beginning.
        #[arg(required_unless_present = "reason")]
        id: Option<String>,
        /// Everything that waits for this reason.
        #[arg(long, conflicts_with = "id", value_parser = reason)]
        reason: Option<String>,
    },
    /// You looked and it is not there: let a request whose outcome is unknown be made again.
    #[command(
        after_help = "Example:\n  footbridge items release 5f0c2a...   (as the item names it)"
    )]
    Release {
        /// The request, as the item names it.
        request: String,
    },
    /// Both sides hold something else: say whose value counts, in one field or in all.
    #[command(
        after_help = "Examples:\n  footbridge items choose 001Hs00001abcdEFGH --ledger\n  footbridge items choose 001Hs00001abcdEFGH --source --field email"
    )]
    Choose {
        /// Which item.
        #[command(flatten)]
        item: ItemId,
        /// Whose value counts.
        #[command(flatten)]
        side: ItemSide,
        /// Only in this field, as the item names it.
        #[arg(long)]
        field: Option<String>,
    },
    /// It is this record of the ledger: link them. Nothing is written to it.
    #[command(
        after_help = "Examples:\n  footbridge items link 006Hs00001abcdEFGH INV-0042\n  footbridge items link 006Hs00001abcdEFGH 3f5d4c1a-...   (an invoice or a customer, by its id in the ledger)"
    )]
    Link {
        /// Which item.
        #[command(flatten)]
        item: ItemId,
        /// The ledger's id or number of the record.
        ledger: String,
    },
    /// The customer's name is taken in the ledger and it is a new customer: create it there under another name. Nothing that exists is
    /// renamed.
    #[command(
        after_help = "Example:\n  footbridge items create-as 006Hs00001abcdEFGH \"Smith & Co (Leeds)\"   (`items show` proposes a name)"
    )]
    CreateAs {
        /// Which item.
        #[command(flatten)]
        item: ItemId,
        /// What the customer is called in the ledger, in at most 255 characters.
        #[arg(value_parser = CustomerName::new, allow_hyphen_values = true)]
        name: CustomerName,
    },
    /// Do it although the item warned of it; `items show` says what that means.
    #[command(after_help = "Example:\n  footbridge items approve 006Hs00001abcdEFGH")]
    Approve {
        /// Which item.
        #[command(flatten)]
        item: ItemId,
    },
    /// Do nothing about it until the record changes; with --always for good. `items retry` ends it.
    #[command(
        after_help = "Examples:\n  footbridge items ignore 006Hs00001abcdEFGH\n  footbridge items ignore 006Hs00001abcdEFGH --always"
    )]
    Ignore {
        /// Which item.
        #[command(flatten)]
        item: ItemId,
        /// For good, whatever becomes of the record.
        #[arg(long)]
        always: bool,
    },
}

/// Which item.
#[derive(Debug, Args)]
pub(crate) struct ItemId {
    /// The record's id, or its beginning.
    pub(crate) id: String,
    /// Which part of the deal's billing; not needed if one waits.
    #[arg(long, value_name = "N")]
    pub(crate) part: Option<u32>,
}

/// Whose value counts.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ItemSide {
    /// The CRM's.
    #[arg(long)]
    pub(crate) source: bool,
    /// The ledger's.
    #[arg(long)]
    pub(crate) ledger: bool,
}

/// `replay`.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// The flow; not needed if there is one.
    #[arg(long)]
    pub(crate) flow: Option<String>,
    /// Only print what would be looked at.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Which records.
    #[command(flatten)]
    pub(crate) which: Which,
}

/// Which records to replay.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Which {
    /// One deal, or a record of the way back by its key.
    #[arg(conflicts_with_all = ["reason", "since", "until", "where"])]
    pub(crate) id: Option<String>,
    /// Those that stand under this reason.
    #[arg(long, value_parser = reason)]
    pub(crate) reason: Option<String>,
    /// Those that something was last decided about at or after this time, UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<DateTime<Utc>>,
    /// ... before this time.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) until: Option<DateTime<Utc>>,
    /// Those whose field, as last read, holds just this. Repeatable.
    #[arg(long = "where", id = "where", value_name = "FIELD=VALUE", value_parser = holds)]
    pub(crate) holds: Vec<(String, String)>,
}

/// A reason that there is.
fn reason(text: &str) -> Result<String, String> {
    if TABLE.iter().any(|(known, _)| *known == text) {
        return Ok(text.to_owned());
    }
    Err("there is no such reason; `footbridge items` names those that something waits for, docs/errors/README.md has all".to_owned())
}

/// A date, at its beginning, or an instant.
pub(crate) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let day = text.parse::<chrono::NaiveDate>();
    let begins = |day: chrono::NaiveDate| day.and_hms_opt(0, 0, 0).map(|at| at.and_utc());
    match (day.map(begins), text.parse()) {
        (Ok(Some(at)), _) | (_, Ok(at)) => Ok(at),
        _ => Err("write a date, 2026-11-01, or an instant, 2026-11-01T09:00:00Z".to_owned()),
    }
}

fn holds(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, value)) if !field.trim().is_empty() => {
            Ok((field.trim().to_owned(), value.to_owned()))
        }
        _ => Err("write FIELD=VALUE, such as StageName=\"Closed Won\"".to_owned()),
    }
}
