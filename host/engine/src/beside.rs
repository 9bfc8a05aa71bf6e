//! Beside: a deal whose invoice waits for a person is shown that invoice all the same. The end of that write is not the end of the question:
//! the item stays, and says besides what the CRM did not take.
//!
//! Everything that becomes of an operation is noted through here. It decides nothing. Next: the next run asks the planner again.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::intent::short;
use crate::mirror::Changes;
use crate::state::keys;
use crate::state::rows::{Beside, Decision, Standing};
use footbridge_model::id::RequestId;
use footbridge_model::plan::{Note, Op, Subject, reason};
use footbridge_store::Key;
use std::collections::BTreeMap;

impl Engine {
    /// Notes which questions go on beside what the plan shows of their deals, and which don't keep it from being the end any more.
    pub(crate) async fn note_beside(
        &self,
        changes: &mut Changes,
        ops: &[Op],
        holds: &[Note],
    ) -> Result<(), EngineError> {
        let asked: BTreeMap<&Subject, &Note> =
            holds.iter().map(|note| (&note.subject, note)).collect();
        for op in ops.iter().filter(|op| self.shows_what_stands(op)) {
            if let Some(note) = asked.get(&op.subject) {
                self.note_question(changes, note, op).await?;
            } else if let Some((key, mut known)) = self.asked_beside(op).await? {
                known.beside = None;
                changes.put(&key, &known)?;
            }
        }
        Ok(())
    }

    /// Whether an operation shows a deal an invoice that is there already: the one kind that goes on beside a question.
    pub(crate) fn shows_what_stands(&self, op: &Op) -> bool {
        op.object.as_str() == self.flow.policy.deal.object && op.after.is_empty()
    }

    /// The question that stands beside an operation, if one does.
    pub(crate) async fn asked_beside(
        &self,
        op: &Op,
    ) -> Result<Option<(Key, Decision)>, EngineError> {
        let key = keys::decision(self.flow.name.as_str(), &op.subject.record, op.subject.part);
        let known = self.state.get::<Decision>(&key).await?;
        Ok(known
            .map(|(known, _)| known)
            .filter(|known| {
                known
                    .beside
                    .as_ref()
                    .is_some_and(|beside| beside.op == op.id)
            })
            .map(|known| (key, known)))
    }

    /// Whether a question stands beside an operation that was applied: then it says nothing more of a refusal, and goes on.
    pub(crate) async fn goes_on_beside(
        &self,
        changes: &mut Changes,
        op: &Op,
    ) -> Result<bool, EngineError> {
        let Some((key, mut known)) = self.asked_beside(op).await? else {
            return Ok(false);
        };
        if let Some(beside) = &mut known.beside
            && beside.refused.take().is_some()
        {
            known.message = short(beside.told());
            changes.put(&key, &known)?;
        }
        Ok(true)
    }

    /// Notes what became of an operation that was not applied, in its item. `said`: reason and message.
    pub(crate) async fn decide_of(
        &self,
        changes: &mut Changes,
        request: Option<&RequestId>,
        op: &Op,
        standing: Standing,
        said: (&str, &str),
    ) -> Result<(), EngineError> {
        let Some((key, mut known)) = self.asked_beside(op).await? else {
            return self.decide_after(changes, request, &op.subject, standing, said);
        };
        let (code, message) = said;
        match code {
            // A person may have to say what became of it. The question is asked again once that is known.
            reason::IN_DOUBT => {
                code.clone_into(&mut known.reason);
                known.message = short(message.to_owned());
                known.request = request.cloned();
                known.at = self.clock.now();
            }
            reason::REJECTED => {
                let Some(beside) = &mut known.beside else {
                    return Ok(());
                };
                beside.refused = Some(message.to_owned());
                if known.reason == reason::IN_DOUBT {
                    // Only the planner knows the question again.
                    return changes.put(&key, &known);
                }
                known.message = short(beside.told());
                known.request = request.cloned().or(known.request);
            }
            // It is planned again with the question in the next run.
            _ => return Ok(()),
        }
        changes.put(&key, &known)
    }
}

impl Beside {
    /// Of a question that is asked again.
    pub(crate) fn of(op: &Op, note: &Note, known: Option<&Beside>) -> Self {
        let known = known.filter(|known| known.op == op.id);
        Self {
            op: op.id.clone(),
            asked: note.message.clone(),
            refused: known.and_then(|known| known.refused.clone()),
        }
    }

    /// The question, with what was refused besides.
    pub(crate) fn told(&self) -> String {
        match &self.refused {
            Some(refused) => format!("{} Besides, {refused}", self.asked),
            None => self.asked.clone(),
        }
    }
}
