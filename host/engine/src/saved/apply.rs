//! Apply: of an approved plan, exactly the approved operations are carried out, and of those exactly the ones that still hold.
//!
//! Everything is read again and planned again first. It uses the same execute, intent, carry, settle and recover as a run; an operation
//! that is written already, by whomever, is not written again.

use super::check::{Fresh, Known, Verdict, check};
use super::row::{Fate, Kept, OpFate, Yes};
use super::{PlanRefusal, SavedPlan};
use crate::engine::Underway;
use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::execute::{Closed, Executed, filled_in};
use crate::mirror::Changes;
use crate::rails::Asking;
use crate::state::keys;
use crate::state::rows::Standing;
use crate::sync::{Looked, Passed, RunReport};
use footbridge_model::document::Document;
use footbridge_model::doubt::NOT_KNOWN;
use footbridge_model::id::{OpId, RecordKey};
use footbridge_model::plan::{Adoption, Note, Op, Plan};
use footbridge_model::plugin::Action;
use footbridge_model::receivable::is_receivable;
use footbridge_plan::rails::beyond;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What became of a saved plan in one application.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Applied {
    /// The plan's id.
    pub id: String,
    /// What became of each of its operations, in this application or an earlier one.
    pub fates: BTreeMap<OpId, OpFate>,
    /// What this application did, as of a run.
    pub report: RunReport,
}

/// What is carried out, and what isn't, with why.
#[derive(Default)]
struct Chosen {
    ops: Vec<Op>,
    fates: BTreeMap<OpId, OpFate>,
}

impl Engine {
    /// Carries out what was approved of a saved plan. Doing it again writes nothing twice.
    pub fn apply_plan<'a>(self: &'a Arc<Self>, id: &'a str, by: &'a str) -> Underway<'a, Applied> {
        Box::pin(async move {
            let (mut kept, saved) = self.saved_plan(id).await?;
            self.is_alive(&kept, &saved)?;
            let Some(yes) = kept.yes.clone() else {
                return Err(PlanRefusal::NotApproved { id: kept.id }.into());
            };
            let all: BTreeSet<&OpId> = saved.plan.ops.iter().map(|op| &op.id).collect();
            if let Some(gone) = yes.ops.iter().find(|op| !all.contains(op)) {
                return Err(PlanRefusal::OpGone {
                    id: kept.id,
                    op: gone.to_string(),
                }
                .into());
            }
            self.goes()?;
            self.may_write().await?;
            let mut fates = kept.fates.clone();
            let carried = self.carried_out(&kept, &saved, &yes, &mut fates);
            let report = self.one_run(carried, Passed::IfLetWrite).await?;
            for (id, fate) in &fates {
                let before = kept.fates.get(id).map(|before| before.fate);
                // What this plan wrote stays told as written by it.
                if (before, fate.fate) != (Some(Fate::Applied), Fate::Already) {
                    kept.fates.insert(id.clone(), fate.clone());
                }
            }
            kept.applied.push(self.act(by));
            let stands = |op: &&OpId| kept.fates.get(*op).is_some_and(|fate| fate.fate.is_done());
            let done = yes.ops.iter().filter(stands).count();
            let what = format!(
                "carried out plan {}: {done} of {} approved operation(s) stand",
                kept.id,
                yes.ops.len()
            );
            self.keep_plan(&kept, by, &what).await?;
            Ok(Applied {
                id: kept.id,
                fates,
                report,
            })
        })
    }

    async fn carried_out(
        self: &Arc<Self>,
        kept: &Kept,
        saved: &SavedPlan,
        yes: &Yes,
        fates: &mut BTreeMap<OpId, OpFate>,
    ) -> Result<RunReport, EngineError> {
        let sides = self.sides().await?;
        self.may_pair(&sides)?;
        let mut report = RunReport::default();
        report.add(self.recover(&sides).await?);
        let mut earlier = self.read_both(&sides).await?;
        let as_of = self.as_of(&sides.organisation)?;
        if as_of.local_date != saved.plan.as_of.local_date {
            // The firm moved to another time zone meanwhile.
            return Err(PlanRefusal::Expired {
                id: kept.id.clone(),
                at: saved.expires.format("%Y-%m-%d %H:%M UTC").to_string(),
            }
            .into());
        }
        let object = self.flow.policy.deal.object.clone();
        let mut ids: BTreeSet<String> = self.deals_to_look_at().await?.into_iter().collect();
        let records = saved.plan.ops.iter().map(|op| &op.subject.record);
        let deals = records.filter(|record| record.object.as_str() == object);
        let deals: Vec<String> = deals.map(|record| record.id.to_string()).collect();
        earlier.extend(deals.iter().cloned());
        ids.extend(deals);
        let ids: Vec<String> = ids.into_iter().collect();
        let mut rails = self.passage(Asking::Check);
        let looked = Looked {
            ids: &ids,
            earlier: &earlier,
        };
        let railed = self.railed_whole(&sides, looked, &mut rails).await?;
        let back = self.preview_back(&sides, as_of, rails).await?;
        let mut fresh = Fresh {
            ops: railed.plan.ops.clone(),
            notes: (railed.plan.holds.iter())
                .chain(&railed.plan.skips)
                .cloned()
                .collect(),
        };
        if let Some(back) = back {
            fresh.ops.extend(back.ops);
            fresh.notes.extend(back.holds);
        }
        let known = self.made_already(&sides, &saved.plan).await?;
        let mut chosen = self.chosen(&sides, saved, yes, &fresh, &known).await?;
        self.keep_to_the_cap(&saved.plan, &mut chosen);
        report.postponed = (chosen.fates.values())
            .filter(|fate| matches!(fate.fate, Fate::Stale | Fate::OverTheCap))
            .count();
        self.note_stale(&saved.plan, &chosen.fates, &railed.plan.holds)
            .await?;
        // What was said of an operation before and is said no more: it is being carried out now.
        *fates = chosen.fates;
        if chosen.ops.is_empty() {
            self.report_doubts(&mut report).await?;
            return Ok(report);
        }
        self.let_write().await?;
        self.admit(&railed).await?;
        let adoptions = (saved.plan.adoptions.iter())
            .filter(|adoption| railed.plan.adoptions.contains(adoption))
            .cloned();
        let mut plan = part_of(&saved.plan, chosen.ops, adoptions.collect());
        for op in &mut plan.ops {
            let beginning: String = kept.id.chars().take(8).collect();
            op.why = format!(
                "{} Approved by {} in plan {beginning}.",
                ended(&op.why),
                yes.act.by
            );
        }
        let mut changes = Changes::default();
        self.note_beside(&mut changes, &plan.ops, &railed.plan.holds)
            .await?;
        self.state.commit(changes.into_set()).await?;
        self.adopt(&plan, &mut report).await?;
        self.take_numbers(&saved.plan).await?;
        let done = self.execute(&sides, &plan, Closed::new()).await?;
        self.told(&plan, &done, fates, &mut report);
        let mut changes = Changes::default();
        // What an earlier application wrote has its number, though this one doesn't know of it.
        let mut rest = saved.plan.clone();
        let earlier = |op: &Op| {
            kept.fates
                .get(&op.id)
                .is_some_and(|it| it.fate.may_be_there())
        };
        rest.ops.retain(|op| !earlier(op));
        self.give_back_numbers(&rest, &done, &mut changes)?;
        self.state.commit(changes.into_set()).await?;
        if plan.ops.iter().any(|op| done.in_doubt.contains(&op.id)) {
            self.look_at_lost(&sides, &mut report).await?;
            let found = self.made_already(&sides, &plan).await?;
            for (id, fate) in fates.iter_mut() {
                if fate.fate == Fate::InDoubt && found.contains_key(id) {
                    *fate = said(Fate::Applied, "it was found at the far side");
                }
            }
        }
        self.report_doubts(&mut report).await?;
        report.stopped = self.barred();
        Ok(report)
    }

    /// What an approved operation waits for by now is an item at once, as after a sync: the plan's word on it names the commands.
    async fn note_stale(
        &self,
        plan: &Plan,
        fates: &BTreeMap<OpId, OpFate>,
        holds: &[Note],
    ) -> Result<(), EngineError> {
        let is_stale = |op: &&Op| {
            fates
                .get(&op.id)
                .is_some_and(|fate| fate.fate == Fate::Stale)
        };
        let stale: BTreeSet<(&RecordKey, u32)> = (plan.ops.iter().filter(is_stale))
            .map(|op| (&op.subject.record, op.subject.part))
            .collect();
        let mut changes = Changes::default();
        for note in holds {
            if stale.contains(&(&note.subject.record, note.subject.part)) {
                self.note(&mut changes, note, Standing::Waiting).await?;
            }
        }
        self.state.commit(changes.into_set()).await
    }

    /// Of the saved operations, those that are carried out now; of all others what is to be said.
    async fn chosen(
        &self,
        sides: &Sides,
        saved: &SavedPlan,
        yes: &Yes,
        fresh: &Fresh,
        known: &Known,
    ) -> Result<Chosen, EngineError> {
        let mut chosen = Chosen::default();
        let mut going: BTreeSet<&OpId> = BTreeSet::new();
        let titles: BTreeMap<&OpId, &Op> = saved.plan.ops.iter().map(|op| (&op.id, op)).collect();
        for op in &saved.plan.ops {
            let missing = (op.after.iter())
                .find(|parent| !known.contains_key(*parent) && !going.contains(parent));
            let fate = if !yes.ops.contains(&op.id) {
                said(Fate::NotApproved, "nobody said yes to it")
            } else {
                let there = self.target(sides, op).await?;
                let verdict = check(op, fresh, known, there.as_ref());
                let of_parent = missing.and_then(|parent| chosen.fates.get(parent));
                let too = of_parent.is_some_and(|fate| fate.fate == Fate::Stale);
                match (verdict, missing) {
                    (Verdict::Already(why), _) => said(Fate::Already, &why),
                    // Its own reason says more than that of a customer which nobody needs any more.
                    (Verdict::Stale(why), Some(_)) if too => said(Fate::Stale, &why),
                    (_, Some(parent)) => needs(parent, titles.get(parent).copied(), &chosen.fates),
                    (Verdict::Stale(why), None) => said(Fate::Stale, &why),
                    (Verdict::Holds(now), None) => {
                        going.insert(&op.id);
                        let mut ready = *now;
                        ready.doc = filled_in(&op.doc, known);
                        ready.after.retain(|parent| going.contains(parent));
                        chosen.ops.push(ready);
                        continue;
                    }
                }
            };
            chosen.fates.insert(op.id.clone(), fate);
        }
        Ok(chosen)
    }

    /// Leaves to the next application what is more than a run may write.
    fn keep_to_the_cap(&self, plan: &Plan, chosen: &mut Chosen) {
        let Some(room) = self.room() else { return };
        let ops = std::mem::take(&mut chosen.ops);
        let all = part_of(plan, ops, Vec::new());
        let beyond = beyond(&all, Some(room));
        for op in all.ops {
            if beyond.contains(&op.id) {
                let why = format!(
                    "a run of this flow writes at most {room} (`most-writes-per-run`), and others come first; apply the plan again, and it goes on here"
                );
                chosen.fates.insert(op.id, said(Fate::OverTheCap, &why));
            } else {
                chosen.ops.push(op);
            }
        }
    }

    /// Records that creates of a plan made, or that are there by now under the same link.
    async fn made_already(&self, sides: &Sides, plan: &Plan) -> Result<Known, EngineError> {
        let mut known = Known::new();
        for op in plan.ops.iter().filter(|op| op.action == Action::Create) {
            let side = self.side_of(sides, &op.connection);
            let object = op.object.as_str();
            let id = if is_receivable(object) {
                let key = &op.natural_key;
                let found = self.state.by_index(side, object, &key.field, &key.value);
                found.await?.into_iter().next()
            } else {
                let link = self.state.link(&op.link.id).await?;
                link.and_then(|link| {
                    let member = link.member(op.connection.as_str(), object)?;
                    Some(member.record.id.to_string())
                })
            };
            let Some(id) = id else { continue };
            let record = self.state.mirrored(side, object, &id).await?;
            let doc = record.map_or(Document::Null, |record| record.doc);
            known.insert(op.id.clone(), (id, doc));
        }
        Ok(known)
    }

    async fn target(&self, sides: &Sides, op: &Op) -> Result<Option<Document>, EngineError> {
        let Some(target) = &op.target else {
            return Ok(None);
        };
        let side = self.side_of(sides, &op.connection);
        let object = op.object.as_str();
        let record = self.state.mirrored(side, object, target.as_str()).await?;
        Ok(record.map(|record| record.doc))
    }

    /// The counter goes past the plan's numbers before any of them is sent.
    async fn take_numbers(&self, plan: &Plan) -> Result<(), EngineError> {
        let key = keys::counter(self.flow.name.as_str());
        let now = self.state.get::<u64>(&key).await?.map_or(0, |(now, _)| now);
        if plan.next_number <= now {
            return Ok(());
        }
        let mut changes = Changes::default();
        changes.put(&key, &plan.next_number)?;
        self.state.commit(changes.into_set()).await
    }

    fn told(
        &self,
        plan: &Plan,
        done: &Executed,
        fates: &mut BTreeMap<OpId, OpFate>,
        report: &mut RunReport,
    ) {
        for op in &plan.ops {
            let fate = if done.applied.contains_key(&op.id) {
                *report.applied.entry(op.object.to_string()).or_default() += 1;
                said(Fate::Applied, "written")
            } else if let Some(why) = done.failed.get(&op.id) {
                said(Fate::Failed, why)
            } else if done.in_doubt.contains(&op.id) {
                said(Fate::InDoubt, NOT_KNOWN)
            } else if done.stale.contains(&op.id) {
                said(
                    Fate::Stale,
                    "the record changed while the plan was carried out",
                )
            } else {
                said(Fate::Failed, "it needs a record that was not written")
            };
            fates.insert(op.id.clone(), fate);
        }
        report.failed += done.failed.len();
        report.postponed += done.stale.len() + done.blocked.len();
    }
}

fn said(fate: Fate, why: &str) -> OpFate {
    OpFate {
        fate,
        why: why.to_owned(),
    }
}

/// Why an operation can't go without its parent.
fn needs(parent: &OpId, op: Option<&Op>, fates: &BTreeMap<OpId, OpFate>) -> OpFate {
    let what = match op {
        Some(op) => format!("the {} {:?}", op.object, op.subject.title),
        None => format!("operation {parent}"),
    };
    let of_parent = fates.get(parent);
    match of_parent.map(|fate| fate.fate) {
        Some(Fate::NotApproved) | None => said(
            Fate::NotApproved,
            &format!("it needs {what} ({parent}), which nobody said yes to"),
        ),
        Some(fate) => {
            let why = of_parent.map_or("", |fate| fate.why.as_str());
            said(fate, &format!("it needs {what}: {why}"))
        }
    }
}

/// A plan with just these operations.
fn part_of(plan: &Plan, ops: Vec<Op>, adoptions: Vec<Adoption>) -> Plan {
    Plan {
        ops,
        adoptions,
        skips: Vec::new(),
        holds: Vec::new(),
        bills: Vec::new(),
        ..plan.clone()
    }
}

/// A sentence with its full stop.
fn ended(text: &str) -> String {
    format!("{}.", text.trim_end().trim_end_matches('.'))
}
