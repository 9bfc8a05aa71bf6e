//! Faults by name, shared by both simulators.
//!
//! A test injects [`FaultRule`]s; [`transport`] (one axum middleware) acts out those that concern the
//! connection, and the vendors' code asks [`Faults::take`] for the others. A fault never fires twice
//! for one rule unless the rule says so, and each firing is kept for [`Faults::fired`].
//! Next: [`crate::server`] cuts the connections that are marked here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::clock::SimClock;
use crate::server::{CutBody, CutConnection, SlowBody};

/// What goes wrong. JSON: a unit fault is its name (`"expired-token"`), one with values an object
/// (`{"commit-delayed":{"ms":1500}}`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The request is swallowed: nothing happens; the connection is held for `ms`, then closed.
    TimeOutBefore {
        /// Milliseconds the connection is held.
        ms: u64,
    },
    /// The request is carried out, then the connection is cut without an answer.
    AnswerLostAfterCommit,
    /// The connection is held for `hold_ms`, then cut; the request is carried out `ms` after it came.
    CommitDelayed {
        /// Milliseconds until the request is carried out.
        ms: u64,
        /// Milliseconds the connection is held before it is cut.
        #[serde(default)]
        hold_ms: u64,
    },
    /// The same, the request being carried out once the simulator's own clock shows so many seconds more.
    CommitDelayedByClock {
        /// Seconds by the simulator's clock until the request is carried out.
        seconds: i64,
        /// Milliseconds the connection is held before it is cut.
        #[serde(default)]
        hold_ms: u64,
    },
    /// Xero: nothing is done, the error is answered and remembered under the Idempotency-Key.
    ErrorCachedUnderKey {
        /// HTTP status of the error.
        status: u16,
    },
    /// 429 of one kind, without handling the request.
    TooManyRequests {
        /// Which limit.
        kind: LimitKind,
        /// Seconds in `Retry-After`, where that kind of limit has the header.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// Nothing is done; the status is answered.
    ServerErrorBefore {
        /// HTTP status.
        status: u16,
    },
    /// The request is carried out, yet the status is answered.
    ServerErrorAfterCommit {
        /// HTTP status.
        status: u16,
    },
    /// The first `after` elements of a batch are committed, then 500 is answered.
    ServerErrorMidBatch {
        /// Elements committed.
        after: usize,
    },
    /// Carried out; the second half of the answer's body comes after `ms`.
    SlowBody {
        /// Milliseconds in the middle of the body.
        ms: u64,
    },
    /// Carried out; the connection is cut after that many bytes of the body.
    CutBody {
        /// Bytes of the body that arrive.
        after_bytes: usize,
    },
    /// Something in between answers with a HTML page; nothing is done.
    HtmlAnswer {
        /// HTTP status.
        status: u16,
    },
    /// Carried out; the answer is a complete HTTP message whose JSON stops half-way.
    TruncatedJson,
    /// The access token of the request is expired from now on.
    ExpiredToken,
    /// The first `rows` rows of the write are locked by somebody else.
    LockedRow {
        /// Rows that fail.
        rows: usize,
    },
    /// The call is answered for another organisation than the one connected.
    WrongOrganisation,
    /// The simulator's clock is wrong by that much from this request on.
    ClockSkew {
        /// Seconds; negative is behind.
        seconds: i64,
    },
    /// A rule made by the customer's administrator refuses the first row of the write with this text.
    ValidationRule {
        /// Text of the refusal.
        message: String,
    },
    /// Such a rule refuses every row of the write.
    ValidationRuleForAll {
        /// Text of the refusal.
        message: String,
    },
}

/// The limits a 429 can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LimitKind {
    /// Calls in a minute.
    Minute,
    /// Calls in a day.
    Day,
    /// Calls at the same time.
    Concurrent,
    /// Calls of the whole application in a minute.
    AppMinute,
}

impl Fault {
    /// The fault's name as in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::TimeOutBefore { .. } => "time-out-before",
            Self::AnswerLostAfterCommit => "answer-lost-after-commit",
            Self::CommitDelayed { .. } => "commit-delayed",
            Self::CommitDelayedByClock { .. } => "commit-delayed-by-clock",
            Self::ErrorCachedUnderKey { .. } => "error-cached-under-key",
            Self::TooManyRequests { .. } => "too-many-requests",
            Self::ServerErrorBefore { .. } => "server-error-before",
            Self::ServerErrorAfterCommit { .. } => "server-error-after-commit",
            Self::ServerErrorMidBatch { .. } => "server-error-mid-batch",
            Self::SlowBody { .. } => "slow-body",
            Self::CutBody { .. } => "cut-body",
            Self::HtmlAnswer { .. } => "html-answer",
            Self::TruncatedJson => "truncated-json",
            Self::ExpiredToken => "expired-token",
            Self::LockedRow { .. } => "locked-row",
            Self::WrongOrganisation => "wrong-organisation",
            Self::ClockSkew { .. } => "clock-skew",
            Self::ValidationRule { .. } => "validation-rule",
            Self::ValidationRuleForAll { .. } => "validation-rule-for-all",
        }
    }
}

/// One fault and the requests it strikes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FaultRule {
    /// What goes wrong.
    pub fault: Fault,
    /// Only requests of this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only requests whose path and query contain this text.
    #[serde(default)]
    pub path_contains: Option<String>,
    /// Only requests whose path, without its query, ends so.
    #[serde(default)]
    pub path_ends: Option<String>,
    /// Matching requests let by first.
    #[serde(default)]
    pub skip: u32,
    /// How many requests it strikes.
    #[serde(default = "once")]
    pub times: u32,
}

fn once() -> u32 {
    1
}

impl FaultRule {
    /// Strikes the next request, whatever it is.
    pub fn next(fault: Fault) -> Self {
        Self {
            fault,
            method: None,
            path_contains: None,
            path_ends: None,
            skip: 0,
            times: 1,
        }
    }

    /// Strikes the next request of `method` whose path and query contain `path_contains`.
    pub fn on(fault: Fault, method: &str, path_contains: &str) -> Self {
        Self {
            method: Some(method.to_owned()),
            path_contains: Some(path_contains.to_owned()),
            ..Self::next(fault)
        }
    }

    /// Strikes the next request of `method` whose path ends so: a collection and nothing below it.
    pub fn at(fault: Fault, method: &str, path_ends: &str) -> Self {
        Self {
            method: Some(method.to_owned()),
            path_ends: Some(path_ends.to_owned()),
            ..Self::next(fault)
        }
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        let alone = path.split('?').next().unwrap_or(path);
        self.method
            .as_deref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self
                .path_contains
                .as_deref()
                .is_none_or(|part| path.contains(part))
            && self
                .path_ends
                .as_deref()
                .is_none_or(|end| alone.ends_with(end))
    }
}

/// A fault that has struck.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FiredFault {
    /// The fault's name.
    pub fault: &'static str,
    /// Method of the request it struck.
    pub method: String,
    /// Path and query of the request it struck.
    pub path: String,
}

/// The faults of one simulator; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    rules: Vec<FaultRule>,
    fired: Vec<FiredFault>,
}

impl Faults {
    /// Adds a rule after those that wait already.
    pub fn inject(&self, rule: FaultRule) {
        self.lock().rules.push(rule);
    }

    /// Removes the rules that wait; what has fired stays listed.
    pub fn clear(&self) {
        self.lock().rules.clear();
    }

    /// The faults that have struck, oldest first.
    pub fn fired(&self) -> Vec<FiredFault> {
        self.lock().fired.clone()
    }

    /// Rules that wait for their request.
    pub fn waiting(&self) -> usize {
        self.lock().rules.len()
    }

    /// The fault called `name` that strikes this request, if any. Ask once per request and name:
    /// asking uses up one of the rule's `skip` or `times`.
    pub fn take(&self, name: &str, method: &str, path: &str) -> Option<Fault> {
        let mut inner = self.lock();
        let mut struck = None;
        for rule in &mut inner.rules {
            if rule.fault.name() != name || rule.times == 0 || !rule.matches(method, path) {
                continue;
            }
            if rule.skip > 0 {
                rule.skip -= 1;
                continue;
            }
            rule.times -= 1;
            struck = Some(rule.fault.clone());
            break;
        }
        inner.rules.retain(|rule| rule.times > 0);
        if let Some(fault) = &struck {
            inner.fired.push(FiredFault {
                fault: fault.name(),
                method: method.to_owned(),
                path: path.to_owned(),
            });
        }
        struck
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What [`transport`] needs: `middleware::from_fn_with_state(Transport { .. }, faults::transport)`.
#[derive(Clone, Debug)]
pub struct Transport {
    /// The simulator's faults.
    pub faults: Faults,
    /// The simulator's clock; it stamps the `Date` header.
    pub clock: SimClock,
}

/// Largest request body that is read; above either vendor's own limit, which they answer themselves.
const MAX_BODY: usize = 64 * 1024 * 1024;

/// The middleware acting out the faults of the connection. Control calls (`/_sim/`) are left alone.
pub async fn transport(State(t): State<Transport>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/_sim/") {
        return next.run(request).await;
    }
    let mut response = struck(&t, request, next).await;
    let date = t
        .clock
        .now()
        .format("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    if let Ok(date) = HeaderValue::from_str(&date) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

async fn struck(t: &Transport, request: Request, next: Next) -> Response {
    let method = request.method().as_str().to_owned();
    let path = request
        .uri()
        .path_and_query()
        .map_or_else(String::new, ToString::to_string);
    let take = |name: &str| t.faults.take(name, &method, &path);

    if let Some(Fault::ClockSkew { seconds }) = take("clock-skew") {
        t.clock.skew(chrono::Duration::seconds(seconds));
    }
    // The whole request is read first: what is "lost" below must have arrived.
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return CutConnection::response();
    };
    let request = Request::from_parts(parts, Body::from(body));

    if let Some(Fault::TimeOutBefore { ms }) = take("time-out-before") {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        return CutConnection::response();
    }
    if let Some(Fault::CommitDelayed { ms, hold_ms }) = take("commit-delayed") {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(ms)).await;
            next.run(request).await
        });
        tokio::time::sleep(Duration::from_millis(hold_ms)).await;
        return CutConnection::response();
    }
    if let Some(Fault::CommitDelayedByClock { seconds, hold_ms }) = take("commit-delayed-by-clock")
    {
        let due = t.clock.now() + TimeDelta::seconds(seconds);
        let clock = t.clock.clone();
        tokio::spawn(async move {
            reached(&clock, due).await;
            next.run(request).await
        });
        tokio::time::sleep(Duration::from_millis(hold_ms)).await;
        return CutConnection::response();
    }
    if let Some(Fault::ServerErrorBefore { status }) = take("server-error-before") {
        return status_of(status).into_response();
    }
    if let Some(Fault::HtmlAnswer { status }) = take("html-answer") {
        let page = "<!DOCTYPE html><html><head><title>Please wait</title></head><body><h1>We will be back soon</h1></body></html>";
        let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
        return (status_of(status), html, page).into_response();
    }

    // Carried out in a task of its own: a client that hangs up does not stop it half-way.
    let Ok(response) = tokio::spawn(next.run(request)).await else {
        return CutConnection::response();
    };

    if take("answer-lost-after-commit").is_some() {
        return CutConnection::response();
    }
    if let Some(Fault::ServerErrorAfterCommit { status }) = take("server-error-after-commit") {
        return status_of(status).into_response();
    }
    if take("truncated-json").is_some() {
        return with_body(response, |whole| {
            let half = whole.slice(..whole.len() / 2);
            (half.len(), Body::from(half))
        })
        .await;
    }
    if let Some(Fault::CutBody { after_bytes }) = take("cut-body") {
        return with_body(response, |whole| {
            let length = whole.len();
            (length, CutBody::body(whole, after_bytes))
        })
        .await;
    }
    if let Some(Fault::SlowBody { ms }) = take("slow-body") {
        return with_body(response, |whole| {
            let length = whole.len();
            (length, SlowBody::body(whole, Duration::from_millis(ms)))
        })
        .await;
    }
    response
}

/// Waits until the clock shows `due`, whether it gets there by itself or is moved on.
async fn reached(clock: &SimClock, due: DateTime<Utc>) {
    const LOOK: Duration = Duration::from_millis(5);
    while let Ok(left) = due.signed_duration_since(clock.now()).to_std() {
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LOOK)).await;
    }
}

fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

async fn with_body(response: Response, change: impl FnOnce(Bytes) -> (usize, Body)) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(whole) = to_bytes(body, usize::MAX).await else {
        return CutConnection::response();
    };
    let (length, body) = change(whole);
    parts.headers.insert(header::CONTENT_LENGTH, length.into());
    Response::from_parts(parts, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_skips_then_strikes_the_times_it_says() {
        let faults = Faults::default();
        faults.inject(FaultRule {
            skip: 1,
            times: 2,
            ..FaultRule::on(Fault::ExpiredToken, "PUT", "/Invoices")
        });
        let ask = |method, path| faults.take("expired-token", method, path).is_some();
        assert!(!ask("GET", "/Invoices"));
        assert!(!ask("put", "/Invoices?x"), "skipped");
        assert!(ask("PUT", "/Invoices"));
        assert!(!ask("PUT", "/Contacts"));
        assert!(ask("PUT", "/Invoices"));
        assert!(!ask("PUT", "/Invoices"));
        assert_eq!(faults.fired().len(), 2);
        assert_eq!(faults.waiting(), 0);
    }

    #[test]
    fn a_rule_at_a_collection_leaves_alone_what_lies_below() {
        let faults = Faults::default();
        faults.inject(FaultRule::at(Fault::ExpiredToken, "PATCH", "/sobjects"));
        let ask = |path| faults.take("expired-token", "PATCH", path).is_some();
        assert!(!ask("/v62.0/sobjects/Account/Key__c"));
        assert!(ask("/v62.0/sobjects?a=/b"));
    }

    #[tokio::test]
    async fn what_waits_for_the_clock_goes_on_when_it_is_moved() {
        let clock = SimClock::at(DateTime::from_timestamp(1_789_344_000, 0).unwrap());
        let due = clock.now() + TimeDelta::hours(1);
        let waits = {
            let clock = clock.clone();
            tokio::spawn(async move { reached(&clock, due).await })
        };
        clock.advance(TimeDelta::minutes(59));
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waits.is_finished());
        clock.advance(TimeDelta::minutes(1));
        waits.await.unwrap();
    }

    #[test]
    fn rules_are_read_from_json_by_name() {
        let text = r#"{"fault":{"commit-delayed":{"ms":1500}},"method":"POST","path-contains":"Invoices"}"#;
        let rule: FaultRule = serde_json::from_str(text).unwrap();
        assert_eq!(
            rule,
            FaultRule::on(
                Fault::CommitDelayed {
                    ms: 1500,
                    hold_ms: 0
                },
                "POST",
                "Invoices"
            )
        );
        let unit: FaultRule =
            serde_json::from_str(r#"{"fault":"answer-lost-after-commit"}"#).unwrap();
        assert_eq!(unit, FaultRule::next(Fault::AnswerLostAfterCommit));
        assert!(serde_json::from_str::<FaultRule>(r#"{"fault":"no-such"}"#).is_err());
        let named = serde_json::to_value(Fault::LockedRow { rows: 2 }).unwrap();
        assert_eq!(
            named.as_object().unwrap().keys().next().unwrap(),
            "locked-row"
        );
    }
}
