//! Damaged files are told, never read as if they were whole.
//!
//! Responsible for: what a person sees who opens a data directory that something else has changed.

#![expect(clippy::unwrap_used, reason = "test code")]

use std::fs;
use std::path::{Path, PathBuf};

use footbridge_store::{Backend, Key, KeyRange, OpenError, Row, WriteSet, open};

const ROWS: u64 = 400;

/// Makes a store whose every row was written twice, and returns its rows.
async fn filled(dir: &Path, backend: Backend) -> Vec<Row> {
    let store = open(dir, backend).unwrap();
    for round in 0..2u8 {
        for tenth in 0..10 {
            let numbers = (0..ROWS).filter(|number| number % 10 == tenth);
            let set = numbers.fold(WriteSet::new(), |set, n| {
                set.put(Key::new("link").number(n), vec![b'a' + round; 400])
            });
            store.commit(set).await.unwrap();
        }
    }
    store
        .scan(&KeyRange::all(), None, usize::MAX)
        .await
        .unwrap()
}

fn rows_file(dir: &Path, backend: Backend) -> PathBuf {
    match backend {
        Backend::Sled => dir.join("sled/db"),
        Backend::Redb => dir.join("redb/rows.redb"),
    }
}

/// Opens and reads all: the rows, or what was told.
async fn read_all(dir: &Path, backend: Backend) -> Result<Vec<Row>, String> {
    let store = open(dir, backend).map_err(|error| error.to_string())?;
    let report = store.verify().await.map_err(|error| error.to_string())?;
    match report.damaged.first() {
        Some(damaged) => Err(damaged.to_string()),
        None => store
            .scan(&KeyRange::all(), None, usize::MAX)
            .await
            .map_err(|error| error.to_string()),
    }
}

/// Overwrites 64 bytes at many places in turn. Some places are of no use any more; all others must be told.
async fn overwritten_bytes_are_never_read_as_rows(backend: Backend) {
    let original = tempfile::tempdir().unwrap();
    let rows = filled(original.path(), backend).await;
    let file = rows_file(original.path(), backend);
    let whole = fs::read(&file).unwrap();
    let witness = fs::read(original.path().join("witness.json")).unwrap();
    let mut told = Vec::new();
    for at in (0..whole.len()).step_by(whole.len() / 40) {
        let dir = tempfile::tempdir().unwrap();
        let copy = rows_file(dir.path(), backend);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        let mut changed = whole.clone();
        changed
            .iter_mut()
            .skip(at)
            .take(64)
            .for_each(|byte| *byte ^= 0x5A);
        fs::write(&copy, changed).unwrap();
        fs::write(dir.path().join("witness.json"), &witness).unwrap();
        for other in fs::read_dir(file.parent().unwrap()).unwrap() {
            let other = other.unwrap();
            let target = copy.parent().unwrap().join(other.file_name());
            if other.file_type().unwrap().is_file() && !target.exists() {
                fs::copy(other.path(), target).unwrap();
            }
        }
        match read_all(dir.path(), backend).await {
            Ok(read) => assert!(
                read == rows,
                "{backend}: byte {at} of {}: {} rows, unnoticed",
                whole.len(),
                read.len()
            ),
            Err(words) => told.push(words),
        }
    }
    assert!(!told.is_empty(), "no place mattered");
    for words in told {
        assert!(
            words.contains("restore") || words.contains("Check the disk"),
            "no way out: {words}"
        );
    }
}

#[tokio::test]
async fn sled_never_reads_overwritten_bytes_as_rows() {
    overwritten_bytes_are_never_read_as_rows(Backend::Sled).await;
}

#[tokio::test]
async fn redb_never_reads_overwritten_bytes_as_rows() {
    overwritten_bytes_are_never_read_as_rows(Backend::Redb).await;
}

#[tokio::test]
async fn a_rows_file_replaced_by_something_else_is_told() {
    for backend in Backend::ALL {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path(), backend).await;
        let file = rows_file(dir.path(), backend);
        fs::write(&file, "<html>not a store</html>".repeat(400)).unwrap();
        let refusal = open(dir.path(), backend).unwrap_err();
        let told = refusal.to_string();
        assert!(matches!(refusal, OpenError::Damaged { .. }), "{told}");
        assert!(told.contains(&dir.path().display().to_string()), "{told}");
        assert!(told.contains("restore the last backup"), "{told}");
    }
}

#[tokio::test]
async fn a_snapshot_a_kill_left_unfinished_is_no_obstacle() {
    let dir = tempfile::tempdir().unwrap();
    let rows = filled(dir.path(), Backend::Sled).await;
    let unfinished = dir.path().join("sled/snap.FFFFFFFFFFFFFFF0.generating");
    fs::write(&unfinished, b"half a snap").unwrap();
    assert_eq!(read_all(dir.path(), Backend::Sled).await.unwrap(), rows);
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn a_damaged_snapshot_is_told() {
    let dir = tempfile::tempdir().unwrap();
    filled(dir.path(), Backend::Sled).await;
    fs::write(
        dir.path().join("sled/snap.FFFFFFFFFFFFFFF0"),
        b"no snapshot at all",
    )
    .unwrap();
    let refusal = open(dir.path(), Backend::Sled).unwrap_err();
    assert!(matches!(refusal, OpenError::Damaged { .. }), "{refusal}");
    assert!(refusal.to_string().contains("snapshot"), "{refusal}");
}
