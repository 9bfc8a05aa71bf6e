//! Refusals whose cause the planner checks itself: they go back to it, once, and again when something changes.

use crate::world::{Numbers, World};
use footbridge_engine::Standing;
use serde_json::json;
use std::collections::BTreeSet;

fn refuse(world: &World, text: &str, cause: &'static str) {
    let mut far = world.far.lock().unwrap();
    far.refuse = vec![(text.to_owned(), "rejected")];
    far.cause = cause;
}

fn takes_it(world: &World) {
    world.far.lock().unwrap().refuse.clear();
}

async fn stands(world: &World) -> (Standing, String) {
    let (standing, reason, _) = world.decision(1).await;
    (standing, reason)
}

fn one_deal(numbers: Numbers) -> World {
    let world = World::with_deals(numbers, 1);
    world.put(
        "customer",
        "known",
        json!({"name": "Customer 1", "status": "active"}),
    );
    world
}

fn lock(world: &World, date: &str) {
    let mut ledger = world.ledger.lock().unwrap();
    let settings = &mut ledger.settings;
    settings.insert("period_lock_date".to_owned(), date.to_owned());
}

fn archive(world: &World, status: &str) {
    world.set("customer", "known", "status", json!(status));
}

#[tokio::test]
async fn what_was_refused_between_reading_and_writing_goes_once_its_cause_is_gone() {
    type Change = fn(&World);
    let cases: [(&str, &str, Change, Change); 2] = [
        (
            "locked-period",
            "locked-period",
            |world| lock(world, "2026-12-31"),
            |world| lock(world, "2025-12-31"),
        ),
        (
            "archived",
            "customer-gone",
            |world| archive(world, "archived"),
            |world| archive(world, "active"),
        ),
    ];
    for (cause, held, comes, goes) in cases {
        let world = one_deal(Numbers::Ledger);
        refuse(&world, "\"Deal 1\"", cause);
        world.sync().await;
        let waits = (Standing::Waiting, "rejected".to_owned());
        assert_eq!(stands(&world).await, waits, "{cause}");
        assert_eq!(world.claims().await, 0, "{cause}");
        comes(&world);
        for _ in 0..3 {
            world.sync().await;
            let seen = (Standing::Waiting, held.to_owned());
            assert_eq!(stands(&world).await, seen, "{cause}: the planner sees it");
        }
        assert_eq!(world.sent("invoice").0, 1, "{cause}: nothing is offered");
        // Gone, and there again before the write: that is a new refusal, for the planner saw the first one's cause come and go.
        goes(&world);
        world.sync().await;
        assert_eq!(stands(&world).await, waits, "{cause}");
        takes_it(&world);
        world.sync().await;
        world.sync().await;
        world.assert_settled(1, cause).await;
        let sends = world.far.lock().unwrap().sends.clone();
        let invoices = sends.iter().filter(|sent| sent.object == "invoice");
        let keys: BTreeSet<_> = invoices.map(|sent| sent.key.clone()).collect();
        assert_eq!(keys.len(), 3, "{cause}: each try has a key of its own");
    }
}

#[tokio::test]
async fn where_the_planner_sees_nothing_it_is_offered_once_more_and_then_a_person_is_asked() {
    let person = (Standing::Refused, "rejected".to_owned());
    for (cause, most) in [
        ("locked-period", 2),
        ("archived", 2),
        ("wrong-currency", 2),
        ("validation-rule", 1),
        ("wrong-tax-type", 1),
    ] {
        let world = one_deal(Numbers::Ledger);
        refuse(&world, "\"Deal 1\"", cause);
        for _ in 0..5 {
            world.sync().await;
            world.pass(3600);
        }
        assert_eq!(world.sent("invoice").0, most, "{cause}");
        assert_eq!(stands(&world).await, person, "{cause}");
        // A person's word is one try.
        assert!(world.engine().await.look_again("opp1").await.unwrap());
        world.sync().await;
        world.sync().await;
        assert_eq!(world.sent("invoice").0, most + 1, "{cause}");
        assert_eq!(stands(&world).await, person, "{cause}");
        takes_it(&world);
        world.sync().await;
        assert_eq!(stands(&world).await, person, "{cause}: nothing changed");
        lock(&world, "2024-12-31");
        world.sync().await;
        if most == 2 {
            world.sync().await;
            world.assert_settled(1, cause).await;
        } else {
            assert_eq!(stands(&world).await, person, "{cause}");
        }
    }
}

#[tokio::test]
async fn a_try_that_was_put_off_meanwhile_counts_all_the_same() {
    let world = one_deal(Numbers::Ledger);
    refuse(&world, "\"Deal 1\"", "locked-period");
    world.sync().await;
    world.fault("invoice", crate::far::Fault::QuotaUsedUp);
    world.sync().await;
    let put_off = (Standing::Waiting, "try-again".to_owned());
    assert_eq!(stands(&world).await, put_off);
    world.sync().await;
    let person = (Standing::Refused, "rejected".to_owned());
    assert_eq!(stands(&world).await, person);
}

#[tokio::test]
async fn a_number_of_our_counter_that_somebody_took_is_followed_by_the_next() {
    for shown in [true, false] {
        let world = one_deal(Numbers::Counter);
        refuse(&world, "FB-0001", "not-unique");
        world.sync().await;
        let waits = (Standing::Waiting, "rejected".to_owned());
        assert_eq!(stands(&world).await, waits, "{shown}");
        if shown {
            world.put(
                "invoice",
                "theirs",
                json!({"number": "FB-0001", "customer": "another", "status": "authorised",
                       "currency": "GBP", "total": "7", "sub_total": "7", "date": "2026-10-01"}),
            );
        }
        world.sync().await;
        world.sync().await;
        assert_eq!(stands(&world).await.0, Standing::Applied, "{shown}");
        let far = world.far.lock().unwrap();
        let ours = far.rows("invoice");
        let ours = ours.iter().find(|(_, row)| row.doc["url"].is_string());
        let number = &ours.unwrap().1.doc["number"];
        assert_eq!(*number, json!("FB-0002"), "{shown}");
    }
}

#[tokio::test]
async fn a_number_of_the_deals_own_that_is_taken_waits_for_a_person() {
    let world = one_deal(Numbers::Field);
    world.set("Opportunity", "opp1", "Number", json!("A-1"));
    refuse(&world, "A-1", "not-unique");
    world.sync().await;
    world.sync().await;
    assert_eq!(world.sent("invoice").0, 1);
    let person = (Standing::Refused, "rejected".to_owned());
    assert_eq!(stands(&world).await, person);
}
