//! `footbridge demo`: two simulated companies, real plugins, the real engine; counted in the simulators.
//!
//! It takes no short cut into the product: it writes the files that `init` writes, with the way back switched on, and opens what
//! `provision` and `sync` open. It shows the plan, says yes and syncs once for the deals; then the customers pay, and a second sync carries that back; a third
//! has nothing to do. In reading order: `world` (the two companies), `tally` and `back` (counting), `story` (for people).

mod back;
mod story;
mod tally;
mod world;

use crate::args;
use crate::commands::{Output, print_json, show};
use crate::compose::{self, Composition, Surroundings};
use crate::config::Config;
use crate::exit::Exit;
use crate::provisioning;
use anyhow::Context;
use footbridge_sandbox::SystemClock;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tally::{Tally, Way};
use world::World;

/// The flow's name in the template.
const FLOW: &str = "deals-to-invoices";

pub(crate) async fn run(args: &args::Demo, output: Output) -> anyhow::Result<Exit> {
    let temporary = tempfile::tempdir().context("a folder for the demo can't be made")?;
    let folder = args.keep.as_deref().unwrap_or(temporary.path());
    let world = World::start(usize::try_from(args.deals)?, args.seed).await?;
    world.write_files(folder)?;
    let before = tally::before(&world);
    let tells = !args.headless && output == Output::Text;
    if tells {
        show(&story::opening(&world))?;
    }
    provision(folder).await?;
    world.reset_calls();
    if tells {
        show(&story::planned(&plan(folder).await?))?;
    }
    say_yes(folder).await?;
    let began = Instant::now();
    let first = sync(folder).await?;
    let seconds = began.elapsed().as_secs_f64();
    let calls = world.calls();
    let paid = world.customers_pay().await?;
    if tells {
        show(&story::paying(&paid))?;
    }
    world.reset_calls();
    let began = Instant::now();
    sync(folder).await?;
    let way_back = Way {
        calls: world.calls(),
        seconds: began.elapsed().as_secs_f64(),
    };
    world.reset_calls();
    sync(folder).await?;
    let idle = world.calls();
    let tally = Tally::count(
        &world,
        &before,
        &first,
        Way { calls, seconds },
        way_back,
        idle,
    );
    match output {
        Output::Json => print_json(&tally)?,
        Output::Text if args.headless => show(&story::figures(&tally))?,
        Output::Text => {
            show(&story::followed(&world, &first))?;
            show(&story::figures(&tally))?;
        }
    }
    if let Some(folder) = &args.keep {
        stay(&world, folder, output).await?;
    } else if tells {
        show(&story::next())?;
    }
    Ok(if tally.agrees() {
        Exit::Done
    } else {
        Exit::Failed
    })
}

/// What a sync left, as the product tells it.
pub(crate) struct Told {
    pub(crate) report: footbridge_engine::RunReport,
    pub(crate) decisions: Vec<footbridge_engine::Decision>,
}

/// The objects in Salesforce that what comes back lives in, as `footbridge provision --yes` makes them.
async fn provision(folder: &Path) -> anyhow::Result<()> {
    let config = Config::read(&folder.join("footbridge.toml"))?;
    let sandbox = compose::sandbox(&config)?;
    compose::install_bundled(&sandbox).await?;
    let surroundings = Surroundings {
        sandbox,
        clock: Arc::new(SystemClock),
    };
    provisioning::provision(&config, None, &surroundings).await?;
    Ok(())
}

/// What the first sync would do, read before anybody says yes.
async fn plan(folder: &Path) -> anyhow::Result<footbridge_engine::Preview> {
    let config = Config::read(&folder.join("footbridge.toml"))?;
    let (name, flow) = config.flow(Some(FLOW))?;
    let composition = Composition::open(&config, name, flow).await?;
    let preview = composition.engine.plan().await;
    composition.progress.finish();
    Ok(preview?)
}

/// The yes to the first run, as `footbridge sync --go` says it.
async fn say_yes(folder: &Path) -> anyhow::Result<()> {
    let config = Config::read(&folder.join("footbridge.toml"))?;
    let (name, flow) = config.flow(Some(FLOW))?;
    let composition = Composition::open(&config, name, flow).await?;
    Ok(composition.engine.let_write().await?)
}

async fn sync(folder: &Path) -> anyhow::Result<Told> {
    let config = Config::read(&folder.join("footbridge.toml"))?;
    let (name, flow) = config.flow(Some(FLOW))?;
    let composition = Composition::open(&config, name, flow).await?;
    let report = composition.engine.sync().await;
    composition.progress.finish();
    Ok(Told {
        report: report?,
        decisions: composition.engine.decisions().await?,
    })
}

async fn stay(world: &World, folder: &Path, output: Output) -> anyhow::Result<()> {
    if output == Output::Text {
        show(&story::staying(world, &folder.join("footbridge.toml")))?;
    }
    tokio::signal::ctrl_c()
        .await
        .context("waiting for Ctrl-C")?;
    Ok(())
}
