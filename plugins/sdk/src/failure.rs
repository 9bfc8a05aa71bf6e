//! Builds problems and failures: the codes of the registry as an enum, and what an HTTP status of a *read* means.
//!
//! Never decides what the answer to a write means: that differs per API and is the connector's `answers`.

use crate::connector::{Failure, FailureKind, Problem, http};

/// The codes of the registry in `wit/README.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each name is the code itself, explained in the registry"
)]
pub enum Code {
    MissingField,
    InvalidValue,
    TooLong,
    UnknownField,
    UnknownFunction,
    UnknownObject,
    DuplicateKey,
    NotUnique,
    NotFound,
    Archived,
    LockedPeriod,
    WrongCurrency,
    WrongTaxType,
    WrongAccount,
    WrongStatus,
    DuplicateRule,
    ValidationRule,
    RowLocked,
    ServerError,
    RateLimited,
    MalformedAnswer,
    UnexpectedStatus,
    NotAuthorised,
    Settings,
    Internal,
}

impl Code {
    /// The code as it travels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingField => "missing-field",
            Self::InvalidValue => "invalid-value",
            Self::TooLong => "too-long",
            Self::UnknownField => "unknown-field",
            Self::UnknownFunction => "unknown-function",
            Self::UnknownObject => "unknown-object",
            Self::DuplicateKey => "duplicate-key",
            Self::NotUnique => "not-unique",
            Self::NotFound => "not-found",
            Self::Archived => "archived",
            Self::LockedPeriod => "locked-period",
            Self::WrongCurrency => "wrong-currency",
            Self::WrongTaxType => "wrong-tax-type",
            Self::WrongAccount => "wrong-account",
            Self::WrongStatus => "wrong-status",
            Self::DuplicateRule => "duplicate-rule",
            Self::ValidationRule => "validation-rule",
            Self::RowLocked => "row-locked",
            Self::ServerError => "server-error",
            Self::RateLimited => "rate-limited",
            Self::MalformedAnswer => "malformed-answer",
            Self::UnexpectedStatus => "unexpected-status",
            Self::NotAuthorised => "not-authorised",
            Self::Settings => "settings",
            Self::Internal => "internal",
        }
    }
}

/// A problem that is about no single field.
pub fn problem(code: Code, message: impl Into<String>) -> Problem {
    Problem {
        code: code.as_str().to_owned(),
        message: message.into(),
        field: None,
        extra: None,
    }
}

/// A problem of one field or path; an empty path means none.
pub fn problem_at(code: Code, field: &str, message: impl Into<String>) -> Problem {
    let field = if field.is_empty() {
        None
    } else {
        Some(field.to_owned())
    };
    Problem {
        field,
        ..problem(code, message)
    }
}

/// A failure without a time to come back.
pub fn failure(kind: FailureKind, code: Code, message: impl Into<String>) -> Failure {
    Failure {
        kind,
        problem: problem(code, message),
        retry_after_seconds: None,
    }
}

/// The failure that a problem becomes.
pub fn failing(kind: FailureKind, problem: Problem) -> Failure {
    Failure {
        kind,
        problem,
        retry_after_seconds: None,
    }
}

/// Why a read got no answer.
pub fn no_answer(error: http::Error) -> Failure {
    match error {
        http::Error::Denied(rule) => failure(
            FailureKind::Misconfigured,
            Code::Settings,
            format!("The host refused a read: {rule}. Widen the grant or correct the connection."),
        ),
        http::Error::Budget(seconds) => Failure {
            retry_after_seconds: Some(seconds),
            ..failure(
                FailureKind::Retry,
                Code::RateLimited,
                "The connection's budget of calls is used up for now.",
            )
        },
        http::Error::Transport(text) => failure(
            FailureKind::Retry,
            Code::ServerError,
            format!("No answer to a read: {text}."),
        ),
        http::Error::AuthExpired(text) => failure(
            FailureKind::AuthExpired,
            Code::NotAuthorised,
            format!("The credential was refused: {text}."),
        ),
    }
}

/// A header of an answer by its lower-case name.
pub fn header<'a>(headers: &'a [http::Header], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case(name))
        .map(|header| header.value.as_str())
}

/// Seconds of a `Retry-After` header, if it is a plain number.
pub fn retry_after(value: Option<&str>) -> Option<u32> {
    value.and_then(|text| text.trim().parse().ok())
}

/// The JSON of a read that went well.
///
/// # Errors
/// By status: 401 `auth-expired`, 403 `misconfigured`, 429 and 5xx `retry`, other ones `misconfigured`; a 200 that
/// isn't JSON is a `retry`, since repeating a read harms nobody. `far` names the API in the message.
pub fn json_of(response: &http::Response, far: &str) -> Result<serde_json::Value, Failure> {
    let (kind, code, what) = match response.status {
        200 => {
            let http::Body::Json(text) = &response.body else {
                return Err(malformed(far, "something else than JSON"));
            };
            return serde_json::from_str(text)
                .map_err(|error| malformed(far, &format!("damaged JSON ({error})")));
        }
        401 => (
            FailureKind::AuthExpired,
            Code::NotAuthorised,
            "refused the credential",
        ),
        403 => (
            FailureKind::Misconfigured,
            Code::NotAuthorised,
            "says that these rights don't allow this read",
        ),
        404 => (
            FailureKind::Misconfigured,
            Code::NotFound,
            "knows nothing at this address",
        ),
        429 => (FailureKind::Retry, Code::RateLimited, "asks to wait"),
        500..=599 => (
            FailureKind::Retry,
            Code::ServerError,
            "has a fault of its own",
        ),
        _ => (
            FailureKind::Misconfigured,
            Code::UnexpectedStatus,
            "did not accept a read",
        ),
    };
    let mut refused = failure(
        kind,
        code,
        format!(
            "{far} {what} (status {}).{}",
            response.status,
            excerpt(&response.body)
        ),
    );
    if response.status == 429 || response.status == 503 {
        refused.retry_after_seconds = retry_after(header(&response.headers, "retry-after"));
    }
    Err(refused)
}

/// A read was answered by something undecodable.
pub fn malformed(far: &str, what: &str) -> Failure {
    failure(
        FailureKind::Retry,
        Code::MalformedAnswer,
        format!("{far} answered a read with {what}. It will be read again."),
    )
}

fn excerpt(body: &http::Body) -> String {
    let text = match body {
        http::Body::Json(text) | http::Body::Text(text) => text.trim(),
        http::Body::Empty => "",
    };
    if text.is_empty() {
        return String::new();
    }
    let short: String = text.chars().take(300).collect();
    format!(" It said: {short}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: http::Body) -> http::Response {
        let headers = vec![http::Header {
            name: "retry-after".into(),
            value: "26".into(),
        }];
        http::Response {
            status,
            headers,
            body,
        }
    }

    #[test]
    fn statuses_of_reads() {
        let cases = [
            (401, FailureKind::AuthExpired, None),
            (403, FailureKind::Misconfigured, None),
            (404, FailureKind::Misconfigured, None),
            (429, FailureKind::Retry, Some(26)),
            (500, FailureKind::Retry, None),
            (503, FailureKind::Retry, Some(26)),
            (302, FailureKind::Misconfigured, None),
        ];
        for (status, kind, seconds) in cases {
            let refused = json_of(&answer(status, http::Body::Empty), "Xero").unwrap_err();
            assert_eq!(
                (refused.kind, refused.retry_after_seconds),
                (kind, seconds),
                "{status}"
            );
        }
    }

    #[test]
    fn answers_that_are_no_json_are_read_again() {
        for body in [
            http::Body::Text("<html>".into()),
            http::Body::Empty,
            http::Body::Json("{\"a\":".into()),
        ] {
            let refused = json_of(&answer(200, body), "Xero").unwrap_err();
            assert_eq!(
                (refused.kind, refused.problem.code.as_str()),
                (FailureKind::Retry, "malformed-answer")
            );
        }
    }
}
