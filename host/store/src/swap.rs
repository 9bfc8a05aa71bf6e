//! Rows written anew, into a fresh file of the same backend or of the other one, and put in place of the old.
//!
//! Responsible for: compacting, also under an open store, and changing the backend, so that a crash at any step leaves the old rows or
//! the new, never neither. Never: changes a row: installation, epoch and commit numbers stay.
//! Flow: under the directory's lock: write beside (`rows-draft`), read back, call it whole by one rename (`rows-next-NAME`),
//! then exchange. `open` calls [`settle`] first, which finishes an exchange that was begun and clears away what is left.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::backup::ask::{Asked, asked_or};
use crate::backup::rows::{Batch, Rows};
use crate::backup::{BackupError, nothing_there};
use crate::lock::DirLock;
use crate::medium::{Medium, MediumError, Slot};
use crate::open::{META_STORE, open_local};
use crate::writer::META_SEQ;
use crate::{Backend, OpenError, disk};

const DRAFT: &str = "rows-draft";
const NEXT: &str = "rows-next-";
const OLD: &str = "rows-old";

/// What rewriting brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewritten {
    /// Rows there are.
    pub rows: u64,
    /// Bytes on disk before.
    pub before: u64,
    /// Bytes on disk after.
    pub after: u64,
    /// The backend after.
    pub backend: String,
}

/// The steps, for those who try what a crash after each leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Begun,
    Written,
    Compared,
    Whole,
    OldAside,
    NewInPlace,
    OldGone,
}

/// Writes all rows of the data directory `dir` anew, on `to`, reads them back and puts them in place of the old. Nobody may
/// work in the directory meanwhile, and there must be room for both. Blocks.
///
/// # Errors
/// The directory is in use, holds no store of `from`, is damaged, or the disk refused: then the old rows are as they were.
pub fn rewrite(dir: &Path, from: Backend, to: Backend) -> Result<Rewritten, BackupError> {
    rewrite_watched(dir, from, to, &mut |_| Ok(()))
}

/// Writes the rows of `dir` anew as they are. Where another process works in the directory, that one does it: whoever commits there
/// waits meanwhile. Blocks.
///
/// # Errors
/// As for [`rewrite`], but for the directory being in use.
pub fn compact(dir: &Path, backend: Backend) -> Result<Rewritten, BackupError> {
    asked_or(dir, &Asked::Compact, || rewrite(dir, backend, backend))
}

pub(crate) fn rewrite_watched(
    dir: &Path,
    from: Backend,
    to: Backend,
    at: &mut dyn FnMut(Step) -> io::Result<()>,
) -> Result<Rewritten, BackupError> {
    nothing_there(dir, from)?;
    // Whatever an open would refuse or settle is refused or settled first.
    drop(open_local(dir, from)?);
    let _lock = DirLock::take(dir)?;
    let before = disk::size(&dir.join(from.name())).map_err(refused(dir))?;
    let old = from.open(&dir.join(from.name())).map_err(failed(dir))?;
    let (next, rows) = written_beside(dir, &*old, to, at)?;
    drop(old);
    exchange(dir, &next, to, at).map_err(refused(dir))?;
    rewritten(dir, rows, before, to)
}

/// The same rows anew under an open store, called by its writer between two transactions. After a failure the old rows are in use
/// still, or the slot is empty: then the next opening finishes the exchange.
pub(crate) fn rewrite_open(
    dir: &Path,
    backend: Backend,
    slot: &Slot,
) -> Result<Rewritten, BackupError> {
    let home = dir.join(backend.name());
    let before = disk::size(&home).map_err(refused(dir))?;
    let (next, rows) = written_beside(dir, slot, backend, &mut |_| Ok(()))?;
    slot.exchange(|| {
        exchange(dir, &next, backend, &mut |_| Ok(())).map_err(refused(dir))?;
        backend.open(&home).map_err(failed(dir))
    })?;
    rewritten(dir, rows, before, backend)
}

fn rewritten(
    dir: &Path,
    rows: u64,
    before: u64,
    backend: Backend,
) -> Result<Rewritten, BackupError> {
    Ok(Rewritten {
        rows,
        before,
        after: disk::size(&dir.join(backend.name())).map_err(refused(dir))?,
        backend: backend.name().to_owned(),
    })
}

fn refused(dir: &Path) -> impl Fn(io::Error) -> BackupError {
    let path = dir.to_owned();
    move |source| BackupError::Io {
        path: path.clone(),
        source,
    }
}

fn failed(dir: &Path) -> impl Fn(MediumError) -> BackupError {
    let dir = dir.to_owned();
    move |error| {
        BackupError::Open(match error {
            // The old rows were opened before: what has no room is the new ones.
            MediumError::Full(reason) => OpenError::NoRoom {
                dir: dir.clone(),
                reason,
            },
            MediumError::Failed(reason) | MediumError::Damaged(reason) => OpenError::Damaged {
                dir: dir.clone(),
                reason,
            },
        })
    }
}

/// New rows beside the old: written, read back, and whole under the name by which [`settle`] knows them. How many they are.
fn written_beside(
    dir: &Path,
    old: &dyn Medium,
    to: Backend,
    at: &mut dyn FnMut(Step) -> io::Result<()>,
) -> Result<(PathBuf, u64), BackupError> {
    let draft = dir.join(DRAFT);
    let written = drafted(dir, &draft, old, to, at);
    if written.is_err() {
        // The draft is nobody's, and may have filled the disk; the first failure is the one to tell.
        let _ = disk::remove_folder(&draft);
    }
    let rows = written?;
    let next = dir.join(format!("{NEXT}{to}"));
    fs::rename(&draft, &next).map_err(refused(dir))?;
    disk::sync_dir(dir).map_err(refused(dir))?;
    at(Step::Whole).map_err(refused(dir))?;
    Ok((next, rows))
}

fn drafted(
    dir: &Path,
    draft: &Path,
    old: &dyn Medium,
    to: Backend,
    at: &mut dyn FnMut(Step) -> io::Result<()>,
) -> Result<u64, BackupError> {
    let (io, failed) = (refused(dir), failed(dir));
    disk::make_private(draft).map_err(&io)?;
    at(Step::Begun).map_err(&io)?;
    {
        let new = to.open(draft).map_err(&failed)?;
        let mut batch = Batch::new(&*new);
        let mut rows = Rows::new(old);
        while let Some((key, frame)) = rows.next().map_err(&failed)? {
            crate::frame::open(&key, &frame)?;
            batch.add(key, frame).map_err(&failed)?;
        }
        for key in [META_STORE, META_SEQ] {
            if let Some(frame) = old.read(key).map_err(&failed)? {
                batch.add(key.to_vec(), frame).map_err(&failed)?;
            }
        }
        batch.flush().map_err(&failed)?;
    }
    at(Step::Written).map_err(&io)?;
    let new = to.open(draft).map_err(&failed)?;
    let (mut here, mut there) = (Rows::new(old), Rows::new(&*new));
    let mut rows = 0u64;
    loop {
        match (
            here.next().map_err(&failed)?,
            there.next().map_err(&failed)?,
        ) {
            (None, None) => break,
            (one, other) if one == other => rows += 1,
            _ => return Err(BackupError::NotTheSame("a row differs".to_owned())),
        }
    }
    drop(new);
    at(Step::Compared).map_err(&io)?;
    Ok(rows)
}

/// From whole new rows beside the old to the new ones alone. May begin at any of its own steps.
fn exchange(
    dir: &Path,
    next: &Path,
    to: Backend,
    at: &mut dyn FnMut(Step) -> io::Result<()>,
) -> io::Result<()> {
    let old = dir.join(OLD);
    for backend in Backend::ALL {
        let home = dir.join(backend.name());
        if home.exists() {
            fs::rename(&home, &old)?;
        }
    }
    disk::sync_dir(dir)?;
    at(Step::OldAside)?;
    fs::rename(next, dir.join(to.name()))?;
    disk::sync_dir(dir)?;
    at(Step::NewInPlace)?;
    disk::remove_folder(&old)?;
    disk::sync_dir(dir)?;
    at(Step::OldGone)
}

/// Whether new rows lie there that only have to be put in place.
pub(crate) fn is_pending(dir: &Path) -> bool {
    waiting(dir).is_some()
}

fn waiting(dir: &Path) -> Option<(PathBuf, Backend)> {
    let found = Backend::ALL.map(|backend| (dir.join(format!("{NEXT}{backend}")), backend));
    found.into_iter().find(|(next, _)| next.exists())
}

/// Finishes what a crash left: called under the lock, before the rows are opened.
pub(crate) fn settle(dir: &Path) -> io::Result<()> {
    disk::remove_folder(&dir.join(DRAFT))?;
    if let Some((next, to)) = waiting(dir) {
        tracing::warn!(backend = %to, "an exchange of rows that a crash broke off is finished");
        // Both old and new can't stand aside at once: what stood aside before is of an exchange that was over.
        if Backend::ALL.iter().any(|b| dir.join(b.name()).exists()) {
            disk::remove_folder(&dir.join(OLD))?;
        }
        exchange(dir, &next, to, &mut |_| Ok(()))?;
    }
    // Without rows in place the old ones are all there is.
    if Backend::ALL.iter().any(|b| dir.join(b.name()).exists()) {
        disk::remove_folder(&dir.join(OLD))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Key, KeyRange, WriteSet, open};

    async fn filled(dir: &Path, backend: Backend) -> std::sync::Arc<dyn crate::Store> {
        let store = open(dir, backend).unwrap();
        for n in 0..50 {
            let set = WriteSet::new().put(Key::new("row").number(n), *b"value");
            store.commit(set).await.unwrap();
        }
        store
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn compacted_while_it_is_open_it_goes_on_with_the_same_rows() {
        for backend in Backend::ALL {
            let place = tempfile::tempdir().unwrap();
            let dir = place.path().join("data");
            let store = filled(&dir, backend).await;
            let before = store.scan(&KeyRange::all(), None, 99).await.unwrap();
            let again = dir.clone();
            let done = tokio::task::spawn_blocking(move || compact(&again, backend));
            assert_eq!(done.await.unwrap().unwrap().rows, 50);
            let after = store.scan(&KeyRange::all(), None, 99).await.unwrap();
            assert_eq!(after, before);
            let more = WriteSet::new().put(*b"more", *b"value");
            let seq = store.commit(more).await.unwrap();
            drop(store);
            let store = open(&dir, backend).unwrap();
            assert_eq!(store.get(b"more").await.unwrap().unwrap().seq, seq);
            let found = store.scan(&KeyRange::all(), None, 99).await.unwrap();
            assert_eq!(found.len(), 51);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_cant_be_written_anew_stays_as_it_is_and_what_cant_be_opened_again_stops() {
        for backend in Backend::ALL {
            let place = tempfile::tempdir().unwrap();
            let dir = place.path().join("data");
            let store = filled(&dir, backend).await;
            let compacted = || {
                let dir = dir.clone();
                tokio::task::spawn_blocking(move || compact(&dir, backend))
            };
            fs::write(dir.join(DRAFT), "in the way").unwrap();
            let refusal = compacted().await.unwrap().unwrap_err().to_string();
            assert!(refusal.contains("nothing was done"), "{refusal}");
            let more = || WriteSet::new().put(*b"more", *b"value");
            store.commit(more()).await.unwrap();
            fs::remove_file(dir.join(DRAFT)).unwrap();
            // The old rows can't be put aside.
            fs::create_dir_all(dir.join(OLD).join("in the way")).unwrap();
            compacted().await.unwrap().unwrap_err();
            let refusal = store.commit(more()).await.unwrap_err();
            assert!(
                matches!(refusal, crate::CommitError::Poisoned { .. }),
                "{refusal}"
            );
            store.get(b"more").await.unwrap_err();
            drop(store);
            let store = open(&dir, backend).unwrap();
            let found = store.scan(&KeyRange::all(), None, 99).await.unwrap();
            assert_eq!(found.len(), 51);
        }
    }

    #[tokio::test]
    async fn broken_off_at_each_step_it_leaves_the_old_rows_or_the_new() {
        let steps = [
            (Step::Begun, false),
            (Step::Written, false),
            (Step::Compared, false),
            (Step::Whole, true),
            (Step::OldAside, true),
            (Step::NewInPlace, true),
            (Step::OldGone, true),
        ];
        for (step, is_new) in steps {
            for to in Backend::ALL {
                let place = tempfile::tempdir().unwrap();
                let dir = place.path().join("data");
                let store = open(&dir, Backend::Sled).unwrap();
                let set = (0..50).fold(WriteSet::new(), |set, n| {
                    set.put(Key::new("row").number(n), *b"value")
                });
                store.commit(set).await.unwrap();
                drop(store);
                let stop = |now| match now == step {
                    true => Err(io::Error::other("stopped")),
                    false => Ok(()),
                };
                rewrite_watched(&dir, Backend::Sled, to, &mut { stop }).unwrap_err();
                let left = if is_new { to } else { Backend::Sled };
                let store = open(&dir, left).unwrap();
                let found = store.scan(&KeyRange::all(), None, 99).await.unwrap();
                assert_eq!(found.len(), 50, "{step:?} {to}");
                for name in [DRAFT, OLD, "rows-next-sled", "rows-next-redb"] {
                    assert!(!dir.join(name).exists(), "{step:?}: {name} is left");
                }
            }
        }
    }
}
