//! The pure planner: the same changes, links, observed state, policy and instant give the same plan (design invariant 5).
//!
//! It does no IO and asks nobody: the engine gathers what it needs into a [`PlanInput`], and carries out the [`Plan`] it gets.
//! Every operation, skip and hold has a reason that a bookkeeper understands.
//!
//! In reading order: `plan` leads through `assess` (`go_live`, `draft`, `deal`, `parts`, `existing`), `customer` (`matching`, `naming`, `rivals`, `proposal`, `payer`),
//! `invoice` (`dates`, `tax`, `totals`, `number`) and `write_back`, each asking `ruled` what people decided; `amend` is for invoices whose deals changed; `reflect` plans the way back; `rails`
//! takes out of either plan what the operator doesn't let through yet. `sent` counts what is written over and over, `index` looks things up, `explain` has every sentence.

mod amend;
mod assess;
mod customer;
mod dates;
mod deal;
mod draft;
mod existing;
mod explain;
mod go_live;
mod index;
pub mod input;
mod invoice;
pub mod lint;
mod matching;
pub mod merge;
mod money;
mod naming;
mod number;
mod parts;
mod payer;
mod plan;
pub mod policy;
mod proposal;
pub mod rails;
pub mod reflect;
mod rivals;
mod ruled;
pub mod sent;
mod tax;
mod totals;
mod write_back;

pub use dates::{ZoneError, as_of, instant, midnight_after};
pub use footbridge_model::plan::Plan;
pub use input::PlanInput;
pub use lint::lint;
pub use matching::{exact_name, loose_name};
pub use money::bare as bare_money;
pub use plan::plan;
pub use policy::FlowPolicy;
pub use proposal::other_names;
