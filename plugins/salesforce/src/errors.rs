//! What Salesforce's error codes mean, for reads and for rows of writes.
//!
//! Never shows less than Salesforce said: its message and fields are kept. From here to `pages` and `answers`.

use footbridge_sdk::connector::{Failure, FailureKind, http};
use footbridge_sdk::document::at;
use footbridge_sdk::failure::{Code, failing, failure, json_of, problem_at};
use serde_json::Value;

use crate::receivables;

/// How messages call the far side.
pub(crate) const FAR: &str = "Salesforce";

/// One error as Salesforce writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) fields: Vec<String>,
}

/// Codes and their meanings. What isn't here is decided by the caller.
const MEANINGS: &[(&str, FailureKind, Code)] = &[
    ("UNABLE_TO_LOCK_ROW", FailureKind::Retry, Code::RowLocked),
    ("SERVER_UNAVAILABLE", FailureKind::Retry, Code::ServerError),
    ("QUERY_TIMEOUT", FailureKind::Retry, Code::ServerError),
    (
        "REQUEST_RUNNING_TOO_LONG",
        FailureKind::Retry,
        Code::ServerError,
    ),
    ("INVALID_QUERY_LOCATOR", FailureKind::Retry, Code::NotFound),
    (
        "INVALID_SESSION_ID",
        FailureKind::AuthExpired,
        Code::NotAuthorised,
    ),
    (
        "INVALID_AUTH_HEADER",
        FailureKind::AuthExpired,
        Code::NotAuthorised,
    ),
    (
        "REQUEST_LIMIT_EXCEEDED",
        FailureKind::Quota,
        Code::RateLimited,
    ),
    (
        "STORAGE_LIMIT_EXCEEDED",
        FailureKind::Misconfigured,
        Code::Settings,
    ),
    (
        "API_DISABLED_FOR_ORG",
        FailureKind::Misconfigured,
        Code::NotAuthorised,
    ),
    (
        "API_CURRENTLY_DISABLED",
        FailureKind::Misconfigured,
        Code::NotAuthorised,
    ),
    (
        "INVALID_FIELD",
        FailureKind::Misconfigured,
        Code::UnknownField,
    ),
    (
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        FailureKind::Misconfigured,
        Code::UnknownField,
    ),
    (
        "INVALID_TYPE",
        FailureKind::Misconfigured,
        Code::UnknownObject,
    ),
    (
        "MALFORMED_QUERY",
        FailureKind::Misconfigured,
        Code::Internal,
    ),
    (
        "DUPLICATES_DETECTED",
        FailureKind::NeedsPerson,
        Code::DuplicateRule,
    ),
    ("DUPLICATE_VALUE", FailureKind::Rejected, Code::NotUnique),
    (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        FailureKind::Rejected,
        Code::ValidationRule,
    ),
    (
        "FIELD_FILTER_VALIDATION_EXCEPTION",
        FailureKind::Rejected,
        Code::ValidationRule,
    ),
    (
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        FailureKind::Rejected,
        Code::ValidationRule,
    ),
    (
        "STANDARD_PRICE_NOT_DEFINED",
        FailureKind::Rejected,
        Code::ValidationRule,
    ),
    (
        "REQUIRED_FIELD_MISSING",
        FailureKind::Rejected,
        Code::MissingField,
    ),
    ("STRING_TOO_LONG", FailureKind::Rejected, Code::TooLong),
    (
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        FailureKind::Rejected,
        Code::InvalidValue,
    ),
    (
        "FIELD_INTEGRITY_EXCEPTION",
        FailureKind::Rejected,
        Code::InvalidValue,
    ),
    (
        "NUMBER_OUTSIDE_VALID_RANGE",
        FailureKind::Rejected,
        Code::InvalidValue,
    ),
    (
        "INVALID_EMAIL_ADDRESS",
        FailureKind::Rejected,
        Code::InvalidValue,
    ),
    ("MALFORMED_ID", FailureKind::Rejected, Code::InvalidValue),
    ("ENTITY_IS_LOCKED", FailureKind::Conflict, Code::WrongStatus),
    ("ENTITY_IS_DELETED", FailureKind::Gone, Code::NotFound),
    (
        "INVALID_CROSS_REFERENCE_KEY",
        FailureKind::NotVisible,
        Code::NotFound,
    ),
    ("NOT_FOUND", FailureKind::NotVisible, Code::NotFound),
    (
        "INSUFFICIENT_ACCESS_OR_READONLY",
        FailureKind::NotVisible,
        Code::NotAuthorised,
    ),
    (
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        FailureKind::NotVisible,
        Code::NotAuthorised,
    ),
];

impl ApiError {
    /// What it means; `other` for a code that isn't known.
    pub(crate) fn failure(&self, other: FailureKind) -> Failure {
        if self.message.starts_with("Foreign key external ID") {
            return failure(
                FailureKind::Retry,
                Code::NotFound,
                format!(
                    "The record that this one belongs to is not in Salesforce yet: {}",
                    self.message
                ),
            );
        }
        let meaning = MEANINGS.iter().find(|(code, _, _)| *code == self.code);
        let (kind, code) = meaning.map_or(
            (
                other,
                if other == FailureKind::Rejected {
                    Code::ValidationRule
                } else {
                    Code::UnexpectedStatus
                },
            ),
            |(_, kind, code)| (*kind, *code),
        );
        let field = self
            .fields
            .first()
            .cloned()
            .or_else(|| self.quoted_name())
            .unwrap_or_default();
        let message = if let Some(advice) = self.advice() {
            format!("{advice} Salesforce said: {} ({})", self.message, self.code)
        } else if kind == FailureKind::Misconfigured && code == Code::UnknownField {
            format!(
                "Salesforce has no field \"{field}\" that this connection may use. Correct the mapping, or add the field and give the connection's user access to it. Salesforce said: {}",
                self.message
            )
        } else {
            format!("Salesforce refused this: {} ({})", self.message, self.code)
        };
        failing(kind, problem_at(code, &field, message))
    }

    /// What to do, where the code tells more than Salesforce's own words do.
    fn advice(&self) -> Option<&'static str> {
        let ours = receivables::ALL
            .iter()
            .any(|kind| self.message.contains(kind.object));
        Some(match self.code.as_str() {
            "STORAGE_LIMIT_EXCEEDED" => {
                "Salesforce's data storage is full. Delete what is not needed there, or get more, and run again."
            }
            "API_DISABLED_FOR_ORG" | "API_CURRENTLY_DISABLED" => {
                "This Salesforce has no API: its edition comes without, or an administrator switched it off. Get it from Salesforce, or switch it on for the connection's user."
            }
            "INVALID_TYPE" | "INVALID_FIELD" | "NOT_FOUND" if ours => {
                "Salesforce is not set up for this, or the connection's user has no access: `footbridge provision` shows what is missing and makes it."
            }
            _ => return None,
        })
    }

    /// The first name in quotes, as in "No such column 'Foo__c' on entity 'Opportunity'".
    fn quoted_name(&self) -> Option<String> {
        self.message
            .split('\'')
            .nth(1)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
    }
}

/// The errors in an answer or a row: a list with `errorCode`, or with `statusCode` in rows.
pub(crate) fn listed(value: &Value) -> Vec<ApiError> {
    let Value::Array(list) = value else {
        return Vec::new();
    };
    list.iter()
        .filter_map(|entry| {
            let code = at(entry, "errorCode")
                .text()
                .or(at(entry, "statusCode").text())?;
            let message = at(entry, "message").text().unwrap_or_default();
            let fields = at(entry, "fields")
                .list()
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect();
            Some(ApiError {
                code: code.to_owned(),
                message: message.to_owned(),
                fields,
            })
        })
        .collect()
}

/// Why a read failed.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The cursor of a query is no longer known: begin again.
    LocatorLost,
    /// A field that the query names doesn't exist or can't be seen.
    NoField(Failure),
    /// Anything else.
    Failed(Failure),
}

/// The JSON of a read that went well.
pub(crate) fn read(response: &http::Response) -> Result<Value, Refusal> {
    if response.status != 200
        && let http::Body::Json(text) = &response.body
        && let Ok(body) = serde_json::from_str(text)
        && let Some(error) = listed(&body).first()
    {
        let failure = error.failure(FailureKind::Misconfigured);
        return Err(match error.code.as_str() {
            "INVALID_QUERY_LOCATOR" => Refusal::LocatorLost,
            "INVALID_FIELD" => Refusal::NoField(failure),
            _ if failure.kind == FailureKind::Misconfigured => {
                Refusal::Failed(by_status(response, failure))
            }
            _ => Refusal::Failed(failure),
        });
    }
    json_of(response, FAR).map_err(Refusal::Failed)
}

/// An unknown code counts for less than a status that says more.
fn by_status(response: &http::Response, failure: Failure) -> Failure {
    if failure.problem.code == Code::UnexpectedStatus.as_str() {
        json_of(response, FAR).err().unwrap_or(failure)
    } else {
        failure
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::LocatorLost => footbridge_sdk::failure::failure(
                FailureKind::Retry,
                Code::NotFound,
                "Salesforce has forgotten where a query stood. It will be read again.",
            ),
            Refusal::NoField(failure) | Refusal::Failed(failure) => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(status: u16, body: &Value) -> http::Response {
        http::Response {
            status,
            headers: Vec::new(),
            body: http::Body::Json(body.to_string()),
        }
    }

    #[test]
    fn reads_by_code() {
        let cases = [
            (
                401,
                "INVALID_SESSION_ID",
                FailureKind::AuthExpired,
                "not-authorised",
            ),
            (
                403,
                "REQUEST_LIMIT_EXCEEDED",
                FailureKind::Quota,
                "rate-limited",
            ),
            (400, "QUERY_TIMEOUT", FailureKind::Retry, "server-error"),
            (
                400,
                "MALFORMED_QUERY",
                FailureKind::Misconfigured,
                "internal",
            ),
            (
                503,
                "SERVER_UNAVAILABLE",
                FailureKind::Retry,
                "server-error",
            ),
            (500, "UNKNOWN_EXCEPTION", FailureKind::Retry, "server-error"),
            (
                400,
                "SOMETHING_NEW",
                FailureKind::Misconfigured,
                "unexpected-status",
            ),
        ];
        for (status, code, kind, wanted) in cases {
            let body = json!([{"message": "m", "errorCode": code}]);
            let failure = Failure::from(read(&answer(status, &body)).unwrap_err());
            assert_eq!(
                (failure.kind, failure.problem.code.as_str()),
                (kind, wanted),
                "{code}"
            );
        }
    }

    #[test]
    fn a_missing_field_is_named() {
        let body = json!([{"message": "\nSELECT Foo__c FROM Opportunity\n       ^\nERROR at Row:1:Column:8\nNo such column 'Foo__c' on entity 'Opportunity'.", "errorCode": "INVALID_FIELD"}]);
        let Refusal::NoField(failure) = read(&answer(400, &body)).unwrap_err() else {
            panic!("another refusal")
        };
        assert_eq!(failure.problem.field.as_deref(), Some("Foo__c"));
        assert_eq!(failure.kind, FailureKind::Misconfigured);
    }

    #[test]
    fn html_and_cut_answers_are_read_again() {
        for body in [
            http::Body::Text("<html>".into()),
            http::Body::Json("{\"records\": [".into()),
            http::Body::Empty,
        ] {
            let response = http::Response {
                status: 200,
                headers: Vec::new(),
                body,
            };
            let failure = Failure::from(read(&response).unwrap_err());
            assert_eq!(
                (failure.kind, failure.problem.code.as_str()),
                (FailureKind::Retry, "malformed-answer")
            );
        }
    }
}
