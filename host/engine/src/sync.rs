//! Sync: the order of the steps. Who answers, what is open, what changed, what follows, do it, note it.
//!
//! It holds no rule of its own: each step is a file, in the order of the flow. `plan` is the same without the doing.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::execute::Executed;
use crate::gather::Gathered;
use crate::mirror::Changes;
use crate::ports::Connector;
use crate::settle::source_member;
use crate::state::keys;
use crate::state::rows::{Happened, LastRun, Pin, Standing};
use crate::watch::Point;
use footbridge_model::document::Document;
use footbridge_model::id::{ConnectionId, OpId, OrganisationId};
use footbridge_model::ledger::Organisation;
use footbridge_model::link::{Link, Member};
use footbridge_model::plan::{AsOf, Plan, reason};
use footbridge_model::plugin::OrganisationFound;
use footbridge_plan::PlanInput;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Deals in one planning round. Two customers of one name are seen as a clash within a round.
const ROUND: usize = 5000;
/// How long a run holds its lease without renewing it; one process holds the store anyway.
const LEASE: Duration = Duration::from_secs(6 * 3600);

/// What a run did, counted from the journal's own steps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// Operations applied, by object.
    pub applied: BTreeMap<String, usize>,
    /// Existing records that were recognised and linked.
    pub adopted: usize,
    /// Operations of earlier runs that found their outcome.
    pub recovered: usize,
    /// Operations that the far side did not take.
    pub failed: usize,
    /// Operations that wait for others, or whose target changed meanwhile.
    pub postponed: usize,
    /// Operations whose effect isn't known.
    pub in_doubt: usize,
    /// Deals that need nothing, by reason.
    pub skipped: BTreeMap<String, usize>,
    /// Deals that wait, by reason.
    pub held: BTreeMap<String, usize>,
}

/// A plan with what it would cost.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    /// The plan.
    pub plan: Plan,
    /// Write calls by connection, at the connectors' batch sizes.
    pub calls: BTreeMap<String, usize>,
    /// The ledger's firm.
    pub organisation: String,
}

impl Engine {
    /// One run: everything that changed is planned and carried out.
    pub async fn sync(self: &Arc<Self>) -> Result<RunReport, EngineError> {
        let started_at = self.clock.now();
        let name = format!("run/{}", self.flow.name);
        let holder = std::process::id().to_string();
        let now = std::time::SystemTime::from(started_at);
        let lease = self
            .state
            .store
            .claim(&name, &holder, LEASE, now)
            .await
            .map_err(|source| EngineError::Busy {
                flow: self.flow.name.to_string(),
                source,
            })?;
        let result = self.run().await;
        // A lease that can't be given back runs out by itself.
        let released = self.state.store.release(lease).await;
        let report = result?;
        if let Err(error) = released {
            tracing::warn!(%error, "the run's lease could not be given back");
        }
        let mut changes = Changes::default();
        let last = LastRun {
            started_at,
            ended_at: self.clock.now(),
            report: report.clone(),
        };
        changes.put(&keys::last_run(self.flow.name.as_str()), &last)?;
        self.state.commit(changes.into_set()).await?;
        Ok(report)
    }

    async fn run(self: &Arc<Self>) -> Result<RunReport, EngineError> {
        let sides = self.sides().await?;
        let mut report = RunReport {
            recovered: self.recover(&sides).await?,
            ..RunReport::default()
        };
        self.pull_all(&sides).await?;
        let ids = self.deals_to_look_at().await?;
        for round in ids.chunks(ROUND) {
            let (plan, gathered) = self.planned(&sides, round).await?;
            self.note_plan(&plan, &mut report).await?;
            self.adopt(&plan, &mut report).await?;
            let done = self.execute(&sides, &plan).await?;
            self.note_done(&plan, &gathered, &done, &mut report).await?;
        }
        if report.in_doubt > 0 {
            let patience = self.flow.timing.patience;
            self.watch.at(&Point::Waiting {
                seconds: patience.as_secs(),
                why: "looking at what got no answer".to_owned(),
            });
            self.clock.sleep(patience).await;
            let settled = self.recover(&sides).await?;
            report.recovered += settled;
        }
        report.in_doubt = self
            .open_requests()
            .await?
            .iter()
            .map(|r| r.open.len())
            .sum();
        Ok(report)
    }

    /// What a run would do now. Both sides are read; nothing is written to them.
    pub async fn plan(self: &Arc<Self>) -> Result<Preview, EngineError> {
        let sides = self.sides().await?;
        self.pull_all(&sides).await?;
        let ids = self.deals_to_look_at().await?;
        let (plan, _) = self.planned(&sides, &ids).await?;
        let mut calls: BTreeMap<String, usize> = BTreeMap::new();
        for (connection, connector) in [
            (&self.flow.source, &self.source),
            (&self.flow.ledger, &self.ledger),
        ] {
            let described = connector
                .describe()
                .await
                .map_err(|e| EngineError::call(connection.as_str(), "asking what it knows", e))?;
            for object in described.objects {
                let ops = plan
                    .ops
                    .iter()
                    .filter(|op| op.connection == *connection && op.object.as_str() == object.name)
                    .count();
                let batch = usize::try_from(object.batch_size.max(1)).unwrap_or(1);
                *calls.entry(connection.to_string()).or_default() += ops.div_ceil(batch);
            }
        }
        Ok(Preview {
            plan,
            calls,
            organisation: sides.organisation.name,
        })
    }

    /// Which organisation answers on each connection, by name and id.
    pub async fn who_answers(&self) -> Result<Vec<(String, String)>, EngineError> {
        let mut found = Vec::new();
        for (connection, connector) in [
            (&self.flow.source, &self.source),
            (&self.flow.ledger, &self.ledger),
        ] {
            let (_, organisation) = self.side(connection, connector.as_ref()).await?;
            let test = if organisation.test {
                ", a test organisation"
            } else {
                ""
            };
            found.push((
                connection.to_string(),
                format!("{} ({}{test})", organisation.name, organisation.id),
            ));
        }
        Ok(found)
    }

    async fn planned(
        &self,
        sides: &Sides,
        ids: &[String],
    ) -> Result<(Plan, Gathered), EngineError> {
        let as_of = self.as_of(&sides.organisation)?;
        let gathered = self.gather(as_of, sides, ids).await?;
        let input = PlanInput {
            flow: self.flow.name.clone(),
            as_of,
            policy: &self.flow.policy,
            organisation: &sides.organisation,
            source: sides.source.clone(),
            ledger: sides.ledger.clone(),
            deals: gathered.deals.clone(),
            customers: gathered.customers.clone(),
            observed: gathered.observed.clone(),
            links: gathered.links.clone(),
            unresolved: gathered.unresolved.clone(),
            namesakes: Vec::new(),
            next_number: gathered.next_number,
            record_url: self.flow.record_url.clone(),
        };
        let plan = footbridge_plan::plan(&input);
        let findings = footbridge_plan::lint(&plan);
        if let Some(finding) = findings.first() {
            return Err(EngineError::Lint(finding.to_string()));
        }
        self.watch.at(&Point::Planned {
            ops: plan.ops.len(),
        });
        Ok((plan, gathered))
    }

    fn as_of(&self, organisation: &Organisation) -> Result<AsOf, EngineError> {
        footbridge_plan::as_of(self.clock.now(), &organisation.time_zone).map_err(|e| {
            EngineError::Record {
                connection: self.flow.ledger.to_string(),
                object: "organisation".to_owned(),
                id: organisation.id.clone(),
                why: e.to_string(),
            }
        })
    }

    /// Who answers on both connections. A connection stays with the organisation that it first answered for.
    async fn sides(&self) -> Result<Sides, EngineError> {
        let (source, _) = self.side(&self.flow.source, self.source.as_ref()).await?;
        let (ledger, found) = self.side(&self.flow.ledger, self.ledger.as_ref()).await?;
        let organisation = Document::from_plugin(&found.doc)
            .and_then(|doc| doc.to::<Organisation>())
            .map_err(|e| EngineError::Record {
                connection: self.flow.ledger.to_string(),
                object: "organisation".to_owned(),
                id: found.id.clone(),
                why: e.to_string(),
            })?;
        Ok(Sides {
            source,
            ledger,
            organisation,
        })
    }

    async fn side(
        &self,
        connection: &ConnectionId,
        connector: &dyn Connector,
    ) -> Result<(keys::Side, OrganisationFound), EngineError> {
        let mut found = connector.discover().await.map_err(|e| {
            EngineError::call(connection.as_str(), "asking which organisation it is", e)
        })?;
        let key = keys::pin(connection);
        let stored = self
            .state
            .get::<Pin>(&key)
            .await?
            .map(|(pin, _)| pin.organisation);
        let named = self
            .flow
            .pinned
            .iter()
            .find(|(name, _)| name == connection)
            .map(|(_, id)| id.clone());
        let wrong = |found: &[OrganisationFound], pinned: &str| EngineError::WrongOrganisation {
            connection: connection.to_string(),
            found: found
                .iter()
                .map(|o| format!("{} ({})", o.name, o.id))
                .collect::<Vec<_>>()
                .join(", "),
            pinned: pinned.to_owned(),
        };
        for pinned in [&named, &stored].into_iter().flatten() {
            if !found.iter().any(|o| o.id == *pinned) {
                return Err(wrong(&found, pinned));
            }
            found.retain(|o| o.id == *pinned);
        }
        let [one] = found.as_slice() else {
            return Err(EngineError::Organisations {
                connection: connection.to_string(),
                count: found.len(),
                names: found
                    .iter()
                    .map(|o| format!("{} ({})", o.id, o.name))
                    .collect::<Vec<_>>()
                    .join(", "),
            });
        };
        let mut changes = Changes::default();
        let pin = Pin {
            organisation: one.id.clone(),
            name: one.name.clone(),
            test: one.test,
            doc: one.doc.clone(),
        };
        changes.put(&key, &pin)?;
        self.state.commit(changes.into_set()).await?;
        Ok((
            (connection.clone(), OrganisationId::new(one.id.clone())),
            one.clone(),
        ))
    }

    async fn pull_all(&self, sides: &Sides) -> Result<(), EngineError> {
        for object in ["account", "tax-rate", "item", "customer", "invoice"] {
            self.pull(&sides.ledger, self.ledger.as_ref(), object, &[])
                .await?;
        }
        let deal = self.flow.policy.deal.object.clone();
        for object in self.flow.customer_objects.iter().chain([&deal]) {
            let fields = self.fields_of(object).to_vec();
            self.pull(&sides.source, self.source.as_ref(), object, &fields)
                .await?;
        }
        Ok(())
    }

    /// Skips and holds become decisions before anything is sent; a crash repeats them at worst.
    async fn note_plan(&self, plan: &Plan, report: &mut RunReport) -> Result<(), EngineError> {
        let mut changes = Changes::default();
        for note in &plan.skips {
            *report.skipped.entry(note.reason.clone()).or_default() += 1;
            let standing = match note.reason.as_str() {
                reason::PART_NOT_DUE => Standing::Waiting,
                reason::UP_TO_DATE => Standing::Applied,
                _ => Standing::Skipped,
            };
            self.decide(
                &mut changes,
                &note.subject,
                standing,
                &note.reason,
                &note.message,
            )?;
        }
        for note in &plan.holds {
            *report.held.entry(note.reason.clone()).or_default() += 1;
            self.decide(
                &mut changes,
                &note.subject,
                Standing::Waiting,
                &note.reason,
                &note.message,
            )?;
        }
        if plan.next_number > 0 {
            changes.put(&keys::counter(self.flow.name.as_str()), &plan.next_number)?;
        }
        self.state.commit(changes.into_set()).await
    }

    /// Records that the plan recognised become members of links. Nothing is written to the far side.
    async fn adopt(&self, plan: &Plan, report: &mut RunReport) -> Result<(), EngineError> {
        for adoption in &plan.adoptions {
            let key = keys::link(&adoption.link.id);
            let mut link = self.state.get::<Link>(&key).await?.map_or_else(
                || Link {
                    id: adoption.link.id.clone(),
                    role: adoption.link.role,
                    members: Vec::new(),
                    made_by: None,
                },
                |(link, _)| link,
            );
            link.set(source_member(&adoption.link));
            link.set(Member {
                record: adoption.ledger_record.clone(),
                shadow: None,
                version: Some(adoption.version.clone()),
            });
            let mut changes = Changes::default();
            for member in &link.members {
                changes.put(&keys::member(&member.record, &link.id), &())?;
            }
            changes.put(&key, &link)?;
            self.journal(
                &mut changes,
                Happened::Linked,
                adoption.why.clone(),
                None,
                Some(&adoption.subject.record),
            )?;
            self.state.commit(changes.into_set()).await?;
            report.adopted += 1;
        }
        Ok(())
    }

    /// Deals that were dealt with are no longer due; those whose target changed meanwhile stay.
    async fn note_done(
        &self,
        plan: &Plan,
        gathered: &Gathered,
        done: &Executed,
        report: &mut RunReport,
    ) -> Result<(), EngineError> {
        let objects: BTreeMap<&OpId, &str> = plan
            .ops
            .iter()
            .map(|op| (&op.id, op.object.as_str()))
            .collect();
        for id in done.applied.keys() {
            let object = objects.get(id).copied().unwrap_or("record");
            *report.applied.entry(object.to_owned()).or_default() += 1;
        }
        report.failed += done.failed.len();
        report.postponed += done.stale.len() + done.blocked.len();
        report.in_doubt += done.in_doubt.len();
        let mut changes = Changes::default();
        for deal in &gathered.deals {
            let stale = plan
                .ops
                .iter()
                .any(|op| op.subject.record == deal.record && done.stale.contains(&op.id));
            if !stale {
                let object = deal.record.object.as_str();
                changes.delete(&keys::due(
                    self.flow.name.as_str(),
                    object,
                    deal.record.id.as_str(),
                ));
            }
        }
        self.state.commit(changes.into_set()).await
    }
}
