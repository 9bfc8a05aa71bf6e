//! Records that a sharing rule or a permission hides between two runs: neither deleted nor told of, they show in the number alone.

use crate::far::Row;
use crate::world::{Numbers, World};
use chrono::TimeDelta;
use footbridge_engine::{EngineError, Event, Happened, Standing};
use footbridge_model::plugin::Pace;
use serde_json::json;
use std::ops::Range;

/// Two deals, and so many more accounts that never bought anything.
fn with_bystanders(count: usize) -> World {
    let world = World::with_deals(Numbers::Ledger, 2);
    for n in 0..count {
        world.account(1000 + n, &format!("Bystander {n}"));
    }
    world
}

fn hide(world: &World, bystanders: Range<usize>) -> Vec<(String, Row)> {
    let mut far = world.far.lock().unwrap();
    let table = far.tables.get_mut("Account").unwrap();
    let ids = bystanders.map(|n| format!("acc{}", 1000 + n));
    ids.map(|id| (id.clone(), table.remove(&id).unwrap()))
        .collect()
}

fn show(world: &World, hidden: Vec<(String, Row)>) {
    let mut far = world.far.lock().unwrap();
    far.tables.get_mut("Account").unwrap().extend(hidden);
}

fn delete(world: &World, bystanders: Range<usize>) {
    let mut far = world.far.lock().unwrap();
    bystanders.for_each(|n| far.delete("Account", &format!("acc{}", 1000 + n)));
}

async fn stops(world: &World, says: &str) {
    let sends = world.far.lock().unwrap().sends.len();
    let error = world.try_sync().await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, EngineError::Losses { .. }), "{text}");
    assert!(text.contains(says), "{text}");
    assert!(text.contains("--accept-drop"), "{text}");
    assert_eq!(world.far.lock().unwrap().sends.len(), sends, "written");
}

/// That records can't be counted, as the journal tells it.
async fn uncounted(world: &World) -> Vec<String> {
    let events: Vec<Event> = world.engine().await.events(1000).await.unwrap();
    let about = |event: &Event| event.what == Happened::Uncounted;
    events
        .into_iter()
        .filter(about)
        .map(|event| event.text)
        .collect()
}

const A_THIRD: &str = "crm: of Account 34 of 102 no longer shown to the connection's user";

#[tokio::test]
async fn a_third_hidden_between_two_runs_stops_the_flow_until_a_person_accepts_it() {
    let world = with_bystanders(100);
    world.sync().await;
    world.sync().await;
    let hidden = hide(&world, 0..34);
    world.deal(3, 2, 300);
    for _ in 0..2 {
        stops(&world, A_THIRD).await;
    }
    assert_eq!(world.engine().await.accept_losses().await.unwrap(), 1);
    world.sync().await;
    assert_eq!(world.decision(3).await.0, Standing::Applied);
    // Shown again there are more, and nobody is asked. Those are what counts from now on.
    show(&world, hidden);
    world.sync().await;
    hide(&world, 0..34);
    stops(&world, A_THIRD).await;
}

#[tokio::test]
async fn what_is_shown_again_needs_no_word() {
    let world = with_bystanders(100);
    world.sync().await;
    let hidden = hide(&world, 0..34);
    stops(&world, A_THIRD).await;
    show(&world, hidden);
    world.sync().await;
    assert_eq!(world.engine().await.accept_losses().await.unwrap(), 0);
}

#[tokio::test]
async fn a_yes_is_to_what_was_found_and_to_no_more() {
    let world = with_bystanders(100);
    world.sync().await;
    hide(&world, 0..34);
    stops(&world, A_THIRD).await;
    hide(&world, 34..68);
    world.engine().await.accept_losses().await.unwrap();
    stops(&world, "of Account 34 of 68 no longer shown").await;
}

#[tokio::test]
async fn a_handful_or_one_in_twenty_is_no_drop() {
    for (bystanders, hidden, stopped) in [(8, 5, false), (8, 6, true), (198, 10, false)] {
        let world = with_bystanders(bystanders);
        world.sync().await;
        hide(&world, 0..hidden);
        if stopped {
            stops(&world, "of Account 6 of 10 no longer shown").await;
        } else {
            world.sync().await;
        }
    }
}

#[tokio::test]
async fn deletions_that_were_told_explain_a_drop_and_no_more_than_themselves() {
    for (hidden, stopped) in [(5, false), (6, true)] {
        let world = with_bystanders(38);
        world.sync().await;
        delete(&world, 0..5);
        hide(&world, 5..5 + hidden);
        if stopped {
            stops(&world, "of Account 6 of 35 no longer shown").await;
            world.engine().await.accept_losses().await.unwrap();
        }
        world.sync().await;
        hide(&world, 20..26);
        let left = 35 - hidden;
        stops(&world, &format!("of Account 6 of {left} no longer shown")).await;
        if !stopped {
            continue;
        }
        // More than a handful of deletions ask by themselves; what was accepted of them is no drop afterwards.
        world.engine().await.accept_losses().await.unwrap();
        world.sync().await;
        delete(&world, 26..33);
        let text = world.try_sync().await.unwrap_err().to_string();
        assert!(
            text.contains("7 deleted") && !text.contains("no longer shown"),
            "{text}"
        );
        world.engine().await.accept_losses().await.unwrap();
        world.sync().await;
    }
}

#[tokio::test]
async fn a_count_that_can_not_be_had_stops_nothing_forgets_nothing_and_is_noted_once() {
    let world = with_bystanders(100);
    world.sync().await;
    world.crm.lock().unwrap().uncountable = vec!["Account"];
    hide(&world, 0..34);
    for _ in 0..3 {
        world.sync().await;
    }
    let noted = uncounted(&world).await;
    assert_eq!(noted.len(), 1, "{noted:?}");
    assert!(
        noted[0].starts_with("crm: records of Account can't be counted (no right to count)"),
        "{noted:?}"
    );
    world.crm.lock().unwrap().uncountable.clear();
    stops(&world, A_THIRD).await;
    // What was found stands, whatever comes of counting again.
    world.crm.lock().unwrap().uncountable = vec!["Account"];
    stops(&world, A_THIRD).await;
    world.engine().await.accept_losses().await.unwrap();
    world.sync().await;
}

#[tokio::test]
async fn a_connector_that_counts_nothing_works_and_is_noted_once() {
    let world = with_bystanders(100);
    world.crm.lock().unwrap().counts = None;
    world.sync().await;
    hide(&world, 0..34);
    world.sync().await;
    let noted = uncounted(&world).await;
    assert_eq!(noted.len(), 1, "{noted:?}");
    assert!(noted[0].starts_with("crm: records of Account, Opportunity can't be counted"));
    let far = world.far.lock().unwrap();
    assert!(!far.counted.contains(&"Account".to_owned()));
    assert!(!far.counted.contains(&"item".to_owned()), "not offered");
}

#[tokio::test]
async fn where_calls_are_few_it_counts_in_the_first_run_of_the_organisations_day() {
    let world = with_bystanders(4);
    world.ledger.lock().unwrap().counts = Some(Pace::Daily);
    let counted = |object: &str| {
        let far = world.far.lock().unwrap();
        far.counted.iter().filter(|known| *known == object).count()
    };
    for _ in 0..3 {
        world.sync().await;
    }
    assert_eq!((counted("customer"), counted("Account")), (1, 3));
    // What was told to be gone meanwhile is in no count, and was no drop then.
    for n in 1..=5 {
        world.account(50 + n, &format!("Customer of the ledger {n}"));
        let doc = json!({"name": format!("Ledger {n}"), "status": "active"});
        world.put("customer", &format!("led{n}"), doc);
    }
    world.pass(TimeDelta::days(1).num_seconds());
    world.sync().await;
    assert_eq!(counted("customer"), 2);
    for n in 1..=5 {
        world
            .far
            .lock()
            .unwrap()
            .delete("customer", &format!("led{n}"));
    }
    world.sync().await;
    world.pass(TimeDelta::days(1).num_seconds());
    world.sync().await;
    assert_eq!((counted("customer"), counted("invoice")), (3, 3));
    // A drop that was found is counted again in every run, until it is put right.
    let ids: Vec<String> = (0..8).map(|n| format!("late{n}")).collect();
    for id in &ids {
        let doc = json!({"name": id, "status": "active"});
        world.put("customer", id, doc);
    }
    world.pass(TimeDelta::days(1).num_seconds());
    world.sync().await;
    ids.iter()
        .for_each(|id| world.far.lock().unwrap().hide("customer", id));
    world.sync().await;
    world.pass(TimeDelta::days(1).num_seconds());
    for _ in 0..2 {
        stops(&world, "ledger: of customer 8 of 10 no longer shown").await;
    }
    assert_eq!(counted("customer"), 6);
}

#[tokio::test]
async fn a_run_that_dies_forgets_no_drop() {
    for point in 1..=7 {
        let world = with_bystanders(100);
        world.sync().await;
        hide(&world, 0..34);
        assert!(!world.sync_until(point).await, "point {point}");
        stops(&world, A_THIRD).await;
    }
}
