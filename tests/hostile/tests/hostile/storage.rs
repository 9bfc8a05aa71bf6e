//! What a connector keeps: with the call's result or not at all, for itself alone, within its quota, also when the process dies.

use crate::support::{Bench, Outcome, broker, tight};
use footbridge_engine::ports::{CallError, Connector};
use footbridge_engine::storage::{Kept, PluginStorage};
use footbridge_model::id::ConnectionId;
use footbridge_model::plugin::{Action, FeedRequest, Operation};
use footbridge_sandbox::{Broker, Limits};
use footbridge_store::{Backend, Store};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;

struct Shelf {
    bench: Bench,
    broker: Arc<Broker>,
    store: Arc<dyn Store>,
    storage: PluginStorage,
}

impl Shelf {
    async fn new() -> Outcome<Self> {
        let bench = Bench::new(Limits {
            connector_cpu: std::time::Duration::from_secs(20),
            wall: std::time::Duration::from_secs(60),
            ..tight()
        })?;
        let store = footbridge_store::open(&bench.data.path().join("store"), Backend::Sled)?;
        Ok(Self {
            broker: broker().await?,
            storage: PluginStorage::new(Arc::clone(&store)),
            store,
            bench,
        })
    }

    async fn connector(&self, plugin: &str, connection: &str) -> Outcome<Arc<dyn Connector>> {
        self.connector_on(plugin, connection, &self.storage).await
    }

    async fn connector_on(
        &self,
        plugin: &str,
        connection: &str,
        storage: &PluginStorage,
    ) -> Outcome<Arc<dyn Connector>> {
        let installed = match self.bench.sandbox.installed(plugin) {
            Ok(installed) => installed,
            Err(_) => {
                let file = footbridge_hostile::CONNECTOR;
                self.bench.install(plugin, file).await?
            }
        };
        let connection = ConnectionId::new(connection);
        Ok(self
            .bench
            .sandbox
            .connector(&installed, &self.broker, &connection, Some(storage))?)
    }
}

/// Reads a page while the plugin keeps something; what it said, and what it kept.
async fn page(connector: &Arc<dyn Connector>, what: &str) -> Result<(String, Kept), CallError> {
    let request = FeedRequest {
        object: "keep".to_owned(),
        cursor: Some(what.to_owned()),
        limit: 1,
        fields: Vec::new(),
    };
    let (page, kept) = connector.read_changes(request).await?;
    Ok((said(page.items), kept))
}

/// Looks something up while the plugin keeps something.
async fn look(connector: &Arc<dyn Connector>, what: &str) -> Result<String, CallError> {
    let found = connector
        .fetch("keep", vec![what.to_owned()], Vec::new())
        .await?;
    Ok(said(found.items))
}

fn said(items: Vec<footbridge_model::plugin::Item>) -> String {
    items
        .iter()
        .map(|item| item.doc.trim_matches('"'))
        .collect()
}

#[tokio::test]
async fn what_a_call_kept_is_committed_with_its_result_or_not_at_all() -> Outcome<()> {
    let shelf = Shelf::new().await?;
    let connector = shelf.connector("hostile", "xero").await?;
    let (count, kept) = page(&connector, "count").await?;
    assert_eq!(count, "1");
    drop(kept);
    let (count, kept) = page(&connector, "count").await?;
    assert_eq!(count, "1", "the page that wasn't committed left nothing");
    shelf.storage.commit(kept).await?;
    for deed in ["count and trap", "count and fail"] {
        assert!(page(&connector, deed).await.is_err());
        assert!(look(&connector, deed).await.is_err());
    }
    assert_eq!(look(&connector, "count").await?, "2");
    assert_eq!(look(&connector, "count").await?, "3");
    Ok(())
}

#[tokio::test]
async fn a_plugin_finds_what_it_kept_on_that_connection_alone() -> Outcome<()> {
    let shelf = Shelf::new().await?;
    let one = shelf.connector("hostile", "xero").await?;
    let two = shelf.connector("other", "xero").await?;
    let elsewhere = shelf.connector("hostile", "second").await?;
    for _ in 0..3 {
        look(&one, "count").await?;
    }
    assert_eq!(look(&two, "count").await?, "1");
    assert_eq!(look(&elsewhere, "count").await?, "1");
    assert_eq!(look(&one, "count").await?, "4");
    Ok(())
}

#[tokio::test]
async fn keys_values_and_quota_have_bounds() -> Outcome<()> {
    let shelf = Shelf::new().await?;
    let connector = shelf.connector("hostile", "xero").await?;
    for (what, answer) in [
        ("long key", "invalid: a key has 513 bytes"),
        ("empty key", "invalid: a key has 0 bytes"),
        ("long value", "invalid: a value has 32769 bytes"),
        ("no number", "done; invalid: no number stands under 'k'"),
        ("fill", "quota: this would take "),
    ] {
        let said = look(&connector, what).await?;
        assert!(said.starts_with(answer), "{what}: {said}");
    }
    assert_eq!(
        look(&connector, "pages").await?,
        "filling 0+filling 1 then filling 10+filling 11"
    );
    Ok(())
}

#[tokio::test]
async fn a_version_is_swapped_once_and_keys_are_listed_in_order() -> Outcome<()> {
    let shelf = Shelf::new().await?;
    let connector = shelf.connector("hostile", "xero").await?;
    assert_eq!(
        look(&connector, "swap").await?,
        "true false",
        "absent, then there"
    );
    assert_eq!(
        look(&connector, "swap").await?,
        "true false",
        "of the last commit, then of this call"
    );
    assert_eq!(look(&connector, "count").await?, "8");
    assert_eq!(look(&connector, "tidy").await?, "a b");
    assert_eq!(look(&connector, "keys").await?, "a b");
    Ok(())
}

/// The API repeats the credential in a header and in the body; the plugin keeps all that it got.
#[tokio::test]
async fn no_canary_is_kept() -> Outcome<()> {
    let shelf = Shelf::new().await?;
    let connector = shelf.connector("hostile", "xero").await?;
    let kept = look(&connector, "echo").await?;
    assert_eq!(kept.matches("Bearer [redacted]").count(), 2, "{kept}");
    let mut folders = vec![shelf.bench.data.path().join("store")];
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path)?;
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains("c4nary"), "{}", path.display());
            read += usize::from(text.contains("[redacted]"));
        }
    }
    assert!(read > 0, "what it kept is in a file");
    Ok(())
}

#[tokio::test]
async fn a_pure_call_keeps_nothing() -> Outcome<()> {
    let shelf = Shelf::new().await?;
    let connector = shelf.connector("hostile", "xero").await?;
    let operation = Operation {
        id: "one".to_owned(),
        action: Action::Create,
        object: "keep".to_owned(),
        target: None,
        doc: "{}".to_owned(),
    };
    let requests = connector.prepare(vec![operation]).await?;
    let said = &requests[0].headers[0].1;
    assert_eq!(said, "denied: this call is pure and reaches nothing");
    Ok(())
}

/// Two hosts on one store, as it were: neither waits for the other's turn, so their commits collide and calls are repeated.
#[tokio::test(flavor = "multi_thread")]
async fn no_increment_is_lost_however_many_count_at_once() -> Outcome<()> {
    let shelf = Shelf::new().await?;
    let second = PluginStorage::new(Arc::clone(&shelf.store));
    let connectors = [
        shelf.connector("hostile", "xero").await?,
        shelf.connector_on("hostile", "xero", &second).await?,
    ];
    let mut counting = Vec::new();
    for connector in connectors.iter().cycle().take(8) {
        let connector = Arc::clone(connector);
        counting.push(tokio::spawn(async move {
            let mut counted = 0;
            while counted < 5 {
                match look(&connector, "count").await {
                    Ok(_) => counted += 1,
                    // Too many collisions in a row: the host says so and nothing was counted.
                    Err(CallError::Failure(failure)) if failure.problem.code == "storage" => {}
                    Err(other) => return Err(other),
                }
            }
            Ok(())
        }));
    }
    for task in counting {
        task.await??;
    }
    assert_eq!(look(&connectors[0], "count").await?, "41");
    Ok(())
}

#[test]
fn what_was_kept_survives_a_kill_whole() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let mut durable = 0u64;
    for round in 0..6u64 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_keep-counting"))
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()?;
        let out = child.stdout.take().ok_or("no output")?;
        let mut lines = BufReader::new(out).lines();
        for counted in 0..=(round * 7) % 11 {
            let line = lines.next().ok_or("it ended early")??;
            let count: u64 = line.parse()?;
            // A count that was made durable and not yet printed when the last process was killed may be skipped.
            let new = if counted == 0 {
                durable + 1..=durable + 2
            } else {
                durable + 1..=durable + 1
            };
            assert!(
                new.contains(&count),
                "round {round}: {durable} then {count}"
            );
            durable = count;
        }
        child.kill()?;
        child.wait()?;
        // What it printed before it died is durable as well.
        for line in lines.map_while(Result::ok) {
            durable = line.parse().unwrap_or(durable);
        }
    }
    Ok(())
}
