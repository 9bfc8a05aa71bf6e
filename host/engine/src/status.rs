//! Status: how things stand, projected from what is stored. It has no state of its own (design invariant 9).

use crate::engine::Engine;
use crate::epoch::Held;
use crate::error::EngineError;
use crate::state::keys;
use crate::state::rows::{Decision, Due, Event, LastRun, Pin, Request, Standing};
use footbridge_model::receivable::is_receivable;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;

/// How a flow stands.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// The flow.
    pub flow: String,
    /// Connection and the organisation it is pinned to, by name and id.
    pub organisations: BTreeMap<String, (String, String)>,
    /// The last run, if there was one.
    pub last_run: Option<LastRun>,
    /// Deals, or parts of deals, that are invoiced.
    pub invoiced: usize,
    /// Deals, or parts of deals, and customers that wait, by reason.
    pub waiting: BTreeMap<String, usize>,
    /// The same that need nothing, by reason.
    pub skipped: BTreeMap<String, usize>,
    /// Changed deals that no run has looked at yet.
    pub due: usize,
    /// Operations whose effect isn't known.
    pub in_doubt: usize,
    /// The way back, where it is switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reflected: Option<StatusBack>,
    /// Why nothing is written before a person says go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Held>,
}

/// How the way back stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StatusBack {
    /// Why it could not go on in the last run, in words.
    pub problem: Option<String>,
    /// Records that wait, by reason.
    pub waiting: BTreeMap<String, usize>,
    /// Documents and balances that no run has dealt with yet, those that wait included.
    pub due: usize,
}

impl Engine {
    /// How this flow stands. Reads only the data directory.
    pub async fn status(&self) -> Result<Status, EngineError> {
        let flow = self.flow.name.as_str();
        let mut status = Status {
            flow: flow.to_owned(),
            organisations: BTreeMap::new(),
            last_run: self
                .state
                .get::<LastRun>(&keys::last_run(flow))
                .await?
                .map(|(run, _)| run),
            invoiced: 0,
            waiting: BTreeMap::new(),
            skipped: BTreeMap::new(),
            due: 0,
            in_doubt: 0,
            reflected: None,
            held: self.held().await?,
        };
        let mut back = StatusBack {
            problem: status
                .last_run
                .as_ref()
                .and_then(|run| run.report.reflected.as_ref()?.problem.clone()),
            due: self.due_back().await?,
            ..StatusBack::default()
        };
        for connection in [&self.flow.source, &self.flow.ledger] {
            if let Some((pin, _)) = self.state.get::<Pin>(&keys::pin(connection)).await? {
                status
                    .organisations
                    .insert(connection.to_string(), (pin.name, pin.organisation));
            }
        }
        self.each_decision(|decision| {
            let counted = match decision.standing {
                _ if is_receivable(decision.subject.record.object.as_str()) => &mut back.waiting,
                Standing::Applied => {
                    status.invoiced += 1;
                    return ControlFlow::Continue(());
                }
                Standing::Skipped => &mut status.skipped,
                Standing::Waiting | Standing::Refused => &mut status.waiting,
            };
            *counted.entry(decision.reason).or_default() += 1;
            ControlFlow::Continue(())
        })
        .await?;
        status.reflected = self.back.is_some().then_some(back);
        let dues = keys::dues(flow, &self.flow.policy.deal.object);
        status.due = self.state.all::<Due>(&dues.range()).await?.len();
        let open: Vec<Request> = self.open_requests().await?;
        status.in_doubt = open.iter().map(|request| request.open.len()).sum();
        Ok(status)
    }

    /// What was decided last about each part of each deal.
    pub async fn decisions(&self) -> Result<Vec<Decision>, EngineError> {
        self.decisions_where(|_| true).await
    }

    /// Those of them that are wanted. All are read, in steps; only these are kept in memory.
    pub async fn decisions_where(
        &self,
        wanted: impl Fn(&Decision) -> bool,
    ) -> Result<Vec<Decision>, EngineError> {
        let mut found = Vec::new();
        self.each_decision(|decision| {
            if wanted(&decision) {
                found.push(decision);
            }
            ControlFlow::Continue(())
        })
        .await?;
        Ok(found)
    }

    /// The journal's last lines, newest first, at most `limit`. Reads the journal in steps, so its length costs time and no memory.
    pub async fn events(&self, limit: usize) -> Result<Vec<Event>, EngineError> {
        let mut last: VecDeque<Event> = VecDeque::new();
        let each = |_, event| {
            last.push_front(event);
            last.truncate(limit);
            ControlFlow::Continue(())
        };
        self.state.each(&keys::events().range(), each).await?;
        Ok(last.into())
    }

    /// The same for everything that waits for a reason. Returns how many records.
    pub async fn look_again_at_all(&self, reason: &str) -> Result<usize, EngineError> {
        let mut ids = BTreeSet::new();
        self.each_decision(|decision| {
            if decision.reason == reason {
                ids.insert(decision.subject.record.id.to_string());
            }
            ControlFlow::Continue(())
        })
        .await?;
        for id in &ids {
            self.look_again(id).await?;
        }
        Ok(ids.len())
    }

    /// Lets the next run look at a deal, or a record of the way back, again, whatever was decided about it. False if nothing is known of it.
    pub async fn look_again(&self, id: &str) -> Result<bool, EngineError> {
        let object = &self.flow.policy.deal.object;
        let flow = self.flow.name.as_str();
        let known = self
            .state
            .all::<Decision>(&keys::decisions_of(flow, object, id).range())
            .await?;
        if known.is_empty() {
            return Ok(
                self.look_at_customer_again(id).await? || self.look_at_record_again(id).await?
            );
        }
        let mut changes = crate::mirror::Changes::default();
        let due = Due {
            version: "asked for".to_owned(),
        };
        for (key, decision) in &known {
            if decision.standing == Standing::Refused {
                changes.delete(key);
            }
            self.withdraw(&decision.subject.record, &mut changes)
                .await?;
        }
        if let Some((_, decision)) = known.first() {
            self.let_once_more(&mut changes, &decision.subject.record)
                .await?;
        }
        self.forget_refusals(&mut changes).await?;
        let row = keys::due(flow, object, id);
        if self.state.store.get(&row).await?.is_none() {
            changes.put(&row, &due)?;
        }
        self.state.commit(changes.into_set()).await?;
        Ok(true)
    }
}
