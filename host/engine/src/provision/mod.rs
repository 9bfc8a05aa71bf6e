//! Provisioning: a far side is made ready to hold what we write, round by round, after a person's yes.
//!
//! Each round reads how things stand, sends what may be sent now (journalled like every write: `journal`), and waits for what the far
//! side works on. It never goes beyond what was shown before the yes, never sends again what may have arrived without looking first,
//! and can be cut off anywhere: the next run looks at what is open and goes on. Next: the command line shows it.

mod journal;

use crate::engine::Underway;
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::organisation;
use crate::ports::{CallError, Clock, Outbound, Sent};
use crate::state::State;
use crate::state::keys::{self, Side};
use crate::state::rows::{Ended, Happened, Request};
use async_trait::async_trait;
use footbridge_model::Failure;
use footbridge_model::id::{ConnectionId, PluginDigest};
use footbridge_model::plugin::{Answer, OrganisationFound, WriteRequest};
use footbridge_model::provision::{Findings, Part, PartKind, PartState, Progress, Wish};
use footbridge_model::request::RequestState;
use footbridge_store::{Bodies, Store};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Most rounds of one run: a deployment, what follows it, and a last look take three.
const ROUNDS: u32 = 20;
/// First wait for what is under way; each further one is twice as long, up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// So long one change is waited for.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// Wait before looking at what got no answer.
const SETTLING: Duration = Duration::from_secs(2);

/// A connector that sets its far side up, on one connection.
#[async_trait]
pub trait Provisioner: Send + Sync {
    /// The digest of the component, noted in the journal.
    fn digest(&self) -> PluginDigest;
    /// Organisations behind the connection.
    async fn discover(&self) -> Result<Vec<OrganisationFound>, CallError>;
    /// How things stand, and what may be sent now.
    async fn survey(&self, wish: Wish) -> Result<Findings, CallError>;
    /// What an answer means.
    async fn read_answer(
        &self,
        request: &WriteRequest,
        answer: &Answer,
    ) -> Result<Progress, CallError>;
    /// How far a change is.
    async fn look(&self, handle: &str) -> Result<Progress, CallError>;
}

/// What a provisioning works with.
pub struct ProvisioningParts {
    /// Rows.
    pub store: Arc<dyn Store>,
    /// Bodies beside the rows.
    pub bodies: Arc<Bodies>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The connector.
    pub connector: Arc<dyn Provisioner>,
    /// The way out for writes.
    pub outbound: Arc<dyn Outbound>,
    /// Which connection.
    pub connection: ConnectionId,
    /// The organisation that the configuration names for it.
    pub pinned: Option<String>,
}

/// Provisioning of one connection.
pub struct Provisioning {
    state: State,
    clock: Arc<dyn Clock>,
    connector: Arc<dyn Provisioner>,
    outbound: Arc<dyn Outbound>,
    connection: ConnectionId,
    pinned: Option<String>,
}

/// A step that people may follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A request about so many parts is sent.
    Sending {
        /// Parts.
        parts: usize,
    },
    /// The far side works on it.
    Waiting {
        /// Steps done.
        done: u32,
        /// Steps in all.
        total: u32,
    },
    /// How things stand is read again.
    Looking,
}

/// What became of a request.
enum Became {
    Effect,
    Unknown,
    Refused(Vec<Failure>),
}

/// Follows the steps.
pub type Follow<'f> = &'f (dyn Fn(&Step) + Send + Sync);

impl Provisioning {
    /// Nothing is read or sent yet.
    pub fn new(parts: ProvisioningParts) -> Self {
        Self {
            state: State {
                store: parts.store,
                bodies: parts.bodies,
            },
            clock: parts.clock,
            connector: parts.connector,
            outbound: parts.outbound,
            connection: parts.connection,
            pinned: parts.pinned,
        }
    }

    /// Who answers on the connection. It stays with the organisation that it first answered for.
    ///
    /// # Errors
    /// Another organisation answers, or none can be asked.
    pub async fn organisation(&self) -> Result<OrganisationFound, EngineError> {
        Ok(self.side().await?.1)
    }

    /// How things stand. Nothing is sent.
    ///
    /// # Errors
    /// The organisation can't be read, or it is another than the pinned one.
    pub fn survey(&self, wish: Wish) -> Underway<'_, Findings> {
        Box::pin(async move {
            self.side().await?;
            self.look_around(wish).await
        })
    }

    /// Makes it so: only what `approved` shows as open is done. Gives how things stand afterwards.
    ///
    /// # Errors
    /// The far side refused something (the rest was done), something else than approved would be changed, or it doesn't come to an
    /// end. Running it again goes on from there.
    pub fn carry_out<'a>(
        &'a self,
        wish: Wish,
        approved: &'a [Part],
        follow: Follow<'a>,
    ) -> Underway<'a, Findings> {
        Box::pin(async move {
            let (side, _) = self.side().await?;
            let approved: BTreeSet<(PartKind, &str)> = approved
                .iter()
                .filter(|part| part.is_open())
                .map(|part| (part.kind, part.name.as_str()))
                .collect();
            let mut last: Vec<Vec<u8>> = Vec::new();
            for _ in 0..ROUNDS {
                self.resolve(&side, follow).await?;
                follow(&Step::Looking);
                let findings = self.look_around(wish).await?;
                if let Some(handle) = &findings.under_way {
                    // Whether it went well shows in how things stand afterwards.
                    self.wait(handle, follow).await?;
                    continue;
                }
                let beyond = findings.parts.iter().find(|part| {
                    part.is_open() && !approved.contains(&(part.kind, part.name.as_str()))
                });
                if let Some(part) = beyond {
                    return Err(self.stopped(format!(
                    "{} {} is different from what was shown before the yes, so it was left alone. Look again with --dry-run, then run again",
                    part.kind.shown(),
                    part.name
                )));
                }
                if findings.next.is_empty() {
                    return Ok(findings);
                }
                let bodies: Vec<Vec<u8>> = findings
                    .next
                    .iter()
                    .map(|request| [request.path.as_bytes(), request.body.as_slice()].concat())
                    .collect();
                if bodies == last {
                    return Err(self.stopped(
                    "what was sent is still missing although it was taken. Look at it in the far side's set-up, then run again".to_owned(),
                ));
                }
                last = bodies;
                self.note_objects(&side, &findings).await?;
                let mut failures = Vec::new();
                for request in &findings.next {
                    match self.send(&side, request, follow).await? {
                        Became::Effect => {}
                        // Sent again if the next look shows that it did not arrive.
                        Became::Unknown => last.clear(),
                        Became::Refused(refused) => failures.extend(refused),
                    }
                }
                if !failures.is_empty() {
                    return Err(self.refused(&failures));
                }
            }
            Err(self.stopped("it did not come to an end. Run it again".to_owned()))
        })
    }

    /// Objects come or go, and all records in them with them: whoever showed something there is told, before anything is sent.
    async fn note_objects(&self, side: &Side, findings: &Findings) -> Result<(), EngineError> {
        let object =
            |part: &Part| part.kind == PartKind::Object && part.state == PartState::Missing;
        if !findings.parts.iter().any(object) {
            return Ok(());
        }
        let mut changes = Changes::default();
        changes.put(&keys::made_anew(side), &self.clock.now().to_rfc3339())?;
        self.state.commit(changes.into_set()).await
    }

    async fn side(&self) -> Result<(Side, OrganisationFound), EngineError> {
        let found = self.connector.discover().await.map_err(|e| {
            EngineError::call(
                self.connection.as_str(),
                "asking which organisation it is",
                e,
            )
        })?;
        let named: Vec<&str> = self.pinned.as_deref().into_iter().collect();
        organisation::pin(&self.state, &self.connection, &named, found).await
    }

    async fn look_around(&self, wish: Wish) -> Result<Findings, EngineError> {
        self.connector
            .survey(wish)
            .await
            .map_err(|e| EngineError::call(self.connection.as_str(), "reading how it is set up", e))
    }

    /// Sends one request and sees it through.
    async fn send(
        &self,
        side: &Side,
        request: &WriteRequest,
        follow: Follow<'_>,
    ) -> Result<Became, EngineError> {
        follow(&Step::Sending {
            parts: request.operations.len(),
        });
        let Some(mut row) = self.intend(side, request).await? else {
            return Err(self.stopped(
                "another provisioning of this connection is open. Wait for it, then run again"
                    .to_owned(),
            ));
        };
        self.note_send(&mut row).await?;
        match self
            .outbound
            .send(&self.connection, request, &row.key)
            .await
        {
            Sent::Answered(answer) => {
                self.answered(&mut row, &answer).await?;
                self.interpret(side, row, request, &answer, follow).await
            }
            Sent::NotSent { why, .. } => {
                self.settled(
                    side,
                    row,
                    Happened::Doubt,
                    format!("nothing was sent: {why}"),
                )
                .await?;
                Err(self.stopped(format!("nothing was sent: {why}")))
            }
            Sent::Lost { why } => {
                self.doubted(&mut row, why, Ended::Unknown).await?;
                Ok(Became::Unknown)
            }
        }
    }

    /// Acts on a durable answer. Safe to repeat.
    async fn interpret(
        &self,
        side: &Side,
        mut row: Request,
        request: &WriteRequest,
        answer: &Answer,
        follow: Follow<'_>,
    ) -> Result<Became, EngineError> {
        let mut progress = self
            .connector
            .read_answer(request, answer)
            .await
            .map_err(|e| EngineError::call(self.connection.as_str(), "reading an answer", e))?;
        if let Progress::UnderWay { handle, .. } = &progress {
            progress = self.wait(handle, follow).await?;
        }
        match progress {
            Progress::Done | Progress::UnderWay { .. } => {
                let text = format!("{}: {}", self.connection, told(request));
                self.settled(side, row, Happened::Applied, text).await?;
                Ok(Became::Effect)
            }
            Progress::Failed(failures) => {
                let kind = failures.first().map(|failure| failure.kind);
                let happened = kind.map_or(Happened::Doubt, Happened::Failed);
                let text = failures
                    .iter()
                    .map(|failure| failure.problem.message.as_str())
                    .collect::<Vec<_>>()
                    .join(" ");
                self.settled(side, row, happened, text).await?;
                Ok(Became::Refused(failures))
            }
            Progress::Unknown(why) => {
                self.doubted(&mut row, why, Ended::Answered).await?;
                Ok(Became::Unknown)
            }
        }
    }

    /// Waits until what is under way has come to an end.
    async fn wait(&self, handle: &str, follow: Follow<'_>) -> Result<Progress, EngineError> {
        let mut pause = FIRST_WAIT;
        let mut waited = Duration::ZERO;
        while waited < PATIENCE {
            let progress = self.connector.look(handle).await.map_err(|e| {
                EngineError::call(self.connection.as_str(), "looking how far a change is", e)
            })?;
            let Progress::UnderWay { done, total, .. } = progress else {
                return Ok(progress);
            };
            follow(&Step::Waiting { done, total });
            self.clock.sleep(pause).await;
            waited = waited.saturating_add(pause);
            pause = pause.saturating_mul(2).min(LONGEST_WAIT);
        }
        Err(self.stopped(format!(
            "the change {handle} is still under way after {} minutes. Run it again later: it goes on from there",
            PATIENCE.as_secs() / 60
        )))
    }

    /// What an earlier run, or a lost answer, left open: seen through where there is an answer, else left to the next look.
    async fn resolve(&self, side: &Side, follow: Follow<'_>) -> Result<(), EngineError> {
        for mut row in self.open().await? {
            if row.state == RequestState::Answered {
                let request = self.wire(&row).await?;
                if let Some(answer) = self.stored_answer(&row).await? {
                    self.interpret(side, row, &request, &answer, follow).await?;
                    continue;
                }
            }
            if row.state == RequestState::Started && row.sends == 0 {
                let text = "the process ended before it was sent".to_owned();
                self.settled(side, row, Happened::Doubt, text).await?;
                continue;
            }
            if row.state == RequestState::Started {
                let why = "the process ended while it was being sent".to_owned();
                self.doubted(&mut row, why, Ended::Unknown).await?;
            }
            // What left may still arrive; what arrived shows in how things stand.
            let quiet = self.clock.now().signed_duration_since(row.last_sent_at);
            if quiet.to_std().is_ok_and(|quiet| quiet < SETTLING) {
                self.clock.sleep(SETTLING).await;
            }
            let text = "whether it took effect is found out by reading".to_owned();
            self.settled(side, row, Happened::Doubt, text).await?;
        }
        Ok(())
    }

    fn stopped(&self, what: String) -> EngineError {
        EngineError::Provision {
            connection: self.connection.to_string(),
            what,
            failures: Vec::new(),
        }
    }

    fn refused(&self, failures: &[Failure]) -> EngineError {
        let messages: Vec<String> = failures
            .iter()
            .map(|failure| failure.problem.message.clone())
            .collect();
        EngineError::Provision {
            connection: self.connection.to_string(),
            what: messages.join("\n"),
            failures: failures.to_vec(),
        }
    }
}

/// What a request is about, in few words.
fn told(request: &WriteRequest) -> String {
    match request.operations.as_slice() {
        [one] => one.clone(),
        some => format!("{} parts of the set-up", some.len()),
    }
}
