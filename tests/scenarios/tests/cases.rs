//! Plays every case. `FOOTBRIDGE_CASE=roof` plays those with `roof` in their name.
#![expect(clippy::panic, reason = "a test says what is wrong by panicking")]

mod reading;

use footbridge_bench::{Ground, Size, Which};
use footbridge_scenarios::{Case, Setting, play, read};
use std::path::Path;
use std::sync::Arc;

fn cases() -> Vec<Case> {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")).unwrap_or_else(|e| panic!("{e:#}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_case_comes_out_as_it_says() {
    let setting = Setting::open(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("scenarios")).await;
    let setting = Arc::new(setting.unwrap());
    let wanted = std::env::var("FOOTBRIDGE_CASE").unwrap_or_default();
    let mut queue: Vec<Case> = cases()
        .into_iter()
        .filter(|case| case.name.contains(&wanted))
        .collect();
    assert!(!queue.is_empty(), "no case has {wanted:?} in its name");
    queue.reverse();
    let count = queue.len();
    let mut playing = tokio::task::JoinSet::new();
    let mut wrong = Vec::new();
    while !queue.is_empty() || !playing.is_empty() {
        while playing.len() < 3 {
            let Some(case) = queue.pop() else { break };
            let setting = Arc::clone(&setting);
            playing.spawn(async move {
                let found = play(&case, &setting)
                    .await
                    .unwrap_or_else(|e| vec![format!("it can't be played: {e:#}")]);
                (case, found)
            });
        }
        if let Some(ended) = playing.join_next().await {
            let (case, found) = ended.unwrap();
            println!(
                "{}  {}: {}",
                if found.is_empty() {
                    "as it says"
                } else {
                    "WRONG     "
                },
                case.name,
                case.title
            );
            wrong.extend(
                found
                    .into_iter()
                    .map(|what| format!("{}: {what}", case.name)),
            );
        }
    }
    assert!(wrong.is_empty(), "of {count} cases:\n{}", wrong.join("\n"));
}

/// The benchmarks are here because everything they need is linked here. No time is judged.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_benchmark_runs_in_small() {
    let setting = Setting::open(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("scenarios")).await;
    let sandbox = setting.unwrap().sandbox().clone();
    let ground = Ground::new(sandbox, &[], Size::Tiny).await.unwrap();
    for which in Which::ALL {
        let name = which.name();
        let findings = which
            .run(&ground)
            .await
            .unwrap_or_else(|e| panic!("{name}: {e:#}"));
        assert!(!findings.is_empty(), "{name} found nothing");
        for finding in findings {
            assert_eq!(finding.benchmark, name);
            assert!(
                finding.samples > 0,
                "{name}: {} was not measured",
                finding.what
            );
        }
    }
}

/// Each rule that this version keeps has a case that a person can read.
#[test]
fn every_rule_has_its_case() {
    let cases = cases();
    for rule in [1, 2, 3, 4, 5, 6, 7, 8, 12, 13] {
        assert!(
            cases.iter().any(|case| case.rule == rule),
            "rule {rule} has no case"
        );
    }
    for case in &cases {
        assert!(
            (1..=17).contains(&case.rule),
            "{}: there is no rule {}",
            case.name,
            case.rule
        );
    }
}
