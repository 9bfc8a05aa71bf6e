//! The Xero simulator over real HTTP, driven by a client that knows nothing of it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

mod access;
mod consent;
mod contacts;
mod credits;
mod faults;
mod foreign;
mod invoices;
mod reading;
mod schema;
mod support;
