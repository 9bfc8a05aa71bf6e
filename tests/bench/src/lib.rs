//! Benchmarks of the product's own paths, with its limits on, each against something bare measured in the same run.
//!
//! One file per benchmark, in the order of `docs/performance.md`: [`batch`](Which::Batch), `call`, `load`, `broker`, `fuel`,
//! `commit`, `flow`, `change`; `growth` stands apart, for it takes minutes to hours. `measure` takes times in turns, `finding` and `table` tell them, `ground` is what they all
//! run in. Nothing here decides how the product works, and no figure fails a test: machines differ.

mod batch;
mod broker;
mod call;
mod change;
mod commit;
mod cpu;
mod finding;
mod flow;
mod fuel;
mod ground;
pub mod growth;
mod growth_rows;
mod load;
mod measure;
mod server;
mod table;
mod world;

pub use finding::{Against, Finding, Goal, Verdict};
pub use ground::{Ground, Size, sandbox};
pub use table::table;

/// The benchmarks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// A batch of records through the sandboxed mapping, against the same code native.
    Batch,
    /// Instantiate and first call.
    Call,
    /// Loading native code from the cache.
    Load,
    /// A request through the broker, against the bare client.
    Broker,
    /// Fuel against epochs for the same work.
    Fuel,
    /// Commits of the store, against a bare flushed append.
    Commit,
    /// A first sync, end to end.
    Flow,
    /// From a deal being won to the first write arriving.
    Change,
}

impl Which {
    /// All, in order.
    pub const ALL: [Self; 8] = [
        Self::Batch,
        Self::Call,
        Self::Load,
        Self::Broker,
        Self::Fuel,
        Self::Commit,
        Self::Flow,
        Self::Change,
    ];

    /// What it is called on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Call => "call",
            Self::Load => "load",
            Self::Broker => "broker",
            Self::Fuel => "fuel",
            Self::Commit => "commit",
            Self::Flow => "flow",
            Self::Change => "change",
        }
    }

    /// Runs it.
    ///
    /// # Errors
    /// It can't be measured: something failed that must not.
    pub async fn run(self, ground: &Ground) -> anyhow::Result<Vec<Finding>> {
        match self {
            Self::Batch => batch::run(ground).await,
            Self::Call => call::run(ground).await,
            Self::Load => load::run(ground).await,
            Self::Broker => broker::run(ground).await,
            Self::Fuel => fuel::run(ground).await,
            Self::Commit => commit::run(ground).await,
            Self::Flow => flow::run(ground).await,
            Self::Change => change::run(ground).await,
        }
    }
}
