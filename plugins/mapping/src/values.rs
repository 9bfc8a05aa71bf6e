//! Values inside expressions: what stands for "was not read", and the way from documents into CEL.
//!
//! Missing, null and "" stay three things: missing is a value of its own type, which no operator accepts.

use std::collections::HashMap;
use std::sync::Arc;

use cel::Value;
use cel::objects::{Key, Map, Opaque};
use serde_json::Value as Json;

/// The name of the missing value's type, as it shows up in CEL's errors.
pub(crate) const MISSING: &str = "missing";

/// Stands for a field that the record does not carry.
#[derive(Debug, PartialEq, Eq)]
struct Missing;

impl Opaque for Missing {
    fn runtime_type_name(&self) -> &str {
        MISSING
    }
}

pub(crate) fn missing() -> Value {
    Value::Opaque(Arc::new(Missing))
}

pub(crate) fn is_missing(value: &Value) -> bool {
    matches!(value, Value::Opaque(opaque) if opaque.runtime_type_name() == MISSING)
}

/// Neither missing, null, blank text nor an empty list.
pub(crate) fn is_filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::List(list) => !list.is_empty(),
        other => !is_missing(other),
    }
}

pub(crate) fn text(text: impl Into<String>) -> Value {
    Value::String(Arc::new(text.into()))
}

pub(crate) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::String(string) => text(string.as_str()),
        // The host lets no number token through; its digits are as good as a decimal string.
        Json::Number(number) => text(number.to_string()),
        Json::Array(list) => Value::List(Arc::new(list.iter().map(from_json).collect())),
        Json::Object(object) => {
            let entries: HashMap<Key, Value> = object
                .iter()
                .map(|(key, value)| (Key::from(key.as_str()), from_json(value)))
                .collect();
            Value::Map(Map {
                map: Arc::new(entries),
            })
        }
    }
}

/// The value in words for a message, shortened.
pub(crate) fn words(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Int(number) => format!("the whole number {number}"),
        Value::String(text) => format!("\"{}\"", text.chars().take(80).collect::<String>()),
        Value::List(list) => format!("a list of {}", list.len()),
        Value::Map(_) => "a structure".to_owned(),
        other if is_missing(other) => "a value that is missing".to_owned(),
        other => format!("a {}", other.type_of()),
    }
}
