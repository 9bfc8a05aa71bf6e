//! Canary secrets, planted in every place and form that an answer has, and looked for in everything that is left behind:
//! what a guest gets, errors, audit, log at its loudest, files.

use super::super::audit_log::AuditLog;
use super::super::exchange::Refusal;
use super::far::{Far, answer, far, token};
use crate::connection::{Connection, Provider, SecretSource};
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

const CLIENT: &str = "c4nary+client/secret=&odd\"quoted";
const ACCESS: &str = "c4nary.access-token/with+odd=and~more";

/// How a secret can come back.
fn forms(secret: &str) -> Vec<String> {
    let each = |one: fn(u8) -> String| secret.bytes().map(one).collect::<String>();
    let mut forms = vec![
        secret.to_owned(),
        each(|b| format!("%{b:02X}")),
        each(|b| format!("%{b:02x}")),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        each(|b| format!("{b:02x}")),
        each(|b| format!("{b:02X}")),
        each(|b| format!("\\u{b:04x}")),
        secret.replace('/', "\\/").replace('"', "\\\""),
        each(|b| format!("&#{b};")),
    ];
    for whole in [
        secret.to_owned(),
        format!("app:{secret}"),
        format!("Bearer {secret}"),
    ] {
        forms.push(STANDARD.encode(&whole));
        forms.push(URL_SAFE_NO_PAD.encode(&whole));
    }
    forms
}

fn all_forms() -> Vec<String> {
    [CLIENT, ACCESS].into_iter().flat_map(forms).collect()
}

/// Whatever form of a secret stands in it.
fn leaked(text: &str) -> Option<String> {
    // Written as a Rust string, quotes and backslashes are escaped once more.
    let plain = text.replace("\\\\", "\\").replace("\\\"", "\"");
    all_forms()
        .into_iter()
        .chain(["c4nary".to_owned()])
        .find(|form| text.contains(form.as_str()) || plain.contains(form.as_str()))
}

fn assert_clean(place: &str, text: &str) {
    let leak = leaked(text);
    assert!(leak.is_none(), "{place} holds {leak:?}: {text}");
}

/// `/Invoices/<where>-<n>`: form `n` comes back there.
fn says(path: &str, _head: &str) -> super::far::Says {
    let Some((place, n)) = path.trim_start_matches("/Invoices/").split_once('-') else {
        return token(ACCESS);
    };
    let forms = all_forms();
    let form = &forms[n.parse::<usize>().unwrap()];
    // Within JSON a form stands as it would be written there; the escaped ones are that already.
    let quoted = if form.contains('\\') {
        format!("{{\"a\":\"{form}\"}}")
    } else {
        serde_json::json!({ "a": form }).to_string()
    };
    const JSON: (&str, &str) = ("content-type", "application/json");
    match place {
        "header" => answer(200, &[("x-echo", form), ("set-cookie", form)], b"{}"),
        "name" => {
            let name: String = form.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
            answer(200, &[(&format!("x-{name}"), "1")], b"{}")
        }
        "json" => answer(200, &[JSON], quoted.as_bytes()),
        "key" => answer(
            200,
            &[JSON],
            format!("{{{}:1}}", &quoted[5..quoted.len() - 1]).as_bytes(),
        ),
        "error" => answer(400, &[JSON], quoted.as_bytes()),
        "fault" => answer(500, &[("content-type", "text/html")], form.as_bytes()),
        "damaged" => answer(200, &[JSON], &quoted.as_bytes()[..quoted.len() - 1]),
        "location" => answer(302, &[("location", &format!("https://x/?t={form}"))], b""),
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(quoted.as_bytes()).unwrap();
            answer(
                200,
                &[JSON, ("content-encoding", "gzip")],
                &encoder.finish().unwrap(),
            )
        }
        "packing" => answer(200, &[("content-encoding", form)], b"{}"),
        other => panic!("{other}"),
    }
}

/// Everything that was logged.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Logged {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn loud(logged: &Logged) -> tracing::subscriber::DefaultGuard {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(logged.clone())
        .finish();
    tracing::subscriber::set_default(subscriber)
}

fn assert_files_clean(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_files_clean(&path);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            assert_clean(
                &path.display().to_string(),
                &String::from_utf8_lossy(&bytes),
            );
        }
    }
}

#[tokio::test]
async fn no_canary_is_left_anywhere() {
    let (logged, folder) = (Logged::default(), tempfile::tempdir().unwrap());
    let _loud = loud(&logged);
    let far: Far = far(CLIENT, Some(folder.path().join("tokens")), says).await;
    let log = AuditLog::new(folder.path());
    let keep = log.sink().unwrap();
    let mut found = 0;
    for place in [
        "header", "name", "json", "key", "error", "fault", "damaged", "location", "gzip", "packing",
    ] {
        for n in 0..all_forms().len() {
            if place == "packing" && n > 0 {
                continue;
            }
            let got = far.get(&format!("/Invoices/{place}-{n}")).await;
            // `name` loses what a name can't hold, so only alphanumeric forms come back whole.
            if place != "name" {
                assert_clean(&format!("{place}-{n}"), &format!("{got:?}"));
                let told = match &got {
                    Ok(reply) => format!("{:?} {:?}", reply.headers, reply.body),
                    Err(refusal) => format!("{refusal:?}"),
                };
                assert_clean(&format!("{place}-{n}"), &told);
            }
            let record = far.audit.lock().unwrap().last().unwrap().clone();
            found += record.secrets_found;
            keep(record);
        }
    }
    // Every place but `packing` and `name`, which lose what they can't hold, had a hit for every form.
    assert!(found >= 8 * all_forms().len(), "{found}");
    let sent = far.heard.lock().unwrap().clone();
    assert!(
        sent[0].contains(&STANDARD.encode(format!("app:{CLIENT}"))),
        "the provider gets it"
    );
    assert!(
        sent[1].contains(&format!("authorization: Bearer {ACCESS}")),
        "the API gets it"
    );
    let audit = serde_json::to_string(&*far.audit.lock().unwrap()).unwrap();
    assert_clean("audit", &audit);
    assert_files_clean(folder.path());
    let read = log
        .last(10_000, |record| record.service == "accounting")
        .unwrap();
    assert_eq!(read.len(), 9 * all_forms().len() + 1);
    assert_eq!(log.last(3, |_| true).unwrap(), read[read.len() - 3..]);
    let logged = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
    assert!(
        logged.contains("a request") || logged.contains("request"),
        "{logged}"
    );
    assert_clean("log", &logged);
}

#[tokio::test]
async fn a_token_url_that_repeats_the_secret_is_cleaned_too() {
    let logged = Logged::default();
    let _loud = loud(&logged);
    for (status, n) in (0..forms(CLIENT).len()).map(|n| ([400, 401, 403, 500][n % 4], n)) {
        let far = far(CLIENT, None, move |_, _| {
            let form = &forms(CLIENT)[n];
            let quoted = if form.contains('\\') { format!("\"{form}\"") } else { serde_json::json!(form).to_string() };
            let body = format!(r#"{{"error":"invalid_client","error_description":{quoted},"instance_url":{quoted}}}"#);
            answer(status, &[("content-type", "application/json"), ("x-echo", form)], body.as_bytes())
        })
        .await;
        let refused = far.get("/Contacts").await.unwrap_err();
        assert!(
            matches!(refused, Refusal::AuthExpired(_) | Refusal::NoConnection(_)),
            "{refused:?}"
        );
        assert_clean("refusal", &format!("{refused:?}"));
        let told = far
            .broker
            .check(&footbridge_model::id::ConnectionId::new("xero"))
            .await;
        assert_clean("doctor", &told.unwrap_err());
        assert_clean(
            "audit",
            &serde_json::to_string(&*far.audit.lock().unwrap()).unwrap(),
        );
    }
    assert_clean(
        "log",
        &String::from_utf8(logged.0.lock().unwrap().clone()).unwrap(),
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_process_that_holds_secrets_leaves_no_dump() {
    let _far = far(CLIENT, None, |_, _| token(ACCESS)).await;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Core);
    assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
}

#[test]
fn nothing_that_holds_a_secret_prints_it() {
    let given = SecretSource::Given(Secret::new(CLIENT));
    let connection = Connection::new("xero", Provider::Xero, "app", given);
    let token = crate::oauth::keeper::Token {
        access: Secret::new(ACCESS),
        instance: None,
        expires: None,
    };
    let key = crate::seal::InstallationKey::random();
    assert_clean(
        "Debug",
        &format!("{connection:?} {connection:#?} {token:?}"),
    );
    assert!(!format!("{key:?}").contains(char::is_numeric), "{key:?}");
}
