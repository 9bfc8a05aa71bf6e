//! Blocked: an operation that is not sent because a record that it needs was not written. Its item names that record, why it was not
//! written, and the request whose answer says so; whoever looks at the item is led to what has to be seen to.
//!
//! Nothing is sent here. Next: `items` looks up what stands in the way.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::execute::Executed;
use crate::mirror::Changes;
use crate::state::keys;
use crate::state::rows::{Decision, Standing};
use footbridge_model::doubt::NOT_KNOWN;
use footbridge_model::plan::{Note, Op, reason};
use footbridge_model::shown::Shown;

impl Engine {
    /// `first`: the operation that has to be applied before, at the beginning of the chain.
    pub(crate) async fn note_blocked(
        &self,
        op: &Op,
        first: &Op,
        done: &Executed,
    ) -> Result<(), EngineError> {
        // What a person is asked about this deal says more.
        if self.asked_beside(op).await?.is_some() {
            return Ok(());
        }
        let request = done.requests.get(&first.id);
        let why = match (done.failed.get(&first.id), request) {
            (Some(why), _) => format!(
                "which was not written: {}. Once that is, this follows by itself",
                why.trim_end().trim_end_matches('.')
            ),
            (None, Some(request)) if done.in_doubt.contains(&first.id) => {
                format!("which was sent (request {request}), and {NOT_KNOWN}")
            }
            _ => "which changed meanwhile; the next run plans it again".to_owned(),
        };
        let message = format!("It waits for {}, {why}. {}", first.subject.called(), op.why);
        let shown = Shown {
            waits_for: Some(first.subject.clone()),
            ..Shown::default()
        };
        let mut changes = Changes::default();
        self.decide_showing(
            &mut changes,
            request,
            &op.subject,
            Standing::Waiting,
            (reason::WAITS_FOR_ANOTHER, &message, shown),
        )?;
        self.state.commit(changes.into_set()).await
    }

    /// The item of what an item waits for, if that waits itself.
    pub async fn first_of(&self, item: &Decision) -> Result<Option<Decision>, EngineError> {
        let Some(first) = &item.shown.waits_for else {
            return Ok(None);
        };
        let key = keys::decision(self.flow.name.as_str(), &first.record, first.part);
        let known = self.state.get::<Decision>(&key).await?;
        let waits = |known: &Decision| known.standing.waits();
        Ok(known.map(|(known, _)| known).filter(waits))
    }
}

/// Where a write that was told of before has no outcome yet, what was known of it stays known: which record, which request.
pub(crate) fn still_in_the_way(known: &Decision, note: &Note) -> bool {
    let told = [reason::WAITS_FOR_ANOTHER, reason::UNRESOLVED_WRITE];
    note.reason == reason::UNRESOLVED_WRITE
        && known.request.is_some()
        && told.contains(&known.reason.as_str())
}
