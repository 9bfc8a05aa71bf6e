//! The mappings in a sandbox of their own, and batches for them.

use chrono::DateTime;
use footbridge_engine::ports::Transform;
use footbridge_languages::{Built, Language, built};
use footbridge_model::failure::Problem;
use footbridge_model::plugin::{Draft, TransformBatch};
use footbridge_sandbox::{Compiler, InstallationKey, Installed, Limits, Sandbox, SandboxOptions};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The declarative mapping's settings.
pub(crate) const TEMPLATE: &str = include_str!("../../../../templates/mappings/lead-to-cash.toml");
/// The name of the declarative mapping, which the languages are compared with.
pub(crate) const DECLARATIVE: &str = "mapping";

/// Object, id, document.
pub(crate) type Record = (String, String, String);
/// What a transform makes of a record.
pub(crate) type Made = Result<Vec<Draft>, Problem>;

/// A sandbox on `data`.
pub(crate) fn sandbox(data: &Path, limits: Limits, compiler: Compiler) -> Sandbox {
    let key = InstallationKey::open_or_create(&data.join("key")).unwrap();
    let data = data.join("data");
    Sandbox::new(SandboxOptions {
        data,
        key,
        limits,
        compiler,
    })
    .unwrap()
}

/// The components of all languages; without one whose tools can't be had, unless they are required.
pub(crate) fn components() -> Vec<Built> {
    let mut all = Vec::new();
    for language in Language::ALL {
        match built(language) {
            Ok(built) => all.push(built),
            Err(failure) if failure.is_excused() => println!("SKIPPED: {failure}"),
            Err(failure) => panic!("{failure}"),
        }
    }
    all
}

/// Installs all of them and the declarative one, which comes first.
pub(crate) async fn install(sandbox: &Sandbox, components: &[Built]) -> Vec<Installed> {
    let declarative = footbridge_bundle::MAPPING.bytes.to_vec();
    let mut all = vec![install_one(sandbox, DECLARATIVE, declarative).await];
    for built in components {
        let bytes = std::fs::read(&built.component).unwrap();
        all.push(install_one(sandbox, built.language.name(), bytes).await);
    }
    all
}

pub(crate) async fn install_one(sandbox: &Sandbox, name: &str, bytes: Vec<u8>) -> Installed {
    let installed = sandbox.install(name, bytes, DateTime::UNIX_EPOCH).await;
    installed.unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The records as the engine hands them over.
pub(crate) fn batch(inputs: &[Record]) -> TransformBatch {
    TransformBatch {
        settings: TEMPLATE.to_owned(),
        as_of: "2026-11-22T23:30:00Z".to_owned(),
        local_date: "2026-11-22".to_owned(),
        inputs: inputs.to_vec(),
    }
}

/// What the transform makes of each record.
pub(crate) async fn applied(transform: &Arc<dyn Transform>, inputs: &[Record]) -> Vec<Made> {
    let made = transform.apply(batch(inputs)).await;
    made.unwrap_or_else(|error| panic!("{error}"))
}

/// A folder whose native code outlives a test run, since compiling takes seconds. It is ours while the file is held.
pub(crate) fn kept_data(name: &str) -> (File, PathBuf) {
    let data = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&data).unwrap();
    let lock = File::create(data.join("lock")).unwrap();
    lock.lock().unwrap();
    (lock, data)
}
