//! The store over a medium that fails or dawdles on demand: what real disks do too rarely to test with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime};

use crate::local::LocalStore;
use crate::medium::{Change, Medium, MediumError, RawRow, Slot};
use crate::{CommitError, LeaseError, Seq, Store, StoreError, StoreMeta, WriteSet};

/// Applies at once, like sled; then waits while `held`, then flushes or fails.
#[derive(Default)]
struct Moody {
    rows: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
    held: Mutex<bool>,
    released: Condvar,
    broken: AtomicBool,
}

impl Moody {
    fn hold(&self, held: bool) {
        *self.held.lock().unwrap() = held;
        self.released.notify_all();
    }
}

impl Medium for Arc<Moody> {
    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, MediumError> {
        Ok(self.rows.lock().unwrap().get(key).cloned())
    }

    fn read_range(
        &self,
        start: &[u8],
        end: &[u8],
        limit: usize,
    ) -> Result<Vec<RawRow>, MediumError> {
        let rows = self.rows.lock().unwrap();
        let found = rows.range(start.to_vec()..end.to_vec()).take(limit);
        Ok(found
            .map(|(key, frame)| (key.clone(), frame.clone()))
            .collect())
    }

    fn write_durably(&self, changes: &[Change]) -> Result<(), MediumError> {
        for (key, frame) in changes.iter().cloned() {
            let mut rows = self.rows.lock().unwrap();
            match frame {
                Some(frame) => rows.insert(key, frame),
                None => rows.remove(&key),
            };
        }
        let held = self.held.lock().unwrap();
        drop(self.released.wait_while(held, |held| *held).unwrap());
        match self.broken.load(Ordering::SeqCst) {
            true => Err(MediumError::Failed("no space left on device".to_owned())),
            false => Ok(()),
        }
    }
}

fn store_on(moody: &Arc<Moody>) -> Arc<dyn Store> {
    let meta = StoreMeta::fresh(SystemTime::now());
    LocalStore::start(
        Arc::new(Slot::new(Box::new(Arc::clone(moody)))),
        meta,
        Seq(0),
        PathBuf::new(),
        None,
    )
    .unwrap()
}

#[tokio::test]
async fn nothing_is_acknowledged_or_read_before_the_flush() {
    let moody = Arc::new(Moody::default());
    let store = store_on(&moody);
    store
        .commit(WriteSet::new().put(*b"gone", *b"1").put(*b"old", *b"1"))
        .await
        .unwrap();
    moody.hold(true);
    let saving = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            store
                .commit(WriteSet::new().put(*b"new", *b"2").delete(*b"gone"))
                .await
        }
    });
    while moody.rows.lock().unwrap().contains_key(&b"\x01gone"[..]) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let all = crate::KeyRange::all();
    let patience = Duration::from_millis(50);
    for key in [&b"new"[..], b"gone"] {
        let early = tokio::time::timeout(patience, store.get(key)).await;
        assert!(early.is_err(), "read a row that is not flushed: {early:?}");
    }
    let early = tokio::time::timeout(patience, store.scan(&all, None, 9)).await;
    assert!(
        early.is_err(),
        "scanned rows that are not flushed: {early:?}"
    );
    assert_eq!(
        store.get(b"old").await.unwrap().unwrap().value,
        b"1",
        "an untouched row is not held back"
    );
    assert!(!saving.is_finished(), "acknowledged before the flush");
    moody.hold(false);
    assert_eq!(saving.await.unwrap().unwrap(), Seq(2));
    assert_eq!(store.get(b"new").await.unwrap().unwrap().seq, Seq(2));
}

#[tokio::test]
async fn a_failed_flush_poisons_the_store() {
    let moody = Arc::new(Moody::default());
    let store = store_on(&moody);
    let now = SystemTime::now();
    let term = Duration::from_secs(60);
    store
        .commit(WriteSet::new().put(*b"safe", *b"1"))
        .await
        .unwrap();
    let lease = store.claim("flow", "test", term, now).await.unwrap();
    moody.broken.store(true, Ordering::SeqCst);
    let failed = store
        .commit(WriteSet::new().put(*b"lost", *b"2"))
        .await
        .unwrap_err();
    assert!(
        matches!(&failed, CommitError::Io(why) if why == "no space left on device"),
        "{failed}"
    );
    // The disk is well again: still nothing may be built on what this process holds.
    moody.broken.store(false, Ordering::SeqCst);
    let refused = store
        .commit(WriteSet::new().put(*b"more", *b"3"))
        .await
        .unwrap_err();
    assert!(
        matches!(&refused, CommitError::Poisoned { first } if first == "no space left on device")
    );
    assert!(
        refused.to_string().contains("start Footbridge again"),
        "{refused}"
    );
    assert!(!moody.rows.lock().unwrap().contains_key(&b"\x01more"[..]));
    for key in [&b"safe"[..], b"lost"] {
        let read = store.get(key).await;
        assert!(matches!(read, Err(StoreError::Poisoned { .. })), "{read:?}");
    }
    let claimed = store.claim("other", "test", term, now).await;
    assert!(matches!(
        claimed,
        Err(LeaseError::Store(CommitError::Poisoned { .. }))
    ));
    let renewed = store.renew(&lease, term, now).await;
    assert!(matches!(
        renewed,
        Err(LeaseError::Store(CommitError::Poisoned { .. }))
    ));
}

#[tokio::test]
async fn waiting_sets_are_folded_and_a_conflict_refuses_only_its_own() {
    let moody = Arc::new(Moody::default());
    let store = store_on(&moody);
    moody.hold(true);
    let commit = |set: WriteSet| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.commit(set).await })
    };
    let first = commit(WriteSet::new().put(*b"a", *b"1"));
    while moody.rows.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // These wait for the first flush and share the second.
    let sound = commit(WriteSet::new().absent(*b"b").put(*b"b", *b"2"));
    tokio::time::sleep(Duration::from_millis(20)).await;
    let late = commit(
        WriteSet::new()
            .absent(*b"b")
            .put(*b"b", *b"3")
            .put(*b"c", *b"3"),
    );
    let other = commit(WriteSet::new().at(*b"a", Seq(1)).put(*b"d", *b"4"));
    tokio::time::sleep(Duration::from_millis(20)).await;
    moody.hold(false);
    assert_eq!(first.await.unwrap().unwrap(), Seq(1));
    assert_eq!(sound.await.unwrap().unwrap(), Seq(2));
    assert!(matches!(late.await.unwrap(), Err(CommitError::Conflict { key }) if key == b"b"));
    assert_eq!(other.await.unwrap().unwrap(), Seq(3));
    assert_eq!(store.get(b"b").await.unwrap().unwrap().value, b"2");
    assert_eq!(store.get(b"c").await.unwrap(), None);
}
