//! Native code on disk is a program: changed, foreign or moved, it is compiled anew and never run.

use crate::support::{Bench, Outcome, now, tight};
use footbridge_sandbox::{InstallationKey, Sandbox};
use std::path::PathBuf;

async fn works(sandbox: &Sandbox) -> Outcome<()> {
    let installed = sandbox.installed("hostile")?;
    sandbox.transform(&installed)?.describe("").await?;
    Ok(())
}

fn native(bench: &Bench) -> Outcome<PathBuf> {
    let mut files = std::fs::read_dir(bench.data.path().join("native"))?;
    Ok(files.next().ok_or("no native code")??.path())
}

#[tokio::test]
async fn changed_native_code_is_not_run() -> Outcome<()> {
    let bench = Bench::new(tight())?;
    bench
        .install("hostile", footbridge_hostile::TRANSFORM)
        .await?;
    let path = native(&bench)?;
    let good = std::fs::read(&path)?;
    for change in [0, 31, 32, 5_000, good.len() - 1] {
        let mut bad = good.clone();
        bad[change] ^= 1;
        std::fs::write(&path, &bad)?;
        works(&bench.reopened(&bench.key)?).await?;
        assert_ne!(
            std::fs::read(&path)?,
            bad,
            "byte {change}: it was compiled anew"
        );
    }
    for bad in [&b""[..], b"short", &good[..good.len() / 2]] {
        std::fs::write(&path, bad)?;
        works(&bench.reopened(&bench.key)?).await?;
        assert!(std::fs::read(&path)?.len() > bad.len());
    }
    Ok(())
}

#[tokio::test]
async fn native_code_of_another_key_or_plugin_is_not_run() -> Outcome<()> {
    let bench = Bench::new(tight())?;
    bench
        .install("hostile", footbridge_hostile::TRANSFORM)
        .await?;
    let path = native(&bench)?;
    let good = std::fs::read(&path)?;
    works(&bench.reopened(&bench.key)?).await?;
    assert_eq!(std::fs::read(&path)?, good, "good code is used as it is");
    let other = InstallationKey::random();
    works(&bench.reopened(&other)?).await?;
    assert_ne!(
        std::fs::read(&path)?,
        good,
        "another installation's code was compiled anew"
    );
    // The name is part of what is proven: code of one plugin can't stand in for another's.
    let text = r#"(component (instance $i) (export "footbridge:plugin/transform@0.1.0-dev.1" (instance $i)))"#;
    let sandbox = bench.reopened(&other)?;
    let empty = sandbox
        .install("empty", wat::parse_str(text)?, now())
        .await?;
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .ok_or("no name")?;
    let theirs = path.with_file_name(name.replace(
        sandbox.installed("hostile")?.digest.as_str(),
        empty.digest.as_str(),
    ));
    std::fs::copy(&path, &theirs)?;
    let described = bench
        .reopened(&other)?
        .transform(&empty)?
        .describe("")
        .await;
    assert!(
        described.is_err(),
        "the empty transform has nothing to call"
    );
    Ok(())
}

#[tokio::test]
async fn a_changed_component_is_not_compiled() -> Outcome<()> {
    let bench = Bench::new(tight())?;
    let installed = bench
        .install("hostile", footbridge_hostile::TRANSFORM)
        .await?;
    let path = bench
        .data
        .path()
        .join(format!("plugins/{}.wasm", installed.digest));
    let mut bytes = std::fs::read(&path)?;
    bytes.push(0);
    std::fs::write(&path, bytes)?;
    std::fs::remove_file(native(&bench)?)?;
    let sandbox = bench.reopened(&bench.key)?;
    let said = sandbox
        .transform(&installed)?
        .describe("")
        .await
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("not the component that was installed"),
        "{said}"
    );
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn everything_is_private() -> Outcome<()> {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new(tight())?;
    bench
        .install("hostile", footbridge_hostile::TRANSFORM)
        .await?;
    let mode = |path: PathBuf| {
        Ok::<_, std::io::Error>(std::fs::metadata(path)?.permissions().mode() & 0o777)
    };
    assert_eq!(mode(bench.data.path().join("native"))?, 0o700);
    assert_eq!(mode(native(&bench)?)?, 0o600);
    assert_eq!(mode(bench.data.path().join("plugins/index.json"))?, 0o600);
    Ok(())
}
