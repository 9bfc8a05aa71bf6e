//! Bad days that are no doubts: refusals, limits, wrong organisations, records that can't be read, feeds that misbehave.

use crate::far::Fault;
use crate::world::{Numbers, World};
use footbridge_engine::{Decision, EngineError, Evidence, Standing};
use footbridge_model::remedy::Remedy;
use footbridge_model::request::RequestState;
use serde_json::json;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn each_kind_of_failure_has_its_standing_and_no_second_attempt_too_many() {
    let refused = (Standing::Refused, "rejected");
    let again = (Standing::Waiting, "try-again");
    for (kind, (standing, reason), attempts) in [
        ("rejected", refused, 1),
        ("needs-person", refused, 1),
        ("conflict", again, 1),
        ("gone", again, 1),
        ("not-visible", again, 1),
        ("misconfigured", again, 1),
        ("quota", again, 1),
        ("auth-expired", again, 1),
        ("retry", again, 4),
    ] {
        let world = World::with_deals(Numbers::Ledger, 1);
        world.put(
            "customer",
            "known",
            json!({"name": "Customer 1", "status": "active"}),
        );
        let refusal = ("\"Deal 1\"".to_owned(), kind);
        world.far.lock().unwrap().refuse.push(refusal);
        let report = world.sync().await;
        assert_eq!(
            (report.failed, report.postponed),
            (1, 1),
            "{kind}: the invoice and its write-back"
        );
        let (found, code, message) = world.decision(1).await;
        assert_eq!((found, code.as_str()), (standing, reason), "{kind}");
        assert!(
            message.contains("the far side says no"),
            "{kind}: {message}"
        );
        assert_eq!(world.sent("invoice"), (attempts, 1.max(attempts)), "{kind}");
        assert_eq!(world.claims().await, 0, "{kind}");
        world.sync().await;
        let more = if standing == Standing::Refused {
            0
        } else {
            attempts
        };
        assert_eq!(
            world.sent("invoice").0,
            attempts + more,
            "{kind}: a refused one waits for a person"
        );
        world.far.lock().unwrap().refuse.clear();
        assert!(world.engine().await.look_again("opp1").await.unwrap());
        world.sync().await;
        world.sync().await;
        world.assert_settled(1, kind).await;
    }
}

#[tokio::test]
async fn a_rate_limit_is_waited_for_and_a_refused_credential_ends_the_writing() {
    let world = World::with_deals(Numbers::Ledger, 6);
    world.fault("customer", Fault::RateLimited(30));
    let before = world.far.lock().unwrap().now;
    world.sync().await;
    assert_eq!((world.far.lock().unwrap().now - before).num_seconds(), 30);
    world.sync().await;
    world.assert_settled(6, "rate limit").await;

    for fault in [Fault::Unauthorised, Fault::QuotaUsedUp] {
        let world = World::with_deals(Numbers::Ledger, 6);
        world.ledger.lock().unwrap().batch = 1;
        for _ in 0..6 {
            world.fault("customer", fault.clone());
        }
        let report = world.sync().await;
        assert_eq!(
            world.sent("customer").0,
            1,
            "{fault:?}: the other five weren't tried"
        );
        assert_eq!((report.failed, report.postponed), (6, 12), "{fault:?}");
        for n in 1..=6 {
            let (standing, reason, message) = world.decision(n).await;
            assert_eq!(
                (standing, reason.as_str()),
                (Standing::Waiting, "waits-for-another")
            );
            assert!(
                message.contains("the credential") || message.contains("the day's calls"),
                "{message}"
            );
        }
        world.far.lock().unwrap().faults.clear();
        world.sync().await;
        world.sync().await;
        world.assert_settled(6, "credential renewed").await;
    }
}

#[tokio::test]
async fn one_operation_that_cannot_be_written_fails_alone() {
    for named in [true, false] {
        let world = World::with_deals(Numbers::Ledger, 7);
        let text = Some("\"Customer 4\"".to_owned());
        {
            let mut manners = world.ledger.lock().unwrap();
            if named {
                manners.unwritable = text;
            } else {
                manners.unwritable_unnamed = text;
            }
        }
        let report = world.sync().await;
        assert_eq!(
            (report.applied["customer"], report.applied["invoice"]),
            (6, 6)
        );
        let (standing, _, message) = world.decision(4).await;
        assert_eq!(standing, Standing::Waiting);
        assert!(message.contains("the text is too long"), "{message}");
        world.ledger.lock().unwrap().unwritable = Some("\"Deal 4\"".to_owned());
        world.ledger.lock().unwrap().unwritable_unnamed = None;
        world.sync().await;
        let (standing, reason, message) = world.decision(4).await;
        assert_eq!((standing, reason.as_str()), (Standing::Waiting, "rejected"));
        assert!(message.contains("the text is too long"), "{message}");
        world.ledger.lock().unwrap().unwritable = None;
        world.sync().await;
        world.sync().await;
        world.assert_settled(7, "corrected").await;
    }
}

#[tokio::test]
async fn a_child_names_the_problem_of_its_parent() {
    let world = World::with_deals(Numbers::Ledger, 2);
    world
        .far
        .lock()
        .unwrap()
        .refuse
        .push(("\"Customer 1\"".to_owned(), "rejected"));
    world.sync().await;
    let (standing, reason, message) = world.decision(1).await;
    assert_eq!(
        (standing, reason.as_str()),
        (Standing::Waiting, "waits-for-another")
    );
    assert!(message.contains("the far side says no"), "{message}");
    assert_eq!(world.decision(2).await.0, Standing::Applied);
}

/// What the deal waits for, as its item tells it: the record, and the state of the request behind it.
async fn waits_for(world: &World) -> (String, Decision, Option<Evidence>) {
    let decision = world.decisions().await.remove(0);
    let first = decision.shown.waits_for.as_ref().unwrap().called();
    let evidence = world.engine().await.evidence(&decision).await.unwrap();
    (first, decision, evidence)
}

#[tokio::test]
async fn what_waits_for_another_names_it_and_the_request_behind() {
    let named = "\"Customer 1\" (Account acc1)";
    let world = World::with_deals(Numbers::Ledger, 1);
    let no = ("\"Customer 1\"".to_owned(), "rejected");
    world.far.lock().unwrap().refuse.push(no);
    for run in ["offered", "not offered again today"] {
        world.sync().await;
        let (first, decision, evidence) = waits_for(&world).await;
        assert_eq!(first, named, "{run}");
        let begins = format!("It waits for {named}, which was not written: the far side says no");
        assert!(
            decision.message.starts_with(&begins),
            "{}",
            decision.message
        );
        let evidence = evidence.unwrap();
        assert_eq!(evidence.position, Some(0), "{run}: {evidence:?}");
        assert!(evidence.answer.is_some(), "{run}");
    }

    let world = World::with_deals(Numbers::Ledger, 1);
    world.fault("customer", Fault::CachedError);
    for reason in ["waits-for-another", "unresolved-write"] {
        world.sync().await;
        let (first, decision, evidence) = waits_for(&world).await;
        assert_eq!((first.as_str(), decision.reason.as_str()), (named, reason));
        let evidence = evidence.unwrap();
        assert_eq!(evidence.state, RequestState::InDoubt, "{reason}");
        let takes = world.engine().await.remedies(&decision);
        assert_eq!(takes, [Remedy::Release, Remedy::Retry]);
        let request = format!("request {}", evidence.request);
        assert!(reason != "waits-for-another" || decision.message.contains(&request));
    }
    world.a_person_goes_on().await;
    world.assert_settled(1, "released").await;
}

#[tokio::test]
async fn a_number_that_was_not_reported_overwrites_nothing() {
    let world = World::with_deals(Numbers::Ledger, 1);
    world.far.lock().unwrap().silent_number = true;
    world.set("Opportunity", "opp1", "InvoiceNumber", json!("typed in"));
    world.sync().await;
    assert_eq!(
        world.doc("Opportunity", "opp1")["InvoiceNumber"],
        json!("typed in")
    );
    world.sync().await;
    world.assert_settled(1, "once the feed brought it").await;
}

#[tokio::test]
async fn an_organisation_that_turns_from_demo_to_live_stops_the_flow() {
    let mut world = World::with_deals(Numbers::Ledger, 1);
    // The CRM is live; the pair is meant.
    world.flow.mixed = Some("Sales".to_owned());
    world.ledger.lock().unwrap().sandbox = true;
    world.plan().await;
    world.ledger.lock().unwrap().sandbox = false;
    let error = world.try_sync().await.unwrap_err();
    assert!(
        matches!(error, EngineError::OrganisationTurned { .. }),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("as a live organisation, but it was a sandbox or demo company before"),
        "{error}"
    );
    assert_eq!(world.far.lock().unwrap().sends.len(), 0);
    world.ledger.lock().unwrap().sandbox = true;
    world.sync().await;
    world
        .assert_settled(1, "when it is the old one again")
        .await;
}

#[tokio::test]
async fn another_organisation_is_refused_for_good() {
    let world = World::with_deals(Numbers::Ledger, 1);
    let answer = |world: &World, organisations: &[(&str, &str)]| {
        let all = organisations
            .iter()
            .map(|(id, name)| ((*id).to_owned(), (*name).to_owned()));
        world.ledger.lock().unwrap().organisations = all.collect();
    };
    answer(&world, &[]);
    let error = world.try_sync().await.unwrap_err();
    assert!(
        matches!(error, EngineError::Organisations { count: 0, .. }),
        "{error}"
    );
    answer(&world, &[("led-1", "Books"), ("led-2", "Other")]);
    let error = world.try_sync().await.unwrap_err().to_string();
    assert!(error.contains("led-1 (Books), led-2 (Other)"), "{error}");
    answer(&world, &[("led-1", "Books")]);
    world.plan().await;
    answer(&world, &[("led-2", "Other")]);
    for _ in 0..2 {
        let error = world.try_sync().await.unwrap_err();
        assert!(
            matches!(error, EngineError::WrongOrganisation { .. }),
            "{error}"
        );
    }
    assert_eq!(world.far.lock().unwrap().sends.len(), 0);
    answer(&world, &[("led-2", "Other"), ("led-1", "Books")]);
    world.sync().await;
    world.sync().await;
    world.assert_settled(1, "the pinned one of several").await;

    let mut named = World::with_deals(Numbers::Ledger, 1);
    named.flow.pinned = vec![(named.flow.ledger.clone(), "led-9".to_owned())];
    let error = named.try_sync().await.unwrap_err();
    assert!(
        matches!(error, EngineError::WrongOrganisation { .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_mapping_that_reads_what_is_not_there_does_not_start() {
    let mut world = World::new(Numbers::Ledger);
    world
        .reads
        .push(("Quote".to_owned(), vec!["Name".to_owned()]));
    let fields = vec!["Name".to_owned(), "Owner.Name".to_owned()];
    world
        .crm
        .lock()
        .unwrap()
        .fields
        .insert("Account".to_owned(), fields);
    world.reads.push((
        "Account".to_owned(),
        vec!["Colour".to_owned(), "Owner".to_owned()],
    ));
    let error = world.open().await.err().unwrap();
    assert!(
        error
            .to_string()
            .contains("Account.Colour: the mapping reads"),
        "{error}"
    );
    let EngineError::Transform { source, .. } = error else {
        panic!("{error}")
    };
    let footbridge_engine::ports::TransformError::Settings(problems) = *source else {
        panic!("{source}")
    };
    let told: Vec<_> = problems
        .iter()
        .map(|p| (p.code.as_str(), p.message.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                "unknown-object",
                "the mapping reads \"Quote\", which crm doesn't have. It has: Account, Opportunity"
            ),
            (
                "unknown-field",
                "the mapping reads \"Colour\" of Account, which crm doesn't have. It has: Name, Owner.Name"
            ),
        ]
    );
}

#[tokio::test]
async fn feeds_in_small_pages_that_repeat_bring_everything_once() {
    let world = World::with_deals(Numbers::Ledger, 5);
    for manners in [&world.crm, &world.ledger] {
        let mut manners = manners.lock().unwrap();
        manners.page = 2;
        manners.repeats = true;
    }
    let report = world.sync().await;
    assert_eq!(report.applied["invoice"], 5);
    world.sync().await;
    world.assert_settled(5, "small pages").await;
    world.crm.lock().unwrap().endless = true;
    let error = world.try_sync().await.unwrap_err().to_string();
    for said in [
        "gives pages without end: Account, pages: 1, records: 1, ",
        "leading back to an earlier one",
        "`footbridge sync` reads on from there",
    ] {
        assert!(error.contains(said), "{error}");
    }
    world.crm.lock().unwrap().endless = false;
    world.sync().await;
}

#[tokio::test]
async fn a_page_is_read_again_where_somebody_else_wrote_what_the_plugin_keeps() {
    let world = World::with_deals(Numbers::Ledger, 3);
    world.intruder.store(7, Ordering::SeqCst);
    let report = world.sync().await;
    assert_eq!(report.applied["invoice"], 3);
    assert_eq!(world.intruder.load(Ordering::SeqCst), 0);
    world.assert_settled(3, "after an intruder").await;
    world.intruder.store(1_000, Ordering::SeqCst);
    let error = world.try_sync().await.unwrap_err().to_string();
    assert!(error.contains("changed by someone else"), "{error}");
    world.intruder.store(0, Ordering::SeqCst);
    world.sync().await;
}

#[tokio::test]
async fn other_paths_read_everything_again_and_bill_nothing_twice() {
    let mut world = World::with_deals(Numbers::Ledger, 2);
    world.sync().await;
    world.sync().await;
    world
        .reads
        .push(("Opportunity".to_owned(), vec!["Region".to_owned()]));
    world.set("Opportunity", "opp2", "Region", json!("North"));
    let report = world.sync().await;
    assert!(report.applied.is_empty(), "{report:?}");
    world.assert_settled(2, "read again").await;
}

#[tokio::test]
async fn records_too_large_for_a_row_are_kept_and_found_again() {
    let world = World::with_deals(Numbers::Ledger, 1);
    world.set(
        "Opportunity",
        "opp1",
        "Description",
        json!("long ".repeat(40_000)),
    );
    let name = format!("{} Ltd", "x".repeat(500));
    world.set("Account", "acc1", "Name", json!(name));
    let mut deal = world.doc("Opportunity", "opp1");
    deal["Name"] = json!("A deal with a long name ".repeat(5_000));
    world.put("Opportunity", "opp1", deal);
    world.sync().await;
    world.sync().await;
    world.assert_settled(1, "large").await;
    let size = world.doc("invoice", "invoice-1").to_string().len();
    assert!(size > 64 * 1024, "an answer larger than a row: {size}");
    assert!(world.sync().await.applied.is_empty());
}

#[tokio::test]
async fn a_renamed_customer_is_found_by_its_new_name_alone() {
    let world = World::with_deals(Numbers::Ledger, 1);
    world.put(
        "customer",
        "known",
        json!({"name": "Before", "status": "active"}),
    );
    world.plan().await;
    world.set("customer", "known", "name", json!("Customer 1"));
    world.account(2, "Before");
    world.deal(2, 2, 300);
    let report = world.sync().await;
    assert_eq!((report.adopted, report.applied["customer"]), (1, 1));
    assert_eq!(
        world.doc("invoice", "invoice-1")["customer"],
        json!("known")
    );
    world.sync().await;
    world.assert_settled(2, "renamed").await;
}

#[tokio::test]
async fn what_could_not_be_read_is_never_planned_on() {
    let unreadable = |field: &str| json!([{"field": field, "value": "junk"}]);
    // (object, id, record, whether deal 1 waits)
    let customer = |field: &str| json!({"name": "Customer 1", "number": "acc1", "status": "active", "unreadable": unreadable(field)});
    let invoice = |field: &str| json!({"customer": "c", "currency": "GBP", "date": "2026-09-20", "status": "authorised", "unreadable": unreadable(field)});
    for (what, object, id, doc, waits) in [
        (
            "a customer's e-mail",
            "customer",
            "c",
            customer("email"),
            false,
        ),
        (
            "a customer's status",
            "customer",
            "c",
            customer("status"),
            true,
        ),
        (
            "a customer without a name",
            "customer",
            "c",
            json!({"number": "acc1", "unreadable": unreadable("name")}),
            true,
        ),
        ("an invoice's total", "invoice", "i", invoice("total"), true),
        (
            "an invoice's due date",
            "invoice",
            "i",
            invoice("due_date"),
            false,
        ),
        (
            "an account",
            "account",
            "a-200",
            json!({"code": "200", "unreadable": unreadable("status")}),
            true,
        ),
        (
            "a rate",
            "tax-rate",
            "t-20",
            json!({"tax_type": "OUTPUT2", "status": "active", "unreadable": unreadable("rate")}),
            true,
        ),
        (
            "an account nobody needs",
            "account",
            "a-9",
            json!({"unreadable": unreadable("code")}),
            false,
        ),
    ] {
        let world = World::with_deals(Numbers::Ledger, 1);
        world.put(
            "customer",
            "c",
            json!({"name": "Customer 1", "number": "acc1", "status": "active"}),
        );
        world.put(object, id, doc);
        world.sync().await;
        let before = if object == "invoice" { 1 } else { 0 };
        assert_eq!(
            world.count("invoice") - before,
            usize::from(!waits),
            "{what}"
        );
        assert_eq!(world.count("customer"), 1, "{what}: no second customer");
        let (standing, _, message) = world.decision(1).await;
        let expected = if waits {
            Standing::Waiting
        } else {
            Standing::Applied
        };
        assert_eq!(standing, expected, "{what}: {message}");
        if waits && object != "account" && object != "tax-rate" {
            assert!(message.contains("junk"), "{what}: {message}");
        }
    }
    for (object, id, field) in [
        ("Opportunity", "opp1", "CloseDate"),
        ("Account", "acc1", "Name"),
    ] {
        let world = World::with_deals(Numbers::Ledger, 2);
        world.set(object, id, "unreadable", unreadable(field));
        world.sync().await;
        let (standing, reason, message) = world.decision(1).await;
        assert_eq!(
            (standing, reason.as_str()),
            (Standing::Waiting, "mapping-problem")
        );
        assert!(
            message.contains(field) && message.contains("junk"),
            "{message}"
        );
        assert_eq!(world.decision(2).await.0, Standing::Applied);
        world.set(object, id, "unreadable", json!([]));
        world.sync().await;
        world.sync().await;
        world.assert_settled(2, "readable again").await;
    }
}

#[tokio::test]
async fn the_journal_is_told_newest_first() {
    let world = World::with_deals(Numbers::Ledger, 3);
    world.sync().await;
    let engine = world.engine().await;
    let all = engine.events(1000).await.unwrap();
    assert!(all.len() > 9, "{all:?}");
    assert!(all.is_sorted_by(|a, b| a.at >= b.at));
    assert!(all[0].text.contains("Opportunity"), "{:?}", all[0]);
    assert_eq!(engine.events(2).await.unwrap(), all[..2]);
    assert_eq!(engine.events(0).await.unwrap(), []);
}

#[tokio::test]
async fn an_operation_whose_target_changed_meanwhile_is_left_to_the_next_plan() {
    let world = World::with_deals(Numbers::Ledger, 2);
    world.far.lock().unwrap().heard_meanwhile = Some("opp1".to_owned());
    let report = world.sync().await;
    assert_eq!((report.postponed, report.failed), (1, 0));
    assert_eq!(report.applied["invoice"], 2);
    assert_eq!(
        report.applied["Opportunity"], 1,
        "the other deal shows its invoice"
    );
    assert_eq!(world.doc("Opportunity", "opp1")["InvoiceId"], json!(null));
    world.sync().await;
    world.sync().await;
    world.assert_settled(2, "the next plan").await;
}

/// A customer that the ledger refuses is offered once a day, not in every run, and again at once when a person says so.
#[tokio::test]
async fn a_customer_that_was_refused_is_not_offered_again_in_every_run() {
    let world = World::with_deals(Numbers::Ledger, 1);
    let refusal = ("\"Customer 1\"".to_owned(), "rejected");
    world.far.lock().unwrap().refuse.push(refusal);
    world.sync().await;
    assert_eq!(world.sent("customer").0, 1);
    world.sync().await;
    world.sync().await;
    assert_eq!(world.sent("customer").0, 1, "offered again unchanged");
    assert!(world.engine().await.look_again("opp1").await.unwrap());
    world.sync().await;
    assert_eq!(world.sent("customer").0, 2, "a person asked for it");
    world.far.lock().unwrap().refuse.clear();
    world.sync().await;
    assert_eq!(world.count("invoice"), 0);
    world.pass(24 * 3600);
    world.sync().await;
    assert_eq!(world.count("invoice"), 1, "the next day it goes through");
}
