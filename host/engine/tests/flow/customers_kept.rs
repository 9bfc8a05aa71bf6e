//! Changes of customers that must not get lost: behind a refusal, a note, somebody's edit meanwhile, or while it was switched off.

use crate::customers::{back, billed, item, quiet, rule, sent, with};
use footbridge_engine::Standing;
use footbridge_model::ruling::Choice;
use serde_json::{Value, json};

/// The e-mail waits for a yes while the ledger refuses the phone: neither hides the other, and the yes goes through.
#[tokio::test]
async fn a_refusal_takes_no_question_away() {
    let world = billed(back()).await;
    let refuse = ("0113 666".to_owned(), "rejected");
    world.far.lock().unwrap().refuse.push(refuse);
    world.set("customer", "customer-1", "email", json!("ap@new.example"));
    world.set("Account", "acc1", "Phone", json!("0113 666"));
    let phone = json!({"phones": [{"kind": "main", "number": "0113 666"}]});
    let phone = [("customer".to_owned(), phone)];
    assert_eq!(sent(&world).await, phone);
    for _ in 0..2 {
        let (standing, reason, message) = item(&world).await.unwrap();
        assert_eq!(
            (standing, reason.as_str()),
            (Standing::Waiting, "customer-change-needs-approval")
        );
        assert!(message.contains("ap@new.example"), "{message}");
        assert!(message.contains("the far side says no"), "{message}");
        quiet(&world).await;
    }
    world.pass(60);
    rule(&world, "customer-change-needs-approval", Choice::GoAhead).await;
    let email = ("Account".to_owned(), json!({"Email": "ap@new.example"}));
    assert_eq!(sent(&world).await, [email]);
    world.sync().await;
    assert_eq!(item(&world).await.unwrap().1, "rejected");
    quiet(&world).await;
    // The next day it may be taken.
    world.far.lock().unwrap().refuse.clear();
    world.pass(24 * 3600);
    assert_eq!(sent(&world).await, phone);
    quiet(&world).await;
    assert_eq!(item(&world).await, None);
}

/// What is only noted of a customer doesn't take the place of a refusal, in any run of the day.
#[tokio::test]
async fn a_note_takes_no_refusal_away() {
    let world = billed(back()).await;
    let refuse = ("Nasty".to_owned(), "rejected");
    world.far.lock().unwrap().refuse.push(refuse);
    world.set("Account", "acc1", "Name", json!("Nasty"));
    world.set("Account", "acc1", "Email", json!("thief@evil.example"));
    assert_eq!(sent(&world).await.len(), 1);
    for _ in 0..3 {
        let (standing, reason, message) = item(&world).await.unwrap();
        assert_eq!((standing, reason.as_str()), (Standing::Refused, "rejected"));
        assert!(message.contains("the far side says no"), "{message}");
        quiet(&world).await;
    }
}

/// Somebody edits the contact between our reading and our sending, and no list of changes tells of it yet.
#[tokio::test]
async fn what_a_person_changed_in_the_ledger_meanwhile_is_not_written_over() {
    for owner in ["ask", "newest"] {
        let mut policy = back();
        policy["fields"] = json!({"phones.main": {"owner": owner}});
        let world = billed(policy).await;
        world.set("Account", "acc1", "Phone", json!("0113 1"));
        let mut doc = world.doc("customer", "customer-1");
        doc["phones"][0]["number"] = json!("0113 2");
        (world.far.lock().unwrap()).set_quietly("customer", "customer-1", doc);
        assert_eq!(sent(&world).await, [], "{owner}");
        let (_, reason, message) = item(&world).await.unwrap();
        assert_eq!(reason, "customer-conflict", "{owner}");
        assert!(message.contains("0113 2"), "{message}");
        quiet(&world).await;
    }
}

/// A contact that isn't shown any more is not written.
#[tokio::test]
async fn a_contact_that_cant_be_read_again_is_left_alone() {
    let world = billed(json!({})).await;
    world.set("Account", "acc1", "Name", json!("Customer One"));
    let hidden = {
        let mut far = world.far.lock().unwrap();
        far.tables.get_mut("customer").unwrap().remove("customer-1")
    };
    assert_eq!(sent(&world).await, []);
    assert_eq!(item(&world).await.unwrap().1, "customer-not-visible");
    let row = hidden.unwrap();
    let shown = |far: &mut crate::far::Far| {
        let contacts = far.tables.get_mut("customer").unwrap();
        contacts.insert("customer-1".to_owned(), row.clone());
    };
    shown(&mut world.far.lock().unwrap());
    assert_eq!(sent(&world).await.len(), 1);
    quiet(&world).await;
    assert_eq!(item(&world).await, None);
}

/// Many contacts are read again in one call, and only those that would be written.
#[tokio::test]
async fn contacts_are_read_again_together() {
    let world = with(5, json!({}));
    world.sync().await;
    world.sync().await;
    quiet(&world).await;
    for n in 1..=4 {
        world.set(
            "Account",
            &format!("acc{n}"),
            "Name",
            json!(format!("Renamed {n}")),
        );
    }
    let before = world.far.lock().unwrap().looks;
    assert_eq!(sent(&world).await.len(), 4);
    assert_eq!(world.far.lock().unwrap().looks - before, 1);
}

/// What reads both sides while it is off.
enum Run {
    Sync,
    Plan,
}

/// What changed while it was off is carried over like any other change.
#[tokio::test]
async fn switched_off_and_on_again_it_misses_nothing() {
    let mut world = billed(back()).await;
    for (name, run) in [("Customer One", Run::Sync), ("Customer Two", Run::Plan)] {
        let policy = world.flow.policy.customers.take();
        world.set("Account", "acc1", "Name", json!(name));
        match run {
            Run::Sync => assert_eq!(sent(&world).await, []),
            Run::Plan => assert_eq!(world.plan().await.plan.ops, []),
        }
        world.flow.policy.customers = policy;
        let renamed = ("customer".to_owned(), json!({"name": name}));
        assert_eq!(sent(&world).await, [renamed], "{name}");
        quiet(&world).await;
    }
}

/// An object that is followed later is looked at once when it is added, not only after its next edit.
#[tokio::test]
async fn an_object_that_is_added_later_is_looked_at_once() {
    let mut world = with(2, Value::Null);
    world.sync().await;
    world.flow.policy.customers = serde_json::from_value(back()).unwrap();
    world.flow.customer_objects.clear();
    world.sync().await;
    world.flow.customer_objects.push("Account".to_owned());
    assert_eq!(sent(&world).await, []);
    world.set("Account", "acc2", "Name", json!("Customer Two"));
    let renamed = ("customer".to_owned(), json!({"name": "Customer Two"}));
    assert_eq!(sent(&world).await, [renamed]);
    quiet(&world).await;
}

/// Somebody edits the account between our reading and our sending, and no list of changes tells of it yet.
#[tokio::test]
async fn what_a_person_changed_in_the_crm_meanwhile_is_not_written_over() {
    for owner in ["ask", "newest"] {
        let mut policy = back();
        policy["fields"] = json!({"phones.main": {"owner": owner}});
        let world = billed(policy).await;
        world.set(
            "customer",
            "customer-1",
            "phones",
            json!([{"kind": "main", "number": "0113 2"}]),
        );
        let mut doc = world.doc("Account", "acc1");
        doc["Phone"] = json!("0113 1");
        (world.far.lock().unwrap()).set_quietly("Account", "acc1", doc);
        assert_eq!(sent(&world).await, [], "{owner}");
        let (_, reason, message) = item(&world).await.unwrap();
        assert_eq!(reason, "customer-conflict", "{owner}");
        assert!(message.contains("0113 1"), "{message}");
        assert_eq!(world.doc("Account", "acc1")["Phone"], "0113 1");
        quiet(&world).await;
    }
}

/// An edit of another field changes nothing about what goes over.
#[tokio::test]
async fn an_edit_of_something_else_meanwhile_holds_nothing_up() {
    let mut policy = back();
    policy["fields"] = json!({"phones.main": {"owner": "ask"}});
    let world = billed(policy).await;
    let phones = json!([{"kind": "main", "number": "0113 2"}]);
    world.set("customer", "customer-1", "phones", phones);
    let mut doc = world.doc("Account", "acc1");
    doc["City"] = json!("York");
    (world.far.lock().unwrap()).set_quietly("Account", "acc1", doc);
    world.sync().await;
    world.sync().await;
    let account = world.doc("Account", "acc1");
    assert_eq!(
        (&account["Phone"], &account["City"]),
        (&json!("0113 2"), &json!("York"))
    );
    let city = world.doc("customer", "customer-1")["addresses"][0]["city"].clone();
    assert_eq!(city, "York");
    quiet(&world).await;
    assert_eq!(item(&world).await, None);
}

/// An account that isn't shown any more is not written.
#[tokio::test]
async fn an_account_that_cant_be_read_again_is_left_alone() {
    let mut policy = back();
    policy["fields"] = json!({"phones.main": {"owner": "ledger"}});
    let world = billed(policy).await;
    let phones = json!([{"kind": "main", "number": "0113 2"}]);
    world.set("customer", "customer-1", "phones", phones);
    let row = {
        let mut far = world.far.lock().unwrap();
        let row = far.tables.get_mut("Account").unwrap().remove("acc1");
        row.unwrap()
    };
    for _ in 0..2 {
        assert_eq!(sent(&world).await, []);
        assert_eq!(item(&world).await.unwrap().1, "customer-not-visible");
    }
    let shown = |far: &mut crate::far::Far| {
        let accounts = far.tables.get_mut("Account").unwrap();
        accounts.insert("acc1".to_owned(), row.clone());
    };
    shown(&mut world.far.lock().unwrap());
    assert_eq!(sent(&world).await.len(), 1);
    quiet(&world).await;
    assert_eq!(item(&world).await, None);
}
