//! What stops a run before it writes: many records gone at once, a field that is gone, a sandbox beside a live organisation.

use crate::world::{Numbers, World};
use footbridge_engine::{EngineError, Standing};
use footbridge_model::failure::{Failure, FailureKind};
use footbridge_model::plan::reason;
use serde_json::json;

/// Runs; the error in words.
async fn refused(world: &World) -> (EngineError, String) {
    let error = world.try_sync().await.unwrap_err();
    let text = error.to_string();
    (error, text)
}

/// So many customers of the CRM that never bought anything.
fn bystanders(world: &World, count: usize) {
    for n in 0..count {
        world.account(1000 + n, &format!("Bystander {n}"));
    }
}

#[tokio::test]
async fn many_gone_at_once_stop_the_flow_until_a_person_accepts_it() {
    let world = World::with_deals(Numbers::Ledger, 2);
    bystanders(&world, 100);
    world.sync().await;
    for n in 0..5 {
        world
            .far
            .lock()
            .unwrap()
            .delete("Account", &format!("acc{}", 1000 + n));
    }
    world.sync().await;
    // Five are a handful. Six more over both sides are not.
    for n in 5..9 {
        world
            .far
            .lock()
            .unwrap()
            .delete("Account", &format!("acc{}", 1000 + n));
    }
    for n in ["invoice-1", "invoice-2"] {
        world.set("invoice", n, "status", json!("voided"));
    }
    world.deal(3, 2, 300);
    let sends = world.far.lock().unwrap().sends.len();
    for _ in 0..2 {
        let (error, text) = refused(&world).await;
        assert!(matches!(error, EngineError::Losses { .. }), "{text}");
        assert!(
            text.contains("crm: of Account 4 deleted") && text.contains("ledger: of invoice 2 "),
            "{text}"
        );
        assert!(text.contains("--accept-drop"), "{text}");
    }
    assert_eq!(
        world.far.lock().unwrap().sends.len(),
        sends,
        "nothing was written"
    );
    assert_eq!(world.engine().await.accept_losses().await.unwrap(), 2);
    world.sync().await;
    assert_eq!(world.decision(3).await.0, Standing::Applied);
    assert_eq!(world.decision(1).await.1, "invoice-voided");
    // It was about those; what goes from now on is counted anew.
    for n in 9..15 {
        world
            .far
            .lock()
            .unwrap()
            .delete("Account", &format!("acc{}", 1000 + n));
    }
    refused(&world).await;
}

#[tokio::test]
async fn what_we_deleted_ourselves_is_no_loss() {
    let mut world = World::with_deals(Numbers::Ledger, 7);
    world.flow.policy.billing.status = footbridge_plan::policy::InvoiceStatus::Draft;
    world.flow.policy.billing.draft_of_lost_deal = footbridge_plan::policy::DraftOfLostDeal::Delete;
    world.sync().await;
    for n in 1..=7 {
        world.set("Opportunity", &format!("opp{n}"), "IsWon", json!(false));
    }
    let report = world.sync().await;
    assert_eq!(report.applied["invoice"], 7);
    world.sync().await;
    world.sync().await;
}

#[tokio::test]
async fn many_that_are_no_longer_listed_stop_the_flow_and_few_do_not() {
    for (hidden, stops) in [(5, false), (12, true)] {
        let mut world = World::with_deals(Numbers::Ledger, 2);
        world.crm.lock().unwrap().counts = None;
        bystanders(&world, 100);
        world.sync().await;
        {
            // A right is taken away: they are neither deleted nor shown.
            let mut far = world.far.lock().unwrap();
            let table = far.tables.get_mut("Account").unwrap();
            for n in 0..hidden {
                table.remove(&format!("acc{}", 1000 + n));
            }
        }
        world.sync().await;
        // Another field is mapped: everything is read again.
        world.reads[0].1.push("Phone".to_owned());
        if stops {
            let (_, text) = refused(&world).await;
            assert!(
                text.contains("crm: of Account 12 of 102 no longer listed"),
                "{text}"
            );
            refused(&world).await;
            world.engine().await.accept_losses().await.unwrap();
        }
        world.sync().await;
    }
}

#[tokio::test]
async fn a_field_that_is_gone_is_named_with_where_it_is_used() {
    let mut world = World::with_deals(Numbers::Ledger, 1);
    world.flow.settings = "name = \"Name\"\nreference = \"Account.PO__c\"\n".to_owned();
    world.flow.policy.deal.parts = Some("PO__c".to_owned());
    let mut failure = Failure::new(
        FailureKind::Misconfigured,
        "unknown-field",
        "no such column",
    );
    failure.problem.field = Some("PO__c".to_owned());
    world
        .crm
        .lock()
        .unwrap()
        .unreadable
        .insert("Opportunity".to_owned(), failure);
    let (error, text) = refused(&world).await;
    assert!(matches!(error, EngineError::FieldGone { .. }), "{text}");
    assert!(text.contains("\"PO__c\" of Opportunity"), "{text}");
    assert!(
        text.contains("line 2 of the mapping (reference = \"Account.PO__c\")"),
        "{text}"
    );
    assert!(
        text.contains("[flows.deals.deal] parts = \"PO__c\""),
        "{text}"
    );
    world.crm.lock().unwrap().unreadable.clear();
    world.sync().await;
    world.assert_settled(1, "once it is back").await;
}

#[tokio::test]
async fn a_sandbox_beside_a_live_organisation_is_not_written_to_unasked() {
    for (crm, live) in [(true, "Books"), (false, "Sales")] {
        let mut world = World::with_deals(Numbers::Ledger, 1);
        world.crm.lock().unwrap().sandbox = crm;
        world.ledger.lock().unwrap().sandbox = !crm;
        for typed in [None, Some("books"), Some("Anything")] {
            world.flow.mixed = typed.map(str::to_owned);
            let (_, text) = refused(&world).await;
            assert!(
                text.contains("\"Books\"") && text.contains("\"Sales\""),
                "{text}"
            );
            assert!(text.contains(&format!("mixed = \"{live}\"")), "{text}");
        }
        assert_eq!(
            world.plan().await.plan.ops.len(),
            3,
            "a plan writes nothing"
        );
        assert_eq!(world.far.lock().unwrap().sends.len(), 0);
        world.flow.mixed = Some(live.to_owned());
        world.sync().await;
        world.assert_settled(1, live).await;
    }
}

#[tokio::test]
async fn a_deal_that_is_deleted_between_read_and_write_waits_and_the_rest_goes_on() {
    let world = World::with_deals(Numbers::Ledger, 2);
    let refusal = (
        "\"InvoiceLink\":\"https://ledger.example/invoice-1\"".to_owned(),
        "gone",
    );
    world.far.lock().unwrap().refuse.push(refusal);
    world.sync().await;
    let billed = world.doc("invoice", "invoice-1")["reference"].clone();
    let gone = if billed == json!("Deal 1") { 1 } else { 2 };
    world
        .far
        .lock()
        .unwrap()
        .delete("Opportunity", &format!("opp{gone}"));
    world.sync().await;
    let (standing, reason, _) = world.decision(gone).await;
    assert_eq!(
        (standing, reason.as_str()),
        (Standing::Waiting, "deal-deleted")
    );
    assert_eq!(world.decision(3 - gone).await.0, Standing::Applied);
    assert_eq!(world.count("invoice"), 2);
}

#[tokio::test]
async fn a_deal_that_waited_and_is_no_longer_shown_is_not_billed() {
    let mut world = World::with_deals(Numbers::Counter, 3);
    world.flow.rails.most_writes_per_run = Some(1);
    world.sync().await;
    assert_eq!(world.count("invoice"), 0);
    assert_eq!(world.decision(2).await.1, reason::OVER_THE_CAP);
    // Days later: one was purged, one was changed without a word of it.
    {
        let mut far = world.far.lock().unwrap();
        far.hide("Opportunity", "opp2");
        let mut doc = far.tables["Opportunity"]["opp3"].doc.clone();
        doc["Amount"] = json!("77");
        far.set_quietly("Opportunity", "opp3", doc);
    }
    world.flow.rails.most_writes_per_run = None;
    let preview = world.plan().await;
    assert!(
        preview
            .plan
            .ops
            .iter()
            .all(|op| op.subject.record.id.as_str() != "opp2")
    );
    for _ in 0..2 {
        world.sync().await;
        let (standing, why, message) = world.decision(2).await;
        assert_eq!(
            (standing, why.as_str()),
            (Standing::Waiting, reason::DEAL_NOT_VISIBLE),
            "{message}"
        );
        assert_eq!((world.count("invoice"), world.count("customer")), (2, 2));
    }
    let totals: Vec<_> = (world.far.lock().unwrap().rows("invoice").iter())
        .map(|(_, row)| row.doc["sub_total"].clone())
        .collect();
    assert!(totals.contains(&json!("77")), "{totals:?}");
    // It is seen again.
    world.deal(2, 2, 200);
    world.sync().await;
    assert_eq!(world.count("invoice"), 3);
}

#[tokio::test]
async fn a_reading_of_all_that_is_cut_short_forgets_no_loss() {
    for point in 6..=10 {
        let mut world = World::with_deals(Numbers::Ledger, 2);
        world.crm.lock().unwrap().counts = None;
        bystanders(&world, 100);
        world.sync().await;
        {
            let mut far = world.far.lock().unwrap();
            for n in 0..12 {
                far.hide("Account", &format!("acc{}", 1000 + n));
            }
        }
        world.sync().await;
        // Another field is mapped, so that everything is read again, in pages; the process ends between two of them.
        world.reads[0].1.push("Phone".to_owned());
        world.crm.lock().unwrap().page = 20;
        assert!(!world.sync_until(point).await);
        let (_, text) = refused(&world).await;
        assert!(
            text.contains("crm: of Account 12 of 102 no longer listed"),
            "{point}: {text}"
        );
    }
}
