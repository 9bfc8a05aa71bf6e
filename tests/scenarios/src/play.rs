//! Plays a case: sync, what happens, sync, and at last once more, which must write nothing.
//!
//! Next: `verdict`.

use crate::case::{Case, Step, Where};
use crate::setting::Setting;
use crate::verdict;
use crate::world::World;
use anyhow::Context;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use footbridge::compose::{Composition, Surroundings};
use footbridge::config::Config;
use footbridge::provisioning::provision;
use footbridge_engine::ports::Clock;
use footbridge_engine::{Decision, RunReport};
use footbridge_model::ruling::Ruling;
use footbridge_simulators::clock::SimClock;
use std::path::Path;
use std::sync::Arc;

/// The case's time for the host too. Waiting passes at once.
#[derive(Debug)]
pub(crate) struct CaseClock(pub(crate) SimClock);

#[async_trait]
impl Clock for CaseClock {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }

    async fn sleep(&self, duration: std::time::Duration) {
        if let Ok(duration) = chrono::Duration::from_std(duration) {
            self.0.advance(duration);
        }
        tokio::task::yield_now().await;
    }
}

/// What the product says after a sync.
struct Said {
    report: RunReport,
    decisions: Vec<Decision>,
}

/// Plays a case. Returns everything that is not as it must be.
///
/// # Errors
/// The case can't be played: it says something impossible, or a sync failed.
pub async fn play(case: &Case, setting: &Setting) -> anyhow::Result<Vec<String>> {
    let folder = tempfile::tempdir()?;
    let mut world = World::start(case).await?;
    world.write_files(case, folder.path())?;
    let surroundings = Surroundings {
        sandbox: setting.sandbox.clone(),
        clock: Arc::new(CaseClock(world.clock.clone())),
    };
    if case.reflects() {
        let config = Config::read(&folder.path().join("footbridge.toml"))?;
        provision(&config, None, &surroundings).await?;
    }
    sync(folder.path(), &surroundings).await?;
    for step in &case.then {
        happens(&mut world, step)?;
        decide(&world, step, folder.path(), &surroundings).await?;
        sync(folder.path(), &surroundings).await?;
        // What was to go wrong and did not would make the case say more than it shows.
        let idle = world.xero.faults().waiting() + world.salesforce.faults().waiting();
        anyhow::ensure!(idle == 0, "{idle} faults found no request to strike");
    }
    world.clock.advance(chrono::Duration::minutes(2));
    world.xero.reset_counts();
    world.salesforce.reset_counts();
    let last = sync(folder.path(), &surroundings).await?;
    let mut wrong = verdict::of(case, &world, &last.decisions);
    if last.report.in_doubt > 0 {
        wrong.push(format!("{} operations are in doubt", last.report.in_doubt));
    }
    let reads = (world.xero.counts().reads, world.salesforce.counts().reads);
    if let Some(most) = case.quiet
        && (reads.0 > most.xero || reads.1 > most.salesforce)
    {
        wrong.push(format!(
            "a sync with nothing to do read {} times from Xero and {} times from Salesforce",
            reads.0, reads.1
        ));
    }
    let writes = (world.xero.counts().writes, world.salesforce.counts().writes);
    if writes != (0, 0) {
        wrong.push(format!(
            "a sync with nothing to do wrote {} times to Xero and {} times to Salesforce",
            writes.0, writes.1
        ));
    }
    Ok(wrong)
}

async fn sync(folder: &Path, surroundings: &Surroundings) -> anyhow::Result<Said> {
    let config = Config::read(&folder.join("footbridge.toml"))?;
    let composition = Composition::open_in(&config, surroundings).await?;
    Ok(Said {
        report: composition.engine.sync().await?,
        decisions: composition.engine.decisions().await?,
    })
}

/// What someone decides about items, as the product takes it.
async fn decide(
    world: &World,
    step: &Step,
    folder: &Path,
    surroundings: &Surroundings,
) -> anyhow::Result<()> {
    if step.rule.is_empty() {
        return Ok(());
    }
    let config = Config::read(&folder.join("footbridge.toml"))?;
    let engine = Composition::open_in(&config, surroundings).await?.engine;
    let decisions = engine.decisions().await?;
    for ruled in &step.rule {
        let id = world.id(&ruled.of)?;
        let wanted = |item: &&Decision| {
            let reason = ruled.reason.as_ref();
            item.subject.record.id.as_str() == id
                && item.subject.part == ruled.part
                && reason.is_none_or(|reason| *reason == item.reason)
        };
        let item = decisions.iter().find(wanted);
        let item = item.with_context(|| format!("nothing waits of {}", ruled.of))?;
        let record = item.subject.record.clone();
        let seen = engine.version_of(&record).await?;
        let ruling = Ruling {
            part: ruled.part,
            reason: item.reason.clone(),
            choice: ruled.choice.clone(),
            shown: item.shown.clone(),
            seen: seen.with_context(|| format!("{} was never read", ruled.of))?,
            by: "the case".to_owned(),
            at: world.clock.now(),
            record,
        };
        engine.rule(ruling).await?;
    }
    Ok(())
}

fn happens(world: &mut World, step: &Step) -> anyhow::Result<()> {
    world
        .clock
        .advance(chrono::Duration::days(step.days) + chrono::Duration::minutes(2));
    for (key, fields) in &step.edit {
        let id = world.id(key)?.to_owned();
        let object = if id.starts_with("001") {
            "Account"
        } else {
            "Opportunity"
        };
        let fields = world.resolved(fields)?;
        world
            .salesforce
            .edit(object, &id, fields)
            .with_context(|| format!("changing {key}"))?;
    }
    if !step.edit_all.is_empty() {
        let fields = world.resolved(&step.edit_all)?;
        let deals: Vec<String> = world
            .ids
            .values()
            .filter(|id| id.starts_with("006"))
            .cloned()
            .collect();
        for id in deals {
            world.salesforce.edit("Opportunity", &id, fields.clone())?;
        }
    }
    for key in &step.delete {
        let id = world.id(key)?;
        world.salesforce.delete("Opportunity", id)?;
    }
    for (collection, records) in &step.xero {
        world.in_xero(collection, records)?;
    }
    for (collection, records) in &step.edit_xero {
        world.edit_xero(collection, records)?;
    }
    for merge in &step.merge {
        let (master, loser) = (world.id(&merge.master)?, world.id(&merge.loser)?);
        world.salesforce.merge("Account", master, loser)?;
    }
    for allocation in &step.allocations {
        world.allocate(allocation)?;
    }
    for trouble in &step.faults {
        match trouble.side {
            Where::Xero => world.xero.faults().inject(trouble.rule.clone()),
            Where::Salesforce => world.salesforce.faults().inject(trouble.rule.clone()),
        }
    }
    // Lists show what was written just now only after a while.
    world.clock.advance(chrono::Duration::minutes(2));
    Ok(())
}
