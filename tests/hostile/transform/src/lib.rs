//! A transform whose every batch can go wrong in one named way, which the settings say.

use footbridge_sdk::mapping::{Batch, Description, Draft, Guest, Problem};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::hint::black_box;
use std::time::{SystemTime, UNIX_EPOCH};

/// The transform.
#[derive(Debug)]
pub struct Hostile;

impl Guest for Hostile {
    fn describe(settings: String) -> Result<Description, Vec<Problem>> {
        if settings == "wrong" {
            return Err(vec![problem("line 1: unknown key")]);
        }
        Ok(Description {
            reads: Vec::new(),
            writes: Vec::new(),
        })
    }

    fn apply(batch: Batch) -> Vec<Result<Vec<Draft>, Problem>> {
        let count = batch.inputs.len();
        let doc = match batch.settings.as_str() {
            "loop" => loop {
                black_box(());
            },
            "number token" => r#"{"total":0.1}"#.to_owned(),
            "world" => world(),
            _ => "{}".to_owned(),
        };
        let result = |_| match batch.settings.as_str() {
            "problem" => Err(problem("no")),
            _ => Ok(vec![Draft {
                object: "customer".to_owned(),
                doc: doc.clone(),
            }]),
        };
        let extra = usize::from(batch.settings == "extra");
        let missing = usize::from(batch.settings == "missing");
        (0..count + extra - missing).map(result).collect()
    }
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
