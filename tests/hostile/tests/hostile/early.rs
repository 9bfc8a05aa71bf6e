//! Guests of core WebAssembly, which no compiler would write: what they do happens before their first call, in their start
//! function or when they are instantiated. Each row is a guest and its class; both kinds of plugin meet the same end.

use crate::deeds::{Honest, beside};
use crate::support::{Bench, Outcome, blamed, now, tight};
use footbridge_engine::ports::{CallError, TransformError};
use footbridge_model::id::ConnectionId;
use footbridge_sandbox::{Fuel, Limits};

const TRANSFORM: &str = r#"(export "footbridge:plugin/transform@0.1.0-dev.1" (instance $none))"#;
const CONNECTOR: &str = r#"(export "footbridge:plugin/schema@0.1.0-dev.1" (instance $none)) (export "footbridge:plugin/feed@0.1.0-dev.1" (instance $none))"#;

/// What it is, its text, and what a connector and a transform are blamed for.
type Row = (&'static str, fn() -> String, &'static str, &'static str);

const CPU: &str = "more than 300 ms of CPU time";

const GUESTS: &[Row] = &[
    ("loop in start", || start("(loop br 0)"), CPU, "fuel"),
    (
        "trap in start",
        || start("unreachable"),
        "trapped: wasm `unreachable`",
        "trapped: wasm `unreachable`",
    ),
    (
        "recursion in start",
        || start("call $f"),
        "trapped: call stack exhausted",
        "trapped: call stack exhausted",
    ),
    (
        "memory from the beginning",
        || one("(memory 4096)"),
        "asked for more than 128 MiB of memory",
        "asked for more than 128 MiB of memory",
    ),
    (
        "memory in many pieces",
        || instances("(memory 160)", 20),
        "asked for more than 128 MiB of memory",
        "asked for more than 128 MiB of memory",
    ),
    (
        "memory grown for ever",
        || one("(memory 1) (func $f (loop (drop (memory.grow (i32.const 16))) (br 0))) (start $f)"),
        "asked for more than 128 MiB of memory",
        "fuel",
    ),
    (
        "bulk fill",
        || {
            one(
                "(memory 1000) (func $f (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65000000)) (br 0))) (start $f)",
            )
        },
        CPU,
        "fuel",
    ),
    (
        "bulk copy",
        || {
            one(
                "(memory 1000) (func $f (loop (memory.copy (i32.const 0) (i32.const 1) (i32.const 65000000)) (br 0))) (start $f)",
            )
        },
        CPU,
        "fuel",
    ),
    (
        "a huge table",
        || one("(table 1000000 funcref)"),
        "asked for more than 100000 table elements",
        "asked for more than 100000 table elements",
    ),
    (
        "a table grown for ever",
        || {
            one(
                "(table 1 funcref) (func $f (loop (drop (table.grow 0 (ref.null func) (i32.const 1000))) (br 0))) (start $f)",
            )
        },
        "asked for more than 100000 table elements",
        "fuel",
    ),
    (
        "table fill",
        || {
            one(
                "(table 90000 funcref) (func $f (loop (table.fill 0 (i32.const 0) (ref.null func) (i32.const 90000)) (br 0))) (start $f)",
            )
        },
        CPU,
        "fuel",
    ),
    (
        "many tables",
        || one(&"(table 1 funcref)".repeat(40)),
        "table",
        "table",
    ),
    (
        "many memories",
        || instances("(memory 0)", 40),
        "memor",
        "memor",
    ),
    (
        "many instances",
        || instances("", 100),
        "instance",
        "instance",
    ),
    (
        "data segments that don't fit",
        || one("(memory 1) (data (i32.const 65536) \"x\")"),
        "trapped: out of bounds memory access",
        "trapped: out of bounds memory access",
    ),
];

fn component(core: &str, exports: &str) -> String {
    format!("(component {core} (instance $none) {exports})")
}

fn one(body: &str) -> String {
    instances(body, 1)
}

fn start(body: &str) -> String {
    one(&format!("(func $f {body}) (start $f)"))
}

fn instances(body: &str, count: usize) -> String {
    let instances = "(core instance (instantiate $m))".repeat(count);
    format!("(core module $m {body}) {instances}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_before_the_first_call_is_bounded_too() -> Outcome<()> {
    // Little fuel, so that it is the verdict on a busy machine as well, long before the wall time.
    let fuel = Fuel {
        batch: 20_000_000,
        input: 1_000_000,
    };
    let bench = Bench::new(Limits {
        fuel,
        wall: std::time::Duration::from_secs(60),
        strikes: 2,
        ..tight()
    })?;
    let honest = Honest::new(&bench).await?;
    for (name, core, of_a_connector, of_a_transform) in GUESTS {
        let bytes = wat::parse_str(component(&core(), TRANSFORM))?;
        let installed = bench.sandbox.install("early", bytes, now()).await?;
        let transform = bench.sandbox.transform(&installed)?;
        for said in [of_a_transform, of_a_transform, &"is quarantined"] {
            let words = blamed(
                beside(&honest, transform.describe(""))
                    .await?
                    .map_err(unsettled),
            );
            assert!(
                words.starts_with("plugin early ") && words.contains(said),
                "{name}, a transform: {words}"
            );
        }
        let bytes = wat::parse_str(component(&core(), CONNECTOR))?;
        let installed = bench.sandbox.install("early", bytes, now()).await?;
        let connection = ConnectionId::new("xero");
        let connector =
            bench
                .sandbox
                .connector(&installed, &honest.far.broker, &connection, None)?;
        for said in [of_a_connector, of_a_connector, &"is quarantined"] {
            let words = blamed(beside(&honest, connector.describe()).await?);
            assert!(
                words.starts_with("plugin early ") && words.contains(said),
                "{name}, a connector: {words}"
            );
        }
    }
    Ok(())
}

fn unsettled(error: TransformError) -> CallError {
    match error {
        TransformError::Call(error) => error,
        TransformError::Settings(problems) => CallError::Plugin {
            plugin: "nobody".to_owned(),
            what: format!("{problems:?}"),
        },
    }
}
