//! Opening a data directory to look at it: commands that only read must answer on a full disk and on one that can't be written.
//!
//! Responsible for: a copy of the rows in a temporary folder where the directory itself can't be opened, and refusing every commit then:
//! what is written to a copy would be lost silently. Never: changes the directory. Flow: [`look`] tries `open` first; sled 0.34 has no
//! way of opening without writing, and neither has redb while another process may hold its file.
//!
//! The directory's lock is taken all the same: rows that somebody writes meanwhile would be copied torn.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;

use crate::local::LocalStore;
use crate::lock::DirLock;
use crate::medium::{Backend, Slot};
use crate::open::{Recognised, open_local, recognised};
use crate::witness::Witness;
use crate::{
    CommitError, KeyRange, Lease, LeaseError, OpenError, Row, Seq, Store, StoreError, StoreMeta,
    VerifyReport, Versioned, WriteSet, disk,
};

/// What is looked at.
#[derive(Debug, Clone)]
pub enum Looked {
    /// The directory itself.
    Itself,
    /// A copy, since the directory can't be opened, and why not.
    AtCopy(String),
}

/// Opens the store in `dir`, or, where the disk doesn't let it, a copy of it that takes no commit. Blocks.
///
/// # Errors
/// As for `open`, if no copy can be made or read either.
pub fn look(dir: &Path, backend: Backend) -> Result<(Arc<dyn Store>, Looked), OpenError> {
    let refusal = match open_local(dir, backend) {
        Ok(store) => return Ok((store, Looked::Itself)),
        Err(refusal) => refusal,
    };
    let is_the_disks = matches!(refusal, OpenError::Full { .. } | OpenError::Io { .. });
    let home = dir.join(backend.name());
    if !is_the_disks || !home.exists() {
        return Err(refusal);
    }
    let why = refusal.to_string();
    let copy = AtCopy::of(dir, backend, refusal)?;
    Ok((Arc::new(copy), Looked::AtCopy(why)))
}

/// A folder that goes when it is no longer looked at.
#[derive(Debug)]
struct Passing(PathBuf);

impl Passing {
    fn new() -> io::Result<Self> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let nanos = now.unwrap_or_default().as_nanos();
        let name = format!("footbridge-look-{}-{nanos}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        disk::make_new_private(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        if let Err(error) = disk::remove_folder(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "a copy of the rows could not be removed: remove it, it holds customers' data");
        }
    }
}

/// A store over a copy of a directory's rows.
#[derive(Debug)]
struct AtCopy {
    store: Arc<LocalStore>,
    // After the store: it is removed when nothing of it is open.
    _folder: Passing,
    _lock: DirLock,
}

impl AtCopy {
    fn of(dir: &Path, backend: Backend, refusal: OpenError) -> Result<Self, OpenError> {
        let lock = DirLock::take_to_look(dir)?;
        let folder = match Passing::new() {
            Ok(folder) => folder,
            Err(error) => return Err(no_copy(refusal, &error)),
        };
        let home = folder.0.join(backend.name());
        if let Err(error) = copy(&dir.join(backend.name()), &home) {
            return Err(no_copy(refusal, &error));
        }
        let medium = backend.open(&home).map_err(|error| OpenError::Damaged {
            dir: dir.to_owned(),
            reason: error.to_string(),
        })?;
        let medium = Arc::new(Slot::new(medium));
        // Of the epoch that it will be of once it can be written.
        let Recognised { meta, last, .. } = recognised(dir, &*medium, &Witness::at(dir))?;
        let store = LocalStore::start(medium, meta, last, home, None);
        Ok(Self {
            store: store.map_err(|source| OpenError::Io {
                path: dir.to_owned(),
                source,
            })?,
            _folder: folder,
            _lock: lock,
        })
    }
}

/// The first refusal stays the one to tell; that there is no room for a copy is added to it.
fn no_copy(refusal: OpenError, error: &io::Error) -> OpenError {
    let more = format!(
        "a copy to look at could not be made in {} either: {error}",
        std::env::temp_dir().display()
    );
    match refusal {
        OpenError::Full { dir, reason } => OpenError::Full {
            dir,
            reason: format!("{reason}; {more}"),
        },
        OpenError::Io { path, source } => OpenError::Io {
            path,
            source: io::Error::new(source.kind(), format!("{source}; {more}")),
        },
        other => other,
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    disk::make_new_private(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, beside) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&path, &beside)?;
        } else {
            let mut source = fs::File::open(&path)?;
            // Written anew and not copied with its permissions: a file that can't be written would be no use here.
            let mut target = disk::create_private(&beside)?;
            io::copy(&mut source, &mut target)?;
        }
    }
    Ok(())
}

fn only_looked_at() -> CommitError {
    CommitError::Io(
        "the data directory can't be written, so that a copy of it is looked at".to_owned(),
    )
}

#[async_trait]
impl Store for AtCopy {
    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        self.store.get(key).await
    }

    async fn scan(
        &self,
        range: &KeyRange,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, StoreError> {
        self.store.scan(range, after, limit).await
    }

    async fn commit(&self, _: WriteSet) -> Result<Seq, CommitError> {
        Err(only_looked_at())
    }

    async fn claim(
        &self,
        _: &str,
        _: &str,
        _: Duration,
        _: SystemTime,
    ) -> Result<Lease, LeaseError> {
        Err(only_looked_at().into())
    }

    async fn renew(&self, _: &Lease, _: Duration, _: SystemTime) -> Result<Lease, LeaseError> {
        Err(only_looked_at().into())
    }

    async fn release(&self, _: Lease) -> Result<(), LeaseError> {
        Err(only_looked_at().into())
    }

    fn meta(&self) -> &StoreMeta {
        self.store.meta()
    }

    async fn verify(&self) -> Result<VerifyReport, StoreError> {
        self.store.verify().await
    }

    async fn size_on_disk(&self) -> Result<u64, StoreError> {
        self.store.size_on_disk().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory of which nothing can be written any more: whatever is to be written finds a folder of its name.
    fn unwritable(backend: Backend) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let store = crate::open(dir.path(), backend).unwrap();
        let set = WriteSet::new().put(*b"k", *b"value");
        runtime.block_on(store.commit(set)).unwrap();
        drop(store);
        fs::create_dir(dir.path().join("witness.json.new")).unwrap();
        dir
    }

    #[tokio::test]
    async fn a_directory_that_can_be_opened_is_looked_at_itself() {
        for backend in Backend::ALL {
            let dir = tempfile::tempdir().unwrap();
            let (store, looked) = look(dir.path(), backend).unwrap();
            assert!(matches!(looked, Looked::Itself));
            store
                .commit(WriteSet::new().put(*b"k", *b"v"))
                .await
                .unwrap();
        }
    }

    #[test]
    fn one_that_cant_be_written_is_read_from_a_copy_that_takes_nothing_and_goes() {
        for backend in Backend::ALL {
            let dir = unwritable(backend);
            assert!(crate::open(dir.path(), backend).is_err());
            let (store, looked) = look(dir.path(), backend).unwrap();
            assert!(matches!(&looked, Looked::AtCopy(why) if why.contains("could not be used")));
            let runtime = tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap();
            let row = runtime.block_on(store.get(b"k")).unwrap().unwrap();
            assert_eq!(row.value, b"value");
            let refused = runtime.block_on(store.commit(WriteSet::new().put(*b"k", *b"v")));
            assert!(refused.is_err());
            // Nobody begins to write what is being looked at.
            let refusal = crate::open(dir.path(), backend).unwrap_err();
            assert!(matches!(refusal, OpenError::InUse { .. }), "{refusal}");
            let copies = || {
                let begins = format!("footbridge-look-{}-", std::process::id());
                let entries = fs::read_dir(std::env::temp_dir()).unwrap().flatten();
                entries
                    .filter(|entry| entry.file_name().to_string_lossy().starts_with(&begins))
                    .count()
            };
            assert_eq!(copies(), 1);
            drop(store);
            assert_eq!(copies(), 0, "a copy holds customers' data");
        }
    }

    #[test]
    fn damage_is_no_reason_to_look_at_a_copy() {
        for backend in Backend::ALL {
            let dir = unwritable(backend);
            fs::write(dir.path().join("witness.json"), "nonsense").unwrap();
            let refusal = look(dir.path(), backend).unwrap_err();
            assert!(matches!(refusal, OpenError::Damaged { .. }), "{refusal}");
        }
    }
}
