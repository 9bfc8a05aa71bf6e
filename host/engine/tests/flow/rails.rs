//! Rails in real runs: the first run asks, a pilot and a cap hold, large invoices wait for a yes, a person's switch stops what goes on.

use crate::world::{Numbers, World};
use chrono::Utc;
use footbridge_engine::{Answered, EngineError, Refusal, Standing};
use footbridge_model::plan::reason;
use footbridge_model::ruling::{Choice, Ruling};
use footbridge_plan::rails::{FirstRun, Rails};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

fn railed(numbers: Numbers, deals: usize, rails: Value) -> World {
    let mut world = World::with_deals(numbers, deals);
    world.flow.rails = rails_of(rails);
    world
}

fn rails_of(mut rails: Value) -> Rails {
    if rails.get("first-run").is_none() {
        rails["first-run"] = json!("write");
    }
    serde_json::from_value(rails).unwrap()
}

#[tokio::test]
async fn a_flow_that_has_never_written_asks_first() {
    let mut world = World::with_deals(Numbers::Ledger, 2);
    world.flow.rails.first_run = FirstRun::Ask;
    for _ in 0..2 {
        let refused = world.try_sync().await.unwrap_err();
        assert!(matches!(refused, EngineError::FirstRun { .. }), "{refused}");
        assert!(refused.to_string().contains("sync --go"), "{refused}");
    }
    let preview = world.plan().await;
    assert_eq!(preview.plan.ops.len(), 6);
    assert!(preview.refused.unwrap().contains("has never written"));
    assert_eq!(world.count("invoice"), 0);
    world.engine().await.let_write().await.unwrap();
    world.sync().await;
    world.sync().await;
    world.assert_settled(2, "after the yes").await;
    assert_eq!(world.plan().await.refused, None);
}

#[tokio::test]
async fn a_flow_that_ran_before_anybody_had_to_say_yes_goes_on() {
    let mut world = World::with_deals(Numbers::Ledger, 1);
    world.sync().await;
    world.flow.rails.first_run = FirstRun::Ask;
    world.account(2, "Customer 2");
    world.deal(2, 2, 50);
    world.sync().await;
    world.assert_settled(2, "an older data directory").await;
}

#[tokio::test]
async fn a_pilot_creates_nothing_outside_and_remembers_who_is_in() {
    let mut world = railed(Numbers::Counter, 4, json!({"pilot": {"first": 2}}));
    for _ in 0..3 {
        world.sync().await;
        let counts = (world.count("invoice"), world.count("customer"));
        assert_eq!(counts, (2, 2));
    }
    assert_eq!(world.decision(3).await.1, reason::OUTSIDE_PILOT);
    world.flow.rails = rails_of(json!({"pilot": {"only": ["opp4"]}}));
    world.sync().await;
    assert_eq!(world.count("invoice"), 3);
    world.flow.rails = rails_of(json!({}));
    world.sync().await;
    world.sync().await;
    world.assert_settled(4, "after the pilot").await;
    // The sequence has no gap although two waited.
    let mut numbers: Vec<String> = Vec::new();
    for (_, row) in world.far.lock().unwrap().rows("invoice") {
        numbers.push(row.doc["number"].as_str().unwrap().to_owned());
    }
    numbers.sort();
    assert_eq!(numbers, ["FB-0001", "FB-0002", "FB-0003", "FB-0004"]);
}

#[tokio::test]
async fn a_cap_is_kept_by_every_run_until_all_is_done() {
    for most in 1..=7 {
        let world = railed(Numbers::Ledger, 3, json!({"most-writes-per-run": most}));
        let mut runs = 0;
        loop {
            let report = world.sync().await;
            let written: usize = report.applied.values().sum();
            assert!(written <= most, "{written} of {most}");
            if written == 0 {
                break;
            }
            runs += 1;
            assert!(runs < 20, "it doesn't come to an end");
        }
        world.assert_settled(3, "capped").await;
        assert!(runs >= 9usize.div_ceil(most), "{runs} runs of {most}");
    }
}

#[tokio::test]
async fn a_large_invoice_waits_for_a_yes_to_just_that_version() {
    // With tax 120, 240, 360.
    let world = railed(Numbers::Ledger, 3, json!({"approval-above": "240"}));
    world.sync().await;
    assert_eq!(world.count("invoice"), 2);
    let (standing, why, message) = world.decision(3).await;
    assert_eq!(
        (standing, why.as_str()),
        (Standing::Waiting, reason::NEEDS_APPROVAL)
    );
    assert!(message.contains("360.00 GBP"), "{message}");
    let engine = world.engine().await;
    let decision = engine.decisions().await.unwrap();
    let item = (decision.into_iter())
        .find(|decision| decision.reason == reason::NEEDS_APPROVAL)
        .unwrap();
    let subject = &item.subject;
    let version = world.far.lock().unwrap().tables["Opportunity"]["opp3"]
        .version
        .to_string();
    let ruling = |seen: &str| Ruling {
        record: subject.record.clone(),
        part: 1,
        reason: reason::NEEDS_APPROVAL.to_owned(),
        choice: Choice::GoAhead,
        seen: seen.to_owned(),
        shown: item.shown.clone(),
        by: "Anna".to_owned(),
        at: Utc::now(),
    };
    engine.rule(ruling("another version")).await.unwrap();
    drop(engine);
    world.sync().await;
    assert_eq!(
        world.count("invoice"),
        2,
        "a yes to another version is none"
    );
    world.engine().await.rule(ruling(&version)).await.unwrap();
    world.sync().await;
    assert_eq!(world.count("invoice"), 3);
}

#[tokio::test]
async fn a_yes_is_to_the_sum_that_was_shown() {
    // With tax 120.
    let world = railed(Numbers::Ledger, 1, json!({"approval-above": "100"}));
    world.sync().await;
    let engine = world.engine().await;
    let item = engine.decisions().await.unwrap().remove(0);
    assert_eq!(item.reason, reason::NEEDS_APPROVAL);
    let kept = engine.answer(&item, Choice::GoAhead, "ann").await.unwrap();
    assert!(matches!(kept, Answered::Kept(_)), "{kept:?}");
    drop(engine);
    // The deal is as it was; the bookkeeper corrects a rate.
    world.set("tax-rate", "t-20", "rate", json!("50"));
    world.sync().await;
    assert_eq!(world.count("invoice"), 0, "nobody said yes to 150");
    let (_, why, message) = world.decision(1).await;
    assert_eq!(why, reason::NEEDS_APPROVAL);
    assert!(
        message.contains("150.00 GBP")
            && message.ends_with("The yes that was given was to 120 GBP; approve it again."),
        "{message}"
    );
    // Whoever saw 120 and answers once more has not seen 150.
    let engine = world.engine().await;
    let refused = engine.answer(&item, Choice::GoAhead, "ann").await.unwrap();
    assert!(
        matches!(refused, Answered::Refused(Refusal::ShowsOtherwise { .. })),
        "{refused:?}"
    );
    let now = engine.decisions().await.unwrap().remove(0);
    let kept = engine.answer(&now, Choice::GoAhead, "ann").await.unwrap();
    assert!(matches!(kept, Answered::Kept(_)), "{kept:?}");
    drop(engine);
    world.sync().await;
    assert_eq!(world.count("invoice"), 1);
}

#[tokio::test]
async fn a_pilot_shows_only_what_belongs_to_its_deals() {
    let mut world = World::with_books(2);
    world.put(
        "customer",
        "stranger",
        json!({"name": "Stranger", "status": "active"}),
    );
    world.bill("hand", "stranger", 70, "2026-10-20");
    world.flow.rails = rails_of(json!({"pilot": {"only": ["opp1"]}}));
    world.sync().await;
    world.sync().await;
    assert_eq!(
        (world.count("invoice"), world.count("receivable-document")),
        (2, 1)
    );
    // A payment of a document that is shown belongs to it.
    let ours = world.far.lock().unwrap().rows("receivable-document")[0]
        .1
        .doc
        .clone();
    let id = ours["ledger_id"].as_str().unwrap_or_default().to_owned();
    world.pay("p1", &id, 40, crate::books::Bump::Loud);
    world.pay("p2", "hand", 10, crate::books::Bump::Loud);
    world.sync().await;
    assert_eq!(world.count("receivable-payment"), 1);
    // Once the pilot is over everything follows.
    world.flow.rails = rails_of(json!({}));
    world.sync().await;
    world.sync().await;
    world.assert_shown("after the pilot").await;
}

#[tokio::test]
async fn a_cap_counts_the_way_back_too() {
    let mut world = World::with_books(2);
    world.flow.rails = rails_of(json!({"most-writes-per-run": 4}));
    for _ in 0..12 {
        let written: usize = world.sync().await.applied.values().sum();
        assert!(written <= 4, "{written}");
    }
    world.assert_shown("capped").await;
}

#[tokio::test]
async fn a_switch_stops_before_the_next_request_and_what_was_sent_is_seen_through() {
    for after in 0..5 {
        let world = World::with_deals(Numbers::Ledger, 3);
        world.ledger.lock().unwrap().batch = 1;
        world.switch.after.store(after, Ordering::SeqCst);
        let ran = world.try_sync().await;
        let sent = {
            let far = world.far.lock().unwrap();
            far.sent("customer").0 + far.sent("invoice").0
        };
        assert!(sent <= after, "{sent} after {after}");
        match ran {
            Err(EngineError::Stopped { why, .. }) => {
                assert_eq!(after, 0);
                assert!(why.contains("Anna"), "{why}");
            }
            Ok(report) => assert!(report.stopped.unwrap().contains("prices are wrong")),
            Err(other) => panic!("{other}"),
        }
        assert_eq!(world.claims().await, 0, "nothing is left open");
        let again = world.try_sync().await.unwrap_err();
        assert!(matches!(again, EngineError::Stopped { .. }), "{again}");
        world.switch.after.store(usize::MAX, Ordering::SeqCst);
        world.sync().await;
        world.sync().await;
        world.assert_settled(3, "after it goes on").await;
    }
}
