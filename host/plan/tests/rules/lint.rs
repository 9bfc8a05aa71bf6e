//! The linter finds each kind of fault in a plan that was sound before.

use crate::world::World;
use footbridge_model::document::Document;
use footbridge_model::id::OpId;
use footbridge_model::plan::{Expectation, Plan};
use footbridge_plan::lint;

/// A plan of a customer, an invoice and a write-back, in this order.
fn sound() -> Plan {
    let plan = World::unknown_customer().plan();
    let objects: Vec<_> = plan.ops.iter().map(|op| op.object.as_str()).collect();
    assert_eq!(objects, ["customer", "invoice", "Opportunity"]);
    plan
}

fn set(doc: &mut Document, field: &str, value: Option<Document>) {
    if let Document::Object(fields) = doc {
        match value {
            Some(value) => fields.insert(field.to_owned(), value),
            None => fields.remove(field),
        };
    }
}

fn line(plan: &mut Plan) -> &mut Document {
    let Document::Object(fields) = &mut plan.ops[1].doc else {
        panic!()
    };
    let Some(Document::List(lines)) = fields.get_mut("lines") else {
        panic!()
    };
    &mut lines[0]
}

#[test]
fn each_fault_is_found() {
    type Break = fn(&mut Plan);
    let cases: [(&str, Break); 21] = [
        ("a second one on url", |p| {
            let mut twin = p.ops[1].clone();
            twin.id = OpId::from("twin");
            p.ops.push(twin);
        }),
        ("its id stands twice", |p| p.ops[2].id = p.ops[0].id.clone()),
        ("no earlier operation", |p| p.ops.swap(0, 1)),
        ("that it doesn't come after", |p| p.ops[1].after.clear()),
        ("that it doesn't come after", |p| {
            set(
                &mut p.ops[1].doc,
                "customer",
                Document::from_plugin(r#"{"$op":"nobody","field":"id"}"#).ok(),
            )
        }),
        ("still refers to a source record", |p| {
            set(
                &mut p.ops[1].doc,
                "customer",
                Document::from_plugin(r#"{"$ref":{"object":"a","id":"b"}}"#).ok(),
            )
        }),
        ("line 1 has no tax_type", |p| set(line(p), "tax_type", None)),
        ("line 1 has no account", |p| {
            set(line(p), "account", Some(Document::Text(" ".to_owned())))
        }),
        ("has no lines", |p| set(&mut p.ops[1].doc, "lines", None)),
        ("has no currency", |p| {
            set(&mut p.ops[1].doc, "currency", None)
        }),
        ("is due before its date", |p| {
            set(
                &mut p.ops[1].doc,
                "due_date",
                Some(Document::Text("2026-01-01".to_owned())),
            )
        }),
        ("has no natural key", |p| p.ops[0].natural_key.value.clear()),
        ("don't fit each other", |p| {
            p.ops[0].expects = Expectation::Version("1".to_owned())
        }),
        ("don't fit each other", |p| {
            p.ops[2].expects = Expectation::Version(String::new())
        }),
        ("don't fit each other", |p| p.ops[2].target = None),
        ("doesn't carry the key of its link", |p| {
            p.ops[1].link.id = "0".repeat(32)
        }),
        ("doesn't write its own number", |p| {
            set(&mut p.ops[0].doc, "number", None)
        }),
        ("is no known kind of write", |p| {
            p.ops[0].object = "credit-note".into()
        }),
        ("and such a write by number", |p| {
            p.ops[0].natural_key.field = "name".to_owned()
        }),
        ("writes nothing", |p| {
            p.ops[2].doc = Document::Object(Default::default())
        }),
        ("is made twice", |p| {
            p.ops[0].link.id = p.ops[1].link.id.clone()
        }),
    ];
    assert_eq!(lint(&sound()), []);
    for (want, damage) in cases {
        let mut plan = sound();
        damage(&mut plan);
        let found: Vec<String> = lint(&plan).iter().map(ToString::to_string).collect();
        assert!(
            found.iter().any(|fault| fault.contains(want)),
            "{want}: {found:?}"
        );
    }
}

#[test]
fn a_part_has_one_outcome() {
    let mut plan = sound();
    let note = World::new()
        .deal(|d| d.set("IsWon", serde_json::json!(false)))
        .plan()
        .skips
        .remove(0);
    plan.skips.push(note);
    let found = lint(&plan);
    assert!(
        found[0].to_string().contains("has two outcomes"),
        "{found:?}"
    );
}
