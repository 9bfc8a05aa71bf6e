//! A second invoice under a key of ours: a person's copy is an item, another Footbridge holds the flow.

use crate::epochs::{copy, try_at_once};
use crate::ruled::link;
use crate::world::{Numbers, World};
use footbridge_engine::{Answered, EngineError, Held, Standing};
use serde_json::json;

impl World {
    /// Won deals of customers that the ledger has already: nothing keeps two invoices of theirs apart.
    fn known(&self, numbers: std::ops::RangeInclusive<usize>) {
        for n in numbers {
            let name = format!("Customer {n}");
            self.account(n, &name);
            self.deal(n, n, 100 * n);
            self.put(
                "customer",
                &format!("c{n}"),
                json!({"name": name, "status": "active"}),
            );
        }
    }

    /// A person copies an invoice in the ledger, with its link to the deal.
    fn copied(&self, invoice: &str, copy: &str) {
        let doc = self.doc("invoice", invoice);
        self.put("invoice", copy, doc);
    }

    async fn assert_twice(&self, n: usize) {
        let (standing, why, _) = self.decision(n).await;
        assert_eq!(
            (standing, why.as_str()),
            (Standing::Waiting, "key-stands-twice"),
            "{n}"
        );
    }
}

/// An original and a copy of its data directory, both let go on, with one deal billed.
async fn two_copies(write_back: WriteBack) -> (World, World) {
    let mut one = World::new(Numbers::Ledger);
    if write_back == WriteBack::Off {
        one.flow.policy.write_back = None;
    }
    one.known(1..=1);
    one.sync().await;
    let two = one.beside(|data| copy(&one.data(), data));
    two.go_on().await;
    two.sync().await;
    one.sync().await;
    assert_eq!(one.count("invoice"), 1);
    (one, two)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum WriteBack {
    On,
    Off,
}

fn is_held<T>(run: &Result<T, EngineError>) -> bool {
    matches!(run, Err(EngineError::Held { .. }))
}

#[tokio::test]
async fn two_copies_at_once_double_one_batch_and_are_held() {
    for write_back in [WriteBack::On, WriteBack::Off] {
        let (one, two) = two_copies(write_back).await;
        for round in 1..=3 {
            let first = 4 * round - 2;
            one.known(first..=first + 3);
            let ended = try_at_once(&one, &two).await;
            assert_eq!(is_held(&ended.0), round > 1, "{round} {:?}", ended.0);
            assert_eq!(is_held(&ended.1), round > 1, "{round} {:?}", ended.1);
            assert_eq!(one.count("invoice"), 9, "{round}");
            one.pass(60);
        }
        let held = one.held().await;
        assert!(
            matches!(held, Some(Held::AnotherAtWork { count: 4, .. })),
            "{held:?}"
        );
        // The copy is removed; the original goes on, and isn't held for the same again.
        one.go_on().await;
        assert_eq!(one.sync().await.applied["invoice"], 8);
        one.sync().await;
        assert_eq!(one.count("invoice"), 17);
        for n in 2..=5 {
            one.assert_twice(n).await;
        }
    }
}

#[tokio::test]
async fn one_go_covers_the_doubles_that_nobody_has_read_yet() {
    let (one, two) = two_copies(WriteBack::On).await;
    one.known(2..=3);
    let (first, second) = try_at_once(&one, &two).await;
    assert!(first.is_ok() && second.is_ok());
    assert!(is_held(&one.try_sync().await));
    one.copied("invoice-1", "copy");
    let engine = one.engine().await;
    assert!(engine.resume().await.unwrap());
    engine.sync().await.unwrap();
    drop(engine);
    assert_eq!(one.held().await, None);
    for n in 1..=3 {
        one.assert_twice(n).await;
    }
}

#[tokio::test]
async fn two_copies_that_bill_one_deal_at_a_time_are_found_out_by_what_the_deal_shows() {
    let (one, two) = two_copies(WriteBack::On).await;
    one.known(2..=2);
    let (first, second) = try_at_once(&one, &two).await;
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(one.count("invoice"), 3);
    let shown = one.doc("Opportunity", "opp2")["InvoiceId"].clone();
    one.known(3..=3);
    let held = [
        is_held(&one.try_sync().await),
        is_held(&two.try_sync().await),
    ];
    assert_eq!(
        held,
        [true, false],
        "the one whose invoice the deal doesn't show"
    );
    assert_eq!(one.count("invoice"), 4);
    assert_eq!(one.doc("Opportunity", "opp2")["InvoiceId"], shown);
    two.assert_twice(2).await;
}

#[tokio::test]
async fn two_copies_that_bill_one_deal_at_a_time_double_two_at_most_without_a_field_for_it() {
    let (one, two) = two_copies(WriteBack::Off).await;
    for n in 2..=3 {
        one.known(n..=n);
        let (first, second) = try_at_once(&one, &two).await;
        assert!(first.is_ok() && second.is_ok(), "{n}");
        one.pass(900);
    }
    one.known(4..=4);
    let (first, second) = try_at_once(&one, &two).await;
    assert!(is_held(&first) && is_held(&second));
    assert_eq!(one.count("invoice"), 5);
}

#[tokio::test]
async fn a_persons_copy_is_an_item_and_several_hold_once() {
    let world = World::with_deals(Numbers::Ledger, 6);
    world.sync().await;
    world.sync().await;
    for n in 1..=2 {
        world.copied(&format!("invoice-{n}"), &format!("copy-{n}"));
        world.sync().await;
        world.sync().await;
        world.assert_twice(n).await;
        world.pass(25 * 3600);
    }
    // One that is voided before the next turns up doesn't count.
    world.copied("invoice-3", "copy-3");
    world.sync().await;
    world.set("invoice", "copy-3", "status", json!("voided"));
    world.copied("invoice-4", "copy-4");
    world.sync().await;
    world.pass(25 * 3600);
    for n in 5..=6 {
        world.copied(&format!("invoice-{n}"), &format!("copy-{n}"));
    }
    assert!(is_held(&world.try_sync().await));
    world.go_on().await;
    world.sync().await;
    world.sync().await;
    for n in 4..=6 {
        world.assert_twice(n).await;
    }
    assert_eq!(world.count("invoice"), 12);
}

#[tokio::test]
async fn a_copy_that_a_person_takes_for_the_deals_own_holds_nothing() {
    let world = World::with_deals(Numbers::Ledger, 1);
    world.sync().await;
    world.copied("invoice-1", "copy");
    world.sync().await;
    world.assert_twice(1).await;
    let answered = world.answer("opp1", link("copy")).await;
    assert!(matches!(answered, Answered::Kept(_)), "{answered:?}");
    world.sync().await;
    assert_eq!(world.doc("Opportunity", "opp1")["InvoiceId"], json!("copy"));
    world.sync().await;
    assert_eq!(world.held().await, None);
}
