//! An invoice whose deal changed or was lost: updated once, kept, deleted or left alone, whatever becomes of the answer.

use crate::far::Fault;
use crate::world::{Numbers, World};
use footbridge_engine::Standing;
use footbridge_model::id::{ConnectionId, ObjectName, OrganisationId, RecordId, RecordKey};
use footbridge_model::ruling::{Choice, Ruling};
use footbridge_plan::policy::{DraftOfLostDeal, InvoiceStatus};
use serde_json::json;

/// One deal of 100, billed with a draft.
async fn billed() -> World {
    let mut world = World::with_deals(Numbers::Ledger, 1);
    world.flow.policy.billing.status = InvoiceStatus::Draft;
    world.sync().await;
    world.sync().await;
    world
}

fn raise(world: &World) {
    world.set("Opportunity", "opp1", "Amount", json!("150"));
}

/// A person's word about the deal as it is now.
async fn rule(world: &World, reason: &str, choice: Choice) {
    let version = world.far.lock().unwrap().tables["Opportunity"]["opp1"].version;
    let decisions = world.decisions().await;
    let item = decisions.into_iter().find(|item| item.reason == reason);
    let ruling = Ruling {
        record: RecordKey {
            connection: ConnectionId::new("crm"),
            organisation: OrganisationId::new("crm-1"),
            object: ObjectName::new("Opportunity"),
            id: RecordId::new("opp1"),
        },
        part: 1,
        reason: reason.to_owned(),
        choice,
        seen: version.to_string(),
        shown: item.unwrap().shown,
        by: "kim".to_owned(),
        at: world.far.lock().unwrap().now,
    };
    world.engine().await.rule(ruling).await.unwrap();
}

/// Two more runs write nothing, and the deal stands like this.
async fn is_quiet(world: &World, want: (Standing, &str), what: &str) {
    let before = world.far.lock().unwrap().sends.len();
    world.sync().await;
    world.sync().await;
    assert_eq!(
        world.far.lock().unwrap().sends.len(),
        before,
        "{what}: it writes"
    );
    let (standing, reason, message) = world.decision(1).await;
    assert_eq!((standing, reason.as_str()), want, "{what}: {message}");
    assert_eq!(world.count("invoice"), 1, "{what}");
}

#[tokio::test]
async fn a_draft_follows_its_deal_in_place() {
    let world = billed().await;
    let line = world.doc("invoice", "invoice-1")["lines"][0]["id"].clone();
    raise(&world);
    let preview = world.plan().await;
    assert_eq!(preview.plan.ops.len(), 1);
    let report = world.sync().await;
    assert_eq!(report.applied["invoice"], 1);
    let invoice = world.doc("invoice", "invoice-1");
    assert_eq!(
        (&invoice["sub_total"], &invoice["total"]),
        (&json!("150"), &json!("180"))
    );
    assert_eq!(invoice["lines"][0]["id"], line, "the same line");
    assert_eq!(invoice["status"], json!("draft"));
    is_quiet(&world, (Standing::Applied, "invoiced"), "updated").await;
    // And follows again: the shadow is what the ledger reported of the update.
    world.set("Opportunity", "opp1", "Amount", json!("170"));
    world.sync().await;
    assert_eq!(world.doc("invoice", "invoice-1")["total"], json!("204"));
    is_quiet(&world, (Standing::Applied, "invoiced"), "again").await;
}

#[tokio::test]
async fn what_lists_do_not_tell_is_read_before_it_is_changed() {
    for (what, change, reason) in [
        (
            "paid",
            json!({"status": "paid", "amount_paid": "120", "amount_due": "0"}),
            "needs-credit-note",
        ),
        ("edited", json!({"reference": "theirs"}), "invoice-edited"),
    ] {
        let world = billed().await;
        let mut doc = world.doc("invoice", "invoice-1");
        for (field, value) in change.as_object().unwrap() {
            doc[field] = value.clone();
        }
        world
            .far
            .lock()
            .unwrap()
            .set_quietly("invoice", "invoice-1", doc);
        raise(&world);
        world.sync().await;
        is_quiet(&world, (Standing::Waiting, reason), what).await;
    }
    let world = billed().await;
    raise(&world);
    world
        .ledger
        .lock()
        .unwrap()
        .hidden
        .push("invoice-1".to_owned());
    world.sync().await;
    is_quiet(&world, (Standing::Waiting, "not-visible"), "hidden").await;
    world.ledger.lock().unwrap().hidden.clear();
    world.sync().await;
    assert_eq!(world.doc("invoice", "invoice-1")["total"], json!("180"));
}

#[tokio::test]
async fn a_draft_that_a_person_edited_waits_for_their_word() {
    for (choice, total, after) in [
        (Choice::TakeLedger { field: None }, "120", "up-to-date"),
        (Choice::TakeSource { field: None }, "180", "invoiced"),
    ] {
        let world = billed().await;
        world.set("invoice", "invoice-1", "reference", json!("theirs"));
        world.sync().await;
        is_quiet(
            &world,
            (Standing::Applied, "up-to-date"),
            "an edit alone is nobody's business",
        )
        .await;
        raise(&world);
        world.sync().await;
        is_quiet(&world, (Standing::Waiting, "invoice-edited"), "both").await;
        rule(&world, "invoice-edited", choice.clone()).await;
        world.sync().await;
        let invoice = world.doc("invoice", "invoice-1");
        assert_eq!(
            (&invoice["total"], &invoice["reference"]),
            (&json!(total), &json!("theirs")),
            "{choice:?}"
        );
        is_quiet(&world, (Standing::Applied, after), "after their word").await;
        // Whatever they chose, the draft follows the next change.
        world.set("Opportunity", "opp1", "Amount", json!("170"));
        world.sync().await;
        assert_eq!(
            world.doc("invoice", "invoice-1")["total"],
            json!("204"),
            "{choice:?}"
        );
    }
}

#[tokio::test]
async fn the_draft_of_a_lost_deal() {
    let world = billed().await;
    world.set("Opportunity", "opp1", "IsWon", json!(false));
    world.sync().await;
    is_quiet(&world, (Standing::Waiting, "deal-lost"), "asks").await;
    rule(&world, "deal-lost", Choice::TakeSource { field: None }).await;
    world.sync().await;
    assert_eq!(
        world.doc("invoice", "invoice-1")["status"],
        json!("deleted")
    );
    is_quiet(
        &world,
        (Standing::Skipped, "not-won"),
        "deleted by their word",
    )
    .await;
    world.set("Opportunity", "opp1", "IsWon", json!(true));
    world.sync().await;
    is_quiet(&world, (Standing::Waiting, "invoice-voided"), "won again").await;

    let mut world = billed().await;
    world.flow.policy.billing.draft_of_lost_deal = DraftOfLostDeal::Delete;
    world.set("Opportunity", "opp1", "IsWon", json!(false));
    world.sync().await;
    assert_eq!(
        world.doc("invoice", "invoice-1")["status"],
        json!("deleted")
    );
    is_quiet(&world, (Standing::Skipped, "not-won"), "deleted by policy").await;
}

#[tokio::test]
async fn a_deleted_deal_never_voids_its_invoice() {
    let world = billed().await;
    world.far.lock().unwrap().delete("Opportunity", "opp1");
    world.sync().await;
    is_quiet(&world, (Standing::Waiting, "deal-deleted"), "asks").await;
    rule(&world, "deal-deleted", Choice::TakeLedger { field: None }).await;
    world.sync().await;
    is_quiet(&world, (Standing::Skipped, "deal-deleted"), "kept").await;
    assert_eq!(world.doc("invoice", "invoice-1")["status"], json!("draft"));
}

/// Every fault of the table, for an update and for a deletion: one effect each, and nothing is left open.
#[tokio::test]
async fn whatever_becomes_of_the_answer_it_happens_once() {
    let faults = [
        Fault::NeverLeft(None),
        Fault::LostBefore,
        Fault::LostAfter,
        Fault::CommitsAfter(20),
        Fault::CommitsAfter(100),
        Fault::CommitsAfter(400),
        Fault::ErrorBefore(500),
        Fault::ErrorAfter(500),
        Fault::ErrorBefore(503),
        Fault::CachedError,
        Fault::Nonsense,
        Fault::BrokenRecord,
        Fault::RateLimited(30),
        Fault::RateLimited(100),
    ];
    for fault in faults {
        let world = billed().await;
        let line = world.doc("invoice", "invoice-1")["lines"][0]["id"].clone();
        raise(&world);
        world.fault("invoice", fault.clone());
        world.sync().await;
        world.a_person_goes_on().await;
        let invoice = world.doc("invoice", "invoice-1");
        assert_eq!(invoice["total"], json!("180"), "{fault:?}");
        assert_eq!(invoice["lines"].as_array().unwrap().len(), 1, "{fault:?}");
        assert_eq!(invoice["lines"][0]["id"], line, "{fault:?}");
        world.assert_settled(1, &format!("{fault:?}")).await;

        let mut world = billed().await;
        world.flow.policy.billing.draft_of_lost_deal = DraftOfLostDeal::Delete;
        world.set("Opportunity", "opp1", "IsWon", json!(false));
        world.fault("invoice", fault.clone());
        world.sync().await;
        world.a_person_goes_on().await;
        assert_eq!(
            world.doc("invoice", "invoice-1")["status"],
            json!("deleted"),
            "{fault:?}"
        );
        assert_eq!(world.claims().await, 0, "{fault:?}");
        is_quiet(
            &world,
            (Standing::Skipped, "not-won"),
            &format!("{fault:?}"),
        )
        .await;
    }
}

#[tokio::test]
async fn dead_at_every_point_of_a_run_that_updates() {
    let mut point = 0;
    loop {
        point += 1;
        let world = billed().await;
        raise(&world);
        if world.sync_until(point).await {
            break;
        }
        world.a_person_goes_on().await;
        assert_eq!(
            world.doc("invoice", "invoice-1")["total"],
            json!("180"),
            "dead at point {point}"
        );
        world
            .assert_settled(1, &format!("dead at point {point}"))
            .await;
    }
    assert!(point > 10, "only {point} points");
}

#[tokio::test]
async fn an_edit_between_the_write_and_the_look_is_not_written_over() {
    let world = billed().await;
    raise(&world);
    world.fault("invoice", Fault::LostAfter);
    world.sync().await;
    // The first look came after our patience; before the next one somebody edits what we wrote.
    world.pass(30);
    let open = world.engine().await.open_requests().await.unwrap();
    if !open.is_empty() {
        world.set("invoice", "invoice-1", "reference", json!("theirs"));
    }
    world.a_person_goes_on().await;
    let invoice = world.doc("invoice", "invoice-1");
    assert_eq!(invoice["total"], json!("180"));
    assert_eq!(world.claims().await, 0);
}

#[tokio::test]
async fn an_update_that_comes_to_other_totals_waits_for_a_look() {
    let world = billed().await;
    world.far.lock().unwrap().surcharge = 1;
    raise(&world);
    world.sync().await;
    is_quiet(&world, (Standing::Refused, "total-differs"), "flagged").await;
}
