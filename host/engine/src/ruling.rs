//! Rulings: what people decided about items, kept until the planner no longer needs it.
//!
//! It decides nothing and obeys nothing; the planner reads rulings with its input. Next: `gather`.

use crate::engine::Engine;
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::state::keys;
use footbridge_model::id::RecordKey;
use footbridge_model::ruling::Ruling;
use footbridge_plan::input::Source;
use std::collections::BTreeMap;

/// Rulings by record and part.
pub(crate) type Rulings = BTreeMap<(RecordKey, u32), Vec<Ruling>>;

impl Engine {
    /// Keeps a ruling; an earlier one about the same reason and field is replaced. The next run looks at the record again.
    pub async fn rule(&self, ruling: Ruling) -> Result<(), EngineError> {
        let flow = self.flow.name.as_str();
        let key = keys::ruling(flow, &ruling.record, ruling.part);
        let mut all = match self.state.get::<Vec<Ruling>>(&key).await? {
            Some((known, _)) => known,
            None => Vec::new(),
        };
        all.retain(|known| known.reason != ruling.reason || !same_field(known, &ruling));
        all.push(ruling);
        let mut changes = Changes::default();
        changes.put(&key, &all)?;
        if let Some(ruling) = all.last() {
            self.put_record_of_customer_due(&ruling.record, &mut changes)?;
        }
        self.state.commit(changes.into_set()).await
    }

    /// What was decided about these records.
    pub(crate) async fn rulings_of<'a>(
        &self,
        sources: impl Iterator<Item = &'a Source>,
    ) -> Result<Rulings, EngineError> {
        let flow = self.flow.name.as_str();
        let mut found = Rulings::new();
        for source in sources {
            let range = keys::rulings_of(flow, &source.record).range();
            for (_, all) in self.state.all::<Vec<Ruling>>(&range).await? {
                if let Some(first) = all.first() {
                    found.insert((first.record.clone(), first.part), all);
                }
            }
        }
        Ok(found)
    }
}

fn same_field(one: &Ruling, other: &Ruling) -> bool {
    one.choice.field() == other.choice.field()
}
