//! HTTP around the resources: tokens, sessions, limits, counting, faults and the usage header.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{
    ApiAnswer, ApiRequest, VERSIONS, answer, auth, control, sign_in, split_path, split_query,
};
use crate::faults::{self, Fault, Transport};
use crate::salesforce::SalesforceSimulator;
use crate::salesforce::defect::Defect;
use crate::salesforce::error::ApiError;
use crate::salesforce::ids;
use crate::salesforce::options::{Api, LimitHeader};
use crate::salesforce::org::{Org, RowFaults};

/// Longest request line; longer ones are refused.
const MOST_URI: usize = 16_384;
/// Largest body that is taken.
const MOST_BODY: usize = 50 * 1024 * 1024;
/// What `Sforce-Limit-Info` calls the application.
const APP_NAME: &str = "Footbridge";

/// The simulator's routes with the transport faults in front.
pub(crate) fn router(simulator: &SalesforceSimulator) -> Router {
    let transport = Transport {
        faults: simulator.faults(),
        clock: simulator.clock(),
    };
    Router::new()
        .fallback(handle)
        .with_state(simulator.clone())
        .layer(middleware::from_fn_with_state(transport, faults::transport))
}

async fn handle(State(simulator): State<SalesforceSimulator>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let call = Call {
        method: parts.method,
        target: target.to_owned(),
        headers: parts.headers,
        body,
    };
    if call.path().starts_with("/_sim/") {
        return send(control::run(&simulator, &call), None);
    }
    simulator.with(|org| call.answer(&simulator, org))
}

/// A request as it came.
pub(super) struct Call {
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: String,
    headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call {
    pub(super) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn instance_url(&self) -> String {
        format!("http://{}", self.header("host").unwrap_or("localhost"))
    }

    fn answer(&self, simulator: &SalesforceSimulator, org: &mut Org) -> Response {
        match self.path().trim_end_matches('/') {
            "/services/oauth2/token" => {
                org.counts.tokens += 1;
                if self.method != Method::POST {
                    return send(
                        ApiAnswer {
                            status: 400,
                            location: None,
                            body: Some(json!({
                                "error": "invalid_request", "error_description": "must use HTTP POST",
                            })),
                        },
                        None,
                    );
                }
                let form = split_query(&String::from_utf8_lossy(&self.body));
                let token = auth::token(
                    org,
                    &form,
                    self.header("authorization"),
                    &self.instance_url(),
                );
                return send(
                    ApiAnswer {
                        status: token.status,
                        location: None,
                        body: Some(token.body),
                    },
                    None,
                );
            }
            "/services/oauth2/authorize" if self.method == Method::GET => {
                return sign_in::authorise(org, self.query());
            }
            "/services/oauth2/authorize" => {
                return sign_in::decide(org, &String::from_utf8_lossy(&self.body));
            }
            "/services/oauth2/revoke" => {
                let form = String::from_utf8_lossy(&self.body);
                return sign_in::revoke(org, &form).unwrap_or_else(|refused| send(refused, None));
            }
            "/services/data" => return send(ApiAnswer::ok(versions()), None),
            _ => {}
        }
        if self.target.len() > MOST_URI {
            return StatusCode::URI_TOO_LONG.into_response();
        }
        let answered = self.api(simulator, org);
        org.store.commit();
        if answered.status >= 300 {
            org.counts.refused += 1;
        }
        let usage = usage(org);
        let told = !org.store.has(Defect::UsageUntold);
        send(answered, Some(usage.as_str()).filter(|_| told))
    }

    fn api(&self, simulator: &SalesforceSimulator, org: &mut Org) -> ApiAnswer {
        let faults = simulator.faults();
        let strikes = |name: &str| faults.take(name, self.method.as_str(), &self.target);
        let authorization = self.header("authorization");
        if strikes("expired-token").is_some() {
            auth::end_session(org, authorization);
        }
        if let Err(error) = auth::session(org, authorization) {
            return error.into();
        }
        let path = self.path();
        if path.starts_with("/id/") || path == "/services/oauth2/userinfo" {
            return ApiAnswer::ok(auth::identity(org, &self.instance_url()));
        }
        if org.options.api == Api::Off {
            return ApiError::new(
                "API_DISABLED_FOR_ORG",
                "The REST API is not enabled for this Organization",
            )
            .status(403)
            .into();
        }
        let used = if org.store.has(Defect::DayLimitIgnored) {
            0
        } else {
            org.used()
        };
        if used >= usize::try_from(org.options.daily_calls).unwrap_or(usize::MAX)
            || strikes("too-many-requests").is_some()
        {
            return ApiError::new("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
                .status(403)
                .into();
        }
        org.usage.push_back(org.clock.now());
        let Some((version, segments)) = split_path(path) else {
            return ApiError::not_found().into();
        };
        let zipped = matches!(segments.first().map(String::as_str), Some("metadata"))
            && self.method == Method::POST;
        let (body, raw) = match self.json() {
            _ if zipped => (None, self.body.to_vec()),
            Ok(body) => (body, Vec::new()),
            Err(error) => return error.into(),
        };
        let request = ApiRequest {
            method: self.method.as_str().to_owned(),
            version,
            segments,
            query: split_query(self.query()),
            headers: self
                .headers
                .iter()
                .filter_map(|(name, value)| {
                    Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
                })
                .collect(),
            body,
            raw,
        };
        count(org, &request);
        org.rows = RowFaults::default();
        if writes(&request) {
            if let Some(Fault::LockedRow { rows }) = strikes("locked-row") {
                org.rows.locked = rows;
            }
            if let Some(Fault::ValidationRule { message }) = strikes("validation-rule") {
                org.rows.validation = Some(message);
            }
            if let Some(Fault::ValidationRuleForAll { message }) =
                strikes("validation-rule-for-all")
            {
                org.rows.validation_of_all = Some(message);
            }
            if let Some(Fault::ServerErrorMidBatch { after }) = strikes("server-error-mid-batch") {
                org.rows.stop_after = Some(after);
            }
        }
        let elsewhere = strikes("wrong-organisation").is_some();
        let mut answered = answer(org, &request);
        if elsewhere {
            wrong_organisation(org, &mut answered);
        }
        if org.rows.stopped {
            return ApiError::new("UNKNOWN_EXCEPTION", "An unexpected error occurred. Please include this ErrorId if you contact support: 1887")
                .status(500)
                .into();
        }
        answered
    }

    /// The body as JSON, whatever the content type says of it, as long as it says JSON.
    fn json(&self) -> Result<Option<Value>, ApiError> {
        if self.body.is_empty() {
            return Ok(None);
        }
        let kind = self.header("content-type").unwrap_or_default();
        if !kind.starts_with("application/json") {
            return Err(ApiError::new(
                "UNSUPPORTED_MEDIA_TYPE",
                format!("Content type {kind:?} is not supported"),
            )
            .status(415));
        }
        serde_json::from_slice(&self.body)
            .map(Some)
            .map_err(|error| ApiError::json_parser(format!("Unexpected character: {error}")))
    }
}

/// Another organisation answers: its id stands wherever ours did.
fn wrong_organisation(org: &Org, answered: &mut ApiAnswer) {
    let other = ids::numbered("00D", 999_999_999);
    if let Some(body) = &answered.body {
        let text = body.to_string().replace(&org.organisation_id, &other);
        answered.body = serde_json::from_str(&text).ok();
    }
}

/// Whether a call writes. A composite writes if one of its sub-requests does.
fn writes(request: &ApiRequest) -> bool {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    match (request.method.as_str(), segments.as_slice()) {
        ("GET" | "HEAD", _) | ("POST", ["composite", "sobjects", _]) => false,
        ("POST", ["composite"]) => request
            .body
            .as_ref()
            .and_then(|body| body.get("compositeRequest"))
            .and_then(Value::as_array)
            .is_some_and(|parts| {
                parts
                    .iter()
                    .any(|part| part.get("method").and_then(Value::as_str) != Some("GET"))
            }),
        _ => true,
    }
}

fn count(org: &mut Org, request: &ApiRequest) {
    if writes(request) {
        org.counts.writes += 1;
    } else {
        org.counts.reads += 1;
    }
    let shown: Vec<&str> = request
        .segments
        .iter()
        .enumerate()
        .map(
            |(index, segment)| match (request.segments.first().map(String::as_str), index) {
                (Some("query" | "queryAll"), 1) => "{locator}",
                (Some("metadata"), 2) | (Some("tooling"), 3) => "{id}",
                (Some("sobjects"), 2) if ids::canonical(segment).is_some() => "{id}",
                (Some("sobjects"), 3) => "{value}",
                _ => segment.as_str(),
            },
        )
        .collect();
    *org.counts
        .paths
        .entry(format!("{} /{}", request.method, shown.join("/")))
        .or_insert(0) += 1;
}

fn usage(org: &mut Org) -> String {
    let (used, most) = (org.used(), org.options.daily_calls);
    match org.options.limit_header {
        LimitHeader::Plain => format!("api-usage={used}/{most}"),
        LimitHeader::PerApp => {
            format!("api-usage={used}/{most}; per-app-api-usage={used}/{most}(appName={APP_NAME})")
        }
    }
}

fn versions() -> Value {
    let label = |major: u32| match major % 3 {
        0 => format!("Spring '{}", major / 3 + 4),
        1 => format!("Summer '{}", major / 3 + 4),
        _ => format!("Winter '{}", major / 3 + 5),
    };
    VERSIONS
        .map(|major| json!({"label": label(major), "url": format!("/services/data/v{major}.0"), "version": format!("{major}.0")}))
        .collect()
}

fn send(answer: ApiAnswer, usage: Option<&str>) -> Response {
    let mut headers: BTreeMap<&str, String> = BTreeMap::new();
    if let Some(usage) = usage {
        headers.insert("sforce-limit-info", usage.to_owned());
    }
    if let Some(location) = answer.location {
        headers.insert("location", location);
    }
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match answer.body {
        Some(body) => (
            [(header::CONTENT_TYPE, "application/json;charset=UTF-8")],
            body.to_string(),
        )
            .into_response(),
        None => ().into_response(),
    };
    *response.status_mut() = status;
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (
            header::HeaderName::try_from(name),
            HeaderValue::from_str(&value),
        ) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_their_releases_names() {
        let versions = versions();
        let last = versions.as_array().unwrap().last().unwrap();
        assert_eq!(
            last,
            &json!({"label": "Winter '27", "url": "/services/data/v68.0", "version": "68.0"})
        );
        let spring = versions
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["version"] == "66.0")
            .unwrap();
        assert_eq!(spring["label"], "Spring '26");
    }
}
