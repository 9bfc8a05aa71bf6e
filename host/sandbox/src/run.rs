//! Runs a call: a store of its own, every limit set, what the guest says apart from what it does.
//!
//! A trap, a limit or an exit ends that store and nothing else; it is told as [`CallError::Plugin`] and counts as a
//! strike. What a guest says through the contract is not this file's business (`convert.rs`). Next: `connector.rs` and
//! `transform.rs` call it.

use crate::broker::Line;
use crate::host::AbortOnDrop;
use crate::limits::Limits;
use crate::meter::{Meter, Metered};
use crate::sandbox::Plugin;
use crate::state::{Reach, State};
use crate::wasi::{Output, World};
use footbridge_engine::ports::CallError;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Store, Trap, UpdateDeadline};
use wasmtime_wasi::I32Exit;

/// The work of a call on a fresh instance.
pub(crate) type Work<T> =
    Box<dyn for<'a> FnOnce(&'a mut Store<State>, &'a Instance) -> Doing<'a, T> + Send>;
/// That work under way.
pub(crate) type Doing<'a, T> = Pin<Box<dyn Future<Output = wasmtime::Result<T>> + Send + 'a>>;

/// Boxes the work of a call.
pub(crate) fn work<T>(
    work: impl for<'a> FnOnce(&'a mut Store<State>, &'a Instance) -> Doing<'a, T> + Send + 'static,
) -> Work<T> {
    Box::new(work)
}

/// What a call may use up and see.
pub(crate) struct Terms {
    pub(crate) reach: Reach,
    pub(crate) world: World,
    pub(crate) cpu: Duration,
    /// For engines that count it.
    pub(crate) fuel: Option<u64>,
}

/// Makes one call. `finish` turns what came back into host types and says so if it is nonsense.
pub(crate) async fn call<T: Send + 'static, R>(
    plugin: &Arc<Plugin>,
    terms: Terms,
    work: Work<T>,
    finish: impl FnOnce(T) -> Result<R, Verdict>,
) -> Result<R, CallError> {
    let fault = |what: String| CallError::Plugin {
        plugin: plugin.installed.name.clone(),
        what,
    };
    if let Some(what) = plugin.sandbox.quarantine(&plugin.installed) {
        return Err(fault(format!(
            "is quarantined; the last thing it did: {what}. Install a repaired version"
        )));
    }
    let pre = plugin.loaded().await.map_err(fault)?;
    let running = plugin.clone();
    let task = AbortOnDrop(tokio::spawn(async move {
        run(&running, &pre, terms, work).await
    }));
    let outcome = match task.await {
        Ok(outcome) => outcome,
        // A panic of the host while the guest ran: named after the guest, since it is what led there.
        Err(error) => Err(format!("made the host's call fail: {error}")),
    };
    let outcome = match outcome {
        Ok(value) => finish(value),
        Err(what) => Err(Verdict::Nonsense(what)),
    };
    match outcome {
        Ok(value) => {
            plugin.sandbox.forgive(&plugin.installed);
            Ok(value)
        }
        Err(Verdict::Said(error)) => {
            plugin.sandbox.forgive(&plugin.installed);
            Err(error)
        }
        Err(Verdict::Nonsense(what)) => {
            plugin.sandbox.strike(&plugin.installed, &what);
            Err(fault(what))
        }
    }
}

/// Why a call that came back gave nothing.
pub(crate) enum Verdict {
    /// The plugin said so, by the contract.
    Said(CallError),
    /// It broke the contract; in words that follow the plugin's name.
    Nonsense(String),
}

async fn run<T>(
    plugin: &Plugin,
    pre: &InstancePre<State>,
    terms: Terms,
    work: Work<T>,
) -> Result<T, String> {
    let limits = plugin.sandbox.limits();
    let meter = Arc::new(Meter::default());
    let output = Output::new(limits.output);
    let name: Arc<str> = plugin.installed.name.as_str().into();
    let state = State::new(
        (name, plugin.installed.digest.clone()),
        terms.reach,
        terms.world,
        &output,
        meter.clone(),
        limits,
    );
    let mut store = Store::new(pre.engine(), state);
    store.limiter(|state| &mut state.limiter);
    store.set_hostcall_fuel(limits.hostcall_bytes);
    store.set_max_component_handles(limits.handles);
    if let Some(fuel) = terms.fuel {
        store.set_fuel(fuel).map_err(|error| error.to_string())?;
    }
    let (cpu, watch) = (terms.cpu, meter.clone());
    store.set_epoch_deadline(1);
    store.epoch_deadline_callback(move |mut store| {
        if let Some(what) = store.data_mut().hoards() {
            store.data_mut().limiter.refused = Some(what);
            return Ok(UpdateDeadline::Interrupt);
        }
        Ok(if watch.cpu() > cpu {
            UpdateDeadline::Interrupt
        } else {
            watch.interrupts();
            UpdateDeadline::Yield(1)
        })
    });
    let _runs = plugin.sandbox.guest();
    let outcome = {
        let turn = (plugin.sandbox.turn(), plugin.spent.clone());
        let call = Metered::new(meter.clone(), turn, async {
            let instance = pre.instantiate_async(&mut store).await?;
            work(&mut store, &instance).await
        });
        meter.within(limits.wall, call).await
    };
    match outcome {
        Some(Ok(value)) => Ok(value),
        Some(Err(error)) => Err(in_words(&error, &store, cpu, terms.fuel, &output)),
        None => Err(format!(
            "ran for more than {} s",
            limits.wall.as_secs().max(1)
        )),
    }
}

fn in_words(
    error: &wasmtime::Error,
    store: &Store<State>,
    cpu: Duration,
    fuel: Option<u64>,
    output: &Output,
) -> String {
    let mut what = if let Some(exit) = error.downcast_ref::<I32Exit>() {
        format!("exited with status {}", exit.0)
    } else {
        match error.downcast_ref::<Trap>() {
            Some(Trap::Interrupt) => format!("used more than {} ms of CPU time", cpu.as_millis()),
            Some(Trap::OutOfFuel) => {
                format!("used up its {} units of fuel", fuel.unwrap_or_default())
            }
            Some(trap) => format!("trapped: {}", trap_words(trap)),
            None => format!("failed: {}", root(error)),
        }
    };
    if let Some(refused) = &store.data().limiter.refused {
        what.push_str(&format!(" after it {refused}"));
    }
    if let Some(said) = output.last_words() {
        what.push_str(&format!("; its last words: {said}"));
    }
    what
}

fn trap_words(trap: &Trap) -> String {
    let text = trap.to_string();
    text.strip_prefix("wasm trap: ").unwrap_or(&text).to_owned()
}

fn root(error: &wasmtime::Error) -> String {
    let text: String = error.root_cause().to_string();
    text.chars().filter(|c| !c.is_control()).take(300).collect()
}

impl Terms {
    /// For a connector's calls that are pure.
    pub(crate) fn pure(limits: &Limits, line: Arc<Line>) -> Self {
        Self {
            reach: Reach::Pure(line),
            world: World::Real,
            cpu: limits.connector_cpu,
            fuel: None,
        }
    }
}
