//! The declarative mapping: a TOML text says how records of one side become drafts in the ledger vocabulary.
//!
//! The text is read and checked as a whole ([`settings`]), its expressions are CEL with our functions
//! ([`expression`], [`functions`]), and records are mapped one by one ([`apply`]); `component` is the shell around it.
//! It never decides what belongs to the host's rails: go-live, numbering, tax, dates, holds. It never touches a
//! binary float, and never writes a field whose source was not read.

pub mod component;

pub mod apply;
pub mod describe;
pub mod settings;

pub mod vocabulary;

pub mod expression;
mod reads;
mod rewrite;

mod dates;
mod decimals;
pub mod functions;
mod texts;
mod values;

mod suggest;
