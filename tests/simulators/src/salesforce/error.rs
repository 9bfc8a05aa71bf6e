//! Errors as the API answers them: an array of `{message, errorCode, fields?}`, or a row's
//! `{statusCode, message, fields}` in Collections.

use serde_json::{Map, Value, json};

/// One refusal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Printed where the API prints it; `None` where that error has no such member.
    pub(crate) fields: Option<Vec<String>>,
    /// Members beside those, such as `duplicateResult`.
    pub(crate) extra: Map<String, Value>,
}

impl ApiError {
    /// A 400 about no field.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code,
            message: message.into(),
            fields: None,
            extra: Map::new(),
        }
    }

    /// A 400 of a write, about these fields.
    pub(crate) fn about(code: &'static str, message: impl Into<String>, fields: &[&str]) -> Self {
        Self {
            fields: Some(fields.iter().map(|name| (*name).to_owned()).collect()),
            ..Self::new(code, message)
        }
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn not_found() -> Self {
        Self::new("NOT_FOUND", "The requested resource does not exist").status(404)
    }

    pub(crate) fn json_parser(message: impl Into<String>) -> Self {
        Self::new("JSON_PARSER_ERROR", message)
    }

    /// The element of an error answer.
    pub(crate) fn to_element(&self) -> Value {
        let mut element = self.extra.clone();
        element.insert("message".to_owned(), json!(self.message));
        element.insert("errorCode".to_owned(), json!(self.code));
        if let Some(fields) = &self.fields {
            element.insert("fields".to_owned(), json!(fields));
        }
        Value::Object(element)
    }

    /// The body of an error answer.
    pub(crate) fn to_body(&self) -> Value {
        Value::Array(vec![self.to_element()])
    }

    /// The element of a row's `errors` in Collections.
    pub(crate) fn to_row(&self) -> Value {
        let mut row = self.extra.clone();
        row.insert("statusCode".to_owned(), json!(self.code));
        row.insert("message".to_owned(), json!(self.message));
        row.insert(
            "fields".to_owned(),
            json!(self.fields.clone().unwrap_or_default()),
        );
        Value::Object(row)
    }
}
