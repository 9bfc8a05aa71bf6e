//! What a person decides about an item: checked before it is kept, obeyed by the next run, undone by looking again.

use crate::world::{Numbers, World};
use footbridge_engine::{Answered, Decision, Event, Happened, Known, Refusal, Standing};
use footbridge_model::id::RecordId;
use footbridge_model::ruling::Choice;
use footbridge_plan::policy::InvoiceStatus;
use serde_json::json;

pub(crate) fn link(id: &str) -> Choice {
    Choice::LinkTo {
        id: RecordId::from(id),
    }
}

/// One deal of 100 whose customer, in the ledger already, was billed that sum by hand.
async fn billed_by_hand() -> World {
    let world = World::with_deals(Numbers::Ledger, 1);
    let customer = json!({"name": "Customer 1", "number": "", "status": "active"});
    world.put("customer", "known", customer);
    world.bill("hand", "known", 120, "2026-10-01");
    world.sync().await;
    assert_eq!(world.decision(1).await.1, "looks-already-invoiced");
    world
}

impl World {
    pub(crate) async fn item(&self, id: &str) -> Decision {
        match self.engine().await.known(id).await.unwrap() {
            Known::Of(found) => found[0].clone(),
            other => panic!("{id}: {other:?}"),
        }
    }

    pub(crate) async fn answer(&self, id: &str, choice: Choice) -> Answered {
        let item = self.item(id).await;
        let engine = self.engine().await;
        engine.answer(&item, choice, "ann").await.unwrap()
    }

    async fn journal(&self) -> Vec<Event> {
        self.engine().await.events(1000).await.unwrap()
    }
}

#[tokio::test]
async fn a_deal_that_looks_invoiced_is_billed_on_a_persons_word() {
    let world = billed_by_hand().await;
    let Answered::Kept(follows) = world.answer("opp1", Choice::GoAhead).await else {
        panic!("refused");
    };
    assert!(
        follows
            .iter()
            .any(|text| text.contains("and is not billed: ")),
        "{follows:?}"
    );
    world.sync().await;
    assert_eq!(world.count("invoice"), 2);
    assert_eq!(world.decision(1).await.0, Standing::Applied);
    // Once more means nothing.
    let again = world.answer("opp1", Choice::GoAhead).await;
    let Answered::Refused(refusal) = &again else {
        panic!("{again:?}")
    };
    assert_eq!(
        refusal.to_string(),
        "opp1 is dealt with and waits for nothing, so there is nothing to decide"
    );
    let told = world.journal().await;
    let told = told.iter().find(|event| event.what == Happened::Ruled);
    assert_eq!(
        told.unwrap().text,
        "ann decided about Opportunity opp1 of crm (looks-already-invoiced): bill it anyway, as a second invoice of the same amount"
    );
    world.sync().await;
    assert_eq!(world.count("invoice"), 2, "once");
}

#[tokio::test]
async fn an_invoice_that_is_raised_after_the_yes_is_not_made_a_second_time() {
    let mut world = billed_by_hand().await;
    let kept = world.answer("opp1", Choice::GoAhead).await;
    assert!(matches!(kept, Answered::Kept(_)), "{kept:?}");
    // It waits for something else; meanwhile the bookkeeper raises it by hand.
    world.flow.rails = serde_json::from_value(json!({
        "first-run": "write", "most-writes-per-run": 0,
    }))
    .unwrap();
    world.sync().await;
    assert_eq!(world.decision(1).await.1, "over-the-cap");
    world.bill("new", "known", 120, "2026-10-02");
    world.flow.rails.most_writes_per_run = None;
    world.sync().await;
    let (standing, reason, message) = world.decision(1).await;
    assert_eq!(
        (standing, reason.as_str(), world.count("invoice")),
        (Standing::Waiting, "looks-already-invoiced", 2),
        "{message}"
    );
    assert!(
        message.contains("HAND-new") && message.ends_with("so decide again."),
        "{message}"
    );
    assert!(matches!(
        world.answer("opp1", link("new")).await,
        Answered::Kept(_)
    ));
    world.sync().await;
    assert_eq!(world.doc("Opportunity", "opp1")["InvoiceId"], json!("new"));
    assert_eq!(world.count("invoice"), 2);
}

/// Two deals of one customer, and one invoice by hand: which is it of? Said of both, it is refused at the second, until the first is taken back.
#[tokio::test]
async fn an_invoice_that_is_named_for_a_deal_is_no_other_ones() {
    let world = billed_by_hand().await;
    world.deal(2, 1, 100);
    world.sync().await;
    assert_eq!(world.decision(2).await.1, "looks-already-invoiced");
    for (deal, refused) in [("opp1", false), ("opp1", false), ("opp2", true)] {
        match world.answer(deal, link("hand")).await {
            Answered::Kept(_) => assert!(!refused, "{deal}"),
            Answered::Refused(refusal) => assert_eq!(
                (refused, refusal.to_string().as_str()),
                (
                    true,
                    "invoice \"HAND-hand\" (hand) is to be linked with Opportunity \"Deal 1\" (opp1), as ann decided on 2026-10-01. Name another one, or take that back with `footbridge items retry opp1`"
                )
            ),
        }
    }
    assert!(world.engine().await.look_again("opp1").await.unwrap());
    let kept = world.answer("opp2", link("hand")).await;
    assert!(matches!(kept, Answered::Kept(_)), "{kept:?}");
    world.sync().await;
    assert_eq!(world.doc("Opportunity", "opp2")["InvoiceId"], "hand");
    let taken = world.answer("opp1", link("hand")).await;
    let Answered::Refused(refusal) = taken else {
        panic!("{taken:?}");
    };
    assert!(
        matches!(refusal, Refusal::LinkedElsewhere { .. }),
        "{refusal}"
    );
}

#[tokio::test]
async fn whoever_saw_one_invoice_said_nothing_about_two() {
    let world = billed_by_hand().await;
    world.bill("new", "known", 120, "2026-10-02");
    world.plan().await;
    let refused = world.answer("opp1", Choice::GoAhead).await;
    let Answered::Refused(refusal) = refused else {
        panic!("{refused:?}");
    };
    assert!(
        matches!(refusal, Refusal::ShowsOtherwise { .. }),
        "{refusal}"
    );
    assert!(
        refusal.to_string().contains("HAND-new")
            && refusal.to_string().contains("Run `footbridge sync`"),
        "{refusal}"
    );
    world.sync().await;
    assert!(matches!(
        world.answer("opp1", Choice::GoAhead).await,
        Answered::Kept(_)
    ));
}

/// A draft of a deal that changed, edited by the bookkeeper.
async fn edited() -> World {
    let mut world = World::with_deals(Numbers::Ledger, 1);
    world.flow.policy.billing.status = InvoiceStatus::Draft;
    world.sync().await;
    world.sync().await;
    world.set("invoice", "invoice-1", "reference", json!("theirs"));
    world.set("Opportunity", "opp1", "Amount", json!("150"));
    world.sync().await;
    assert_eq!(world.decision(1).await.1, "invoice-edited");
    world
}

#[tokio::test]
async fn what_a_bookkeeper_adds_after_the_word_is_not_written_over() {
    for told in [true, false] {
        let world = edited().await;
        let take = Choice::TakeSource { field: None };
        let kept = world.answer("opp1", take.clone()).await;
        assert!(matches!(kept, Answered::Kept(_)), "{kept:?}");
        let mut doc = world.doc("invoice", "invoice-1");
        let mut freight = doc["lines"][0].clone();
        freight["id"] = json!("freight");
        freight["description"] = json!("Freight");
        doc["lines"].as_array_mut().unwrap().push(freight);
        doc["status"] = json!("authorised");
        if told {
            world.put("invoice", "invoice-1", doc);
        } else {
            // No list of changes tells of it: it is read again before it is changed.
            let mut far = world.far.lock().unwrap();
            let row = far.tables.get_mut("invoice").unwrap();
            let row = row.get_mut("invoice-1").unwrap();
            row.doc = doc;
            row.version += 1;
        }
        world.sync().await;
        let invoice = world.doc("invoice", "invoice-1");
        assert_eq!(invoice["lines"].as_array().unwrap().len(), 2, "{told}");
        let (_, reason, message) = world.decision(1).await;
        assert_eq!(reason, "invoice-edited");
        assert!(message.ends_with("so decide again."), "{message}");
        // Seen as it is now, it may be taken.
        let kept = world.answer("opp1", take).await;
        assert!(matches!(kept, Answered::Kept(_)), "{kept:?}");
        world.sync().await;
        let invoice = world.doc("invoice", "invoice-1");
        assert_eq!(invoice["total"], json!("180"), "{told}");
    }
}

#[tokio::test]
async fn about_what_is_done_there_is_nothing_to_do() {
    let world = World::with_deals(Numbers::Ledger, 1);
    world.sync().await;
    let item = world.item("opp1").await;
    assert_eq!(
        (item.standing, item.reason.as_str()),
        (Standing::Applied, "invoiced")
    );
    assert_eq!(world.engine().await.remedies(&item), []);
    let Answered::Refused(refusal) = world.answer("opp1", Choice::IgnoreOnce).await else {
        panic!("kept");
    };
    assert!(matches!(refusal, Refusal::NothingWaits { .. }), "{refusal}");
}

#[tokio::test]
async fn what_follows_is_told_once() {
    let world = edited().await;
    let keep = Choice::TakeLedger { field: None };
    let Answered::Kept(follows) = world.answer("opp1", keep).await else {
        panic!("refused");
    };
    assert_eq!(
        follows,
        [
            "ann decided that invoice \"INV-0001\" stays as the ledger has it; nothing is written to it."
        ]
    );
}

#[tokio::test]
async fn a_choice_that_leads_to_nothing_is_refused() {
    let mut world = edited().await;
    let field = Some("reference".to_owned());
    let refused = world.answer("opp1", Choice::TakeSource { field }).await;
    assert!(
        matches!(refused, Answered::Refused(Refusal::AsAWhole)),
        "{refused:?}"
    );
    // Lost, and in a period that is closed: the draft can't be deleted, now or once it is open again.
    world.set("Opportunity", "opp1", "IsWon", json!(false));
    world.flow.policy.billing.tax_filed_to = Some("2027-12-31".parse().unwrap());
    world.sync().await;
    assert_eq!(world.decision(1).await.1, "deal-lost");
    let take = Choice::TakeSource { field: None };
    let refused = world.answer("opp1", take.clone()).await;
    assert!(
        matches!(refused, Answered::Refused(Refusal::NotTaken { .. })),
        "{refused:?}"
    );
    world.flow.policy.billing.tax_filed_to = None;
    world.sync().await;
    assert_eq!(world.decision(1).await.1, "deal-lost");
    assert_eq!(world.doc("invoice", "invoice-1")["status"], json!("draft"));
    // Kept first, and then not after all.
    let keep = Choice::TakeLedger { field: None };
    for choice in [keep, take] {
        let kept = world.answer("opp1", choice).await;
        assert!(matches!(kept, Answered::Kept(_)), "{kept:?}");
        world.sync().await;
    }
    assert_eq!(
        world.doc("invoice", "invoice-1")["status"],
        json!("deleted")
    );
}

#[tokio::test]
async fn a_link_answers_for_the_customer_that_the_deal_had() {
    for again in [true, false] {
        let world = World::with_deals(Numbers::Ledger, 1);
        let theirs = json!({"name": "Customer 1", "number": "other", "status": "active"});
        world.put("customer", "x", theirs);
        world.sync().await;
        assert_eq!(world.decision(1).await.1, "customer-name-clash");
        assert!(matches!(
            world.answer("opp1", link("x")).await,
            Answered::Kept(_)
        ));
        if again {
            // It can be taken back.
            assert!(world.engine().await.look_again("opp1").await.unwrap());
            world.sync().await;
            assert_eq!(world.decision(1).await.1, "customer-name-clash");
            assert_eq!(world.count("invoice"), 0);
            let subject = world.item("opp1").await.subject;
            assert_eq!(world.engine().await.rulings(&subject).await.unwrap(), []);
        }
        // The deal was of another customer all along.
        world.account(2, "Customer 2");
        world.set("Opportunity", "opp1", "AccountId", json!("acc2"));
        world.sync().await;
        assert_eq!(world.decision(1).await.0, Standing::Applied, "{again}");
        let far = world.far.lock().unwrap();
        let billed = far.rows("invoice")[0].1.doc["customer"].clone();
        let customer = &far.tables["customer"][billed.as_str().unwrap()].doc;
        assert_eq!(customer["name"], json!("Customer 2"), "{again}");
    }
}

#[tokio::test]
async fn a_linked_invoice_is_the_deals_from_then_on() {
    for text in ["hand", "HAND-hand"] {
        let world = billed_by_hand().await;
        assert!(matches!(
            world.answer("opp1", link(text)).await,
            Answered::Kept(_)
        ));
        let sent = world.sent("invoice");
        world.sync().await;
        world.sync().await;
        assert_eq!((world.count("invoice"), world.sent("invoice")), (1, sent));
        assert_eq!(world.doc("Opportunity", "opp1")["InvoiceId"], json!("hand"));
        assert_eq!(world.decision(1).await.0, Standing::Applied);
        world.set("Opportunity", "opp1", "Amount", json!("70"));
        world.sync().await;
        // Nobody knows whether what somebody made by hand was sent: it is never edited.
        assert_eq!(world.decision(1).await.1, "needs-credit-note");
    }
}

#[tokio::test]
async fn a_linked_customer_is_billed_and_not_touched() {
    let world = World::with_deals(Numbers::Ledger, 2);
    let other = json!({"name": "Customer 1 Ltd", "number": "", "status": "active"});
    world.put("customer", "known", other);
    world.sync().await;
    assert_eq!(world.decision(1).await.1, "customer-looks-existing");
    assert!(matches!(
        world.answer("opp1", link("known")).await,
        Answered::Kept(_)
    ));
    world.sync().await;
    assert_eq!(
        world.count("customer"),
        2,
        "known, and the one of the other deal"
    );
    let bills = world.far.lock().unwrap().rows("invoice").len();
    assert_eq!(bills, 2);
    assert_eq!(
        world.doc("customer", "known")["name"],
        json!("Customer 1 Ltd")
    );
    assert_eq!(world.doc("customer", "known")["number"], json!(""));
}

#[tokio::test]
async fn what_was_never_read_is_asked_for_before_it_is_linked() {
    let world = billed_by_hand().await;
    world.far.lock().unwrap().fetched.clear();
    let refused = world.answer("opp1", link("nowhere")).await;
    let Answered::Refused(refusal) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        refusal.to_string(),
        "the ledger, ledger, has no invoice with id or number \"nowhere\""
    );
    assert_eq!(world.far.lock().unwrap().fetched, ["invoice nowhere"]);
    world.bill("fresh", "known", 120, "2026-10-01");
    assert!(matches!(
        world.answer("opp1", link("fresh")).await,
        Answered::Kept(_)
    ));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_words_and_nothing_is_kept() {
    let world = billed_by_hand().await;
    world.account(2, "Customer 2");
    world.deal(2, 2, 100);
    world.bill("theirs", "somebody", 120, "2026-10-01");
    world.sync().await;
    for (choice, said) in [
        (
            Choice::TakeLedger { field: None },
            "that can't be done about an item that waits for looks-already-invoiced",
        ),
        (
            link("theirs"),
            "with that it would still wait: ann linked it with invoice \"HAND-theirs\" on 2026-10-01, but it is another customer's. Name another one.",
        ),
    ] {
        let Answered::Refused(refusal) = world.answer("opp1", choice.clone()).await else {
            panic!("{choice:?}");
        };
        assert_eq!(refusal.to_string(), said);
    }
    let subject = world.item("opp1").await.subject;
    assert_eq!(world.engine().await.rulings(&subject).await.unwrap(), []);
    // The invoice that was made for another deal, and the customer of another account, by name.
    let made = world.doc("Opportunity", "opp2")["InvoiceId"].clone();
    let Answered::Refused(refusal) = world.answer("opp1", link(made.as_str().unwrap())).await
    else {
        panic!("kept");
    };
    assert!(
        refusal
            .to_string()
            .contains("is linked with Opportunity \"Deal 2\" (opp2) already"),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_customer_of_another_account_is_refused_by_name() {
    let world = World::with_deals(Numbers::Ledger, 1);
    world.sync().await;
    world.account(2, "Customer 1 Ltd");
    world.deal(2, 2, 50);
    world.sync().await;
    assert_eq!(world.decision(2).await.1, "customer-looks-existing");
    let customer = world.far.lock().unwrap().rows("customer")[0].0.to_string();
    let Answered::Refused(refusal) = world.answer("opp2", link(&customer)).await else {
        panic!("kept");
    };
    assert_eq!(
        refusal.to_string(),
        format!(
            "customer \"Customer 1\" ({customer}) is linked with Account \"Customer 1\" (acc1) already. Name another one"
        )
    );
}

#[tokio::test]
async fn a_person_who_saw_an_older_version_looks_first() {
    let world = billed_by_hand().await;
    world.set("Opportunity", "opp1", "Amount", json!("170"));
    world.plan().await;
    let refused = world.answer("opp1", Choice::GoAhead).await;
    assert!(
        matches!(refused, Answered::Refused(Refusal::Stale { .. })),
        "{refused:?}"
    );
    world.sync().await;
    assert_eq!(
        world.decision(1).await.0,
        Standing::Applied,
        "170 was never billed"
    );
}

#[tokio::test]
async fn a_decision_about_an_earlier_version_brings_the_item_back() {
    let world = billed_by_hand().await;
    world.answer("opp1", Choice::IgnoreOnce).await;
    world.sync().await;
    assert_eq!(world.decision(1).await.1, "ignored");
    world.set("Opportunity", "opp1", "Name", json!("Deal 1, renamed"));
    world.sync().await;
    let (standing, reason, message) = world.decision(1).await;
    assert_eq!(
        (standing, reason.as_str()),
        (Standing::Waiting, "looks-already-invoiced")
    );
    assert!(
        message.ends_with("it has changed, so decide again."),
        "{message}"
    );
}

#[tokio::test]
async fn what_is_ignored_for_good_comes_back_when_it_is_asked_for() {
    let world = billed_by_hand().await;
    world.answer("opp1", Choice::IgnoreAlways).await;
    world.set("Opportunity", "opp1", "Name", json!("Deal 1, renamed"));
    world
        .far
        .lock()
        .unwrap()
        .set("invoice", "hand", "status", json!("voided"));
    for _ in 0..2 {
        world.sync().await;
        assert_eq!(world.decision(1).await.1, "ignored");
    }
    assert_eq!(world.count("invoice"), 1);
    assert!(world.engine().await.look_again("opp1").await.unwrap());
    world.sync().await;
    assert_eq!(world.decision(1).await.0, Standing::Applied);
    assert_eq!(world.count("invoice"), 2, "the voided one and ours");
}

#[tokio::test]
async fn a_refused_deal_can_be_ignored_and_its_answer_is_kept() {
    let world = World::with_deals(Numbers::Ledger, 1);
    let customer = json!({"name": "Customer 1", "status": "active"});
    world.put("customer", "known", customer);
    let refusal = ("\"Deal 1\"".to_owned(), "rejected");
    world.far.lock().unwrap().refuse.push(refusal);
    world.sync().await;
    let item = world.item("opp1").await;
    assert_eq!(item.reason, "rejected");
    let evidence = world.engine().await.evidence(&item).await.unwrap().unwrap();
    assert_eq!(
        (evidence.sends, evidence.operations, evidence.position),
        (1, 1, Some(0))
    );
    let answer = evidence.answer.unwrap();
    assert_eq!(answer.status, 200);
    assert!(
        answer.body.contains("the far side says no"),
        "{}",
        answer.body
    );
    world.answer("opp1", Choice::IgnoreAlways).await;
    world.far.lock().unwrap().refuse.clear();
    world.sync().await;
    assert_eq!(world.decision(1).await.1, "ignored");
    assert_eq!(world.count("invoice"), 0);
}

#[tokio::test]
async fn an_item_is_found_by_the_beginning_of_its_id() {
    let world = World::new(Numbers::Ledger);
    world.account(1, "Customer 1");
    for id in ["006AAAAAAAAAAA1AAA", "006AAAAAAAAAAA2AAA"] {
        world.deal(1, 1, 100);
        let doc = world.doc("Opportunity", "opp1");
        world.put("Opportunity", id, doc);
    }
    world.sync().await;
    let engine = world.engine().await;
    let known = |id: &'static str| {
        let engine = std::sync::Arc::clone(&engine);
        async move { engine.known(id).await.unwrap() }
    };
    assert!(matches!(known("006AAAAAAAAAAA1").await, Known::Of(found) if found.len() == 1));
    assert!(matches!(known("006AAAA").await, Known::Several(ids) if ids.len() == 2));
    assert_eq!(known("006").await, Known::Nothing, "too short to mean one");
    assert_eq!(known("007AAAAAAAAAAA1").await, Known::Nothing);
}

/// A deal that was purged, or that the connection's user may no longer see, waits until a person says that it may be left.
#[tokio::test]
async fn a_deal_that_is_no_longer_shown_can_be_left() {
    for choice in [Choice::IgnoreOnce, Choice::IgnoreAlways] {
        let mut world = World::with_deals(Numbers::Ledger, 2);
        world.flow.rails.most_writes_per_run = Some(0);
        world.sync().await;
        world.far.lock().unwrap().hide("Opportunity", "opp2");
        world.flow.rails.most_writes_per_run = None;
        world.sync().await;
        assert_eq!(world.decision(2).await.1, "deal-not-visible");
        let Answered::Kept(follows) = world.answer("opp2", choice.clone()).await else {
            panic!("refused");
        };
        assert!(
            follows.iter().any(|text| text.contains("ann")),
            "{follows:?}"
        );
        for _ in 0..2 {
            world.far.lock().unwrap().fetched.clear();
            world.sync().await;
            let (standing, reason, _) = world.decision(2).await;
            assert_eq!(
                (standing, reason.as_str()),
                (Standing::Skipped, "ignored"),
                "{choice:?}"
            );
            assert_eq!(world.count("invoice"), 1);
            let asked = world.far.lock().unwrap().fetched.clone();
            assert!(!asked.iter().any(|id| id.contains("opp2")), "{asked:?}");
        }
        // It is seen again, in another version.
        world.deal(2, 2, 200);
        world.sync().await;
        let billed = match choice {
            Choice::IgnoreOnce => 2,
            _ => 1,
        };
        assert_eq!(world.count("invoice"), billed, "{choice:?}");
        // Looking again ends it.
        assert!(world.engine().await.look_again("opp2").await.unwrap());
        world.sync().await;
        assert_eq!(world.count("invoice"), 2, "{choice:?}");
    }
}
