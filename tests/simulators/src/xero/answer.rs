//! Answers: the envelope, the error bodies, and their spelling as JSON or XML.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::element::Refusals;
use super::guid::Guid;

/// An answer before it is spelled.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: AnswerBody,
}

#[derive(Clone, Debug)]
pub(crate) enum AnswerBody {
    Document(Value),
    /// `text/html`, empty: how Xero says that something is not there.
    EmptyHtml,
    /// No body and no content type.
    Nothing,
}

/// What the client accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    Json,
    Xml,
}

impl Spelling {
    /// XML unless JSON is asked for.
    pub(crate) fn accepted(accept: Option<&str>) -> Self {
        match accept {
            Some(accept) if accept.to_ascii_lowercase().contains("json") => Self::Json,
            _ => Self::Xml,
        }
    }
}

/// An answer as it goes out, and as it is kept under an Idempotency-Key.
#[derive(Clone, Debug)]
pub(crate) struct Spelled {
    pub(crate) status: u16,
    pub(crate) content_type: Option<&'static str>,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn not_found() -> Self {
        Self {
            status: 404,
            body: AnswerBody::EmptyHtml,
        }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            body: AnswerBody::Nothing,
        }
    }

    pub(crate) fn document(status: u16, value: Value) -> Self {
        Self {
            status,
            body: AnswerBody::Document(value),
        }
    }

    /// `{ErrorNumber, Type, Message}` of a request that could not be read.
    pub(crate) fn unreadable(number: u16, kind: &str, message: &str) -> Self {
        Self::document(
            400,
            json!({"ErrorNumber": number, "Type": kind, "Message": message}),
        )
    }

    /// The whole call refused, with its bad elements.
    pub(crate) fn refused(elements: Vec<Value>) -> Self {
        Self::document(
            400,
            json!({"ErrorNumber": 10, "Type": "ValidationException", "Message": "A validation exception occurred", "Elements": elements}),
        )
    }

    /// The problem bodies of Xero's gateway.
    pub(crate) fn unauthorised(detail: &str, instance: Guid) -> Self {
        Self::document(
            401,
            json!({"Type": null, "Title": "Unauthorized", "Status": 401, "Detail": detail, "Instance": instance.to_string(), "Extensions": {}}),
        )
    }

    pub(crate) fn forbidden() -> Self {
        Self::document(
            403,
            json!({"title": "Forbidden", "status": 403, "detail": "AuthenticationUnsuccessful"}),
        )
    }

    pub(crate) fn spell(&self, spelling: Spelling) -> Spelled {
        let (content_type, bytes) = match (&self.body, spelling) {
            (AnswerBody::Nothing, _) => (None, Vec::new()),
            (AnswerBody::EmptyHtml, _) => (Some("text/html; charset=utf-8"), Vec::new()),
            (AnswerBody::Document(value), Spelling::Json) => (
                Some("application/json; charset=utf-8"),
                value.to_string().into_bytes(),
            ),
            (AnswerBody::Document(value), Spelling::Xml) => {
                (Some("text/xml; charset=utf-8"), xml(value).into_bytes())
            }
        };
        Spelled {
            status: self.status,
            content_type,
            bytes,
        }
    }
}

/// `{Id, Status, ProviderName, DateTimeUTC, [pagination], Collection: [...]}`.
pub(crate) fn envelope(
    id: Guid,
    now: DateTime<Utc>,
    collection: &str,
    records: Vec<Value>,
    pagination: Option<Value>,
) -> Value {
    let mut fields = Map::new();
    fields.insert("Id".to_owned(), json!(id.to_string()));
    fields.insert("Status".to_owned(), json!("OK"));
    fields.insert("ProviderName".to_owned(), json!("Footbridge"));
    fields.insert(
        "DateTimeUTC".to_owned(),
        json!(format!("/Date({})/", now.timestamp_millis())),
    );
    if let Some(pagination) = pagination {
        fields.insert("pagination".to_owned(), pagination);
    }
    fields.insert(collection.to_owned(), Value::Array(records));
    Value::Object(fields)
}

/// `[{"Message": ...}]`.
pub(crate) fn messages(refusals: &Refusals) -> Value {
    Value::Array(
        refusals
            .0
            .iter()
            .map(|message| json!({"Message": message}))
            .collect(),
    )
}

/// A plain rendering: members become elements, list entries the singular of their list.
fn xml(value: &Value) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><Response>");
    inner(value, "Item", &mut out);
    out.push_str("</Response>");
    out
}

fn inner(value: &Value, entry: &str, out: &mut String) {
    match value {
        Value::Null => {}
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => {
            for c in text.chars() {
                match c {
                    '&' => out.push_str("&amp;"),
                    '<' => out.push_str("&lt;"),
                    '>' => out.push_str("&gt;"),
                    c => out.push(c),
                }
            }
        }
        Value::Array(list) => {
            for value in list {
                out.push_str(&format!("<{entry}>"));
                inner(value, "Item", out);
                out.push_str(&format!("</{entry}>"));
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                let singular = match name.as_str() {
                    "Addresses" => "Address",
                    "TrackingCategories" => "TrackingCategory",
                    "Currencies" => "Currency",
                    plural => plural.strip_suffix('s').unwrap_or(plural),
                };
                out.push_str(&format!("<{name}>"));
                inner(value, singular, out);
                out.push_str(&format!("</{name}>"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_is_the_default_and_plain() {
        assert_eq!(Spelling::accepted(None), Spelling::Xml);
        assert_eq!(Spelling::accepted(Some("*/*")), Spelling::Xml);
        assert_eq!(Spelling::accepted(Some("Application/JSON")), Spelling::Json);
        let spelled =
            Answer::document(200, json!({"Contacts": [{"Name": "A & B"}]})).spell(Spelling::Xml);
        let text = String::from_utf8(spelled.bytes).unwrap();
        assert!(text.ends_with("<Response><Contacts><Contact><Name>A &amp; B</Name></Contact></Contacts></Response>"), "{text}");
    }
}
