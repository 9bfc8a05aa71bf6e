//! `footbridge plugin sign`: an author's signature over a component and its manifest, in a file beside them.

use super::inspect::look;
use crate::args;
use crate::commands::{Output, print_json, show};
use crate::exit::{Exit, UsageError};
use anyhow::Context;
use footbridge_sandbox::SigningKey;
use std::collections::BTreeMap;
use std::path::PathBuf;

pub(crate) fn run(args: &args::PluginSign, output: Output) -> anyhow::Result<Exit> {
    let not_signed = || format!("{} was not signed", args.file.display());
    let (mut package, _) =
        look(&args.file, args.manifest.as_deref(), &BTreeMap::new()).with_context(not_signed)?;
    // A signature that is there already is replaced, whatever it is of.
    package.signature = None;
    let report = footbridge_sandbox::Report::of(
        &package,
        &footbridge_sandbox::Limits::default(),
        &BTreeMap::new(),
    )?;
    let Some(declared) = report.installable() else {
        return Err(UsageError(report.problems.join("\n"))).with_context(not_signed);
    };
    let key = SigningKey::open_or_create(&args.key).with_context(not_signed)?;
    let signature = key.sign(&report.digest, &declared.manifest_digest);
    let mut path = args.file.clone().into_os_string();
    path.push(".sig");
    let path = PathBuf::from(path);
    std::fs::write(&path, signature.text())
        .with_context(|| format!("{} can't be written", path.display()))?;
    match output {
        Output::Json => print_json(&signature)?,
        Output::Text => show(&format!(
            "Signed by {}. The signature is in {}. It says who you are; it grants nothing.\n",
            signature.key.as_str(),
            path.display()
        ))?,
    }
    Ok(Exit::Done)
}
