//! Documents: JSON without number tokens, in one canonical form.
//!
//! The host turns every number into its decimal string on the way in and refuses numbers, duplicate keys,
//! lone surrogates and depth over 64 on the way out, so no plugin's language can harm a cent.

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;

/// Deepest nesting of a document.
pub const MAX_DEPTH: usize = 64;
/// Most bytes of a document.
pub const MAX_BYTES: usize = 1024 * 1024;

/// A JSON value without numbers. Objects are sorted by key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Document {
    /// `null`: the far side said it is empty. Not the same as a missing field.
    Null,
    /// A boolean.
    Bool(bool),
    /// Text, and every number.
    Text(String),
    /// A list.
    List(Vec<Document>),
    /// An object.
    Object(BTreeMap<String, Document>),
}

/// Why a text is not a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Too large.
    #[error("document of {bytes} bytes is over the limit of {MAX_BYTES}")]
    TooLarge {
        /// How large it is.
        bytes: usize,
    },
    /// Not JSON, a duplicate key, a lone surrogate, or too deep.
    #[error("not a document: {0}")]
    Malformed(String),
}

impl Document {
    /// Reads what an API sent: every number becomes its decimal string, exponents expanded.
    pub fn from_api(json: &str) -> Result<Self, DocumentError> {
        read::<true>(json)
    }

    /// Reads what a plugin made: a number token is an error.
    pub fn from_plugin(json: &str) -> Result<Self, DocumentError> {
        if json.len() > MAX_BYTES {
            return Err(DocumentError::TooLarge { bytes: json.len() });
        }
        read::<false>(json)
    }

    /// The canonical text: sorted keys, no spaces, minimal escapes. Digested, compared and stored in this form.
    pub fn canonical(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// The value at a dotted path, `None` where any step is missing or not an object.
    pub fn at(&self, path: &str) -> Option<&Document> {
        path.split('.').try_fold(self, |here, step| match here {
            Document::Object(map) => map.get(step),
            _ => None,
        })
    }

    /// The text at a path; `None` if it is missing, `null` or no text.
    pub fn text(&self, path: &str) -> Option<&str> {
        match self.at(path) {
            Some(Document::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The boolean at a path.
    pub fn boolean(&self, path: &str) -> Option<bool> {
        match self.at(path) {
            Some(Document::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    /// The list at a path; empty if it is missing.
    pub fn list(&self, path: &str) -> &[Document] {
        match self.at(path) {
            Some(Document::List(items)) => items,
            _ => &[],
        }
    }

    /// As a typed value of [`crate::ledger`] or another serde type.
    pub fn to<T: serde::de::DeserializeOwned>(&self) -> Result<T, DocumentError> {
        serde_json::from_str(&self.canonical()).map_err(|e| DocumentError::Malformed(e.to_string()))
    }

    fn write(&self, out: &mut String) {
        match self {
            Document::Null => out.push_str("null"),
            Document::Bool(true) => out.push_str("true"),
            Document::Bool(false) => out.push_str("false"),
            Document::Text(text) => write_text(text, out),
            Document::List(items) => {
                out.push('[');
                for (n, item) in items.iter().enumerate() {
                    if n > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Document::Object(map) => {
                out.push('{');
                for (n, (key, value)) in map.iter().enumerate() {
                    if n > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

fn read<const NUMBERS: bool>(json: &str) -> Result<Document, DocumentError> {
    let malformed = |e: serde_json::Error| DocumentError::Malformed(e.to_string());
    if depth(json) > MAX_DEPTH {
        return Err(DocumentError::Malformed(format!(
            "nested deeper than {MAX_DEPTH}"
        )));
    }
    let mut reader = serde_json::Deserializer::from_str(json);
    let Node::<NUMBERS>(document) = Node::deserialize(&mut reader).map_err(malformed)?;
    reader.end().map_err(malformed)?;
    Ok(document)
}

/// Deepest nesting, counted outside strings. Cheap, and right for any text that then parses.
fn depth(json: &str) -> usize {
    let (mut deepest, mut now, mut inside, mut escaped) = (0usize, 0usize, false, false);
    for byte in json.bytes() {
        match (inside, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => inside = !inside,
            (false, b'{' | b'[') => {
                now += 1;
                deepest = deepest.max(now);
            }
            (false, b'}' | b']') => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl serde::Serialize for Document {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Document::Null => s.serialize_unit(),
            Document::Bool(value) => s.serialize_bool(*value),
            Document::Text(text) => s.serialize_str(text),
            Document::List(items) => s.collect_seq(items),
            Document::Object(map) => s.collect_map(map),
        }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Node::<false>::deserialize(d).map(|Node(document)| document)
    }
}

struct Node<const NUMBERS: bool>(Document);

impl<'de, const NUMBERS: bool> Deserialize<'de> for Node<NUMBERS> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(NodeVisitor::<NUMBERS>).map(Node)
    }
}

struct NodeVisitor<const NUMBERS: bool>;

/// The key under which serde_json's `arbitrary_precision` hands over a number's text.
const NUMBER_TOKEN: &str = "$serde_json::private::Number";

impl<'de, const NUMBERS: bool> Visitor<'de> for NodeVisitor<NUMBERS> {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without number tokens")
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Document, E> {
        Ok(Document::Bool(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Document, E> {
        Ok(Document::Text(text.to_owned()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Document, E> {
        number::<NUMBERS, E>(&value.to_string())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Document, E> {
        number::<NUMBERS, E>(&value.to_string())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Document, A::Error> {
        let mut list = Vec::new();
        while let Some(Node(item)) = items.next_element::<Node<NUMBERS>>()? {
            list.push(item);
        }
        Ok(Document::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(key) = entries.next_key::<String>()? {
            if key == NUMBER_TOKEN {
                return number::<NUMBERS, A::Error>(&entries.next_value::<String>()?);
            }
            let Node(value) = entries.next_value::<Node<NUMBERS>>()?;
            if map.insert(key.clone(), value).is_some() {
                return Err(de::Error::custom(format!("key {key:?} stands twice")));
            }
        }
        Ok(Document::Object(map))
    }
}

fn number<const NUMBERS: bool, E: de::Error>(text: &str) -> Result<Document, E> {
    if !NUMBERS {
        return Err(E::custom(format!(
            "number {text} must be written as a decimal string"
        )));
    }
    Ok(Document::Text(expand(text)))
}

/// A JSON number's digits without an exponent, exactly. Absurd exponents stay as they are: no amount has them.
fn expand(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return text.to_owned();
    };
    let Ok(exponent) = exponent.trim_start_matches('+').parse::<i32>() else {
        return text.to_owned();
    };
    if exponent.unsigned_abs() > 64 {
        return text.to_owned();
    }
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let point = i64::try_from(whole.len()).unwrap_or(0) + i64::from(exponent);
    let length = i64::try_from(all.len()).unwrap_or(0);
    let zeros = |n: i64| "0".repeat(usize::try_from(n.max(0)).unwrap_or(0));
    let plain = if point <= 0 {
        format!("0.{}{all}", zeros(-point))
    } else if point >= length {
        format!("{all}{}", zeros(point - length))
    } else {
        let (head, tail) = all.split_at(usize::try_from(point).unwrap_or(0));
        format!("{head}.{tail}")
    };
    let trimmed = plain.trim_start_matches('0');
    let whole = if trimmed.is_empty() || trimmed.starts_with('.') {
        format!("0{trimmed}")
    } else {
        trimmed.to_owned()
    };
    format!("{sign}{whole}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_an_api_become_their_decimal_strings() {
        for (from, to) in [
            ("1", r#""1""#),
            ("-0.10", r#""-0.10""#),
            ("1.5e2", r#""150""#),
            ("1.5E-3", r#""0.0015""#),
            ("12e0", r#""12""#),
            ("0e5", r#""0""#),
            ("1e400", r#""1e+400""#),
            (
                "12345678901234567890.123456789",
                r#""12345678901234567890.123456789""#,
            ),
            (
                r#"{"b":[1,{"c":2.50}],"a":null}"#,
                r#"{"a":null,"b":["1",{"c":"2.50"}]}"#,
            ),
        ] {
            assert_eq!(Document::from_api(from).unwrap().canonical(), to, "{from}");
        }
    }

    #[test]
    fn a_plugin_may_not_write_what_could_be_misread() {
        for bad in [
            "1",
            r#"{"a":1}"#,
            r#"{"a":"1","a":"2"}"#,
            r#""\ud800""#,
            r#"{"a":"1"} x"#,
            "",
            r#"{"$serde_json::private::Number":"1"}"#,
        ] {
            assert!(Document::from_plugin(bad).is_err(), "{bad}");
        }
        let deep = format!("{}{}", "[".repeat(65), "]".repeat(65));
        assert!(Document::from_plugin(&deep).is_err());
        let allowed = format!("{}{}", "[".repeat(64), "]".repeat(64));
        assert!(Document::from_plugin(&allowed).is_ok());
        let large = format!("\"{}\"", "x".repeat(MAX_BYTES));
        assert!(matches!(
            Document::from_plugin(&large),
            Err(DocumentError::TooLarge { .. })
        ));
    }

    #[test]
    fn missing_null_and_empty_are_three_things() {
        let doc = Document::from_api(r#"{"null":null,"empty":""}"#).unwrap();
        assert_eq!(doc.at("null"), Some(&Document::Null));
        assert_eq!(doc.text("empty"), Some(""));
        assert_eq!(doc.at("missing"), None);
        assert_eq!(doc.at("empty.deeper"), None);
    }

    #[test]
    fn canonical_text_reads_back_as_itself() {
        let text = "{\"a\":\"q\\\" \\\\ \\n \\u0001 \u{1F600} \u{202E}\",\"b\":[]}";
        assert_eq!(Document::from_plugin(text).unwrap().canonical(), text);
    }
}
