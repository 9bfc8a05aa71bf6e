//! The store trait and the shapes its answers have.
//!
//! Responsible for: the promise every backend keeps. Never: code that keeps it (see `local`).
//! Flow: callers hold `Arc<dyn Store>` from [`crate::open`].

use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::{CommitError, Damaged, KeyRange, Lease, LeaseError, StoreError, StoreMeta, WriteSet};

/// The number of a commit. Every commit gets a higher one than all before it, across restarts; a row carries the
/// number of the commit that last wrote it, which is what expectations compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A value with the number of the commit that wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// The bytes as they were put.
    pub value: Vec<u8>,
    /// The commit that put them.
    pub seq: Seq,
}

/// A key and its value, as a scan returns them.
pub type Row = (Vec<u8>, Versioned);

/// What reading the whole store found.
#[derive(Clone, Debug, Default)]
pub struct VerifyReport {
    /// Sound rows.
    pub rows: u64,
    /// Bytes of the sound rows' keys and values.
    pub live_bytes: u64,
    /// Rows whose check failed; all others are readable.
    pub damaged: Vec<Damaged>,
}

/// Durable rows, compare-and-commit, leases.
///
/// Reads return flushed state only: a read that meets a row being saved waits until it is saved. A future dropped
/// while it waits for [`Store::commit`] does not take the commit back.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// The row under `key`, or `None`.
    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError>;

    /// Up to `limit` rows of `range` in key order, beginning after the key `after`. A hint, not a snapshot: rows may
    /// have changed by the time it returns, so a commit built on it states its expectations.
    /// [`StoreError::Damaged`] names the first row that can't be read; go on with `after` = its key.
    async fn scan(
        &self,
        range: &KeyRange,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError>;

    /// All of the set or nothing, if every expectation holds. Returns after the flush to disk, never before.
    async fn commit(&self, set: WriteSet) -> Result<Seq, CommitError>;

    /// Takes the lease `name` for `duration` from `now`, unless someone holds it and it has not run out.
    /// Every claim has a higher fence than all before it. On an embedded backend a lease ends with the process.
    async fn claim(
        &self,
        name: &str,
        holder: &str,
        duration: Duration,
        now: SystemTime,
    ) -> Result<Lease, LeaseError>;

    /// Extends a lease nobody has claimed since, under the same fence.
    async fn renew(
        &self,
        lease: &Lease,
        duration: Duration,
        now: SystemTime,
    ) -> Result<Lease, LeaseError>;

    /// Gives a lease back: write sets under it are refused from now on.
    async fn release(&self, lease: Lease) -> Result<(), LeaseError>;

    /// Which store this is.
    fn meta(&self) -> &StoreMeta;

    /// Reads every row and checks it.
    async fn verify(&self) -> Result<VerifyReport, StoreError>;

    /// Bytes the rows take on disk, bodies not counted.
    async fn size_on_disk(&self) -> Result<u64, StoreError>;
}
