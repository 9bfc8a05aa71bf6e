//! Builds the starters and prints where their components are, as the benchmarks take them:
//! `footbridge-bench load $(cargo run --quiet --release -p footbridge-languages --example components)`

use footbridge_languages::{BuildFailure, Language, built};

fn main() -> Result<(), BuildFailure> {
    for language in Language::ALL {
        let component = built(language)?.component;
        println!("--component {}={}", language.name(), component.display());
    }
    Ok(())
}
