//! What people see: hostile names, narrow terminals, a reader that stops reading, and the plan as a page.

use crate::books::Books;
use serde_json::json;
use std::io::Read;
use std::process::{Command, Stdio};

/// Everything that moves a cursor or turns text round is gone, whatever a customer is called; `--json` has the name as it is.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_are_shown_harmlessly() {
    let books = Books::open(4).await;
    let name = format!(
        "\u{1b}[2J\u{202e}🚀 شركة <script>alert(1)</script> {}",
        "x".repeat(200)
    );
    let id = books
        .salesforce
        .create(
            "Account",
            json!({"Name": name, "BillingCountryCode": "GB"})
                .as_object()
                .unwrap()
                .clone(),
        )
        .unwrap();
    let deal = json!({
        "Name": "\u{1b}]0;title\u{7}\u{200b}deal", "AccountId": id, "StageName": "Closed Won", "CloseDate": "2026-01-01",
        "Amount": 12.34, "CurrencyIsoCode": "GBP",
    });
    books
        .salesforce
        .create("Opportunity", deal.as_object().unwrap().clone())
        .unwrap();
    let plan = books.run(&["plan"]).await;
    assert_eq!((plan.code, plan.err.as_str()), (0, ""));
    assert!(
        plan.out.contains("GBP 12.34 net + 2.47 tax = 14.81"),
        "{}",
        plan.out
    );
    assert!(
        plan.out.contains("🚀 شركة <script>alert(1)</script>"),
        "{}",
        plan.out
    );
    let json = books.run(&["plan", "--json"]).await;
    assert!(
        json.json()
            .to_string()
            .contains(&serde_json::to_string(&name).unwrap())
    );
    let sync = books.run(&["sync"]).await;
    assert_eq!((sync.code, sync.err.as_str()), (0, ""));
    let items = books.run(&["items", "--all"]).await;
    for text in [plan.out, sync.out, items.out] {
        let bad = |c: char| {
            (c.is_control() && c != '\n')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        };
        assert!(!text.contains(bad), "{text:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_everything_about_an_invoice_on_any_width() {
    let books = Books::open(4).await;
    let plan = books.run(&["plan"]).await;
    let first = plan.out.split("\n\n").nth(2).unwrap();
    let tidewater = plan
        .out
        .split("\n\n")
        .find(|part| part.contains("Tidewater"))
        .unwrap_or(first);
    for said in [
        "Tidewater: new till points\n",
        "to Tidewater Cafés Ltd (new customer)\n",
        ", the ledger's next number, authorised, reference PO-77120\n",
        "GBP 1100.31 net + 209.71 tax = 1310.02",
    ] {
        assert!(tidewater.contains(said), "{said:?} is not in\n{tidewater}");
    }
    assert!(
        plan.out.contains("of 4"),
        "the calls that are left: {}",
        plan.out
    );
    assert!(books.invoices().is_empty(), "a plan writes nothing");
    let output = Command::new(env!("CARGO_BIN_EXE_footbridge"))
        .args([
            "--config",
            &books.path("footbridge.toml").display().to_string(),
            "plan",
        ])
        .env("COLUMNS", "40")
        .output();
    let narrow = String::from_utf8(output.unwrap().stdout).unwrap();
    for line in narrow.lines().filter(|line| line.starts_with("  ")) {
        assert!(
            line.chars().count() <= 40 || !line.trim().contains(' '),
            "{line:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stops_reading_is_no_failure() {
    let books = Books::open(12).await;
    let config = books.path("footbridge.toml").display().to_string();
    let ended = tokio::task::spawn_blocking(move || {
        let mut child = Command::new(env!("CARGO_BIN_EXE_footbridge"))
            .args(["--config", &config, "plan", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = child.stdout.take().unwrap();
        out.read_exact(&mut [0; 1]).unwrap();
        drop(out);
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        (child.wait().unwrap().code(), said)
    });
    assert_eq!(ended.await.unwrap(), (Some(0), String::new()));
}

#[test]
fn nobody_listens_and_the_exit_code_is_what_it_would_be() {
    for (arguments, code) in [
        (["-c", "no-such-file", "status"].as_slice(), 2),
        (&["no-such-command"], 2),
        (&["completions", "bash"], 0),
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_footbridge"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop((child.stdout.take(), child.stderr.take()));
        assert_eq!(child.wait().unwrap().code(), Some(code), "{arguments:?}");
    }
}
