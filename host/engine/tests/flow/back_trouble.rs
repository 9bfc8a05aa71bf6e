//! The way back on bad days: every place to die, every answer that is lost, a CRM that isn't ready, records that are refused.

use crate::books::Bump::{Loud, Quiet};
use crate::books::key;
use crate::far::Fault;
use crate::world::World;
use footbridge_engine::{EngineError, Standing};
use footbridge_model::failure::{Failure, FailureKind};
use serde_json::json;
use std::collections::BTreeMap;

/// A day in the ledger: made by us and by hand, paid, credited, set against.
fn day() -> World {
    let world = World::with_books(1);
    world.bill("1", "c", 100, "2026-10-20");
    world.bill("2", "c", 50, "2026-10-20");
    world.pay("p", "1", 40, Quiet);
    world.credit("credit-note", "cn", "c", 30);
    world.allocate("credit-note", "cn", "2", 20, (Loud, Quiet));
    world
}

#[tokio::test]
async fn dead_at_every_point_of_the_first_run() {
    let mut points = 0;
    loop {
        points += 1;
        let world = day();
        if world.sync_until(points).await {
            break;
        }
        world.a_person_goes_on().await;
        world.assert_shown(&format!("dead at point {points}")).await;
    }
    assert!(points > 45, "only {points} points");
}

#[tokio::test]
async fn dead_at_every_point_of_a_run_that_takes_back() {
    let mut points = 0;
    loop {
        points += 1;
        let world = day();
        world.sync().await;
        world.unpay("p", Quiet, Loud);
        world.allocate("credit-note", "cn", "2", 0, (Quiet, Loud));
        if world.sync_until(points).await {
            break;
        }
        world.a_person_goes_on().await;
        world.assert_shown(&format!("dead at point {points}")).await;
        let payment = world.shown("receivable-payment", &key("payment", "p"));
        assert_eq!(payment.unwrap()["status"], "reversed");
    }
    assert!(points > 20, "only {points} points");
}

#[tokio::test]
async fn whatever_becomes_of_an_answer_each_record_stands_once() {
    for fault in [
        Fault::NeverLeft(None),
        Fault::NeverLeft(Some(40)),
        Fault::LostBefore,
        Fault::LostAfter,
        Fault::CommitsAfter(100),
        Fault::CommitsAfter(900),
        Fault::ErrorBefore(500),
        Fault::ErrorBefore(503),
        Fault::ErrorAfter(500),
        Fault::ErrorAfter(503),
        Fault::Half,
        Fault::HalfAnswer,
        Fault::Nonsense,
        Fault::BrokenRecord,
        Fault::RateLimited(20),
        Fault::Unauthorised,
        Fault::QuotaUsedUp,
    ] {
        for object in [
            "receivable-document",
            "receivable-payment",
            "receivable-balance",
        ] {
            let world = day();
            world.fault(object, fault.clone());
            world.a_person_goes_on().await;
            world.assert_shown(&format!("{fault:?} on {object}")).await;
            let open = world.engine().await.open_requests().await.unwrap();
            assert_eq!(
                open.len(),
                0,
                "nobody is asked: the key is unique over there"
            );
        }
    }
}

#[tokio::test]
async fn a_crm_that_is_not_ready_is_named_and_the_invoices_are_made() {
    let world = World::with_books(2);
    world.far.lock().unwrap().provisioned = false;
    let report = world.sync().await;
    let problem = report.reflected.unwrap().problem.unwrap();
    assert_eq!(
        problem,
        "the crm of Sales has no Footbridge objects yet: run `footbridge provision`"
    );
    assert_eq!(world.count("invoice"), 2);
    let status = world
        .engine()
        .await
        .status()
        .await
        .unwrap()
        .reflected
        .unwrap();
    assert_eq!(status.problem, Some(problem.clone()));
    assert_eq!(world.plan().await.reflected.unwrap().problem, Some(problem));
    world.far.lock().unwrap().provisioned = true;
    world.sync().await;
    world.assert_shown("provisioned").await;
}

#[tokio::test]
async fn payments_that_cant_be_read_stop_the_way_back_alone() {
    let world = day();
    let refusal = Failure::new(
        FailureKind::Misconfigured,
        "not-authorised",
        "the scope accounting.payments is missing",
    );
    world
        .ledger
        .lock()
        .unwrap()
        .unreadable
        .insert("payment".to_owned(), refusal);
    let report = world.sync().await;
    assert!(
        report
            .reflected
            .unwrap()
            .problem
            .unwrap()
            .contains("accounting.payments")
    );
    assert_eq!(report.applied["invoice"], 1);
    world.ledger.lock().unwrap().unreadable.clear();
    world.sync().await;
    world.assert_shown("readable").await;
}

#[tokio::test]
async fn nothing_is_said_of_what_has_still_to_be_read_again() {
    let world = day();
    world.sync().await;
    world.pay("late", "1", 60, Quiet);
    let busy = Failure::new(
        FailureKind::Quota,
        "rate-limited",
        "the day's calls are used up",
    );
    world
        .ledger
        .lock()
        .unwrap()
        .unreadable
        .insert("invoice by id".to_owned(), busy);
    world.bill("3", "c", 10, "2026-10-20");
    let report = world.sync().await;
    assert!(
        report
            .reflected
            .unwrap()
            .problem
            .unwrap()
            .contains("used up")
    );
    assert_eq!(
        world.shown("receivable-payment", &key("payment", "late")),
        None
    );
    assert_eq!(
        world.shown_document("invoice", "3")["status"],
        "awaiting-payment",
        "the rest goes on"
    );
    world.ledger.lock().unwrap().unreadable.clear();
    world.sync().await;
    world.assert_shown("read again").await;
}

#[tokio::test]
async fn a_read_by_id_that_is_asked_to_wait_is_made_again() {
    let world = day();
    world.sync().await;
    world.pay("late", "1", 60, Quiet);
    let mut busy = Failure::new(
        FailureKind::Retry,
        "rate-limited",
        "the minute's calls are used up",
    );
    busy.retry_after_seconds = Some(30);
    world
        .ledger
        .lock()
        .unwrap()
        .unreadable
        .insert("invoice by id".to_owned(), busy);
    let before = world.far.lock().unwrap().now;
    assert_eq!(world.sync().await.reflected.unwrap().problem, None);
    assert!(world.far.lock().unwrap().now - before >= chrono::TimeDelta::seconds(30));
    world.assert_shown("after the pause").await;
}

#[tokio::test]
async fn a_refused_document_holds_its_payments_and_nothing_else() {
    let world = World::with_books(0);
    world.bill("1", "c", 100, "2026-10-20");
    world.bill("2", "c", 50, "2026-10-20");
    world.pay("p1", "1", 100, Quiet);
    world.pay("p2", "2", 50, Quiet);
    world.far.lock().unwrap().refuse = vec![("Invoice HAND-1".to_owned(), "rejected")];
    for _ in 0..3 {
        world.sync().await;
    }
    assert_eq!(world.shown_payment("p2")["status"], "recorded");
    let decisions = world.decisions().await;
    let told: BTreeMap<String, (Standing, String)> = decisions
        .into_iter()
        .map(|d| (d.subject.record.id.to_string(), (d.standing, d.reason)))
        .collect();
    let expected = [
        (
            key("invoice", "1"),
            (Standing::Refused, "rejected".to_owned()),
        ),
        (
            key("payment", "p1"),
            (Standing::Waiting, "waits-for-another".to_owned()),
        ),
    ];
    assert_eq!(told, expected.into());
    let decisions = world.decisions().await;
    for (item, first) in [
        (key("payment", "p1"), Some(key("invoice", "1"))),
        (key("invoice", "1"), None),
    ] {
        let mut all = decisions.iter();
        let item = all.find(|d| d.subject.record.id.as_str() == item).unwrap();
        let found = world.engine().await.first_of(item).await.unwrap();
        assert_eq!(found.map(|d| d.subject.record.id.to_string()), first);
    }
    let before = world.sent_back();
    world.sync().await;
    assert_eq!(
        world.sent_back(),
        before,
        "what was refused isn't sent again and again"
    );
    world.far.lock().unwrap().refuse.clear();
    assert!(
        world
            .engine()
            .await
            .look_again(&key("invoice", "1"))
            .await
            .unwrap()
    );
    world.sync().await;
    world.assert_shown("taken").await;
    assert!(
        !world
            .engine()
            .await
            .look_again("led-1/invoice/ghost")
            .await
            .unwrap()
    );
}

#[tokio::test]
async fn a_document_that_cant_be_told_waits_alone() {
    let world = day();
    world.set("invoice", "2", "amount_due", json!("1"));
    let report = world.sync().await;
    let held = report.reflected.unwrap().held;
    let expected = [("amounts-dont-add-up", 1), ("waits-for-another", 2)];
    assert_eq!(
        held,
        expected.map(|(reason, n)| (reason.to_owned(), n)).into(),
        "it, its allocation and its customer's balance"
    );
    assert_eq!(world.shown_document("invoice", "1")["status"], "part-paid");
    assert_eq!(report.applied["invoice"], 1);
    world.set("invoice", "2", "amount_due", json!("30"));
    world.sync().await;
    world.assert_shown("it adds up").await;
}

#[tokio::test]
async fn connectors_that_dont_know_the_vocabulary_are_named() {
    let mut world = World::with_books(0);
    world.vocabulary = false;
    match world.open().await {
        Err(EngineError::NoReceivables {
            connection,
            missing,
            ..
        }) => {
            assert_eq!(connection, "crm");
            assert_eq!(
                missing,
                "receivable-document, receivable-payment, receivable-balance"
            );
        }
        other => panic!("{:?}", other.err()),
    }
}
