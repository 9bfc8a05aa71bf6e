//! The way of a call: arrival, access, limits, Idempotency-Key, endpoint, headers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, request};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{any, delete, get, post};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;

use super::access::{Denied, Grant};
use super::answer::{Answer, Spelled, Spelling};
use super::call::{Call, RawCall};
use super::control;
use super::defect::Defect;
use super::endpoints;
use super::guid::Guid;
use super::identity;
use super::keys::{self, Kind, Remembered, Ticket};
use super::limits::{Refusal, Remaining};
use super::options::{CommitOrder, KeyInFlight, Limits, XeroOptions};
use super::{State as Store, XeroSimulator};
use crate::faults::{self, Fault, Transport};

/// Calls counted since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// GETs of the accounting API that were let in.
    pub reads: u64,
    /// PUTs and POSTs of the accounting API that were let in.
    pub writes: u64,
    /// Calls of the token endpoint.
    pub token_calls: u64,
    /// Calls refused with 401, 403 or 429.
    pub refused: u64,
    /// Writes answered from the Idempotency-Key store.
    pub replayed: u64,
    /// All calls by method and path, ids left out: `PUT /Invoices`, `GET /Contacts/{id}`.
    pub per_path: BTreeMap<String, u64>,
}

/// Largest body read at all; the limit of the API is [`super::options::Limits::body_bytes`].
const MAX_BODY: usize = 64 * 1024 * 1024;

pub(super) fn router(simulator: &XeroSimulator) -> Router {
    let transport = Transport {
        faults: simulator.faults().clone(),
        clock: simulator.clock().clone(),
    };
    Router::new()
        .route(
            "/identity/connect/authorize",
            get(identity::authorise).post(identity::decide),
        )
        .route("/connect/token", post(identity::token))
        .route("/connect/revocation", post(identity::revoke))
        // Addresses are read without regard to case; Xero's own client spells this one so.
        .route("/connections", get(identity::connections))
        .route("/Connections", get(identity::connections))
        .route("/connections/{id}", delete(identity::end_connection))
        .route("/api.xro/2.0/{*rest}", any(accounting))
        .layer(middleware::from_fn_with_state(transport, faults::transport))
        .layer(middleware::from_fn_with_state(simulator.clone(), arrive))
        .merge(control::router())
        .with_state(simulator.clone())
}

/// Hands out tickets before anything else can delay a request.
async fn arrive(
    State(simulator): State<XeroSimulator>,
    mut request: Request,
    next: Next,
) -> Response {
    let ticket = ticket_for(&simulator, &request);
    request.extensions_mut().insert(Arc::new(ticket));
    next.run(request).await
}

fn ticket_for(simulator: &XeroSimulator, request: &Request) -> Ticket {
    let now = simulator.clock().now();
    let text = |name: &str| text_of(request.headers(), name);
    let grant = simulator
        .lock()
        .let_in(text("authorization"), &simulator.options().switches, now);
    let writes = request.uri().path().starts_with("/api.xro/")
        && matches!(request.method().as_str(), "PUT" | "POST" | "DELETE");
    let key = text("idempotency-key")
        .filter(|_| writes)
        .zip(grant.ok())
        .map(|(key, grant)| format!("{}\n{key}", grant.client_id));
    let kind = if writes { Kind::Write } else { Kind::Read };
    simulator.arrivals().arrive(key, kind)
}

/// Ends a call for the limit of concurrent ones, however it ends.
struct Inside {
    simulator: XeroSimulator,
    organisation: usize,
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.simulator.lock().meters.leave(self.organisation);
    }
}

async fn accounting(State(simulator): State<XeroSimulator>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return send(Answer::empty(400).spell(Spelling::Json), Vec::new());
    };
    let method = parts.method.as_str().to_owned();
    let address = parts
        .uri
        .path_and_query()
        .map_or_else(String::new, ToString::to_string);
    let has = |defect| simulator.options().defects.has(defect);
    let spelling = if has(Defect::JsonAlways) {
        Spelling::Json
    } else {
        Spelling::accepted(text_of(&parts.headers, "accept"))
    };
    let fault = |name: &str| simulator.faults().take(name, &method, &address);

    let entered = enter(&simulator, &parts, &fault);
    let (grant, remaining, _inside) = match entered {
        Ok(entered) => entered,
        Err(Out::Access(answer)) => return send(answer.spell(Spelling::Json), Vec::new()),
        Err(Out::Limit(refusal)) => {
            let mut headers = refusal.headers(&simulator.options().switches);
            headers.retain(|(name, _)| match *name {
                "retry-after" => !has(Defect::RetryAfterMissing),
                "x-rate-limit-problem" => !has(Defect::LimitUnnamed),
                _ => true,
            });
            return send(Answer::empty(429).spell(spelling), headers);
        }
    };
    if !simulator.options().latency.is_zero() {
        tokio::time::sleep(simulator.options().latency).await;
    }
    let key = text_of(&parts.headers, "idempotency-key")
        .filter(|_| method != "GET")
        .map(str::to_owned);
    let ticket = parts.extensions.get::<Arc<Ticket>>().cloned();
    let wrong_organisation = method == "GET" && fault("wrong-organisation").is_some();
    let spelled = match wait_for_turn(&simulator, ticket.as_deref(), key.as_deref()).await {
        Err(answer) => answer.spell(spelling),
        Ok(()) => {
            let turn = Turn {
                simulator: &simulator,
                parts: &parts,
                body: &body,
                address: &address,
                grant: &grant,
                key: key.as_deref(),
                ticket: ticket.as_deref(),
                spelling,
                wrong_organisation,
            };
            turn.take(&fault)
        }
    };
    let mut headers = remaining.headers();
    headers.retain(|(name, _)| *name != "x-daylimit-remaining" || !has(Defect::DayLimitUntold));
    send(spelled, headers)
}

enum Out {
    Access(Answer),
    Limit(Refusal),
}

fn enter(
    simulator: &XeroSimulator,
    parts: &request::Parts,
    fault: &dyn Fn(&str) -> Option<Fault>,
) -> Result<(Grant, Remaining, Inside), Out> {
    let now = simulator.clock().now();
    let authorization = text_of(&parts.headers, "authorization");
    let mut state = simulator.lock();
    count(
        &mut state.counts,
        parts.method.as_str(),
        &path_pattern(parts.uri.path()),
    );
    if fault("expired-token").is_some() {
        state.access.expire(authorization, now);
    }
    let switches = &simulator.options().switches;
    let mut grant = match state.let_in(authorization, switches, now) {
        Ok(grant) => grant,
        Err(denied) => return Err(Out::Access(refuse_access(&mut state, &denied))),
    };
    let tenant = text_of(&parts.headers, "xero-tenant-id").filter(|tenant| !tenant.is_empty());
    if grant.family.is_some() {
        grant.organisation = state.connected(&grant, tenant).unwrap_or(usize::MAX);
    }
    let own = state.books.get(grant.organisation).map(|book| book.id);
    let other = |tenant: &str| {
        let lets_in = simulator.options().defects.has(Defect::OtherTenantAccepted);
        tenant.parse::<Guid>().ok() != own && !lets_in
    };
    if own.is_none() || tenant.is_some_and(other) {
        state.counts.refused += 1;
        return Err(Out::Access(Answer::forbidden()));
    }
    let options = simulator.options();
    let forced = match fault("too-many-requests") {
        Some(Fault::TooManyRequests { kind, retry_after }) => Some((kind, retry_after)),
        _ => None,
    };
    let entered = state.meters.enter(
        &limits(options),
        &options.switches,
        grant.organisation,
        &grant.client_id,
        now,
    );
    let refused = match (entered, forced) {
        (Ok(remaining), None) => {
            match parts.method.as_str() {
                "GET" => state.counts.reads += 1,
                _ => state.counts.writes += 1,
            }
            let inside = Inside {
                simulator: simulator.clone(),
                organisation: grant.organisation,
            };
            return Ok((grant, remaining, inside));
        }
        (Ok(remaining), Some((kind, retry_after))) => {
            state.meters.leave(grant.organisation);
            Refusal {
                kind,
                retry_after: retry_after.map(i64::from),
                remaining,
            }
        }
        (Err(refusal), _) => refusal,
    };
    state.counts.refused += 1;
    Err(Out::Limit(refused))
}

/// The limits that are kept.
fn limits(options: &XeroOptions) -> Limits {
    let mut limits = options.limits;
    for (defect, limit) in [
        (Defect::MinuteLimitOff, &mut limits.per_minute),
        (Defect::DayLimitOff, &mut limits.per_day),
        (Defect::ConcurrentLimitOff, &mut limits.concurrent),
    ] {
        if options.defects.has(defect) {
            *limit = usize::MAX;
        }
    }
    limits
}

/// Waits until a write may be carried out, as the switches say.
async fn wait_for_turn(
    simulator: &XeroSimulator,
    ticket: Option<&Ticket>,
    key: Option<&str>,
) -> Result<(), Answer> {
    let Some(ticket) = ticket else { return Ok(()) };
    let switches = simulator.options().switches;
    let arrivals = simulator.arrivals();
    if key.is_some() {
        match switches.key_in_flight {
            KeyInFlight::Process => {}
            KeyInFlight::Conflict if arrivals.is_in_flight(ticket) => {
                return Err(Answer::document(
                    409,
                    json!({"Type": null, "Title": "Conflict", "Status": 409, "Detail": "A request with this Idempotency Key is being processed"}),
                ));
            }
            KeyInFlight::Conflict => {}
            KeyInFlight::Wait => {
                while arrivals.is_in_flight(ticket) {
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
            }
        }
    }
    while switches.commit_order == CommitOrder::AsArrived && arrivals.has_earlier_write(ticket) {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    Ok(())
}

/// The moment in which a call is carried out, under the lock.
struct Turn<'a> {
    simulator: &'a XeroSimulator,
    parts: &'a request::Parts,
    body: &'a [u8],
    address: &'a str,
    grant: &'a Grant,
    key: Option<&'a str>,
    ticket: Option<&'a Ticket>,
    spelling: Spelling,
    wrong_organisation: bool,
}

impl Turn<'_> {
    fn take(&self, fault: &dyn Fn(&str) -> Option<Fault>) -> Spelled {
        let now = self.simulator.clock().now();
        let options = self.simulator.options();
        let mut state = self.simulator.lock();
        let Some(key) = self
            .key
            .filter(|_| !options.defects.has(Defect::KeyIgnored))
        else {
            return self.carry_out(&mut state, now, fault).spell(self.spelling);
        };
        if key.chars().count() > 128 {
            return refused_key("Idempotency Key must not be longer than 128 characters.")
                .spell(self.spelling);
        }
        let request = keys::fingerprint(self.parts.method.as_str(), self.address, self.body);
        let arrived = match (self.ticket, options.switches.key_in_flight) {
            (Some(ticket), KeyInFlight::Process) => ticket.number,
            _ => u64::MAX,
        };
        let app = if options.defects.has(Defect::KeyOfAnyApp) {
            ""
        } else {
            self.grant.client_id.as_str()
        };
        let recalled_at = if options.defects.has(Defect::KeyKeptForEver) {
            DateTime::<Utc>::MIN_UTC
        } else {
            now
        };
        match state.keys.recall(app, key, &request, recalled_at, arrived) {
            Remembered::Answer(answer) => {
                state.counts.replayed += 1;
                return answer;
            }
            Remembered::OtherRequest if options.defects.has(Defect::KeyForAnyRequest) => {}
            Remembered::OtherRequest => {
                return refused_key(&format!(
                    "Idempotency Key: {key} is used with a different request."
                ))
                .spell(self.spelling);
            }
            Remembered::Nothing => {}
        }
        let answer = match fault("error-cached-under-key") {
            Some(Fault::ErrorCachedUnderKey { status }) => Answer::empty(status),
            _ => self.carry_out(&mut state, now, fault),
        };
        let spelled = answer.spell(self.spelling);
        let before = self.simulator.arrivals().next();
        let forgotten = match spelled.status {
            400..500 => options.defects.has(Defect::RefusalsNotKept),
            500.. => options.defects.has(Defect::ServerErrorsNotKept),
            _ => false,
        };
        if !forgotten {
            state
                .keys
                .keep(app, key, request, spelled.clone(), now, before);
        }
        spelled
    }

    fn carry_out(
        &self,
        state: &mut Store,
        now: DateTime<Utc>,
        fault: &dyn Fn(&str) -> Option<Fault>,
    ) -> Answer {
        let options = self.simulator.options();
        let unlimited = options.defects.has(Defect::BodyUnlimited);
        if self.body.len() > options.limits.body_bytes && !unlimited {
            return Answer::empty(413);
        }
        let path = self.parts.uri.path();
        let raw = RawCall {
            method: self.parts.method.as_str(),
            path: path.strip_prefix("/api.xro/2.0/").unwrap_or(path),
            query: self.parts.uri.query().unwrap_or_default(),
            since: text_of(&self.parts.headers, "if-modified-since"),
            content_type: text_of(&self.parts.headers, "content-type"),
            body: self.body,
            app: &self.grant.client_id,
            now,
            defects: options.defects,
        };
        let mut call = match Call::read(&raw) {
            Ok(call) => call,
            Err(refused) => return refused,
        };
        if let Some(Fault::ServerErrorMidBatch { after }) = fault("server-error-mid-batch") {
            call.fails_after = Some(after);
        }
        if let Some(Fault::ValidationRule { message }) = fault("validation-rule") {
            call.refused_with = Some(message);
        }
        if let Some(Fault::ValidationRuleForAll { message }) = fault("validation-rule-for-all") {
            (call.refused_with, call.refuses_all) = (Some(message), true);
        }
        let own = self.grant.organisation;
        let position = if self.wrong_organisation {
            usize::from(own == 0)
        } else {
            own
        };
        match state.books.get_mut(position) {
            Some(book) => endpoints::handle(book, &call),
            None => Answer::forbidden(),
        }
    }
}

fn refused_key(message: &str) -> Answer {
    Answer::unreadable(10, "ValidationException", message)
}

pub(super) fn refuse_access(state: &mut Store, denied: &Denied) -> Answer {
    state.counts.refused += 1;
    let detail = match denied {
        Denied::Expired(at) => format!(
            "TokenExpired: token expired at {}",
            at.format("%m/%d/%Y %H:%M:%S")
        ),
        Denied::Unknown => "AuthenticationUnsuccessful".to_owned(),
    };
    Answer::unauthorised(&detail, state.new_id())
}

pub(super) fn count(counts: &mut Counts, method: &str, path: &str) {
    *counts
        .per_path
        .entry(format!("{method} {path}"))
        .or_default() += 1;
}

/// `/api.xro/2.0/Invoices/0123...` as `/Invoices/{id}`.
fn path_pattern(path: &str) -> String {
    let mut parts = path
        .strip_prefix("/api.xro/2.0/")
        .unwrap_or(path)
        .split('/')
        .filter(|part| !part.is_empty());
    let mut pattern = format!("/{}", parts.next().unwrap_or_default());
    for part in parts {
        let fixed = matches!(part, "Actions" | "Allocations" | "CISSettings");
        pattern.push('/');
        pattern.push_str(if fixed { part } else { "{id}" });
    }
    pattern
}

pub(super) fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

pub(super) fn send(spelled: Spelled, headers: Vec<(&'static str, String)>) -> Response {
    let mut response = Response::new(Body::from(spelled.bytes));
    *response.status_mut() =
        StatusCode::from_u16(spelled.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(content_type) = spelled.content_type {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    }
    response
}
