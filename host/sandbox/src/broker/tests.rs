//! The way out against a small server on loopback: order of checks, tokens, answers of every odd kind.

mod addresses;
mod again;
mod far;
mod limits;
mod paths;
mod secrets;

use super::exchange::{Ask, Asking, Body, Refusal, Reply};
use super::{AuditRecord, Broker, BrokerOptions, Verdict};
use crate::SystemClock;
use crate::connection::{Connection, Provider, SecretSource};
use crate::seal::InstallationKey;
use crate::secret::Secret;
use axum::Router;
use axum::extract::{Form, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use footbridge_engine::ports::{Outbound, Sent};
use footbridge_model::id::ConnectionId;
use footbridge_model::plugin::{Method, WriteRequest};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// What the server saw: `METHOD path?query`, with some headers.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<Arrival>>>);

type Arrival = (String, HeaderMap);

impl Seen {
    fn lines(&self) -> Vec<String> {
        let seen = self.0.lock().unwrap();
        seen.iter().map(|(line, _)| line.clone()).collect()
    }

    fn count(&self, start: &str) -> usize {
        self.lines()
            .iter()
            .filter(|line| line.starts_with(start))
            .count()
    }

    fn header(&self, n: usize, name: &str) -> Option<String> {
        let seen = self.0.lock().unwrap();
        let value = seen.get(n)?.1.get(name)?;
        Some(value.to_str().unwrap().to_owned())
    }
}

const SECRET: &str = "very-secret-secret";

async fn token(
    State(seen): State<Seen>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    tokio::time::sleep(std::time::Duration::from_millis(30)).await;
    let number = seen.count("POST /connect/token") + 1;
    seen.0
        .lock()
        .unwrap()
        .push(("POST /connect/token".into(), headers));
    assert_eq!(form["grant_type"], "client_credentials");
    let body = format!(r#"{{"access_token":"access-token-{number}","expires_in":1800}}"#);
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}

async fn api(State(seen): State<Seen>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let line = format!("{} {}", parts.method, parts.uri);
    let tokens = seen.count("POST /connect/token");
    seen.0.lock().unwrap().push((line, parts.headers.clone()));
    let json = |text: String| {
        (
            [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
            text,
        )
            .into_response()
    };
    let authorization = parts.headers[header::AUTHORIZATION]
        .to_str()
        .unwrap()
        .to_owned();
    match parts.uri.path().trim_start_matches("/api.xro/2.0/") {
        "Contacts" => (
            [(header::SET_COOKIE, "session=1"), (header::ETAG, "abc")],
            json(r#"{"Total":12.50,"N":1e2}"#.into()),
        )
            .into_response(),
        // Repeats what it was sent, as echo services do; the slash escaped.
        "Invoices/echo" => json(format!(r#"{{"sent":"{authorization}"}}"#)),
        "Invoices/stale" if tokens < 2 => StatusCode::UNAUTHORIZED.into_response(),
        "Invoices/stale" => json(format!(r#"{{"tokens":{tokens}}}"#)),
        "Invoices/never" => StatusCode::UNAUTHORIZED.into_response(),
        "Invoices/moved" => (
            StatusCode::FOUND,
            [(header::LOCATION, "http://169.254.169.254/")],
        )
            .into_response(),
        "Invoices/html" => {
            ([(header::CONTENT_TYPE, "text/html")], "<html>sorry</html>").into_response()
        }
        "Invoices/damaged" => json(r#"{"a":[1,2"#.into()),
        "Invoices/late" => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "26")]).into_response()
        }
        "Invoices/huge" => vec![b'x'; 17 << 20].into_response(),
        "Invoices/slow" => {
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            json("{}".into())
        }
        _ => json(r#"{"ok":true}"#.into()),
    }
}

struct Bench {
    broker: Arc<Broker>,
    seen: Seen,
    audit: Arc<Mutex<Vec<AuditRecord>>>,
}

async fn bench(change: impl FnOnce(&mut Connection)) -> Bench {
    let seen = Seen::default();
    let app = Router::new()
        .route("/connect/token", post(token))
        .fallback(any(api))
        .with_state(seen.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let secret = SecretSource::Given(Secret::new(SECRET));
    let mut connection = Connection::new("xero", Provider::Xero, "app", secret);
    connection.token_url = Some(format!("{base}/connect/token"));
    connection.base_url = Some(base);
    connection.timeout_seconds = Some(2);
    change(&mut connection);
    let audit = Arc::new(Mutex::new(Vec::new()));
    let sink = audit.clone();
    let broker = Broker::new(
        vec![connection],
        BrokerOptions {
            key: InstallationKey::random(),
            tokens: None,
            clock: Arc::new(SystemClock),
            audit: Some(Arc::new(move |record| sink.lock().unwrap().push(record))),
        },
    );
    Bench {
        broker: broker.unwrap(),
        seen,
        audit,
    }
}

impl Bench {
    async fn get(&self, path: &str) -> Result<Reply, Refusal> {
        self.get_with(path, &[]).await
    }

    async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Result<Reply, Refusal> {
        let line = self.broker.line(&ConnectionId::new("xero")).unwrap();
        line.exchange(Ask {
            by: "test".into(),
            digest: None,
            asking: Asking::Read,
            service: "accounting".into(),
            path: path.into(),
            query: vec![("where".into(), "a=\"b\"&c".into())],
            headers: headers
                .iter()
                .map(|(a, b)| (a.to_string(), b.to_string()))
                .collect(),
        })
        .await
    }

    async fn send(&self, path: &str) -> Sent {
        let request = WriteRequest {
            service: "accounting".into(),
            method: Method::Put,
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
            content_type: "application/json".into(),
            body: br#"{"n":1}"#.to_vec(),
            operations: vec!["a".into()],
        };
        self.broker
            .send(&ConnectionId::new("xero"), &request, "key-1")
            .await
    }
}

#[tokio::test]
async fn an_answer_is_cleaned_and_its_numbers_become_text() {
    let bench = bench(|_| {}).await;
    let reply = bench.get("/Contacts").await.unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.body,
        Body::Json(r#"{"N":"100","Total":"12.50"}"#.into())
    );
    assert!(
        reply
            .headers
            .iter()
            .any(|(name, value)| name == "etag" && value == "abc")
    );
    assert!(!reply.headers.iter().any(|(name, _)| name == "set-cookie"));
    assert_eq!(
        bench.seen.lines()[1],
        "GET /api.xro/2.0/Contacts?where=a%3D%22b%22%26c"
    );
    assert_eq!(
        bench.seen.header(1, "authorization").unwrap(),
        "Bearer access-token-1"
    );
    let audit = bench.audit.lock().unwrap();
    assert_eq!(
        audit
            .iter()
            .map(|r| (r.service.as_str(), r.status))
            .collect::<Vec<_>>(),
        [("token", Some(200)), ("accounting", Some(200))]
    );
}

#[tokio::test]
async fn many_calls_at_once_fetch_one_token() {
    let bench = bench(|_| {}).await;
    let calls = (0..5).map(|_| bench.get("/Items"));
    let mut pending: Vec<_> = calls.map(Box::pin).collect();
    let all = std::future::poll_fn(|context| {
        pending.retain_mut(|call| call.as_mut().poll(context).is_pending());
        if pending.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    });
    all.await;
    assert_eq!(bench.seen.count("POST /connect/token"), 1);
    assert_eq!(bench.seen.count("GET /api.xro/2.0/Items"), 5);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_for_reads_and_writes() {
    let bench = bench(|_| {}).await;
    let reply = bench.get("/Invoices/stale").await.unwrap();
    assert_eq!(reply.body, Body::Json(r#"{"tokens":"2"}"#.into()));
    assert!(matches!(
        bench.get("/Invoices/never").await,
        Err(Refusal::AuthExpired(_))
    ));
    assert_eq!(bench.seen.count("GET /api.xro/2.0/Invoices/never"), 2);
    let bench = self::bench(|_| {}).await;
    let Sent::Answered(answer) = bench.send("/Invoices/stale").await else {
        panic!("answered")
    };
    assert_eq!(answer.status, 200);
    let keys: Vec<_> = (0..4)
        .filter_map(|n| bench.seen.header(n, "idempotency-key"))
        .collect();
    assert_eq!(keys, ["key-1", "key-1"], "the same key both times");
    assert!(matches!(
        bench.send("/Invoices/never").await,
        Sent::NotSent { .. }
    ));
}

#[tokio::test]
async fn a_repeated_credential_is_taken_out_and_found() {
    let bench = bench(|_| {}).await;
    let reply = bench.get("/Invoices/echo").await.unwrap();
    assert_eq!(
        reply.body,
        Body::Json(r#"{"sent":"Bearer [redacted]"}"#.into())
    );
    let audit = bench.audit.lock().unwrap();
    assert_eq!(audit.last().unwrap().secrets_found, 1);
    let written = serde_json::to_string(&*audit).unwrap();
    assert!(
        !written.contains("access-token") && !written.contains(SECRET),
        "{written}"
    );
}

#[tokio::test]
async fn odd_answers_are_told_apart() {
    let bench = bench(|_| {}).await;
    let moved = bench.get("/Invoices/moved").await.unwrap();
    assert_eq!(moved.status, 302, "redirects are not followed");
    let html = bench.get("/Invoices/html").await.unwrap();
    assert_eq!(html.body, Body::Text("<html>sorry</html>".into()));
    for (path, why) in [
        ("/Invoices/damaged", "can't be read"),
        ("/Invoices/huge", "16 MiB"),
        ("/Invoices/slow", "within 2 s"),
    ] {
        let Err(Refusal::Lost(text)) = bench.get(path).await else {
            panic!("{path}")
        };
        assert!(text.contains(why), "{path}: {text}");
        let Sent::Lost { .. } = bench.send(path).await else {
            panic!("{path} written")
        };
    }
}

#[tokio::test]
async fn retry_after_stops_the_connection_for_that_long() {
    let bench = bench(|_| {}).await;
    assert_eq!(bench.get("/Invoices/late").await.unwrap().status, 429);
    let before = bench.seen.lines().len();
    assert!(matches!(
        bench.get("/Contacts").await,
        Err(Refusal::Budget(25..=26))
    ));
    assert!(matches!(
        bench.send("/Contacts").await,
        Sent::NotSent {
            retry_after_seconds: Some(25..=26),
            ..
        }
    ));
    assert_eq!(bench.seen.lines().len(), before, "nothing was sent");
    assert!(
        bench
            .broker
            .left(&ConnectionId::new("xero"))
            .unwrap()
            .not_before
            .is_some()
    );
}

#[tokio::test]
async fn what_is_refused_never_leaves() {
    let bench = bench(|connection| connection.organisation = Some("org-1".into())).await;
    for path in [
        "/BankTransactions",
        "/../oauth",
        "//evil/",
        "/Invoices/%2e%2e/x",
        "/connections",
    ] {
        assert!(
            matches!(bench.get(path).await, Err(Refusal::Denied(_))),
            "{path}"
        );
        assert!(
            matches!(
                bench.send(path).await,
                Sent::NotSent {
                    retry_after_seconds: None,
                    ..
                }
            ),
            "{path}"
        );
    }
    for header in [
        "Authorization",
        "Cookie",
        "Host",
        "Xero-Tenant-Id",
        "Idempotency-Key",
        "Proxy-Authorization",
    ] {
        assert!(
            matches!(
                bench.get_with("/Contacts", &[(header, "x")]).await,
                Err(Refusal::Denied(_))
            ),
            "{header}"
        );
    }
    let injected = bench
        .get_with("/Contacts", &[("x-a", "b\r\nauthorization: c")])
        .await;
    assert!(matches!(injected, Err(Refusal::Denied(_))), "{injected:?}");
    assert!(
        bench.seen.lines().is_empty(),
        "not even a token was asked for"
    );
    let audit = bench.audit.lock().unwrap().clone();
    let refused = audit.iter().filter(|r| r.verdict == Verdict::Denied);
    assert_eq!(refused.count(), audit.len(), "{audit:?}");
    assert_eq!(audit.len(), 2 * 5 + 6 + 1, "each one is written down");
    bench.get("/Contacts").await.unwrap();
    assert_eq!(
        bench
            .seen
            .header(bench.seen.lines().len() - 1, "xero-tenant-id")
            .unwrap(),
        "org-1"
    );
}

#[tokio::test]
async fn a_dead_port_means_that_nothing_was_sent() {
    let bench = bench(|_| {}).await;
    bench.get("/Contacts").await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dead = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let bench = self::bench(|connection| connection.base_url = Some(dead)).await;
    let Sent::NotSent {
        why,
        retry_after_seconds: Some(30),
    } = bench.send("/Contacts").await
    else {
        panic!("not sent")
    };
    assert!(why.contains("refused"), "{why}");
}

#[tokio::test]
async fn a_cut_connection_leaves_a_write_in_doubt() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let cut = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.readable().await.unwrap();
            drop(stream);
        }
    });
    let bench = bench(|connection| connection.base_url = Some(cut)).await;
    assert!(matches!(bench.send("/Contacts").await, Sent::Lost { .. }));
}

#[tokio::test]
async fn an_answer_arrives_even_if_the_caller_went_away() {
    let bench = bench(|connection| connection.timeout_seconds = Some(10)).await;
    let sending = bench.send("/Invoices/slow");
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(500), sending)
            .await
            .is_err()
    );
    for _ in 0..80 {
        if bench
            .audit
            .lock()
            .unwrap()
            .iter()
            .any(|record| record.status == Some(200) && record.method == "PUT")
        {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the answer was dropped with its caller");
}

#[tokio::test]
async fn a_request_whose_caller_goes_away_is_written_down() {
    let bench = bench(|connection| connection.timeout_seconds = Some(10)).await;
    let asking = bench.get("/Invoices/slow");
    let short = std::time::Duration::from_millis(300);
    assert!(tokio::time::timeout(short, asking).await.is_err());
    let audit = bench.audit.lock().unwrap();
    let record = audit.last().unwrap();
    assert_eq!(
        (record.path.as_str(), record.verdict, record.status),
        ("/Invoices/slow", Verdict::Lost, None)
    );
    assert!(record.why.as_ref().unwrap().contains("was ended"));
}

#[test]
fn configurations_that_cant_work_are_refused_in_words() {
    let options = || BrokerOptions {
        key: InstallationKey::random(),
        tokens: None,
        clock: Arc::new(SystemClock),
        audit: None,
    };
    let refused = |change: fn(&mut Connection)| {
        let secret = SecretSource::Given(Secret::new(SECRET));
        let mut connection = Connection::new("xero", Provider::Xero, "app", secret);
        change(&mut connection);
        Broker::new(vec![connection], options())
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    for (change, words) in [
        (
            (|c| c.base_url = Some("http://8.8.8.8".into())) as fn(&mut Connection),
            "must be https",
        ),
        (
            |c| c.token_url = Some("https://user@identity.xero.com/token".into()),
            "without user",
        ),
        (|c| c.client_id = String::new(), "client-id"),
        (|c| c.timeout_seconds = Some(0), "timeout-seconds"),
        (
            |c| c.api_version = Some("v66.0/../..".into()),
            "api-version",
        ),
        (
            |c| c.idempotency_header = Some("Authorization".into()),
            "idempotency-header",
        ),
        (
            |c| c.client_secret = Some(SecretSource::Env("FOOTBRIDGE_NO_SUCH_VARIABLE".into())),
            "FOOTBRIDGE_NO_SUCH_VARIABLE",
        ),
        (
            |c| c.client_secret = Some(SecretSource::File("/nowhere/secret".into())),
            "/nowhere/secret",
        ),
    ] {
        let said = refused(change);
        assert!(
            said.starts_with("connection xero: ") && said.contains(words),
            "{words}: {said}"
        );
    }
}
