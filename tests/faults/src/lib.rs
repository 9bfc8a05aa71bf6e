//! The fault matrix: every registered kind of write under every fault, through the real engine, store, broker and plugins, against both
//! simulators. A cell is right when each operation had exactly one effect at the far side, nothing is lost, nothing in doubt for ever,
//! every value is right to the cent, and a last run writes nothing.
//!
//! In reading order: `row` and `column` (what there is), `world` (both companies), `life` (an engine that dies at a point), `cell` (plays
//! one), `process` and `program` (play one on a program of its own), `verdict` (counts), `matrix` (plays many), `table` (prints). README.md tells how to add a row.

mod audited;
mod cell;
mod clock;
mod column;
mod life;
mod matrix;
mod person;
mod process;
mod program;
mod registry;
mod row;
mod set_up;
mod table;
mod verdict;
mod world;

pub use audited::audited_row;
pub use cell::{Outcome, Played, play};
pub use column::{Column, Ground};
pub use life::At;
pub use matrix::{Matrix, mistakes, skipped};
pub use program::Machine;
pub use registry::disagreements;
pub use row::{Chapter, ROWS, Row, Vendor, missing};
pub use table::{kinds, reasons, table};
