//! The way back: what the ledger's receivable side holds is shown in the CRM. Opt-in, and never in the way of the forward direction.
//!
//! It has no write path of its own: its operations are prepared, journalled, carried, settled and recovered like all others. In the
//! order of the flow: `learn` (what a change means) -> `read` (`reread`, `sweep`, `day`) -> `gather` -> (the planner's `reflect`) ->
//! `keep` -> the executor -> `shown` (what an outcome says) -> `done`. `run` is the order of the steps.

mod day;
mod done;
mod gather;
mod keep;
mod learn;
mod read;
mod reread;
mod run;
mod shown;
mod sweep;

pub use run::{ReflectPreview, Reflected};
