//! Rails: what the operator doesn't let through yet is taken out of a plan, and waits with its reason. A plan goes in, a smaller one comes out.
//!
//! Pure, and it never makes an operation: what is left is as the planner made it, in its order, and needs nothing that was taken out.
//! In reading order: `policy` (what the operator says), `pilot`, `unseen`, `approval`, `cap`, each a list of what to take out, and `close`, which
//! takes out what hangs on it.

mod approval;
mod cap;
mod close;
mod pilot;
mod policy;
mod unseen;

pub use pilot::same_id;
pub use policy::{ApprovalAbove, FirstRun, Pilot, Rails};

use crate::explain::Said;
use crate::input::Source;
use crate::policy::NumberMode;
use footbridge_model::id::{OpId, RecordId, RecordKey};
use footbridge_model::plan::{Note, Op, Plan, Subject};
use footbridge_model::plugin::Action;
use footbridge_model::receivable::is_receivable;
use footbridge_model::shown::Sum;
use std::collections::{BTreeMap, BTreeSet};

/// What the rails are applied with.
#[derive(Debug, Clone)]
pub struct Bounds<'a> {
    /// What the operator says.
    pub rails: &'a Rails,
    /// Whose numbers the invoices get: those of our own counter close up behind an invoice that is taken out.
    pub numbers: &'a NumberMode,
    /// The deals of the round.
    pub deals: &'a [Source],
    /// Deals that the CRM no longer shows.
    pub hidden: &'a BTreeSet<RecordId>,
    /// Deals that a pilot by count let in before.
    pub admitted: &'a BTreeSet<RecordId>,
    /// Keys of receivable documents that the CRM shows already: what belongs to them is inside a pilot.
    pub shown: &'a BTreeSet<String>,
    /// Invoices that a person said yes to.
    pub approved: Approved<'a>,
    /// Records that this run may still write; none: as many as there are.
    pub room: Option<usize>,
}

/// What a person said yes to.
#[derive(Debug, Clone, Copy)]
pub enum Approved<'a> {
    /// These deals and parts, each at this sum.
    These(&'a BTreeMap<(RecordKey, u32), Sum>),
    /// The plan itself is to be approved: what needs a yes stays in it, and is named.
    ThePlan,
}

/// What comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Railed {
    /// The plan without what waits; that is among its holds now.
    pub plan: Plan,
    /// Deals that a pilot by count lets in with this plan.
    pub admitted: BTreeSet<RecordId>,
    /// Records of which something is written and something waits: a run looks at them again.
    pub unfinished: BTreeSet<RecordKey>,
    /// With [`Approved::ThePlan`]: what only a yes lets through, with the reason.
    pub asks: Vec<Note>,
}

/// Operations that are taken out, each with why. None: it goes because nothing needs it any more, and nothing is said of it.
type Cuts = BTreeMap<OpId, Option<Said>>;

/// Takes out of a plan what its flow's rails don't let through.
pub fn apply(plan: Plan, bounds: &Bounds<'_>) -> Railed {
    let mut cuts = Cuts::new();
    let numbers = close::given(&plan);
    let admitted = pilot::outside(&plan, bounds, &mut cuts);
    unseen::hidden(&plan, bounds, &mut cuts);
    let asks = approval::needed(&plan, bounds, &mut cuts);
    close::over(&plan, &mut cuts);
    cap::above(&plan, bounds.room, &mut cuts);
    let (plan, unfinished) = without(plan, &cuts);
    let mut railed = Railed {
        asks: still(&plan, asks),
        plan,
        admitted,
        unfinished,
    };
    close::numbers(&mut railed.plan, bounds.numbers, &cuts, &numbers);
    railed
}

/// What of a plan that a person approved one run has no room for, by the same order as in [`apply`].
pub fn beyond(plan: &Plan, room: Option<usize>) -> BTreeSet<OpId> {
    let mut cuts = Cuts::new();
    cap::above(plan, room, &mut cuts);
    cuts.into_keys().collect()
}

/// The plan without what is taken out, and the records of which something is left.
fn without(mut plan: Plan, cuts: &Cuts) -> (Plan, BTreeSet<RecordKey>) {
    if cuts.is_empty() {
        return (plan, BTreeSet::new());
    }
    let (kept, taken): (Vec<Op>, Vec<Op>) =
        (plan.ops.into_iter()).partition(|op| !cuts.contains_key(&op.id));
    let at_work: BTreeSet<&RecordKey> = kept.iter().map(|op| &op.subject.record).collect();
    let unfinished = taken
        .iter()
        .filter(|op| at_work.contains(&op.subject.record))
        .map(|op| op.subject.record.clone())
        .collect();
    let billed: BTreeSet<OpId> = plan.bills.iter().map(|bill| bill.op.clone()).collect();
    let place = |subject: &Subject| (subject.record.clone(), subject.part);
    let made = kept.iter().filter(|op| op.action == Action::Create);
    let holds = plan.holds.iter().map(|note| &note.subject);
    let mut spoken: BTreeSet<_> = made.map(|op| &op.subject).chain(holds).map(place).collect();
    // Of a customer nothing is said: the deals that need it say it.
    let needed: BTreeSet<&OpId> = taken.iter().flat_map(|op| &op.after).collect();
    let itself = |op: &&Op| {
        let object = op.object.as_str();
        !needed.contains(&op.id) || is_receivable(object) || billed.contains(&op.id)
    };
    for op in taken.iter().filter(itself) {
        let Some(Some(said)) = cuts.get(&op.id) else {
            continue;
        };
        if spoken.insert(place(&op.subject)) {
            // What was skipped of it is told with what waits: by itself it would say that nothing does.
            let is_its = |note: &mut Note| place(&note.subject) == place(&op.subject);
            let skipped = plan.skips.extract_if(.., is_its);
            let said_of_it = [said.message.clone()].into_iter();
            let said_of_it: Vec<String> = said_of_it.chain(skipped.map(|n| n.message)).collect();
            plan.holds.push(Note {
                subject: op.subject.clone(),
                reason: said.reason.to_owned(),
                message: said_of_it.join(" "),
                shown: (*said.shown).clone(),
            });
        }
    }
    plan.holds.sort_by(|a, b| a.subject.cmp(&b.subject));
    plan.bills.retain(|bill| !cuts.contains_key(&bill.op));
    plan.ops = kept;
    (plan, unfinished)
}

/// Of what needs a yes, what is still in the plan.
fn still(plan: &Plan, asks: Vec<(OpId, Note)>) -> Vec<Note> {
    let kept: BTreeSet<&OpId> = plan.ops.iter().map(|op| &op.id).collect();
    let asks = asks.into_iter().filter(|(op, _)| kept.contains(op));
    asks.map(|(_, note)| note).collect()
}
