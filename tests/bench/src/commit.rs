//! Commits of the store, each flushed before it counts, against a bare flushed append of as many bytes to a file beside it.

use crate::finding::Finding;
use crate::ground::{Ground, Size};
use crate::measure::{Spread, attempt, in_turns, per_second};
use footbridge_store::{Backend, Key, Store, WriteSet};
use std::cell::Cell;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

const NAME: &str = "commit";
const WAITERS: u64 = 8;
/// Bytes of a row, key aside.
const ROW: usize = 500;
/// Rows that are rewritten over and over.
const ROWS: u64 = 20_000;

pub(crate) async fn run(ground: &Ground) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for backend in [Backend::Sled, Backend::Redb] {
        let folder = tempfile::tempdir()?;
        let store = footbridge_store::open(&folder.path().join("store"), backend)?;
        let mut file = File::create(folder.path().join("bare"))?;
        let number = Cell::new(0u64);
        let next = || {
            number.set(number.get() + 1);
            number.get()
        };
        let file = &mut file;
        let bare = std::cell::RefCell::new(file);
        let things = vec![
            attempt(|| async {
                let set = row(next());
                let began = Instant::now();
                store.commit(set).await?;
                Ok(began.elapsed())
            }),
            attempt(|| async {
                let bytes = bytes(next());
                let began = Instant::now();
                let mut file = bare.borrow_mut();
                file.write_all(&bytes)?;
                file.sync_all()?;
                Ok(began.elapsed())
            }),
        ];
        let spreads = in_turns(ground.rounds(1_000), things).await?;
        let [own, append] = spreads.as_slice() else {
            continue;
        };
        let each = match ground.size {
            Size::Usual => 400,
            Size::Tiny => 2,
        };
        let (waited, rate) = waiting(&store, each).await?;
        let name = backend.name();
        findings.push(
            Finding::new(NAME, format!("{name}, one waiter"), *own)
                .rate(own.per_second())
                .against("append and fsync", *append),
        );
        findings.push(
            Finding::new(NAME, format!("{name}, eight waiting"), waited)
                .rate(rate)
                .against("append and fsync", *append)
                .note(format!(
                    "a bare file takes {} appends a second one after the other; the writer folds what waits into one flush",
                    append.per_second()
                )),
        );
    }
    Ok(findings)
}

/// Eight tasks that each wait for their own commits.
async fn waiting(store: &Arc<dyn Store>, each: u64) -> anyhow::Result<(Spread, u64)> {
    let lane = |lane: u64| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            let mut times: Vec<Duration> = Vec::new();
            for n in 0..each {
                let set = row(n * WAITERS + lane);
                let began = Instant::now();
                store.commit(set).await?;
                times.push(began.elapsed());
            }
            anyhow::Ok(times)
        })
    };
    let began = Instant::now();
    let lanes: Vec<_> = (0..WAITERS).map(lane).collect();
    let mut times = Vec::new();
    for lane in lanes {
        times.extend(lane.await??);
    }
    Ok((
        Spread::of(times),
        per_second(WAITERS * each, began.elapsed()),
    ))
}

fn row(number: u64) -> WriteSet {
    WriteSet::new().put(key(number), value(number))
}

/// As many bytes as the row has.
fn bytes(number: u64) -> Vec<u8> {
    [key(number).to_vec(), value(number)].concat()
}

fn key(number: u64) -> Key {
    // Spread over the key space like record ids.
    let spread = (number % ROWS).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Key::new("link")
        .text("acme-books")
        .text(&format!("006{spread:015x}"))
}

fn value(number: u64) -> Vec<u8> {
    let mut value = format!(r#"{{"v":1,"number":"INV-{number:09}","note":""#).into_bytes();
    value.resize(ROW, b'n');
    value
}
