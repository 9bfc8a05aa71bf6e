//! One field: as it shall be, as it is, and what lies between. A field of another type is never altered.

use std::collections::BTreeMap;

use footbridge_sdk::document::at;
use footbridge_sdk::failure::Code;
use footbridge_sdk::provisioner::provision::{Change, State};
use serde_json::Value;

use super::parts::{cannot, change, differing};
use crate::receivables::{Field, Formula, Outcome, Shape};

/// A field as `describe` tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Described {
    /// `string`, `double`, `boolean`, `date`, `picklist`, `reference`, `url` and others.
    pub(crate) kind: String,
    pub(crate) length: u32,
    pub(crate) precision: u32,
    pub(crate) scale: u32,
    pub(crate) formula: Option<String>,
    pub(crate) is_key: bool,
    pub(crate) values: Vec<String>,
    pub(crate) to: Vec<String>,
}

impl Described {
    /// All fields of a `describe`, by name.
    pub(crate) fn all(described: &Value) -> BTreeMap<String, Self> {
        at(described, "fields")
            .list()
            .iter()
            .filter_map(|field| {
                let name = at(field, "name").text()?.to_owned();
                Some((name, Self::of_describe(field)))
            })
            .collect()
    }

    fn of_describe(field: &Value) -> Self {
        let flag = |name: &str| at(field, name).flag() == Some(true);
        Self {
            kind: at(field, "type").text().unwrap_or_default().to_owned(),
            length: number(field, "length"),
            precision: number(field, "precision"),
            scale: number(field, "scale"),
            formula: at(field, "calculatedFormula").text().map(str::to_owned),
            is_key: flag("externalId") && flag("unique"),
            values: texts(field, "picklistValues", &["value"]),
            to: at(field, "referenceTo")
                .list()
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        }
    }

    /// The same from the definition that the Tooling API gives.
    pub(crate) fn of_definition(definition: &Value) -> Option<Self> {
        let kind = match at(definition, "type").text()? {
            "Text" => "string".to_owned(),
            "TextArea" | "LongTextArea" | "Html" => "textarea".to_owned(),
            "Number" => "double".to_owned(),
            "Checkbox" => "boolean".to_owned(),
            "Lookup" | "MasterDetail" => "reference".to_owned(),
            "MultiselectPicklist" => "multipicklist".to_owned(),
            other => other.to_lowercase(),
        };
        let flag = |name: &str| at(definition, name).flag() == Some(true);
        Some(Self {
            kind,
            length: number(definition, "length"),
            precision: number(definition, "precision"),
            scale: number(definition, "scale"),
            formula: at(definition, "formula").text().map(str::to_owned),
            is_key: flag("externalId") && flag("unique"),
            values: texts(
                definition,
                "valueSet.valueSetDefinition.value",
                &["valueName", "fullName"],
            ),
            to: at(definition, "referenceTo")
                .text()
                .map(str::to_owned)
                .into_iter()
                .collect(),
        })
    }

    /// As people read it.
    fn shown(&self) -> String {
        let kind = match self.kind.as_str() {
            "string" => format!("text of {}", self.length),
            "double" => format!(
                "number with {} digits, {} of them after the point",
                self.precision, self.scale
            ),
            "boolean" => "checkbox".to_owned(),
            "reference" => format!("lookup to {}", self.to.join(", ")),
            other => other.to_owned(),
        };
        match self.formula {
            Some(_) => format!("formula that gives a {kind}"),
            None => kind,
        }
    }
}

fn number(value: &Value, name: &str) -> u32 {
    at(value, name)
        .text()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// One member of each row of a list; a list of one may stand without its brackets.
fn texts(value: &Value, path: &str, names: &[&str]) -> Vec<String> {
    let found = path.split('.').try_fold(value, |here, name| here.get(name));
    let rows: Vec<&Value> = match found {
        Some(Value::Array(rows)) => rows.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    rows.iter()
        .filter_map(|row| names.iter().find_map(|name| at(row, name).text()))
        .map(str::to_owned)
        .collect()
}

/// A field as it shall be, by the words of `describe`.
pub(crate) fn wished(field: &Field) -> Described {
    let plain = |kind: &str| Described {
        kind: kind.to_owned(),
        ..Described::default()
    };
    let digits = |precision, scale| Described {
        precision,
        scale,
        ..plain("double")
    };
    let reference = |to: &str| Described {
        to: vec![to.to_owned()],
        ..plain("reference")
    };
    let length = u32::try_from(field.max_length().unwrap_or(0)).unwrap_or(255);
    match field.shape {
        Shape::Name | Shape::Text(_) => Described {
            length,
            ..plain("string")
        },
        Shape::Key => Described {
            length,
            is_key: true,
            ..plain("string")
        },
        Shape::Link => plain("url"),
        Shape::Choice(values) => Described {
            values: values
                .iter()
                .map(|(value, _)| (*value).to_owned())
                .collect(),
            ..plain("picklist")
        },
        Shape::Amount => digits(18, 2),
        Shape::Rate => digits(18, 8),
        Shape::Count(scale) => digits(9, scale),
        Shape::Date => plain("date"),
        Shape::Flag => plain("boolean"),
        Shape::Lookup { to, .. } | Shape::ByKey { to, .. } => reference(to),
    }
}

/// A formula as it shall be.
pub(crate) fn worked_out(formula: &Formula) -> Described {
    Described {
        kind: match formula.result {
            Outcome::Flag => "boolean",
            Outcome::Whole => "double",
            Outcome::Text => "string",
        }
        .to_owned(),
        formula: Some(formula.text.to_owned()),
        ..Described::default()
    }
}

/// What lies between a field that is there and the one that shall be.
pub(crate) fn compare(name: &str, there: &Described, wished: &Described) -> State {
    let another = there.kind != wished.kind
        || there.formula.is_some() != wished.formula.is_some()
        || (there.kind == "reference" && there.to != wished.to);
    if another {
        return cannot(
            Code::WrongStatus,
            format!(
                "There is a field {name} already, and it is a {}, not a {}. It is left as it is. Rename or delete it in Setup > Object Manager, or find out who needs it; then run again.",
                there.shown(),
                wished.shown()
            ),
        );
    }
    differing(changes(there, wished))
}

fn changes(there: &Described, wished: &Described) -> Vec<Change> {
    let mut changes = Vec::new();
    if let (Some(old), Some(new)) = (&there.formula, &wished.formula) {
        let plain = |text: &str| text.split_whitespace().collect::<String>();
        if plain(old) != plain(new) {
            changes.push(change("formula", old, new));
        }
        return changes;
    }
    // Longer and wider than needed is as good.
    if wished.kind == "string" && there.length < wished.length {
        changes.push(change(
            "length",
            there.length.to_string(),
            wished.length.to_string(),
        ));
    }
    let before = |one: &Described| one.precision.saturating_sub(one.scale);
    if wished.kind == "double" && (there.scale < wished.scale || before(there) < before(wished)) {
        changes.push(change("digits", there.shown(), wished.shown()));
    }
    if wished.is_key && !there.is_key {
        changes.push(change("unique external id", "no", "yes"));
    }
    let missing: Vec<&str> = wished
        .values
        .iter()
        .filter(|value| !there.values.contains(value))
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        changes.push(change(
            "values",
            there.values.join(", "),
            format!("{} more: {}", missing.len(), missing.join(", ")),
        ));
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receivables::DOCUMENT;
    use serde_json::json;

    fn of(word: &str) -> Described {
        wished(DOCUMENT.field(word).unwrap())
    }

    #[test]
    fn another_type_is_refused_and_less_is_widened() {
        for (word, there, said) in [
            (
                "total",
                json!({"type": "currency", "precision": "18", "scale": "2"}),
                "cannot: it is a currency, not a number",
            ),
            (
                "key",
                json!({"type": "textarea", "length": "255"}),
                "cannot: it is a textarea, not a text",
            ),
            (
                "account",
                json!({"type": "reference", "referenceTo": ["Contact"]}),
                "cannot: it is a lookup to Contact, not a lookup to Account",
            ),
            (
                "number",
                json!({"type": "string", "length": "255", "calculatedFormula": "Name"}),
                "cannot: it is a formula",
            ),
            (
                "total",
                json!({"type": "double", "precision": "18", "scale": "2"}),
                "",
            ),
            (
                "total",
                json!({"type": "double", "precision": "20", "scale": "4"}),
                "",
            ),
            (
                "total",
                json!({"type": "double", "precision": "10", "scale": "2"}),
                "digits",
            ),
            (
                "number",
                json!({"type": "string", "length": "80"}),
                "length",
            ),
            (
                "key",
                json!({"type": "string", "length": "255", "externalId": true, "unique": false}),
                "unique external id",
            ),
            (
                "kind",
                json!({"type": "picklist", "picklistValues": [{"value": "invoice"}]}),
                "values",
            ),
        ] {
            let there = Described::of_describe(&there);
            let state = compare("F__c", &there, &of(word));
            match state {
                State::Present => assert_eq!(said, "", "{word}"),
                State::Differs(changes) => assert_eq!(changes[0].what, said, "{word}"),
                State::Cannot(problem) => {
                    let said = said.trim_start_matches("cannot: ");
                    assert!(problem.message.contains(said), "{}", problem.message);
                }
                State::Missing => panic!("{word}"),
            }
        }
    }

    #[test]
    fn both_ways_of_telling_a_field_agree() {
        let described = json!({"type": "picklist", "length": "0", "precision": "0", "scale": "0",
            "picklistValues": [{"value": "a"}, {"value": "b"}], "referenceTo": []});
        let defined = json!({"type": "Picklist", "valueSet": {"valueSetDefinition": {"value": [{"valueName": "a"}, {"fullName": "b"}]}}});
        assert_eq!(
            Some(Described::of_describe(&described)),
            Described::of_definition(&defined)
        );
        let one = json!({"type": "Picklist", "valueSet": {"valueSetDefinition": {"value": {"valueName": "a"}}}});
        assert_eq!(Described::of_definition(&one).unwrap().values, ["a"]);
        let lookup = json!({"type": "Lookup", "referenceTo": "Account"});
        assert_eq!(
            compare(
                "F",
                &Described::of_definition(&lookup).unwrap(),
                &of("account")
            ),
            State::Present
        );
    }

    #[test]
    fn formulas_are_compared_whatever_their_spaces() {
        let wished = worked_out(&DOCUMENT.formulas[1]);
        let mut there = wished.clone();
        there.formula = Some(" IF( Overdue__c ,TODAY() - Due_Date__c,0 )".into());
        assert_eq!(compare("F", &there, &wished), State::Present);
        there.formula = Some("0".into());
        assert!(matches!(compare("F", &there, &wished), State::Differs(_)));
    }
}
