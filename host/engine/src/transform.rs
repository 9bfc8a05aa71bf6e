//! Transform: changed records become drafts. Pure and repeatable, so nothing of it is stored.
//!
//! It looks nothing up; a draft that names another record carries a `$ref`, which `gather` collects and the planner resolves.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::mirror::Mirrored;
use crate::state::keys::Side;
use crate::trust;
use footbridge_model::document::Document;
use footbridge_model::failure::Problem;
use footbridge_model::id::{ObjectName, RecordId, RecordKey};
use footbridge_model::plan::AsOf;
use footbridge_model::plugin::TransformBatch;
use footbridge_plan::input::Source;
use std::collections::BTreeSet;

/// Most records in a call.
const BATCH_RECORDS: usize = 250;
/// Most bytes of records in a call, below the contract's 8 MiB.
const BATCH_BYTES: usize = 6 * 1024 * 1024;

impl Engine {
    /// The drafts of each record, in order.
    pub(crate) async fn drafts(
        &self,
        as_of: AsOf,
        sides: &Sides,
        object: &str,
        records: Vec<Mirrored>,
    ) -> Result<Vec<Source>, EngineError> {
        let mut sources = Vec::with_capacity(records.len());
        let mut batch: Vec<(Mirrored, String)> = Vec::new();
        let mut bytes = 0usize;
        for record in records {
            let text = record.doc.canonical();
            let full = batch.len() == BATCH_RECORDS || bytes + text.len() > BATCH_BYTES;
            if full && !batch.is_empty() {
                sources.extend(
                    self.batch(as_of, &sides.source, object, std::mem::take(&mut batch))
                        .await?,
                );
                bytes = 0;
            }
            bytes += text.len();
            batch.push((record, text));
        }
        if !batch.is_empty() {
            sources.extend(self.batch(as_of, &sides.source, object, batch).await?);
        }
        Ok(sources)
    }

    async fn batch(
        &self,
        as_of: AsOf,
        side: &Side,
        object: &str,
        batch: Vec<(Mirrored, String)>,
    ) -> Result<Vec<Source>, EngineError> {
        let request = TransformBatch {
            settings: self.flow.settings.clone(),
            as_of: as_of
                .instant
                .to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            local_date: as_of.local_date.to_string(),
            inputs: batch
                .iter()
                .map(|(record, text)| (object.to_owned(), record.id.clone(), text.clone()))
                .collect(),
        };
        let results =
            self.transform
                .apply(request)
                .await
                .map_err(|source| EngineError::Transform {
                    flow: self.flow.name.to_string(),
                    source: Box::new(source.into()),
                })?;
        Ok(batch
            .into_iter()
            .zip(results)
            .map(|((record, _), result)| Source {
                record: RecordKey {
                    connection: side.0.clone(),
                    organisation: side.1.clone(),
                    object: ObjectName::new(object),
                    id: RecordId::new(record.id),
                },
                version: record.version,
                presence: record.presence,
                drafts: readable(&record.doc).and(result).and_then(|drafts| {
                    drafts
                        .into_iter()
                        .map(|draft| match Document::from_plugin(&draft.doc) {
                            Ok(doc) => Ok((draft.object, doc)),
                            Err(e) => Err(Problem::new("invalid-value", e.to_string())),
                        })
                        .collect()
                }),
                doc: record.doc,
            })
            .collect())
    }
}

fn readable(doc: &Document) -> Result<(), Problem> {
    match trust::unreadable(doc, &[]) {
        Some(field) => Err(trust::problem("it", field)),
        None => Ok(()),
    }
}

/// The records that a draft refers to, (object, id).
pub(crate) fn references(draft: &Document, found: &mut BTreeSet<(String, String)>) {
    match draft {
        Document::Object(map) => {
            if let Some(reference) = map.get("$ref") {
                if let (Some(object), Some(id)) = (reference.text("object"), reference.text("id")) {
                    found.insert((object.to_owned(), id.to_owned()));
                }
                return;
            }
            for value in map.values() {
                references(value, found);
            }
        }
        Document::List(items) => {
            for item in items {
                references(item, found);
            }
        }
        _ => {}
    }
}
