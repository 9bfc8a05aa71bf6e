//! Which tax type a line gets and who decided (domain rule 6).

use crate::world::{World, account_with};
use footbridge_plan::policy::{Amounts, Presence, TaxRule};
use serde_json::{Value, json};

fn rule(name: &str, tax_type: &str) -> TaxRule {
    TaxRule {
        name: name.to_owned(),
        countries: Vec::new(),
        tax_number: Presence::Any,
        treatment: None,
        tax_type: tax_type.to_owned(),
    }
}

/// A customer of this country and tax number.
fn of(country: &str, tax_number: &str) -> World {
    let address =
        json!([{"kind": "delivery", "country": "US"}, {"kind": "billing", "country": country}]);
    let draft = json!({"name": "Acme", "tax_number": tax_number, "addresses": address});
    World::new().with(|w| w.customers = vec![account_with("c1", draft)])
}

/// The tax type of the one line, and the sentence that says why.
fn decided(world: &World) -> (String, String) {
    let op = world.invoice();
    let line = &op.doc.list("lines")[0];
    assert_eq!(line.at("treatment"), None);
    let (_, why) = op.why.split_once(" Tax: ").unwrap();
    (line.text("tax_type").unwrap().to_owned(), why.to_owned())
}

#[test]
fn the_winner_is_named() {
    let contact = |w: &mut World| {
        w.ledger_customer(
            "x1",
            json!({"name": "Acme", "number": "c1", "sales_tax_type": "ZERORATED"}),
        )
    };
    let with = |item: bool, contact_too: bool, rule_too: bool| {
        World::new()
            .deal(|d| {
                if item {
                    d.line("item", json!("BOLT"))
                } else {
                    d
                }
            })
            .with(|w| {
                if contact_too {
                    contact(w);
                }
                if rule_too {
                    w.policy.tax_rules = vec![rule("All reverse", "REVERSE")];
                }
            })
    };
    for (world, tax_type, why) in [
        (
            with(false, false, false),
            "OUTPUT2",
            "\"OUTPUT2\" on line 1 from account \"200\".",
        ),
        (
            with(true, false, false),
            "RROUTPUT",
            "\"RROUTPUT\" on line 1 from item \"BOLT\".",
        ),
        (
            with(true, true, false),
            "ZERORATED",
            "\"ZERORATED\" on line 1 from customer \"Acme\".",
        ),
        (
            with(true, true, true),
            "REVERSE",
            "\"REVERSE\" on line 1 from rule \"All reverse\".",
        ),
    ] {
        assert_eq!(decided(&world), (tax_type.to_owned(), why.to_owned()));
    }
}

#[test]
fn the_first_rule_that_fits_wins() {
    let rules = vec![
        TaxRule {
            treatment: Some("Zero".to_owned()),
            ..rule("Zero rate", "ZERORATED")
        },
        TaxRule {
            countries: vec!["DE".to_owned(), "fr".to_owned()],
            tax_number: Presence::Present,
            ..rule("EU firms", "REVERSE")
        },
        TaxRule {
            countries: vec!["FR".to_owned()],
            tax_number: Presence::Absent,
            ..rule("French people", "RROUTPUT")
        },
    ];
    let with = |world: World, treatment: Value| {
        decided(
            &world
                .deal(|d| d.line("treatment", treatment))
                .with(|w| w.policy.tax_rules = rules.clone()),
        )
        .0
    };
    assert_eq!(with(of("DE", "DE123"), json!("Zero")), "ZERORATED");
    assert_eq!(with(of("DE", "DE123"), json!(null)), "REVERSE");
    assert_eq!(with(of("fr", "FR123"), json!(null)), "REVERSE");
    assert_eq!(with(of("FR", ""), json!(null)), "RROUTPUT");
    assert_eq!(with(of("GB", "GB123"), json!(null)), "OUTPUT2");
}

#[test]
fn a_foreign_tax_number_needs_a_rule() {
    for (country, tax_number, want) in [
        ("DE", "DE123456789", "hold foreign-tax-number"),
        ("US", "12-3456789", "hold foreign-tax-number"),
        ("", "DE123456789", "hold foreign-tax-number"),
        ("", "EL123456789", "hold foreign-tax-number"),
        ("", "GB123456789", "invoice"),
        ("", "XI123456789", "invoice"),
        ("", "123456789", "invoice"),
        ("GB", "GB123456789", "invoice"),
        ("gb", "123456789", "invoice"),
        ("DE", "", "invoice"),
    ] {
        assert_eq!(
            of(country, tax_number).outcome(),
            want,
            "{country} {tax_number}"
        );
    }
    let untaxed = of("DE", "DE123456789").with(|w| w.policy.billing.amounts = Amounts::NoTax);
    assert_eq!(untaxed.outcome(), "invoice");
}

#[test]
fn the_ledger_owns_the_tax_number() {
    let world = of("DE", "").with(|w| {
        w.ledger_customer(
            "x1",
            json!({"name": "Acme", "number": "c1", "tax_number": "DE1"}),
        )
    });
    assert_eq!(world.outcome(), "hold foreign-tax-number");
}

#[test]
fn what_the_source_says_of_a_line_needs_a_rule() {
    let world = World::new().deal(|d| d.line("treatment", json!("Exempt")));
    assert_eq!(world.outcome(), "hold tax-type-unfit");
    assert!(world.message().contains("\"Exempt\""));
}

#[test]
fn a_tax_type_must_fit() {
    for tax_type in ["OLD", "INPUT2", "NONE"] {
        let world = World::new().with(|w| w.policy.tax_rules = vec![rule("Wrong", tax_type)]);
        assert_eq!(world.outcome(), "hold tax-type-unfit", "{tax_type}");
        assert!(world.message().contains("rule \"Wrong\""));
    }
    let rateless =
        World::new().with(|w| w.observed.tax_rates.get_mut("OUTPUT2").unwrap().rate = None);
    assert_eq!(rateless.outcome(), "hold tax-type-unfit");
    let expense = World::new()
        .deal(|d| d.line("account", json!("400")))
        .with(|w| w.policy.tax_rules = vec![rule("Sales", "OUTPUT2")]);
    assert_eq!(expense.outcome(), "hold tax-type-unfit");
    let nothing =
        World::new().with(|w| w.observed.accounts.get_mut("200").unwrap().tax_type = None);
    assert_eq!(nothing.outcome(), "hold tax-type-unfit");
}

#[test]
fn the_mapping_may_choose_but_a_rule_wins() {
    let world = World::new().deal(|d| d.line("tax_type", json!("ZERORATED")));
    assert_eq!(
        decided(&world).1,
        "\"ZERORATED\" on line 1 from the mapping."
    );
    let ruled = world.with(|w| w.policy.tax_rules = vec![rule("All", "REVERSE")]);
    assert_eq!(decided(&ruled).0, "REVERSE");
}
