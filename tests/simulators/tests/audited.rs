//! The auditor against the simulators, without the product: it intends for each deal what the company's
//! author intends, finds everything lost before a sync, agrees with a right one, and finds each mistake.
//!
//! Needs python3 with venv and a package registry; prints SKIPPED where they are missing.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use chrono::{Duration, Utc};
use footbridge_simulators::clock::SimClock;
use footbridge_simulators::company::{Company, CompanyOptions, Outcome, build, customers_pay};
use footbridge_simulators::salesforce::SalesforceSimulator;
use footbridge_simulators::server::Running;
use footbridge_simulators::xero::XeroSimulator;
use serde_json::{Value, json};

struct Stage {
    company: Company,
    xero: XeroSimulator,
    folder: PathBuf,
    arguments: Vec<String>,
    _served: [Running; 2],
}

/// Both simulators with a company, its policy, and where the auditor finds them.
async fn stage(name: &str, deals: usize) -> Stage {
    let clock = SimClock::system();
    let company = build(CompanyOptions {
        deals,
        seed: 11,
        as_of: Utc::now(),
    });
    let mut options = company.xero_options();
    options.switches.list_lag_ms = 0;
    let bystander = options.credentials[1].clone();
    let xero = XeroSimulator::new(options, clock.clone());
    let salesforce = SalesforceSimulator::new(company.salesforce_options(), clock);
    company.seed_into(&salesforce, &xero).unwrap();
    let any = "127.0.0.1:0".parse().unwrap();
    let served = [
        xero.serve(any).await.unwrap(),
        salesforce.serve(any).await.unwrap(),
    ];

    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let text = std::fs::read_to_string(auditor().join("policy-of-the-company.json")).unwrap();
    let mut policy: Value = serde_json::from_str(&text).unwrap();
    policy["go_live"] = json!(company.go_live);
    policy["as_of"] = json!(company.as_of);
    let policy_file = folder.join("policy.json");
    std::fs::write(&policy_file, policy.to_string()).unwrap();
    let token = format!("{}/connect/token", served[0].base_url);
    let arguments = [
        ("--xero-url", served[0].base_url.as_str()),
        ("--xero-token-url", token.as_str()),
        ("--salesforce-url", served[1].base_url.as_str()),
        ("--policy", policy_file.to_str().unwrap()),
        ("--other-client-id", bystander.client_id.as_str()),
        ("--other-client-secret", bystander.client_secret.as_str()),
    ];
    let arguments = arguments
        .iter()
        .flat_map(|(name, value)| [*name, *value])
        .map(str::to_owned)
        .collect();
    Stage {
        company,
        xero,
        folder,
        arguments,
        _served: served,
    }
}

fn auditor() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../auditor")
}

impl Stage {
    /// Runs the auditor's script; `None` where it cannot run here.
    async fn run(&self, before: &[&str], after: &[&str]) -> Option<Output> {
        let mut command = Command::new("sh");
        command
            .arg(auditor().join("run.sh"))
            .args(before)
            .args(&self.arguments)
            .args(after);
        command.env_remove("CARGO_TARGET_DIR").stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() && said.contains("SKIPPED") {
            println!("{said}");
            return None;
        }
        Some(output)
    }

    fn snapshot(&self) -> String {
        self.folder.join("before.json").to_str().unwrap().to_owned()
    }

    async fn take_snapshot(&self) -> Option<()> {
        let output = self.run(&[], &["--snapshot", &self.snapshot()]).await?;
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Some(())
    }

    async fn audit(&self) -> Option<Value> {
        let output = self.run(&[], &["--before", &self.snapshot()]).await?;
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|problem| {
            panic!("{problem}: {}", String::from_utf8_lossy(&output.stderr))
        });
        let agreed = report["verdict"] == "agree";
        assert_eq!(output.status.code(), Some(i32::from(!agreed)));
        Some(report)
    }

    /// What the auditor says of the way back.
    async fn audit_back(&self) -> Option<Value> {
        let output = self.run(&[], &["--reflected"]).await?;
        Some(
            serde_json::from_slice(&output.stdout).unwrap_or_else(|problem| {
                panic!("{problem}: {}", String::from_utf8_lossy(&output.stderr))
            }),
        )
    }

    async fn enter_by_hand(&self, spoil: &str) -> Option<()> {
        let output = self.run(&["by_hand.py"], &["--spoil", spoil]).await?;
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Some(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_auditor_reads_the_company_as_its_author_meant_it() {
    let stage = stage("audited-before", 420).await;
    if stage.take_snapshot().await.is_none() {
        return;
    }
    let report = stage.audit().await.unwrap();
    let intended: BTreeMap<&str, &str> = stage
        .company
        .won
        .iter()
        .filter_map(|deal| match deal.outcome {
            Outcome::Held(reason) => Some((deal.id.as_str(), reason.code())),
            Outcome::Billed => None,
        })
        .collect();
    assert_eq!(report["held_deals"], json!(intended));
    for (name, value) in [
        ("deals", 420),
        ("expected", stage.company.billed()),
        ("lost", stage.company.billed()),
        ("found", 0),
        ("duplicates", 0),
        ("total_mismatches", 0),
        ("unexpected", 0),
        ("write_back_errors", 0),
        ("bystanders_touched", 0),
    ] {
        assert_eq!(report[name], json!(value), "{name}");
    }
    assert_eq!(report["verdict"], "disagree");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_auditor_agrees_with_a_right_sync_and_finds_each_mistake() {
    for (spoil, counted) in [
        ("none", None),
        ("duplicate", Some("duplicates")),
        ("cent", Some("total_mismatches")),
        ("bystander", Some("bystanders_touched")),
        ("write-back", Some("write_back_errors")),
    ] {
        let stage = stage(&format!("audited-{spoil}"), 120).await;
        if stage.take_snapshot().await.is_none() {
            return;
        }
        stage.enter_by_hand(spoil).await.unwrap();
        let report = stage.audit().await.unwrap();
        assert_eq!(report["lost"], 0, "{spoil}: {}", report["findings"]);
        match counted {
            None => {
                assert_eq!(report["verdict"], "agree", "{}", report["findings"]);
                the_movements_make_what_xero_says_is_due(&stage).await;
            }
            Some(name) => assert_eq!(report[name], 1, "{spoil}: {}", report["findings"]),
        }
    }
}

/// The customers pay; nothing brings it to Salesforce. The auditor misses all of it there, and its own control account is Xero's.
async fn the_movements_make_what_xero_says_is_due(stage: &Stage) {
    let until = Utc::now() + Duration::days(75);
    let booked = customers_pay(&stage.xero, 11, until).unwrap();
    assert!(
        booked.payments > 40 && booked.credit_notes > 2,
        "{booked:?}"
    );
    let report = stage.audit_back().await.unwrap();
    let counted = |name: &str| report[name].as_u64().unwrap();
    // As Xero holds them; all of the company's are on the receivable side.
    let payments = stage.xero.dump("Payments");
    let standing = payments
        .iter()
        .filter(|payment| payment["Status"] == "AUTHORISED");
    let standing = standing.count();
    assert!(standing >= booked.payments - booked.bounced, "{booked:?}");
    assert_eq!(
        counted("payments_expected"),
        u64::try_from(standing).unwrap()
    );
    let all = [
        "documents_expected",
        "payments_expected",
        "allocations_expected",
    ];
    assert_eq!(counted("missing"), all.map(counted).iter().sum::<u64>());
    assert_eq!(
        (
            counted("documents_reflected"),
            counted("payments_reflected")
        ),
        (0, 0)
    );
    let findings = report["findings"].as_array().unwrap();
    let told = |part: &str| {
        let about = |finding: &&Value| finding["message"].as_str().unwrap().contains(part);
        findings.iter().filter(about).count()
    };
    assert_eq!(
        told("by Xero's own figures"),
        0,
        "{}",
        report["receivables_control_account"]
    );
    assert_eq!(told("Salesforce has no Footbridge_"), 3);
    assert_eq!(report["verdict"], "disagree");
}
