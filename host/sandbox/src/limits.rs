//! Every limit that a guest meets, in one place, each with its default.
//!
//! A limit is never raised by a guest or its manifest, only by the operator. Next: `run.rs` enforces them for calls,
//! `install.rs` for files, `broker/` for traffic.

use std::time::Duration;

/// The limits. Sizes are bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Largest component file. 64 MiB.
    pub component: usize,
    /// Longest compilation at install. 120 s of CPU time in a child process, of wall time otherwise.
    pub compile: Duration,
    /// Most memory of a compilation in a child process. 4 GiB of address space.
    pub compile_memory: u64,
    /// CPU time of one call into a connector, its own only: waiting is free. 10 s.
    pub connector_cpu: Duration,
    /// CPU time of one batch of a transform. Above what its fuel allows on a slow machine, so that the verdict is the fuel's. 120 s.
    pub transform_cpu: Duration,
    /// Wall time of one call, without what it waited for the broker. 120 s.
    pub wall: Duration,
    /// Fuel of a transform's batch, and more for each input: the same input gets the same verdict on every machine.
    /// 1,000,000,000 and 100,000,000 units; a unit is about one instruction.
    pub fuel: Fuel,
    /// All linear memories of a store together. 256 MiB.
    pub memory: usize,
    /// Elements of all tables of a store together. 100,000.
    pub table_elements: usize,
    /// Tables of a store. 32.
    pub tables: usize,
    /// Linear memories of a store. 32.
    pub memories: usize,
    /// Core instances of a store. 64.
    pub instances: usize,
    /// Handles that a guest may hold at once. 1,000.
    pub handles: usize,
    /// Bytes that one host call may carry from a guest into the host. 32 MiB.
    pub hostcall_bytes: usize,
    /// Stack of a guest. 512 KiB.
    pub stack: usize,
    /// One line of a guest's log. 4 KiB.
    pub log_line: usize,
    /// All lines of a call. 64 KiB.
    pub log_total: usize,
    /// What a guest may print, kept for its error message. 16 KiB; the rest is dropped.
    pub output: usize,
    /// Requests of one call. 100.
    pub requests: u32,
    /// What one plugin may keep on one connection, keys and values together. 1 MiB.
    pub storage: u64,
    /// Random bytes that one request for them gives. 64 KiB.
    pub random: u64,
    /// Items that one call gives or takes. 500; more are passed in several calls.
    pub batch_items: usize,
    /// Bytes of documents that one call gives. 8 MiB; more are passed in several calls.
    pub batch_bytes: usize,
    /// Bytes of everything that one call gives back. 32 MiB.
    pub answer_bytes: usize,
    /// Items of one page or look-up. 5,000.
    pub page_items: usize,
    /// Faults in a row after which a plugin is quarantined. 5.
    pub strikes: u32,
}

/// How much fuel a batch gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fuel {
    /// For the batch.
    pub batch: u64,
    /// For each input.
    pub input: u64,
}

impl Fuel {
    pub(crate) fn of(self, inputs: usize) -> u64 {
        let inputs = u64::try_from(inputs).unwrap_or(u64::MAX);
        self.batch.saturating_add(self.input.saturating_mul(inputs))
    }
}

impl Default for Limits {
    fn default() -> Self {
        const KIB: usize = 1024;
        const MIB: usize = 1024 * KIB;
        Self {
            component: 64 * MIB,
            compile: Duration::from_secs(120),
            compile_memory: 4 << 30,
            connector_cpu: Duration::from_secs(10),
            transform_cpu: Duration::from_secs(120),
            wall: Duration::from_secs(120),
            fuel: Fuel {
                batch: 1_000_000_000,
                input: 100_000_000,
            },
            memory: 256 * MIB,
            table_elements: 100_000,
            tables: 32,
            memories: 32,
            instances: 64,
            handles: 1_000,
            hostcall_bytes: 32 * MIB,
            stack: 512 * KIB,
            log_line: 4 * KIB,
            log_total: 64 * KIB,
            output: 16 * KIB,
            requests: 100,
            storage: 1 << 20,
            random: 64 << 10,
            batch_items: 500,
            batch_bytes: 8 * MIB,
            answer_bytes: 32 * MIB,
            page_items: 5_000,
            strikes: 5,
        }
    }
}
