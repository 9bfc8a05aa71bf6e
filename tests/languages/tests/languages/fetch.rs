//! A connector in JavaScript that reads with plain `fetch`, through the broker's second face: what it was granted, and no more.

use crate::support::{self, install_one};
use axum::Router;
use axum::http::{HeaderMap, Uri};
use footbridge_engine::ports::Connector;
use footbridge_languages::built_guest;
use footbridge_model::id::ConnectionId;
use footbridge_model::plugin::FeedRequest;
use footbridge_sandbox::{
    Access, Broker, BrokerOptions, Compiler, Connection, Face, GrantRule, InstallationKey, Limits,
    Provider, Secret, SecretSource, SystemClock,
};
use serde_json::Value;
use std::sync::{Arc, Mutex};

const TOKEN: &str = "canary-access-token";
const SECRET: &str = "canary-client-secret";

/// A far side that writes down what came, and tells each caller with which credential it came.
async fn far_side() -> (String, Arc<Mutex<Vec<String>>>) {
    let came = Arc::new(Mutex::new(Vec::new()));
    let log = came.clone();
    let app = Router::new().fallback(move |uri: Uri, headers: HeaderMap| {
        let host = headers.get("host").map(|value| value.to_str().unwrap());
        log.lock()
            .unwrap()
            .push(format!("{} {uri}", host.unwrap_or("nobody")));
        async move {
            let credential = headers
                .get("authorization")
                .map(|value| value.to_str().unwrap());
            let body = if uri.path().ends_with("/token") {
                format!(r#"{{"access_token":"{TOKEN}","expires_in":1800}}"#)
            } else {
                format!(
                    r#"{{"total":12.30,"credential":"{}"}}"#,
                    credential.unwrap_or("none")
                )
            };
            ([("content-type", "application/json")], body)
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (base, came)
}

fn broker(base: &str, faces: &[Face]) -> Arc<Broker> {
    let secret = SecretSource::Given(Secret::new(SECRET));
    let mut connection = Connection::new("xero", Provider::Xero, "app", secret);
    connection.token_url = Some(format!("{base}/connect/token"));
    connection.base_url = Some(base.to_owned());
    connection.grant = Some(vec![GrantRule {
        service: "accounting".to_owned(),
        access: Access::Read,
        path: "/Contacts".to_owned(),
    }]);
    connection.faces = faces.iter().copied().collect();
    let options = BrokerOptions {
        key: InstallationKey::random(),
        tokens: None,
        clock: Arc::new(SystemClock),
        audit: None,
    };
    Broker::new(vec![connection], options).unwrap()
}

/// What `fetch` gave the guest.
async fn fetched(connector: &Arc<dyn Connector>, address: &str, options: &str) -> Value {
    let request = FeedRequest {
        object: address.to_owned(),
        cursor: Some(options.to_owned()),
        limit: 1,
        fields: Vec::new(),
    };
    let (page, _) = connector.read_changes(request).await.unwrap();
    let doc = &page.items[0].doc;
    assert!(!doc.contains("canary"), "{address} {options}: {doc}");
    serde_json::from_str(doc).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_fetch_reads_what_was_granted_and_no_more() {
    let component = match built_guest("fetching") {
        Ok(component) => component,
        Err(failure) if failure.is_excused() => return println!("SKIPPED: {failure}"),
        Err(failure) => panic!("{failure}"),
    };
    let (_lock, data) = support::kept_data("fetching");
    let sandbox = support::sandbox(&data, Limits::default(), Compiler::Here);
    let bytes = std::fs::read(component).unwrap();
    let installed = install_one(&sandbox, "fetching", bytes).await;
    let (base, came) = far_side().await;
    let xero = ConnectionId::new("xero");
    let without = sandbox.connector(&installed, &broker(&base, &[]), &xero, None);
    let words = without.err().unwrap().to_string();
    assert!(
        words.contains("wasi-http, which it was not granted"),
        "{words}"
    );

    let broker = broker(&base, &[Face::WasiHttp]);
    let connector = sandbox.connector(&installed, &broker, &xero, None).unwrap();
    let contacts = "https://accounting.service.internal/Contacts";
    let answer = fetched(&connector, &format!("{contacts}?page=1"), "{}").await;
    assert_eq!(answer["status"], "200", "{answer}");
    let body = answer["body"].as_str().unwrap();
    assert!(
        body.contains(r#""total":"12.30""#),
        "decimals come as text: {body}"
    );
    assert!(
        body.contains("Bearer "),
        "the host adds the credential: {body}"
    );

    for (address, options) in [
        // Not granted.
        ("https://accounting.service.internal/Invoices", "{}"),
        (
            "https://accounting.service.internal/Contacts/../Invoices",
            "{}",
        ),
        (
            "https://accounting.service.internal/Contacts%2f..%2fInvoices",
            "{}",
        ),
        ("https://identity.service.internal/Contacts", "{}"),
        // No service of ours.
        ("https://example.com/Contacts", "{}"),
        ("http://accounting.service.internal/Contacts", "{}"),
        (&format!("{base}/Contacts"), "{}"),
        ("http://169.254.169.254/latest/meta-data", "{}"),
        // The host's to set, or to send.
        (contacts, r#"{"headers":{"Authorization":"Bearer mine"}}"#),
        (contacts, r#"{"headers":{"Cookie":"a=b"}}"#),
        (contacts, r#"{"method":"POST","body":"{}"}"#),
        (contacts, r#"{"method":"DELETE"}"#),
    ] {
        let answer = fetched(&connector, address, options).await;
        assert!(
            answer["failed"].is_string(),
            "{address} {options}: {answer}"
        );
    }
    let left = came.lock().unwrap().clone();
    assert_eq!(left.len(), 2, "a token and one read left: {left:?}");
    assert!(left[1].ends_with("/Contacts?page=1"), "{left:?}");

    // This engine takes a Host out itself instead of asking with it; what leaves names the real one.
    let answer = fetched(
        &connector,
        contacts,
        r#"{"headers":{"Host":"example.com"}}"#,
    )
    .await;
    let left = came.lock().unwrap().clone();
    let refused = answer["failed"].is_string();
    assert_eq!(left.len(), if refused { 2 } else { 3 }, "{left:?}");
    let real = base.trim_start_matches("http://");
    assert!(left.iter().all(|line| line.starts_with(real)), "{left:?}");
}
