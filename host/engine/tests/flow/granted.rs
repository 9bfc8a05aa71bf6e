//! A transform under a narrower grant: what it may not see it doesn't, what it may not write waits under its name, the rest goes on.

use crate::world::{Numbers, World};
use footbridge_engine::Standing;
use footbridge_engine::granted::{Fields, TransformGrant};
use serde_json::json;

fn fields(objects: serde_json::Value) -> Fields {
    serde_json::from_value(objects).unwrap()
}

fn narrow(reads: &[&str]) -> TransformGrant {
    TransformGrant {
        transform: "stranger".to_owned(),
        reads: fields(json!({"Account": ["Name"], "Opportunity": reads})),
        writes: fields(json!({
            "customer": ["name"], "invoice": ["customer", "due_date", "lines", "reference"],
        })),
    }
}

const ALL: [&str; 3] = ["Name", "AccountId", "Amount"];

#[tokio::test]
async fn what_a_transform_was_not_granted_waits_and_the_rest_goes_on() {
    let mut world = World::with_deals(Numbers::Ledger, 3);
    world.set("Opportunity", "opp1", "Name", json!("Greedy"));
    world.set("Opportunity", "opp3", "Name", json!("Thief"));
    world.flow.granted = narrow(&ALL);
    let report = world.sync().await;
    assert_eq!(report.held["not-granted"], 2, "{report:?}");
    assert_eq!((world.count("invoice"), world.count("customer")), (1, 1));
    for (deal, named) in [
        (
            1,
            r#"The transform "stranger" wrote the field "currency" of "invoice", which it was not granted"#,
        ),
        (
            3,
            r#"The transform "stranger" refers to Account "acc2", a record that its input doesn't name"#,
        ),
    ] {
        let (standing, reason, message) = world.decision(deal).await;
        assert_eq!(
            (standing, reason.as_str()),
            (Standing::Waiting, "not-granted")
        );
        assert!(message.starts_with(named), "{message}");
    }
    world.set("Opportunity", "opp1", "Name", json!("Honest"));
    world.set("Opportunity", "opp3", "Name", json!("Honest"));
    world.sync().await;
    assert_eq!((world.count("invoice"), world.count("customer")), (3, 3));
}

#[tokio::test]
async fn another_transform_is_rehearsed_on_what_is_recorded_and_nothing_is_written() {
    let mut world = World::with_deals(Numbers::Ledger, 2);
    let transform = world.parts(&crate::ports::Life::until(0)).transform;
    let same = world.flow.granted.clone();
    let engine = world.engine().await;
    let nothing = engine.rehearse(transform.as_ref(), &same).await.unwrap();
    assert_eq!((nothing.records, nothing.changes.len()), (0, 0));
    drop(engine);
    world.sync().await;
    let rows = (world.count("invoice"), world.count("customer"));
    let engine = world.engine().await;
    let tried = engine.rehearse(transform.as_ref(), &same).await.unwrap();
    assert_eq!(
        (tried.records, tried.changes.as_slice()),
        (4, [].as_slice())
    );
    let blind = narrow(&["AccountId", "Amount"]);
    let tried = engine.rehearse(transform.as_ref(), &blind).await.unwrap();
    let changes: Vec<_> = tried
        .changes
        .iter()
        .map(|c| {
            (
                c.record.as_str(),
                c.field.as_str(),
                c.old.as_deref(),
                c.new.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        changes,
        [
            (
                "Opportunity opp1",
                "invoice.lines[0].description",
                Some("Deal 1"),
                Some("null")
            ),
            (
                "Opportunity opp1",
                "invoice.reference",
                Some("Deal 1"),
                Some("null")
            ),
            (
                "Opportunity opp2",
                "invoice.lines[0].description",
                Some("Deal 2"),
                Some("null")
            ),
            (
                "Opportunity opp2",
                "invoice.reference",
                Some("Deal 2"),
                Some("null")
            ),
        ]
    );
    drop(engine);
    world.flow.granted = same;
    world.sync().await;
    assert_eq!((world.count("invoice"), world.count("customer")), rows);
}
