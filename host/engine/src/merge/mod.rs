//! Merge: linked customers of which a side changed are planned before the deals, by the same plan, journal and settling as everything else.
//!
//! It holds no rule: `footbridge_plan::merge` has them. `due` knows who is to be looked at, `gather` what matters for them, `done` what is
//! remembered of it. Where the operator says nothing of customers, none of this runs.

mod done;
mod due;
mod gather;

use crate::amend::Reread;
use crate::engine::{Engine, Sides};
use crate::error::EngineError;
use crate::gather::{Gathered, record_key};
use crate::sync::sound;
use footbridge_model::id::RecordKey;
use footbridge_model::link::Link;
use footbridge_model::plan::{AsOf, Plan};
use footbridge_model::ruling::Ruling;
use footbridge_plan::input::Observed;
use footbridge_plan::merge::CustomerPolicy;
use std::collections::{BTreeMap, BTreeSet};

/// What a customers' round changes besides its operations.
#[derive(Debug, Default)]
pub(crate) struct Merged {
    /// Links with what is remembered, and with members that moved.
    pub(crate) links: Vec<Link>,
    /// Records that are no longer members of a link.
    pub(crate) left: Vec<(RecordKey, String)>,
    /// Records of the CRM that are looked at again by the next run.
    pub(crate) again: Vec<RecordKey>,
    /// Those of which something that was written has yet to be read again.
    pub(crate) pending: Vec<RecordKey>,
}

/// So often customers that a plan changes are read again: where that makes another plan, it may change others.
const MOST_LOOKS: usize = 2;

/// Customers that aren't shown any more.
#[derive(Debug, Default)]
struct Unseen {
    source: BTreeSet<RecordKey>,
    ledger: BTreeSet<String>,
}

/// What reading again showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// All stand as the plan expects.
    AsPlanned,
    /// Some are otherwise, or aren't shown.
    Otherwise,
}

impl Engine {
    /// What the operator says about customers, if anything.
    pub(crate) fn merging(&self) -> Option<&CustomerPolicy> {
        self.flow.policy.customers.as_ref()
    }

    /// Whether changes of this object of the CRM go to the ledger.
    pub(crate) fn merges(&self, object: &str) -> bool {
        self.merging().is_some()
            && self
                .flow
                .customer_objects
                .iter()
                .any(|known| known == object)
    }

    /// The plan for customers of which a side changed.
    pub(crate) async fn planned_customers(
        &self,
        as_of: AsOf,
        sides: &Sides,
    ) -> Result<(Plan, Gathered), EngineError> {
        let Some(policy) = self.merging() else {
            return Err(nothing_said());
        };
        let due = self.customers_to_look_at(sides).await?;
        let again = due.clone();
        let mut input = self
            .gather_customers(policy, as_of, sides, due, &[])
            .await?;
        let mut made = footbridge_plan::merge::plan(&input);
        let mut unseen = Unseen::default();
        for _ in 0..MOST_LOOKS {
            let found = self.reread_customers(sides, &made.plan, &mut unseen);
            if found.await? == Found::AsPlanned {
                break;
            }
            input = self
                .gather_customers(policy, as_of, sides, again.clone(), &[])
                .await?;
            let ledger = &unseen.ledger;
            input.observed.retain(|id, _| !ledger.contains(id));
            input.hidden.clone_from(&unseen.source);
            made = footbridge_plan::merge::plan(&input);
        }
        let gathered = Gathered {
            hidden: BTreeSet::new(),
            deals: input.customers,
            customers: BTreeMap::new(),
            observed: Observed::default(),
            links: Vec::new(),
            rulings: input.rulings,
            unresolved: input.unresolved,
            sent: BTreeMap::new(),
            next_number: 0,
            merged: Merged {
                links: made.links,
                left: made.left,
                again: made.again,
                pending: made.pending,
            },
        };
        Ok((sound(made.plan)?, gathered))
    }

    /// Reads the customers again that a plan changes, of each side those that it changes there.
    async fn reread_customers(
        &self,
        sides: &Sides,
        plan: &Plan,
        unseen: &mut Unseen,
    ) -> Result<Found, EngineError> {
        let mut all = Found::AsPlanned;
        let of_crm = self.flow.customer_objects.iter().map(String::as_str);
        let of_crm = of_crm.map(|object| (&sides.source, object));
        for (side, object) in std::iter::once((&sides.ledger, "customer")).chain(of_crm) {
            let Reread::Otherwise(missing) = self.reread_amended(side, plan, object).await? else {
                continue;
            };
            all = Found::Otherwise;
            for id in missing {
                if side.0 == sides.ledger.0 {
                    unseen.ledger.insert(id);
                } else {
                    unseen.source.insert(record_key(side, object, &id));
                }
            }
        }
        Ok(all)
    }

    /// What would come of one customer if this ruling stood, and whether its link moves.
    pub(crate) async fn tried_customer(
        &self,
        as_of: AsOf,
        sides: &Sides,
        ruling: &Ruling,
    ) -> Result<(Plan, bool), EngineError> {
        let Some(policy) = self.merging() else {
            return Err(nothing_said());
        };
        let record = &ruling.record;
        let due = vec![(record.object.to_string(), record.id.to_string())];
        let tried = std::slice::from_ref(ruling);
        let input = self
            .gather_customers(policy, as_of, sides, due, tried)
            .await?;
        let made = footbridge_plan::merge::plan(&input);
        Ok((sound(made.plan)?, made.again.contains(record)))
    }
}

fn nothing_said() -> EngineError {
    EngineError::Format {
        key: "a customers' round".to_owned(),
        why: "the flow says nothing of customers".to_owned(),
    }
}
