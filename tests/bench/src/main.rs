//! `footbridge-bench`: runs benchmarks and prints a table, or JSON. It only reads its arguments; the library does the rest.

use anyhow::{Context, bail};
use footbridge_bench::{Finding, Ground, Size, Which, sandbox, table};
use std::path::PathBuf;

const USAGE: &str = "usage: footbridge-bench [all|batch|call|load|broker|fuel|commit|flow|change]... [--json] [--tiny] [--deals N] [--component NAME=FILE]...

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

fn main() -> anyhow::Result<()> {
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
