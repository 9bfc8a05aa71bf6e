//! Reading definitions: from XML every value is a text, from the Tooling API it is typed.

use serde_json::{Map, Value};

/// A text member that is not empty.
pub(super) fn text(definition: &Value, name: &str) -> Option<String> {
    match definition.get(name)? {
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// A text member that must be there.
pub(super) fn required(definition: &Value, name: &str) -> Result<String, String> {
    text(definition, name).ok_or_else(|| format!("Required field is missing: {name}"))
}

pub(super) fn flag(definition: &Value, name: &str) -> bool {
    text(definition, name).as_deref() == Some("true")
}

pub(super) fn whole(definition: &Value, name: &str) -> Result<Option<u32>, String> {
    text(definition, name)
        .map(|text| {
            text.parse()
                .map_err(|_| format!("{name}: '{text}' is not a valid value for the type xsd:int"))
        })
        .transpose()
}

/// A member that may repeat: none, one or several.
pub(super) fn list<'a>(definition: &'a Value, name: &str) -> Vec<&'a Value> {
    match definition.get(name) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(several)) => several.iter().collect(),
        Some(one) => vec![one],
    }
}

/// Members that are texts whatever they look like.
const TEXTS: [&str; 9] = [
    "label",
    "pluralLabel",
    "description",
    "formula",
    "fullName",
    "inlineHelpText",
    "relationshipLabel",
    "defaultValue",
    "value",
];

/// A definition with numbers and truths as the Tooling API answers them.
pub(crate) fn typed(definition: &Value) -> Value {
    match definition {
        Value::Object(members) => {
            let typed_member = |(name, value): (&String, &Value)| {
                let value = match value {
                    Value::String(text) if !TEXTS.contains(&name.as_str()) => scalar(text),
                    other => typed(other),
                };
                (name.clone(), value)
            };
            Value::Object(members.iter().map(typed_member).collect::<Map<_, _>>())
        }
        Value::Array(several) => Value::Array(several.iter().map(typed).collect()),
        other => other.clone(),
    }
}

fn scalar(text: &str) -> Value {
    match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        digits if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => digits
            .parse::<u64>()
            .map_or_else(|_| Value::String(digits.to_owned()), Value::from),
        other => Value::String(other.to_owned()),
    }
}
