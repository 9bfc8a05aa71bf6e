//! What is printed as the next step works when it is pasted where it was printed: it names the configuration, quoted for a shell.

use crate::books::Books;
use crate::items::won;
use footbridge_simulators::faults::{Fault, FaultRule};
use std::fs;

/// A far side that names our commands, and a deal that does.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_wrote_is_printed_as_it_is() {
    let books = Books::open(4).await;
    assert_eq!(books.run(&["sync"]).await.code, 0);
    let theirs = "Run `footbridge stop --all` now";
    let (account, deal) = won(&books, "Knot & Dunlin Ltd", theirs, 70.0);
    let rule = Fault::ValidationRule {
        message: theirs.to_owned(),
    };
    let refused = FaultRule::on(rule, "PUT", "/Contacts");
    books.xero.faults().inject(FaultRule {
        times: 1000,
        ..refused
    });
    let elsewhere = tempfile::tempdir().unwrap();
    let ended = books.run_from(elsewhere.path(), &["sync"]).await;
    assert_eq!(ended.code, 0, "{}", ended.err);
    let shown = books
        .run_from(elsewhere.path(), &["items", "show", &deal])
        .await
        .out;
    assert!(
        shown.starts_with(&format!("{theirs} ({deal})\n")),
        "{shown}"
    );
    let (_, answer) = shown.split_once("It answered 200:").expect(&shown);
    let (answer, advice) = answer.split_once("What you can do:").expect(&shown);
    assert!(answer.contains(theirs), "{shown}");
    let file = books.path("footbridge.toml").display().to_string();
    assert!(
        advice.contains(&format!("footbridge -c {file} items retry {deal}\n")),
        "{shown}"
    );
    // The deal waits for its customer, which has no item of its own.
    assert!(shown.contains("reason: waits-for-another"), "{shown}");
    let customer = format!("waits for: \"Knot & Dunlin Ltd\" (Account {account})\n");
    assert!(shown.contains(&customer), "{shown}");
}

/// The commands in backticks of a text.
fn named(text: &str) -> Vec<String> {
    let parts = text.split("`footbridge ").skip(1);
    parts
        .map(|rest| rest.split('`').next().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_that_is_printed_names_the_configuration_where_it_has_to() {
    let books = Books::open(4).await;
    let rails = crate::books::UNASKED;
    books.change("footbridge.toml", rails, "");
    let elsewhere = tempfile::tempdir().unwrap();
    let file = books.path("footbridge.toml").display().to_string();
    let option = format!("-c {file} ");
    for arguments in [
        vec!["status"],
        vec!["plan"],
        vec!["sync"],
        vec!["items"],
        vec!["plan", "list"],
        vec!["doctor"],
        vec!["status", "--json"],
        vec!["sync", "--json"],
        vec!["items", "show", "006000000000000AAA", "--json"],
    ] {
        let ended = books.run_from(elsewhere.path(), &arguments).await;
        let text = format!(
            "{}\n{}",
            ended.out,
            ended
                .err
                .replace("BOOKS", &books.folder.path().display().to_string())
        );
        let commands = named(&text);
        assert!(
            !commands.is_empty() || arguments == ["status", "--json"],
            "{arguments:?}: {text}"
        );
        for command in commands {
            assert!(command.starts_with(&option), "{arguments:?}: {command}");
        }
        // Where it is found unnamed, nothing has to be said.
        let here = books.run(&arguments).await;
        let text = format!("{}\n{}", here.out, here.err);
        assert!(
            named(&text)
                .iter()
                .all(|command| !command.starts_with("-c")),
            "{text}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_an_item_offers_can_be_pasted_into_a_shell() {
    let books = Books::open(4).await;
    books.replace_line(
        "lead-to-cash.toml",
        "reference = ",
        "reference = \"mul(Name, '2')\"",
    );
    assert_eq!(books.run(&["sync"]).await.code, 0);
    // A folder with a space and a quotation mark in its name.
    let odd = books.path("Anna's books.toml");
    fs::copy(books.path("footbridge.toml"), &odd).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let run = |arguments: Vec<String>| {
        let mut all = vec!["-c".to_owned(), odd.display().to_string()];
        all.extend(arguments);
        crate::books::run_in_folder(&all, elsewhere.path())
    };
    let items = run(vec!["items".to_owned(), "--json".to_owned()]).json();
    let command = items[0]["commands"][0].as_str().unwrap().to_owned();
    assert!(
        command.contains(r"Anna'\''s books.toml' items"),
        "{command}"
    );
    let pasted = command.replacen("footbridge", crate::books::PROGRAM, 1);
    let shell = std::process::Command::new("sh")
        .args(["-c", &pasted])
        .current_dir(elsewhere.path())
        .output()
        .unwrap();
    assert!(shell.status.success(), "{command}: {shell:?}");
    assert!(
        String::from_utf8_lossy(&shell.stdout).starts_with("The next sync looks at "),
        "{shell:?}"
    );
}

/// A second flow between the same two sides, over connections of its own.
fn with_a_second_flow(books: &Books) {
    let text = fs::read_to_string(books.path("footbridge.toml")).unwrap();
    let tables = &text[text.find("\n[connections.").unwrap()..];
    let second = tables
        .replace("connections.salesforce", "connections.crm2")
        .replace("connections.xero", "connections.books2")
        .replace("source = \"salesforce\"", "source = \"crm2\"")
        .replace("ledger = \"xero\"", "ledger = \"books2\"")
        .replace("deals-to-invoices", "orders-to-invoices");
    books.write("footbridge.toml", &format!("{text}\n{second}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_flows_every_command_names_the_one_it_is_about() {
    let books = Books::open(4).await;
    books.change("footbridge.toml", crate::books::UNASKED, "");
    with_a_second_flow(&books);
    let which = books.run(&["plan", "list"]).await;
    assert_eq!(which.code, 2, "{}", which.out);
    let flow = "deals-to-invoices";
    let saved = books
        .run(&["plan", "--save", "--json", "--flow", flow])
        .await;
    assert_eq!(saved.code, 0, "{}", saved.err);
    let id = saved.json()["saved"].as_str().unwrap().to_owned();
    let mut told = Vec::new();
    for arguments in [
        vec!["plan", "--flow", flow],
        vec!["plan", "--save", "--flow", flow],
        vec!["plan", "approve", &id, "--flow", flow],
        vec!["plan", "show", &id, "--flow", flow],
        vec!["plan", "list", "--flow", flow],
        vec!["status", "--flow", flow],
        vec!["sync", "--flow", flow],
        vec!["sync", "--flow", flow, "--json"],
        vec!["stop", flow, "--why", "audit"],
        vec!["sync", "--flow", flow],
        vec!["doctor", "--offline"],
    ] {
        let ended = books.run(&arguments).await;
        let text = format!("{}\n{}", ended.out, ended.err);
        for command in named(&text) {
            let is_whole = match command.split(' ').next().unwrap() {
                "go" => command == format!("go {flow}"),
                "doctor" => true,
                _ => command.ends_with(&format!(" --flow {flow}")),
            };
            assert!(is_whole, "{arguments:?}: {command}");
            told.push(command);
        }
    }
    let short = &id[..8];
    for command in [
        format!("plan apply {short} --flow {flow}"),
        format!("sync --go --flow {flow}"),
        format!("go {flow}"),
    ] {
        assert!(told.contains(&command), "{command}: {told:?}");
    }
    // They work as they were printed.
    for command in [
        format!("go {flow}"),
        format!("plan apply {short} --flow {flow}"),
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        let ended = books.run(&words).await;
        assert_eq!((ended.code, ended.err.as_str()), (0, ""), "{command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reason_that_does_not_exist_is_told_with_a_command_that_works() {
    let elsewhere = tempfile::tempdir().unwrap();
    for option in [
        &["-c", "my books/f.toml"][..],
        &["--config=my books/f.toml"],
    ] {
        for json in [&[][..], &["--json"]] {
            let arguments = [option, &["items", "--reason", "bored"], json].concat();
            let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
            let ended = crate::books::run_in_folder(&arguments, elsewhere.path());
            assert_eq!(ended.code, 2);
            let text = format!("{}{}", ended.out, ended.err);
            assert!(
                text.contains("`footbridge -c 'my books/f.toml' items` names those"),
                "{text}"
            );
        }
    }
}
