//! Fuel against epochs for the same work: the same Rust function in a connector, whose engine only has epochs, and in a
//! transform, whose engine counts fuel as well. Native is shown beside them.

use crate::finding::Finding;
use crate::ground::{Ground, Size};
use crate::measure::{attempt, in_turns};
use footbridge_model::plugin::{FeedRequest, TransformBatch};
use std::time::Instant;

#[path = "../work.rs"]
mod work;

const NAME: &str = "fuel";

pub(crate) async fn run(ground: &Ground) -> anyhow::Result<Vec<Finding>> {
    // Long enough that starting an instance is lost in it.
    let rounds: u32 = match ground.size {
        Size::Usual => 2_000,
        Size::Tiny => 10,
    };
    let connector = ground.connector("bench-connector")?;
    let transform = ground.transform("bench-transform")?;
    let input = ("Account".to_owned(), "1".to_owned(), "{}".to_owned());
    let things = vec![
        attempt(|| async {
            let batch = TransformBatch {
                settings: rounds.to_string(),
                as_of: "2026-06-01T10:00:00Z".to_owned(),
                local_date: "2026-06-01".to_owned(),
                inputs: vec![input.clone()],
            };
            let began = Instant::now();
            transform.apply(batch).await?;
            Ok(began.elapsed())
        }),
        attempt(|| async {
            let request = FeedRequest {
                object: "work".to_owned(),
                cursor: None,
                limit: rounds,
                fields: Vec::new(),
            };
            let began = Instant::now();
            connector.read_changes(request).await?;
            Ok(began.elapsed())
        }),
        attempt(|| async {
            let began = Instant::now();
            std::hint::black_box(work::work(std::hint::black_box(rounds)));
            Ok(began.elapsed())
        }),
    ];
    let spreads = in_turns(ground.rounds(60), things).await?;
    let [fuel, epochs, native] = spreads.as_slice() else {
        return Ok(Vec::new());
    };
    let what = |engine: &str| format!("{rounds} documents parsed and written, {engine}");
    Ok(vec![
        Finding::new(NAME, what("fuel and epochs"), *fuel).against("epochs alone", *epochs),
        Finding::new(NAME, what("epochs alone"), *epochs).against("native", *native),
    ])
}
