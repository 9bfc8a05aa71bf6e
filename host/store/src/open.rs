//! Opening a data directory.
//!
//! Responsible for: taking the lock, refusing what can't be continued safely, and saying which store it is.
//! Never: repairs by guessing, or starts an empty store where rows are missing. Flow: ends in `LocalStore::start`.
//!
//! The directory: `lock`, `witness.json`, `sled/` or `redb/` with the rows, `bodies/` (see `bodies`), `asked/` with questions
//! of other processes (see `backup::ask`), while a store is being made `rows-born`, and while rows are written anew what `swap` names.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Deserialize;

use crate::local::{AFTER_ROWS, Held, LocalStore};
use crate::lock::DirLock;
use crate::medium::{Backend, Change, Medium, MediumError, Slot};
use crate::meta::{Origin, seconds};
use crate::witness::{Sighting, Witness};
use crate::writer::META_SEQ;
use crate::{FORMAT, OpenError, Seq, Store, StoreMeta, Versioned, disk, frame, swap};

/// A store that is being made.
const BORN: &str = "rows-born";

pub(crate) const META_STORE: &[u8] = b"\x00store";

/// Opens the store in `dir`, or creates it. Blocks while the backend recovers: call it off the async threads.
///
/// # Errors
/// The directory is in use, of another backend or a newer format, damaged, or refused by the file system; nothing
/// that was there is changed then.
pub fn open(dir: &Path, backend: Backend) -> Result<Arc<dyn Store>, OpenError> {
    let store = open_local(dir, backend)?;
    Ok(store)
}

pub(crate) fn open_local(dir: &Path, backend: Backend) -> Result<Arc<LocalStore>, OpenError> {
    let refused = |path: &Path| {
        let path = path.to_owned();
        move |source| OpenError::Io { path, source }
    };
    disk::make_private(dir).map_err(refused(dir))?;
    let lock = DirLock::take(dir)?;
    swap::settle(dir).map_err(refused(dir))?;
    backend.alone_in(dir)?;
    let home = dir.join(backend.name());
    let unreadable = |reason: String| OpenError::Damaged {
        dir: dir.to_owned(),
        reason,
    };
    let unopened = |error: MediumError| match error {
        MediumError::Damaged(reason) | MediumError::Failed(reason) => unreadable(reason),
        MediumError::Full(reason) => OpenError::Full {
            dir: dir.to_owned(),
            reason,
        },
    };
    if !home.exists() {
        if swap::stands_aside(dir) {
            return Err(unreadable(format!(
                "its rows stand aside in rows-old: an exchange of rows broke off in the middle. Rename that folder to {backend} if that is what is in it"
            )));
        }
        // Beside, and put in place by one rename: until an engine's first sync a power cut leaves its files saying anything.
        let born = dir.join(BORN);
        disk::remove_folder(&born).map_err(refused(&born))?;
        disk::make_private(&born).map_err(refused(&born))?;
        drop(backend.open(&born).map_err(unopened)?);
        fs::rename(&born, &home).map_err(refused(&home))?;
        disk::sync_dir(dir).map_err(refused(dir))?;
    }
    let medium = Arc::new(Slot::new(backend.open(&home).map_err(unopened)?));
    let witness = Witness::at(dir);
    let Recognised { meta, last, stands } = recognised(dir, &*medium, &witness)?;
    // Before the epoch rises: a copy whose note can't be written would be of a new epoch at each try.
    let noted = witness.draft(&meta, last).map_err(refused(dir))?;
    if stands == Stands::Elsewhere {
        let rows = meta_rows(&meta, last).map_err(unreadable)?;
        medium
            .write_durably(&rows)
            .map_err(|error| unreadable(error.to_string()))?;
        tracing::warn!(
            dir = %dir.display(), epoch = meta.epoch,
            "this data directory is a copy of the one that was last worked in: it is of a new epoch"
        );
    }
    noted.put().map_err(refused(dir))?;
    LocalStore::start(medium, meta, last, home, Some(Held { lock, witness })).map_err(refused(dir))
}

/// The store of a directory.
pub(crate) struct Recognised {
    /// Who it is; where it stands elsewhere, already of the new epoch, which nothing has written yet.
    pub(crate) meta: StoreMeta,
    pub(crate) last: Seq,
    stands: Stands,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    WhereItDid,
    /// The directory is a copy of the one that was last worked in.
    Elsewhere,
}

/// Who the store in a directory is, held against what the directory's witness saw.
pub(crate) fn recognised(
    dir: &Path,
    medium: &dyn Medium,
    witness: &Witness,
) -> Result<Recognised, OpenError> {
    let unreadable = |reason: String| OpenError::Damaged {
        dir: dir.to_owned(),
        reason,
    };
    let seen = witness.seen().map_err(unreadable)?;
    let (mut meta, last) = match identify(medium, seen.as_ref()).map_err(unreadable)? {
        Identity::Known(meta, last) => (meta, last),
        Identity::Newer(found) => {
            return Err(OpenError::NewerFormat {
                dir: dir.to_owned(),
                found,
                known: FORMAT,
            });
        }
    };
    let stands = match seen {
        Some(seen) if witness.is_elsewhere(&seen) => {
            meta.epoch = meta.epoch.saturating_add(1);
            let at = seconds(SystemTime::now());
            meta.origin = Origin::Copied { at };
            Stands::Elsewhere
        }
        _ => Stands::WhereItDid,
    };
    Ok(Recognised { meta, last, stands })
}

enum Identity {
    Known(StoreMeta, Seq),
    /// Of a format this program does not know.
    Newer(u32),
}

/// All that is read of a description before its format is known.
#[derive(Deserialize)]
struct Format {
    format: u32,
}

/// Reads who the store is and its last commit, or makes a new one.
fn identify(medium: &dyn Medium, seen: Option<&Sighting>) -> Result<Identity, String> {
    let read = |key: &[u8]| -> Result<Option<Versioned>, String> {
        let found = medium.read(key).map_err(|error| error.to_string())?;
        found
            .map(|raw| frame::open(key, &raw).map_err(|damaged| damaged.reason))
            .transpose()
    };
    let seq = read(META_SEQ)?;
    match (read(META_STORE)?, seq) {
        (Some(store), Some(seq)) => {
            let unclear =
                |error: serde_json::Error| format!("its description can't be read: {error}");
            let Format { format } = serde_json::from_slice(&store.value).map_err(unclear)?;
            if format > FORMAT {
                return Ok(Identity::Newer(format));
            }
            let meta: StoreMeta = serde_json::from_slice(&store.value).map_err(unclear)?;
            match seen {
                Some(seen) if seen.installation != meta.installation => Err(format!(
                    "its rows are of the installation {}, its witness file of {}: two directories were mixed",
                    meta.installation, seen.installation
                )),
                Some(seen) if seen.seq > seq.seq.0 => Err(format!(
                    "it ends at commit {} although commit {} was on disk before: the end of its rows is lost",
                    seq.seq, seen.seq
                )),
                _ => Ok(Identity::Known(meta, seq.seq)),
            }
        }
        (None, None) => {
            if let Some(seen) = seen {
                return Err(format!(
                    "all its rows are gone; commit {} was on disk before",
                    seen.seq
                ));
            }
            if !medium
                .read_range(&[], AFTER_ROWS, 1)
                .map_err(|error| error.to_string())?
                .is_empty()
            {
                return Err("it has rows but not the row that says which store it is".to_owned());
            }
            let meta = StoreMeta::fresh(SystemTime::now());
            let first = Seq(0);
            medium
                .write_durably(&meta_rows(&meta, first)?)
                .map_err(|error| error.to_string())?;
            Ok(Identity::Known(meta, first))
        }
        _ => Err("one of the two rows that describe the store is missing".to_owned()),
    }
}

/// The rows that say which store it is and how far it reaches.
pub(crate) fn meta_rows(meta: &StoreMeta, last: Seq) -> Result<[Change; 2], String> {
    let text = serde_json::to_vec(meta).map_err(|error| error.to_string())?;
    let sealed = |key: &[u8], value: &[u8]| (key.to_vec(), Some(frame::seal(key, last, value)));
    Ok([sealed(META_STORE, &text), sealed(META_SEQ, &[])])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Damaged;
    use crate::local::row_key;

    /// Puts a frame into a closed store behind its back.
    fn plant(dir: &Path, backend: Backend, key: &[u8], frame: &[u8]) {
        let medium = backend.open(&dir.join(backend.name())).unwrap();
        medium
            .write_durably(&[(key.to_vec(), Some(frame.to_vec()))])
            .unwrap();
    }

    #[test]
    fn a_newer_format_is_refused_by_name() {
        for backend in Backend::ALL {
            let dir = tempfile::tempdir().unwrap();
            drop(open(dir.path(), backend).unwrap());
            let newer = br#"{"format":2,"something":"else"}"#;
            plant(
                dir.path(),
                backend,
                META_STORE,
                &frame::seal(META_STORE, Seq(0), newer),
            );
            let refusal = open(dir.path(), backend).unwrap_err();
            assert!(
                matches!(
                    refusal,
                    OpenError::NewerFormat {
                        found: 2,
                        known: 1,
                        ..
                    }
                ),
                "{refusal}"
            );
            assert!(refusal.to_string().contains("restore a backup"));
        }
    }

    #[tokio::test]
    async fn a_damaged_row_is_named_and_the_others_are_read() {
        for backend in Backend::ALL {
            let dir = tempfile::tempdir().unwrap();
            let store = open(dir.path(), backend).unwrap();
            let key = |n| crate::Key::new("link").text("xero").number(n);
            let set = (1..=3).fold(crate::WriteSet::new(), |set, n| set.put(key(n), *b"value"));
            let seq = store.commit(set).await.unwrap();
            drop(store);
            let mut broken = frame::seal(&row_key(&key(2)), seq, b"value");
            broken[18] ^= 1;
            plant(dir.path(), backend, &row_key(&key(2)), &broken);

            let store = open(dir.path(), backend).unwrap();
            let damage = Damaged {
                key: key(2).into(),
                reason: "its checksum does not match".to_owned(),
            };
            assert!(damage.to_string().contains("link/xero/2"));
            let read = store.get(&key(2)).await.unwrap_err();
            assert!(
                matches!(&read, crate::StoreError::Damaged(found) if *found == damage),
                "{read}"
            );
            let range = crate::KeyRange::all();
            let scan = store.scan(&range, None, 9).await.unwrap_err();
            assert!(
                matches!(&scan, crate::StoreError::Damaged(found) if *found == damage),
                "{scan}"
            );
            assert_eq!(store.scan(&range, Some(&key(2)), 9).await.unwrap().len(), 1);
            let report = store.verify().await.unwrap();
            assert_eq!((report.rows, report.damaged), (2, vec![damage]));
            let built_on_it = crate::WriteSet::new().at(key(2), seq).put(key(4), *b"x");
            store.commit(built_on_it).await.unwrap_err();
            assert_eq!(store.get(&key(4)).await.unwrap(), None);
        }
    }

    #[test]
    fn a_copy_whose_note_cant_be_written_is_of_one_new_epoch() {
        for backend in Backend::ALL {
            let (made, copied) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            drop(open(made.path(), backend).unwrap());
            let copy = copied.path().join("copy");
            fs::create_dir_all(copy.join(backend.name())).unwrap();
            for name in disk::file_names(&made.path().join(backend.name())).unwrap() {
                let file = Path::new(backend.name()).join(name);
                fs::copy(made.path().join(&file), copy.join(&file)).unwrap();
            }
            fs::copy(made.path().join("witness.json"), copy.join("witness.json")).unwrap();
            let in_the_way = copy.join("witness.json.new");
            fs::create_dir(&in_the_way).unwrap();
            for _ in 0..3 {
                let refusal = open(&copy, backend).unwrap_err();
                assert!(matches!(refusal, OpenError::Io { .. }), "{refusal}");
            }
            fs::remove_dir(&in_the_way).unwrap();
            for _ in 0..2 {
                assert_eq!(open(&copy, backend).unwrap().meta().epoch, 2);
            }
        }
    }

    #[test]
    fn rows_that_went_missing_are_no_new_store() {
        for backend in Backend::ALL {
            let dir = tempfile::tempdir().unwrap();
            drop(open(dir.path(), backend).unwrap());
            std::fs::remove_dir_all(dir.path().join(backend.name())).unwrap();
            let refusal = open(dir.path(), backend).unwrap_err().to_string();
            assert!(refusal.contains("all its rows are gone"), "{refusal}");
        }
    }

    #[test]
    fn a_store_that_was_cut_off_while_it_was_made_is_made_anew() {
        for backend in Backend::ALL {
            let dir = tempfile::tempdir().unwrap();
            let born = dir.path().join(BORN);
            fs::create_dir(&born).unwrap();
            for name in ["conf", "db", "rows.redb"] {
                fs::write(born.join(name), "torn").unwrap();
            }
            drop(open(dir.path(), backend).unwrap());
            assert!(!born.exists());
        }
    }

    #[tokio::test]
    async fn a_store_that_lost_its_latest_commits_is_refused() {
        for backend in Backend::ALL {
            let dir = tempfile::tempdir().unwrap();
            let store = open(dir.path(), backend).unwrap();
            for n in 0..5 {
                store
                    .commit(crate::WriteSet::new().put(*b"k", [n]))
                    .await
                    .unwrap();
            }
            drop(store);
            plant(
                dir.path(),
                backend,
                META_SEQ,
                &frame::seal(META_SEQ, Seq(4), &[]),
            );
            let refusal = open(dir.path(), backend).unwrap_err().to_string();
            assert!(
                refusal.contains("ends at commit 4 although commit 5"),
                "{refusal}"
            );
        }
    }
}
