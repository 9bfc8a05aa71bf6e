//! Installing compiles once; a later start loads native code and compiles nothing. Prints how much faster that is:
//! `cargo test --release -p footbridge-languages start -- --nocapture`

use crate::hostile;
use crate::support::{self, applied};
use footbridge_sandbox::{Compiler, Limits};
use std::path::PathBuf;
use std::time::Instant;

#[tokio::test(flavor = "multi_thread")]
async fn a_later_start_compiles_nothing() {
    let components = support::components();
    let folder = tempfile::tempdir().unwrap();
    let records = &hostile::records()[..100];
    let mut installed = Vec::new();
    let first = support::sandbox(folder.path(), Limits::default(), Compiler::Here);
    for built in &components {
        let bytes = std::fs::read(&built.component).unwrap();
        let size = bytes.len();
        let began = Instant::now();
        let plugin = support::install_one(&first, built.language.name(), bytes).await;
        let compiled = began.elapsed();
        let transform = first.transform(&plugin).unwrap();
        let made = applied(&transform, records).await;
        installed.push((built.language.name(), size, compiled, made));
    }
    drop(first);
    // Whoever compiled now would fail: there is no such program.
    let none = Compiler::Child(PathBuf::from("there-is-no-compiler"));
    let later = support::sandbox(folder.path(), Limits::default(), none);
    for (name, size, compiled, made) in installed {
        let plugin = later.installed(name).unwrap();
        let transform = later.transform(&plugin).unwrap();
        let began = Instant::now();
        let one = applied(&transform, &records[..1]).await;
        let loaded = began.elapsed();
        let began = Instant::now();
        let again = applied(&transform, records).await;
        let call = began.elapsed();
        assert_eq!((&again, &one[0]), (&made, &made[0]), "{name}");
        println!(
            "{name}: {size} bytes; checked and compiled in {compiled:.1?}; loaded and called in {loaded:.1?}, {:.0} times faster; {:.1?} a record from then on",
            compiled.as_secs_f64() / loaded.as_secs_f64(),
            call / u32::try_from(records.len()).unwrap(),
        );
    }
}
