//! The Salesforce connector: deals, accounts, contacts and products in Salesforce's own field names, and write-back.
//!
//! Never holds a token, never sends a write: `component` is the thin shell that the host calls, everything below it is
//! plain functions that are tested natively. Reading order: `component`, then `feed` and `lookup` (both on `pages`),
//! `batches` (`upserts`) and `answers` for writes, `organisation`, `counts`, `provision`; below them `target`, `soql`, `records`, `objects`, `receivables`
//! and `vocabulary` (the host's words for what customers owe), `errors`, `ids`, `stamps`.

pub mod component;

mod feed;
mod lookup;
mod pages;

mod answers;
mod batches;
mod upserts;

mod counts;
mod organisation;
mod provision;
mod schema;

mod objects;
mod receivables;
mod records;
mod soql;
mod target;
mod vocabulary;

mod errors;
mod ids;
mod stamps;
