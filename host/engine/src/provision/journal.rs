//! The journal of provisioning: the rows that every write has, without operations of a flow.
//!
//! The exact request and its key are durable before the first byte, the answer before anyone reads it, and one claim lets no second
//! provisioning of a connection start while one is open.

use super::{Provisioning, told};
use crate::error::EngineError;
use crate::intent::note_event;
use crate::mirror::Changes;
use crate::state::keys::{self, Side};
use crate::state::rows::{Doubt, Ended, Happened, Head, Request, Target};
use footbridge_model::id::{FlowName, RequestId};
use footbridge_model::plan::{NaturalKey, key};
use footbridge_model::plugin::{Answer, WriteRequest};
use footbridge_model::request::{RequestEvent, RequestState};
use footbridge_store::key::{Segment, segments};
use footbridge_store::{CommitError, Key};

/// Stands where a flow's name would: no flow recovers these requests.
const FLOW: &str = "(provision)";

impl Provisioning {
    /// Makes the intent durable; none if another one is open.
    pub(super) async fn intend(
        &self,
        side: &Side,
        request: &WriteRequest,
    ) -> Result<Option<Request>, EngineError> {
        let now = self.clock.now();
        let body = self.state.put_body(request.body.clone()).await?;
        let ops = self.state.put_body(b"[]".to_vec()).await?;
        let installation = self.state.store.meta().installation.clone();
        let instant = now.timestamp_micros().to_string();
        let id = RequestId::new(key(&[FLOW, &installation, &request.path, &body, &instant]));
        let row = Request {
            key: key(&[
                "idempotency",
                &installation,
                self.connection.as_str(),
                id.as_str(),
            ]),
            id: id.clone(),
            flow: FlowName::new(FLOW),
            connection: self.connection.clone(),
            organisation: side.1.clone(),
            plugin: self.connector.digest().to_string(),
            state: RequestState::Started,
            doubt: None,
            started_at: now,
            last_sent_at: now,
            seen_at: now,
            // Setting up goes by looking; its requests are never sent again.
            epoch: 0,
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
            ops,
            open: Vec::new(),
            answer: None,
        };
        let mut changes = Changes::default();
        changes.put(&keys::request(id.as_str()), &row)?;
        changes.put(&keys::open(id.as_str()), &())?;
        let claim = claim(side);
        changes.put(
            &claim,
            &Target {
                request: id.clone(),
            },
        )?;
        let text = format!("sending {} to {}", told(request), self.connection);
        self.event(&mut changes, Happened::Intent, text, &id)?;
        match self
            .state
            .store
            .commit(changes.into_set().absent(claim))
            .await
        {
            Ok(_) => Ok(Some(row)),
            Err(CommitError::Conflict { .. }) => Ok(None),
            Err(other) => Err(other.into()),
        }
    }

    /// That it is being sent is durable before the first byte.
    pub(super) async fn note_send(&self, row: &mut Request) -> Result<(), EngineError> {
        let now = self.clock.now();
        row.sends += 1;
        row.started_at = now;
        row.last_sent_at = now;
        row.seen_at = now;
        let mut changes = Changes::default();
        changes.put(&keys::request(row.id.as_str()), row)?;
        self.state.commit(changes.into_set()).await
    }

    /// Makes an answer durable.
    pub(super) async fn answered(
        &self,
        row: &mut Request,
        answer: &Answer,
    ) -> Result<(), EngineError> {
        let bytes = serde_json::to_vec(answer).map_err(|e| EngineError::Format {
            key: "answer".to_owned(),
            why: e.to_string(),
        })?;
        row.answer = Some(self.state.put_body(bytes).await?);
        row.state = row.state.next(RequestEvent::Answer)?;
        let mut changes = Changes::default();
        changes.put(&keys::request(row.id.as_str()), row)?;
        let text = format!("{} answered {}", self.connection, answer.status);
        self.event(&mut changes, Happened::Answer, text, &row.id)?;
        self.state.commit(changes.into_set()).await
    }

    /// Nobody knows whether it took effect.
    pub(super) async fn doubted(
        &self,
        row: &mut Request,
        why: String,
        ended: Ended,
    ) -> Result<(), EngineError> {
        row.state = row.state.next(RequestEvent::Lost)?;
        let text = format!("{}: {why}", self.connection);
        row.doubt = Some(Doubt { why, ended });
        let mut changes = Changes::default();
        changes.put(&keys::request(row.id.as_str()), row)?;
        self.event(&mut changes, Happened::Doubt, text, &row.id)?;
        self.state.commit(changes.into_set()).await
    }

    /// Nothing is open about it any more.
    pub(super) async fn settled(
        &self,
        side: &Side,
        mut row: Request,
        what: Happened,
        text: String,
    ) -> Result<(), EngineError> {
        let event = match row.state {
            RequestState::Started => RequestEvent::NotSent,
            _ => RequestEvent::Settled,
        };
        row.state = row.state.next(event)?;
        let mut changes = Changes::default();
        changes.put(&keys::request(row.id.as_str()), &row)?;
        changes.delete(&keys::open(row.id.as_str()));
        changes.delete(&claim(side));
        self.event(&mut changes, what, text, &row.id)?;
        self.state.commit(changes.into_set()).await
    }

    /// Requests of this connection that are open.
    pub(super) async fn open(&self) -> Result<Vec<Request>, EngineError> {
        let mut found = Vec::new();
        for key in self.state.keys(&keys::opens().range()).await? {
            let Some(Segment::Text(id)) = segments(&key).and_then(|mut s| s.pop()) else {
                continue;
            };
            let row = self.state.get::<Request>(&keys::request(&id)).await?;
            found.extend(row.map(|row| row.0));
        }
        found.retain(|row| row.flow.as_str() == FLOW && row.connection == self.connection);
        found.sort_by_key(|row| row.started_at);
        Ok(found)
    }

    /// The answer that was kept.
    pub(super) async fn stored_answer(&self, row: &Request) -> Result<Option<Answer>, EngineError> {
        let Some(digest) = &row.answer else {
            return Ok(None);
        };
        let bytes = self.state.body(digest).await?;
        Ok(serde_json::from_slice(&bytes).ok())
    }

    /// The request as it went over the wire.
    pub(super) async fn wire(&self, row: &Request) -> Result<WriteRequest, EngineError> {
        let head = &row.head;
        Ok(WriteRequest {
            service: head.service.clone(),
            method: head.method,
            path: head.path.clone(),
            query: head.query.clone(),
            headers: head.headers.clone(),
            content_type: head.content_type.clone(),
            body: self.state.body(&row.body).await?,
            operations: head.operations.clone(),
        })
    }

    fn event(
        &self,
        changes: &mut Changes,
        what: Happened,
        text: String,
        id: &RequestId,
    ) -> Result<(), EngineError> {
        note_event(changes, self.clock.now(), what, text, Some(id), None)
    }
}

/// The claim on a connection's set-up.
fn claim(side: &Side) -> Key {
    let key = NaturalKey {
        field: "set-up".to_owned(),
        value: String::new(),
        parents: Vec::new(),
    };
    keys::target(side, "(provision)", &key)
}
