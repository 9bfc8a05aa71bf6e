//! Which deals are billed at all, and what their amount must be (domain rules 1 and 5).

use crate::world::{Deal, World, line};
use footbridge_model::failure::Problem;
use footbridge_model::plugin::Presence;
use footbridge_plan::policy::{Amounts, NoLines};
use serde_json::{Value, json};

fn history(changes: &[(&str, &str)]) -> Value {
    let changes: Vec<Value> = changes
        .iter()
        .map(|(stage, at)| json!({"Stage": stage, "At": at}))
        .collect();
    json!(changes)
}

fn outcome(change: impl FnOnce(Deal) -> Deal) -> String {
    World::new().deal(change).outcome()
}

#[test]
fn a_won_deal_is_billed() {
    assert_eq!(World::new().outcome(), "invoice");
}

#[test]
fn a_deal_that_is_not_won_is_not() {
    assert_eq!(outcome(|d| d.set("IsWon", json!(false))), "skip not-won");
}

#[test]
fn whether_it_is_won_must_be_known() {
    assert_eq!(
        outcome(|d| d.set("IsWon", json!(null))),
        "hold mapping-problem"
    );
}

#[test]
fn a_deal_in_the_bin_is_not() {
    let gone = |presence| {
        World::new()
            .with(|w| w.deals[0].presence = presence)
            .outcome()
    };
    assert_eq!(gone(Presence::Deleted), "skip deal-deleted");
    assert_eq!(
        gone(Presence::MergedInto("d2".to_owned())),
        "skip deal-deleted"
    );
}

#[test]
fn history_is_decided_by_the_first_time_it_was_won() {
    let (before, after) = (
        "2026-08-31T23:59:59.000+0000",
        "2026-09-02T00:00:00.000+0000",
    );
    let go_live = "2026-09-01T00:00:00.000+0000";
    for (changes, want) in [
        (vec![("Closed Won", after)], "invoice"),
        (vec![("Closed Won", go_live)], "invoice"),
        (vec![("Closed Won", before)], "skip before-go-live"),
        // Reopened and won again: it stays history, in whatever order its changes come.
        (
            vec![
                ("Closed Won", before),
                ("Open", go_live),
                ("Closed Won", after),
            ],
            "skip before-go-live",
        ),
        (
            vec![
                ("Closed Won", after),
                ("Open", go_live),
                ("Closed Won", before),
            ],
            "skip before-go-live",
        ),
        // Edited without changing the stage.
        (
            vec![("Closed Won", before), ("Closed Won", after)],
            "skip before-go-live",
        ),
        (vec![("Open", before), ("Closed Won", after)], "invoice"),
        // Nobody can tell when.
        (vec![("Open", before)], "hold mapping-problem"),
        (vec![("Closed Won", "lately")], "hold mapping-problem"),
    ] {
        assert_eq!(
            outcome(|d| d.set("History", history(&changes))),
            want,
            "{changes:?}"
        );
    }
}

#[test]
fn the_last_stage_change_counts_only_without_history() {
    let without =
        |at: Value| outcome(|d| d.set("History", json!([])).set("LastStageChangeDate", at));
    assert_eq!(without(json!("2026-09-02T00:00:00Z")), "invoice");
    assert_eq!(
        without(json!("2026-08-02T00:00:00Z")),
        "skip before-go-live"
    );
    assert_eq!(without(json!(null)), "hold mapping-problem");
    let with = outcome(|d| d.set("LastStageChangeDate", json!("2026-08-02T00:00:00Z")));
    assert_eq!(with, "invoice");
}

#[test]
fn the_close_date_decides_nothing() {
    assert_eq!(
        outcome(|d| d.set("CloseDate", json!("2020-01-01"))),
        "invoice"
    );
}

#[test]
fn history_needs_no_mapping_and_has_no_other_problem() {
    let world = World::new().with(|w| {
        w.deals[0] = w.deals[0].clone().set(
            "History",
            history(&[("Closed Won", "2026-01-01T00:00:00Z")]),
        );
        w.deals[0].problem = Some(Problem::new("missing-field", "There is no amount"));
        w.customers.clear();
    });
    assert_eq!(world.outcome(), "skip before-go-live");
}

#[test]
fn what_the_mapping_reports_is_passed_on() {
    let world = World::new().with(|w| {
        w.deals[0].problem = Some(Problem {
            field: Some("PO__c".to_owned()),
            ..Problem::new("missing-field", "The purchase order is empty.")
        });
    });
    assert_eq!(world.outcome(), "hold mapping-problem");
    assert_eq!(
        world.message(),
        "The mapping could not handle the deal: The purchase order is empty (field \"PO__c\"). Correct the record or the mapping."
    );
}

#[test]
fn a_draft_that_is_incomplete_or_strange_waits() {
    type Change = fn(Deal) -> Deal;
    let cases: [(&str, Change); 11] = [
        ("no customer", |d| d.drafted("customer", json!(null))),
        ("a name for a customer", |d| {
            d.drafted("customer", json!("Acme"))
        }),
        ("no due date", |d| d.drafted("due_date", json!(null))),
        ("an instant for a date", |d| {
            d.drafted("due_date", json!("2026-10-14T00:00:00Z"))
        }),
        ("gross prices where the flow says net", |d| {
            d.drafted("amounts", json!("inclusive"))
        }),
        ("a field of nothing", |d| d.drafted("colour", json!("red"))),
        ("a line with a field of nothing", |d| {
            d.line("colour", json!("red"))
        }),
        ("a line without words", |d| {
            d.line("description", json!(" "))
        }),
        ("a line without a quantity", |d| {
            d.line("quantity", json!(null))
        }),
        ("a line with a wordy price", |d| {
            d.line("unit_amount", json!("ten"))
        }),
        ("an absurd price", |d| {
            d.line("unit_amount", json!("79228162514264337593543950335"))
                .line("quantity", json!("10"))
        }),
    ];
    for (what, change) in cases {
        assert_eq!(outcome(change), "hold mapping-problem", "{what}");
    }
}

#[test]
fn amounts_decide() {
    for (lines, total, want) in [
        (vec!["100"], "100", "invoice"),
        (vec!["60.10", "39.90"], "100", "invoice"),
        (vec!["120", "-20"], "100.00", "invoice"),
        (vec!["0"], "0", "skip zero-amount"),
        (vec!["20", "-20"], "0.00", "skip zero-amount"),
        (vec!["-5"], "-5", "hold negative-amount"),
        (vec!["60", "39.99"], "100", "hold amount-differs"),
        (vec![], "100", "hold no-lines"),
        (vec![], "0", "skip zero-amount"),
    ] {
        assert_eq!(
            outcome(|d| d.lines(&lines, total)),
            want,
            "{lines:?} {total}"
        );
    }
    assert_eq!(
        outcome(|d| d.set("Amount", json!(null))),
        "hold amount-differs"
    );
    assert_eq!(
        outcome(|d| d.set("Amount", json!("a lot"))),
        "hold amount-differs"
    );
    assert_eq!(
        outcome(|d| d.set("Lines", json!([{"Total": null}]))),
        "hold amount-differs"
    );
}

#[test]
fn an_invoice_that_would_come_to_something_else_waits() {
    let world = World::new().deal(|d| {
        d.line("unit_amount", json!("33.33"))
            .line("quantity", json!("3"))
    });
    assert_eq!(world.outcome(), "hold amount-differs");
    assert_eq!(
        world.message(),
        "The deal's amount is 100.00 GBP, the sub-total of its invoice would be 99.99 GBP. Correct the deal's lines or the mapping."
    );
}

#[test]
fn with_tax_the_amount_is_the_total() {
    let world = |amounts| World::new().with(|w| w.policy.billing.amounts = amounts);
    let invoice = world(Amounts::Inclusive).invoice();
    assert!(
        invoice
            .why
            .contains("83.33 GBP plus 16.67 GBP tax, 100.00 GBP in all"),
        "{}",
        invoice.why
    );
    let invoice = world(Amounts::NoTax).invoice();
    assert!(
        invoice
            .why
            .contains("100.00 GBP plus 0.00 GBP tax, 100.00 GBP in all"),
        "{}",
        invoice.why
    );
    let invoice = world(Amounts::Exclusive).invoice();
    assert!(
        invoice
            .why
            .contains("100.00 GBP plus 20.00 GBP tax, 120.00 GBP in all"),
        "{}",
        invoice.why
    );
}

#[test]
fn a_deal_without_lines_is_one_line_if_the_flow_says_so() {
    let world = World::new().with(|w| w.policy.billing.no_lines = NoLines::OneLine);
    let billed = world.clone().deal(|d| d.set("Lines", json!([])));
    assert_eq!(billed.outcome(), "invoice");
    let unworded = world.clone().deal(|d| d.lines(&[], "100"));
    assert_eq!(unworded.outcome(), "hold no-lines");
    let lost = world.deal(|d| d.drafted("lines", json!([])));
    assert_eq!(lost.outcome(), "hold mapping-problem");
}

#[test]
fn a_deal_is_planned_once_however_often_it_is_given() {
    let world = World::new().with(|w| w.deals.push(w.deals[0].clone()));
    assert_eq!(world.outcome(), "invoice");
}

#[test]
fn lines_keep_their_order() {
    let lines = json!([line("30"), line("10"), line("60")]);
    let op = World::new()
        .deal(|d| d.lines(&["30", "10", "60"], "100").drafted("lines", lines))
        .invoice();
    let amounts: Vec<_> = op
        .doc
        .list("lines")
        .iter()
        .map(|l| l.text("unit_amount").unwrap().to_owned())
        .collect();
    assert_eq!(amounts, ["30", "10", "60"]);
}
