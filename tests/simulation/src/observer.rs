//! Looks at the store after every commit: which writes are unresolved, and whether two of them have one target; and before bytes
//! leave, whether their intent is durable.
//!
//! It reads the journal's rows as plain JSON and trusts none of the engine's own checks. `property::one_write` asks for what it saw.

use crate::life::locked;
use footbridge_model::plugin::WriteRequest;
use footbridge_store::key::{Segment, segments};
use footbridge_store::{Bodies, BodyDigest, Key, Store};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What was seen at the commits of a story.
#[derive(Debug)]
pub(crate) struct Observer {
    bodies: Bodies,
    /// Targets by operation, by the digest of a request's operations.
    targets: Mutex<BTreeMap<String, BTreeMap<String, String>>>,
    seen: Mutex<Vec<String>>,
    /// Unresolved operations that were read, over all commits.
    pub(crate) looked_at: AtomicUsize,
}

impl Observer {
    pub(crate) fn new(data: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            bodies: Bodies::open(data)?,
            targets: Mutex::default(),
            seen: Mutex::default(),
            looked_at: AtomicUsize::new(0),
        })
    }

    /// What was wrong at any commit so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        locked(&self.seen).clone()
    }

    /// Notes something that is wrong.
    fn note(&self, what: String) {
        let mut seen = locked(&self.seen);
        if !seen.contains(&what) {
            seen.push(what);
        }
    }

    /// Looks at the unresolved writes of a store.
    pub(crate) async fn look(&self, store: &dyn Store) {
        let requests = self.open(store).await;
        if let Err(error) = self.compare(&requests) {
            self.note(format!("the journal can't be read: {error:#}"));
        }
    }

    /// Looks at bytes that are about to leave: their intent, their key, that they are sent and they themselves must be durable.
    pub(crate) async fn look_at(&self, store: &dyn Store, request: &WriteRequest, key: &str) {
        let digest = BodyDigest::of(&request.body);
        let kept = self.bodies.get(&digest).ok().flatten();
        let known = self.open(store).await.iter().any(|(_, row)| {
            let row: Value = serde_json::from_slice(row).unwrap_or_default();
            let row = row.get("row").cloned().unwrap_or(Value::Null);
            text(&row, "key") == key
                && text(&row, "body") == digest.to_string()
                && text(&row, "state") == "started"
                && row.get("sends").and_then(Value::as_u64).unwrap_or(0) > 0
        });
        if !known || kept.as_ref() != Some(&request.body) {
            let path = &request.path;
            self.note(format!(
                "a write to {path} left before its intent was durable"
            ));
        }
    }

    /// The open requests with their rows.
    async fn open(&self, store: &dyn Store) -> Vec<(String, Vec<u8>)> {
        let mut requests = Vec::new();
        let open = Key::new("open");
        match store.scan(&open.range(), None, 1_000).await {
            Err(error) => self.note(format!("the open requests can't be read: {error}")),
            Ok(rows) => {
                for (key, _) in rows {
                    let Some(Segment::Text(id)) = segments(&key).and_then(|mut all| all.pop())
                    else {
                        continue;
                    };
                    let row = Key::new("request").text(&id);
                    match store.get(&row).await {
                        Ok(Some(row)) => requests.push((id, row.value)),
                        Ok(None) => self.note(format!("the open request {id} has no row")),
                        Err(error) => self.note(format!("request {id} can't be read: {error}")),
                    }
                }
            }
        }
        requests
    }

    fn compare(&self, requests: &[(String, Vec<u8>)]) -> anyhow::Result<()> {
        let mut holders: BTreeMap<String, &str> = BTreeMap::new();
        for (id, row) in requests {
            let row: Value = serde_json::from_slice(row)?;
            let row = row.get("row").cloned().unwrap_or(Value::Null);
            let digest = text(&row, "ops");
            let targets = self.targets_of(&digest)?;
            let open = row.get("open").and_then(Value::as_array);
            for op in open.into_iter().flatten().filter_map(Value::as_str) {
                self.looked_at.fetch_add(1, Ordering::Relaxed);
                let Some(target) = targets.get(op) else {
                    anyhow::bail!("request {id} does not carry its operation {op}");
                };
                if let Some(other) = holders.insert(target.clone(), id)
                    && other != id
                {
                    self.note(format!("two unresolved writes have one target, {target}"));
                }
            }
        }
        Ok(())
    }

    fn targets_of(&self, digest: &str) -> anyhow::Result<BTreeMap<String, String>> {
        if let Some(known) = locked(&self.targets).get(digest) {
            return Ok(known.clone());
        }
        let parsed: BodyDigest = digest.parse()?;
        let body = self.bodies.get(&parsed)?;
        let ops: Vec<Value> = serde_json::from_slice(&body.unwrap_or_default())?;
        let targets: BTreeMap<String, String> = ops
            .iter()
            .map(|op| {
                let key = op.get("natural_key").cloned().unwrap_or(Value::Null);
                let target = match text(op, "target") {
                    target if !target.is_empty() => target,
                    _ => format!("{} {}", text(&key, "field"), text(&key, "value")),
                };
                let target = format!("{} {} {target}", text(op, "connection"), text(op, "object"));
                (text(op, "id"), target)
            })
            .collect();
        locked(&self.targets).insert(digest.to_owned(), targets.clone());
        Ok(targets)
    }
}

fn text(value: &Value, field: &str) -> String {
    let value = value.get(field).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}
