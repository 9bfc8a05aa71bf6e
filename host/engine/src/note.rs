//! Note: what a plan says and what became of it is written down: decisions, adoptions, what is no longer due, the counter.
//!
//! It decides nothing and sends nothing. A deal leaves the due rows only with a decision that says why, or that brings it back.

use crate::blocked::still_in_the_way;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::execute::Executed;
use crate::gather::Gathered;
use crate::intent::{short, titled};
use crate::mirror::Changes;
use crate::settle::join_source;
use crate::state::keys;
use crate::state::rows::{Beside, Decision, Happened, Standing};
use crate::sync::RunReport;
use footbridge_model::id::{OpId, RecordKey};
use footbridge_model::link::{Link, Member, Role};
use footbridge_model::plan::{Adoption, Note, Op, Plan, Subject, reason};
use footbridge_plan::input::Source;
use footbridge_plan::policy::NumberMode;
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    /// Skips and holds become decisions before anything is sent; a crash repeats them at worst.
    pub(crate) async fn note_plan(
        &self,
        plan: &Plan,
        gathered: &Gathered,
        report: &mut RunReport,
    ) -> Result<(), EngineError> {
        let mut changes = Changes::default();
        for note in &plan.skips {
            *report.skipped.entry(note.reason.clone()).or_default() += 1;
            let standing = match note.reason.as_str() {
                reason::PART_NOT_DUE => Standing::Waiting,
                reason::UP_TO_DATE => Standing::Applied,
                _ => Standing::Skipped,
            };
            self.note(&mut changes, note, standing).await?;
        }
        let shows = plan.ops.iter().filter(|op| self.shows_what_stands(op));
        let beside: BTreeSet<&Subject> = shows.map(|op| &op.subject).collect();
        for note in &plan.holds {
            *report.held.entry(note.reason.clone()).or_default() += 1;
            if !beside.contains(&note.subject) {
                self.note(&mut changes, note, Standing::Waiting).await?;
            }
        }
        self.note_beside(&mut changes, &plan.ops, &plan.holds)
            .await?;
        let mentioned: BTreeSet<(&str, u32)> = plan
            .ops
            .iter()
            .map(|op| &op.subject)
            .chain(plan.skips.iter().chain(&plan.holds).map(|n| &n.subject))
            .map(|subject| (subject.record.id.as_str(), subject.part))
            .collect();
        for deal in &gathered.deals {
            self.forget_parts(&mut changes, deal, &mentioned).await?;
        }
        self.keep_merged(&mut changes, &gathered.merged).await?;
        // Before the first byte: a crash leaves a gap in the sequence, never a number that is given twice.
        if plan.next_number > 0 {
            changes.put(&keys::counter(self.flow.name.as_str()), &plan.next_number)?;
        }
        self.state.commit(changes.into_set()).await
    }

    /// One decision, unless it stands already.
    pub(crate) async fn note(
        &self,
        changes: &mut Changes,
        note: &Note,
        standing: Standing,
    ) -> Result<(), EngineError> {
        self.note_with(changes, note, standing, None).await
    }

    /// One question, unless it stands already, with the operation that goes on beside it.
    pub(crate) async fn note_question(
        &self,
        changes: &mut Changes,
        note: &Note,
        beside: &Op,
    ) -> Result<(), EngineError> {
        self.note_with(changes, note, Standing::Waiting, Some(beside))
            .await
    }

    /// That a write is in doubt says more than that something waits for it.
    async fn note_with(
        &self,
        changes: &mut Changes,
        note: &Note,
        standing: Standing,
        beside: Option<&Op>,
    ) -> Result<(), EngineError> {
        let subject = &note.subject;
        let of_a_deal = subject.record.object.as_str() == self.flow.policy.deal.object;
        if of_a_deal {
            self.forget_causes(changes, note, standing);
        }
        let key = keys::decision(self.flow.name.as_str(), &subject.record, subject.part);
        let known = self.state.get::<Decision>(&key).await?;
        let known = known.map(|(known, _)| known);
        let before = known.as_ref().and_then(|known| known.beside.as_ref());
        let beside = beside.map(|op| Beside::of(op, note, before));
        let told = beside.as_ref().map(Beside::told);
        let message = short(told.unwrap_or_else(|| note.message.clone()));
        let (mut request, mut shown) = (None, note.shown.clone());
        if let Some(mut known) = known {
            let in_the_way = still_in_the_way(&known, note);
            if in_the_way {
                shown.waits_for.clone_from(&known.shown.waits_for);
            }
            let same = known.standing == standing
                && known.reason == note.reason
                && known.message == message
                && known.subject == titled(subject);
            let says_more = (known.reason == reason::IN_DOUBT
                && note.reason == reason::UNRESOLVED_WRITE)
                || (known.reason == reason::TOTAL_DIFFERS && note.reason == reason::UP_TO_DATE);
            // The same since then; only what an answer is held against moved on, or what goes on beside it.
            if same && (known.shown != shown || known.beside != beside) {
                known.shown = shown;
                known.beside = beside;
                return changes.put(&key, &known);
            }
            if same || says_more {
                return Ok(());
            }
            // The far side's answer, where the item tells of it.
            let refused = beside
                .as_ref()
                .is_some_and(|beside| beside.refused.is_some());
            request = known.request.filter(|_| in_the_way || refused);
        }
        let decision = Decision {
            standing,
            subject: titled(subject),
            reason: note.reason.clone(),
            message,
            at: self.clock.now(),
            request,
            shown,
            beside,
        };
        self.keep_decision(changes, &decision)
    }

    /// Decisions about parts that the deal no longer has are dropped. What is invoiced or in doubt stays: it happened.
    async fn forget_parts(
        &self,
        changes: &mut Changes,
        deal: &Source,
        mentioned: &BTreeSet<(&str, u32)>,
    ) -> Result<(), EngineError> {
        let flow = self.flow.name.as_str();
        let id = deal.record.id.as_str();
        let object = deal.record.object.as_str();
        let range = keys::decisions_of(flow, object, id).range();
        for (key, known) in self.state.all::<Decision>(&range).await? {
            let part = known.subject.part;
            let kept = known.standing == Standing::Applied || known.reason == reason::IN_DOUBT;
            if !kept && !mentioned.contains(&(id, part)) {
                changes.delete(&key);
                changes.delete(&keys::waiting(flow, id, part));
                changes.delete(&keys::anew(flow, id, part));
            }
        }
        Ok(())
    }

    /// Records that the plan recognised become members of links. Nothing is written to the far side.
    pub(crate) async fn adopt(
        &self,
        plan: &Plan,
        report: &mut RunReport,
    ) -> Result<(), EngineError> {
        let mut changes = Changes::default();
        let mut adoptions = plan.adoptions.iter().peekable();
        while let Some(adoption) = adoptions.next() {
            self.join_adopted(&mut changes, adoption).await?;
            report.adopted += 1;
            let next = adoptions.peek().map(|next| next.link.role);
            // An invoice that is linked brings its deal up no more: its customer is linked with it, or nobody looks for it.
            if (adoption.link.role, next) != (Role::Customer, Some(Role::Billing)) {
                self.state
                    .commit(std::mem::take(&mut changes).into_set())
                    .await?;
            }
        }
        Ok(())
    }

    async fn join_adopted(
        &self,
        changes: &mut Changes,
        adoption: &Adoption,
    ) -> Result<(), EngineError> {
        let mut link = match self.state.link(&adoption.link.id).await? {
            Some(link) => link,
            None => Link {
                id: adoption.link.id.clone(),
                role: adoption.link.role,
                members: Vec::new(),
                made_by: None,
            },
        };
        if adoption.link.role == Role::Customer {
            forget_another(&mut link, &adoption.ledger_record);
        }
        join_source(&mut link, &adoption.link);
        link.set(Member {
            record: adoption.ledger_record.clone(),
            shadow: adoption.shadow.clone(),
            version: Some(adoption.version.clone()),
        });
        self.note_linked(changes, &link)?;
        self.note_customer_linked(changes, &link).await?;
        self.state.put_link(changes, &link).await?;
        self.remember_link(changes, adoption).await?;
        self.journal(
            changes,
            Happened::Linked,
            adoption.why.clone(),
            None,
            Some(&adoption.subject.record),
        )
    }

    /// Deals that were dealt with are no longer due; those whose target changed meanwhile stay. Every other operation that was
    /// not applied has left a decision: in doubt, refused, or waiting, which brings the deal back.
    pub(crate) async fn note_done(
        &self,
        plan: &Plan,
        gathered: &Gathered,
        done: &Executed,
        report: &mut RunReport,
    ) -> Result<(), EngineError> {
        let objects: BTreeMap<&OpId, &str> = plan
            .ops
            .iter()
            .map(|op| {
                let is_change = Self::is_merge(op);
                (
                    &op.id,
                    if is_change {
                        "customer-change"
                    } else {
                        op.object.as_str()
                    },
                )
            })
            .collect();
        for id in done.applied.keys() {
            let object = objects.get(id).copied().unwrap_or("record");
            *report.applied.entry(object.to_owned()).or_default() += 1;
        }
        let amended = plan.ops.iter().filter(|op| {
            op.object.as_str() == "invoice"
                && op.target.is_some()
                && done.applied.contains_key(&op.id)
        });
        report.amended += amended.count();
        report.failed += done.failed.len();
        report.postponed += done.stale.len() + done.blocked.len();
        let stale: BTreeSet<_> = plan
            .ops
            .iter()
            .filter(|op| done.stale.contains(&op.id))
            .map(|op| &op.subject.record)
            .chain(&done.unfinished)
            .collect();
        let mut changes = Changes::default();
        for deal in gathered.deals.iter().filter(|d| !stale.contains(&d.record)) {
            let object = deal.record.object.as_str();
            if self
                .stays_due(&deal.record, plan, done, &gathered.merged)
                .await?
            {
                continue;
            }
            changes.delete(&keys::due(
                self.flow.name.as_str(),
                object,
                deal.record.id.as_str(),
            ));
        }
        self.keep_questions(&mut changes, plan, done).await?;
        self.give_back_numbers(plan, done, &mut changes)?;
        self.state.commit(changes.into_set()).await
    }

    /// Numbers of our counter that surely reached no invoice are given again, but for those that another invoice has: the ledger need
    /// not show which. Not while any number is in doubt: a crash, and a request that left no trace, therefore leave a gap in the sequence.
    pub(crate) fn give_back_numbers(
        &self,
        plan: &Plan,
        done: &Executed,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let NumberMode::Counter { prefix, .. } = &self.flow.policy.billing.number else {
            return Ok(());
        };
        let numbered = || plan.ops.iter().filter(|op| op.object.as_str() == "invoice");
        if numbered().any(|op| done.in_doubt.contains(&op.id)) {
            return Ok(());
        }
        let number = |op: &Op| -> Option<u64> {
            let text = op.doc.text("number")?.strip_prefix(prefix)?;
            text.parse().ok()
        };
        let taken = numbered().filter(|op| done.taken.contains(&op.id));
        let taken = taken.filter_map(number).max();
        let unused = numbered()
            .filter(|op| !done.applied.contains_key(&op.id) && !done.taken.contains(&op.id))
            .filter_map(number)
            // Counting up from below one that another has would offer that one again.
            .filter(|number| taken.is_none_or(|taken| *number > taken))
            .min();
        match unused {
            Some(number) => changes.put(&keys::counter(self.flow.name.as_str()), &number),
            None => Ok(()),
        }
    }
}

/// What both sides agreed on of a customer that is gone says nothing of the one that takes its place.
fn forget_another(link: &mut Link, new: &RecordKey) {
    if link.members.iter().any(|member| member.record == *new) {
        return;
    }
    for member in &mut link.members {
        if member.record.connection != new.connection {
            member.shadow = None;
        }
    }
}
