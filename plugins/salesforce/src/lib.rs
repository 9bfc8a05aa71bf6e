//! The Salesforce connector: deals, accounts, contacts and products in Salesforce's own field names, and write-back.
//!
//! Never holds a token, never sends a write: `component` is the thin shell that the host calls, everything below it is
//! plain functions that are tested natively. Reading order: `component`, then `feed` and `lookup` (both on `pages`),
//! `batches` and `answers` for writes, `organisation`; below them `soql`, `records`, `objects`, `errors`, `ids`, `stamps`.

pub mod component;

mod feed;
mod lookup;
mod pages;

mod answers;
mod batches;

mod organisation;
mod schema;

mod objects;
mod records;
mod soql;

mod errors;
mod ids;
mod stamps;
