//! Back to the CRM: what the ledger's receivable side holds becomes records of the receivables vocabulary (domain rules 8, 12, 13).
//!
//! Pure: it reads no clock and no store, and the order of what it is given doesn't matter. A document is planned together with its
//! payments and allocations; balances are planned from the standings that documents leave behind. One record that can't be told
//! is held and never stops the others.
//!
//! In reading order: `input`, `plan`, `document` (`status`, `amounts`), `payment`, `allocation`, `balance` (`standing`), `write` (`compare`).

mod allocation;
mod amounts;
mod balance;
mod compare;
mod document;
pub mod input;
mod payment;
mod plan;
mod standing;
mod status;
mod write;

pub use compare::same as same_record;
pub use input::ReflectInput;
pub use plan::{Reflection, reflect};
pub use standing::{Counts, Standing};
