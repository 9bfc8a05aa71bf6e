//! The engine over far sides in plain Rust, with the real store and the real planner: good days, bad days, and every place to die.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

mod books;
mod far;
mod ports;
mod world;

mod amend;
mod anew;
mod back;
mod back_trouble;
mod beside;
mod chance;
mod crash;
mod create_as;
mod customer_items;
mod customers;
mod customers_kept;
mod deals;
mod doubles;
mod doubt;
mod epochs;
mod granted;
mod growth;
mod guards;
mod halves;
mod hidden;
mod history;
mod over_another;
mod provision;
mod rails;
mod replay;
mod ruled;
mod saved;
mod stood_still;
mod trouble;
mod unsettled;
