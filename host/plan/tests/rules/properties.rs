//! What holds for every plan, over random small companies: it depends on nothing but its input, gives every deal one
//! outcome, and once carried out leaves nothing to do.

use crate::world::{Deal, World, account, ledger_record, line, outcomes};
use footbridge_model::document::Document;
use footbridge_model::id::RecordKey;
use footbridge_model::link::{Link, Member};
use footbridge_model::money::{canonical, decimal};
use footbridge_model::plan::{LinkIntent, Op, Plan};
use footbridge_plan::policy::{Amounts, NumberMode};
use footbridge_plan::sent::Sent;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NAMES: [&str; 8] = [
    "Acme",
    "ACME",
    "Acme Ltd",
    "Zenith",
    "Border & Sons",
    "Smith",
    "Smith",
    "Caf\u{e9}",
];

/// One deal of a random company.
#[derive(Debug, Clone)]
pub(crate) struct Spec {
    customer: usize,
    cents: Vec<i64>,
    kind: u8,
}

pub(crate) fn spec() -> impl Strategy<Value = Spec> {
    let cents = prop::collection::vec(-5_000i64..20_000, 1..5);
    (0usize..NAMES.len(), cents, 0u8..14).prop_map(|(customer, cents, kind)| Spec {
        customer,
        cents,
        kind,
    })
}

fn deal(n: usize, spec: &Spec) -> Deal {
    let amounts: Vec<String> = spec
        .cents
        .iter()
        .map(|c| canonical(Decimal::new(*c, 2)))
        .collect();
    let amounts: Vec<&str> = amounts.iter().map(String::as_str).collect();
    let total = canonical(Decimal::new(spec.cents.iter().sum(), 2));
    let deal = Deal::won(&format!("d{n:02}"), &format!("c{}", spec.customer), "0")
        .lines(&amounts, &total)
        .set("Number", json!(format!("N-{n}")));
    match spec.kind {
        0 => deal.set("IsWon", json!(false)),
        1 => deal.set("Amount", json!("123.45")),
        2 => deal.set("Currency", json!("USD")),
        3 => deal.set("Plan", json!("30,70")),
        4 => deal.set("Plan", json!("33.33,33.33,33.34")),
        5 => deal.line("item", json!("BOLT")),
        6 => deal.line("item", json!("GHOST")),
        7 => deal.set("Currency", json!("EUR")),
        8 => deal
            .set("Lines", json!([]))
            .drafted("lines", json!([line(&total)])),
        _ => deal,
    }
}

pub(crate) fn company(specs: &[Spec], policy: u8) -> World {
    let mut world = World::new();
    world.policy.deal.part_days = vec![0, 30];
    world.deals = specs
        .iter()
        .enumerate()
        .map(|(n, spec)| deal(n, spec))
        .collect();
    world.customers = NAMES
        .iter()
        .enumerate()
        .map(|(n, name)| account(&format!("c{n}"), name))
        .collect();
    world.links.clear();
    world.observed.customers.clear();
    world.ledger_customer("x3", json!({"name": "zenith"}));
    world.ledger_customer("x4", json!({"name": "Border", "number": "c4"}));
    world.ledger_invoice("9", json!({"customer": "x3"}));
    match policy {
        0 => world.policy.billing.amounts = Amounts::Inclusive,
        1 => world.policy.billing.number = NumberMode::Field("Number".to_owned()),
        2 => {
            world.policy.billing.number = NumberMode::Counter {
                prefix: "FB-".to_owned(),
                first: 1,
                digits: 3,
            }
        }
        3 => world.policy.write_back = None,
        _ => {}
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn every_plan_is_sound(specs in prop::collection::vec(spec(), 1..14), policy in 0u8..6, turn in 0usize..14) {
        let mut world = company(&specs, policy);
        let plan = world.plan();

        // The order of what is given doesn't matter.
        let mut turned = world.clone();
        let deals = turned.deals.len();
        turned.deals.rotate_left(turn % deals);
        turned.customers.reverse();
        prop_assert_eq!(&turned.plan(), &plan);

        // Every deal has an outcome, every part exactly one (`outcomes` refuses a second).
        let all = outcomes(&plan);
        for deal in &world.deals {
            prop_assert!(all.iter().any(|text| text.starts_with(&format!("{}/", deal.id))), "{}: {:?}", deal.id, all);
        }

        // Invoices come to no more than their deal, and to the deal if all its parts are there.
        for deal in &world.deals {
            let parts = all.iter().filter(|text| text.starts_with(&format!("{}/", deal.id)));
            let complete = parts.clone().all(|text| text.ends_with(" invoice"));
            if complete {
                let own = plan.ops.iter().filter(|op| op.object.as_str() == "invoice" && op.subject.record.id.as_str() == deal.id);
                let sum: Decimal = own.map(sum_of).sum();
                prop_assert_eq!(canonical(sum), deal.source["Amount"].as_str().unwrap_or_default());
            }
        }

        // Once carried out, nothing is left to do, whatever waits.
        let holds = plan.holds.clone();
        world.apply(&plan);
        let again = world.plan();
        prop_assert!(again.ops.is_empty(), "{:#?}", again.ops);
        prop_assert!(again.adoptions.is_empty());
        for note in holds.iter().filter(|note| !note.reason.starts_with("customer-")) {
            prop_assert!(again.holds.iter().any(|n| n.subject == note.subject), "{:?}", note);
        }
    }
}

/// What an invoice's lines come to.
fn sum_of(op: &Op) -> Decimal {
    let number = |line: &Document, field: &str| decimal(line.text(field).unwrap()).unwrap();
    op.doc
        .list("lines")
        .iter()
        .map(|line| number(line, "quantity") * number(line, "unit_amount"))
        .sum()
}

/// Carries a plan out: both sides and the links as they stand after it.
pub(crate) fn apply(world: &mut World, plan: &Plan) {
    let mut reported: BTreeMap<String, Value> = BTreeMap::new();
    for adoption in &plan.adoptions {
        let record = adoption.ledger_record.clone();
        join(world, &adoption.link, record, adoption.shadow.clone());
    }
    for op in &plan.ops {
        let mut doc: Value = serde_json::from_str(&op.doc.canonical()).unwrap();
        resolve(&mut doc, &reported);
        match op.object.as_str() {
            "customer" => {
                let id = format!("n{}", world.observed.customers.len() + 1);
                world.ledger_customer(&id, doc.clone());
                join(world, &op.link, ledger_record("customer", &id), None);
                doc["id"] = json!(id);
            }
            "invoice" => {
                let target = op.target.as_ref().map(|id| id.as_str().to_owned());
                let id = target.unwrap_or(format!("i{}", world.observed.invoices.len() + 1));
                let seen = invoice(world, &id, op, &doc);
                let shadow = Some(seen.to_string());
                world.ledger_invoice(&id, seen.clone());
                join(world, &op.link, ledger_record("invoice", &id), shadow);
                doc = seen;
                doc["id"] = json!(id);
            }
            _ => {
                let target = op.target.as_ref().unwrap().as_str();
                let deal = world.deals.iter_mut().find(|d| d.id == target).unwrap();
                for (field, value) in doc.as_object().unwrap() {
                    deal.source[field] = value.clone();
                }
                deal.version.push('+');
                let fields = crate::world::doc(&doc);
                let before = world.sent.get(&op.link.id);
                let wanted = Sent::over(before, &fields);
                let day = plan.as_of.instant.date_naive();
                let sent = Sent::next(before, wanted, day, false);
                world.sent.insert(op.link.id.clone(), sent);
            }
        }
        reported.insert(op.id.to_string(), doc);
    }
    world.next_number = plan.next_number;
}

/// Puts what earlier operations reported where it is referred to.
fn resolve(value: &mut Value, reported: &BTreeMap<String, Value>) {
    if let Some(op) = value.get("$op").and_then(Value::as_str) {
        let field = reported[op][value["field"].as_str().unwrap()]
            .as_str()
            .unwrap();
        let prefix = value
            .get("prefix")
            .and_then(Value::as_str)
            .unwrap_or_default();
        *value = json!(format!("{prefix}{field}"));
    } else if let Some(fields) = value.as_object_mut() {
        fields
            .values_mut()
            .for_each(|field| resolve(field, reported));
    }
}

/// An invoice as the ledger reports it after a write: lines of a known id keep what was left out, the others are new.
fn invoice(world: &World, id: &str, op: &Op, doc: &Value) -> Value {
    let mut seen = match world.observed.invoices.get(id) {
        Some(old) => serde_json::to_value(&old.value).unwrap(),
        None => json!({
            "kind": "receivable", "number": format!("INV-{id}"), "sent": false, "amount_paid": "0", "amount_credited": "0",
            "payments": [], "credits": [], "total_tax": null,
        }),
    };
    for (field, value) in doc.as_object().unwrap() {
        seen[field] = value.clone();
    }
    if op.doc.text("status") == Some("deleted") {
        return seen;
    }
    let old = world.observed.invoices.get(id);
    let old = old
        .and_then(|old| old.value.lines.clone())
        .unwrap_or_default();
    if let Some(lines) = seen["lines"].as_array_mut() {
        for (n, line) in lines.iter_mut().enumerate() {
            match line.get("id").and_then(Value::as_str) {
                Some(known) => {
                    let known = old
                        .iter()
                        .find(|old| old.id.as_deref() == Some(known))
                        .unwrap();
                    let Value::Object(kept) = serde_json::to_value(known).unwrap() else {
                        panic!()
                    };
                    for (field, value) in kept {
                        let line = line.as_object_mut().unwrap();
                        line.entry(field).or_insert(value);
                    }
                }
                None => line["id"] = json!(format!("{id}-{}-{n}", op.id)),
            }
        }
    }
    seen
}

fn join(world: &mut World, intent: &LinkIntent, other: RecordKey, shadow: Option<String>) {
    let member = |record: RecordKey, shadow: Option<String>| Member {
        record,
        shadow,
        version: None,
    };
    if let Some(link) = world.links.iter_mut().find(|link| link.id == intent.id) {
        assert!(
            link.members.iter().any(|member| member.record == other),
            "linked with a second record"
        );
        if intent.source_shadow.is_some() {
            link.set(member(intent.source.clone(), intent.source_shadow.clone()));
        }
        link.set(member(other, shadow));
        return;
    }
    world.links.push(Link {
        id: intent.id.clone(),
        role: intent.role,
        members: vec![
            member(intent.source.clone(), intent.source_shadow.clone()),
            member(other, shadow),
        ],
        made_by: None,
    });
}
