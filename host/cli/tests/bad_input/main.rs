//! Bad input, each kind: one error that names the thing and the way out, the documented exit code, nothing lost, and the rest goes on; and what people see.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

mod answers;
mod backup;
mod books;
mod browser;
mod configuration;
mod connect;
mod consent;
mod create_as;
mod data;
mod doubts;
mod grants;
mod guards;
mod history;
mod items;
mod languages;
mod plans;
mod plugins;
mod provision;
mod secrets;
mod shown;
mod switch;
mod typed;
