//! What happens when there is an invoice already: an approved one stays as it is, without a person (domain rule 4).

use crate::world::{Deal, World, account, at, line, our_key, our_url};
use footbridge_model::link::Role;
use footbridge_model::plugin::Presence;
use footbridge_plan::policy::InvoiceStatus;
use serde_json::{Value, json};

/// The deal billed by a first plan, as both sides stand then.
fn billed() -> World {
    let mut world = World::new().with(|w| w.policy.billing.status = InvoiceStatus::Authorised);
    let plan = world.plan();
    world.apply(&plan);
    world
}

/// Billed by invoice 7, of which nothing is kept but the link.
fn linked(invoice: Value) -> World {
    World::new().with(|w| {
        w.policy.write_back = None;
        w.ledger_invoice("7", invoice);
        w.link_invoice("d1", 1, "7");
    })
}

/// Our invoice stands in the ledger, its answer was lost.
fn unlinked(invoice: Value) -> World {
    World::new().with(|w| {
        w.policy.write_back = None;
        let mut all = json!({"url": our_url("d1", 1)});
        for (field, value) in invoice.as_object().unwrap() {
            all[field] = value.clone();
        }
        w.ledger_invoice("7", all);
    })
}

#[test]
fn an_unchanged_deal_is_up_to_date() {
    assert_eq!(billed().outcome(), "skip up-to-date");
    assert_eq!(linked(json!({})).outcome(), "skip up-to-date");
}

#[test]
fn a_change_that_matters_holds_and_one_that_does_not_does_not() {
    type Change = fn(Deal) -> Deal;
    let cases: [(&str, Change, &str); 9] = [
        (
            "amount",
            |d| d.lines(&["101"], "101"),
            "hold changed-after-invoicing",
        ),
        (
            "quantity",
            |d| {
                d.line("quantity", json!("2"))
                    .line("unit_amount", json!("50"))
            },
            "hold changed-after-invoicing",
        ),
        (
            "item",
            |d| d.line("item", json!("NUT")),
            "hold changed-after-invoicing",
        ),
        (
            "currency",
            |d| d.set("Currency", json!("EUR")),
            "hold changed-after-invoicing",
        ),
        (
            "customer",
            |d| {
                d.drafted(
                    "customer",
                    json!({"$ref": {"object": "Account", "id": "c2"}}),
                )
            },
            "hold changed-after-invoicing",
        ),
        (
            "to zero",
            |d| d.lines(&["0"], "0"),
            "hold changed-after-invoicing",
        ),
        (
            "reopened or lost",
            |d| d.set("IsWon", json!(false)),
            "hold deal-lost",
        ),
        (
            "its name",
            |d| d.set("Name", json!("Other")),
            "skip up-to-date",
        ),
        (
            "its due date and wording",
            |d| {
                d.drafted("due_date", json!("2026-12-01"))
                    .line("description", json!("Labour"))
            },
            "skip up-to-date",
        ),
    ];
    for (what, change, want) in cases {
        let world = billed().with(|w| w.customers.push(account("c2", "Zenith")));
        assert_eq!(world.deal(change).outcome(), want, "{what}");
    }
}

#[test]
fn without_a_record_of_what_was_billed_the_invoices_sum_decides() {
    assert_eq!(
        linked(json!({"sub_total": "100.00"})).outcome(),
        "skip up-to-date"
    );
    assert_eq!(
        linked(json!({"sub_total": "99"})).outcome(),
        "hold changed-after-invoicing"
    );
    assert_eq!(
        linked(json!({"currency": "EUR"})).outcome(),
        "hold changed-after-invoicing"
    );
    let unseen = linked(json!({})).with(|w| w.observed.invoices.clear());
    assert_eq!(unseen.outcome(), "skip up-to-date");
}

#[test]
fn winning_it_again_makes_no_second_invoice() {
    let world = billed();
    let reopened = world.deal(|d| d.set("IsWon", json!(false)));
    assert_eq!(reopened.outcome(), "hold deal-lost");
    let history = json!([
        {"Stage": "Closed Won", "At": "2026-09-10T12:00:00Z"},
        {"Stage": "Open", "At": "2026-09-11T12:00:00Z"},
        {"Stage": "Closed Won", "At": "2026-09-12T12:00:00Z"},
    ]);
    let again = reopened.deal(|d| d.set("IsWon", json!(true)).set("History", history));
    assert_eq!(again.outcome(), "skip up-to-date");
}

#[test]
fn a_deleted_deal_that_was_billed_waits() {
    let world = billed().with(|w| w.deals[0].presence = Presence::Deleted);
    assert_eq!(world.outcome(), "hold deal-deleted");
}

#[test]
fn a_voided_invoice_is_not_made_again() {
    for status in ["voided", "deleted"] {
        assert_eq!(
            linked(json!({"status": status})).outcome(),
            "hold invoice-voided"
        );
        assert_eq!(
            unlinked(json!({"status": status})).outcome(),
            "hold invoice-voided"
        );
        // The deal is lost and its invoice is gone: both sides agree.
        let lost = linked(json!({"status": status})).deal(|d| d.set("IsWon", json!(false)));
        assert_eq!(lost.outcome(), "skip not-won");
    }
    let deleted = linked(json!({}))
        .with(|w| w.observed.invoices.get_mut("7").unwrap().presence = Presence::Deleted);
    assert_eq!(deleted.outcome(), "hold invoice-voided");
}

#[test]
fn our_invoice_without_a_link_is_adopted() {
    let world = unlinked(json!({}));
    let plan = world.plan();
    assert_eq!(world.outcome(), "skip up-to-date");
    assert!(plan.ops.is_empty());
    let [adoption] = plan.adoptions.as_slice() else {
        panic!("one adoption")
    };
    assert_eq!(adoption.link.id, our_key("d1", 1));
    assert_eq!(adoption.link.role, Role::Billing);
    assert_eq!(adoption.ledger_record.id.as_str(), "7");
    assert_eq!(adoption.version, "1");
}

#[test]
fn one_that_bills_something_else_is_not() {
    let world = unlinked(json!({"sub_total": "99"}));
    assert_eq!(world.outcome(), "hold invoice-edited");
    assert!(world.plan().adoptions.is_empty());
    let unresolved =
        unlinked(json!({})).with(|w| w.unresolved("invoice", "url", &our_url("d1", 1)));
    assert_eq!(unresolved.outcome(), "hold unresolved-write");
    assert!(unresolved.plan().adoptions.is_empty());
}

#[test]
fn a_copy_with_our_key_is_an_item() {
    let copy =
        |w: &mut World| w.ledger_invoice("8", json!({"url": our_url("d1", 1), "status": "draft"}));
    assert_eq!(
        unlinked(json!({})).with(copy).outcome(),
        "hold key-stands-twice"
    );
    assert_eq!(
        linked(json!({"url": our_url("d1", 1)}))
            .with(copy)
            .outcome(),
        "hold key-stands-twice"
    );
    let copied = billed().with(copy);
    assert_eq!(copied.outcome(), "hold key-stands-twice");
    assert!(copied.message().contains("\"INV-8\""));
}

#[test]
fn an_invoice_that_a_person_matched_counts() {
    let world = linked(json!({})).with(|w| w.links.last_mut().unwrap().id = "matched".to_owned());
    assert_eq!(world.outcome(), "skip up-to-date");
}

#[test]
fn a_deal_billed_before_go_live_is_up_to_date() {
    let world = linked(json!({}))
        .with(|w| w.policy.go_live = at("2026-10-01T00:00:00Z", "2026-10-01").instant);
    assert_eq!(world.outcome(), "skip up-to-date");
}

#[test]
fn later_parts_wait_when_an_earlier_one_does() {
    let staged = World::new()
        .deal(|d| d.set("Plan", json!("30,70")))
        .with(|w| w.policy.deal.part_days = vec![30])
        .with(|w| w.policy.billing.status = InvoiceStatus::Authorised);
    let mut world = staged;
    let plan = world.plan();
    world.apply(&plan);
    world.as_of = at("2026-12-01T09:00:00Z", "2026-12-01");
    assert_eq!(world.outcomes(), ["d1/1 skip up-to-date", "d1/2 invoice"]);
    let changed = world.clone().deal(|d| d.lines(&["200"], "200"));
    assert_eq!(
        changed.outcomes(),
        [
            "d1/1 hold changed-after-invoicing",
            "d1/2 hold changed-after-invoicing"
        ]
    );
    let plan = world.plan();
    world.apply(&plan);
    assert_eq!(
        world.outcomes(),
        ["d1/1 skip up-to-date", "d1/2 skip up-to-date"]
    );
    let shrunk = world.deal(|d| {
        d.set("Plan", json!(null))
            .drafted("lines", json!([line("100")]))
    });
    assert_eq!(
        shrunk.outcomes(),
        [
            "d1/1 hold changed-after-invoicing",
            "d1/2 hold changed-after-invoicing"
        ]
    );
}
