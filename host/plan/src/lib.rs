//! The pure planner: the same changes, links, observed state, policy and instant give the same plan (design invariant 5).
//!
//! It does no IO and asks nobody: the engine gathers what it needs into a [`PlanInput`], and carries out the [`Plan`] it gets.
//! Every operation, skip and hold has a reason that a bookkeeper understands.

pub mod input;
mod plan;
pub mod policy;

pub use footbridge_model::plan::Plan;
pub use input::PlanInput;
pub use plan::plan;
pub use policy::FlowPolicy;
