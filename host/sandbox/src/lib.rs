//! The only home of wasmtime and of the way out: limits, broker, registry.
//!
//! Plugins run in [`Sandbox`] and hold nothing; all traffic passes [`Broker`]. Both implement the engine's ports, and
//! nothing of wasmtime or HTTP shows in this crate's interface. Reading order: `check`, `install`, `registry`; `engine`,
//! `run`, `state`, `host`, `wasi`; `connector`, `transform`; then `broker/` from `exchange.rs` on.

mod bindings;
mod broker;
mod cache;
mod check;
mod clock;
mod compile;
mod connection;
mod connector;
mod convert;
mod engine;
mod host;
mod install;
mod keyvalue;
mod limits;
mod meter;
mod profile;
mod registry;
mod run;
mod sandbox;
mod seal;
mod secret;
mod state;
mod token;
mod transform;
mod wasi;

pub use broker::{
    AuditLog, AuditLogError, AuditRecord, AuditSink, Broker, BrokerError, BrokerOptions, Left,
    Verdict,
};
pub use check::{CheckError, Inspection, inspect};
pub use clock::SystemClock;
pub use compile::{COMPILE_COMMAND, CompileError, Compiler, compile_child};
pub use connection::{
    Access, BudgetOverride, Connection, GrantRule, Provider, SecretError, SecretSource,
};
pub use engine::PluginKind;
pub use install::InstallError;
pub use limits::{Fuel, Limits};
pub use registry::{Installed, RegistryError};
pub use sandbox::{Sandbox, SandboxError, SandboxOptions};
pub use seal::{InstallationKey, KeyError};
pub use secret::Secret;
