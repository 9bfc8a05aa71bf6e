//! Clients nobody here wrote drive the Salesforce simulator: jsforce and simple-salesforce.
//!
//! They are installed below `target/foreign/`. Where they cannot be had the test says `SKIPPED`, unless
//! `FOOTBRIDGE_FOREIGN=required` is set.
#![expect(clippy::unwrap_used, reason = "test code")]

mod salesforce;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;

use footbridge_simulators::clock::SimClock;
use footbridge_simulators::salesforce::{SalesforceOptions, SalesforceSimulator};
use tokio::process::Command;

#[tokio::test(flavor = "multi_thread")]
async fn jsforce_reads_and_writes() {
    let place = install_dir("jsforce");
    for file in ["package.json", "jsforce_client.mjs"] {
        std::fs::copy(sources().join(file), place.join(file)).unwrap();
    }
    let installed = run(Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(&place))
    .await;
    if let Err(why) = installed {
        return skipped("jsforce", &why);
    }
    drive(
        Command::new("node")
            .arg("jsforce_client.mjs")
            .current_dir(&place),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn simple_salesforce_reads_and_writes() {
    let place = install_dir("simple-salesforce");
    let python = place.join("venv/bin/python");
    let installed = async {
        if !python.exists() {
            run(Command::new("python3")
                .args(["-m", "venv"])
                .arg(place.join("venv")))
            .await?;
        }
        let wanted = sources().join("requirements-salesforce.txt");
        run(Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "-r",
            ])
            .arg(wanted))
        .await
    };
    if let Err(why) = installed.await {
        return skipped("simple-salesforce", &why);
    }
    drive(Command::new(&python).arg(sources().join("simple_salesforce_client.py"))).await;
}

/// Runs a client against a fresh organisation and wants its `OK`.
async fn drive(client: &mut Command) {
    let simulator = SalesforceSimulator::new(SalesforceOptions::default(), SimClock::system());
    salesforce::company_fields(&simulator);
    let running = simulator
        .serve(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    let output = client
        .env("SALESFORCE_URL", &running.base_url)
        .output()
        .await
        .unwrap();
    let said = text(&output);
    assert!(output.status.success() && said.contains("OK"), "{said}");
    running.stop().await;
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("foreign")
}

fn install_dir(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let place = target.join("foreign").join(name);
    std::fs::create_dir_all(&place).unwrap();
    place
}

async fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().await.map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(())
    } else {
        Err(text(&output))
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

fn skipped(client: &str, why: &str) {
    let required = std::env::var("FOOTBRIDGE_FOREIGN").is_ok_and(|value| value == "required");
    assert!(
        !required,
        "{client} is required here and could not be installed: {why}"
    );
    println!("SKIPPED: {client} could not be installed: {why}");
}
