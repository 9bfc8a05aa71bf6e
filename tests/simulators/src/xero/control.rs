//! The control endpoints under `/_sim/`: no access token, not counted, never struck by faults.
//!
//! `GET counts`, `DELETE counts`, `POST faults`, `DELETE faults`, `GET faults` (those that struck),
//! `POST clock {"advance_seconds": n}`, `GET dump/{collection}`, `POST load/{collection}`,
//! `POST allocate/{credit}`, `POST customers-pay {"until": RFC 3339, "seed": n}`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::XeroSimulator;
use crate::company;
use crate::faults::FaultRule;

pub(super) fn router() -> Router<XeroSimulator> {
    Router::new()
        .route("/_sim/counts", get(counts).delete(reset))
        .route("/_sim/faults", post(inject).delete(clear).get(fired))
        .route("/_sim/clock", post(advance))
        .route("/_sim/dump/{collection}", get(dump))
        .route("/_sim/load/{collection}", post(load))
        .route("/_sim/allocate/{credit}", post(allocate))
        .route("/_sim/customers-pay", post(customers_pay))
}

async fn counts(State(simulator): State<XeroSimulator>) -> Response {
    Json(simulator.counts()).into_response()
}

async fn reset(State(simulator): State<XeroSimulator>) -> StatusCode {
    simulator.reset_counts();
    StatusCode::NO_CONTENT
}

async fn inject(State(simulator): State<XeroSimulator>, Json(rule): Json<FaultRule>) -> StatusCode {
    simulator.faults().inject(rule);
    StatusCode::NO_CONTENT
}

async fn clear(State(simulator): State<XeroSimulator>) -> StatusCode {
    simulator.faults().clear();
    StatusCode::NO_CONTENT
}

async fn fired(State(simulator): State<XeroSimulator>) -> Response {
    Json(simulator.faults().fired()).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: i64,
}

async fn advance(State(simulator): State<XeroSimulator>, Json(by): Json<Advance>) -> Response {
    simulator
        .clock()
        .advance(chrono::Duration::seconds(by.advance_seconds));
    Json(json!({"now": simulator.clock().now()})).into_response()
}

async fn dump(State(simulator): State<XeroSimulator>, Path(collection): Path<String>) -> Response {
    Json(simulator.dump(&collection)).into_response()
}

async fn allocate(
    State(simulator): State<XeroSimulator>,
    Path(credit): Path<String>,
    Json(allocation): Json<Value>,
) -> Response {
    settled(simulator.allocate(&credit, allocation))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CustomersPay {
    /// Until now where it is not given.
    #[serde(default)]
    until: Option<chrono::DateTime<chrono::Utc>>,
    #[serde(default = "first_seed")]
    seed: u64,
}

fn first_seed() -> u64 {
    1
}

async fn customers_pay(
    State(simulator): State<XeroSimulator>,
    Json(asked): Json<CustomersPay>,
) -> Response {
    let until = asked.until.unwrap_or_else(|| simulator.clock().now());
    settled(company::customers_pay(&simulator, asked.seed, until))
}

fn settled<T: serde::Serialize>(outcome: Result<T, impl std::error::Error>) -> Response {
    match outcome {
        Ok(done) => Json(done).into_response(),
        Err(error) => {
            let cause = error.source().map(|cause| format!(": {cause}"));
            let said = format!("{error}{}", cause.unwrap_or_default());
            (StatusCode::BAD_REQUEST, Json(json!({"error": said}))).into_response()
        }
    }
}

async fn load(
    State(simulator): State<XeroSimulator>,
    Path(collection): Path<String>,
    Json(record): Json<Value>,
) -> Response {
    settled(simulator.load(&collection, record))
}
