//! A deal that could not be shown its invoice, and then changed: it is shown it all the same, and what a person has to answer stays.

use crate::far::Fault;
use crate::world::{Numbers, World};
use footbridge_engine::{Answered, Standing};
use footbridge_model::ruling::Choice;
use serde_json::json;

const WAITS: (Standing, &str) = (Standing::Waiting, "changed-after-invoicing");

/// A validation rule of the CRM's that no write-back passes.
fn refuse(world: &World) {
    let refusal = ("\"InvoiceId\"".to_owned(), "rejected");
    world.far.lock().unwrap().refuse.push(refusal);
}

fn allow(world: &World) {
    world.far.lock().unwrap().refuse.clear();
}

/// Billed with an approved invoice, not shown, changed.
async fn changed() -> World {
    let world = World::with_deals(Numbers::Ledger, 1);
    refuse(&world);
    world.sync().await;
    let (standing, reason, message) = world.decision(1).await;
    assert_eq!((standing, reason.as_str()), (Standing::Refused, "rejected"));
    let end = "The invoice stands, and the deal doesn't show it.";
    assert!(message.ends_with(end), "{message}");
    world.set("Opportunity", "opp1", "Amount", json!("150"));
    world
}

fn is_shown(world: &World) -> bool {
    world.doc("Opportunity", "opp1")["InvoiceId"] == json!("invoice-1")
}

/// Another run sends nothing, and the deal stands like this.
async fn stands(world: &World, want: (Standing, &str), what: &str) -> String {
    let before = world.far.lock().unwrap().sends.len();
    world.sync().await;
    let after = world.far.lock().unwrap().sends.len();
    assert_eq!(after, before, "{what}: it writes");
    let (standing, reason, message) = world.decision(1).await;
    assert_eq!((standing, reason.as_str()), want, "{what}: {message}");
    assert_eq!(world.claims().await, 0, "{what}");
    message
}

async fn choose_ledger(world: &World) {
    let engine = world.engine().await;
    let item = engine.decisions().await.unwrap().remove(0);
    let choice = Choice::TakeLedger { field: None };
    let answered = engine.answer(&item, choice, "kim").await.unwrap();
    assert!(matches!(answered, Answered::Kept(_)), "{answered:?}");
}

#[tokio::test]
async fn what_could_not_be_shown_is_shown_while_its_change_waits() {
    let world = changed().await;
    allow(&world);
    world.sync().await;
    assert!(is_shown(&world));
    let message = stands(&world, WAITS, "shown").await;
    assert!(!message.contains("Besides"), "{message}");
    choose_ledger(&world).await;
    world.sync().await;
    stands(&world, (Standing::Applied, "up-to-date"), "answered").await;
}

#[tokio::test]
async fn what_is_still_refused_is_told_with_the_question_and_not_offered_in_every_run() {
    let world = changed().await;
    world.sync().await;
    let first = world.decision(1).await.2;
    for n in 0..2 {
        let message = stands(&world, WAITS, "refused").await;
        assert!(
            message.contains("Besides, crm did not take it"),
            "{message}"
        );
        assert!(first.contains("crm did not take it"), "run {n}: {first}");
    }
    allow(&world);
    world.engine().await.look_again("opp1").await.unwrap();
    world.sync().await;
    assert!(is_shown(&world), "after a person's word");
    let message = stands(&world, WAITS, "then").await;
    assert!(!message.contains("Besides"), "{message}");
}

#[tokio::test]
async fn an_answer_leaves_what_is_still_refused() {
    let world = changed().await;
    world.sync().await;
    choose_ledger(&world).await;
    world.sync().await;
    stands(&world, (Standing::Refused, "rejected"), "answered").await;
    allow(&world);
    world.engine().await.look_again("opp1").await.unwrap();
    world.sync().await;
    assert!(is_shown(&world));
    stands(&world, (Standing::Applied, "up-to-date"), "in the end").await;
}

#[tokio::test]
async fn whatever_becomes_of_the_answer_the_question_stays() {
    for fault in [
        Fault::NeverLeft(None),
        Fault::LostBefore,
        Fault::LostAfter,
        Fault::ErrorBefore(503),
        Fault::ErrorAfter(500),
        Fault::Nonsense,
        Fault::QuotaUsedUp,
    ] {
        let what = format!("{fault:?}");
        let world = changed().await;
        allow(&world);
        world.fault("Opportunity", fault);
        world.sync().await;
        world.a_person_goes_on().await;
        assert!(is_shown(&world), "{what}");
        stands(&world, WAITS, &what).await;
    }
}

#[tokio::test]
async fn dead_at_every_point_of_a_run_that_shows_and_asks() {
    for point in 1.. {
        let world = changed().await;
        allow(&world);
        let through = world.sync_until(point).await;
        let what = format!("dead at point {point}");
        world.a_person_goes_on().await;
        assert!(is_shown(&world), "{what}");
        stands(&world, WAITS, &what).await;
        if through {
            assert!(point > 10, "only {point} points");
            return;
        }
    }
}

#[tokio::test]
async fn a_plan_that_shows_and_asks_leaves_the_question() {
    let world = changed().await;
    allow(&world);
    let id = crate::saved::save(&world).await;
    crate::saved::approve(&world, &id, &[], &[]).await;
    crate::saved::apply(&world, &id).await;
    assert!(is_shown(&world));
    let (standing, reason, message) = world.decision(1).await;
    assert_eq!((standing, reason.as_str()), WAITS, "{message}");
    stands(&world, WAITS, "by a plan").await;
}
