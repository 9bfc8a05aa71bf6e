//! Rehearse: another transform is tried on the records that are there already, and what it would draft is compared with what
//! the flow's own drafts, field by field.
//!
//! It reads the mirror only: no far side is asked, nothing is stored, and no draft goes any further. Next: a person reads
//! the difference and decides (`footbridge plugin install`, `footbridge plugin use`).

use crate::engine::Engine;
use crate::engine::Underway;
use crate::error::EngineError;
use crate::granted::TransformGrant;
use crate::ports::Transform;
use crate::state::keys::{self, Side};
use crate::state::rows::Pin;
use crate::transform::Mapping;
use footbridge_model::document::Document;
use footbridge_model::failure::Problem;
use footbridge_model::id::{ConnectionId, OrganisationId};
use footbridge_model::ledger::Organisation;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Most records of an object that a rehearsal looks at.
const MOST_RECORDS: usize = 2_000;

/// What a rehearsal found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Rehearsal {
    /// Records that both transforms were given.
    pub records: usize,
    /// Every field that would be drafted otherwise, in the records' order.
    pub changes: Vec<DraftChange>,
}

/// One field of one record's drafts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DraftChange {
    /// The source record: `Opportunity 006...`.
    pub record: String,
    /// `invoice.lines[0].quantity`; `problem` where the transform reported one.
    pub field: String,
    /// What the flow's transform drafts; `None` if it leaves the field out.
    pub old: Option<String>,
    /// What the other one drafts.
    pub new: Option<String>,
}

impl Engine {
    /// Tries another transform under its grant. Without recorded records nothing is compared.
    ///
    /// # Errors
    /// The store can't be read, or a transform as a whole fails: it refuses the settings, traps, meets a limit.
    pub fn rehearse<'a>(
        &'a self,
        other: &'a dyn Transform,
        granted: &'a TransformGrant,
    ) -> Underway<'a, Rehearsal> {
        Box::pin(async move {
            let mut found = Rehearsal::default();
            let Some((source, _)) = self.recorded(&self.flow.source).await? else {
                return Ok(found);
            };
            let Some((_, ledger)) = self.recorded(&self.flow.ledger).await? else {
                return Ok(found);
            };
            let unusable = |why: String| EngineError::Record {
                connection: self.flow.ledger.to_string(),
                object: "organisation".to_owned(),
                id: ledger.organisation.clone(),
                why,
            };
            let organisation = Document::from_plugin(&ledger.doc)
                .and_then(|doc| doc.to::<Organisation>())
                .map_err(|e| unusable(e.to_string()))?;
            let as_of = footbridge_plan::as_of(self.clock.now(), &organisation.time_zone)
                .map_err(|e| unusable(e.to_string()))?;
            let own = self.mapping();
            let other = Mapping {
                transform: other,
                granted,
                ..own
            };
            let described = other.transform.describe(other.settings).await;
            described.map_err(|source| EngineError::Transform {
                flow: self.flow.name.to_string(),
                source: Box::new(source),
            })?;
            let deals = &self.flow.policy.deal.object;
            for object in self.flow.customer_objects.iter().chain([deals]) {
                let mut records = self.state.all_mirrored(&source, object).await?;
                records.truncate(MOST_RECORDS);
                found.records += records.len();
                let before = own.drafts(as_of, &source, object, records.clone()).await?;
                let after = other.drafts(as_of, &source, object, records).await?;
                for (before, after) in before.iter().zip(&after) {
                    let record = format!("{object} {}", before.record.id);
                    compare(&record, &before.drafts, &after.drafts, &mut found.changes);
                }
            }
            Ok(found)
        })
    }

    async fn recorded(
        &self,
        connection: &ConnectionId,
    ) -> Result<Option<(Side, Pin)>, EngineError> {
        let pin = self.state.get::<Pin>(&keys::pin(connection)).await?;
        Ok(pin.map(|(pin, _)| {
            let organisation = OrganisationId::new(pin.organisation.clone());
            ((connection.clone(), organisation), pin)
        }))
    }
}

type Drafts = Result<Vec<(String, Document)>, Problem>;

fn compare(record: &str, before: &Drafts, after: &Drafts, changes: &mut Vec<DraftChange>) {
    let (before, after) = (flat(before), flat(after));
    let fields: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for field in fields {
        let (old, new) = (before.get(field), after.get(field));
        if old != new {
            changes.push(DraftChange {
                record: record.to_owned(),
                field: field.clone(),
                old: old.cloned(),
                new: new.cloned(),
            });
        }
    }
}

/// Every value of the drafts by its path; a second draft of a kind stands under `invoice#2`.
fn flat(drafts: &Drafts) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    match drafts {
        Err(problem) => {
            values.insert(
                "problem".to_owned(),
                format!("{}: {}", problem.code, problem.message),
            );
        }
        Ok(drafts) => {
            let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
            for (object, doc) in drafts {
                let number = seen.entry(object).or_default();
                *number += 1;
                let head = match *number {
                    1 => object.clone(),
                    n => format!("{object}#{n}"),
                };
                flatten(&head, doc, &mut values);
            }
        }
    }
    values
}

fn flatten(path: &str, value: &Document, values: &mut BTreeMap<String, String>) {
    match value {
        Document::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                flatten(&format!("{path}.{key}"), value, values);
            }
        }
        Document::List(items) if !items.is_empty() => {
            for (n, value) in items.iter().enumerate() {
                flatten(&format!("{path}[{n}]"), value, values);
            }
        }
        Document::Text(text) => {
            values.insert(path.to_owned(), text.clone());
        }
        plain => {
            values.insert(path.to_owned(), plain.canonical());
        }
    }
}
