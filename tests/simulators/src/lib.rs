//! Strict, stateful simulators of the two vendors' APIs, and the believable company that fills them.
//!
//! They are built from the vendors' published behaviour (`ASSUMPTIONS.md` lists each with its source)
//! and share no code with `host/` or `plugins/`, so that a mistake there cannot hide here.

pub mod clock;
pub mod company;
mod consent_page;
pub mod defects;
pub mod faults;
pub mod salesforce;
pub mod server;
pub mod xero;
