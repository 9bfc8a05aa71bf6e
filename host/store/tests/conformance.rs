//! What every backend must do, told once and run on each.
//!
//! Responsible for: the promises of the `Store` trait. Never: looks behind the trait, but for the directory's files.

#![expect(clippy::unwrap_used, reason = "test code")]
#![expect(clippy::panic, reason = "test code")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use footbridge_store::{
    Backend, Bodies, BodyDigest, BodyError, CommitError, Key, KeyRange, LeaseError, MAX_KEY_LEN,
    MAX_VALUE_LEN, OpenError, Seq, Store, WriteSet, open,
};

macro_rules! on_every_backend {
    ($($promise:ident),+ $(,)?) => {
        mod sled {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() { super::$promise(footbridge_store::Backend::Sled).await; })+
        }
        mod redb {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() { super::$promise(footbridge_store::Backend::Redb).await; })+
        }
    };
}

on_every_backend!(
    rows_come_back_as_put_and_survive_reopening,
    expectations_decide,
    scans_page_in_key_order_without_neighbours,
    limits_are_told,
    contended_counters_lose_no_step,
    leases_fence_off_late_writers,
    the_store_knows_itself,
    a_second_opener_is_told_who_has_it,
    another_backend_is_refused,
);

fn open_in(dir: &Path, backend: Backend) -> Arc<dyn Store> {
    open(dir, backend).unwrap()
}

async fn rows_come_back_as_put_and_survive_reopening(backend: Backend) {
    let dir = tempfile::tempdir().unwrap();
    let values: [(&[u8], Vec<u8>); 5] = [
        (b"", vec![1]),
        (b"\0", Vec::new()),
        (b"\0\0", b"\0".to_vec()),
        (b"text", "\u{20ac} 12.50".as_bytes().to_vec()),
        (&[0xFF; 40], vec![0xFF; MAX_VALUE_LEN]),
    ];
    let store = open_in(dir.path(), backend);
    let set = values.iter().fold(WriteSet::new(), |set, (key, value)| {
        set.put(*key, value.clone())
    });
    let first = store.commit(set).await.unwrap();
    let second = store
        .commit(
            WriteSet::new()
                .put(*b"text", *b"new")
                .delete(*b"\0\0")
                .delete(*b"none"),
        )
        .await
        .unwrap();
    assert!(second > first);
    drop(store);

    let store = open_in(dir.path(), backend);
    for (key, value) in values {
        let found = store
            .get(key)
            .await
            .unwrap()
            .map(|row| (row.value, row.seq));
        let expected = match key {
            b"text" => Some((b"new".to_vec(), second)),
            b"\0\0" => None,
            _ => Some((value, first)),
        };
        assert_eq!(found, expected, "{key:?}");
    }
    let report = store.verify().await.unwrap();
    assert_eq!((report.rows, report.damaged.len()), (4, 0));
    assert!(
        store.commit(WriteSet::new()).await.unwrap() > second,
        "numbers grow across restarts"
    );
    assert!(store.size_on_disk().await.unwrap() > 0);
}

async fn expectations_decide(backend: Backend) {
    let dir = tempfile::tempdir().unwrap();
    let store = open_in(dir.path(), backend);
    let old = store
        .commit(WriteSet::new().put(*b"there", *b"1"))
        .await
        .unwrap();
    let seq = store
        .commit(WriteSet::new().put(*b"there", *b"2"))
        .await
        .unwrap();
    let untouched = || WriteSet::new().put(*b"side", *b"effect").delete(*b"there");
    let refused: [(&str, WriteSet, &[u8]); 6] = [
        ("absent, but there", untouched().absent(*b"there"), b"there"),
        (
            "at an older commit",
            untouched().at(*b"there", old),
            b"there",
        ),
        (
            "at a later commit",
            untouched().at(*b"there", Seq(seq.0 + 1)),
            b"there",
        ),
        (
            "at a commit, but absent",
            untouched().at(*b"gone", seq),
            b"gone",
        ),
        (
            "the second of two",
            untouched().at(*b"there", seq).at(*b"gone", seq),
            b"gone",
        ),
        (
            "as read: absent",
            untouched().as_read(*b"there", None),
            b"there",
        ),
    ];
    for (name, set, conflicting) in refused {
        match store.commit(set).await {
            Err(CommitError::Conflict { key }) => assert_eq!(key, conflicting, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
        assert_eq!(
            store.get(b"there").await.unwrap().unwrap().seq,
            seq,
            "{name}"
        );
        assert_eq!(store.get(b"side").await.unwrap(), None, "{name}");
    }
    let holds = [
        ("absent", WriteSet::new().absent(*b"gone")),
        ("at", WriteSet::new().at(*b"there", seq)),
        (
            "as read: there",
            WriteSet::new().as_read(*b"there", Some(seq)),
        ),
        (
            "both",
            WriteSet::new()
                .at(*b"there", seq)
                .absent(*b"gone")
                .put(*b"there", *b"3"),
        ),
    ];
    for (name, set) in holds {
        store
            .commit(set)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let removed = store
        .commit(WriteSet::new().delete(*b"there"))
        .await
        .unwrap();
    store
        .commit(WriteSet::new().absent(*b"there").put(*b"there", *b"4"))
        .await
        .unwrap();
    let again = store.get(b"there").await.unwrap().unwrap();
    assert!(
        again.seq > removed,
        "a row made anew is not mistaken for the removed one"
    );
}

async fn scans_page_in_key_order_without_neighbours(backend: Backend) {
    let dir = tempfile::tempdir().unwrap();
    let store = open_in(dir.path(), backend);
    let key = |conn: &str, n: u64| Key::new("link").text(conn).number(n);
    let mut set = WriteSet::new()
        .put(Key::new("lin"), *b"")
        .put(Key::new("linked").text("a"), *b"");
    for n in [300, 2, 1, 256, 255] {
        set = set
            .put(key("a", n), n.to_be_bytes())
            .put(key("ab", n), *b"")
            .put(key("", n), *b"");
    }
    store.commit(set).await.unwrap();
    let range = Key::new("link").text("a").range();
    let mut found: Vec<u64> = Vec::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = store.scan(&range, after.as_deref(), 2).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        assert!(page.len() <= 2);
        after = Some(last.clone());
        found.extend(
            page.iter()
                .map(|(_, row)| u64::from_be_bytes(row.value.clone().try_into().unwrap())),
        );
    }
    assert_eq!(found, [1, 2, 255, 256, 300]);
    let between = KeyRange::between(key("a", 2), key("a", 256));
    let counts = [
        ("all", KeyRange::all(), None, 99, 17),
        ("between, end not included", between.clone(), None, 99, 2),
        ("limit none", KeyRange::all(), None, 0, 0),
        ("after the end", between.clone(), Some(key("z", 0)), 99, 0),
        ("after before the start", between, Some(key("", 0)), 99, 2),
        (
            "an empty prefix",
            KeyRange::prefix(Vec::new()),
            None,
            99,
            17,
        ),
        (
            "end before start",
            KeyRange::between(*b"z", *b"a"),
            None,
            99,
            0,
        ),
    ];
    for (name, range, after, limit, expected) in counts {
        let found = store.scan(&range, after.as_deref(), limit).await.unwrap();
        assert_eq!(found.len(), expected, "{name}");
        assert!(found.is_sorted_by(|a, b| a.0 < b.0), "{name}");
    }
}

async fn limits_are_told(backend: Backend) {
    let dir = tempfile::tempdir().unwrap();
    let store = open_in(dir.path(), backend);
    let long = vec![b'k'; MAX_KEY_LEN + 1];
    let key = Key::new("row").number(1);
    let refused = [
        (
            "long value",
            WriteSet::new().put(&key, vec![0; MAX_VALUE_LEN + 1]),
            "row/1 has 65537 bytes where 65536",
        ),
        (
            "long key",
            WriteSet::new().put(long.clone(), *b""),
            "has 2049 bytes where 2048",
        ),
        (
            "long deleted key",
            WriteSet::new().delete(long),
            "has 2049 bytes where 2048",
        ),
        (
            "put twice",
            WriteSet::new().put(&key, *b"").put(&key, *b""),
            "names row/1 twice",
        ),
        (
            "put and deleted",
            WriteSet::new().put(&key, *b"").delete(&key),
            "names row/1 twice",
        ),
    ];
    for (name, set, words) in refused {
        let told = store.commit(set).await.unwrap_err().to_string();
        assert!(told.contains(words), "{name}: {told}");
    }
    let widest = WriteSet::new().put(vec![b'k'; MAX_KEY_LEN], vec![7; MAX_VALUE_LEN]);
    store.commit(widest).await.unwrap();
    assert_eq!(store.verify().await.unwrap().rows, 1);
}

async fn contended_counters_lose_no_step(backend: Backend) {
    const TASKS: u64 = 8;
    const STEPS: u64 = 25;
    let dir = tempfile::tempdir().unwrap();
    let store = open_in(dir.path(), backend);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let mut steps = 0;
            while steps < STEPS {
                let row = store.get(b"counter").await.unwrap();
                let count = row.as_ref().map_or(0, |row| {
                    u64::from_be_bytes(row.value.clone().try_into().unwrap())
                });
                let set = WriteSet::new()
                    .as_read(*b"counter", row.map(|row| row.seq))
                    .put(*b"counter", (count + 1).to_be_bytes());
                match store.commit(set).await {
                    Ok(_) => steps += 1,
                    Err(CommitError::Conflict { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let count = store.get(b"counter").await.unwrap().unwrap().value;
    assert_eq!(count, (TASKS * STEPS).to_be_bytes());
}

async fn leases_fence_off_late_writers(backend: Backend) {
    let dir = tempfile::tempdir().unwrap();
    let store = open_in(dir.path(), backend);
    let start = SystemTime::now();
    let term = Duration::from_secs(30);
    let after = |seconds| start + Duration::from_secs(seconds);
    let first = store
        .claim("flow/won-deals", "one", term, start)
        .await
        .unwrap();
    match store.claim("flow/won-deals", "two", term, after(29)).await {
        Err(LeaseError::Held { holder, until, .. }) => {
            assert_eq!((&*holder, until), ("one", after(30)))
        }
        other => panic!("{other:?}"),
    }
    store.claim("flow/other", "two", term, start).await.unwrap();
    let first = store.renew(&first, term, after(20)).await.unwrap();
    store
        .claim("flow/won-deals", "two", term, after(31))
        .await
        .unwrap_err();
    store
        .commit(WriteSet::new().under(&first).put(*b"a", *b"1"))
        .await
        .unwrap();

    let second = store
        .claim("flow/won-deals", "two", term, after(50))
        .await
        .unwrap();
    assert!(second.fence > first.fence);
    match store
        .commit(WriteSet::new().under(&first).put(*b"a", *b"2"))
        .await
    {
        Err(CommitError::Conflict { key }) => assert_eq!(key, b"flow/won-deals"),
        other => panic!("a late writer got through: {other:?}"),
    }
    let lost = store.renew(&first, term, after(51)).await;
    assert!(matches!(lost, Err(LeaseError::Lost { .. })), "{lost:?}");
    let lost = store.release(first).await;
    assert!(matches!(lost, Err(LeaseError::Lost { .. })), "{lost:?}");
    store
        .commit(WriteSet::new().under(&second).put(*b"a", *b"3"))
        .await
        .unwrap();
    store.release(second.clone()).await.unwrap();
    store
        .commit(WriteSet::new().under(&second).put(*b"a", *b"4"))
        .await
        .unwrap_err();
    let third = store
        .claim("flow/won-deals", "three", term, after(52))
        .await
        .unwrap();
    drop(store);

    // The process that held it is gone, as the directory's lock proves: no waiting for the term.
    let store = open_in(dir.path(), backend);
    store
        .commit(WriteSet::new().under(&third).put(*b"a", *b"5"))
        .await
        .unwrap_err();
    let fourth = store
        .claim("flow/won-deals", "four", term, after(53))
        .await
        .unwrap();
    assert!(fourth.fence > third.fence);
    assert_eq!(store.get(b"a").await.unwrap().unwrap().value, b"3");
}

async fn the_store_knows_itself(backend: Backend) {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let meta = open_in(dir.path(), backend).meta().clone();
    assert_eq!(
        (meta.format, meta.epoch, meta.installation.len()),
        (1, 1, 32)
    );
    assert!(meta.created > 1_700_000_000);
    assert_eq!(*open_in(dir.path(), backend).meta(), meta);
    assert_ne!(
        open_in(other.path(), backend).meta().installation,
        meta.installation
    );
}

async fn a_second_opener_is_told_who_has_it(backend: Backend) {
    let dir = tempfile::tempdir().unwrap();
    let store = open_in(dir.path(), backend);
    let refusal = open(dir.path(), backend).unwrap_err();
    let told = refusal.to_string();
    assert!(matches!(refusal, OpenError::InUse { .. }), "{told}");
    assert!(told.contains(&dir.path().display().to_string()), "{told}");
    assert!(
        told.contains(&format!("process {}", std::process::id())),
        "{told}"
    );
    store
        .commit(WriteSet::new().put(*b"still", *b"here"))
        .await
        .unwrap();
    drop(store);
    assert!(
        open_in(dir.path(), backend)
            .get(b"still")
            .await
            .unwrap()
            .is_some()
    );
}

async fn another_backend_is_refused(backend: Backend) {
    let dir = tempfile::tempdir().unwrap();
    drop(open_in(dir.path(), backend));
    for other in Backend::ALL.into_iter().filter(|other| *other != backend) {
        let refusal = open(dir.path(), other).unwrap_err();
        assert!(
            matches!(refusal, OpenError::OtherBackend { found, .. } if found == backend),
            "{refusal}"
        );
    }
}

#[test]
fn bodies_are_whole_checked_and_erasable() {
    let dir = tempfile::tempdir().unwrap();
    let bodies = Bodies::open(dir.path()).unwrap();
    let digest = bodies.put(b"an answer").unwrap();
    assert_eq!(digest, bodies.put(b"an answer").unwrap());
    assert_eq!(digest.to_string().parse::<BodyDigest>().unwrap(), digest);
    assert_eq!(bodies.get(&digest).unwrap().unwrap(), b"an answer");
    let name = digest.to_string();
    let folder = dir.path().join("bodies").join(name.get(..2).unwrap());
    assert_eq!(
        std::fs::read_dir(&folder).unwrap().count(),
        1,
        "drafts are left over"
    );

    let path = folder.join(name.get(2..).unwrap());
    std::fs::write(&path, b"an unswer").unwrap();
    let told = bodies.get(&digest).unwrap_err();
    assert!(
        matches!(told, BodyError::Damaged { .. }) && told.to_string().contains(&name),
        "{told}"
    );
    bodies.put(b"an answer").unwrap();
    assert_eq!(
        bodies.get(&digest).unwrap().unwrap(),
        b"an answer",
        "putting it again mends it"
    );

    bodies.erase(&digest).unwrap();
    bodies.erase(&digest).unwrap();
    assert_eq!(bodies.get(&digest).unwrap(), None);
    for text in [
        "",
        "zz",
        "../../etc/passwd",
        &name.to_uppercase(),
        &format!("{name}0"),
    ] {
        text.parse::<BodyDigest>().unwrap_err();
    }
}
