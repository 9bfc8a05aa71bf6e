//! Files that are no plugins, and plugins that ask for more than their kind gets. Nothing of them runs.

use crate::support::{Bench, Outcome, broker, now, tight};
use footbridge_model::id::ConnectionId;
use footbridge_sandbox::{Compiler, InstallationKey, Limits, Sandbox, SandboxOptions};

const TRANSFORM: &str =
    r#"(instance $i) (export "footbridge:plugin/transform@0.1.0-dev.1" (instance $i))"#;

const CONNECTOR: &str = r#"(instance $i) (export "footbridge:plugin/schema@0.1.0-dev.1" (instance $i)) (export "footbridge:plugin/feed@0.1.0-dev.1" (instance $i))"#;

async fn refused(text: &str) -> Outcome<String> {
    refused_bytes(wat::parse_str(text)?).await
}

async fn refused_bytes(bytes: Vec<u8>) -> Outcome<String> {
    let bench = Bench::new(tight())?;
    match bench.sandbox.install("hostile", bytes, now()).await {
        Ok(installed) => Err(format!("it was installed: {installed:?}").into()),
        Err(error) => {
            assert!(bench.sandbox.list().is_empty());
            Ok(error.to_string())
        }
    }
}

#[tokio::test]
async fn what_is_no_component() -> Outcome<()> {
    for (bytes, said) in [
        (&b""[..], "not WebAssembly"),
        (b"hello, I am a plugin", "not WebAssembly"),
        (b"\0asm", "not WebAssembly"),
        (
            b"\0asm\x0d\0\x01\0\x07\xff\xff\xff\xff\x0f",
            "not WebAssembly",
        ),
    ] {
        let words = refused_bytes(bytes.to_vec()).await?;
        assert!(words.contains(said), "{bytes:?}: {words}");
    }
    let words = refused("(module)").await?;
    assert!(
        words.contains("core WebAssembly module") && words.contains("wasm-tools"),
        "{words}"
    );
    let mut cut = std::fs::read(footbridge_hostile::CONNECTOR)?;
    cut.truncate(cut.len() / 2);
    let words = refused_bytes(cut).await?;
    assert!(
        words.contains("not WebAssembly") || words.contains("not valid"),
        "{words}"
    );
    Ok(())
}

#[tokio::test]
async fn a_damaged_component_never_installs_as_something_else() -> Outcome<()> {
    let whole = std::fs::read(footbridge_hostile::TRANSFORM)?;
    let bench = Bench::new(tight())?;
    for n in (0..whole.len()).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        bytes[n] ^= 0x55;
        // Either it is refused in words, or it is valid and then it is what it says.
        if let Ok(inspection) = bench.sandbox.inspect(&bytes) {
            assert_ne!(inspection.digest, bench.sandbox.inspect(&whole)?.digest);
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_too_large_or_too_deep() -> Outcome<()> {
    let limits = Limits {
        component: 1_000,
        ..tight()
    };
    let bench = Bench::new(limits)?;
    let said = bench
        .sandbox
        .install("hostile", vec![0; 1_001], now())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("1001 bytes") && said.contains("1000"),
        "{said}"
    );
    let deep = format!(
        "(component {} {} {TRANSFORM})",
        "(component ".repeat(20),
        ")".repeat(20)
    );
    assert!(refused(&deep).await?.contains("nests deeper"));
    Ok(())
}

#[tokio::test]
async fn imports_beyond_the_kind() -> Outcome<()> {
    for (import, said) in [
        (
            r#"(import "wasi:sockets/tcp@0.2.6" (instance))"#,
            "No plugin gets a socket",
        ),
        (
            r#"(import "wasi:http/outgoing-handler@0.2.6" (instance))"#,
            "A transform is pure and reaches nothing",
        ),
        (
            r#"(import "footbridge:plugin/http@0.1.0-dev.1" (instance))"#,
            "A transform is pure",
        ),
        (
            r#"(import "evil:thing/everything@1.0.0" (instance))"#,
            "evil:thing/everything",
        ),
        (r#"(import "wasi:io/poll@0.3.0" (instance))"#, "WASI 0.2"),
        (
            r#"(import "footbridge:plugin/types@0.2.0" (instance))"#,
            "speaks footbridge:plugin/types@0.2.0",
        ),
        (r#"(import "run" (func))"#, "Only interfaces"),
        (
            r#"(import "wasi:io/poll@0.2.6" (instance (export "no-such-thing" (func))))"#,
            "doesn't fit this host",
        ),
    ] {
        let words = refused(&format!("(component {import} {TRANSFORM})")).await?;
        assert!(words.contains(said), "{import}: {words}");
    }
    for (import, said) in [
        ("wasi:sockets/tcp@0.2.6", "No plugin gets a socket"),
        (
            "wasi:http/incoming-handler@0.2.6",
            "Build it without that import",
        ),
        ("wasi:http/client@0.3.0", "Build it without that import"),
        (
            "wasi:http/outgoing-handler@0.3.0",
            "This host speaks WASI 0.2",
        ),
        ("wasi:http/types@0.3.0", "This host speaks WASI 0.2"),
    ] {
        let text = format!("(component (import \"{import}\" (instance)) {CONNECTOR})");
        let words = refused(&text).await?;
        assert!(words.contains(said), "{import}: {words}");
    }
    Ok(())
}

#[tokio::test]
async fn exports_of_no_kind_or_another_contract() -> Outcome<()> {
    for (exports, said) in [
        ("", "exports nothing"),
        (
            r#"(instance $i) (export "a:b/c@1.0.0" (instance $i))"#,
            "exports a:b/c",
        ),
        (
            r#"(instance $i) (export "footbridge:plugin/transform@9.0.0" (instance $i))"#,
            "this host speaks",
        ),
        (
            r#"(instance $i) (export "footbridge:plugin/transform@0.1.0-dev.1" (instance $i)) (export "footbridge:plugin/writes@0.1.0-dev.1" (instance $i))"#,
            "only that",
        ),
    ] {
        let words = refused(&format!("(component {exports})")).await?;
        assert!(words.contains(said), "{exports}: {words}");
    }
    Ok(())
}

#[tokio::test]
async fn features_that_are_switched_off() -> Outcome<()> {
    for module in [
        "(memory i64 1)",
        "(memory 1 1 shared)",
        "(memory 1) (memory 1)",
    ] {
        let words = refused(&format!("(component (core module {module}) {TRANSFORM})")).await?;
        assert!(words.contains("not valid here"), "{module}: {words}");
    }
    Ok(())
}

#[tokio::test]
async fn an_installed_plugin_is_listed_and_of_its_kind() -> Outcome<()> {
    let bench = Bench::new(tight())?;
    let installed = bench
        .install("hostile", footbridge_hostile::TRANSFORM)
        .await?;
    let listed = std::slice::from_ref(&installed);
    assert_eq!(bench.sandbox.list(), listed);
    assert_eq!(bench.reopened(&bench.key)?.list(), listed);
    assert!(
        installed
            .exports
            .iter()
            .any(|export| export.contains("transform"))
    );
    let broker = broker().await?;
    let wrong = bench
        .sandbox
        .connector(&installed, &broker, &ConnectionId::new("xero"), None);
    assert!(
        wrong
            .err()
            .map(|e| e.to_string())
            .unwrap_or_default()
            .contains("is a transform")
    );
    assert!(
        bench
            .sandbox
            .installed("nobody")
            .unwrap_err()
            .to_string()
            .contains("nobody")
    );
    let renamed = bench
        .sandbox
        .install(
            "../../evil",
            std::fs::read(footbridge_hostile::TRANSFORM)?,
            now(),
        )
        .await;
    assert!(
        renamed
            .unwrap_err()
            .to_string()
            .contains("can't be a plugin's name")
    );
    std::fs::write(bench.data.path().join("plugins/index.json"), "{")?;
    let damaged = bench
        .reopened(&bench.key)
        .err()
        .map(|e| e.to_string())
        .unwrap_or_default();
    assert!(
        damaged.contains("index.json") && damaged.contains("damaged"),
        "{damaged}"
    );
    Ok(())
}

#[tokio::test]
async fn a_child_process_compiles_within_limits() -> Outcome<()> {
    let data = tempfile::tempdir()?;
    let open = |compile_memory: u64| {
        Sandbox::new(SandboxOptions {
            data: data.path().to_owned(),
            key: InstallationKey::random(),
            limits: Limits {
                compile_memory,
                ..tight()
            },
            compiler: Compiler::Child(env!("CARGO_BIN_EXE_compile-plugin").into()),
        })
    };
    let bytes = std::fs::read(footbridge_hostile::TRANSFORM)?;
    let starved = open(1 << 20)?
        .install("hostile", bytes.clone(), now())
        .await;
    let said = starved.unwrap_err().to_string();
    assert!(said.contains("limits") || said.contains("compil"), "{said}");
    let sandbox = open(Limits::default().compile_memory)?;
    let installed = sandbox.install("hostile", bytes, now()).await?;
    let described = sandbox.transform(&installed)?.describe("").await?;
    assert!(described.reads.is_empty());
    Ok(())
}

/// One function so large that optimising it takes far longer than a plugin is worth.
fn compile_bomb() -> Outcome<Vec<u8>> {
    let line = "(local.set 0 (i64.rem_u (i64.mul (local.get 0) (local.get 1)) (i64.add (local.get 1) (i64.load (i32.wrap_i64 (local.get 0))))))";
    let core = format!(
        "(core module (memory 1) (func (param i64 i64) {}))",
        line.repeat(250_000)
    );
    Ok(wat::parse_str(format!("(component {core} {TRANSFORM})"))?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compile_bomb_dies_in_its_child_and_the_next_plugin_is_installed() -> Outcome<()> {
    let data = tempfile::tempdir()?;
    let sandbox = Sandbox::new(SandboxOptions {
        data: data.path().to_owned(),
        key: InstallationKey::random(),
        limits: Limits {
            compile: std::time::Duration::from_secs(2),
            ..tight()
        },
        compiler: Compiler::Child(env!("CARGO_BIN_EXE_compile-plugin").into()),
    })?;
    let bomb = sandbox.install("bomb", compile_bomb()?, now()).await;
    let said = bomb.unwrap_err().to_string();
    assert!(said.contains("went over the limits"), "{said}");
    assert!(sandbox.list().is_empty(), "nothing of it is kept");
    let native = std::fs::read_dir(data.path().join("native"))?;
    assert_eq!(native.count(), 0, "nothing of it is kept");
    let bytes = std::fs::read(footbridge_hostile::TRANSFORM)?;
    let installed = sandbox.install("honest", bytes, now()).await?;
    sandbox.transform(&installed)?.describe("").await?;
    Ok(())
}
