//! The Xero connector: what Xero's accounting API says, in the ledger vocabulary, and back.
//!
//! Never holds a token, never sends a write: `component` is the thin shell that the host calls, everything below it is
//! plain functions that are tested natively. Reading order: `component`, then `feed` and `lookup` (both on `walk`; `lookup` on `single` too),
//! `batches` and `answers` for writes, `organisation`, `counts`; each rests on the record files (`customer`, `invoice`,
//! `credit`, `payment`, `catalogue`), which rest on `columns` and `dates`.

pub mod component;

mod feed;
mod lookup;
mod reversals;
mod single;
mod walk;

mod answers;
mod batches;
mod echo;
mod messages;

mod counts;
mod organisation;
mod schema;
mod zones;

mod catalogue;
mod credit;
mod customer;
mod invoice;
mod objects;
mod payment;

mod columns;
mod dates;
