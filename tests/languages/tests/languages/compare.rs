//! What two mappings make of the same records, compared: differences by record and field.

use crate::support::{Made, Record};
use footbridge_model::failure::Problem;
use serde_json::Value;
use std::collections::BTreeSet;

/// How much of a problem must be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problems {
    /// What the contract fixes: code and field.
    CodeAndField,
    /// Every word.
    Whole,
}

/// Each difference as a line; drafts are compared byte by byte.
pub(crate) fn differences(
    records: &[Record],
    (one, by_one): (&str, &[Made]),
    (other, by_other): (&str, &[Made]),
    problems: Problems,
) -> Vec<String> {
    assert_eq!(
        (by_one.len(), by_other.len()),
        (records.len(), records.len())
    );
    let mut found = Vec::new();
    for ((object, id, doc), (a, b)) in records.iter().zip(by_one.iter().zip(by_other)) {
        let mut differ = |field: &str, a: &str, b: &str| {
            found.push(format!(
                "{object} {id}, {field}:\n  {one}: {a}\n  {other}: {b}\n  of {doc}"
            ));
        };
        match (a, b) {
            (Err(a), Err(b)) => {
                if told(a, problems) != told(b, problems) {
                    differ("its problem", &told(a, problems), &told(b, problems));
                }
            }
            (Ok(a), Ok(b)) if a.len() == b.len() => {
                for (a, b) in a.iter().zip(b).filter(|(a, b)| a != b) {
                    let mut fields = Vec::new();
                    walk("", &json(&a.doc), &json(&b.doc), &mut fields);
                    for (field, a, b) in &fields {
                        differ(field, a, b);
                    }
                    if fields.is_empty() {
                        differ("the bytes", &format!("{a:?}"), &format!("{b:?}"));
                    }
                }
            }
            (a, b) => differ("what it became", &format!("{a:?}"), &format!("{b:?}")),
        }
    }
    found
}

fn told(problem: &Problem, how_much: Problems) -> String {
    match how_much {
        Problems::CodeAndField => format!("{} {:?}", problem.code, problem.field),
        Problems::Whole => format!("{problem:?}"),
    }
}

fn json(doc: &str) -> Value {
    serde_json::from_str(doc).unwrap()
}

fn walk(path: &str, a: &Value, b: &Value, found: &mut Vec<(String, String, String)>) {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let path = format!("{path}.{key}");
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => walk(&path, a, b, found),
                    (a, b) => found.push((path, shown(a), shown(b))),
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (n, (a, b)) in a.iter().zip(b).enumerate() {
                walk(&format!("{path}[{n}]"), a, b, found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push((path.to_owned(), shown(Some(a)), shown(Some(b)))),
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "left out".to_owned(), Value::to_string)
}

#[test]
fn a_difference_is_told_by_record_and_field() {
    let made = |doc: &str| {
        vec![Ok(vec![footbridge_model::plugin::Draft {
            object: "invoice".to_owned(),
            doc: doc.to_owned(),
        }])]
    };
    let record = ("Opportunity".to_owned(), "006A".to_owned(), "{}".to_owned());
    let one = made(r#"{"lines":[{"quantity":"1"}],"reference":"x"}"#);
    let other = made(r#"{"lines":[{"quantity":"1.0"}]}"#);
    let found = differences(
        &[record],
        ("rust", &one),
        ("python", &other),
        Problems::Whole,
    );
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0]
            .starts_with("Opportunity 006A, .lines[0].quantity:\n  rust: \"1\"\n  python: \"1.0\"")
    );
    assert!(found[1].contains(".reference:\n  rust: \"x\"\n  python: left out"));
}
