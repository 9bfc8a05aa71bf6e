//! What people do, one side a file. An act that isn't possible any more does nothing and says so: the story goes on without it.
//!
//! They use the simulators as a person would, never Footbridge. Next: `play`, which carries out the steps that are not people's.

mod salesforce;
mod xero;

use crate::schedule::Step;
use crate::world::World;

/// What came of an act, for the story.
pub(crate) type Told = Result<String, String>;

/// Carries out a step that is something a person does on one of the sides. `None`: it is none.
pub(crate) fn act(world: &mut World, step: &Step) -> Option<Told> {
    salesforce::act(world, step).or_else(|| xero::act(world, step))
}

/// Why a simulator refused, as the end of a sentence.
fn refused(error: impl std::fmt::Display) -> String {
    format!("refused: {error}")
}
