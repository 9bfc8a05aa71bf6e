//! A first sync end to end, everything durable, against simulators without latency: deals and records a second.
//!
//! A record is one that came in from a side or was written to it. Simulators and product share the machine, so the CPU time of
//! both is told.

use crate::cpu;
use crate::finding::{Finding, Verdict};
use crate::ground::{Ground, Size};
use crate::measure::{Spread, per_second};
use crate::world::{THREADS, World, open};
use anyhow::ensure;
use std::time::Instant;

const NAME: &str = "flow";
const GOAL: &str = "thousands of records a second";

pub(crate) async fn run(ground: &Ground) -> anyhow::Result<Vec<Finding>> {
    let runs = match ground.size {
        Size::Usual => 3,
        Size::Tiny => 1,
    };
    let mut times = Vec::new();
    let mut note = String::new();
    let mut records = 0;
    for _ in 0..runs {
        let world = World::start(ground.deals).await?;
        let folder = tempfile::tempdir()?;
        world.write_files(folder.path())?;
        let before = cpu::by_thread();
        let began = Instant::now();
        let composition = open(folder.path(), &ground.sandbox).await?;
        let report = composition.engine.sync().await?;
        let took = began.elapsed();
        let (theirs, ours) = cpu::since(&before, THREADS);
        let made: usize = report.applied.values().sum();
        ensure!(report.in_doubt == 0, "something is in doubt");
        ensure!(made > 0, "nothing was written");
        records = made + read(&world);
        times.push(took);
        let (xero, salesforce) = (world.xero.counts(), world.salesforce.counts());
        note = format!(
            "{} deals: {} records read and {made} written ({:?}); calls: Xero {} reads and {} writes, Salesforce {} reads and {} writes; \
             CPU time of the last run: ours {} ms, the simulators' {} ms",
            ground.deals,
            read(&world),
            report.applied,
            xero.reads,
            xero.writes,
            salesforce.reads,
            salesforce.writes,
            ours.as_millis(),
            theirs.as_millis()
        );
    }
    let spread = Spread::of(times);
    let rate = per_second(u64::try_from(records)?, spread.median);
    let deals = per_second(u64::try_from(ground.deals)?, spread.median);
    let verdict = match rate {
        2_000.. => Verdict::Met,
        _ => Verdict::Missed,
    };
    Ok(vec![
        Finding::new(NAME, "first sync, records read or written", spread)
            .rate(rate)
            .goal(GOAL, verdict)
            .note(note),
        Finding::new(NAME, "the same, in won deals", spread).rate(deals),
    ])
}

/// Records that a first sync reads: whatever both sides hold of the objects it feeds on.
fn read(world: &World) -> usize {
    let ledger = ["Accounts", "TaxRates", "Items", "Contacts", "Invoices"];
    let crm = ["Account", "Opportunity"];
    let there = ledger.iter().map(|name| {
        let all = world.company.xero.iter();
        all.filter(|(collection, _)| collection == name)
            .map(|(_, records)| records.len())
            .sum::<usize>()
    });
    let here = crm.iter().map(|name| world.salesforce.dump(name).len());
    there.chain(here).sum()
}
