//! A far side that says exactly the bytes it is told to: odd answers of every kind, and what was heard.

use super::super::exchange::{Ask, Asking, Refusal, Reply};
use super::super::{AuditRecord, Broker, BrokerOptions};
use crate::connection::{Connection, Provider, SecretSource};
use crate::seal::InstallationKey;
use crate::secret::Secret;
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use footbridge_engine::ports::Clock;
use footbridge_model::id::ConnectionId;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Two seconds pass at every look, so that no budget of a minute is used up.
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

/// What it answers.
pub(super) enum Says {
    /// These bytes, then it hangs up.
    Bytes(Vec<u8>),
    /// The first, then the second for ever.
    Endless(Vec<u8>, Vec<u8>),
    /// These, and then nothing, with the line open.
    Stalls(Vec<u8>),
}

/// It, and everything around it.
pub(super) struct Far {
    pub(super) broker: Arc<Broker>,
    /// Head and body of each request, in order.
    pub(super) heard: Arc<Mutex<Vec<String>>>,
    pub(super) audit: Arc<Mutex<Vec<AuditRecord>>>,
}

/// A whole answer.
pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Says {
    let mut all = format!("HTTP/1.1 {status} Said\r\nconnection: close\r\n");
    for (name, value) in headers {
        all.push_str(&format!("{name}: {value}\r\n"));
    }
    all.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    Says::Bytes([all.into_bytes(), body.to_vec()].concat())
}

/// A token's answer.
pub(super) fn token(access: &str) -> Says {
    let body = serde_json::json!({"access_token": access, "expires_in": 1800}).to_string();
    answer(
        200,
        &[("content-type", "application/json")],
        body.as_bytes(),
    )
}

/// Starts one. `says` gets the path without the API's own, and the head.
pub(super) async fn far(
    secret: &str,
    tokens: Option<PathBuf>,
    says: impl Fn(&str, &str) -> Says + Send + Sync + 'static,
) -> Far {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let heard: Arc<Mutex<Vec<String>>> = Arc::default();
    let (hears, says) = (heard.clone(), Arc::new(says));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (hears, says) = (hears.clone(), says.clone());
            tokio::spawn(async move { converse(stream, &hears, &*says).await });
        }
    });
    let secret = SecretSource::Given(Secret::new(secret));
    let mut connection = Connection::new("xero", Provider::Xero, "app", secret);
    connection.token_url = Some(format!("{base}/connect/token"));
    connection.base_url = Some(base);
    connection.timeout_seconds = Some(1);
    let audit: Arc<Mutex<Vec<AuditRecord>>> = Arc::default();
    let sink = audit.clone();
    let options = BrokerOptions {
        key: InstallationKey::random(),
        tokens,
        clock: Arc::new(Walking::default()),
        audit: Some(Arc::new(move |record| sink.lock().unwrap().push(record))),
    };
    Far {
        broker: Broker::new(vec![connection], options).unwrap(),
        heard,
        audit,
    }
}

impl Far {
    pub(super) async fn get(&self, path: &str) -> Result<Reply, Refusal> {
        let line = self.broker.line(&ConnectionId::new("xero")).unwrap();
        line.exchange(Ask {
            by: "test".into(),
            digest: None,
            asking: Asking::Read,
            service: "accounting".into(),
            path: path.into(),
            query: Vec::new(),
            headers: Vec::new(),
        })
        .await
    }
}

/// The head of a request and the body that it announces.
pub(super) async fn listen(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let mut head = String::from_utf8(head).unwrap();
    let length = head.to_ascii_lowercase();
    let length = length.split("content-length: ").nth(1);
    let length = length.map_or(0, |rest| {
        rest.split("\r\n").next().unwrap().parse().unwrap()
    });
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    head.push_str(&String::from_utf8_lossy(&body));
    Some(head)
}

async fn converse(
    mut stream: TcpStream,
    heard: &Mutex<Vec<String>>,
    says: &(dyn Fn(&str, &str) -> Says + Send + Sync),
) {
    let Some(head) = listen(&mut stream).await else {
        return;
    };
    heard.lock().unwrap().push(head.clone());
    let target = head.split(' ').nth(1).unwrap_or_default();
    let path = target.trim_start_matches("/api.xro/2.0");
    // Whether anybody still listens to the rest is not its concern.
    match says(path, &head) {
        Says::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Says::Endless(first, again) => {
            let _ = stream.write_all(&first).await;
            while stream.write_all(&again).await.is_ok() {}
        }
        Says::Stalls(bytes) => {
            let _ = stream.write_all(&bytes).await;
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
    }
}
