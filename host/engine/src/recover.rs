//! Recover: requests whose effect isn't known are resolved by rule (design section 5), never by sending again blindly.
//!
//! (a) Unanswered and surely no longer running, or answered with an error once: the same bytes under the same key while the far side
//! remembers keys, always after a look. (b) Else wait for the settle time and look. (c) Found: adopted, every field compared. (d) Not found: made again only where that can't make a second one; else a
//! person decides, and every run looks again.

use crate::config::Unproven;
use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::state::keys;
use crate::state::rows::{Ended, Happened, Request};
use crate::watch::Point;
use footbridge_model::document::Document;
use footbridge_model::failure::{Failure, FailureKind};
use footbridge_model::id::RequestId;
use footbridge_model::plan::Op;
use footbridge_model::plugin::{Action, Answer, Applied, Criteria, Item, Outcome, Verdict};
use footbridge_model::request::{RequestEvent, RequestState};
use footbridge_store::key::{Segment, segments};
use std::collections::{BTreeMap, BTreeSet};

/// What reading back showed of a request's open operations.
struct ReadBack {
    /// Found, as applied.
    found: Vec<Outcome>,
    /// Found, and holding something else than we wanted to write (updates only).
    other: BTreeSet<String>,
    /// Objects of which everything that could match was seen.
    complete: bool,
}

impl Engine {
    /// Requests that are not settled.
    pub async fn open_requests(&self) -> Result<Vec<Request>, EngineError> {
        let mut found = Vec::new();
        for key in self.state.keys(&keys::opens().range()).await? {
            let Some(Segment::Text(id)) = segments(&key).and_then(|mut s| s.pop()) else {
                continue;
            };
            found.extend(
                self.state
                    .get::<Request>(&keys::request(&id))
                    .await?
                    .map(|r| r.0),
            );
        }
        found.retain(|request| request.flow == self.flow.name);
        found.sort_by_key(|request| request.started_at);
        Ok(found)
    }

    /// Looks at every open request once. Returns how many operations found their outcome.
    pub(crate) async fn recover(&self, sides: &Sides) -> Result<usize, EngineError> {
        let mut settled = 0;
        for request in self.open_requests().await? {
            self.watch.at(&Point::Recovering(request.id.clone()));
            settled += self.resolve(sides, request).await?;
        }
        Ok(settled)
    }

    async fn resolve(&self, sides: &Sides, mut request: Request) -> Result<usize, EngineError> {
        if request.state == RequestState::Answered {
            let wire = self.wire(&request).await?;
            if let Some(answer) = self.stored_answer(&request).await? {
                return Ok(self.interpret(request, &wire, &answer).await?.len());
            }
            request.state = request.state.next(RequestEvent::Lost)?;
        }
        if request.state == RequestState::Started && request.sends == 0 {
            let why = "the process ended before it was sent";
            return Ok(self.not_sent(request, why, None).await?.len());
        }
        let ops = self.ops(&request).await?;
        let open: Vec<&Op> = ops
            .iter()
            .filter(|op| request.open.contains(&op.id))
            .collect();
        let read = self.read_back(sides, &request, &open).await?;
        let some_found = !read.found.is_empty();
        if some_found {
            let settled = read.found.len();
            if request.state == RequestState::Started {
                request.state = request.state.next(RequestEvent::Lost)?;
            }
            self.settle(&mut request, &ops, &read.found, Happened::Adopted, None)
                .await?;
            if request.open.is_empty() {
                return Ok(settled);
            }
        }
        let now = self.clock.now();
        let age = now.signed_duration_since(request.started_at).to_std().ok();
        let ended = request
            .doubt
            .as_ref()
            .map_or(Ended::Unknown, |doubt| doubt.ended);
        let harmless = only_updates(&open) || open.iter().all(|op| self.enforced(op));
        let keyed = self.flow.keyed.contains(&request.connection);
        let timing = &self.flow.timing;
        let may_resend = !some_found
            && request.state != RequestState::NeedsPerson
            && (ended == Ended::Unknown || request.sends < 2)
            && age.is_some_and(|age| {
                let over = age >= timing.in_flight || ended == Ended::Answered;
                age < timing.resend_window && (harmless || (keyed && over))
            });
        if may_resend {
            request.state = request.state.next(RequestEvent::Resent)?;
            let mut changes = Changes::default();
            changes.put(&keys::request(request.id.as_str()), &request)?;
            let text = format!("{}: the same bytes under the same key", request.connection);
            self.journal(
                &mut changes,
                Happened::Resent,
                text,
                Some(&request.id),
                None,
            )?;
            self.state.commit(changes.into_set()).await?;
            return Ok(self.carry(request).await?.len());
        }
        // A clock that went back proves no age.
        if age.is_none_or(|age| age < self.flow.timing.settle) || !read.complete {
            if request.state == RequestState::Started {
                let doubt = crate::state::rows::Doubt {
                    why: "the process ended while it was being sent".to_owned(),
                    ended: Ended::Unknown,
                };
                self.doubt(&mut request, doubt).await?;
            }
            return Ok(0);
        }
        self.absent(request, &ops, ended, &read.other).await
    }

    /// Everything that could match was seen after the settle time, and these operations left no trace.
    async fn absent(
        &self,
        mut request: Request,
        ops: &[Op],
        ended: Ended,
        other: &BTreeSet<String>,
    ) -> Result<usize, EngineError> {
        let proven = |op: &Op| {
            op.action == Action::Update
                || other.contains(op.id.as_str())
                || ended == Ended::Answered
                || self.flow.timing.unproven == Unproven::Resend
                || self.enforced(op)
        };
        let gone: Vec<Outcome> = ops
            .iter()
            .filter(|op| request.open.contains(&op.id) && proven(op))
            .map(|op| Outcome {
                operation: op.id.to_string(),
                verdict: Verdict::Failed(Failure::new(
                    FailureKind::Retry,
                    "left-no-trace",
                    "it left no trace at the far side and is planned again",
                )),
            })
            .collect();
        if request.state == RequestState::Started {
            request.state = request.state.next(RequestEvent::Lost)?;
        }
        let settled = gone.len();
        if settled > 0 {
            self.settle(&mut request, ops, &gone, Happened::Applied, None)
                .await?;
        }
        if !request.open.is_empty() && request.state == RequestState::InDoubt {
            request.state = request.state.next(RequestEvent::Unproven)?;
            let mut changes = Changes::default();
            changes.put(&keys::request(request.id.as_str()), &request)?;
            self.note_doubts(&mut changes, &request, ops)?;
            self.state.commit(changes.into_set()).await?;
        }
        Ok(settled)
    }

    /// Whether the far side itself refuses a second record: by our natural key, or by a number of ours.
    fn enforced(&self, op: &Op) -> bool {
        let unique = self.unique.get(op.object.as_str());
        unique.is_some_and(|keys| {
            keys.iter().any(|key| {
                *key == op.natural_key.field
                    || op.doc.text(key).is_some_and(|text| !text.is_empty())
            })
        })
    }

    async fn read_back(
        &self,
        sides: &Sides,
        request: &Request,
        open: &[&Op],
    ) -> Result<ReadBack, EngineError> {
        let mut read = ReadBack {
            found: Vec::new(),
            other: BTreeSet::new(),
            complete: true,
        };
        let mut groups: BTreeMap<(&str, &str, bool), Vec<&Op>> = BTreeMap::new();
        for op in open {
            let group = (
                op.object.as_str(),
                op.natural_key.field.as_str(),
                op.action == Action::Update,
            );
            groups.entry(group).or_default().push(op);
        }
        let connector = self.connector(&request.connection);
        for ((object, field, update), ops) in groups {
            let doing = |e| {
                EngineError::call(
                    request.connection.as_str(),
                    format!("reading {object} records back"),
                    e,
                )
            };
            let found = if update {
                let ids = ops
                    .iter()
                    .filter_map(|op| op.target.as_ref().map(ToString::to_string))
                    .collect();
                connector
                    .fetch(object, ids, self.fields_of(object).to_vec())
                    .await
                    .map_err(doing)?
            } else {
                let since = request.started_at - chrono::Duration::minutes(10);
                let parents: BTreeSet<String> = ops
                    .iter()
                    .flat_map(|op| op.natural_key.parents.iter().cloned())
                    .collect();
                let criteria = Criteria {
                    object: object.to_owned(),
                    key: field.to_owned(),
                    values: ops.iter().map(|op| op.natural_key.value.clone()).collect(),
                    parents: parents.into_iter().collect(),
                    changed_since: Some(since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
                    fields: Vec::new(),
                };
                connector.find(criteria).await.map_err(doing)?
            };
            read.complete &= found.complete;
            let side = if request.connection == sides.source.0 {
                &sides.source
            } else {
                &sides.ledger
            };
            let mut changes = Changes::default();
            for item in &found.items {
                self.state.mirror(side, item, &mut changes).await?;
            }
            self.state.commit(changes.into_set()).await?;
            for op in ops {
                self.compare(op, field, update, &found.items, &mut read);
            }
        }
        Ok(read)
    }

    fn compare(&self, op: &Op, field: &str, update: bool, items: &[Item], read: &mut ReadBack) {
        let matching = items.iter().find(|item| {
            if update {
                return op
                    .target
                    .as_ref()
                    .is_some_and(|target| target.as_str() == item.id);
            }
            Document::from_plugin(&item.doc)
                .is_ok_and(|doc| doc.text(field) == Some(op.natural_key.value.as_str()))
        });
        let Some(item) = matching else { return };
        let differs = Document::from_plugin(&item.doc)
            .map_or_else(|_| Vec::new(), |doc| differences(&op.doc, &doc));
        if update && !differs.is_empty() {
            read.other.insert(op.id.to_string());
            return;
        }
        let warnings = match differs.as_slice() {
            [] => Vec::new(),
            some => vec![format!(
                "it was found there with other values in: {}",
                some.join(", ")
            )],
        };
        read.found.push(Outcome {
            operation: op.id.to_string(),
            verdict: Verdict::Applied(Applied {
                id: item.id.clone(),
                version: Some(item.version.clone()),
                doc: item.doc.clone(),
                warnings,
            }),
        });
    }

    async fn stored_answer(&self, request: &Request) -> Result<Option<Answer>, EngineError> {
        let Some(digest) = &request.answer else {
            return Ok(None);
        };
        let bytes = self.state.body(digest).await?;
        Ok(serde_json::from_slice(&bytes).ok())
    }

    /// A person says that a request which waits for them left nothing at the far side: its operations are planned again.
    pub async fn release(&self, id: &RequestId) -> Result<Released, EngineError> {
        let Some((mut request, _)) = self
            .state
            .get::<Request>(&keys::request(id.as_str()))
            .await?
        else {
            return Ok(Released::Unknown);
        };
        if request.state != RequestState::NeedsPerson {
            return Ok(Released::NotWaiting(request.state));
        }
        let ops = self.ops(&request).await?;
        let outcomes: Vec<Outcome> = request
            .open
            .iter()
            .map(|op| Outcome {
                operation: op.to_string(),
                verdict: Verdict::Failed(Failure::new(
                    FailureKind::Retry,
                    "released",
                    "a person said that it isn't there; it is planned again",
                )),
            })
            .collect();
        let count = outcomes.len();
        self.settle(&mut request, &ops, &outcomes, Happened::Applied, None)
            .await?;
        Ok(Released::Done(count))
    }
}

/// What became of a person's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Released {
    /// So many operations are planned again.
    Done(usize),
    /// There is no such request.
    Unknown,
    /// It doesn't wait for a person.
    NotWaiting(RequestState),
}

fn only_updates(ops: &[&Op]) -> bool {
    ops.iter().all(|op| op.action == Action::Update)
}

/// Fields that we wanted and that the far side reports with another value. Fields it doesn't report are not compared.
fn differences(wanted: &Document, reported: &Document) -> Vec<String> {
    let (Document::Object(wanted), Document::Object(reported)) = (wanted, reported) else {
        return Vec::new();
    };
    wanted
        .iter()
        .filter(|(key, value)| reported.get(*key).is_some_and(|there| !same(value, there)))
        .map(|(key, _)| key.clone())
        .collect()
}

/// Equal, decimals by value. Lists are compared by length and element; objects by the fields that were wanted.
fn same(wanted: &Document, there: &Document) -> bool {
    use footbridge_model::money::decimal;
    match (wanted, there) {
        (Document::Text(a), Document::Text(b)) => {
            a == b || matches!((decimal(a), decimal(b)), (Ok(a), Ok(b)) if a == b)
        }
        (Document::List(a), Document::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Document::Object(_), Document::Object(_)) => differences(wanted, there).is_empty(),
        (a, b) => a == b,
    }
}
