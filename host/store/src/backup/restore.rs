//! Restoring a backup into a folder of its own.
//!
//! Responsible for: a folder that is either not there or whole, of the next epoch. Never: touches a folder that holds
//! something, or a live store. Flow: `read` says that the file is sound; then the rows are written beside the folder, read
//! back, and put in place by one rename. Whoever opens it finds an epoch in which nobody has said go.

use std::collections::btree_map;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use crate::backup::BackupError;
use crate::backup::format::Record;
use crate::backup::left;
use crate::backup::read::{self, Contents, Sound};
use crate::backup::rows::{Batch, Rows};
use crate::lock::DirLock;
use crate::medium::Medium;
use crate::meta::{Origin, seconds};
use crate::open::meta_rows;
use crate::witness::Witness;
use crate::{Backend, Bodies, Seq, StoreMeta, disk};

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// What the backup held.
    pub backup: Contents,
    /// The epoch of the restored store.
    pub epoch: u64,
    /// Rows it has.
    pub rows: u64,
    /// The backend it is of.
    pub backend: String,
}

/// Restores the backup `file` as the data directory `into`, which must be empty or not there, on `backend` or else on the one
/// that it was taken of. The restored store is of the next epoch. Blocks.
///
/// # Errors
/// The backup isn't sound, the folder isn't empty, or the disk refused: then nothing is there that wasn't before.
pub fn restore(
    file: &Path,
    into: &Path,
    backend: Option<Backend>,
) -> Result<Restored, BackupError> {
    let mut into = super::absolute(into)?;
    let refused = |path: &Path| {
        let path = path.to_owned();
        move |source| BackupError::Io { path, source }
    };
    if fs::symlink_metadata(&into).is_ok() {
        into = fs::canonicalize(&into).map_err(refused(&into))?;
    }
    free(&into)?;
    if disk::is_mount_point(&into).map_err(refused(&into))? {
        return Err(BackupError::MountPoint { dir: into });
    }
    let sound = read::read(file)?;
    let backend = match backend {
        Some(backend) => backend,
        None => sound
            .header
            .backend
            .parse()
            .map_err(|reason| BackupError::Broken {
                file: file.to_owned(),
                at: 0,
                reason,
            })?,
    };
    let parent = into.parent().unwrap_or(Path::new("/"));
    disk::make_private(parent).map_err(refused(parent))?;
    left::clear_restoring(&into);
    let draft = left::restoring(&into).map_err(refused(&into))?;
    disk::make_new_private(&draft).map_err(refused(&draft))?;
    // Held while it is filled, so that nobody takes it for left; not while it is put in place: Windows moves no folder with an open file.
    let filled = DirLock::take(&draft)
        .map_err(BackupError::from)
        .and_then(|_held| fill(file, &sound, &draft, backend));
    let placed = filled.and_then(|restored| {
        free(&into)?;
        if into.exists() {
            fs::remove_dir(&into).map_err(refused(&into))?;
        }
        fs::rename(&draft, &into).map_err(refused(&into))?;
        disk::sync_dir(parent).map_err(refused(parent))?;
        Ok(restored)
    });
    if placed.is_err() {
        // The draft is nobody's; the first failure is the one to tell.
        let _ = fs::remove_dir_all(&draft);
    }
    placed
}

/// Refuses a folder that holds anything.
fn free(into: &Path) -> Result<(), BackupError> {
    let refused = |source| BackupError::Io {
        path: into.to_owned(),
        source,
    };
    match fs::read_dir(into) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(BackupError::NotEmpty {
                dir: into.to_owned(),
            }),
        },
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(other) => Err(refused(other)),
    }
}

fn fill(
    file: &Path,
    sound: &Sound,
    draft: &Path,
    backend: Backend,
) -> Result<Restored, BackupError> {
    let home: PathBuf = draft.join(backend.name());
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| BackupError::Io { path, source }
    };
    disk::make_private(&home).map_err(io(&home))?;
    let failed = |error: crate::medium::MediumError| BackupError::Io {
        path: draft.to_owned(),
        source: io::Error::other(error.to_string()),
    };
    let medium = backend.open(&home).map_err(failed)?;
    let bodies = Bodies::open(draft)?;
    let meta = StoreMeta {
        epoch: sound.header.store.epoch.saturating_add(1),
        origin: Origin::Restored {
            taken_at: sound.header.taken_at,
            at: seconds(SystemTime::now()),
        },
        ..sound.header.store.clone()
    };
    let last = Seq(sound.trailer.commit);
    let mut batch = Batch::new(&*medium);
    read::walk(file, |record| match record {
        Record::Row(key, frame) if !sound.changed.contains_key(&key) => {
            batch.add(key, frame).map_err(failed)
        }
        Record::Body(_, bytes) => bodies.put(&bytes).map(drop).map_err(BackupError::from),
        Record::Row(..) | Record::Change(..) => Ok(()),
    })?;
    for (key, frame) in &sound.changed {
        if let Some(frame) = frame {
            batch.add(key.clone(), frame.clone()).map_err(failed)?;
        }
    }
    batch.flush().map_err(failed)?;
    let described = meta_rows(&meta, last).map_err(|reason| io(draft)(io::Error::other(reason)))?;
    medium.write_durably(&described).map_err(failed)?;
    drop(medium);
    let medium = backend.open(&home).map_err(failed)?;
    let rows = compare(file, sound, &*medium)?;
    drop(medium);
    Witness::at(draft).note(&meta, last).map_err(io(draft))?;
    disk::sync_dir(draft).map_err(io(draft))?;
    Ok(Restored {
        backup: sound.contents.clone(),
        epoch: meta.epoch,
        rows,
        backend: backend.name().to_owned(),
    })
}

/// Reads what was written and holds it against the backup: every row, byte by byte, and no row beyond.
fn compare(file: &Path, sound: &Sound, medium: &dyn Medium) -> Result<u64, BackupError> {
    let differs = |what: &str, key: &[u8]| {
        let key = crate::key::readable(key.get(1..).unwrap_or_default());
        BackupError::NotTheSame(format!("the row {key} {what}"))
    };
    let unreadable = |error: crate::medium::MediumError| BackupError::NotTheSame(error.to_string());
    let mut there = Rows::new(medium);
    let mut count = 0u64;
    let mut expect = |key: &[u8], frame: &[u8]| -> Result<(), BackupError> {
        match there.next().map_err(unreadable)? {
            Some((found, value)) if found == key && value == frame => {
                count += 1;
                Ok(())
            }
            Some((found, _)) if found != key => {
                Err(differs("is missing or another one is there", key))
            }
            Some(_) => Err(differs("has another value", key)),
            None => Err(differs("is missing", key)),
        }
    };
    let mut changed: btree_map::Iter<'_, _, _> = sound.changed.iter();
    let mut pending = changed.next();
    read::walk(file, |record| {
        let Record::Row(key, frame) = record else {
            return Ok(());
        };
        if sound.changed.contains_key(&key) {
            return Ok(());
        }
        while let Some((other, value)) = pending.filter(|(other, _)| **other < key) {
            if let Some(value) = value {
                expect(other, value)?;
            }
            pending = changed.next();
        }
        expect(&key, &frame)
    })?;
    for (key, frame) in pending.into_iter().chain(changed) {
        if let Some(frame) = frame {
            expect(key, frame)?;
        }
    }
    match there.next().map_err(unreadable)? {
        Some((key, _)) => Err(differs("is there and not in the backup", &key)),
        None => Ok(count),
    }
}
