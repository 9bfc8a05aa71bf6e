//! Every rule of the planner as a readable case, by area, over one small company (`world`).
//!
//! A case changes one thing of a world in which one won deal of a known customer is to be billed, and says what becomes of it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

mod world;

mod amend;
mod bad_input;
mod billed;
mod create_as;
mod customers;
mod deals;
mod existing;
mod invoices;
mod lint;
mod merge;
mod parts;
mod payer;
mod properties;
mod rails;
mod reflect;
mod ruled;
mod tax;
mod write_back;
