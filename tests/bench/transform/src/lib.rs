//! A transform that does so many rounds of work as its settings say, and nothing else.

#[path = "../../work.rs"]
mod work;

use footbridge_sdk::mapping::{Batch, Description, Draft, Guest, Problem};

/// The transform.
#[derive(Debug)]
pub struct Measured;

impl Guest for Measured {
    fn describe(_: String) -> Result<Description, Vec<Problem>> {
        Ok(Description {
            reads: Vec::new(),
            writes: Vec::new(),
        })
    }

    fn apply(batch: Batch) -> Vec<Result<Vec<Draft>, Problem>> {
        let bytes = work::work(batch.settings.parse().unwrap_or_default());
        let draft = |_| {
            Ok(vec![Draft {
                object: "customer".to_owned(),
                doc: format!("\"{bytes}\""),
            }])
        };
        batch.inputs.iter().map(draft).collect()
    }
}

footbridge_sdk::export_mapping!(Measured);
