//! Recover: requests whose effect isn't known are resolved by rule (design section 5), never by sending again blindly.
//!
//! (a) Surely no longer running: the same bytes under the same key while the far side remembers keys, always after a look; after an
//! answered error once only. (b) Else wait for the settle time and look. (c) Found: adopted, every field compared.
//! (d) Not found: made again only where that can't make a second one; else a person decides, and every run looks again.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::lost::Recovered;
use crate::mirror::Changes;
use crate::state::keys;
use crate::state::rows::{Doubt, Ended, Happened, Request};
use crate::watch::Point;
use footbridge_model::document::Document;
use footbridge_model::failure::{Failure, FailureKind};
use footbridge_model::id::RequestId;
use footbridge_model::plan::Op;
use footbridge_model::plugin::{Action, Answer, Applied, Criteria, Item, Outcome, Verdict};
use footbridge_model::request::{RequestEvent, RequestState};
use footbridge_plan::policy::NumberMode;
use footbridge_store::key::{Segment, segments};
use std::collections::{BTreeMap, BTreeSet};

/// What reading back showed of a request's open operations.
struct ReadBack {
    /// Found, as applied.
    found: Vec<Outcome>,
    /// Found, and holding something else than we wanted to write (updates only).
    other: BTreeSet<String>,
    /// Everything that could match was seen.
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

    /// Looks at every open request once. Returns how many operations found their outcome, and how.
    pub(crate) async fn recover(&self, sides: &Sides) -> Result<Recovered, EngineError> {
        let mut found = Recovered::default();
        for request in self.open_requests().await? {
            self.watch.at(&Point::Recovering(request.id.clone()));
            self.resolve(sides, request, &mut found).await?;
        }
        Ok(found)
    }

    async fn resolve(
        &self,
        sides: &Sides,
        mut request: Request,
        counted: &mut Recovered,
    ) -> Result<(), EngineError> {
        if request.state == RequestState::Answered {
            let wire = self.wire(&request).await?;
            if let Some(answer) = self.stored_answer(&request).await? {
                counted.read += self.interpret(request, &wire, &answer).await?.len();
                return Ok(());
            }
            request.state = request.state.next(RequestEvent::Lost)?;
        }
        let foreign = self.is_of_another_epoch(&request);
        if request.state == RequestState::Started && request.sends == 0 && !foreign {
            let why = "the process ended before it was sent";
            counted.read += self.not_sent(request, why, None).await?.len();
            return Ok(());
        }
        let ops = self.ops(&request).await?;
        let open: Vec<&Op> = ops
            .iter()
            .filter(|op| request.open.contains(&op.id))
            .collect();
        let read = self.read_back(sides, &request, &open).await?;
        if !read.found.is_empty() {
            if request.state == RequestState::Started {
                request.state = request.state.next(RequestEvent::Lost)?;
            }
            self.settle(&mut request, &ops, &read.found, Happened::Adopted, None)
                .await?;
            counted.read += read.found.len();
            if request.open.is_empty() {
                return Ok(());
            }
        }
        self.mind_the_clock(&mut request, &ops).await?;
        // Of a request of another epoch nobody knows how often it was sent since.
        let known = request.doubt.as_ref().filter(|_| !foreign);
        let ended = known.map_or(Ended::Unknown, |doubt| doubt.ended);
        let now = self.clock.now();
        let again = self.may_leave_again(&request, &ops);
        if again.is_some_and(|again| again.from <= now && now < again.until) {
            if request.doubt.is_none() {
                // The answer to the second sending won't tell how the first one ended.
                request.doubt = Some(ended_while_sending());
            }
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
            counted.resent += self.carry(request).await?.len();
            return Ok(());
        }
        let over = self
            .quiet_for(&request)
            .is_some_and(|quiet| quiet >= self.flow.timing.settle);
        if !over || !read.complete {
            if request.state == RequestState::Started {
                self.doubt(&mut request, ended_while_sending()).await?;
            }
            return Ok(());
        }
        counted.read += self.absent(request, &ops, ended, &read.other).await?;
        Ok(())
    }

    /// A clock that shows less than when this request was last written has gone back: its age is unknown, so it is never sent
    /// again, and the settle time begins anew.
    async fn mind_the_clock(&self, request: &mut Request, ops: &[Op]) -> Result<(), EngineError> {
        let now = self.clock.now();
        if now >= request.seen_at {
            return Ok(());
        }
        request.clock_went_back = true;
        request.last_sent_at = now;
        request.seen_at = now;
        let mut changes = Changes::default();
        changes.put(&keys::request(request.id.as_str()), request)?;
        if request.doubt.is_some() {
            // Its items told when it may be sent again.
            self.note_doubts(&mut changes, request, ops).await?;
        }
        self.state.commit(changes.into_set()).await
    }

    /// Everything that could match was seen after the settle time, and these operations left no trace.
    async fn absent(
        &self,
        mut request: Request,
        ops: &[Op],
        ended: Ended,
        other: &BTreeSet<String>,
    ) -> Result<usize, EngineError> {
        let proven = |op: &Op| other.contains(op.id.as_str()) || self.absence_proves(op, ended);
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
            self.note_doubts(&mut changes, &request, ops).await?;
            self.state.commit(changes.into_set()).await?;
        }
        Ok(settled)
    }

    /// Whether a new plan gives the operation the same unique value. A number of our own counter is given once only.
    pub(crate) fn repeats(&self, op: &Op) -> bool {
        let by_key = self
            .unique
            .get(op.object.as_str())
            .is_some_and(|keys| keys.contains(&op.natural_key.field));
        by_key || !matches!(self.flow.policy.billing.number, NumberMode::Counter { .. })
    }

    /// Whether the far side itself refuses a second record: by our natural key, or by a number of ours.
    pub(crate) fn enforced(&self, op: &Op) -> bool {
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
                // Its own fields too: one that isn't reported would look as if it was written.
                let mut fields: BTreeSet<String> = self.fields_of(object).iter().cloned().collect();
                for op in &ops {
                    if let Document::Object(doc) = &op.doc {
                        fields.extend(doc.keys().cloned());
                    }
                }
                connector
                    .fetch(object, ids, fields.into_iter().collect())
                    .await
                    .map_err(doing)?
            } else {
                // Narrowed by parents it needs no time; else a day, so that no clock of ours hides what is there.
                let since = request.started_at - chrono::Duration::days(1);
                let parents: BTreeSet<String> = ops
                    .iter()
                    .flat_map(|op| op.natural_key.parents.iter().cloned())
                    .collect();
                let criteria = Criteria {
                    object: object.to_owned(),
                    key: field.to_owned(),
                    values: ops.iter().map(|op| op.natural_key.value.clone()).collect(),
                    changed_since: parents
                        .is_empty()
                        .then(|| since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
                    parents: parents.into_iter().collect(),
                    fields: Vec::new(),
                };
                connector.find(criteria).await.map_err(doing)?
            };
            read.complete &= found.complete;
            if request.connection == sides.ledger.0 {
                let mut changes = Changes::default();
                for item in &found.items {
                    self.learn(&sides.ledger, item, &mut changes).await?;
                }
                self.state.commit(changes.into_set()).await?;
            }
            // What is read back of the source stays out of the mirror: the feed has to bring it, with its deal becoming due.
            for op in ops {
                self.compare(op, field, update, &found.items, &mut read);
            }
        }
        Ok(read)
    }

    fn compare(&self, op: &Op, field: &str, update: bool, items: &[Item], read: &mut ReadBack) {
        let mut matching = items.iter().filter(|item| {
            if update {
                return op
                    .target
                    .as_ref()
                    .is_some_and(|target| target.as_str() == item.id);
            }
            Document::from_plugin(&item.doc).is_ok_and(|doc| {
                doc.text(field) == Some(op.natural_key.value.as_str())
                    && doc.text("kind") != Some("payable")
            })
        });
        let Some(item) = matching.next() else { return };
        if matching.next().is_some() {
            // Someone copied it: which one is ours can't be told here. The planner holds the deal as `key-stands-twice`.
            read.complete = false;
            return;
        }
        let doc = Document::from_plugin(&item.doc).unwrap_or(Document::Null);
        let wanted = written(op);
        let differs = differences(&wanted, &doc);
        let whole = op.object.as_str() != "customer" || entries_hold_all(&wanted, &doc);
        if update && !(differs.is_empty() && reports_all(&wanted, &doc) && whole) {
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

fn ended_while_sending() -> Doubt {
    Doubt {
        why: "the process ended while it was being sent".to_owned(),
        ended: Ended::Unknown,
    }
}

/// What an operation writes. The totals that an update of an invoice must come to aren't sent, so they prove nothing.
fn written(op: &Op) -> Document {
    let mut doc = op.doc.clone();
    if let (Document::Object(fields), Action::Update, "invoice") =
        (&mut doc, op.action, op.object.as_str())
    {
        fields.retain(|field, _| !matches!(field.as_str(), "sub_total" | "total"));
    }
    doc
}

/// Whether every field that we wanted is reported at all.
fn reports_all(wanted: &Document, reported: &Document) -> bool {
    match (wanted, reported) {
        (Document::Object(wanted), Document::Object(reported)) => {
            wanted.keys().all(|key| reported.contains_key(key))
        }
        _ => false,
    }
}

/// Whether the entries of a list hold all that we wanted in them. A part that is left out there is empty: a street that isn't
/// reported was not written.
fn entries_hold_all(wanted: &Document, reported: &Document) -> bool {
    match (wanted, reported) {
        (Document::Object(wanted), Document::Object(reported)) => {
            wanted.iter().all(|(key, value)| match reported.get(key) {
                Some(there) => entries_hold_all(value, there),
                None => match value {
                    Document::Null => true,
                    Document::Text(text) => text.is_empty(),
                    _ => false,
                },
            })
        }
        (Document::List(wanted), Document::List(reported)) => {
            let mut both = wanted.iter().zip(reported);
            both.all(|(wanted, there)| entries_hold_all(wanted, there))
        }
        _ => true,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_that_lacks_what_was_wanted_was_not_written() {
        let wanted =
            r#"{"addresses":[{"kind":"billing","city":"Leeds","line1":"1 High St","line2":null}]}"#;
        let wanted = Document::from_plugin(wanted).unwrap_or(Document::Null);
        for (there, written) in [
            (
                r#"{"addresses":[{"kind":"billing","city":"Leeds","line1":"1 High St"}]}"#,
                true,
            ),
            (
                r#"{"addresses":[{"kind":"billing","city":"Leeds","line1":"1 High St","line2":"","region":"X"}]}"#,
                true,
            ),
            (
                r#"{"addresses":[{"kind":"billing","city":"Leeds"}]}"#,
                false,
            ),
            (r#"{"addresses":[{"kind":"billing"}]}"#, false),
        ] {
            let there = Document::from_plugin(there).unwrap_or(Document::Null);
            assert_eq!(entries_hold_all(&wanted, &there), written, "{there:?}");
        }
    }
}
