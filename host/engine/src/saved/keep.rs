//! Keep: plans are saved, listed, shown, approved and withdrawn. Nothing is sent from here. Next: `apply`.

use super::row::{Act, Kept, Origin, Place, Yes};
use super::{FORMAT, PlanRefusal, SavedPlan};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::rails::Asking;
use crate::state::keys;
use crate::state::rows::{Happened, Text};
use crate::sync::Preview;
use footbridge_model::id::OpId;
use footbridge_model::plan::{Op, Plan};
use footbridge_plan::rails::same_id;
use std::collections::{BTreeMap, BTreeSet};

/// What is said yes to.
#[derive(Debug, Clone, Default)]
pub struct Approval {
    /// Records or operations by id; a record brings along what it needs. Empty: everything.
    pub only: Vec<String>,
    /// Records or operations that are left out.
    pub except: Vec<String>,
}

/// The operations of a plan that these ids stand for: an operation by its own id, or all of a record (of the source or as the target)
/// with those that they need.
///
/// # Errors
/// Ids that stand for nothing in the plan.
pub fn picked(plan: &Plan, ids: &[String]) -> Result<BTreeSet<OpId>, PlanRefusal> {
    let by_id: BTreeMap<&OpId, &Op> = plan.ops.iter().map(|op| (&op.id, op)).collect();
    let mut found = BTreeSet::new();
    let mut unknown = Vec::new();
    for id in ids {
        let of_record: Vec<&Op> = (plan.ops.iter()).filter(|op| is_about(op, id)).collect();
        if let Some(op) = by_id.get(&OpId::new(id.as_str())) {
            found.insert(op.id.clone());
        } else if of_record.is_empty() {
            unknown.push(format!("{id:?}"));
        }
        let mut open = of_record;
        while let Some(op) = open.pop() {
            if found.insert(op.id.clone()) {
                open.extend(op.after.iter().filter_map(|id| by_id.get(id).copied()));
            }
        }
    }
    if unknown.is_empty() {
        Ok(found)
    } else {
        Err(PlanRefusal::NotInIt {
            names: unknown.join(", "),
        })
    }
}

fn is_about(op: &Op, id: &str) -> bool {
    let target = op.target.as_ref().map(|target| target.as_str());
    same_id(id, op.subject.record.id.as_str()) || target.is_some_and(|target| same_id(id, target))
}

impl Engine {
    /// What a plan that is to be approved would do: as [`Engine::plan`], with what needs a yes in it.
    pub async fn plan_to_approve(self: &std::sync::Arc<Self>) -> Result<Preview, EngineError> {
        self.preview(Asking::Approver).await
    }

    /// A previewed plan as it is saved. Nothing is stored.
    pub async fn to_save(&self, preview: &Preview) -> Result<SavedPlan, EngineError> {
        let mut plan = preview.plan.clone();
        if let Some(back) = &preview.reflected {
            plan.ops.extend(back.ops.iter().cloned());
            plan.holds.extend(back.holds.iter().cloned());
        }
        if plan.ops.is_empty() {
            return Err(PlanRefusal::Empty.into());
        }
        let meta = self.state.store.meta();
        let zone = &preview.time_zone;
        let expires = footbridge_plan::midnight_after(&plan.as_of, zone).map_err(|e| {
            EngineError::Record {
                connection: self.flow.ledger.to_string(),
                object: "organisation".to_owned(),
                id: preview.organisation.clone(),
                why: e.to_string(),
            }
        })?;
        Ok(SavedPlan {
            format: FORMAT,
            installation: meta.installation.clone(),
            epoch: meta.epoch,
            organisation: preview.organisation.clone(),
            expires,
            plan,
            asks: preview.asks.clone(),
            calls: preview.calls.clone(),
        })
    }

    /// Keeps a plan. The same one twice is one.
    pub async fn save_plan(&self, saved: &SavedPlan, by: &str) -> Result<Kept, EngineError> {
        let id = saved.id().map_err(|e| unwritten(&e))?;
        if let Some(known) = self.kept(&id).await? {
            return Ok(known);
        }
        let text = saved.canonical().map_err(|e| unwritten(&e))?;
        let kept = Kept {
            id,
            body: self.state.put_body(text.into_bytes()).await?,
            saved: self.act(by),
            made: Some(Origin {
                installation: saved.installation.clone(),
                epoch: saved.epoch,
            }),
            place: Place::Here,
            expires: saved.expires,
            ops: saved.plan.ops.len(),
            yes: None,
            earlier: Vec::new(),
            withdrawn: None,
            applied: Vec::new(),
            fates: BTreeMap::new(),
        };
        let what = format!("saved plan {}: {} operation(s)", kept.id, kept.ops);
        self.keep_plan(&kept, by, &what).await?;
        Ok(kept)
    }

    /// All saved plans of this flow, the newest first.
    pub async fn saved_plans(&self) -> Result<Vec<Kept>, EngineError> {
        let range = keys::saved_plans(self.flow.name.as_str()).range();
        let mut found = Vec::new();
        for (key, text) in self.state.all::<Text>(&range).await? {
            found.push(self.read_kept(&key, &text).await?);
        }
        found.sort_by(|a, b| (b.saved.at, &b.id).cmp(&(a.saved.at, &a.id)));
        Ok(found)
    }

    /// A saved plan by its id or the beginning of it, checked against its id.
    pub async fn saved_plan(&self, id: &str) -> Result<(Kept, SavedPlan), EngineError> {
        let kept = match self.kept(id).await? {
            Some(kept) => kept,
            None => self.by_beginning(id).await?,
        };
        let changed = |why: String| PlanRefusal::Changed {
            id: kept.id.clone(),
            why,
        };
        let bytes = self.state.body(&kept.body).await?;
        let saved: SavedPlan =
            serde_json::from_slice(&bytes).map_err(|e| changed(e.to_string()))?;
        if saved.id().map_err(|e| unwritten(&e))? != kept.id {
            return Err(changed("it has another digest than its id says".to_owned()).into());
        }
        Ok((kept, saved))
    }

    /// Says yes to a plan, or to a part of it. A later yes takes the place of an earlier one.
    pub async fn approve_plan(
        &self,
        id: &str,
        what: &Approval,
        by: &str,
    ) -> Result<(Kept, SavedPlan), EngineError> {
        let (mut kept, saved) = self.saved_plan(id).await?;
        self.is_alive(&kept, &saved)?;
        let mut ops: BTreeSet<OpId> = match what.only.as_slice() {
            [] => saved.plan.ops.iter().map(|op| op.id.clone()).collect(),
            only => picked(&saved.plan, only)?,
        };
        for id in left_out(&saved.plan, &what.except)? {
            ops.remove(&id);
        }
        // A yes can't be taken back from what is written.
        let written = kept.fates.iter().filter(|(_, fate)| fate.fate.is_done());
        ops.extend(written.map(|(id, _)| id.clone()));
        kept.earlier.extend(kept.yes.take());
        let (count, of) = (ops.len(), kept.ops);
        let what = format!("approved {count} of {of} operation(s) of plan {}", kept.id);
        kept.yes = Some(Yes {
            act: self.act(by),
            ops,
        });
        self.keep_plan(&kept, by, &what).await?;
        Ok((kept, saved))
    }

    /// Takes a plan back: it is never carried out any more. What was written stays.
    pub async fn withdraw_plan(&self, id: &str, by: &str) -> Result<Kept, EngineError> {
        let (mut kept, _) = self.saved_plan(id).await?;
        if kept.withdrawn.is_none() {
            kept.withdrawn = Some(self.act(by));
            let what = format!("withdrew plan {}", kept.id);
            self.keep_plan(&kept, by, &what).await?;
        }
        Ok(kept)
    }

    /// Refuses a plan that is of elsewhere, withdrawn, or of another day.
    pub(super) fn is_alive(&self, kept: &Kept, saved: &SavedPlan) -> Result<(), EngineError> {
        self.is_ours(&kept.id, saved)?;
        if let Some(act) = &kept.withdrawn {
            return Err(PlanRefusal::Withdrawn {
                id: kept.id.clone(),
                by: act.by.clone(),
            }
            .into());
        }
        let now = self.clock.now();
        // A clock that went back says nothing good about what day it is.
        if now >= saved.expires || now < saved.plan.as_of.instant {
            return Err(PlanRefusal::Expired {
                id: kept.id.clone(),
                at: saved.expires.format("%Y-%m-%d %H:%M UTC").to_string(),
            }
            .into());
        }
        Ok(())
    }

    /// Refuses a plan of another installation or epoch.
    pub fn is_ours(&self, id: &str, saved: &SavedPlan) -> Result<(), EngineError> {
        let meta = self.state.store.meta();
        if (&saved.installation, saved.epoch) == (&meta.installation, meta.epoch) {
            return Ok(());
        }
        Err(PlanRefusal::Elsewhere {
            id: id.to_owned(),
            theirs: saved.installation.clone(),
            their_epoch: saved.epoch,
            ours: meta.installation.clone(),
            our_epoch: meta.epoch,
        }
        .into())
    }

    /// The instant that states of plans are told for.
    pub fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.clock.now()
    }

    pub(super) fn act(&self, by: &str) -> Act {
        Act {
            by: by.to_owned(),
            at: self.clock.now(),
        }
    }

    /// Keeps what is decided about a plan, with its line in the journal, which outlives the plan.
    pub(super) async fn keep_plan(
        &self,
        kept: &Kept,
        by: &str,
        did: &str,
    ) -> Result<(), EngineError> {
        let text = serde_json::to_string(kept).map_err(|e| unwritten(&e))?;
        let mut changes = Changes::default();
        self.journal(
            &mut changes,
            Happened::Said,
            format!("{by} {did}"),
            None,
            None,
        )?;
        let key = keys::saved_plan(self.flow.name.as_str(), &kept.id);
        changes.put(&key, &self.state.keep(&text).await?)?;
        self.state.commit(changes.into_set()).await
    }

    async fn kept(&self, id: &str) -> Result<Option<Kept>, EngineError> {
        let key = keys::saved_plan(self.flow.name.as_str(), id);
        match self.state.get::<Text>(&key).await? {
            Some((text, _)) => self.read_kept(&key, &text).await.map(Some),
            None => Ok(None),
        }
    }

    async fn by_beginning(&self, id: &str) -> Result<Kept, EngineError> {
        let mut all = self.saved_plans().await?;
        all.retain(|kept| id.len() >= 4 && kept.id.starts_with(id));
        match (all.pop(), all.as_slice()) {
            (Some(kept), []) => Ok(kept),
            (Some(kept), more) => {
                let ids = more.iter().chain([&kept]).map(|kept| kept.id.as_str());
                Err(PlanRefusal::Ambiguous {
                    id: id.to_owned(),
                    all: ids.collect::<Vec<_>>().join(", "),
                }
                .into())
            }
            (None, _) => Err(PlanRefusal::Unknown {
                id: id.to_owned(),
                flow: self.flow.name.to_string(),
            }
            .into()),
        }
    }

    async fn read_kept(&self, key: &[u8], text: &Text) -> Result<Kept, EngineError> {
        let text = self.state.read(text).await?;
        let mut kept: Kept = serde_json::from_str(&text).map_err(|e| EngineError::Format {
            key: footbridge_store::key::readable(key),
            why: e.to_string(),
        })?;
        let meta = self.state.store.meta();
        let here =
            |made: &Origin| (&made.installation, made.epoch) == (&meta.installation, meta.epoch);
        if kept.made.as_ref().is_some_and(|made| !here(made)) {
            kept.place = Place::Elsewhere;
        }
        Ok(kept)
    }
}

/// Operations that are left out by id or record, with what only those need: a customer is made for deals that go through.
fn left_out(plan: &Plan, ids: &[String]) -> Result<BTreeSet<OpId>, PlanRefusal> {
    picked(plan, ids)?;
    let named = |op: &&Op| {
        let by_id = |id: &String| op.id.as_str() == id || is_about(op, id);
        ids.iter().any(by_id)
    };
    let mut out: BTreeSet<OpId> = (plan.ops.iter().filter(named))
        .map(|op| op.id.clone())
        .collect();
    let mut needing: BTreeMap<&OpId, Vec<&OpId>> = BTreeMap::new();
    for op in &plan.ops {
        for needed in &op.after {
            needing.entry(needed).or_default().push(&op.id);
        }
    }
    loop {
        let needless = needing
            .iter()
            .filter(|(_, by)| by.iter().all(|id| out.contains(*id)));
        let needless: Vec<OpId> = needless.map(|(id, _)| (*id).clone()).collect();
        let before = out.len();
        out.extend(needless);
        if out.len() == before {
            return Ok(out);
        }
    }
}

pub(super) fn unwritten(error: &serde_json::Error) -> EngineError {
    EngineError::Format {
        key: "a saved plan".to_owned(),
        why: error.to_string(),
    }
}
