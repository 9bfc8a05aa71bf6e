//! Why a store that is open stopped.
//!
//! Responsible for: one reason, the first, told to everybody who reads or writes from then on. Never: taken back; whoever goes on opens
//! the store again. Flow: the writer sets it, `local` asks it before and after each read.

use std::sync::{Arc, OnceLock};

use crate::{CommitError, Moved, StoreError};

/// Why the store stopped, if it did; shared with the readers.
pub(crate) type Poison = Arc<OnceLock<Stopped>>;

/// Why nothing more is written and read.
#[derive(Clone, Debug)]
pub(crate) enum Stopped {
    /// A write could not be flushed.
    Unflushed(String),
    /// The directory is no longer where it was opened.
    Moved(Moved),
}

impl From<Stopped> for CommitError {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Unflushed(first) => Self::Poisoned { first },
            Stopped::Moved(moved) => Self::Moved(moved),
        }
    }
}

impl From<Stopped> for StoreError {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Unflushed(first) => Self::Poisoned { first },
            Stopped::Moved(moved) => Self::Moved(moved),
        }
    }
}
