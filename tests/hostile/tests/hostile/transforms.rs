//! A transform sees the batch and nothing else, and the same batch gives the same drafts.

use crate::support::{Bench, Outcome, tight};
use footbridge_engine::ports::{Transform, TransformError};
use footbridge_model::plugin::{Draft, TransformBatch};
use footbridge_sandbox::Limits;
use std::sync::Arc;

fn batch(settings: &str, inputs: usize) -> TransformBatch {
    let input = |n: usize| ("Opportunity".to_owned(), n.to_string(), "{}".to_owned());
    TransformBatch {
        settings: settings.to_owned(),
        as_of: "2026-11-22T10:00:00Z".to_owned(),
        local_date: "2026-11-22".to_owned(),
        inputs: (0..inputs).map(input).collect(),
    }
}

async fn world(transform: &Arc<dyn Transform>, batch: TransformBatch) -> Outcome<Vec<Draft>> {
    let results = transform.apply(batch).await?;
    let first = results.into_iter().next().ok_or("no result")?;
    first.map_err(|problem| problem.message.into())
}

#[tokio::test]
async fn the_same_batch_gives_the_same_drafts() -> Outcome<()> {
    let bench = Bench::new(tight())?;
    let transform = bench.transform().await?;
    let first = world(&transform, batch("world", 1)).await?;
    for _ in 0..3 {
        assert_eq!(world(&transform, batch("world", 1)).await?, first);
    }
    assert!(
        first[0].doc.contains(r#""now":"1795341600000""#),
        "as-of is all it sees: {first:?}"
    );
    let later = TransformBatch {
        as_of: "2026-11-22T10:00:01Z".to_owned(),
        ..batch("world", 1)
    };
    assert_ne!(world(&transform, later).await?, first);
    let mut other = batch("world", 1);
    other.inputs[0].1 = "another id".to_owned();
    assert_ne!(
        world(&transform, other).await?[0].doc,
        first[0].doc,
        "random numbers follow the input"
    );
    Ok(())
}

#[tokio::test]
async fn wrong_settings_are_the_operators_to_mend() -> Outcome<()> {
    let bench = Bench::new(tight())?;
    let transform = bench.transform().await?;
    let Err(TransformError::Settings(problems)) = transform.describe("wrong").await else {
        return Err("wrong settings were accepted".into());
    };
    assert_eq!(problems[0].message, "line 1: unknown key");
    Ok(())
}

#[tokio::test]
async fn large_batches_are_passed_in_several_calls() -> Outcome<()> {
    let bench = Bench::new(Limits {
        batch_items: 7,
        ..tight()
    })?;
    let transform = bench.transform().await?;
    assert_eq!(transform.apply(batch("honest", 50)).await?.len(), 50);
    assert!(transform.apply(batch("honest", 0)).await?.is_empty());
    Ok(())
}
