//! The Xero simulator over real HTTP, driven by a client that knows nothing of it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

mod access;
mod books;
mod consent;
mod contacts;
mod credits;
mod faults;
mod foreign;
mod invoices;
mod noticed;
mod reading;
mod schema;
#[path = "../seeded/mod.rs"]
mod seeded;
mod support;
