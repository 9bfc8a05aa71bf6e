//! Instantiate and first call: a store of its own, every limit set, the instance, one small call, everything dropped.

use crate::finding::Finding;
use crate::ground::Ground;
use crate::measure::{Attempt, attempt, in_turns};
use anyhow::Context;
use footbridge_engine::ports::{Connector, Transform, TransformError};
use footbridge_sandbox::PluginKind;
use std::sync::Arc;
use std::time::{Duration, Instant};

const NAME: &str = "call";
const GOAL: &str = "under 100 us";
const MOST: Duration = Duration::from_micros(100);

/// A plugin to be called.
pub(crate) enum Callee {
    Connector(Arc<dyn Connector>),
    Transform(Arc<dyn Transform>),
}

impl Callee {
    pub(crate) fn of(ground: &Ground, name: &str, kind: PluginKind) -> anyhow::Result<Self> {
        Ok(match kind {
            PluginKind::Connector => Self::Connector(ground.connector(name)?),
            PluginKind::Transform => Self::Transform(ground.transform(name)?),
        })
    }

    /// `describe`, for a transform with empty settings, which it may refuse: an answer all the same.
    pub(crate) async fn describe(&self) -> anyhow::Result<Duration> {
        let began = Instant::now();
        match self {
            Self::Connector(connector) => {
                connector.describe().await?;
            }
            Self::Transform(transform) => match transform.describe("").await {
                Ok(_) | Err(TransformError::Settings(_)) => {}
                Err(error) => return Err(error.into()),
            },
        }
        Ok(began.elapsed())
    }
}

pub(crate) async fn run(ground: &Ground) -> anyhow::Result<Vec<Finding>> {
    let mut plugins = vec![
        ("bench-connector".to_owned(), PluginKind::Connector),
        ("bench-transform".to_owned(), PluginKind::Transform),
    ];
    plugins.extend(ground.plugins());
    let callees: Vec<Callee> = plugins
        .iter()
        .map(|(name, kind)| Callee::of(ground, name, *kind))
        .collect::<anyhow::Result<_>>()?;
    let things: Vec<Attempt<'_>> = callees
        .iter()
        .map(|callee| attempt(move || callee.describe()))
        .collect();
    let spreads = in_turns(ground.rounds(1_000), things)
        .await
        .context("describe")?;
    let findings = plugins.iter().zip(spreads).map(|((name, kind), spread)| {
        Finding::new(NAME, format!("{name}, a {kind}: describe"), spread).below(GOAL, MOST)
    });
    Ok(findings.collect())
}
