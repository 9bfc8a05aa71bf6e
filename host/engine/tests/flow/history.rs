//! History: every change that was made can be told by the deal and by the ledger's record, with old and new, once.

use crate::far::Fault;
use crate::world::{Numbers, World};
use footbridge_engine::{Answered, Deed, Entry, Known, Value};
use footbridge_model::ruling::Choice;
use serde_json::json;

impl World {
    async fn told(&self, id: &str) -> Vec<Entry> {
        let told = self.engine().await.history(id).await.unwrap();
        told.unwrap_or_default()
    }
}

fn deeds(entries: &[Entry]) -> Vec<(&str, Deed)> {
    let all = entries.iter();
    all.map(|entry| (entry.record.object.as_str(), entry.deed))
        .collect()
}

#[tokio::test]
async fn what_was_done_is_told_by_the_deal_and_by_the_ledgers_record() {
    let world = World::with_deals(Numbers::Ledger, 1);
    world.sync().await;
    let by_deal = world.told("opp1").await;
    assert_eq!(
        deeds(&by_deal),
        [("invoice", Deed::Created), ("Opportunity", Deed::Updated)]
    );
    let invoice = &by_deal[0];
    assert!(
        invoice.why.contains("The deal is won and not billed"),
        "{}",
        invoice.why
    );
    assert!(invoice.source_version.is_some() && invoice.request.is_some());
    assert_eq!(
        (invoice.transform.is_empty(), invoice.settings.len()),
        (false, 32)
    );
    let currency = invoice
        .fields
        .iter()
        .find(|change| change.field == "currency")
        .unwrap();
    assert_eq!(
        (&currency.old, &currency.new),
        (&None, &Value::Text("GBP".to_owned()))
    );

    let id = world.doc("Opportunity", "opp1")["InvoiceId"].clone();
    let id = id.as_str().unwrap();
    assert_eq!(world.told(id).await, by_deal[..1]);
    let number = world.doc("invoice", id)["number"].clone();
    assert_eq!(world.told(number.as_str().unwrap()).await, by_deal[..1]);
    assert_eq!(
        deeds(&world.told("acc1").await),
        [("customer", Deed::Created)]
    );
    assert_eq!(world.told("nowhere").await, []);

    // What an update replaced is kept beside what it wrote.
    world.set("Opportunity", "opp1", "InvoiceNumber", json!("typed over"));
    world.sync().await;
    let repaired = world.told("opp1").await;
    let last = repaired.last().unwrap();
    assert_eq!(last.deed, Deed::Updated);
    assert_eq!(last.fields.len(), 1);
    assert_eq!(
        last.fields[0].old,
        Some(Value::Text("typed over".to_owned()))
    );
    assert_eq!(
        last.fields[0].new,
        Value::Text(number.as_str().unwrap().to_owned())
    );
}

#[tokio::test]
async fn a_lost_answer_is_told_once_when_it_is_found() {
    let world = World::with_deals(Numbers::Ledger, 1);
    world.fault("invoice", Fault::LostAfter);
    world.sync().await;
    world.a_person_goes_on().await;
    let invoices = world.told("opp1").await;
    let made = invoices.iter().filter(|entry| entry.deed == Deed::Created);
    assert_eq!(made.count(), 1);
}

#[tokio::test]
async fn a_link_and_who_decided_it_are_told() {
    let world = World::with_deals(Numbers::Ledger, 1);
    let customer = json!({"name": "Customer 1", "number": "", "status": "active"});
    world.put("customer", "known", customer);
    world.bill("hand", "known", 120, "2026-10-01");
    world.sync().await;
    let engine = world.engine().await;
    let Known::Of(items) = engine.known("opp1").await.unwrap() else {
        panic!("nothing is known");
    };
    let answered = engine
        .answer(&items[0], Choice::GoAhead, "ann")
        .await
        .unwrap();
    assert!(matches!(answered, Answered::Kept(_)));
    drop(engine);
    world.sync().await;
    assert_eq!(
        deeds(&world.told("known").await),
        [("customer", Deed::Linked)]
    );
    let made = world.told("opp1").await;
    assert_eq!(made[0].decided_by.as_deref(), Some("ann"));
}

#[tokio::test]
async fn old_bodies_are_erased_and_what_is_open_keeps_its_own() {
    let world = World::with_deals(Numbers::Ledger, 2);
    world.sync().await;
    world.account(3, "Customer 3");
    world.deal(3, 3, 300);
    world.fault("invoice", Fault::LostBefore);
    world.sync().await;
    let engine = world.engine().await;
    assert_eq!(engine.open_requests().await.unwrap().len(), 1);
    let now = world.far.lock().unwrap().now;
    let long_ago = now - chrono::TimeDelta::days(30);
    assert_eq!(engine.forget_bodies(long_ago).await.unwrap().bodies, 0);
    let later = now + chrono::TimeDelta::days(1);
    let forgotten = engine.forget_bodies(later).await.unwrap();
    assert!(
        forgotten.requests >= 4 && forgotten.bodies >= 3 * forgotten.requests - 1,
        "{forgotten:?}"
    );
    assert_eq!(
        engine.forget_bodies(later).await.unwrap().bodies,
        0,
        "again is free"
    );
    assert_eq!(
        engine.history("opp1").await.unwrap().unwrap().len(),
        2,
        "the fact stays"
    );
    drop(engine);
    world.a_person_goes_on().await;
    world.assert_settled(3, "after bodies were erased").await;
}

#[tokio::test]
async fn an_answer_that_was_erased_is_told_by_its_digest() {
    let world = World::with_deals(Numbers::Ledger, 1);
    let customer = json!({"name": "Customer 1", "status": "active"});
    world.put("customer", "known", customer);
    let refusal = ("\"Deal 1\"".to_owned(), "rejected");
    world.far.lock().unwrap().refuse.push(refusal);
    world.sync().await;
    let engine = world.engine().await;
    let later = world.far.lock().unwrap().now + chrono::TimeDelta::days(1);
    engine.forget_bodies(later).await.unwrap();
    let Known::Of(items) = engine.known("opp1").await.unwrap() else {
        panic!("nothing is known");
    };
    let evidence = engine.evidence(&items[0]).await.unwrap().unwrap();
    assert_eq!(
        (evidence.answer, evidence.erased.map(|d| d.len())),
        (None, Some(64))
    );
}
