//! A transform component as the engine's `Transform`.
//!
//! It gives the guest nothing but the batch: clocks stand at `as-of`, random numbers come from the input's digest, and
//! fuel makes the verdict the same everywhere. Batches over the limits are passed in several calls, split the same way
//! every time. Next: `run.rs` makes the calls.

use crate::bindings::{transform, types};
use crate::connector::{chunks, work};
use crate::convert;
use crate::run::{Terms, Verdict, call};
use crate::sandbox::Plugin;
use crate::state::Reach;
use crate::wasi::World;
use async_trait::async_trait;
use chrono::DateTime;
use footbridge_engine::ports::{CallError, Transform, TransformError};
use footbridge_model::failure::{Failure, FailureKind, Problem};
use footbridge_model::id::PluginDigest;
use footbridge_model::plugin::{Draft, TransformBatch, TransformDescription};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// A transform in the sandbox.
pub(crate) struct SandboxedTransform {
    plugin: Arc<Plugin>,
}

/// One result of the transform.
type Applied = Result<Vec<Draft>, Problem>;
/// One record given to it: object, id, document.
type Input = (String, String, String);

impl SandboxedTransform {
    pub(crate) fn new(plugin: Arc<Plugin>) -> Self {
        Self { plugin }
    }

    fn terms(&self, as_of: Duration, seed: [u8; 32], inputs: usize) -> Terms {
        let limits = self.plugin.sandbox.limits();
        Terms {
            reach: Reach::Nothing,
            world: World::Fixed { as_of, seed },
            cpu: limits.transform_cpu,
            fuel: Some(limits.fuel.of(inputs)),
        }
    }

    async fn apply_chunk(
        &self,
        batch: &TransformBatch,
        inputs: &[Input],
    ) -> Result<Vec<Applied>, CallError> {
        let as_of = instant(&batch.as_of)?;
        let seed = seed(batch, inputs);
        let ids: Vec<String> = inputs
            .iter()
            .map(|(object, id, _)| format!("{object} {id}"))
            .collect();
        let given = transform::Batch {
            settings: batch.settings.clone(),
            as_of: batch.as_of.clone(),
            local_date: batch.local_date.clone(),
            inputs: inputs
                .iter()
                .map(|(object, id, doc)| transform::Input {
                    object: object.clone(),
                    id: id.clone(),
                    doc: doc.clone(),
                })
                .collect(),
        };
        let limits = self.plugin.sandbox.limits();
        call(
            &self.plugin,
            self.terms(as_of, seed, inputs.len()),
            work!(transform.call_apply(given) -> Vec<Result<Vec<transform::Draft>, types::Problem>>),
            move |results| {
                if results.len() != ids.len() {
                    return Err(Verdict::Nonsense(format!(
                        "gave {} results for {} inputs",
                        results.len(),
                        ids.len()
                    )));
                }
                let one = |(result, id): (Result<Vec<_>, _>, &String)| match result {
                    Ok(drafts) => convert::drafts(id, drafts, limits).map(Ok),
                    Err(problem) => Ok(Err(convert::problem(problem))),
                };
                let all: Result<Vec<Applied>, String> =
                    results.into_iter().zip(&ids).map(one).collect();
                all.map_err(Verdict::Nonsense)
            },
        )
        .await
    }
}

#[async_trait]
impl Transform for SandboxedTransform {
    fn digest(&self) -> PluginDigest {
        self.plugin.installed.digest.clone()
    }

    async fn describe(&self, settings: &str) -> Result<TransformDescription, TransformError> {
        let settings = settings.to_owned();
        let seed = Sha256::digest(&settings).into();
        let described = call(
            &self.plugin,
            self.terms(Duration::ZERO, seed, 0),
            work!(transform.call_describe(settings) -> Result<transform::Description, Vec<types::Problem>>),
            Ok,
        )
        .await?;
        match described {
            Ok(description) => Ok(convert::transform_description(description)),
            Err(problems) => Err(TransformError::Settings(
                problems.into_iter().map(convert::problem).collect(),
            )),
        }
    }

    async fn apply(&self, batch: TransformBatch) -> Result<Vec<Applied>, CallError> {
        let limits = self.plugin.sandbox.limits();
        let size = |(_, _, doc): &Input| doc.len();
        let mut results = Vec::with_capacity(batch.inputs.len());
        for inputs in chunks(&batch.inputs, size, limits.batch_items, limits.batch_bytes) {
            results.extend(self.apply_chunk(&batch, inputs).await?);
        }
        Ok(results)
    }
}

/// `as-of` since 1970.
fn instant(text: &str) -> Result<Duration, CallError> {
    let wrong = || {
        CallError::Failure(Failure::new(
            FailureKind::Misconfigured,
            "internal",
            format!("The plan's instant {text:?} is not RFC 3339 after 1970."),
        ))
    };
    let instant = DateTime::parse_from_rfc3339(text).map_err(|_| wrong())?;
    let seconds = u64::try_from(instant.timestamp()).map_err(|_| wrong())?;
    Ok(Duration::new(seconds, instant.timestamp_subsec_nanos()))
}

/// The digest of everything that the call sees. Lengths stand between the parts.
fn seed(batch: &TransformBatch, inputs: &[Input]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    let mut add = |part: &str| {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    };
    for part in [&batch.settings, &batch.as_of, &batch.local_date] {
        add(part);
    }
    for (object, id, doc) in inputs {
        add(object);
        add(id);
        add(doc);
    }
    hasher.finalize().into()
}
