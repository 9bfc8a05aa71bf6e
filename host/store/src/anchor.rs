//! Whether a path still leads to what was opened under it.
//!
//! Responsible for: noticing that the data directory was moved, or another put in its place, while a process works in it: what
//! that process writes by path would land in the other one. Never: changes anything; Windows moves no folder with an open file in it,
//! so nothing is asked there. Flow: the lock file speaks for rows, witness and backups, the folder of the bodies for these; each
//! write asks first, which costs one `stat`.

use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

/// The data directory is no longer where it was opened.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "the data directory {} was moved, or another was put in its place, while this was running. Nothing more is written in either: \
     end whatever else still runs with it, then start again", dir.display()
)]
pub struct Moved {
    /// Where it was.
    pub dir: PathBuf,
}

/// A file or folder of the data directory that was opened, held against what its path leads to by now.
#[derive(Clone, Debug)]
pub(crate) struct Anchor {
    dir: PathBuf,
    name: &'static str,
    /// `None` where the system doesn't tell.
    opened: Option<Identity>,
    /// An open file's inode goes to no other file.
    _pin: Option<Arc<File>>,
}

/// Device and inode.
type Identity = (u64, u64);

impl Anchor {
    /// To a file that stays open for as long as anybody asks.
    pub(crate) fn to(dir: &Path, name: &'static str, file: &File) -> io::Result<Self> {
        Ok(Self {
            dir: dir.to_owned(),
            name,
            opened: identity(&file.metadata()?),
            _pin: None,
        })
    }

    /// To a folder, which it keeps open.
    pub(crate) fn to_folder(dir: &Path, name: &'static str) -> io::Result<Self> {
        // Windows opens no folder as a file.
        if !cfg!(unix) {
            return Ok(Self {
                dir: dir.to_owned(),
                name,
                opened: None,
                _pin: None,
            });
        }
        let folder = File::open(dir.join(name))?;
        Ok(Self {
            _pin: Some(Arc::new(folder.try_clone()?)),
            ..Self::to(dir, name, &folder)?
        })
    }

    /// Refuses where the path leads elsewhere, or nowhere.
    pub(crate) fn check(&self) -> Result<(), Moved> {
        let Some(opened) = self.opened else {
            return Ok(());
        };
        let now = fs::metadata(self.dir.join(self.name));
        match now.ok().and_then(|now| identity(&now)) {
            Some(now) if now == opened => Ok(()),
            _ => Err(Moved {
                dir: self.dir.clone(),
            }),
        }
    }
}

#[cfg(unix)]
fn identity(known: &Metadata) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    Some((known.dev(), known.ino()))
}

#[cfg(not(unix))]
fn identity(_known: &Metadata) -> Option<Identity> {
    None
}
