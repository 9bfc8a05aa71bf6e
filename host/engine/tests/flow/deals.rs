//! What a flow does on good days: deals become customers, invoices and write-backs, once.

use crate::world::{Numbers, World};
use footbridge_engine::Standing;
use footbridge_store::Backend;
use serde_json::json;
use std::collections::BTreeMap;

fn applied(report: &footbridge_engine::RunReport) -> Vec<(&str, usize)> {
    report
        .applied
        .iter()
        .map(|(object, count)| (object.as_str(), *count))
        .collect()
}

#[tokio::test]
async fn three_deals_become_customers_invoices_and_write_backs() {
    for backend in Backend::ALL {
        let mut world = World::with_deals(Numbers::Ledger, 3);
        world.backend = backend;
        let report = world.sync().await;
        assert_eq!(
            applied(&report),
            [("Opportunity", 3), ("customer", 3), ("invoice", 3)]
        );
        assert_eq!(
            (report.failed, report.postponed, report.in_doubt),
            (0, 0, 0)
        );
        world.assert_settled(3, "first run").await;
        let deal = world.doc("Opportunity", "opp2");
        let link = format!(
            "https://ledger.example/{}",
            deal["InvoiceId"].as_str().unwrap()
        );
        assert_eq!(deal["InvoiceLink"], json!(link));

        let before = world.far.lock().unwrap().sends.len();
        let again = world.sync().await;
        assert_eq!(applied(&again), []);
        assert_eq!(
            world.far.lock().unwrap().sends.len(),
            before,
            "a second run writes nothing"
        );
        assert_eq!(
            again.skipped,
            BTreeMap::from([("up-to-date".to_owned(), 3)])
        );
        let third = world.sync().await;
        assert_eq!(
            third.skipped,
            BTreeMap::new(),
            "and a third has nothing to look at"
        );
    }
}

#[tokio::test]
async fn an_invoice_with_other_totals_than_planned_waits_for_a_look() {
    let world = World::with_deals(Numbers::Ledger, 1);
    world.far.lock().unwrap().surcharge = 1;
    world.sync().await;
    for _ in 0..2 {
        let (standing, reason, message) = world.decision(1).await;
        assert_eq!(
            (standing, reason.as_str()),
            (Standing::Refused, "total-differs")
        );
        let told = "The ledger holds invoice INV-0001 with a total of 121.00 GBP instead of 120.00. Look at it there";
        assert!(message.starts_with(told), "{message}");
        world.sync().await;
    }
    assert_eq!(world.count("invoice"), 1, "and no second one is made");
    let id = world.decisions().await[0].subject.record.id.to_string();
    assert!(world.engine().await.look_again(&id).await.unwrap());
    world.sync().await;
    assert_eq!(
        world.decision(1).await.0,
        Standing::Applied,
        "a person looked"
    );
}

#[tokio::test]
async fn a_plan_writes_nothing_and_is_what_a_run_does() {
    let world = World::with_deals(Numbers::Ledger, 2);
    let first = world.plan().await;
    let second = world.plan().await;
    assert_eq!(world.far.lock().unwrap().sends.len(), 0);
    let ids = |preview: &footbridge_engine::Preview| {
        preview
            .plan
            .ops
            .iter()
            .map(|op| op.id.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ids(&first),
        ids(&second),
        "the same inputs give the same ids"
    );
    assert_eq!(first.plan.ops.len(), 6);
    assert_eq!(
        first.calls,
        BTreeMap::from([("crm".to_owned(), 1), ("ledger".to_owned(), 2)])
    );
    assert_eq!(first.organisation, "Books");
    world.sync().await;
    let journalled: Vec<String> = {
        let far = world.far.lock().unwrap();
        let all = far
            .sends
            .iter()
            .map(|sent| String::from_utf8_lossy(&sent.body).into_owned());
        all.collect()
    };
    for id in ids(&first) {
        assert!(
            journalled.iter().any(|body| body.contains(id.as_str())),
            "{id}"
        );
    }
    assert_eq!(world.plan().await.plan.ops.len(), 0);
}

#[tokio::test]
async fn a_deal_that_changes_after_its_invoice_waits_and_gets_no_second_one() {
    let world = World::with_deals(Numbers::Ledger, 1);
    world.sync().await;
    world.set("Opportunity", "opp1", "Amount", json!("900"));
    world.sync().await;
    let (standing, reason, _) = world.decision(1).await;
    assert_eq!(
        (standing, reason.as_str()),
        (Standing::Waiting, "changed-after-invoicing")
    );
    world.set("Opportunity", "opp1", "Amount", json!("100"));
    world.set("Opportunity", "opp1", "IsWon", json!(false));
    world.sync().await;
    let (standing, _, message) = world.decision(1).await;
    assert_eq!(standing, Standing::Waiting, "{message}");
    world.set("Opportunity", "opp1", "IsWon", json!(true));
    world.sync().await;
    world.assert_settled(1, "won again").await;
}

#[tokio::test]
async fn a_customer_that_exists_is_adopted_by_one_account_only() {
    let world = World::with_deals(Numbers::Ledger, 1);
    world.put(
        "customer",
        "known",
        json!({"name": "CUSTOMER 1", "status": "active"}),
    );
    let report = world.sync().await;
    assert_eq!(report.adopted, 1);
    assert_eq!(world.count("customer"), 1, "nothing was made");
    assert_eq!(
        world.doc("invoice", "invoice-1")["customer"],
        json!("known")
    );

    world.account(2, "Customer 1");
    world.deal(2, 2, 500);
    world.sync().await;
    let (standing, reason, _) = world.decision(2).await;
    assert_eq!(
        (standing, reason.as_str()),
        (Standing::Waiting, "customer-name-clash")
    );
    assert_eq!(world.count("invoice"), 1, "the other firm gets no bill");
}

#[tokio::test]
async fn an_invoice_of_ours_that_is_voided_or_copied_is_heard_of() {
    let world = World::with_deals(Numbers::Ledger, 2);
    world.sync().await;
    world.sync().await;
    world.set("invoice", "invoice-1", "status", json!("voided"));
    let copy = world.doc("invoice", "invoice-2");
    world.put("invoice", "copy", copy);
    world.sync().await;
    assert_eq!(world.decision(1).await.1, "invoice-voided");
    assert_eq!(world.decision(2).await.1, "key-stands-twice");
    assert_eq!(world.count("invoice"), 3);
}

#[tokio::test]
async fn a_bill_that_carries_our_key_is_no_invoice_of_ours() {
    let world = World::with_deals(Numbers::Field, 1);
    let url = world
        .plan()
        .await
        .plan
        .ops
        .iter()
        .find_map(|op| (op.natural_key.field == "url").then(|| op.natural_key.value.clone()));
    let bill = json!({"kind": "payable", "customer": "x", "url": url, "number": "N-1", "status": "authorised", "total": "120", "currency": "GBP"});
    world.put("invoice", "bill", bill);
    world.far.lock().unwrap().unique_numbers = false;
    world.fault("invoice", crate::far::Fault::LostBefore);
    world.a_person_goes_on().await;
    let far = world.far.lock().unwrap();
    let ours: Vec<_> = far
        .rows("invoice")
        .into_iter()
        .filter(|(id, _)| *id != "bill")
        .collect();
    assert_eq!(ours.len(), 1, "the bill was neither adopted nor in the way");
    assert_eq!(
        far.tables["Opportunity"]["opp1"].doc["InvoiceId"],
        json!(ours[0].0)
    );
}

#[tokio::test]
async fn a_deal_in_parts_bills_each_when_it_is_due() {
    let world = World::with_deals(Numbers::Ledger, 1);
    world.set("Opportunity", "opp1", "Plan", json!("30,70"));
    world.sync().await;
    assert_eq!(world.count("invoice"), 1);
    let parts = |decisions: Vec<footbridge_engine::Decision>| {
        let all = decisions
            .into_iter()
            .map(|d| (d.subject.part, d.standing, d.reason));
        all.collect::<Vec<_>>()
    };
    let waiting = (2, Standing::Waiting, "part-not-due".to_owned());
    assert_eq!(
        parts(world.decisions().await),
        [(1, Standing::Applied, "invoiced".to_owned()), waiting]
    );
    world.pass(20 * 86_400);
    world.sync().await;
    assert_eq!(world.count("invoice"), 2);
    let sums: Vec<_> = {
        let far = world.far.lock().unwrap();
        let rows = far.rows("invoice");
        rows.iter()
            .map(|(_, row)| row.doc["sub_total"].clone())
            .collect()
    };
    assert_eq!(sums, [json!("30"), json!("70")]);
}

#[tokio::test]
async fn a_part_that_no_longer_exists_waits_no_more() {
    let world = World::with_deals(Numbers::Ledger, 1);
    world.set("Opportunity", "opp1", "Plan", json!("30,70"));
    world.sync().await;
    world.set("Opportunity", "opp1", "Plan", json!(null));
    world.sync().await;
    let decisions = world.decisions().await;
    assert_eq!(decisions.len(), 1, "{decisions:?}");
    assert_eq!(decisions[0].reason, "changed-after-invoicing");
    assert_eq!(
        world.engine().await.status().await.unwrap().waiting.len(),
        1
    );
}

#[tokio::test]
async fn numbers_from_a_field_are_taken_by_any_invoice_of_the_ledger() {
    let world = World::with_deals(Numbers::Field, 2);
    world.put(
        "invoice",
        "other",
        json!({"kind": "receivable", "customer": "x", "number": "N-2", "status": "paid"}),
    );
    world.sync().await;
    assert_eq!(world.doc("invoice", "invoice-2")["number"], json!("N-1"));
    assert_eq!(world.decision(2).await.1, "number-taken");
}

#[tokio::test]
async fn a_counter_leaves_no_gap_and_skips_what_the_ledger_has() {
    let mut world = World::with_deals(Numbers::Counter, 4);
    world.first_number(7);
    world.put(
        "invoice",
        "other",
        json!({"kind": "receivable", "customer": "x", "number": "FB-0008", "status": "paid"}),
    );
    world
        .far
        .lock()
        .unwrap()
        .refuse
        .push(("Deal 1".to_owned(), "rejected"));
    world.ledger.lock().unwrap().batch = 1;
    world.sync().await;
    let numbers = |world: &World| {
        let far = world.far.lock().unwrap();
        let mut all: Vec<String> = far
            .rows("invoice")
            .iter()
            .map(|(_, row)| row.doc["number"].as_str().unwrap().to_owned())
            .collect();
        all.sort();
        all
    };
    assert_eq!(
        numbers(&world),
        ["FB-0008", "FB-0009", "FB-0010", "FB-0011"]
    );
    assert_eq!(world.decision(1).await.0, Standing::Refused);
    world.far.lock().unwrap().refuse.clear();
    world.account(5, "Customer 5");
    world.deal(5, 5, 500);
    world.set("Opportunity", "opp1", "Amount", json!("150"));
    world.sync().await;
    let all = [
        "FB-0007", "FB-0008", "FB-0009", "FB-0010", "FB-0011", "FB-0012",
    ];
    assert_eq!(numbers(&world), all);
}

/// Something in the CRM changes the invoice's number on the deal: three writes a day, then a person is asked, whose word is obeyed once.
#[tokio::test]
async fn a_deal_that_the_crm_rewrites_waits_after_three_writes() {
    let world = World::with_deals(Numbers::Ledger, 2);
    world.far.lock().unwrap().trigger = Some(("InvoiceNumber", json!("by a trigger")));
    let deals_sent = |world: &World| world.sent("Opportunity").0;
    for _ in 0..6 {
        world.sync().await;
        world.pass(60);
    }
    let before = deals_sent(&world);
    assert_eq!(before, 3, "both deals in one request");
    let (standing, reason, message) = world.decision(1).await;
    assert_eq!(
        (standing, reason.as_str()),
        (Standing::Waiting, "rewritten-over-there")
    );
    assert!(message.contains("\"InvoiceNumber\""), "{message}");
    // A person lets it be tried: once, and of that deal alone.
    for times in 1..=2 {
        assert!(world.engine().await.look_again("opp1").await.unwrap());
        for _ in 0..2 {
            world.sync().await;
            assert_eq!(deals_sent(&world), before + times);
        }
        assert_eq!(world.decision(1).await.1, "rewritten-over-there");
    }
    // The trigger is off.
    world.far.lock().unwrap().trigger = None;
    assert!(world.engine().await.look_again("opp1").await.unwrap());
    world.sync().await;
    let deal = world.doc("Opportunity", "opp1");
    let invoice = world.doc("invoice", deal["InvoiceId"].as_str().unwrap());
    assert_eq!(deal["InvoiceNumber"], invoice["number"]);
    world.pass(24 * 3600);
    world.sync().await;
    world.sync().await;
    world.assert_settled(2, "the trigger is off").await;
}

/// A formula of the CRM gives 15 of the 18 characters of an id.
#[tokio::test]
async fn a_customer_named_by_a_shorter_form_of_its_id_is_the_same_customer() {
    let whole = "001Hs00000003xYQAA";
    // Brought by the feed, or by nothing but the answer to the shorter form.
    for known in [true, false] {
        let mut world = World::new(Numbers::Ledger);
        if !known {
            world.flow.customer_objects.clear();
        }
        let world = &world;
        let unrelated = "001Hs00000003xZQAA";
        for (id, name) in [(whole, "Acme"), (unrelated, "Bolt")] {
            world.put("Account", id, json!({"Name": name}));
        }
        for (n, account) in [(1, &whole[..15]), (2, whole), (3, &whole[..15])] {
            world.deal(n, 1, n * 10);
            world.set(
                "Opportunity",
                &format!("opp{n}"),
                "AccountId",
                json!(account),
            );
        }
        world.sync().await;
        for n in 1..=3 {
            let (standing, reason, message) = world.decision(n).await;
            assert_eq!(
                standing,
                Standing::Applied,
                "{known} {n} {reason} {message}"
            );
        }
        assert_eq!(world.count("customer"), 1, "{known}");
        let looks = |world: &World| {
            let far = world.far.lock().unwrap();
            far.fetched
                .iter()
                .filter(|what| what.starts_with("Account"))
                .count()
        };
        let before = looks(world);
        world.deal(4, 1, 40);
        world.set("Opportunity", "opp4", "AccountId", json!(&whole[..15]));
        world.sync().await;
        assert_eq!(world.decision(4).await.0, Standing::Applied, "{known}");
        assert_eq!(
            looks(world),
            before,
            "{known}: it is known which record is meant"
        );
        assert_eq!(world.count("customer"), 1, "{known}");
    }
}

#[tokio::test]
async fn an_id_that_merely_begins_like_another_names_nobody() {
    let world = World::new(Numbers::Ledger);
    world.account(12, "Acme");
    world.deal(1, 1, 10);
    world.sync().await;
    let (standing, reason, _) = world.decision(1).await;
    let hidden = (Standing::Waiting, "customer-not-visible");
    assert_eq!((standing, reason.as_str()), hidden);
}
