//! `footbridge-bench`: runs benchmarks and prints a table, or JSON. It only reads its arguments; the library does the rest.

use anyhow::{Context, bail};
use footbridge_bench::{Finding, Ground, Size, Which, growth, sandbox, table};
use footbridge_store::Backend;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: footbridge-bench [all|batch|call|load|broker|fuel|commit|flow|change]... [--json] [--tiny] [--deals N] [--component NAME=FILE]...
       footbridge-bench growth [--links N,N...] [--backend sled|redb] [--json]

Measures in turns with something bare and prints ratios; docs/performance.md says what each figure means. --component adds a component of
yours to batch, call and load (batch takes transforms with the template's records only). --tiny shows that everything runs; its
figures mean nothing. --deals sets how many deals `flow` syncs (1000; more than\nabout 1200 need more than the 60 calls a minute that the product allows itself at Xero, and then it waits).";

struct Arguments {
    which: Vec<Which>,
    json: bool,
    size: Size,
    deals: Option<usize>,
    components: Vec<(String, PathBuf)>,
}

fn arguments() -> anyhow::Result<Option<Arguments>> {
    let mut read = Arguments {
        which: Vec::new(),
        json: false,
        size: Size::Usual,
        deals: None,
        components: Vec::new(),
    };
    let mut given = std::env::args().skip(1);
    while let Some(word) = given.next() {
        match word.as_str() {
            "--help" | "-h" => return Ok(None),
            "--json" => read.json = true,
            "--tiny" => read.size = Size::Tiny,
            "--deals" => {
                let value = given.next().context("--deals needs a number")?;
                read.deals = Some(value.parse().context("--deals needs a number")?);
            }
            "--component" => {
                let value = given.next().context("--component needs NAME=FILE")?;
                let (name, file) = value
                    .split_once('=')
                    .context("--component needs NAME=FILE")?;
                read.components.push((name.to_owned(), file.into()));
            }
            "all" => read.which.extend(Which::ALL),
            name => match Which::ALL.into_iter().find(|which| which.name() == name) {
                Some(which) => read.which.push(which),
                None => bail!("there is no benchmark {name:?}\n{USAGE}"),
            },
        }
    }
    if read.which.is_empty() {
        read.which.extend(Which::ALL);
    }
    Ok(Some(read))
}

fn main() -> anyhow::Result<ExitCode> {
    // The product compiles plugins in a child process, without the environment.
    if std::env::args().nth(1).as_deref() == Some(footbridge_sandbox::COMPILE_COMMAND) {
        return Ok(footbridge::main());
    }
    if let Some(measured) = std::env::var_os(growth::AS_PRODUCT) {
        let ended = footbridge::main();
        growth::note_myself(Path::new(&measured))?;
        return Ok(ended);
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.split_first() {
        Some((first, rest)) if first == "growth" => grow(rest)?,
        _ => benchmarks()?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Every size in a process of its own, one after the other, in folders below the build's.
fn grow(words: &[String]) -> anyhow::Result<()> {
    let mut sizes = vec![1_000, 100_000, 1_000_000];
    let (mut json, mut alone) = (false, false);
    let mut backend = Backend::Sled;
    let mut given = words.iter();
    while let Some(word) = given.next() {
        match word.as_str() {
            "--json" => json = true,
            "--alone" => alone = true,
            "--backend" => {
                backend = match given.next().map(String::as_str) {
                    Some("sled") => Backend::Sled,
                    Some("redb") => Backend::Redb,
                    _ => bail!("--backend is sled or redb\n{USAGE}"),
                }
            }
            "--links" => {
                let list = given.next().context("--links needs numbers, N,N")?;
                sizes = list
                    .split(',')
                    .map(|n| {
                        n.trim()
                            .parse::<u64>()
                            .context("--links needs numbers, N,N")
                    })
                    .collect::<Result<_, _>>()?;
            }
            other => bail!("growth doesn't know {other:?}\n{USAGE}"),
        }
    }
    if let (true, [links]) = (alone, sizes.as_slice()) {
        let place = std::env::current_exe()?;
        let place = place.parent().context("this program has no folder")?;
        let folder = tempfile::Builder::new()
            .prefix("growth-")
            .tempdir_in(place)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let grown = runtime.block_on(growth::grown(folder.path(), *links, backend))?;
        println!("{}", serde_json::to_string(&grown)?);
        return Ok(());
    }
    let before = load();
    let mut all: Vec<growth::Grown> = Vec::new();
    for links in sizes {
        eprintln!("growth, {links} links in {backend} ...");
        let output = std::process::Command::new(std::env::current_exe()?)
            .args(["growth", "--alone", "--links", &links.to_string()])
            .args(["--backend", &backend.to_string()])
            .stderr(std::process::Stdio::inherit())
            .output()?;
        anyhow::ensure!(output.status.success(), "growth at {links} links failed");
        all.push(serde_json::from_slice(&output.stdout)?);
    }
    match json {
        true => println!(
            "{:#}",
            serde_json::json!({"load_before": before, "load_after": load(), "sizes": all})
        ),
        false => println!(
            "{}\nload average before: {before}; after: {}",
            growth::told(&all),
            load()
        ),
    }
    Ok(())
}

fn benchmarks() -> anyhow::Result<()> {
    let Some(arguments) = arguments()? else {
        println!("{USAGE}");
        return Ok(());
    };
    // As the program itself runs.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("product")
        .build()?;
    runtime.block_on(measured(arguments))
}

async fn measured(arguments: Arguments) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let sandbox = sandbox(folder.path()).await?;
    let mut ground = Ground::new(sandbox, &arguments.components, arguments.size).await?;
    if let Some(deals) = arguments.deals {
        ground.deals = deals;
    }
    let mut findings: Vec<Finding> = Vec::new();
    let before = load();
    for which in arguments.which {
        eprintln!("{} ...", which.name());
        let found = which.run(&ground).await;
        findings.extend(found.with_context(|| which.name())?);
    }
    if arguments.json {
        let all = serde_json::json!({
            "load_before": before, "load_after": load(), "findings": findings,
        });
        println!("{all:#}");
    } else {
        print!("{}", table(&findings));
        println!("\nload average before: {before}; after: {}", load());
    }
    Ok(())
}

/// The machine's load averages, where it tells.
fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").map_or_else(
        |_| "not known".to_owned(),
        |text| text.split(' ').take(3).collect::<Vec<_>>().join(" "),
    )
}
