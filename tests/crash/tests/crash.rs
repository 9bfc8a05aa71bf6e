//! The crash proof as CI plays it: every journal point, 16 rounds at random moments, every fault once,
//! a full disk, power cuts; every eighth round is audited.
//!
//! Longer: `cargo run --release -p footbridge-crash -- --rounds 500 --seed 7`.

use footbridge_crash::auditor::Auditor;
use footbridge_crash::programme::Programme;
use footbridge_crash::round::Ground;
use footbridge_crash::{binary, table};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn killed_anywhere_each_deal_has_exactly_one_invoice() {
    let mut programme = Programme {
        rounds: 16,
        faults: 1,
        enospc: 3,
        torn: 6,
        seed: 7,
        at_once: 6,
        audit_every: 8,
        only: String::new(),
    };
    let program = binary::footbridge().unwrap();
    let auditor = Auditor::prepare().await.unwrap();
    let power = programme.power().unwrap();
    let ground = Arc::new(Ground::prepare(program, auditor, power).await.unwrap());
    let all = programme.play(ground, |_| {}).await.unwrap();
    println!("{}", table::table(&all));
    let mistakes = table::mistakes(&all);
    assert!(mistakes.is_empty(), "{mistakes}");
}
