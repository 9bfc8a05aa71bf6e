//! What a store of many links costs: memory, opening, disk, commits.
//!
//! Responsible for: loading realistic link rows through the `Store` trait in a fresh process, opening them in another,
//! and printing what was measured. Never: judges the figures (see `docs/proofs.md`).
//! Flow: `--backend sled --links 100000 [--json] [--dir DIR]` starts itself once per phase and prints one object.
//! Memory is read from `/proc/self/status`, so it runs on Linux only.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use footbridge_store::{Backend, Key, KeyRange, Store, WriteSet, open};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Map, Value, json};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Timed commits of one kind.
const SINGLE_COMMITS: u64 = 1000;
const WIDE_COMMITS: u64 = 200;
const WAITERS: u64 = 8;
const GETS: u64 = 20_000;

struct Options {
    backend: Backend,
    links: u64,
    json: bool,
    dir: Option<PathBuf>,
    phase: Option<String>,
}

fn options() -> Outcome<Options> {
    let mut chosen = Options {
        backend: Backend::Sled,
        links: 100_000,
        json: false,
        dir: None,
        phase: None,
    };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--backend" => chosen.backend = value()?.parse()?,
            "--links" => chosen.links = value()?.parse()?,
            "--dir" => chosen.dir = Some(value()?.into()),
            "--phase" => chosen.phase = Some(value()?),
            "--json" => chosen.json = true,
            _ => return Err(format!("{word} is not known; see the head of spike.rs").into()),
        }
    }
    Ok(chosen)
}

fn main() -> Outcome<()> {
    let chosen = options()?;
    let Some(phase) = &chosen.phase else {
        return measure(&chosen);
    };
    let dir = chosen.dir.as_deref().ok_or("a phase needs --dir")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()?;
    let figures = match phase.as_str() {
        "load" => runtime.block_on(load(dir, &chosen))?,
        "reopen" => runtime.block_on(reopen(dir, &chosen))?,
        other => return Err(format!("there is no phase {other}").into()),
    };
    println!("{figures}");
    Ok(())
}

/// Runs each phase in a process of its own and prints all figures.
fn measure(chosen: &Options) -> Outcome<()> {
    let own;
    let dir = match &chosen.dir {
        Some(dir) => dir.as_path(),
        None => {
            own = tempfile::tempdir()?;
            own.path()
        }
    };
    let mut figures = Map::new();
    figures.insert("backend".to_owned(), json!(chosen.backend.name()));
    figures.insert("links".to_owned(), json!(chosen.links));
    for phase in ["load", "reopen"] {
        let output = Command::new(std::env::current_exe()?)
            .args([
                "--phase",
                phase,
                "--backend",
                chosen.backend.name(),
                "--links",
                &chosen.links.to_string(),
            ])
            .arg("--dir")
            .arg(dir)
            .output()?;
        if !output.status.success() {
            return Err(
                format!("phase {phase}: {}", String::from_utf8_lossy(&output.stderr)).into(),
            );
        }
        let found: Map<String, Value> = serde_json::from_slice(&output.stdout)?;
        figures.extend(found);
    }
    if chosen.json {
        println!("{}", Value::Object(figures));
    } else {
        figures
            .iter()
            .for_each(|(name, figure)| println!("{name:32} {figure}"));
    }
    Ok(())
}

/// A link's key: the organisation is part of it, as the engine's links have it.
fn key(number: u64) -> Key {
    // Spread over the key space like record ids from several sources.
    let spread = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    Key::new("link")
        .text("acme-books")
        .text("7f0c9a52-1d7e-4b59-9a44-0f2c6f1f7b11")
        .text(&format!("006{spread:015x}"))
}

/// 300 to 600 bytes of what a link remembers.
fn value(number: u64, random: &mut StdRng) -> Vec<u8> {
    let link = json!({
        "v": 1, "kind": "invoice", "flow": "won-deals", "source": format!("006{number:015}AAE"),
        "target": format!("{:032x}", random.random::<u128>()), "number": format!("INV-{number:07}"),
        "source_version": format!("2026-11-{:02}T09:{:02}:11.000Z", 1 + number % 28, number % 60),
        "target_version": format!("2026-11-{:02}T09:{:02}:14.733", 1 + number % 28, number % 60),
        "sent": format!("{:064x}", random.random::<u128>()), "read_back": format!("{:064x}", random.random::<u128>()),
        "total": format!("{}.{:02}", random.random_range(10..90_000), random.random_range(0..100)),
        "note": "n".repeat(random.random_range(0..200)),
    });
    link.to_string().into_bytes()
}

async fn load(dir: &Path, chosen: &Options) -> Outcome<Value> {
    let store = open(dir, chosen.backend)?;
    let mut random = StdRng::seed_from_u64(chosen.links);
    let started = Instant::now();
    let (mut number, mut live, mut sets) = (0, 0, 0u64);
    while number < chosen.links {
        let rows = random.random_range(50..=500u64).min(chosen.links - number);
        let mut set = WriteSet::new();
        for _ in 0..rows {
            let (key, value) = (key(number), value(number, &mut random));
            live += key.len() + value.len();
            set = set.absent(&key).put(key, value);
            number += 1;
        }
        store.commit(set).await?;
        sets += 1;
    }
    let seconds = started.elapsed();
    let (resident, peak) = memory()?;
    let disk = store.size_on_disk().await?;
    let single = sequential(&store, chosen.links, SINGLE_COMMITS, 1).await?;
    let wide = sequential(&store, chosen.links, WIDE_COMMITS, 50).await?;
    let single_shared = waiting(&store, chosen.links, SINGLE_COMMITS, 1).await?;
    let wide_shared = waiting(&store, chosen.links, WIDE_COMMITS, 50).await?;
    Ok(json!({
        "load_ms": millis(seconds), "load_sets": sets, "live_bytes": live, "disk_bytes_loaded": disk,
        "resident_kib_loaded": resident, "peak_kib_loaded": peak,
        "commit_1_us": single, "commit_50_us": wide,
        "commit_1_of_8_waiting_us": single_shared, "commit_50_of_8_waiting_us": wide_shared,
    }))
}

async fn reopen(dir: &Path, chosen: &Options) -> Outcome<Value> {
    let started = Instant::now();
    let store = open(dir, chosen.backend)?;
    let opened = started.elapsed();
    let (resident, peak) = memory()?;
    let mut random = StdRng::seed_from_u64(1);
    let started = Instant::now();
    for _ in 0..GETS {
        let key = key(random.random_range(0..chosen.links));
        store.get(&key).await?.ok_or("a link is missing")?;
    }
    let gets = started.elapsed();
    let started = Instant::now();
    let report = store.verify().await?;
    let verified = started.elapsed();
    if report.rows != chosen.links || !report.damaged.is_empty() {
        return Err(format!(
            "{} rows of {}, {} damaged",
            report.rows,
            chosen.links,
            report.damaged.len()
        )
        .into());
    }
    store.scan(&KeyRange::all(), None, 1).await?;
    let (resident_read, _) = memory()?;
    Ok(json!({
        "open_ms": millis(opened), "resident_kib_reopened": resident, "peak_kib_reopened": peak,
        "get_us_mean": micros(gets) / GETS, "verify_ms": millis(verified), "resident_kib_all_read": resident_read,
        "disk_bytes_reopened": store.size_on_disk().await?,
    }))
}

/// Rewrites `rows` links per commit, one commit after the other.
async fn sequential(store: &Arc<dyn Store>, links: u64, commits: u64, rows: u64) -> Outcome<Value> {
    Ok(spread(
        rewrite(Arc::clone(store), links, commits, rows, 0).await?,
    ))
}

/// The same from eight tasks that each wait for their own commit.
async fn waiting(store: &Arc<dyn Store>, links: u64, commits: u64, rows: u64) -> Outcome<Value> {
    let each = (0..WAITERS).map(|lane| {
        let store = Arc::clone(store);
        tokio::spawn(rewrite(store, links, commits / WAITERS, rows, lane))
    });
    let started = Instant::now();
    let mut times = Vec::new();
    for task in each.collect::<Vec<_>>() {
        times.extend(task.await??);
    }
    let per_second = u64::try_from(times.len())? * 1_000_000 / micros(started.elapsed()).max(1);
    let mut figures = spread(times);
    if let Value::Object(figures) = &mut figures {
        figures.insert("per_second".to_owned(), json!(per_second));
    }
    Ok(figures)
}

async fn rewrite(
    store: Arc<dyn Store>,
    links: u64,
    commits: u64,
    rows: u64,
    lane: u64,
) -> Outcome<Vec<u64>> {
    let mut random = StdRng::seed_from_u64(lane);
    // Links of this lane only: lanes do not conflict.
    let mut own: Vec<u64> = (0..links)
        .filter(|number| number % WAITERS == lane)
        .collect();
    own.shuffle(&mut random);
    let mut own = own.into_iter().cycle();
    let mut times = Vec::new();
    for _ in 0..commits {
        let set = own
            .by_ref()
            .take(usize::try_from(rows)?)
            .fold(WriteSet::new(), |set, number| {
                set.put(key(number), value(number, &mut random))
            });
        let started = Instant::now();
        store.commit(set).await?;
        times.push(micros(started.elapsed()));
    }
    Ok(times)
}

/// Median and 99th percentile.
fn spread(mut times: Vec<u64>) -> Value {
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100);
    json!({ "median": at(50), "p99": at(99) })
}

/// Resident memory now and at its highest, in KiB.
fn memory() -> Outcome<(u64, u64)> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let field = |name: &str| -> Outcome<u64> {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .ok_or("no such field")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    };
    Ok((field("VmRSS:")?, field("VmHWM:")?))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
