//! Sync: the order of the steps. Who answers, what is open, what changed, what follows, do it, note it.
//!
//! It holds no rule of its own: each step is a file, in the order of the flow. `plan` is the same without the doing.

use crate::amend::Reread;
use crate::counted::LEDGER;
use crate::engine::Underway;
use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::execute::Closed;
use crate::gather::Gathered;
use crate::lost::Lost;
use crate::mirror::Changes;
use crate::ports::CallsLeft;
use crate::rails::{Asking, Passage};
use crate::reflect::{ReflectPreview, Reflected};
use crate::state::keys;
use crate::state::rows::LastRun;
use crate::still_there::StillThere;
use crate::watch::Point;
use footbridge_model::doubt::Again;
use footbridge_model::ledger::Organisation;
use footbridge_model::plan::{AsOf, Note, Plan};
use footbridge_plan::rails::Railed;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::task::JoinSet;

/// Deals in one planning round. Two customers of one name are seen as a clash within a round.
const ROUND: usize = 5000;
/// How long a run holds its lease without renewing it; one process holds the store anyway.
const LEASE: Duration = Duration::from_secs(6 * 3600);

/// What a run did, counted from the journal's own steps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunReport {
    /// Operations applied, by object.
    pub applied: BTreeMap<String, usize>,
    /// Of the applied invoices, those that existed and were changed or deleted.
    #[serde(default)]
    pub amended: usize,
    /// Existing records that were recognised and linked.
    pub adopted: usize,
    /// Operations in doubt, of earlier runs or this one, that found their outcome by a look or a second sending.
    pub recovered: usize,
    /// Of these, those that found it by a second sending.
    #[serde(default)]
    pub resent: usize,
    /// Deals for which something follows from what was found at the very end: another run does it.
    #[serde(default)]
    pub due: usize,
    /// Operations that the far side did not take.
    pub failed: usize,
    /// Operations that wait for others, or whose target changed meanwhile.
    pub postponed: usize,
    /// Operations whose effect isn't known at the end of the run.
    pub in_doubt: usize,
    /// When another run can settle some of it by sending the same again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<Again>,
    /// Deals that need nothing, by reason.
    pub skipped: BTreeMap<String, usize>,
    /// Deals that wait, by reason.
    pub held: BTreeMap<String, usize>,
    /// The way back, where it is switched on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reflected: Option<Reflected>,
    /// Why it stopped before its end: a person stopped the flow while it ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// A plan with what it would cost.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    /// The plan.
    pub plan: Plan,
    /// What is in the plan only because it is to be approved: a run would let it wait. With the reason.
    pub asks: Vec<Note>,
    /// Write calls by connection, at the connectors' batch sizes.
    pub calls: BTreeMap<String, usize>,
    /// What is left of each connection's allowance, as the far side said.
    pub left: BTreeMap<String, CallsLeft>,
    /// Why a run would write nothing: a person stopped the flow, or nobody let it write for the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The ledger's firm.
    pub organisation: String,
    /// Its time zone: the plan holds until midnight there.
    pub time_zone: String,
    /// The way back, where it is switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reflected: Option<ReflectPreview>,
}

/// Whether a run passed the gate that keeps a flow from writing before a person said yes: one that did is kept, and counts for later ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passed {
    /// It did.
    Yes,
    /// Only if the flow was let write: of an approved plan nothing may have been left to write.
    IfLetWrite,
}

/// One planning round.
#[derive(Debug, Clone, Copy)]
enum Round<'a> {
    /// Customers of which a side changed: before the deals that bill them.
    Customers,
    /// Deals.
    Deals(Looked<'a>),
}

/// Deals to look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Looked<'a> {
    /// By their ids.
    pub(crate) ids: &'a [String],
    /// Those that waited before anything was read: what is known of them may be old.
    pub(crate) earlier: &'a BTreeSet<String>,
}

impl Engine {
    /// Everything that is planned by a run, in order.
    fn rounds<'a>(&self, looked: Looked<'a>) -> impl Iterator<Item = Round<'a>> + use<'a> {
        let customers = self.merging().map(|_| Round::Customers);
        let deals = looked.ids.chunks(ROUND);
        let deals = deals.map(move |ids| Round::Deals(Looked { ids, ..looked }));
        customers.into_iter().chain(deals)
    }

    /// One run: everything that changed is planned and carried out.
    pub fn sync(self: &Arc<Self>) -> Underway<'_, RunReport> {
        Box::pin(async move {
            self.may_run().await?;
            self.one_run(self.run(), Passed::Yes).await
        })
    }

    /// A run, one at a time in a flow, and kept as the last one if the flow was let write: before it, or in it.
    pub(crate) async fn one_run(
        &self,
        run: impl Future<Output = Result<RunReport, EngineError>>,
        passed: Passed,
    ) -> Result<RunReport, EngineError> {
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
        self.awake.begin();
        // Apart from the run, which may reckon for long without a pause; it ends when it is dropped.
        let mut beat = JoinSet::new();
        beat.spawn(Arc::clone(&self.awake).beats());
        let result = run.await;
        drop(beat);
        // A lease that can't be given back runs out by itself.
        let released = self.state.store.release(lease).await;
        let report = result?;
        if let Err(error) = released {
            tracing::warn!(%error, "the run's lease could not be given back");
        }
        if passed == Passed::IfLetWrite && !self.has_written().await? {
            return Ok(report);
        }
        self.index_unsettled().await?;
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
        self.may_pair(&sides)?;
        let mut report = RunReport::default();
        report.add(self.recover(&sides).await?);
        let earlier = self.read_both(&sides).await?;
        let ids = self.deals_to_look_at().await?;
        let looked = Looked {
            ids: &ids,
            earlier: &earlier,
        };
        let mut closed = Closed::new();
        let mut lost = Lost::default();
        let mut rails = self.passage(Asking::Run);
        for round in self.rounds(looked) {
            closed = self
                .go_through(&sides, (round, closed), &mut rails, &mut lost, &mut report)
                .await?;
        }
        if lost.worth_a_look {
            self.look_at_lost(&sides, &mut report).await?;
            let ids = self.freed(&mut lost).await?;
            lost.no_longer_postponed(&ids, &mut report);
            for ids in ids.chunks(ROUND) {
                let round = Round::Deals(Looked { ids, ..looked });
                closed = self
                    .go_through(&sides, (round, closed), &mut rails, &mut lost, &mut report)
                    .await?;
            }
        }
        let as_of = self.as_of(&sides.organisation)?;
        lost.worth_a_look |= (self.reflect(&sides, as_of, &mut report, closed, rails)).await?;
        if lost.worth_a_look {
            self.look_at_lost(&sides, &mut report).await?;
            report.due = self.freed(&mut lost).await?.len();
        }
        self.report_doubts(&mut report).await?;
        report.stopped = self.barred();
        Ok(report)
    }

    /// Plans a round and carries it out, but for connections that take nothing more; tells which don't after it.
    async fn go_through(
        self: &Arc<Self>,
        sides: &Sides,
        (round, closed): (Round<'_>, Closed),
        rails: &mut Passage,
        lost: &mut Lost,
        report: &mut RunReport,
    ) -> Result<Closed, EngineError> {
        let (railed, gathered) = self.let_through(sides, round, rails).await?;
        self.admit(&railed).await?;
        let plan = railed.plan;
        self.note_plan(&plan, &gathered, report).await?;
        self.adopt(&plan, report).await?;
        let mut done = self.execute(sides, &plan, closed).await?;
        done.unfinished = railed.unfinished;
        self.note_done(&plan, &gathered, &done, report).await?;
        self.note_lost(lost, &plan, &done);
        Ok(done.closed)
    }

    /// Reads both sides, and goes on only where what was read leaves it safe to write. Tells which deals waited before.
    pub(crate) async fn read_both(&self, sides: &Sides) -> Result<BTreeSet<String>, EngineError> {
        let earlier = self.pull_all(sides).await?;
        // What turns up from now on was made after the person's word.
        self.said_go.store(false, Ordering::Relaxed);
        // Reading may have shown that somebody else is at work.
        self.may_write().await?;
        self.mind_losses(sides).await?;
        Ok(earlier)
    }

    /// What a run would do now. Both sides are read; nothing is written to them.
    pub fn plan(self: &Arc<Self>) -> Underway<'_, Preview> {
        Box::pin(async move { self.preview(Asking::Run).await })
    }

    pub(crate) fn preview(self: &Arc<Self>, asking: Asking) -> Underway<'_, Preview> {
        Box::pin(async move {
            let sides = self.sides().await?;
            let earlier = self.pull_all(&sides).await?;
            let ids = self.deals_to_look_at().await?;
            let mut rails = self.passage(asking);
            let looked = Looked {
                ids: &ids,
                earlier: &earlier,
            };
            let railed = self.railed_whole(&sides, looked, &mut rails).await?;
            let plan = railed.plan;
            let as_of = self.as_of(&sides.organisation)?;
            let reflected = self.preview_back(&sides, as_of, rails).await?;
            let mut calls: BTreeMap<String, usize> = BTreeMap::new();
            for (connection, connector) in [
                (&self.flow.source, &self.source),
                (&self.flow.ledger, &self.ledger),
            ] {
                let described = connector.describe().await.map_err(|e| {
                    EngineError::call(connection.as_str(), "asking what it knows", e)
                })?;
                for object in described.objects {
                    let ops = plan
                        .ops
                        .iter()
                        .filter(|op| {
                            op.connection == *connection && op.object.as_str() == object.name
                        })
                        .count();
                    let back = reflected
                        .as_ref()
                        .filter(|_| *connection == self.flow.source);
                    let back = back.map_or(0, |back| back.writes(&object.name));
                    let ops = ops + back;
                    let batch = usize::try_from(object.batch_size.max(1)).unwrap_or(1);
                    *calls.entry(connection.to_string()).or_default() += ops.div_ceil(batch);
                }
            }
            let connections = [&self.flow.source, &self.flow.ledger];
            let left = connections.map(|name| (name.to_string(), self.outbound.left(name)));
            Ok(Preview {
                plan,
                asks: railed.asks,
                calls,
                left: left.into_iter().collect(),
                refused: self
                    .may_run()
                    .await
                    .err()
                    .map(|refusal| refusal.to_string()),
                time_zone: sides.organisation.time_zone,
                organisation: sides.organisation.name,
                reflected,
            })
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

    /// All rounds of a run as one plan, without what waits: for people, and for what they approved.
    pub(crate) async fn railed_whole(
        &self,
        sides: &Sides,
        looked: Looked<'_>,
        rails: &mut Passage,
    ) -> Result<Railed, EngineError> {
        let customers = match self.merging() {
            Some(_) => Some(self.let_through(sides, Round::Customers, rails).await?.0),
            None => None,
        };
        let (mut railed, _) = self.let_through(sides, Round::Deals(looked), rails).await?;
        if let Some(first) = customers {
            railed.plan.ops.splice(0..0, first.plan.ops);
            railed.plan.holds.extend(first.plan.holds);
            railed.plan.skips.extend(first.plan.skips);
            railed.asks.extend(first.asks);
            railed.unfinished.extend(first.unfinished);
        }
        Ok(railed)
    }

    /// A round's plan without what waits, and what it was made from.
    async fn let_through(
        &self,
        sides: &Sides,
        round: Round<'_>,
        rails: &mut Passage,
    ) -> Result<(Railed, Gathered), EngineError> {
        let before = *rails;
        let (plan, gathered) = self.planned(sides, round).await?;
        let railed = self.railed(plan, &gathered, rails).await?;
        let Round::Deals(looked) = round else {
            return Ok((railed, gathered));
        };
        let there = self.still_there(sides, &railed.plan, looked.earlier);
        let StillThere::Otherwise(hidden) = there.await? else {
            return Ok((railed, gathered));
        };
        *rails = before;
        let (plan, mut gathered) = self.planned(sides, round).await?;
        gathered.hidden = hidden;
        let railed = self.railed(plan, &gathered, rails).await?;
        Ok((railed, gathered))
    }

    async fn planned(
        &self,
        sides: &Sides,
        round: Round<'_>,
    ) -> Result<(Plan, Gathered), EngineError> {
        let as_of = self.as_of(&sides.organisation)?;
        let (plan, gathered) = match round {
            Round::Customers => self.planned_customers(as_of, sides).await?,
            Round::Deals(looked) => self.planned_deals(as_of, sides, looked.ids).await?,
        };
        self.watch.at(&Point::Planned {
            ops: plan.ops.len(),
        });
        Ok((plan, gathered))
    }

    async fn planned_deals(
        &self,
        as_of: AsOf,
        sides: &Sides,
        ids: &[String],
    ) -> Result<(Plan, Gathered), EngineError> {
        let mut gathered = self.gather(as_of, sides, ids).await?;
        let mut plan = sound(footbridge_plan::plan(&gathered.input(self, sides, as_of)))?;
        if let Reread::Otherwise(missing) =
            self.reread_amended(&sides.ledger, &plan, "invoice").await?
        {
            gathered = self.gather(as_of, sides, ids).await?;
            let seen = &mut gathered.observed.invoices;
            seen.retain(|id, _| !missing.contains(id));
            plan = sound(footbridge_plan::plan(&gathered.input(self, sides, as_of)))?;
        }
        Ok((plan, gathered))
    }

    pub(crate) fn as_of(&self, organisation: &Organisation) -> Result<AsOf, EngineError> {
        footbridge_plan::as_of(self.clock.now(), &organisation.time_zone).map_err(|e| {
            EngineError::Record {
                connection: self.flow.ledger.to_string(),
                object: "organisation".to_owned(),
                id: organisation.id.clone(),
                why: e.to_string(),
            }
        })
    }

    /// Reads what changed at both sides. Tells which deals waited before.
    pub(crate) async fn pull_all(&self, sides: &Sides) -> Result<BTreeSet<String>, EngineError> {
        // Before anything is read: changes of customers that nobody follows are read without a note of whom they concern.
        self.end_merging().await?;
        let mut earlier = self.deals_to_look_at().await?;
        // What is read now may bring them back.
        earlier.extend(self.refused_before().await?);
        for object in LEDGER {
            self.pull(&sides.ledger, self.ledger.as_ref(), object, &[])
                .await?;
        }
        let deal = self.flow.policy.deal.object.clone();
        for object in self.flow.customer_objects.iter().chain([&deal]) {
            let fields = self.fields_of(object).to_vec();
            self.pull(&sides.source, self.source.as_ref(), object, &fields)
                .await?;
        }
        self.judge_doubles(sides).await?;
        Ok(earlier.into_iter().collect())
    }
}

/// A plan that the planner's linter finds nothing wrong with.
pub(crate) fn sound(plan: Plan) -> Result<Plan, EngineError> {
    match footbridge_plan::lint(&plan).first() {
        Some(finding) => Err(EngineError::Lint(finding.to_string())),
        None => Ok(plan),
    }
}
