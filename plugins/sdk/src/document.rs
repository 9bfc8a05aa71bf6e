//! Reads documents: JSON without number tokens, in which missing, null and empty are three things.
//!
//! Never guesses: a value of another shape than asked for is an error that names its path, not a default.

use crate::connector::Problem;
use crate::failure::{Code, problem_at};
use serde_json::{Map, Value};

/// A JSON object.
pub type Structure = Map<String, Value>;

/// What stands at a place of a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Field<'a> {
    /// The key is not there: the field was not read, or not given.
    Missing,
    /// The key is there with `null`: known to have no value.
    Null,
    /// The key is there with `""`.
    Empty,
    /// Text, which is also how decimals, dates and instants travel.
    Text(&'a str),
    /// `true` or `false`.
    Flag(bool),
    /// A list.
    List(&'a [Value]),
    /// A structure.
    Structure(&'a Structure),
    /// A number token, which documents never carry.
    Unfit,
}

impl<'a> Field<'a> {
    /// The text if there is some; none if missing, null, empty or of another shape.
    pub fn text(self) -> Option<&'a str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// The list, or an empty one.
    pub fn list(self) -> &'a [Value] {
        if let Self::List(list) = self {
            list
        } else {
            &[]
        }
    }

    /// The flag if it is one, also where an API wrote it as text.
    pub fn flag(self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(flag),
            Self::Text("true" | "True") => Some(true),
            Self::Text("false" | "False") => Some(false),
            _ => None,
        }
    }

    /// Whether the key is there, with whatever value.
    pub fn is_given(self) -> bool {
        self != Self::Missing
    }
}

/// Looks at a path of keys with dots between them, for example `Account.Name`. A structure that is null on the way
/// gives [`Field::Null`], one that is missing gives [`Field::Missing`].
pub fn at<'a>(value: &'a Value, path: &str) -> Field<'a> {
    let mut here = value;
    for key in path.split('.') {
        match here {
            Value::Object(map) => match map.get(key) {
                Some(next) => here = next,
                None => return Field::Missing,
            },
            Value::Null => return Field::Null,
            _ => return Field::Missing,
        }
    }
    field(here)
}

/// The same for a value in hand.
pub fn field(value: &Value) -> Field<'_> {
    match value {
        Value::Null => Field::Null,
        Value::Bool(flag) => Field::Flag(*flag),
        Value::String(text) if text.is_empty() => Field::Empty,
        Value::String(text) => Field::Text(text),
        Value::Array(list) => Field::List(list),
        Value::Object(map) => Field::Structure(map),
        Value::Number(_) => Field::Unfit,
    }
}

/// Parses the document of a record.
///
/// # Errors
/// `invalid-value` if it isn't a JSON structure.
pub fn parse(document: &str) -> Result<Structure, Problem> {
    match serde_json::from_str(document) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(problem_at(
            Code::InvalidValue,
            "",
            "The document is not a JSON structure.",
        )),
        Err(error) => Err(problem_at(
            Code::InvalidValue,
            "",
            format!("The document is not JSON: {error}."),
        )),
    }
}

/// Writes a structure as a document. Keys come out sorted, so equal structures give equal bytes.
pub fn write(structure: &Structure) -> String {
    Value::Object(structure.clone()).to_string()
}

/// A mark that changes with the content: for the version of records whose API gives no stamp. Not cryptographic.
pub fn digest(value: &Value) -> String {
    // FNV-1a, 64 bits.
    let mut state: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in value.to_string().bytes() {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    format!("{state:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_null_and_empty_are_three_things() {
        let doc: Value = serde_json::from_str(
            r#"{"a": null, "b": "", "c": {"d": "x"}, "e": [], "f": false, "n": 1}"#,
        )
        .unwrap();
        let cases = [
            ("a", Field::Null),
            ("a.b", Field::Null),
            ("b", Field::Empty),
            ("c.d", Field::Text("x")),
            ("c.e", Field::Missing),
            ("z", Field::Missing),
            ("b.c", Field::Missing),
            ("e", Field::List(&[])),
            ("f", Field::Flag(false)),
            ("n", Field::Unfit),
        ];
        for (path, wanted) in cases {
            assert_eq!(at(&doc, path), wanted, "{path}");
        }
    }

    #[test]
    fn a_document_that_is_no_structure_is_refused() {
        for bad in ["", "[]", "\"x\"", "{\"a\":", "<html>"] {
            assert_eq!(parse(bad).unwrap_err().code, "invalid-value", "{bad}");
        }
    }

    #[test]
    fn digest_follows_content_not_key_order() {
        let one = parse(r#"{"a":"1","b":"2"}"#).unwrap();
        let other = parse(r#"{"b":"2","a":"1"}"#).unwrap();
        let changed = parse(r#"{"b":"2","a":"3"}"#).unwrap();
        assert_eq!(
            digest(&Value::Object(one.clone())),
            digest(&Value::Object(other))
        );
        assert_ne!(digest(&Value::Object(one)), digest(&Value::Object(changed)));
    }
}
