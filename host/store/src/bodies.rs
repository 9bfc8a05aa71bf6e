//! Content-addressed files for what is too large for a row.
//!
//! Responsible for: a body being whole and on disk before anyone can name it, checked when read, erasable.
//! Never: decides how long a body is kept. Flow: `put`, then commit a row with the digest; `get` by the digest.
//!
//! The file of a body is `bodies/` + two digits + `/` + the other 62 digits of its SHA-256.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::anchor::Anchor;
use crate::key::hex;
use crate::{Moved, disk};

const FOLDER: &str = "bodies";

/// The SHA-256 of a body; its text form is 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyDigest([u8; 32]);

impl BodyDigest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for BodyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for BodyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for BodyDigest {
    type Err = BodyError;

    fn from_str(text: &str) -> Result<Self, BodyError> {
        let bad = || BodyError::NotADigest {
            text: text.to_owned(),
        };
        if text.len() != 64
            || !text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        {
            return Err(bad());
        }
        let mut digest = [0; 32];
        for (at, byte) in digest.iter_mut().enumerate() {
            let pair = text.get(at * 2..at * 2 + 2).ok_or_else(bad)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(Self(digest))
    }
}

/// A body could not be kept or read.
#[derive(Debug, Error)]
pub enum BodyError {
    /// The file's content has another digest.
    #[error(
        "the body {digest} is damaged: {} has another content than its name says. Restore that file from a backup, \
         or erase the body if its source can be read again", path.display()
    )]
    Damaged {
        /// The body.
        digest: BodyDigest,
        /// Its file.
        path: PathBuf,
    },
    /// Its file is gone.
    #[error(
        "the body {digest} is not in the data directory any more, and a row still needs it. Was its file removed, or the folder `bodies` \
         not copied along? Put it back from a copy of the directory, or restore the last backup into an empty folder"
    )]
    Missing {
        /// The body.
        digest: BodyDigest,
    },
    /// Not 64 hexadecimal digits.
    #[error("{text:?} is no body digest: 64 digits 0-9 a-f are expected")]
    NotADigest {
        /// What was given.
        text: String,
    },
    /// The directory is no longer where it was opened.
    #[error(transparent)]
    Moved(#[from] Moved),
    /// The file system refused.
    #[error("{} could not be used: {source}. Check the disk and its free space", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The refusal.
        source: io::Error,
    },
}

/// The bodies of a data directory. Calls block on the disk: make them off the async threads.
#[derive(Clone, Debug)]
pub struct Bodies {
    root: PathBuf,
    anchor: Anchor,
}

impl Bodies {
    /// Opens or creates the bodies in the data directory `dir`.
    ///
    /// # Errors
    /// The file system refused.
    pub fn open(dir: &Path) -> Result<Self, BodyError> {
        let root = dir.join(FOLDER);
        make_dir(&root)?;
        let anchor = Anchor::to_folder(dir, FOLDER).map_err(refused(&root))?;
        Ok(Self { root, anchor })
    }

    /// Keeps `bytes`; they are on disk when it returns. Keeping the same bytes again is free.
    ///
    /// # Errors
    /// The file system refused; the body may not be named then.
    pub fn put(&self, bytes: &[u8]) -> Result<BodyDigest, BodyError> {
        self.anchor.check()?;
        let digest = BodyDigest::of(bytes);
        let (folder, path) = self.place(&digest);
        make_dir(&folder)?;
        if matches!(self.get(&digest), Ok(Some(_))) {
            // A put that died between its rename and its sync leaves a whole file with an unsynced name.
            disk::sync_dir(&folder).map_err(refused(&folder))?;
            return Ok(digest);
        }
        let draft = folder.join(format!(".draft-{}", hex(&rand::random::<[u8; 8]>())));
        let written = write_synced(&draft, bytes).and_then(|()| fs::rename(&draft, &path));
        if let Err(source) = written {
            // The draft is nobody's; the first failure is the one to tell.
            let _ = fs::remove_file(&draft);
            return Err(BodyError::Io { path, source });
        }
        disk::sync_dir(&folder).map_err(refused(&folder))?;
        Ok(digest)
    }

    /// The body, checked against its digest; `None` if it was erased or never kept.
    ///
    /// # Errors
    /// The content does not match the digest, or the file system refused.
    pub fn get(&self, digest: &BodyDigest) -> Result<Option<Vec<u8>>, BodyError> {
        self.anchor.check()?;
        let (_, path) = self.place(digest);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(BodyError::Io { path, source }),
        };
        if BodyDigest::of(&bytes) == *digest {
            Ok(Some(bytes))
        } else {
            Err(BodyError::Damaged {
                digest: *digest,
                path,
            })
        }
    }

    /// Removes the body for good. Erasing what isn't there is no error.
    ///
    /// # Errors
    /// The file system refused.
    pub fn erase(&self, digest: &BodyDigest) -> Result<(), BodyError> {
        self.anchor.check()?;
        let (folder, path) = self.place(digest);
        match fs::remove_file(&path) {
            Ok(()) => disk::sync_dir(&folder).map_err(refused(&folder)),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(source) => Err(BodyError::Io { path, source }),
        }
    }

    /// The digests of all bodies, in order. What is put or erased meanwhile may or may not be among them.
    pub(crate) fn all(&self) -> Result<Vec<BodyDigest>, BodyError> {
        let mut found = Vec::new();
        for folder in names(&self.root)? {
            let path = self.root.join(&folder);
            if !path.is_dir() {
                continue;
            }
            for rest in names(&path)? {
                // Drafts that a crash left are no bodies.
                found.extend(format!("{folder}{rest}").parse::<BodyDigest>());
            }
        }
        found.sort_unstable();
        Ok(found)
    }

    fn place(&self, digest: &BodyDigest) -> (PathBuf, PathBuf) {
        let name = digest.to_string();
        let (first, rest) = name.split_at(2);
        let folder = self.root.join(first);
        let path = folder.join(rest);
        (folder, path)
    }
}

fn names(dir: &Path) -> Result<Vec<String>, BodyError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(refused(dir))? {
        let name = entry.map_err(refused(dir))?.file_name();
        names.extend(name.into_string());
    }
    Ok(names)
}

fn make_dir(dir: &Path) -> Result<(), BodyError> {
    if dir.is_dir() {
        return Ok(());
    }
    disk::make_private(dir).map_err(refused(dir))?;
    match dir.parent() {
        Some(parent) => disk::sync_dir(parent).map_err(refused(parent)),
        None => Ok(()),
    }
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn refused(path: &Path) -> impl FnOnce(io::Error) -> BodyError {
    let path = path.to_owned();
    move |source| BodyError::Io { path, source }
}
