//! The pipeline: one file per arrow of the flow, in order; owns the ports it needs.
//!
//! It knows no wasmtime, no HTTP, no vendor. Truth about what we did is in the journal alone. In the order of the flow:
//! `organisation` -> `feed` -> `transform` (`granted`) -> `losses` -> `gather` -> `observe` (`trust`) -> (the planner, `still_there`, `amend`) -> `note` -> `execute` -> `prepare` -> `intent` -> `carry` -> `settle`, with `awake` for a run that stood still, `blocked` for what waits for another record, `refused` for what isn't offered twice a day, `anew` for refusals that go back to the planner, `rewritten` for what is changed back over there, `beside` for what goes on while a deal waits, `recover` for what a crash or
//! a lost answer left open, `merge` for changes of customers, `reflect` for the way back to the CRM, `storage` for what plugins keep, `rails` for what the operator lets through, `saved` for plans that people approve, `rehearse` for trying another transform, `provision` for setting a far side up, `items` for what people decide, `replay` for looking again, `history` for what was done (`hanging`: to what belongs to a record), `retention` and `erase` for what is forgotten, `epoch` for what was restored or copied, `sync` for the order of the steps, `unsettled` for what waits, and `status` for people.

mod amend;
mod anew;
mod awake;
mod beside;
mod blocked;
mod carry;
mod check;
pub mod config;
mod counted;
mod doubles;
mod engine;
mod epoch;
mod erase;
mod error;
mod execute;
mod feed;
mod field_gone;
mod gather;
pub mod granted;
mod hanging;
mod history;
mod intent;
mod items;
mod losses;
mod merge;
mod mirror;
mod note;
mod observe;
mod organisation;
mod over_another;
pub mod ports;
mod prepare;
mod promised;
pub mod provision;
mod rails;
mod recover;
mod reflect;
mod refused;
mod rehearse;
mod replay;
mod retention;
mod rewritten;
mod ruling;
pub mod saved;
mod settle;
mod state;
mod status;
mod still_there;
pub mod storage;
mod sync;
mod transform;
mod trust;
mod unsettled;
pub mod watch;

pub use config::{FlowConfig, ReflectConfig};
pub use engine::{Engine, Parts};
pub use epoch::Held;
pub use erase::Erased;
pub use error::EngineError;
pub use granted::TransformGrant;
pub use history::{Deed, Entry, FieldChange, Value};
pub use items::{Answered, Counts, Decided, Evidence, Known, Refusal};
pub use organisation::{Pinned, pinned};
pub use recover::Released;
pub use reflect::{ReflectPreview, Reflected};
pub use rehearse::{DraftChange, Rehearsal};
pub use replay::{Conditions, Looked, Mode, Replayed, Selection};
pub use retention::Forgotten;
pub use state::rows::{Decision, Doubt, Ended, Event, Happened, LastRun, Request, Standing};
pub use status::{Status, StatusBack};
pub use sync::{Preview, RunReport};
pub use unsettled::Unsettled;
