//! The only place where wasmtime is configured, and the ticker that lets the host look at running guests.
//!
//! Two engines: connectors are bounded by CPU time, transforms by fuel as well, so that the same input gets the same
//! verdict. Nothing made by one engine is ever used with the other. Next: `compile.rs`, `run.rs`.

use crate::limits::Limits;
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use wasmtime::{Config, Engine, EngineWeak, WasmFeatures};

/// How often a running guest is looked at.
pub(crate) const TICK: Duration = Duration::from_millis(10);
/// Stack of host functions, beside the guest's.
const HOST_STACK: usize = 1_536 * 1024;

/// Proposals of WebAssembly that no file may use.
pub(crate) const FORBIDDEN_FEATURES: WasmFeatures = WasmFeatures::THREADS
    .union(WasmFeatures::SHARED_EVERYTHING_THREADS)
    .union(WasmFeatures::MEMORY64)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::CUSTOM_PAGE_SIZES);

/// Of those, what wasmtime itself uses between the parts of a component, as JavaScript's and Python's tools put them together.
const OWN_FEATURES: WasmFeatures = WasmFeatures::MULTI_MEMORY;

/// What a plugin is; decides its engine, its imports and its limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginKind {
    /// Reads and prepares writes for one provider.
    Connector,
    /// Turns records of one side into drafts for the other.
    Transform,
}

impl std::fmt::Display for PluginKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connector => "connector",
            Self::Transform => "transform",
        })
    }
}

/// Makes the engine of a kind.
pub(crate) fn engine(kind: PluginKind, limits: &Limits) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .consume_fuel(kind == PluginKind::Transform)
        .max_wasm_stack(limits.stack)
        .async_stack_size(limits.stack + HOST_STACK)
        // What no guest of ours needs widens the sandbox.
        .wasm_features(FORBIDDEN_FEATURES.difference(OWN_FEATURES), false)
        .concurrency_support(false)
        // The same numbers on every machine.
        .cranelift_nan_canonicalization(kind == PluginKind::Transform)
        .relaxed_simd_deterministic(true)
        // Neither debuggers nor backtraces look at guests here, and what is not in native code needs not be read,
        // hashed and copied at each start. Traps are told as before.
        .generate_address_map(false)
        .native_unwind_info(false)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(8));
    Engine::new(&config)
}

/// Names what native code is good for: this build of wasmtime with this configuration on this kind of machine.
pub(crate) fn fingerprint(engine: &Engine) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Lets time pass for guests while any runs, and sleeps otherwise.
pub(crate) struct Ticker(Arc<Running>);

#[derive(Default)]
struct Running {
    guests: Mutex<Count>,
    changed: Condvar,
}

#[derive(Default)]
struct Count {
    running: usize,
    over: bool,
}

impl Ticker {
    pub(crate) fn start(engines: Vec<EngineWeak>) -> std::io::Result<Self> {
        let running = Arc::new(Running::default());
        let seen = running.clone();
        std::thread::Builder::new()
            .name("guest-ticker".to_owned())
            .spawn(move || tick(&seen, &engines))?;
        Ok(Self(running))
    }

    /// To be held while a guest may run.
    pub(crate) fn guest(&self) -> GuestRuns {
        self.0.count().running += 1;
        self.0.changed.notify_one();
        GuestRuns(self.0.clone())
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.0.count().over = true;
        self.0.changed.notify_one();
    }
}

/// A guest may be running while this is held.
pub(crate) struct GuestRuns(Arc<Running>);

impl Drop for GuestRuns {
    fn drop(&mut self) {
        let mut count = self.0.count();
        count.running = count.running.saturating_sub(1);
    }
}

impl Running {
    fn count(&self) -> std::sync::MutexGuard<'_, Count> {
        self.guests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn tick(running: &Running, engines: &[EngineWeak]) {
    loop {
        let waiting = running
            .changed
            .wait_while(running.count(), |count| count.running == 0 && !count.over)
            .unwrap_or_else(PoisonError::into_inner);
        // A guest that outlives the sandbox still needs its ticks.
        if waiting.over && waiting.running == 0 {
            return;
        }
        drop(waiting);
        std::thread::sleep(TICK);
        let mut alive = false;
        for engine in engines.iter().filter_map(EngineWeak::upgrade) {
            engine.increment_epoch();
            alive = true;
        }
        if !alive {
            return;
        }
    }
}
