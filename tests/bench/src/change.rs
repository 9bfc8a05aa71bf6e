//! From a deal being won to its first write arriving at Xero: a `sync` started at that moment, everything warm.
//!
//! There is no service that listens yet, so this is an honest stand-in: a person or a timer starts `footbridge sync`. The start
//! of the process (some milliseconds) is not in it; opening store, plugins and connections is.

use crate::finding::Finding;
use crate::ground::{Ground, Size};
use crate::measure::Spread;
use crate::world::{World, open};
use anyhow::{Context, ensure};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

const NAME: &str = "change";
/// How often it is looked whether the write has arrived.
const LOOK: Duration = Duration::from_micros(200);

pub(crate) async fn run(ground: &Ground) -> anyhow::Result<Vec<Finding>> {
    let (deals, runs) = match ground.size {
        Size::Usual => (400, 20),
        Size::Tiny => (30, 1),
    };
    let world = World::start(deals).await?;
    let folder = tempfile::tempdir()?;
    world.write_files(folder.path())?;
    // Feeds read the last minutes again each time; after an hour these hold little, as on any day.
    for hours in [1, 0] {
        let composition = open(folder.path(), &ground.sandbox).await?;
        composition.engine.sync().await?;
        let clock = world.salesforce.clock();
        clock.advance(chrono::Duration::hours(hours));
    }
    let account = account(&world)?;
    let mut times = Vec::new();
    for n in 0..runs {
        world.xero.reset_counts();
        let deal = deal(&account, n);
        world.salesforce.create("Opportunity", deal)?;
        let began = Instant::now();
        let xero = world.xero.clone();
        // A thread of its own: the product's must not wait for it.
        let arrival = std::thread::spawn(move || {
            while xero.counts().writes == 0 && began.elapsed() < Duration::from_secs(30) {
                std::thread::sleep(LOOK);
            }
            began.elapsed()
        });
        let composition = open(folder.path(), &ground.sandbox).await?;
        let report = composition.engine.sync().await?;
        drop(composition);
        ensure!(
            report.applied.contains_key("invoice"),
            "the deal was not billed: {report:?}"
        );
        let arrived = tokio::task::spawn_blocking(move || arrival.join()).await?;
        times.push(arrived.map_err(|_| anyhow::anyhow!("the watching thread failed"))?);
    }
    Ok(vec![
        Finding::new(
            NAME,
            "a sync's start to its first write, warm",
            Spread::of(times),
        )
        .note(format!(
            "{deals} deals were synced an hour before; to this half of the interval comes at which syncs are started"
        )),
    ])
}

/// The account of some deal that was billed.
fn account(world: &World) -> anyhow::Result<String> {
    let billed = world.xero.dump("Invoices");
    let deals = world.salesforce.dump("Opportunity");
    let text = |record: &Value, field: &str| record.get(field)?.as_str().map(str::to_owned);
    let urls: Vec<String> = billed
        .iter()
        .filter_map(|invoice| text(invoice, "Url"))
        .collect();
    let found = deals.iter().find(|deal| {
        text(deal, "Id").is_some_and(|id| urls.iter().any(|url| url.contains(&id)))
            && text(deal, "CurrencyIsoCode").as_deref() == Some("GBP")
    });
    found
        .and_then(|deal| text(deal, "AccountId"))
        .context("no deal was billed in pounds")
}

fn deal(account: &str, n: u32) -> Map<String, Value> {
    let today = chrono::Utc::now().date_naive().to_string();
    let deal = json!({
        "Name": format!("Won just now {n}"), "AccountId": account, "StageName": "Closed Won", "CloseDate": today,
        "Amount": "120.00", "CurrencyIsoCode": "GBP",
    });
    deal.as_object().cloned().unwrap_or_default()
}
