//! Rails: a table of what each of them takes out, and what holds for all of them over random companies.

use crate::properties::{company, spec};
use crate::world::{Deal, World, account, our_url, outcomes, record};
use footbridge_model::document::Document;
use footbridge_model::id::{RecordId, RecordKey};
use footbridge_model::plan::Plan;
use footbridge_model::plugin::Action;
use footbridge_model::shown::Sum;
use footbridge_plan::lint;
use footbridge_plan::policy::NumberMode;
use footbridge_plan::rails::{Approved, Bounds, Railed, Rails, apply, same_id};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Rails as a configuration says them.
fn rails(said: Value) -> Rails {
    serde_json::from_value(said).unwrap()
}

/// What earlier runs and people left.
#[derive(Default)]
struct Before {
    admitted: BTreeSet<RecordId>,
    yes: BTreeMap<(RecordKey, u32), Sum>,
    the_plan: bool,
}

fn railed(world: &World, rails: &Rails, before: &Before) -> Railed {
    let deals: Vec<_> = world.deals.iter().map(Deal::source).collect();
    let bounds = Bounds {
        hidden: &BTreeSet::new(),
        rails,
        numbers: &world.policy.billing.number,
        deals: &deals,
        admitted: &before.admitted,
        shown: &BTreeSet::new(),
        approved: match before.the_plan {
            true => Approved::ThePlan,
            false => Approved::These(&before.yes),
        },
        room: (rails.most_writes_per_run).map(|most| usize::try_from(most).unwrap()),
    };
    apply(world.plan(), &bounds)
}

/// Three won deals, oldest first: `d1` and `d3` of a new customer, `d2` of another; 100, 200 and 300 GBP without tax.
fn three() -> World {
    let mut world = World::unknown_customer();
    let won = |id: &str, customer: &str, amount: &str, day: u32| {
        let at = format!("2026-09-{day:02}T12:00:00.000+0000");
        let history = json!([{"Stage": "Closed Won", "At": at}]);
        Deal::won(id, customer, amount).set("History", history)
    };
    world.deals = vec![
        won("d1", "c1", "100", 5),
        won("d2", "c2", "200", 6),
        won("d3", "c1", "300", 7),
    ];
    world.customers = vec![account("c1", "Acme"), account("c2", "Zenith")];
    world
}

fn shown(plan: &Plan) -> String {
    let made = |object: &str| {
        plan.ops
            .iter()
            .filter(|op| op.object.as_str() == object)
            .count()
    };
    format!(
        "{}; {} customers, {} write-backs",
        outcomes(plan).join(", "),
        made("customer"),
        made("Opportunity")
    )
}

#[test]
fn each_rail_takes_out_what_it_says_and_what_hangs_on_it() {
    for (said, expected) in [
        (
            json!({}),
            "d1/1 invoice, d2/1 invoice, d3/1 invoice; 2 customers, 3 write-backs",
        ),
        (
            json!({"pilot": {"only": ["d2"]}}),
            "d1/1 hold outside-pilot, d2/1 invoice, d3/1 hold outside-pilot; 1 customers, 1 write-backs",
        ),
        (
            json!({"pilot": {"first": 2}}),
            "d1/1 invoice, d2/1 invoice, d3/1 hold outside-pilot; 2 customers, 2 write-backs",
        ),
        (
            json!({"pilot": {"where": {"Name": "Deal d3", "IsWon": "true"}}}),
            "d1/1 hold outside-pilot, d2/1 hold outside-pilot, d3/1 invoice; 1 customers, 1 write-backs",
        ),
        (
            json!({"pilot": {"where": {"Nothing__c": "x"}}}),
            "d1/1 hold outside-pilot, d2/1 hold outside-pilot, d3/1 hold outside-pilot; 0 customers, 0 write-backs",
        ),
        // With tax: 120, 240, 360.
        (
            json!({"approval-above": "240.00"}),
            "d1/1 invoice, d2/1 invoice, d3/1 hold needs-approval; 2 customers, 2 write-backs",
        ),
        (
            json!({"approval-above": {"GBP": "239.99"}}),
            "d1/1 invoice, d2/1 hold needs-approval, d3/1 hold needs-approval; 1 customers, 1 write-backs",
        ),
        // A currency without a limit asks.
        (
            json!({"approval-above": {"EUR": "1000000"}}),
            "d1/1 hold needs-approval, d2/1 hold needs-approval, d3/1 hold needs-approval; 0 customers, 0 write-backs",
        ),
        (
            json!({"most-writes-per-run": 0}),
            "d1/1 hold over-the-cap, d2/1 hold over-the-cap, d3/1 hold over-the-cap; 0 customers, 0 write-backs",
        ),
        // Larger than the whole cap: as far as it goes, parents first.
        (
            json!({"most-writes-per-run": 2}),
            "d1/1 invoice, d2/1 hold over-the-cap, d3/1 hold over-the-cap; 1 customers, 0 write-backs",
        ),
        // d2 could go whole in the next run, so it isn't begun, and d3 doesn't overtake it.
        (
            json!({"most-writes-per-run": 5}),
            "d1/1 invoice, d2/1 hold over-the-cap, d3/1 hold over-the-cap; 1 customers, 1 write-backs",
        ),
        (
            json!({"most-writes-per-run": 6}),
            "d1/1 invoice, d2/1 invoice, d3/1 hold over-the-cap; 2 customers, 2 write-backs",
        ),
        (
            json!({"pilot": {"only": ["d1", "d3"]}, "approval-above": "200", "most-writes-per-run": 3}),
            "d1/1 invoice, d2/1 hold outside-pilot, d3/1 hold needs-approval; 1 customers, 1 write-backs",
        ),
    ] {
        let out = railed(&three(), &rails(said.clone()), &Before::default());
        assert_eq!(shown(&out.plan), expected, "{said}");
        assert!(lint(&out.plan).is_empty(), "{said}");
    }
}

#[test]
fn the_first_so_many_stay_the_first() {
    let rails = rails(json!({"pilot": {"first": 1}}));
    let first = railed(&three(), &rails, &Before::default());
    assert_eq!(first.admitted, BTreeSet::from([RecordId::from("d1")]));
    // Later an older deal comes up; the pilot stays with the one that it let in.
    let mut world = three();
    let history = json!([{"Stage": "Closed Won", "At": "2026-09-02T12:00:00.000+0000"}]);
    world
        .deals
        .push(Deal::won("d0", "c2", "5").set("History", history));
    let before = Before {
        admitted: first.admitted,
        ..Before::default()
    };
    let later = railed(&world, &rails, &before);
    assert_eq!(
        outcomes(&later.plan).join(", "),
        "d0/1 hold outside-pilot, d1/1 invoice, d2/1 hold outside-pilot, d3/1 hold outside-pilot"
    );
    assert!(later.admitted.is_empty());
}

#[test]
fn a_yes_lets_through_just_what_it_was_said_of() {
    let rails = rails(json!({"approval-above": "200"}));
    // Shown as 360.00 GBP. The item shows what the yes has to be to.
    let asked = railed(&three(), &rails, &Before::default()).plan;
    let shown = asked.holds.last().unwrap().shown.sum.clone().unwrap();
    assert_eq!(
        (shown.total.as_str(), shown.currency.as_str()),
        ("360", "GBP")
    );
    let yes = |sum: &Sum| Before {
        yes: BTreeMap::from([((record("Opportunity", "d3"), 1), sum.clone())]),
        ..Before::default()
    };
    let out = railed(&three(), &rails, &yes(&shown));
    assert_eq!(
        outcomes(&out.plan).join(", "),
        "d1/1 invoice, d2/1 hold needs-approval, d3/1 invoice"
    );
    // The same version of the deal comes to another sum: by the mapping, by a tax, in another currency.
    for (total, currency) in [("36", "GBP"), ("360", "EUR")] {
        let sum = Sum {
            total: total.to_owned(),
            currency: currency.to_owned(),
        };
        let out = railed(&three(), &rails, &yes(&sum));
        assert_eq!(
            outcomes(&out.plan).join(", "),
            "d1/1 invoice, d2/1 hold needs-approval, d3/1 hold needs-approval"
        );
        let said = format!("The yes that was given was to {total} {currency}; approve it again.");
        let message = &out.plan.holds.last().unwrap().message;
        assert!(message.ends_with(&said), "{message}");
    }
    // A plan that is to be approved holds all of it and says what needs the yes.
    let the_plan = Before {
        the_plan: true,
        ..Before::default()
    };
    let out = railed(&three(), &rails, &the_plan);
    assert_eq!(
        outcomes(&out.plan).join(", "),
        "d1/1 invoice, d2/1 invoice, d3/1 invoice"
    );
    let asks: Vec<&str> = (out.asks.iter())
        .map(|note| note.subject.record.id.as_str())
        .collect();
    assert_eq!(asks, ["d2", "d3"]);
    assert_eq!(
        out.asks[0].message,
        "The invoice would come to 240.00 GBP, more than the 200.00 GBP that go unasked. It is made once you approve it: the item, or a plan that it stands in."
    );
}

#[test]
fn an_invoice_that_is_changed_to_more_needs_a_yes_as_well() {
    let rails = rails(json!({"approval-above": {"GBP": "200"}}));
    let changed = |total: Option<&str>, currency: &str| {
        let mut plan = three().plan();
        plan.ops
            .retain(|op| op.object.as_str() == "invoice" && op.subject.record.id.as_str() == "d1");
        plan.bills.clear();
        let op = &mut plan.ops[0];
        (op.action, op.target) = (Action::Update, Some(RecordId::from("inv")));
        op.after.clear();
        let doc = total.map_or(
            json!({"status": "deleted"}),
            |total| json!({"total": total}),
        );
        op.doc = Document::from_plugin(&doc.to_string()).unwrap();
        let was = json!({"currency": currency}).to_string();
        op.was = Some(Document::from_plugin(&was).unwrap());
        let bounds = Bounds {
            hidden: &BTreeSet::new(),
            rails: &rails,
            numbers: &NumberMode::Ledger,
            deals: &[],
            admitted: &BTreeSet::new(),
            shown: &BTreeSet::new(),
            approved: Approved::These(&BTreeMap::new()),
            room: None,
        };
        let out = apply(plan, &bounds).plan;
        (
            out.ops.len(),
            out.holds.first().map(|note| note.reason.clone()),
        )
    };
    let waits = (0, Some("needs-approval".to_owned()));
    assert_eq!(changed(Some("200"), "GBP"), (1, None));
    assert_eq!(changed(Some("200.01"), "GBP"), waits);
    assert_eq!(changed(Some("1"), "EUR"), waits, "no limit is set for it");
    assert_eq!(changed(None, "GBP"), (1, None), "a deletion");
}

#[test]
fn what_is_half_done_is_looked_at_again() {
    let rails = rails(json!({"most-writes-per-run": 2}));
    let out = railed(&three(), &rails, &Before::default());
    assert_eq!(
        out.unfinished,
        BTreeSet::from([record("Opportunity", "d1")])
    );
}

#[test]
fn what_an_earlier_run_began_is_finished_before_more_is_made() {
    let mut world = three();
    // The oldest deal is billed and doesn't show it yet.
    world.ledger_customer("x1", json!({"name": "Acme"}));
    world.link_customer("c1", "x1");
    world.ledger_invoice("7", json!({"customer": "x1", "url": our_url("d1", 1)}));
    world.link_invoice("d1", 1, "7");
    let rails = rails(json!({"most-writes-per-run": 3}));
    let out = railed(&world, &rails, &Before::default());
    let written: Vec<&str> = (out.plan.ops.iter())
        .map(|op| op.subject.record.id.as_str())
        .collect();
    assert!(written.contains(&"d1"), "{written:?}");
}

#[test]
fn a_deal_that_is_not_shown_waits_with_what_only_it_needs() {
    let world = three();
    let deals: Vec<_> = world.deals.iter().map(Deal::source).collect();
    let rails = rails(json!({}));
    let hidden = BTreeSet::from([RecordId::from("d2")]);
    let bounds = Bounds {
        hidden: &hidden,
        rails: &rails,
        numbers: &world.policy.billing.number,
        deals: &deals,
        admitted: &BTreeSet::new(),
        shown: &BTreeSet::new(),
        approved: Approved::ThePlan,
        room: None,
    };
    let out = apply(world.plan(), &bounds);
    let ids = |id: &str| {
        let mut ops = out.plan.ops.iter();
        ops.any(|op| op.subject.record.id.as_str() == id)
    };
    assert!(ids("d1") && ids("d3") && !ids("d2") && !ids("c2"));
    let held: Vec<_> = (out.plan.holds.iter())
        .map(|note| (note.subject.record.id.as_str(), note.reason.as_str()))
        .collect();
    assert_eq!(held, [("d2", "deal-not-visible")]);
}

#[test]
fn numbers_of_our_own_counter_close_up() {
    let mut world = three();
    world.policy.billing.number = NumberMode::Counter {
        prefix: "FB-".to_owned(),
        first: 1,
        digits: 3,
    };
    let rails = rails(json!({"pilot": {"only": ["d1", "d3"]}}));
    let out = railed(&world, &rails, &Before::default());
    let numbers: Vec<_> = (out.plan.ops.iter())
        .filter(|op| op.object.as_str() == "invoice")
        .filter_map(|op| op.doc.text("number"))
        .collect();
    assert_eq!(
        (numbers, out.plan.next_number),
        (vec!["FB-001", "FB-002"], 3)
    );
}

#[test]
fn an_id_in_its_short_form_is_the_same() {
    for (given, id, same) in [
        ("006Hs00001abcde", "006Hs00001abcdeFGH", true),
        ("006Hs00001abcdeFGH", "006Hs00001abcdeFGH", true),
        ("006hs00001abcde", "006Hs00001abcdeFGH", false),
        ("006Hs00001abcd", "006Hs00001abcdeFGH", false),
        ("", "", true),
    ] {
        assert_eq!(same_id(given, id), same, "{given} {id}");
    }
}

#[test]
fn what_can_not_be_meant_is_refused() {
    for (said, expected) in [
        (
            json!({"approval-above": 5000}),
            "expected an amount as text",
        ),
        (json!({"approval-above": "much"}), "\"much\" is no amount"),
        (json!({"approval-above": "-1"}), "\"-1\" is no amount"),
        (
            json!({"approval-above": {"gbp": "1"}}),
            "\"gbp\" is no currency code",
        ),
        (
            json!({"pilot": {"some": []}}),
            "unknown variant `some`, expected one of `only`, `first`, `where`",
        ),
        (
            json!({"first-run": "maybe"}),
            "unknown variant `maybe`, expected `ask` or `write`",
        ),
        (json!({"most-writes-per-run": -1}), "invalid number"),
        (json!({"pilots": {}}), "unknown field `pilots`"),
    ] {
        let error = serde_json::from_value::<Rails>(said.clone()).unwrap_err();
        assert!(error.to_string().contains(expected), "{said}: {error}");
    }
}

prop_compose! {
    fn any_rails()(
        pilot in prop_oneof![
            Just(None),
            prop::collection::vec(0usize..16, 0..6).prop_map(|ids| {
                let ids: Vec<String> = ids.iter().map(|n| format!("d{n:02}")).collect();
                Some(json!({"only": ids}))
            }),
            (0u32..8).prop_map(|n| Some(json!({"first": n}))),
            Just(Some(json!({"where": {"Currency": "GBP"}}))),
        ],
        cap in prop::option::of(0u32..12),
        above in prop_oneof![Just(None), Just(Some(json!("50"))), Just(Some(json!({"GBP": "100"})))],
    ) -> Rails {
        rails(json!({"pilot": pilot, "most-writes-per-run": cap, "approval-above": above}))
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_the_rails(specs in prop::collection::vec(spec(), 1..14), policy in 0u8..6, rails in any_rails()) {
        let world = company(&specs, policy);
        let whole = world.plan();
        let before = Before::default();
        let out = railed(&world, &rails, &before);
        // The same again.
        prop_assert_eq!(&railed(&world, &rails, &before), &out);
        // Nothing is made or reordered: what is left stands in the plan, in its order, and is what it was but for our counter's numbers.
        let mut rest = whole.ops.iter();
        for op in &out.plan.ops {
            let mut was = rest.find(|was| was.id == op.id).cloned().unwrap();
            if matches!(world.policy.billing.number, NumberMode::Counter { .. }) {
                was.doc = op.doc.clone();
            }
            prop_assert_eq!(&was, op);
        }
        // Sound, so nothing is left without what it needs; each part has one outcome (`outcomes` refuses a second).
        let faults = lint(&out.plan);
        prop_assert!(faults.is_empty(), "{:?}", faults);
        let _one_each = outcomes(&out.plan);
        // What is taken out is said, or its record is looked at again.
        for op in whole.ops.iter().filter(|op| op.object.as_str() == "invoice") {
            let kept = out.plan.ops.iter().any(|left| left.id == op.id);
            let said = out.plan.holds.iter().any(|note| note.subject == op.subject);
            prop_assert!(kept != said, "{:?}", op.subject);
        }
        for op in whole.ops.iter().filter(|op| op.object.as_str() == "Opportunity") {
            let kept = out.plan.ops.iter().any(|left| left.id == op.id);
            let said = out.plan.holds.iter().any(|note| note.subject == op.subject);
            let again = out.unfinished.contains(&op.subject.record);
            prop_assert!(kept || said || again, "{:?}", op.subject);
        }
        // No customer is made that nothing is billed to.
        for op in out.plan.ops.iter().filter(|op| op.object.as_str() == "customer") {
            let needed = out.plan.ops.iter().any(|other| other.after.contains(&op.id));
            let cut_short = out.plan.holds.iter().any(|note| note.reason == "over-the-cap");
            prop_assert!(needed || cut_short, "{:?}", op.subject);
        }
        if let Some(most) = rails.most_writes_per_run {
            prop_assert!(out.plan.ops.len() <= usize::try_from(most).unwrap());
        }
    }

    #[test]
    fn a_cap_changes_when_and_not_what(specs in prop::collection::vec(spec(), 1..10), policy in 0u8..6, most in 1u32..7) {
        let mut at_once = company(&specs, policy);
        let whole = at_once.plan();
        let mut in_steps = at_once.clone();
        at_once.apply(&whole);
        let rails = rails(json!({"most-writes-per-run": most}));
        let mut written = 0;
        for _ in 0..=whole.ops.len() {
            let out = railed(&in_steps, &rails, &Before::default());
            written += out.plan.ops.len();
            in_steps.apply(&out.plan);
            if out.plan.ops.is_empty() {
                break;
            }
        }
        prop_assert_eq!(written, whole.ops.len());
        prop_assert_eq!(in_steps.outcomes(), at_once.outcomes());
        prop_assert_eq!(in_steps.next_number, at_once.next_number);
    }
}
