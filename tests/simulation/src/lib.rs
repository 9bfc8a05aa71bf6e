//! Seeded simulation: months of two companies in seconds, with a program that crashes between them. README.md tells how to run it.
//!
//! In reading order: `schedule` (what a story is made of), `generate` and `owners` (a seed's story), `world` (simulators, program, time), `life` and
//! `observer` (how the program dies, and what it has open), `act` (what people do), `witness` (what they did), `play`, `property`
//! (what must hold), `shrink`, `batch` (many stories at once).

mod act;
mod batch;
mod generate;
mod life;
mod observer;
mod owners;
mod play;
mod property;
mod records;
mod schedule;
mod shrink;
mod witness;
mod world;

pub use batch::{Failed, Report, Wanted, many};
pub use generate::generate;
pub use play::{Moment, Outcome, Tally, play, play_with};
pub use property::{Broken, NAMES};
pub use records::Records;
pub use schedule::{
    Account, Customers, Deal, Numbers, Schedule, Setup, Side, Standing, Status, Step, Switch,
};
pub use shrink::shrink;
pub use witness::Witness;
pub use world::World;
