//! `footbridge-simulators`: serves both simulators, filled with the believable company if asked for.
//!
//! One JSON line on standard output says where they are and how to get in; they stay until a signal to
//! end or the end of standard input. It decides nothing about the APIs: that is the library's.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use chrono::{DateTime, SubsecRound, Utc};
use footbridge_simulators::clock::SimClock;
use footbridge_simulators::company::{CompanyOptions, USUAL_DEALS, build, customers_pay};
use footbridge_simulators::salesforce::{SalesforceOptions, SalesforceSimulator};
use footbridge_simulators::xero::{XeroOptions, XeroSimulator};
use serde_json::{Value, json};

const USAGE: &str = "usage: footbridge-simulators [--xero ADDRESS:PORT] [--salesforce ADDRESS:PORT]
    [--company [--deals N] [--seed S]] [--customers-pay-until RFC3339] [--as-of RFC3339] [--switch NAME=VALUE]...

Serves a simulated Xero and a simulated Salesforce (default 127.0.0.1:0, any free port), prints one JSON
line with their addresses and credentials, and stays until SIGTERM, Ctrl-C or the end of standard input.
--as-of sets the clocks to that instant and lets them run. --customers-pay-until has the company's customers
pay, bounce, claim back and so on up to that day; later, POST /_sim/customers-pay does. Switches are listed in ASSUMPTIONS.md;
write xero.NAME or salesforce.NAME where both vendors have one of that name.";

struct Arguments {
    xero: SocketAddr,
    salesforce: SocketAddr,
    company: Option<(usize, u64)>,
    as_of: Option<DateTime<Utc>>,
    paid_until: Option<DateTime<Utc>>,
    switches: Vec<(String, String)>,
}

enum Asked {
    Serve(Box<Arguments>),
    Help,
}

fn main() -> ExitCode {
    let arguments = match arguments(std::env::args().skip(1)) {
        Ok(Asked::Help) => {
            print_line(USAGE);
            return ExitCode::SUCCESS;
        }
        Ok(Asked::Serve(arguments)) => arguments,
        Err(problem) => return fail(&format!("{problem}\n{USAGE}"), 2),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(problem) => return fail(&format!("no runtime: {problem}"), 1),
    };
    let served = runtime.block_on(serve(*arguments));
    // A read of standard input that never ends must not keep the process.
    runtime.shutdown_background();
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => fail(&problem, 1),
    }
}

fn fail(problem: &str, code: u8) -> ExitCode {
    // Nobody is left to tell when standard error is closed.
    let _ignored = writeln!(std::io::stderr(), "footbridge-simulators: {problem}");
    ExitCode::from(code)
}

fn print_line(line: &str) {
    let mut out = std::io::stdout();
    let _ignored = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Asked, String> {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut arguments = Arguments {
        xero: any,
        salesforce: any,
        company: None,
        as_of: None,
        paid_until: None,
        switches: Vec::new(),
    };
    let (mut deals, mut seed) = (None, None);
    while let Some(name) = given.next() {
        if name == "--help" || name == "-h" {
            return Ok(Asked::Help);
        }
        if name == "--company" {
            arguments.company = Some((USUAL_DEALS, 1));
            continue;
        }
        let value = given
            .next()
            .ok_or_else(|| format!("{name} needs a value"))?;
        let wrong = || format!("{name} cannot be {value:?}");
        match name.as_str() {
            "--xero" => arguments.xero = value.parse().map_err(|_| wrong())?,
            "--salesforce" => arguments.salesforce = value.parse().map_err(|_| wrong())?,
            "--deals" => deals = Some(value.parse().map_err(|_| wrong())?),
            "--seed" => seed = Some(value.parse().map_err(|_| wrong())?),
            "--customers-pay-until" => {
                arguments.paid_until = Some(value.parse().map_err(|_| wrong())?);
            }
            "--as-of" => arguments.as_of = Some(value.parse().map_err(|_| wrong())?),
            "--switch" => {
                let (switch, setting) = value.split_once('=').ok_or_else(wrong)?;
                arguments
                    .switches
                    .push((switch.to_owned(), setting.to_owned()));
            }
            _ => return Err(format!("unknown option {name}")),
        }
    }
    match (&mut arguments.company, deals, seed) {
        (None, None, None) => {}
        (None, _, _) => return Err("--deals and --seed go with --company".to_owned()),
        (Some(company), deals, seed) => {
            *company = (deals.unwrap_or(company.0), seed.unwrap_or(company.1))
        }
    }
    Ok(Asked::Serve(Box::new(arguments)))
}

/// Sets a switch at the vendor that has it.
fn set(
    switch: &str,
    value: &str,
    xero: &mut XeroOptions,
    salesforce: &mut SalesforceOptions,
) -> Result<(), String> {
    let at_xero = |xero: &mut XeroOptions, name: &str| {
        xero.switches
            .set(name, value)
            .map_err(|problem| problem.to_string())
    };
    let at_salesforce = |salesforce: &mut SalesforceOptions, name: &str| {
        salesforce
            .set(name, value)
            .map_err(|problem| problem.to_string())
    };
    match switch.split_once('.') {
        Some(("xero", name)) => at_xero(xero, name),
        Some(("salesforce", name)) => at_salesforce(salesforce, name),
        _ => at_xero(xero, switch).or_else(|first| {
            at_salesforce(salesforce, switch).map_err(|second| format!("{first}; {second}"))
        }),
    }
}

async fn serve(arguments: Arguments) -> Result<(), String> {
    let clock = SimClock::system();
    if let Some(as_of) = arguments.as_of {
        clock.advance(as_of - clock.now());
    }
    let as_of = arguments
        .as_of
        .unwrap_or_else(|| clock.now())
        .trunc_subsecs(0);
    let company = arguments
        .company
        .map(|(deals, seed)| build(CompanyOptions { deals, seed, as_of }));
    let (mut xero_options, mut salesforce_options) =
        company.as_ref().map_or_else(Default::default, |company| {
            (company.xero_options(), company.salesforce_options())
        });
    for (switch, value) in &arguments.switches {
        set(switch, value, &mut xero_options, &mut salesforce_options)?;
    }
    let (client, secret) = (
        salesforce_options.client_id.clone(),
        salesforce_options.client_secret.clone(),
    );
    let credentials = xero_options.credentials.clone();
    let xero = XeroSimulator::new(xero_options, clock.clone());
    let salesforce = SalesforceSimulator::new(salesforce_options, clock);
    if let Some(company) = &company {
        company
            .seed_into(&salesforce, &xero)
            .map_err(|problem| in_full(&problem))?;
    }
    if let Some(until) = arguments.paid_until {
        let seed = arguments.company.map_or(1, |(_, seed)| seed);
        customers_pay(&xero, seed, until).map_err(|problem| in_full(&problem))?;
    }
    let listening = |what: &str, address: SocketAddr| {
        let what = what.to_owned();
        move |problem: std::io::Error| format!("{what} cannot listen on {address}: {problem}")
    };
    let at_xero = xero
        .serve(arguments.xero)
        .await
        .map_err(listening("Xero", arguments.xero))?;
    let at_salesforce = salesforce
        .serve(arguments.salesforce)
        .await
        .map_err(listening("Salesforce", arguments.salesforce))?;
    let entry = |position: usize| {
        let credential = credentials.get(position)?;
        Some(json!({
            "base_url": at_xero.base_url,
            "token_url": format!("{}/connect/token", at_xero.base_url),
            "client_id": credential.client_id,
            "client_secret": credential.client_secret,
            "organisation_id": xero.organisation_id(credential.organisation)?.to_string(),
        }))
    };
    let mut line = BTreeMap::from([
        ("xero", json!(entry(0))),
        ("xero_bystander", json!(entry(1))),
        (
            "salesforce",
            json!({
                "base_url": at_salesforce.base_url,
                "token_url": format!("{}/services/oauth2/token", at_salesforce.base_url),
                "client_id": client,
                "client_secret": secret,
                "organisation_id": salesforce.organisation_id(),
            }),
        ),
        ("as_of", json!(as_of)),
    ]);
    line.insert(
        "go_live",
        company
            .as_ref()
            .map_or(Value::Null, |company| json!(company.go_live)),
    );
    print_line(&json!(line).to_string());
    stay().await;
    at_xero.stop().await;
    at_salesforce.stop().await;
    Ok(())
}

/// The error with its causes.
fn in_full(problem: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(problem.source(), |cause| cause.source());
    causes.fold(problem.to_string(), |text, cause| {
        format!("{text}: {cause}")
    })
}

/// Until a signal to end, or the end of standard input.
async fn stay() {
    let input = tokio::task::spawn_blocking(|| {
        // Whatever is typed is thrown away; an unreadable input has ended too.
        std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink()).is_ok()
    });
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<Option<()>>();
    tokio::select! {
        _ = input => {}
        _ = terminated => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
