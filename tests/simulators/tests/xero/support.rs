//! A served simulator and a plain HTTP client: one connection per call, JSON in and out.

use std::sync::{Arc, Mutex};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request};
use chrono::{DateTime, Utc};
use footbridge_simulators::clock::SimClock;
use footbridge_simulators::server::Running;
use footbridge_simulators::xero::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, XeroOptions, XeroSimulator};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// All messages of all elements.
    pub(crate) fn messages(&self) -> Vec<String> {
        let elements = self.body["Elements"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let errors = elements.iter().flat_map(|element| {
            element["ValidationErrors"]
                .as_array()
                .cloned()
                .unwrap_or_default()
        });
        errors
            .map(|error| error["Message"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[derive(Clone)]
pub(crate) struct Xero {
    pub(crate) simulator: XeroSimulator,
    pub(crate) token: String,
    running: Arc<Running>,
    /// Method, path, request body, status, answer: what the schema test reads.
    pub(crate) log: Arc<Mutex<Vec<Value>>>,
}

pub(crate) fn start() -> DateTime<Utc> {
    "2026-09-14T09:30:00.500Z".parse().unwrap()
}

impl Xero {
    /// A frozen clock, no list lag, logged in.
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut XeroOptions)) -> Self {
        let mut options = XeroOptions::default();
        options.switches.list_lag_ms = 0;
        options.limits.per_minute = 10_000;
        change(&mut options);
        let simulator = XeroSimulator::new(options, SimClock::at(start()));
        let running = Arc::new(
            simulator
                .serve("127.0.0.1:0".parse().unwrap())
                .await
                .unwrap(),
        );
        let mut xero = Self {
            simulator,
            token: String::new(),
            running,
            log: Arc::default(),
        };
        xero.renew().await;
        xero
    }

    /// Gets a new token.
    pub(crate) async fn renew(&mut self) {
        let answer = self.log_in(DEMO_CLIENT_ID, DEMO_CLIENT_SECRET).await;
        self.token = answer.body["access_token"].as_str().unwrap().to_owned();
    }

    pub(crate) async fn log_in(&self, id: &str, secret: &str) -> Answer {
        use base64::Engine as _;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        let headers = [
            ("authorization", format!("Basic {basic}")),
            (
                "content-type",
                "application/x-www-form-urlencoded".to_owned(),
            ),
        ];
        self.raw(
            "POST",
            "/connect/token",
            &headers,
            b"grant_type=client_credentials".to_vec(),
        )
        .await
        .unwrap()
    }

    /// One exchange; `None` if the connection was cut.
    pub(crate) async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Vec<u8>,
    ) -> Option<Answer> {
        let stream = tokio::net::TcpStream::connect(self.running.address)
            .await
            .unwrap();
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let response = sender
            .send_request(request.body(Body::from(body)).unwrap())
            .await
            .ok()?;
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(Body::new(body), usize::MAX).await.ok()?;
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Some(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        })
    }

    /// A call of the accounting API with more headers.
    pub(crate) async fn try_call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        more: &[(&str, &str)],
    ) -> Option<Answer> {
        let mut headers = vec![
            ("authorization", format!("Bearer {}", self.token)),
            ("accept", "application/json".to_owned()),
        ];
        if body.is_some() {
            headers.push(("content-type", "application/json".to_owned()));
        }
        headers.extend(
            more.iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let bytes = body
            .map(|body| body.to_string().into_bytes())
            .unwrap_or_default();
        let answer = self
            .raw(method, &format!("/api.xro/2.0/{path}"), &headers, bytes)
            .await?;
        self.log.lock().unwrap().push(json!({"method": method, "path": path, "request": body, "status": answer.status, "answer": answer.body}));
        Some(answer)
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        more: &[(&str, &str)],
    ) -> Answer {
        self.try_call(method, path, body, more).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None, &[]).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call("PUT", path, Some(&body), &[]).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, Some(&body), &[]).await
    }

    /// Creates a contact and returns its id.
    pub(crate) async fn contact(&self, name: &str) -> String {
        let answer = self
            .put("Contacts", json!({"Contacts": [{"Name": name}]}))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body["Contacts"][0]["ContactID"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Creates an authorised invoice of 100 net for a contact and returns it.
    pub(crate) async fn invoice(&self, contact: &str) -> Value {
        let answer = self
            .put("Invoices", json!({"Invoices": [authorised(contact)]}))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.body["Invoices"][0].clone()
    }
}

/// An invoice ready to be authorised.
pub(crate) fn authorised(contact: &str) -> Value {
    json!({
        "Type": "ACCREC", "Status": "AUTHORISED", "Contact": {"ContactID": contact}, "Date": "2026-09-14", "DueDate": "2026-10-14",
        "LineItems": [{"Description": "Work", "Quantity": 1, "UnitAmount": 100, "AccountCode": "200"}],
    })
}

/// A shallow copy of `value` with members set.
pub(crate) fn but(value: &Value, members: Value) -> Value {
    let mut copy = value.clone();
    for (name, member) in members.as_object().unwrap() {
        copy[name] = member.clone();
    }
    copy
}
