//! Readable cases, a folder each under `cases/`: what is in Salesforce and Xero, what happens, what must come of it, to the cent.
//!
//! They run through the real engine, store, broker and plugins against both simulators; only time is the case's own. In reading order:
//! `case` (what a case may say), `world` (fills the simulators), `play` (syncs and what happens between), `verdict` (holds it against
//! the simulators' records); `ledger` is the Xero connector alone. README.md tells how to write one.

mod case;
mod ledger;
mod play;
mod setting;
mod verdict;
mod world;

pub use case::{Case, read};
pub use ledger::Ledger;
pub use play::play;
pub use setting::Setting;
