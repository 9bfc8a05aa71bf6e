//! Done: what became of a round is written down. A unit (a document with what belongs to it, or a balance) leaves the due rows once
//! everything of it is written, unchanged or refused; what waits brings it back in every run.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::execute::Executed;
use crate::mirror::Changes;
use crate::state::keys;
use crate::state::rows::{Decision, Due, Standing};
use footbridge_model::id::RecordKey;
use footbridge_model::plan::{Op, Plan, Subject};
use footbridge_model::receivable::is_receivable;
use footbridge_plan::reflect::Reflection;
use footbridge_plan::sent::Sent;
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    /// What waits becomes a decision; what no longer does loses its own. Before anything is sent.
    pub(crate) async fn note_reflection(
        &self,
        reflection: &Reflection,
        held: &mut BTreeMap<String, usize>,
    ) -> Result<(), EngineError> {
        let mut changes = Changes::default();
        for note in &reflection.plan.holds {
            *held.entry(note.reason.clone()).or_default() += 1;
            self.note(&mut changes, note, Standing::Waiting).await?;
        }
        for record in &reflection.unchanged {
            let key = keys::decision(self.flow.name.as_str(), record, 1);
            if self.state.store.get(&key).await?.is_some() {
                changes.delete(&key);
            }
        }
        self.state.commit(changes.into_set()).await
    }

    /// Units that are done are no longer due. `units`: the natural keys of each, and its due row.
    pub(crate) async fn note_units(
        &self,
        plan: &Plan,
        done: &Executed,
        units: Vec<(BTreeSet<String>, footbridge_store::Key)>,
    ) -> Result<(), EngineError> {
        let mut waiting: BTreeSet<&str> = plan
            .holds
            .iter()
            .map(|note| note.subject.record.id.as_str())
            .collect();
        for op in plan
            .ops
            .iter()
            .filter(|op| !done.applied.contains_key(&op.id))
        {
            if !self.was_refused(op).await? {
                waiting.insert(op.natural_key.value.as_str());
            }
        }
        let mut changes = Changes::default();
        for (keys, due) in units {
            if !keys.iter().any(|key| waiting.contains(key.as_str())) {
                changes.delete(&due);
            }
        }
        self.state.commit(changes.into_set()).await
    }

    async fn was_refused(&self, op: &Op) -> Result<bool, EngineError> {
        Ok(self
            .decided(&op.subject)
            .await?
            .is_some_and(|decision| decision.standing == Standing::Refused))
    }

    async fn decided(&self, subject: &Subject) -> Result<Option<Decision>, EngineError> {
        let key = keys::decision(self.flow.name.as_str(), &subject.record, subject.part);
        Ok(self
            .state
            .get::<Decision>(&key)
            .await?
            .map(|(decision, _)| decision))
    }

    /// Lets the next run look at a record of the way back again, refused or not. False if nothing was decided about it.
    pub(crate) async fn look_at_record_again(&self, id: &str) -> Result<bool, EngineError> {
        let mut changes = Changes::default();
        let is_it = |decision: &Decision| {
            let record = &decision.subject.record;
            record.id.as_str() == id && is_receivable(record.object.as_str())
        };
        let found = self.decisions_where(is_it).await?;
        for decision in &found {
            let RecordKey {
                connection,
                organisation,
                object,
                ..
            } = &decision.subject.record;
            let side = (connection.clone(), organisation.clone());
            let sent = keys::sent(&side, object.as_str(), id);
            match self.state.get::<Sent>(&sent).await? {
                Some((known, _)) if let Some(again) = known.once_more() => {
                    changes.put(&sent, &again)?;
                }
                _ => changes.delete(&sent),
            }
            changes.delete(&keys::decision(
                self.flow.name.as_str(),
                &decision.subject.record,
                decision.subject.part,
            ));
            self.put_record_due(object.as_str(), id, &mut changes)
                .await?;
        }
        self.state.commit(changes.into_set()).await?;
        Ok(!found.is_empty())
    }

    /// Records of the way back that no run has dealt with yet.
    pub(crate) async fn due_back(&self) -> Result<usize, EngineError> {
        let mut count = 0;
        for object in footbridge_model::receivable::KINDS {
            let dues = keys::dues(self.flow.name.as_str(), object).range();
            count += self.state.all::<Due>(&dues).await?.len();
        }
        Ok(count)
    }
}
