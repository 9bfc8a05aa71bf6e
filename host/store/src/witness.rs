//! A note beside the rows of how far they reached.
//!
//! Responsible for: telling an empty or cut-off store from a new one; a backend that drops the end of its log when it
//! recovers can't hide it. It names the directory that it lies in by what a copy of it hasn't got (its inode and the instant
//! of its birth), so that a copy is known. Never: needed to read rows. Flow: read and written by `open`, written again by `writer`
//! every thousand commits and at a clean end.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::{Seq, StoreMeta, disk};

/// What was on disk at some time before.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Sighting {
    pub(crate) installation: String,
    pub(crate) seq: u64,
    /// Which directory it lay in, where the system tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Place>,
}

/// A directory, by what stays when it is moved on its disk and is another for a copy. The number of the device is not part of
/// it: for many file systems that is another after every start of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    inode: u64,
    /// Nanoseconds since 1970, where the file system keeps it.
    born: Option<u64>,
}

impl Place {
    /// Which directory that is, where the system tells.
    fn of(dir: &Path) -> Option<Self> {
        let known = fs::metadata(dir).ok()?;
        let born = known.created().ok();
        let born = born.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        Some(Self {
            inode: inode(&known)?,
            born: born.and_then(|age| u64::try_from(age.as_nanos()).ok()),
        })
    }

    /// Whether the two are surely not the same.
    fn differs(&self, other: &Self) -> bool {
        let born = self.born.zip(other.born);
        self.inode != other.inode || born.is_some_and(|(one, other)| one != other)
    }
}

#[cfg(unix)]
fn inode(known: &fs::Metadata) -> Option<u64> {
    use std::os::unix::fs::MetadataExt as _;
    Some(known.ino())
}

#[cfg(not(unix))]
fn inode(_known: &fs::Metadata) -> Option<u64> {
    None
}

#[derive(Debug)]
pub(crate) struct Witness {
    dir: PathBuf,
}

impl Witness {
    pub(crate) fn at(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    pub(crate) fn seen(&self) -> Result<Option<Sighting>, String> {
        let text = match fs::read(self.dir.join("witness.json")) {
            Ok(text) => text,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(other) => return Err(format!("witness.json: {other}")),
        };
        let sighting = serde_json::from_slice(&text);
        sighting
            .map(Some)
            .map_err(|error| format!("witness.json: {error}"))
    }

    /// Whether that sighting was made in another directory than this one.
    pub(crate) fn is_elsewhere(&self, seen: &Sighting) -> bool {
        let (before, now) = (seen.place.as_ref(), Place::of(&self.dir));
        matches!((before, now), (Some(before), Some(now)) if before.differs(&now))
    }

    /// Notes that `seq` is on disk.
    pub(crate) fn note(&self, meta: &StoreMeta, seq: Seq) -> io::Result<()> {
        self.draft(meta, seq)?.put()
    }

    /// The same, written and not said yet: what can't be written is refused here.
    pub(crate) fn draft(&self, meta: &StoreMeta, seq: Seq) -> io::Result<Draft<'_>> {
        let sighting = Sighting {
            installation: meta.installation.clone(),
            seq: seq.0,
            place: Place::of(&self.dir),
        };
        let draft = self.dir.join("witness.json.new");
        let mut file = File::create(&draft)?;
        file.write_all(&serde_json::to_vec(&sighting)?)?;
        file.sync_all()?;
        Ok(Draft {
            dir: &self.dir,
            draft,
        })
    }
}

/// A sighting that waits for being said.
#[must_use]
pub(crate) struct Draft<'w> {
    dir: &'w Path,
    draft: PathBuf,
}

impl Draft<'_> {
    pub(crate) fn put(self) -> io::Result<()> {
        fs::rename(&self.draft, self.dir.join("witness.json"))?;
        disk::sync_dir(self.dir)
    }
}
