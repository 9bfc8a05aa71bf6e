//! What is shown on the deal (domain rule 10).

use crate::world::{World, at, ops, our_key};
use footbridge_model::plan::{Expectation, reason};
use footbridge_model::ruling::Choice;
use serde_json::json;

/// Billed by invoice 7; the deal shows what a case says.
fn billed() -> World {
    World::new().with(|w| {
        w.ledger_invoice("7", json!({}));
        w.link_invoice("d1", 1, "7");
    })
}

fn shown(world: World, id: &str, number: &str, link: &str) -> World {
    world.deal(|d| {
        d.set("InvoiceId", json!(id))
            .set("InvoiceNumber", json!(number))
            .set("InvoiceLink", json!(link))
    })
}

#[test]
fn a_new_invoice_is_shown_once_it_is_made() {
    let plan = World::new().plan();
    let invoice = &ops(&plan, "invoice")[0];
    let op = &ops(&plan, "Opportunity")[0];
    let id = invoice.id.as_str();
    let want = format!(
        concat!(
            r#"{{"InvoiceId":{{"$op":"{id}","field":"id"}},"#,
            r#""InvoiceLink":{{"$op":"{id}","field":"id","prefix":"https://books.example/view/"}},"#,
            r#""InvoiceNumber":{{"$op":"{id}","field":"number"}}}}"#
        ),
        id = id
    );
    assert_eq!(op.doc.canonical(), want);
    assert_eq!(op.after, std::slice::from_ref(&invoice.id));
    assert_eq!(op.connection.as_str(), "crm");
    assert_eq!(op.target.as_ref().unwrap().as_str(), "d1");
    assert_eq!(op.expects, Expectation::Version("v1".to_owned()));
    assert_eq!(
        (op.natural_key.field.as_str(), op.natural_key.value.as_str()),
        ("id", "d1")
    );
    assert_eq!(op.link.id, our_key("d1", 1));
}

#[test]
fn a_flow_without_fields_writes_nothing_back() {
    let none = World::new().with(|w| w.policy.write_back = None).plan();
    assert!(ops(&none, "Opportunity").is_empty());
    let empty = World::new().with(|w| {
        let fields = w.policy.write_back.as_mut().unwrap();
        (fields.id, fields.number, fields.link) = (None, None, None);
    });
    assert!(ops(&empty.plan(), "Opportunity").is_empty());
}

#[test]
fn what_the_deal_lacks_is_written_and_nothing_else() {
    let plan = billed().plan();
    assert_eq!(billed().outcome(), "write-back");
    assert_eq!(
        plan.ops[0].doc.canonical(),
        r#"{"InvoiceId":"7","InvoiceLink":"https://books.example/view/7","InvoiceNumber":"INV-7"}"#
    );
    let link = "https://books.example/view/7";
    let partly = shown(billed(), "7", "INV-6", link);
    assert_eq!(
        partly.plan().ops[0].doc.canonical(),
        r#"{"InvoiceNumber":"INV-7"}"#
    );
    assert_eq!(
        shown(billed(), "7", "INV-7", link).outcome(),
        "skip up-to-date"
    );
}

#[test]
fn what_was_not_read_is_not_overwritten() {
    let unread = billed().with(|w| {
        let fields = w.deals[0].source.as_object_mut().unwrap();
        fields.retain(|field, _| !field.starts_with("Invoice"));
    });
    assert_eq!(unread.outcome(), "skip up-to-date");
}

#[test]
fn a_number_that_the_ledger_has_not_given_yet_is_not_written() {
    let world = billed().with(|w| w.ledger_invoice("7", json!({"number": ""})));
    assert_eq!(
        world.plan().ops[0].doc.canonical(),
        r#"{"InvoiceId":"7","InvoiceLink":"https://books.example/view/7"}"#
    );
}

#[test]
fn an_unresolved_write_back_waits() {
    let world = billed().with(|w| w.unresolved("Opportunity", "id", "d1"));
    assert_eq!(world.outcome(), "hold unresolved-write");
}

#[test]
fn a_deal_in_parts_shows_the_latest_one_and_stays_so() {
    let mut world = World::new()
        .deal(|d| d.set("Plan", json!("30,70")))
        .with(|w| w.policy.deal.part_days = vec![30]);
    let first = world.plan();
    world.apply(&first);
    assert_eq!(world.deals[0].source["InvoiceId"], json!("i1"));
    world.as_of = at("2026-12-01T09:00:00Z", "2026-12-01");
    let second = world.plan();
    assert_eq!(ops(&second, "Opportunity").len(), 1);
    world.apply(&second);
    assert_eq!(world.deals[0].source["InvoiceId"], json!("i2"));
    assert!(world.plan().ops.is_empty());
    // The latest one is voided: the deal doesn't fall back to the first.
    world.observed.invoices.get_mut("i2").unwrap().value.status = Some("voided".to_owned());
    let world = world.deal(|d| d.set("InvoiceId", json!(null)));
    assert_eq!(
        world.outcomes(),
        ["d1/1 skip up-to-date", "d1/2 hold invoice-voided"]
    );
}

#[test]
fn both_parts_at_once_show_the_second() {
    let plan = World::new()
        .deal(|d| d.set("Plan", json!("30,70")))
        .with(|w| {
            w.policy.deal.part_days = vec![0];
        })
        .plan();
    let (invoices, write_backs) = (ops(&plan, "invoice"), ops(&plan, "Opportunity"));
    assert_eq!((invoices.len(), write_backs.len()), (2, 1));
    assert_eq!(write_backs[0].after, [invoices[1].id.clone()]);
    assert_eq!(write_backs[0].subject.part, 2);
}

/// Billed and shown, and then a trigger puts another number on the deal after each write: three writes were made.
fn rewritten() -> World {
    let mut world = billed();
    for time in 1..=3 {
        let plan = world.plan();
        assert_eq!(ops(&plan, "Opportunity").len(), 1, "time {time}");
        world.apply(&plan);
        world = world.deal(|d| d.set("InvoiceNumber", json!("by a trigger")));
    }
    world
}

#[test]
fn what_the_crm_changes_back_three_times_in_a_day_waits() {
    let world = rewritten();
    assert_eq!(world.outcome(), "hold rewritten-over-there");
    let message = world.message();
    assert!(message.contains("\"InvoiceNumber\""), "{message}");
    let left = world
        .clone()
        .deal(|d| d.set("InvoiceNumber", json!("INV-7")));
    assert_eq!(left.outcome(), "skip up-to-date");
    // Tomorrow, or with something else to say, it is written again.
    let mut tomorrow = world.clone();
    tomorrow.as_of = at("2026-09-15T09:00:00Z", "2026-09-15");
    assert_eq!(tomorrow.outcome(), "write-back");
    let number = json!({"number": "INV-8"});
    let renumbered = world.with(|w| w.ledger_invoice("7", number));
    assert_eq!(renumbered.outcome(), "write-back");
}

#[test]
fn a_person_lets_it_be_written_once_more_or_leaves_it() {
    let reason = reason::REWRITTEN;
    let mut world = rewritten();
    world.rule(reason, Choice::GoAhead);
    let plan = world.plan();
    assert_eq!(world.outcome(), "write-back");
    world.apply(&plan);
    let world = world.deal(|d| d.set("InvoiceNumber", json!("by a trigger")));
    assert_eq!(world.outcome(), "hold rewritten-over-there");
    for choice in [Choice::IgnoreOnce, Choice::IgnoreAlways] {
        let mut world = rewritten();
        world.rule(reason, choice);
        assert_eq!(world.outcome(), "skip ignored");
    }
}

/// Billed with an approved invoice that the deal doesn't show, because it could not be written back; then the deal changed.
fn changed_unshown() -> World {
    let mut world = World::new();
    let plan = world.plan();
    world.apply(&plan);
    let seen = world.observed.invoices.get_mut("i1").unwrap();
    seen.value.status = Some("authorised".to_owned());
    (seen.value.sent, seen.value.amount_paid) = (Some(false), Some(0.into()));
    seen.value.amount_credited = Some(0.into());
    world.deal(|d| {
        let fields = ["InvoiceId", "InvoiceNumber", "InvoiceLink"];
        let mut deal = fields
            .into_iter()
            .fold(d, |d, field| d.set(field, json!(null)))
            .lines(&["150"], "150");
        deal.version = "v2".to_owned();
        deal
    })
}

#[test]
fn a_deal_shows_its_invoice_whatever_becomes_of_its_change() {
    const CHANGED: &str = "hold changed-after-invoicing";
    let draft = |w: &mut World| {
        let seen = w.observed.invoices.get_mut("i1").unwrap();
        seen.value.status = Some("draft".to_owned());
    };
    let source = Choice::TakeSource { field: None };
    let ledger = Choice::TakeLedger { field: None };
    let asked = reason::CHANGED_AFTER_INVOICING;
    type Change<'a> = &'a dyn Fn(&mut World);
    let cases: [(&str, Change<'_>, &[&str]); 8] = [
        ("waits", &|_| {}, &["Opportunity", CHANGED]),
        (
            "stays",
            &|w| w.rule(asked, ledger.clone()),
            &["Opportunity"],
        ),
        (
            "follows",
            &|w| w.rule(asked, source.clone()),
            &["invoice", "Opportunity"],
        ),
        ("a draft", &draft, &["invoice", "Opportunity"]),
        (
            "a write to the deal is unresolved",
            &|w| w.unresolved("Opportunity", "id", "d1"),
            &["hold unresolved-write"],
        ),
        (
            "nothing is to be done",
            &|w| w.rule(asked, Choice::IgnoreOnce),
            &["skip ignored"],
        ),
        (
            "shown",
            &|w| {
                let deal = w.deals.remove(0);
                let deal = deal
                    .set("InvoiceId", json!("i1"))
                    .set(
                        "InvoiceNumber",
                        json!(w.observed.invoices["i1"].value.number),
                    )
                    .set("InvoiceLink", json!("https://books.example/view/i1"));
                w.deals.push(deal);
            },
            &[CHANGED],
        ),
        (
            "lost",
            &|w| {
                let deal = w.deals.remove(0);
                w.deals.push(deal.set("IsWon", json!(false)));
            },
            &["hold deal-lost"],
        ),
    ];
    for (what, change, want) in cases {
        let world = changed_unshown().with(|w| change(w));
        let plan = world.plan();
        let objects = plan.ops.iter().map(|op| op.object.to_string());
        let notes = |kind: &str, notes: &[footbridge_model::plan::Note]| -> Vec<String> {
            let reasons = notes.iter().map(|note| format!("{kind} {}", note.reason));
            reasons.collect()
        };
        let got: Vec<String> = objects
            .chain(notes("hold", &plan.holds))
            .chain(notes("skip", &plan.skips))
            .collect();
        assert_eq!(got, want, "{what}");
        for op in ops(&plan, "Opportunity") {
            assert_eq!(op.doc.text("InvoiceId"), Some("i1"), "{what}");
            let invoices: Vec<_> = ops(&plan, "invoice").into_iter().map(|op| op.id).collect();
            assert_eq!(
                op.after, invoices,
                "{what}: after the change, if there is one"
            );
            // Else the question would be answered by showing it.
            assert_eq!(op.link.source_shadow, None, "{what}");
        }
    }
}
