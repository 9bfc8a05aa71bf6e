//! A backup: one file that holds what the store held at one commit, and the way back from it.
//!
//! Responsible for: the file's format, taking it while others commit, reading it whole, restoring it. Never: tokens, keys
//! or settings, which lie elsewhere; a file under its name before every byte of it was read back.
//! Flow: [`backup`] opens the store, or asks the process that has it open (`ask`); `take` writes rows as it finds them and
//! the write sets committed meanwhile, so that reading the file in order ends at one commit; `restore` reads it back.

pub(crate) mod ask;
mod error;
mod format;
mod left;
mod read;
mod restore;
pub(crate) mod rows;
pub(crate) mod take;

use std::path::{Path, PathBuf};

use crate::{Backend, disk};

pub use error::BackupError;
pub use read::{Contents, contents};
pub use restore::{Restored, restore};

/// Writes a backup of the data directory `dir` to `file`, which must not exist yet, and reads it back. While another
/// process works in the directory, that one does it. Blocks.
///
/// # Errors
/// There is no store, the file is there already, the disk refused, or what is stored is damaged; nothing is left behind.
pub fn backup(dir: &Path, backend: Backend, file: &Path) -> Result<Contents, BackupError> {
    nothing_there(dir, backend)?;
    let file = absolute(file)?;
    if disk::is_taken(&file) {
        return Err(BackupError::Exists { file });
    }
    let open = || Ok(crate::open::open_local(dir, backend)?);
    ask::asked_or(dir, &ask::Asked::Backup(file.clone()), open, |store| {
        take::take(&store.source()?, &file, &|| false)
    })
}

/// Refuses a directory without rows of that kind; where it has some of the other kind, in the words of whoever opens it.
pub(crate) fn nothing_there(dir: &Path, backend: Backend) -> Result<(), BackupError> {
    let home = dir.join(backend.name());
    match std::fs::metadata(&home) {
        Ok(found) if found.is_dir() => Ok(()),
        Err(source) if source.kind() == std::io::ErrorKind::PermissionDenied => {
            Err(BackupError::Io { path: home, source })
        }
        _ if crate::swap::is_pending(dir) => Ok(()),
        _ => {
            backend.alone_in(dir)?;
            Err(BackupError::NothingThere {
                dir: dir.to_owned(),
            })
        }
    }
}

fn absolute(file: &Path) -> Result<PathBuf, BackupError> {
    std::path::absolute(file).map_err(|source| BackupError::Io {
        path: file.to_owned(),
        source,
    })
}
