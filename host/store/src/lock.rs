//! The data directory's lock: one process at a time.
//!
//! Responsible for: the operating system's lock on the file `lock`, with our process id in it for people.
//! Never: breaks a lock; the system frees it when its holder dies. Flow: taken first in `local::open`, freed last.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use crate::OpenError;
use crate::anchor::Anchor;

/// The file in the data directory.
pub(crate) const NAME: &str = "lock";

/// Held while the store is open.
#[derive(Debug)]
pub(crate) struct DirLock(File);

impl DirLock {
    /// What tells whether the directory is still the one that was locked; of use while the lock is held.
    pub(crate) fn anchor(&self, dir: &Path) -> io::Result<Anchor> {
        Anchor::to(dir, NAME, &self.0)
    }

    pub(crate) fn take(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join(NAME);
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut file = opened.map_err(|source| OpenError::Io { path, source })?;
        lock(dir, &mut file)?;
        // Over the old id first, so that whoever reads it meanwhile reads a number. The lock holds without it: on a full disk people
        // must still be able to look and to take a backup elsewhere.
        let pid = std::process::id().to_string();
        let written = file
            .rewind()
            .and_then(|()| file.write_all(pid.as_bytes()))
            .and_then(|()| file.set_len(u64::try_from(pid.len()).unwrap_or(u64::MAX)));
        if let Err(error) = written {
            tracing::debug!(%error, "the lock doesn't name its holder");
        }
        Ok(Self(file))
    }

    /// The same where nothing can be written: the lock of a file that is only read keeps others out as well.
    pub(crate) fn take_to_look(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join(NAME);
        let mut file = File::open(&path).map_err(|source| OpenError::Io { path, source })?;
        lock(dir, &mut file)?;
        Ok(Self(file))
    }
}

fn lock(dir: &Path, file: &mut File) -> Result<(), OpenError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            // Without a readable id the message still names the directory.
            let read = file.read_to_string(&mut pid);
            let pid = match pid.trim() {
                digits if read.is_ok() && !digits.is_empty() => digits.to_owned(),
                _ => "unknown".to_owned(),
            };
            Err(OpenError::InUse {
                dir: dir.to_owned(),
                pid,
            })
        }
        Err(TryLockError::Error(source)) => Err(OpenError::Io {
            path: dir.join(NAME),
            source,
        }),
    }
}
