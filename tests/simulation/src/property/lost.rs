//! Nothing is lost silently: at rest, every won deal is invoiced, needs nothing for a reason that is so, or waits under the name of its problem.

use super::Rested;
use crate::records::{Records, text};
use crate::witness::version_of;
use crate::world::World;
use footbridge_engine::{Decision, Standing};
use serde_json::Value;
use std::collections::BTreeMap;

pub(crate) const NAME: &str = "nothing is lost silently";

pub(crate) fn asked(world: &World, rested: &Rested) -> Vec<String> {
    let mut says = Vec::new();
    says.extend(untold(rested));
    for (id, deal) in rested.records.live("Opportunity") {
        if text(deal, "IsWon") != "true" {
            continue;
        }
        let of_it: Vec<&Decision> = rested
            .decisions
            .iter()
            .filter(|decision| decision.subject.record.id.as_str() == id)
            .collect();
        let problem = if of_it.is_empty() {
            Some("nothing was decided about it".to_owned())
        } else {
            of_it
                .iter()
                .find_map(|decision| unfounded(world, &rested.records, id, deal, decision))
        };
        if let Some(problem) = problem {
            says.push(format!("{} ({id}): {problem}", text(deal, "Name")));
        }
    }
    says
}

/// Every run tells all that waits, also what it had no reason to look at.
fn untold(rested: &Rested) -> Option<String> {
    let waits =
        |decision: &&Decision| matches!(decision.standing, Standing::Waiting | Standing::Refused);
    let mut wait = BTreeMap::<&str, usize>::new();
    for decision in rested.decisions.iter().filter(waits) {
        *wait.entry(&decision.reason).or_default() += 1;
    }
    let mut told = BTreeMap::<&str, usize>::new();
    let unsettled = &rested.unsettled;
    for (reason, n) in unsettled.records.iter().chain(&unsettled.way_back) {
        *told.entry(reason).or_default() += n;
    }
    (wait != told).then(|| format!("{wait:?} wait, and a run tells {told:?}"))
}

/// A decision that isn't so.
fn unfounded(
    world: &World,
    records: &Records,
    id: &str,
    deal: &Value,
    decision: &Decision,
) -> Option<String> {
    let invoiced = records
        .of("Invoices")
        .any(|(_, invoice)| text(invoice, "Url").contains(id));
    let reason = decision.reason.as_str();
    let version = version_of(records, id, deal);
    let nothing = version.nets().iter().any(rust_decimal::Decimal::is_zero);
    match decision.standing {
        Standing::Applied if !invoiced => {
            Some("it counts as invoiced and has no invoice".to_owned())
        }
        Standing::Applied => None,
        Standing::Waiting | Standing::Refused if decision.message.is_empty() => {
            Some(format!("it waits ({reason}) without a word"))
        }
        Standing::Waiting | Standing::Refused => None,
        Standing::Skipped if invoiced => None,
        Standing::Skipped => match reason {
            "before-go-live" if world.witness.history.contains(id) => None,
            "zero-amount" if nothing => None,
            _ => Some(format!(
                "it needs nothing, it is said ({reason}: {}), and it is won and has no invoice",
                decision.message
            )),
        },
    }
}
