//! Lost: what a run does about answers that got lost in it. It looks once, after some patience, and goes on with the deals that waited
//! for what it found: once, so that a far side that loses everything ends a run like any other.
//!
//! It decides nothing: the look is `recover`'s, and what follows is planned like everything else.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::execute::Executed;
use crate::sync::RunReport;
use crate::watch::Point;
use footbridge_model::id::OpId;
use footbridge_model::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};

/// What of a run got no answer, and what waits for it.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    /// Some of it can be looked for: its connection takes something.
    pub(crate) worth_a_look: bool,
    /// By the operation: the deals that it is of, and those that wait for it.
    deals: BTreeMap<OpId, BTreeSet<String>>,
    /// How many operations of a deal were postponed for it.
    postponed: BTreeMap<String, usize>,
}

/// Operations in doubt that found their outcome.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Recovered {
    /// By reading what is there, or the answer that was kept.
    pub(crate) read: usize,
    /// By sending the same again.
    pub(crate) resent: usize,
}

impl RunReport {
    pub(crate) fn add(&mut self, found: Recovered) {
        self.recovered += found.read + found.resent;
        self.resent += found.resent;
    }
}

impl Engine {
    pub(crate) fn note_lost(&self, lost: &mut Lost, plan: &Plan, done: &Executed) {
        for op in &plan.ops {
            let open = done.in_doubt.contains(&op.id);
            lost.worth_a_look |= open && !done.closed.contains_key(&op.connection);
            let first = done.blocked.get(&op.id);
            let first = first.filter(|first| done.in_doubt.contains(*first));
            let Some(waits_for) = (open.then_some(&op.id)).or(first) else {
                continue;
            };
            if op.subject.record.object.as_str() != self.flow.policy.deal.object {
                continue;
            }
            let deal = op.subject.record.id.to_string();
            if !open {
                *lost.postponed.entry(deal.clone()).or_default() += 1;
            }
            lost.deals
                .entry(waits_for.clone())
                .or_default()
                .insert(deal);
        }
    }

    /// Looks once at what got no answer.
    pub(crate) async fn look_at_lost(
        &self,
        sides: &Sides,
        report: &mut RunReport,
    ) -> Result<(), EngineError> {
        let patience = self.flow.timing.patience;
        self.watch.at(&Point::Waiting {
            seconds: patience.as_secs(),
            why: "looking at what got no answer".to_owned(),
        });
        self.clock.sleep(patience).await;
        report.add(self.recover(sides).await?);
        Ok(())
    }

    /// The deals that waited for what was found meanwhile and for nothing that still has no outcome: something follows for them now.
    /// What still has no outcome stays in `lost`.
    pub(crate) async fn freed(&self, lost: &mut Lost) -> Result<Vec<String>, EngineError> {
        lost.worth_a_look = false;
        if lost.deals.is_empty() {
            return Ok(Vec::new());
        }
        let requests = self.open_requests().await?;
        let open: BTreeSet<&OpId> = requests.iter().flat_map(|request| &request.open).collect();
        let (waiting, found): (Vec<_>, Vec<_>) =
            (lost.deals.iter()).partition(|(op, _)| open.contains(op));
        let waiting: BTreeSet<&String> = waiting.into_iter().flat_map(|(_, deals)| deals).collect();
        let found: BTreeSet<&String> = found.into_iter().flat_map(|(_, deals)| deals).collect();
        let mut freed = self.deals_to_look_at().await?;
        freed.retain(|deal| found.contains(deal) && !waiting.contains(deal));
        lost.deals.retain(|op, _| open.contains(op));
        Ok(freed)
    }
}

impl Lost {
    /// What was postponed of these deals is planned again.
    pub(crate) fn no_longer_postponed(&self, deals: &[String], report: &mut RunReport) {
        let of = |deal: &String| self.postponed.get(deal).copied().unwrap_or_default();
        let again: usize = deals.iter().map(of).sum();
        report.postponed = report.postponed.saturating_sub(again);
    }
}
