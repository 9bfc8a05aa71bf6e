//! Both faces of the broker side by side: one question, one answer, one refusal, the same bytes at the far side, one record.

use crate::far::{Far, far};
use crate::support::{Bench, Outcome, ask_at, tight};
use footbridge_engine::ports::{CallError, Connector};
use footbridge_model::id::ConnectionId;
use footbridge_model::plugin::{Action, Operation};
use footbridge_sandbox::{Face, Limits, Verdict};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// The guest that asks through both, on a connection where it may.
pub(crate) async fn fetcher(bench: &Bench, far: &Far) -> Outcome<Arc<dyn Connector>> {
    let installed = bench
        .install("fetcher", footbridge_hostile::FETCHER)
        .await?;
    let connection = ConnectionId::new("xero");
    Ok(bench
        .sandbox
        .connector(&installed, &far.broker, &connection, None)?)
}

/// What the guest got.
pub(crate) async fn said(
    connector: &Arc<dyn Connector>,
    what: &str,
    cursor: Option<&str>,
) -> Outcome<String> {
    let page = ask_at(connector, what, cursor).await?;
    let first = page.items.into_iter().next().ok_or("it said nothing")?;
    // A JSON string of plain text: only quotes, line breaks and backslashes are escaped.
    let text = first
        .doc
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let text = text.ok_or("no text")?.replace("\\n", "\n");
    Ok(text.replace("\\\"", "\"").replace("\\\\", "\\"))
}

/// Without the time at which the API answered.
fn timeless(said: &str) -> String {
    let Some((before, rest)) = said.split_once("date: ") else {
        return said.to_owned();
    };
    let end = rest.find([';', ']']).unwrap_or_default();
    format!("{before}{}", rest.get(end..).unwrap_or_default())
}

fn question(service: &str, path: &str, query: &str, headers: &str) -> String {
    format!(r#"{{"service":"{service}","path":"{path}","query":[{query}],"headers":[{headers}]}}"#)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_faces_give_the_same_answers_and_the_same_refusals() -> Outcome<()> {
    let bench = Bench::new(patient())?;
    let far = far(vec![Face::WasiHttp]).await?;
    let connector = fetcher(&bench, &far).await?;
    let where_ = r#"["where","Name==\"A&B\" # ?"],["page","1"],["empty",""]"#;
    let long = format!(r#"["x-a","{}"]"#, "y".repeat(17_000));
    // What is asked, how the answer begins, and how often it arrives at the far side.
    for (service, path, query, headers, begins, arrives) in [
        ("accounting", "/Contacts", "", "", "200 [", 1),
        ("accounting", "/Contacts", where_, "", "200 [", 1),
        ("accounting", "/Contacts/a b", "", "", "200 [", 1),
        ("accounting", "/%43ontacts", "", "", "200 [", 1),
        (
            "accounting",
            "/Contacts",
            "",
            r#"["If-Modified-Since","Mon, 30 Nov 2026 00:00:00 GMT"]"#,
            "200 [",
            1,
        ),
        (
            "accounting",
            "/Contacts",
            "",
            r#"["accept","text/csv"]"#,
            "200 [",
            1,
        ),
        (
            "accounting",
            "/Contacts",
            "",
            r#"["x-a","1"],["x-a","2"]"#,
            "200 [",
            1,
        ),
        ("accounting", "/Invoices/text", "", "", "200 [", 1),
        ("accounting", "/Invoices/nothing", "", "", "204 [", 1),
        ("accounting", "/Invoices/missing", "", "", "404 [", 1),
        ("accounting", "/Invoices/fault", "", "", "500 [", 2),
        ("accounting", "/Invoices/moved", "", "", "302 [", 1),
        ("accounting", "/Invoices/echo", "", "", "200 [", 1),
        ("accounting", "/Invoices/large", "", "", "200 [", 1),
        (
            "accounting",
            "/Invoices/damaged",
            "",
            "",
            "transport: the answer claims to be JSON",
            2,
        ),
        ("accounting", "/Invoices/huge", "", "", "transport: ", 1),
        (
            "accounting",
            "/Invoices/silent",
            "",
            "",
            "transport: no whole answer within 2 s",
            1,
        ),
        (
            "accounting",
            "/Invoices/never",
            "",
            "",
            "auth-expired: the API refused the credential",
            2,
        ),
        (
            "accounting",
            "/BankTransactions",
            "",
            "",
            "denied: the provider's profile doesn't offer to read /BankTransactions",
            0,
        ),
        (
            "accounting",
            "/contacts",
            "",
            "",
            "denied: the provider's profile doesn't offer",
            0,
        ),
        (
            "accounting",
            "/Contacts/%2e%2e/x",
            "",
            "",
            "denied: the path",
            0,
        ),
        (
            "accounting",
            "/Contacts/a%2fb",
            "",
            "",
            "denied: the path",
            0,
        ),
        (
            "accounting",
            "/Contacts/a%252fb",
            "",
            "",
            "denied: the path",
            0,
        ),
        ("accounting", "/Contacts/a;b", "", "", "denied: the path", 0),
        ("accounting", "/Contacts//x", "", "", "denied: the path", 0),
        (
            "accounting",
            "//evil.example/Contacts",
            "",
            "",
            "denied: the path",
            0,
        ),
        (
            "identity",
            "/connections",
            "",
            "",
            "denied: there is no service \"identity\"",
            0,
        ),
        (
            "accounting",
            "/Contacts",
            "",
            r#"["Authorization","Bearer x"]"#,
            "denied: the header \"authorization\" is the host's to set",
            0,
        ),
        (
            "accounting",
            "/Contacts",
            "",
            r#"["Cookie","a=b"]"#,
            "denied: the header \"cookie\" is the host's",
            0,
        ),
        (
            "accounting",
            "/Contacts",
            "",
            r#"["Host","evil.example"]"#,
            "denied: the header \"host\" is the host's",
            0,
        ),
        (
            "accounting",
            "/Contacts",
            "",
            r#"["Proxy-Authorization","x"]"#,
            "denied: the header \"proxy-authorization\" is",
            0,
        ),
        (
            "accounting",
            "/Contacts",
            "",
            r#"["Proxy-Connection","x"]"#,
            "denied: the header \"proxy-connection\" is",
            0,
        ),
        (
            "accounting",
            "/Contacts",
            "",
            r#"["Connection","close"]"#,
            "denied: the header \"connection\" is",
            0,
        ),
        (
            "accounting",
            "/Contacts",
            "",
            r#"["Transfer-Encoding","chunked"]"#,
            "denied: the header \"transfer-encoding\" is",
            0,
        ),
        (
            "accounting",
            "/Contacts",
            "",
            r#"["X-Forwarded-For","10.0.0.1"]"#,
            "denied: the header \"x-forwarded-for\" is",
            0,
        ),
        (
            "accounting",
            "/Contacts",
            "",
            r#"["X-HTTP-Method-Override","DELETE"]"#,
            "denied: the header \"x-http-method-override\" is",
            0,
        ),
        (
            "accounting",
            "/Contacts",
            "",
            r#"["Xero-Tenant-Id","another"]"#,
            "denied: the header \"xero-tenant-id\" is",
            0,
        ),
        (
            "accounting",
            "/Contacts",
            "",
            r#"["Idempotency-Key","k"]"#,
            "denied: the header \"idempotency-key\" is",
            0,
        ),
        (
            "accounting",
            "/Contacts",
            "",
            r#"["x-a","é"]"#,
            "denied: the value of the header x-a",
            0,
        ),
        (
            "accounting",
            "/Contacts",
            "",
            long.as_str(),
            "denied: headers and query are over 16384 bytes",
            0,
        ),
        // Last: it stops the connection.
        ("accounting", "/Invoices/late", "", "", "429 [", 1),
        ("accounting", "/Contacts", "", "", "budget: ", 0),
    ] {
        let asked = question(service, path, query, &headers.to_lowercase());
        let mut got = Vec::new();
        for face in ["first", "second"] {
            if face == "second" && path == "/Invoices/late" {
                continue;
            }
            let said = said(&connector, face, Some(&asked)).await?;
            let said = timeless(&said);
            assert!(said.starts_with(begins), "{face} {asked}: {said}");
            assert!(
                !said.contains("c4nary") && !said.contains("session=1"),
                "{said}"
            );
            let heard = far.heard();
            assert_eq!(heard.len(), arrives, "{face} {asked}: {heard:?}");
            let audit = far.audited();
            // A read that breaks is asked once more, and each is told of.
            let twice = ["/Invoices/fault", "/Invoices/damaged"].contains(&path);
            let tried = if twice { 2 } else { 1 };
            assert_eq!(audit.len(), tried, "{face} {asked}: {audit:?}");
            let record = &audit[0];
            assert_eq!(
                (record.by.as_str(), record.method.as_str()),
                ("fetcher", "GET")
            );
            assert_eq!(
                record.verdict == Verdict::Denied,
                begins.starts_with("denied")
            );
            let budget = said.starts_with("budget: ").then_some("budget: ");
            got.push((
                budget.map_or(said.clone(), str::to_owned),
                heard,
                (
                    record.service.clone(),
                    record.verdict,
                    record.status,
                    record.bytes_in,
                ),
                record.why.clone().filter(|_| budget.is_none()),
                record.secrets_found,
            ));
        }
        if let [first, second] = &got[..] {
            assert_eq!(first, second, "{asked}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_through_the_second_face_is_limited_alike() -> Outcome<()> {
    let bench = Bench::new(Limits {
        requests: 30,
        answer_bytes: 1_000_000,
        ..patient()
    })?;
    let far = far(vec![Face::WasiHttp]).await?;
    let connector = fetcher(&bench, &far).await?;
    let many = said(&connector, "many at once", None).await?;
    assert_eq!(
        many,
        "30 answered, then denied: this call has used all its requests"
    );
    let most = far.most.load(Ordering::SeqCst);
    assert!((1..=5).contains(&most), "{most} at once");
    assert_eq!(far.audited().len(), 40, "each one is written down");
    let held = said(&connector, "never read", None).await?;
    assert!(
        held.starts_with("2 held, then transport: this call has over 1000000 bytes of answers"),
        "{held}"
    );
    far.audited();
    for (deed, lines, all) in [
        ("methods", 10, "denied: a plugin reads with GET"),
        ("elsewhere", 10, "denied: there is no service at "),
        ("plain", 1, "denied: there is no service at http://"),
        ("body", 1, "denied: a read carries no body"),
        ("body flood", 1, "denied: a read carries no body"),
    ] {
        let said = said(&connector, deed, None).await?;
        assert_eq!(said.lines().count(), lines, "{deed}: {said}");
        assert!(
            said.lines().all(|line| line.starts_with(all)),
            "{deed}: {said}"
        );
        let audit = far.audited();
        let denied = audit
            .iter()
            .filter(|record| record.verdict == Verdict::Denied);
        assert!(
            denied.count() == audit.len() && audit.len() >= lines - 1,
            "{deed}: {audit:?}"
        );
    }
    let zero = said(&connector, "zero time-outs", None).await?;
    assert!(zero.starts_with("200 ["), "{zero}");
    assert_eq!(said(&connector, "drop at once", None).await?, "dropped");
    // It is written down whether it had left already or not.
    let mut written = Vec::new();
    for _ in 0..200 {
        written.extend(far.audited());
        if written.iter().any(|record| record.path == "/Invoices/slow") {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Err(format!("the request that nobody waits for was not written down: {written:?}").into())
}

#[tokio::test]
async fn the_second_face_is_lent_where_it_was_granted_and_never_to_a_pure_call() -> Outcome<()> {
    let bench = Bench::new(patient())?;
    let without = far(Vec::new()).await?;
    let refused = fetcher(&bench, &without).await.err().ok_or("it was lent")?;
    assert_eq!(
        refused.to_string(),
        "plugin fetcher asks through wasi-http, which it was not granted on connection xero. `footbridge plugin grant fetcher --connection xero` shows what it asks for and takes your yes"
    );
    let far = far(vec![Face::WasiHttp]).await?;
    let connector = fetcher(&bench, &far).await?;
    let operation = Operation {
        id: "one".to_owned(),
        action: Action::Create,
        object: "customer".to_owned(),
        target: None,
        doc: "{}".to_owned(),
    };
    let Err(CallError::Failure(failure)) = connector.prepare(vec![operation]).await else {
        return Err("it prepared something".into());
    };
    assert_eq!(
        failure.problem.message,
        "denied: this call is pure and reaches nothing"
    );
    assert!(far.heard().is_empty());
    Ok(())
}

/// Limits that only what is tested here meets.
fn patient() -> Limits {
    Limits {
        connector_cpu: Duration::from_secs(20),
        wall: Duration::from_secs(60),
        requests: 100,
        ..tight()
    }
}
