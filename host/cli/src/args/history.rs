//! `history`, `export`, `retention` and `erase`: what was done, and what of it is forgotten.

use super::items::time;
use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `history`.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// A record's id at either side, or an invoice's number.
    pub(crate) record: String,
    /// The flow; not needed if there is one.
    #[arg(long)]
    pub(crate) flow: Option<String>,
    /// Only this field.
    #[arg(long)]
    pub(crate) field: Option<String>,
    /// Only since then, UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<DateTime<Utc>>,
    /// As a table for spreadsheets, a row for each field: CSV as in RFC 4180.
    #[arg(long, conflicts_with_all = ["jsonl", "json"])]
    pub(crate) csv: bool,
    /// As JSON, a line for each thing that was done.
    #[arg(long, conflicts_with = "json")]
    pub(crate) jsonl: bool,
}

/// `export`.
#[derive(Debug, Subcommand)]
pub(crate) enum Export {
    /// All that was done to any record: CSV as in RFC 4180, safe to open in a spreadsheet, or JSON Lines.
    #[command(
        after_help = "Examples:\n  footbridge export history --csv history.csv\n  footbridge export history --jsonl history.jsonl"
    )]
    History(ExportHistory),
}

/// `export history`.
#[derive(Debug, Args)]
pub(crate) struct ExportHistory {
    /// The flow; not needed if there is one.
    #[arg(long)]
    pub(crate) flow: Option<String>,
    /// The file to make, a table with a row for each field.
    #[arg(long, value_name = "FILE", required_unless_present = "jsonl")]
    pub(crate) csv: Option<PathBuf>,
    /// The file to make, a line of JSON for each thing that was done.
    #[arg(long, value_name = "FILE", conflicts_with = "csv")]
    pub(crate) jsonl: Option<PathBuf>,
}

/// `retention`.
#[derive(Debug, Args)]
pub(crate) struct Retention {
    /// The flow; not needed if there is one.
    #[arg(long)]
    pub(crate) flow: Option<String>,
    /// Erase what is older than so many days; without it, what `[retention]` in the configuration says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) days: Option<u16>,
}

/// `erase`.
#[derive(Debug, Args)]
pub(crate) struct Erase {
    /// Records by their ids at either side, or invoices by their numbers.
    #[arg(required = true, value_name = "RECORD")]
    pub(crate) records: Vec<String>,
    /// The flow; not needed if there is one.
    #[arg(long)]
    pub(crate) flow: Option<String>,
    /// Tell what would be erased, and erase nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Don't ask.
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) yes: bool,
}
