//! Where the hostile guests are. The tests are in `tests/`: `files.rs` (what may be installed), `calls.rs` (what a
//! connector may do), `transforms.rs` (what a transform may do), `native.rs` (native code on disk), `storage.rs` (what a
//! connector may keep).

/// The component of the hostile connector.
pub const CONNECTOR: &str = env!("HOSTILE_CONNECTOR");
/// The component of the hostile transform.
pub const TRANSFORM: &str = env!("HOSTILE_TRANSFORM");
