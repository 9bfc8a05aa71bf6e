//! `docs/mappings.md` against the code: every key, kind, field, function and macro is in it, and every example works.

#![expect(clippy::unwrap_used, reason = "test code, helpers included")]

use footbridge_mapping::apply::{Clock, batch};
use footbridge_mapping::expression::MACROS;
use footbridge_mapping::functions::{FUNCTIONS, STANDARD};
use footbridge_mapping::settings::{MAP_KEYS, PART_KEYS, REFERENCE_KEYS, parse};
use footbridge_mapping::vocabulary::{Field, KINDS, Shape, Source};
use footbridge_sdk::mapping::Input;

const REFERENCE: &str = include_str!("../../../docs/mappings.md");

/// The text between two marks, `<!-- name -->` and `<!-- end -->`.
fn section(name: &str) -> &'static str {
    let (_, rest) = REFERENCE.split_once(&format!("<!-- {name} -->\n")).unwrap();
    rest.split_once("<!-- end -->").unwrap().0
}

/// Rewrites the section in the file when the variable asks for it, then compares.
fn check(name: &str, wanted: &str) {
    if std::env::var_os("FOOTBRIDGE_UPDATE_DOCS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/mappings.md");
        let text = std::fs::read_to_string(path).unwrap();
        let (before, rest) = text.split_once(&format!("<!-- {name} -->\n")).unwrap();
        let (_, after) = rest.split_once("<!-- end -->").unwrap();
        std::fs::write(
            path,
            format!("{before}<!-- {name} -->\n{wanted}<!-- end -->{after}"),
        )
        .unwrap();
        return;
    }
    assert_eq!(
        section(name),
        wanted,
        "docs/mappings.md is behind the code: run the tests of footbridge-mapping with FOOTBRIDGE_UPDATE_DOCS=1 --test-threads 1"
    );
}

#[test]
fn the_generated_tables_are_current() {
    let functions: String = FUNCTIONS
        .iter()
        .map(|function| {
            format!(
                "| `{}({})` | {} |\n",
                function.name, function.parameters, function.about
            )
        })
        .collect();
    check(
        "functions",
        &format!("| function | gives |\n|---|---|\n{functions}"),
    );
    let standard: String = STANDARD
        .iter()
        .map(|(name, _, about)| format!("| `{name}` | {about} |\n"))
        .collect();
    check(
        "standard",
        &format!("| function | for |\n|---|---|\n{standard}"),
    );
    let mut fields = String::new();
    for kind in KINDS {
        fields.push_str(&format!(
            "\n### `{}`\n\n| field | holds | |\n|---|---|---|\n",
            kind.name
        ));
        rows(&mut fields, "", kind.fields);
    }
    check("fields", &format!("{}\n", fields));
}

fn rows(text: &mut String, prefix: &str, fields: &[Field]) {
    for field in fields
        .iter()
        .filter(|field| matches!(field.source, Source::Needed | Source::Optional))
    {
        text.push_str(&format!(
            "| `{prefix}{}` | {} | {} |\n",
            field.name,
            field.shape.words(),
            field.source.words()
        ));
        if let Shape::List(inner) = field.shape {
            rows(text, &format!("{prefix}{}[].", field.name), inner);
        }
    }
}

#[test]
fn every_key_and_macro_is_explained() {
    for name in MAP_KEYS
        .iter()
        .chain(&PART_KEYS)
        .chain(&REFERENCE_KEYS)
        .chain(MACROS)
        .chain(&["local_date", "as_of", "tables", "ref"])
    {
        assert!(
            REFERENCE.contains(&format!("`{name}`"))
                || REFERENCE.contains(&format!("`{name}("))
                || REFERENCE.contains(&format!(".{name}(")),
            "{name}"
        );
    }
}

#[test]
fn the_mappings_shown_can_be_read() {
    let shown: Vec<&str> = REFERENCE
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(shown.len() >= 2);
    for text in shown {
        assert!(parse(text).is_ok(), "{text}\n{:#?}", parse(text));
    }
}

/// Rows of the table of examples: `expression` | `value`, over the record shown above it.
#[test]
fn the_examples_give_what_they_say() {
    let record = section("record")
        .trim()
        .trim_start_matches("```json")
        .trim_end_matches("```")
        .to_owned();
    let rows: Vec<(&str, &str)> = section("examples")
        .lines()
        .filter_map(|line| {
            line.strip_prefix("| `")?
                .strip_suffix(" |")?
                .split_once("` | ")
        })
        .collect();
    assert!(rows.len() >= 10, "{rows:?}");
    for (expression, wanted) in rows {
        let settings = format!(
            "tables.terms = {{ gold = '60' }}\n[[map]]\nfrom = 'Deal'\nto = 'item'\nfields.code = \"'x'\"\nfields.name = '''{expression}'''\n"
        );
        let clock = Clock {
            as_of: "2026-05-31T23:30:00Z".into(),
            local_date: "2026-06-01".into(),
        };
        let input = Input {
            object: "Deal".into(),
            id: "1".into(),
            doc: record.clone(),
        };
        let drafts = batch(&parse(&settings).unwrap(), &clock, &[input]).remove(0);
        let found = match drafts {
            Ok(drafts) => match serde_json::from_str::<serde_json::Value>(&drafts[0].doc)
                .unwrap()
                .get("name")
            {
                None => "left out".to_owned(),
                Some(serde_json::Value::Null) => "null".to_owned(),
                Some(value) => format!("`{}`", value.as_str().unwrap()),
            },
            Err(_) => "a problem".to_owned(),
        };
        assert_eq!(found, wanted, "{expression}");
    }
}
