//! Backups and what becomes of them: taken while others commit, cut, flipped, restored; directories that are copied or moved.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use footbridge_store::{
    Backend, BackupError, Bodies, Key, KeyRange, OpenError, Origin, Seq, Store, WriteSet, backup,
    contents, open, restore, rewrite,
};
use rand::{Rng, SeedableRng};

type Rows = BTreeMap<Vec<u8>, (Vec<u8>, Seq)>;

async fn rows(store: &Arc<dyn Store>) -> Rows {
    let mut found = Rows::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let page = store
            .scan(&KeyRange::all(), after.as_deref(), 500)
            .await
            .unwrap();
        let Some((last, _)) = page.last() else {
            return found;
        };
        after = Some(last.clone());
        found.extend(
            page.into_iter()
                .map(|(key, row)| (key, (row.value, row.seq))),
        );
    }
}

fn link(n: u64) -> Key {
    Key::new("link").number(n)
}

/// A store with a few rows and bodies.
async fn small(dir: &Path, backend: Backend) -> Rows {
    let store = open(dir, backend).unwrap();
    let bodies = Bodies::open(dir).unwrap();
    for n in 0..6 {
        let body = bodies.put(format!("body {n}").as_bytes()).unwrap();
        let set = WriteSet::new()
            .put(link(n), body.to_string())
            .put(Key::new("other").number(n), vec![7; 40]);
        store.commit(set).await.unwrap();
    }
    store.commit(WriteSet::new().delete(link(2))).await.unwrap();
    rows(&store).await
}

#[tokio::test]
async fn what_was_restored_is_what_was_there_and_of_the_next_epoch() {
    for from in Backend::ALL {
        for to in Backend::ALL {
            let place = tempfile::tempdir().unwrap();
            let (dir, file, into) = (
                place.path().join("data"),
                place.path().join("b"),
                place.path().join("new/data"),
            );
            let before = small(&dir, from).await;
            let made = backup(&dir, from, &file).unwrap();
            assert_eq!(
                (made.rows, made.bodies, made.commit, made.epoch),
                (11, 6, 7, 1)
            );
            assert_eq!(made.kinds["link"], 5);
            assert_eq!(contents(&file).unwrap(), made);
            let restored = restore(&file, &into, Some(to)).unwrap();
            assert_eq!((restored.rows, restored.epoch), (11, 2));
            let (old, new) = (open(&dir, from).unwrap(), open(&into, to).unwrap());
            assert_eq!(rows(&new).await, before);
            assert_eq!(new.meta().installation, old.meta().installation);
            assert_eq!((old.meta().epoch, new.meta().epoch), (1, 2));
            let Origin::Restored { taken_at, .. } = new.meta().origin else {
                panic!("{:?}", new.meta())
            };
            assert_eq!(taken_at, made.taken_at);
            for (value, _) in before
                .iter()
                .filter(|(key, _)| key.starts_with(&Key::new("link")))
                .map(|(_, row)| row)
            {
                let digest = std::str::from_utf8(value).unwrap().parse().unwrap();
                assert!(Bodies::open(&into).unwrap().get(&digest).unwrap().is_some());
            }
            // It goes on from there: expectations hold, numbers grow.
            let seq = before[&Vec::from(link(1))].1;
            let next = new
                .commit(WriteSet::new().at(link(1), seq).put(link(1), *b"x"))
                .await
                .unwrap();
            assert_eq!(next, Seq(8));
            drop(new);
            assert_eq!(
                open(&into, to).unwrap().meta().epoch,
                2,
                "opening again begins no epoch"
            );
        }
    }
}

#[tokio::test]
async fn a_backup_that_is_cut_or_changed_anywhere_is_refused_and_nothing_is_left() {
    let place = tempfile::tempdir().unwrap();
    let (dir, file) = (place.path().join("data"), place.path().join("b"));
    small(&dir, Backend::Redb).await;
    backup(&dir, Backend::Redb, &file).unwrap();
    let whole = fs::read(&file).unwrap();
    let (bad, into) = (place.path().join("bad"), place.path().join("into"));
    let refused = |bytes: &[u8], what: &str| {
        fs::write(&bad, bytes).unwrap();
        let error = contents(&bad).expect_err(what);
        assert!(
            matches!(
                error,
                BackupError::CutShort { .. }
                    | BackupError::Broken { .. }
                    | BackupError::NotABackup { .. }
                    | BackupError::Newer { .. }
            ),
            "{what}: {error}"
        );
        error
    };
    for at in 0..whole.len() {
        let error = refused(&whole[..at], &format!("cut at {at}"));
        assert!(
            matches!(error, BackupError::CutShort { .. }) || at == 0,
            "cut at {at}: {error}"
        );
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        refused(&flipped, &format!("flipped at {at}"));
    }
    refused(&[&whole[..], b"x"].concat(), "longer");
    // A record taken out, its neighbours whole.
    for at in [whole.len() / 3, whole.len() - 1] {
        fs::write(&bad, &whole[..at]).unwrap();
        restore(&bad, &into, None).unwrap_err();
    }
    let mut names: Vec<_> = fs::read_dir(place.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["b", "bad", "data"]);
}

#[tokio::test]
async fn nothing_that_is_there_is_overwritten() {
    let place = tempfile::tempdir().unwrap();
    let (dir, file) = (place.path().join("data"), place.path().join("b"));
    small(&dir, Backend::Sled).await;
    fs::write(&file, "mine").unwrap();
    let error = backup(&dir, Backend::Sled, &file).unwrap_err();
    assert!(matches!(error, BackupError::Exists { .. }), "{error}");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    #[cfg(unix)]
    {
        // It leads to a disk that isn't mounted now.
        let link = place.path().join("link");
        std::os::unix::fs::symlink(place.path().join("disk/b"), &link).unwrap();
        let error = backup(&dir, Backend::Sled, &link).unwrap_err();
        assert!(matches!(error, BackupError::Exists { .. }), "{error}");
        assert!(fs::read_link(&link).is_ok(), "the link is still one");
    }
    let good = place.path().join("good");
    backup(&dir, Backend::Sled, &good).unwrap();
    let error = restore(&good, &dir, None).unwrap_err();
    assert!(matches!(error, BackupError::NotEmpty { .. }), "{error}");
    let error = backup(
        &place.path().join("none"),
        Backend::Sled,
        &place.path().join("c"),
    )
    .unwrap_err();
    assert!(matches!(error, BackupError::NothingThere { .. }), "{error}");
    assert!(!place.path().join("none").exists());
    let error = contents(&file).unwrap_err();
    assert!(matches!(error, BackupError::NotABackup { .. }), "{error}");
    let nowhere = place.path().join("nowhere");
    let into = place.path().join("into");
    let errors = [
        contents(&nowhere).unwrap_err(),
        restore(&nowhere, &into, None).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, BackupError::NoSuchFile { .. }), "{error}");
    }
    assert!(!into.exists());
    // An empty folder is as good as none.
    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    restore(&good, &empty, None).unwrap();
    assert_eq!(open(&empty, Backend::Sled).unwrap().meta().epoch, 2);
}

/// Killed in the middle of it, and asked again.
#[tokio::test]
#[cfg(unix)]
async fn what_a_killed_backup_or_restore_left_goes_with_the_next_one() {
    let place = tempfile::tempdir().unwrap();
    let (dir, into) = (place.path().join("data"), place.path().join("into"));
    small(&dir, Backend::Sled).await;
    let file = place.path().join("b-1");
    backup(&dir, Backend::Sled, &file).unwrap();
    let part = place.path().join(".b-0.0123abcd.part");
    fs::write(&part, &fs::read(&file).unwrap()[..1000]).unwrap();
    backup(&dir, Backend::Sled, &place.path().join("b-2")).unwrap();
    assert!(!part.exists(), "another day's as well");
    let half = place.path().join(".into.0123abcd.restoring");
    drop(open(&half, Backend::Sled).unwrap());
    restore(&file, &into, None).unwrap();
    assert!(!half.exists());
    let mut names: Vec<_> = fs::read_dir(place.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["b-1", "b-2", "data", "into"]);
}

/// What every commit wrote, by its number.
type Log = Vec<(Seq, Vec<(Vec<u8>, Option<Vec<u8>>)>)>;

/// Commits sets of several rows until told to stop.
async fn busy(store: Arc<dyn Store>, stop: Arc<AtomicBool>, lane: u64, seed: u64) -> Log {
    let mut random = rand::rngs::StdRng::seed_from_u64(seed ^ lane);
    let mut log = Log::new();
    while !stop.load(Ordering::SeqCst) {
        let mut changes = BTreeMap::new();
        for _ in 0..random.random_range(1..8) {
            let key = Vec::from(link(random.random_range(0..400)));
            let value = random
                .random_bool(0.7)
                .then(|| vec![b'v'; random.random_range(1..300)]);
            changes.insert(key, value);
        }
        let set =
            changes
                .clone()
                .into_iter()
                .fold(WriteSet::new(), |set, (key, value)| match value {
                    Some(value) => set.put(key, value),
                    None => set.delete(key),
                });
        log.push((
            store.commit(set).await.unwrap(),
            changes.into_iter().collect(),
        ));
    }
    log
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_is_taken_while_others_commit_is_one_commits_state() {
    for (round, backend) in (0..6).zip(Backend::ALL.into_iter().cycle()) {
        let place = tempfile::tempdir().unwrap();
        let (dir, file, into) = (
            place.path().join("data"),
            place.path().join("b"),
            place.path().join("into"),
        );
        let store = open(&dir, backend).unwrap();
        // Several pages, so that commits land between them.
        let mut first = WriteSet::new();
        for n in 0..5000 {
            first = first.put(Key::new("still").number(n), *b"still");
        }
        store.commit(first).await.unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let lanes: Vec<_> = (0..3)
            .map(|lane| tokio::spawn(busy(store.clone(), stop.clone(), lane, round * 77)))
            .collect();
        // The store is open here: the backup is asked for, as by another process.
        let made = tokio::task::spawn_blocking({
            let (dir, file) = (dir.clone(), file.clone());
            move || backup(&dir, backend, &file).unwrap()
        })
        .await
        .unwrap();
        stop.store(true, Ordering::SeqCst);
        let mut log = Log::new();
        for lane in lanes {
            log.extend(lane.await.unwrap());
        }
        log.sort_by_key(|(seq, _)| *seq);
        let mut expected = BTreeMap::new();
        for (_, changes) in log.iter().filter(|(seq, _)| seq.0 <= made.commit) {
            for (key, value) in changes {
                match value {
                    Some(value) => expected.insert(key.clone(), value.clone()),
                    None => expected.remove(key),
                };
            }
        }
        restore(&file, &into, Some(backend)).unwrap();
        let mut found = rows(&open(&into, backend).unwrap()).await;
        found.retain(|key, _| !key.starts_with(&Key::new("still")));
        let found: BTreeMap<_, _> = found
            .into_iter()
            .map(|(key, (value, _))| (key, value))
            .collect();
        assert_eq!(found, expected, "{backend}, round {round}");
        assert!(
            made.changes > 0,
            "nothing was committed meanwhile: {made:?}"
        );
        assert!(
            fs::read_dir(dir.join("asked")).unwrap().next().is_none(),
            "question and answer are gone"
        );
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_copied_directory_is_of_a_new_epoch_and_a_moved_one_is_not() {
    for backend in Backend::ALL {
        let place = tempfile::tempdir().unwrap();
        let (one, two, moved) = (
            place.path().join("one"),
            place.path().join("two"),
            place.path().join("moved"),
        );
        let before = small(&one, backend).await;
        copy(&one, &two);
        fs::rename(&one, &moved).unwrap();
        let original = open(&moved, backend).unwrap();
        assert_eq!(
            (original.meta().epoch, &original.meta().origin),
            (1, &Origin::Made)
        );
        let twin = open(&two, backend).unwrap();
        assert_eq!(twin.meta().epoch, 2);
        assert!(
            matches!(twin.meta().origin, Origin::Copied { .. }),
            "{:?}",
            twin.meta()
        );
        assert_eq!(twin.meta().installation, original.meta().installation);
        assert_eq!(rows(&twin).await, before);
        drop(twin);
        let twin = open(&two, backend).unwrap();
        assert_eq!(twin.meta().epoch, 2, "opening it again begins no epoch");
        assert!(matches!(twin.meta().origin, Origin::Copied { .. }));
    }
}

#[cfg(unix)]
/// What the procedure in docs/backup.md comes to where the service was not stopped first.
#[tokio::test]
#[cfg(unix)]
async fn who_runs_on_while_another_directory_is_put_in_its_place_writes_nothing_more() {
    for backend in Backend::ALL {
        for is_restored in [true, false] {
            let place = tempfile::tempdir().unwrap();
            let (dir, file) = (place.path().join("data"), place.path().join("b"));
            let before = small(&dir, backend).await;
            backup(&dir, backend, &file).unwrap();
            let (running, bodies) = (open(&dir, backend).unwrap(), Bodies::open(&dir).unwrap());
            let kept = bodies.put(b"kept").unwrap();
            running
                .commit(WriteSet::new().put(link(9), kept.to_string()))
                .await
                .unwrap();

            fs::rename(&dir, place.path().join("old")).unwrap();
            if is_restored {
                restore(&file, &dir, None).unwrap();
            }
            let asked = place.path().join("asked");
            let mut told = vec![
                bodies.put(b"late").unwrap_err().to_string(),
                bodies.get(&kept).unwrap_err().to_string(),
                bodies.erase(&kept).unwrap_err().to_string(),
            ];
            for n in 20..22 {
                let refused = running.commit(WriteSet::new().put(link(n), *b"x")).await;
                told.push(refused.unwrap_err().to_string());
            }
            told.push(running.get(&link(9)).await.unwrap_err().to_string());
            for told in told {
                assert!(told.contains("was moved, or another was put in"), "{told}");
            }
            assert_eq!(dir.exists(), is_restored, "nothing is made there");
            if is_restored {
                let restored = open(&dir, backend).unwrap();
                // Both look for questions; the one that lies there answers.
                assert_eq!(backup(&dir, backend, &asked).unwrap().epoch, 2);
                drop(running);
                drop(restored);
                let restored = open(&dir, backend).unwrap();
                assert_eq!(rows(&restored).await, before);
                assert_eq!(bodies_in(&dir), 6);
            } else {
                drop(running);
            }
            let old = open(&place.path().join("old"), backend).unwrap();
            assert_eq!(old.get(&link(9)).await.unwrap().unwrap().seq, Seq(8));
            assert_eq!(old.get(&link(20)).await.unwrap(), None);
        }
    }
}

fn bodies_in(dir: &Path) -> usize {
    let folders = fs::read_dir(dir.join("bodies")).unwrap().flatten();
    folders
        .map(|folder| fs::read_dir(folder.path()).unwrap().count())
        .sum()
}

#[tokio::test]
async fn a_directory_from_before_copies_were_known_opens_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("data");
    small(&dir, Backend::Sled).await;
    let witness = dir.join("witness.json");
    let mut text: serde_json::Value = serde_json::from_slice(&fs::read(&witness).unwrap()).unwrap();
    text.as_object_mut().unwrap().remove("place").unwrap();
    fs::write(&witness, text.to_string()).unwrap();
    let store = open(&dir, Backend::Sled).unwrap();
    assert_eq!(
        (store.meta().epoch, &store.meta().origin),
        (1, &Origin::Made)
    );
}

#[tokio::test]
async fn rows_written_anew_are_the_same_rows() {
    for from in Backend::ALL {
        for to in Backend::ALL {
            let place = tempfile::tempdir().unwrap();
            let dir = place.path().join("data");
            let before = small(&dir, from).await;
            let held = open(&dir, from).unwrap();
            let error = rewrite(&dir, from, to).unwrap_err();
            assert!(
                matches!(error, BackupError::Open(OpenError::InUse { .. })),
                "{error}"
            );
            let meta = held.meta().clone();
            drop(held);
            let made = rewrite(&dir, from, to).unwrap();
            assert_eq!(made.rows, 11);
            let store = open(&dir, to).unwrap();
            assert_eq!((rows(&store).await, store.meta()), (before, &meta));
            let mut names: Vec<_> = fs::read_dir(&dir)
                .unwrap()
                .map(|e| e.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            assert_eq!(
                names,
                ["bodies", "lock", to.name(), "witness.json"]
                    .map(str::to_owned)
                    .into_iter()
                    .collect::<std::collections::BTreeSet<_>>()
                    .into_iter()
                    .collect::<Vec<_>>()
            );
        }
    }
}

#[tokio::test]
async fn compacting_gives_back_what_rewriting_took() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("data");
    let store = open(&dir, Backend::Sled).unwrap();
    for round in 0..60u8 {
        let set = (0..100).fold(WriteSet::new(), |set, n| {
            set.put(link(n), vec![round; 2000])
        });
        store.commit(set).await.unwrap();
    }
    drop(store);
    let made = rewrite(&dir, Backend::Sled, Backend::Sled).unwrap();
    assert!(made.after < made.before, "{made:?}");
}
