//! The operator's word on plugins: shown first, bound to just what was shown, never wider than asked, taken back at once.
//!
//! The stranger's plugins are the components that come along under other names and manifests: then no grant comes with them.

use crate::books::{Books, Ended};
use serde_json::Value;
use std::fs;

const TRANSFORM: &str = r#"format = 1
id = "com.example.deals"
version = "1.0.0"
interfaces = ["transform"]
[reads]
"*" = ["*"]
[writes]
customer = ["*"]
invoice = ["amounts", "currency", "customer", "due_date", "lines", "reference"]
"#;

/// A component with something at its end that changes its digest and nothing else.
fn marked(component: &[u8], mark: u8) -> Vec<u8> {
    [component, &[0, 3, 1, b'm', mark]].concat()
}

impl Books {
    fn package(&self, name: &str, component: &[u8], manifest: &str) -> String {
        fs::write(self.path(&format!("{name}.wasm")), component).unwrap();
        self.write(&format!("{name}.toml"), manifest);
        self.path(&format!("{name}.wasm")).display().to_string()
    }

    async fn approval(&self, file: &str) -> String {
        let ended = self.run(&["plugin", "inspect", file, "--json"]).await;
        assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
        ended.json()["approval"].as_str().unwrap().to_owned()
    }

    async fn install(&self, file: &str, more: &[&str]) -> Ended {
        let approval = self.approval(file).await;
        let arguments = [
            "plugin", "install", file, "--name", "mine", "--digest", &approval,
        ];
        self.run(&[&arguments, more].concat()).await
    }

    /// Names and whether they are in use, with the places where each has a grant.
    async fn listed(&self) -> Vec<(String, bool, usize)> {
        let list = self.run(&["plugin", "list", "--json"]).await.json();
        let one = |listed: &Value| {
            (
                listed["name"].as_str().unwrap().to_owned(),
                listed["in_use"].as_bool().unwrap(),
                listed["grants"].as_array().unwrap().len(),
            )
        };
        list.as_array().unwrap().iter().map(one).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inspect_tells_everything_and_runs_nothing() {
    let books = Books::open(4).await;
    let wat = r#"(component
        (import "wasi:sockets/tcp@0.2.3" (instance))
        (import "wasi:io/poll@0.2.3" (instance))
        (instance $nothing)
        (export "footbridge:plugin/transform@0.1.0-dev.1" (instance $nothing)))"#;
    let hostile = TRANSFORM.replace("\"reference\"", "\"reference\u{202E}\"");
    let file = books.package("ev\u{1b}[2Jil", &wat::parse_str(wat).unwrap(), &hostile);
    let ended = books.run(&["plugin", "inspect", &file]).await;
    assert_eq!((ended.code, ended.err.as_str()), (2, ""));
    for said in [
        "kind       transform",
        "baseline  wasi:io/poll@0.2.3",
        "refused   wasi:sockets/tcp@0.2.3",
        "No plugin gets a socket",
        "its manifest can't be used: writes.invoice",
        "signature  none",
        "fuel of a batch",
        "Nothing of it was run.",
    ] {
        assert!(ended.out.contains(said), "{said}\n{}", ended.out);
    }
    assert!(
        !ended.out.contains(['\u{1b}', '\u{202E}']),
        "{:?}",
        ended.out
    );
    let file = books.package(
        "xero-of-mine",
        footbridge_bundle::XERO.bytes,
        footbridge_bundle::XERO.manifest,
    );
    let key = books.path("author.key").display().to_string();
    let signed = books
        .run(&["plugin", "sign", &file, "--key", &key, "--json"])
        .await;
    let key = signed.json()["key"].as_str().unwrap().to_owned();
    let ended = books.run(&["plugin", "inspect", &file]).await;
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{}", ended.out);
    for said in [
        "kind       connector",
        "profile    xero",
        "granted   footbridge:plugin/http@",
        "write accounting /Invoices",
        "requests",
        &format!("signature  by {key}, a key that is not pinned. A signature grants nothing"),
        "--digest ",
    ] {
        assert!(ended.out.contains(said), "{said}\n{}", ended.out);
    }
    let config = fs::read_to_string(books.path("footbridge.toml")).unwrap();
    let pinned = format!("{config}\n[plugins.publishers.\"footbridge.xero\"]\nkey = \"{key}\"\n");
    books.write("footbridge.toml", &pinned);
    let report = books
        .run(&["plugin", "inspect", &file, "--json"])
        .await
        .json();
    assert_eq!(report["signature"]["pinned"], "yes");
    assert!(report["problems"].as_array().unwrap().is_empty());
    assert_eq!(books.listed().await.len(), 3, "only those that come along");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_yes_is_to_just_what_was_inspected() {
    let books = Books::open(4).await;
    let mapping = footbridge_bundle::MAPPING.bytes;
    let file = books.package("mine", mapping, TRANSFORM);
    let seen = books.approval(&file).await;
    let component = books
        .run(&["plugin", "inspect", &file, "--json"])
        .await
        .json()["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let replaced = "BOOKS/mine.wasm is not what was inspected: the digest given is";
    let manifest = TRANSFORM.replace("\"reference\"", "\"reference\", \"number\"");
    for (bytes, manifest, word, said) in [
        (
            marked(mapping, 1),
            TRANSFORM,
            vec!["--digest", &seen],
            replaced,
        ),
        (
            mapping.to_vec(),
            manifest.as_str(),
            vec!["--yes", "--digest", &seen],
            replaced,
        ),
        (
            mapping.to_vec(),
            TRANSFORM,
            vec!["--digest", &component],
            "its manifest counts too",
        ),
        (
            mapping.to_vec(),
            TRANSFORM,
            vec!["--yes"],
            "--yes needs to know to what",
        ),
        (
            mapping.to_vec(),
            TRANSFORM,
            vec!["--json"],
            "JSON asks no questions",
        ),
        (
            mapping.to_vec(),
            &TRANSFORM.replace("transform\"]", "transform\", \"feed\"]"),
            vec!["--digest", &seen],
            "lists the interface feed, which the component doesn't export",
        ),
    ] {
        books.package("mine", &bytes, manifest);
        let arguments = ["plugin", "install", &file, "--name", "mine"];
        let ended = books.run(&[&arguments, word.as_slice()].concat()).await;
        let told = format!("{}{}", ended.out, ended.err);
        assert!(told.contains(said), "{said}\n{told}");
        assert_eq!(ended.code, 2, "{told}");
    }
    // Nobody answers the question: that is a no.
    books.package("mine", mapping, TRANSFORM);
    let ended = books
        .run(&["plugin", "install", &file, "--name", "mine"])
        .await;
    assert_eq!(ended.code, 2);
    assert!(ended.out.contains("writes invoice.lines"), "{}", ended.out);
    assert!(
        ended.out.contains("Nothing was installed."),
        "{}",
        ended.out
    );
    fs::remove_file(books.path("mine.toml")).unwrap();
    let ended = books
        .run(&["plugin", "install", &file, "--name", "mine"])
        .await;
    assert!(
        ended.err.contains("there is no manifest beside it"),
        "{}",
        ended.err
    );
    assert_eq!(books.listed().await.len(), 3, "nothing was installed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_does_what_was_granted_and_no_more() {
    let books = Books::open(4).await;
    let xero = footbridge_bundle::XERO;
    let manifest = xero
        .manifest
        .replace("footbridge.xero", "com.example.books");
    let file = books.package("mine", xero.bytes, &manifest);
    books.change(
        "footbridge.toml",
        "[connections.xero]\n",
        "[connections.xero]\nplugin = \"mine\"\n",
    );
    let sync = || books.run(&["sync", "--json"]);
    let told = |ended: Ended| format!("{} {}{}", ended.code, ended.out, ended.err);
    let missing = told(sync().await);
    assert!(
        missing.contains("no plugin named \\\"mine\\\" is installed"),
        "{missing}"
    );
    for (only, said) in [
        (
            "write accounting /Accounts",
            "\"write accounting /Accounts\" is wider than what the profile xero offers",
        ),
        (
            "read accounting /**",
            "\"read accounting /**\" is wider than what the profile xero offers",
        ),
        (
            "calls-a-day 9999999",
            "\"calls-a-day 9999999\" is wider than what the profile xero offers",
        ),
        ("read accounting Contacts", "names no power"),
    ] {
        let ended = books.install(&file, &["--only", only]).await;
        assert!(ended.err.contains(said), "{said}\n{}", ended.err);
        assert_eq!(ended.code, 2);
    }
    let ended = books.install(&file, &["--connection", "salesforce"]).await;
    assert!(
        ended
            .err
            .contains("connection salesforce is not of the provider"),
        "{}",
        ended.err
    );
    assert_eq!(books.listed().await.len(), 3, "nothing was installed");
    let ended = books
        .install(&file, &["--only", "read accounting /Organisation"])
        .await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    let narrow = told(sync().await);
    assert!(narrow.contains("grant doesn't cover"), "{narrow}");
    assert_eq!(books.invoices().len(), 0);
    let approval = books.approval(&file).await;
    let ended = books
        .run(&["plugin", "grant", "mine", "--digest", &approval])
        .await;
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (0, "Granted on connection xero.\n"),
        "{}",
        ended.err
    );
    books.all_is_well(4).await;
    let ended = books.run(&["plugin", "revoke", "mine"]).await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    let revoked = told(sync().await);
    assert!(
        revoked.contains("has no grant on connection xero"),
        "{revoked}"
    );
    let ended = books.run(&["plugin", "remove", "mine"]).await;
    assert!(
        ended.err.contains("connection xero still uses the plugin"),
        "{}",
        ended.err
    );
    books.change("footbridge.toml", "plugin = \"mine\"\n", "");
    assert_eq!(books.run(&["plugin", "remove", "mine"]).await.code, 0);
    assert_eq!(books.listed().await.len(), 3);
    books.all_is_well(4).await;
    for own in [
        ["plugin", "revoke", "xero"],
        ["plugin", "remove", "xero"],
        ["plugin", "grant", "xero"],
    ] {
        let ended = books.run(&own).await;
        assert!(
            ended.err.contains("comes along with Footbridge"),
            "{}",
            ended.err
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_face_is_a_power_of_its_own() {
    let books = Books::open(4).await;
    let wat = r#"(component
        (import "wasi:http/outgoing-handler@0.2.3" (instance))
        (instance $nothing)
        (export "footbridge:plugin/schema@0.1.0-dev.1" (instance $nothing))
        (export "footbridge:plugin/feed@0.1.0-dev.1" (instance $nothing)))"#;
    let manifest = r#"format = 1
id = "com.example.books"
version = "1.0.0"
interfaces = ["schema", "feed"]
profile = "xero"
faces = ["wasi-http"]
[services.accounting]
read = ["/Contacts"]
"#;
    let component = wat::parse_str(wat).unwrap();
    let unasked = manifest.replace("faces = [\"wasi-http\"]\n", "");
    let file = books.package("unasked", &component, &unasked);
    let ended = books.run(&["plugin", "inspect", &file]).await;
    assert_eq!(ended.code, 2);
    assert!(
        ended.out.contains("imports wasi:http, and the manifest"),
        "{}",
        ended.out
    );
    let file = books.package("mine", &component, manifest);
    let ended = books.run(&["plugin", "inspect", &file]).await;
    assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{}", ended.out);
    for said in [
        "on grant  wasi:http/outgoing-handler@0.2.3",
        "lent only where \"face wasi-http\" is granted",
        "    face wasi-http\n",
    ] {
        assert!(ended.out.contains(said), "{said}\n{}", ended.out);
    }
    books.change(
        "footbridge.toml",
        "[connections.xero]\n",
        "[connections.xero]\nplugin = \"mine\"\n",
    );
    let ended = books
        .install(&file, &["--only", "read accounting /Contacts"])
        .await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    let refused = "plugin mine asks through wasi-http, which it was not granted on connection xero";
    let ended = books.run(&["sync"]).await;
    assert!(ended.err.contains(refused), "{}", ended.err);
    let approval = books.approval(&file).await;
    let ended = books
        .run(&["plugin", "grant", "mine", "--digest", &approval])
        .await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    // It has nothing to run, but it is let in.
    let ended = books.run(&["sync"]).await;
    assert!(!ended.err.contains(refused), "{}", ended.err);
    assert!(ended.err.contains("plugin mine"), "{}", ended.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transform_waits_under_what_it_was_not_granted_and_a_new_version_runs_dry_first() {
    let books = Books::open(4).await;
    let mapping = footbridge_bundle::MAPPING.bytes;
    books.change(
        "footbridge.toml",
        "transform = \"mapping\"",
        "transform = \"mine\"",
    );
    let key = books.path("author.key").display().to_string();
    let file = books.package("mine", mapping, TRANSFORM);
    let signed = books
        .run(&["plugin", "sign", &file, "--key", &key, "--json"])
        .await
        .json();
    let without = TRANSFORM
        .lines()
        .find_map(|line| line.strip_prefix("invoice = ["))
        .unwrap()
        .trim_end_matches(']')
        .replace('"', "");
    let mut only = vec!["--only".to_owned(), "reads *.*".to_owned()];
    for field in without.split(", ").filter(|field| *field != "reference") {
        only.extend(["--only".to_owned(), format!("writes invoice.{field}")]);
    }
    only.extend(["--only".to_owned(), "writes customer.*".to_owned()]);
    let only: Vec<&str> = only.iter().map(String::as_str).collect();
    let ended = books.install(&file, &only).await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    let report = books.run(&["sync", "--json"]).await.json();
    assert_eq!(report["held"]["not-granted"], 4, "{report}");
    assert_eq!(books.invoices().len(), 0);
    let items = books.run(&["items"]).await.out;
    let items = items.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        items.contains(r#"The transform "mine" wrote the field "reference" of "invoice", which it was not granted"#),
        "{items}"
    );
    let approval = books.approval(&file).await;
    let ended = books
        .run(&["plugin", "grant", "mine", "--digest", &approval])
        .await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    books.all_is_well(4).await;

    // A version that sees less drafts otherwise: it is kept aside until somebody who saw the difference says so.
    let blind = TRANSFORM.replace("1.0.0", "1.1.0").replace(
        "\"*\" = [\"*\"]",
        r#"Account = ["*"]
Opportunity = ["AccountId", "Bill_To_Account__c", "Account", "CurrencyIsoCode", "OpportunityLineItems", "Amount"]"#,
    );
    let newer = books.package("newer", &marked(mapping, 1), &blind);
    let ended = books.install(&newer, &["--json"]).await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    let found = ended.json();
    assert_eq!(found["in_use"], false, "{found}");
    let changes = found["rehearsed"]["flows"][0]["changes"]
        .as_array()
        .unwrap();
    let reference = changes
        .iter()
        .find(|change| change["field"] == "invoice.reference");
    assert!(
        reference.is_some_and(|change| change["old"].is_string()),
        "{found}"
    );
    let all = books.listed().await;
    let mine: Vec<_> = all
        .into_iter()
        .filter(|(name, ..)| name == "mine")
        .collect();
    assert_eq!(
        mine,
        [("mine".to_owned(), true, 1), ("mine".to_owned(), false, 1)]
    );
    books.all_is_well(4).await;
    let digest = found["digest"].as_str().unwrap();
    let ended = books.run(&["plugin", "use", &digest[..16]]).await;
    assert!(ended.out.contains("invoice.reference: \""), "{}", ended.out);
    assert!(
        ended.out.contains(&format!("mine is now {digest}")),
        "{}",
        ended.out
    );
    let ended = books.run(&["plugin", "use", "0000"]).await;
    assert_eq!(ended.code, 2, "{}", ended.err);

    // Back to the first; then a signed, higher one that asks for no more, which the operator lets follow.
    let first = books.run(&["plugin", "list", "--json"]).await.json();
    let first = first
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["name"] == "mine" && p["in_use"] == false)
        .unwrap();
    let ended = books
        .run(&["plugin", "use", first["digest"].as_str().unwrap()])
        .await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    let key_of = signed["key"].as_str().unwrap();
    let config = fs::read_to_string(books.path("footbridge.toml")).unwrap();
    books.write(
        "footbridge.toml",
        &format!("{config}\n[plugins.publishers.\"com.example.deals\"]\nkey = \"{key_of}\"\nupdates = \"follow\"\n"),
    );
    let third = books.package(
        "third",
        &marked(mapping, 2),
        &TRANSFORM.replace("1.0.0", "1.2.0"),
    );
    let asked = books
        .run(&["plugin", "install", &third, "--name", "mine"])
        .await;
    assert!(
        asked
            .out
            .contains("You are asked because the new version is not signed"),
        "{}",
        asked.out
    );
    assert_eq!(asked.code, 2);
    books.run(&["plugin", "sign", &third, "--key", &key]).await;
    let ended = books
        .run(&["plugin", "install", &third, "--name", "mine"])
        .await;
    assert_eq!(ended.code, 0, "{}{}", ended.out, ended.err);
    assert!(ended.out.contains("it drafts the same"), "{}", ended.out);
    assert!(
        ended
            .out
            .contains("Its grant moved along on flow deals-to-invoices"),
        "{}",
        ended.out
    );
    books.all_is_well(4).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_in_the_watched_folder_is_told_and_never_used() {
    let books = Books::open(4).await;
    assert_eq!(
        books.run(&["plugin", "staged", "--json"]).await.json(),
        serde_json::json!([])
    );
    fs::create_dir_all(books.path("footbridge-data/plugins/inbox")).unwrap();
    books.package(
        "footbridge-data/plugins/inbox/new",
        footbridge_bundle::MAPPING.bytes,
        TRANSFORM,
    );
    books.package(
        "footbridge-data/plugins/inbox/letter",
        b"Dear Sir or Madam",
        TRANSFORM,
    );
    let ended = books.run(&["plugin", "staged"]).await;
    for said in [
        "staged ",
        "com.example.deals 1.0.0",
        "refused ",
        "is not WebAssembly",
        "Nothing of it was granted",
    ] {
        assert!(ended.out.contains(said), "{said}\n{}", ended.out);
    }
    let ended = books.run(&["doctor", "--offline"]).await;
    assert!(
        ended.out.contains("plugins wait for your look: 2 files"),
        "{}",
        ended.out
    );
    let ended = books.run(&["sync", "--json"]).await;
    assert!(
        ended.err.contains("plugins wait for your look: 2 files"),
        "{}",
        ended.err
    );
    assert_eq!(ended.code, 0);
    assert_eq!(books.listed().await.len(), 3);
}
