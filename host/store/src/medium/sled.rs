//! sled 0.34.7 behind the medium trait.
//!
//! Responsible for: one tree, a small cache, flushes that reach the disk, and the failures of this version that are
//! known. Never: more trees (space grows with them), sled types outside this file. Flow: see `medium`.
//!
//! Known of 0.34.7 and handled here: `flush` on Linux is `sync_file_range`, which waits for neither the file's
//! length nor the drive's cache, so the file is synced again through a handle of our own, and blob files and its
//! configuration, which it never syncs, too; a `snap.*.generating` file left by a kill is taken for a finished snapshot and
//! refused; some failures panic; pages that large batches replaced are kept in memory.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};

use super::{Change, Medium, MediumError, RawRow};
use crate::disk;

/// Page cache in bytes; sled's own default is 1 GiB.
const CACHE: u64 = 64 * 1024 * 1024;
/// Rows of a batch after which replaced and evicted pages are freed once: far fewer than the 512 objects that are freed then.
const ROWS_PER_FREEING: usize = 64;
/// How long a store of this process just dropped may keep its file lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

pub(crate) struct Sled {
    rows: sled::Tree,
    // Declared after the tree: the database goes last.
    database: sled::Db,
    log: File,
    blobs: PathBuf,
    synced_blobs: Mutex<BTreeSet<OsString>>,
}

impl Sled {
    pub(crate) fn open(home: &Path) -> Result<Self, MediumError> {
        remove_unfinished_snapshots(home).map_err(MediumError::from)?;
        let database = open_database(home)?;
        let rows = guarded(|| database.open_tree("rows"))?;
        let log = File::open(home.join("db")).map_err(MediumError::from)?;
        let blobs = home.join("blobs");
        let synced_blobs = Mutex::new(disk::file_names(&blobs).map_err(MediumError::from)?);
        let opened = Self {
            rows,
            database,
            log,
            blobs,
            synced_blobs,
        };
        opened.flush()?;
        // `conf` is written once and checked at every opening: torn by a power cut it would cost all rows.
        for name in disk::file_names(home).map_err(MediumError::from)? {
            let synced = File::open(home.join(name)).and_then(|file| file.sync_all());
            synced.map_err(MediumError::from)?;
        }
        disk::sync_dir(home).map_err(MediumError::from)?;
        Ok(opened)
    }

    fn flush(&self) -> Result<(), MediumError> {
        guarded(|| self.database.flush())?;
        self.sync_blobs().map_err(MediumError::from)?;
        self.log.sync_data().map_err(MediumError::from)
    }

    /// sled moves pages over an eighth of a segment to files of their own and does not sync them.
    fn sync_blobs(&self) -> io::Result<()> {
        let present = disk::file_names(&self.blobs)?;
        let mut synced = self
            .synced_blobs
            .lock()
            .map_err(|_| io::Error::other("an earlier sync broke off"))?;
        if present == *synced {
            return Ok(());
        }
        for name in present.difference(&synced) {
            match File::open(self.blobs.join(name)) {
                Ok(blob) => blob.sync_all()?,
                // Replaced meanwhile.
                Err(gone) if gone.kind() == io::ErrorKind::NotFound => {}
                Err(other) => return Err(other),
            }
        }
        disk::sync_dir(&self.blobs)?;
        *synced = present;
        Ok(())
    }
}

impl Medium for Sled {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, MediumError> {
        Ok(guarded(|| self.rows.get(key))?.map(|value| value.to_vec()))
    }

    fn read_range(
        &self,
        start: &[u8],
        end: &[u8],
        limit: usize,
    ) -> Result<Vec<RawRow>, MediumError> {
        guarded(|| {
            self.rows
                .range::<&[u8], _>(start..end)
                .take(limit)
                .map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())))
                .collect()
        })
    }

    fn write_durably(&self, changes: &[Change]) -> Result<(), MediumError> {
        let mut batch = sled::Batch::default();
        for (key, frame) in changes {
            match frame {
                Some(frame) => batch.insert(key.as_slice(), frame.as_slice()),
                None => batch.remove(key.as_slice()),
            }
        }
        guarded(|| self.rows.apply_batch(batch))?;
        free_replaced(changes.len());
        self.flush()
    }
}

/// Replaced and evicted pages are freed only while threads enter sled: at every 128th time, 512 of them. A batch enters once, whatever its
/// size, so that without this large batches keep more memory with each of them.
fn free_replaced(rows: usize) {
    for _ in 0..=rows / ROWS_PER_FREEING {
        sled::pin().flush();
    }
}

fn open_database(home: &Path) -> Result<sled::Db, MediumError> {
    let config = sled::Config::new()
        .path(home)
        .cache_capacity(CACHE)
        .mode(sled::Mode::LowSpace)
        // Every commit flushes; there is nothing for a timer to do.
        .flush_every_ms(None);
    let started = Instant::now();
    loop {
        match guarded(|| config.open()) {
            // The directory is ours by our own lock: only a dropped store of this process can still have it.
            Err(MediumError::Failed(reason))
                if reason.contains("could not acquire lock")
                    && started.elapsed() < LOCK_PATIENCE =>
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            other => return other,
        }
    }
}

/// A snapshot only shortens recovery: the log alone is the truth, and an unfinished one is not yet relied on.
fn remove_unfinished_snapshots(home: &Path) -> io::Result<()> {
    for name in disk::file_names(home)? {
        let text = name.to_string_lossy();
        if text.starts_with("snap.") && text.ends_with(".generating") {
            fs::remove_file(home.join(&name))?;
            tracing::warn!(file = %text, "removed a snapshot that a crash left unfinished; no row depends on it");
        }
    }
    Ok(())
}

thread_local! {
    /// Whether this thread is inside a sled call, whose panics become errors and are told there.
    static GUARDED: Cell<u32> = const { Cell::new(0) };
}

/// Panics inside a guarded call are not printed as well.
fn quiet_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if GUARDED.with(Cell::get) == 0 {
                usual(panic);
            }
        }));
    });
}

/// Runs a sled call; its panics become errors.
fn guarded<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, MediumError> {
    quiet_hook();
    GUARDED.with(|depth| depth.set(depth.get() + 1));
    let outcome = catch_unwind(AssertUnwindSafe(call));
    GUARDED.with(|depth| depth.set(depth.get().saturating_sub(1)));
    match outcome {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(sled::Error::Corruption { at, .. })) => Err(MediumError::Damaged(match at {
            Some(at) => format!("sled found damage at {at:?}"),
            None => "sled found a damaged snapshot or log".to_owned(),
        })),
        Ok(Err(sled::Error::Io(error))) if error.kind() == io::ErrorKind::StorageFull => {
            Err(error.into())
        }
        Ok(Err(error)) => Err(MediumError::Failed(error.to_string())),
        Err(panic) => {
            let words = panic.downcast_ref::<String>().map(String::as_str);
            let words = words
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no reason given");
            Err(MediumError::Damaged(format!("sled gave up: {words}")))
        }
    }
}
