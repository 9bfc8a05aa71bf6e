//! Reading a backup whole: whether it is sound, and what it holds.
//!
//! Responsible for: the one pass over a file that everything else relies on. Never: writes anything.
//! Flow: `take` reads back what it wrote, `restore` goes over the file again only after this.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::Path;

use serde::Serialize;

use crate::backup::BackupError;
use crate::backup::format::{FORMAT, Fault, Header, Next, Opener, Record, Trailer};
use crate::key::{Segment, segments};

/// What a sound backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Contents {
    /// Whose it is.
    pub installation: String,
    /// Its epoch.
    pub epoch: u64,
    /// When it was begun, in seconds since 1970, UTC.
    pub taken_at: u64,
    /// The commit that it ends at.
    pub commit: u64,
    /// Which backend it was taken of.
    pub backend: String,
    /// Rows as they were found.
    pub rows: u64,
    /// Rows written or removed while it was taken.
    pub changes: u64,
    /// Bodies.
    pub bodies: u64,
    /// Length of the file in bytes.
    pub bytes: u64,
    /// Rows by their first segment, `link` and `request` among them.
    pub kinds: BTreeMap<String, u64>,
}

/// A sound backup, and the rows that changed while it was taken, as they were in the end.
pub(crate) struct Sound {
    pub(crate) contents: Contents,
    pub(crate) header: Header,
    pub(crate) trailer: Trailer,
    pub(crate) changed: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

/// Reads the backup `file` whole and says what it holds.
///
/// # Errors
/// It is no backup, of a newer format, cut short or damaged, or the file system refused.
pub fn contents(file: &Path) -> Result<Contents, BackupError> {
    read(file).map(|sound| sound.contents)
}

pub(crate) fn read(file: &Path) -> Result<Sound, BackupError> {
    let mut changed: BTreeMap<Vec<u8>, Option<Vec<u8>>> = BTreeMap::new();
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    let (header, trailer, bytes) = walk(file, |record| {
        match record {
            Record::Row(key, frame) => {
                *kinds.entry(kind(&key)).or_default() += 1;
                if let Some(known) = changed.get_mut(&key) {
                    *known = Some(frame);
                }
            }
            Record::Change(key, frame) => {
                changed.insert(key, frame);
            }
            Record::Body(..) => {}
        }
        Ok(())
    })?;
    let contents = Contents {
        installation: header.store.installation.clone(),
        epoch: header.store.epoch,
        taken_at: header.taken_at,
        commit: trailer.commit,
        backend: header.backend.clone(),
        rows: trailer.counts.rows,
        changes: trailer.counts.changes,
        bodies: trailer.counts.bodies,
        bytes,
        kinds,
    };
    Ok(Sound {
        contents,
        header,
        trailer,
        changed,
    })
}

/// Goes over a backup. What it gives may be used only if this ends well.
pub(crate) fn walk(
    file: &Path,
    mut each: impl FnMut(Record) -> Result<(), BackupError>,
) -> Result<(Header, Trailer, u64), BackupError> {
    let io = |source| BackupError::Io {
        path: file.to_owned(),
        source,
    };
    let input = File::open(file).map_err(|source| match source.kind() {
        ErrorKind::NotFound => BackupError::NoSuchFile {
            file: file.to_owned(),
        },
        _ => io(source),
    })?;
    let bytes = input.metadata().map_err(io)?.len();
    let wrong = |fault, at| match fault {
        Fault::Io(source) => io(source),
        Fault::NotABackup => BackupError::NotABackup {
            file: file.to_owned(),
        },
        Fault::Newer(found) => BackupError::Newer {
            file: file.to_owned(),
            found,
            known: FORMAT,
        },
        Fault::CutShort => BackupError::CutShort {
            file: file.to_owned(),
            at: bytes,
        },
        Fault::Broken(reason) => BackupError::Broken {
            file: file.to_owned(),
            at,
            reason,
        },
    };
    let (mut opener, header) =
        Opener::new(BufReader::with_capacity(1 << 20, input)).map_err(|fault| wrong(fault, 0))?;
    loop {
        let next = opener.next().map_err(|fault| wrong(fault, opener.at))?;
        match next {
            Next::Record(record) => each(record)?,
            Next::End(trailer) => return Ok((header, trailer, bytes)),
        }
    }
}

/// The first segment of a stored key, behind its space byte.
fn kind(key: &[u8]) -> String {
    let first = key.get(1..).and_then(segments);
    match first.and_then(|found| found.into_iter().next()) {
        Some(Segment::Text(text)) => text,
        _ => "other".to_owned(),
    }
}
