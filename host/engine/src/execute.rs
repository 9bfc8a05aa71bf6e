//! Execute: a plan is carried out in waves, parents first. It makes no choice: references are filled in from outcomes, expectations
//! are checked again, and what no longer holds is left to the next plan.
//!
//! Nothing is sent here; `intent` and `carry` do that, request by request, a few at a time.

use crate::anew::is_taken;
use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::intent::Intent;
use crate::mirror::Changes;
use crate::state::keys::{self, Side};
use crate::state::rows::Standing;
use footbridge_model::document::Document;
use footbridge_model::failure::{FailureKind, Problem};
use footbridge_model::id::{ConnectionId, OpId, RecordKey, RequestId};
use footbridge_model::plan::{Expectation, Op, Plan, reason};
use footbridge_model::plugin::{Operation, Outcome, Verdict};
use footbridge_model::receivable::is_receivable;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// So often an operation is tried again in one run, where the far side asks for it.
const TRIES: u32 = 4;
/// Longest wait inside a run before an operation is tried again.
const LONGEST_WAIT: u32 = 70;

/// What a connector says of a request that the far side refused as a whole, doing nothing and blaming no operation.
const WHOLE_REQUEST: &str = "whole-request";

/// Connections that take nothing more in a run, with why.
pub(crate) type Closed = BTreeMap<ConnectionId, String>;

/// What became of a request of a wave.
enum Carried {
    /// It was sent, as this request: the final outcomes so far.
    Sent(RequestId, Vec<Outcome>),
    /// One of its targets has an unresolved write.
    Taken,
    /// Its connection takes nothing more.
    Closed,
}

/// What became of a plan.
#[derive(Debug, Default)]
pub(crate) struct Executed {
    /// Applied operations with the record's id and document as reported.
    pub(crate) applied: BTreeMap<OpId, (String, Document)>,
    /// Operations with a final failure in this run.
    pub(crate) failed: BTreeMap<OpId, String>,
    /// Of those, the ones whose number or name another record has.
    pub(crate) taken: BTreeSet<OpId>,
    /// Operations whose target no longer was as expected.
    pub(crate) stale: BTreeSet<OpId>,
    /// Operations that were never sent because what they need failed, with the first of what they need that did.
    pub(crate) blocked: BTreeMap<OpId, OpId>,
    /// The request that carried an operation last.
    pub(crate) requests: BTreeMap<OpId, RequestId>,
    /// Operations whose effect isn't known.
    pub(crate) in_doubt: BTreeSet<OpId>,
    /// Connections that take nothing more in this run, with why: a refused credential, a used-up quota.
    pub(crate) closed: Closed,
    /// Records of which the rails hold something back: the next run looks at them again.
    pub(crate) unfinished: BTreeSet<RecordKey>,
    tries: BTreeMap<OpId, u32>,
    /// Operations of a request that was refused as a whole go again in halves: which half each is in.
    halves: BTreeMap<OpId, usize>,
    split: usize,
}

impl Executed {
    fn is_over(&self, id: &OpId) -> bool {
        self.applied.contains_key(id) || self.is_lost(id)
    }

    fn is_lost(&self, id: &OpId) -> bool {
        self.failed.contains_key(id)
            || self.stale.contains(id)
            || self.blocked.contains_key(id)
            || self.in_doubt.contains(id)
    }
}

impl Engine {
    /// Carries a plan out.
    pub(crate) async fn execute(
        self: &Arc<Self>,
        sides: &Sides,
        plan: &Plan,
        closed: Closed,
    ) -> Result<Executed, EngineError> {
        let mut done = Executed {
            closed,
            ..Executed::default()
        };
        let ops: BTreeMap<&OpId, &Op> = plan.ops.iter().map(|op| (&op.id, op)).collect();
        loop {
            let open: Vec<&Op> = plan.ops.iter().filter(|op| !done.is_over(&op.id)).collect();
            for op in &open {
                if let Some(parent) = op.after.iter().find(|id| done.is_lost(id)) {
                    let first = done.blocked.get(parent).unwrap_or(parent).clone();
                    if let (Some(parent), Some(first)) = (ops.get(parent), ops.get(&first)) {
                        // Of the same deal and part: what was noted about the parent says more.
                        if parent.subject != op.subject {
                            self.note_blocked(op, first, &done).await?;
                        }
                    }
                    done.blocked.insert(op.id.clone(), first);
                }
            }
            let ready: Vec<&Op> = open
                .into_iter()
                .filter(|op| !done.is_over(&op.id))
                .filter(|op| op.after.iter().all(|id| done.applied.contains_key(id)))
                .collect();
            if ready.is_empty() {
                return Ok(done);
            }
            let mut by_connection: BTreeMap<(ConnectionId, usize), Vec<Op>> = BTreeMap::new();
            for op in ready {
                let side = self.side_of(sides, &op.connection);
                if !self.holds(side, op).await? {
                    done.stale.insert(op.id.clone());
                    continue;
                }
                let filled = fill(op, &done.applied);
                if matches!(&filled.doc, Document::Object(fields) if fields.is_empty()) {
                    done.stale.insert(op.id.clone());
                    continue;
                }
                let half = done.halves.get(&op.id).copied().unwrap_or_default();
                by_connection
                    .entry((op.connection.clone(), half))
                    .or_default()
                    .push(filled);
            }
            for ((connection, _), mut ops) in by_connection {
                let over = self.over_another(sides, &ops).await;
                ops.retain(|op| !over.contains(&op.id));
                done.stale.extend(over);
                self.wave(sides, &connection, ops, &mut done).await?;
            }
        }
    }

    pub(crate) fn side_of<'a>(&self, sides: &'a Sides, connection: &ConnectionId) -> &'a Side {
        if *connection == sides.source.0 {
            &sides.source
        } else {
            &sides.ledger
        }
    }

    /// Operations of one connection that need nothing more: packed, journalled, sent.
    async fn wave(
        self: &Arc<Self>,
        sides: &Sides,
        connection: &ConnectionId,
        ops: Vec<Op>,
        done: &mut Executed,
    ) -> Result<(), EngineError> {
        if let Some(why) = done.closed.get(connection).cloned() {
            return self.not_tried(connection, &ops, &why, done).await;
        }
        let mut offered = Vec::with_capacity(ops.len());
        for op in ops {
            match self.refused_today(&op).await? {
                Some(refused) => {
                    let (why, request) = (refused.message, refused.request);
                    self.note_refused_today(connection, &op, &why).await?;
                    done.requests
                        .extend(request.map(|request| (op.id.clone(), request)));
                    done.failed.insert(op.id, why);
                }
                None => offered.push(op),
            }
        }
        let ops = offered;
        let organisation = self.side_of(sides, connection).1.clone();
        let operations = ops.iter().map(operation).collect();
        let prepared = self.prepare(connection, operations).await;
        let ops: BTreeMap<String, Op> = ops.into_iter().map(|op| (op.id.to_string(), op)).collect();
        for (id, problem) in prepared.refused {
            if let Some(op) = ops.get(id.as_str()) {
                self.note_refused(connection, op, &problem).await?;
                done.failed.insert(id, problem.told());
            }
        }
        let packed: BTreeSet<&str> = prepared
            .requests
            .iter()
            .flat_map(|request| request.operations.iter().map(String::as_str))
            .collect();
        for op in ops.values() {
            if !packed.contains(op.id.as_str()) && !done.failed.contains_key(&op.id) {
                let problem = Problem::new("internal", "its connector left it out");
                self.note_refused(connection, op, &problem).await?;
                done.failed.insert(op.id.clone(), problem.told());
            }
        }
        // Rows that hang on one account or document lock it: they go one request after the other.
        let in_turn = ops.values().all(|op| is_receivable(op.object.as_str()));
        let turns = if in_turn {
            1
        } else {
            self.flow.timing.concurrency.max(1)
        };
        let gate = Arc::new(Semaphore::new(turns));
        let shut: Arc<OnceLock<String>> = Arc::default();
        let mut running: JoinSet<Result<(Vec<OpId>, Carried), EngineError>> = JoinSet::new();
        for request in prepared.requests {
            let carried: Vec<Op> = request
                .operations
                .iter()
                .filter_map(|id| ops.get(id).cloned())
                .collect();
            let (engine, gate, shut) = (Arc::clone(self), Arc::clone(&gate), Arc::clone(&shut));
            let (connection, organisation) = (connection.clone(), organisation.clone());
            running.spawn(async move {
                let _turn = gate.acquire_owned().await;
                let ids = carried.iter().map(|op| op.id.clone()).collect();
                if shut.get().is_some() {
                    return Ok((ids, Carried::Closed));
                }
                if let Some(why) = engine.barred() {
                    let _ = shut.set(why);
                    return Ok((ids, Carried::Closed));
                }
                let intent = engine
                    .intend(&connection, &organisation, &request, &carried)
                    .await?;
                let Intent::Stored(row) = intent else {
                    return Ok((ids, Carried::Taken));
                };
                let sent = row.id.clone();
                let outcomes = engine.carry(*row).await?;
                if let Some(why) = outcomes.iter().find_map(closes) {
                    // The first one to say so is enough.
                    let _ = shut.set(why);
                }
                Ok((ids, Carried::Sent(sent, outcomes)))
            });
        }
        // Every request under way is seen through before an error of one ends the run.
        let mut broken = None;
        let mut wait = None;
        let mut untried = Vec::new();
        while let Some(joined) = running.join_next().await {
            match joined {
                Ok(Ok((ids, Carried::Sent(request, outcomes)))) => {
                    let sent = ids.iter().map(|id| (id.clone(), request.clone()));
                    done.requests.extend(sent);
                    wait = wait.max(self.take(ids, outcomes, done));
                }
                Ok(Ok((ids, Carried::Taken))) => done.stale.extend(ids),
                Ok(Ok((ids, Carried::Closed))) => untried.extend(ids),
                Ok(Err(error)) => broken = Some(error),
                Err(error) => {
                    broken = Some(EngineError::Format {
                        key: "a request's task".to_owned(),
                        why: error.to_string(),
                    });
                }
            }
        }
        if let Some(error) = broken {
            return Err(error);
        }
        if let Some(why) = shut.get() {
            done.closed.insert(connection.clone(), why.clone());
            let untried: Vec<Op> = untried
                .iter()
                .filter_map(|id| ops.get(id.as_str()).cloned())
                .collect();
            return self.not_tried(connection, &untried, why, done).await;
        }
        if let Some(seconds) = wait {
            self.watch.at(&crate::watch::Point::Waiting {
                seconds: u64::from(seconds),
                why: format!("{connection} asked for a pause"),
            });
            self.clock
                .sleep(Duration::from_secs(u64::from(seconds)))
                .await;
        }
        Ok(())
    }

    /// Sorts outcomes; returns the wait after which some should be tried again.
    fn take(&self, ids: Vec<OpId>, outcomes: Vec<Outcome>, done: &mut Executed) -> Option<u32> {
        let whole = |outcome: &Outcome| match &outcome.verdict {
            Verdict::Failed(failure) => failure.problem.extra.as_deref() == Some(WHOLE_REQUEST),
            Verdict::Applied(_) => false,
        };
        if ids.len() > 1 && outcomes.len() == ids.len() && outcomes.iter().all(whole) {
            let middle = ids.len() / 2;
            for (n, id) in ids.into_iter().enumerate() {
                let half = done.split + if n < middle { 1 } else { 2 };
                done.halves.insert(id, half);
            }
            done.split += 2;
            return None;
        }
        let mut wait = None;
        let mut unknown: BTreeSet<OpId> = ids.into_iter().collect();
        for outcome in outcomes {
            let id = OpId::new(outcome.operation);
            unknown.remove(&id);
            match outcome.verdict {
                Verdict::Applied(applied) => {
                    let doc = Document::from_plugin(&applied.doc).unwrap_or(Document::Null);
                    done.applied.insert(id, (applied.id, doc));
                }
                Verdict::Failed(failure) => {
                    let tries = done.tries.entry(id.clone()).or_default();
                    *tries += 1;
                    let seconds = failure
                        .retry_after_seconds
                        .unwrap_or(1u32 << (*tries).min(5));
                    let again = failure.kind == FailureKind::Retry
                        && *tries < TRIES
                        && seconds <= LONGEST_WAIT;
                    if again {
                        wait = wait.max(Some(seconds));
                    } else {
                        if is_taken(&failure) {
                            done.taken.insert(id.clone());
                        }
                        done.failed.insert(id, failure.problem.told());
                    }
                }
            }
        }
        done.in_doubt.extend(unknown);
        wait
    }

    /// Whether the target still is as the plan expected, by what the mirror and the links know now.
    async fn holds(&self, side: &Side, op: &Op) -> Result<bool, EngineError> {
        let object = op.object.as_str();
        match &op.expects {
            Expectation::Absent => {
                if self
                    .state
                    .store
                    .get(&keys::link(&op.link.id))
                    .await?
                    .is_some()
                {
                    return Ok(false);
                }
                let found = match op.natural_key.field.as_str() {
                    "url" => match crate::mirror::our_key(&op.natural_key.value) {
                        Some(key) => self.state.by_index(side, object, "key", key).await?,
                        None => Vec::new(),
                    },
                    field => {
                        let value = &op.natural_key.value;
                        self.state.by_index(side, object, field, value).await?
                    }
                };
                Ok(found.is_empty())
            }
            Expectation::Version(version) => {
                let Some(target) = &op.target else {
                    return Ok(false);
                };
                let known = self.state.mirrored(side, object, target.as_str()).await?;
                Ok(known.is_some_and(|record| record.version == *version))
            }
        }
    }

    /// Operations that are left for another run, because their connection takes nothing more in this one.
    async fn not_tried(
        &self,
        connection: &ConnectionId,
        ops: &[Op],
        why: &str,
        done: &mut Executed,
    ) -> Result<(), EngineError> {
        let mut changes = Changes::default();
        for op in ops {
            let message = format!(
                "{}: {connection} wasn't asked, because it takes nothing more in this run: {why}",
                self.left_undone(op).trim_end_matches('.')
            );
            let said = (reason::TRY_AGAIN, message.as_str());
            self.decide_of(&mut changes, None, op, Standing::Waiting, said)
                .await?;
            done.failed.insert(op.id.clone(), why.to_owned());
        }
        self.state.commit(changes.into_set()).await
    }

    async fn note_refused(
        &self,
        connection: &ConnectionId,
        op: &Op,
        problem: &Problem,
    ) -> Result<(), EngineError> {
        let mut changes = Changes::default();
        let message = format!(
            "{}: it can't be written to {connection}: {} ({}). Nothing was sent",
            self.left_undone(op).trim_end_matches('.'),
            problem.told(),
            problem.code
        );
        let said = (reason::REJECTED, message.as_str());
        self.decide_of(&mut changes, None, op, Standing::Waiting, said)
            .await?;
        self.state.commit(changes.into_set()).await
    }

    async fn note_refused_today(
        &self,
        connection: &ConnectionId,
        op: &Op,
        why: &str,
    ) -> Result<(), EngineError> {
        let mut changes = Changes::default();
        let message = format!(
            "{connection} did not take it: {}. It isn't offered again today as it is: correct it, or `footbridge items retry`. {}",
            why.trim_end().trim_end_matches('.'),
            self.left_undone(op)
        );
        let said = (reason::REJECTED, message.as_str());
        self.decide_of(&mut changes, None, op, Standing::Refused, said)
            .await?;
        self.state.commit(changes.into_set()).await
    }
}

/// A plan's operation as the connector takes it.
fn operation(op: &Op) -> Operation {
    Operation {
        id: op.id.to_string(),
        action: op.action,
        object: op.object.to_string(),
        target: op.target.as_ref().map(ToString::to_string),
        doc: op.doc.canonical(),
    }
}

/// Why an outcome means that its connection takes nothing more in this run.
fn closes(outcome: &Outcome) -> Option<String> {
    let Verdict::Failed(failure) = &outcome.verdict else {
        return None;
    };
    let over = match failure.kind {
        FailureKind::AuthExpired => true,
        FailureKind::Quota => failure
            .retry_after_seconds
            .is_none_or(|seconds| seconds > LONGEST_WAIT),
        _ => false,
    };
    over.then(|| failure.problem.message.clone())
}

/// The operation with every `{"$op": ...}` replaced by what that operation's record reported. A field for which it reported
/// nothing is left out: an unread value never overwrites a stored one.
fn fill(op: &Op, applied: &BTreeMap<OpId, (String, Document)>) -> Op {
    let mut filled = op.clone();
    filled.doc = filled_in(&op.doc, applied);
    if let Document::Object(fields) = &mut filled.doc {
        fields.retain(|_, value| value.text("$op").is_none());
    }
    if let Some(customer) = filled.doc.text("customer") {
        filled.natural_key.parents = vec![customer.to_owned()];
    }
    filled
}

pub(crate) fn filled_in(doc: &Document, applied: &BTreeMap<OpId, (String, Document)>) -> Document {
    match doc {
        Document::Object(map) => match (doc.text("$op"), doc.text("field")) {
            (Some(op), Some(field)) => {
                let Some((id, reported)) = applied.get(&OpId::new(op)) else {
                    return doc.clone();
                };
                let value = match field {
                    "id" => Some(id.as_str()),
                    field => reported.text(field),
                };
                let prefix = doc.text("prefix").unwrap_or("");
                value.map_or_else(
                    || doc.clone(),
                    |value| Document::Text(format!("{prefix}{value}")),
                )
            }
            _ => Document::Object(
                map.iter()
                    .map(|(key, value)| (key.clone(), filled_in(value, applied)))
                    .collect(),
            ),
        },
        Document::List(items) => {
            Document::List(items.iter().map(|item| filled_in(item, applied)).collect())
        }
        other => other.clone(),
    }
}
