//! A customer whose name is taken is created in the ledger under the name that a person gave: once, whatever becomes of the answer, and
//! nothing undoes it where changes of customers are followed.

use crate::customers::{back, item, quiet, sent, with};
use crate::far::Fault;
use crate::world::World;
use footbridge_engine::{Answered, Mode, Refusal, Standing};
use footbridge_model::CustomerName;
use footbridge_model::id::RecordId;
use footbridge_model::remedy::Remedy;
use footbridge_model::ruling::Choice;
use serde_json::{Value, json};

const LEEDS: &str = "Customer 1 (Leeds)";

fn called(name: &str) -> Choice {
    Choice::CreateAs {
        name: CustomerName::new(name).unwrap(),
    }
}

/// One deal, whose customer's name somebody else has in the ledger.
async fn taken(customers: Option<Value>) -> World {
    let mut world = with(1, json!({}));
    world.flow.policy.customers = customers.map(|policy| serde_json::from_value(policy).unwrap());
    let theirs = json!({"name": "Customer 1", "number": "other", "status": "active"});
    world.put("customer", "x", theirs);
    world.sync().await;
    assert_eq!(world.decision(1).await.1, "customer-name-clash");
    world
}

/// The same, after a person gave the name that was proposed.
async fn named(customers: Option<Value>) -> World {
    let world = taken(customers).await;
    let shown = world.item("opp1").await.shown;
    assert_eq!(shown.alike, [RecordId::from("x")].into());
    let proposed = shown.name.unwrap().proposed.unwrap();
    assert_eq!(proposed.as_str(), LEEDS);
    let kept = world
        .answer("opp1", Choice::CreateAs { name: proposed })
        .await;
    let Answered::Kept(follows) = kept else {
        panic!("{kept:?}");
    };
    for said in [
        "is not billed",
        &format!("the customer is created there as \"{LEEDS}\""),
    ] {
        assert!(
            follows.iter().any(|text| text.contains(said)),
            "{follows:?}"
        );
    }
    world
}

/// Names of the ledger's customers, with how many invoices each has.
fn books(world: &World) -> Vec<(String, usize)> {
    let far = world.far.lock().unwrap();
    let invoices = far.rows("invoice");
    let mut all: Vec<(String, usize)> = far
        .rows("customer")
        .iter()
        .map(|(id, row)| {
            let own = |doc: &Value| doc["customer"].as_str() == Some(id.as_ref());
            let count = invoices.iter().filter(|(_, row)| own(&row.doc)).count();
            (row.doc["name"].as_str().unwrap().to_owned(), count)
        })
        .collect();
    all.sort();
    all
}

/// The id of the one that was made.
fn made(world: &World) -> String {
    let far = world.far.lock().unwrap();
    let customers = far.rows("customer");
    let its = customers.iter().find(|(_, row)| row.doc["name"] == LEEDS);
    its.unwrap().0.to_string()
}

fn expected(billed: usize) -> Vec<(String, usize)> {
    vec![("Customer 1".to_owned(), 0), (LEEDS.to_owned(), billed)]
}

#[tokio::test]
async fn it_is_made_once_for_all_its_deals_and_the_crm_keeps_its_name() {
    let world = named(None).await;
    world.deal(2, 1, 200);
    world.sync().await;
    assert_eq!(books(&world), expected(2));
    assert_eq!(world.decision(1).await.0, Standing::Applied);
    world.deal(3, 1, 300);
    world.sync().await;
    world.sync().await;
    assert_eq!(books(&world), expected(3));
    assert_eq!(world.doc("Account", "acc1")["Name"], json!("Customer 1"));
    assert_eq!(world.doc("customer", "x")["number"], json!("other"));
    let told = world.engine().await.history("acc1").await.unwrap().unwrap();
    assert!(
        told.iter()
            .any(|entry| entry.why.contains("ann decided on")),
        "{told:?}"
    );
    quiet(&world).await;
}

#[tokio::test]
async fn the_name_is_not_kept_where_the_deal_is_erased() {
    let world = named(None).await;
    let subject = world.item("opp1").await.subject;
    for (done, kept) in [(false, 1), (true, 0)] {
        if done {
            world.sync().await;
        }
        let engine = world.engine().await;
        engine.erase("opp1", Mode::Do).await.unwrap();
        assert_eq!(
            engine.rulings(&subject).await.unwrap().len(),
            kept,
            "{done}"
        );
    }
    world.sync().await;
    assert_eq!(books(&world), expected(1));
}

#[tokio::test]
async fn what_is_offered_is_what_helps() {
    let world = taken(None).await;
    let clash = world.item("opp1").await;
    let engine = world.engine().await;
    assert!(engine.remedies(&clash).contains(&Remedy::CreateAs));
    drop(engine);
    // Its only name, and one that somebody else has.
    let theirs = json!({"name": "customer 1 (york)", "number": "", "status": "archived"});
    world.put("customer", "y", theirs);
    world.plan().await;
    for (name, said) in [
        ("Customer 1", "a customer called like that already (x)"),
        (
            "Customer 1 (York)",
            "a customer called like that already (y)",
        ),
    ] {
        let refused = world.answer("opp1", called(name)).await;
        let Answered::Refused(Refusal::StillWaits { message }) = refused else {
            panic!("{name}: {refused:?}");
        };
        assert!(message.contains(said), "{message}");
    }
    assert!(
        world
            .engine()
            .await
            .rulings(&clash.subject)
            .await
            .unwrap()
            .is_empty()
    );
    world.sync().await;
    assert_eq!((world.count("customer"), world.count("invoice")), (2, 0));
}

#[tokio::test]
async fn it_counts_for_what_was_shown_and_can_be_taken_back() {
    // Somebody else of that name comes before the next sync.
    let world = named(None).await;
    world.put(
        "customer",
        "z",
        json!({"name": "Customer 1", "number": "", "status": "active"}),
    );
    world.sync().await;
    let (standing, reason, message) = world.decision(1).await;
    assert_eq!(
        (standing, reason.as_str()),
        (Standing::Waiting, "customer-name-clash")
    );
    assert!(message.ends_with("so decide again."), "{message}");
    assert_eq!(world.count("invoice"), 0);
    let kept = world.answer("opp1", called("Customer 1 (York)")).await;
    assert!(matches!(kept, Answered::Kept(_)), "{kept:?}");
    // Not after all.
    assert!(world.engine().await.look_again("opp1").await.unwrap());
    world.sync().await;
    assert_eq!(world.decision(1).await.1, "customer-name-clash");
    // The account is called otherwise by now: the name was about the other one.
    let world = named(None).await;
    world.set("Account", "acc1", "Name", json!("Zenith"));
    world.sync().await;
    let names: Vec<String> = books(&world).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Customer 1", "Zenith"]);
}

#[tokio::test]
async fn where_customers_are_followed_the_difference_stays_and_a_new_name_goes_over() {
    for policy in [
        json!({}),
        back(),
        json!({"back": {"name": "Name"}, "fields": {"name": {"owner": "ledger"}}}),
        json!({"back": {"name": "Name"}, "fields": {"name": {"owner": "newest"}}}),
        json!({"back": {"name": "Name"}, "fields": {"name": {"owner": "ask"}}}),
    ] {
        let world = named(Some(policy.clone())).await;
        world.sync().await;
        world.sync().await;
        assert_eq!(books(&world), expected(1), "{policy}");
        quiet(&world).await;
        // Something else changes, on either side.
        world.set("Account", "acc1", "Phone", json!("0113 496 0001"));
        world.sync().await;
        world.set("customer", &made(&world), "persons", json!([]));
        world.sync().await;
        world.sync().await;
        assert_eq!(books(&world), expected(1), "{policy}");
        assert_eq!(
            world.doc("Account", "acc1")["Name"],
            json!("Customer 1"),
            "{policy}"
        );
        assert_eq!(item(&world).await, None, "{policy}");
        quiet(&world).await;
        // A real new name goes where the rules let it go.
        world.set("Account", "acc1", "Name", json!("Customer One"));
        let owner = policy["fields"]["name"]["owner"].as_str();
        let name = json!({"name": "Customer One"});
        match owner {
            Some("ledger") => {
                assert_eq!(sent(&world).await, []);
                assert_eq!(item(&world).await.unwrap().1, "customer-change-not-owned");
            }
            _ => {
                assert_eq!(
                    sent(&world).await,
                    [("customer".to_owned(), name)],
                    "{policy}"
                );
                assert_eq!(item(&world).await, None, "{policy}");
            }
        }
        quiet(&world).await;
        quiet(&world).await;
    }
}

#[tokio::test]
async fn a_rename_to_the_name_that_is_taken_waits_and_offers_no_other() {
    let world = named(Some(json!({}))).await;
    world.sync().await;
    world.set("Account", "acc1", "Name", json!("Customer One"));
    world.sync().await;
    world.sync().await;
    world.set("Account", "acc1", "Name", json!("Customer 1"));
    assert_eq!(sent(&world).await, []);
    let held = world.item("acc1").await;
    assert_eq!(held.reason, "customer-name-clash");
    let engine = world.engine().await;
    assert_eq!(engine.remedies(&held), [Remedy::Retry, Remedy::Ignore]);
    drop(engine);
    let refused = world.answer("acc1", called("Customer 1 (Leeds)")).await;
    assert!(
        matches!(refused, Answered::Refused(Refusal::NotTaken { .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn who_is_followed_only_later_differs_and_that_is_noted_once() {
    for policy in [json!({}), back()] {
        let mut world = named(None).await;
        world.sync().await;
        world.flow.policy.customers = serde_json::from_value(policy.clone()).unwrap();
        world.set("Account", "acc1", "Phone", json!("0113 496 0001"));
        world.sync().await;
        world.sync().await;
        let noted = item(&world)
            .await
            .map(|(standing, reason, _)| (standing, reason));
        let want = (Standing::Skipped, "customer-differs".to_owned());
        assert_eq!(noted, Some(want), "{policy}");
        assert_eq!(books(&world), expected(1), "{policy}");
        assert_eq!(world.doc("Account", "acc1")["Name"], json!("Customer 1"));
        quiet(&world).await;
        world.set("Account", "acc1", "Name", json!("Customer One"));
        let name = json!({"name": "Customer One"});
        let sent = sent(&world).await;
        assert!(
            sent.contains(&("customer".to_owned(), name)),
            "{policy}: {sent:?}"
        );
        quiet(&world).await;
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_makes_no_second_one_and_leaves_no_difference() {
    for fault in [
        Fault::LostAfter,
        Fault::LostBefore,
        Fault::CommitsAfter(100),
    ] {
        let world = named(Some(back())).await;
        world.fault("customer", fault.clone());
        world.sync().await;
        world.a_person_goes_on().await;
        world.assert_settled(1, &format!("{fault:?}")).await;
        assert_eq!(books(&world), expected(1), "{fault:?}");
        world.set("Account", "acc1", "Phone", json!("0113 496 0001"));
        world.sync().await;
        world.sync().await;
        assert_eq!(books(&world), expected(1), "{fault:?}");
        assert_eq!(item(&world).await, None, "{fault:?}");
        quiet(&world).await;
    }
}

#[tokio::test]
async fn dead_at_every_point_it_is_made_once() {
    let mut points = 0;
    loop {
        points += 1;
        let world = named(Some(back())).await;
        world.deal(2, 1, 200);
        if world.sync_until(points).await {
            break;
        }
        world.a_person_goes_on().await;
        let what = format!("dead at point {points}");
        world.assert_settled(2, &what).await;
        assert_eq!(books(&world), expected(2), "{what}");
        assert_eq!(world.doc("Account", "acc1")["Name"], json!("Customer 1"));
    }
    assert!(points > 20, "only {points} points");
}
