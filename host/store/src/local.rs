//! A store in a directory of this machine.
//!
//! Responsible for: the trait over any embedded backend. Never: writes rows itself.
//! Flow: started by `open`; reads go to the medium, changes to the writer thread.
//!
//! Stored keys begin with a space byte: 0x00 the store's own rows, 0x01 the caller's.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::sync::oneshot;

use crate::anchor::Anchor;
use crate::backup::ask::desk;
use crate::backup::take::Source;
use crate::flight::Flight;
use crate::lease::Terms;
use crate::lock::DirLock;
use crate::medium::{Medium, MediumError, RawRow, Slot};
use crate::stopped::{Poison, Stopped};
use crate::witness::Witness;
use crate::writer::{Claim, Request, Writer};
use crate::{
    CommitError, Damaged, KeyRange, Lease, LeaseError, Row, Seq, Store, StoreError, StoreMeta,
    VerifyReport, Versioned, WriteSet, disk, frame,
};

const ROWS: u8 = 1;
/// No caller's row comes before this stored key.
pub(crate) const FIRST_ROW: &[u8] = &[ROWS];
pub(crate) const AFTER_ROWS: &[u8] = &[ROWS + 1];
/// Rows read at a time by `verify`.
const VERIFY_PAGE: usize = 1000;

/// The stored key of a caller's key.
pub(crate) fn row_key(key: &[u8]) -> Vec<u8> {
    [&[ROWS], key].concat()
}

/// What keeps other processes out and remembers how far the rows reach.
pub(crate) struct Held {
    pub(crate) lock: DirLock,
    pub(crate) witness: Witness,
}

pub(crate) struct LocalStore {
    running: Option<(Sender<Request>, JoinHandle<()>)>,
    /// The thread that answers other processes, which ends when the sender is dropped.
    desk: Option<(Sender<()>, JoinHandle<()>)>,
    medium: Option<Arc<Slot>>,
    flight: Arc<Flight>,
    poison: Poison,
    meta: StoreMeta,
    home: PathBuf,
    anchor: Option<Anchor>,
    // Declared last: the directory is free only when nothing of it is open.
    lock: Option<DirLock>,
}

impl LocalStore {
    /// Starts the writer thread over an opened medium whose last commit is `last`.
    pub(crate) fn start(
        medium: Arc<Slot>,
        meta: StoreMeta,
        last: Seq,
        home: PathBuf,
        held: Option<Held>,
    ) -> io::Result<Arc<Self>> {
        let (flight, poison) = (Arc::new(Flight::new()), Poison::new(OnceLock::new()));
        let (lock, witness) = held.map(|held| (held.lock, held.witness)).unzip();
        let dir = home.parent().unwrap_or(&home);
        let anchor = lock
            .as_ref()
            .map(|lock: &DirLock| lock.anchor(dir))
            .transpose()?;
        let writer = Writer {
            medium: Arc::clone(&medium),
            flight: Arc::clone(&flight),
            poison: Arc::clone(&poison),
            last,
            terms: Terms::default(),
            anchor: anchor.clone(),
            witness: witness.map(|witness| (witness, meta.clone())),
            witnessed: last,
            tap: None,
        };
        let (requests, inbox) = channel();
        let thread = std::thread::Builder::new()
            .name("footbridge-store".to_owned())
            .spawn(move || writer.run(&inbox))?;
        let running = Some((requests, thread));
        let mut opened = Self {
            running,
            desk: None,
            medium: Some(medium),
            flight,
            poison,
            meta,
            home,
            anchor,
            lock,
        };
        if opened.lock.is_some() {
            let (end, ended) = channel();
            let source = opened.source().map_err(io::Error::other)?;
            let thread = std::thread::Builder::new()
                .name("footbridge-desk".to_owned())
                .spawn(move || desk(&source, &ended))?;
            opened.desk = Some((end, thread));
        }
        Ok(Arc::new(opened))
    }

    /// What a backup is taken of.
    pub(crate) fn source(&self) -> Result<Source, StoreError> {
        let closed = || StoreError::Io("it is closed".to_owned());
        let (requests, _) = self.running.as_ref().ok_or_else(closed)?;
        let backend = self.home.file_name().unwrap_or_default();
        Ok(Source {
            medium: self.medium.clone().ok_or_else(closed)?,
            requests: requests.clone(),
            meta: self.meta.clone(),
            dir: self.home.parent().unwrap_or(&self.home).to_owned(),
            backend: backend.to_string_lossy().into_owned(),
            anchor: self.anchor.clone(),
        })
    }

    fn medium(&self) -> Result<&dyn Medium, StoreError> {
        match (self.poison.get(), &self.medium) {
            (Some(stopped), _) => Err(stopped.clone().into()),
            (None, Some(medium)) => Ok(&**medium),
            (None, None) => Err(StoreError::Io("it is closed".to_owned())),
        }
    }

    /// Stored rows of a range, flushed when this returns.
    async fn raw_rows(
        &self,
        start: &[u8],
        end: &[u8],
        limit: usize,
    ) -> Result<Vec<RawRow>, StoreError> {
        let rows = self
            .medium()?
            .read_range(start, end, limit)
            .map_err(|error| at(start, error))?;
        self.flight.landed(start, end).await;
        self.medium()?;
        Ok(rows)
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<T>) -> Request,
    ) -> Result<T, CommitError> {
        let (answer, answered) = oneshot::channel();
        if let Some((requests, _)) = &self.running
            && requests.send(request(answer)).is_ok()
            && let Ok(answer) = answered.await
        {
            return Ok(answer);
        }
        // The writer's thread is gone, which only a panic in it can do.
        let broke_off = || Stopped::Unflushed("the writer broke off".to_owned());
        Err(self.poison.get_or_init(broke_off).clone().into())
    }
}

#[async_trait]
impl Store for LocalStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        let raw = row_key(key);
        let found = self.medium()?.read(&raw).map_err(|error| at(&raw, error))?;
        let next = [&raw[..], &[0]].concat();
        self.flight.landed(&raw, &next).await;
        self.medium()?;
        Ok(found.map(|sealed| frame::open(&raw, &sealed)).transpose()?)
    }

    async fn scan(
        &self,
        range: &KeyRange,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        let mut start = row_key(&range.start);
        if let Some(after) = after {
            // The first key after `after`.
            start = start.max([&[ROWS], after, &[0]].concat());
        }
        let end = range
            .end
            .as_ref()
            .map_or_else(|| AFTER_ROWS.to_vec(), |end| row_key(end));
        if start >= end || limit == 0 {
            return Ok(Vec::new());
        }
        let rows = self.raw_rows(&start, &end, limit).await?;
        let opened = rows.into_iter().map(|(raw, sealed)| {
            let row = frame::open(&raw, &sealed)?;
            Ok((caller_key(&raw), row))
        });
        opened.collect()
    }

    async fn commit(&self, set: WriteSet) -> Result<Seq, CommitError> {
        set.check_shape()?;
        self.ask(|answer| Request::Commit { set, answer }).await?
    }

    async fn claim(
        &self,
        name: &str,
        holder: &str,
        duration: Duration,
        now: SystemTime,
    ) -> Result<Lease, LeaseError> {
        let wish = Claim {
            name: name.to_owned(),
            holder: holder.to_owned(),
            now,
            until: now + duration,
        };
        self.ask(|answer| Request::Claim { wish, answer }).await?
    }

    async fn renew(
        &self,
        lease: &Lease,
        duration: Duration,
        now: SystemTime,
    ) -> Result<Lease, LeaseError> {
        let (lease, until) = (lease.clone(), now + duration);
        self.ask(|answer| Request::Renew {
            lease,
            until,
            answer,
        })
        .await?
    }

    async fn release(&self, lease: Lease) -> Result<(), LeaseError> {
        self.ask(|answer| Request::Release { lease, answer })
            .await?
    }

    fn meta(&self) -> &StoreMeta {
        &self.meta
    }

    async fn verify(&self) -> Result<VerifyReport, StoreError> {
        let mut report = VerifyReport::default();
        let mut start = vec![ROWS];
        loop {
            let rows = self.raw_rows(&start, AFTER_ROWS, VERIFY_PAGE).await?;
            let Some((last, _)) = rows.last() else {
                return Ok(report);
            };
            start = [&last[..], &[0]].concat();
            for (raw, sealed) in &rows {
                match frame::open(raw, sealed) {
                    Ok(row) => {
                        report.rows += 1;
                        let bytes = caller_key(raw).len() + row.value.len();
                        report.live_bytes += u64::try_from(bytes).unwrap_or(u64::MAX);
                    }
                    Err(damaged) => report.damaged.push(damaged),
                }
            }
            tokio::task::yield_now().await;
        }
    }

    async fn size_on_disk(&self) -> Result<u64, StoreError> {
        disk::size(&self.home).map_err(|error| StoreError::Io(error.to_string()))
    }
}

/// Without the space byte.
fn caller_key(raw: &[u8]) -> Vec<u8> {
    raw.get(1..).unwrap_or_default().to_vec()
}

fn at(raw: &[u8], error: MediumError) -> StoreError {
    match error {
        MediumError::Damaged(reason) => Damaged {
            key: caller_key(raw),
            reason,
        }
        .into(),
        MediumError::Failed(reason) | MediumError::Full(reason) => StoreError::Io(reason),
    }
}

impl Drop for LocalStore {
    /// Waits for the writer, so that the directory can be opened again at once.
    fn drop(&mut self) {
        if let Some((end, thread)) = self.desk.take() {
            drop(end);
            // A desk that panicked left a question unanswered; whoever asked does it then.
            let _ = thread.join();
        }
        if let Some((requests, thread)) = self.running.take() {
            drop(requests);
            // A writer that panicked has poisoned its callers already.
            let _ = thread.join();
        }
        self.medium = None;
    }
}

impl fmt::Debug for LocalStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalStore")
            .field("home", &self.home)
            .field("meta", &self.meta)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "local_tests.rs"]
mod tests;
