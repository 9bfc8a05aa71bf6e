//! Durable state behind one small trait.
//!
//! Responsible for: keeping rows so that what was acknowledged survives a crash, refusing a write set whose
//! expectations no longer hold, leases with growing fences, and content-addressed bodies beside the rows.
//! Never: interprets a value, names a business concept, or lets a backend's type out of this crate.
//! Flow: the engine builds a [`WriteSet`] and calls [`Store::commit`]; `local` passes it to the one writer thread
//! (`writer`), which folds waiting sets into one transaction of a backend (`medium`), flushes, and answers.

mod anchor;
mod backup;
mod bodies;
mod disk;
mod error;
mod flight;
mod frame;
pub mod key;
mod lease;
mod local;
mod lock;
mod look;
mod medium;
mod meta;
mod open;
mod stopped;
mod store;
mod swap;
mod witness;
mod write_set;
mod writer;

pub use anchor::Moved;
pub use backup::{BackupError, Contents, Restored, backup, contents, restore};
pub use bodies::{Bodies, BodyDigest, BodyError};
pub use error::{CommitError, Damaged, LeaseError, OpenError, StoreError};
pub use key::{Key, KeyRange};
pub use lease::{Fence, Lease};
pub use look::{Looked, look};
pub use medium::Backend;
pub use meta::{FORMAT, Origin, StoreMeta};
pub use open::open;
pub use store::{Row, Seq, Store, VerifyReport, Versioned};
pub use swap::{Rewritten, compact, rewrite};
pub use write_set::{Expect, Expectation, MAX_KEY_LEN, MAX_VALUE_LEN, WriteSet};
