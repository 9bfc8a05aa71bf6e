//! What must hold however the story goes, one property a file. They are asked of both simulators' records; of the product only its plan,
//! its reasons and the rows of unresolved writes are looked at, where the property is about them.
//!
//! Reading order: [`NAMES`]; after each run `one_write`, `blanked`, `order`; once both sides are at rest all others.

mod blanked;
pub(crate) mod converges;
mod echo;
mod idle;
mod lost;
mod one_write;
mod order;
mod owner;
mod sums;

pub(crate) use owner::settled;

use crate::records::Records;
use crate::world::World;
use footbridge_engine::{Decision, EngineError, Preview, Unsettled};
use serde::Serialize;

/// The properties by the names that reports use.
pub const NAMES: [&str; 9] = [
    converges::NAME,
    idle::NAME,
    blanked::NAME,
    echo::NAME,
    order::NAME,
    one_write::NAME,
    sums::NAME,
    lost::NAME,
    owner::NAME,
];

/// A property that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Its name.
    pub property: &'static str,
    /// All that it says.
    pub says: Vec<String>,
}

/// Both sides at rest, and what the product says of them.
pub(crate) struct Rested {
    pub(crate) records: Records,
    pub(crate) preview: Result<Preview, EngineError>,
    pub(crate) decisions: Vec<Decision>,
    /// What a run tells of what waits.
    pub(crate) unsettled: Unsettled,
}

fn held(property: &'static str, says: Vec<String>) -> Result<(), Broken> {
    if says.is_empty() {
        Ok(())
    } else {
        Err(Broken { property, says })
    }
}

/// What must hold after every run, however it ended.
pub(crate) fn after_run(world: &World, before: &Records, after: &Records) -> Result<(), Broken> {
    held(one_write::NAME, one_write::asked(world, after))?;
    held(blanked::NAME, blanked::asked(world, before, after))?;
    held(order::NAME, order::moved(world, before, after))
}

/// What must hold once nothing changes any more.
pub(crate) fn at_rest(world: &World, rested: &Rested) -> Result<(), Broken> {
    held(one_write::NAME, one_write::asked(world, &rested.records))?;
    // Before the plan: what is wrong or left out and would be put right is still so now.
    held(sums::NAME, sums::asked(world, rested))?;
    held(lost::NAME, lost::asked(world, rested))?;
    held(owner::NAME, owner::asked(world, rested))?;
    held(idle::NAME, idle::asked(rested))?;
    held(order::NAME, order::ended(world, rested))?;
    held(echo::NAME, echo::asked(world, rested))
}
