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
    let free = || {
        nothing_there(dir, backend)?;
        drop(open_local(dir, backend)?);
        Ok(())
    };
    asked_or(dir, &Asked::Compact, free, |()| {
        rewrite(dir, backend, backend)
    })
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
    let rows = written_beside(dir, &*old, to, at)?;
    drop(old);
    let next = named(dir, to, at).map_err(refused(dir))?;
    exchange(dir, &next, to, at).map_err(refused(dir))?;
    rewritten(dir, rows, before, to)
}

/// The same rows anew under an open store, called by its writer between two transactions; `stay` refuses once another directory lies
/// under its name. After a failure the old rows are in use still and no new ones are left, or the slot is empty: then the store stops, so
/// that nothing is written which the next opening, that finishes the exchange, would lose.
pub(crate) fn rewrite_open(
    dir: &Path,
    backend: Backend,
    slot: &Slot,
    stay: &dyn Fn() -> Result<(), BackupError>,
    at: &mut dyn FnMut(Step) -> io::Result<()>,
) -> Result<Rewritten, BackupError> {
    let home = dir.join(backend.name());
    let before = disk::size(&home).map_err(refused(dir))?;
    let rows = written_beside(dir, slot, backend, at)?;
    slot.exchange(|| {
        stay()?;
        let next = dir.join(format!("{NEXT}{backend}"));
        let begun = named(dir, backend, at).and_then(|next| exchange(dir, &next, backend, at));
        if let Err(error) = begun {
            if !home.exists() {
                return Err(refused(dir)(error));
            }
            // Nothing was moved yet. New rows that stayed would take the place of newer ones.
            for left in [&next, &dir.join(DRAFT)] {
                disk::remove_folder(left).map_err(refused(dir))?;
            }
            disk::sync_dir(dir).map_err(refused(dir))?;
            let old = backend.open(&home).map_err(failed(dir))?;
            return Ok((old, Err(refused(dir)(error))));
        }
        let new = backend.open(&home).map_err(failed(dir))?;
        Ok((new, Ok(())))
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

/// New rows beside the old, written and read back. How many they are.
fn written_beside(
    dir: &Path,
    old: &dyn Medium,
    to: Backend,
    at: &mut dyn FnMut(Step) -> io::Result<()>,
) -> Result<u64, BackupError> {
    let draft = dir.join(DRAFT);
    let written = drafted(dir, &draft, old, to, at);
    if written.is_err() {
        // The draft is nobody's, and may have filled the disk; the first failure is the one to tell.
        let _ = disk::remove_folder(&draft);
    }
    written
}

/// The new rows get the name by which [`settle`] knows that they are whole.
fn named(
    dir: &Path,
    to: Backend,
    at: &mut dyn FnMut(Step) -> io::Result<()>,
) -> io::Result<PathBuf> {
    let next = dir.join(format!("{NEXT}{to}"));
    fs::rename(dir.join(DRAFT), &next)?;
    disk::sync_dir(dir)?;
    at(Step::Whole)?;
    Ok(next)
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

/// Whether the rows that were there lie aside.
pub(crate) fn stands_aside(dir: &Path) -> bool {
    dir.join(OLD).exists()
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
    async fn what_cant_be_written_anew_or_put_in_place_stays_as_it_is() {
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
            // The old rows can't be put aside: they stay in use, and no new ones are left to take their place.
            fs::create_dir_all(dir.join(OLD).join("in the way")).unwrap();
            compacted().await.unwrap().unwrap_err();
            let last = WriteSet::new().put(*b"last", *b"value");
            store.commit(last).await.unwrap();
            assert!(!is_pending(&dir));
            drop(store);
            let store = open(&dir, backend).unwrap();
            let found = store.scan(&KeyRange::all(), None, 99).await.unwrap();
            assert_eq!(found.len(), 52);
        }
    }

    #[test]
    fn failed_at_any_step_under_an_open_store_no_later_commit_is_lost() {
        let steps = [
            Step::Begun,
            Step::Written,
            Step::Compared,
            Step::Whole,
            Step::OldAside,
            Step::NewInPlace,
            Step::OldGone,
        ];
        for step in steps {
            for backend in Backend::ALL {
                let place = tempfile::tempdir().unwrap();
                let dir = place.path().join("data");
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                drop(runtime.block_on(filled(&dir, backend)));
                let home = dir.join(backend.name());
                let slot = Slot::new(backend.open(&home).unwrap());
                let mut stop = |now| match now == step {
                    true => Err(io::Error::other("stopped")),
                    false => Ok(()),
                };
                rewrite_open(&dir, backend, &slot, &|| Ok(()), &mut stop).unwrap_err();
                // A store whose slot is empty takes no commit.
                let goes_on = !slot.is_empty();
                if goes_on {
                    let row = (b"\x01later".to_vec(), Some(b"row".to_vec()));
                    slot.write_durably(&[row]).unwrap();
                }
                assert_eq!(goes_on, !is_pending(&dir) && home.exists(), "{step:?}");
                drop(slot);
                settle(&dir).unwrap();
                let rows = backend.open(&home).unwrap();
                let later = rows.read(b"\x01later").unwrap();
                assert_eq!(later.is_some(), goes_on, "{step:?} {backend}");
                assert_eq!(
                    rows.read_range(&[1], &[2], 99).unwrap().len(),
                    50 + usize::from(goes_on)
                );
            }
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
