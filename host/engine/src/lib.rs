//! The pipeline: one file per arrow of the flow, in order; owns the ports it needs.
//!
//! It knows no wasmtime, no HTTP, no vendor. Truth about what we did is in the journal alone.

pub mod ports;
