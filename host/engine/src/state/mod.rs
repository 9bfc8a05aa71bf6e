//! The engine's durable state: which rows exist and how they are written. The only place that knows key layouts and stored formats.
//!
//! It decides nothing about the flow. Everything that must become durable together goes through one [`footbridge_store::WriteSet`].

pub(crate) mod keys;
pub(crate) mod rows;

use crate::error::EngineError;
use crate::mirror::Changes;
use footbridge_model::link::Link;
use footbridge_store::{Bodies, BodyDigest, BodyError, Key, KeyRange, Seq, Store, WriteSet};
use rows::{Text, Versioned};
use serde::{Serialize, de::DeserializeOwned};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Rows larger than this keep their text as a body beside the store.
const INLINE_LIMIT: usize = 16 * 1024;

/// Typed access to the store.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) bodies: Arc<Bodies>,
}

impl State {
    /// The row under the key with the commit that wrote it.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        key: &Key,
    ) -> Result<Option<(T, Seq)>, EngineError> {
        match self.store.get(key).await? {
            Some(row) => Ok(Some((decode(key, &row.value)?, row.seq))),
            None => Ok(None),
        }
    }

    /// All rows of a family, in key order, in steps.
    pub(crate) async fn all<T: DeserializeOwned>(
        &self,
        range: &KeyRange,
    ) -> Result<Vec<(Vec<u8>, T)>, EngineError> {
        const STEP: usize = 1000;
        let mut found = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = self.some(range, after.as_deref(), STEP).await?;
            let full = rows.len() == STEP;
            after = rows.last().map(|(key, _)| key.clone());
            found.extend(rows);
            if !full {
                return Ok(found);
            }
        }
    }

    /// Each row of a family with its key, in key order, read in steps, so that any number of them needs little memory. Ends early where `each` says so.
    pub(crate) async fn each<T: DeserializeOwned>(
        &self,
        range: &KeyRange,
        mut each: impl FnMut(Vec<u8>, T) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        const STEP: usize = 1000;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = self.some::<T>(range, after.as_deref(), STEP).await?;
            let full = rows.len() == STEP;
            for (key, row) in rows {
                after = Some(key.clone());
                if each(key, row).is_break() {
                    return Ok(());
                }
            }
            if !full {
                return Ok(());
            }
        }
    }

    /// Up to `limit` rows of a family, in key order, after a key.
    pub(crate) async fn some<T: DeserializeOwned>(
        &self,
        range: &KeyRange,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<(Vec<u8>, T)>, EngineError> {
        let rows = self.store.scan(range, after, limit).await?;
        rows.into_iter()
            .map(|(key, row)| {
                let row = decode(&key, &row.value)?;
                Ok((key, row))
            })
            .collect()
    }

    /// Only the keys of a family.
    pub(crate) async fn keys(&self, range: &KeyRange) -> Result<Vec<Vec<u8>>, EngineError> {
        const STEP: usize = 1000;
        let mut found: Vec<Vec<u8>> = Vec::new();
        loop {
            let rows = self
                .store
                .scan(range, found.last().map(Vec::as_slice), STEP)
                .await?;
            let full = rows.len() == STEP;
            found.extend(rows.into_iter().map(|(key, _)| key));
            if !full {
                return Ok(found);
            }
        }
    }

    /// Commits a set; an empty one needs no commit.
    pub(crate) async fn commit(&self, set: WriteSet) -> Result<(), EngineError> {
        if set.puts.is_empty() && set.deletes.is_empty() && set.expect.is_empty() {
            return Ok(());
        }
        self.store.commit(set).await?;
        Ok(())
    }

    /// Keeps a text: inline if small, else as a body that is synced before the row that names it.
    pub(crate) async fn keep(&self, text: &str) -> Result<Text, EngineError> {
        if text.len() <= INLINE_LIMIT {
            return Ok(Text::Inline(text.to_owned()));
        }
        Ok(Text::Body(self.put_body(text.as_bytes().to_vec()).await?))
    }

    /// The text that was kept.
    pub(crate) async fn read(&self, text: &Text) -> Result<String, EngineError> {
        match text {
            Text::Inline(text) => Ok(text.clone()),
            Text::Body(digest) => {
                let bytes = self.body(digest).await?;
                String::from_utf8(bytes).map_err(|e| EngineError::Format {
                    key: format!("body {digest}"),
                    why: e.to_string(),
                })
            }
        }
    }

    /// A link by its id.
    pub(crate) async fn link(&self, id: &str) -> Result<Option<Link>, EngineError> {
        let key = keys::link(id);
        let Some((text, _)) = self.get::<Text>(&key).await? else {
            return Ok(None);
        };
        let text = self.read(&text).await?;
        serde_json::from_str(&text)
            .map(Some)
            .map_err(|e| EngineError::Format {
                key: footbridge_store::key::readable(&key),
                why: e.to_string(),
            })
    }

    /// Adds a link to the changes, with the rows that lead from its members to it. Its shadows may be larger than a row.
    pub(crate) async fn put_link(
        &self,
        changes: &mut Changes,
        link: &Link,
    ) -> Result<(), EngineError> {
        for member in &link.members {
            changes.put(&keys::member(&member.record, &link.id), &())?;
        }
        let text = serde_json::to_string(link).map_err(|e| EngineError::Format {
            key: "a link".to_owned(),
            why: e.to_string(),
        })?;
        changes.put(&keys::link(&link.id), &self.keep(&text).await?)
    }

    /// Keeps bytes as a body, synced.
    pub(crate) async fn put_body(&self, bytes: Vec<u8>) -> Result<String, EngineError> {
        let bodies = Arc::clone(&self.bodies);
        let digest = tokio::task::spawn_blocking(move || bodies.put(&bytes))
            .await
            .map_err(|e| panicked(&e))??;
        Ok(digest.to_string())
    }

    /// The bytes of a body.
    pub(crate) async fn body(&self, digest: &str) -> Result<Vec<u8>, EngineError> {
        match self.kept_body(digest).await? {
            Some(bytes) => Ok(bytes),
            None => {
                let digest = digest.parse()?;
                Err(BodyError::Missing { digest }.into())
            }
        }
    }

    /// Erases a body. Whether there was one.
    pub(crate) async fn erase_body(&self, digest: &str) -> Result<bool, EngineError> {
        let Ok(parsed) = digest.parse::<BodyDigest>() else {
            return Ok(false);
        };
        let bodies = Arc::clone(&self.bodies);
        let erased = tokio::task::spawn_blocking(move || {
            let there = bodies.get(&parsed).map(|body| body.is_some());
            // A damaged one goes as well.
            let there = there.unwrap_or(true);
            bodies.erase(&parsed).map(|()| there)
        });
        Ok(erased.await.map_err(|e| panicked(&e))??)
    }

    /// The bytes of a body that may have been erased.
    pub(crate) async fn kept_body(&self, digest: &str) -> Result<Option<Vec<u8>>, EngineError> {
        let missing = |why: &str| EngineError::Format {
            key: format!("body {digest}"),
            why: why.to_owned(),
        };
        let parsed: BodyDigest = digest.parse().map_err(|_| missing("not a digest"))?;
        let bodies = Arc::clone(&self.bodies);
        Ok(tokio::task::spawn_blocking(move || bodies.get(&parsed))
            .await
            .map_err(|e| panicked(&e))??)
    }
}

fn panicked(error: &tokio::task::JoinError) -> EngineError {
    EngineError::Format {
        key: "bodies".to_owned(),
        why: error.to_string(),
    }
}

/// A row's bytes: JSON with the format's version in front.
pub(crate) fn encode<T: Serialize>(row: &T) -> Result<Vec<u8>, EngineError> {
    serde_json::to_vec(&Versioned {
        v: rows::FORMAT,
        row,
    })
    .map_err(|e| EngineError::Format {
        key: "a new row".to_owned(),
        why: e.to_string(),
    })
}

/// A row from its bytes.
pub(crate) fn decode<T: DeserializeOwned>(key: &[u8], bytes: &[u8]) -> Result<T, EngineError> {
    let wrong = |why: String| EngineError::Format {
        key: footbridge_store::key::readable(key),
        why,
    };
    let row: Versioned<T> = serde_json::from_slice(bytes).map_err(|e| wrong(e.to_string()))?;
    if row.v != rows::FORMAT {
        return Err(wrong(format!(
            "format {} instead of {}",
            row.v,
            rows::FORMAT
        )));
    }
    Ok(row.row)
}
