//! Billing in parts (domain rule 5).

use crate::world::{Deal, World, at, line, ops, our_key};
use footbridge_model::money::{canonical, decimal};
use rust_decimal::Decimal;
use serde_json::json;

/// The deal has a billing plan; later parts are due after 30 and 60 days.
fn staged(plan: &str) -> World {
    World::new()
        .deal(|d| d.set("Plan", json!(plan)))
        .with(|w| w.policy.deal.part_days = vec![30, 60])
}

/// 30 and 70 per cent on the day all is due.
fn late(world: World) -> World {
    world.with(|w| w.as_of = at("2026-12-01T09:00:00Z", "2026-12-01"))
}

fn sums(world: &World) -> Vec<String> {
    let sum = |op: &footbridge_model::plan::Op| {
        let lines = op.doc.list("lines").iter();
        let amounts = lines.map(|l| decimal(l.text("unit_amount").unwrap()).unwrap());
        canonical(amounts.sum::<Decimal>())
    };
    ops(&world.plan(), "invoice").iter().map(sum).collect()
}

#[test]
fn the_first_part_is_billed_at_once_and_the_second_later() {
    let world = staged("30,70");
    assert_eq!(world.outcomes(), ["d1/1 invoice", "d1/2 skip part-not-due"]);
    assert_eq!(sums(&world), ["30"]);
    let skips = world.plan().skips;
    assert_eq!(
        skips[0].message,
        "This part of the deal is not due before 2026-10-10; it is billed then."
    );
}

#[test]
fn a_part_is_due_on_its_local_day() {
    let on = |instant: &str, date: &str| {
        staged("30,70")
            .with(|w| w.as_of = at(instant, date))
            .outcomes()
    };
    assert_eq!(
        on("2026-10-09T22:59:00Z", "2026-10-09")[1],
        "d1/2 skip part-not-due"
    );
    assert_eq!(on("2026-10-09T23:01:00Z", "2026-10-10")[1], "d1/2 invoice");
}

#[test]
fn days_count_from_the_local_day_of_winning() {
    // Won at 00:30 on 11 September in London, still the 10th in UTC.
    let won = json!([{"Stage": "Closed Won", "At": "2026-09-10T23:30:00Z"}]);
    let world = staged("30,70").deal(|d| d.set("History", won));
    assert!(world.plan().skips[0].message.contains("2026-10-11"));
}

#[test]
fn each_part_has_its_own_key_and_lines_that_say_so() {
    let world = late(staged("30,70"));
    let plan = world.plan();
    let invoices = ops(&plan, "invoice");
    assert_eq!(sums(&world), ["30", "70"]);
    for (part, op) in (1..).zip(&invoices) {
        assert_eq!(op.subject.part, part);
        assert_eq!(op.link.id, our_key("d1", part));
        assert!(op.natural_key.value.contains(&our_key("d1", part)));
    }
    assert_eq!(
        invoices[1].doc.list("lines")[0].text("description"),
        Some("Work (part 2 of 2, 70 %)")
    );
}

#[test]
fn parts_sum_to_the_deal_to_the_cent() {
    for (lines, total, plan, want) in [
        (vec!["99.99"], "99.99", "30,70", vec!["30", "69.99"]),
        (
            vec!["33.33", "33.33", "33.34"],
            "100",
            "33.33,33.33,33.34",
            vec!["33.33", "33.33", "33.34"],
        ),
        (vec!["10.01", "-0.02"], "9.99", "50,50", vec!["5", "4.99"]),
        (vec!["0.01"], "0.01", "50,50", vec!["0.01"]),
    ] {
        let world = late(staged(plan)).deal(|d| d.lines(&lines, total));
        assert_eq!(sums(&world), want, "{lines:?} {plan}");
    }
}

#[test]
fn a_part_that_comes_to_zero_is_skipped() {
    let world = late(staged("50,50")).deal(|d| d.lines(&["0.01"], "0.01"));
    assert_eq!(world.outcomes(), ["d1/1 invoice", "d1/2 skip zero-amount"]);
}

#[test]
fn a_currency_without_cents_is_split_without_cents() {
    let world = late(staged("33.5,66.5"))
        .deal(|d| d.lines(&["1001"], "1001").set("Currency", json!("JPY")));
    assert_eq!(sums(&world), ["335", "666"]);
}

#[test]
fn discounted_lines_are_split_by_what_they_come_to() {
    let discounted = json!([{"description": "Work", "quantity": "3", "unit_amount": "50", "discount_rate": "10"}, line("15")]);
    let world =
        late(staged("30,70")).deal(|d| d.lines(&["135", "15"], "150").drafted("lines", discounted));
    assert_eq!(sums(&world), ["45", "105"]);
    let plan = world.plan();
    assert!(
        ops(&plan, "invoice")
            .iter()
            .all(|op| op.doc.list("lines")[0].at("discount_rate").is_none())
    );
}

#[test]
fn an_unclear_plan_waits() {
    for plan in ["30,60", "half and half", "30,70,0", "110,-10"] {
        assert_eq!(
            staged(plan).outcome(),
            "hold billing-plan-unclear",
            "{plan}"
        );
    }
    assert_eq!(
        staged("25,25,25,25").outcome(),
        "hold billing-plan-unclear",
        "due when?"
    );
    let nowhere = staged("30,70").with(|w| w.organisation.time_zone = "Mars/Base".to_owned());
    assert_eq!(nowhere.outcome(), "hold billing-plan-unclear");
    let tiny = late(staged("30,30,40")).deal(|d| d.lines(&["0.02"], "0.02"));
    assert_eq!(tiny.outcomes().len(), 3);
}

#[test]
fn one_part_is_the_whole() {
    let whole = staged("100").plan();
    let plain = World::new().plan();
    assert_eq!(whole.ops, plain.ops);
}

#[test]
fn a_field_numbers_the_first_part_only() {
    let world = late(staged("30,70")).with(|w| {
        w.policy.billing.number = footbridge_plan::policy::NumberMode::Field("Number".to_owned());
        w.deals[0] = Deal::clone(&w.deals[0]).set("Number", json!("A-1"));
    });
    assert_eq!(
        world.outcomes(),
        ["d1/1 invoice", "d1/2 hold number-missing"]
    );
}
