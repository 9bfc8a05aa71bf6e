//! The only home of wasmtime and of the way out: limits, broker, registry.
//!
//! Plugins run in [`Sandbox`] and hold nothing; all traffic passes [`Broker`]. Both implement the engine's ports, and
//! nothing of wasmtime or HTTP shows in this crate's interface. Reading order: `check`, `install`, `registry`; `engine`,
//! `run`, `turns`, `state`, `host`, `wasi_http`, `wasi`; `connector`, `transform`; then `broker/` from `exchange.rs` on.

mod bindings;
mod broker;
mod cache;
mod check;
mod clock;
mod compile;
mod connect;
mod connection;
mod connector;
mod convert;
mod engine;
mod grants;
mod host;
mod install;
mod keyvalue;
mod limits;
mod meter;
mod oauth;
mod preflight;
mod profile;
mod registry;
mod run;
mod sandbox;
mod seal;
mod secret;
mod state;
mod transform;
mod turns;
mod wasi;
mod wasi_http;

pub use broker::{
    AuditLog, AuditLogError, AuditRecord, AuditSink, Broker, BrokerError, BrokerOptions, Left,
    Verdict,
};
pub use check::{CheckError, Inspection, Look, LookedImport, inspect, look};
pub use clock::SystemClock;
pub use compile::{COMPILE_COMMAND, CompileError, Compiler, compile_child};
pub use connect::{ConnectError, Disconnected, Ending, Held, Reachable};
pub use connection::{
    Access, Auth, BudgetOverride, Connection, Face, GrantRule, Provider, Purpose, SecretError,
    SecretSource,
};
pub use engine::PluginKind;
pub use grants::{
    Declared, Disagreement, Given, Grant, GrantedTo, Imported, Lent, Manifest, ManifestError,
    Package, PackageError, Pinned, Powers, PowersError, PublicKey, Publisher, Release, Report,
    ServicePaths, Signature, SignatureError, Signed, SigningKey, Staged, Stays, Updates, approval,
    may_follow, offered, staged,
};
pub use install::InstallError;
pub use limits::{Fuel, Limits};
pub use oauth::authorize::ConsentRequest;
pub use oauth::callback::{CallbackError, Code};
pub use oauth::vault::{Chosen, Consent};
pub use preflight::{Approves, Finding, Found, Needs, Preflight};
pub use registry::{Installed, Place, RegistryError};
pub use sandbox::{Sandbox, SandboxError, SandboxOptions};
pub use seal::{InstallationKey, KeyError};
pub use secret::Secret;
