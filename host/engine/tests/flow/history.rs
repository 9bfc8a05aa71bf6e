//! History: every change that was made can be told by the deal and by the ledger's record, with old and new, once.

use crate::far::Fault;
use crate::world::{Numbers, World};
use footbridge_engine::{Answered, Deed, Entry, Erased, Known, Mode, Standing, Value};
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
        invoice.why.contains("and is not billed: "),
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

#[tokio::test]
async fn bodies_are_kept_for_so_many_days_and_looked_at_once_a_day() {
    let world = World::with_deals(Numbers::Ledger, 1);
    world.sync().await;
    let kept = async || {
        let engine = world.engine().await;
        let forgotten = engine.keep_bodies_for(30).await.unwrap();
        forgotten.map(|forgotten| forgotten.requests)
    };
    assert_eq!(kept().await, Some(0), "nothing is old");
    assert_eq!(kept().await, None, "once a day");
    world.pass(31 * 24 * 3600);
    assert!(kept().await.unwrap() >= 2);
    // The clock went back: what was noted in the future says nothing.
    world.pass(-40 * 24 * 3600);
    assert_eq!(kept().await, Some(0));
}

#[tokio::test]
async fn what_is_kept_about_a_record_is_erased_and_that_something_was_done_stays() {
    let world = World::with_deals(Numbers::Ledger, 2);
    world.sync().await;
    world.set("Opportunity", "opp1", "InvoiceNumber", json!("typed over"));
    world.sync().await;
    let before = world.told("opp1").await;
    let engine = world.engine().await;
    assert!(
        engine
            .erase("nowhere", Mode::Do)
            .await
            .unwrap()
            .is_nothing()
    );
    let would = engine.erase("opp1", Mode::Dry).await.unwrap();
    assert_eq!(would.history, before.len());
    assert!(
        would.requests >= 2 && would.journal >= 3 && would.decisions == 1,
        "{would:?}"
    );
    assert_eq!(
        engine.history("opp1").await.unwrap().unwrap(),
        before,
        "only told"
    );

    assert_eq!(engine.erase("opp1", Mode::Do).await.unwrap(), would);
    assert_eq!(
        engine.erase("opp1", Mode::Do).await.unwrap(),
        Erased::default(),
        "again is free"
    );
    let after = engine.history("opp1").await.unwrap().unwrap();
    assert_eq!(deeds(&after), deeds(&before));
    for (old, new) in before.iter().zip(&after) {
        assert_eq!(
            (new.at, &new.request, &new.source_version),
            (old.at, &old.request, &old.source_version)
        );
        assert_eq!(
            (new.title.as_str(), new.why.as_str()),
            ("(erased)", "(erased)")
        );
        assert!(new.fields.iter().all(|field| field.new == Value::Erased));
    }
    let other = engine.history("opp2").await.unwrap().unwrap();
    assert!(other.iter().all(|entry| entry.title != "(erased)"));
    drop(engine);
    world.assert_settled(2, "after a record was erased").await;
}

#[tokio::test]
async fn what_is_needed_to_go_on_is_not_erased() {
    let world = World::with_deals(Numbers::Ledger, 1);
    world.fault("invoice", Fault::LostBefore);
    world.sync().await;
    let engine = world.engine().await;
    let erased = engine.erase("opp1", Mode::Do).await.unwrap();
    assert_eq!(erased.open_requests.len(), 1);
    assert_eq!((erased.requests, erased.decisions), (0, 0), "{erased:?}");
    drop(engine);
    world.a_person_goes_on().await;
    world
        .assert_settled(1, "after a record in doubt was erased")
        .await;
}

#[tokio::test]
async fn a_record_that_was_deleted_is_forgotten() {
    let world = World::with_deals(Numbers::Ledger, 2);
    world.sync().await;
    world.far.lock().unwrap().delete("Opportunity", "opp1");
    world.sync().await;
    let engine = world.engine().await;
    assert_eq!(engine.erase("opp1", Mode::Do).await.unwrap().records, 1);
    assert_eq!(engine.erase("opp2", Mode::Do).await.unwrap().records, 0);
    drop(engine);
    world.sync().await;
    let (standing, reason, message) = world.decision(1).await;
    assert_eq!(
        (standing, reason.as_str()),
        (Standing::Waiting, "deal-deleted"),
        "{message}"
    );
    assert_eq!(world.count("invoice"), 2);
}

/// A billed deal with a payment that counts, one that was taken back and a credit that was taken off again; a neighbour beside it.
async fn paid() -> (World, String) {
    use crate::books::Bump::Loud;
    let world = World::with_books(2);
    world.sync().await;
    let invoice = world.doc("Opportunity", "opp1")["InvoiceId"].clone();
    let invoice = invoice.as_str().unwrap().to_owned();
    let customer = world.doc("invoice", &invoice)["customer"].clone();
    world.pay("p1", &invoice, 30, Loud);
    world.pay("p2", &invoice, 20, Loud);
    world.credit("credit-note", "n", customer.as_str().unwrap(), 10);
    world.allocate("credit-note", "n", &invoice, 10, (Loud, Loud));
    world.sync().await;
    world.unpay("p2", Loud, Loud);
    world.allocate("credit-note", "n", &invoice, 0, (Loud, Loud));
    world.sync().await;
    world.assert_shown("paid").await;
    (world, invoice)
}

#[tokio::test]
async fn what_the_way_back_shows_of_a_record_is_told_and_erased_with_it() {
    let (world, invoice) = paid().await;
    let key = |kind: &str, id: &str| crate::books::key(kind, id);
    let of_invoice = [
        key("invoice", &invoice),
        key("payment", "p1"),
        key("payment", "p2"),
        key("allocation", &format!("n-{invoice}")),
    ];
    let number = world.doc("invoice", &invoice)["number"].clone();
    let number = number.as_str().unwrap();
    let contact = world.doc("invoice", &invoice)["customer"].clone();
    let contact = contact.as_str().unwrap();
    let of_customer = [key(contact, "GBP")];
    let of_credit = [key("credit-note", "n"), of_invoice[3].clone()];
    let of_payment = [key("payment", "p2")];
    let engine = world.engine().await;
    for (named, want) in [
        (number, of_invoice.as_slice()),
        (&invoice, &of_invoice),
        ("opp1", &of_invoice),
        (contact, &of_customer),
        ("acc1", &of_customer),
        ("n", &of_credit),
        ("p2", &of_payment),
    ] {
        let would = engine.erase(named, Mode::Dry).await.unwrap();
        let mut want: Vec<&String> = want.iter().collect();
        want.sort();
        let keys: Vec<&String> = would.hanging.keys().collect();
        assert_eq!(keys, want, "{named}");
        assert!(would.hanging.values().all(|title| title != "(erased)"));
        let told = engine.history(named).await.unwrap().unwrap();
        // What was taken off is no longer listed with its invoice; it has its own history.
        let listed = want.iter().filter(|key| !key.contains("/allocation/"));
        for key in listed {
            let mut all = told.iter();
            assert!(
                all.any(|entry| entry.source.id.as_str() == **key),
                "{named}: {key}"
            );
        }
    }
    let before: Vec<Entry> = told_of_all(&engine).await;
    let erased = engine.erase(number, Mode::Do).await.unwrap();
    assert!(erased.history >= 8 && erased.requests >= 4, "{erased:?}");
    assert!(engine.erase(number, Mode::Do).await.unwrap().is_nothing());
    for (old, new) in before.iter().zip(told_of_all(&engine).await) {
        let id = old.source.id.as_str();
        let goes = of_invoice.iter().any(|key| key == id) || old.record.id.as_str() == invoice;
        assert_eq!(new.title == "(erased)", goes, "{id}");
        assert_eq!(new == *old, !goes, "{id}");
    }
    drop(engine);
    // All that is needed to go on is there: nothing is written again, and what comes counts.
    world.assert_shown("erased").await;
    world.pay("p3", &invoice, 5, crate::books::Bump::Loud);
    world.sync().await;
    world.assert_shown("after it was erased").await;
}

async fn told_of_all(engine: &footbridge_engine::Engine) -> Vec<Entry> {
    let mut all = Vec::new();
    let each = |entry| {
        all.push(entry);
        std::ops::ControlFlow::Continue(())
    };
    engine.each_entry(each).await.unwrap();
    all
}
