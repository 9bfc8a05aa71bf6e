//! What belongs to one store: the inert baseline, the limiter, the log's allowance, and the way to the broker if any.
//!
//! A store lives for one call or batch and is thrown away with everything in it. Next: `host.rs` and `wasi_http.rs` serve
//! its imports.

use crate::broker::{Ask, Asking, Line, Refusal};
use crate::keyvalue::Space;
use crate::limits::Limits;
use crate::meter::Meter;
use crate::wasi::{self, Output, World};
use crate::wasi_http::{self, Unread};
use footbridge_model::id::PluginDigest;
use std::sync::Arc;
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// The data of one store.
pub(crate) struct State {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    table: ResourceTable,
    pub(crate) limiter: Limiter,
    pub(crate) log: LogAllowance,
    pub(crate) way: Way,
}

/// The call's way to the broker, whichever face it asks through.
pub(crate) struct Way {
    pub(crate) reach: Reach,
    pub(crate) meter: Arc<Meter>,
    pub(crate) plugin: Arc<str>,
    pub(crate) digest: PluginDigest,
    /// Answers that the host holds until the guest has read them.
    pub(crate) unread: Unread,
}

impl Way {
    /// A request of this plugin's, with nothing in it yet.
    pub(crate) fn ask(&self, asking: Asking) -> Ask {
        Ask {
            by: self.plugin.to_string(),
            digest: Some(self.digest.clone()),
            asking,
            service: String::new(),
            path: String::new(),
            query: Vec::new(),
            headers: Vec::new(),
        }
    }
}

/// What a call may reach.
pub(crate) enum Reach {
    /// Nothing: transforms, which could not even ask.
    Nothing,
    /// Nothing: a connector's pure calls. What they ask for all the same is refused on this line.
    Pure(Arc<Line>),
    /// Reads on one connection.
    Reads {
        line: Arc<Line>,
        /// How many more.
        left: u32,
        /// What it keeps, if it asked for storage and has any.
        space: Option<Space>,
    },
}

impl Reach {
    /// The line for one more request, if the call may make one. Both faces of the broker come in here.
    pub(crate) fn take(&mut self, ask: &Ask) -> Result<Arc<Line>, Refusal> {
        match self {
            Self::Nothing => Err(Refusal::Denied("a transform reaches nothing".to_owned())),
            Self::Pure(line) => Err(line.refuse(ask, "this call is pure and reaches nothing")),
            Self::Reads { line, left: 0, .. } => {
                Err(line.refuse(ask, "this call has used all its requests"))
            }
            Self::Reads { line, left, .. } => {
                *left -= 1;
                Ok(line.clone())
            }
        }
    }
}

/// How much a call may still log.
pub(crate) struct LogAllowance {
    pub(crate) line: usize,
    pub(crate) left: usize,
}

impl State {
    pub(crate) fn new(
        (plugin, digest): (Arc<str>, PluginDigest),
        reach: Reach,
        world: World,
        output: &Output,
        meter: Arc<Meter>,
        limits: &Limits,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        Self {
            wasi: wasi::context(world, output, limits),
            http: wasi_http::context(),
            table,
            limiter: Limiter {
                memory: 0,
                table_elements: 0,
                refused: None,
                limits: limits.clone(),
            },
            log: LogAllowance {
                line: limits.log_line,
                left: limits.log_total,
            },
            way: Way {
                reach,
                meter,
                plugin,
                digest,
                unread: Unread::up_to(limits.answer_bytes),
            },
        }
    }

    /// Whether it keeps more in the host than a guest needs, in words.
    pub(crate) fn hoards(&mut self) -> Option<String> {
        wasi_http::hoards(&mut self.table)
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.way,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

/// Counts memories and tables of a store together.
pub(crate) struct Limiter {
    memory: usize,
    table_elements: usize,
    /// The limit that was hit, in words.
    pub(crate) refused: Option<String>,
    limits: Limits,
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        if total > self.limits.memory {
            self.refused = Some(format!(
                "asked for more than {} MiB of memory",
                self.limits.memory >> 20
            ));
            return Ok(false);
        }
        if maximum.is_none_or(|maximum| desired <= maximum) {
            self.memory = total;
        }
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let total = self
            .table_elements
            .saturating_add(desired.saturating_sub(current));
        if total > self.limits.table_elements {
            self.refused = Some(format!(
                "asked for more than {} table elements",
                self.limits.table_elements
            ));
            return Ok(false);
        }
        if maximum.is_none_or(|maximum| desired <= maximum) {
            self.table_elements = total;
        }
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.limits.instances
    }

    fn tables(&self) -> usize {
        self.limits.tables
    }

    fn memories(&self) -> usize {
        self.limits.memories
    }
}
