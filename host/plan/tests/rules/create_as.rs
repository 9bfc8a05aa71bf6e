//! A customer whose name is taken in the ledger is created there under the name that a person gave (domain rule 9): only then, only
//! there, once, and nothing that exists is renamed.

use crate::world::{Deal, World, account, account_with, ops, outcomes};
use footbridge_model::CustomerName;
use footbridge_model::id::RecordId;
use footbridge_model::plan::{Expectation, Plan};
use footbridge_model::ruling::Choice;
use footbridge_model::shown::ShownName;
use serde_json::{Value, json};

const CLASH: &str = "customer-name-clash";
const ALIKE: &str = "customer-looks-existing";

fn called(name: &str) -> Choice {
    Choice::CreateAs {
        name: CustomerName::new(name).unwrap(),
    }
}

fn link(id: &str) -> Choice {
    Choice::LinkTo {
        id: RecordId::from(id),
    }
}

fn acme(number: &str, status: &str) -> Value {
    json!({"name": "Acme", "number": number, "status": status})
}

/// A deal of a customer in Leeds whose name somebody else has in the ledger.
fn taken() -> World {
    let draft = json!({"name": "Acme", "addresses": [{"kind": "billing", "city": "Leeds"}]});
    World::unknown_customer().with(|w| {
        w.customers = vec![account_with("c1", draft)];
        w.ledger_customer("x9", acme("other", "active"));
    })
}

/// Two new customers of one name.
fn namesakes() -> World {
    World::unknown_customer().with(|w| {
        w.deals.push(Deal::won("d2", "c2", "50"));
        w.customers.push(account("c2", "ACME"));
    })
}

/// The name that the item of a deal proposes.
fn proposed(world: &World, deal: &str) -> Option<String> {
    let name = world.shown(deal, CLASH).name?;
    name.proposed.map(String::from)
}

/// Names of the customers that a plan makes.
fn made(plan: &Plan) -> Vec<String> {
    let customers = ops(plan, "customer");
    let names = customers.iter().map(|op| op.doc.text("name").unwrap());
    names.map(str::to_owned).collect()
}

#[test]
fn the_customer_is_made_under_the_given_name_and_nothing_else_is_touched() {
    for holder in [
        acme("other", "active"),
        acme("", "archived"),
        acme("", "merged"),
    ] {
        let mut world = taken().with(|w| {
            w.ledger_customer("x9", holder.clone());
            w.deals.push(Deal::won("d2", "c1", "50"));
            w.ruled("d1", CLASH, called("Acme (Leeds)"));
        });
        let plan = world.plan();
        assert_eq!(
            outcomes(&plan),
            ["d1/1 invoice", "d2/1 invoice"],
            "{holder}"
        );
        let customers = ops(&plan, "customer");
        assert_eq!(customers.len(), 1, "one for both deals");
        let op = &customers[0];
        assert_eq!(
            op.doc.canonical(),
            r#"{"addresses":[{"city":"Leeds","kind":"billing"}],"name":"Acme (Leeds)","number":"c1"}"#
        );
        assert_eq!((&op.expects, &op.target), (&Expectation::Absent, &None));
        assert_eq!(op.natural_key.value, "c1");
        assert_eq!(
            op.why,
            "The name \"Acme\" isn't free in the ledger; ann decided on 2026-09-13 that the customer is created there as \"Acme (Leeds)\". Nothing else is renamed, in the ledger or in the source."
        );
        assert!(plan.adoptions.is_empty());
        for invoice in ops(&plan, "invoice") {
            assert_eq!(invoice.doc.text("customer.$op"), Some(op.id.as_str()));
        }
        // Later deals go to the same one, whether or not the word still counts.
        world.apply(&plan);
        for changed in [false, true] {
            let mut later = world.clone();
            later.deals.push(Deal::won("d3", "c1", "70"));
            if changed {
                later.deals[0].version = "v2".to_owned();
            }
            let plan = later.plan();
            assert!(made(&plan).is_empty() && plan.adoptions.is_empty());
            let billed = &ops(&plan, "invoice")[0];
            assert_eq!(
                billed.doc.text("customer"),
                Some(world.links[0].members[1].record.id.as_str())
            );
        }
    }
}

#[test]
fn one_that_was_made_and_not_heard_of_is_adopted_and_not_made_again() {
    let world = taken().with(|w| {
        w.ruled("d1", CLASH, called("Acme (Leeds)"));
        w.ledger_customer(
            "x1",
            json!({"name": "Acme (Leeds)", "number": "c1", "status": "active"}),
        );
    });
    let plan = world.plan();
    assert!(made(&plan).is_empty());
    assert_eq!(plan.adoptions[0].ledger_record.id.as_str(), "x1");
    let doubted = taken().with(|w| {
        w.ruled("d1", CLASH, called("Acme (Leeds)"));
        w.unresolved("customer", "number", "c1");
    });
    assert_eq!(doubted.outcome(), "hold unresolved-write");
}

#[test]
fn the_word_is_about_the_customer_its_name_and_those_who_have_it_as_they_were_shown() {
    type Change = fn(&mut World);
    let cases: [(&str, Change, &str); 8] = [
        ("nothing", |_| {}, "invoice"),
        (
            "the deal",
            |w| w.deals[0].version = "v2".to_owned(),
            "hold customer-name-clash",
        ),
        // The account is renamed: to a free name, and to another one that is taken.
        (
            "free",
            |w| w.customers[0] = account("c1", "Zenith"),
            "invoice",
        ),
        (
            "taken",
            |w| {
                w.customers[0] = account("c1", "Zenith");
                w.ledger_customer("x8", json!({"name": "Zenith", "number": "z"}));
            },
            "hold customer-name-clash",
        ),
        // Somebody else has the name as well, whom nobody looked at.
        (
            "another",
            |w| w.ledger_customer("x8", acme("", "active")),
            "hold customer-name-clash",
        ),
        (
            "instead",
            |w| {
                w.observed.customers.clear();
                w.ledger_customer("x8", acme("more", "active"));
            },
            "hold customer-name-clash",
        ),
        // The name is free by now: it is the person's word all the same.
        ("gone", |w| w.observed.customers.clear(), "invoice"),
        (
            "another customer",
            |w| {
                w.customers.push(account("c2", "Acme"));
                let to = json!({"$ref": {"object": "Account", "id": "c2"}});
                w.deals[0].draft["customer"] = to;
            },
            "hold customer-name-clash",
        ),
    ];
    for (what, change, want) in cases {
        let world = taken()
            .with(|w| w.ruled("d1", CLASH, called("Acme (Leeds)")))
            .with(change);
        assert_eq!(world.outcome(), want, "{what}");
        let plan = world.plan();
        let expected: &[&str] = match what {
            "nothing" | "gone" => &["Acme (Leeds)"],
            "free" => &["Zenith"],
            _ => &[],
        };
        assert_eq!(made(&plan), expected, "{what}");
        if matches!(what, "deal" | "taken" | "another" | "instead") {
            let said = world.message();
            assert!(said.ends_with("so decide again."), "{what}: {said}");
        }
    }
}

#[test]
fn a_given_name_that_is_taken_too_is_said_and_asks_again() {
    let world = taken().with(|w| {
        w.ledger_customer("x8", json!({"name": "ACME (leeds)", "status": "archived"}));
        w.ruled("d1", CLASH, called("Acme (Leeds)"));
    });
    assert_eq!(world.outcome(), "hold customer-name-clash");
    assert_eq!(
        world.message(),
        "ann decided on 2026-09-13 that the customer is created in the ledger as \"Acme (Leeds)\", but the ledger has a customer called like that already (x8). Link customer \"Acme\" with that one if it is the same, or choose another name."
    );
    // Another name answers the same question; so does the link.
    for (choice, made_now, adopted) in [(called("Acme (York)"), 1, 0), (link("x9"), 0, 1)] {
        let again = world.clone().with(|w| {
            w.ruled("d1", CLASH, choice.clone());
            w.rulings.remove(0);
        });
        assert_eq!(again.outcome(), "invoice", "{choice:?}");
        let plan = again.plan();
        assert_eq!(
            (made(&plan).len(), plan.adoptions.len()),
            (made_now, adopted)
        );
    }
    for own in ["Acme", " ACME "] {
        let same = namesakes().with(|w| w.ruled("d1", CLASH, called(own)));
        let want = ["d1/1 hold customer-name-clash", "d2/1 invoice"];
        assert_eq!(same.outcomes(), want, "{own}");
    }
}

#[test]
fn one_name_for_two_customers_holds_both() {
    let both = |second: &str| {
        namesakes().with(|w| {
            w.ruled("d1", CLASH, called("Acme (Leeds)"));
            let shown = w.rulings.remove(0);
            w.ruled("d2", CLASH, called(second));
            w.rulings.push(shown);
        })
    };
    let world = both("ACME (Leeds)");
    let held = [
        "d1/1 hold customer-name-clash",
        "d2/1 hold customer-name-clash",
    ];
    assert_eq!(world.outcomes(), held);
    let said = &world.plan().holds[0].message;
    assert!(
        said.ends_with("but another customer that has to be created is called like that as well. Choose another name for customer \"Acme\"."),
        "{said}"
    );
    assert_eq!(
        made(&both("Acme (York)").plan()),
        ["Acme (Leeds)", "Acme (York)"]
    );
}

#[test]
fn of_two_namesakes_one_keeps_the_name_and_is_no_less_sure_of_it() {
    let world = namesakes().with(|w| w.ruled("d1", CLASH, called("Acme (Leeds)")));
    assert_eq!(made(&world.plan()), ["Acme (Leeds)", "ACME"]);
    // Whoever is called like that by itself doesn't wait for the one who was given the name.
    let world = taken().with(|w| {
        w.deals.push(Deal::won("d2", "c2", "50"));
        w.customers.push(account("c2", "Acme (Leeds)"));
        w.ruled("d1", CLASH, called("Acme (Leeds)"));
    });
    assert_eq!(
        world.outcomes(),
        ["d1/1 hold customer-name-clash", "d2/1 invoice"]
    );
    assert_eq!(made(&world.plan()), ["Acme (Leeds)"]);
}

#[test]
fn who_only_looks_alike_is_asked_about_all_the_same() {
    for (other, alike) in [
        // Its own name looks like one that nobody was shown; the given one does.
        ("Acme Ltd", "x8"),
        ("Acme - Leeds", "x8"),
    ] {
        let held = taken().with(|w| {
            w.ledger_customer(
                "x8",
                json!({"name": other, "number": "8", "status": "active"}),
            );
            w.ruled("d1", CLASH, called("Acme (Leeds)"));
        });
        assert_eq!(held.outcome(), "hold customer-looks-existing", "{other}");
        assert!(held.message().contains(alike), "{}", held.message());
        let yes = held.clone().with(|w| w.ruled("d1", ALIKE, Choice::GoAhead));
        assert_eq!(made(&yes.plan()), ["Acme (Leeds)"], "{other}");
        let linked = held.with(|w| w.ruled("d1", ALIKE, link("x8")));
        // The word about the name came first.
        let linked = linked.with(|w| w.rulings[1].at += chrono::TimeDelta::hours(1));
        assert_eq!(linked.plan().adoptions.len(), 1, "{other}");
    }
    for other in ["Acme Ltd", "Acme, Leeds"] {
        let world = namesakes().with(|w| {
            w.deals.push(Deal::won("d3", "c3", "50"));
            w.customers.push(account("c3", other));
            w.ruled("d1", CLASH, called("Acme (Leeds)"));
        });
        assert_eq!(
            world.outcomes()[0],
            "d1/1 hold customer-looks-existing",
            "{other}"
        );
    }
}

#[test]
fn of_a_link_and_a_name_the_later_word_counts() {
    for (first, second, want) in [
        (link("x9"), called("Acme (Leeds)"), (1, 0)),
        (called("Acme (Leeds)"), link("x9"), (0, 1)),
    ] {
        // Said in the items of two deals of the customer.
        let world = taken().with(|w| {
            w.deals.push(Deal::won("d2", "c1", "50"));
            w.ruled("d1", CLASH, first.clone());
            let earlier = w.rulings.remove(0);
            w.ruled("d2", CLASH, second.clone());
            w.rulings[0].at += chrono::TimeDelta::hours(1);
            w.rulings.push(earlier);
        });
        let plan = world.plan();
        assert_eq!((made(&plan).len(), plan.adoptions.len()), want, "{first:?}");
    }
}

#[test]
fn a_name_is_proposed_that_nobody_has() {
    assert_eq!(proposed(&taken(), "d1").as_deref(), Some("Acme (Leeds)"));
    let shown = taken().shown("d1", CLASH);
    assert_eq!(
        shown.name,
        Some(ShownName {
            taken: "Acme".to_owned(),
            proposed: CustomerName::new("Acme (Leeds)").ok(),
        })
    );
    assert!(shown.alike.contains(&RecordId::from("x9")));
    type Change = fn(&mut World);
    let cases: [(&str, Change, &str); 5] = [
        (
            "in the ledger",
            |w| w.ledger_customer("x8", json!({"name": "ACME (LEEDS)", "status": "archived"})),
            "Acme (c1)",
        ),
        (
            "nearly",
            |w| w.ledger_customer("x8", json!({"name": "Acme Leeds Ltd"})),
            "Acme (c1)",
        ),
        (
            "in the source",
            |w| {
                w.deals.push(Deal::won("d2", "c2", "50"));
                w.customers.push(account("c2", "Acme (Leeds)"));
            },
            "Acme (c1)",
        ),
        // What was given already and is taken.
        (
            "given",
            |w| {
                w.ledger_customer("x8", json!({"name": "Acme (Leeds)"}));
                w.ruled("d1", CLASH, called("Acme (Leeds)"));
            },
            "Acme (c1)",
        ),
        (
            "a number",
            |w| {
                let draft = json!({"name": "Acme", "account_number": "4711"});
                w.customers[0] = account_with("c1", draft);
            },
            "Acme (4711)",
        ),
    ];
    for (what, change, want) in cases {
        assert_eq!(
            proposed(&taken().with(change), "d1").as_deref(),
            Some(want),
            "{what}"
        );
    }
    // Two of one name in one town.
    let leeds = json!({"name": "Acme", "addresses": [{"kind": "billing", "city": "Leeds"}]});
    let two = namesakes().with(|w| {
        w.customers = vec![account_with("c1", leeds.clone()), account_with("c2", leeds)];
    });
    assert_eq!(proposed(&two, "d1").as_deref(), Some("Acme (Leeds)"));
    assert_eq!(proposed(&two, "d2").as_deref(), Some("Acme (c2)"));
}

#[test]
fn no_name_helps_where_none_is_in_the_way() {
    let twice = World::unknown_customer().with(|w| {
        w.ledger_customer("x9", json!({"name": "Acme Ltd", "status": "active"}));
        w.customers.push(account("c2", "Zenith"));
        w.deals.push(Deal::won("d2", "c2", "50"));
        w.ruled("d1", ALIKE, link("x9"));
        w.ruled("d2", ALIKE, link("x9"));
    });
    for note in &twice.plan().holds {
        assert_eq!((note.reason.as_str(), &note.shown.name), (CLASH, &None));
    }
}
