//! Transform: changed records become drafts. Pure and repeatable, so nothing of it is stored.
//!
//! It looks nothing up; a draft that names another record carries a `$ref`, which `gather` collects and the planner resolves.
//! What goes in and what comes out is held against the grant (`granted`).

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::granted::TransformGrant;
use crate::mirror::Mirrored;
use crate::ports::{CallError, Transform};
use crate::state::keys::Side;
use crate::trust;
use footbridge_model::document::Document;
use footbridge_model::failure::Problem;
use footbridge_model::id::{ObjectName, RecordId, RecordKey};
use footbridge_model::plan::AsOf;
use footbridge_model::plugin::{Draft, TransformBatch};
use footbridge_plan::input::Source;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Most records in a call.
const BATCH_RECORDS: usize = 250;
/// Most bytes of records in a call, below the contract's 8 MiB.
const BATCH_BYTES: usize = 6 * 1024 * 1024;

/// So many times a transform may fall over parts of a batch before the flow stops: two bad records of 250, or one and a broken plugin.
const MOST_FALLS: usize = 20;

/// A transform with its settings and its grant.
#[derive(Clone, Copy)]
pub(crate) struct Mapping<'a> {
    pub(crate) flow: &'a str,
    pub(crate) settings: &'a str,
    pub(crate) transform: &'a dyn Transform,
    pub(crate) granted: &'a TransformGrant,
}

impl Engine {
    /// The drafts of each record, in order.
    pub(crate) async fn drafts(
        &self,
        as_of: AsOf,
        sides: &Sides,
        object: &str,
        records: Vec<Mirrored>,
    ) -> Result<Vec<Source>, EngineError> {
        self.mapping()
            .drafts(as_of, &sides.source, object, records)
            .await
    }

    /// The flow's own.
    pub(crate) fn mapping(&self) -> Mapping<'_> {
        Mapping {
            flow: self.flow.name.as_str(),
            settings: &self.flow.settings,
            transform: self.transform.as_ref(),
            granted: &self.flow.granted,
        }
    }
}

/// A record on its way into a batch: as reported, and as the transform may see it.
struct Given {
    record: Mirrored,
    seen: Document,
    text: String,
}

impl Mapping<'_> {
    /// The drafts of each record, in order; of a record whose drafts go beyond the grant, what was objected to.
    pub(crate) async fn drafts(
        &self,
        as_of: AsOf,
        side: &Side,
        object: &str,
        records: Vec<Mirrored>,
    ) -> Result<Vec<Source>, EngineError> {
        let mut sources = Vec::with_capacity(records.len());
        let mut batch: Vec<Given> = Vec::new();
        let mut bytes = 0usize;
        for record in records {
            let seen = self.granted.seen(object, &record.doc).into_owned();
            let text = seen.canonical();
            let full = batch.len() == BATCH_RECORDS || bytes + text.len() > BATCH_BYTES;
            if full && !batch.is_empty() {
                let batch = std::mem::take(&mut batch);
                sources.extend(self.batch(as_of, side, object, batch).await?);
                bytes = 0;
            }
            bytes += text.len();
            batch.push(Given { record, seen, text });
        }
        if !batch.is_empty() {
            sources.extend(self.batch(as_of, side, object, batch).await?);
        }
        Ok(sources)
    }

    async fn batch(
        &self,
        as_of: AsOf,
        side: &Side,
        object: &str,
        mut batch: Vec<Given>,
    ) -> Result<Vec<Source>, EngineError> {
        let inputs = batch
            .iter_mut()
            .map(|given| {
                let text = std::mem::take(&mut given.text);
                (object.to_owned(), given.record.id.clone(), text)
            })
            .collect();
        let results = self.apply(as_of, inputs).await?;
        let given = batch.into_iter().zip(results);
        Ok(given
            .map(|(Given { record, seen, .. }, result)| Source {
                drafts: readable(&record.doc)
                    .and(result)
                    .and_then(|drafts| self.checked(drafts, &seen, &record.id)),
                record: RecordKey {
                    connection: side.0.clone(),
                    organisation: side.1.clone(),
                    object: ObjectName::new(object),
                    id: RecordId::new(record.id),
                },
                version: record.version,
                presence: record.presence,
                doc: record.doc,
            })
            .collect())
    }

    /// The results of each input, in order. Where the transform falls over a batch it is halved until a single record is to blame,
    /// which then waits alone. Halves go in turns, so that a bad record's failures don't follow one upon the other.
    async fn apply(
        &self,
        as_of: AsOf,
        inputs: Vec<(String, String, String)>,
    ) -> Result<Vec<Result<Vec<Draft>, Problem>>, EngineError> {
        let mut results: BTreeMap<usize, Result<Vec<Draft>, Problem>> = BTreeMap::new();
        let mut turns = VecDeque::from([(0, inputs)]);
        let mut falls = 0;
        while let Some((from, mut inputs)) = turns.pop_front() {
            let request = TransformBatch {
                settings: self.settings.to_owned(),
                as_of: as_of
                    .instant
                    .to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
                local_date: as_of.local_date.to_string(),
                inputs: inputs.clone(),
            };
            let fall = match self.transform.apply(request).await {
                Ok(found) => {
                    results.extend(found.into_iter().enumerate().map(|(n, r)| (from + n, r)));
                    continue;
                }
                Err(fall) => fall,
            };
            falls += 1;
            if !matches!(fall, CallError::Plugin { .. }) || falls > MOST_FALLS {
                return Err(EngineError::Transform {
                    flow: self.flow.to_owned(),
                    source: Box::new(fall.into()),
                });
            }
            if inputs.len() > 1 {
                let middle = inputs.len() / 2;
                let rest = inputs.split_off(middle);
                turns.extend([(from, inputs), (from + middle, rest)]);
            } else {
                results.insert(from, Err(Problem::new("trapped", fall.to_string())));
            }
        }
        Ok(results.into_values().collect())
    }

    fn checked(
        &self,
        drafts: Vec<Draft>,
        seen: &Document,
        own: &str,
    ) -> Result<Vec<(String, Document)>, Problem> {
        let checked = drafts.into_iter().map(|draft| {
            let doc = Document::from_plugin(&draft.doc)
                .map_err(|e| Problem::new("invalid-value", e.to_string()))?;
            match self.granted.objection(&draft.object, &doc, seen, own) {
                Some(problem) => Err(problem),
                None => Ok((draft.object, doc)),
            }
        });
        checked.collect()
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
