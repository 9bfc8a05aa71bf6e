//! The crash proof: the real program, started against both simulators, killed, and started again until nothing is left to do.
//!
//! A verdict is counted in the simulators and asked of the auditor; nothing here shares code with the host or reads its data
//! directory. Reading order: [`binary`] (the program), [`world`] (two fresh companies and a folder), [`strike`] (what goes wrong
//! at the far side), [`trouble`] (at our own: [`disk`], [`power`]), [`round`] (kill, start again, until quiet), [`person`] (who decides what can't be proven), [`verdict`] (counting),
//! [`auditor`], [`programme`] (which rounds there are), [`table`].

pub mod auditor;
pub mod binary;
pub mod disk;
pub mod person;
pub mod power;
pub mod programme;
pub mod round;
pub mod run;
pub mod strike;
pub mod table;
pub mod trouble;
pub mod verdict;
pub mod world;
