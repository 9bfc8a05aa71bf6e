//! Carry: one journalled request is sent, its answer made durable, then interpreted. Each arrow is one commit.
//!
//! It never decides that a lost request had no effect: that is `recover`'s, by rule. Interpretation may be repeated after any crash.

use crate::awake::STOOD_STILL;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::ports::{CallError, Sent};
use crate::state::keys;
use crate::state::rows::{Doubt, Ended, Happened, Ops, Request};
use crate::watch::Point;
use footbridge_model::document::Document;
use footbridge_model::failure::{Failure, FailureKind};
use footbridge_model::plan::Op;
use footbridge_model::plugin::{Action, Answer, Outcome, Verdict, WriteRequest};
use footbridge_model::request::RequestEvent;
use std::time::Duration;

/// Longest wait for a budget before the work is rescheduled instead.
const LONGEST_WAIT: u32 = 70;
/// A stopped flow isn't tried again within its run: nobody knows when it goes on.
const STOPPED: u32 = u32::MAX;
/// So often a budget is waited for in a row.
const MOST_WAITS: u32 = 4;

impl Engine {
    /// Sends a request whose intent is durable and sees it through. Returns the final outcomes so far.
    pub(crate) async fn carry(&self, mut request: Request) -> Result<Vec<Outcome>, EngineError> {
        let wire = self.wire(&request).await?;
        let first = request.sends == 0;
        if first && self.stood_still_since(request.started_at) {
            return self.left_alone(request).await;
        }
        request.sends += 1;
        let mut waits = 0;
        loop {
            // Durable before the first byte: a request with no send on its row provably never left, and no age counts from earlier.
            self.note_send(&mut request, first).await?;
            self.watch.at(&Point::Sending(request.id.clone()));
            if self.stood_still_since(request.last_sent_at) {
                if first {
                    return self.left_alone(request).await;
                }
                // Nothing new is known of what was sent before.
                let doubt = request.doubt.clone().unwrap_or_else(never_answered);
                self.doubt(&mut request, doubt).await?;
                return Ok(Vec::new());
            }
            let sent = match self.barred() {
                Some(why) => Sent::NotSent {
                    why,
                    retry_after_seconds: Some(STOPPED),
                },
                None => {
                    let (connection, key) = (&request.connection, &request.key);
                    self.outbound.send(connection, &wire, key).await
                }
            };
            match sent {
                Sent::Answered(answer) => {
                    return self.answered(request, &wire, answer).await;
                }
                Sent::NotSent {
                    retry_after_seconds: Some(seconds),
                    why,
                } if first && seconds <= LONGEST_WAIT && waits < MOST_WAITS => {
                    waits += 1;
                    self.watch.at(&Point::Waiting {
                        seconds: u64::from(seconds),
                        why,
                    });
                    self.clock
                        .sleep(Duration::from_secs(u64::from(seconds)))
                        .await;
                }
                Sent::NotSent {
                    why,
                    retry_after_seconds,
                } => {
                    if !first {
                        // Nothing new is known of what was sent before.
                        let doubt = request.doubt.clone().unwrap_or(Doubt {
                            why,
                            ..never_answered()
                        });
                        self.doubt(&mut request, doubt).await?;
                        return Ok(Vec::new());
                    }
                    return self.not_sent(request, &why, retry_after_seconds).await;
                }
                Sent::Lost { why } => {
                    let doubt = Doubt {
                        why,
                        ended: Ended::Unknown,
                    };
                    self.doubt(&mut request, doubt).await?;
                    return Ok(Vec::new());
                }
            }
        }
    }

    /// Whether so long ago that someone else may have seen it through meanwhile: a machine that slept, a process that was stopped
    /// while another one went on from a copy. What is old is looked at before it is sent.
    fn stood_still_since(&self, then: chrono::DateTime<chrono::Utc>) -> bool {
        let passed = self.clock.now().signed_duration_since(then);
        passed.to_std().is_ok_and(|passed| passed > STOOD_STILL)
    }

    /// Ends a request that never left and is too old to leave: the next run reads both sides and plans it anew, if it is still to be done.
    async fn left_alone(&self, mut request: Request) -> Result<Vec<Outcome>, EngineError> {
        let ops = self.ops(&request).await?;
        let outcomes: Vec<Outcome> = ops
            .iter()
            .map(|op| Outcome {
                operation: op.id.to_string(),
                verdict: Verdict::Failed(Failure::new(
                    FailureKind::Conflict,
                    "stood-still",
                    "Nothing was sent: the process stood still for over a minute before it. The next run looks again",
                )),
            })
            .collect();
        request.state = request.state.next(RequestEvent::NotSent)?;
        self.settle(&mut request, &ops, &outcomes, Happened::Applied, None)
            .await?;
        Ok(outcomes)
    }

    async fn note_send(&self, request: &mut Request, first: bool) -> Result<(), EngineError> {
        let now = self.clock.now();
        if first {
            request.started_at = now;
        }
        request.last_sent_at = now;
        request.seen_at = request.seen_at.max(now);
        let mut changes = Changes::default();
        changes.put(&keys::request(request.id.as_str()), request)?;
        self.state.commit(changes.into_set()).await
    }

    /// Makes an answer durable and interprets it.
    async fn answered(
        &self,
        mut request: Request,
        wire: &WriteRequest,
        answer: Answer,
    ) -> Result<Vec<Outcome>, EngineError> {
        self.watch.at(&Point::AnswerReceived(request.id.clone()));
        let bytes = serde_json::to_vec(&answer).map_err(|e| EngineError::Format {
            key: "answer".to_owned(),
            why: e.to_string(),
        })?;
        request.answer = Some(self.state.put_body(bytes).await?);
        request.state = request.state.next(RequestEvent::Answer)?;
        let mut changes = Changes::default();
        changes.put(&keys::request(request.id.as_str()), &request)?;
        let text = format!("{} answered {}", request.connection, answer.status);
        self.journal(
            &mut changes,
            Happened::Answer,
            text,
            Some(&request.id),
            None,
        )?;
        self.state.commit(changes.into_set()).await?;
        self.watch.at(&Point::AnswerStored(request.id.clone()));
        self.interpret(request, wire, &answer).await
    }

    /// Interprets a durable answer and settles what has a final outcome. Safe to repeat.
    pub(crate) async fn interpret(
        &self,
        mut request: Request,
        wire: &WriteRequest,
        answer: &Answer,
    ) -> Result<Vec<Outcome>, EngineError> {
        let connector = self.connector(&request.connection);
        let read = connector.interpret(wire, answer).await;
        let outcomes = match read.and_then(|outcomes| complete(&request, outcomes)) {
            Ok(outcomes) => outcomes,
            Err(error) => {
                let why = match &error {
                    CallError::Plugin { .. } => {
                        format!(
                            "its answer (status {}) can't be understood: {error}",
                            answer.status
                        )
                    }
                    CallError::Failure(failure) => failure.problem.message.clone(),
                };
                let doubt = Doubt {
                    why,
                    ended: ended(answer.status),
                };
                self.doubt(&mut request, doubt).await?;
                return Ok(Vec::new());
            }
        };
        let ops = self.ops(&request).await?;
        let repeated = request.sends > 1;
        let (open, known): (Vec<_>, Vec<_>) = outcomes
            .into_iter()
            .filter(|outcome| {
                request
                    .open
                    .iter()
                    .any(|id| id.as_str() == outcome.operation)
            })
            .partition(|outcome| {
                in_doubt(&outcome.verdict) || (repeated && self.may_be_the_first(&ops, outcome))
            });
        let doubt = open.first().map(|outcome| Doubt {
            why: match &outcome.verdict {
                Verdict::Failed(failure) => failure.problem.message.clone(),
                Verdict::Applied(_) => String::new(),
            },
            ended: ended(answer.status),
        });
        self.settle(&mut request, &ops, &known, Happened::Applied, doubt)
            .await?;
        Ok(known)
    }

    /// A no to a repeated request, whatever its words (a limit, a right, a unique key), says nothing of the first one, which may
    /// still take effect. Only a yes ends the doubt about something that is made.
    fn may_be_the_first(&self, ops: &[Op], outcome: &Outcome) -> bool {
        matches!(&outcome.verdict, Verdict::Failed(_))
            && ops
                .iter()
                .find(|op| op.id.as_str() == outcome.operation)
                .is_some_and(|op| op.action == Action::Create)
    }

    /// Marks a request as in doubt, durably.
    pub(crate) async fn doubt(
        &self,
        request: &mut Request,
        doubt: Doubt,
    ) -> Result<(), EngineError> {
        request.state = request.state.next(RequestEvent::Lost)?;
        let mut changes = Changes::default();
        let text = format!("{}: {}", request.connection, doubt.why);
        request.doubt = Some(doubt.after(request.doubt.as_ref()));
        request.seen_at = request.seen_at.max(self.clock.now());
        changes.put(&keys::request(request.id.as_str()), request)?;
        let ops = self.ops(request).await?;
        self.note_doubts(&mut changes, request, &ops).await?;
        self.journal(&mut changes, Happened::Doubt, text, Some(&request.id), None)?;
        self.state.commit(changes.into_set()).await
    }

    pub(crate) async fn not_sent(
        &self,
        mut request: Request,
        why: &str,
        retry_after_seconds: Option<u32>,
    ) -> Result<Vec<Outcome>, EngineError> {
        let ops = self.ops(&request).await?;
        let kind = match retry_after_seconds {
            Some(_) => FailureKind::Quota,
            None => FailureKind::Retry,
        };
        let outcomes: Vec<Outcome> = ops
            .iter()
            .map(|op| Outcome {
                operation: op.id.to_string(),
                verdict: Verdict::Failed(Failure {
                    retry_after_seconds,
                    ..Failure::new(kind, "not-sent", format!("Nothing was sent: {why}"))
                }),
            })
            .collect();
        request.state = request.state.next(RequestEvent::NotSent)?;
        self.settle(&mut request, &ops, &outcomes, Happened::Applied, None)
            .await?;
        Ok(outcomes)
    }

    /// The request as it is on the wire, with its exact bytes.
    pub(crate) async fn wire(&self, request: &Request) -> Result<WriteRequest, EngineError> {
        let head = &request.head;
        Ok(WriteRequest {
            service: head.service.clone(),
            method: head.method,
            path: head.path.clone(),
            query: head.query.clone(),
            headers: head.headers.clone(),
            content_type: head.content_type.clone(),
            body: self.state.body(&request.body).await?,
            operations: head.operations.clone(),
        })
    }

    /// The operations of a request.
    pub(crate) async fn ops(&self, request: &Request) -> Result<Vec<Op>, EngineError> {
        let bytes = self.state.body(&request.ops).await?;
        serde_json::from_slice::<Ops>(&bytes).map_err(|e| EngineError::Format {
            key: format!("operations of request {}", request.id),
            why: e.to_string(),
        })
    }
}

/// One readable outcome for each open operation; anything else puts the request in doubt.
fn complete(request: &Request, outcomes: Vec<Outcome>) -> Result<Vec<Outcome>, CallError> {
    let nonsense = |what: String| CallError::Plugin {
        plugin: request.connection.to_string(),
        what,
    };
    for id in &request.open {
        let mut its = outcomes.iter().filter(|o| o.operation == id.as_str());
        if its.next().is_none() || its.next().is_some() {
            return Err(nonsense(format!("gave not one outcome for operation {id}")));
        }
    }
    for outcome in &outcomes {
        let Verdict::Applied(applied) = &outcome.verdict else {
            continue;
        };
        let readable = Document::from_plugin(&applied.doc);
        if applied.id.is_empty() || !matches!(readable, Ok(Document::Object(_))) {
            return Err(nonsense(format!(
                "reports operation {} as applied, without a record that can be read",
                outcome.operation
            )));
        }
    }
    Ok(outcomes)
}

fn never_answered() -> Doubt {
    Doubt {
        why: "no answer came".to_owned(),
        ended: Ended::Unknown,
    }
}

fn in_doubt(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Failed(failure) if failure.kind == FailureKind::InDoubt)
}

/// Whether an answer of this status says that the far side itself had finished. A gateway that gave up (502, 504) doesn't.
fn ended(status: u16) -> Ended {
    match status {
        408 | 502 | 503 | 504 => Ended::Unknown,
        _ => Ended::Answered,
    }
}
