//! The auditor's verdict: Python, the vendors' own clients, public interfaces only.
//!
//! Where it can't run here, one visible notice says so; with `FOOTBRIDGE_FOREIGN=required` that is an error.

use crate::binary::root;
use crate::world::World;
use anyhow::{Context, bail};
use footbridge_simulators::xero::{BYSTANDER_CLIENT_ID, BYSTANDER_CLIENT_SECRET};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use tokio::process::Command;

/// The auditor, ready to run.
#[derive(Debug, Clone)]
pub struct Auditor {
    script: PathBuf,
}

impl Auditor {
    /// Makes its environment. `None`: it can't run here, and the notice was printed.
    ///
    /// # Errors
    /// It can't run here and must.
    pub async fn prepare() -> anyhow::Result<Option<Self>> {
        let auditor = Self {
            script: root().join("tests/auditor/run.sh"),
        };
        let output = auditor.run(&["--help".to_owned()]).await?;
        let notice = String::from_utf8_lossy(&output.stderr);
        if output.status.success() && output.stdout.starts_with(b"usage") {
            return Ok(Some(auditor));
        }
        if std::env::var("FOOTBRIDGE_FOREIGN").as_deref() == Ok("required") {
            bail!("the auditor can't run here and FOOTBRIDGE_FOREIGN=required: {notice}");
        }
        println!(
            "SKIPPED: the auditor's verdicts; the rounds are counted in the simulators only. {notice}"
        );
        Ok(None)
    }

    /// Remembers both sides before the first start.
    ///
    /// # Errors
    /// It could not read them.
    pub async fn snapshot(&self, world: &World, folder: &Path) -> anyhow::Result<()> {
        let policy = root().join("tests/auditor/policy-of-the-company.json");
        let mut policy: Value = serde_json::from_str(&std::fs::read_to_string(policy)?)?;
        if let Some(policy) = policy.as_object_mut() {
            policy.insert("go_live".to_owned(), json!(world.company.go_live));
            policy.insert("as_of".to_owned(), json!(world.company.as_of));
        }
        std::fs::write(folder.join("policy.json"), policy.to_string())?;
        let output = self.run(&arguments(world, folder, "--snapshot")).await?;
        if !output.status.success() {
            bail!(
                "the auditor's snapshot failed: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(())
    }

    /// Its verdict. `None`: both sides agree; else what it found.
    ///
    /// # Errors
    /// The audit could not be made.
    pub async fn verdict(&self, world: &World, folder: &Path) -> anyhow::Result<Option<String>> {
        let output = self.run(&arguments(world, folder, "--before")).await?;
        let report: Value = serde_json::from_slice(&output.stdout).with_context(|| {
            format!(
                "the audit could not be made: {}",
                String::from_utf8_lossy(&output.stderr)
            )
        })?;
        if output.status.success() && report.get("verdict") == Some(&json!("agree")) {
            return Ok(None);
        }
        Ok(Some(report.get("findings").unwrap_or(&report).to_string()))
    }

    /// Runs it with other arguments.
    ///
    /// # Errors
    /// It can't be started.
    pub async fn run(&self, arguments: &[String]) -> anyhow::Result<Output> {
        let output = Command::new("sh")
            .arg(&self.script)
            .args(arguments)
            .stdin(Stdio::null())
            .env_remove("CARGO_TARGET_DIR")
            .output()
            .await?;
        Ok(output)
    }
}

fn arguments(world: &World, folder: &Path, mode: &str) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    [
        ("--xero-url", world.xero_url().to_owned()),
        (
            "--xero-token-url",
            format!("{}/connect/token", world.xero_url()),
        ),
        ("--salesforce-url", world.salesforce_url().to_owned()),
        ("--policy", file("policy.json")),
        ("--other-client-id", BYSTANDER_CLIENT_ID.to_owned()),
        ("--other-client-secret", BYSTANDER_CLIENT_SECRET.to_owned()),
        (mode, file("before.json")),
    ]
    .into_iter()
    .flat_map(|(name, value)| [name.to_owned(), value])
    .collect()
}
