//! Plans that people approve, the first run, and the switch, through the real program: each refusal names the thing, writes nothing,
//! and what was approved is what is written.

use crate::books::{Books, UNASKED};
use footbridge_simulators::faults::{Fault, FaultRule};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;
use std::time::Duration;

/// Of four deals of the company that many are billed.
const BILLED: usize = 3;

async fn id_of_saved(books: &Books, arguments: &[&str]) -> String {
    let saved = books
        .run(&[&["plan", "--save", "--json"], arguments].concat())
        .await;
    assert_eq!((saved.code, saved.err.as_str()), (0, ""), "{}", saved.out);
    saved.json()["saved"].as_str().unwrap().to_owned()
}

fn untouched(books: &Books) {
    let counts = (books.xero.counts().writes, books.salesforce.counts().writes);
    assert_eq!(counts, (0, 0), "nothing was written");
}

/// What holds customers' data is read by whoever made it and by nobody else.
#[cfg(unix)]
pub(crate) fn only_ours(file: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{}", file.display());
}

#[cfg(not(unix))]
pub(crate) fn only_ours(_: &std::path::Path) {}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_run_asks_and_a_yes_is_said_once() {
    let books = Books::open(4).await;
    books.change("footbridge.toml", UNASKED, "");
    let refused = books.run(&["sync"]).await;
    assert_eq!(refused.code, 2);
    assert_eq!(
        refused.err,
        "footbridge: flow deals-to-invoices has never written. Run `footbridge plan` and read what it would do; then `footbridge sync --go` does it, or save the plan, approve it and apply it (`footbridge plan --save`). `first-run = \"write\"` in [flows.deals-to-invoices.rails] never asks"
    );
    let plan = books.run(&["plan"]).await;
    assert!(plan.out.contains("`footbridge sync --go`"), "{}", plan.out);
    let whys = plan.out.matches("The deal was won on ").count();
    assert_eq!(
        whys,
        plan.out.matches(", due ").count(),
        "each says why: {}",
        plan.out
    );
    untouched(&books);
    let went = books.run(&["sync", "--go"]).await;
    assert_eq!((went.code, went.err.as_str()), (0, ""));
    books.all_is_well(books.invoices().len()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_saved_approved_in_part_and_applied_once() {
    let books = Books::open(4).await;
    books.change("footbridge.toml", UNASKED, "");
    let id = id_of_saved(&books, &[]).await;
    let listed = books.run(&["plans"]).await;
    assert!(
        listed.out.contains(&id[..8]) && listed.out.contains("open: nobody said yes"),
        "{}",
        listed.out
    );
    let early = books.run(&["plan", "apply", &id]).await;
    assert_eq!(early.code, 2);
    assert!(
        early
            .err
            .contains(&format!("plan {id} is not approved. Nothing was written")),
        "{}",
        early.err
    );
    let shown = books
        .run(&["plan", "show", &id[..8], "--json"])
        .await
        .json();
    let ops = shown["plan"]["plan"]["ops"].as_array().unwrap().clone();
    let invoice = ops.iter().find(|op| op["object"] == "invoice").unwrap();
    let deal = invoice["subject"]["record"]["id"].as_str().unwrap();
    let no = books
        .run(&["plan", "approve", &id, "--only", "006nobody"])
        .await;
    assert_eq!(no.code, 2);
    assert!(
        no.err
            .contains("nothing in the plan is about \"006nobody\""),
        "{}",
        no.err
    );
    untouched(&books);
    // The short form of the id, as Salesforce shows it in links.
    let yes = books
        .run(&["plan", "approve", &id, "--only", &deal[..15]])
        .await;
    assert_eq!((yes.code, yes.err.as_str()), (0, ""));
    let applied = books.run(&["plan", "apply", &id]).await;
    assert_eq!(
        (applied.code, applied.err.as_str()),
        (0, ""),
        "{}",
        applied.out
    );
    assert!(applied.out.contains("not approved"), "{}", applied.out);
    let made = books.invoices();
    assert_eq!(made.len(), 1);
    assert!(made[0]["Url"].as_str().unwrap().contains(deal));
    books.xero.reset_counts();
    books.salesforce.reset_counts();
    let again = books.run(&["plan", "apply", &id, "--json"]).await;
    assert_eq!(again.code, 0, "{}", again.err);
    assert_eq!(again.json()["state"], "applied");
    untouched(&books);
    // The rest by a sync: the flow has written.
    let rest = books.run(&["sync"]).await;
    assert_eq!((rest.code, rest.err.as_str()), (0, ""));
    books.all_is_well(books.invoices().len()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_file_that_was_changed_cut_or_made_elsewhere_is_refused() {
    let books = Books::open(4).await;
    let file = books.path("friday.json");
    let name = file.display().to_string();
    let out = books.run(&["plan", "--out", &name]).await;
    assert_eq!((out.code, out.err.as_str()), (0, ""), "{}", out.out);
    let over = books.run(&["plan", "--out", &name]).await;
    assert_eq!(over.code, 2);
    assert_eq!(
        over.err,
        "footbridge: BOOKS/friday.json is there already and was left as it is. Nothing was saved; name another file"
    );
    let listed = books.run(&["plan", "list", "--json"]).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    only_ours(&file);
    let whole = fs::read_to_string(&file).unwrap();
    let mut edited: Value = serde_json::from_str(&whole).unwrap();
    edited["footbridge_plan"]["plan"]["ops"][0]["doc"] = json!({"name": "Somebody else"});
    let mut other_id: Value = serde_json::from_str(&whole).unwrap();
    other_id["id"] = json!("0".repeat(32));
    let mut later: Value = serde_json::from_str(&whole).unwrap();
    later["footbridge_plan"]["expires"] = json!("2099-01-01T00:00:00Z");
    let mut newer: Value = serde_json::from_str(&whole).unwrap();
    newer["footbridge_plan"]["format"] = json!(2);
    for (text, expected) in [
        (
            edited.to_string(),
            "the plan in it was changed after it was written, so it is refused",
        ),
        (
            other_id.to_string(),
            "the plan in it was changed after it was written, so it is refused",
        ),
        (
            later.to_string(),
            "the plan in it was changed after it was written, so it is refused",
        ),
        (
            newer.to_string(),
            "is written in form 2, and this version knows 1",
        ),
        (whole[..whole.len() / 2].to_owned(), "is no whole plan file"),
        (String::new(), "is no whole plan file"),
        ("\u{1b}[2J{}".to_owned(), "is no whole plan file"),
    ] {
        fs::write(&file, &text).unwrap();
        for command in ["approve", "apply", "show"] {
            let refused = books.run(&["plan", command, &name]).await;
            assert_eq!(refused.code, 2, "{expected}: {}", refused.out);
            assert!(refused.err.contains(expected), "{}", refused.err);
            assert!(refused.err.contains("BOOKS/friday.json"), "{}", refused.err);
        }
    }
    untouched(&books);
    // Laid out otherwise, it is the same plan.
    let same: Value = serde_json::from_str(&whole).unwrap();
    fs::write(&file, same.to_string()).unwrap();
    assert_eq!(books.run(&["plan", "approve", &name]).await.code, 0);

    let others = Books::open(4).await;
    let made = books.run(&["plan", "show", &name, "--json"]).await.json();
    let installation = made["plan"]["installation"].as_str().unwrap();
    let refused = others.run(&["plan", "apply", &name]).await;
    assert_eq!(refused.code, 2);
    assert!(
        refused
            .err
            .contains(&format!("was made by installation {installation}")),
        "{}",
        refused.err
    );
    untouched(&others);
    let missing = books.run(&["plan", "apply", "no-such.json"]).await;
    assert_eq!(missing.code, 2);
    assert!(
        missing.err.contains("no-such.json: can't be read"),
        "{}",
        missing.err
    );
    let unknown = books.run(&["plan", "apply", "0123456789"]).await;
    assert_eq!(unknown.code, 2);
    assert!(
        unknown
            .err
            .contains("there is no saved plan \"0123456789\""),
        "{}",
        unknown.err
    );
    let applied = books.run(&["plan", "apply", &name]).await;
    assert_eq!(
        (applied.code, applied.err.as_str()),
        (0, ""),
        "{}",
        applied.out
    );
    books.all_is_well(books.invoices().len()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changed_after_the_yes_is_refused_and_the_rest_is_written() {
    let books = Books::open(4).await;
    let id = id_of_saved(&books, &[]).await;
    assert_eq!(books.run(&["plan", "approve", &id]).await.code, 0);
    let shown = books.run(&["plan", "show", &id, "--json"]).await.json();
    let ops = shown["plan"]["plan"]["ops"].as_array().unwrap().clone();
    let invoices: Vec<&Value> = ops.iter().filter(|op| op["object"] == "invoice").collect();
    let deal = invoices[0]["subject"]["record"]["id"].as_str().unwrap();
    let change = json!({"StageName": "Prospecting"});
    books
        .salesforce
        .edit("Opportunity", deal, change.as_object().unwrap().clone())
        .unwrap();
    let applied = books.run(&["plan", "apply", &id]).await;
    assert_eq!(applied.code, 3, "{}\n{}", applied.out, applied.err);
    assert!(applied.out.contains("stale: "), "{}", applied.out);
    assert_eq!(books.invoices().len(), invoices.len() - 1);
    assert!(
        books
            .invoices()
            .iter()
            .all(|made| !made["Url"].as_str().unwrap().contains(deal))
    );
    let listed = books.run(&["plan", "list"]).await;
    assert!(
        listed.out.contains("not all of it was written"),
        "{}",
        listed.out
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_changes_the_parts_that_differ_are_shown() {
    let books = Books::open(4).await;
    books.change(
        "footbridge.toml",
        "customers = [\"Account\"]",
        "customers = { objects = [\"Account\"] }",
    );
    let new = books.run(&["plan"]).await.out;
    let addresses = new.matches("billing address: ").count();
    assert!(addresses > 0 && !new.contains(" entry"), "{new}");
    assert_eq!(books.run(&["sync"]).await.code, 0);
    let deal = books.invoices()[0]["Url"].as_str().unwrap().to_owned();
    let deal = &deal[deal.find("006").unwrap()..][..18];
    let deal = books
        .salesforce
        .dump("Opportunity")
        .into_iter()
        .find(|one| one["Id"] == deal);
    let account = deal.unwrap()["AccountId"].as_str().unwrap().to_owned();
    let moved = json!({"BillingCity": "York"});
    books
        .salesforce
        .edit("Account", &account, moved.as_object().unwrap().clone())
        .unwrap();
    let plan = books.run(&["plan"]).await.out;
    let line = plan
        .lines()
        .find(|line| line.contains("billing address city: "));
    assert!(
        line.is_some_and(|line| line.ends_with(" -> York")),
        "{plan}"
    );
    for other in ["billing address line1", "billing address country", " entry"] {
        assert!(!plan.contains(other), "{plan}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_shows_what_is_about_a_record_and_refuses_strangers() {
    let books = Books::open(4).await;
    let plan = books.run(&["plan", "--json"]).await.json();
    let ops = plan["plan"]["ops"].as_array().unwrap().clone();
    let invoice = ops.iter().find(|op| op["object"] == "invoice").unwrap();
    let deal = invoice["subject"]["record"]["id"].as_str().unwrap();
    let part = books.run(&["plan", "--only", deal, "--json"]).await.json();
    let left = part["plan"]["ops"].as_array().unwrap();
    assert!(left.len() >= 2 && left.len() < ops.len(), "{left:?}");
    assert_eq!(part["plan"]["bills"].as_array().unwrap().len(), 1);
    let stranger = books.run(&["plan", "--only", "006nobody", "--save"]).await;
    assert_eq!(stranger.code, 2);
    assert!(
        stranger
            .err
            .contains("nothing in the plan is about \"006nobody\""),
        "{}",
        stranger.err
    );
    let waits = plan["plan"]["holds"].as_array().unwrap();
    if let Some(note) = waits.first() {
        let id = note["subject"]["record"]["id"].as_str().unwrap();
        let told = books.run(&["plan", "--only", id]).await;
        assert!(
            told.out.contains(note["reason"].as_str().unwrap()),
            "{}",
            told.out
        );
    }
    untouched(&books);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_a_yes_is_said_to_be_in_a_plan_that_is_saved() {
    let books = Books::open(4).await;
    let rails = format!("{UNASKED}approval-above = \"0.01\"\n");
    books.change("footbridge.toml", UNASKED, &rails);
    let plan = books.run(&["plan", "--json"]).await.json();
    let mut holds = plan["plan"]["holds"].as_array().unwrap().iter();
    let asks = holds
        .find(|note| note["reason"] == "needs-approval")
        .unwrap();
    let deal = asks["subject"]["record"]["id"].as_str().unwrap();
    let told = books.run(&["plan", "--only", deal]).await.out;
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "A sync would write nothing of it before somebody says yes.",
        "1 invoice waits for a yes: `footbridge plan --save` with the same `--only` keeps a plan with that in it",
    ] {
        assert!(told.contains(said), "{told}");
    }
    let kept = books.run(&["plan", "--only", deal, "--save"]).await.out;
    assert!(
        kept.contains("Saved as") && !kept.contains("for a yes:"),
        "{kept}"
    );
    untouched(&books);
}

/// Eighty columns and a pipe: no line is longer, whatever a customer is called, but for a word that can't be broken.
#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_readable_on_eighty_columns() {
    let books = Books::open(12).await;
    let id = id_of_saved(&books, &[]).await;
    let config = books.path("footbridge.toml").display().to_string();
    for arguments in [&["plan"][..], &["plan", "show", &id], &["plan", "list"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_footbridge"))
            .args(["--config", &config])
            .args(arguments)
            .env("COLUMNS", "80")
            .output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        assert!(text.lines().count() > 1, "{text}");
        for line in text.lines() {
            let long = line.chars().count() > 80 && line.trim().contains(' ');
            assert!(!long, "{line:?}");
        }
    }
    let text = books.run(&["plan"]).await.out;
    assert!(
        text.contains("Xero_Invoice_Id__c: (empty) -> <id of the invoice above>"),
        "{text}"
    );
    assert!(text.contains("calls left today"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_stops_a_sync_that_runs_in_another_process() {
    let books = Books::open(4).await;
    // The answer to the first write takes its time: meanwhile another process throws the switch.
    let slow = Fault::SlowBody { ms: 8_000 };
    books
        .xero
        .faults()
        .inject(FaultRule::on(slow, "PUT", "/Contacts"));
    books.xero.reset_counts();
    let running = {
        let held = books.start(&["sync"]);
        tokio::task::spawn_blocking(move || held.wait_with_output().unwrap())
    };
    let writing = async {
        while books.xero.counts().writes == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), writing)
        .await
        .unwrap();
    let stop = books.run(&["stop", "--why", "wrong price list"]).await;
    assert_eq!((stop.code, stop.err.as_str()), (0, ""));
    let ended = running.await.unwrap();
    let out = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{out}");
    // Lines are wrapped where they are full.
    let said = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("It was stopped before its end")
            && said.contains("(`footbridge go` lets it go on): wrong price list"),
        "{out}"
    );
    // What was sent is seen through, and nothing is in doubt.
    assert_eq!(books.xero.counts().writes, 1, "no further request left");
    assert!(books.invoices().is_empty());
    let status = books.run(&["status", "--json"]).await.json();
    assert_eq!(status["in_doubt"], 0, "{status}");
    assert!(
        status["stopped"]
            .as_str()
            .unwrap()
            .contains("wrong price list"),
        "{status}"
    );
    let refused = books.run(&["sync"]).await;
    assert_eq!(refused.code, 1);
    assert!(
        refused.err.contains("flow deals-to-invoices is stopped")
            && refused.err.contains("`footbridge go` lets it go on"),
        "{}",
        refused.err
    );
    let go = books.run(&["go"]).await;
    assert_eq!((go.code, go.err.as_str()), (0, ""));
    assert_eq!(books.run(&["sync"]).await.code, 0);
    books.all_is_well(books.invoices().len()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_is_for_one_flow_or_all_and_needs_a_reason() {
    let books = Books::open(4).await;
    for (arguments, expected) in [
        (&["stop"][..], "--why"),
        (&["stop", "--why", " "], "--why is empty"),
        (
            &["stop", "no-such", "--why", "x"],
            "there is no flow \"no-such\"",
        ),
        (&["go", "no-such"], "there is no flow \"no-such\""),
    ] {
        let refused = books.run(arguments).await;
        assert_eq!(refused.code, 2, "{arguments:?}");
        assert!(refused.err.contains(expected), "{}", refused.err);
    }
    let none = books.run(&["go"]).await;
    assert!(
        none.out.contains("was not stopped by its own name"),
        "{}",
        none.out
    );
    assert_eq!(
        books
            .run(&["stop", "--all", "--why", "audit\u{1b}[2J"])
            .await
            .code,
        0
    );
    let still = books.run(&["go"]).await;
    assert!(
        still.out.contains("It is still held") && !still.out.contains('\u{1b}'),
        "{}",
        still.out
    );
    let refused = books.run(&["sync"]).await;
    assert!(
        refused.code == 1 && refused.err.contains("stopped all flows"),
        "{}",
        refused.err
    );
    untouched(&books);
    assert_eq!(books.run(&["plan"]).await.code, 0);
    // One that can't be read counts as thrown.
    let switch = books.path("footbridge-data/stops/all.json");
    fs::write(&switch, "{").unwrap();
    assert_eq!(books.run(&["sync"]).await.code, 1);
    assert_eq!(books.run(&["go", "--all"]).await.code, 0);
    assert_eq!(books.run(&["sync"]).await.code, 0);
    assert!(books.invoices().len() >= BILLED - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rails_that_can_not_be_meant_name_line_and_key() {
    let books = Books::open(4).await;
    let rails = "\n[flows.deals-to-invoices.rails]\n";
    for (said, expected) in [
        (
            "approval-above = 5000",
            "expected an amount as text such as \"5000.00\"",
        ),
        (
            "approval-above = { pounds = \"1\" }",
            "\"pounds\" is no currency code",
        ),
        ("pilot = { ten = 10 }", "unknown variant `ten`"),
        ("most-writes = 3", "unknown field `most-writes`"),
        ("pilot = { where = { Nothing__c = \"x\" } }", "Nothing__c"),
    ] {
        books.change("footbridge.toml", UNASKED, &format!("{rails}{said}\n"));
        let refused = books.run(&["plan"]).await;
        if said.contains("Nothing__c") {
            // Salesforce itself says that it has no such field.
            assert_ne!(refused.code, 0, "{}", refused.out);
        } else {
            assert_eq!(refused.code, 2, "{said}: {}", refused.out);
        }
        assert!(refused.err.contains(expected), "{}", refused.err);
        books.change("footbridge.toml", &format!("{rails}{said}\n"), UNASKED);
    }
    untouched(&books);
}
