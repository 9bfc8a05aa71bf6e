//! What a person decides about a customer that is linked: obeyed by the next run, refused in words where it leads to nothing, and taken
//! back by looking again.

use crate::world::{Numbers, World};
use footbridge_engine::{Answered, Conditions, Decision, Mode, Refusal, Selection, Standing};
use footbridge_model::id::RecordId;
use footbridge_model::plugin::Presence;
use footbridge_model::remedy::Remedy;
use footbridge_model::ruling::Choice;
use serde_json::json;

const IGNORES: [Choice; 2] = [Choice::IgnoreOnce, Choice::IgnoreAlways];

fn link(id: &str) -> Choice {
    Choice::LinkTo {
        id: RecordId::from(id),
    }
}

/// One customer, invoiced, whose changes are followed; `other` stands in the ledger and is nobody's.
async fn billed() -> World {
    let mut world = World::with_deals(Numbers::Ledger, 1);
    world.flow.policy.customers = serde_json::from_value(json!({})).unwrap();
    world.sync().await;
    world.sync().await;
    let other = json!({"name": "Somebody else", "status": "active", "phones": []});
    world.put("customer", "other", other);
    world.sync().await;
    world
}

fn gone(world: &World, id: &str, presence: Presence) {
    let doc = world.doc("customer", id);
    world.put("customer", id, doc);
    let mut far = world.far.lock().unwrap();
    let row = far.tables.get_mut("customer").unwrap().get_mut(id).unwrap();
    row.presence = presence;
}

/// Its customer is archived, or merged into one that is.
async fn without_its_customer(merged: bool) -> World {
    let world = billed().await;
    if merged {
        let old = json!({"name": "Old", "status": "active", "phones": []});
        world.put("customer", "old", old);
        world
            .far
            .lock()
            .unwrap()
            .merge("customer", "customer-1", "old");
        gone(&world, "old", Presence::Archived);
    } else {
        gone(&world, "customer-1", Presence::Archived);
    }
    world.sync().await;
    world
}

async fn item(world: &World) -> Option<Decision> {
    let mut all = world.decisions().await.into_iter();
    all.find(|decision| decision.subject.record.object.as_str() == "Account")
}

async fn reason(world: &World) -> String {
    item(world)
        .await
        .map(|item| item.reason)
        .unwrap_or_default()
}

async fn answer(world: &World, choice: Choice) -> Answered {
    let item = item(world).await.unwrap();
    let engine = world.engine().await;
    engine.answer(&item, choice, "ann").await.unwrap()
}

async fn kept(world: &World, choice: Choice) -> Vec<String> {
    match answer(world, choice.clone()).await {
        Answered::Kept(follows) => follows,
        Answered::Refused(refusal) => panic!("{choice:?}: {refusal}"),
    }
}

async fn look_again(world: &World) {
    assert!(world.engine().await.look_again("acc1").await.unwrap());
}

fn sends(world: &World) -> usize {
    world.far.lock().unwrap().sends.len()
}

async fn quiet(world: &World) {
    let before = sends(world);
    world.sync().await;
    world.sync().await;
    assert_eq!(sends(world), before);
}

#[tokio::test]
async fn another_customer_takes_the_place_of_one_that_is_gone() {
    for (merged, stands) in [(false, "customer-gone"), (true, "customer-merged")] {
        let world = without_its_customer(merged).await;
        let waiting = item(&world).await.unwrap();
        assert_eq!(
            (waiting.standing, waiting.reason.as_str()),
            (Standing::Waiting, stands)
        );
        let follows = kept(&world, link("other")).await;
        assert_eq!(
            follows,
            [
                "Account acc1 is linked with customer \"Somebody else\" (other) from then on. Nothing is written to it for that"
            ]
        );
        quiet(&world).await;
        let standing = item(&world).await.map(|item| item.standing);
        assert_ne!(standing, Some(Standing::Waiting), "{stands}");
        // New deals bill it, and later changes go to it: what it was called before is nobody's change.
        world.deal(2, 1, 700);
        world.set("Account", "acc1", "Name", json!("Customer One"));
        world.sync().await;
        assert_eq!(world.doc("customer", "other")["name"], "Customer One");
        let customers: Vec<_> = {
            let far = world.far.lock().unwrap();
            let rows = far.rows("invoice");
            rows.iter()
                .map(|(_, row)| row.doc["customer"].clone())
                .collect()
        };
        assert_eq!(customers, [json!("customer-1"), json!("other")]);
        world.sync().await;
        quiet(&world).await;
    }
}

#[tokio::test]
async fn one_that_a_deal_was_linked_with_is_followed_too() {
    let world = billed().await;
    gone(&world, "customer-1", Presence::Archived);
    world.deal(2, 1, 700);
    world.sync().await;
    let waiting = world.decision(2).await;
    assert_eq!(waiting.1, "customer-gone");
    let engine = world.engine().await;
    let decisions = engine.decisions().await.unwrap();
    let deal = decisions
        .iter()
        .find(|item| item.subject.record.id.as_str() == "opp2")
        .unwrap();
    let done = engine.answer(deal, link("other"), "ann").await.unwrap();
    assert!(matches!(done, Answered::Kept(_)), "{done:?}");
    drop(engine);
    world.sync().await;
    assert_eq!(world.decision(2).await.0, Standing::Applied);
    world.sync().await;
    assert_eq!(world.doc("customer", "other")["name"], "Somebody else");
    world.set("Account", "acc1", "Name", json!("Customer One"));
    world.sync().await;
    assert_eq!(world.doc("customer", "other")["name"], "Customer One");
}

#[tokio::test]
async fn who_can_not_take_its_place_is_refused() {
    let world = without_its_customer(false).await;
    world.account(2, "Customer 2");
    world.deal(2, 2, 50);
    world.sync().await;
    world.sync().await;
    let theirs = {
        let far = world.far.lock().unwrap();
        let rows = far.rows("customer");
        let found = rows.iter().find(|(_, row)| row.doc["name"] == "Customer 2");
        found.unwrap().0.to_string()
    };
    let gone_too = json!({"name": "Gone", "status": "archived", "phones": []});
    world.put("customer", "gone", gone_too);
    for (id, said) in [
        (theirs.as_str(), "it is linked with another record"),
        ("gone", "it is not active"),
        ("customer-1", "it is not active"),
        ("nowhere", "has no customer with id or number"),
    ] {
        let refused = answer(&world, link(id)).await;
        let Answered::Refused(refusal) = refused else {
            panic!("{id}: {refused:?}");
        };
        assert!(refusal.to_string().contains(said), "{id}: {refusal}");
    }
    let subject = item(&world).await.unwrap().subject;
    assert_eq!(world.engine().await.rulings(&subject).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_ignored_waits_no_longer_and_comes_back_when_asked_for() {
    for choice in IGNORES {
        for merged in [false, true] {
            let world = without_its_customer(merged).await;
            let before = reason(&world).await;
            kept(&world, choice.clone()).await;
            world.sync().await;
            assert_eq!(reason(&world).await, "ignored", "{choice:?}");
            quiet(&world).await;
            let told = item(&world).await.unwrap().message;
            assert!(told.contains("It would wait: Customer"), "{told}");
            look_again(&world).await;
            world.sync().await;
            assert_eq!(reason(&world).await, before, "{choice:?}");
        }
    }
}

#[tokio::test]
async fn once_is_until_a_side_changes() {
    for (choice, after) in [
        (Choice::IgnoreOnce, "customer-gone"),
        (Choice::IgnoreAlways, "ignored"),
    ] {
        for object in ["Account", "customer"] {
            let world = without_its_customer(false).await;
            kept(&world, choice.clone()).await;
            world.sync().await;
            if object == "Account" {
                world.set("Account", "acc1", "Name", json!("Customer One"));
            } else {
                gone(&world, "customer-1", Presence::Archived);
            }
            world.sync().await;
            assert_eq!(reason(&world).await, after, "{choice:?} {object}");
        }
    }
}

#[tokio::test]
async fn a_refused_change_that_is_ignored_is_not_tried_again() {
    for choice in IGNORES {
        let world = billed().await;
        let refusal = ("Nasty".to_owned(), "rejected");
        world.far.lock().unwrap().refuse.push(refusal);
        world.set("Account", "acc1", "Name", json!("Nasty"));
        world.sync().await;
        assert_eq!(reason(&world).await, "rejected");
        kept(&world, choice.clone()).await;
        world.pass(48 * 3600);
        quiet(&world).await;
        assert_eq!(reason(&world).await, "ignored", "{choice:?}");
        world.far.lock().unwrap().refuse.clear();
        world.set("Account", "acc1", "Name", json!("Nice"));
        world.sync().await;
        let there = world.doc("customer", "customer-1")["name"].clone();
        let want = match choice {
            Choice::IgnoreOnce => "Nice",
            _ => "Customer 1",
        };
        assert_eq!(there, want, "{choice:?}");
        look_again(&world).await;
        world.sync().await;
        let there = world.doc("customer", "customer-1")["name"].clone();
        assert_eq!(there, "Nice", "{choice:?}");
    }
}

#[tokio::test]
async fn a_name_clash_is_no_question_of_who_it_is() {
    let world = billed().await;
    world.set("Account", "acc1", "Name", json!("Somebody else"));
    world.sync().await;
    assert_eq!(reason(&world).await, "customer-name-clash");
    let waiting = item(&world).await.unwrap();
    let engine = world.engine().await;
    assert_eq!(engine.remedies(&waiting), [Remedy::Retry, Remedy::Ignore]);
    drop(engine);
    let refused = answer(&world, link("other")).await;
    assert!(
        matches!(refused, Answered::Refused(Refusal::NotTaken { .. })),
        "{refused:?}"
    );
    world.pass(1);
    kept(&world, Choice::IgnoreAlways).await;
    world.sync().await;
    assert_eq!(reason(&world).await, "ignored");
    look_again(&world).await;
    world.sync().await;
    assert_eq!(reason(&world).await, "customer-name-clash");
}

#[tokio::test]
async fn replay_reads_customers_again_at_both_sides() {
    let world = billed().await;
    world.set("customer", "customer-1", "status", json!("archived"));
    world.sync().await;
    assert_eq!(reason(&world).await, "customer-gone");
    // Restored, and no list of changes tells of it.
    let mut doc = world.doc("customer", "customer-1");
    doc["status"] = json!("active");
    let far = std::sync::Arc::clone(&world.far);
    far.lock()
        .unwrap()
        .set_quietly("customer", "customer-1", doc);
    world.sync().await;
    assert_eq!(reason(&world).await, "customer-gone", "nothing told of it");
    let by_reason = Selection::Matching(Conditions {
        reason: Some("customer-gone".to_owned()),
        ..Conditions::default()
    });
    for (selection, mode) in [
        (by_reason.clone(), Mode::Dry),
        (by_reason, Mode::Do),
        (Selection::One("acc1".to_owned()), Mode::Do),
    ] {
        let engine = world.engine().await;
        let mut named = Vec::new();
        let mut each = |looked: &footbridge_engine::Looked| named.push(looked.id.clone());
        let done = engine.replay(&selection, mode, &mut each).await.unwrap();
        assert_eq!((done.looked_at, done.not_shown), (1, 0), "{selection:?}");
        assert_eq!(named, ["acc1"]);
        drop(engine);
        if mode == Mode::Dry {
            assert_eq!(reason(&world).await, "customer-gone");
        }
    }
    world.sync().await;
    assert_ne!(reason(&world).await, "customer-gone");
    world.set("Account", "acc1", "Name", json!("Customer One"));
    world.sync().await;
    assert_eq!(world.doc("customer", "customer-1")["name"], "Customer One");
}
