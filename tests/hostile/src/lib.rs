//! Where the hostile guests are. The tests are in `tests/`: `classes.rs` and `deeds.rs` (every deed of every guest and what
//! becomes of it), `early.rs` (guests that no compiler would write), `files.rs` (what may be installed), `calls.rs` and
//! `faces.rs` (what a connector may ask for), `transforms.rs` (what a transform sees), `native.rs` (native code on disk),
//! `storage.rs` (what a connector may keep), `neighbours.rs` (what others notice). `examples/neighbours.rs` measures the last.

/// The component of the hostile connector.
pub const CONNECTOR: &str = env!("HOSTILE_CONNECTOR");
/// The component of the connector that asks through both faces of the broker.
pub const FETCHER: &str = env!("HOSTILE_FETCHER");
/// The component of the hostile transform.
pub const TRANSFORM: &str = env!("HOSTILE_TRANSFORM");
