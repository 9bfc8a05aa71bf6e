//! Killed at any moment, each backend keeps what it acknowledged and shows no half of a write set.
//!
//! Responsible for: SIGKILL at random moments, and a disk that refuses to grow. Each test is parent and child in one:
//! it starts itself again, and the child, known by `FOOTBRIDGE_CRASH_DIR`, writes until it dies.
//! More rounds or another seed: `FOOTBRIDGE_CRASH_ROUNDS=500 FOOTBRIDGE_CRASH_SEED=3 cargo nextest run --test crash`.
//! Kills lose what a process holds in memory, not what the system has cached: a power cut is not tested here.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "test code")]
#![expect(clippy::expect_used, reason = "test code")]
#![expect(clippy::panic, reason = "test code")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use footbridge_store::{
    Backend, Bodies, BodyDigest, CommitError, Key, OpenError, Seq, Store, StoreError, WriteSet,
    compact, open,
};
use rand::{Rng, SeedableRng};

const CHILD_DIR: &str = "FOOTBRIDGE_CRASH_DIR";
/// The child has its rows written anew all the time.
const REWRITING: &str = "FOOTBRIDGE_CRASH_REWRITING";
/// Committers of the child, each with a history of its own.
const LANES: u64 = 4;
/// Rows of a write set; each commit also removes the set this many numbers before it.
const ROWS: u64 = 5;
const KEPT: u64 = 8;

fn head(lane: u64) -> Key {
    Key::new("head").number(lane)
}

fn row(lane: u64, number: u64, part: u64) -> Key {
    Key::new("row").number(lane).number(number).number(part)
}

/// One row of every commit stays, so that the store grows.
fn grown(lane: u64, number: u64) -> Key {
    Key::new("grown").number(lane).number(number)
}

fn content(lane: u64, number: u64, part: u64) -> Vec<u8> {
    let mut text = format!("{lane} {number} {part} ").into_bytes();
    // Now and then a value that spans pages.
    text.resize(
        if number.is_multiple_of(16) {
            30_000
        } else {
            200
        },
        b'.',
    );
    text
}

/// Commits without end and says so after each: `ack lane number seq`.
async fn write_until_killed(store: Arc<dyn Store>, bodies: Bodies, lane: u64) -> CommitError {
    let found = store.get(&head(lane)).await.unwrap();
    let mut at = found.as_ref().map(|row| row.seq);
    let mut number = found.map_or(0, |row| number_of(&row.value)) + 1;
    loop {
        let body = format!("body {lane} {number}");
        let Ok(digest) = bodies.put(body.as_bytes()) else {
            return CommitError::Io("no body".to_owned());
        };
        let value = format!("{number} {digest}");
        let mut set = WriteSet::new()
            .as_read(head(lane), at)
            .put(head(lane), value);
        set = set.put(grown(lane, number), vec![b'+'; 2000]);
        for part in 0..ROWS {
            set = set.put(row(lane, number, part), content(lane, number, part));
            if number > KEPT {
                set = set.delete(row(lane, number - KEPT, part));
            }
        }
        match store.commit(set).await {
            Ok(seq) => println!("\nack {lane} {number} {seq}"),
            Err(error) => return error,
        }
        at = store
            .get(&head(lane))
            .await
            .unwrap_or(None)
            .map(|row| row.seq);
        number += 1;
    }
}

fn number_of(head: &[u8]) -> u64 {
    let text = std::str::from_utf8(head).unwrap();
    text.split_once(' ').unwrap().0.parse().unwrap()
}

/// The child: never returns unless the store refuses.
fn child(dir: &Path, backend: Backend) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = open(dir, backend).unwrap();
        let bodies = Bodies::open(dir).unwrap();
        if std::env::var_os(REWRITING).is_some() {
            let dir = dir.to_owned();
            std::thread::spawn(move || {
                loop {
                    compact(&dir, backend).unwrap();
                    println!("\nrewritten");
                }
            });
        }
        let lanes = (0..LANES)
            .map(|lane| tokio::spawn(write_until_killed(store.clone(), bodies.clone(), lane)));
        for lane in lanes.collect::<Vec<_>>() {
            println!("\nrefused {}", lane.await.unwrap());
        }
        let again = store.commit(WriteSet::new().put(*b"late", *b"write")).await;
        assert!(
            matches!(again, Err(CommitError::Poisoned { .. })),
            "{again:?}"
        );
        let read = store.get(&head(0)).await;
        assert!(matches!(read, Err(StoreError::Poisoned { .. })), "{read:?}");
        println!("\nstopped");
    });
}

/// What the child acknowledged: per lane the last number, and the highest commit.
#[derive(Debug, Default)]
struct Acknowledged {
    lanes: BTreeMap<u64, u64>,
    seq: u64,
    total: u64,
    rewritten: u64,
    refused: Vec<String>,
    stopped: bool,
}

impl Acknowledged {
    fn hear(&mut self, line: &str) {
        if let Some(why) = line.strip_prefix("refused ") {
            self.refused.push(why.to_owned());
        }
        self.stopped |= line == "stopped";
        self.rewritten += u64::from(line == "rewritten");
        let Some(numbers) = line.strip_prefix("ack ") else {
            return;
        };
        // The kill may cut the last line short: then it was not heard.
        let numbers: Vec<u64> = numbers
            .split(' ')
            .filter_map(|number| number.parse().ok())
            .collect();
        if let [lane, number, seq] = numbers[..] {
            self.lanes.insert(lane, number);
            self.seq = self.seq.max(seq);
            self.total += 1;
        }
    }
}

/// Opens what the child left and checks it against what it said.
async fn check(dir: &Path, backend: Backend, said: &Acknowledged) {
    let store = open(dir, backend).unwrap();
    let bodies = Bodies::open(dir).unwrap();
    let mut expected_rows = 0;
    for lane in 0..LANES {
        let acknowledged = said.lanes.get(&lane).copied().unwrap_or(0);
        let Some(found) = store.get(&head(lane)).await.unwrap() else {
            assert_eq!(acknowledged, 0, "lane {lane} is lost");
            continue;
        };
        let number = number_of(&found.value);
        assert!(
            number >= acknowledged,
            "lane {lane}: {acknowledged} was acknowledged, {number} is there"
        );
        let digest = std::str::from_utf8(&found.value)
            .unwrap()
            .split_once(' ')
            .unwrap()
            .1;
        let body = bodies.get(&digest.parse::<BodyDigest>().unwrap()).unwrap();
        assert_eq!(
            body.expect("its row is there, so its body is"),
            format!("body {lane} {number}").as_bytes()
        );
        for kept in number.saturating_sub(KEPT - 1).max(1)..=number {
            for part in 0..ROWS {
                let row = store.get(&row(lane, kept, part)).await.unwrap();
                let row = row.unwrap_or_else(|| {
                    panic!("lane {lane}: row {kept}/{part} of {number} is missing")
                });
                assert_eq!(row.value, content(lane, kept, part));
                expected_rows += 1;
            }
        }
        for kept in 1..=number {
            let kept = grown(lane, kept);
            assert!(
                store.get(&kept).await.unwrap().is_some(),
                "{kept:?} of {number} is missing"
            );
        }
        expected_rows += 1 + number;
    }
    // No row besides: neither a part of a set that was not finished nor one that was removed.
    let report = store.verify().await.unwrap();
    assert_eq!((report.rows, &report.damaged[..]), (expected_rows, &[][..]));
    let next = store.commit(WriteSet::new()).await.unwrap();
    assert!(
        next > Seq(said.seq),
        "{next} was given before: {} is acknowledged",
        said.seq
    );
}

fn number_from(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

/// Program and arguments that run one test of this file.
fn this_test_again(test: &str) -> [OsString; 4] {
    let own = std::env::current_exe().unwrap();
    [
        own.into(),
        test.into(),
        "--exact".into(),
        "--nocapture".into(),
    ]
}

/// What goes on in the child beside the commits.
#[derive(Clone, Copy, PartialEq)]
enum Beside {
    Nothing,
    Rewriting,
}

fn survives_kills(test: &str, backend: Backend, beside: Beside) {
    if let Some(dir) = std::env::var_os(CHILD_DIR) {
        return child(Path::new(&dir), backend);
    }
    let rounds = number_from("FOOTBRIDGE_CRASH_ROUNDS", 20);
    let seed = number_from("FOOTBRIDGE_CRASH_SEED", 7);
    println!("{backend}: {rounds} rounds, seed {seed}");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let mut moments = rand::rngs::StdRng::seed_from_u64(seed);
    let dir = tempfile::tempdir().unwrap();
    let mut said = Acknowledged::default();
    for round in 0..rounds {
        let [program, args @ ..] = this_test_again(test);
        let mut command = Command::new(program);
        if beside == Beside::Rewriting {
            command.env(REWRITING, "yes");
        }
        let mut child = command
            .args(args)
            .env(CHILD_DIR, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (heard, first) = std::sync::mpsc::channel();
        let listener = std::thread::spawn(move || {
            let mut lines = Vec::new();
            for line in output.lines().map_while(Result::ok) {
                if line.starts_with("ack ") {
                    // Nobody listens in the rounds that kill by the clock.
                    let _ = heard.send(());
                }
                lines.push(line);
            }
            lines
        });
        // Odd rounds kill within the start, where recovery runs; even ones in the writing, however slow the start.
        let mut moment = Duration::from_micros(moments.random_range(1_000..100_000));
        if round.is_multiple_of(2) {
            first
                .recv_timeout(Duration::from_secs(60))
                .expect("the child writes");
            moment *= if beside == Beside::Rewriting { 12 } else { 3 };
        }
        std::thread::sleep(moment);
        if round == rounds / 2 {
            let told = open(dir.path(), backend).err();
            if let Some(OpenError::InUse { pid, .. }) = &told {
                assert_eq!(*pid, child.id().to_string());
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in listener.join().unwrap() {
            said.hear(&line);
        }
        assert_eq!(said.refused, [""; 0], "round {round}");
        runtime.block_on(check(dir.path(), backend, &said));
    }
    println!("{backend}: {} commits acknowledged, none lost", said.total);
    assert!(said.total >= rounds / 2, "{said:?}");
    assert_eq!(said.rewritten > 0, beside == Beside::Rewriting, "{said:?}");
}

/// The child runs under a limit on file length, which fails writes as a full disk does.
fn survives_a_full_disk(test: &str, backend: Backend) {
    if let Some(dir) = std::env::var_os(CHILD_DIR) {
        return child(Path::new(&dir), backend);
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 6000; exec \"$0\" \"$@\""])
        .args(this_test_again(test))
        .env(CHILD_DIR, dir.path())
        .output()
        .unwrap();
    let mut said = Acknowledged::default();
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .for_each(|line| said.hear(line));
    assert!(
        said.stopped,
        "the child did not stop by itself: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(said.total > 0 && !said.refused.is_empty(), "{said:?}");
    runtime.block_on(check(dir.path(), backend, &said));
}

#[test]
fn sled_survives_kills() {
    survives_kills("sled_survives_kills", Backend::Sled, Beside::Nothing);
}

#[test]
fn redb_survives_kills() {
    survives_kills("redb_survives_kills", Backend::Redb, Beside::Nothing);
}

#[test]
fn sled_survives_kills_while_it_is_compacted() {
    let test = "sled_survives_kills_while_it_is_compacted";
    survives_kills(test, Backend::Sled, Beside::Rewriting);
}

#[test]
fn redb_survives_kills_while_it_is_compacted() {
    let test = "redb_survives_kills_while_it_is_compacted";
    survives_kills(test, Backend::Redb, Beside::Rewriting);
}

#[test]
fn sled_survives_a_full_disk() {
    survives_a_full_disk("sled_survives_a_full_disk", Backend::Sled);
}

#[test]
fn redb_survives_a_full_disk() {
    survives_a_full_disk("redb_survives_a_full_disk", Backend::Redb);
}
