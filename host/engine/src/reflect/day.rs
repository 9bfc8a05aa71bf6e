//! Day: when the organisation's day has changed, the balances of invoices that fell due in between are looked at (domain rule 8).
//!
//! No event says so, and nothing else is touched: overdue on documents is the CRM's own formula.

use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::mirror::Changes;
use crate::state::keys;
use footbridge_model::plan::AsOf;
use footbridge_store::KeyRange;
use footbridge_store::key::{Segment, segments};

impl Engine {
    /// Once per day of the organisation, whichever way the date went.
    pub(crate) async fn turn_the_day(&self, sides: &Sides, as_of: AsOf) -> Result<(), EngineError> {
        let row = keys::reflect_day(self.flow.name.as_str());
        let today = as_of.local_date.to_string();
        let last = self.state.get::<String>(&row).await?.map(|(last, _)| last);
        if last.as_ref() == Some(&today) {
            return Ok(());
        }
        let mut changes = Changes::default();
        if let Some(last) = last {
            let (from, to) = if last < today {
                (&last, &today)
            } else {
                (&today, &last)
            };
            let between = KeyRange::between(
                keys::falls_due(&sides.ledger, from),
                keys::falls_due(&sides.ledger, to),
            );
            for key in self.state.keys(&between).await? {
                let all = segments(&key).unwrap_or_default();
                if let [.., Segment::Text(customer), Segment::Text(currency), _] = all.as_slice() {
                    self.put_balance_due(customer, currency, &sides.ledger.1, &mut changes)?;
                }
            }
        }
        changes.put(&row, &today)?;
        self.state.commit(changes.into_set()).await
    }
}
