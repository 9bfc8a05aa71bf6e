//! Run: the order of the steps of the way back. It comes after the forward direction of a run and never stops it: what goes wrong on
//! the wire is said in the report, and everything that was not dealt with stays due.
//!
//! Documents in rounds, invoices first; then balances, which are due by what the documents count for; then the sweep, from what quota is
//! left, and what it found.

use super::gather::GatheredBack;
use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::execute::{Closed, Executed};
use crate::mirror::last_text;
use crate::rails::Passage;
use crate::state::keys;
use crate::sync::RunReport;
use crate::watch::Point;
use footbridge_model::plan::{AsOf, Note, Op, Plan};
use footbridge_model::plugin::Action;
use footbridge_model::receivable::{BALANCE, DOCUMENT, DocumentId, Keyed, keyed};
use footbridge_plan::reflect::Reflection;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Documents, or balances, in one planning round.
const ROUND: usize = 500;

/// What a run did on the way back, beyond the operations that it counts with all others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reflected {
    /// Why it could not go on, in words; the forward direction did.
    pub problem: Option<String>,
    /// Records that wait, by reason.
    pub held: BTreeMap<String, usize>,
    /// Ledger records that were read again by id.
    pub reread: usize,
    /// Open documents whose turn of the sweep it was.
    pub swept: usize,
}

/// What a run would do on the way back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ReflectPreview {
    /// Why it can't be told, in words.
    pub problem: Option<String>,
    /// Records that would be made, by kind.
    pub create: BTreeMap<String, usize>,
    /// Records that would be changed, by kind.
    pub update: BTreeMap<String, usize>,
    /// What would be written, parents before children.
    pub ops: Vec<Op>,
    /// What waits.
    pub holds: Vec<Note>,
}

impl ReflectPreview {
    /// Counts anew what its operations make and change.
    pub fn count(&mut self) {
        self.create.clear();
        self.update.clear();
        for op in &self.ops {
            let counts = match op.action {
                Action::Create => &mut self.create,
                Action::Update => &mut self.update,
            };
            *counts.entry(op.object.to_string()).or_default() += 1;
        }
    }

    /// How many records of a kind would be written.
    pub(crate) fn writes(&self, object: &str) -> usize {
        let counts = [&self.create, &self.update].into_iter();
        counts.filter_map(|counts| counts.get(object)).sum()
    }
}

/// What a round is done with.
enum Doing<'r> {
    /// It is carried out.
    Run(&'r mut Progress),
    /// It is only looked at.
    Look(&'r mut ReflectPreview),
}

/// A run of the way back as it goes on.
struct Progress {
    closed: Closed,
    report: RunReport,
    reflected: Reflected,
    worth_a_look: bool,
}

impl Engine {
    /// The way back of one run. Returns whether something got no answer and is worth a look.
    pub(crate) async fn reflect(
        self: &Arc<Self>,
        sides: &Sides,
        as_of: AsOf,
        report: &mut RunReport,
        closed: Closed,
        mut rails: Passage,
    ) -> Result<bool, EngineError> {
        if self.back.is_none() {
            return Ok(false);
        }
        let mut progress = Progress {
            closed,
            report: std::mem::take(report),
            reflected: Reflected::default(),
            worth_a_look: false,
        };
        let went = self.there_and_swept(sides, as_of, &mut progress, &mut rails);
        let went = went.await;
        *report = progress.report;
        if let Err(error) = went {
            match &error {
                EngineError::Call { .. } => progress.reflected.problem = Some(error.to_string()),
                _ => return Err(error),
            }
        }
        report.reflected = Some(progress.reflected);
        Ok(progress.worth_a_look)
    }

    async fn there_and_swept(
        self: &Arc<Self>,
        sides: &Sides,
        as_of: AsOf,
        progress: &mut Progress,
        rails: &mut Passage,
    ) -> Result<(), EngineError> {
        let Some(back) = &self.back else {
            return Ok(());
        };
        if let Some(problem) = self.read_back_and_forth(sides, as_of, back).await? {
            progress.reflected.problem = Some(problem);
            return Ok(());
        }
        // A read that failed leaves what it was for as it is; the rest goes on.
        let read = self.reread(sides).await;
        let mut doing = Doing::Run(progress);
        self.round_trip(sides, as_of, &mut doing, rails).await?;
        progress.reflected.reread += read?;
        progress.reflected.swept = self.sweep(sides).await?;
        if progress.reflected.swept > 0 {
            let read = self.reread(sides).await;
            let mut doing = Doing::Run(progress);
            self.round_trip(sides, as_of, &mut doing, rails).await?;
            progress.reflected.reread += read?;
        }
        Ok(())
    }

    /// What a run would do on the way back now. Both sides are read; nothing is written to them.
    pub(crate) async fn preview_back(
        self: &Arc<Self>,
        sides: &Sides,
        as_of: AsOf,
        mut rails: Passage,
    ) -> Result<Option<ReflectPreview>, EngineError> {
        let Some(back) = &self.back else {
            return Ok(None);
        };
        let mut preview = ReflectPreview::default();
        let went = self.looked_at(sides, as_of, back, &mut preview, &mut rails);
        let went = went.await;
        match went {
            Err(error @ EngineError::Call { .. }) => preview.problem = Some(error.to_string()),
            other => other?,
        }
        Ok(Some(preview))
    }

    async fn looked_at(
        self: &Arc<Self>,
        sides: &Sides,
        as_of: AsOf,
        back: &crate::engine::Back,
        preview: &mut ReflectPreview,
        rails: &mut Passage,
    ) -> Result<(), EngineError> {
        preview.problem = self.read_back_and_forth(sides, as_of, back).await?;
        if preview.problem.is_some() {
            return Ok(());
        }
        self.reread(sides).await?;
        let mut doing = Doing::Look(preview);
        self.round_trip(sides, as_of, &mut doing, rails).await
    }

    /// All documents that are due, then all balances.
    async fn round_trip(
        self: &Arc<Self>,
        sides: &Sides,
        as_of: AsOf,
        doing: &mut Doing<'_>,
        rails: &mut Passage,
    ) -> Result<(), EngineError> {
        let documents: Vec<DocumentId> = self.due_documents(sides).await?;
        for ids in documents.chunks(ROUND) {
            let gathered = self.gather_documents(sides, ids).await?;
            let shown = gathered.shown_keys();
            let mut reflection = self.planned_back(sides, as_of, gathered)?;
            self.rail_back(&mut reflection.plan, &shown, rails).await?;
            self.keep_standings(sides, &reflection.standings).await?;
            let units = reflection.units.iter().map(|(id, keys)| {
                let key = id.key(&sides.ledger.1);
                let due = keys::due(self.flow.name.as_str(), DOCUMENT, &key);
                (keys.clone(), due)
            });
            let units = units.collect();
            self.round_of(sides, &reflection, units, doing).await?;
        }
        let balances = self.due_balances(sides).await?;
        for pairs in balances.chunks(ROUND) {
            let gathered = self.gather_balances(sides, pairs).await?;
            let shown = gathered.shown_keys();
            let mut reflection = self.planned_back(sides, as_of, gathered)?;
            self.rail_back(&mut reflection.plan, &shown, rails).await?;
            let units = pairs.iter().map(|(customer, currency)| {
                let organisation = &sides.ledger.1;
                let key =
                    footbridge_model::receivable::balance_key(organisation, customer, currency);
                let due = keys::due(self.flow.name.as_str(), BALANCE, &key);
                (BTreeSet::from([key]), due)
            });
            let units = units.collect();
            self.round_of(sides, &reflection, units, doing).await?;
        }
        Ok(())
    }

    async fn round_of(
        self: &Arc<Self>,
        sides: &Sides,
        reflection: &Reflection,
        units: Vec<(BTreeSet<String>, footbridge_store::Key)>,
        doing: &mut Doing<'_>,
    ) -> Result<(), EngineError> {
        let plan = &reflection.plan;
        match doing {
            Doing::Look(preview) => {
                for op in &plan.ops {
                    let counts = match op.action {
                        Action::Create => &mut preview.create,
                        Action::Update => &mut preview.update,
                    };
                    *counts.entry(op.object.to_string()).or_default() += 1;
                }
                preview.ops.extend(plan.ops.iter().cloned());
                preview.holds.extend(plan.holds.iter().cloned());
                Ok(())
            }
            Doing::Run(progress) => {
                let held = &mut progress.reflected.held;
                self.note_reflection(reflection, held).await?;
                let closed = std::mem::take(&mut progress.closed);
                let done = self.execute(sides, plan, closed).await?;
                count(plan, &done, &mut progress.report);
                self.note_units(plan, &done, units).await?;
                progress.worth_a_look |= plan.ops.iter().any(|op| {
                    done.in_doubt.contains(&op.id) && !done.closed.contains_key(&op.connection)
                });
                progress.closed = done.closed;
                Ok(())
            }
        }
    }

    fn planned_back(
        &self,
        sides: &Sides,
        as_of: AsOf,
        gathered: GatheredBack,
    ) -> Result<Reflection, EngineError> {
        let none = footbridge_plan::reflect::input::ReflectPolicy::default();
        let policy = self
            .flow
            .reflect
            .as_ref()
            .map_or(&none, |back| &back.policy);
        let input = gathered.input(self, sides, as_of, policy);
        let reflection = footbridge_plan::reflect::reflect(&input);
        let findings = footbridge_plan::lint(&reflection.plan);
        if let Some(finding) = findings.first() {
            return Err(EngineError::Lint(finding.to_string()));
        }
        self.watch.at(&Point::Planned {
            ops: reflection.plan.ops.len(),
        });
        Ok(reflection)
    }

    /// Documents that are due, invoices first.
    async fn due_documents(&self, sides: &Sides) -> Result<Vec<DocumentId>, EngineError> {
        let mut found = Vec::new();
        for key in self.due_keys(DOCUMENT).await? {
            found.extend(DocumentId::of_key(&key, &sides.ledger.1));
        }
        found.sort();
        Ok(found)
    }

    async fn due_balances(&self, sides: &Sides) -> Result<Vec<(String, String)>, EngineError> {
        let mut found = Vec::new();
        for key in self.due_keys(BALANCE).await? {
            if let Some(Keyed::Balance(customer, currency)) = keyed(BALANCE, &key, &sides.ledger.1)
            {
                found.push((customer.to_owned(), currency.to_owned()));
            }
        }
        Ok(found)
    }

    async fn due_keys(&self, object: &str) -> Result<Vec<String>, EngineError> {
        let dues = keys::dues(self.flow.name.as_str(), object).range();
        let rows = self.state.keys(&dues).await?;
        Ok(rows.iter().filter_map(|key| last_text(key)).collect())
    }
}

fn count(plan: &Plan, done: &Executed, report: &mut RunReport) {
    for op in plan
        .ops
        .iter()
        .filter(|op| done.applied.contains_key(&op.id))
    {
        *report.applied.entry(op.object.to_string()).or_default() += 1;
    }
    report.failed += done.failed.len();
    report.postponed += done.stale.len() + done.blocked.len();
}
