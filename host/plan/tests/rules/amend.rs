//! Domain rule 4, row by row: how far an invoice went x who touched it x what became of its deal x policy x a person's word.

use crate::world::{Deal, World, account, day, ledger_record, line, ops};
use footbridge_model::document::Document;
use footbridge_model::plan::{Expectation, Op, reason};
use footbridge_model::plugin::{Action, Presence};
use footbridge_model::ruling::Choice;
use footbridge_plan::policy::{ChangedAuthorised, DraftOfLostDeal, InvoiceStatus};
use serde_json::{Value, json};

pub(crate) type Change = fn(Deal) -> Deal;

const TAKE_SOURCE: Choice = Choice::TakeSource { field: None };
const TAKE_LEDGER: Choice = Choice::TakeLedger { field: None };

/// The deal of 100.00 GBP billed with a draft.
pub(crate) fn billed() -> World {
    let mut world = World::new();
    let plan = world.plan();
    world.apply(&plan);
    world
}

/// The ledger's invoice, changed as a person would: only what the ledger reports.
fn edited(mut world: World, change: Value) -> World {
    let seen = world.observed.invoices.get_mut("i1").unwrap();
    let mut value = serde_json::to_value(&seen.value).unwrap();
    for (field, new) in change.as_object().unwrap() {
        value[field] = new.clone();
    }
    seen.value = crate::world::doc(&value).to().unwrap();
    seen.version = "2".to_owned();
    world
}

/// The same, of a line.
fn edited_line(world: World, field: &str, value: Value) -> World {
    let seen = &world.observed.invoices["i1"].value;
    let mut lines = serde_json::to_value(&seen.lines).unwrap();
    lines[0][field] = value;
    edited(world, json!({"lines": lines}))
}

pub(crate) fn raised(deal: Deal) -> Deal {
    let mut deal = deal.lines(&["150"], "150");
    deal.version.push('+');
    deal
}

fn lost(deal: Deal) -> Deal {
    let mut deal = deal.set("IsWon", json!(false));
    deal.version.push('+');
    deal
}

fn deleted(deal: Deal) -> Deal {
    Deal {
        presence: Presence::Deleted,
        ..deal
    }
}

/// What makes an invoice what it is.
fn states() -> Vec<(&'static str, Value)> {
    let approved = |more: Value| {
        let mut all = json!({"status": "authorised"});
        for (field, value) in more.as_object().unwrap() {
            all[field] = value.clone();
        }
        all
    };
    vec![
        ("draft", json!({})),
        ("draft edited", json!({"reference": "theirs"})),
        ("submitted", json!({"status": "submitted"})),
        ("authorised", approved(json!({}))),
        (
            "authorised edited",
            approved(json!({"due_date": "2026-12-24"})),
        ),
        ("sent", approved(json!({"sent": true}))),
        ("sent unknown", approved(json!({"sent": null}))),
        (
            "part-paid",
            approved(json!({"amount_paid": "10", "payments": [{"id": "p"}]})),
        ),
        ("paid unknown", approved(json!({"amount_paid": null}))),
        ("paid", json!({"status": "paid", "amount_paid": "120"})),
        ("credited", approved(json!({"amount_credited": "5"}))),
        ("locked", approved(json!({"date": "2026-08-31"}))),
        ("locked draft", json!({"date": "2026-08-31"})),
        ("status unknown", json!({"status": null})),
        ("voided", json!({"status": "voided"})),
        ("deleted", json!({"status": "deleted"})),
    ]
}

#[test]
fn every_state_by_what_became_of_the_deal_and_the_policy() {
    const EDITED: &str = "hold invoice-edited";
    const CREDIT: &str = "hold needs-credit-note";
    const LOST: &str = "hold deal-lost";
    const GONE: &str = "hold deal-deleted";
    const VOIDED: &str = "hold invoice-voided";
    const CHANGED: &str = "hold changed-after-invoicing";
    // State: changed, lost, deleted under "ask"; changed, lost under "update" and "delete".
    let want = [
        ("draft", "update", LOST, GONE, "update", "delete"),
        ("draft edited", EDITED, LOST, GONE, EDITED, LOST),
        ("submitted", EDITED, LOST, GONE, EDITED, LOST),
        ("authorised", CHANGED, LOST, GONE, "update", LOST),
        ("authorised edited", EDITED, LOST, GONE, EDITED, LOST),
        ("sent", CREDIT, LOST, GONE, CREDIT, LOST),
        ("sent unknown", CREDIT, LOST, GONE, CREDIT, LOST),
        ("part-paid", CREDIT, LOST, GONE, CREDIT, LOST),
        ("paid unknown", CREDIT, LOST, GONE, CREDIT, LOST),
        ("paid", CREDIT, LOST, GONE, CREDIT, LOST),
        ("credited", CREDIT, LOST, GONE, CREDIT, LOST),
        ("locked", CREDIT, LOST, GONE, CREDIT, LOST),
        ("locked draft", CREDIT, LOST, GONE, CREDIT, LOST),
        ("status unknown", CREDIT, LOST, GONE, CREDIT, LOST),
        (
            "voided",
            VOIDED,
            "skip not-won",
            "skip deal-deleted",
            VOIDED,
            "skip not-won",
        ),
        (
            "deleted",
            VOIDED,
            "skip not-won",
            "skip deal-deleted",
            VOIDED,
            "skip not-won",
        ),
    ];
    let states = states();
    assert_eq!(states.len(), want.len());
    for ((state, change), (name, changed, lost_, deleted_, auto_changed, auto_lost)) in
        states.into_iter().zip(want)
    {
        assert_eq!(state, name);
        let world = edited(billed(), change);
        let world = world.with(|w| w.policy.billing.tax_filed_to = Some(day("2026-08-31")));
        let asks: [(&str, Change, &str); 4] = [
            (
                "unchanged",
                |deal| deal,
                if changed == VOIDED {
                    VOIDED
                } else {
                    "skip up-to-date"
                },
            ),
            ("changed", raised, changed),
            ("lost", lost, lost_),
            ("deleted", deleted, deleted_),
        ];
        for (what, change, want) in asks {
            assert_eq!(
                world.clone().deal(change).outcome(),
                want,
                "{state}, {what}"
            );
        }
        let automatic = world.with(|w| {
            w.policy.billing.draft_of_lost_deal = DraftOfLostDeal::Delete;
            w.policy.billing.changed_authorised = ChangedAuthorised::Update;
        });
        let autos: [(&str, Change, &str); 3] = [
            ("changed", raised, auto_changed),
            ("lost", lost, auto_lost),
            ("deleted", deleted, deleted_),
        ];
        for (what, change, want) in autos {
            assert_eq!(
                automatic.clone().deal(change).outcome(),
                want,
                "{state}, {what}, automatic"
            );
        }
    }
}

#[test]
fn what_people_answer() {
    let edit = json!({"reference": "theirs"});
    let approved = json!({"status": "authorised"});
    let sent = json!({"status": "authorised", "sent": true});
    let cases: [(&str, &Value, Change, &str, Choice, &str); 16] = [
        (
            "theirs",
            &edit,
            raised,
            reason::INVOICE_EDITED,
            TAKE_LEDGER,
            "skip up-to-date",
        ),
        (
            "ours",
            &edit,
            raised,
            reason::INVOICE_EDITED,
            TAKE_SOURCE,
            "update",
        ),
        (
            "go ahead",
            &edit,
            raised,
            reason::INVOICE_EDITED,
            Choice::GoAhead,
            "update",
        ),
        (
            "one field",
            &edit,
            raised,
            reason::INVOICE_EDITED,
            Choice::TakeSource {
                field: Some("reference".to_owned()),
            },
            "hold invoice-edited",
        ),
        (
            "another question",
            &edit,
            raised,
            reason::DEAL_LOST,
            TAKE_SOURCE,
            "hold invoice-edited",
        ),
        (
            "approved, ours",
            &approved,
            raised,
            reason::CHANGED_AFTER_INVOICING,
            TAKE_SOURCE,
            "update",
        ),
        (
            "approved, theirs",
            &approved,
            raised,
            reason::CHANGED_AFTER_INVOICING,
            TAKE_LEDGER,
            "skip up-to-date",
        ),
        (
            "sent is never edited",
            &sent,
            raised,
            reason::NEEDS_CREDIT_NOTE,
            TAKE_SOURCE,
            "hold needs-credit-note",
        ),
        (
            "nor by going ahead",
            &sent,
            raised,
            reason::NEEDS_CREDIT_NOTE,
            Choice::GoAhead,
            "hold needs-credit-note",
        ),
        (
            "sent, made by hand",
            &sent,
            raised,
            reason::NEEDS_CREDIT_NOTE,
            TAKE_LEDGER,
            "skip up-to-date",
        ),
        (
            "lost, ours",
            &edit,
            lost,
            reason::DEAL_LOST,
            TAKE_SOURCE,
            "delete",
        ),
        (
            "lost, theirs",
            &edit,
            lost,
            reason::DEAL_LOST,
            TAKE_LEDGER,
            "skip deal-lost",
        ),
        (
            "approved and lost is never voided",
            &approved,
            lost,
            reason::DEAL_LOST,
            TAKE_SOURCE,
            "hold deal-lost",
        ),
        (
            "approved and lost, theirs",
            &approved,
            lost,
            reason::DEAL_LOST,
            TAKE_LEDGER,
            "skip deal-lost",
        ),
        (
            "deleted is never voided",
            &edit,
            deleted,
            reason::DEAL_DELETED,
            TAKE_SOURCE,
            "hold deal-deleted",
        ),
        (
            "deleted, theirs",
            &edit,
            deleted,
            reason::DEAL_DELETED,
            TAKE_LEDGER,
            "skip deal-deleted",
        ),
    ];
    for (what, state, change, asked, choice, want) in cases {
        let world = edited(billed(), state.clone()).deal(change);
        let world = world.with(|w| w.rule(asked, choice));
        assert_eq!(world.outcome(), want, "{what}");
        // It was about the deal as it was then.
        let later = world.deal(|deal| {
            let mut deal = deal.set("Name", json!("Renamed"));
            deal.version.push('+');
            deal
        });
        assert!(
            later.outcome().starts_with("hold "),
            "{what}: {}",
            later.outcome()
        );
    }
}

#[test]
fn an_answer_is_about_the_invoice_as_it_was_shown() {
    let edit = json!({"reference": "theirs"});
    let cases: [(Change, &str, Choice, &str); 4] = [
        (
            raised,
            reason::INVOICE_EDITED,
            TAKE_SOURCE,
            "hold invoice-edited",
        ),
        (
            raised,
            reason::INVOICE_EDITED,
            TAKE_LEDGER,
            "hold invoice-edited",
        ),
        (lost, reason::DEAL_LOST, TAKE_SOURCE, "hold deal-lost"),
        // It stays whatever becomes of it: nothing is written, nothing remembered.
        (lost, reason::DEAL_LOST, TAKE_LEDGER, "skip deal-lost"),
    ];
    for (change, asked, choice, want) in cases {
        let world = edited(billed(), edit.clone()).deal(change);
        let world = world.with(|w| w.rule(asked, choice.clone()));
        // Before the next sync the bookkeeper goes on: a line for freight, and approved.
        let mut later = edited(world, json!({"status": "authorised"}));
        later.observed.invoices.get_mut("i1").unwrap().version = "3".to_owned();
        let freight = edited_line(later.clone(), "description", json!("Freight"));
        for mut world in [later, freight] {
            world.observed.invoices.get_mut("i1").unwrap().version = "3".to_owned();
            assert_eq!(world.outcome(), want, "{asked} {choice:?}");
            if want.starts_with("hold") {
                let said = "was about what this item showed then; it shows something else now, so decide again.";
                assert!(world.message().ends_with(said), "{}", world.message());
            }
        }
    }
}

#[test]
fn a_word_that_could_not_be_carried_out_is_not_carried_out_later() {
    // The draft lies in a filed period, so that it can't be deleted; "take the deal's" was said all the same.
    let mut world = edited(billed(), json!({"date": "2026-08-31"})).deal(lost);
    world.policy.billing.tax_filed_to = Some(day("2026-08-31"));
    world.rule(reason::DEAL_LOST, TAKE_SOURCE);
    assert_eq!(world.outcome(), "hold deal-lost");
    world.policy.billing.tax_filed_to = None;
    assert_eq!(
        world.outcome(),
        "hold deal-lost",
        "the period is open again"
    );
    world.rulings.clear();
    world.rule(reason::DEAL_LOST, TAKE_SOURCE);
    assert_eq!(world.outcome(), "delete", "now it was offered");
}

#[test]
fn keeping_theirs_is_silent_until_the_deal_changes_again() {
    let mut world = edited(billed(), json!({"reference": "theirs"}))
        .deal(raised)
        .with(|w| w.rule(reason::INVOICE_EDITED, TAKE_LEDGER));
    let plan = world.plan();
    assert!(plan.ops.is_empty());
    assert_eq!(plan.adoptions.len(), 1);
    assert_eq!(
        plan.adoptions[0].ledger_record,
        ledger_record("invoice", "i1")
    );
    world.apply(&plan);
    world.rulings.clear();
    let again = world.plan();
    assert_eq!(world.outcome(), "skip up-to-date");
    assert!(again.adoptions.is_empty(), "once");
    // The shadow moved on: their edit is no edit any more.
    let changed = world.deal(|deal| deal.lines(&["170"], "170"));
    assert_eq!(changed.outcome(), "update");
}

#[test]
fn an_update_writes_what_differs_with_old_and_new() {
    let world = billed().deal(raised);
    let plan = world.plan();
    let [op] = ops(&plan, "invoice").try_into().unwrap();
    let op: Op = op;
    assert_eq!(op.action, Action::Update);
    assert_eq!(op.target.as_ref().unwrap().as_str(), "i1");
    assert_eq!(
        (op.natural_key.field.as_str(), op.natural_key.value.as_str()),
        ("id", "i1")
    );
    assert_eq!(op.expects, Expectation::Version("1".to_owned()));
    let fields = |doc: &Document| match doc {
        Document::Object(fields) => fields.keys().cloned().collect::<Vec<_>>(),
        _ => panic!("no object"),
    };
    assert_eq!(fields(&op.doc), ["amounts", "lines", "sub_total", "total"]);
    assert_eq!(op.doc.text("total"), Some("180"));
    let line = &op.doc.list("lines")[0];
    let was = op.was.as_ref().unwrap();
    assert_eq!(line.text("unit_amount"), Some("150"));
    assert!(line.text("id").is_some(), "the line keeps its id");
    assert_eq!(line.text("id"), was.list("lines")[0].text("id"));
    assert_eq!(was.list("lines")[0].text("unit_amount"), Some("100"));
    assert_eq!(
        (was.text("sub_total"), was.text("total")),
        (Some("100"), Some("120"))
    );
    assert_eq!(
        op.why,
        "The deal changed after invoice \"INV-i1\" was made: 120.00 GBP becomes 180.00 GBP (lines written)"
    );
    let mut world = world;
    world.apply(&plan);
    assert_eq!(world.outcome(), "skip up-to-date");
    assert!(world.plan().ops.is_empty());
}

#[test]
fn a_deletion_is_a_status_and_nothing_follows_it() {
    let mut world = billed().deal(lost);
    world.policy.billing.draft_of_lost_deal = DraftOfLostDeal::Delete;
    let plan = world.plan();
    let [op] = ops(&plan, "invoice").try_into().unwrap();
    let op: Op = op;
    assert_eq!(op.doc.canonical(), r#"{"status":"deleted"}"#);
    assert_eq!(op.was.as_ref().unwrap().text("status"), Some("draft"));
    world.apply(&plan);
    assert_eq!(world.outcome(), "skip not-won");
    // Won again: the same link, never a second invoice.
    let again = world.deal(|d| d.set("IsWon", json!(true)));
    assert_eq!(again.outcome(), "hold invoice-voided");
}

#[test]
fn lines_keep_their_ids_and_the_deals_order() {
    let item = |code: &str, amount: &str| {
        let mut line = line(amount);
        line["item"] = json!(code);
        line["description"] = json!(format!("Item {code}"));
        line
    };
    fn lines<'a>(
        amounts: &'a [&'a str],
        drafts: Value,
        sum: &'a str,
    ) -> impl FnOnce(Deal) -> Deal + 'a {
        move |deal| deal.lines(amounts, sum).drafted("lines", drafts)
    }
    let three = json!([item("BOLT", "10"), item("NUT", "20"), line("70")]);
    let mut world = World::new().deal(lines(&["10", "20", "70"], three, "100"));
    let plan = world.plan();
    world.apply(&plan);
    let old: Vec<String> = {
        let seen = &world.observed.invoices["i1"].value;
        let ids = seen
            .lines
            .as_ref()
            .unwrap()
            .iter()
            .map(|line| line.id.clone().unwrap());
        ids.collect()
    };
    // The second goes, the third comes first, and a new one comes last.
    let now = json!([line("70"), item("BOLT", "15"), item("NUT", "3"), {"description": "Travel", "quantity": "1", "unit_amount": "2"}]);
    let world = world.deal(lines(&["70", "15", "3", "2"], now, "90"));
    let op = world.invoice();
    let ids: Vec<Option<&str>> = op
        .doc
        .list("lines")
        .iter()
        .map(|line| line.text("id"))
        .collect();
    assert_eq!(ids, [Some(&*old[2]), Some(&*old[0]), Some(&*old[1]), None]);
    let fewer = world.deal(lines(&["70"], json!([line("70")]), "70"));
    let op = fewer.invoice();
    let ids: Vec<Option<&str>> = op
        .doc
        .list("lines")
        .iter()
        .map(|line| line.text("id"))
        .collect();
    assert_eq!(ids, [Some(&*old[2])], "left out is removed");
    // A known line would keep the item that is left out of it.
    let bare = json!([{"description": "Item BOLT", "quantity": "1", "unit_amount": "10"}]);
    let op = fewer.deal(lines(&["10"], bare, "10")).invoice();
    assert_eq!(
        op.doc.list("lines")[0].text("id"),
        None,
        "not the one with an item"
    );
}

#[test]
fn a_discount_that_goes_is_written_as_none() {
    let mut world = World::new().deal(|d| d.lines(&["90"], "90").drafted("lines", json!([{"description": "Work", "quantity": "1", "unit_amount": "100", "discount_rate": "10"}])));
    let plan = world.plan();
    world.apply(&plan);
    let world = world.deal(|d| d.lines(&["90"], "90"));
    let op = world.invoice();
    assert_eq!(op.doc.list("lines")[0].text("discount_rate"), Some("0"));
}

#[test]
fn edits_that_count_and_such_that_do_not() {
    let line_edits = [
        ("description", json!("Theirs")),
        ("quantity", json!("2")),
        ("unit_amount", json!("99")),
        ("discount_rate", json!("5")),
        ("account", json!("201")),
        ("tax_type", json!("ZERORATED")),
        ("item", json!("BOLT")),
    ];
    for (field, value) in line_edits {
        let world = edited_line(billed(), field, value);
        let want = if field == "item" {
            "update"
        } else {
            "hold invoice-edited"
        };
        // An item that wasn't reported after our write isn't known to be theirs.
        assert_eq!(world.deal(raised).outcome(), want, "{field}");
        let unread = edited_line(billed(), field, json!(null));
        assert_eq!(unread.deal(raised).outcome(), "update", "{field} unread");
    }
    for field in [
        "customer",
        "reference",
        "due_date",
        "currency",
        "amounts",
        "date",
        "url",
    ] {
        if field != "customer" {
            let unread = edited(billed(), json!({field: null}));
            let want = match field {
                "date" => "hold needs-credit-note",
                "url" => "hold changed-after-invoicing",
                _ => "update",
            };
            assert_eq!(unread.deal(raised).outcome(), want, "{field} unread");
        }
    }
    let unread = edited(billed(), json!({"lines": null}));
    assert_eq!(
        unread.deal(raised).outcome(),
        "hold invoice-edited",
        "nothing is written over lines that weren't read"
    );
    let unknown = billed().with(|w| {
        let member = w.links.iter_mut().flat_map(|link| &mut link.members);
        member
            .filter(|m| m.record.object.as_str() == "invoice")
            .for_each(|m| m.shadow = None);
    });
    assert_eq!(unknown.deal(raised).outcome(), "hold invoice-edited");
}

#[test]
fn an_invoice_that_says_it_already_is_only_remembered() {
    // Sent, and a person corrected it by hand.
    let world = edited_line(billed(), "unit_amount", json!("150"));
    let world = edited(
        world,
        json!({"status": "authorised", "sent": true, "sub_total": "150", "total": "180"}),
    );
    let mut world = world.deal(raised);
    let plan = world.plan();
    assert!(plan.ops.is_empty());
    assert_eq!(
        (world.outcome().as_str(), plan.adoptions.len()),
        ("skip up-to-date", 1)
    );
    world.apply(&plan);
    assert!(world.plan().adoptions.is_empty());
}

#[test]
fn one_invoice_of_several_deals_is_kept_for_each() {
    let mut world = World::new();
    world.deals.push(Deal::won("d2", "c1", "60"));
    world.policy.write_back = None;
    world.ledger_invoice("7", json!({"sub_total": "160", "total": "192"}));
    for deal in ["d1", "d2"] {
        world.link_invoice(deal, 1, "7");
    }
    assert_eq!(
        world.outcomes(),
        [
            "d1/1 hold changed-after-invoicing",
            "d2/1 hold changed-after-invoicing"
        ],
        "not of our making"
    );
    world.rule(reason::CHANGED_AFTER_INVOICING, TAKE_LEDGER);
    let mut second = world.rulings[0].clone();
    second.record = crate::world::record("Opportunity", "d2");
    world.rulings.push(second);
    let plan = world.plan();
    assert_eq!(plan.adoptions.len(), 2);
    world.apply(&plan);
    world.rulings.clear();
    assert_eq!(
        world.outcomes(),
        ["d1/1 skip up-to-date", "d2/1 skip up-to-date"]
    );
}

#[test]
fn another_customer_on_a_draft() {
    let other = |deal: Deal| {
        deal.drafted(
            "customer",
            json!({"$ref": {"object": "Account", "id": "c2"}}),
        )
    };
    let mut world = billed().deal(other);
    world.customers.push(account("c2", "Zenith"));
    let plan = world.plan();
    let [customer] = ops(&plan, "customer").try_into().unwrap();
    let [invoice] = ops(&plan, "invoice").try_into().unwrap();
    let (customer, invoice): (Op, Op) = (customer, invoice);
    assert_eq!(invoice.after, [customer.id]);
    assert!(
        invoice.doc.at("lines").is_none(),
        "the lines are as they were"
    );
    world.apply(&plan);
    assert_eq!(world.outcome(), "skip up-to-date");
}

#[test]
fn another_customer_is_said_where_the_sum_stays() {
    let other = |deal: Deal| {
        deal.drafted(
            "customer",
            json!({"$ref": {"object": "Account", "id": "c2"}}),
        )
    };
    for (change, said) in [
        (
            "sum stays",
            "it would come to 120.00 GBP as before, with a changed customer. The invoice is approved",
        ),
        (
            "both",
            "it would be 180.00 GBP instead of 120.00 GBP, and go to another customer. The invoice is approved",
        ),
    ] {
        let world = edited(billed(), json!({"status": "authorised", "sent": false}));
        let mut world = match change {
            "both" => world.deal(|deal| raised(other(deal))),
            _ => world.deal(other),
        };
        world.customers.push(account("c2", "Zenith"));
        let plan = world.plan();
        assert_eq!(plan.holds[0].reason, "changed-after-invoicing");
        assert!(
            plan.holds[0].message.contains(said),
            "{}",
            plan.holds[0].message
        );
    }
}

#[test]
fn a_reference_follows_its_deal_and_leaves_a_persons_own() {
    let reordered = |deal: Deal| raised(deal).drafted("reference", json!("PO 8"));
    assert_eq!(
        billed().deal(reordered).invoice().doc.text("reference"),
        Some("PO 8")
    );
    // By itself it changes nothing.
    let alone = billed().deal(|d| d.drafted("reference", json!("PO 8")));
    assert_eq!(alone.outcome(), "skip up-to-date");
    let theirs = edited(billed(), json!({"reference": "theirs"}));
    let taken = |world: World| world.with(|w| w.rule(reason::INVOICE_EDITED, TAKE_SOURCE));
    let op = taken(theirs.clone().deal(raised)).invoice();
    assert_eq!(op.doc.at("reference"), None, "the deal's didn't change");
    let op = taken(theirs.deal(reordered)).invoice();
    assert_eq!(op.doc.text("reference"), Some("PO 8"));
}

#[test]
fn absent_is_not_deleted() {
    let gone = billed().deal(raised).with(|w| w.observed.invoices.clear());
    assert_eq!(gone.outcome(), "hold not-visible");
    let lost = billed().deal(lost).with(|w| w.observed.invoices.clear());
    assert_eq!(lost.outcome(), "hold not-visible");
}

#[test]
fn an_unresolved_write_of_the_invoice_holds_the_next() {
    let world = billed()
        .deal(raised)
        .with(|w| w.unresolved("invoice", "id", "i1"));
    assert_eq!(world.outcome(), "hold unresolved-write");
}

#[test]
fn what_is_proposed_says_the_amounts() {
    let sent = edited(
        billed(),
        json!({"status": "authorised", "sent": true, "amount_paid": "20"}),
    );
    assert_eq!(
        sent.deal(raised).message(),
        "The deal changed after invoice \"INV-i1\" was made, which was sent, is part-paid and is never edited. Proposed: a draft credit note of 120.00 GBP for invoice \"INV-i1\", and a new invoice of 180.00 GBP. Make both by hand in the ledger, then keep the ledger's; or put the deal back."
    );
}

#[test]
fn parts_are_amended_each_on_its_own_and_what_waits_holds_up_the_rest() {
    let mut world = World::new()
        .deal(|d| d.set("Plan", json!("30,70")))
        .with(|w| w.policy.deal.part_days = vec![30]);
    let plan = world.plan();
    world.apply(&plan);
    world.as_of = crate::world::at("2026-12-01T09:00:00Z", "2026-12-01");
    let changed = world.clone().deal(|d| d.lines(&["200"], "200"));
    assert_eq!(changed.outcomes(), ["d1/1 update", "d1/2 invoice"]);
    let held = edited(world, json!({"reference": "theirs"})).deal(|d| d.lines(&["200"], "200"));
    assert_eq!(
        held.outcomes(),
        ["d1/1 hold invoice-edited", "d1/2 hold invoice-edited"]
    );
}

#[test]
fn a_flow_that_makes_approved_ones_asks_or_updates() {
    let world = |rule| {
        let mut world = World::new();
        world.policy.billing.status = InvoiceStatus::Authorised;
        world.policy.billing.changed_authorised = rule;
        let plan = world.plan();
        world.apply(&plan);
        world.deal(raised)
    };
    assert_eq!(
        world(ChangedAuthorised::Ask).outcome(),
        "hold changed-after-invoicing"
    );
    let op = world(ChangedAuthorised::Update).invoice();
    assert!(op.doc.at("status").is_none(), "its status stays");
}
