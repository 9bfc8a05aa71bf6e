//! What others notice of hostile plugins: nothing but a slower machine. How much slower, `examples/neighbours.rs` measures.

use crate::deeds::Honest;
use crate::support::{Bench, Outcome, ask, tight};
use footbridge_sandbox::Limits;
use std::time::Duration;

/// On one thread, so that nobody works unless the loops yield.
#[tokio::test]
async fn an_honest_plugin_works_while_four_others_loop() -> Outcome<()> {
    let long = Duration::from_secs(600);
    let bench = Bench::new(Limits {
        connector_cpu: long,
        wall: long,
        ..tight()
    })?;
    let honest = Honest::new(&bench).await?;
    let connector = bench.connector().await?;
    let loops: Vec<_> = ["loop", "copy", "loop", "random flood"]
        .into_iter()
        .map(|deed| {
            let connector = connector.clone();
            tokio::spawn(async move { ask(&connector, deed).await.map(drop) })
        })
        .collect();
    for _ in 0..20 {
        honest.works().await?;
    }
    assert!(
        loops.iter().all(|looping| !looping.is_finished()),
        "they were at it all the while"
    );
    for looping in &loops {
        looping.abort();
    }
    Ok(())
}
