//! The REST resources: one request in, one answer out, no HTTP.
//!
//! Composite hands its sub-requests back to [`answer`], which is why this layer knows no sockets.
//! Flow: [`http`] checks session and limits, then [`answer`] finds the resource.

mod auth;
mod collections;
mod composite;
mod control;
mod deployments;
mod describe;
mod http;
mod multipart;
mod query;
mod records;
mod replication;
mod sign_in;
mod tooling;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::dml::Lookalikes;
use super::error::ApiError;
use super::org::Org;

pub(crate) use http::router;

/// A request below `/services/data/vXX.X/`.
#[derive(Clone, Debug)]
pub(crate) struct ApiRequest {
    pub(crate) method: String,
    /// `v60.0`
    pub(crate) version: String,
    /// Decoded segments after the version.
    pub(crate) segments: Vec<String>,
    pub(crate) query: BTreeMap<String, String>,
    /// By lower-case name.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<Value>,
    /// The body as it came, of calls that do not send JSON.
    pub(crate) raw: Vec<u8>,
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct ApiAnswer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: Option<Value>,
}

impl ApiAnswer {
    pub(crate) fn ok(body: Value) -> Self {
        Self {
            status: 200,
            location: None,
            body: Some(body),
        }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            location: None,
            body: None,
        }
    }
}

impl From<ApiError> for ApiAnswer {
    fn from(error: ApiError) -> Self {
        Self {
            status: error.status,
            location: None,
            body: Some(error.to_body()),
        }
    }
}

impl ApiRequest {
    pub(crate) fn lookalikes(&self) -> Lookalikes {
        let header = self
            .headers
            .get("sforce-duplicate-rule-header")
            .map(|value| value.replace(' ', "").to_ascii_lowercase());
        if header.is_some_and(|value| value.contains("allowsave=true")) {
            Lookalikes::AllowSave
        } else {
            Lookalikes::Refuse
        }
    }

    pub(crate) fn object_body(&self) -> Result<&serde_json::Map<String, Value>, ApiError> {
        self.body.as_ref().and_then(Value::as_object).ok_or_else(|| {
            ApiError::json_parser("The HTTP entity body is required, but this request has no entity body or it is no JSON object.")
        })
    }
}

/// The lowest and the highest version that is served.
pub(crate) const VERSIONS: std::ops::RangeInclusive<u32> = 31..=68;

/// `/services/data/v60.0/rest` as version and the rest; `None` where it is not served.
pub(crate) fn split_path(path: &str) -> Option<(String, Vec<String>)> {
    let rest = path.strip_prefix("/services/data/v")?;
    let (number, rest) = rest.split_once('/').unwrap_or((rest, ""));
    let major: u32 = number.strip_suffix(".0")?.parse().ok()?;
    if !VERSIONS.contains(&major) {
        return None;
    }
    let segments = rest
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            percent_encoding::percent_decode_str(segment)
                .decode_utf8_lossy()
                .into_owned()
        })
        .collect();
    Some((format!("v{major}.0"), segments))
}

/// The query string's pairs; `+` is a space, as in a form.
pub(crate) fn split_query(query: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

/// Answers one request.
pub(crate) fn answer(org: &mut Org, request: &ApiRequest) -> ApiAnswer {
    // Within a composite an earlier part may have changed what is seen.
    org.look_around();
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let answered = match segments.as_slice() {
        [] => only(request, &["GET"], |request| {
            Ok(ApiAnswer::ok(resources(org, request)))
        }),
        ["limits"] => only(request, &["GET"], |_| Ok(ApiAnswer::ok(limits(org)))),
        ["query"] | ["queryAll"] => only(request, &["GET"], |request| query::start(org, request)),
        ["query", locator] | ["queryAll", locator] => only(request, &["GET"], |request| {
            query::next(org, request, locator)
        }),
        ["composite"] => only(request, &["POST"], |request| composite::run(org, request)),
        ["composite", "sobjects", rest @ ..] => collections::run(org, request, rest),
        ["sobjects", rest @ ..] => records::run(org, request, rest),
        ["metadata", "deployRequest", rest @ ..] => deployments::run(org, request, rest),
        ["tooling", rest @ ..] => tooling::run(org, request, rest),
        _ => Err(ApiError::not_found()),
    };
    answered.unwrap_or_else(ApiAnswer::from)
}

/// Runs `resource` for the allowed methods and answers 405 for others.
pub(crate) fn only(
    request: &ApiRequest,
    allowed: &[&str],
    resource: impl FnOnce(&ApiRequest) -> Result<ApiAnswer, ApiError>,
) -> Result<ApiAnswer, ApiError> {
    if allowed.contains(&request.method.as_str()) {
        return resource(request);
    }
    let message = format!(
        "HTTP Method '{}' not allowed. Allowed are {}",
        request.method,
        allowed.join(",")
    );
    Err(ApiError::new("METHOD_NOT_ALLOWED", message).status(405))
}

fn resources(org: &Org, request: &ApiRequest) -> Value {
    let at = |name: &str| format!("/services/data/{}/{name}", request.version);
    let host = request
        .headers
        .get("host")
        .map_or("localhost", String::as_str);
    json!({
        "limits": at("limits"), "query": at("query"), "queryAll": at("queryAll"),
        "sobjects": at("sobjects"), "composite": at("composite"), "metadata": at("metadata"), "tooling": at("tooling"),
        "identity": format!("http://{host}/id/{}/{}", org.organisation_id, org.user_id),
    })
}

fn limits(org: &mut Org) -> Value {
    let most = usize::try_from(org.options.daily_calls).unwrap_or(usize::MAX);
    let left = most.saturating_sub(org.used());
    json!({
        "DailyApiRequests": {"Max": most, "Remaining": left},
        "DataStorageMB": {"Max": org.options.storage.0, "Remaining": org.options.storage.1},
        "FileStorageMB": {"Max": 20, "Remaining": 20},
    })
}
