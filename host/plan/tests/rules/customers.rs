//! Who is invoiced: linked, adopted, made new, or held (domain rules 2, 3 and 9).

use crate::world::{Deal, World, account, account_with, ops, outcomes};
use footbridge_model::failure::Problem;
use footbridge_model::plan::Expectation;
use footbridge_model::plugin::Presence;
use serde_json::{Value, json};

/// A ledger customer that isn't linked.
fn stranger(name: &str, number: &str, status: &str) -> World {
    World::unknown_customer().with(|w| {
        w.ledger_customer(
            "x9",
            json!({"name": name, "number": number, "status": status}),
        )
    })
}

#[test]
fn a_linked_customer_is_used() {
    let op = World::new().invoice();
    assert_eq!(op.doc.text("customer"), Some("x1"));
    assert_eq!(op.natural_key.parents, ["x1"]);
    assert!(op.after.is_empty());
}

#[test]
fn an_unknown_customer_is_made_once_for_all_its_deals() {
    let world = World::unknown_customer().with(|w| w.deals.push(Deal::won("d2", "c1", "50")));
    let plan = world.plan();
    let customers = ops(&plan, "customer");
    assert_eq!(customers.len(), 1);
    assert_eq!(
        customers[0].doc.canonical(),
        r#"{"name":"Acme","number":"c1"}"#
    );
    assert_eq!(customers[0].expects, Expectation::Absent);
    assert_eq!(customers[0].natural_key.value, "c1");
    for invoice in ops(&plan, "invoice") {
        assert_eq!(invoice.after, [customers[0].id.clone()]);
        assert_eq!(
            invoice.doc.text("customer.$op"),
            Some(customers[0].id.as_str())
        );
        assert_eq!(invoice.doc.text("customer.field"), Some("id"));
        assert!(invoice.natural_key.parents.is_empty());
    }
    assert_eq!(outcomes(&plan), ["d1/1 invoice", "d2/1 invoice"]);
}

#[test]
fn what_is_empty_in_the_source_is_not_written_to_a_new_customer() {
    let draft = json!({"name": "Acme", "email": null, "addresses": [{"kind": "billing", "line2": null, "city": "Leeds"}]});
    let plan = World::unknown_customer()
        .with(|w| w.customers = vec![account_with("c1", draft)])
        .plan();
    let op = &ops(&plan, "customer")[0];
    assert_eq!(
        op.doc.canonical(),
        r#"{"addresses":[{"city":"Leeds","kind":"billing"}],"name":"Acme","number":"c1"}"#
    );
}

#[test]
fn a_customer_with_our_number_is_adopted() {
    let plan = stranger("Acme Holdings", "c1", "active").plan();
    assert_eq!(plan.adoptions.len(), 1);
    assert_eq!(plan.adoptions[0].ledger_record.id.as_str(), "x9");
    assert!(
        ops(&plan, "customer").is_empty(),
        "nothing is written to it"
    );
    assert_eq!(ops(&plan, "invoice")[0].doc.text("customer"), Some("x9"));
}

#[test]
fn the_only_customer_of_the_same_name_is_adopted() {
    for name in ["Acme", "ACME", " acme "] {
        let plan = stranger(name, "", "active").plan();
        assert_eq!(plan.adoptions.len(), 1, "{name}");
        assert!(ops(&plan, "customer").is_empty(), "{name}");
    }
}

#[test]
fn a_name_or_number_that_is_not_free_waits() {
    for (name, number, status, want) in [
        ("Acme", "other", "active", "hold customer-name-clash"),
        ("Acme", "", "archived", "hold customer-name-clash"),
        ("Acme", "", "merged", "hold customer-name-clash"),
        ("Acme Ltd", "", "active", "hold customer-looks-existing"),
        (
            "A.C.M.E. Limited",
            "",
            "archived",
            "hold customer-looks-existing",
        ),
        ("Acme", "c1", "archived", "hold customer-gone"),
        ("Other", "c1", "merged", "hold customer-merged"),
        ("Acme North", "other", "active", "invoice"),
    ] {
        assert_eq!(
            stranger(name, number, status).outcome(),
            want,
            "{name} {number} {status}"
        );
    }
}

#[test]
fn of_two_customers_with_the_name_or_number_none_is_chosen() {
    let twice = |number: &str| {
        stranger("Acme", number, "active")
            .with(|w| w.ledger_customer("x8", json!({"name": "ACME", "number": number})))
            .outcome()
    };
    assert_eq!(twice(""), "hold customer-name-clash");
    assert_eq!(twice("c1"), "hold key-stands-twice");
}

#[test]
fn a_customer_of_another_record_is_not_adopted() {
    let world = stranger("Acme", "", "active").with(|w| w.link_customer("c7", "x9"));
    assert_eq!(world.outcome(), "hold customer-name-clash");
}

#[test]
fn two_sources_of_one_name_both_wait() {
    let two = |a: &str, b: &str| {
        World::unknown_customer()
            .with(|w| {
                w.deals.push(Deal::won("d2", "c2", "50"));
                w.customers = vec![account("c1", a), account("c2", b)];
            })
            .outcomes()
    };
    for (b, reason) in [
        ("ACME", "customer-name-clash"),
        ("Acme Ltd", "customer-looks-existing"),
    ] {
        let want = [format!("d1/1 hold {reason}"), format!("d2/1 hold {reason}")];
        assert_eq!(two("Acme", b), want);
    }
    assert_eq!(two("Acme", "Zenith"), ["d1/1 invoice", "d2/1 invoice"]);
}

#[test]
fn two_sources_may_not_adopt_one_customer() {
    let world = stranger("Acme", "", "active").with(|w| {
        w.deals.push(Deal::won("d2", "c2", "50"));
        w.customers.push(account("c2", "acme"));
    });
    let want = [
        "d1/1 hold customer-name-clash",
        "d2/1 hold customer-name-clash",
    ];
    assert_eq!(world.outcomes(), want);
}

#[test]
fn a_namesake_of_another_round_counts() {
    let world = World::unknown_customer().with(|w| w.namesakes = vec![account("c9", "Acme")]);
    assert_eq!(world.outcome(), "hold customer-name-clash");
    let itself = World::unknown_customer().with(|w| w.namesakes = vec![account("c1", "Acme")]);
    assert_eq!(itself.outcome(), "invoice");
}

#[test]
fn a_namesake_that_needs_no_record_does_not_count() {
    let lost = World::unknown_customer().with(|w| {
        w.deals
            .push(Deal::won("d2", "c2", "50").set("IsWon", json!(false)));
        w.customers.push(account("c2", "Acme"));
    });
    assert_eq!(lost.outcomes(), ["d1/1 invoice", "d2/1 skip not-won"]);
}

#[test]
fn what_became_of_the_source_record() {
    let source = |presence| {
        World::new()
            .with(|w| w.customers[0].presence = presence)
            .outcome()
    };
    assert_eq!(source(Presence::Deleted), "hold customer-gone");
    assert_eq!(
        source(Presence::MergedInto("c2".to_owned())),
        "hold customer-merged"
    );
    let missing = World::new().with(|w| w.customers.clear());
    assert_eq!(missing.outcome(), "hold customer-not-visible");
    assert!(missing.message().contains("Account c1"));
}

#[test]
fn what_became_of_the_linked_customer() {
    let linked = |change: Value, presence| {
        World::new()
            .with(|w| {
                w.ledger_customer("x1", change);
                w.observed.customers.get_mut("x1").unwrap().presence = presence;
            })
            .outcome()
    };
    assert_eq!(
        linked(
            json!({"name": "Acme", "status": "archived"}),
            Presence::Present
        ),
        "hold customer-gone"
    );
    assert_eq!(
        linked(json!({"name": "Acme"}), Presence::Archived),
        "hold customer-gone"
    );
    assert_eq!(
        linked(
            json!({"name": "Acme"}),
            Presence::MergedInto("x2".to_owned())
        ),
        "hold customer-merged"
    );
    // Renamed in the ledger: the link holds.
    assert_eq!(
        linked(json!({"name": "Apex"}), Presence::Present),
        "invoice"
    );
}

#[test]
fn a_linked_customer_that_cannot_be_seen_waits_unless_its_shadow_is_known() {
    let unseen = World::new().with(|w| w.observed.customers.clear());
    assert_eq!(unseen.outcome(), "hold customer-not-visible");
    let just_made =
        unseen.with(|w| w.links[0].members[1].shadow = Some(r#"{"name":"Acme"}"#.to_owned()));
    assert_eq!(just_made.outcome(), "invoice");
}

#[test]
fn a_customer_that_cannot_be_mapped_holds_its_deals() {
    let broken = |drafts| {
        let world = World::new().with(|w| {
            w.deals.push(Deal::won("d2", "c1", "50"));
            w.customers[0].drafts = drafts;
        });
        world.outcomes()
    };
    let both = ["d1/1 hold mapping-problem", "d2/1 hold mapping-problem"];
    assert_eq!(broken(Err(Problem::new("missing-field", "No name"))), both);
    assert_eq!(broken(Ok(Vec::new())), both);
    let nameless = account_with("c1", json!({"name": ""})).drafts;
    assert_eq!(broken(nameless), both);
}

#[test]
fn names_from_outside_stay_as_they_are() {
    let name = "<b>\u{202e}Acme</b> \"Q\"";
    let world = stranger(name, "other", "active").with(|w| w.customers = vec![account("c1", name)]);
    assert!(world.message().contains(name));
}

#[test]
fn a_customer_whose_write_is_unresolved_waits() {
    let world = World::unknown_customer().with(|w| w.unresolved("customer", "number", "c1"));
    assert_eq!(world.outcome(), "hold unresolved-write");
}
