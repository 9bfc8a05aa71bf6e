//! What a sync costs in a store of many links: the same few changes at 1,000, 100,000, a million.
//!
//! A real first sync of the believable company is the pattern; [`multiply`] writes its rows again under other ids until there are
//! as many links as asked for, so families, sizes and proportions are those of a real store. The far sides hold the pattern alone:
//! feeds tell of changes, never of what stays. The product is a process of its own, measured from outside. Nothing is judged here
//! but ratios to the smallest size; `docs/performance.md` reads them.

use crate::growth_rows::{Pattern, multiply};
use crate::world::World;
use anyhow::{Context, ensure};
use footbridge_store::Backend;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// This process is the product then: its arguments are `footbridge`'s.
pub const AS_PRODUCT: &str = "FOOTBRIDGE_BENCH_AS_PRODUCT";
/// Deals of the pattern.
const DEALS: usize = 1000;
/// What changes between two runs.
const CHANGED: usize = 10;
const PAID: usize = 5;

/// What one run of the product took.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Cost {
    /// Calls to both far sides, token calls left out.
    pub calls: u64,
    /// From the start of the process to its end.
    pub milliseconds: u64,
    /// CPU time, user and system.
    pub cpu_milliseconds: u64,
    /// The most memory it had resident.
    pub peak_kib: u64,
}

/// What was found at one size.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Grown {
    /// Links in the store.
    pub links: u64,
    /// Rows in the store.
    pub rows: u64,
    /// Rows by family.
    pub families: BTreeMap<String, u64>,
    /// Bytes the rows take on disk.
    pub disk: u64,
    /// Bytes of keys and values.
    pub live: u64,
    /// The most memory that writing them took, in large commits; both simulators are in it.
    pub filling_peak_kib: u64,
    /// A sync with nothing to do.
    pub quiet: Cost,
    /// A sync with ten changed deals and five paid invoices.
    pub changed: Cost,
    /// `footbridge status`.
    pub status: Cost,
    /// `footbridge history` of one invoice: the opening of the store, and a handful of rows.
    pub history: Cost,
}

/// One size, from an empty folder that is removed by whoever made it.
///
/// # Errors
/// The product failed, or did another number of things than it must.
pub async fn grown(folder: &Path, links: u64, backend: Backend) -> anyhow::Result<Grown> {
    let world = World::start(DEALS).await?;
    world.write_files(folder)?;
    // A key of the file's top comes before its tables.
    let config = folder.join("footbridge.toml");
    let rest = std::fs::read_to_string(&config)?;
    std::fs::write(&config, format!("store = \"{backend}\"\n{rest}"))?;
    let clock = world.salesforce.clock();
    // Feeds read the last minutes again each time; after an hour these hold little, as on any day.
    for _ in 0..2 {
        run(folder, &world, &["sync", "--json"])?;
        clock.advance(chrono::Duration::hours(1));
    }
    let data = folder.join("footbridge-data");
    let store = footbridge_store::open(&data, backend)?;
    let pattern = Pattern::of(&store).await?;
    multiply(&store, &pattern, links).await?;
    let filling_peak_kib = peak_kib();
    let report = store.verify().await?;
    let disk = store.size_on_disk().await?;
    let families = Pattern::families(&store).await?;
    drop(store);
    // Whatever the first opening does for a log of this length is not what a run costs.
    run(folder, &world, &["sync", "--json"])?;
    let (_, quiet) = run(folder, &world, &["sync", "--json"])?;
    change(&world)?;
    let (said, changed) = run(folder, &world, &["sync", "--json"])?;
    let report_of: Value = serde_json::from_str(&said).context("the report of the sync")?;
    ensure!(report_of.pointer("/in_doubt") == Some(&json!(0)), "{said}");
    let (_, status) = run(folder, &world, &["status", "--json"])?;
    let invoices = world.xero.dump("Invoices");
    let ours = invoices
        .iter()
        .find(|one| one.get("Url").is_some_and(Value::is_string));
    let id = ours.and_then(|one| one.get("InvoiceID")?.as_str());
    let id = id.context("no invoice was made")?;
    let (_, history) = run(folder, &world, &["history", id, "--json"])?;
    Ok(Grown {
        links: families.get("link").copied().unwrap_or_default(),
        rows: report.rows,
        families,
        disk,
        live: report.live_bytes,
        filling_peak_kib,
        quiet,
        changed,
        status,
        history,
    })
}

/// Ten billed deals are touched in a field that the mapping reads, and five invoices are paid.
fn change(world: &World) -> anyhow::Result<()> {
    let invoices = world.xero.dump("Invoices");
    let ours: Vec<&Value> = invoices
        .iter()
        .filter(|invoice| invoice.get("Url").is_some_and(Value::is_string))
        .collect();
    let deals = world.salesforce.dump("Opportunity");
    let billed = deals.iter().filter_map(|deal| {
        let id = deal.get("Id")?.as_str()?;
        let shown = ours.iter().any(|invoice| {
            invoice
                .get("Url")
                .and_then(Value::as_str)
                .is_some_and(|url| url.contains(id))
        });
        shown.then_some(id)
    });
    let billed: Vec<&str> = billed.take(CHANGED).collect();
    ensure!(billed.len() == CHANGED, "too few deals were billed");
    for id in billed {
        let fields: Map<String, Value> = [("NextStep".to_owned(), json!("call again"))]
            .into_iter()
            .collect();
        world.salesforce.edit("Opportunity", id, fields)?;
    }
    let accounts = world.xero.dump("Accounts");
    let bank = accounts
        .iter()
        .find(|account| account.get("Type") == Some(&json!("BANK")))
        .and_then(|account| account.get("Code")?.as_str())
        .context("the company has no bank account")?;
    let open = ours.iter().filter(|invoice| {
        invoice.get("Status") == Some(&json!("AUTHORISED"))
            && invoice.get("CurrencyCode") == Some(&json!("GBP"))
    });
    let today = chrono::Utc::now().date_naive().to_string();
    let mut paid = 0;
    for invoice in open.take(PAID) {
        let payment = json!({
            "Invoice": {"InvoiceID": invoice.get("InvoiceID")}, "Account": {"Code": bank},
            "Date": today, "Amount": invoice.get("AmountDue"),
        });
        world.xero.load("Payments", payment)?;
        paid += 1;
    }
    ensure!(paid == PAID, "too few invoices are open");
    Ok(())
}

/// Runs the product in a process of its own.
fn run(folder: &Path, world: &World, arguments: &[&str]) -> anyhow::Result<(String, Cost)> {
    world.xero.reset_counts();
    world.salesforce.reset_counts();
    let measured = folder.join("measured.json");
    let began = Instant::now();
    let output = Command::new(std::env::current_exe()?)
        .env(AS_PRODUCT, &measured)
        .arg("--config")
        .arg(folder.join("footbridge.toml"))
        .args(arguments)
        .stdin(Stdio::null())
        .output()?;
    let milliseconds = u64::try_from(began.elapsed().as_millis())?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "{arguments:?}: {}{said}",
        String::from_utf8_lossy(&output.stderr)
    );
    let inside: Inside = serde_json::from_slice(&std::fs::read(&measured)?)?;
    let (xero, salesforce) = (world.xero.counts(), world.salesforce.counts());
    let cost = Cost {
        calls: xero.reads + xero.writes + salesforce.reads + salesforce.writes,
        milliseconds,
        cpu_milliseconds: inside.cpu_milliseconds,
        peak_kib: inside.peak_kib,
    };
    Ok((said, cost))
}

/// What only the process itself can tell of itself.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Inside {
    cpu_milliseconds: u64,
    peak_kib: u64,
}

/// Notes what this process took so far, where the system tells.
///
/// # Errors
/// The file can't be written.
pub fn note_myself(file: &Path) -> anyhow::Result<()> {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name in brackets: user and system time are the 12th and 13th word, in hundredths of a second.
    let ticks: u64 = stat
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().skip(11).take(2))
        .into_iter()
        .flatten()
        .filter_map(|word| word.parse::<u64>().ok())
        .sum();
    let inside = Inside {
        cpu_milliseconds: ticks * 10,
        peak_kib: peak_kib(),
    };
    std::fs::write(file, serde_json::to_vec(&inside)?)?;
    Ok(())
}

/// The most memory that this process had resident so far; 0 where the system doesn't tell.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}

/// One of the runs that were measured.
type Of = fn(&Grown) -> &Cost;

/// All sizes beside each other, each with its ratio to the first.
pub fn told(all: &[Grown]) -> String {
    let mut text = String::from("| | ");
    let heads: Vec<String> = all
        .iter()
        .map(|one| format!("{} links", one.links))
        .collect();
    text.push_str(&heads.join(" | "));
    text.push_str(" |\n|---|");
    text.push_str(&"---|".repeat(all.len()));
    text.push('\n');
    let mut line = |name: &str, figure: &dyn Fn(&Grown) -> u64, unit: &str| {
        let first = all.first().map_or(0, figure);
        let cells: Vec<String> = all
            .iter()
            .map(|one| format!("{}{unit}{}", figure(one), ratio(figure(one), first)))
            .collect();
        text.push_str(&format!("| {name} | {} |\n", cells.join(" | ")));
    };
    line("rows", &|one| one.rows, "");
    line("live bytes", &|one| one.live / 1_000_000, " MB");
    line("on disk", &|one| one.disk / 1_000_000, " MB");
    line(
        "filling it: peak memory",
        &|one| one.filling_peak_kib / 1024,
        " MiB",
    );
    let runs: [(&str, Of); 4] = [
        ("quiet sync", |one| &one.quiet),
        ("sync of 10 changed deals and 5 paid invoices", |one| {
            &one.changed
        }),
        ("status", |one| &one.status),
        ("history of one invoice", |one| &one.history),
    ];
    for (name, of) in runs {
        line(&format!("{name}: calls"), &|one| of(one).calls, "");
        line(&format!("{name}: time"), &|one| of(one).milliseconds, " ms");
        line(
            &format!("{name}: CPU"),
            &|one| of(one).cpu_milliseconds,
            " ms",
        );
        line(
            &format!("{name}: peak memory"),
            &|one| of(one).peak_kib / 1024,
            " MiB",
        );
    }
    text
}

fn ratio(figure: u64, first: u64) -> String {
    match (figure * 100).checked_div(first) {
        Some(hundredths) if hundredths != 100 => {
            format!(" ({}.{:02}x)", hundredths / 100, hundredths % 100)
        }
        _ => String::new(),
    }
}
