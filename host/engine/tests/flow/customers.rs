//! Linked customers change on either side: what goes over, what waits, what stays, and that it comes to rest.

use crate::far::Fault;
use crate::world::{Numbers, World};
use footbridge_engine::{Answered, Refusal, Standing};
use footbridge_model::id::{ConnectionId, ObjectName, OrganisationId, RecordId, RecordKey};
use footbridge_model::plugin::Presence;
use footbridge_model::ruling::{Choice, Ruling};
use footbridge_model::shown::Shown;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// One customer, invoiced, with all that both sides hold of it, and rules for its fields.
pub(crate) async fn billed(policy: Value) -> World {
    let world = with(1, policy);
    world.sync().await;
    world.sync().await;
    assert_eq!(world.doc("customer", "customer-1")["name"], "Customer 1");
    quiet(&world).await;
    world
}

pub(crate) fn with(customers: usize, policy: Value) -> World {
    let mut world = World::with_deals(Numbers::Ledger, customers);
    world.flow.policy.customers = serde_json::from_value(policy).unwrap();
    for n in 1..=customers {
        let doc = json!({
            "Name": format!("Customer {n}"), "Email": format!("ap{n}@old.example"), "Phone": "0113 496 0000",
            "City": "Leeds", "Country": "GB", "TaxNumber": "GB123",
        });
        world.put("Account", &format!("acc{n}"), doc);
    }
    world
}

pub(crate) fn back() -> Value {
    json!({"back": {"email": "Email", "phones.main": "Phone", "name": "Name"}})
}

/// A sync that writes nothing and asks nobody.
pub(crate) async fn quiet(world: &World) {
    let done = || {
        let far = world.far.lock().unwrap();
        (far.sends.len(), far.looks)
    };
    let before = done();
    let report = world.sync().await;
    let after = done();
    assert_eq!(before, after, "{report:?}");
    assert_eq!(world.claims().await, 0);
}

pub(crate) async fn sent(world: &World) -> Vec<(String, Value)> {
    let before = world.far.lock().unwrap().sends.len();
    world.sync().await;
    let far = world.far.lock().unwrap();
    let new = far.sends[before..].iter().flat_map(|sent| {
        let ops: Vec<Value> = serde_json::from_slice(&sent.body).unwrap();
        ops.into_iter().map(|op| {
            let doc = serde_json::from_str(op["doc"].as_str().unwrap()).unwrap();
            (op["object"].as_str().unwrap().to_owned(), doc)
        })
    });
    new.collect()
}

pub(crate) async fn item(world: &World) -> Option<(Standing, String, String)> {
    let decisions = world.decisions().await;
    let mut its = decisions
        .into_iter()
        .filter(|decision| decision.subject.record.object.as_str() == "Account");
    its.next().map(|d| (d.standing, d.reason, d.message))
}

pub(crate) async fn rule(world: &World, reason: &str, choice: Choice) {
    let ruling = {
        let far = world.far.lock().unwrap();
        Ruling {
            record: RecordKey {
                connection: ConnectionId::new("crm"),
                organisation: OrganisationId::new("crm-1"),
                object: ObjectName::new("Account"),
                id: RecordId::new("acc1"),
            },
            part: 1,
            reason: reason.to_owned(),
            choice,
            seen: far.tables["Account"]["acc1"].version.to_string(),
            shown: Shown::default(),
            by: "jo".to_owned(),
            at: far.now,
        }
    };
    world.engine().await.rule(ruling).await.unwrap();
}

#[tokio::test]
async fn what_the_crm_owns_goes_to_the_ledger_once() {
    let world = billed(json!({})).await;
    world.set(
        "customer",
        "customer-1",
        "phones",
        json!([
            {"kind": "main", "number": "0113 496 0000"}, {"kind": "fax", "number": "0113 496 0009"},
        ]),
    );
    world.set("Account", "acc1", "Name", json!("Customer One Ltd"));
    world.set("Account", "acc1", "City", json!("York"));
    world.set("Account", "acc1", "Phone", json!("0113 496 0001"));
    let expected = json!({
        "name": "Customer One Ltd",
        "addresses": [{"kind": "billing", "city": "York", "country": "GB"}],
        "phones": [{"kind": "main", "number": "0113 496 0001"}],
    });
    assert_eq!(sent(&world).await, [("customer".to_owned(), expected)]);
    let there = world.doc("customer", "customer-1");
    assert_eq!(there["name"], "Customer One Ltd");
    assert_eq!(there["phones"].as_array().unwrap().len(), 2, "others stay");
    assert_eq!(there["email"], "ap1@old.example");
    quiet(&world).await;
    quiet(&world).await;
    assert_eq!(item(&world).await, None);
}

#[tokio::test]
async fn without_a_word_of_the_operator_nothing_of_a_customer_changes() {
    let mut world = billed(back()).await;
    world.flow.policy.customers = None;
    world.set("Account", "acc1", "Name", json!("Customer One Ltd"));
    world.set("customer", "customer-1", "email", json!("new@x.example"));
    assert_eq!(sent(&world).await, []);
    assert_eq!(world.doc("customer", "customer-1")["name"], "Customer 1");
}

#[tokio::test]
async fn spelling_is_no_change() {
    let world = billed(back()).await;
    world.set("Account", "acc1", "Country", json!("United Kingdom"));
    world.set("Account", "acc1", "Phone", json!("+44 113 496 0000"));
    world.set("customer", "customer-1", "name", json!("Customer 1 "));
    world.set("customer", "customer-1", "email", json!("AP1@old.example"));
    assert_eq!(sent(&world).await, []);
    assert_eq!(item(&world).await, None);
}

#[tokio::test]
async fn a_new_invoice_email_waits_for_a_yes() {
    let world = billed(back()).await;
    world.set("customer", "customer-1", "email", json!("ap@new.example"));
    assert_eq!(sent(&world).await, []);
    let (standing, reason, message) = item(&world).await.unwrap();
    assert_eq!(
        (standing, reason.as_str()),
        (Standing::Waiting, "customer-change-needs-approval")
    );
    assert_eq!(
        message,
        "Customer \"Customer 1\": the invoice e-mail (\"ap1@old.example\" in crm, \"ap@new.example\" in ledger, last agreed \"ap1@old.example\") was changed in ledger. \
         A changed invoice e-mail or tax number may be fraud: ask the customer by a way you know, then say go ahead, or choose a side. Nothing was written to crm."
    );
    // A yes to this one is no yes to the next one.
    world.pass(60);
    rule(&world, "customer-change-needs-approval", Choice::GoAhead).await;
    world.set(
        "customer",
        "customer-1",
        "email",
        json!("thief@evil.example"),
    );
    world.pass(60);
    assert_eq!(sent(&world).await, []);
    world.pass(60);
    rule(&world, "customer-change-needs-approval", Choice::GoAhead).await;
    let expected = json!({"Email": "thief@evil.example"});
    assert_eq!(sent(&world).await, [("Account".to_owned(), expected)]);
    quiet(&world).await;
    assert_eq!(item(&world).await, None);
}

#[tokio::test]
async fn the_crm_cant_redirect_invoices() {
    let world = billed(back()).await;
    world.set("Account", "acc1", "Email", json!("thief@evil.example"));
    assert_eq!(sent(&world).await, []);
    let (standing, reason, _) = item(&world).await.unwrap();
    assert_eq!(
        (standing, reason.as_str()),
        (Standing::Skipped, "customer-change-not-owned")
    );
    quiet(&world).await;
    rule(
        &world,
        "customer-change-not-owned",
        Choice::TakeLedger {
            field: Some("email".to_owned()),
        },
    )
    .await;
    let expected = json!({"Email": "ap1@old.example"});
    assert_eq!(sent(&world).await, [("Account".to_owned(), expected)]);
    quiet(&world).await;
    assert_eq!(item(&world).await, None);
}

/// Emptied in the CRM, which isn't carried over: a person names the field, and the item is done. Where the CRM has a place for it, it
/// holds the ledger's again.
#[tokio::test]
async fn an_emptied_field_is_somebodys_to_settle() {
    let phone = || Some("phones.main".to_owned());
    for (policy, crm) in [(back(), json!("0113 496 0000")), (json!({}), json!(null))] {
        let world = billed(policy).await;
        world.set("Account", "acc1", "Phone", json!(null));
        assert_eq!(sent(&world).await, []);
        world.pass(1);
        let answer = async |field: Option<String>| {
            let all = world.decisions().await.into_iter();
            let mut its = all.filter(|d| d.subject.record.object.as_str() == "Account");
            let item = its.next().unwrap();
            assert_eq!(item.reason, "customer-change-not-cleared");
            let choice = Choice::TakeLedger { field };
            let engine = world.engine().await;
            engine.answer(&item, choice, "jo").await.unwrap()
        };
        let Answered::Refused(refusal) = answer(None).await else {
            panic!("all fields of it");
        };
        assert!(matches!(refusal, Refusal::NameTheField { .. }), "{refusal}");
        let Answered::Refused(refusal) = answer(Some("email".to_owned())).await else {
            panic!("another field");
        };
        assert!(
            matches!(refusal, Refusal::ChangesNothing { .. }),
            "{refusal}"
        );
        let kept = answer(phone()).await;
        assert!(matches!(kept, Answered::Kept(_)), "{kept:?}");
        world.sync().await;
        quiet(&world).await;
        assert_eq!(world.doc("Account", "acc1")["Phone"], crm);
        let there = &world.doc("customer", "customer-1")["phones"][0]["number"];
        assert_eq!(*there, json!("0113 496 0000"));
        let left = item(&world).await.map(|(_, reason, _)| reason);
        assert!(left.is_none_or(|reason| reason == "ignored"));
    }
}

#[tokio::test]
async fn a_change_of_both_sides_is_somebodys_to_settle() {
    for (choice, ledger, crm) in [
        (Choice::TakeSource { field: None }, "0113 1", "0113 1"),
        (
            Choice::TakeLedger {
                field: Some("phones.main".to_owned()),
            },
            "0113 2",
            "0113 2",
        ),
        (Choice::IgnoreOnce, "0113 2", "0113 1"),
        (Choice::IgnoreAlways, "0113 2", "0113 1"),
    ] {
        let mut policy = back();
        policy["fields"] = json!({"phones.main": {"owner": "ask"}});
        let world = billed(policy).await;
        world.set("Account", "acc1", "Phone", json!("0113 1"));
        world.set(
            "customer",
            "customer-1",
            "phones",
            json!([{"kind": "main", "number": "0113 2"}]),
        );
        assert_eq!(sent(&world).await, []);
        let (standing, reason, message) = item(&world).await.unwrap();
        assert_eq!(
            (standing, reason.as_str()),
            (Standing::Waiting, "customer-conflict")
        );
        assert!(
            message
                .contains("\"0113 1\" in crm, \"0113 2\" in ledger, last agreed \"0113 496 0000\""),
            "{message}"
        );
        quiet(&world).await;
        world.pass(1);
        rule(&world, "customer-conflict", choice.clone()).await;
        world.sync().await;
        assert_eq!(
            world.doc("customer", "customer-1")["phones"][0]["number"],
            json!(ledger),
            "{choice:?}"
        );
        assert_eq!(
            world.doc("Account", "acc1")["Phone"],
            json!(crm),
            "{choice:?}"
        );
        quiet(&world).await;
        let left = item(&world).await;
        assert!(
            left.is_none_or(|(standing, _, _)| standing == Standing::Skipped),
            "{choice:?}"
        );
    }
}

#[tokio::test]
async fn a_trigger_that_writes_something_else_is_named_after_three_times() {
    let mut policy = back();
    policy["fields"] = json!({"phones.main": {"owner": "ledger"}});
    let world = billed(policy).await;
    world.far.lock().unwrap().trigger = Some(("Phone", json!("call the branch")));
    world.set(
        "customer",
        "customer-1",
        "phones",
        json!([{"kind": "main", "number": "0113 496 0002"}]),
    );
    for _ in 0..3 {
        assert_eq!(sent(&world).await.len(), 1);
        world.pass(60);
    }
    assert_eq!(sent(&world).await, []);
    let (standing, reason, message) = item(&world).await.unwrap();
    assert_eq!(
        (standing, reason.as_str()),
        (Standing::Waiting, "rewritten-over-there")
    );
    assert!(
        message.contains("something there rewrites this"),
        "{message}"
    );
    // A person lets it be tried: once.
    assert!(world.engine().await.look_again("acc1").await.unwrap());
    assert_eq!(sent(&world).await.len(), 1);
    world.pass(60);
    quiet(&world).await;
    assert_eq!(item(&world).await.unwrap().1, "rewritten-over-there");
    world.pass(3 * 24 * 3600);
    quiet(&world).await;
    rule(&world, "rewritten-over-there", Choice::IgnoreOnce).await;
    quiet(&world).await;
}

#[tokio::test]
async fn a_trigger_that_only_shouts_is_an_echo() {
    let mut policy = back();
    policy["fields"] = json!({"name": {"owner": "ledger"}});
    let world = billed(policy).await;
    world.far.lock().unwrap().trigger = Some(("Name", json!("CUSTOMER  ONE")));
    world.set("customer", "customer-1", "name", json!("Customer One"));
    assert_eq!(sent(&world).await.len(), 1);
    quiet(&world).await;
    quiet(&world).await;
    assert_eq!(world.doc("customer", "customer-1")["name"], "Customer One");
    assert_eq!(item(&world).await, None);
}

#[tokio::test]
async fn nobody_is_renamed_to_make_room() {
    let world = billed(json!({})).await;
    world.put(
        "customer",
        "other",
        json!({"name": "TAKEN LTD", "status": "active"}),
    );
    world.set("Account", "acc1", "Name", json!("Taken Ltd"));
    assert_eq!(sent(&world).await, []);
    let (_, reason, message) = item(&world).await.unwrap();
    assert_eq!(reason, "customer-name-clash");
    assert!(message.contains("(other)"), "{message}");
    world.set("customer", "other", "name", json!("Somebody else"));
    assert_eq!(
        sent(&world).await,
        [("customer".to_owned(), json!({"name": "Taken Ltd"}))]
    );
    quiet(&world).await;
    assert_eq!(item(&world).await, None);
}

#[tokio::test]
async fn an_adopted_customer_is_left_as_it_was_found() {
    let world = with(1, back());
    world.put("customer", "found", json!({"name": "customer 1", "status": "active", "email": "their@own.example", "phones": []}));
    let report = world.sync().await;
    assert_eq!(report.adopted, 1);
    assert_eq!(sent(&world).await, []);
    let (standing, reason, _) = item(&world).await.unwrap();
    assert_eq!(
        (standing, reason.as_str()),
        (Standing::Skipped, "customer-differs")
    );
    assert_eq!(world.doc("customer", "found")["email"], "their@own.example");
    quiet(&world).await;
    world.set("Account", "acc1", "Phone", json!("0113 496 0007"));
    let expected = json!({"phones": [{"kind": "main", "number": "0113 496 0007"}]});
    assert_eq!(sent(&world).await, [("customer".to_owned(), expected)]);
}

#[tokio::test]
async fn the_link_follows_a_merge_in_the_ledger_and_waits_at_an_archive() {
    let world = billed(json!({})).await;
    world.put(
        "customer",
        "kept",
        json!({"name": "Survivor", "status": "active", "phones": []}),
    );
    world
        .far
        .lock()
        .unwrap()
        .merge("customer", "customer-1", "kept");
    world.sync().await;
    world.sync().await;
    assert_eq!(
        world.doc("customer", "kept")["name"],
        "Survivor",
        "nothing is overwritten"
    );
    world.deal(2, 1, 700);
    world.set("Account", "acc1", "Name", json!("Customer One"));
    world.sync().await;
    assert_eq!(world.doc("customer", "kept")["name"], "Customer One");
    let billed: Vec<Value> = {
        let far = world.far.lock().unwrap();
        far.rows("invoice")
            .iter()
            .map(|(_, row)| row.doc["customer"].clone())
            .collect()
    };
    assert_eq!(billed, [json!("customer-1"), json!("kept")]);
    quiet(&world).await;

    let doc = world.doc("customer", "kept");
    world.put("customer", "kept", doc);
    world
        .far
        .lock()
        .unwrap()
        .tables
        .get_mut("customer")
        .unwrap()
        .get_mut("kept")
        .unwrap()
        .presence = Presence::Archived;
    world.set("Account", "acc1", "Name", json!("Customer Two"));
    assert_eq!(sent(&world).await, []);
    assert_eq!(item(&world).await.unwrap().1, "customer-gone");
    quiet(&world).await;
}

#[tokio::test]
async fn accounts_that_were_merged_share_no_contact_unless_there_is_only_one() {
    let world = with(2, json!({}));
    world.sync().await;
    world.sync().await;
    world.put("Account", "acc3", json!({"Name": "The third"}));
    world.far.lock().unwrap().merge("Account", "acc1", "acc3");
    world.far.lock().unwrap().merge("Account", "acc2", "acc3");
    world.sync().await;
    world.sync().await;
    let (_, reason, message) = item(&world).await.unwrap();
    assert_eq!(reason, "customer-merged");
    assert!(
        message.contains("Merge those in the ledger as well"),
        "{message}"
    );
    world.deal(3, 3, 900);
    world.sync().await;
    let invoices = world.far.lock().unwrap().tables["invoice"].clone();
    assert_eq!(
        invoices["invoice-3"].doc["customer"], "customer-1",
        "the first one moved over"
    );
    // The bookkeeper merges them too.
    world
        .far
        .lock()
        .unwrap()
        .merge("customer", "customer-2", "customer-1");
    world.sync().await;
    world.sync().await;
    assert_eq!(
        item(&world)
            .await
            .filter(|(standing, _, _)| *standing == Standing::Waiting),
        None
    );
    quiet(&world).await;
}

#[tokio::test]
async fn a_deleted_account_changes_nothing_in_the_ledger() {
    let world = billed(json!({})).await;
    let before = world.doc("customer", "customer-1");
    world.far.lock().unwrap().delete("Account", "acc1");
    assert_eq!(sent(&world).await, []);
    assert_eq!(world.doc("customer", "customer-1"), before);
    assert_eq!(item(&world).await.unwrap().1, "customer-gone");
    quiet(&world).await;
}

#[tokio::test]
async fn whatever_becomes_of_an_answer_it_comes_to_one_value_and_rest() {
    for object in ["customer", "Account"] {
        for fault in [
            Fault::LostBefore,
            Fault::LostAfter,
            Fault::CommitsAfter(20),
            Fault::ErrorBefore(500),
            Fault::ErrorAfter(500),
            Fault::CachedError,
            Fault::Nonsense,
            Fault::BrokenRecord,
            Fault::RateLimited(3),
            Fault::Unauthorised,
            Fault::NeverLeft(None),
        ] {
            let mut policy = back();
            policy["fields"] = json!({"phones.main": {"owner": "newest"}});
            let world = billed(policy).await;
            if object == "customer" {
                world.set("Account", "acc1", "Phone", json!("0113 496 0003"));
            } else {
                world.set(
                    "customer",
                    "customer-1",
                    "phones",
                    json!([{"kind": "main", "number": "0113 496 0003"}]),
                );
            }
            world.fault(object, fault.clone());
            world.sync().await;
            world.a_person_goes_on().await;
            for (found, what) in [
                (
                    world.doc("customer", "customer-1")["phones"][0]["number"].clone(),
                    "ledger",
                ),
                (world.doc("Account", "acc1")["Phone"].clone(), "crm"),
            ] {
                assert_eq!(found, json!("0113 496 0003"), "{object} {fault:?} {what}");
            }
            assert_eq!(item(&world).await, None, "{object} {fault:?}");
            quiet(&world).await;
        }
    }
}

#[tokio::test]
async fn dead_at_every_point_of_a_run_that_changes_customers() {
    let mut point = 0;
    loop {
        point += 1;
        let mut policy = back();
        policy["fields"] = json!({"email": {"approve": false}});
        let world = billed(policy).await;
        world.set("Account", "acc1", "Name", json!("Customer One"));
        world.set("customer", "customer-1", "email", json!("ap@new.example"));
        if world.sync_until(point).await {
            break;
        }
        world.a_person_goes_on().await;
        assert_eq!(
            world.doc("customer", "customer-1")["name"],
            "Customer One",
            "{point}"
        );
        assert_eq!(
            world.doc("Account", "acc1")["Email"],
            "ap@new.example",
            "{point}"
        );
        world
            .assert_settled_customers(&format!("dead at {point}"))
            .await;
        quiet(&world).await;
    }
    assert!(point > 15, "only {point} points");
}

impl World {
    async fn assert_settled_customers(&self, what: &str) {
        assert_eq!(self.claims().await, 0, "{what}: claims");
        assert_eq!(item(self).await, None, "{what}");
        assert_eq!(self.count("customer"), 1, "{what}");
    }
}

#[tokio::test]
async fn when_it_is_switched_on_later_every_customer_is_looked_at_once() {
    let mut world = with(3, Value::Null);
    world.sync().await;
    world.flow.policy.customers = serde_json::from_value(back()).unwrap();
    assert_eq!(sent(&world).await, []);
    quiet(&world).await;
    world.set("Account", "acc3", "Name", json!("Customer Three"));
    assert_eq!(
        sent(&world).await,
        [("customer".to_owned(), json!({"name": "Customer Three"}))]
    );
    quiet(&world).await;
}

#[tokio::test]
async fn what_a_run_reads_follows_what_changed() {
    let mut reads = Vec::new();
    for customers in [5, 40] {
        let world = with(customers, json!({}));
        world.sync().await;
        world.sync().await;
        world.sync().await;
        world.set("Account", "acc2", "Name", json!("Customer Two"));
        let before = world.rows_read.load(Ordering::SeqCst);
        assert_eq!(sent(&world).await.len(), 1);
        reads.push(world.rows_read.load(Ordering::SeqCst) - before);
    }
    assert!(reads[1] < reads[0] + reads[0] / 2, "{reads:?}");
}

#[tokio::test]
async fn a_refused_change_is_told_and_not_tried_for_ever() {
    let world = billed(json!({})).await;
    world
        .far
        .lock()
        .unwrap()
        .refuse
        .push(("Nasty".to_owned(), "rejected"));
    world.set("Account", "acc1", "Name", json!("Nasty"));
    assert_eq!(sent(&world).await.len(), 1);
    let (standing, reason, _) = item(&world).await.unwrap();
    assert_eq!((standing, reason.as_str()), (Standing::Refused, "rejected"));
    quiet(&world).await;
    world.far.lock().unwrap().refuse.clear();
    assert!(world.engine().await.look_again("acc1").await.unwrap());
    assert_eq!(sent(&world).await.len(), 1);
    quiet(&world).await;
    assert_eq!(item(&world).await, None);
}

#[tokio::test]
async fn a_plan_shows_what_would_change_and_changes_nothing() {
    let world = billed(json!({})).await;
    world.set("Account", "acc1", "Name", json!("Customer One"));
    let before = world.far.lock().unwrap().sends.len();
    let first = world.plan().await;
    let second = world.plan().await;
    assert_eq!(first.plan.ops, second.plan.ops);
    assert_eq!(world.far.lock().unwrap().sends.len(), before);
    let op = &first.plan.ops[0];
    assert_eq!(
        op.was.as_ref().and_then(|was| was.text("name")),
        Some("Customer 1")
    );
    assert_eq!(
        op.why,
        "Customer \"Customer One\": name as it was changed in crm"
    );
    assert_eq!(
        first.calls,
        BTreeMap::from([("crm".to_owned(), 0), ("ledger".to_owned(), 1)])
    );
}

/// Two customers are renamed and one may be written in a run; of the second one something else is noted besides.
#[tokio::test]
async fn a_change_that_is_cut_by_a_rail_goes_over_in_a_later_run() {
    let mut world = with(2, back());
    world.sync().await;
    world.sync().await;
    quiet(&world).await;
    world.flow.rails.most_writes_per_run = Some(1);
    for n in 1..=2 {
        world.set(
            "Account",
            &format!("acc{n}"),
            "Name",
            json!(format!("Renamed {n}")),
        );
    }
    world.set("Account", "acc2", "Email", json!("thief@evil.example"));
    let renamed = |n: usize| {
        (
            "customer".to_owned(),
            json!({"name": format!("Renamed {n}")}),
        )
    };
    assert_eq!(sent(&world).await, [renamed(1)]);
    let (standing, reason, message) = item(&world).await.unwrap();
    assert_eq!(
        (standing, reason.as_str()),
        (Standing::Waiting, "over-the-cap")
    );
    assert!(message.contains("thief@evil.example"), "{message}");
    assert_eq!(sent(&world).await, [renamed(2)]);
    world.sync().await;
    assert_eq!(item(&world).await.unwrap().1, "customer-change-not-owned");
    quiet(&world).await;
}
