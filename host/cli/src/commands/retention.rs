//! `footbridge retention`: the bodies of old requests and answers are erased; that they were sent, and what came of them, stays.

use crate::args;
use crate::commands::{Output, print_json, show};
use crate::compose::Composition;
use crate::config::Config;
use crate::exit::{Exit, UsageError};
use crate::render::count;
use chrono::{TimeDelta, Utc};
use std::num::NonZeroU16;

pub(crate) async fn run(
    config: &Config,
    args: &args::Retention,
    output: Output,
) -> anyhow::Result<Exit> {
    let (name, flow) = config.flow(args.flow.as_deref())?;
    let configured = config.retention.bodies_days.map(NonZeroU16::get);
    let Some(days) = args.days.or(configured) else {
        return Err(UsageError(
            "after how many days? Say --days N, or bodies-days = N under [retention] in the configuration".to_owned(),
        )
        .into());
    };
    let composition = Composition::open(config, name, flow).await?;
    let before = Utc::now() - TimeDelta::days(i64::from(days));
    let forgotten = composition.engine.forget_bodies(before).await?;
    match output {
        Output::Json => print_json(&forgotten)?,
        Output::Text => show(&format!(
            "What {} sent and was answered is erased, and {}. That it was sent, and what came of it, stays.\n",
            count(forgotten.requests, "request"),
            count(forgotten.plans, "old plan"),
        ))?,
    }
    Ok(Exit::Done)
}
