//! What a commit asks for: expectations, puts and deletes.
//!
//! Responsible for: the shape and its limits. Never: checks against stored rows (see `writer`).
//! Flow: built by the caller, passed to [`crate::Store::commit`].

use std::collections::BTreeSet;

use crate::{CommitError, Fence, Lease, Seq};

/// Longest value of a row in bytes. Longer things are bodies, with their digest in the row.
pub const MAX_VALUE_LEN: usize = 64 * 1024;
/// Longest key in bytes.
pub const MAX_KEY_LEN: usize = 2048;

/// What must hold for a write set to be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// No row under the key.
    Absent,
    /// The row under the key was last written by this commit.
    At(Seq),
    /// The lease of that name is still the one with this fence.
    Held(Fence),
}

/// One expectation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// The row's key; for [`Expectation::Held`] the lease's name.
    pub key: Vec<u8>,
    /// What must hold of it.
    pub is: Expectation,
}

/// Changes that become durable together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteSet {
    /// All must hold at the commit.
    pub expect: Vec<Expect>,
    /// Rows to write.
    pub puts: Vec<(Vec<u8>, Vec<u8>)>,
    /// Rows to remove; removing what isn't there is no error.
    pub deletes: Vec<Vec<u8>>,
}

impl WriteSet {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Expects no row under `key`.
    #[must_use]
    pub fn absent(self, key: impl Into<Vec<u8>>) -> Self {
        self.expecting(key, Expectation::Absent)
    }

    /// Expects the row under `key` unchanged since `seq`.
    #[must_use]
    pub fn at(self, key: impl Into<Vec<u8>>, seq: Seq) -> Self {
        self.expecting(key, Expectation::At(seq))
    }

    /// Expects the row under `key` as it was read: at that commit, or absent.
    #[must_use]
    pub fn as_read(self, key: impl Into<Vec<u8>>, read: Option<Seq>) -> Self {
        self.expecting(key, read.map_or(Expectation::Absent, Expectation::At))
    }

    /// Expects that the lease was not claimed by anyone else or released.
    #[must_use]
    pub fn under(self, lease: &Lease) -> Self {
        self.expecting(lease.name.as_bytes(), Expectation::Held(lease.fence))
    }

    /// Writes a row.
    #[must_use]
    pub fn put(mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.puts.push((key.into(), value.into()));
        self
    }

    /// Removes a row.
    #[must_use]
    pub fn delete(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.deletes.push(key.into());
        self
    }

    fn expecting(mut self, key: impl Into<Vec<u8>>, is: Expectation) -> Self {
        self.expect.push(Expect {
            key: key.into(),
            is,
        });
        self
    }

    /// Bytes of keys and values, for the size of a fold.
    pub(crate) fn weight(&self) -> usize {
        let puts: usize = self
            .puts
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        puts + self.deletes.iter().map(Vec::len).sum::<usize>()
    }

    /// Refuses what no store state could make right.
    pub(crate) fn check_shape(&self) -> Result<(), CommitError> {
        let mut named = BTreeSet::new();
        for key in self.puts.iter().map(|(key, _)| key).chain(&self.deletes) {
            if key.len() > MAX_KEY_LEN {
                return Err(CommitError::TooLarge {
                    key: key.clone(),
                    len: key.len(),
                    max: MAX_KEY_LEN,
                });
            }
            if !named.insert(key) {
                return Err(CommitError::NamedTwice { key: key.clone() });
            }
        }
        match self
            .puts
            .iter()
            .find(|(_, value)| value.len() > MAX_VALUE_LEN)
        {
            Some((key, value)) => Err(CommitError::TooLarge {
                key: key.clone(),
                len: value.len(),
                max: MAX_VALUE_LEN,
            }),
            None => Ok(()),
        }
    }
}
