//! Done: what is remembered of customers is written down, with the plan's notes before anything is sent, and with each outcome in its own commit.
//!
//! It decides nothing. What was written is pending until it is read again; what the far side made of it becomes the shadow then.

use super::Merged;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::execute::Executed;
use crate::mirror::Changes;
use crate::state::keys;
use crate::state::rows::{Decision, Standing};
use footbridge_model::id::RecordKey;
use footbridge_model::link::{Link, Member, Role};
use footbridge_model::plan::{Op, Plan, reason};
use footbridge_model::plugin::{Action, Applied};
use footbridge_plan::merge::after_write;

impl Engine {
    /// Links as the plan has them.
    pub(crate) async fn keep_merged(
        &self,
        changes: &mut Changes,
        merged: &Merged,
    ) -> Result<(), EngineError> {
        for link in &merged.links {
            let moved = merged.left.iter().any(|(_, id)| *id == link.id)
                || merged
                    .again
                    .iter()
                    .any(|record| link.members.iter().any(|member| member.record == *record));
            if moved {
                self.note_linked(changes, link)?;
            }
            self.state.put_link(changes, link).await?;
        }
        for (record, link) in &merged.left {
            changes.delete(&keys::member(record, link));
        }
        for record in &merged.again {
            self.put_record_of_customer_due(record, changes)?;
        }
        Ok(())
    }

    /// Whether an operation changes a customer that is linked already.
    pub(crate) fn is_merge(op: &Op) -> bool {
        op.link.role == Role::Customer && op.action == Action::Update
    }

    /// A customer was changed on a side: that is remembered, and the next run reads what has become of it.
    pub(crate) async fn is_merged(
        &self,
        changes: &mut Changes,
        op: &Op,
        far: RecordKey,
        applied: &Applied,
    ) -> Result<(), EngineError> {
        let Some(mut link) = self.state.link(&op.link.id).await? else {
            return Ok(());
        };
        let source = &op.link.source;
        let member = link
            .members
            .iter_mut()
            .find(|member| member.record == *source);
        if let (Some(member), Some(writing)) = (member, &op.link.source_shadow) {
            let now = after_write(member.shadow.as_deref(), writing, self.clock.now());
            member.shadow = now.or(member.shadow.take());
        }
        if far.connection == self.flow.ledger && applied.version.is_some() {
            link.set(Member {
                record: far,
                shadow: Some(applied.doc.clone()),
                version: applied.version.clone(),
            });
        }
        self.state.put_link(changes, &link).await?;
        self.put_record_of_customer_due(source, changes)?;
        self.forget_trouble(changes, source).await
    }

    /// A customer that was just linked is looked at once more, so that later changes have something to be compared with.
    pub(crate) async fn note_customer_linked(
        &self,
        changes: &mut Changes,
        link: &Link,
    ) -> Result<(), EngineError> {
        if link.role != Role::Customer {
            return Ok(());
        }
        for member in &link.members {
            if member.record.connection == self.flow.source {
                self.put_record_of_customer_due(&member.record, changes)?;
                if self.merges(member.record.object.as_str()) {
                    self.forget_trouble(changes, &member.record).await?;
                }
            }
        }
        Ok(())
    }

    /// What was noted of a write that has its outcome now is no longer so; what waits for a person still does.
    async fn forget_trouble(
        &self,
        changes: &mut Changes,
        record: &RecordKey,
    ) -> Result<(), EngineError> {
        let key = keys::decision(self.flow.name.as_str(), record, 1);
        let known = self.state.get::<Decision>(&key).await?;
        let of_the_write = [reason::IN_DOUBT, reason::REJECTED, "try-again"];
        if known.is_some_and(|(known, _)| of_the_write.contains(&known.reason.as_str())) {
            changes.delete(&key);
        }
        Ok(())
    }

    /// A customer has one decision: where the plan asks something of it and a write of it failed besides, the question stands, and the
    /// failure is told with it.
    pub(crate) async fn keep_questions(
        &self,
        changes: &mut Changes,
        plan: &Plan,
        done: &Executed,
    ) -> Result<(), EngineError> {
        for note in &plan.holds {
            let record = &note.subject.record;
            if !self.merges(record.object.as_str()) || !failed(plan, done, record) {
                continue;
            }
            let key = keys::decision(self.flow.name.as_str(), record, note.subject.part);
            let Some((known, _)) = self.state.get::<Decision>(&key).await? else {
                continue;
            };
            if known.reason == note.reason || known.reason == reason::IN_DOUBT {
                continue;
            }
            let message = format!("{} Besides: {}", note.message, known.message);
            let (request, waits) = (known.request.as_ref(), Standing::Waiting);
            let said = (note.reason.as_str(), message.as_str());
            self.decide_after(changes, request, &note.subject, waits, said)?;
        }
        Ok(())
    }

    /// Whether a customer stays due after its round: it waits, was written or refused, or has to be looked at or read again.
    pub(crate) async fn stays_due(
        &self,
        record: &RecordKey,
        plan: &Plan,
        done: &Executed,
        merged: &Merged,
    ) -> Result<bool, EngineError> {
        if !self.merges(record.object.as_str()) {
            return Ok(false);
        }
        let written = plan
            .ops
            .iter()
            .any(|op| op.subject.record == *record && done.applied.contains_key(&op.id));
        let held = plan.holds.iter().any(|note| note.subject.record == *record);
        let again = merged.again.contains(record) || merged.pending.contains(record);
        if written || held || again || failed(plan, done, record) {
            return Ok(true);
        }
        let key = keys::decision(self.flow.name.as_str(), record, 1);
        let known = self.state.get::<Decision>(&key).await?;
        Ok(known.is_some_and(|(known, _)| known.standing == Standing::Waiting))
    }
}

/// Whether an operation of a customer was not taken.
fn failed(plan: &Plan, done: &Executed, record: &RecordKey) -> bool {
    let mut its = plan.ops.iter().filter(|op| op.subject.record == *record);
    its.any(|op| done.failed.contains_key(&op.id))
}
