//! Plans one round of a flow, in reading order: deals, customers, invoices, write-backs.

use crate::input::PlanInput;
use footbridge_model::plan::Plan;

/// The plan for what was given. The same input, in any order of its lists, gives the same plan.
pub fn plan(input: &PlanInput<'_>) -> Plan {
    Plan {
        flow: input.flow.clone(),
        as_of: input.as_of,
        ops: Vec::new(),
        skips: Vec::new(),
        holds: Vec::new(),
        adoptions: Vec::new(),
        next_number: input.next_number,
    }
}
