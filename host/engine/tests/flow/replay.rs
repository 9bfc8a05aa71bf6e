//! Replay: what no list of changes told is found, what is applied is left alone, and only what was meant is looked at.

use crate::world::{Numbers, World};
use footbridge_engine::{Conditions, Mode, Replayed, Selection, Standing};
use serde_json::json;

impl World {
    async fn replay(&self, selection: Selection, mode: Mode) -> (Replayed, Vec<String>) {
        let mut named = Vec::new();
        let mut each = |looked: &footbridge_engine::Looked| named.push(looked.id.clone());
        let engine = self.engine().await;
        let done = engine.replay(&selection, mode, &mut each).await.unwrap();
        (done, named)
    }

    /// Changes a record so that no list of changes tells of it.
    fn quietly(&self, object: &str, id: &str, field: &str, value: serde_json::Value) {
        let mut far = self.far.lock().unwrap();
        let row = far.tables.get_mut(object).unwrap().get_mut(id).unwrap();
        row.doc[field] = value;
    }
}

fn one(id: &str) -> Selection {
    Selection::One(id.to_owned())
}

fn all() -> Selection {
    Selection::Matching(Conditions::default())
}

#[tokio::test]
async fn a_lost_change_is_found_by_replay_alone() {
    let world = World::with_deals(Numbers::Ledger, 2);
    world.set("Opportunity", "opp1", "Amount", json!("-5"));
    world.sync().await;
    assert_eq!(world.decision(1).await.1, "negative-amount");
    world.quietly("Opportunity", "opp1", "Amount", json!("70"));
    world.sync().await;
    assert_eq!(
        world.decision(1).await.1,
        "negative-amount",
        "nothing told of it"
    );
    let (done, named) = world.replay(one("opp1"), Mode::Do).await;
    assert_eq!((done.looked_at, done.changed, done.not_shown), (1, 1, 0));
    assert_eq!(named, ["opp1"]);
    world.sync().await;
    world.assert_settled(2, "replayed").await;
}

#[tokio::test]
async fn a_customer_that_came_back_without_a_word_is_read_again_with_its_deal() {
    let world = World::with_deals(Numbers::Ledger, 1);
    world.sync().await;
    let customer = world.far.lock().unwrap().rows("customer")[0].0.to_string();
    world.set("customer", &customer, "status", json!("archived"));
    world.deal(2, 1, 50);
    world.sync().await;
    assert_eq!(world.decision(2).await.1, "customer-gone");
    world.quietly("customer", &customer, "status", json!("active"));
    world.sync().await;
    assert_eq!(
        world.decision(2).await.1,
        "customer-gone",
        "nothing told of it"
    );
    let gone = Selection::Matching(Conditions {
        reason: Some("customer-gone".to_owned()),
        ..Conditions::default()
    });
    let (done, named) = world.replay(gone, Mode::Do).await;
    assert_eq!(
        (done.looked_at, named.as_slice()),
        (1, ["opp2".to_owned()].as_slice())
    );
    world.sync().await;
    assert_eq!(world.decision(2).await.0, Standing::Applied);
}

#[tokio::test]
async fn replaying_what_is_applied_writes_nothing() {
    let world = World::with_deals(Numbers::Counter, 12);
    world.sync().await;
    world.sync().await;
    let sent = world.far.lock().unwrap().sends.len();
    for _ in 0..2 {
        let (done, named) = world.replay(all(), Mode::Do).await;
        assert_eq!((done.looked_at, done.changed, named.len()), (12, 0, 12));
        let report = world.sync().await;
        assert_eq!(report.skipped["up-to-date"], 12);
    }
    assert_eq!(world.far.lock().unwrap().sends.len(), sent);
    world.assert_settled(12, "replayed twice").await;
}

#[tokio::test]
async fn only_what_was_meant_is_looked_at_and_a_dry_run_asks_nobody() {
    let world = World::with_deals(Numbers::Ledger, 6);
    world.set("Opportunity", "opp2", "Amount", json!("-5"));
    world.set("Opportunity", "opp3", "Amount", json!("-5"));
    world.sync().await;
    world.sync().await;
    let first = world.far.lock().unwrap().now;
    world.pass(3600);
    world.set("Opportunity", "opp3", "Amount", json!("0"));
    world.sync().await;
    let now = world.far.lock().unwrap().now;
    let conditions = Conditions::default;
    let mid = first + (now - first) / 2;
    for (of, want) in [
        (
            Conditions {
                reason: Some("negative-amount".to_owned()),
                ..conditions()
            },
            vec!["opp2"],
        ),
        (
            Conditions {
                since: Some(mid),
                ..conditions()
            },
            vec!["opp3"],
        ),
        (
            Conditions {
                until: Some(mid),
                reason: Some("zero-amount".to_owned()),
                ..conditions()
            },
            vec![],
        ),
        (
            Conditions {
                holds: vec![("Name".to_owned(), "Deal 5".to_owned())],
                ..conditions()
            },
            vec!["opp5"],
        ),
        (
            Conditions {
                holds: vec![
                    ("IsWon".to_owned(), "true".to_owned()),
                    ("Amount".to_owned(), "-5".to_owned()),
                ],
                since: Some(first - chrono::TimeDelta::days(1)),
                ..conditions()
            },
            vec!["opp2"],
        ),
    ] {
        let looks = world.looks();
        let (done, named) = world
            .replay(Selection::Matching(of.clone()), Mode::Dry)
            .await;
        assert_eq!(named, want, "{of:?}");
        assert_eq!(done.looked_at, want.len(), "{of:?}");
        assert_eq!(world.looks(), looks, "nobody was asked");
        let status = world.engine().await.status().await.unwrap();
        assert_eq!(status.due, 0, "{of:?}");
    }
}

#[tokio::test]
async fn each_deal_is_named_with_how_it_stands() {
    let world = World::with_deals(Numbers::Ledger, 3);
    world.set("Opportunity", "opp2", "Amount", json!("-5"));
    world.sync().await;
    world.deal(4, 1, 10);
    world.plan().await;
    let of = Conditions {
        holds: vec![("IsWon".to_owned(), "true".to_owned())],
        ..Conditions::default()
    };
    let mut told = Vec::new();
    let mut each = |looked: &footbridge_engine::Looked| {
        told.push((looked.title.clone(), looked.reason.clone()));
    };
    let selection = Selection::Matching(of);
    let engine = world.engine().await;
    engine
        .replay(&selection, Mode::Dry, &mut each)
        .await
        .unwrap();
    let stands = |title: &str, reason: &str| (title.to_owned(), Some(reason.to_owned()));
    assert_eq!(
        told,
        [
            stands("Deal 1", "invoiced"),
            stands("Deal 2", "negative-amount"),
            stands("Deal 3", "invoiced"),
            ("opp4".to_owned(), None),
        ]
    );
}

#[tokio::test]
async fn what_is_not_shown_is_left_as_it_is() {
    let world = World::with_deals(Numbers::Ledger, 2);
    world.sync().await;
    let (done, _) = world.replay(one("nowhere"), Mode::Do).await;
    assert_eq!((done.looked_at, done.not_shown), (0, 1));
    world.crm.lock().unwrap().hidden.push("opp1".to_owned());
    let (done, _) = world.replay(all(), Mode::Do).await;
    assert_eq!((done.looked_at, done.not_shown), (1, 1));
    world.sync().await;
    assert_eq!(world.decision(1).await.0, Standing::Applied);
}

#[tokio::test]
async fn a_customer_that_is_not_linked_is_told_apart() {
    let world = crate::customers::with(1, json!({}));
    world.set("Opportunity", "opp1", "IsWon", json!(false));
    world.account(2, "Nobody");
    world.deal(2, 1, 50);
    world.sync().await;
    for (id, mode, want) in [
        ("acc1", Mode::Do, (1, 0)),
        ("acc1", Mode::Dry, (1, 0)),
        ("acc2", Mode::Do, (0, 1)),
        ("acc2", Mode::Dry, (0, 1)),
    ] {
        let (done, named) = world.replay(one(id), mode).await;
        assert_eq!((done.looked_at, done.not_linked), want, "{id} {mode:?}");
        assert_eq!((done.not_shown, named), (0, vec![id.to_owned()]));
    }
}

#[tokio::test]
async fn a_record_of_the_way_back_is_read_again() {
    let world = World::with_books(1);
    world.sync().await;
    world.sync().await;
    let invoice = world.doc("Opportunity", "opp1")["InvoiceId"].clone();
    let invoice = invoice.as_str().unwrap();
    let key = crate::books::key("invoice", invoice);
    world.far.lock().unwrap().fetched.clear();
    let (done, _) = world.replay(one(&key), Mode::Do).await;
    assert_eq!((done.looked_at, done.not_shown), (1, 0));
    let shown = world.sent("document");
    world.sync().await;
    let read = format!("invoice {invoice}");
    assert!(world.far.lock().unwrap().fetched.contains(&read));
    assert_eq!(
        world.sent("document"),
        shown,
        "nothing changed, nothing is written"
    );
}

#[tokio::test]
async fn a_field_that_no_record_has_is_named() {
    let world = World::with_deals(Numbers::Ledger, 2);
    world.sync().await;
    world.sync().await;
    for (reason, fields, unknown) in [
        (None, vec![("Name", "x")], vec![]),
        (
            None,
            vec![("Name", "x"), ("Nope", "1"), ("No.pe", "1")],
            vec!["No.pe", "Nope"],
        ),
        (Some("up-to-date"), vec![("Nope", "1")], vec!["Nope"]),
        // Nothing was looked through, so nothing is known of it.
        (Some("rejected"), vec![("Nope", "1")], vec![]),
    ] {
        let holds = fields
            .iter()
            .map(|(field, value)| (field.to_string(), value.to_string()));
        let of = Conditions {
            reason: reason.map(str::to_owned),
            holds: holds.collect(),
            ..Conditions::default()
        };
        let (done, named) = world.replay(Selection::Matching(of), Mode::Dry).await;
        assert_eq!(done.unknown_fields, unknown, "{reason:?} {fields:?}");
        assert!(named.is_empty());
    }
}
