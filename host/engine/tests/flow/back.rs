//! The way back on good days: what people do in the ledger is shown in the CRM, once, whatever the lists of changes say of it.

use crate::books::Bump::{Loud, Quiet};
use crate::books::{key, number};
use crate::world::World;
use footbridge_engine::Standing;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn status(doc: &Value) -> &str {
    doc["status"].as_str().unwrap()
}

/// With an invoice of 100 and one of 50 that began in the ledger, already shown.
async fn with_two_bills() -> World {
    let world = World::with_books(0);
    world.put(
        "customer",
        "c",
        json!({"name": "Old friend", "status": "active"}),
    );
    world.bill("1", "c", 100, "2026-10-20");
    world.bill("2", "c", 50, "2026-10-20");
    world.sync().await;
    world
}

#[tokio::test]
async fn invoices_that_we_made_and_ones_that_began_in_the_ledger_are_shown() {
    let world = World::with_books(2);
    world.put(
        "customer",
        "stranger",
        json!({"name": "Stranger", "status": "active"}),
    );
    world.bill("hand", "stranger", 70, "2026-10-20");
    let report = world.sync().await;
    let shown = ["receivable-document", "receivable-balance"].map(|object| report.applied[object]);
    assert_eq!(shown, [3, 3], "in the run that makes them");
    let ours = world.shown_document("invoice", "invoice-2");
    let told = [
        "deal",
        "account",
        "status",
        "total",
        "amount_due",
        "organisation_name",
    ];
    assert_eq!(
        told.map(|field| ours[field].as_str().unwrap()),
        ["opp1", "acc1", "awaiting-payment", "120", "120", "Books"]
    );
    let stranger = world.shown_document("invoice", "hand");
    assert_eq!(
        (&stranger["account"], &stranger["deal"]),
        (&Value::Null, &Value::Null)
    );
    world.assert_shown("made and found").await;

    // The stranger becomes a customer of ours: what it has gains the account.
    world.account(3, "Stranger");
    world.deal(3, 3, 500);
    world.sync().await;
    assert_eq!(world.shown_document("invoice", "hand")["account"], "acc3");
    assert_eq!(world.shown_balance("stranger")["account"], "acc3");
    world.assert_shown("linked").await;
}

#[tokio::test]
async fn a_payment_that_bumps_nothing_settles_its_invoice_all_the_same() {
    for bump in [Quiet, Loud] {
        let world = with_two_bills().await;
        world.pay("p1", "1", 40, bump);
        world.far.lock().unwrap().fetched.clear();
        world.sync().await;
        let looked: Vec<String> = world.far.lock().unwrap().fetched.clone();
        let expected: &[&str] = match bump {
            Quiet => &["invoice 1"],
            Loud => &[],
        };
        assert_eq!(
            looked, expected,
            "only what the lists don't tell is read again"
        );
        assert_eq!(status(&world.shown_document("invoice", "1")), "part-paid");
        assert_eq!(
            status(&world.shown_document("invoice", "2")),
            "awaiting-payment"
        );
        world.pay("p2", "1", 60, bump);
        world.sync().await;
        let invoice = world.shown_document("invoice", "1");
        assert_eq!(status(&invoice), "paid");
        assert_eq!(
            (&invoice["fully_paid_on"], &invoice["days_to_pay"]),
            (&json!("2026-10-01"), &json!("30"))
        );
        assert_eq!(
            world.shown_payment("p2")["document_key"],
            json!(key("invoice", "1"))
        );
        let balance = world.shown_balance("c");
        assert_eq!(
            (number(&balance["balance"]), &balance["average_days_to_pay"]),
            (50, &json!("30"))
        );
        world.assert_shown("paid").await;
    }
}

#[tokio::test]
async fn a_payment_that_is_read_twice_is_one() {
    let world = with_two_bills().await;
    world.ledger.lock().unwrap().repeats = true;
    world.ledger.lock().unwrap().page = 1;
    world.pay("p1", "1", 100, Quiet);
    world.sync().await;
    world.sync().await;
    assert_eq!(world.count("receivable-payment"), 1);
    world.assert_shown("read twice").await;
}

#[tokio::test]
async fn a_payment_that_is_taken_back_is_reversed_however_it_is_heard_of() {
    for (payment, invoice) in [(Loud, Loud), (Loud, Quiet), (Quiet, Loud)] {
        let world = with_two_bills().await;
        world.pay("p1", "1", 100, Quiet);
        world.sync().await;
        world.unpay("p1", payment, invoice);
        world.sync().await;
        assert_eq!(
            status(&world.shown_payment("p1")),
            "reversed",
            "{payment:?} {invoice:?}"
        );
        let shown = world.shown_document("invoice", "1");
        assert_eq!(status(&shown), "awaiting-payment");
        assert_eq!(shown["fully_paid_on"], Value::Null);
        world.assert_shown("reversed").await;
    }
}

#[tokio::test]
async fn a_payment_that_is_only_no_longer_listed_is_asked_for_and_stays() {
    let world = with_two_bills().await;
    world.pay("p1", "1", 100, Quiet);
    world.sync().await;
    // The ledger no longer shows it, and doesn't say that it is gone.
    world.unpay("p1", Quiet, Loud);
    world.ledger.lock().unwrap().hidden = vec!["p1".to_owned()];
    let report = world.sync().await;
    assert_eq!(
        report.reflected.unwrap().held,
        BTreeMap::from([("not-visible".to_owned(), 1)])
    );
    assert_eq!(
        status(&world.shown_payment("p1")),
        "recorded",
        "nothing is said of it"
    );
    assert_eq!(
        status(&world.shown_document("invoice", "1")),
        "awaiting-payment",
        "the invoice goes on"
    );
    let waiting = world
        .engine()
        .await
        .status()
        .await
        .unwrap()
        .reflected
        .unwrap()
        .waiting;
    assert_eq!(waiting, BTreeMap::from([("not-visible".to_owned(), 1)]));
    world.ledger.lock().unwrap().hidden.clear();
    world.sync().await;
    assert_eq!(status(&world.shown_payment("p1")), "reversed");
    world.assert_shown("seen again").await;
    assert_eq!(
        world.decisions().await.len(),
        0,
        "and nothing waits any more"
    );
}

#[tokio::test]
async fn too_much_money_is_an_overpayment_that_is_set_against_another_invoice_or_paid_out() {
    let world = with_two_bills().await;
    world.pay("p1", "1", 100, Quiet);
    world.credit("overpayment", "o", "c", 30);
    world.sync().await;
    assert_eq!(
        status(&world.shown_document("overpayment", "o")),
        "credit-unallocated"
    );
    assert_eq!(number(&world.shown_balance("c")["balance"]), 20);
    world.allocate("overpayment", "o", "2", 10, (Loud, Quiet));
    world.refund("r", "overpayment", "o", 20, Quiet);
    world.sync().await;
    assert_eq!(
        status(&world.shown_document("overpayment", "o")),
        "refunded"
    );
    assert_eq!(status(&world.shown_document("invoice", "2")), "part-paid");
    let refund = world.shown_payment("r");
    assert_eq!(
        (&refund["kind"], &refund["document_key"]),
        (&json!("refund"), &json!(key("overpayment", "o")))
    );
    world.assert_shown("overpaid").await;
}

#[tokio::test]
async fn a_credit_set_against_an_invoice_and_taken_off_again() {
    for bumps in [(Loud, Quiet), (Quiet, Loud), (Loud, Loud)] {
        let world = with_two_bills().await;
        world.credit("credit-note", "cn", "c", 100);
        world.sync().await;
        world.allocate("credit-note", "cn", "1", 100, bumps);
        world.sync().await;
        let allocation = key("allocation", "cn-1");
        let shown = world.shown("receivable-payment", &allocation).unwrap();
        assert_eq!(
            (status(&shown), &shown["document_key"]),
            ("recorded", &json!(key("invoice", "1")))
        );
        assert_eq!(
            status(&world.shown_document("invoice", "1")),
            "credited",
            "{bumps:?}"
        );
        assert_eq!(
            status(&world.shown_document("credit-note", "cn")),
            "credited"
        );
        world.assert_shown("set against").await;
        world.allocate("credit-note", "cn", "1", 0, bumps);
        world.sync().await;
        assert_eq!(
            status(&world.shown("receivable-payment", &allocation).unwrap()),
            "reversed",
            "{bumps:?}"
        );
        assert_eq!(
            status(&world.shown_document("invoice", "1")),
            "awaiting-payment"
        );
        assert_eq!(
            status(&world.shown_document("credit-note", "cn")),
            "credit-unallocated"
        );
        world.assert_shown("taken off").await;
    }
}

#[tokio::test]
async fn a_voided_invoice_and_one_of_the_payable_side() {
    let world = with_two_bills().await;
    let mut void = world.doc("invoice", "1");
    void["status"] = json!("voided");
    void["amount_due"] = json!("0");
    world.put("invoice", "1", void);
    let mut bill = world.doc("invoice", "2");
    bill["kind"] = json!("payable");
    world.put("invoice", "supplier", bill);
    world.put("payment", "theirs", json!({"document": "supplier", "document_kind": "invoice", "payable": true, "status": "authorised", "amount": "1"}));
    world.sync().await;
    assert_eq!(status(&world.shown_document("invoice", "1")), "voided");
    assert_eq!(number(&world.shown_balance("c")["balance"]), 50);
    world.assert_shown("voided").await;
}

#[tokio::test]
async fn a_day_that_passes_makes_the_balance_overdue_and_touches_nothing_else() {
    let world = World::with_books(0);
    world.bill("1", "c", 100, "2026-10-01");
    world.bill("2", "c", 50, "2026-10-02");
    world.bill("3", "other", 70, "2026-11-02");
    world.sync().await;
    assert_eq!(
        number(&world.shown_balance("c")["overdue"]),
        0,
        "due today is not overdue"
    );
    world.assert_shown("before").await;
    let before = world.sent_back();
    // 23:30 in London, where it is still summer time: the first has fallen due, by the organisation's date.
    world.pass(13 * 3600 + 1800);
    world.sync().await;
    assert_eq!(world.sent_back(), before, "in London it is still that day");
    world.pass(3600);
    world.sync().await;
    assert_eq!(number(&world.shown_balance("c")["overdue"]), 100);
    assert_eq!(world.sent_back(), before + 1, "one write");
    let last = world.far.lock().unwrap().sends.last().unwrap().body.clone();
    let sent: Vec<Value> = serde_json::from_slice(&last).unwrap();
    let docs: Vec<&str> = sent.iter().map(|op| op["doc"].as_str().unwrap()).collect();
    assert_eq!(docs, [r#"{"key":"led-1/c/GBP","overdue":"100"}"#]);
    world.sync().await;
    world.pass(86_400);
    world.sync().await;
    assert_eq!(number(&world.shown_balance("c")["overdue"]), 150);
    assert_eq!(world.sent_back(), before + 2);
}

#[tokio::test]
async fn what_nothing_tells_of_is_found_by_the_sweep_within_its_days() {
    let world = World::with_books(0);
    for n in 0..40 {
        world.bill(&format!("i{n}"), "c", 100, "2027-10-20");
    }
    world.sync().await;
    // A bad day for lists: no stamp was bumped, and the payment isn't listed as deleted either.
    world.pay("p", "i7", 100, Quiet);
    world.sync().await;
    world.unpay("p", Quiet, Quiet);
    let mut doc = world.doc("invoice", "i9");
    doc["due_date"] = json!("2027-12-24");
    world.far.lock().unwrap().set_quietly("invoice", "i9", doc);
    world.far.lock().unwrap().fetched.clear();
    let mut most = 0;
    for _ in 0..7 {
        world.pass(86_400);
        let report = world.sync().await;
        most = most.max(report.reflected.unwrap().swept);
    }
    assert!((1..20).contains(&most), "spread over the runs: {most}");
    let looked: std::collections::BTreeSet<String> =
        world.far.lock().unwrap().fetched.iter().cloned().collect();
    let open = (0..40)
        .filter(|n| *n != 7)
        .all(|n| looked.contains(&format!("invoice i{n}")));
    assert!(open, "every open document was read: {looked:?}");
    assert_eq!(
        world.shown_document("invoice", "i9")["due_date"],
        "2027-12-24"
    );
    // A paid one is settled as far as anyone knows: only its own list would tell.
    assert_eq!(status(&world.shown_document("invoice", "i7")), "paid");
}

#[tokio::test]
async fn a_quiet_run_looks_at_nothing() {
    let world = World::with_books(1);
    world.bill("1", "c", 100, "2026-10-20");
    world.pay("p", "1", 30, Quiet);
    world.sync().await;
    world.sync().await;
    let (looks, sends) = {
        let far = world.far.lock().unwrap();
        (far.looks, far.sends.len())
    };
    let report = world.sync().await;
    let far = world.far.lock().unwrap();
    assert_eq!((far.looks, far.sends.len()), (looks, sends));
    assert_eq!(
        report.reflected,
        Some(footbridge_engine::Reflected::default())
    );
}

#[tokio::test]
async fn what_a_quiet_run_reads_doesnt_depend_on_how_many_records_there_are() {
    let mut read = Vec::new();
    for bills in [3, 90] {
        let world = World::with_books(0);
        for n in 0..bills {
            world.bill(&format!("i{n}"), &format!("c{}", n % 7), 100, "2027-10-20");
            world.pay(&format!("p{n}"), &format!("i{n}"), 30, Loud);
        }
        world.sync().await;
        world.sync().await;
        world
            .rows_read
            .store(0, std::sync::atomic::Ordering::SeqCst);
        world.sync().await;
        read.push(world.rows_read.load(std::sync::atomic::Ordering::SeqCst));
    }
    assert_eq!(read[0], read[1], "rows read in a quiet run");
}

#[tokio::test]
async fn a_plan_tells_what_a_run_does_and_writes_nothing() {
    let world = World::with_books(0);
    world.bill("1", "c", 100, "2026-10-20");
    world.pay("p", "1", 30, Quiet);
    world.credit("credit-note", "cn", "c", 10);
    world.allocate("credit-note", "cn", "1", 10, (Loud, Quiet));
    let preview = world.plan().await;
    let again = world.plan().await.reflected.unwrap();
    assert_eq!(world.far.lock().unwrap().sends.len(), 0);
    let back = preview.reflected.unwrap();
    let counts = |pairs: [(&str, usize); 3]| pairs.map(|(object, n)| (object.to_owned(), n)).into();
    let create: BTreeMap<String, usize> = counts([
        ("receivable-document", 2),
        ("receivable-payment", 2),
        ("receivable-balance", 1),
    ]);
    assert_eq!(
        (&back.create, back.update.len(), back.holds.len()),
        (&create, 0, 0)
    );
    assert_eq!(back, again);
    assert_eq!(preview.calls["crm"], 3);
    let report = world.sync().await;
    assert_eq!(report.applied, create);
    assert_eq!(
        world.plan().await.reflected.unwrap(),
        footbridge_engine::ReflectPreview::default()
    );
}

#[tokio::test]
async fn switched_on_later_it_shows_what_was_there_before() {
    let mut world = World::with_deals(crate::world::Numbers::Ledger, 2);
    world.bill("1", "c", 100, "2026-10-20");
    world.sync().await;
    assert_eq!(
        world.count("receivable-document"),
        0,
        "off unless it is asked for"
    );
    world = world.reflecting();
    world.pay("p", "1", 100, Quiet);
    world.sync().await;
    assert_eq!(world.count("receivable-document"), 3);
    world.assert_shown("switched on").await;
    // Other rules: every document is looked at, and what changes by them is written.
    let policy = &mut world.flow.reflect.as_mut().unwrap().policy;
    policy.write_off_accounts.insert("090".to_owned());
    world.sync().await;
    assert_eq!(status(&world.shown_document("invoice", "1")), "written-off");
    world.assert_shown("other rules").await;
}

#[tokio::test]
async fn what_the_crm_or_a_person_there_changes_is_put_right() {
    let world = with_two_bills().await;
    let id = {
        let far = world.far.lock().unwrap();
        let rows = far.rows("receivable-document");
        rows.iter()
            .find(|(_, row)| row.doc["ledger_id"] == "1")
            .unwrap()
            .0
            .clone()
    };
    world.set("receivable-document", &id, "amount_due", json!("7"));
    world.sync().await;
    world.assert_shown("edited by a person").await;
    world.far.lock().unwrap().delete("receivable-document", &id);
    world.sync().await;
    world.assert_shown("deleted by a person").await;
    // Fields of theirs are theirs.
    let other = {
        let far = world.far.lock().unwrap();
        let rows = far.rows("receivable-document");
        rows.iter()
            .find(|(_, row)| row.doc["ledger_id"] == "2")
            .unwrap()
            .0
            .clone()
    };
    world.set("receivable-document", &other, "note", json!("called them"));
    world.sync().await;
    world.assert_shown("a field of their own").await;
}

#[tokio::test]
async fn something_over_there_that_rewrites_what_is_written_is_named() {
    let world = with_two_bills().await;
    world.far.lock().unwrap().rewrites = Some("by a trigger");
    world.pay("p", "1", 100, Quiet);
    for _ in 0..6 {
        world.sync().await;
    }
    let decisions = world.decisions().await;
    let told: Vec<_> = decisions
        .iter()
        .map(|d| (d.standing, d.reason.as_str()))
        .collect();
    assert_eq!(told, [(Standing::Waiting, "rewritten-over-there")]);
    let before = world.sent_back();
    world.sync().await;
    assert_eq!(world.sent_back(), before, "and it isn't written for ever");
    let key = decisions[0].subject.record.id.to_string();
    // A person lets it be tried: once.
    assert!(world.engine().await.look_again(&key).await.unwrap());
    for _ in 0..2 {
        world.sync().await;
        assert_eq!(world.sent_back(), before + 1);
    }
    assert_eq!(world.decisions().await[0].reason, "rewritten-over-there");
    world.far.lock().unwrap().rewrites = None;
    assert!(world.engine().await.look_again(&key).await.unwrap());
    world.sync().await;
    world.assert_shown("the trigger is off").await;
}
