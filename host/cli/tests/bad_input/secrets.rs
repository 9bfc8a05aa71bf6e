//! A whole sync at its loudest: no secret and no token is in what it prints, in JSON, or in any file it leaves.

use crate::books::Books;
use footbridge_simulators::xero::DEMO_CLIENT_SECRET;
use serde_json::Value;
use std::path::{Path, PathBuf};

pub(crate) fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            files(&entry.path(), found);
        } else {
            found.push(entry.path());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loud_sync_leaves_no_secret_and_an_audit_that_can_be_read() {
    let books = Books::open(12).await;
    let salesforce = std::fs::read_to_string(books.path("salesforce.secret")).unwrap();
    let mut said = String::new();
    for arguments in [
        &["sync", "--json"][..],
        &["sync"],
        &["status", "--json"],
        &["items", "--all", "--json"],
        &["doctor", "--json"],
        &["plugin", "list", "--json"],
        &["audit", "--last", "1000"],
        &["audit", "--last", "1000", "--json"],
    ] {
        let ended = books.run_loudly(arguments).await;
        assert_eq!(ended.code, 0, "{arguments:?}: {}", ended.err);
        said.push_str(&ended.out);
        said.push_str(&ended.err);
    }
    assert!(
        said.contains("DEBUG") && said.contains("/Invoices"),
        "it was loud"
    );
    let secrets = [DEMO_CLIENT_SECRET, salesforce.trim()];
    let mut left = Vec::new();
    files(books.folder.path(), &mut left);
    assert!(
        left.iter().any(|path| path.ends_with("audit.jsonl")),
        "{left:?}"
    );
    for secret in secrets.into_iter().chain(["Bearer ", "access_token"]) {
        assert!(!said.contains(secret), "{secret:?} was printed");
        for path in &left {
            let is_secret = path.extension().is_some_and(|end| end == "secret");
            let is_code = path
                .components()
                .any(|part| part.as_os_str() == "plugins" || part.as_os_str() == "native");
            if is_secret || is_code {
                continue;
            }
            let bytes = std::fs::read(path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(
                !text.contains(secret),
                "{secret:?} is in {}",
                path.display()
            );
        }
    }
    let audit = books
        .run(&["audit", "--last", "1000", "--json"])
        .await
        .json();
    let records = audit.as_array().unwrap();
    let by = |name: &str, key: &str, value: &str| {
        let is = |record: &&Value| record["by"] == name && record[key] == value;
        records.iter().filter(is).count()
    };
    assert!(by("host", "service", "token") >= 2, "{audit}");
    assert!(
        by("host", "method", "PUT") + by("host", "method", "POST") >= 3,
        "{audit}"
    );
    assert!(by("xero", "method", "GET") > 0, "{audit}");
    let read = records
        .iter()
        .find(|record| record["by"] == "xero")
        .unwrap();
    assert_eq!(read["digest"].as_str().unwrap().len(), 64, "{read}");
    assert_eq!(read["verdict"], "answered", "{read}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_that_cant_be_used_is_wrong_configuration() {
    let books = Books::open(1).await;
    books.write("short.key", "short");
    books.write("open.key", &"k".repeat(32));
    #[cfg(unix)]
    for (name, mode) in [("short.key", 0o600), ("open.key", 0o644)] {
        use std::os::unix::fs::PermissionsExt as _;
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(books.path(name), permissions).unwrap();
    }
    let mut cases = vec![
        ("short.key", "holds 5 bytes"),
        ("none/here.key", "folder exists"),
    ];
    if cfg!(unix) {
        cases.push(("open.key", "Run: chmod 600 BOOKS/open.key"));
    }
    for (name, said) in cases {
        books.replace_line("footbridge.toml", "key = ", &format!("key = {name:?}"));
        let refused = books.run(&["status"]).await;
        assert_eq!(refused.code, 2, "{name}: {}", refused.err);
        assert!(refused.err.contains(said), "{name}: {}", refused.err);
    }
}
