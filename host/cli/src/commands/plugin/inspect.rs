//! `footbridge plugin inspect`: what a file is, imports, asks for, and who signed it. Runs nothing and compiles nothing.

use crate::args;
use crate::commands::{Output, print_json, show};
use crate::config::Config;
use crate::exit::Exit;
use crate::render::{safe, wrapped};
use anyhow::Context;
use footbridge_sandbox::{Lent, Limits, Package, Pinned, Publisher, Report, Signed};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

pub(crate) fn run(
    config: &Path,
    args: &args::PluginInspect,
    output: Output,
) -> anyhow::Result<Exit> {
    // Inspecting needs no configuration; pinned keys stand in it if there is one.
    let publishers = match config.exists() {
        true => Config::read(config)?.plugins.publishers,
        false => BTreeMap::new(),
    };
    let report = look(&args.file, args.manifest.as_deref(), &publishers)
        .with_context(|| format!("{} can't be used as a plugin", args.file.display()))?
        .1;
    match output {
        Output::Json => print_json(&report)?,
        Output::Text => show(&words(&args.file, &report))?,
    }
    Ok(match report.problems.is_empty() {
        true => Exit::Done,
        false => Exit::Usage,
    })
}

/// Reads a package once and looks at it.
pub(crate) fn look(
    file: &Path,
    manifest: Option<&Path>,
    publishers: &BTreeMap<String, Publisher>,
) -> anyhow::Result<(Package, Report)> {
    let limits = Limits::default();
    let package = Package::read(file, manifest, &limits)?;
    let report = Report::of(&package, &limits, publishers)?;
    Ok((package, report))
}

fn words(file: &Path, report: &Report) -> String {
    let mut text = format!("{}\n", safe(&file.display().to_string(), 200));
    text.push_str(&about(report));
    if !report.exports.is_empty() {
        text.push_str("  exports\n");
        for export in &report.exports {
            let _ = writeln!(text, "    {}", safe(export, 120));
        }
    }
    text.push_str("  imports\n");
    for import in &report.imports {
        let (standing, why) = match &import.lent {
            Lent::Baseline => ("baseline", None),
            Lent::Granted => ("granted ", None),
            Lent::WithPower { power } => (
                "on grant",
                Some(format!("lent only where {power:?} is granted")),
            ),
            Lent::Refused { why } => ("refused ", Some(why.clone())),
        };
        let _ = writeln!(text, "    {standing}  {}", safe(&import.name, 120));
        if let Some(why) = why {
            text.push_str(&wrapped(&safe(&why, 600), 14));
        }
    }
    text.push_str("  limits\n");
    for (limit, figure) in &report.limits {
        let _ = writeln!(text, "    {:<16}  {figure}", limit.replace('_', " "));
    }
    match (&report.approval, report.problems.is_empty()) {
        (Some(approval), true) => {
            let _ = writeln!(
                text,
                "  to install just this without a question\n    --digest {approval}"
            );
        }
        _ => text.push_str(&problems(report)),
    }
    text.push_str("Nothing of it was run.\n");
    text
}

/// Why it can't be installed.
pub(crate) fn problems(report: &Report) -> String {
    let mut text = "  It can't be installed:\n".to_owned();
    for problem in &report.problems {
        for line in problem.lines() {
            text.push_str(&wrapped(&safe(line, 600), 4));
        }
    }
    text
}

/// What it is, who made it and what it asks for.
pub(crate) fn about(report: &Report) -> String {
    let mut text = format!(
        "  kind       {}\n  digest     {}\n  size       {} bytes\n",
        report.kind, report.digest, report.size
    );
    if let Some(manifest) = &report.manifest {
        let _ = writeln!(text, "  id         {}", safe(&manifest.id, 100));
        let _ = writeln!(text, "  version    {}", safe(&manifest.version, 60));
        if let Some(profile) = &manifest.profile {
            let _ = writeln!(text, "  profile    {}", safe(profile, 60));
        }
        if let Some(storage) = manifest.storage {
            let _ = writeln!(text, "  storage    {storage} bytes");
        }
    }
    if let Some(digest) = &report.manifest_digest {
        let _ = writeln!(text, "  manifest   {digest}");
    }
    text.push_str(&match &report.signature {
        Signed::Not => "  signature  none\n".to_owned(),
        Signed::Valid { key, pinned } => format!(
            "  signature  by {}, {}. A signature grants nothing\n",
            key.as_str(),
            match pinned {
                Pinned::Yes => "the key pinned for its id",
                Pinned::AnotherKey => "NOT the key pinned for its id",
                Pinned::No => "a key that is not pinned",
            }
        ),
        Signed::Invalid { why } => {
            format!("  signature  NOT VALID: {}\n", safe(why, 200))
        }
    });
    if !report.asks.is_empty() {
        text.push_str("  asks for\n");
        text.push_str(&lines(&report.asks));
    }
    text
}

/// Names of powers, a line each.
pub(crate) fn lines(names: &[String]) -> String {
    let line = |name: &String| format!("    {}\n", safe(name, 200));
    names.iter().map(line).collect()
}
