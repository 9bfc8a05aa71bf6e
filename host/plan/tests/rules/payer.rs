//! Whom a recognised invoice bills is linked with it, unless anything speaks against it.

use crate::world::{Deal, World, account, our_url, record};
use footbridge_model::link::Role;
use footbridge_model::plan::{Plan, reason};
use footbridge_model::plugin::Presence;
use footbridge_model::ruling::Choice;
use serde_json::json;

/// Deal `d1` of account `c1`, Acme, is billed by invoice 7 to `x1`; nothing is linked.
fn restored(name: &str, number: &str) -> World {
    World::unknown_customer().with(|w| {
        w.policy.write_back = None;
        w.ledger_customer("x1", json!({"name": name, "number": number}));
        w.ledger_invoice("7", json!({"url": our_url("d1", 1)}));
    })
}

/// Adopted records, in the order in which they are stored.
fn adopted(plan: &Plan) -> Vec<&str> {
    let all = plan.adoptions.iter();
    all.map(|adoption| adoption.ledger_record.id.as_str())
        .collect()
}

#[test]
fn the_customer_of_a_recognised_invoice_is_linked_before_it() {
    for (name, number) in [("Renamed", "c1"), ("ACME", ""), ("acme ", "")] {
        let mut world = restored(name, number);
        let plan = world.plan();
        assert_eq!(adopted(&plan), ["x1", "7"], "{name} {number}");
        let customer = &plan.adoptions[0];
        assert_eq!(customer.link.role, Role::Customer);
        assert_eq!(customer.link.source, record("Account", "c1"));
        assert_eq!(customer.subject.record, record("Account", "c1"));
        assert_eq!(customer.subject.title, "Acme");
        assert_eq!((&customer.shadow, customer.version.as_str()), (&None, "1"));
        assert!(customer.why.contains("\"INV-7\" is that of a deal"));
        assert!(plan.ops.is_empty());
        world.apply(&plan);
        assert!(world.plan().adoptions.is_empty(), "once");
    }
}

#[test]
fn what_speaks_against_it_leaves_the_customer_unlinked() {
    type Change = fn(&mut World);
    let cases: [(&str, Change); 15] = [
        ("only nearly of its name", |w| {
            w.ledger_customer("x1", json!({"name": "Acme Ltd"}));
        }),
        ("another contact is of nearly its name", |w| {
            w.ledger_customer("x2", json!({"name": "Acme Limited"}));
        }),
        ("another account is of nearly its name", |w| {
            w.customers.push(account("c2", "Acme Inc"));
        }),
        ("the contact is another account's", |w| {
            w.link_customer("c9", "x1");
        }),
        ("the account has another contact", |w| {
            w.ledger_customer("x2", json!({"name": "Other"}));
            w.link_customer("c1", "x2");
        }),
        ("the account has one that is gone", |w| {
            w.ledger_customer("x2", json!({"name": "Other", "status": "archived"}));
            w.link_customer("c1", "x2");
        }),
        ("archived", |w| {
            w.ledger_customer("x1", json!({"name": "Acme", "status": "archived"}));
        }),
        ("merged", |w| {
            let contact = w.observed.customers.get_mut("x1").unwrap();
            contact.presence = Presence::MergedInto("x2".to_owned());
        }),
        ("not seen", |w| w.observed.customers.clear()),
        ("of another name, so the deal may have been moved", |w| {
            w.ledger_customer("x1", json!({"name": "Zenith"}));
        }),
        ("of another's number", |w| {
            w.ledger_customer("x1", json!({"name": "Acme", "number": "c9"}));
        }),
        ("another contact has our number", |w| {
            w.ledger_customer("x2", json!({"name": "Other", "number": "c1"}));
        }),
        ("two have our number", |w| {
            w.ledger_customer("x1", json!({"name": "Acme", "number": "c1"}));
            w.ledger_customer("x2", json!({"name": "Other", "number": "c1"}));
        }),
        ("the account is deleted", |w| {
            w.customers[0].presence = Presence::Deleted;
        }),
        ("a write of it is open", |w| {
            w.unresolved("customer", "number", "c1");
        }),
    ];
    for (what, change) in cases {
        let plan = restored("Acme", "").with(change).plan();
        assert_eq!(adopted(&plan), ["7"], "{what}");
    }
}

#[test]
fn each_invoice_links_whom_it_bills_with_the_account_that_is_of_its_name() {
    for (what, of, to, want) in [
        ("one customer", "c1", "x1", vec!["7", "8", "x1"]),
        ("two of one account", "c1", "x2", vec!["7", "8", "x1"]),
        ("one of two accounts", "c2", "x1", vec!["7", "8", "x1"]),
        ("two of two", "c2", "x2", vec!["7", "8", "x1", "x2"]),
    ] {
        let world = restored("Acme", "").with(|w| {
            w.deals.push(Deal::won("d2", of, "100"));
            w.customers.push(account("c2", "Zenith"));
            w.ledger_customer("x2", json!({"name": "ZENITH"}));
            w.ledger_invoice("8", json!({"url": our_url("d2", 1), "customer": to}));
        });
        let plan = world.plan();
        let mut all = adopted(&plan);
        for pair in all.windows(2).filter(|pair| pair[0].starts_with('x')) {
            let billed = &world.observed.invoices[pair[1]].value.customer;
            assert_eq!(billed, pair[0], "{what}: just before its own invoice");
        }
        all.sort_unstable();
        assert_eq!(all, want, "{what}");
    }
}

#[test]
fn a_customer_who_gets_an_invoice_in_the_same_plan_is_linked_once() {
    let plan = restored("Acme", "c1")
        .with(|w| w.deals.push(Deal::won("d2", "c1", "50")))
        .plan();
    assert_eq!(adopted(&plan), ["x1", "7"]);
    assert!(plan.adoptions[0].why.contains("with number c1"));
}

#[test]
fn so_is_that_of_an_invoice_which_a_person_leaves_as_it_is_or_lets_change() {
    let edited = |w: &mut World| {
        let invoice = json!({"url": our_url("d1", 1), "sub_total": "99", "status": "draft"});
        w.ledger_invoice("7", invoice);
    };
    let waits = restored("Acme", "c1").with(edited);
    assert_eq!(waits.outcome(), "hold invoice-edited");
    assert!(waits.plan().adoptions.is_empty(), "nothing is recognised");
    let stays = waits
        .clone()
        .with(|w| w.rule(reason::INVOICE_EDITED, Choice::TakeLedger { field: None }));
    assert_eq!(adopted(&stays.plan()), ["x1", "7"]);
    let changes =
        waits.with(|w| w.rule(reason::INVOICE_EDITED, Choice::TakeSource { field: None }));
    assert_eq!(changes.outcome(), "update");
    assert_eq!(adopted(&changes.plan()), ["x1"]);
}

#[test]
fn the_customer_of_an_invoice_that_a_person_names_is_linked_with_it() {
    let world = World::unknown_customer().with(|w| {
        w.policy.write_back = None;
        w.ledger_customer("x1", json!({"name": "Acme", "number": "c1"}));
        w.ledger_invoice("7", json!({}));
    });
    let linked = world.with(|w| {
        w.rule(
            reason::LOOKS_ALREADY_INVOICED,
            Choice::LinkTo { id: "7".into() },
        );
    });
    assert_eq!(adopted(&linked.plan()), ["x1", "7"]);
}
