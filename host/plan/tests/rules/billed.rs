//! A deal that is billed and can't be worked out any more: its item names the invoice and takes no other one.

use crate::amend::{Change, billed, raised};
use footbridge_model::plan::reason;
use footbridge_model::remedy::{Of, Remedy, of_item};
use serde_json::json;

#[test]
fn what_can_not_be_billed_any_more_is_told_with_the_invoice_and_takes_no_other() {
    type Case = (&'static str, Change, &'static str);
    let cases: [Case; 4] = [
        (
            "lines",
            |d| d.lines(&["33.33"], "33.33").set("Amount", json!("100")),
            reason::AMOUNT_DIFFERS,
        ),
        (
            "the mapping",
            |d| d.line("unit_amount", json!("33.333333")),
            reason::AMOUNT_DIFFERS,
        ),
        (
            "negative",
            |d| d.lines(&["-3"], "-3").set("Amount", json!("-3")),
            reason::NEGATIVE_AMOUNT,
        ),
        (
            "account",
            |d| raised(d).line("account", json!("999")),
            reason::NO_ACCOUNT,
        ),
    ];
    for (what, change, reason) in cases {
        let plan = billed().deal(change).plan();
        assert!(plan.ops.is_empty(), "{what}: {plan:?}");
        let note = &plan.holds[0];
        assert_eq!(note.reason, reason, "{what}: {}", note.message);
        let start = "The deal is billed with invoice ";
        assert!(note.message.starts_with(start), "{what}: {}", note.message);
        let remedies = of_item(reason, Of::Deal, &note.shown);
        let links = remedies
            .iter()
            .any(|remedy| matches!(remedy, Remedy::Link(_)));
        assert!(!links, "{what}: {remedies:?}");
    }
}
