//! Saved plans: approved in whole or part, carried out once, and refused by name where they no longer mean what was approved.

use crate::far::Fault;
use crate::ports::Life;
use crate::world::{Numbers, World};
use footbridge_engine::saved::{Applied, Approval, Fate, PlanRefusal, SavedPlan, State};
use footbridge_engine::{Engine, EngineError};
use footbridge_plan::rails::FirstRun;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Saves what a run would do now; returns its id.
pub(crate) async fn save(world: &World) -> String {
    let engine = world.engine().await;
    let preview = engine.plan_to_approve().await.unwrap();
    let saved = engine.to_save(&preview).await.unwrap();
    engine.save_plan(&saved, "Anna").await.unwrap().id
}

fn ids(list: &[&str]) -> Vec<String> {
    list.iter().map(|id| (*id).to_owned()).collect()
}

pub(crate) async fn approve(world: &World, id: &str, only: &[&str], except: &[&str]) -> SavedPlan {
    let what = Approval {
        only: ids(only),
        except: ids(except),
    };
    let engine = world.engine().await;
    engine.approve_plan(id, &what, "Bert").await.unwrap().1
}

pub(crate) async fn apply(world: &World, id: &str) -> Applied {
    world.engine().await.apply_plan(id, "Carl").await.unwrap()
}

async fn refused(world: &World, id: &str) -> PlanRefusal {
    match world.engine().await.apply_plan(id, "Carl").await {
        Err(EngineError::Plan(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

async fn state(world: &World, id: &str) -> State {
    let engine = world.engine().await;
    engine.saved_plan(id).await.unwrap().0.state(engine.now())
}

/// How many operations ended each way.
fn counted(applied: &Applied) -> BTreeMap<Fate, usize> {
    let mut counts = BTreeMap::new();
    for fate in applied.fates.values() {
        *counts.entry(fate.fate).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn an_approved_plan_is_carried_out_once_and_lets_the_flow_write() {
    let mut world = World::with_deals(Numbers::Counter, 3);
    world.flow.rails.first_run = FirstRun::Ask;
    let id = save(&world).await;
    assert_eq!(save(&world).await, id, "the same plan twice is one");
    assert_eq!(state(&world, &id).await, State::Open);
    let no = refused(&world, &id).await;
    assert!(matches!(no, PlanRefusal::NotApproved { .. }), "{no}");
    approve(&world, &id, &[], &[]).await;
    assert_eq!(state(&world, &id).await, State::Approved);
    assert_eq!(world.count("invoice"), 0);
    let applied = apply(&world, &id[..8]).await;
    assert_eq!(counted(&applied), BTreeMap::from([(Fate::Applied, 9)]));
    assert_eq!(state(&world, &id).await, State::Applied);
    let before = world.sent("invoice");
    let again = apply(&world, &id).await;
    assert_eq!(counted(&again), BTreeMap::from([(Fate::Already, 9)]));
    assert_eq!(world.sent("invoice"), before);
    assert!(again.report.applied.is_empty());
    // The flow has written now: a sync goes, and has nothing to do.
    let report = world.sync().await;
    assert!(report.applied.is_empty(), "{report:?}");
    world.assert_settled(3, "by a plan").await;
}

#[tokio::test]
async fn a_part_is_a_part_and_what_hangs_on_the_rest_waits_with_a_reason() {
    let world = World::with_deals(Numbers::Counter, 3);
    let id = save(&world).await;
    // A record brings along what it needs.
    let saved = approve(&world, &id, &["opp2"], &[]).await;
    let applied = apply(&world, &id).await;
    assert_eq!(
        counted(&applied),
        BTreeMap::from([(Fate::Applied, 3), (Fate::NotApproved, 6)])
    );
    assert_eq!((world.count("invoice"), world.count("customer")), (1, 1));
    assert_eq!(state(&world, &id).await, State::Applied);
    // The journal outlives the plan.
    let events = world.engine().await.events(1000).await.unwrap();
    for said in [
        format!("Anna saved plan {id}: 9 operation(s)"),
        format!("Bert approved 3 of 9 operation(s) of plan {id}"),
        format!("Carl carried out plan {id}: 3 of 3 approved operation(s) stand"),
    ] {
        assert!(events.iter().any(|event| event.text == said), "{said}");
    }
    // All but one customer: its invoice and what shows that are held, by name.
    let customer = saved
        .plan
        .ops
        .iter()
        .find(|op| op.subject.record.id.as_str() == "acc3");
    let customer = customer.unwrap().id.to_string();
    approve(&world, &id, &[], &[&customer]).await;
    let applied = apply(&world, &id).await;
    assert_eq!(
        counted(&applied),
        BTreeMap::from([
            (Fate::Already, 3),
            (Fate::Applied, 3),
            (Fate::NotApproved, 3)
        ])
    );
    let held = applied
        .fates
        .values()
        .find(|fate| fate.why.contains("needs"))
        .unwrap();
    assert!(
        held.why.contains("the customer \"Customer 3\""),
        "{}",
        held.why
    );
    assert_eq!(world.count("invoice"), 2);
    world.sync().await;
    world.sync().await;
    world.assert_settled(3, "the rest by a sync").await;
}

#[tokio::test]
async fn a_stale_operation_is_refused_with_what_changed_and_the_others_go_on() {
    let world = World::with_deals(Numbers::Ledger, 3);
    let id = save(&world).await;
    approve(&world, &id, &[], &[]).await;
    world.set("Opportunity", "opp2", "Amount", json!("1000"));
    let applied = apply(&world, &id).await;
    let counts = counted(&applied);
    assert_eq!((counts[&Fate::Applied], counts[&Fate::Stale]), (7, 2));
    let whys: Vec<&str> = (applied.fates.values())
        .filter(|fate| fate.fate == Fate::Stale)
        .map(|fate| fate.why.as_str())
        .collect();
    assert!(whys.iter().any(|why| why.contains("1200")), "{whys:?}");
    assert_eq!(world.count("invoice"), 2);
    assert_eq!(state(&world, &id).await, State::PartlyApplied);
    world.sync().await;
    world.sync().await;
    world.assert_settled(3, "the changed one by a sync").await;
}

#[tokio::test]
async fn what_an_approved_operation_waits_for_by_now_is_an_item_at_once() {
    let world = World::with_deals(Numbers::Ledger, 2);
    let id = save(&world).await;
    approve(&world, &id, &[], &[]).await;
    world.set("Opportunity", "opp2", "Amount", json!("-5"));
    let applied = apply(&world, &id).await;
    let mut whys = applied.fates.values().map(|fate| fate.why.as_str());
    assert!(whys.any(|why| why.ends_with("(negative-amount)")));
    assert_eq!(world.decision(2).await.1, "negative-amount");
    world.set("Opportunity", "opp2", "Amount", json!("5"));
    world.sync().await;
    world.sync().await;
    world.assert_settled(2, "corrected").await;
}

#[tokio::test]
async fn what_is_planned_alike_is_carried_out_whatever_else_changed() {
    let world = World::with_deals(Numbers::Ledger, 2);
    let id = save(&world).await;
    approve(&world, &id, &[], &[]).await;
    // In the fields of the deal, nobody is billed or told otherwise.
    world.set("Opportunity", "opp1", "Number", json!("another"));
    world.set("Opportunity", "opp2", "InvoiceNumber", json!("by hand"));
    let applied = apply(&world, &id).await;
    let stale: Vec<&str> = (applied.fates.values())
        .filter(|fate| fate.fate != Fate::Applied)
        .map(|fate| fate.why.as_str())
        .collect();
    let [why] = stale.as_slice() else {
        panic!("{stale:?}")
    };
    assert!(why.contains("by hand"), "{why}");
    assert_eq!(
        world.doc("Opportunity", "opp1")["InvoiceId"],
        json!("invoice-1")
    );
    let again = apply(&world, &id).await;
    assert_eq!(counted(&again)[&Fate::Already], 5, "{again:?}");
    world.sync().await;
    world.assert_settled(2, "the rest by a sync").await;
}

#[tokio::test]
async fn a_plan_of_which_nothing_held_is_no_first_run() {
    let mut world = World::with_deals(Numbers::Ledger, 3);
    world.flow.rails.first_run = FirstRun::Ask;
    let id = save(&world).await;
    approve(&world, &id, &["opp1"], &[]).await;
    world.set("Opportunity", "opp1", "Amount", json!("0"));
    let applied = apply(&world, &id).await;
    assert!(!counted(&applied).contains_key(&Fate::Applied));
    for _ in 0..2 {
        let refused = world.try_sync().await.unwrap_err();
        assert!(matches!(refused, EngineError::FirstRun { .. }), "{refused}");
    }
    assert_eq!(world.count("invoice"), 0);
    let status = world.engine().await.status().await.unwrap();
    assert!(status.last_run.is_none(), "nobody let it run");
    // A plan that holds lets the flow write, and so it stays whatever becomes of a later one.
    let id = save(&world).await;
    approve(&world, &id, &["opp2"], &[]).await;
    apply(&world, &id).await;
    assert_eq!(world.count("invoice"), 1);
    world.set("Opportunity", "opp1", "Amount", json!("100"));
    world.sync().await;
    world.sync().await;
    world.assert_settled(3, "after the yes").await;
}

#[tokio::test]
async fn a_stale_plan_takes_no_old_flows_leave_to_write() {
    let mut world = World::with_deals(Numbers::Ledger, 1);
    world.sync().await;
    world.flow.rails.first_run = FirstRun::Ask;
    world.account(2, "Customer 2");
    world.deal(2, 2, 50);
    let id = save(&world).await;
    approve(&world, &id, &[], &[]).await;
    world.set("Opportunity", "opp2", "Amount", json!("60"));
    apply(&world, &id).await;
    world.sync().await;
    world.sync().await;
    world.assert_settled(2, "an older data directory").await;
}

#[tokio::test]
async fn what_a_sync_did_meanwhile_is_not_done_again() {
    let world = World::with_deals(Numbers::Ledger, 2);
    let id = save(&world).await;
    approve(&world, &id, &[], &[]).await;
    world.sync().await;
    let applied = apply(&world, &id).await;
    assert_eq!(counted(&applied), BTreeMap::from([(Fate::Already, 6)]));
    world.assert_settled(2, "once").await;
}

#[tokio::test]
async fn a_deal_that_is_left_out_takes_its_new_customer_along() {
    let world = World::with_deals(Numbers::Counter, 3);
    let id = save(&world).await;
    approve(&world, &id, &[], &["opp2"]).await;
    let applied = apply(&world, &id).await;
    assert_eq!(
        counted(&applied),
        BTreeMap::from([(Fate::Applied, 6), (Fate::NotApproved, 3)])
    );
    assert_eq!((world.count("invoice"), world.count("customer")), (2, 2));
}

#[tokio::test]
async fn a_lost_answer_is_found_out_and_never_sent_blindly_again() {
    for fault in [Fault::LostAfter, Fault::LostBefore] {
        let world = World::with_deals(Numbers::Ledger, 2);
        let id = save(&world).await;
        approve(&world, &id, &[], &[]).await;
        world.fault("invoice", fault.clone());
        apply(&world, &id).await;
        world.pass(60);
        apply(&world, &id).await;
        world.a_person_goes_on().await;
        world.assert_settled(2, &format!("{fault:?}")).await;
    }
}

#[tokio::test]
async fn a_plan_of_yesterday_or_taken_back_is_refused() {
    let world = World::with_deals(Numbers::Ledger, 1);
    let id = save(&world).await;
    approve(&world, &id, &[], &[]).await;
    world
        .engine()
        .await
        .withdraw_plan(&id, "Dora")
        .await
        .unwrap();
    let no = refused(&world, &id).await;
    assert!(
        matches!(&no, PlanRefusal::Withdrawn { by, .. } if by == "Dora"),
        "{no}"
    );
    world.pass(60);
    let id = save(&world).await;
    approve(&world, &id, &[], &[]).await;
    world.pass(24 * 3600);
    let no = refused(&world, &id).await;
    assert!(matches!(no, PlanRefusal::Expired { .. }), "{no}");
    assert_eq!(state(&world, &id).await, State::Expired);
    assert_eq!(world.count("invoice"), 0);
}

#[tokio::test]
async fn a_plan_of_elsewhere_is_refused() {
    let (here, there) = (
        World::with_deals(Numbers::Ledger, 1),
        World::with_deals(Numbers::Ledger, 1),
    );
    let engine = there.engine().await;
    let preview = engine.plan().await.unwrap();
    let theirs = engine.to_save(&preview).await.unwrap();
    let engine = here.engine().await;
    let id = engine.save_plan(&theirs, "Anna").await.unwrap().id;
    let no = engine.approve_plan(&id, &Approval::default(), "Bert").await;
    let no = no.unwrap_err().to_string();
    assert!(no.contains(&theirs.installation), "{no}");
    drop(engine);
    let no = refused(&here, &id).await;
    assert!(matches!(no, PlanRefusal::Elsewhere { .. }), "{no}");
    assert_eq!(here.count("invoice"), 0);
}

#[tokio::test]
async fn a_plan_from_before_a_restore_is_listed_as_one() {
    let world = World::with_deals(Numbers::Ledger, 1);
    let id = save(&world).await;
    approve(&world, &id, &[], &[]).await;
    let copy = world.beside(|data| crate::epochs::copy(&world.data(), data));
    assert_eq!(state(&world, &id).await, State::Approved);
    assert_eq!(state(&copy, &id).await, State::EarlierEpoch);
    let no = refused(&copy, &id).await;
    assert!(matches!(no, PlanRefusal::Elsewhere { .. }), "{no}");
    let engine = copy.engine().await;
    engine.withdraw_plan(&id, "Dora").await.unwrap();
    drop(engine);
    assert_eq!(state(&copy, &id).await, State::Withdrawn);
}

#[tokio::test]
async fn names_that_stand_for_nothing_are_refused() {
    let world = World::with_deals(Numbers::Ledger, 1);
    let id = save(&world).await;
    let engine = world.engine().await;
    for (only, except) in [(vec!["opp9"], vec![]), (vec![], vec!["opp9"])] {
        let what = Approval {
            only: ids(&only),
            except: ids(&except),
        };
        let no = engine.approve_plan(&id, &what, "Bert").await.unwrap_err();
        assert!(no.to_string().contains("\"opp9\""), "{no}");
    }
    let no = engine.saved_plan("no-such").await.unwrap_err();
    assert!(no.to_string().contains("no saved plan"), "{no}");
    drop(engine);
    assert_eq!(state(&world, &id).await, State::Open);
}

#[tokio::test]
async fn what_needs_a_yes_gets_it_with_the_plan() {
    let mut world = World::with_deals(Numbers::Ledger, 3);
    world.flow.rails.approval_above = serde_json::from_value(json!("240")).unwrap();
    assert_eq!(world.plan().await.plan.bills.len(), 2);
    let id = save(&world).await;
    let saved = approve(&world, &id, &[], &[]).await;
    assert_eq!((saved.asks.len(), saved.plan.bills.len()), (1, 3));
    apply(&world, &id).await;
    assert_eq!(world.count("invoice"), 3);
}

#[tokio::test]
async fn the_way_back_is_part_of_a_plan() {
    let world = World::with_books(1);
    world.put(
        "customer",
        "c",
        json!({"name": "Old friend", "status": "active"}),
    );
    world.bill("1", "c", 100, "2026-10-20");
    world.sync().await;
    world.pay("p1", "1", 40, crate::books::Bump::Loud);
    let id = save(&world).await;
    let saved = approve(&world, &id, &[], &[]).await;
    let old = saved.plan.ops.iter().find(|op| op.was.is_some()).unwrap();
    assert!(
        old.was.as_ref().unwrap().text("status").is_some(),
        "{old:?}"
    );
    let applied = apply(&world, &id).await;
    let ops = saved.plan.ops.len();
    assert_eq!(counted(&applied), BTreeMap::from([(Fate::Applied, ops)]));
    assert_eq!(world.shown_document("invoice", "1")["status"], "part-paid");
    let again = apply(&world, &id).await;
    assert_eq!(counted(&again), BTreeMap::from([(Fate::Already, ops)]));
    world.sync().await;
    world.assert_shown("by a plan").await;
}

#[tokio::test]
async fn a_cap_that_came_later_is_kept_and_applying_again_goes_on() {
    for numbers in [Numbers::Ledger, Numbers::Counter] {
        let mut world = World::with_deals(numbers, 3);
        let id = save(&world).await;
        approve(&world, &id, &[], &[]).await;
        world.flow.rails.most_writes_per_run = Some(4);
        let mut written = 0;
        for (now, left) in [(3, 6), (3, 3), (3, 0), (0, 0)] {
            let counts = counted(&apply(&world, &id).await);
            let of = |fate| counts.get(&fate).copied().unwrap_or_default();
            assert_eq!((of(Fate::Applied), of(Fate::OverTheCap)), (now, left));
            assert_eq!(of(Fate::Already), written, "{numbers:?}");
            written += now;
            let whole = if left == 0 {
                State::Applied
            } else {
                State::PartlyApplied
            };
            assert_eq!(state(&world, &id).await, whole);
        }
        world.sync().await;
        world.assert_settled(3, "in three applications").await;
    }
}

#[tokio::test]
async fn rails_that_came_later_hold_an_approved_plan_but_for_another_yes() {
    let mut world = World::with_deals(Numbers::Counter, 3);
    let id = save(&world).await;
    approve(&world, &id, &[], &[]).await;
    world.switch.after.store(0, Ordering::SeqCst);
    let no = world.engine().await.apply_plan(&id, "Carl").await;
    assert!(matches!(no, Err(EngineError::Stopped { .. })), "{no:?}");
    world.switch.after.store(usize::MAX, Ordering::SeqCst);
    world.flow.rails.approval_above = serde_json::from_value(json!("1")).unwrap();
    world.flow.rails.pilot = serde_json::from_value(json!({"only": ["opp1"]})).unwrap();
    let applied = apply(&world, &id).await;
    assert_eq!(
        counted(&applied),
        BTreeMap::from([(Fate::Applied, 3), (Fate::Stale, 6)])
    );
    let mut whys = applied.fates.values().map(|fate| &fate.why);
    assert!(whys.any(|why| why.contains("outside-pilot")), "{applied:?}");
    assert_eq!((world.count("invoice"), world.count("customer")), (1, 1));
}

/// An application that ends dead at the n-th point; true if it came through before.
async fn apply_until(world: &World, id: &str, point: usize) -> bool {
    let life = Life::until(point);
    let parts = world.parts(&life);
    let engine = Arc::new(Engine::open(world.flow.clone(), parts).await.unwrap());
    let (gone, id) = (Arc::downgrade(&engine), id.to_owned());
    let run = tokio::spawn(async move { engine.apply_plan(&id, "Carl").await });
    while !life.is_over() && !run.is_finished() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let through = run.is_finished();
    if through {
        run.await.unwrap().unwrap();
    } else {
        run.abort();
        assert!(run.await.unwrap_err().is_cancelled());
    }
    while gone.strong_count() > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    through
}

#[tokio::test]
async fn a_crash_at_every_point_of_an_application_writes_nothing_twice() {
    for point in 1.. {
        let world = World::with_deals(Numbers::Ledger, 2);
        let id = save(&world).await;
        approve(&world, &id, &[], &[]).await;
        let through = apply_until(&world, &id, point).await;
        world.pass(60);
        apply(&world, &id).await;
        world.a_person_goes_on().await;
        let what = format!("dead at point {point}");
        world.assert_settled(2, &what).await;
        if through {
            assert!(point > 25, "only {point} points");
            return;
        }
    }
}
