//! The mutation check: makes each simulator wrong in one known way after the other, and tells which of the independent checks notice.
//!
//! The checks share no code with host or plugins: the simulators' own tests (written from the vendors' specifications and from recorded
//! answers), the check against Xero's OpenAPI, the vendors' and strangers' client libraries, the believable company's tests, and the
//! auditor. A control run without a defect comes first and must pass; the checks then go cheapest first, up to the first that fails.
//! It changes nothing but what the tests themselves write under `target/`.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a program for developers: what it can't start it can't check"
)]

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use footbridge_simulators::defects::{Defect as _, VARIABLE};
use footbridge_simulators::{salesforce, xero};
use serde_json::{Value, json};

const USAGE: &str = "usage: defects [--list] [--json] [--vendor xero|salesforce] [--only NAME]... [--without-foreign]

Runs the independent checks against each seeded defect and prints which check caught it. Ends with 1 where the control run fails, or where
a defect is missed that tests/simulators/missed-defects.txt doesn't list. --without-foreign leaves out what needs Python or Node.";

/// How long one check may take at least; a simulator that is wrong may keep a client waiting for ever.
const LONGEST: Duration = Duration::from_secs(300);
/// How much longer than in the control run.
const TIMES: u32 = 10;

/// A compiled test binary, or a part of it.
struct Check {
    name: &'static str,
    vendors: &'static [&'static str],
    target: &'static str,
    arguments: &'static [&'static str],
    needs: Needs,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    /// Python or Node with packages.
    Foreign,
}

const BOTH: &[&str] = &["xero", "salesforce"];

const CHECKS: [Check; 11] = [
    check(
        "queries (SOQL)",
        &["salesforce"],
        "salesforce_soql",
        &[],
        Needs::Nothing,
    ),
    check(
        "records and deals",
        &["salesforce"],
        "salesforce_deals",
        &[],
        Needs::Nothing,
    ),
    check(
        "HTTP and consent",
        &["salesforce"],
        "salesforce_http",
        &[],
        Needs::Nothing,
    ),
    check(
        "deployments",
        &["salesforce"],
        "salesforce_setup",
        &[],
        Needs::Nothing,
    ),
    check(
        "jsforce, simple-salesforce",
        &["salesforce"],
        "foreign_salesforce",
        &[],
        Needs::Foreign,
    ),
    check(
        "behaviour from the specification",
        &["xero"],
        "xero",
        &["--skip", "schema::"],
        Needs::Nothing,
    ),
    check(
        "Xero's OpenAPI",
        &["xero"],
        "xero",
        &["schema::"],
        Needs::Foreign,
    ),
    check(
        "xero-python",
        &["xero"],
        "foreign_xero",
        &[],
        Needs::Foreign,
    ),
    check("the company", BOTH, "company", &[], Needs::Nothing),
    check("its customers", BOTH, "payers", &[], Needs::Nothing),
    check("the auditor", BOTH, "audited", &[], Needs::Foreign),
];

const fn check(
    name: &'static str,
    vendors: &'static [&'static str],
    target: &'static str,
    arguments: &'static [&'static str],
    needs: Needs,
) -> Check {
    Check {
        name,
        vendors,
        target,
        arguments,
        needs,
    }
}

#[derive(Default)]
struct Asked {
    list: bool,
    json: bool,
    vendor: Option<String>,
    only: Vec<String>,
    without_foreign: bool,
}

struct Seeded {
    vendor: &'static str,
    name: &'static str,
    sentence: &'static str,
}

/// What a check said.
enum Said {
    Passed(Duration),
    Failed { tests: Vec<String>, text: String },
}

fn main() -> ExitCode {
    let asked = match arguments() {
        Ok(asked) => asked,
        Err(problem) => {
            say(&format!("{problem}\n{USAGE}"));
            return ExitCode::from(2);
        }
    };
    let seeded: Vec<Seeded> = all()
        .into_iter()
        .filter(|one| {
            asked
                .vendor
                .as_deref()
                .is_none_or(|vendor| vendor == one.vendor)
        })
        .filter(|one| asked.only.is_empty() || asked.only.iter().any(|name| name == one.name))
        .collect();
    if asked.list {
        for one in &seeded {
            println!("{:<10} {:<32} {}", one.vendor, one.name, one.sentence);
        }
        return ExitCode::SUCCESS;
    }
    if seeded.is_empty() {
        say("no such defect; --list tells them");
        return ExitCode::from(2);
    }
    let binaries = compiled();
    let mut checks: Vec<(&Check, &Path, Duration)> = Vec::new();
    for check in CHECKS
        .iter()
        .filter(|check| !(asked.without_foreign && check.needs == Needs::Foreign))
    {
        if !seeded.iter().any(|one| check.vendors.contains(&one.vendor)) {
            continue;
        }
        let Some(binary) = binaries.get(check.target) else {
            say(&format!("cargo built no test {}", check.target));
            return ExitCode::FAILURE;
        };
        match run(check, binary, None, LONGEST) {
            Said::Passed(took) => checks.push((check, binary, took)),
            Said::Failed { text, .. } => {
                say(&format!(
                    "the control run fails without a defect, in {}:\n{text}",
                    check.name
                ));
                return ExitCode::FAILURE;
            }
        }
    }
    checks.sort_by_key(|(_, _, took)| *took);
    say(&format!(
        "control run: {} checks pass; {} defects to go",
        checks.len(),
        seeded.len()
    ));
    report(&asked, &seeded, &checks)
}

/// Runs everything, prints the table, judges.
fn report(asked: &Asked, seeded: &[Seeded], checks: &[(&Check, &Path, Duration)]) -> ExitCode {
    let listed = listed();
    let mut rows: Vec<Value> = Vec::new();
    let mut verdict = ExitCode::SUCCESS;
    for one in seeded {
        let mut caught = None;
        for (check, binary, took) in checks
            .iter()
            .filter(|(check, _, _)| check.vendors.contains(&one.vendor))
        {
            if let Said::Failed { tests, .. } =
                run(check, binary, Some(one.name), LONGEST.max(*took * TIMES))
            {
                caught = Some((check.name, tests));
                break;
            }
        }
        let known = listed.iter().any(|name| name == one.name);
        let shown = match (&caught, known) {
            (Some((check, tests)), false) => {
                format!(
                    "caught by {check}: {}",
                    tests.first().map_or("", String::as_str)
                )
            }
            (Some((check, _)), true) => {
                format!("caught by {check}, though missed-defects.txt lists it")
            }
            (None, true) => "MISSED (listed)".to_owned(),
            (None, false) => {
                verdict = ExitCode::FAILURE;
                "MISSED".to_owned()
            }
        };
        if !asked.json {
            println!("{:<10} {:<32} {shown}", one.vendor, one.name);
        }
        rows.push(json!({
            "vendor": one.vendor, "defect": one.name, "sentence": one.sentence,
            "caught_by": caught.as_ref().map(|(check, _)| check), "tests": caught.as_ref().map(|(_, tests)| tests),
        }));
    }
    let mut totals = BTreeMap::new();
    for row in &rows {
        let total: &mut (usize, usize) = totals
            .entry(row["vendor"].as_str().unwrap_or_default())
            .or_default();
        total.0 += 1;
        total.1 += usize::from(!row["caught_by"].is_null());
    }
    let mut by_check: BTreeMap<&str, usize> = BTreeMap::new();
    for check in rows.iter().filter_map(|row| row["caught_by"].as_str()) {
        *by_check.entry(check).or_default() += 1;
    }
    if asked.json {
        let vendors: BTreeMap<_, _> = totals
            .iter()
            .map(|(vendor, (all, caught))| {
                (
                    *vendor,
                    json!({"defects": all, "caught": caught, "missed": all - caught}),
                )
            })
            .collect();
        println!(
            "{}",
            json!({"vendors": vendors, "first_caught_by": by_check, "defects": rows})
        );
    } else {
        for (vendor, (all, caught)) in &totals {
            println!(
                "{vendor}: {caught} of {all} caught, {} missed",
                all - caught
            );
        }
        for (check, count) in &by_check {
            println!("first caught by {check}: {count}");
        }
    }
    verdict
}

fn arguments() -> Result<Asked, String> {
    let mut asked = Asked::default();
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let mut value = || given.next().ok_or_else(|| format!("{name} needs a value"));
        match name.as_str() {
            "--list" => asked.list = true,
            "--json" => asked.json = true,
            "--without-foreign" => asked.without_foreign = true,
            "--vendor" => asked.vendor = Some(value()?),
            "--only" => asked.only.push(value()?),
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(asked)
}

fn all() -> Vec<Seeded> {
    let xero = xero::Defect::ALL
        .iter()
        .map(|defect| ("xero", defect.name(), defect.sentence()));
    let salesforce = salesforce::Defect::ALL
        .iter()
        .map(|defect| ("salesforce", defect.name(), defect.sentence()));
    xero.chain(salesforce)
        .map(|(vendor, name, sentence)| Seeded {
            vendor,
            name,
            sentence,
        })
        .collect()
}

/// The names in `missed-defects.txt`.
fn listed() -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("missed-defects.txt");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(':').next())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

/// Builds the test binaries, in the profile of this program, and tells where they are.
fn compiled() -> BTreeMap<String, PathBuf> {
    let mut build = Command::new("cargo");
    build.args([
        "test",
        "--package",
        "footbridge-simulators",
        "--no-run",
        "--message-format=json",
    ]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let built = build
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo starts");
    String::from_utf8_lossy(&built.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["profile"]["test"] == true)
        .filter_map(|message| {
            let name = message["target"]["name"].as_str()?.to_owned();
            Some((name, PathBuf::from(message["executable"].as_str()?)))
        })
        .collect()
}

/// Runs a check to its end, or to the end of patience.
fn run(check: &Check, binary: &Path, defect: Option<&str>, patience: Duration) -> Said {
    let mut command = Command::new(binary);
    command
        .args(check.arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("FOOTBRIDGE_FOREIGN", "required")
        .env("FOOTBRIDGE_FOREIGN_REQUIRED", "1")
        .env_remove(VARIABLE)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(defect) = defect {
        command.env(VARIABLE, defect);
    }
    let begun = Instant::now();
    let mut child = command.spawn().expect("a compiled test starts");
    let mut out = child.stdout.take().expect("its output was asked for");
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is all there is to say.
        let _ignored = out.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let ended = loop {
        match child.try_wait().expect("a child can be asked") {
            Some(status) => break Some(status),
            None if begun.elapsed() > patience => {
                child.kill().expect("a child of ours can be stopped");
                child.wait().expect("a child can be waited for");
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let took = begun.elapsed();
    if ended.is_some_and(|status| status.success()) {
        return Said::Passed(took);
    }
    if ended.is_none() {
        return Said::Failed {
            tests: vec![format!("not done after {} s", patience.as_secs())],
            text: String::new(),
        };
    }
    let text = reader.join().unwrap_or_default();
    let tests: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"))
        .map(str::to_owned)
        .collect();
    Said::Failed { tests, text }
}

fn say(text: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ignored = writeln!(std::io::stderr(), "{text}");
}
