//! Intent: before the first byte of a write leaves, the exact request, its key and a claim on every target are durable.
//!
//! The claim is the unique row of design invariant 4: a second write to a natural key can't be started before the first has its final outcome.
//! `carry` goes on from here.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::state::keys;
use crate::state::rows::{Event, Happened, Head, Ours, Request, Target};
use crate::watch::Point;
use footbridge_model::id::{ConnectionId, OrganisationId, RequestId};
use footbridge_model::link::Role;
use footbridge_model::plan::{Op, Subject, key};
use footbridge_model::plugin::WriteRequest;
use footbridge_model::request::RequestState;
use footbridge_store::CommitError;
use std::sync::atomic::{AtomicU64, Ordering};

/// Rows of one microsecond keep their order by this.
pub(crate) fn next_number() -> u64 {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// How an intent went.
pub(crate) enum Intent {
    /// It is durable.
    Stored(Box<Request>),
    /// One of its targets has an unresolved write already; nothing was stored.
    Taken,
}

/// Longest text in bytes that people get to read of one thing; a far side's message can be of any length.
const LONGEST_TEXT: usize = 4 * 1024;

/// The subject with a title that fits a row.
pub(crate) fn titled(subject: &Subject) -> Subject {
    Subject {
        title: short(subject.title.clone()),
        ..subject.clone()
    }
}

/// The text, cut where it is too long for a row.
pub(crate) fn short(mut text: String) -> String {
    if text.len() > LONGEST_TEXT {
        let end = (0..=LONGEST_TEXT)
            .rev()
            .find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
        text.push_str(" ...");
    }
    text
}

impl Engine {
    /// Makes the intent durable. `ops` are the request's operations in order, references resolved.
    pub(crate) async fn intend(
        &self,
        connection: &ConnectionId,
        organisation: &OrganisationId,
        request: &WriteRequest,
        ops: &[Op],
    ) -> Result<Intent, EngineError> {
        let now = self.clock.now();
        let side = (connection.clone(), organisation.clone());
        let body = self.state.put_body(request.body.clone()).await?;
        let carried = serde_json::to_vec(ops).map_err(|e| EngineError::Format {
            key: "operations".to_owned(),
            why: e.to_string(),
        })?;
        let carried = self.state.put_body(carried).await?;
        let installation = self.state.store.meta().installation.clone();
        let instant = now.timestamp_micros().to_string();
        let number = next_number().to_string();
        let id = RequestId::new(key(&[&installation, &carried, &body, &instant, &number]));
        let row = Request {
            key: key(&[
                "idempotency",
                &installation,
                connection.as_str(),
                id.as_str(),
            ]),
            id: id.clone(),
            flow: self.flow.name.clone(),
            connection: connection.clone(),
            organisation: organisation.clone(),
            plugin: self.connector(connection).digest().to_string(),
            state: RequestState::Started,
            doubt: None,
            started_at: now,
            last_sent_at: now,
            seen_at: now,
            epoch: self.state.store.meta().epoch,
            clock_went_back: false,
            sends: 0,
            head: Head {
                service: request.service.clone(),
                method: request.method,
                path: request.path.clone(),
                query: request.query.clone(),
                headers: request.headers.clone(),
                content_type: request.content_type.clone(),
                operations: request.operations.clone(),
            },
            body,
            ops: carried,
            open: ops.iter().map(|op| op.id.clone()).collect(),
            answer: None,
        };
        let mut changes = Changes::default();
        changes.put(&keys::request(id.as_str()), &row)?;
        changes.put(&keys::open(id.as_str()), &())?;
        let mut targets = Vec::with_capacity(ops.len());
        for op in ops {
            let target = keys::target(&side, op.object.as_str(), &op.natural_key);
            let held = Target {
                request: id.clone(),
            };
            changes.put(&target, &held)?;
            targets.push(target);
            if op.link.role == Role::Billing {
                let ours = Ours {
                    deal: op.link.source.id.clone(),
                };
                changes.put(&keys::ours(&op.link.id), &ours)?;
            }
        }
        let text = format!("sending {} operation(s) to {connection}", ops.len());
        self.journal(&mut changes, Happened::Intent, text, Some(&id), None)?;
        let set = targets
            .into_iter()
            .fold(changes.into_set(), |set, target| set.absent(target));
        self.watch.at(&Point::BeforeIntent(id.clone()));
        match self.state.store.commit(set).await {
            Ok(_) => {}
            Err(CommitError::Conflict { .. }) => return Ok(Intent::Taken),
            Err(other) => return Err(other.into()),
        }
        self.watch.at(&Point::IntentStored(id));
        Ok(Intent::Stored(Box::new(row)))
    }

    /// Adds a line of the journal to the changes.
    pub(crate) fn journal(
        &self,
        changes: &mut Changes,
        what: Happened,
        text: String,
        request: Option<&RequestId>,
        subject: Option<&footbridge_model::id::RecordKey>,
    ) -> Result<(), EngineError> {
        note_event(changes, self.clock.now(), what, text, request, subject)
    }
}

/// The same for whoever has no flow.
pub(crate) fn note_event(
    changes: &mut Changes,
    at: chrono::DateTime<chrono::Utc>,
    what: Happened,
    text: String,
    request: Option<&RequestId>,
    subject: Option<&footbridge_model::id::RecordKey>,
) -> Result<(), EngineError> {
    let micros = u64::try_from(at.timestamp_micros()).unwrap_or(0);
    let number = next_number();
    let event = Event {
        at,
        what,
        text: short(text),
        request: request.cloned(),
        subject: subject.cloned(),
    };
    changes.put(&keys::event(micros, number), &event)
}
