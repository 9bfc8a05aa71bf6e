//! A transform whose every batch can go wrong in one named way, which the settings say.

use footbridge_sdk::mapping::{Batch, Description, Draft, Guest, Problem, Source};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;
use std::time::{SystemTime, UNIX_EPOCH};

/// What it can do to its host; `describe` lists it under the settings `deeds`.
const DEEDS: &[&str] = &[
    "loop",
    "trap",
    "grow",
    "recurse",
    "number token",
    "giant draft",
    "extra",
    "missing",
    "problem",
    "world",
];

/// The transform.
#[derive(Debug)]
pub struct Hostile;

impl Guest for Hostile {
    fn describe(settings: String) -> Result<Description, Vec<Problem>> {
        if settings == "wrong" {
            return Err(vec![problem("line 1: unknown key")]);
        }
        let source = |name: &&str| Source {
            object: (*name).to_owned(),
            paths: Vec::new(),
        };
        Ok(Description {
            reads: match settings.as_str() {
                "deeds" => DEEDS.iter().map(source).collect(),
                _ => Vec::new(),
            },
            writes: Vec::new(),
        })
    }

    fn apply(batch: Batch) -> Vec<Result<Vec<Draft>, Problem>> {
        let count = batch.inputs.len();
        let how = batch.settings.as_str();
        if how != "honest" && !DEEDS.contains(&how) {
            return vec![Err(problem("there is no such deed")); count];
        }
        let doc = match how {
            "loop" => loop {
                black_box(());
            },
            "trap" => std::process::abort(),
            "grow" => grow(),
            "recurse" => deeper(1).to_string(),
            "number token" => r#"{"total":0.1}"#.to_owned(),
            "giant draft" => format!("\"{}\"", "x".repeat(1024 * 1024)),
            "world" => world(),
            _ => "{}".to_owned(),
        };
        let result = |_| match how {
            "problem" => Err(problem("no")),
            _ => Ok(vec![Draft {
                object: "customer".to_owned(),
                doc: doc.clone(),
            }]),
        };
        let extra = usize::from(how == "extra");
        let missing = usize::from(how == "missing");
        (0..count + extra - missing).map(result).collect()
    }
}

/// Asks for memory until there is no more, and goes on.
fn grow() -> String {
    #[cfg(target_arch = "wasm32")]
    while core::arch::wasm32::memory_grow(0, 64) != usize::MAX {}
    std::process::abort()
}

fn deeper(n: u64) -> u64 {
    let room = black_box([n; 64]);
    if black_box(n) == 0 {
        return 0;
    }
    deeper(n + 1) + black_box(room)[0]
}

/// Everything that could differ from one run to the next.
fn world() -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map(|since| since.as_millis());
    let hash = RandomState::new().hash_one("x");
    let order: Vec<u32> = (0..20)
        .map(|n| (n, ()))
        .collect::<HashMap<_, _>>()
        .into_keys()
        .collect();
    format!(
        r#"{{"hash":"{hash}","now":"{}","order":"{order:?}"}}"#,
        now.unwrap_or_default()
    )
}

fn problem(message: &str) -> Problem {
    Problem {
        code: "invalid-value".to_owned(),
        message: message.to_owned(),
        field: None,
        extra: None,
    }
}

footbridge_sdk::export_mapping!(Hostile);
