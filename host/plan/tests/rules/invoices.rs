//! What a planned invoice says, and what keeps it from being planned (domain rules 1, 2, 7 and 13).

use crate::world::{Deal, World, at, line, ops, our_key, our_url};
use footbridge_model::money::decimal;
use footbridge_model::plan::{Expectation, reason};
use footbridge_model::ruling::Choice;
use footbridge_plan::policy::{DateRule, NumberMode};
use serde_json::{Value, json};

#[test]
fn an_invoice_is_complete() {
    let op = World::new()
        .deal(|d| {
            d.line("item", json!("BOLT"))
                .line("quantity", json!("4"))
                .line("unit_amount", json!("25"))
        })
        .invoice();
    assert_eq!(
        op.doc.canonical(),
        format!(
            concat!(
                r#"{{"amounts":"exclusive","currency":"GBP","customer":"x1","date":"2026-09-14","due_date":"2026-10-14","#,
                r#""lines":[{{"account":"200","description":"Work","item":"BOLT","quantity":"4","tax_type":"RROUTPUT","unit_amount":"25"}}],"#,
                r#""reference":"PO 7","status":"draft","sub_total":"100","total":"105","url":"{}"}}"#
            ),
            our_url("d1", 1)
        )
    );
    assert_eq!(op.expects, Expectation::Absent);
    assert_eq!(op.target, None);
    assert_eq!(op.link.id, our_key("d1", 1));
    assert_eq!(
        op.why,
        "The deal was won on 2026-09-10 and is not billed: 100.00 GBP plus 5.00 GBP tax, 105.00 GBP in all, to \"Acme\", dated 2026-09-14, due 2026-10-14. Tax: \"RROUTPUT\" on line 1 from item \"BOLT\"."
    );
}

#[test]
fn the_key_joins_a_url_that_has_a_query() {
    let world = World::new().with(|w| w.record_url = "https://crm.example/open?id=".to_owned());
    let want = format!(
        "https://crm.example/open?id=d1&footbridge={}",
        our_key("d1", 1)
    );
    assert_eq!(world.invoice().natural_key.value, want);
}

#[test]
fn accounts_come_from_the_line_the_item_or_the_flow() {
    for (item, account, want) in [
        (json!("BOLT"), json!(null), "invoice"),
        (json!("NUT"), json!(null), "invoice"),
        (json!(null), json!("200"), "invoice"),
        (json!(null), json!("201"), "hold no-account"),
        (json!(null), json!("999"), "hold no-account"),
        (json!("SCREW"), json!(null), "hold item-not-found"),
        (json!("OWN"), json!(null), "hold item-not-found"),
    ] {
        let world = World::new().deal(|d| {
            d.line("item", item.clone())
                .line("account", account.clone())
        });
        assert_eq!(world.outcome(), want, "{item} {account}");
    }
    let nowhere = World::new().with(|w| w.policy.billing.default_account = "7".to_owned());
    assert_eq!(nowhere.outcome(), "hold no-account");
}

#[test]
fn a_currency_must_be_the_ledgers() {
    for (currency, want) in [
        (json!("GBP"), "invoice"),
        (json!("EUR"), "invoice"),
        (json!("JPY"), "invoice"),
        (json!("USD"), "hold currency-not-subscribed"),
        (json!(null), "hold currency-not-subscribed"),
        (json!(""), "hold currency-not-subscribed"),
    ] {
        assert_eq!(
            World::new()
                .deal(|d| d.set("Currency", currency.clone()))
                .outcome(),
            want,
            "{currency}"
        );
    }
    // Thousandths can't be invoiced in a ledger of cents.
    let dinars = World::new().deal(|d| d.set("Currency", json!("KWD")).lines(&["1.234"], "1.234"));
    assert_eq!(dinars.outcome(), "hold amount-differs");
}

#[test]
fn a_firm_with_one_currency_needs_no_field_for_it() {
    let one = World::new().with(|w| {
        w.policy.deal.currency = None;
        w.organisation.currencies.clear();
    });
    assert_eq!(one.invoice().doc.text("currency"), Some("GBP"));
}

#[test]
fn dates_are_the_organisations() {
    for (instant, local) in [
        ("2026-09-30T23:30:00Z", "2026-10-01"),
        ("2026-12-31T23:30:00Z", "2026-12-31"),
    ] {
        let world = World::new().with(|w| w.as_of = at(instant, local));
        assert_eq!(world.invoice().doc.text("date"), Some(local));
    }
}

#[test]
fn a_date_field_is_taken_as_it_is() {
    let by = |date: Value| {
        World::new()
            .deal(|d| d.set("CloseDate", date))
            .with(|w| w.policy.billing.date = DateRule::Field("CloseDate".to_owned()))
    };
    assert_eq!(
        by(json!("2026-09-09")).invoice().doc.text("date"),
        Some("2026-09-09")
    );
    assert_eq!(by(json!(null)).outcome(), "hold mapping-problem");
    assert_eq!(
        by(json!("2026-09-09T23:30:00Z")).outcome(),
        "hold mapping-problem"
    );
}

#[test]
fn a_date_over_a_year_ahead_waits_for_a_yes_to_it() {
    let dated = |date: &str| {
        World::new()
            .deal(|d| d.set("CloseDate", json!(date)))
            .with(|w| w.policy.billing.date = DateRule::Field("CloseDate".to_owned()))
    };
    for (date, want) in [
        ("2027-09-14", "invoice"),
        ("2027-09-15", "hold date-far-ahead"),
        ("2999-01-01", "hold date-far-ahead"),
        ("9999-12-31", "hold date-far-ahead"),
    ] {
        assert_eq!(dated(date).outcome(), want, "{date}");
    }
    assert_eq!(
        dated("2999-01-01").message(),
        "The invoice would be dated 2999-01-01, as \"CloseDate\" of the deal says; after 2027-09-14, a year from now, that is more likely a slip. Correct the date, or approve it."
    );
    let approved = dated("2999-01-01").with(|w| w.rule(reason::DATE_FAR_AHEAD, Choice::GoAhead));
    assert_eq!(approved.invoice().doc.text("date"), Some("2999-01-01"));
    let moved = approved.deal(|d| Deal {
        version: "v2".to_owned(),
        ..d
    });
    assert_eq!(
        moved.outcome(),
        "hold date-far-ahead",
        "the yes was to another date"
    );
}

#[test]
fn nothing_is_due_before_its_date() {
    let world = World::new().deal(|d| d.drafted("due_date", json!("2026-09-01")));
    assert_eq!(world.invoice().doc.text("due_date"), Some("2026-09-14"));
}

#[test]
fn closed_periods_stay_closed() {
    for (lock, year_end, filed, want) in [
        ("2026-09-13", "", "2026-09-13", "invoice"),
        ("2026-09-14", "", "2020-01-01", "hold locked-period"),
        ("2026-09-30", "", "2020-01-01", "hold locked-period"),
        ("", "2026-09-14", "2020-01-01", "hold locked-period"),
        ("", "", "2026-09-14", "hold locked-period"),
        ("soon", "", "2020-01-01", "hold locked-period"),
    ] {
        let world = World::new().with(|w| {
            w.organisation.period_lock_date = Some(lock.to_owned());
            w.organisation.end_of_year_lock_date = Some(year_end.to_owned());
            w.policy.billing.tax_filed_to = Some(filed.parse().unwrap());
        });
        assert_eq!(world.outcome(), want, "{lock} {year_end} {filed}");
    }
    let locked =
        World::new().with(|w| w.organisation.period_lock_date = Some("2026-09-30".to_owned()));
    assert_eq!(
        locked.message(),
        "The invoice would be dated 2026-09-14, on or before the period lock date, 2026-09-30. Choose a later date for it, or open the period."
    );
}

#[test]
fn an_invoice_by_hand_of_the_same_total_holds_the_deal() {
    let with = |invoice: Value| {
        World::new()
            .with(|w| w.ledger_invoice("7", invoice))
            .outcome()
    };
    let copied = "https://crm.example/d9?footbridge=0123456789abcdef0123456789abcdef";
    for (invoice, want) in [
        (json!({}), "hold looks-already-invoiced"),
        (
            json!({"status": "paid", "url": "https://elsewhere.example/"}),
            "hold looks-already-invoiced",
        ),
        (json!({"date": "2026-07-16"}), "hold looks-already-invoiced"),
        (json!({"date": "2026-10-01"}), "hold looks-already-invoiced"),
        (json!({"date": "2026-07-15"}), "invoice"),
        (json!({"total": "120.01"}), "invoice"),
        (json!({"currency": "EUR"}), "invoice"),
        (json!({"customer": "x2"}), "invoice"),
        (json!({"status": "voided"}), "invoice"),
        (json!({"status": "deleted"}), "invoice"),
        (json!({"kind": "payable"}), "invoice"),
        (json!({"url": copied}), "invoice"),
    ] {
        assert_eq!(with(invoice.clone()), want, "{invoice}");
    }
}

#[test]
fn an_adopted_customers_invoices_count_as_well() {
    let world = World::unknown_customer().with(|w| {
        w.ledger_customer("x9", json!({"name": "Acme"}));
        w.ledger_invoice("7", json!({"customer": "x9"}));
    });
    assert_eq!(world.outcome(), "hold looks-already-invoiced");
    assert!(
        world.plan().adoptions.is_empty(),
        "nothing to bill, nothing to link"
    );
}

#[test]
fn the_ledger_numbers_unless_the_flow_says_otherwise() {
    assert_eq!(World::new().invoice().doc.at("number"), None);
}

#[test]
fn a_number_from_a_field() {
    let by_field = |world: World| {
        world.with(|w| w.policy.billing.number = NumberMode::Field("Number".to_owned()))
    };
    let numbered = by_field(World::new()).deal(|d| d.set("Number", json!(" A-17 ")));
    assert_eq!(numbered.invoice().doc.text("number"), Some("A-17"));
    assert_eq!(by_field(World::new()).outcome(), "hold number-missing");
    let taken = numbered
        .clone()
        .with(|w| w.ledger_invoice("7", json!({"number": "A-17", "total": "1"})));
    assert_eq!(taken.outcome(), "hold number-taken");
    let twice = numbered.with(|w| {
        w.deals
            .push(Deal::won("d2", "c1", "50").set("Number", json!("A-17")))
    });
    assert_eq!(
        twice.outcomes(),
        ["d1/1 hold number-taken", "d2/1 hold number-taken"]
    );
}

#[test]
fn a_counter_numbers_in_the_order_of_winning_without_gaps() {
    let world = World::new().with(|w| {
        w.policy.billing.number = NumberMode::Counter {
            prefix: "FB-".to_owned(),
            first: 10,
            digits: 4,
        };
        let won = |at: &str| json!([{"Stage": "Closed Won", "At": at}]);
        w.deals = vec![
            Deal::won("d1", "c1", "10").set("History", won("2026-09-03T00:00:00Z")),
            Deal::won("d2", "c1", "20")
                .set("History", won("2026-09-02T00:00:00Z"))
                .set("Currency", json!("USD")),
            Deal::won("d3", "c1", "30").set("History", won("2026-09-01T00:00:00Z")),
        ];
    });
    let numbers = |world: &World| {
        let plan = world.plan();
        let text = |op: &footbridge_model::plan::Op, field| op.doc.text(field).unwrap().to_owned();
        let numbers: Vec<_> = ops(&plan, "invoice")
            .iter()
            .map(|op| text(op, "number"))
            .collect();
        (numbers, plan.next_number)
    };
    assert_eq!(
        numbers(&world),
        (vec!["FB-0010".to_owned(), "FB-0011".to_owned()], 12)
    );
    let later = world.clone().with(|w| w.next_number = 99);
    assert_eq!(
        numbers(&later),
        (vec!["FB-0099".to_owned(), "FB-0100".to_owned()], 101)
    );
    let taken = world.with(|w| w.ledger_invoice("7", json!({"number": "FB-0010", "total": "1"})));
    assert_eq!(numbers(&taken).0, ["FB-0011", "FB-0012"]);
}

#[test]
fn prices_have_four_places() {
    let fine = json!([{"description": "Bolts", "quantity": "1000", "unit_amount": "0.12345"}]);
    let world = World::new().deal(|d| d.lines(&["123.50"], "123.50").drafted("lines", fine));
    let op = world.invoice();
    assert_eq!(op.doc.list("lines")[0].text("unit_amount"), Some("0.1235"));
}

#[test]
fn predicted_totals_are_the_ledgers_golden_ones() {
    let golden = |lines: &[&str], rate: &str, want: &str| {
        let sum: rust_decimal::Decimal = lines.iter().map(|a| decimal(a).unwrap()).sum();
        let world = World::new()
            .deal(|d| d.lines(lines, &sum.to_string()))
            .with(|w| {
                w.observed.tax_rates.get_mut("OUTPUT2").unwrap().rate =
                    Some(decimal(rate).unwrap());
            });
        let why = world.invoice().why;
        assert!(why.contains(want), "{why}");
    };
    golden(
        &["25.06", "25.61", "25.63"],
        "15",
        "76.30 GBP plus 11.44 GBP tax, 87.74 GBP in all",
    );
    golden(
        &["21.00"],
        "15",
        "21.00 GBP plus 3.15 GBP tax, 24.15 GBP in all",
    );
    golden(
        &["43.30"],
        "5",
        "43.30 GBP plus 2.17 GBP tax, 45.47 GBP in all",
    );
}

#[test]
fn a_discount_is_the_ledgers_to_compute() {
    let discounted = json!([{"description": "Work", "quantity": "1.5", "unit_amount": "33.33", "discount_rate": "10"}, line("55")]);
    let op = World::new()
        .deal(|d| d.drafted("lines", discounted))
        .invoice();
    assert_eq!(op.doc.list("lines")[0].text("discount_rate"), Some("10"));
}

#[test]
fn an_invoice_whose_write_is_unresolved_waits() {
    let by = |object: &str, field: &str, value: &str| {
        World::new()
            .with(|w| w.unresolved(object, field, value))
            .outcome()
    };
    assert_eq!(
        by("invoice", "url", &our_url("d1", 1)),
        "hold unresolved-write"
    );
    // The address of the CRM changed since; the key didn't.
    let moved = our_url("d1", 1).replace("crm.example", "old.example");
    assert_eq!(by("invoice", "url", &moved), "hold unresolved-write");
    assert_eq!(by("Opportunity", "id", "d1"), "hold unresolved-write");
    assert_eq!(by("invoice", "url", &our_url("d2", 1)), "invoice");
    assert_eq!(by("customer", "number", "c9"), "invoice");
}
