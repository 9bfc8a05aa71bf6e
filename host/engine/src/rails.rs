//! Rails: what the operator lets through, applied to each plan of a run; whether a flow may write at all; whether a person stopped it.
//!
//! The rules are the planner's (`footbridge_plan::rails`); this gathers what they need and keeps what they say.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::gather::Gathered;
use crate::mirror::{Changes, last_text};
use crate::state::keys;
use crate::state::rows::LastRun;
use crate::sync::sound;
use chrono::{DateTime, Utc};
use footbridge_model::id::{RecordId, RecordKey};
use footbridge_model::plan::{Plan, reason};
use footbridge_model::ruling::Choice;
use footbridge_model::shown::Sum;
use footbridge_plan::input::Source;
use footbridge_plan::rails::{Approved, Bounds, FirstRun, Railed, apply};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Who asks for a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    /// A run: what needs a yes waits unless it has one.
    Run,
    /// A person who will approve the plan: what needs a yes stays in it.
    Approver,
    /// The check of an approved plan: the same, and the cap is kept once it is known what of it is carried out.
    Check,
}

/// How much a run may still write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passage {
    asking: Asking,
    room: Option<usize>,
}

/// Whom a plan is about, as the rails see them.
struct Who<'a> {
    deals: &'a [Source],
    /// Deals that the CRM no longer shows.
    hidden: &'a BTreeSet<RecordId>,
    /// Keys of what the CRM shows.
    shown: &'a BTreeSet<String>,
    /// Deals and parts that a person said yes to.
    yes: &'a BTreeMap<(RecordKey, u32), Sum>,
}

/// `let-write`: that a person let the flow write for the first time.
#[derive(Debug, Serialize, Deserialize)]
struct LetWrite {
    at: DateTime<Utc>,
}

impl Engine {
    /// The rails of a run that begins.
    pub(crate) fn passage(&self, asking: Asking) -> Passage {
        Passage {
            asking,
            room: self.room().filter(|_| asking != Asking::Check),
        }
    }

    /// How many records a run may write; none: as many as there are.
    pub(crate) fn room(&self) -> Option<usize> {
        let most = self.flow.rails.most_writes_per_run;
        most.map(|most| usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// The plan of a round without what waits.
    pub(crate) async fn railed(
        &self,
        plan: Plan,
        gathered: &Gathered,
        passage: &mut Passage,
    ) -> Result<Railed, EngineError> {
        // In a customers' round the records are no deals: a pilot counts deals.
        let is_deal =
            |source: &Source| source.record.object.as_str() == self.flow.policy.deal.object;
        let deals: &[Source] = match gathered.deals.first() {
            Some(first) if !is_deal(first) => &[],
            _ => &gathered.deals,
        };
        let who = Who {
            deals,
            hidden: &gathered.hidden,
            shown: &BTreeSet::new(),
            yes: &approvals(gathered),
        };
        let mut railed = self.through(plan, &who, passage).await?;
        railed.plan = sound(railed.plan)?;
        Ok(railed)
    }

    /// The same for a round of the way back. `shown`: keys of what the CRM shows.
    pub(crate) async fn rail_back(
        &self,
        plan: &mut Plan,
        shown: &BTreeSet<String>,
        passage: &mut Passage,
    ) -> Result<(), EngineError> {
        let who = Who {
            deals: &[],
            hidden: &BTreeSet::new(),
            shown,
            yes: &BTreeMap::new(),
        };
        let railed = self.through(plan.clone(), &who, passage);
        *plan = railed.await?.plan;
        Ok(())
    }

    async fn through(
        &self,
        plan: Plan,
        who: &Who<'_>,
        passage: &mut Passage,
    ) -> Result<Railed, EngineError> {
        let rows = keys::all_admitted(self.flow.name.as_str()).range();
        let admitted = match self.flow.rails.pilot {
            Some(_) => self.state.keys(&rows).await?,
            None => Vec::new(),
        };
        let admitted: BTreeSet<RecordId> = (admitted.iter())
            .filter_map(|key| Some(RecordId::new(last_text(key)?)))
            .collect();
        let bounds = Bounds {
            rails: &self.flow.rails,
            numbers: &self.flow.policy.billing.number,
            deals: who.deals,
            hidden: who.hidden,
            admitted: &admitted,
            shown: who.shown,
            approved: match passage.asking {
                Asking::Run => Approved::These(who.yes),
                Asking::Approver | Asking::Check => Approved::ThePlan,
            },
            room: passage.room,
        };
        let railed = apply(plan, &bounds);
        let written = railed.plan.ops.len();
        passage.room = passage.room.map(|room| room.saturating_sub(written));
        Ok(railed)
    }

    /// The pilot remembers whom it let in, before anything is sent.
    pub(crate) async fn admit(&self, railed: &Railed) -> Result<(), EngineError> {
        let mut changes = Changes::default();
        for deal in &railed.admitted {
            let key = keys::admitted(self.flow.name.as_str(), deal.as_str());
            changes.put(&key, &())?;
        }
        self.state.commit(changes.into_set()).await
    }

    /// Why a person stopped this flow, if one did.
    pub(crate) fn stopped(&self) -> Option<String> {
        self.outbound.stopped(&self.flow.name)
    }

    /// Why nothing more may leave in this run: a person stopped the flow, or what the run read is old.
    pub(crate) fn barred(&self) -> Option<String> {
        self.stopped().or_else(|| {
            self.awake.has_slept().then(|| {
                "the process stood still for over a minute after it had read both sides. The next run looks again".to_owned()
            })
        })
    }

    /// Refuses where a person stopped the flow.
    pub(crate) fn goes(&self) -> Result<(), EngineError> {
        match self.stopped() {
            Some(why) => Err(EngineError::Stopped {
                flow: self.flow.name.to_string(),
                why,
            }),
            None => Ok(()),
        }
    }

    /// Refuses a run of a flow that is stopped or held, or that would write for the first time without a yes.
    pub(crate) async fn may_run(&self) -> Result<(), EngineError> {
        self.goes()?;
        self.may_write().await?;
        if self.flow.rails.first_run == FirstRun::Write || self.has_written().await? {
            return Ok(());
        }
        Err(EngineError::FirstRun {
            flow: self.flow.name.to_string(),
        })
    }

    /// Whether a person let the flow write before, or it ran before anybody had to.
    pub(crate) async fn has_written(&self) -> Result<bool, EngineError> {
        let flow = self.flow.name.as_str();
        if (self.state.get::<LetWrite>(&keys::let_write(flow)).await?).is_some() {
            return Ok(true);
        }
        let last = self.state.get::<LastRun>(&keys::last_run(flow)).await?;
        Ok(last.is_some())
    }

    /// A person says yes to the flow's first run. Asked for once; saying it again changes nothing.
    pub async fn let_write(&self) -> Result<(), EngineError> {
        if self.has_written().await? {
            return Ok(());
        }
        let mut changes = Changes::default();
        let at = self.clock.now();
        let key = keys::let_write(self.flow.name.as_str());
        changes.put(&key, &LetWrite { at })?;
        self.state.commit(changes.into_set()).await
    }
}

/// Deals and parts that a person let through although they are large, as the deals are now, each at the sum that they saw.
fn approvals(gathered: &Gathered) -> BTreeMap<(RecordKey, u32), Sum> {
    let deals = gathered.deals.iter();
    let versions: BTreeMap<&RecordKey, &str> = deals
        .map(|deal| (&deal.record, deal.version.as_str()))
        .collect();
    let rulings = gathered.rulings.values().flatten();
    rulings
        .filter(|ruling| {
            ruling.reason == reason::NEEDS_APPROVAL && ruling.choice == Choice::GoAhead
        })
        .filter(|ruling| {
            let version = versions.get(&ruling.record);
            version.is_some_and(|version| ruling.counts_at(version))
        })
        .filter_map(|ruling| {
            let sum = ruling.shown.sum.clone()?;
            Some(((ruling.record.clone(), ruling.part), sum))
        })
        .collect()
}
