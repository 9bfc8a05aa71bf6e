//! The pipeline: one file per arrow of the flow, in order; owns the ports it needs.
//!
//! It knows no wasmtime, no HTTP, no vendor. Truth about what we did is in the journal alone. In the order of the flow:
//! `feed` -> `transform` -> `gather` -> (the planner) -> `execute` -> `intent` -> `carry` -> `settle`, with `recover` for what a crash or
//! a lost answer left open, `sync` for the order of the steps and `status` for people.

mod carry;
mod check;
pub mod config;
mod engine;
mod error;
mod execute;
mod feed;
mod gather;
mod intent;
mod mirror;
pub mod ports;
mod recover;
mod settle;
mod state;
mod status;
mod sync;
mod transform;
pub mod watch;

pub use config::FlowConfig;
pub use engine::{Engine, Parts};
pub use error::EngineError;
pub use recover::Released;
pub use state::rows::{Decision, Doubt, Ended, Event, Happened, LastRun, Request, Standing};
pub use status::Status;
pub use sync::{Preview, RunReport};
