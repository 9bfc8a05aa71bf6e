//! A small API on loopback, with answers of every kind under paths of their own; what it heard, and what the broker wrote
//! down.

use crate::support::Outcome;
use async_trait::async_trait;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use footbridge_engine::ports::Clock;
use footbridge_sandbox::{
    AuditRecord, Broker, BrokerOptions, Connection, Face, InstallationKey, Provider, Secret,
    SecretSource,
};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What it heard: `METHOD path?query`, and the headers.
type Heard = Arc<Mutex<Vec<(String, HeaderMap)>>>;

/// It, and everything around it.
pub(crate) struct Far {
    pub(crate) broker: Arc<Broker>,
    pub(crate) heard: Heard,
    pub(crate) audit: Arc<Mutex<Vec<AuditRecord>>>,
    /// Most requests that were under way at once.
    pub(crate) most: Arc<AtomicUsize>,
}

/// Time goes on by two seconds whenever somebody looks, so that no budget of a minute is used up.
#[derive(Default)]
struct Walking(AtomicI64);

#[async_trait]
impl Clock for Walking {
    fn now(&self) -> DateTime<Utc> {
        let looks = self.0.fetch_add(1, Ordering::SeqCst);
        DateTime::UNIX_EPOCH + TimeDelta::seconds(2 * looks)
    }

    async fn sleep(&self, _: Duration) {}
}

/// Starts one. Its connections `xero` and `second` have these faces.
pub(crate) async fn far(faces: Vec<Face>) -> Outcome<Far> {
    let (heard, most): (Heard, Arc<AtomicUsize>) = Default::default();
    let app = Router::new().fallback(answer).with_state(Api {
        heard: heard.clone(),
        now: Arc::default(),
        most: most.clone(),
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let base = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });
    let secret = SecretSource::Given(Secret::new("a-secret"));
    let connection = |name: &str| {
        let mut connection = Connection::new(name, Provider::Xero, "app", secret.clone());
        connection.token_url = Some(format!("{base}/connect/token"));
        connection.base_url = Some(base.clone());
        connection.timeout_seconds = Some(2);
        connection.organisation = Some("org-1".to_owned());
        connection.faces = faces.iter().copied().collect();
        connection
    };
    let audit: Arc<Mutex<Vec<AuditRecord>>> = Arc::default();
    let sink = audit.clone();
    let options = BrokerOptions {
        key: InstallationKey::random(),
        tokens: None,
        clock: Arc::new(Walking::default()),
        audit: Some(Arc::new(move |record| {
            if let Ok(mut audit) = sink.lock() {
                audit.push(record);
            }
        })),
    };
    Ok(Far {
        broker: Broker::new(vec![connection("xero"), connection("second")], options)?,
        heard,
        audit,
        most,
    })
}

impl Far {
    /// What the API heard since the last look, tokens apart.
    pub(crate) fn heard(&self) -> Vec<(String, HeaderMap)> {
        let mut heard = match self.heard.lock() {
            Ok(mut heard) => std::mem::take(&mut *heard),
            Err(_) => Vec::new(),
        };
        heard.retain(|(line, _)| !line.contains("/connect/token"));
        heard
    }

    /// What the broker wrote down since the last look, tokens apart.
    pub(crate) fn audited(&self) -> Vec<AuditRecord> {
        let mut audit = match self.audit.lock() {
            Ok(mut audit) => std::mem::take(&mut *audit),
            Err(_) => Vec::new(),
        };
        audit.retain(|record| record.service != "token");
        audit
    }
}

#[derive(Clone)]
struct Api {
    heard: Heard,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

async fn answer(State(api): State<Api>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let line = format!("{} {}", parts.method, parts.uri);
    if let Ok(mut heard) = api.heard.lock() {
        heard.push((line, parts.headers.clone()));
    }
    let at_once = api.now.fetch_add(1, Ordering::SeqCst) + 1;
    api.most.fetch_max(at_once, Ordering::SeqCst);
    let response = of(parts.uri.path(), &parts.headers).await;
    api.now.fetch_sub(1, Ordering::SeqCst);
    response
}

async fn of(path: &str, headers: &HeaderMap) -> Response {
    let json = |text: String| {
        let kind = [(header::CONTENT_TYPE, "application/json")];
        (kind, text).into_response()
    };
    let sent = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    match path.trim_start_matches("/api.xro/2.0/") {
        "/connect/token" => {
            json(r#"{"access_token":"c4nary-access-token","expires_in":1800}"#.to_owned())
        }
        "Contacts" => (
            [(header::SET_COOKIE, "session=1"), (header::ETAG, "abc")],
            json(r#"{"Total":12.50,"N":1e2}"#.to_owned()),
        )
            .into_response(),
        "Invoices/slow" => {
            tokio::time::sleep(Duration::from_secs(1)).await;
            json("{}".to_owned())
        }
        "Invoices/counted" => {
            tokio::time::sleep(Duration::from_millis(20)).await;
            json("{}".to_owned())
        }
        "Invoices/silent" => {
            tokio::time::sleep(Duration::from_secs(600)).await;
            json("{}".to_owned())
        }
        "Invoices/large" => json(format!("\"{}\"", "x".repeat(400_000))),
        "Invoices/huge" => vec![b'x'; 17 << 20].into_response(),
        "Invoices/text" => ([(header::CONTENT_TYPE, "text/html")], "<p>sorry</p>").into_response(),
        "Invoices/nothing" => StatusCode::NO_CONTENT.into_response(),
        "Invoices/missing" => {
            (StatusCode::NOT_FOUND, json(r#"{"E":10}"#.to_owned())).into_response()
        }
        "Invoices/fault" => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        "Invoices/echo" => (
            [("x-echo", sent.to_owned())],
            json(format!("{{\"sent\":\"{sent}\"}}")),
        )
            .into_response(),
        "Invoices/moved" => {
            (StatusCode::FOUND, [(header::LOCATION, "http://127.0.0.1/")]).into_response()
        }
        "Invoices/damaged" => json(r#"{"a":[1,2"#.to_owned()),
        "Invoices/never" => StatusCode::UNAUTHORIZED.into_response(),
        "Invoices/late" => {
            let after = [(header::RETRY_AFTER, "4000")];
            (StatusCode::TOO_MANY_REQUESTS, after).into_response()
        }
        _ => json(r#"{"ok":true}"#.to_owned()),
    }
}
