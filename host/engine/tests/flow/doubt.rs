//! The in-doubt rule as tables: what happened to the invoice's request, and how things stand when it is looked at again after
//! some time. `1 doubt`: sent once, effect unknown. `2 done`: sent twice under one key, one invoice. `2+ done`: under a second key.

use crate::far::Fault;
use crate::world::{Numbers, World};
use chrono::TimeDelta;
use footbridge_engine::config::Unproven;
use footbridge_model::doubt::Later;
use footbridge_model::request::RequestState;

/// A second run at once, after the in-flight time, after the resend window, after the settle time, and at that time by a clock that
/// went back an hour.
const AGES: [(i64, i64); 5] = [(1, 0), (150, 0), (330, 0), (660, 0), (660, -3600)];

/// What happened, how long the ledger's lists lag in seconds, and how it stands after the first run and at each age.
type Case = (&'static str, Fault, i64, [&'static str; 6]);

async fn standing(world: &World) -> String {
    let engine = world.engine().await;
    let open = engine.open_requests().await.unwrap();
    let state = match open.first().map(|request| request.state) {
        None if world.count("invoice") == 1 => "done",
        None => "nothing",
        Some(RequestState::NeedsPerson) => "person",
        Some(RequestState::InDoubt) => "doubt",
        Some(_) => "unsettled",
    };
    let (sends, keys) = world.sent("invoice");
    let other = if keys > 1 { "+" } else { "" };
    format!("{sends}{other} {state}")
}

fn world(make: &dyn Fn() -> World, fault: &Fault, lag: i64) -> World {
    let world = make();
    world.put(
        "customer",
        "known",
        serde_json::json!({"name": "Customer 1", "status": "active"}),
    );
    world.fault("invoice", fault.clone());
    world.far.lock().unwrap().list_lag = TimeDelta::seconds(lag);
    world
}

async fn check(make: &dyn Fn() -> World, cases: &[Case]) {
    let mut wrong = Vec::new();
    for (name, fault, lag, expected) in cases {
        let mut found = Vec::new();
        for (seconds, skew) in AGES {
            let world = world(make, fault, *lag);
            world.sync().await;
            let first = standing(&world).await;
            if first.ends_with("done") {
                world.sync().await;
                world.assert_settled(1, name).await;
                found = vec![first; 6];
                break;
            }
            if found.is_empty() {
                found.push(first);
            }
            world.pass(seconds);
            world.far.lock().unwrap().skew = TimeDelta::seconds(skew);
            world.sync().await;
            found.push(standing(&world).await);
            world.a_person_goes_on().await;
            let what = format!("{name} at {seconds} s, clock {skew}");
            world.assert_settled(1, &what).await;
        }
        if found != *expected {
            wrong.push(format!("{name}: {found:?} instead of {expected:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_ledger_numbers_and_honours_keys() {
    check(
        &|| World::with_deals(Numbers::Ledger, 1),
        &[
            ("never left", Fault::NeverLeft(None), 0, ["1 done"; 6]),
            (
                "lost before commit",
                Fault::LostBefore,
                0,
                [
                    "1 doubt", "1 doubt", "2 done", "1 doubt", "1 person", "1 doubt",
                ],
            ),
            ("lost after commit", Fault::LostAfter, 0, ["1 done"; 6]),
            (
                "lost after commit, lists lag",
                Fault::LostAfter,
                480,
                [
                    "1 doubt", "1 doubt", "2 done", "1 doubt", "1 done", "1 done",
                ],
            ),
            (
                "commits after our time-out",
                Fault::CommitsAfter(33),
                0,
                ["1 done"; 6],
            ),
            (
                "commits after the first look",
                Fault::CommitsAfter(100),
                0,
                ["1 doubt", "1 doubt", "1 done", "1 done", "1 done", "1 done"],
            ),
            (
                "commits after the window",
                Fault::CommitsAfter(400),
                0,
                [
                    "1 doubt", "1 doubt", "2 doubt", "1 doubt", "1 done", "1 done",
                ],
            ),
            (
                "500 before commit",
                Fault::ErrorBefore(500),
                0,
                [
                    "1 doubt", "1 doubt", "2 done", "1 doubt", "2+ done", "1 doubt",
                ],
            ),
            ("500 after commit", Fault::ErrorAfter(500), 0, ["1 done"; 6]),
            (
                "502 before commit",
                Fault::ErrorBefore(502),
                0,
                [
                    "1 doubt", "1 doubt", "2 done", "1 doubt", "1 person", "1 doubt",
                ],
            ),
            ("502 after commit", Fault::ErrorAfter(502), 0, ["1 done"; 6]),
            (
                "an error that is remembered",
                Fault::CachedError,
                0,
                [
                    "1 doubt", "1 doubt", "2 doubt", "1 doubt", "2+ done", "1 doubt",
                ],
            ),
            (
                "the connector fails on the answer",
                Fault::Nonsense,
                0,
                ["1 done"; 6],
            ),
            (
                "a record that is none",
                Fault::BrokenRecord,
                0,
                ["1 done"; 6],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn the_ledger_numbers_and_knows_no_keys() {
    check(
        &|| World::with_deals(Numbers::Ledger, 1).keyless(),
        &[
            (
                "lost before commit",
                Fault::LostBefore,
                0,
                [
                    "1 doubt", "1 doubt", "1 doubt", "1 doubt", "1 person", "1 doubt",
                ],
            ),
            (
                "lost after commit, lists lag",
                Fault::LostAfter,
                480,
                [
                    "1 doubt", "1 doubt", "1 doubt", "1 doubt", "1 done", "1 done",
                ],
            ),
            (
                "commits after the window",
                Fault::CommitsAfter(400),
                0,
                [
                    "1 doubt", "1 doubt", "1 doubt", "1 doubt", "1 done", "1 done",
                ],
            ),
            (
                "500 before commit",
                Fault::ErrorBefore(500),
                0,
                [
                    "1 doubt", "1 doubt", "1 doubt", "1 doubt", "2+ done", "1 doubt",
                ],
            ),
            (
                "502 before commit",
                Fault::ErrorBefore(502),
                0,
                [
                    "1 doubt", "1 doubt", "1 doubt", "1 doubt", "1 person", "1 doubt",
                ],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn our_numbers_are_unique_in_a_ledger_that_knows_no_keys() {
    check(
        &|| World::with_deals(Numbers::Field, 1).keyless(),
        &[
            ("lost before commit", Fault::LostBefore, 0, ["2 done"; 6]),
            ("lost after commit", Fault::LostAfter, 0, ["1 done"; 6]),
            (
                "lost after commit, lists lag",
                Fault::LostAfter,
                480,
                [
                    "2 doubt", "3 doubt", "3 doubt", "2 doubt", "2 done", "2 done",
                ],
            ),
            (
                "commits after the first look",
                Fault::CommitsAfter(100),
                0,
                ["2 done"; 6],
            ),
            (
                "500 before commit",
                Fault::ErrorBefore(500),
                0,
                ["2 done"; 6],
            ),
            ("502 after commit", Fault::ErrorAfter(502), 0, ["1 done"; 6]),
        ],
    )
    .await;
}

#[tokio::test]
async fn our_numbers_are_unique_in_a_ledger_that_honours_keys() {
    check(
        &|| World::with_deals(Numbers::Field, 1),
        &[
            ("lost before commit", Fault::LostBefore, 0, ["2 done"; 6]),
            (
                "commits after the first look",
                Fault::CommitsAfter(100),
                0,
                ["2 doubt", "3 doubt", "2 done", "2 done", "2 done", "2 done"],
            ),
            (
                "an error that is remembered",
                Fault::CachedError,
                0,
                [
                    "2 doubt", "2 doubt", "2 doubt", "2 doubt", "3+ done", "2 doubt",
                ],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn absence_counts_as_proof_where_the_operator_says_so() {
    let make = || World::with_deals(Numbers::Ledger, 1).ask(Unproven::Resend);
    let world = world(&make, &Fault::LostBefore, 0);
    world.sync().await;
    world.pass(660);
    world.far.lock().unwrap().find_complete = false;
    world.sync().await;
    assert_eq!(
        standing(&world).await,
        "1 doubt",
        "a page that isn't complete proves nothing"
    );
    world.far.lock().unwrap().find_complete = true;
    world.sync().await;
    assert_eq!(standing(&world).await, "2+ done");
    world.sync().await;
    world.assert_settled(1, "resent").await;
}

#[tokio::test]
async fn a_number_of_our_counter_proves_no_absence_and_is_not_given_twice() {
    let make = || World::with_deals(Numbers::Counter, 1).keyless();
    let world = world(&make, &Fault::CommitsAfter(900), 0);
    world.fault("invoice", Fault::LostBefore);
    world.sync().await;
    world.pass(700);
    world.sync().await;
    assert_eq!(
        standing(&world).await,
        "2 person",
        "a new plan would carry another number"
    );
    world.account(2, "Customer 2");
    world.deal(2, 2, 200);
    world.sync().await;
    world.pass(300);
    world.sync().await;
    world.sync().await;
    world.assert_settled(2, "counter").await;
    let numbers: Vec<_> = {
        let far = world.far.lock().unwrap();
        let rows = far.rows("invoice");
        rows.iter()
            .map(|(_, row)| row.doc["number"].clone())
            .collect()
    };
    assert_eq!(numbers.len(), 2);
    assert_ne!(numbers[0], numbers[1]);
}

#[tokio::test]
async fn an_answer_to_the_second_sending_does_not_end_the_first() {
    for second in [
        Fault::ErrorBefore(500),
        Fault::ErrorBefore(503),
        Fault::RateLimited(26),
        Fault::Unauthorised,
        Fault::QuotaUsedUp,
    ] {
        the_first_comes_later(second).await;
    }
}

async fn the_first_comes_later(second: Fault) {
    let what = format!("{second:?}");
    let world = world(
        &|| World::with_deals(Numbers::Ledger, 1),
        &Fault::CommitsAfter(1200),
        0,
    );
    {
        // A ledger whose keys don't guard a request that is still running, and that fails the second one.
        let mut far = world.far.lock().unwrap();
        far.keys_guard_running = false;
        far.fault("invoice", second);
    }
    world.sync().await;
    world.pass(150);
    world.sync().await;
    assert_eq!(standing(&world).await, "2 doubt", "{what}");
    world.pass(660);
    world.sync().await;
    assert_eq!(
        standing(&world).await,
        "2 person",
        "{what}: the first may still be running, and is"
    );
    world.pass(600);
    world.sync().await;
    world.sync().await;
    world.assert_settled(1, "the first came in the end").await;
}

#[tokio::test]
async fn waiting_for_a_budget_ages_no_request() {
    let world = world(
        &|| World::with_deals(Numbers::Ledger, 1).keyless(),
        &Fault::NeverLeft(Some(60)),
        0,
    );
    for _ in 0..3 {
        world.fault("invoice", Fault::NeverLeft(Some(60)));
    }
    world.fault("invoice", Fault::CommitsAfter(550));
    world.sync().await;
    world.pass(400);
    world.sync().await;
    assert_eq!(
        standing(&world).await,
        "1 doubt",
        "ten minutes after the intent, not after the sending"
    );
    world.pass(200);
    world.sync().await;
    world.sync().await;
    world.assert_settled(1, "budget").await;
}

#[tokio::test]
async fn the_time_that_is_told_is_the_one_in_which_it_is_sent_again() {
    let begun = || async {
        let make = || World::with_deals(Numbers::Ledger, 1);
        let world = world(&make, &Fault::LostBefore, 0);
        let again = world.sync().await.again.unwrap();
        (world, again)
    };
    for (edge, before, sends) in [
        ("from", 1, 1),
        ("from", 0, 2),
        ("until", 1, 2),
        ("until", 0, 1),
    ] {
        let (world, again) = begun().await;
        let (_, _, message) = world.decision(1).await;
        assert!(message.contains(&again.told()), "{message}");
        assert_eq!(again.later, Later::Asks);
        let now = world.far.lock().unwrap().now;
        let at = if edge == "from" {
            again.from
        } else {
            again.until
        };
        world
            .far
            .lock()
            .unwrap()
            .pass(at - now - TimeDelta::seconds(before));
        world.sync().await;
        assert_eq!(world.sent("invoice").0, sends, "{edge}, {before} s before");
    }

    let (world, _) = begun().await;
    world.pass(1);
    world.far.lock().unwrap().skew = TimeDelta::hours(-1);
    assert_eq!(
        world.sync().await.again,
        None,
        "never, by a clock that went back"
    );
    let (_, _, message) = world.decision(1).await;
    assert!(!message.contains("under the same key"), "{message}");

    let keyless = || World::with_deals(Numbers::Ledger, 1).keyless();
    let world = crate::doubt::world(&keyless, &Fault::LostBefore, 0);
    assert_eq!(
        world.sync().await.again,
        None,
        "nothing guards a second one"
    );
}

#[tokio::test]
async fn half_a_batch_is_resolved_one_by_one() {
    for fault in [Fault::Half, Fault::HalfAnswer] {
        for seconds in [1, 150, 330, 660] {
            let world = World::with_deals(Numbers::Ledger, 4);
            world.fault("invoice", fault.clone());
            world.fault("customer", fault.clone());
            let report = world.sync().await;
            assert!(report.recovered > 0, "{fault:?}: {report:?}");
            world.pass(seconds);
            world.a_person_goes_on().await;
            world
                .assert_settled(4, &format!("{fault:?} at {seconds} s"))
                .await;
        }
    }
}

#[tokio::test]
async fn a_write_back_in_doubt_is_settled_by_what_the_deal_holds() {
    for fault in [
        Fault::LostBefore,
        Fault::LostAfter,
        Fault::CommitsAfter(100),
        Fault::CommitsAfter(400),
        Fault::ErrorBefore(500),
        Fault::ErrorAfter(500),
        Fault::Half,
        Fault::Nonsense,
    ] {
        let world = World::with_deals(Numbers::Ledger, 2);
        world.fault("Opportunity", fault.clone());
        world.sync().await;
        world.a_person_goes_on().await;
        world.assert_settled(2, &format!("{fault:?}")).await;
    }
}

#[tokio::test]
async fn what_is_in_doubt_is_told_with_its_way_out_and_holds_its_deal() {
    let world = world(
        &|| World::with_deals(Numbers::Ledger, 1).keyless(),
        &Fault::LostBefore,
        0,
    );
    let report = world.sync().await;
    assert_eq!((report.in_doubt, report.recovered), (1, 0));
    let (_, reason, message) = world.decision(1).await;
    assert_eq!(reason, "in-doubt");
    assert!(
        message.contains("nobody knows yet whether it took effect"),
        "{message}"
    );
    assert_eq!(world.claims().await, 2, "one claim, one open request");
    world.set(
        "Opportunity",
        "opp1",
        "Name",
        serde_json::json!("Another name"),
    );
    let report = world.sync().await;
    assert_eq!(
        report.held.get("unresolved-write"),
        Some(&1),
        "one unresolved write per target"
    );
    assert_eq!(world.decision(1).await.1, "in-doubt", "the doubt says more");
    world.pass(660);
    world.sync().await;
    let (_, reason, message) = world.decision(1).await;
    assert_eq!(reason, "in-doubt");
    let open = world.engine().await.open_requests().await.unwrap();
    assert!(message.contains(open[0].id.as_str()), "{message}");
    let status = world.engine().await.status().await.unwrap();
    assert_eq!(status.in_doubt, 1);
    world.a_person_goes_on().await;
    world.assert_settled(1, "released").await;
}

#[tokio::test]
async fn a_run_waits_only_for_what_a_look_can_change() {
    let waited = |world: &World, before: chrono::DateTime<chrono::Utc>| {
        (world.far.lock().unwrap().now - before).num_seconds()
    };
    let plain = World::with_deals(Numbers::Ledger, 1);
    let before = plain.far.lock().unwrap().now;
    plain.sync().await;
    assert_eq!(waited(&plain, before), 0);

    let world = world(
        &|| World::with_deals(Numbers::Ledger, 1),
        &Fault::LostAfter,
        0,
    );
    let before = world.far.lock().unwrap().now;
    let report = world.sync().await;
    assert_eq!(waited(&world, before), 35, "the time-out, and the patience");
    assert_eq!((report.recovered, report.in_doubt), (1, 0));
    assert_eq!(
        world.looks(),
        2,
        "for the answer, and for what the deal needs then"
    );
    world.sync().await;
    world.assert_settled(1, "found in the same run").await;
}

#[tokio::test]
async fn an_error_after_the_commit_is_not_sent_again_before_lists_show_it() {
    // Done half way or wholly, its key not remembered, and lists that lag a minute: only waiting tells.
    let world = world(&|| World::with_deals(Numbers::Ledger, 1), &Fault::Half, 60);
    world.sync().await;
    assert_eq!(standing(&world).await, "1 doubt");
    world.pass(1);
    world.sync().await;
    assert_eq!(standing(&world).await, "1 doubt");
    world.pass(150);
    world.sync().await;
    assert_eq!(standing(&world).await, "1 done");
}

#[tokio::test]
async fn what_a_found_answer_makes_possible_is_done_in_the_same_run() {
    for (object, fault, applied) in [
        (
            "customer",
            Fault::LostAfter,
            [("invoice", 3), ("Opportunity", 3)],
        ),
        (
            "customer",
            Fault::Half,
            [("invoice", 3), ("Opportunity", 3)],
        ),
        (
            "invoice",
            Fault::LostAfter,
            [("customer", 3), ("Opportunity", 3)],
        ),
    ] {
        let what = format!("{object}, {fault:?}");
        let world = World::with_deals(Numbers::Ledger, 3);
        world.fault(object, fault.clone());
        let report = world.sync().await;
        if fault == Fault::Half {
            // What still has no outcome waits, and holds nothing else.
            assert!(
                report.applied["invoice"] > 0 && report.held.is_empty(),
                "{what}: {report:?}"
            );
            continue;
        }
        for (object, n) in applied {
            assert_eq!(report.applied.get(object), Some(&n), "{what}: {report:?}");
        }
        assert_eq!((report.recovered, report.resent), (3, 0), "{what}");
        assert_eq!((report.postponed, report.due), (0, 0), "{what}: {report:?}");
        assert!(report.held.is_empty(), "{what}: {report:?}");
        world.assert_settled(3, &what).await;
    }

    // Lost twice: the run ends, and says that more is due.
    let world = World::with_deals(Numbers::Ledger, 3);
    world.fault("customer", Fault::LostAfter);
    world.fault("invoice", Fault::LostAfter);
    let report = world.sync().await;
    assert_eq!((report.recovered, report.due), (6, 3), "{report:?}");
    let report = world.sync().await;
    assert_eq!(
        (report.applied.get("Opportunity"), report.due),
        (Some(&3), 0)
    );
    world.assert_settled(3, "lost twice").await;
}

#[tokio::test]
async fn a_second_sending_is_told_apart_from_a_look() {
    let make = || World::with_deals(Numbers::Ledger, 1);
    let world = world(&make, &Fault::LostBefore, 0);
    world.sync().await;
    world.pass(150);
    let report = world.sync().await;
    assert_eq!((report.recovered, report.resent), (1, 1));
}
